"""How leads are worked, for the report: answers, service, speed, owners, routing replayed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.leads import outputs, response, routing, speed
from salesops_lib.leads.handover import HALF_YEAR, Leads
from salesops_lib.leads.lifecycle import days_between
from salesops_lib.leads.owners import passed_by_region, passing_on, reassignments, routing_balance
from salesops_lib.leads.strata import Alike


def answers(leads: Leads) -> pd.DataFrame | None:
    """Leads with their minutes to the first touch; None where no lead says when it was touched, or only the
    day."""
    if not leads.clock or "first_touch_at" not in leads.frame or leads.frame["first_touch_at"].isna().all():
        return None
    if days_only(leads.frame):
        return None
    return response.answered(leads.frame, leads.end, leads.hours)


def days_only(leads: pd.DataFrame) -> bool:
    """Whether stamps hold days and no time of day, so that no minute can be told of them."""
    took = days_between(leads["created_at"], leads["first_touch_at"]).dropna().to_numpy()
    return len(took) > 0 and bool((np.abs(took * 24 - np.round(took * 24)) < 1e-9).mean() > 0.95)


def recent(answered: pd.DataFrame | None, end: pd.Timestamp, days: int = HALF_YEAR) -> pd.DataFrame | None:
    """Those created in the last half year: what can still be changed."""
    if answered is None:
        return None
    return answered[answered["created_at"] >= end - pd.Timedelta(days=days)]


def service_rows(answered: pd.DataFrame | None, leads: Leads) -> pd.DataFrame:
    """Columns of ``outputs.SERVICE`` of the last half year."""
    if answered is None or answered.empty:
        return pd.DataFrame(columns=outputs.SERVICE.column_names)
    return response.service_levels(answered, leads.limits, level=leads.level)


def speed_found(answered: pd.DataFrame | None, leads: Leads) -> speed.SpeedEffect:
    """The association of a fast answer with conversion over all matured leads."""
    if answered is None:
        why = "no lead says at what time it was first touched"
        return speed.SpeedEffect(60.0, 0, 0, why=why)
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
    mine = leads.frame[leads.frame["created_at"] >= leads.end - pd.Timedelta(days=HALF_YEAR)]
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


@dataclass(frozen=True)
class Held:
    """Leads of the last half year: ``n``; ``unowned`` (without an owner, missing where no lead names one);
    ``passed`` (had a second owner, of ``known``; missing where nobody says)."""

    n: int
    unowned: float
    known: int
    passed: float


def passed_on(leads: Leads, turns: pd.DataFrame | None) -> tuple[pd.DataFrame, Alike]:
    """Columns of ``outputs.PASSED`` of the last half year, and what passing on goes with over all matured
    leads. ``turns``: the table ``lead_owners`` or None."""
    if not leads.clock:
        why = "no lead says when it came in"
        return pd.DataFrame(columns=outputs.PASSED.column_names), Alike(why=why)
    mine = leads.frame[leads.frame["created_at"] >= leads.end - pd.Timedelta(days=HALF_YEAR)]
    found = passed_by_region(mine, turns, leads.level).reindex(columns=outputs.PASSED.column_names)
    if not leads.timed:
        return found, Alike(why="no lead says when it converted")
    return found, passing_on(leads.frame, turns, leads.hit, level=leads.level)


def held(leads: Leads, turns: pd.DataFrame | None) -> tuple[Held, pd.DataFrame]:
    """Who has the leads of the last half year, and columns of ``outputs.BALANCE``. ``turns``: the table
    ``lead_owners`` or None."""
    empty = pd.DataFrame(columns=outputs.BALANCE.column_names)
    if not leads.clock:
        return Held(0, np.nan, 0, np.nan), empty
    mine = leads.frame[leads.frame["created_at"] >= leads.end - pd.Timedelta(days=HALF_YEAR)]
    passed = reassignments(mine, turns)
    known = int(passed.notna().sum())
    if "owner_id" not in mine or mine["owner_id"].isna().all():
        return Held(len(mine), np.nan, known, float(passed.gt(0).sum()) if known else np.nan), empty
    found = routing_balance(mine, passed).reindex(columns=outputs.BALANCE.column_names)
    again = float(passed.gt(0).sum()) if known else np.nan
    return Held(len(mine), float(mine["owner_id"].isna().sum()), known, again), found
