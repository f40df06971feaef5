"""Attempts an earlier build found whole, so that only those that are new or were touched are hashed again.

What the disk says of a file (size, times, number) is trusted here as `make` and git trust it: a disk that
loses bytes without a trace is found by ``salesops runs verify``, which reads every byte every time.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from salesops_lib.publish import integrity

_FRESH_NS = 2_000_000_000  # the coarsest clock of a file system; a change within it may leave no trace


class Checked:
    """What earlier builds found whole below ``root``, kept in the file ``record``; nothing without one."""

    def __init__(self, root: Path, record: Path | None = None) -> None:
        self._root, self._record = root, record
        self._before = _read(record) if record else {}
        self._whole: dict[str, str] = {}
        self._seen: dict[Path, str] = {}

    def damage(self, folder: Path) -> str:
        """As :func:`salesops_lib.publish.integrity.damage`, by the disk's word where it was whole before."""
        began = time.time_ns()
        said, newest = _signature(folder)
        self._seen[folder] = said
        name = folder.relative_to(self._root).as_posix()
        if self._before.get(name) != said:
            if fault := integrity.damage(folder):
                return fault
            if newest + _FRESH_NS > began:
                return ""
        self._whole[name] = said
        return ""

    def signature(self, folder: Path) -> str:
        """What the disk says of an attempt: another text where any of its files was touched."""
        if folder not in self._seen:
            self._seen[folder] = _signature(folder)[0]
        return self._seen[folder]

    def save(self) -> None:
        """Keep what was found whole for the next build; what it did not ask about is forgotten."""
        if self._record is None or self._whole == self._before:
            return
        fresh = self._record.with_name(f"{self._record.name}.new")
        fresh.write_text(json.dumps(self._whole), encoding="utf-8")
        fresh.replace(self._record)


def walk(folder: str | Path, prefix: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Every file below, as a path seen from ``folder`` and what the disk says of it; in any order."""
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from walk(entry.path, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry.stat(follow_symlinks=False)


def _signature(folder: Path) -> tuple[str, int]:
    """A text for the state of all files below, and the latest moment (ns) one of them changed."""
    lines, newest = [], 0
    for name, stat in sorted(walk(folder) if folder.is_dir() else (), key=lambda found: found[0]):
        changed = max(stat.st_mtime_ns, stat.st_ctime_ns)  # the second is set by nobody but the disk
        newest = max(newest, changed)
        lines.append(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ctime_ns}\0{stat.st_ino}")
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:32], newest


def _read(record: Path) -> dict[str, str]:
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
