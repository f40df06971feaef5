"""What a plan may say and somebody should look at: warnings W3xx and notes N4xx, one function per code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from salesops_lib.compensation.plans.curves import Curve, curve_of
from salesops_lib.compensation.plans.exact import plain
from salesops_lib.compensation.plans.faults import Fault
from salesops_lib.compensation.plans.load import Loaded
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.targets import outside_sum, target_of, window_quota
from salesops_lib.compensation.plans.windows import PER_YEAR

Found = Iterator[Fault]
MAX_SLOPE, MAX_ACCELERATOR, MAX_MEASURES = 5, 3, 3
MIN_WEIGHT = Fraction(1, 10)
QUOTA_TO_PAY = (4, 8)
RARE = Fraction(1, 10)


def w301(loaded: Loaded) -> Found:
    """A jump, in money of the plan."""
    for at, part in _curved(loaded):
        for x, left, right in curve_of(part).jumps:
            said, key = _money(loaded.plan, part, right - left), _key(part)
            rates = ""
            if part.method == "retroactive":
                unit = " %" if part.rate_unit == "percent" else ""
                rates = f" ({plain(left / x)}{unit} → {plain(right / x)}{unit})"
            yield loaded.fault(
                "W301", (*at, *key, _index(part, x)), f"at {plain(x)} pay jumps by {said}{rates}"
            )


def w302(loaded: Loaded) -> Found:
    """A slope above five times the base rate."""
    for at, part in _curved(loaded):
        for k, multiple in _multiples(part):
            if multiple > MAX_SLOPE and part.method == "interpolated":
                said = f"the slope is {plain(multiple)} times the base rate, above {MAX_SLOPE}"
                yield loaded.fault("W302", (*at, *_key(part), _index(part, curve_of(part).knots[k])), said)
            elif multiple > MAX_SLOPE:
                said = f"the rate is {plain(multiple)} times the base rate, above {MAX_SLOPE}"
                yield loaded.fault("W302", (*at, *_key(part), k), said)


def w303(loaded: Loaded) -> Found:
    """Quota divided by target cash outside 4 to 8."""
    plan = loaded.plan
    for name, measure in plan.measures.items():
        in_money = measure.aggregate == "sum" and measure.money
        if not in_money or not measure.quota or not measure.quota.value or not plan.pay:
            continue
        cash = Fraction(plan.pay.target_total_cash)
        ratio = window_quota(measure) * PER_YEAR[measure.period] / cash if cash else Fraction(0)
        if cash and not QUOTA_TO_PAY[0] <= ratio <= QUOTA_TO_PAY[1]:
            said = f"a year's quota is {plain(ratio)} times target cash, outside 4 to 8"
            yield loaded.fault("W303", ("measures", name, "quota"), said)


def w304(loaded: Loaded) -> Found:
    """An accelerator above three times the base rate and nothing that caps it."""
    for at, part in _curved(loaded):
        caps = [c for c in (part.cap, loaded.plan.cap) if c is not None]
        capped = any(c.amount is not None or c.share_of_target is not None for c in caps)
        ends_flat = curve_of(part).top is not None
        steep = [k for k, multiple in _multiples(part) if multiple > MAX_ACCELERATOR]
        if steep and not capped and not ends_flat:
            multiple = max(m for _, m in _multiples(part))
            said = f"{plain(multiple)} times the base rate with no cap on the component or the plan"
            yield loaded.fault("W304", (*at, *_key(part), steep[0]), said)


def w305(loaded: Loaded) -> Found:
    """More than three measures that pay."""
    paying = dict.fromkeys(
        name for c in loaded.plan.components for name in (c.measure, getattr(c, "measure2", None)) if name
    )
    if len(paying) > MAX_MEASURES:
        yield loaded.fault("W305", ("measures",), f"{len(paying)} measures pay: {', '.join(paying)}")


def w306(loaded: Loaded) -> Found:
    """A weight too small to be felt."""
    for at, part in loaded.parts("components"):
        if 0 < part.weight < MIN_WEIGHT:
            yield loaded.fault(
                "W306", (*at, "weight"), f"a weight of {plain(part.weight * 100)} %, under 10 %"
            )


def w307(loaded: Loaded, history: Mapping[str, Sequence[Fraction]]) -> Found:
    """A threshold above the tenth percentile of history. ``history``: measure → attainments of the past."""
    for at, part in _curved(loaded):
        past = sorted(history.get(part.measure, ()))
        curve = curve_of(part)
        threshold = _threshold(curve)
        if not past or threshold is None or part.basis == "amount":
            continue
        tenth = past[max(0, -(-len(past) // 10) - 1)]
        if threshold > tenth:
            missed = sum(x < threshold for x in past)
            said = f"pay starts at {plain(threshold)}, above the 10th percentile of history ({plain(tenth)})"
            yield loaded.fault("W307", (*at, *_key(part)), f"{said}; {missed} of {len(past)} stayed under it")


def n401(loaded: Loaded) -> Found:
    """A component outside the sum of target incentive."""
    for at, part in loaded.parts("components"):
        if _known(loaded.plan, part) and (why := outside_sum(loaded.plan, part)):
            yield loaded.fault("N401", (*at, "weight"), f"outside the sum of target incentive: {why}")


def n402(loaded: Loaded) -> Found:
    """A multiplier that moves pay at target."""
    for at, part in loaded.parts("components"):
        for path, factor in loaded.subparts(at, "multiplier", part.multipliers):
            if factor.measure not in loaded.plan.measures or not (factor.points or factor.tiers):
                continue
            basis = factor.basis or ("attainment" if loaded.plan.measure(factor.measure).quota else "value")
            x = target_of(loaded.plan, factor.measure, basis)
            at_target = curve_of(factor).at(x) if x is not None else Fraction(1)
            if at_target != 1:
                said = f"at target of {factor.measure} it multiplies by {plain(at_target)}, not 1"
                yield loaded.fault("N402", path, f"{said}; payout at target is judged without it")


def _curved(loaded: Loaded) -> Iterator[tuple[tuple, Any]]:
    return (
        (at, part) for at, part in loaded.parts("components")
        if part.method != "matrix" and _known(loaded.plan, part)
    )  # fmt: skip


def _known(plan: Plan, part: Any) -> bool:
    try:
        plan.measure(part.measure)
    except KeyError:
        return False
    return True


def _multiples(part: Any) -> list[tuple[int, Fraction]]:
    """(knot, slope as a multiple of the base rate); the first rate above 0 is the base of a percentage."""
    curve = curve_of(part)
    base = Fraction(1)
    if part.rate_unit in {"percent", "amount"}:
        base = next((s for s in curve.slopes if s > 0), Fraction(1))
    if part.rate_unit == "amount" and part.method in {"step", "interpolated"}:
        return []
    return [(k, slope / base) for k, slope in enumerate(curve.slopes)]


def _threshold(curve: Curve) -> Fraction | None:
    """The first value at which anything is paid, where that is above 0."""
    for k, knot in enumerate(curve.knots):
        if curve.values[k] > 0 or curve.slopes[k] > 0:
            return knot if knot > 0 else None
    return None


def _money(plan: Plan, part: Any, jump: Fraction) -> str:
    """A jump of a curve in money, where the plan says enough; else as a share."""
    measure = plan.measure(part.measure)
    target = Fraction(plan.target_incentive) * Fraction(part.weight) / PER_YEAR[measure.period]
    quota = window_quota(measure) if measure.quota is not None and measure.quota.value is not None else None
    sloped, by_quota = part.method == "retroactive", part.basis == "attainment"
    if part.rate_unit in {"share_of_target", "multiple_of_base"} and (by_quota or part.rate_unit[0] == "s"):
        return f"{plain(round(target * jump, 2))} {plan.currency} ({plain(jump * 100)} % of target incentive)"
    if sloped and by_quota and quota is None:
        return f"{plain(jump)}{' %' if part.rate_unit == 'percent' else ' times'} of the quota"
    scale = Fraction(1, 100) if part.rate_unit == "percent" else Fraction(1)
    scale *= quota if sloped and by_quota else 1
    if part.rate_unit == "multiple_of_base":
        return f"{plain(jump)} times the base rate"
    return f"{float(round(scale * jump, 2)):,.2f} {plan.currency}"


def _key(part: Any) -> tuple[str]:
    return ("points",) if part.method == "interpolated" else ("tiers",)


def _index(part: Any, x: Fraction) -> int:
    """The place in the file's list of tiers or points where a knot stands, the last of several."""
    xs = [p[0] for p in part.points] if part.method == "interpolated" else [t.from_ for t in part.tiers]
    return max(k for k, value in enumerate(xs) if value == x)


CHECKS = (w301, w302, w303, w304, w305, w306, n401, n402)
