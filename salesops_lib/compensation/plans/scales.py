"""Units of a component: what x of its curve is divided by, and what the payout is multiplied with.

    payout in money = scale × curve(measure ÷ divisor)

    rate_unit          methods                          scale
    share_of_target    all                              target incentive of the window × weight
    multiple_of_base   marginal, retroactive            the same (basis attainment), ÷ quota (basis amount)
    percent            marginal, retroactive            1 ÷ 100, × quota where the basis is attainment
    amount             step, interpolated, matrix       1: the payout is money
    amount             marginal, retroactive            1, × quota where the basis is attainment: per unit

The divisor is the quota where the basis is attainment, else 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from salesops_lib.compensation.plans.components import Component

ONE = Fraction(1)
HUNDREDTH = Fraction(1, 100)
SLOPED = ("marginal", "retroactive")
FITTING = {
    "share_of_target": ("marginal", "retroactive", "step", "interpolated", "matrix"),
    "multiple_of_base": SLOPED,
    "percent": SLOPED,
    "amount": ("marginal", "retroactive", "step", "interpolated", "matrix"),
}
"""Which methods a rate unit goes with."""


@dataclass(frozen=True)
class Scale:
    """``money = scale × curve(measure ÷ divisor)`` for one holder and window."""

    divisor: Fraction
    scale: Fraction


def needs_quota(component: Component) -> bool:
    """Whether the component cannot be paid without a quota of its measure."""
    return component.basis == "attainment" or component.rate_unit == "multiple_of_base"


def needs_target(component: Component) -> bool:
    """Whether the payout is a share of the target incentive."""
    return component.rate_unit in {"share_of_target", "multiple_of_base"}


def scale_of(component: Component, target: Fraction, quota: Fraction | None) -> Scale:
    """Divisor and scale.

    ``target``: the holder's target incentive of the window times the component's weight, in money.
    ``quota``: of the window, in the measure's unit, above 0; None where the component needs none.
    """
    by_quota = component.basis == "attainment"
    divisor = quota if by_quota else ONE
    if component.rate_unit == "share_of_target":
        return Scale(divisor, target)
    if component.rate_unit == "multiple_of_base":
        return Scale(divisor, target if by_quota else target / quota)
    unit = HUNDREDTH if component.rate_unit == "percent" else ONE
    per_measure = by_quota and component.method in SLOPED
    return Scale(divisor, unit * quota if per_measure else unit)
