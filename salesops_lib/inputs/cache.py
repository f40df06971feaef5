"""Copies of tables once read and checked, kept under ``.cache/`` of a company folder for the next report.

A copy is named by all it was made from: the content of the tables' files, the day, the code, the engine. What
changes any of them changes the name, so a stale copy is never found. The name ends with the hash of the copy
itself, so a torn one is never used. ``SALESOPS_CACHE=0``, or a folder that cannot be written, keeps nothing.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from salesops_lib.inputs.engines import quoted

if TYPE_CHECKING:
    from ibis.backends import BaseBackend

FOLDER = ".cache"
MOST_BYTES = 1 << 30  # beyond, the copies unused for longest go
_INPUTS = Path(__file__).resolve().parent


class Cache:
    """The copies of one company folder. Several processes may use it at once."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER
        self._on = os.environ.get("SALESOPS_CACHE") != "0"
        self._seen: dict[Path, str] = {}  # the content of a file when it was first asked for
        self._writable: bool | None = None

    def recall(self, connection: BaseBackend, name: str, files: Sequence[Path], *more: object) -> bool:
        """Read the copy of a table, made from ``files`` and ``more``, into memory; False where none is."""
        import duckdb

        if not self._on:
            return False
        for copy in self.folder.glob(f"{self._stem(name, files, more)}-*.parquet"):
            with contextlib.suppress(OSError, duckdb.Error):  # another process has just removed it
                if copy.stem.endswith(_hash(copy)[:16]):
                    connection.raw_sql(f"CREATE TABLE {name} AS FROM read_parquet({quoted(str(copy))})")
                    os.utime(copy)
                    return True
        return False

    def remember(self, connection: BaseBackend, name: str, files: Sequence[Path], *more: object) -> None:
        """Keep a table of the connection, unless one of its files has changed since it was first seen."""
        import duckdb

        if not self._on or not self._may_write():
            return
        stem = self._stem(name, files, more)
        if self._changed(files):
            return
        fresh = self.folder / f".{uuid.uuid4().hex}"
        with contextlib.suppress(OSError, duckdb.Error):  # a full disk costs time, not the report
            connection.raw_sql(f"COPY {name} TO {quoted(str(fresh))} (FORMAT parquet)")
            fresh.replace(self.folder / f"{stem}-{_hash(fresh)[:16]}.parquet")
        with contextlib.suppress(OSError):
            fresh.unlink()

    def _stem(self, name: str, files: Sequence[Path], more: Iterable[object]) -> str:
        for path in files:
            if path not in self._seen:
                self._seen[path] = _hash(path)
        parts = [_made_by(), [[path.name, self._seen[path]] for path in files], list(more)]
        return f"{name}-{hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:32]}"

    def _changed(self, files: Sequence[Path]) -> bool:
        """Whether a file may have been read in another state than it was first seen in."""
        changed = [path for path in files if not path.is_file() or _hash(path) != self._seen[path]]
        for path in changed:  # then nothing made from it may be kept, nor an older copy be found
            self._seen[path] = uuid.uuid4().hex
        return bool(changed)

    def _may_write(self) -> bool:
        """Make the folder and keep it from growing; asked once."""
        if self._writable is None:
            try:
                self.folder.mkdir(mode=0o700, exist_ok=True)
                (self.folder / ".gitignore").write_text("*\n", encoding="utf-8")
                self._prune()
                self._writable = True
            except OSError:
                self._writable = False
        return self._writable

    def _prune(self) -> None:
        total = 0
        held = [(path.stat(), path) for path in self.folder.glob("*.parquet")]
        for stat, path in sorted(held, key=lambda pair: -pair[0].st_mtime):
            total += stat.st_size
            if total > MOST_BYTES:
                path.unlink(missing_ok=True)


@functools.cache
def _made_by() -> str:
    """Hash of the code that reads and rebuilds tables, and of the engine's versions."""
    import duckdb
    import ibis
    import sqlglot

    readers = [*_INPUTS.glob("*.py"), *_INPUTS.glob("tables/*.py"), _INPUTS.parent / "core" / "contracts.py"]
    code = [[path.name, _hash(path)] for path in sorted(readers)]
    parts = [duckdb.__version__, ibis.__version__, sqlglot.__version__, code]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
