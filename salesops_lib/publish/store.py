"""Where reports stand: an attempt is written whole or not at all, and never rewritten.

``reports/<notebook>/<run>/<as_of>/<attempt>/`` is moved in from ``reports/.staging`` by one rename;
``<run>/current`` points to the last good attempt of the latest day. Attempts are ordered by their names,
which never go back, whatever the clock does.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from salesops_lib.core.errors import UserError
from salesops_lib.publish import integrity

STAGING = ".staging"
_LOCKS = ".locks"
_STAMP = "%Y%m%dT%H%M%S"
_STAMPED = re.compile(r"\d{8}T\d{6}(?=-)")


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
        with _locked(self._lock(key), wait=True):
            yield

    @contextlib.contextmanager
    def try_lock(self, name: str) -> Iterator[bool]:
        """Hold a lock of this folder by name, or say at once that another process does."""
        with _locked(self.reports / _LOCKS / f"{name}.lock", wait=False) as held:
            yield held

    def drop_lock(self, name: str) -> None:
        """Remove the file of a lock that nobody will take again; whoever holds it does."""
        (self.reports / _LOCKS / f"{name}.lock").unlink(missing_ok=True)

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
        folders = {p.name for p in (self.reports / STAGING).iterdir() if p.is_dir()}
        locks = {p.stem.removeprefix("staging-") for p in (self.reports / _LOCKS).glob("staging-*.lock")}
        for name in sorted(folders | locks):
            lock = self._staging_lock(name)
            with _locked(lock, wait=False) as held:
                if held:  # nobody holds it, so whoever made it is dead
                    shutil.rmtree(self.reports / STAGING / name, ignore_errors=True)
                    lock.unlink(missing_ok=True)
                    removed += name in folders
        return removed

    def settle(self, key: str) -> None:
        """Finish what a run killed between moving its attempt and pointing to it left undone.

        Where another run holds the report, that one does it.
        """
        with _locked(self._lock(key), wait=False) as held:
            if held:
                self._point(key)

    def remove(self, folder: Path) -> None:
        """Remove attempts: out of every reader's sight by one rename, then from the disk."""
        with self.staging() as staged:
            folder.rename(staged / folder.name)

    def publish(self, staged: Path, key: str, as_of: str, *, good: bool) -> Path:
        """Move a finished attempt into place and, where it is good, let ``current`` point to the newest."""
        folder = self.folder(key)
        day = folder / as_of
        day.mkdir(parents=True, exist_ok=True)
        _sync(staged)
        attempt = day / next_name(p.name for each in _days(folder) for p in _attempts(each))
        staged.rename(attempt)
        _sync_folder(day)
        if good:
            self._point(key)
        return attempt

    def last_good(self, key: str, as_of: str | None = None) -> Path | None:
        """The newest good and undamaged attempt: of one day, else of the latest day that has one."""
        folder = self.folder(key)
        days = [folder / as_of] if as_of else sorted(_days(folder), reverse=True)
        for day in days:
            for attempt in sorted(_attempts(day), reverse=True):
                if (read_run(attempt) or {}).get("status") == "ok" and not integrity.damage(attempt):
                    return attempt
        return None

    def _point(self, key: str) -> None:
        folder = self.folder(key)
        for left in folder.glob(".current-*"):  # by a run killed below; we hold the lock
            left.unlink(missing_ok=True)
        target = self.last_good(key)
        current = folder / "current"
        if target is None or (current.is_symlink() and current.readlink() == target.relative_to(folder)):
            return
        fresh = folder / f".current-{uuid.uuid4().hex}"
        fresh.symlink_to(target.relative_to(folder), target_is_directory=True)
        fresh.replace(current)
        _sync_folder(folder)

    def _lock(self, key: str) -> Path:
        return self.reports / _LOCKS / f"{key.replace('/', '--')}.lock"

    def _staging_lock(self, name: str) -> Path:
        return self.reports / _LOCKS / f"staging-{name}.lock"


def next_name(taken: Iterable[str]) -> str:
    """A name by the clock that sorts after all of ``taken``, also within a second and after a step back."""
    now = datetime.now(UTC)
    last = max(filter(None, map(stamp, taken)), default="")
    if last >= f"{now:{_STAMP}}":
        now = datetime.strptime(last, _STAMP).replace(tzinfo=UTC) + timedelta(seconds=1)
    return f"{now:{_STAMP}}-{uuid.uuid4().hex[:6]}"


def stamp(name: str) -> str:
    """The time in a name of :func:`next_name`, ``20251212T060000``; empty in any other."""
    found = _STAMPED.match(name)
    return found[0] if found else ""


def read_run(attempt: Path) -> dict | None:
    """``run.json`` of an attempt, or None where there is none that can be read."""
    try:
        record = json.loads((attempt / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


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
    while True:
        with path.open("a+b") as file:
            try:
                _acquire(file, wait)
            except (BlockingIOError, PermissionError):
                yield False
                return
            if _still_there(file, path):
                yield True
                return
        # Someone removed it between our opening and our holding it: that lock keeps nobody out.


def _still_there(file, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _acquire(file, wait: bool) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        return
    fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
