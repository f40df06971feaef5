"""What stands beside a report's page: its pages, workbook, tables and attachments, copied out of the bundle.

A bundle is never rewritten, so the site holds no link to its files: whoever edits one here edits a copy.
Between one site and the next a file that did not change is linked.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from salesops_lib.publish.checked import walk
from salesops_lib.publish.history import Bundle, ReportHistory
from salesops_lib.publish.rendering.render import PLAYBOOKS
from salesops_lib.publish.site.shell import SiteError

_LAST_GOOD = re.compile(r'(<a class="last-good" href=")[^"]*')


def link(source: str | Path, target: str | Path) -> None:
    """The same file in another place; a copy where the disk cannot link."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def beside(site: Path, page: str) -> dict[str, list[int]]:
    """Size and time of a report's page (``reports/a/b.html``) and of each file beside it, by path."""
    folder = page.removesuffix(".html")
    try:
        own = (site / page).stat()
        found = [(page, own), *walk(site / folder, f"{folder}/")]
    except OSError:
        return {}
    return {path: [stat.st_size, stat.st_mtime_ns] for path, stat in sorted(found, key=lambda f: f[0])}


def link_all(before: Path, after: Path, paths: Sequence[str]) -> None:
    """Link files of one site into the next."""
    old, new = f"{before}/", f"{after}/"
    for path in paths:
        link(old + path, new + path)


def files_of(bundle: Bundle | None) -> list[tuple[str, str]]:
    """Name and file of what a reader takes away first: the page, and the workbook where there is one."""
    if bundle is None:
        return []
    books = [("Excel", "report.xlsx")] if (bundle.folder / "report.xlsx").is_file() else []
    return [("HTML", "report.html"), *books]


def copy_files(history: ReportHistory, folder: Path) -> list[tuple[str, str]]:
    """Put what readers take away beside the page; a name and an address seen from the page for each.

    Pages get links to playbooks of their own; the rest are copies of the bundle's files.
    """
    failed, bundle = history.failed, history.current
    if failed is not None and (failed.folder / "report.html").is_file():
        _copy_html(failed, folder / "failed.html")
    if bundle is None:
        return []
    _copy_html(bundle, folder / "report.html")
    if (bundle.folder / "report.xlsx").is_file():
        shutil.copyfile(bundle.folder / "report.xlsx", folder / "report.xlsx")
    (folder / "tables").mkdir()
    files = files_of(bundle)
    for table in sorted((bundle.folder / "tables").glob("*.csv")):
        shutil.copyfile(table, folder / "tables" / table.name)
        files.append((table.name, f"tables/{table.name}"))
    files += _copy_attachments(bundle, folder)
    return [(name, f"{folder.name}/{file}") for name, file in files]


def _copy_attachments(bundle: Bundle, folder: Path) -> list[tuple[str, str]]:
    """Copy all that the notebook attached; listed are the pages made to be printed, and their PDF."""
    attached = bundle.manifest.get("attachments", [])
    if not attached:
        return []
    shutil.copytree(bundle.folder / "attachments", folder / "attachments", copy_function=shutil.copyfile)
    pages = [Path(entry["name"]) for entry in attached if entry["pdf"] and entry.get("listed", True)]
    names = [name for page in pages for name in (page.name, page.with_suffix(".pdf").name)]
    return [(n, f"attachments/{n}") for n in names if (folder / "attachments" / n).is_file()]


def _copy_html(bundle: Bundle, path: Path) -> None:
    path.write_text(report_html(bundle, "../../../playbooks/"), encoding="utf-8")


def report_html(bundle: Bundle, playbooks: str) -> str:
    """The bundle's report with its links to playbooks as seen from another place.

    Raises SiteError where the bundle has none.
    """
    source = bundle.folder / "report.html"
    if not source.is_file():
        raise SiteError(f"{bundle.folder} has no report.html; run the report again with --force")
    html = source.read_text(encoding="utf-8").replace(f'href="{PLAYBOOKS}', f'href="{playbooks}')
    return _LAST_GOOD.sub(r"\g<1>report.html", html)
