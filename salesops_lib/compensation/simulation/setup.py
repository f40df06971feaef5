"""From a company's records and two sets of plans to a world that can be simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.compensation.engine.history import Records, by_plan, past
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.terms import Effective
from salesops_lib.compensation.simulation.after import after_each
from salesops_lib.compensation.simulation.deal_past import needs_deals, past_deals
from salesops_lib.compensation.simulation.draws import Design, block_size
from salesops_lib.compensation.simulation.lanes import lanes_of
from salesops_lib.compensation.simulation.seats import STEPS, Seats, quotas_for, reports, seats_of
from salesops_lib.compensation.simulation.sources import (
    MEANS,
    Assumed,
    Estimates,
    bootstrap_of,
    deals_stream_of,
    estimates,
    is_lumpy,
    stream_of,
)
from salesops_lib.compensation.simulation.world import Group, Leaving, ShareAtQuota, Team, World
from salesops_lib.core.errors import PeriodError, TableError

OLD, NEW = "old", "new"


@dataclass(frozen=True)
class Setup:
    """A world and what it was made from. ``plans``: variant → plan id → version. ``start``: first day."""

    world: World
    seats: Seats
    known: Estimates
    records: Records
    plans: dict[str, dict[str, Plan]]
    start: date
    deal_roles: tuple[str, ...]

    @property
    def period(self) -> str:
        """The fiscal year that is drawn; empty where the calendar does not reach it."""
        try:
            return str(self.records.calendar.period_of(self.start, "year"))
        except PeriodError:
            return ""

    @property
    def quarters(self) -> int:
        """Finished quarters in which somebody had a quota."""
        rows = self.known.panel
        return int(rows.loc[(rows["step"] == "quarter") & rows["attainment"].notna(), "period"].nunique())


@dataclass(frozen=True)
class Asked:
    """What a run asks for: how many years, which seed, what is assumed, who leaves."""

    scenarios: int
    seed: int
    assumed: Assumed
    leaving: Leaving


def in_force(plans: list[Plan], day: date) -> dict[str, Plan]:
    """Plan id → the version in force on a day; the last before it where none is."""
    found = {}
    for plan_id, versions in by_plan(plans).items():
        begun = [p for p in versions if p.start <= day]
        if begun:
            found[plan_id] = begun[-1]
    return found


def set_up(
    records: Records, history: list[Plan], proposed: list[Plan], places: pd.DataFrame, asked: Asked
) -> Setup:
    """The world of next year's seats under the plans in force and under those proposed.

    Parameters
    ----------
    records
        Events, holders, calendar, the last day known.
    history
        All versions of the plans in use; those in force on the last day are the old plans.
    proposed
        New versions; a plan id without one keeps the old.
    places
        ``rep_id``, ``region``, ``team`` of each rep today.
    """
    old = in_force(history, records.through)
    new = {**old, **{p.id: p for p in proposed if p.id in old}}
    seats = seats_of(records.holders, old, places, records.calendar, records.through)
    if seats.frame.empty:
        raise TableError(
            f"nobody is on a plan in force on {records.through}; check plan_assignments and plans/"
        )
    start = _next_year(records)
    known = estimates(_panel(records, history, proposed), asked.assumed)
    maker = _Maker(records, history, seats, known, start, asked.assumed)
    variants = {OLD: old, NEW: new}
    keys = seats.frame.groupby(["plan_id", "role"], sort=True).indices
    groups = tuple(maker.group(name, rows, variants) for (_, name), rows in sorted(keys.items()))
    segments = max(len(maker.places), 1)
    design = Design(
        asked.seed, asked.scenarios, steps=STEPS, persistence=asked.assumed.persistence,
        segments=segments, block=block_size(len(seats.frame)),
    )  # fmt: skip
    world = World(design, groups, len(seats.frame), (OLD, NEW), asked.leaving, pattern=maker.pattern())
    return Setup(world, seats, known, records, variants, start, tuple(maker.deal_roles))


def with_plans(setup: Setup, plans: Mapping[str, dict[str, Plan]]) -> World:
    """The same draws under other variants: variant → plan id → version (all ids)."""
    maker = _Maker(setup.records, [], setup.seats, setup.known, setup.start, setup.known.assumed)
    old, groups = setup.plans[OLD], []
    for group in setup.world.groups:
        used = {v: maker.lanes(group, p[group.plan_id], old[group.plan_id]) for v, p in plans.items()}
        groups.append(replace(group, lanes=used))
    return replace(setup.world, groups=tuple(groups), variants=tuple(plans))


def shifted(plan: Plan, start: date, end: date) -> Plan:
    """A version as if it held on [start, end): to pay other years with it; its SPIFFs move along."""
    days = (start - plan.start).days
    if not days:
        return plan.model_copy(update={"effective": Effective(**{"from": start, "to": end})})
    delta = pd.Timedelta(days=days).to_pytimedelta()
    spiffs = tuple(s.model_copy(update={"from_": s.from_ + delta, "to": s.to + delta}) for s in plan.spiffs)
    return plan.model_copy(update={"effective": Effective(**{"from": start, "to": end}), "spiffs": spiffs})


@dataclass
class _Maker:
    records: Records
    history: list[Plan]
    seats: Seats
    known: Estimates
    start: date
    assumed: Assumed

    def __post_init__(self) -> None:
        regions = self.seats.frame["region"].dropna().unique()
        self.places = sorted(regions)
        self.deal_roles: list[str] = []
        self._days: list[int] = []

    def group(self, name: str, rows: np.ndarray, variants: dict[str, dict[str, Plan]]) -> Group:
        frame = self.seats.frame.iloc[rows]
        plan_id = frame["plan_id"].iloc[0]
        used = {v: plans[plan_id] for v, plans in variants.items()}
        measures = _measures(used.values())
        steps = {m: 12 if measure.period == "month" else STEPS for m, measure in measures.items()}
        quotas: dict[str, np.ndarray] = {}
        for plan in used.values():
            quotas = {**quotas_for(self.seats, plan, rows, steps, self.start), **quotas}
        primary = next((m for m, x in measures.items() if x.quota and x.aggregate == "sum"), "")
        teams = [reports(self.seats, rep) for rep in frame["rep_id"]]
        leads = any(len(t) for t in teams)
        lead = (primary, teams if leads else None, tuple(used.values()))
        sources, parts = self._sources(name, frame, measures, quotas, lead)
        made = Group(
            name=name, plan_id=plan_id, rows=np.asarray(rows), sources=sources, quotas=quotas,
            primary="" if leads or primary not in sources or _is_overlay(used[OLD], primary) else primary,
            means=frozenset(m for m, x in measures.items() if x.aggregate in MEANS),
            whole=frozenset(m for m, x in measures.items() if x.aggregate == "count"),
            parts=parts, lanes={}, tenure=_tenure(frame["hired"], self.start),
        )  # fmt: skip
        lanes = {v: self.lanes(made, plan, used[OLD]) for v, plan in used.items()}
        versions = by_plan(self.history).get(plan_id, [])
        rows = self.known.panel[self.known.panel["role"] == name]
        return replace(made, lanes=lanes, after=after_each(self.records, versions, used, rows, len(frame)))

    def lanes(self, group: Group, plan: Plan, old: Plan):
        """Lanes of a version for a group; target pay moves with the version's own from the old one's."""
        before = float(old.target_incentive)
        change = float(plan.target_incentive) / before if before else 1.0
        target = self.seats.frame["target_incentive"].to_numpy()[group.rows] * change
        return lanes_of(plan, target, group.quotas, STEPS)

    def _sources(self, name: str, frame: pd.DataFrame, measures: dict, quotas: dict, lead: tuple):
        primary, teams, used = lead
        sources, parts = {}, {}
        for m, measure in measures.items():
            if measure.aggregate == "share" and measure.of == "team_members_at_quota":
                sources[m] = ShareAtQuota(tuple(teams or [np.array([], "int64")] * len(frame)))
            elif measure.quota and measure.quota.source == "rollup" and teams:
                sources[m] = Team(tuple(teams), self._team_factor(name, m, frame, teams))
            else:
                sources[m] = self._stream(name, m, measure, frame)
        deals = self._deals((name, primary), quotas, frame, used) if primary and not teams else None
        if deals is not None:
            sources[primary] = deals
            parts = {f: primary for f in deals.flags if not (f in measures and measures[f].quota)}
            sources = {m: s for m, s in sources.items() if m not in parts}
        return sources, parts

    def _stream(self, name: str, m: str, measure, frame: pd.DataFrame):
        if self.assumed.family == "bootstrap":
            whole = bootstrap_of(self.known, name, m, measure, frame)
            if whole is not None:
                return whole
        return stream_of(self.known, name, m, measure, frame, self.places)

    def _deals(self, of: tuple[str, str], quotas: dict, frame: pd.DataFrame, used: tuple[Plan, ...]):
        """Deal by deal where that was asked for, or the family is free and the role is lumpy or needs it."""
        name, primary = of
        versions = by_plan(self.history).get(frame["plan_id"].iloc[0], [])
        if self.assumed.family not in {"", "deals"} or not versions:
            return None
        deals = past_deals(self.records, versions, used, primary)
        self._days += deals["day"].tolist()
        needs = needs_deals([versions[-1], *used]) or self.assumed.family == "deals"
        if not (needs or is_lumpy(self.known, name, deals)):
            return None
        made = deals_stream_of(self.known, of, quotas[primary], frame, self.places, deals)
        if made is not None:
            self.deal_roles.append(name)
        return made

    def _team_factor(self, name: str, m: str, frame: pd.DataFrame, teams: list[np.ndarray]) -> float:
        """What a team's measure was in the past over the primary amounts of those who report there now."""
        panel = self.known.panel
        mine = panel[(panel["role"] == name) & (panel["measure"] == m) & panel["value"].notna()]
        members = set(self.seats.frame["rep_id"].iloc[np.concatenate(teams)]) if teams else set()
        theirs = panel[
            panel["attainment"].notna() & panel["rep_id"].isin(members) & (panel["aggregate"] == "sum")
        ]
        periods = set(mine["number"]) & set(theirs["number"])
        own = mine[mine["number"].isin(periods)]["value"].sum()
        below = theirs[theirs["number"].isin(periods)]["value"].sum()
        return float(own / below) if below > 0 and own > 0 else 1.0

    def pattern(self) -> tuple[float, float, float]:
        """Shares of a quarter's bookings in its months, by number of deals; thirds where none are known."""
        if not self._days:
            return (1 / 3, 1 / 3, 1 / 3)
        days = pd.Series(pd.to_datetime([date.fromordinal(d) for d in self._days]))
        month = self.records.calendar.assign(days, "month").astype("object").str.extract(r"M(\d+)$")[0]
        counts = np.bincount((month.dropna().astype(int) - 1) % 3, minlength=3)
        return tuple(float(c) / counts.sum() for c in counts)


def _panel(records: Records, history: list[Plan], proposed: list[Plan]) -> pd.DataFrame:
    """The past of every plan; a measure only a proposal has is read as if it had held all the time."""
    frames = []
    for plan_id, versions in by_plan(history).items():
        frames.append(past(records, versions))
        names = {n for p in versions for n in p.measures}
        for plan in proposed:
            added = {n: m for n, m in plan.measures.items() if n not in names}
            if plan.id == plan_id and added:
                always = shifted(plan.model_copy(update={"spiffs": ()}), versions[0].start, versions[-1].end)
                rows = past(records, [always])
                frames.append(rows[rows["measure"].isin(added)])
    made = pd.concat(frames, ignore_index=True)
    measures = {(p.id, n): m for p in [*history, *proposed] for n, m in p.measures.items()}
    rolled = {key for key, m in measures.items() if m.quota and m.quota.source == "rollup"}
    bosses = set(records.holders["manager_id"].dropna())
    keys = zip(made["plan_id"], made["measure"], made["rep_id"], strict=True)
    return made.assign(follows=[(plan, m) in rolled and rep in bosses for plan, m, rep in keys])


def _measures(plans) -> dict:
    """Every measure the versions' components, gates and multipliers read."""
    found = {}
    for plan in plans:
        for part in plan.components:
            names = [part.measure, *([part.measure2] if part.method == "matrix" else [])]
            names += [m.measure for m in part.multipliers] + [g.measure for g in part.gates if g.measure]
            found |= {n: plan.measure(n) for n in names if n not in found}
    return found


def _is_overlay(plan: Plan, measure: str) -> bool:
    return plan.measure(measure).quota.source == "rollup"


def _tenure(hired: pd.Series, start: date) -> np.ndarray:
    return np.array(
        [10**6 if pd.isna(d) else (start.year - d.year) * 12 + start.month - d.month for d in hired]
    )


def _next_year(records: Records) -> date:
    """First day of the fiscal year after the one of the last day known."""
    year = records.calendar.period_of(records.through, "year")
    return records.calendar.bounds(year)[1]
