"""The rows behind a line that names no deal: what a bonus measure, a multiplier, a gate or a pool counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction
from typing import NamedTuple

import pandas as pd

from salesops_lib.compensation.engine.lines import Line
from salesops_lib.compensation.engine.pay import Paid
from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.engine.tallies import ADDING, Entry
from salesops_lib.compensation.plans.exact import plain
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.windows import Window

COUNTED = ["rep_id", "measure", "window", "through", "date", "deal_id", "what", "value", "weight"]
SUM, RATIO, LAST = "sum", "ratio", "last"
TOTALS = (SUM, RATIO, LAST)
"""What the last row of a measure is: Σ of the values, Σ value ÷ Σ weight, or the last value."""


class _Asked(NamedTuple):
    """A measure as a line reads it: in a window, up to a day, of a payee or (pool) of all sales."""

    rep: str
    measure: str
    plan: Plan
    window: Window
    through: int
    pool: str = ""


def counted_table(paid: Paid, wanted: Iterable[tuple[str, str, str]]) -> pd.DataFrame:
    """What the measures that lines rest on are made of: a row per payee, measure, window, day and event.

    Parameters
    ----------
    paid
        A plan's pay.
    wanted
        (rep_id, pay period, part) of the lines asked about, as ``tables.lines_table`` names them.

    Returns
    -------
    DataFrame
        Columns of `COUNTED`: ``through`` the last day that the line could know; ``what`` says what a row is
        besides an event that counts; ``value`` and ``weight`` exact as text. The last row of a measure is
        what its rows come to (``what`` in `TOTALS`): the measure that the line's arithmetic starts from. Of a
        deal's own commission line only the multipliers and gates on it are listed.
    """
    asked, keys = {}, set(wanted)
    for line in paid.lines:
        if (line.rep, paid.paying.windows.name(line.period), line.part) in keys:
            for one in _rests_on(paid.paying, line):
                asked.setdefault((one.rep, one.measure, one.pool, one.window, one.through), one)
    rows = [row for one in asked.values() for row in _rows(paid.paying, one)]
    return pd.DataFrame(rows, columns=COUNTED)


def _rests_on(paying: Paying, line: Line) -> Iterator[_Asked]:
    """The measures that a line is worked out from, besides its own deal's."""
    if line.kind not in {"commission", "bonus", "adjustment", "pool"} or line.window is None:
        return
    plan = next(p for p in paying.versions.plans if p.version == line.version)
    if line.kind == "pool":
        funded = next(p for p in plan.pool if p.id == line.part).funding.measure
        if funded is not None:
            yield _Asked(line.rep, funded, plan, line.window, line.window.end - 1, line.part)
        return
    component, through, at = plan.component(line.part), line.period.end - 1, paying.windows.at
    day = line.day
    if not line.deal:
        day = min(through, line.window.end - 1)
        yield _Asked(line.rep, component.measure, plan, line.window, through)
        if component.method == "matrix":
            other = at(plan.measure(component.measure2).period, day)
            yield _Asked(line.rep, component.measure2, plan, other, through)
    for name in (*(m.measure for m in component.multipliers), *(g.measure for g in component.gates)):
        if name is not None:
            yield _Asked(line.rep, name, plan, at(plan.measure(name).period, day), through)


def _rows(paying: Paying, asked: _Asked) -> Iterator[tuple]:
    """The rows of one measure, and last what they come to."""
    name = asked.measure.replace("_", " ") if not asked.pool else f"{asked.measure} of all, pool {asked.pool}"
    key = (asked.rep, name if asked.pool else asked.measure, paying.windows.name(asked.window),
           date.fromordinal(min(asked.through, paying.horizon)))  # fmt: skip
    if paying.measured.is_derived(asked.plan.measure(asked.measure)):
        members = list(_members(paying, asked))
        yield from ((*key, None, *row) for row in members)
        at_quota, count = sum(row[1] == "at quota" for row in members), len(members)
        yield (*key, None, "", RATIO, plain(Fraction(at_quota, count)) if count else "", str(count))
        return
    events, entries = paying.measured.tallying.events, _entries(paying, asked)
    for entry in entries:
        what = "taken out again" if entry.drop else ""
        day, deal = date.fromordinal(entry.day), events.deal_id[entry.event]
        yield (*key, day, deal, what, plain(entry.value), plain(entry.weight))
    yield (*key, None, "", *_total(paying, asked, entries))


def _entries(paying: Paying, asked: _Asked) -> list[Entry]:
    if not asked.pool:
        found = paying.measured.tally(asked.measure).of(asked.rep, asked.window)
    else:
        direct = paying.measured.direct(asked.measure)
        spans = sorted(rep for rep, window in direct.spans if window == asked.window)
        found = sorted((e for rep in spans for e in direct.of(rep, asked.window)), key=lambda e: e.day)
    return [entry for entry in found if entry.day <= asked.through]


def _total(paying: Paying, asked: _Asked, entries: list[Entry]) -> tuple[str, str, str]:
    """(what, value, weight) that rows come to; the value is blank where it is undefined."""
    aggregate = paying.measured.tally(asked.measure).aggregate
    value = sum((e.value for e in entries), Fraction(0))
    weight = sum((e.weight for e in entries), Fraction(0))
    if aggregate in ADDING:
        return SUM, plain(value), "1"
    if aggregate == "last":
        return LAST, plain(entries[-1].value) if entries else "", "1"
    return RATIO, plain(value / weight) if weight else "", plain(weight)


def _members(paying: Paying, asked: _Asked) -> Iterator[tuple[str, str, str, str]]:
    """A manager's reports: who is at quota, by what each is credited with over his own quota."""
    measured = paying.measured
    base = measured.base_of(asked.plan)
    quotas = paying.prorated.member_quotas(asked.rep, base, asked.plan, asked.window) if base else {}
    for member, quota in sorted(quotas.items()):
        credited = measured.direct(base).value(member, asked.window, asked.through) or Fraction(0)
        what = "at quota" if credited >= quota else "below quota"
        yield member, what, plain(credited), plain(quota)
