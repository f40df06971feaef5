"""The arithmetic of a line in words: ``120,000 × 8.5 % × 1.25``, so that it can be done again by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from salesops_lib.compensation.engine.lines import Line
from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.engine.rounding import amount
from salesops_lib.compensation.plans.curves import Curve
from salesops_lib.compensation.plans.exact import plain
from salesops_lib.compensation.plans.scales import SLOPED, Scale

ZERO = Fraction(0)
PLACES, MOST_PLACES = 6, 10


def arithmetic(paying: Paying, line: Line) -> str:
    """How a line comes about. Holds, draws and the like carry their words with them."""
    if line.text or line.kind not in {"commission", "bonus", "adjustment"}:
        return line.text
    plan = next(p for p in paying.versions.plans if p.version == line.version)
    component = plan.component(line.part)
    factors = paying.factors.words(line.rep, plan, component, line.day, line.period.end - 1)
    capped = " (capped)" if line.capped else ""
    if line.kind == "adjustment" and (line.after is None or line.before is not None):
        return f"what was earned before, now{factors or ' at the measure as it stands'}{capped}"
    scale = paying.scale(line.rep, plan, component, line.window)
    if line.after is None:
        return f"{component.measure} is undefined: nothing is paid"
    if scale is None:
        return f"the quota of {component.measure} is 0: nothing is paid"
    if line.before is None:
        less = f" − {amount(line.earlier):,.2f} earned before" if line.earlier else ""
        return f"{_of_window(paying, plan, component, line, scale)}{factors}{capped}{less}"
    curve = paying.curve(plan, component)
    pieces = _pieces(curve, component, scale, line.before, line.after)
    wrapped = f"({pieces})" if factors and (" + " in pieces or " − " in pieces) else pieces
    return f"{wrapped}{factors}{capped}"


def tier(paying: Paying, line: Line) -> str:
    """The tiers that a line touches, counted from 1: ``2`` or ``1–2``; empty where there are none."""
    if line.kind not in {"commission", "bonus"} or line.after is None or line.window is None:
        return ""
    plan = next(p for p in paying.versions.plans if p.version == line.version)
    component = plan.component(line.part)
    scale = paying.scale(line.rep, plan, component, line.window)
    if component.method == "matrix" or scale is None:
        return ""
    curve = paying.curve(plan, component)
    last = curve.tier_of(line.after / scale.divisor)
    if line.before is None or component.method != "marginal":
        return str(max(last, 0) + 1)
    low, high = sorted((line.before / scale.divisor, line.after / scale.divisor))
    first, top = curve.tier_of(low), curve.tier_of(high)
    if top > first and high == curve.knots[top]:
        top -= 1  # a band is half-open: a deal that ends on the boundary has nothing in the next
    first, top = max(first, 0) + 1, max(top, 0) + 1
    return str(first) if first >= top else f"{first}–{top}"


def _of_window(paying: Paying, plan, component, line: Line, scale: Scale) -> str:
    """``20 ÷ 15 = 1.333333 → 1.666667 × 1,487.50``."""
    x = line.after / scale.divisor
    read = short(line.after)
    if scale.divisor != 1:
        read = f"{short(line.after)} ÷ {short(scale.divisor)} = {short(x)}"
    if component.method == "matrix":
        day = min(line.period.end, line.window.end) - 1
        other = paying.windows.at(plan.measure(component.measure2).period, day)
        basis = None if component.basis == "attainment" else "value"
        y = paying.measured.read(line.rep, component.measure2, basis, plan, other, line.period.end - 1)
        if y is None:
            return f"{component.measure2} is undefined: nothing is paid"
        read, paid = f"{short(x)} and {short(y)}", paying.curve(plan, component).at(x, y)
    else:
        paid = paying.curve(plan, component).at(x)
    return f"{read} → {short(paid)}{_unit(component, scale)}"


def _unit(component, scale: Scale) -> str:
    """What the curve's payout is multiplied with."""
    if component.rate_unit == "percent":
        return " × 1 %" if scale.scale == Fraction(1, 100) else f" × 1 % × {short(scale.scale * 100)}"
    return "" if scale.scale == 1 else f" × {short(scale.scale)}"


def _pieces(curve: Curve, component, scale: Scale, before: Fraction, after: Fraction) -> str:
    """The measure's way from before to after, band by band, or as a difference of two payouts."""
    rate = _rate(component, scale)
    if component.method == "marginal":
        return " + ".join(_bands(curve, scale, rate, before, after)) or "0"
    if component.method == "retroactive":
        now, then = (_at_rate(curve, scale, rate, value) for value in (after, before))
        return now if before == 0 else f"{now} − {then}"
    now, then = (curve.at(v / scale.divisor) for v in (after, before))
    told = f"{short(now)}" if before == 0 and then == 0 else f"({short(now)} − {short(then)})"
    return f"{told}{_unit(component, scale)}"


def _bands(curve: Curve, scale: Scale, rate, before: Fraction, after: Fraction) -> list[str]:
    low, high = sorted((before / scale.divisor, after / scale.divisor))
    edges = [low, *(k for k in curve.knots if low < k < high), high]
    sign = "−" if after < before else ""
    found = []
    for start, end in pairwise(edges):
        k = max(curve.tier_of(start), 0)
        if end > start:
            found.append(f"{sign}{short((end - start) * scale.divisor)}{rate(curve.slopes[k])}")
    return found


def _at_rate(curve: Curve, scale: Scale, rate, value: Fraction) -> str:
    k = max(curve.tier_of(value / scale.divisor), 0)
    return f"{short(value)}{rate(curve.slopes[k])}"


def _rate(component, scale: Scale):
    """How the rate of a band reads behind the amount it is of."""
    if component.rate_unit == "percent":
        return lambda slope: f" × {plain(slope)} %"
    if component.rate_unit == "amount":
        return lambda slope: f" × {plain(slope)}"
    per_unit = scale.scale / scale.divisor if component.method in SLOPED else scale.scale
    if _ends(per_unit * 100):
        base = f" × {plain(per_unit * 100)} %"
    else:
        base = f" × {short(scale.scale)} ÷ {short(scale.divisor)}"
    return lambda slope: base if slope == 1 else f"{base} × {plain(slope)}"


def _ends(value: Fraction) -> bool:
    return (value * 10**MOST_PLACES).denominator == 1


def short(value: Fraction) -> str:
    """A figure for people: exact where it ends within ten places, else rounded to six and marked."""
    if _ends(value):
        number = Decimal(value.numerator) / Decimal(value.denominator)
        text = f"{number:,f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"≈{float(value):,.{PLACES}f}"
