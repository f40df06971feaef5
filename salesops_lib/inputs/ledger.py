"""Append-only ledgers in ``ledger/``: a JSON object a line, each chained to the one before by its hash.

An entry is never changed or removed; a correction is a new entry. The hash of an entry covers its text and
the hash before it, so a line changed, removed, inserted or moved breaks the chain at that line. Lines cut off
at the end leave a shorter chain that is whole in itself: the head printed in a report tells it.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from salesops_lib.core.errors import TableError, UserError

WAIT_SECONDS = 30.0
SHOWN = 12  # characters of a hash that people read and compare


class LedgerError(TableError):
    """A ledger is not what was written, or cannot be written to."""


@dataclass(frozen=True)
class Ledger:
    """Verified entries in order: each has ``entry`` (from 1), ``recorded_at``, ``hash``, and what it says."""

    name: str
    entries: tuple[dict[str, Any], ...]

    @property
    def head(self) -> str:
        """First characters of the last hash: it stands for all entries; empty where there are none."""
        return self.entries[-1]["hash"][:SHOWN] if self.entries else ""

    def by(self, end: datetime) -> Ledger:
        """The entries recorded before a moment, UTC without a zone."""
        kept = [e for e in self.entries if recorded(e) < end]
        return Ledger(self.name, tuple(kept))

    def holds(self, head: str) -> int:
        """How many entries stood when a report printed ``head``; 0 where no entry has that hash."""
        found = [e["entry"] for e in self.entries if head and e["hash"].startswith(head.lower())]
        return int(found[0]) if len(found) == 1 else 0


def recorded(entry: Mapping[str, Any]) -> datetime:
    """When an entry was recorded, UTC without a zone."""
    return datetime.fromisoformat(entry["recorded_at"].removesuffix("Z"))


def moment() -> datetime:
    """Now, UTC without a zone, to the second."""
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)


def stamp(at: datetime) -> str:
    """``2025-12-12T15:00:00Z``."""
    return at.isoformat(timespec="seconds") + "Z"


def ledger_file(root: Path, name: str) -> Path:
    """Where the ledger of a company folder stands."""
    return Path(root) / "ledger" / f"{name}.jsonl"


def read_ledger(root: Path | None, name: str) -> Ledger:
    """Every entry of a ledger, its chain verified; none where there is no file or no folder.

    Raises LedgerError naming the first line that is not what was written.
    """
    path = ledger_file(root, name) if root else None
    if path is None or not path.is_file():
        return Ledger(name, ())
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise LedgerError(_broken(path, 1, "the file is not UTF-8")) from None
    return Ledger(name, tuple(_verified(path, text)))


def append(root: Path, name: str, make: Any, *, now: datetime | None = None) -> list[dict[str, Any]]:
    """Add entries to a ledger, all or none, while no one else writes to the folder; returns them as written.

    Parameters
    ----------
    root
        A company folder.
    name
        The ledger, such as ``forecast_submissions``.
    make
        Called with the verified :class:`Ledger` as it stands and the moment of recording; returns the rows to
        add: mappings of texts, whole numbers and None, without ``entry``, ``recorded_at``, ``hash``. What it
        raises leaves the file as it was.
    now
        The moment of recording; by default the clock. Never before the last entry's.

    Raises
    ------
    LedgerError
        If the ledger is damaged, or the folder stays busy for :data:`WAIT_SECONDS`.
    """
    path = ledger_file(root, name)
    with _alone(Path(root)) as work:
        ledger = read_ledger(root, name)
        at = now or moment()
        if ledger.entries and recorded(ledger.entries[-1]) > at:
            raise LedgerError(
                f"ledger '{name}' has an entry of {ledger.entries[-1]['recorded_at']}, after now "
                f"({stamp(at)}); set this machine's clock"
            )
        written = _chained(ledger, make(ledger, at), at)
        before = path.read_bytes() if path.is_file() else b""
        staged = work / path.name
        staged.write_bytes(before + b"".join(_line(entry) for entry in written))
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        path.parent.mkdir(exist_ok=True)
        staged.replace(path)
    return written


@contextmanager
def _alone(root: Path) -> Iterator[Path]:
    """Hold the folder's one write lock, which imports hold too, and give a place to stage in."""
    from salesops_lib.inputs.importing.store import ImportBusyError, locked  # the whole import; only here

    ends = time.monotonic() + WAIT_SECONDS
    with ExitStack() as stack:
        while True:
            try:
                work = stack.enter_context(locked(root))
                break
            except ImportBusyError:
                if time.monotonic() > ends:
                    what = f"an import or a submission is writing to '{root}'; try again"
                    raise LedgerError(what) from None
                time.sleep(0.02)
            except PermissionError:
                raise UserError(f"no right to write beside '{root}'; run it as who owns the folder") from None
        yield work


def _chained(ledger: Ledger, rows: Sequence[Mapping[str, Any]], at: datetime) -> list[dict[str, Any]]:
    before = ledger.entries[-1]["hash"] if ledger.entries else ""
    made = []
    for number, row in enumerate(rows, len(ledger.entries) + 1):
        body = {"entry": number, "recorded_at": stamp(at), **row}
        before = _hash(before, body)
        made.append(body | {"hash": before})
    return made


def _verified(path: Path, text: str) -> Iterator[dict[str, Any]]:
    lines = text.split("\n")
    if lines[-1]:
        raise LedgerError(_broken(path, len(lines), "the line is cut off"))
    before, last = "", ""
    for number, line in enumerate(lines[:-1], 1):
        try:
            entry = json.loads(line)
            body = {k: v for k, v in entry.items() if k != "hash"}
            whole = _TEXT(entry) == line
            kept = whole and entry["entry"] == number and entry["recorded_at"] >= last
        except (json.JSONDecodeError, AttributeError, KeyError, TypeError):
            kept, entry, body = False, {}, {}
        if not kept or entry["hash"] != _hash(before, body):
            raise LedgerError(_broken(path, number, "it, or a line before it, is not what was written"))
        before, last = entry["hash"], entry["recorded_at"]
        yield entry


_TEXT = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode  # made once: a ledger has many lines


def _line(entry: Mapping[str, Any]) -> bytes:
    return (_TEXT(entry) + "\n").encode()


def _hash(before: str, body: Mapping[str, Any]) -> str:
    return hashlib.sha256(before.encode() + _line(body)).hexdigest()


def _broken(path: Path, line: int, what: str) -> str:
    return f"ledger '{path.stem}', line {line}: {what}; restore {path} from a backup or the repository"
