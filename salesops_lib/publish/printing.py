"""Attached pages as PDF, where Chromium is on the machine; where it is not, the HTML prints as well.

The texts of a PDF cannot be searched as bytes. So a page is printed only where it loads nothing: its PDF
holds what stands in the page, which is searched, and no other file of this machine.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from html.parser import HTMLParser
from pathlib import Path

from salesops_lib.core.errors import UserError

PRINT_SECONDS = 120
_QUIET = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pdf-header-footer",
)
_ADDRESSES = {"src", "srcset", "poster", "data", "background", "srcdoc", "action", "formaction"}
_FRAMES = {"iframe", "frame", "object", "embed", "link", "base", "script", "portal"}
_STYLED = {"style", "fill", "stroke", "filter", "mask", "clip-path", "cursor", "marker-start", "marker-mid",
           "marker-end"}  # fmt: skip
_INSIDE = ("data:", "#")
_STYLE = re.compile(r"url\s*\((?!\s*[\"']?(?:data:|#))|@import|image-set|[\\<]", re.IGNORECASE)
"""A backslash may spell any of them; a ``<`` may end the style sheet for the browser and not for us."""


def browser() -> str | None:
    """The path of Chromium; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def print_pages(folder: Path, manifest: dict) -> list[Path]:
    """Print every attachment of ``folder`` (a bundle) that asks for it, beside it; none without Chromium.

    Raises UserError where a page loads something, and where Chromium is there and does not print.
    """
    program = browser()
    asked = [entry["name"] for entry in manifest.get("attachments", []) if entry.get("pdf")]
    for name in asked:
        _refuse_loading(folder / "attachments" / name)
    return [_printed(program, folder / "attachments" / name) for name in asked] if program else []


class _Loads(HTMLParser):
    """``found``: the first thing in a page that makes a browser read something else, or read it otherwise."""

    found = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        for name, value in attrs:
            text = value or ""
            address = name in _ADDRESSES or (name.endswith("href") and tag not in {"a", "area"})
            styled = name in _STYLED and _STYLE.search(text)
            if (address and not text.startswith(_INSIDE)) or styled or name.startswith("on"):
                self._note(f"<{tag} {name}>")
        if tag in _FRAMES or (tag == "meta" and "refresh" in str(attrs).lower()):
            self._note(f"<{tag}>")

    def handle_data(self, data: str) -> None:
        """A style sheet is text to the parser; so is what a reader sees, where it does no harm."""
        if self.lasttag == "style" and self.cdata_elem and _STYLE.search(data):
            self._note("<style>")

    def handle_comment(self, data: str) -> None:
        """Where a comment ends is read in more than one way."""
        self._note("<!-- -->")

    unknown_decl = handle_pi = handle_comment

    def _note(self, said: str) -> None:
        self.found = self.found or said


def _refuse_loading(page: Path) -> None:
    reader = _Loads()
    reader.feed(page.read_text(encoding="utf-8"))
    reader.close()
    if reader.found:
        raise UserError(
            f"'{page.name}' is to be printed and loads more than itself ({reader.found}); put that into it"
        )


def _printed(program: str, page: Path) -> Path:
    target = page.with_suffix(".pdf")
    with tempfile.TemporaryDirectory(prefix="salesops-print-") as profile:
        command = [program, *_QUIET, *_sandbox(), f"--user-data-dir={profile}", f"--print-to-pdf={target}"]
        try:
            done = subprocess.run(  # noqa: S603 (our own page, no shell)
                [*command, page.resolve().as_uri()], capture_output=True, timeout=PRINT_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise UserError(f"{program} did not print '{page.name}' in {PRINT_SECONDS} seconds") from None
    if done.returncode or not target.is_file():
        raise UserError(f"{program} did not print '{page.name}' (exit {done.returncode}); print the HTML")
    return target


def _sandbox() -> list[str]:
    # Chromium refuses to start as root inside its sandbox; the page is ours, escaped and without script.
    import os

    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
