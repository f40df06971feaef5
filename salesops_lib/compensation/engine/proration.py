"""Quota and target incentive of a holder in a window: by actual days, by month of ramp, of the team.

Without ramp, by days:             figure × days on the plan ÷ days of the window
Where a ramp is in force, by month: (figure ÷ months of the window) × share of the tenure month
                                    × days on the plan ÷ days of the month, summed over the months

Both add up over spells: 300,000 over 47 and 44 of 91 days is 154,945.05… + 145,054.94….
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

from salesops_lib.compensation.engine.holders import Holder, Spell, is_on
from salesops_lib.compensation.plans.faults import PlanError
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.windows import PER_YEAR, Window, Windows, add_months

ZERO = Fraction(0)


@dataclass(frozen=True)
class Versions:
    """All versions of one plan, in order of their days."""

    plans: tuple[Plan, ...]
    _on: dict[int, Plan | None] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def spans(self) -> list[tuple[int, int, Plan]]:
        """(first day, end, version) as ordinals."""
        return [(p.start.toordinal(), p.end.toordinal(), p) for p in self.plans]

    def on(self, day: int) -> Plan | None:
        """The version in force on a day."""
        if day not in self._on:
            self._on[day] = next((p for start, end, p in self.spans if start <= day < end), None)
        return self._on[day]


@dataclass(frozen=True)
class Stretch:
    """Days [start, end) of a holder on one version within one spell."""

    spell: Spell
    plan: Plan
    start: int
    end: int


def stretches(holder: Holder, versions: Versions, start: int, end: int) -> list[Stretch]:
    """The days of [start, end) on which a holder is on the plan, in order."""
    found = []
    for spell in holder.spells:
        for first, last, plan in versions.spans:
            low, high = max(spell.start, first, start), min(spell.end, last, end)
            if low < high and is_on(plan, spell):
                found.append(Stretch(spell, plan, low, high))
    return sorted(found, key=lambda s: s.start)


def tenure_share(hired: date | None, ramp: tuple[Any, ...], start: int, end: int) -> Fraction:
    """Sum over the days of [start, end) of the ramp's share on that day, full where there is no ramp."""
    days = Fraction(end - start)
    if hired is None or not ramp:
        return days
    for number, share in enumerate(ramp):
        low = add_months(hired, number).toordinal() if number else 0
        high = add_months(hired, number + 1).toordinal()
        ramping = max(0, min(high, end) - max(low, start))
        days -= ramping * (1 - Fraction(share))
    return days


def ramp_end(hired: date | None, ramp: tuple[Any, ...]) -> int:
    """The day from which the ramp no longer counts, 0 where it never did."""
    short = [k for k, share in enumerate(ramp) if share != 1]
    return add_months(hired, short[-1] + 1).toordinal() if hired and short else 0


@dataclass
class Prorated:
    """Quotas and targets of one plan's holders, worked out once each."""

    versions: Versions
    windows: Windows
    holders: dict[str, Holder]
    holders_file: str = "holders"
    _quotas: dict = field(default_factory=dict)
    _stretches: dict = field(default_factory=dict)

    def active(self, rep_id: str, window: Window) -> list[Stretch]:
        """The holder's days on the plan in a window."""
        key = (rep_id, window)
        if key not in self._stretches:
            found = stretches(self.holders[rep_id], self.versions, window.start, window.end)
            self._stretches[key] = found
        return self._stretches[key]

    def active_days(self, rep_id: str, window: Window) -> int:
        """How many days that is."""
        return sum(s.end - s.start for s in self.active(rep_id, window))

    def target(self, rep_id: str, plan: Plan, window: Window) -> Fraction:
        """Target incentive of the window: the year's, ÷ windows of a year, by days where the plan says so.

        A holder's own target pay counts before the plan's.
        """
        pieces = self.active(rep_id, window)
        base = Fraction(plan.target_incentive)
        if len(pieces) == 1 and pieces[0].end - pieces[0].start == window.days:
            own = pieces[0].spell.target_incentive
            return (base if own is None else own) / PER_YEAR[window.kind]
        weighed = [
            ((base if s.spell.target_incentive is None else s.spell.target_incentive), s.end - s.start)
            for s in pieces
        ]
        days = sum(d for _, d in weighed)
        if not days:
            return ZERO
        by_days = plan.proration is not None and plan.proration.target_incentive
        total = sum(t * d for t, d in weighed)
        return total / (window.days if by_days else days) / PER_YEAR[window.kind]

    def quota(self, rep_id: str, name: str, plan: Plan, window: Window) -> Fraction | None:
        """The quota of a measure in a window; None where the holder has none, 0 where the ramp says so."""
        key = (rep_id, name, plan.version, window)
        if key not in self._quotas:
            self._quotas[key] = self._quota(rep_id, name, plan, window)
        return self._quotas[key]

    def _quota(self, rep_id: str, name: str, plan: Plan, window: Window) -> Fraction | None:
        terms = plan.measure(name).quota
        if terms is None:
            return None
        pieces = self.active(rep_id, window)
        figures = [_figure(s, name, terms) for s in pieces]
        if terms.source == "rollup" and all(f is None for f in figures):
            return self._rolled_up(rep_id, name, plan, window)
        if not pieces or all(f is None for f in figures):
            return None
        for figure, piece in zip(figures, pieces, strict=True):
            if figure is None:
                first = date.fromordinal(piece.start)
                place = f"{self.holders_file}:{piece.spell.row}"
                raise PlanError(f"{place} E203 {rep_id}: no quota of {name} from {first}; fill it in")
        return self._by_days(figures, pieces, plan, window, terms)

    def _by_days(self, figures: list, pieces: list[Stretch], plan: Plan, window: Window, terms) -> Fraction:
        spans, per = self._spans(terms, window)
        hired = self.holders[pieces[0].spell.rep_id].hired
        covered = len(pieces) == 1 and pieces[0].end - pieces[0].start == window.days
        if covered and pieces[0].start >= ramp_end(hired, terms.ramp):
            return figures[0] * per * len(spans)
        monthly = pieces[0].start < ramp_end(hired, terms.ramp) and bool(self.windows.starts("month"))
        ramped = [self._weight(s, hired, terms.ramp, spans, monthly) for s in pieces]
        if plan.proration is not None and plan.proration.quota:
            return per * sum((f * w for f, w in zip(figures, ramped, strict=True)), ZERO)
        days = sum(s.end - s.start for s in pieces)
        mean = sum(f * (s.end - s.start) for f, s in zip(figures, pieces, strict=True)) / days
        whole = [self._weight(s, None, (), spans, monthly) for s in pieces]
        return per * mean * (len(spans) - sum(whole) + sum(ramped))

    def _spans(self, terms, window: Window) -> tuple[list[Window], Fraction]:
        """The spans that a figure is for, and how much of it each takes.

        A figure per quarter counts once in each quarter of a year; one per year is divided among them.
        """
        kind = terms.per or window.kind
        if PER_YEAR[kind] > PER_YEAR[window.kind]:
            return self.windows.between(kind, window.start, window.end - 1), Fraction(1)
        return [window], Fraction(PER_YEAR[kind], PER_YEAR[window.kind])

    def _weight(self, piece: Stretch, hired, ramp: tuple, spans: list[Window], monthly: bool) -> Fraction:
        """How many figures fall on a stretch: a span that it covers counts 1."""
        total = ZERO
        for span in spans:
            if piece.start >= span.end or piece.end <= span.start:
                continue
            parts = self.windows.between("month", span.start, span.end - 1) if monthly else [span]
            for part in parts:
                low, high = max(part.start, piece.start), min(part.end, piece.end)
                if low < high:
                    total += tenure_share(hired, ramp, low, high) / part.days / len(parts)
        return total

    def _rolled_up(self, rep_id: str, name: str, plan: Plan, window: Window) -> Fraction | None:
        """The sum over the holder's reports, by days in the team, divided by the over-assignment."""
        figures = self.member_quotas(rep_id, name, plan, window)
        over = plan.measure(name).quota.over_assignment
        return sum(figures.values(), ZERO) / Fraction(over or 1) if figures else None

    def member_quotas(self, rep_id: str, name: str, plan: Plan, window: Window) -> dict[str, Fraction]:
        """Quotas in a window of a holder's reports, by their days in the team and under him."""
        terms = plan.measure(name).quota
        spans, per = self._spans(terms, window)
        found: dict[str, Fraction] = {}
        for member, spell, low, high in self.members(rep_id, window):
            figure = spell.quota(name)
            if figure is None:
                continue
            piece = Stretch(spell, plan, low, high)
            monthly = low < ramp_end(member.hired, terms.ramp) and bool(self.windows.starts("month"))
            part = figure * per * self._weight(piece, member.hired, terms.ramp, spans, monthly)
            found[member.rep_id] = found.get(member.rep_id, ZERO) + part
        return found

    def members(self, rep_id: str, window: Window) -> list[tuple[Holder, Spell, int, int]]:
        """(holder, spell, first day, end) of those below a holder who have a figure of their own.

        A report without a figure is a manager in between: his reports count. Only days of the window on
        which the holder is on the plan.
        """
        found = []
        for piece in self.active(rep_id, window):
            found += self._below(rep_id, piece.start, piece.end, {rep_id})
        return found

    def _below(self, boss: str, start: int, end: int, above: set[str]) -> list:
        found = []
        for member, spell in self._reports.get(boss, ()):
            low, high = max(spell.start, start), min(spell.end, end)
            if low >= high or member.rep_id in above:
                continue
            if spell.quotas:
                found.append((member, spell, low, high))
            else:
                found += self._below(member.rep_id, low, high, above | {member.rep_id})
        return found

    @cached_property
    def _reports(self) -> dict[str, list[tuple[Holder, Spell]]]:
        found: dict[str, list[tuple[Holder, Spell]]] = {}
        for holder in self.holders.values():
            for spell in holder.spells:
                if spell.manager_id is not None:
                    found.setdefault(spell.manager_id, []).append((holder, spell))
        return found


def _figure(piece: Stretch, name: str, terms) -> Fraction | None:
    """The figure that holds on a stretch: the role's, or the holder's own."""
    return Fraction(terms.value) if terms.source == "role" else piece.spell.quota(name)
