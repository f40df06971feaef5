"""Dated numbers that people decide: read once, judged against, quoted by the playbooks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime

from salesops_lib.core.errors import PolicyError, nearest


@dataclass(frozen=True)
class PolicyValue:
    """A policy number as it stood on a day.

    ``source`` says who decided it and where; ``key`` is ``domain.name`` and ``since`` the day it took effect.
    """

    key: str
    value: float
    unit: str
    since: date
    source: str
    description: str

    @property
    def cited(self) -> str:
        """``attainment.team_floor since 2026-02-01``: the threshold's source in a finding."""
        return f"{self.key} since {self.since.isoformat()}"


@dataclass(frozen=True)
class Policy:
    """All dated values of one domain. ``entries`` is the parsed YAML, already merged key by key."""

    domain: str
    entries: dict[str, dict]

    def __post_init__(self) -> None:
        if not isinstance(self.entries, dict):
            raise PolicyError(f"policy '{self.domain}' is no mapping; see data/policy for the form")
        for name, entry in self.entries.items():
            where = f"policy '{self.domain}.{name}'"
            if not isinstance(entry, dict):
                raise PolicyError(f"{where} is not a mapping; give description, unit, source and values")
            missing = {"description", "unit", "source", "values"} - set(entry)
            if missing:
                raise PolicyError(f"{where} lacks {', '.join(sorted(missing))}; add it to the file")
            if not isinstance(entry["values"], dict) or not entry["values"]:
                raise PolicyError(f"{where} has no dated value; write 'values: {{2026-02-01: 0.85}}'")
            for day, value in entry["values"].items():
                if not isinstance(day, date) or isinstance(day, datetime):
                    raise PolicyError(f"{where} has the date '{day}'; write it as 2026-02-01")
                number = isinstance(value, int | float) and not isinstance(value, bool)
                if not number or not math.isfinite(value):
                    raise PolicyError(f"{where} has the value '{value}' on {day}; give a number")

    def value(self, name: str, on: date) -> PolicyValue:
        """The value in force on a day; an unknown name or a day before the first value is refused."""
        if name not in self.entries:
            raise PolicyError(f"policy '{self.domain}' has no value '{name}'. {nearest(name, self.entries)}")
        entry = self.entries[name]
        days = [day for day in entry["values"] if day <= on]
        if not days:
            first = min(entry["values"])
            raise PolicyError(
                f"policy '{self.domain}.{name}' has no value on {on}; its first is of {first}. "
                f"Add the value that held then"
            )
        since = max(days)
        return PolicyValue(
            key=f"{self.domain}.{name}",
            value=float(entry["values"][since]),
            unit=entry["unit"],
            since=since,
            source=entry["source"],
            description=entry["description"],
        )
