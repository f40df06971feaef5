"""The fiscal calendar: ``FY26-Q2`` parses, prints, steps, has bounds, and a share elapsed by business day."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd

from salesops_lib.core.errors import PeriodError

Kind = Literal["year", "quarter", "month"]

_TEXT = re.compile(r"FY([0-9]{2})(?:-(Q[1-4]|M(?:0[1-9]|1[0-2])))?")
_PER_YEAR: dict[str, int] = {"year": 1, "quarter": 4, "month": 12}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, order=True)
class Period:
    """A fiscal year, quarter or month by name; its days come from a :class:`FiscalCalendar`."""

    year: int  # 2026 for FY26
    kind: Kind
    number: int  # 1 for a year, 1-4, 1-12

    def __post_init__(self) -> None:
        if self.kind not in _PER_YEAR or not 1 <= self.number <= _PER_YEAR[self.kind]:
            raise PeriodError(f"there is no {self.kind} {self.number}; a year has 4 quarters and 12 months")
        if not 1970 <= self.year <= 2069:  # two digits name it: FY70 is 1970, FY69 is 2069
            raise PeriodError(f"fiscal year {self.year} is outside 1970 to 2069")

    def __str__(self) -> str:
        """``FY26``, ``FY26-Q2`` or ``FY26-M05``."""
        part = {"year": "", "quarter": f"-Q{self.number}", "month": f"-M{self.number:02d}"}[self.kind]
        return f"FY{self.year % 100:02d}{part}"

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read ``FY26-Q2``; anything else is refused with the form to write."""
        match = _TEXT.fullmatch(str(text))
        if not match:
            raise PeriodError(f"'{text}' is not a period; write FY26, FY26-Q2 or FY26-M05")
        two, part = int(match[1]), match[2]
        year = 1900 + two if two >= 70 else 2000 + two
        if part is None:
            return cls(year, "year", 1)
        return cls(year, "quarter" if part[0] == "Q" else "month", int(part[1:]))

    def step(self, count: int) -> Period:
        """The period ``count`` later (earlier if negative) of the same kind."""
        per_year = _PER_YEAR[self.kind]
        ordinal = self.year * per_year + self.number - 1 + count
        return Period(ordinal // per_year, self.kind, ordinal % per_year + 1)


@dataclass(frozen=True)
class FiscalCalendar:
    """Bounds of every fiscal month, quarter and year, half-open ``[start, end)``.

    ``quarter_starts`` or ``month_starts`` come from :func:`monthly`, :func:`four_four_five` or
    :func:`explicit`; the last element is the end of the last period. ``first_year`` names the fiscal year
    the first start belongs to. ``month_starts`` is empty where months are not defined.
    """

    quarter_starts: tuple[date, ...]
    month_starts: tuple[date, ...]
    first_year: int
    first_quarter: int = 1
    working_days: tuple[str, ...] = ("Mon", "Tue", "Wed", "Thu", "Fri")
    holidays: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        for starts in (self.quarter_starts, self.month_starts):
            if any(a >= b for a, b in pairwise(starts)):
                raise PeriodError("period starts are not in increasing order; sort them and remove doubles")
        if len(self.quarter_starts) < 2:
            raise PeriodError("the fiscal calendar has no quarter; give at least one start and the last end")
        bad = [d for d in self.working_days if d not in WEEKDAYS]
        if bad or not self.working_days:
            raise PeriodError(f"working_days has {bad or 'nothing'}; write some of {', '.join(WEEKDAYS)}")

    def bounds(self, period: Period | str) -> tuple[date, date]:
        """First day and the day after the last; a period outside the calendar is refused."""
        period = Period.parse(period) if isinstance(period, str) else period
        kind = "quarter" if period.kind == "year" else period.kind
        starts = self._starts(kind)
        at = self._ordinal(period)
        last = at + (4 if period.kind == "year" else 1)
        if at < 0 or last >= len(starts):
            names = [str(self._period(i, kind)) for i in (0, len(starts) - 2)]
            raise PeriodError(f"period '{period}' is outside the fiscal calendar ({names[0]} to {names[1]})")
        return starts[at], starts[last]

    def period_of(self, day: date, kind: Kind = "quarter") -> Period:
        """The period a day falls in; a start day belongs to the period it starts."""
        starts = self._starts("quarter" if kind == "year" else kind)
        at = -1 if pd.isna(day) else bisect_right(starts, date(day.year, day.month, day.day)) - 1
        if not 0 <= at < len(starts) - 1:
            raise PeriodError(
                f"{day} is outside the fiscal calendar "
                f"({self.quarter_starts[0]} to {self.quarter_starts[-1]}); extend it in company.yaml"
            )
        return self._period(at, "quarter" if kind == "year" else kind, kind)

    def assign(self, days: pd.Series, kind: Kind = "quarter") -> pd.Series:
        """Period names for a column of dates (naive, company's zone); missing where outside or missing."""
        by = "quarter" if kind == "year" else kind
        starts = pd.DatetimeIndex(self._starts(by))
        at = starts.searchsorted(pd.to_datetime(days).to_numpy(), side="right") - 1
        inside = (at >= 0) & (at < len(starts) - 1) & days.notna().to_numpy()
        names = self._names(by, kind)
        return pd.Series(names[np.where(inside, at, len(names) - 1)], index=days.index, dtype=object)

    def periods(
        self, kind: Kind = "quarter", start: date | None = None, end: date | None = None
    ) -> list[Period]:
        """Every period of a kind that touches ``[start, end)``, in order; only years that are whole."""
        by = "quarter" if kind == "year" else kind
        starts = self._starts(by)
        touched = [
            self._period(i, by, kind)
            for i in range(len(starts) - 1)
            if (end is None or starts[i] < end) and (start is None or starts[i + 1] > start)
        ]
        return [p for p in dict.fromkeys(touched) if self._is_whole(p)]

    def business_days(self, start: date, end: date) -> int:
        """Working days in ``[start, end)``."""
        mask = "".join("1" if d in self.working_days else "0" for d in WEEKDAYS)
        return int(np.busday_count(start, end, weekmask=mask, holidays=self._holidays))

    def elapsed_share(self, period: Period | str, as_of: date) -> float:
        """Share of the period's business days that have ended on ``as_of`` (that day included), 0 to 1."""
        start, end = self.bounds(period)
        total = self.business_days(start, end)
        if total == 0:
            raise PeriodError(f"period '{period}' has no business day; check holidays in company.yaml")
        through = min(max(as_of + timedelta(days=1), start), end)
        return self.business_days(start, through) / total

    def add_business_days(self, day: date, count: int) -> date:
        """The day ``count`` working days later; a day off first rolls back to the last working day."""
        mask = "".join("1" if d in self.working_days else "0" for d in WEEKDAYS)
        moved = np.busday_offset(day, count, roll="backward", weekmask=mask, holidays=self._holidays)
        return moved.astype(object)

    @cached_property
    def _holidays(self) -> np.ndarray:
        return np.array(self.holidays, dtype="datetime64[D]")

    def _names(self, by: str, kind: Kind) -> np.ndarray:
        """Names of all periods of a kind, None after the last: the same for every column of days."""
        known = self.__dict__.setdefault("_known_names", {})
        if kind not in known:
            named = [str(self._period(i, by, kind)) for i in range(len(self._starts(by)) - 1)]
            known[kind] = np.array([*named, None], object)
        return known[kind]

    def _starts(self, kind: str) -> tuple[date, ...]:
        starts = self.quarter_starts if kind == "quarter" else self.month_starts
        if not starts:
            raise PeriodError("this fiscal calendar has explicit quarter starts and no months; use quarters")
        return starts

    def _is_whole(self, period: Period) -> bool:
        at = self._ordinal(period)
        return period.kind != "year" or (at >= 0 and at + 4 < len(self.quarter_starts))

    def _ordinal(self, period: Period) -> int:
        per_year = 12 if period.kind == "month" else 4
        offset = (self.first_quarter - 1) * (3 if period.kind == "month" else 1)
        return (period.year - self.first_year) * per_year + period.number - 1 - offset

    def _period(self, index: int, by: str, kind: Kind | None = None) -> Period:
        per_year = 4 if by == "quarter" else 12
        ordinal = index + (self.first_quarter - 1) * (1 if by == "quarter" else 3)
        year = self.first_year + ordinal // per_year
        return Period(year, "year", 1) if kind == "year" else Period(year, by, ordinal % per_year + 1)


def monthly(first_month: int, years: Iterable[int], *, named_by: str = "end", **options) -> FiscalCalendar:
    """A calendar of whole months. ``FY26`` is named by the calendar year its last (or first) day is in."""
    years = _years(years)
    shift = _name_shift(first_month, named_by)
    firsts = [
        date(year - shift + (first_month - 1 + m) // 12, (first_month - 1 + m) % 12 + 1, 1)
        for year in range(years[0], years[-1] + 1)
        for m in range(12)
    ]
    firsts.append(date(years[-1] + 1 - shift, first_month, 1))
    return FiscalCalendar(tuple(firsts[::3]), tuple(firsts), years[0], **options)


def four_four_five(
    first_month: int, years: Iterable[int], *, ends_on: str = "Sat", named_by: str = "end", **options
) -> FiscalCalendar:
    """Quarters of 4 + 4 + 5 weeks. The year ends on the ``ends_on`` nearest the end of the last month.

    A year has 52 or 53 weeks; a 53rd week goes to the last month.
    """
    if ends_on not in WEEKDAYS:
        raise PeriodError(f"ends_on is '{ends_on}'; write one of {', '.join(WEEKDAYS)}")
    weekday, shift = WEEKDAYS.index(ends_on), _name_shift(first_month, named_by)

    def opens(year: int) -> date:
        last = date(year - shift, first_month, 1) - timedelta(days=1)
        off = (weekday - last.weekday()) % 7
        return last + timedelta(days=(off if off <= 3 else off - 7) + 1)

    years = _years(years)
    months: list[date] = []
    for year in range(years[0], years[-1] + 1):
        weeks = 0
        for length in (4, 4, 5) * 4:
            months.append(opens(year) + timedelta(weeks=weeks))
            weeks += length
    months.append(opens(years[-1] + 1))
    return FiscalCalendar(tuple(months[::3]), tuple(months), years[0], **options)


def explicit(quarter_starts: Iterable[date], last_end: date, *, first: str, **options) -> FiscalCalendar:
    """A calendar from quarter starts and the day after the last; ``first`` names the first quarter."""
    period = Period.parse(first)
    if period.kind != "quarter":
        raise PeriodError(f"first period '{first}' is no quarter; write FY11-Q4")
    return FiscalCalendar(
        (*quarter_starts, last_end), (), period.year, first_quarter=period.number, **options
    )


def _name_shift(first_month: int, named_by: str) -> int:
    """How many calendar years before its name a fiscal year starts."""
    if named_by not in {"start", "end"}:
        raise PeriodError(f"named_by is '{named_by}'; write start or end")
    if first_month not in range(1, 13):
        raise PeriodError(f"first_month is {first_month}; write 1 to 12")
    return 1 if named_by == "end" and first_month > 1 else 0


def _years(years: Iterable[int]) -> list[int]:
    found = sorted(years)
    if not found:
        raise PeriodError("the fiscal calendar has no year; give at least one")
    return found
