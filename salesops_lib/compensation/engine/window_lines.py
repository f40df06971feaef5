"""Bonuses, exact: one line per window, from the measure as it stands when the window ends.

What is payable in a pay period is what is earned by its end less what was earned by the end of the one
before; a bonus paid at the end of its window has earned nothing before. A measure that moves later (a
clawback reduces attainment) posts the difference into the pay period in which it moved.
"""

from __future__ import annotations

from fractions import Fraction

from salesops_lib.compensation.engine.deal_lines import separate_cap
from salesops_lib.compensation.engine.lines import Line
from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.windows import Window

ZERO = Fraction(0)


def window_lines(paying: Paying, rep: str, name: str, window: Window) -> list[Line]:
    """Lines of a bonus for a holder and window, in the order in which they are paid.

    The version that the holder is last on in the window pays it.
    """
    plan = paying.plan_of(rep, window)
    component = next((c for c in plan.components if c.id == name), None) if plan else None
    if component is None:
        return []
    news = paying.measured.days_with_news(rep, component.measure, plan, window)
    lines: list[Line] = []
    paid = 0
    for period in _periods(paying, plan, component, window, news):
        through = period.end - 1
        cents, x, factor, capped = _earned(paying, rep, plan, component, window, through)
        if cents != paid or (not lines and news and news[0] <= through):
            kind = "bonus" if component.as_earned or not lines else "adjustment"
            day = min(through, window.end - 1)
            line = Line(rep, kind, name, plan.version, window, period, day, cents - paid)
            lines.append(line._replace(after=x, factor=factor, capped=capped, earlier=paid))
        paid = cents
    return lines


def _periods(paying: Paying, plan: Plan, component, window: Window, news: list[int]) -> list[Window]:
    """Pay periods in which the earnings can move."""
    start = window.start if component.as_earned else window.end - 1
    last = max(window.end - 1, *news) if news else window.end - 1
    if component.multipliers or component.gates:
        last = max(last, min(paying.horizon, paying.factors.last_day(plan, component, window.end - 1)))
    if component.as_earned:
        last = max(start, min(last, paying.horizon))
    periods = paying.periods(start, last)
    if paying.open_ended and not component.as_earned:
        periods = [p for p in periods if p.end - 1 <= paying.horizon]
    return periods


def _earned(paying: Paying, rep: str, plan: Plan, component, window: Window, through: int):
    """(cents earned by a day, the measure, the factor, whether a cap bit)."""
    measured, day = paying.measured, min(through, window.end - 1)
    scale = paying.scale(rep, plan, component, window)
    x = measured.value(rep, component.measure, plan, window, through)
    factor = paying.factors.of(rep, plan, component, day, through)
    exact = ZERO
    if x is None:
        paying.note(
            f"{rep}: {component.measure} is undefined in {paying.windows.name(window)}, nothing is paid"
        )
    elif scale is not None:
        curve = paying.curve(plan, component)
        if component.method == "matrix":
            other = paying.windows.at(plan.measure(component.measure2).period, day)
            basis = None if component.basis == "attainment" else "value"
            y = measured.read(rep, component.measure2, basis, plan, other, through)
            paid = ZERO if y is None else curve.at(x / scale.divisor, y)
        else:
            paid = curve.at(x / scale.divisor)
        exact = scale.scale * paid * factor
    cents = paying.rounder(plan).cents(exact)
    cap = component.cap
    most = None
    if cap is not None and not separate_cap(cap, window.kind):
        most = paying.cap_cents(rep, plan, cap, window, Fraction(component.weight))
    capped = most is not None and cents > most
    return (most if capped else cents), x, factor, capped
