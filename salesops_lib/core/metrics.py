"""What a metric is. Each domain declares its own in ``<domain>/metrics.py`` as a tuple ``METRICS``."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Literal

Unit = Literal["ratio", "money", "days", "count", "fte"]
Direction = Literal["up", "down", "neither"]

_ID = re.compile(r"[a-z_]+\.[a-z0-9_]+")


@dataclass(frozen=True)
class Metric:
    """One entry of the metric registry; the playbook page and the site are generated from it.

    Every text field is one plain sentence and none may be empty: a metric nobody can explain is refused.
    """

    id: str  # "<domain>.<name>"
    name: str
    meaning: str
    formula: str
    unit: Unit
    grain: str  # what one value is of: "team × period"
    population: str  # who or what is counted
    clock: str  # which date places a row in a period
    exclusions: str
    maturity: str  # when the value can be judged
    good_direction: Direction
    look_alikes: str  # what it is not to be confused with
    owner: str  # a role
    source: str  # the function that computes it

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"metric id '{self.id}' is not of the form domain.name")
        empty = [f.name for f in fields(self) if not str(getattr(self, f.name)).strip()]
        if empty:
            raise ValueError(f"metric '{self.id}' leaves {', '.join(empty)} empty")

    @property
    def anchor(self) -> str:
        """Where the metric stands on the generated page."""
        return f"reference/metrics.md#{self.id.replace('.', '-')}"
