"""Where reports stand: an attempt is written whole or not at all, and never rewritten.

``reports/<notebook>/<run>/<as_of>/<attempt>/`` is moved in from ``reports/.staging`` by one rename;
``<run>/current`` points to the last good attempt of the latest day.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from salesops_lib.core.errors import UserError

STAGING = ".staging"
_LOCKS = ".locks"


class StoreError(UserError):
    """The reports folder cannot be used."""


class Store:
    """One reports folder. Several processes may use it at once."""

    def __init__(self, reports: Path) -> None:
        self.reports = reports
        try:
            (reports / STAGING).mkdir(parents=True, exist_ok=True)
            (reports / _LOCKS).mkdir(exist_ok=True)
        except OSError as fault:
            raise StoreError(f"reports folder {reports}: {fault.strerror}; name another with --out") from None

    def folder(self, key: str) -> Path:
        """The folder of a report key (``attainment/company``); one that leaves the reports is refused."""
        folder = self.reports / key
        parts = Path(key).parts
        if len(parts) != 2 or any(p.startswith(".") for p in parts) or "\0" in key:
            raise StoreError(f"{key!r} is no report; write notebook/run")
        return folder

    @contextlib.contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Hold one report: a second run of it waits here."""
        self.folder(key)
        with _locked(self.reports / _LOCKS / f"{key.replace('/', '--')}.lock", wait=True):
            yield

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder no reader sees; gone afterwards unless :meth:`publish` moved it."""
        name = uuid.uuid4().hex
        folder = self.reports / STAGING / name
        try:
            with _locked(self._staging_lock(name), wait=True):
                folder.mkdir()
                try:
                    yield folder
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
        finally:
            self._staging_lock(name).unlink(missing_ok=True)

    def clean(self) -> int:
        """Remove what killed runs left in staging; the number of folders removed."""
        removed = 0
        for folder in [p for p in (self.reports / STAGING).iterdir() if p.is_dir()]:
            lock = self._staging_lock(folder.name)
            with _locked(lock, wait=False) as held:
                if held:  # nobody holds it, so whoever made it is dead
                    shutil.rmtree(folder, ignore_errors=True)
                    lock.unlink(missing_ok=True)
                    removed += 1
        return removed

    def publish(self, staged: Path, key: str, as_of: str, *, good: bool) -> Path:
        """Move a finished attempt into place and, where it is good, let ``current`` point to the newest."""
        day = self.folder(key) / as_of
        day.mkdir(parents=True, exist_ok=True)
        _sync(staged)
        attempt = day / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
        staged.rename(attempt)
        _sync_folder(day)
        if good:
            self._point(key)
        return attempt

    def last_good(self, key: str, as_of: str | None = None) -> Path | None:
        """The newest good attempt: of one day, else of the latest day that has one."""
        folder = self.folder(key)
        days = [folder / as_of] if as_of else sorted(_days(folder), reverse=True)
        for day in days:
            for attempt in sorted(_attempts(day), reverse=True):
                if (read_run(attempt) or {}).get("status") == "ok":
                    return attempt
        return None

    def _point(self, key: str) -> None:
        folder = self.folder(key)
        target = self.last_good(key)
        if target is None:
            return
        fresh = folder / f".current-{uuid.uuid4().hex}"
        fresh.symlink_to(target.relative_to(folder), target_is_directory=True)
        fresh.replace(folder / "current")
        _sync_folder(folder)

    def _staging_lock(self, name: str) -> Path:
        return self.reports / _LOCKS / f"staging-{name}.lock"


def read_run(attempt: Path) -> dict | None:
    """``run.json`` of an attempt, or None where there is none that can be read."""
    try:
        return json.loads((attempt / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _days(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [p for p in folder.iterdir() if p.is_dir() and not p.is_symlink() and not p.name.startswith(".")]


def _attempts(day: Path) -> list[Path]:
    return [p for p in day.iterdir() if p.is_dir()] if day.is_dir() else []


def _sync(folder: Path) -> None:
    """Make every byte durable before the rename makes it visible."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            _sync_folder(path)
        else:
            with path.open("rb+") as file:
                os.fsync(file.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold a lock file, which dies with the process; without ``wait`` yields whether it was free."""
    with path.open("a+b") as file:
        try:
            _acquire(file, wait)
        except (BlockingIOError, PermissionError):
            yield False
            return
        yield True


def _acquire(file, wait: bool) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        return
    fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
