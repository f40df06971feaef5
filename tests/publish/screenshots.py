"""Pictures of a report and of the site's first page: ``python tests/publish/screenshots.py SITE FOLDER``.

Takes the first page and every report at desktop and phone width from a built site (``reports/site``).
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}


def pages(site: Path) -> dict[str, Path]:
    """The first page, and every self-contained report, by name."""
    reports = sorted(site.glob("reports/*/*/report.html"))
    return {"site": site / "index.html"} | {page.parents[1].name: page for page in reports}


def shoot(page: Path, picture: Path, width: int = 1280, height: int = 900, *, whole: bool = False) -> None:
    """Write a PNG of the page's first screen, or of all of it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": width, "height": height})
        tab.goto(page.absolute().as_uri())
        tab.screenshot(path=picture, full_page=whole)
        browser.close()


def main(site: Path, folder: Path) -> None:
    """All pages at all widths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages(site).items():
        for screen, (width, height) in WIDTHS.items():
            shoot(page, folder / f"{name}-{screen}.png", width, height)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
