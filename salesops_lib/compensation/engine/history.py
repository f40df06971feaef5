"""What reps did in finished periods, as the exact engine measures it: the past that draws are made from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

import pandas as pd

from salesops_lib.compensation.engine.events import kinds_of
from salesops_lib.compensation.engine.filters import passing
from salesops_lib.compensation.engine.pay import Inputs, prepare
from salesops_lib.compensation.engine.paying import Paying
from salesops_lib.compensation.engine.tallies import Entry
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.windows import PER_YEAR, Window

PANEL = [
    "plan_id", "role", "segment", "measure", "aggregate", "step", "rep_id", "period", "number", "value",
    "quota", "attainment",
]  # fmt: skip


@dataclass(frozen=True)
class Records:
    """What the engine pays on: ``events``, ``holders`` as it takes them, ``calendar``, the last day.

    ``place_of``: rep_id → region, whose shocks are shared by a segment.
    """

    events: pd.DataFrame
    holders: pd.DataFrame
    calendar: object
    through: date
    place_of: dict[str, str]
    _prepared: dict = field(default_factory=dict, repr=False, compare=False)

    def prepared(self, versions: list[Plan]) -> Paying:
        """Events read and credited for one plan, once."""
        key = tuple((p.key, p.start) for p in versions)
        if key not in self._prepared:
            self._prepared[key] = prepare(versions, self.inputs(versions))
        return self._prepared[key]

    def inputs(self, plans: list[Plan], start: date | None = None, through: date | None = None) -> Inputs:
        """Engine inputs with the events that these plans count, and the spells, from one day to another."""
        counted, other = kinds_of(plans)
        events = self.events[self.events["event"].isin(counted | other)]
        measures = {f"quota_{m}" for p in plans for m in p.measures}
        foreign = [c for c in self.holders if str(c).startswith("quota_") and c not in measures]
        holders = self.holders.drop(columns=foreign)
        if start is not None:
            events = events[events["date"] >= start]
            ended, last = holders["end_date"].fillna(date.max) <= start, ~holders["rep_id"].duplicated("last")
            # Who left before can still own a deal that closes now: known by the last spell.
            owed = last & holders["rep_id"].isin(events["rep_id"])
            holders = holders[~ended | owed]
        if through is not None:
            holders = holders[holders["start_date"] <= through]
        return Inputs(events, holders, None, self.calendar, through=through or self.through)


def by_plan(plans: Iterable[Plan]) -> dict[str, list[Plan]]:
    """Versions of each plan id, in order."""
    found: dict[str, list[Plan]] = defaultdict(list)
    for plan in sorted(plans, key=lambda p: (p.id, p.start, p.version)):
        found[plan.id].append(plan)
    return dict(found)


def step_kind(measure) -> str:
    """The period a measure is drawn in: months where it is counted by month, else quarters."""
    return "month" if measure.period == "month" else "quarter"


def past(records: Records, versions: list[Plan], periods: int = 12) -> pd.DataFrame:
    """Every measure of one plan, rep by rep, in its last finished periods.

    Parameters
    ----------
    records
        What the engine pays on.
    versions
        All versions of one plan.
    periods
        How many quarters back.

    Returns
    -------
    DataFrame
        Columns of ``PANEL``, one row per rep, measure and period in which the rep was on the plan all days:
        ``value`` in the measure's unit, ``quota`` of the period (missing without one), ``attainment``.
        ``role`` is the plan's id, with the role where a plan has several.
    """
    paying = records.prepared(versions)
    rows = []
    for name in dict.fromkeys(n for p in versions for n in p.measures):
        measure = next(p.measures[name] for p in reversed(versions) if name in p.measures)
        kind = step_kind(measure)
        windows = _finished(paying, kind, records.through, periods * PER_YEAR[kind] // 4)
        sums = _values(paying, name, measure, {w.number: w for w in windows}, kind)
        rows += _rows(paying, records, name, measure, windows, sums)
    return pd.DataFrame(rows, columns=PANEL)


def deals_of(records: Records, versions: list[Plan], measure: str) -> pd.DataFrame:
    """The credited deals behind a measure, newest version's meaning of its parts.

    Returns ``rep_id``, ``deal_id``, ``day`` (ordinal), ``value``, and for each other summed measure and each
    SPIFF of the versions ``flag_<name>``: whether the deal counts for it too. A measure that also counts
    other events is no part of this one and has none.
    """
    paying = records.prepared(versions)
    tallying = paying.measured.tallying
    events, rows = tallying.events, [e for e in paying.measured.tally(measure).entries if not e.drop]
    made = pd.DataFrame(
        {
            "rep_id": [e.rep for e in rows],
            "deal_id": [events.deal_id[e.event] for e in rows],
            "day": [e.day for e in rows],
            "value": [float(e.value) for e in rows],
        }
    )
    for name in dict.fromkeys(n for p in versions for n in p.measures):
        other = paying.measured.tally(name) if name != measure else None
        if other is not None and other.aggregate == "sum":
            counted, all_of_it = {(e.rep, e.event) for e in other.entries}, {(e.rep, e.event) for e in rows}
            if counted and counted <= all_of_it:
                made[f"flag_{name}"] = [(e.rep, e.event) in counted for e in rows]
    for spiff in {s.id: s for p in versions for s in p.spiffs}.values():
        passed = passing(events, spiff.where, spiff.id)
        made[f"flag_{spiff.id}"] = [passed[e.event] for e in rows]
    return made


def _finished(paying: Paying, kind: str, through: date, count: int) -> list[Window]:
    """The last windows of a kind that have ended and lie within the plan's versions."""
    first = max(paying.versions.spans[0][0], min([*paying.measured.tallying.events.day, paying.horizon]))
    last = min(through.toordinal(), paying.versions.spans[-1][1] - 1)
    found = paying.windows.between(kind, first, max(first, last))
    ended = [w for w in found if w.end <= through.toordinal() + 1 and w.start >= paying.versions.spans[0][0]]
    return ended[-count:]


def _values(paying: Paying, name: str, measure, windows: dict, kind: str) -> dict[tuple, Fraction | None]:
    """(rep, window number) → the measure over the entries of that window alone."""
    if measure.aggregate == "share" and paying.measured.is_derived(measure):
        return {}
    groups: dict[tuple, list[Entry]] = defaultdict(list)
    for entry in paying.measured.tally(name).entries:
        window = paying.windows.at(kind, entry.day)
        if window.number in windows:
            groups[entry.rep, window.number].append(entry)
    return {key: _together(entries, measure.aggregate) for key, entries in groups.items()}


def _together(entries: list[Entry], aggregate: str) -> Fraction | None:
    if aggregate == "last":
        return entries[-1].value
    total = sum((e.value for e in entries), Fraction(0))
    if aggregate in {"sum", "count"}:
        return total
    weight = sum((e.weight for e in entries), Fraction(0))
    return total / weight if weight else None


def _rows(paying: Paying, records: Records, name: str, measure, windows: list[Window], sums: dict) -> list:
    holders, rows = paying.prorated.holders, []
    several = len({r for p in paying.versions.plans for r in p.roles}) > 1
    counted = measure.aggregate in {"sum", "count"}
    for rep in sorted(holders):
        for window in windows:
            stays = paying.prorated.active(rep, window)
            if sum(s.end - s.start for s in stays) < window.days:
                continue
            value = sums.get((rep, window.number), Fraction(0) if counted else None)
            quota = _quota(paying, rep, name, measure, window)
            ratio = float(value / quota) if value is not None and quota else float("nan")
            plan, role = stays[-1].plan, stays[-1].spell.role
            rows.append(
                (
                    plan.id, f"{plan.id} · {role}" if several else plan.id, records.place_of.get(rep), name,
                    measure.aggregate, window.kind, rep, paying.windows.name(window), window.number,
                    float("nan") if value is None else float(value),
                    float(quota) if quota else float("nan"), ratio,
                )
            )  # fmt: skip
    return rows


def _quota(paying: Paying, rep: str, name: str, measure, window: Window) -> Fraction | None:
    """The quota of a step: a yearly figure without ``per`` is spread evenly over the quarters."""
    if measure.quota is None:
        return None
    plan = paying.plan_of(rep, window)
    terms = plan.measures[name].quota if plan is not None and name in plan.measures else None
    if terms is None:
        return None
    if terms.per is None and plan.measures[name].period != window.kind:
        whole = paying.windows.at(plan.measures[name].period, window.start)
        figure = paying.measured.quota(rep, name, plan, whole)
        return figure * PER_YEAR[whole.kind] / PER_YEAR[window.kind] if figure else None
    return paying.measured.quota(rep, name, plan, window)
