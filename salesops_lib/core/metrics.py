"""What a metric is. Each domain declares its own in ``<domain>/metrics.py`` as a tuple ``METRICS``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

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


@dataclass(frozen=True)
class Reading:
    """A value of a metric that no finding judges, stated so that the metric has a past.

    ``scope`` says of what (``{"period": "FY26-Q1"}``; empty: the company), ``low`` and ``high`` the range at
    ``level``, ``rests_on`` the evidence in words. ``value`` is None where it is not known. Raises ValueError
    for a number that is not finite and for half a range.
    """

    metric: Metric
    value: float | None
    scope: Mapping[str, str] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    level: float | None = None
    rests_on: str = ""

    def __post_init__(self) -> None:
        numbers = [v for v in (self.value, self.low, self.high) if v is not None]
        if not all(map(math.isfinite, numbers)):
            raise ValueError(f"a reading of '{self.metric.id}' is not finite; state None for what is unknown")
        if (self.low is None) != (self.high is None):
            raise ValueError(f"a reading of '{self.metric.id}' has half a range; give low and high, or none")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the metric by its id and unit."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        return own | {"metric": self.metric.id, "unit": self.metric.unit, "scope": dict(self.scope)}
