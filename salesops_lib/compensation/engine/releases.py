"""Happenings after the sale: invoices and payments that release a hold, churn and default that claw back."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from salesops_lib.compensation.engine.events import RELEASES
from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.engine.tallies import Entry, Tally

ZERO, ONE = Fraction(0), Fraction(1)


class After(NamedTuple):
    """A release or trigger of a deal. ``part``: share of the deal's amount, cumulative and at most 1."""

    day: int
    kind: str
    part: Fraction
    row: int


@dataclass
class Afterwards:
    """What happened to deals after they were credited, by deal, in order of time."""

    paying: Paying
    _amounts: dict[tuple[str, str], Fraction] = field(default_factory=dict)

    def releases(self, release_on: str) -> dict[str, list[After]]:
        """Deal → its releases."""
        return self._of_kinds(set(RELEASES[release_on]), signed=True)

    def triggers(self) -> dict[str, list[After]]:
        """Deal → what may claw back; what it takes is up to the version that the deal was sold under."""
        kinds = {k for p in self.paying.versions.plans if p.clawback for k in p.clawback.trigger}
        return self._of_kinds(kinds)

    def _of_kinds(self, kinds: set[str], *, signed: bool = False) -> dict[str, list[After]]:
        """``signed``: a negative amount, such as a refund, takes its part back; else only its size counts."""
        events = self.paying.measured.tallying.events
        found: dict[str, list[After]] = {}
        for place, kind in enumerate(events.kind):
            if kind not in kinds:
                continue
            deal = events.deal_id[place]
            before = found.setdefault(deal, [])
            so_far = before[-1].part if before else ZERO
            part = self._part(place, deal)
            part = min(ONE, max(ZERO, so_far + (part if signed else abs(part))))
            before.append(After(events.day[place], kind, part, events.row[place]))
        return found

    def _part(self, place: int, deal: str) -> Fraction:
        """The share of the deal that an event is about, with the amount's sign; all if it says none."""
        tallying = self.paying.measured.tallying
        for name in self._fields():
            said = tallying.amounts.cell(name, place)
            whole = self._whole(name, deal, place)
            if said is not None and whole:
                return max(-ONE, min(ONE, said / whole))
        return ONE

    def _whole(self, name: str, deal: str, place: int) -> Fraction:
        """What the deal's counted events say in a field, each event once; 0 where they say nothing."""
        if (name, "") not in self._amounts:
            self._amounts[name, ""] = ONE
            self._gather(name)
        return self._amounts.get((name, deal), ZERO)

    def _gather(self, name: str) -> None:
        tallying = self.paying.measured.tallying
        grouped = {
            place: number
            for number, places in enumerate(tallying.credits.groups)
            for place in {tallying.credits.rows[n].event for n in places}
        }
        seen: set[int] = set()
        for event in dict.fromkeys(c.event for c in tallying.credits.rows):
            if event in grouped and grouped[event] in seen:
                continue  # the other rows of a split repeat the amount
            seen.add(grouped.get(event, -1))
            said = tallying.amounts.cell(name, event)
            if said is not None and said > 0:
                deal = tallying.events.deal_id[event]
                self._amounts[name, deal] = self._amounts.get((name, deal), ZERO) + said

    def _fields(self) -> list[str]:
        plans = self.paying.versions.plans
        named = [m.field for p in plans for m in p.measures.values() if m.aggregate == "sum"]
        return list(dict.fromkeys(["part_amount", "amount", *named]))


def clawback_share(terms, elapsed: int) -> Fraction:
    """The share that comes back so many days after the event: 8,500 on day 100 of 365 gives back 6,171.23."""
    if terms.window_days is None or elapsed >= terms.window_days:
        return ZERO
    elapsed = max(elapsed, 0)
    if terms.schedule == "linear":
        return Fraction(terms.window_days - elapsed, terms.window_days)
    if terms.schedule == "steps":
        return next((Fraction(s.share) for s in terms.steps if elapsed < s.to_day), ZERO)
    return ONE


def reduce_attainment(paying: Paying, triggers: dict[str, list[After]]) -> None:
    """Take what was clawed back out of the measures that add up, on the day it happened.

    It leaves the window in which it was credited, whether that is over or not.
    """
    names = {n for p in paying.versions.plans for n, m in p.measures.items() if m.adds_up}
    for name in sorted(names) if triggers else ():
        tally = paying.measured.tally(name)
        dropped = list(_drops(paying, tally, triggers))
        if dropped:
            tally.add(dropped)


def _drops(paying: Paying, tally: Tally, triggers: dict[str, list[After]]):
    events = paying.measured.tallying.events
    credited: dict[tuple, list[Entry]] = {}
    for entry in tally.entries:
        deal = events.deal_id[entry.event]
        if deal in triggers:
            credited.setdefault((deal, entry.rep, entry.window), []).append(entry)
    for (deal, rep, window), entries in credited.items():
        before = ZERO
        for after in triggers[deal]:
            terms = paying.plan_on(entries[0].day).clawback
            mine = [e for e in entries if e.day <= after.day]
            moved, before = after.part - before, after.part
            net = sum((e.value for e in mine), ZERO) * moved
            if terms is None or not terms.reduces_attainment or after.kind not in terms.trigger or net == 0:
                continue
            if clawback_share(terms, after.day - mine[0].day) > 0:
                yield Entry(rep, window, mine[-1].event, mine[-1].credit, after.day, -net, ZERO, drop=True)
