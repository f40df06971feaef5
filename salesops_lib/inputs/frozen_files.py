"""Inputs of a posted period, kept beside the ledger as they were: ``ledger/<ledger>/<period>.json.gz``."""

from __future__ import annotations

import gzip
import uuid
from pathlib import Path

from salesops_lib.core.errors import TableError, UserError


def write_frozen(root: Path, ledger: str, period: str, text: str) -> Path:
    """Keep a text for a period, whole or not at all; the same text gives the same bytes."""
    path = _path(root, ledger, period)
    staged = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.write_bytes(gzip.compress(text.encode(), compresslevel=6, mtime=0))
        return staged.replace(path)
    except OSError as fault:
        raise UserError(
            f"'{path}' cannot be written ({fault.strerror}); run it as who owns the folder"
        ) from None


def read_frozen(root: Path, ledger: str, period: str) -> str | None:
    """The text kept for a period; None where there is none. Raises TableError where it is damaged."""
    path = _path(root, ledger, period)
    if not path.is_file():
        return None
    try:
        return gzip.decompress(path.read_bytes()).decode("utf-8")
    except (OSError, EOFError, ValueError):
        raise TableError(f"'{path}' is not what was written; restore it from a backup") from None


def _path(root: Path, ledger: str, period: str) -> Path:
    return Path(root) / "ledger" / ledger / f"{period}.json.gz"
