"""Caps over a period of their own, of a component or of the whole plan, and what they carry over.

    paid by now = min(cap, carried in + earned in the cap's period so far)

What lies above is lost, or with ``carry_excess`` carried into the next period of the cap.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from salesops_lib.compensation.engine.deal_lines import separate_cap
from salesops_lib.compensation.engine.lines import Line
from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.engine.rounding import money
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.windows import Window


def component_caps(paying: Paying, rep: str, lines: list[Line]) -> list[Line]:
    """Lines of the caps of a holder's components that have a period of their own or carry."""
    found = []
    for name in dict.fromkeys(
        line.part for line in lines if line.kind in {"commission", "bonus", "adjustment"}
    ):
        mine = [line for line in lines if line.part == name]
        plan = paying.plan_on(mine[-1].day)
        component = paying.part_on(mine[-1].day, name)
        kind = plan.measure(component.measure).period if component is not None else ""
        if component is None or component.cap is None or not separate_cap(component.cap, kind):
            continue
        found += _capped(
            paying, rep, plan, component.cap, _by_period(mine), name, Fraction(component.weight), kind
        )
    return found


def plan_caps(paying: Paying, rep: str, lines: list[Line], in_blocks: dict[Window, int]) -> list[Line]:
    """Lines of the plan's cap over everything a holder earned but pools; ``in_blocks``: cents by period."""
    if all(p.cap is None for p in paying.versions.plans) or not (lines or in_blocks):
        return []
    plan = paying.plan_on(max([*(n.day for n in lines), *(p.start for p in in_blocks)]))
    if plan.cap is None:
        return []
    earned = _by_period(lines)
    for period, cents in in_blocks.items():
        earned[period] += cents
    return _capped(paying, rep, plan, plan.cap, earned, plan.id, Fraction(1), "year")


def _by_period(lines: list[Line]) -> dict[Window, int]:
    earned: dict[Window, int] = defaultdict(int)
    for line in lines:
        earned[line.period] += line.cents
    return earned


def _capped(paying: Paying, rep: str, plan: Plan, cap, earned: dict, part: str, *terms) -> list[Line]:
    """``terms``: the weight of the target that the cap is a share of, and the kind of its period."""
    weight, kind = terms[0], cap.period or terms[1]
    first, last = min(p.start for p in earned), max(p.start for p in earned)
    found: list[Line] = []
    carried, window, so_far, paid = 0, None, 0, 0
    for period in paying.periods(first, max(last, paying.horizon) if cap.carry_excess else last):
        now = paying.windows.at(kind, period.end - 1)
        if now != window:
            carried = carried + so_far - paid if cap.carry_excess else 0
            window, so_far, paid = now, 0, 0
        so_far += earned.get(period, 0)
        most = paying.cap_cents(rep, plan, cap, window, weight)
        owed = carried + so_far
        allowed = owed if most is None else min(most, owed)
        moved = allowed - paid - earned.get(period, 0)
        paid = allowed
        if moved:
            found.append(_line(rep, plan, part, (window, period), moved, most, carries=cap.carry_excess))
    if carried + so_far > paid and cap.carry_excess:
        left = money(carried + so_far - paid)
        paying.note(
            f"{rep}: {left} above the cap of {part} is still carried after {paying.windows.name(window)}"
        )
    return found


def _line(rep: str, plan: Plan, part: str, when: tuple, moved: int, most: int, *, carries: bool) -> Line:
    window, period = when
    text = f"cap {money(most)} a {window.kind}"
    if carries:
        text += "; carried over" if moved < 0 else "; carried from before"
    kind = "carry" if carries else "cap"
    return Line(rep, kind, part, plan.version, window, period, period.end - 1, moved, text=text)
