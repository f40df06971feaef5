"""Windows in which measures accumulate and pay is made: months, quarters and years of a fiscal calendar.

A window is (kind, number); numbers count from the calendar's first period, so that they order and compare.
Days are ordinals (``date.toordinal``).
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from salesops_lib.core.errors import PeriodError
from salesops_lib.core.periods import FiscalCalendar, monthly

PER_YEAR = {"year": 1, "quarter": 4, "month": 12}


class Window(NamedTuple):
    """A period by number. ``start`` and ``end`` are ordinals, half-open."""

    kind: str
    number: int
    start: int
    end: int

    @property
    def days(self) -> int:
        """How many days it has."""
        return self.end - self.start


class Windows:
    """Windows of a fiscal calendar, found by day."""

    def __init__(self, calendar: FiscalCalendar) -> None:
        self.calendar = calendar
        quarters = [d.toordinal() for d in calendar.quarter_starts]
        first = (1 - calendar.first_quarter) % 4
        self._starts = {
            "month": [d.toordinal() for d in calendar.month_starts],
            "quarter": quarters,
            "year": quarters[first::4],
        }

    @lru_cache(maxsize=4096)  # noqa: B019 - one calendar lives as long as a run
    def at(self, kind: str, day: int) -> Window:
        """The window of a kind that a day falls in. Raises PeriodError outside the calendar."""
        starts = self._starts[kind]
        if not starts:
            raise PeriodError(
                f"this fiscal calendar has no {kind}s; give measures, and pay_period, quarters or years"
            )
        number = bisect_right(starts, day) - 1
        if number < 0 or number >= len(starts) - 1:
            raise PeriodError(f"{date.fromordinal(day)} is outside the fiscal calendar; extend it")
        return Window(kind, number, starts[number], starts[number + 1])

    def number(self, kind: str, number: int) -> Window:
        """The window of a kind by its number."""
        starts = self._starts[kind]
        return Window(kind, number, starts[number], starts[number + 1])

    def between(self, kind: str, first: int, last: int) -> list[Window]:
        """Windows of a kind from the one of day ``first`` to the one of day ``last``, both included."""
        numbers = range(self.at(kind, first).number, self.at(kind, last).number + 1)
        return [self.number(kind, n) for n in numbers]

    def starts(self, kind: str) -> list[int]:
        """All starts of a kind, and the last end."""
        return self._starts[kind]

    @lru_cache(maxsize=4096)  # noqa: B019
    def name(self, window: Window) -> str:
        """``FY26-Q2``."""
        return str(self.calendar.period_of(date.fromordinal(window.start), window.kind))


def calendar_from(first_day: date, first_month: int | None = None) -> FiscalCalendar:
    """Whole months; the year starts in ``first_month``, or in the month of ``first_day``."""
    years = range(max(1971, first_day.year - 5), min(2068, first_day.year + 30))
    return monthly(first_month or first_day.month, years, named_by="end")


def add_months(day: date, count: int) -> date:
    """The same day ``count`` months later, the month's last where it has no such day."""
    month = day.month - 1 + count
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
