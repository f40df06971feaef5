"""A report that stands, and the good runs before it: what the brief and the differences are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from salesops_lib.core.findings import Finding


@dataclass(frozen=True)
class Standing:
    """One report as it stands on a day."""

    report: str  # attainment/company
    title: str
    question: str
    good: tuple[tuple[date, tuple[Finding, ...]], ...]  # day and findings of each good run, oldest first
    last_due: date | None = None  # when its cadence last asked for a run; None where nobody can say
    failed_on: date | None = None  # day of a later run that failed
    headline: tuple[Mapping[str, Any], ...] = ()  # cards of the last good run: label, value, range, note
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)  # of the last good run, as far as asked

    @property
    def as_of(self) -> date | None:
        """The day of the last good run; None where there was none."""
        return self.good[-1][0] if self.good else None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings of the last good run."""
        return self.good[-1][1] if self.good else ()

    @property
    def before(self) -> tuple[date, tuple[Finding, ...]] | None:
        """The good run before the last."""
        return self.good[-2] if len(self.good) > 1 else None
