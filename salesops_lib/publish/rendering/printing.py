"""Attached pages as PDF, where Chromium is on the machine; where it is not, the HTML prints as well."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from salesops_lib.core.errors import UserError
from salesops_lib.publish.rendering.browser import Browser, BrowserError
from salesops_lib.publish.rendering.self_contained import refuse_loading

NO_BROWSER = "no PDF: there is no Chromium on this machine (Debian: apt-get install chromium)"


def browser() -> str | None:
    """The path of Chromium; None where there is none, or where it cannot be driven through pipes."""
    if os.name != "posix":
        return None
    return shutil.which("chromium") or shutil.which("chromium-browser")


def print_pages(folder: Path, manifest: dict) -> list[Path]:
    """Print every attachment of ``folder`` (a bundle) that asks for it, beside it; none without Chromium.

    Raises UserError where a page loads something, and where Chromium is there and does not print.
    """
    asked = [entry["name"] for entry in manifest.get("attachments", []) if entry.get("pdf")]
    return print_files([folder / "attachments" / name for name in asked])


def print_files(pages: Sequence[Path]) -> list[Path]:
    """Print HTML files, each into a PDF of its own beside it: all of them or none, one start for all.

    None without Chromium. Raises UserError where a page loads something, where Chromium is there and does
    not print, or where a file cannot be written; then no PDF stands that did not stand before.
    """
    for page in pages:
        if page.is_file():
            refuse_loading(page)
    program = browser()
    if program is None or not pages:
        return []
    staged: list[tuple[Path, Path]] = []
    try:
        with Browser(program) as window:
            for page in pages:
                made, target = page.with_name(f".{page.stem}-{uuid.uuid4().hex}"), page.with_suffix(".pdf")
                staged.append((made, target))
                made.write_bytes(window.printed(page))
        return [made.replace(target) for made, target in staged]
    except BrowserError as fault:
        raise UserError(f"{program} did not print '{page.name}' ({fault}); print the HTML") from None
    except OSError as fault:
        raise UserError(f"'{page.parent}' cannot be written ({fault.strerror}); print the HTML") from None
    finally:
        for made, _ in staged:
            made.unlink(missing_ok=True)
