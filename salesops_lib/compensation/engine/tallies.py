"""Measures of holders: what each credited event brings, and what it comes to by a day of a window.

A tally is one measure of all holders. Its entries stand in order of holder, window and time; a window's value
by a day is worked out from the entries up to that day, so that nothing depends on how events were batched.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction

from salesops_lib.compensation.engine.amounts import Amounts
from salesops_lib.compensation.engine.credits import Credits
from salesops_lib.compensation.engine.entries import Columns, Entry, columns_of
from salesops_lib.compensation.engine.events import Events
from salesops_lib.compensation.engine.filters import passing, self_fields
from salesops_lib.compensation.engine.holders import Holder, is_on
from salesops_lib.compensation.engine.proration import Versions
from salesops_lib.compensation.engine.rows import text_of
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.windows import Window, Windows

ZERO, ONE = Fraction(0), Fraction(1)
TRUE = {"true", "yes", "1"}
ADDING = {"sum", "count"}


@dataclass
class Tally:
    """One measure of all holders. ``spans``: (holder, window) → first and end place of its entries.

    Its entries are a list, or ``columns`` from which they are made when asked for; ``own`` holds those of
    windows that got entries later.
    """

    name: str
    aggregate: str
    _entries: list[Entry] = field(default_factory=list)
    columns: Columns | None = None
    spans: dict[tuple[str, Window], tuple[int, int]] = field(default_factory=dict)
    own: dict[tuple[str, Window], list[Entry]] = field(default_factory=dict)
    _sums: dict = field(default_factory=dict)
    _windows: dict[str, set[Window]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether no event counts for it."""
        return not self.spans

    @property
    def entries(self) -> list[Entry]:
        """All entries, in order of holder and window, then time."""
        return [entry for key in self.spans for entry in self.of(*key)]

    def fill(self, entries: list[Entry]) -> None:
        """Take in all entries."""
        self._entries = sorted(entries, key=lambda e: (e.rep, e.window.start, *_in_time(e)))
        first = 0
        for place in range(1, len(self._entries) + 1):
            whole = place == len(self._entries)
            if whole or self._entries[place][:2] != self._entries[first][:2]:
                self.spans[self._entries[first][:2]] = (first, place)
                first = place

    def add(self, more: list[Entry]) -> None:
        """Take in entries of windows that are there already."""
        for entry in more:
            key = (entry.rep, entry.window)
            self.own[key] = sorted([*self.of(*key), entry], key=_in_time)
            self._sums.pop(key, None)

    def of(self, rep: str, window: Window) -> list[Entry]:
        """The entries of a holder in a window, in order."""
        if (rep, window) in self.own:
            return self.own[rep, window]
        first, end = self.spans.get((rep, window), (0, 0))
        return self._entries[first:end] if self.columns is None else self.columns.entries(first, end)

    def windows_of(self, rep: str) -> set[Window]:
        """The windows in which a holder has entries."""
        if not self._windows:
            for holder, window in self.spans:
                self._windows.setdefault(holder, set()).add(window)
        return self._windows.get(rep, set())

    def value(self, rep: str, window: Window, through: int) -> Fraction | None:
        """The measure by the end of a day (ordinal). None where it is undefined: no events to judge by."""
        key = (rep, window)
        if key not in self.spans:
            return ZERO if self.aggregate in ADDING else None
        if key not in self._sums:
            self._sums[key] = self._running(self.of(rep, window))
        days, values = self._sums[key]
        at = bisect_right(days, through) - 1
        if at < 0:
            return ZERO if self.aggregate in ADDING else None
        return values[at]

    def _running(self, entries: list[Entry]) -> tuple[list[int], list[Fraction | None]]:
        days, values = [], []
        total, weight = ZERO, ZERO
        for entry in entries:
            total, weight = total + entry.value, weight + entry.weight
            if self.aggregate in ADDING:
                now = total
            elif self.aggregate == "last":
                now = entry.value
            else:
                now = total / weight if weight != 0 else None
            days.append(entry.day)
            values.append(now)
        return days, values


def _in_time(entry: Entry) -> tuple:
    return entry.day, entry.event, entry.drop, entry.credit


@dataclass
class Tallying:
    """What tallies are made of: events with their credits and amounts, and who may be credited."""

    events: Events
    credits: Credits
    amounts: Amounts
    versions: Versions
    holders: dict[str, Holder]
    windows: Windows
    strangers: dict[str, list[int]] = field(default_factory=dict)
    """Payee → rows credited on days on which he is not on the plan."""
    _on: dict[tuple, bool] = field(default_factory=dict)

    def tally(self, name: str, direct: bool = False) -> Tally:
        """The tally of a measure, by the version in force on each event's day.

        ``direct``: of the deals' own credits only, each deal once, whoever is on the plan.
        """
        measures = {p.version: p.measure(name) for p in self.versions.plans if has_measure(p, name)}
        tally = Tally(name, next(iter(measures.values())).aggregate)
        passed = {v: self._passes(m, name) for v, m in measures.items()}
        if columns := columns_of(self, measures, passed):
            tally.columns, tally.spans = columns, columns.spans()
            return tally
        found = []
        for number, event, rep in self._credited(measures, passed, direct):
            plan = self.versions.on(self.events.day[event])
            measure = measures.get(plan.version) if plan else None
            if measure is None or not passed[plan.version][event]:
                continue
            if not direct and not self.is_on(rep, plan, event):
                continue
            brought = self._brought(measure, number, event)
            if brought is not None:
                day = self.events.day[event]
                window = self.windows.at(measure.period, day)
                found.append(Entry(rep, window, event, number, day, *brought))
        tally.fill(found)
        return tally

    def is_on(self, rep: str, plan: Plan, event: int) -> bool:
        """Whether a payee is on the plan on an event's day; if not, the row is kept for the notes."""
        day = self.events.day[event]
        key = (rep, day)
        if key not in self._on:
            spell = self.holders[rep].on(day) if rep in self.holders else None
            self._on[key] = spell is not None and is_on(plan, spell)
        if not self._on[key]:
            self.strangers.setdefault(rep, []).append(self.events.row[event])
        return self._on[key]

    def _passes(self, measure, name: str) -> list[bool]:
        passed = passing(self.events, measure.where, name)
        return [p and kind for p, kind in zip(passed, self.events.is_of(measure.event), strict=True)]

    def _credited(self, measures: dict, passed: dict, direct: bool):
        """(credit, event, payee) of every credit that counts for the measure."""
        named = sorted({f for m in measures.values() for f in self_fields(m.where)})
        if named and not direct:
            columns = [self.events.column(f) for f in named]
            for event in sorted(set(range(len(self.events))) - self.credits.repeats):
                ids = {text_of(column[event]) if column is not None else None for column in columns}
                if len(ids) == 1 and None not in ids and any(p[event] for p in passed.values()):
                    yield -1, event, ids.pop()
            return
        for number, credit in enumerate(self.credits.rows):
            if credit.direct if direct else credit.rule != "base":
                yield number, credit.event, credit.rep

    def _brought(self, measure, number: int, event: int) -> tuple[Fraction, Fraction] | None:
        """(value, weight) of an event for a measure; None where a field is blank."""
        share = self.credits.share_of_event(number) if number >= 0 else ONE
        if measure.aggregate == "count":
            return share, ONE
        if measure.aggregate == "sum":
            value = self._amount(measure.field, number, event, measure.money)
            return None if value is None else (value, ONE)
        if measure.aggregate == "ratio":
            pair = [
                self._amount(f, number, event, measure.money)
                for f in (measure.numerator, measure.denominator)
            ]
            if pair == [None, None]:
                return None
            return pair[0] or ZERO, pair[1] or ZERO
        if measure.aggregate == "share":
            column = self.events.column(measure.of)
            text = text_of(column[event]) if column is not None else None
            return None if text is None else (share * (text.lower() in TRUE), share)
        value = self.amounts.cell(measure.field, event)
        if value is None:
            return None
        return (value, ONE) if measure.aggregate == "last" else (value * share, share)

    def _amount(self, field_name: str, number: int, event: int, is_money: bool) -> Fraction | None:
        if number >= 0:
            return self.amounts.of(field_name, number, is_money)
        value = self.amounts.cell(field_name, event)
        factor = self.amounts.factor(event) if is_money and value is not None else None
        return value if factor is None else value * factor


def has_measure(plan: Plan, name: str) -> bool:
    """Whether a plan declares a measure or it is built in."""
    try:
        plan.measure(name)
    except KeyError:
        return False
    return True
