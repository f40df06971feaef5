"""From what is earned to what is paid, pay period by pay period: overpayment, draw, payment.

    due        = sum of the period's lines
    overpaid   below 0 nothing is paid; the rest comes back from later pay, at most `overpayment.rate` of it
    draw       tops pay up to the draw's amount in its months of tenure
    recovery   a recoverable draw comes back: the recovery's rate of what lies above its floor

A draw loses nothing: advanced = recovered + forgiven + balance. What is owed under a version without a
recoverable draw comes back by the terms of the last version before it that had one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from salesops_lib.compensation.engine.lines import EARNINGS, Line
from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.engine.rounding import CENTS, money
from salesops_lib.compensation.plans.exact import plain
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.windows import Window

HOLDS = ("hold", "release")
COMING_BACK = ("clawback", "cancelled")


class Payment(NamedTuple):
    """One pay period of a holder, in cents; balances are of its end.

    ``paid = earned + held + clawed_back + overpayment + draw + draw_recovery``
    """

    rep: str
    period: Window
    earned: int
    held: int
    clawed_back: int
    overpayment: int
    draw: int
    draw_recovery: int
    paid: int
    held_balance: int
    overpaid_balance: int
    draw_balance: int
    forgiven: int


@dataclass
class _Balances:
    held: int = 0
    overpaid: int = 0
    draw: int = 0
    forgiven: int = 0


def payments(
    paying: Paying, rep: str, lines: list[Line], in_blocks: dict[Window, int]
) -> tuple[list[Payment], list[Line]]:
    """Payments of a holder for every pay period with lines or a draw, and the lines that lead to them.

    ``in_blocks``: cents by pay period of lines that are not among ``lines``.
    """
    by_period: dict[Window, list[Line]] = {}
    for line in lines:
        by_period.setdefault(line.period, []).append(line)
    days = [p.start for p in (*by_period, *in_blocks)]
    days += draw_days(paying, rep)
    found: list[Payment] = []
    more: list[Line] = []
    balances = _Balances()
    for period in paying.periods(min(days), max(days)) if days else ():
        mine = by_period.get(period, [])
        payment, added = _pay(paying, rep, period, mine, balances, in_blocks.get(period, 0))
        if mine or added or payment.forgiven or period in in_blocks:
            found.append(payment)
        more += added
    return found, more


def draw_days(paying: Paying, rep: str) -> list[int]:
    """First days of the pay periods in which a holder could draw: from his first on a plan to the horizon."""
    plans = [p for p in paying.versions.plans if p.draw is not None]
    spells = paying.prorated.holders[rep].spells
    if not plans or not spells:
        return []
    first = max(spells[0].start, min(p.start for p in plans).toordinal())
    last = min(paying.horizon, max(s.end for s in spells) - 1, max(p.end for p in plans).toordinal() - 1)
    return [p.start for p in paying.periods(first, last)] if first <= last else []


def _pay(paying: Paying, rep: str, period: Window, lines: list[Line], balances: _Balances, other: int):
    def total(kinds: tuple[str, ...]) -> int:
        return sum(line.cents for line in lines if line.kind in kinds)

    plan = paying.plan_on(period.end - 1)
    if not lines and other >= 0 and plan.draw is None and balances == _Balances():
        return Payment(rep, period, other, 0, 0, 0, 0, 0, other, 0, 0, 0, 0), []
    earned, held, clawed = total(EARNINGS) + other, total(HOLDS), total(COMING_BACK)
    balances.held -= held
    overpayment, told = _overpayment(paying, plan, earned + held + clawed, balances)
    due = earned + held + clawed + overpayment
    draw, recovery, forgiven, words = _draw(paying, rep, plan, period, due, balances)
    added = []
    for kind, cents, text in (
        ("overpayment", overpayment, told),
        ("draw", draw, words),
        ("draw_recovery", recovery, words),
    ):
        if cents:
            part = "draw" if kind.startswith("draw") else kind
            added.append(Line(rep, kind, part, plan.version, None, period, period.end - 1, cents, text=text))
    payment = Payment(
        rep, period, earned, held, clawed, overpayment, draw, recovery, due + draw + recovery,
        balances.held, balances.overpaid, balances.draw, forgiven,
    )  # fmt: skip
    return payment, added


def _overpayment(paying: Paying, plan: Plan, due: int, balances: _Balances) -> tuple[int, str]:
    """What is put off because pay cannot be negative (above 0), or comes back from this pay (below 0)."""
    if due < 0:
        balances.overpaid -= due
        return -due, f"{money(-due)} is taken from later pay"
    back = min(balances.overpaid, int(due * Fraction(plan.overpayment.rate)))
    balances.overpaid -= back
    return -back, f"of earlier pay; {money(balances.overpaid)} is left"


def _draw(paying: Paying, rep: str, plan: Plan, period: Window, due: int, balances: _Balances):
    """(advanced, recovered as a negative sum, forgiven, words) of a pay period."""
    advanced = recovered = forgiven = 0
    words = ""
    amount = _guaranteed(paying, rep, plan, period)
    if amount is not None and due < amount:
        advanced = amount - due
        words = f"tops {money(due)} up to {money(amount)}, {plan.draw.kind.replace('_', '-')}"
        if plan.draw.kind == "recoverable":
            balances.draw += advanced
    lender = _lender(paying, plan) if balances.draw else None
    terms = lender.draw.recovery if lender is not None else None
    if terms is not None and not advanced and _recovers(paying, rep, lender, period):
        floor = _floor(paying, lender)
        recovered = min(balances.draw, int(max(0, due - floor) * Fraction(terms.rate)))
        balances.draw -= recovered
        words = f"{plain(terms.rate)} of what lies above {money(floor)}; {money(balances.draw)} is left"
    if terms is not None and terms.forgive_at_end and balances.draw and _is_over(paying, rep, lender, period):
        forgiven, balances.draw = balances.draw, 0
    return advanced, -recovered, forgiven, words


def _lender(paying: Paying, plan: Plan) -> Plan | None:
    """The version whose terms a draw that is owed comes back by."""
    known = [p for p in paying.versions.plans if p.start <= plan.start]
    return next((p for p in reversed(known) if p.draw is not None and p.draw.kind == "recoverable"), None)


def tenure_month(paying: Paying, rep: str, period: Window) -> int:
    """The number of a pay period in a holder's tenure: 1 for the one he starts in.

    Counted from his hire date, else from his first day on the plan.
    """
    holder = paying.prorated.holders[rep]
    first = holder.hired.toordinal() if holder.hired else holder.spells[0].start
    first = first if holder.hired else max(first, paying.versions.plans[0].start.toordinal())
    start, now = date.fromordinal(first), date.fromordinal(period.start)
    if not paying.windows.starts("month"):
        return (now.year - start.year) * 12 + now.month - start.month + 1
    return paying.windows.at("month", period.start).number - paying.windows.at("month", first).number + 1


def _guaranteed(paying: Paying, rep: str, plan: Plan, period: Window) -> int | None:
    """The draw's amount for a pay period in cents, by days on the plan; None where there is no draw."""
    draw = plan.draw
    if draw is None or period.start > paying.horizon:
        return None
    month = tenure_month(paying, rep, period)
    months = max(1, round(period.days / 30.4))
    if month + months - 1 < draw.from_tenure_month or (draw.to_tenure_month and month > draw.to_tenure_month):
        return None
    days = paying.prorated.active_days(rep, period)
    if not days:
        return None
    by_days = plan.proration is not None and plan.proration.target_incentive
    return paying.rounder(plan).cents(Fraction(draw.amount) * (Fraction(days, period.days) if by_days else 1))


def _recovers(paying: Paying, rep: str, plan: Plan, period: Window) -> bool:
    draw = plan.draw
    if draw.recovery is None:
        return False
    return draw.recovery.starts == "immediate" or tenure_month(paying, rep, period) > (
        draw.to_tenure_month or 0
    )


def _floor(paying: Paying, plan: Plan) -> int:
    floor = plan.draw.recovery.floor
    if floor == "none":
        return 0
    return int(Fraction(plan.draw.amount if floor == "draw" else floor) * CENTS)


def _is_over(paying: Paying, rep: str, plan: Plan, period: Window) -> bool:
    """Whether the draw's last month is over: of its tenure months, else of the plan."""
    if plan.draw.to_tenure_month is not None:
        return tenure_month(paying, rep, period) >= plan.draw.to_tenure_month
    return period.end >= plan.end.toordinal()
