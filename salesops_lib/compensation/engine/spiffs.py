"""SPIFFs: money per deal, per unit or in percent, within a span of days, up to a sum over all payees.

Deals are taken in order of (time, deal id), so that the budget runs out at the same deal whatever the order
of rows. A deal that is taken back to nothing gives its SPIFF, and its part of the budget, back.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from salesops_lib.compensation.engine.filters import passing, self_fields
from salesops_lib.compensation.engine.lines import Line
from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.engine.rounding import CENTS
from salesops_lib.compensation.engine.rows import text_of
from salesops_lib.compensation.plans.exact import plain
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.terms import Spiff

ZERO = Fraction(0)


def spiff_lines(paying: Paying, plan: Plan) -> list[Line]:
    """Lines of all SPIFFs of one version, in order of the events."""
    return [line for spiff in plan.spiffs for line in _Budget(paying, plan, spiff).lines()]


class _Budget:
    """One SPIFF as its deals come in."""

    def __init__(self, paying: Paying, plan: Plan, spiff: Spiff) -> None:
        self.paying, self.plan, self.spiff = paying, plan, spiff
        self.earned: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        self.net: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        self.parts: dict[tuple[str, str], dict[str, Fraction]] = defaultdict(dict)
        self.by_rep: dict[str, Fraction] = defaultdict(Fraction)
        self.total, self.paid_total = ZERO, ZERO
        self.rep_paid: dict[str, Fraction] = defaultdict(Fraction)
        self.cents: dict[str, int] = defaultdict(int)

    def lines(self) -> list[Line]:
        """One line for each deal that moves what is paid."""
        found = []
        for event, number, rep in self._credited():
            line = self._line(event, number, rep)
            if line is not None:
                found.append(line)
        return found

    def _credited(self):
        """(event, credit, payee) of what qualifies, in order."""
        tallying, spiff = self.paying.measured.tallying, self.spiff
        events = tallying.events
        first, end = spiff.from_.toordinal(), spiff.to.toordinal()
        passed = passing(events, spiff.where, spiff.id)
        qualifies = [
            p and first <= day < end and kind in {None, spiff.event} and self.plan.in_force_on(day)
            for p, day, kind in zip(passed, events.day, events.kind, strict=True)
        ]
        named = self_fields(spiff.where)
        if named:
            for event, good in enumerate(qualifies):
                good = good and event not in tallying.credits.repeats
                rep = text_of(events.column(named[0])[event]) if good else None
                if rep is not None and tallying.is_on(rep, self.plan, event):
                    yield event, -1, rep
            return
        for number, credit in enumerate(tallying.credits.rows):
            if (
                qualifies[credit.event]
                and credit.rule != "base"
                and tallying.is_on(credit.rep, self.plan, credit.event)
            ):
                yield credit.event, number, credit.rep

    def _line(self, event: int, number: int, rep: str) -> Line | None:
        tallying, spiff, plan = self.paying.measured.tallying, self.spiff, self.plan
        deal = tallying.events.deal_id[event]
        credit = tallying.credits.rows[number] if number >= 0 else None
        share = tallying.credits.share_of_event(number) if credit else Fraction(1)
        key = (rep, deal)
        below = tallying.credits.rows[credit.base].rep if credit and credit.base >= 0 else rep
        self.parts[key][below] = share
        now = self._worth(key, event, number, share)
        self.total += now - self.earned[key]
        self.by_rep[rep] += now - self.earned[key]
        self.earned[key] = now
        moved = self._paid_moves(rep)
        before, self.rep_paid[rep] = self.rep_paid[rep], self.rep_paid[rep] + moved
        cents = self.paying.rounder(plan).cents(self.rep_paid[rep])
        line_cents, self.cents[rep] = cents - self.cents[rep], cents
        if not line_cents and before == self.rep_paid[rep] and now == 0:
            return None
        day = tallying.events.day[event]
        return Line(
            rep, "spiff", spiff.id, plan.version, None, self.paying.period(day), day, line_cents, deal,
            tallying.events.row[event], credit.rule if credit else "self", share,
            capped=moved != now and bool(spiff.max_total or spiff.max_per_payee),
            text=self._text(key, share),
        )  # fmt: skip

    def _worth(self, key: tuple[str, str], event: int, number: int, share: Fraction) -> Fraction:
        """What the payee's part of the deal is worth after this event."""
        spiff, amounts = self.spiff, self.paying.measured.tallying.amounts
        if spiff.per == "deal":
            sign = self._sign(event)
            self.net[key] += sign * share
            return Fraction(spiff.pays) * min(max(self.net[key], ZERO), sum(self.parts[key].values()))
        value = amounts.of(spiff.field, number, spiff.per == "percent") if number >= 0 else None
        value = amounts.cell(spiff.field, event) if number < 0 else value
        self.net[key] += value or ZERO
        return Fraction(spiff.pays) / (CENTS if spiff.per == "percent" else 1) * self.net[key]

    def _sign(self, event: int) -> int:
        """-1 for an event that takes back: the amount of the first field that holds one is negative."""
        amounts = self.paying.measured.tallying.amounts
        fields = ["amount", *(m.field for m in self.plan.measures.values() if m.aggregate == "sum")]
        for name in fields:
            value = amounts.cell(name, event)
            if value is not None:
                return -1 if value < 0 else 1
        return 1

    def _paid_moves(self, rep: str) -> Fraction:
        """What is paid more (or less) to the payee now, within his limit and the budget of all."""
        spiff = self.spiff
        own = self.by_rep[rep]
        if spiff.max_per_payee is not None:
            own = min(own, Fraction(spiff.max_per_payee))
        wanted = own - self.rep_paid[rep]
        if spiff.max_total is not None:
            wanted = min(wanted, Fraction(spiff.max_total) - self.paid_total)
        self.paid_total += wanted
        return wanted

    def _text(self, key: tuple[str, str], share: Fraction) -> str:
        pays = plain(self.spiff.pays)
        part = "" if share == 1 else f" × {plain(share)}"
        if self.spiff.per == "deal":
            return f"{pays} per deal{part}"
        unit = " %" if self.spiff.per == "percent" else ""
        return f"{plain(self.net[key])} × {pays}{unit}"
