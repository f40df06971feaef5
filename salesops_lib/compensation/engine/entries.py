"""What credited events bring to a measure: one by one, or as columns of whole numbers.

Columns hold a measure in units of 10⁻ᵖ, ``places`` p, as int64, so that sums are exact. They are made where
every event is its own payee's alone, in the plan's currency; anything else is taken entry by entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd

from salesops_lib.compensation.engine.credits import Whole
from salesops_lib.compensation.engine.filters import self_fields
from salesops_lib.compensation.engine.holders import is_on
from salesops_lib.compensation.plans.windows import Window, Windows

ONE = Fraction(1)


class Entry(NamedTuple):
    """What a credited event brings to a measure of a holder.

    ``value``: summed (numerator, weighted field); ``weight``: summed beside it (denominator, credit share).
    ``credit``: its place among the credits, -1 where the payee stands in a field (``self``). ``drop``: what a
    clawback takes out of the window, on its own day.
    """

    rep: str
    window: Window
    event: int
    credit: int
    day: int
    value: Fraction
    weight: Fraction
    drop: bool = False


@dataclass
class Columns:
    """Entries of one measure as arrays of one length, in order of holder, window and time.

    ``rep``: place in ``reps``, which are sorted; ``window``: number of a window of ``kind``; ``event`` and
    ``credit``: places; ``units``: what the event brings × 10**places.
    """

    windows: Windows
    kind: str
    reps: list[str]
    places: int
    rep: np.ndarray
    window: np.ndarray
    day: np.ndarray
    event: np.ndarray
    credit: np.ndarray
    units: np.ndarray

    def __len__(self) -> int:
        return len(self.units)

    @property
    def starts(self) -> np.ndarray:
        """Where each holder and window begins; the length at the end."""
        new = (np.diff(self.rep) != 0) | (np.diff(self.window) != 0)
        return np.concatenate([[0], np.flatnonzero(new) + 1, [len(self)]]) if len(self) else np.array([0])

    def spans(self) -> dict[tuple[str, Window], tuple[int, int]]:
        """(holder, window) → first and end place."""
        starts = self.starts
        first = starts[:-1]
        keys = zip(self.rep[first].tolist(), self.window[first].tolist(), strict=True)
        bounds = zip(first.tolist(), starts[1:].tolist(), strict=True)
        number = self.windows.number
        return {(self.reps[r], number(self.kind, w)): b for (r, w), b in zip(keys, bounds, strict=True)}

    def entries(self, first: int, end: int) -> list[Entry]:
        """Entries of some places."""
        unit = 10**self.places
        part = slice(first, end)
        rows = zip(*(c[part].tolist() for c in (self.rep, self.window, self.event, self.credit, self.day,
                                                self.units)), strict=True)  # fmt: skip
        number = self.windows.number
        return [
            Entry(self.reps[r], number(self.kind, w), event, credit, day, Fraction(units, unit), ONE)
            for r, w, event, credit, day, units in rows
        ]


def columns_of(tallying, measures: dict, passed: dict[int, list[bool]]) -> Columns | None:
    """The columns of a measure over all versions; None where it has to be taken entry by entry."""
    events, rows = tallying.events, tallying.credits.rows
    first = next(iter(measures.values()))
    alike = {(m.aggregate, m.period, getattr(m, "field", "")) for m in measures.values()}
    filtered = any(self_fields(m.where) for m in measures.values())
    if not isinstance(rows, Whole) or len(alike) > 1 or not first.adds_up or filtered or not len(rows):
        return None
    places = np.array(rows.places, dtype="int64")
    kept, versions = np.zeros(len(events), dtype=bool), tallying.versions
    for start, end, plan in versions.spans:
        if plan.version in measures:
            kept |= np.array(passed[plan.version], dtype=bool) & (events.days >= start) & (events.days < end)
    credit = np.flatnonzero(kept[places])
    reps, code = _codes([rows.reps[c] for c in credit])
    credit_on = _on_plan(tallying, reps, code, places[credit])
    credit, code = credit[credit_on], code[credit_on]
    read = _units(tallying, first, places[credit])
    if read is None:
        return None
    units, blank, decimals = read
    credit, code, units = credit[~blank], code[~blank], units[~blank]
    event = places[credit]
    day = events.days[event]
    starts = np.array(tallying.windows.starts(first.period), dtype="int64")
    window = np.searchsorted(starts, day, side="right") - 1
    order = np.lexsort((event, window, code))
    arrays = [column[order] for column in (code, window, day, event, credit, units)]
    return Columns(tallying.windows, first.period, reps, decimals, *arrays)


def _codes(reps: list[str]) -> tuple[list[str], np.ndarray]:
    codes, names = pd.factorize(np.array(reps, dtype=object), sort=True)
    return list(names), codes.astype("int64")


def _on_plan(tallying, reps: list[str], code: np.ndarray, event: np.ndarray) -> np.ndarray:
    """For each entry whether its holder is on the plan on the day; who is not is kept for the notes."""
    on = np.zeros(len(code), dtype=bool)
    days = tallying.events.days[event]
    order = np.argsort(code, kind="stable")
    bounds = np.searchsorted(code[order], np.arange(len(reps) + 1))
    for number, rep in enumerate(reps):
        mine = order[bounds[number] : bounds[number + 1]]
        holder = tallying.holders.get(rep)
        for spell in holder.spells if holder else ():
            for start, end, plan in tallying.versions.spans:
                if is_on(plan, spell):
                    low, high = max(start, spell.start), min(end, spell.end)
                    on[mine] |= (days[mine] >= low) & (days[mine] < high)
        away = mine[~on[mine]]
        if len(away):
            tallying.strangers.setdefault(rep, []).extend(tallying.events.row[e] for e in event[away])
    return on


def _units(tallying, measure, event: np.ndarray) -> tuple[np.ndarray, np.ndarray, int] | None:
    """(units, which are blank, places) of events; None where they are no decimals in the plan's currency."""
    if measure.aggregate == "count":
        return np.ones(len(event), dtype="int64"), np.zeros(len(event), dtype=bool), 0
    events, amounts = tallying.events, tallying.amounts
    foreign = set(events.currency) - {None} - {p.currency for p in tallying.versions.plans}
    if measure.money and (foreign or len({p.currency for p in tallying.versions.plans}) > 1):
        return None
    read = amounts.units(measure.field)
    return None if read is None else (read[0][event], read[1][event], read[2])
