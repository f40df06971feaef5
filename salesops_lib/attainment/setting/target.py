"""The plan's year: its quarters and days, last year's bookings, the top-down target, its split by season."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas as pd

from salesops_lib.attainment.setting.basis import Basis, direct_lines
from salesops_lib.attainment.setting.productivity import Productivity
from salesops_lib.core.errors import ParameterError, PeriodError
from salesops_lib.core.money import allocate, to_decimal, total
from salesops_lib.core.periods import FiscalCalendar, Period


@dataclass(frozen=True)
class Plan:
    """What is to be sold, in which four quarters.

    ``quarters``: one row each: ``period``, ``start_date``, ``end_date`` (the day after), ``season_share``
    (of a year; sums to 1), ``target_base`` (Decimal, adds up to ``target``). ``last_base``: bookings of the
    base quarters. ``years_ahead``: from the middle of the base quarters to the middle of the plan.
    ``borrowed``: the calendar ends before; days are those of the last year in it, moved on.
    """

    name: str
    quarters: pd.DataFrame
    target: Decimal
    last_base: Decimal
    growth: float
    stated: bool
    years_ahead: float
    borrowed: bool

    @property
    def start(self) -> date:
        """First day of the plan."""
        return self.quarters["start_date"].iloc[0].date()


def plan(
    basis: Basis,
    made: Productivity | None,
    *,
    target: float = 0.0,
    growth: float = 0.0,
    quarters: list[str] | None = None,
    year: str = "",
) -> Plan | None:
    """The target of a year and its quarters; ``None`` where no target is given and no year is booked.

    Parameters
    ----------
    basis, made
        Facts as known, and productivity, whose season splits the target (even without it).
    target, growth
        Money of the whole year; 0: bookings of the last four whole quarters × (1 + growth).
    quarters, year
        The four quarters to plan, or a fiscal year (``FY27``); neither: the year after the one running.

    Raises
    ------
    ParameterError
        If the target is negative or the growth is -1 or less.
    PeriodError
        If the year does not parse or is no year.
    """
    if target < 0 or growth <= -1:
        raise ParameterError(f"target is {target:g} and growth {growth:g}; give 0 or more, and more than -1")
    names = quarters or [str(q) for q in _quarters_of(basis, year)]
    last = total(to_decimal(c) for c in direct_lines(basis.result, basis.base)["cents"].dropna())
    goal = total([target]) if target else (last * (1 + Decimal(str(growth)))).quantize(Decimal("0.01"))
    if goal <= 0 or (not target and not basis.base):
        return None
    days = [bounds(basis.calendar, name) for name in names]
    season = [made.season[Period.parse(n).number] if made else 1.0 for n in names]
    share = pd.Series(season) / sum(season)
    rows = pd.DataFrame(
        {
            "period": names,
            "start_date": pd.to_datetime([d[0] for d in days]),
            "end_date": pd.to_datetime([d[1] for d in days]),
            "season_share": share,
            "target_base": allocate(goal, season),
        }
    )
    ahead = 1.0
    if basis.base:
        middles = [_middle(bounds(basis.calendar, n) for n in part) for part in (names, basis.base)]
        ahead = (middles[0] - middles[1]).days / 365.25
    label = year or (str(Period.parse(names[0]).year % 100) if not quarters else "")
    label = year or (f"FY{label}" if label else f"{names[0]} to {names[-1]}")
    return Plan(label, rows, goal, last, growth, bool(target), ahead, _borrowed(basis.calendar, names))


def bounds(calendar: FiscalCalendar, quarter: str) -> tuple[date, date]:
    """Days of a quarter; beyond the calendar's end those of the last year in it, moved on by whole years."""
    period = Period.parse(quarter)
    for back in range(4):
        try:
            found = calendar.bounds(period.step(-4 * back))
        except PeriodError:
            continue
        return tuple((pd.Timestamp(d) + pd.DateOffset(years=back)).date() for d in found)
    raise PeriodError(f"year of '{quarter}' is outside the fiscal calendar; extend it in company.yaml")


def _quarters_of(basis: Basis, year: str) -> list[Period]:
    if year:
        asked = Period.parse(year)
        if asked.kind != "year":
            raise PeriodError(f"year is '{year}'; write a fiscal year as FY27")
        number = asked.year
    else:
        number = _year_of(basis.calendar, basis.as_of) + 1
    return [Period(number, "quarter", q) for q in range(1, 5)]


def _year_of(calendar: FiscalCalendar, day: date) -> int:
    """The fiscal year a day falls in; after the calendar's end, the last one it holds."""
    if day >= calendar.quarter_starts[-1]:
        return calendar.periods("quarter")[-1].year
    return calendar.period_of(day, "quarter").year


def _borrowed(calendar: FiscalCalendar, names: list[str]) -> bool:
    known = {str(p) for p in calendar.periods("quarter")}
    return any(n not in known for n in names)


def _middle(days) -> pd.Timestamp:
    edges = [pd.Timestamp(d) for pair in days for d in pair]
    return min(edges) + (max(edges) - min(edges)) / 2
