"""Pools: a sum shared out to the last cent among holders, at the end of its window."""

from __future__ import annotations

from fractions import Fraction

from salesops_lib.compensation.engine.lines import Line
from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.engine.rounding import CENTS, money, share_out
from salesops_lib.compensation.plans.exact import plain
from salesops_lib.compensation.plans.faults import PlanError
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.terms import Pool
from salesops_lib.compensation.plans.windows import Window

ZERO = Fraction(0)


def pool_lines(paying: Paying, plan: Plan, first: int) -> list[Line]:
    """Lines of one version's pools, for windows from the one of day ``first`` to the horizon's."""
    found = []
    for pool in plan.pool:
        kind = pool.funding.period or plan.measure(pool.funding.measure).period
        for window in paying.windows.between(kind, first, paying.horizon):
            held = plan.start.toordinal() < window.end and window.start < plan.end.toordinal()
            if held and not (paying.open_ended and window.end - 1 > paying.horizon):
                found += _shared(paying, plan, pool, window)
    return found


def _shared(paying: Paying, plan: Plan, pool: Pool, window: Window) -> list[Line]:
    if paying.plan_on(window.end - 1) is not plan:
        return []  # the version in force when the window ends pays it
    whole, funded = _funding(paying, plan, pool, window)
    weights = {
        rep: w for rep in paying.prorated.holders if (w := _weight(paying, plan, pool, rep, window)) > 0
    }
    if whole <= 0:
        return []
    if not weights:
        paying.note(f"pool {pool.id}: nobody shares the {money(whole)} of {paying.windows.name(window)}")
        return []
    reps, unit, total = sorted(weights), paying.rounder(plan).unit, sum(weights.values())
    if pool.distribute.by == "pool_share":
        if total > 1:
            raise PlanError(f"holders E305 {pool.id}: pool_share adds up to {plain(total)}, above 1")
        left = whole - int(whole * total / unit) * unit
        if left:
            paying.note(f"pool {pool.id}: nobody has the last {money(left)} of {paying.windows.name(window)}")
        whole, total = whole - left, Fraction(1)
    parts = share_out(whole // unit, [weights[r] for r in reps], reps)
    period = paying.period(window.end - 1)
    return [
        Line(
            rep, "pool", pool.id, plan.version, window, period, window.end - 1, part * unit,
            text=f"{funded} = {money(whole)}, {plain(weights[rep])} of {plain(total)} shares",
        )
        for rep, part in zip(reps, parts, strict=True)
    ]  # fmt: skip


def _funding(paying: Paying, plan: Plan, pool: Pool, window: Window) -> tuple[int, str]:
    """Cents in the pool, a whole number of units, and how they come about."""
    terms, rounder = pool.funding, paying.rounder(plan)
    part = "" if terms.share == 1 else f" × {plain(terms.share)}"
    if terms.amount is not None:
        return rounder.cents(Fraction(terms.amount) * Fraction(terms.share)), f"{plain(terms.amount)}{part}"
    direct = paying.measured.direct(terms.measure)
    reps = {rep for rep, w in direct.spans if w == window}
    total = sum((direct.value(r, window, window.end - 1) for r in sorted(reps)), ZERO)
    rate = Fraction(terms.rate_percent) / CENTS
    told = f"{plain(total)} × {plain(terms.rate_percent)} %{part}"
    return rounder.cents(total * rate * Fraction(terms.share)), told


def _weight(paying: Paying, plan: Plan, pool: Pool, rep: str, window: Window) -> Fraction:
    """A holder's part of a pool, before it is divided by everybody's."""
    active = [
        s for s in paying.prorated.active(rep, window)
        if not pool.roles or s.spell.role is None or s.spell.role in pool.roles
    ]  # fmt: skip
    days = sum(s.end - s.start for s in active)
    if not days or pool.distribute.by == "equal":
        return Fraction(1 if days else 0)
    if pool.distribute.by == "days_active":
        return Fraction(days)
    if pool.distribute.by == "pool_share":
        return active[-1].spell.pool_share or ZERO
    credited = paying.measured.value(rep, pool.funding.measure, plan, window, window.end - 1)
    return max(credited or ZERO, ZERO)
