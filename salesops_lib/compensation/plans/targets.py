"""What a component pays at target, as a share of its target incentive."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from salesops_lib.compensation.plans.curves import curve_of, surface_of
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.scales import SLOPED, scale_of
from salesops_lib.compensation.plans.windows import PER_YEAR

ONE = Fraction(1)


def target_of(plan: Plan, name: str, basis: str) -> Fraction | None:
    """The value of a measure at target, as a curve reads it; None where the plan does not say it."""
    measure = plan.measure(name)
    if basis == "attainment" and measure.quota is not None:
        return ONE
    if measure.quota is not None:
        return None if measure.quota.value is None else window_quota(measure)
    if measure.target_at is not None:
        return Fraction(measure.target_at)
    return ONE if basis == "score" else None


def window_quota(measure: Any) -> Fraction:
    """The quota of one window of a role's measure."""
    per = measure.quota.per or measure.period
    return Fraction(measure.quota.value) * PER_YEAR[per] / PER_YEAR[measure.period]


def outside_sum(plan: Plan, component: Any) -> str | None:
    """Why a component is no part of the target incentive; None where it is."""
    if component.weight == 0:
        return "weight 0"
    quota = plan.measure(component.measure).quota
    if component.basis == "amount" and quota is None:
        return f"it pays on the amount of {component.measure}, which has no quota"
    by_quota = component.rate_unit in {"percent", "amount"} and component.method in SLOPED
    if by_quota and quota is not None and quota.value is None:
        return f"it pays by the quota of {component.measure}, which is not in the plan"
    return None


def at_target(plan: Plan, component: Any) -> Fraction | None:
    """Payout at target ÷ target incentive of the component, before multipliers, gates and caps.

    None where the target, or the target incentive, is not said. The component is inside the sum.
    """
    measure = plan.measure(component.measure)
    target = Fraction(plan.target_incentive) * Fraction(component.weight) / PER_YEAR[measure.period]
    x = target_of(plan, component.measure, component.basis)
    if x is None or target == 0:
        return None
    if component.method == "matrix":
        y = target_of(plan, component.measure2, component.basis)
        if y is None:
            return None
        paid = surface_of(component).at(x, y)
        return paid if component.rate_unit == "share_of_target" else paid / target
    known = measure.quota is not None and measure.quota.value is not None
    quota = window_quota(measure) if known else ONE
    scale = scale_of(component, target, quota)
    value = x * quota if component.basis == "attainment" else x
    if component.rate_unit == "multiple_of_base" and component.basis == "amount" and not known:
        return None
    return scale.scale * curve_of(component).at(value / scale.divisor) / target
