"""From a company's tables to the report's: leads checked and dated, then each output table, empty with a
reason
where the data cannot carry it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.core.errors import ParameterError, nearest
from salesops_lib.leads import funnels, outputs, response, routing, sources, speed, spend, timing
from salesops_lib.leads.lifecycle import checked_leads, days_between, end_of

DIMENSIONS = ("source", "campaign_id", "landing_page", "owner_id")
HALF_YEAR = 182
TRUE = {"1", "true", "yes", "y", "converted", "won"}


@dataclass(frozen=True)
class Leads:
    """Checked leads, oldest first, and what the report asks of them.

    ``clock``: whether leads say when they came in; without it only the score runs. ``hit``: converted within
    the horizon; missing for leads too young. ``hours``: the regions' opening hours, or None.
    """

    frame: pd.DataFrame
    faults: pd.DataFrame
    as_of: date
    horizon: int
    level: float
    clock: bool
    hit: pd.Series
    outcome: str
    hours: pd.DataFrame | None
    limits: dict[str, float]


def prepared(
    leads: pd.DataFrame,
    as_of: date,
    *,
    horizon: int,
    level: float,
    outcome: str,
    hours: pd.DataFrame | None,
    limits: dict[str, float],
) -> Leads:
    """Check the leads and tell who converted.

    ``outcome`` empty: an opportunity (``sql_at``) within ``horizon`` days. Else a column that says so by 1,
    true or yes. Raises ParameterError for a horizon or level out of range or a column that is not there.
    """
    if not 7 <= horizon <= 730:
        raise ParameterError(f"horizon_days is {horizon}; give 7 to 730")
    if not 0.5 <= level <= 0.99:
        raise ParameterError(f"interval_level is {level}; give 0.5 to 0.99")
    if outcome and outcome not in leads:
        raise ParameterError(f"leads have no column '{outcome}'. {nearest(outcome, [str(c) for c in leads])}")
    made, faults = checked_leads(leads, as_of)
    clock = "created_at" in made and bool(made["created_at"].notna().any())
    by = ["created_at", "lead_id"] if clock else ["lead_id"]
    made = made.sort_values(by, kind="stable", ignore_index=True)
    if outcome:
        hit = made[outcome].map(lambda v: None if v is None or pd.isna(v) else str(v).strip().lower() in TRUE)
        hit = hit.map(lambda v: v, na_action="ignore")
    else:
        hit = _within(made, as_of, horizon) if clock else pd.Series(None, index=made.index, dtype="object")
    return Leads(made, faults, as_of, horizon, level, clock, hit.astype("object"), outcome, hours, limits)


def _within(leads: pd.DataFrame, as_of: date, horizon: int) -> pd.Series:
    age = days_between(leads["created_at"], end_of(as_of))
    stamp = leads["sql_at"] if "sql_at" in leads else pd.Series(pd.NaT, index=leads.index)
    hit = days_between(leads["created_at"], pd.to_datetime(stamp, utc=True)) <= horizon
    early = funnels.created_before_record(leads, "sql_at")
    return hit.astype("object").where((age >= horizon) & ~early, None)


def funnel_rows(leads: Leads) -> pd.DataFrame:
    """Columns of ``outputs.FUNNEL``; empty without a clock."""
    if not leads.clock:
        return pd.DataFrame(columns=outputs.FUNNEL.column_names)
    return funnels.funnel(leads.frame, leads.as_of, horizon_days=leads.horizon, level=leads.level)


def period_rows(leads: Leads, calendar, months: int = 3) -> pd.DataFrame:
    """Columns of ``outputs.PERIODS``: the last fiscal months that have ended."""
    rows = []
    if leads.clock and calendar.month_starts:
        running = calendar.period_of(leads.as_of, "month")
        for back in range(months, 0, -1):
            period = running.step(-back)
            found = funnels.funnel_by_period(leads.frame, *calendar.bounds(period))
            rows.append(found.assign(period=str(period)))
    made = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    return made.reindex(columns=outputs.PERIODS.column_names)


def cohort_rows(leads: Leads, months: int = 18) -> pd.DataFrame:
    """Columns of ``outputs.COHORTS``: the last months."""
    if not leads.clock:
        return pd.DataFrame(columns=outputs.COHORTS.column_names)
    found = funnels.cohorts(leads.frame, leads.as_of)
    return found[found["cohort"].isin(sorted(found["cohort"].unique())[-months:])].reset_index(drop=True)


def incidence_rows(leads: Leads) -> pd.DataFrame:
    """Columns of ``outputs.INCIDENCE``: all leads and each source, at whole days."""
    if not leads.clock:
        return pd.DataFrame(columns=outputs.INCIDENCE.column_names)
    parts = [timing.incidence(leads.frame, leads.as_of, level=leads.level)]
    if "source" in leads.frame:
        parts.append(timing.incidence(leads.frame, leads.as_of, by="source", level=leads.level))
    found = pd.concat(parts, ignore_index=True)
    found["age_days"] = np.ceil(found["age"])
    last = found.drop_duplicates(["group", "cause", "age_days"], keep="last")
    return last.reindex(columns=outputs.INCIDENCE.column_names).reset_index(drop=True)


def source_rows(leads: Leads) -> pd.DataFrame:
    """Columns of ``outputs.SOURCES``: every dimension there is."""
    parts = []
    for name in DIMENSIONS if leads.clock else ():
        if name in leads.frame and leads.frame[name].notna().any():
            found = sources.compare(
                leads.frame, leads.as_of, name, horizon_days=leads.horizon, level=leads.level
            )
            parts.append(found.rename(columns={name: "value"}).assign(dimension=name))
    made = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return made.reindex(columns=outputs.SOURCES.column_names)


def halves(leads: Leads) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leads old enough by source, ``source``, ``n``, ``events``: half a year before, and the last half
    year."""
    sides = []
    if leads.clock and "source" in leads.frame:
        ripe = leads.frame.assign(hit=leads.hit)[leads.hit.notna()]
        end = end_of(leads.as_of) - pd.Timedelta(days=leads.horizon)
        for back in (2, 1):
            low, high = (end - pd.Timedelta(days=HALF_YEAR * b) for b in (back, back - 1))
            part = ripe[ripe["created_at"].ge(low) & ripe["created_at"].lt(high)]
            label = part["source"].map(lambda v: v if isinstance(v, str) else "(none)")
            events = part["hit"].astype(bool)
            sides.append(
                pd.DataFrame({"source": label, "hit": events})
                .groupby("source", as_index=False)
                .agg(n=("hit", "size"), events=("hit", "sum"))
            )
    empty = pd.DataFrame({"source": [], "n": [], "events": []})
    return (sides[0], sides[1]) if len(sides) == 2 else (empty, empty)


def change_rows(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Columns of ``outputs.CHANGE``, the largest part first; empty where a side has no lead."""
    if before["n"].sum() == 0 or after["n"].sum() == 0:
        return pd.DataFrame(columns=outputs.CHANGE.column_names)
    found = sources.decompose_change(before, after, "source")
    size = (found["mix"] + found["rate"]).abs()
    return found.assign(_s=size).sort_values("_s", ascending=False, ignore_index=True).drop(columns="_s")


def spend_rows(
    leads: Leads, costs: pd.DataFrame | None, deals: pd.DataFrame | None, calendar, seed: int
) -> pd.DataFrame:
    """Columns of ``outputs.SPEND``; empty without costs or amounts."""
    if (
        costs is None
        or deals is None
        or not leads.clock
        or not calendar.month_starts
        or "won_at" not in leads.frame
    ):
        return pd.DataFrame(columns=outputs.SPEND.column_names)
    amounts = deals.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")["amount_base"]
    return spend.return_on_spend(
        leads.frame, costs, amounts, leads.as_of, calendar, level=leads.level, seed=seed
    ).reindex(columns=outputs.SPEND.column_names)


def answers(leads: Leads) -> pd.DataFrame | None:
    """Leads with their minutes to the first touch; None where no lead says when it was touched."""
    if not leads.clock or "first_touch_at" not in leads.frame or leads.frame["first_touch_at"].isna().all():
        return None
    return response.answered(leads.frame, leads.as_of, leads.hours)


def recent(answered: pd.DataFrame | None, as_of: date, days: int = HALF_YEAR) -> pd.DataFrame | None:
    """Those created in the last half year: what can still be changed."""
    if answered is None:
        return None
    return answered[answered["created_at"] >= end_of(as_of) - pd.Timedelta(days=days)]


def service_rows(answered: pd.DataFrame | None, leads: Leads) -> pd.DataFrame:
    """Columns of ``outputs.SERVICE`` of the last half year."""
    if answered is None or answered.empty:
        return pd.DataFrame(columns=outputs.SERVICE.column_names)
    return response.service_levels(answered, leads.limits, level=leads.level)


def speed_found(answered: pd.DataFrame | None, leads: Leads) -> speed.SpeedEffect:
    """The association of a fast answer with conversion over all matured leads."""
    if answered is None:
        return speed.SpeedEffect(60.0, 0, 0, why="no lead says when it was first touched")
    hit = leads.hit.reindex(answered.index)
    ripe = hit.notna()
    return speed.speed_effect(answered[ripe], hit[ripe], level=leads.level)


def routed(
    leads: Leads, said: dict | None, answered: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Columns of ``outputs.OWNERS`` over the last half year, and of ``outputs.UNROUTED``."""
    empty = (
        pd.DataFrame(columns=outputs.OWNERS.column_names),
        pd.DataFrame(columns=outputs.UNROUTED.column_names),
    )
    if not leads.clock or "owner_id" not in leads.frame or leads.frame["owner_id"].isna().all():
        return empty
    mine = leads.frame[leads.frame["created_at"] >= end_of(leads.as_of) - pd.Timedelta(days=HALF_YEAR)]
    worked = mine["created_at"].dt.date.groupby(mine["owner_id"]).nunique()
    taken, errors = mine[["lead_id", "owner_id"]].iloc[:0], empty[1]
    if said is not None:
        taken, errors = routing.replay_routing(mine.reset_index(drop=True), routing.read_rules(said))
    minutes = (
        answered["minutes"].reindex(mine.index)
        if answered is not None
        else pd.Series(np.nan, index=mine.index)
    )
    found = routing.compare_routing(mine, taken, minutes, worked).assign(
        days=lambda r: r["owner_id"].map(worked)
    )
    if said is None:
        found["leads_after"], found["per_day_after"] = pd.NA, np.nan
    return found.reindex(columns=outputs.OWNERS.column_names), errors.reindex(
        columns=outputs.UNROUTED.column_names
    )
