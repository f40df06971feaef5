"""Attached pages as PDF, where Chromium is on the machine; where it is not, the HTML prints as well."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
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


def browser() -> str | None:
    """The path of Chromium; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def print_pages(folder: Path, manifest: dict) -> list[Path]:
    """Print every attachment of ``folder`` (a bundle) that asks for it, beside it; none without Chromium.

    Raises UserError where Chromium is there and does not print.
    """
    program = browser()
    asked = [entry["name"] for entry in manifest.get("attachments", []) if entry.get("pdf")]
    return [_printed(program, folder / "attachments" / name) for name in asked] if program else []


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
