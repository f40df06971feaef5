"""Exchange rates by day: exact, of the day, the month's mean or its last. A missing rate is an error."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

import pandas as pd

from salesops_lib.compensation.engine.rows import Complaints, blank, moment_of, number_of, text_of
from salesops_lib.compensation.plans.windows import add_months

MAX_AGE_DAYS = 7


@dataclass
class Rates:
    """Rates of currencies into one base, by day.

    ``days`` and ``rates``: currency → sorted ordinals, and units of the base for one of the currency.
    ``base``: what they are in; None: the currency asked for, where it has no rates of its own.
    """

    days: dict[str, list[int]]
    rates: dict[str, list[Fraction]]
    base: str | None = None
    _memo: dict[tuple, Fraction] = field(default_factory=dict)

    def convert(self, currency: str, to: str, day: int, rule: str) -> Fraction:
        """Units of ``to`` for one of ``currency`` by the rule of a plan's ``fx.rate_date``.

        Raises ValueError where there is no rate.
        """
        base = self.base or (None if to in self.days else to)
        for asked in (currency, to):
            if asked not in self.days and asked != base:
                raise ValueError(f"no rate of {asked}; add it to the rates")
        key = (currency, to, self._span(day, rule), rule)
        if key not in self._memo:
            self._memo[key] = self._one(currency, day, rule) / self._one(to, day, rule)
        return self._memo[key]

    def _span(self, day: int, rule: str) -> int:
        return day if rule == "event_date" else date.fromordinal(day).replace(day=1).toordinal()

    def _one(self, currency: str, day: int, rule: str) -> Fraction:
        """Units of the base for one of a currency."""
        if currency not in self.days:
            return Fraction(1)
        days, rates = self.days[currency], self.rates[currency]
        if rule == "event_date":
            at = bisect_right(days, day) - 1
            if at >= 0 and day - days[at] <= MAX_AGE_DAYS:
                return rates[at]
            raise ValueError(
                f"no rate of {currency} on {date.fromordinal(day)} or the {MAX_AGE_DAYS} days before"
            )
        first = date.fromordinal(day).replace(day=1)
        low, high = bisect_left(days, first.toordinal()), bisect_left(days, add_months(first, 1).toordinal())
        if low == high:
            raise ValueError(f"no rate of {currency} in {first:%Y-%m}")
        if rule == "month_end":
            return rates[high - 1]
        return sum(rates[low:high], Fraction(0)) / (high - low)


def rates_from(frame: pd.DataFrame, file: str = "fx_rates", base: str | None = None) -> Rates:
    """Rates from rows ``currency``, ``date``, ``base_per_unit``; ``base`` is the currency they are in.

    Raises PlanError: a column missing, a cell that is none, a rate not above 0, two rates of one day.
    """
    said = Complaints(file)
    lost = [n for n in ("currency", "date", "base_per_unit") if n not in frame.columns]
    if lost:
        said.add(1, "E308", "columns", f"no column {lost[0]}. It has: {', '.join(map(str, frame.columns))}")
        said.stop()
    found: dict[str, dict[int, Fraction]] = {}
    for place, record in enumerate(frame.to_dict("records")):
        row = int(record.get("row", place + 1))
        currency = text_of(record["currency"])
        try:
            if currency is None or blank(record["date"]) or blank(record["base_per_unit"]):
                raise ValueError("currency, date and base_per_unit belong together; fill them in")
            day, rate = moment_of(record["date"])[0], number_of(_written(record["base_per_unit"]))
            if rate <= 0:
                raise ValueError("a rate is above 0")
        except ValueError as fault:
            said.add(row, "E303", str(currency), str(fault))
            continue
        if found.setdefault(currency, {}).setdefault(day, rate) != rate:
            said.add(row, "E306", currency, f"two rates on {date.fromordinal(day)}; keep one")
    said.stop()
    days = {c: sorted(by_day) for c, by_day in found.items()}
    return Rates(days, {c: [found[c][d] for d in days[c]] for c in found}, base)


def _written(value):
    """A rate as written: tables of the company hold rates as float, and their print is the rate."""
    return repr(float(value)) if isinstance(value, float) else value
