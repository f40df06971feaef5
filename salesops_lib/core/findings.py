"""Findings: a number judged against a limit, with its range, next step, owner and playbook section.

Each domain declares its rules in ``<domain>/findings.py`` as a tuple ``RULES`` and turns tables into
findings with :meth:`Rule.judge`. Severity is derived here and nowhere else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal

import pandas as pd

from salesops_lib.core.metrics import Metric
from salesops_lib.core.policy import PolicyValue
from salesops_lib.core.wording import sentence

_CODE = re.compile(r"F-[A-Z]+(-[A-Z0-9]+)+")


class Severity(StrEnum):
    """How the evidence stands to the limit; ordered as a reader should meet them."""

    ACT = "ACT"
    WATCH = "WATCH"
    UNKNOWN = "UNKNOWN"
    OK = "OK"


@dataclass(frozen=True)
class Interval:
    """A range for an estimate: ``low`` ≤ value ≤ ``high`` at ``level`` (0.9), by a named ``method``."""

    low: float
    high: float
    level: float
    method: str

    def __post_init__(self) -> None:
        for name in ("low", "high", "level"):  # numpy numbers would not go into JSON
            object.__setattr__(self, name, float(getattr(self, name)))
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ValueError(f"interval [{self.low}, {self.high}] is not a range")
        if not 0 < self.level < 1:
            raise ValueError(f"interval level {self.level} is not between 0 and 1")

    def holds(self, value: float) -> bool:
        """Whether the value lies inside, but for rounding."""
        slack = 1e-6 * max(abs(self.low), abs(self.high), abs(value))
        return self.low - slack <= value <= self.high + slack


@dataclass(frozen=True)
class Threshold:
    """A limit and the side to keep: ``above`` means value ≥ limit is fine."""

    limit: float
    keep: Literal["above", "below"]
    source: str

    def met(self, value: float) -> bool:
        """Whether one number is on the right side; the limit itself is."""
        return value >= self.limit if self.keep == "above" else value <= self.limit


@dataclass(frozen=True)
class Rule:
    """What can be found: declared once per code, with its section in a playbook page."""

    code: str  # F-ATTN-SKEW
    metric: Metric
    title: str  # what fired, in a few words
    policy: str  # name of the dated value in data/policy/<domain>.yaml
    keep: Literal["above", "below"]
    min_n: int  # rows of evidence needed to judge
    owner: str  # a role
    due: str  # when by, in business terms; the date itself stands in the finding
    due_days: int
    playbook: str  # page under playbooks/; the section is the code's own anchor
    counts: str = "rows"  # what n counts, in the plural: reps, deals, past periods

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code):
            raise ValueError(f"finding code '{self.code}' is not of the form F-DOMAIN-NAME")

    @property
    def anchor(self) -> str:
        """``how-to/analytics/review-attainment.md#f-attn-skew``."""
        return f"{self.playbook}#{self.code.lower()}"

    def judge(
        self,
        *,
        scope: Mapping[str, str],
        value: float | None,
        n: int,
        limit: PolicyValue,
        as_of: date,
        statement: str,
        recommendation: str,
        interval: Interval | None = None,
        money_at_stake: float | None = None,
        mature: bool = True,
        currency: str | None = None,
        exact: str | None = None,
    ) -> Finding:
        """Judge one value against the policy limit that held on ``as_of``.

        ``value`` missing (None or NaN), ``n < min_n`` or ``mature=False`` gives UNKNOWN, and so does a value
        outside its own interval: the two contradict each other, so nothing is judged. ``statement`` is
        one sentence with its numbers; ``recommendation`` starts with a verb. ``exact`` is what ``n`` counts
        where the value is no estimate, so that one suffices: ``"finished periods"``.
        """
        expected = f"{self.metric.id.split('.')[0]}.{self.policy}"
        if limit.key != expected:
            raise ValueError(f"{self.code} is judged by '{expected}', not by '{limit.key}'")
        if self.metric.unit == "money" and not currency:
            raise ValueError(f"{self.code} is in money: name its currency")
        if limit.unit != self.metric.unit:
            raise ValueError(f"{self.code} is in {self.metric.unit}, its limit '{expected}' in {limit.unit}")
        held = interval is None or _number(value) is None or interval.holds(float(value))
        if not statement.strip() or not recommendation.strip():
            raise ValueError(f"{self.code} needs a statement and a recommendation")
        return Finding(
            code=self.code,
            metric=self.metric.id,
            title=self.title,
            scope={str(k): str(v) for k, v in scope.items()},
            value=_number(value),
            unit=self.metric.unit,
            currency=currency,
            n=int(n),
            min_n=1 if exact else self.min_n,
            counts=exact or self.counts,
            interval=interval,
            threshold=Threshold(limit.value, self.keep, limit.cited),
            mature=bool(mature and held),
            statement=sentence(statement),
            money_at_stake=_number(money_at_stake),
            recommendation=sentence(recommendation),
            owner=self.owner,
            due=_day(as_of) + timedelta(days=self.due_days),
            playbook=self.anchor,
        )


@dataclass(frozen=True)
class Finding:
    """One judged number. Made by :meth:`Rule.judge`; ``metric`` and ``scope`` identify it across runs."""

    code: str
    metric: str
    title: str
    scope: dict[str, str]
    value: float | None
    unit: str
    currency: str | None
    n: int
    min_n: int
    interval: Interval | None
    threshold: Threshold
    mature: bool
    statement: str
    money_at_stake: float | None
    recommendation: str
    owner: str
    due: date
    playbook: str
    counts: str = "rows"
    family: int = 1  # how many like findings were judged together (core.families)
    doubted: bool = False  # among so many, this one may be chance: no ACT

    @property
    def severity(self) -> Severity:
        """ACT: the whole interval misses the limit; WATCH: it straddles, or is doubted; OK: it meets; else
        UNKNOWN."""
        if self.value is None or self.n < self.min_n or not self.mature:
            return Severity.UNKNOWN
        low, high = (self.interval.low, self.interval.high) if self.interval else (self.value, self.value)
        met = self.threshold.met(low), self.threshold.met(high)
        if all(met):
            return Severity.OK
        return Severity.WATCH if any(met) or self.doubted else Severity.ACT

    @property
    def id(self) -> str:
        """The same question across runs: ``F-ATTN-SKEW:attainment.top_share{period=FY26-Q2}``."""
        inside = ",".join(f"{k}={self.scope[k]}" for k in sorted(self.scope))
        return f"{self.code}:{self.metric}{{{inside}}}"

    def to_dict(self) -> dict:
        """Plain JSON values, no NaN; severity included for readers, derived again on every load."""
        interval = self.interval and vars(self.interval)
        return {
            **{k: v for k, v in vars(self).items() if k not in {"interval", "threshold", "due"}},
            "interval": dict(interval) if interval else None,
            "threshold": dict(vars(self.threshold)),
            "due": self.due.isoformat(),
            "severity": self.severity.value,
        }

    @classmethod
    def from_dict(cls, record: Mapping) -> Finding:
        """Read back :meth:`to_dict`; a stored severity is ignored."""
        known = {k: v for k, v in record.items() if k != "severity"}
        interval = known["interval"]
        return cls(
            **known
            | {
                "interval": Interval(**interval) if interval else None,
                "threshold": Threshold(**known["threshold"]),
                "due": date.fromisoformat(known["due"]),
            }
        )


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """ACT first, then WATCH, UNKNOWN, OK; inside each by money at stake, largest first, then by id."""
    rank = list(Severity)
    return sorted(findings, key=lambda f: (rank.index(f.severity), -abs(f.money_at_stake or 0.0), f.id))


def _day(as_of: date) -> date:
    return as_of.date() if isinstance(as_of, datetime) else as_of


def _number(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) or not math.isfinite(value) else float(value)
