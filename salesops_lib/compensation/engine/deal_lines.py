"""Commissions, exact: one line per deal, the running total of a window rounded, lines its differences.

    line_k = round(S_k) - round(S_k-1)
    S_k = Σ scale × (curve(after ÷ divisor) - curve(before ÷ divisor)) × factor

This is the slow, obvious way; `fast_lines` does the same for whole columns and is held to it by a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from salesops_lib.compensation.engine.lines import Line
from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.engine.tallies import Entry
from salesops_lib.compensation.engine.words import short
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.windows import Window

ZERO, ONE = Fraction(0), Fraction(1)


@dataclass
class _Deal:
    """What a deal has earned: (day, version, amount) before factors, its net credit, what counts."""

    parts: list[tuple[int, Plan, Fraction]] = field(default_factory=list)
    net: Fraction = ZERO
    counted: Fraction = ZERO
    entry: Entry | None = None


class _Stream:
    """One component of one holder in one window."""

    def __init__(self, paying: Paying, rep: str, name: str, window: Window) -> None:
        self.paying, self.rep, self.name, self.window = paying, rep, name, window
        self.measure = ZERO
        self.started = False
        self.total, self.paid = ZERO, 0
        self.deals: dict[str, _Deal] = {}

    def lines(self, entries: list[Entry]) -> Iterator[Line]:
        """Lines of the entries in order, with what changing factors add in later pay periods."""
        paying = self.paying
        component = next(c for e in entries if (c := paying.part_on(e.day, self.name)) is not None)
        at_end = not component.as_earned
        by_period: dict[Window, list[Entry]] = {}
        for entry in entries:
            day = max(entry.day, self.window.end - 1) if at_end else entry.day
            by_period.setdefault(paying.period(day), []).append(entry)
        last = max(p.start for p in by_period)
        if component.multipliers or component.gates:
            last = max(last, paying.horizon)
        for period in paying.periods(min(p.start for p in by_period), last):
            if at_end and paying.open_ended and period.end - 1 > paying.horizon:
                break
            yield from self._adjusted(period)
            for entry in by_period.get(period, ()):
                yield from self._line(entry, period)

    def _line(self, entry: Entry, period: Window) -> Iterator[Line]:
        plan, component = self.paying.plan_on(entry.day), self.paying.part_on(entry.day, self.name)
        before, after = self.measure, self.measure + entry.value
        self.measure = after
        if component is None:
            return
        amount = self._earned(plan, component, before, after)
        deal = self.deals.setdefault(self.paying.measured.tallying.events.deal_id[entry.event], _Deal())
        if entry.drop:
            yield from self._dropped(entry, deal, amount, plan, period, (before, after))
            return
        deal.entry = deal.entry or entry
        deal.parts.append((entry.day, plan, amount))
        deal.net += entry.value
        factor = self.paying.factors.of(self.rep, plan, component, entry.day, period.end - 1)
        yield self._moved(deal, entry, plan, period, "commission", at=(before, after), factor=factor)

    def _earned(self, plan: Plan, component, before: Fraction, after: Fraction) -> Fraction:
        """What the curve pays from one value of the measure to another; the first time from nothing."""
        scale, first = self.paying.scale(self.rep, plan, component, self.window), not self.started
        self.started = True
        if scale is None:
            return ZERO
        curve = self.paying.curve(plan, component)
        start = ZERO if first else curve.at(before / scale.divisor)
        return scale.scale * (curve.at(after / scale.divisor) - start)

    def _dropped(
        self, entry: Entry, deal: _Deal, amount: Fraction, plan: Plan, period: Window, at
    ) -> Iterator:
        """A clawback takes a deal out of the measure: the deals after it start lower.

        Its own pay comes back by the clawback's schedule. Where the curve pays by the total (all methods but
        marginal), the rest of the difference comes back too, so that a jump is never earned twice.
        """
        if plan.component(self.name).method == "marginal" or not deal.net:
            return
        kept = sum((a for _, _, a in deal.parts), ZERO) * (-entry.value / deal.net)
        rest = _Deal(parts=[(entry.day, plan, amount + kept)], net=entry.value, entry=entry)
        self.deals[f"\0{len(self.deals)}"] = rest
        yield self._moved(rest, entry, plan, period, "adjustment", at=at)

    def _adjusted(self, period: Window) -> Iterator[Line]:
        """What deals of earlier pay periods gain or lose as multipliers and gates move."""
        for deal in list(self.deals.values()):
            if not deal.parts:
                continue
            day, plan, _ = deal.parts[-1]
            component = plan.component(self.name)
            if not component.multipliers and not component.gates:
                continue
            before = deal.counted
            if self._counted(deal, plan, period)[0] != before:
                factor = self.paying.factors.of(self.rep, plan, component, day, period.end - 1)
                line = self._moved(deal, deal.entry, plan, period, "adjustment", factor=factor)
                yield line._replace(text=self._told(deal, before, plan, line, (day, period.end - 1)))

    def _told(self, deal: _Deal, before: Fraction, plan: Plan, line: Line, days: tuple[int, int]) -> str:
        """``500 × 1.2 − 250 earned before``."""
        component, raw = plan.component(self.name), sum((a for _, _, a in deal.parts), ZERO)
        factors = self.paying.factors.words(self.rep, plan, component, *days)
        capped = " (capped)" if line.capped else ""
        return f"{short(raw)}{factors}{capped} − {short(before)} earned before"

    def _counted(self, deal: _Deal, plan: Plan, period: Window) -> tuple[Fraction, bool]:
        """What a deal comes to by the end of a pay period: factors, then the cap per deal; whether it bit."""
        total = ZERO
        for day, version, amount in deal.parts:
            part = version.component(self.name)
            total += amount * self.paying.factors.of(self.rep, version, part, day, period.end - 1)
        cap = plan.component(self.name).cap
        if cap is not None and cap.per_deal is not None and deal.net:
            return min(total, Fraction(cap.per_deal)), total > Fraction(cap.per_deal)
        return total, False

    def _moved(
        self, deal: _Deal, entry: Entry, plan: Plan, period: Window, kind: str, *, at=(None, None), factor=ONE
    ) -> Line:
        """The line that brings the running total to where the deal now stands."""
        paying = self.paying
        now, bitten = self._counted(deal, plan, period)
        self.total += now - deal.counted
        deal.counted = now
        cents = paying.rounder(plan).cents(self.total)
        component = plan.component(self.name)
        weight = Fraction(component.weight)
        whole_window = component.cap is not None and not separate_cap(component.cap, self.window.kind)
        most = paying.cap_cents(self.rep, plan, component.cap, self.window, weight) if whole_window else None
        capped = most is not None and cents > most
        cents = most if capped else cents
        tallying = paying.measured.tallying
        credit = tallying.credits.rows[entry.credit] if entry.credit >= 0 else None
        who = (self.rep, kind, self.name, plan.version, self.window, period, entry.day, cents - self.paid)
        deal_id, row = tallying.events.deal_id[entry.event], tallying.events.row[entry.event]
        credit_of = (credit.rule, credit.share) if credit else ("self", ONE)
        line = Line(*who, deal_id, row, *credit_of, entry.value, *at, factor, capped or bitten)
        self.paid = cents
        return line


def separate_cap(cap, kind: str) -> bool:
    """Whether a cap is worked out after the lines: for another period than the measure's, or carried."""
    return cap.carry_excess or (cap.period is not None and cap.period != kind)


def deal_lines(paying: Paying, rep: str, name: str, window: Window) -> list[Line]:
    """Lines of a commission for a holder and window, in the order in which they are paid."""
    entries = paying.entries(rep, name, window)
    if all(paying.part_on(e.day, name) is None for e in entries):
        return []
    return list(_Stream(paying, rep, name, window).lines(entries))
