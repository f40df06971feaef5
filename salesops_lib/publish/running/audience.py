"""Reports for one audience: its own reports folder, a cut of the data made before any kernel starts.

A run's kernel is held to the cut by its environment, which no parameter reaches. The ``data`` it is given is
``audience:NAME``, which is no folder: a kernel without the cut opens nothing rather than everything.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from salesops_lib.core.errors import UserError, nearest
from salesops_lib.publish.catalog import Notebook
from salesops_lib.publish.running.task import Cut
from salesops_lib.publish.store import Store

FOLDER = "audiences"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}")


class AudienceError(UserError):
    """An audience may not see a report, or its folder is not its own."""


@dataclass
class Seen:
    """What an audience may see, and the cuts made so far.

    ``cut(day, folder)`` writes one and returns what it says of itself (``label``, ``said``).
    """

    name: str
    reports: tuple[str, ...] | None
    work: Path
    cut: Callable[[date, Path], Any]
    _made: dict[date, Cut] = field(default_factory=dict)

    @property
    def data(self) -> str:
        """What notebooks are told of their data."""
        return f"audience:{self.name}"

    def allowed(self, notebooks: Sequence[Notebook], named: Sequence[str]) -> list[Notebook]:
        """The notebooks the audience may see. Raises AudienceError for one asked for by name."""
        if self.reports is None:
            return list(notebooks)
        for name in named:
            if name not in self.reports:
                raise AudienceError(
                    f"{self.name} may not see report '{name}' (policy/audiences.yaml). "
                    f"{nearest(name, self.reports)}"
                )
        found = [notebook for notebook in notebooks if notebook.name in self.reports]
        if not found:
            raise AudienceError(f"{self.name} may see none of these reports; see policy/audiences.yaml")
        return found

    def view(self, day: date) -> Cut:
        """The cut of a day, made once."""
        if day not in self._made:
            folder = self.work / day.isoformat()
            made = self.cut(day, folder)
            self._made[day] = Cut(folder, self.name, made.label, tuple(made.said))
        return self._made[day]


def audience_folder(reports: Path, name: str) -> Path:
    """The reports folder of an audience, for its owner's eyes only (mode 0700); made where it is missing.

    Raises AudienceError where it, or the folder of all audiences, is a link, another user's or another's.
    """
    plain = name.replace(":", "-")
    if not _PLAIN.fullmatch(plain) or ":" in name[name.find(":") + 1 :]:
        kind = name.partition(":")[0]
        plain = f"{kind}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    folder = reports
    for part in (FOLDER, plain):
        folder = folder / part
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.is_symlink() or (hasattr(os, "getuid") and folder.stat().st_uid != os.getuid()):
                raise AudienceError(f"{folder} is a link or another user's; remove it and run again")
            folder.chmod(0o700)
            _refuse_other(folder, name if part == plain else FOLDER)
        except OSError as fault:
            raise AudienceError(f"{folder}: {fault.strerror}; name another place with --out") from None
    return folder


def _refuse_other(folder: Path, name: str) -> None:
    """A folder is of one audience for good: some file systems take R1 and r1 for one name."""
    mark = folder / ".audience"
    if not mark.exists():
        mark.write_text(name, encoding="utf-8")
    elif mark.read_text(encoding="utf-8") != name:
        raise AudienceError(f"{folder} is the folder of another audience; name another place with --out")


@contextlib.contextmanager
def seen_by(reports: Path, audience: Any, cut: Callable[[date, Path], Any]) -> Iterator[tuple[Path, Seen]]:
    """The audience's reports folder and what it may see; its cuts are gone afterwards.

    ``audience`` has ``name`` and ``reports`` (None: all). A cut stands in the folder's staging as a run does,
    so that one left by a killed run goes with the next.
    """
    folder = audience_folder(reports, audience.name)
    with Store(folder).staging() as work:
        yield folder, Seen(audience.name, audience.reports, work, cut)


@contextlib.contextmanager
def held_to(bench: Any, audience: str, data: str, read: Callable, cut: Callable) -> Iterator[Any]:
    """A workbench for what an audience may see; the same one where ``audience`` is empty.

    ``read(data, audience)`` gives the audience, ``cut(data, audience, day, folder)`` writes its view.
    """
    if not audience:
        yield bench
        return
    who = read(data, audience)
    with seen_by(bench.reports, who, lambda *day: cut(data, audience, *day)) as (own, seen):
        yield replace(bench, reports=own, seen=seen, failing=_without_rows(bench.failing))


def _without_rows(failing: Callable[..., Any]) -> Callable[..., tuple]:
    """The same gate, whose reasons name no row an audience may not see."""
    said = "its data failed the gate; operations know where"

    def told(*asked: Any) -> tuple[dict, dict]:
        stopped, left = failing(*asked)
        without = {key: dict.fromkeys(tables, said) for key, tables in left.items()}
        return dict.fromkeys(stopped, said), without

    return told
