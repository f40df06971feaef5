"""What runs and how it ended, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from salesops_lib.publish.catalog import Run


@dataclass(frozen=True)
class Cut:
    """What an audience may see, in a folder its kernel is held to; ``said``: what is not there."""

    folder: Path
    audience: str
    label: str
    said: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """One run on one day with all its parameters; ``reason`` is why it runs, empty where it stands.

    ``due`` is the moment of its cadence it answers, ``stale`` why it must not run, ``tries`` how often it
    may, where what ended it is transient. ``left_out``: tables it does without, and why.
    """

    run: Run
    as_of: date
    parameters: dict[str, Any]
    ingredients: dict[str, str | None]
    reason: str
    lacks: str = ""
    due: str = ""
    stale: str = ""
    tries: int = 1
    view: Cut | None = None
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        """``attainment/company 2025-12-12``."""
        return f"{self.run.key} {self.as_of}"

    @property
    def code_cells(self) -> int:
        """How many steps the progress bar counts."""
        return sum(cell["cell_type"] == "code" for cell in self.run.notebook.document["cells"])


@dataclass(frozen=True)
class Failure:
    """Why a run is no good: the cell's index in the executed notebook (None: no cell's fault) and why."""

    cell: int | None
    message: str
    transient: bool = False  # not the notebook's doing: the same run may succeed


@dataclass(frozen=True)
class Result:
    """How a task ended: ``ok``, ``failed``, ``unchanged`` (stood already), ``lacking`` (no data for it) or
    ``stale`` (its data failed the gate, or a report it needs is not good; ``last_good`` is the day that
    stands)."""

    task: Task
    status: str
    seconds: float = 0.0
    findings: dict[str, int] | None = None
    folder: Path | None = None
    error: str = ""
    last_good: str = ""
    news: bool = False  # of a stale one: said for the first time

    def to_dict(self) -> dict:
        """Plain JSON values."""
        return {
            "notebook": self.task.run.notebook.name,
            "run": self.task.run.name,
            "as_of": self.task.as_of.isoformat(),
            "status": self.status,
            "seconds": round(self.seconds, 2),
            "findings": self.findings,
            "folder": str(self.folder) if self.folder else None,
            "reason": self.task.reason or self.task.lacks or None,
            "error": self.error or None,
            "due": self.task.due or None,
            "last_good": self.last_good or None,
            "left_out": dict(self.task.left_out) or None,
        }
