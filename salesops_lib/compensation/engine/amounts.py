"""Amounts of events as exact numbers, in the plan's currency, shared out among the payees of a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from salesops_lib.compensation.engine.credits import Credits
from salesops_lib.compensation.engine.currency import Rates
from salesops_lib.compensation.engine.events import Events
from salesops_lib.compensation.engine.proration import Versions
from salesops_lib.compensation.engine.rounding import share_out
from salesops_lib.compensation.engine.rows import blank, number_of
from salesops_lib.compensation.plans.exact import MAX_DIGITS, PLAIN
from salesops_lib.compensation.plans.plan import Plan

MAX_PLACES = 9
MAX_UNITS = 2**52
"""Sums of units below this are exact as float64 too."""
ZERO = Fraction(0)
BLANK = Decimal(0)


@dataclass
class Amounts:
    """Fields of events as numbers, read once per field.

    ``of`` gives what a credit brings; a blank cell is 0 of a sum and is told in the notes.
    """

    events: Events
    credits: Credits
    versions: Versions
    rates: Rates | None
    _read: dict[str, dict[Any, Fraction]] = field(default_factory=dict)
    _units: dict[str, tuple | None] = field(default_factory=dict)
    _parts: dict[tuple, dict[int, Fraction]] = field(default_factory=dict)
    _factors: dict[int, Fraction] = field(default_factory=dict)

    def cell(self, name: str, place: int) -> Fraction | None:
        """The number in a field of an event, None where blank; what is no number is a complaint."""
        column = self.events.column(name)
        value = column[place] if column is not None else None
        if blank(value):
            return None
        memo = self._read.setdefault(name, {})
        if value not in memo:
            try:
                memo[value] = number_of(value)
            except ValueError as fault:
                deal = self.events.deal_id[place]
                self.events.complaints.add(self.events.row[place], "E303", name, f"{deal}: {fault}")
                memo[value] = ZERO
        return memo[value]

    def units(self, name: str) -> tuple[np.ndarray, np.ndarray, int] | None:
        """A whole field at once: (units of 10⁻ᵖ as int64, which are blank, p); a blank is 0 units.

        None where it is not all decimals of at most `MAX_PLACES`, or the sum leaves `MAX_UNITS`.
        """
        if name not in self._units:
            column = self.events.column(name)
            self._units[name] = None if column is None else _column_units(column)
        return self._units[name]

    def factor(self, place: int) -> Fraction | None:
        """What money of an event is multiplied with to be in the plan's currency; None: it is already."""
        currency = self.events.currency[place]
        if currency is None:
            return None
        plan: Plan = self.versions.on(self.events.day[place])
        if currency == plan.currency:
            return None
        if place not in self._factors:
            self._factors[place] = self._rate(place, currency, plan)
        return self._factors[place]

    def _rate(self, place: int, currency: str, plan: Plan) -> Fraction:
        row, deal, day = self.events.row[place], self.events.deal_id[place], self.events.day[place]
        said = None
        if plan.fx is None:
            said = f"an amount in {currency}, and the plan ({plan.currency}) has no fx"
        else:
            try:
                return rate_of(plan, self.rates, currency, day)
            except ValueError as fault:
                said = str(fault)
        self.events.complaints.add(row, "E209", deal, said)
        return Fraction(1)

    def of(self, name: str, number: int, is_money: bool) -> Fraction | None:
        """What credit ``number`` brings in a field, in the plan's currency; None where blank."""
        credit = self.credits.rows[number]
        if credit.base >= 0:
            below = self.of(name, credit.base, is_money)
            return None if below is None else below * credit.share
        value = self.cell(name, credit.event)
        if value is None:
            return None
        if credit.group >= 0:
            value = self._shared(name, credit.group)[number]
        elif credit.share != 1:
            value = value * credit.share
        factor = self.factor(credit.event) if is_money else None
        return value if factor is None else value * factor

    def _shared(self, name: str, group: int) -> dict[int, Fraction]:
        """A split's amounts, to the cent, ties to the lower id; they add up to the rule's part of it."""
        key = (name, group)
        if key not in self._parts:
            numbers = self.credits.groups[group]
            rows = [self.credits.rows[n] for n in numbers]
            whole = self._whole(name, rows) * self.credits.sums[group]
            places = max(2, _places(whole))
            parts = (
                share_out(int(whole * 10**places), [r.share for r in rows], [r.rep for r in rows])
                if sum(r.share for r in rows) > 0
                else [0] * len(rows)
            )
            self._parts[key] = {n: Fraction(part, 10**places) for n, part in zip(numbers, parts, strict=True)}
        return self._parts[key]

    def _whole(self, name: str, rows: Sequence) -> Fraction:
        """The amount that the rows of a split share; each row repeats it."""
        said = {self.cell(name, r.event) for r in rows} - {None}
        if len(said) > 1:
            place = rows[-1].event
            told = ", ".join(sorted(str(Decimal(s.numerator) / s.denominator) for s in said))
            self.events.complaints.add(
                self.events.row[place], "E305", self.events.deal_id[place],
                f"the rows of a split repeat the deal's {name}, but say {told}",
            )  # fmt: skip
        return max(said) if said else ZERO


def rate_of(plan: Plan, rates: Rates | None, currency: str, day: int) -> Fraction:
    """Units of the plan's currency for one of another on an event's day. Raises ValueError if unknown."""
    if plan.fx.rate_date == "fixed":
        if currency not in plan.fx.rates:
            raise ValueError(f"the plan has no rate of {currency}; add it to fx.rates")
        return Fraction(plan.fx.rates[currency])
    if rates is None:
        raise ValueError(f"an amount in {currency} and no rates; give them with --fx")
    return rates.convert(currency, plan.fx.to, day, plan.fx.rate_date)


def _column_units(column: Sequence[Any]) -> tuple[np.ndarray, np.ndarray, int] | None:
    decimals: list[Decimal] = []
    for value in column:
        if isinstance(value, str) and PLAIN.fullmatch(value) and len(value) <= MAX_DIGITS:
            decimals.append(Decimal(value))
        elif isinstance(value, Decimal) and value.is_finite():
            decimals.append(value)
        elif blank(value):
            decimals.append(BLANK)
        else:
            return None
    places = max(0, -min((d.as_tuple().exponent for d in decimals), default=0))
    if places > MAX_PLACES:
        return None
    units = [int(d.scaleb(places)) for d in decimals]
    if sum(map(abs, units)) >= MAX_UNITS:
        return None
    return np.array(units, "int64"), np.fromiter((d is BLANK for d in decimals), bool, len(decimals)), places


def _places(value: Fraction) -> int:
    """Decimal places of a number that ends; at most `MAX_PLACES`."""
    for places in range(MAX_PLACES + 1):
        if (value * 10**places).denominator == 1:
            return places
    return MAX_PLACES
