"""The simulation's formulas fed the actual results of a year: totals that have to be the statements'.

    total of a window = round(scale × curve(measure ÷ divisor) × factor), at most the cap

measure by measure, not deal by deal as the engine goes; where a cap per deal or a factor that changes within
the window needs deals, deals are summed exactly.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from salesops_lib.compensation.engine.certified import cents_of
from salesops_lib.compensation.engine.deal_lines import separate_cap
from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.plans.curves import Surface
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.windows import Window

ZERO, ONE = Fraction(0), Fraction(1)


def replay(paying: Paying, plan: Plan) -> tuple[dict[tuple[str, str, Window], int], int]:
    """(rep, component, window) → cents of every component of a plan that held all the time, and how many
    of them floating point could not settle.
    """
    made: dict[tuple[str, str, Window], int] = {}
    exact = 0
    for component in plan.components:
        cells = _cells(paying, plan, component)
        if component.method == "matrix" or _needs_deals(plan, component):
            for rep, window in cells:
                made[rep, component.id, window] = _exactly(paying, plan, component, rep, window)
            exact += len(cells)
            continue
        known = [(cell, _terms(paying, plan, component, *cell)) for cell in cells]
        known = [(cell, terms) for cell, terms in known if terms is not None]
        if not known:
            continue
        x, scales, factors = zip(*[terms for _, terms in known], strict=True)
        curve = paying.curve(plan, component)
        cents, settled = cents_of(curve, x, scales, paying.rounder(plan), factors)
        exact += settled
        for (rep, window), amount in zip([cell for cell, _ in known], cents.tolist(), strict=True):
            made[rep, component.id, window] = _capped(paying, plan, component, rep, window, amount)
    return made, exact


def _cells(paying: Paying, plan: Plan, component) -> list[tuple[str, Window]]:
    """Holders and windows of the year in which the component can pay."""
    kind = plan.measure(component.measure).period
    windows = paying.windows.between(
        kind, plan.start.toordinal(), min(paying.horizon, plan.end.toordinal() - 1)
    )
    return [(r, w) for r in sorted(paying.prorated.holders) for w in windows if paying.prorated.active(r, w)]


def _needs_deals(plan: Plan, component) -> bool:
    """A cap per deal, or for a commission a factor of a shorter window, or one judged by a component."""
    if component.cap is not None and component.cap.per_deal is not None:
        return True
    if component.type == "bonus":
        return bool([g for g in component.gates if g.component])
    names = [m.measure for m in component.multipliers] + [g.measure for g in component.gates]
    own = plan.measure(component.measure).period
    return any(n is None or plan.measure(n).period != own for n in names)


def _terms(paying: Paying, plan: Plan, component, rep: str, window: Window):
    """(measure, scale, factor), or None where nothing can be paid."""
    x = paying.measured.value(rep, component.measure, plan, window, paying.horizon)
    if x is None or (component.type == "commission" and not paying.entries(rep, component.id, window)):
        return None
    scale = paying.scale(rep, plan, component, window)
    if scale is None:
        return None
    day = window.end - 1
    return x, scale, paying.factors.of(rep, plan, component, day, max(day, paying.horizon))


def _exactly(paying: Paying, plan: Plan, component, rep: str, window: Window) -> int:
    if component.method == "matrix":
        total = _on_surface(paying, plan, component, rep, window)
    else:
        total = _by_deal(paying, plan, component, rep, window)
    return _capped(paying, plan, component, rep, window, paying.rounder(plan).cents(total))


def _on_surface(paying: Paying, plan: Plan, component, rep: str, window: Window) -> Fraction:
    terms = _terms(paying, plan, component, rep, window)
    if terms is None:
        return ZERO
    x, scale, factor = terms
    surface: Surface = paying.curve(plan, component)
    other = paying.windows.at(plan.measure(component.measure2).period, window.end - 1)
    y = paying.measured.value(rep, component.measure2, plan, other, window.end - 1)
    return ZERO if y is None else scale.scale * surface.at(x / scale.divisor, y) * factor


def _by_deal(paying: Paying, plan: Plan, component, rep: str, window: Window) -> Fraction:
    scale = paying.scale(rep, plan, component, window)
    if scale is None:
        return ZERO
    curve, events = paying.curve(plan, component), paying.measured.tallying.events
    before, paid, earned = ZERO, ZERO, defaultdict(Fraction)
    for entry in paying.entries(rep, component.id, window):
        after = before + entry.value
        now = curve.at(after / scale.divisor)
        factor = paying.factors.of(rep, plan, component, entry.day, max(entry.day, paying.horizon))
        earned[events.deal_id[entry.event]] += scale.scale * (now - paid) * factor
        before, paid = after, now
    cap = component.cap.per_deal if component.cap is not None else None
    return sum((e if cap is None else min(e, Fraction(cap)) for e in earned.values()), ZERO)


def _capped(paying: Paying, plan: Plan, component, rep: str, window: Window, cents: int) -> int:
    if component.cap is None or separate_cap(component.cap, window.kind):
        return cents
    most = paying.cap_cents(rep, plan, component.cap, window, Fraction(component.weight))
    return cents if most is None else min(cents, most)
