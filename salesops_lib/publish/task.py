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
    """One run on one day with all its parameters; ``reason`` is why it runs, empty where it stands."""

    run: Run
    as_of: date
    parameters: dict[str, Any]
    ingredients: dict[str, str | None]
    reason: str
    lacks: str = ""
    view: Cut | None = None

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


@dataclass(frozen=True)
class Result:
    """How a task ended: ``ok``, ``failed``, ``unchanged`` (stood already) or ``lacking`` (no data for it)."""

    task: Task
    status: str
    seconds: float = 0.0
    findings: dict[str, int] | None = None
    folder: Path | None = None
    error: str = ""

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
        }
