"""The last finished fiscal year as it was, paid exactly by the plans in force and by those proposed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pandas as pd

from salesops_lib.compensation.engine.events import kinds_of
from salesops_lib.compensation.engine.history import Records
from salesops_lib.compensation.engine.lines import EARNINGS
from salesops_lib.compensation.engine.pay import Paid, pay
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.simulation.replay import replay
from salesops_lib.compensation.simulation.setup import NEW, OLD, Setup, shifted
from salesops_lib.core.errors import PeriodError
from salesops_lib.core.periods import Period

COLUMNS = ["variant", "plan_id", "rep_id", "part", "cents"]


@dataclass(frozen=True)
class RealYear:
    """``period``: the year. ``earned``: one row per variant, plan, rep and part, ``cents`` earned.

    ``checked``: one row per variant and plan, ``compared`` component totals of the engine and of the
    simulation's formulas fed the year's own results, ``cents_apart`` in all, ``exact``: how many floating
    point could not settle. ``notes``: what the engine said.
    """

    period: str
    start: date
    end: date
    earned: pd.DataFrame
    checked: pd.DataFrame
    notes: tuple[str, ...]


def last_year(records: Records) -> Period | None:
    """The last fiscal year that ended on or before the last day known; None where the calendar has none."""
    calendar = records.calendar
    year = calendar.period_of(records.through, "year")
    if calendar.bounds(year)[1] - timedelta(days=1) == records.through:
        return year
    try:
        before = year.step(-1)
        calendar.bounds(before)
    except PeriodError:
        return None
    return before


def real_year(setup: Setup) -> RealYear | None:
    """Pay the last finished year under every variant, exactly; None where there is none.

    Versions are taken as if they had held in that year. What is compared is what is earned: draws and holds
    move when it is paid, and what came back later is told by :mod:`after`.
    """
    period = last_year(setup.records)
    if period is None:
        return None
    start, end = setup.records.calendar.bounds(period)
    rows, checks, notes = [], [], []
    done: dict[tuple, tuple] = {}
    for variant in (OLD, NEW):
        for plan_id, version in sorted(setup.plans[variant].items()):
            key = (plan_id, version.version)
            if key not in done:
                done[key] = _paid(setup.records, version, start, end)
            earned, checked, said = done[key]
            rows += [(variant, plan_id, rep, part, cents) for (rep, part), cents in sorted(earned.items())]
            checks.append((variant, plan_id, *checked))
            notes += said
    return RealYear(
        str(period), start, end, pd.DataFrame(rows, columns=COLUMNS),
        pd.DataFrame(checks, columns=["variant", "plan_id", "compared", "cents_apart", "exact"]),
        tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def _paid(records: Records, version: Plan, start: date, end: date) -> tuple[dict, tuple, list[str]]:
    plan = shifted(version, start, end)
    inputs = records.inputs([plan], start, end - timedelta(days=1))
    earning = inputs.events["event"].isin(kinds_of([plan])[0])
    paid = pay([plan], replace(inputs, events=inputs.events[earning]))
    earned: dict[tuple[str, str], int] = defaultdict(int)
    for line in paid.lines:
        if line.kind in EARNINGS:
            earned[line.rep, line.part] += line.cents
    return dict(earned), _compared(paid, plan), list(paid.notes)


def _compared(paid: Paid, plan: Plan) -> tuple[int, int, int]:
    """(totals compared, cents they differ by, worked out exactly) of components, window by window."""
    totals: dict[tuple, int] = defaultdict(int)
    parts = {c.id for c in plan.components}
    for line in paid.lines:
        if line.kind in EARNINGS and line.part in parts and line.window is not None:
            totals[line.rep, line.part, line.window] += line.cents
    made, exact = replay(paid.paying, plan)
    keys = set(made) | set(totals)
    return len(keys), sum(abs(made.get(k, 0) - totals.get(k, 0)) for k in keys), exact
