"""What of a deal's pay is held, released and clawed back, in order of time, exact to the cent.

Of every line of a component with a hold, a share is kept back. A release pays out the part of it that its
amount is of the deal's. A clawback takes back its schedule's share of what was paid on the deal by that day,
and cancels the same share of what is still held; with ``only_paid: false`` it takes its share of all that was
earned.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from salesops_lib.compensation.engine.lines import Line
from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.engine.releases import After, clawback_share
from salesops_lib.compensation.engine.rounding import money
from salesops_lib.compensation.plans.exact import plain

ZERO, ONE = Fraction(0), Fraction(1)


@dataclass
class _Balance:
    """Cents of a deal: earned and kept back so far, released, cancelled, clawed back."""

    earned: int = 0
    kept: int = 0
    released: int = 0
    cancelled: int = 0
    clawed: int = 0
    part: Fraction = ZERO
    trigger: Fraction = ZERO
    first_day: int = 0

    @property
    def held(self) -> int:
        """Still held."""
        return self.kept - self.released - self.cancelled

    @property
    def paid(self) -> int:
        """Paid on the deal, net of what came back."""
        return self.earned - self.held - self.cancelled - self.clawed


def deal_movements(
    paying: Paying, lines: list[Line], releases: dict[str, dict[str, list[After]]], triggers: dict
) -> list[Line]:
    """Lines of holds, releases, cancellations and clawbacks of one holder's commission lines.

    ``releases``: ``release_on`` → deal → releases; ``triggers``: deal → triggers.
    """
    by_deal: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in lines:
        if line.deal and line.kind in {"commission", "adjustment"}:
            by_deal[line.part, line.deal].append(line)
    found = []
    for (part, deal), mine in by_deal.items():
        hold = _hold(paying, mine[0])
        released = releases[hold.release_on].get(deal, []) if hold else []
        if hold or deal in triggers:
            found += _Walk(paying, part, deal, mine).lines(released, triggers.get(deal, []))
    return found


def _hold(paying: Paying, line: Line):
    plan = next(p for p in paying.versions.plans if p.version == line.version)
    return next((h for h in plan.holds if h.component == line.part), None)


class _Walk:
    """One deal of one component and holder, walked through in order of time."""

    def __init__(self, paying: Paying, part: str, deal: str, lines: list[Line]) -> None:
        self.paying, self.part, self.deal, self.mine = paying, part, deal, lines
        self.balance = _Balance(first_day=lines[0].day)
        self.terms = next(p for p in paying.versions.plans if p.version == lines[0].version).clawback

    def lines(self, released: list[After], triggers: list[After]) -> list[Line]:
        """Movements, in order."""
        steps = [(max(line.day, line.period.start), 0, line) for line in self.mine]
        steps += [(a.day, 1, a) for a in released] + [(a.day, 2, a) for a in triggers]
        found: list[Line] = []
        for _, order, what in sorted(steps, key=lambda s: s[:2]):
            found += (self._earn, self._release, self._claw)[order](what)
        return found

    def _line(self, like: Line, kind: str, day: int, cents: int, text: str, row: int = 0) -> list[Line]:
        if not cents:
            return []
        period = like.period if kind == "hold" else self.paying.period(max(day, self.balance.first_day))
        return [
            Line(
                like.rep, kind, self.part, like.version, like.window, period, day, cents, self.deal,
                row or like.row, text=text,
            )
        ]  # fmt: skip

    def _earn(self, line: Line) -> list[Line]:
        hold, balance = _hold(self.paying, line), self.balance
        balance.earned += line.cents
        if hold is None:
            return []
        rounder = self.paying.rounder(self.paying.plan_on(line.day))
        kept = rounder.of_cents(Fraction(hold.share) * balance.earned)
        moved, balance.kept = kept - balance.kept, kept
        told = f"{plain(hold.share)} of {money(line.cents)} held until {hold.release_on}"
        found = self._line(line, "hold", line.day, -moved, told)
        return found + self._let_go(
            line, line.day, line.row, "released with the deal's earlier payment", line.period
        )

    def _release(self, after: After) -> list[Line]:
        self.balance.part = after.part
        line = self.mine[0]
        base, before = self.balance.kept - self.balance.cancelled, self.balance.released
        told = f"{plain(after.part)} of {money(base)} held ({after.kind})"
        told += f", less {money(before)} released before" if before else ""
        return self._let_go(line, after.day, after.row, told, None)

    def _let_go(self, line: Line, day: int, row: int, told: str, period) -> list[Line]:
        balance = self.balance
        rounder = self.paying.rounder(self.paying.plan_on(day))
        due = rounder.of_cents(balance.part * (balance.kept - balance.cancelled))
        moved, balance.released = due - balance.released, due
        found = self._line(line, "release", day, moved, told, row)
        return [f._replace(period=period) for f in found] if period is not None else found

    def _claw(self, after: After) -> list[Line]:
        balance = self.balance
        terms = self.terms
        moved, balance.trigger = after.part - balance.trigger, after.part
        if terms is None or after.kind not in terms.trigger or not moved or not balance.earned:
            return []
        share = clawback_share(terms, after.day - balance.first_day) * moved
        rounder = self.paying.rounder(self.paying.plan_on(after.day))
        base = balance.paid if terms.only_paid else balance.paid + balance.held
        taken = rounder.of_cents(share * base)
        cancelled = rounder.of_cents(share * balance.held) if terms.only_paid else 0
        balance.clawed += taken
        balance.cancelled += cancelled
        told = f"{_schedule(terms, after, balance.first_day)}{'' if moved == 1 else f' × {plain(moved)}'}"
        line, day, row = self.mine[0], after.day, after.row
        found = self._line(line, "clawback", day, -taken, f"{money(base)} × {told}", row)
        told = f"{money(balance.held + cancelled)} held × {told}"
        found += self._line(line, "cancelled", day, -cancelled, told, row)
        return found + self._line(line, "release", day, cancelled, "the held part of it", row)


def _schedule(terms, after: After, first_day: int) -> str:
    """The share that comes back, as a statement shows it."""
    elapsed, days = max(0, after.day - first_day), terms.window_days
    if terms.schedule == "linear":
        return f"{days - elapsed}/{days} ({after.kind} on day {elapsed} of {days})"
    return (
        f"{plain(clawback_share(terms, elapsed))} ({after.kind} on day {elapsed} of {days}, {terms.schedule})"
    )
