"""Logged touches (the feed stopped two weeks early) and the work of sales operations."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.inputs.sample.accounts import Accounts
from salesops_lib.inputs.sample.calendar_fx import next_business, stamps, utc_seconds
from salesops_lib.inputs.sample.deals import Deals
from salesops_lib.inputs.sample.handovers import Handovers
from salesops_lib.inputs.sample.people import TEAMS, Staff
from salesops_lib.inputs.sample.pipeline import deal_ids
from salesops_lib.inputs.sample.truth import TRUTH
from salesops_lib.inputs.sample.world import FIRST_DAY, LAST_DAY, World

DEAL_TOUCHES, LEAD_TOUCHES, WORK_ITEMS = 7000, 2500, 1300  # per pod
KINDS = ("call", "email", "meeting")
WORK = (  # kind, type, share, mean hours, agreed hours
    ("request", "report", 0.30, 2.0, 24.0),
    ("request", "access", 0.22, 0.5, 8.0),
    ("request", "territory change", 0.12, 4.0, 72.0),
    ("request", "quote approval", 0.16, 1.0, 8.0),
    ("run", "forecast call", 0.10, 3.0, 24.0),
    ("run", "commission close", 0.06, 10.0, 120.0),
    ("project", "tool rollout", 0.04, 40.0, 480.0),
)


def activities(
    world: World, base: Deals, hands: Handovers, places: Accounts, people: Staff, leads: pd.DataFrame
) -> pd.DataFrame:
    """The table `activities`: a sample of touches on deals, and first attempts at leads."""
    stream = world.stream("activities")
    last = TRUTH.late_activities_day
    alive = np.flatnonzero((base.created <= last) & (base.close >= FIRST_DAY))
    count = round(DEAL_TOUCHES * world.density) * world.pods
    deal = alive[(stream.random(count) * len(alive)).astype(int)]
    low, high = np.maximum(base.created[deal], FIRST_DAY), np.minimum(base.close[deal], last)
    day = np.minimum(next_business(low + (stream.random(count) * (high - low + 1)).astype(int)), high)
    region = places.region[base.account[deal]]
    hour = np.array([9.0, 9.0, 13.1])[region] + 4.8 * stream.random(count)
    owner = np.where(day >= hands.day[deal], hands.heir[deal], base.owner[deal])
    first_touch = (
        leads["first_touch_at"].dt.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
    )
    touched = np.flatnonzero(leads["first_touch_at"].notna() & (first_touch < last * 86400))
    some = np.sort(stream.permutation(touched)[: round(LEAD_TOUCHES * world.density) * world.pods])
    lead_ids, lead_owner = leads["lead_id"].to_numpy(), leads["owner_id"].to_numpy()
    none = np.full(len(some), None, object)
    table = pd.DataFrame(
        {
            "at": np.concatenate([utc_seconds(day, hour, region), first_touch[some]]),
            "kind": np.array(KINDS, object)[(stream.random(count + len(some)) ** 1.3 * 3).astype(int)],
            "direction": np.where(stream.random(count + len(some)) < 0.8, "outbound", "inbound"),
            "automated": stream.random(count + len(some)) < 0.18,
            "rep_id": np.concatenate([people.ids[owner], lead_owner[some]]),
            "lead_id": np.concatenate([np.full(count, None, object), lead_ids[some]]),
            "opportunity_id": np.concatenate([deal_ids(base)[deal], none]),
            "account_id": np.concatenate([places.ids[base.account[deal]], none]),
        }
    )
    first = np.arange(len(table)) >= count
    table.loc[first, "direction"], table.loc[first, "automated"] = "outbound", False
    table = table.sort_values("at", kind="stable").reset_index(drop=True)
    table["at"] = stamps(table["at"].to_numpy())
    table.insert(0, "activity_id", [f"V{n:05d}" for n in range(1, len(table) + 1)])
    return table


def work_items(world: World) -> pd.DataFrame:
    """The table `work_items`: what the team was asked, when it was done, hours spent and agreed."""
    stream = world.stream("work_items")
    count = round(WORK_ITEMS * world.density) * world.pods
    opened = np.sort(FIRST_DAY * 86400 + stream.random(count) * (LAST_DAY - FIRST_DAY) * 86400)
    opened = (
        next_business((opened // 86400).astype(int)) * 86400
        + 50400
        + (stream.random(count) * 28000).astype(int)
    )
    opened = np.sort(opened)
    what = np.searchsorted(np.cumsum([w[2] for w in WORK]), stream.random(count) * 0.999999)
    hours = np.array([w[3] for w in WORK])[what] * np.exp(0.5 * stream.standard_normal(count))
    agreed = np.array([w[4] for w in WORK])[what]
    wait = agreed * 3600 * np.exp(-0.55 + 0.6 * stream.standard_normal(count))
    closed = opened + np.round(wait).astype(int)
    done = closed < (LAST_DAY + 1) * 86400
    team = (stream.random(count) * len(TEAMS)).astype(int)
    return pd.DataFrame(
        {
            "item_id": [f"W{n:05d}" for n in range(1, count + 1)],
            "opened_at": stamps(opened),
            "closed_at": stamps(np.where(done, closed, -1)),
            "kind": np.array([w[0] for w in WORK], object)[what],
            "type": np.array([w[1] for w in WORK], object)[what],
            "requester_team": np.array([t[0] for t in TEAMS], object)[team],
            "role": np.where(stream.random(count) < 0.7, "analyst", "manager"),
            "hours": np.where(done, np.round(hours, 1), np.nan),
            "sla_hours": agreed,
        }
    )
