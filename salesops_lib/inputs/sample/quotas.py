"""Quotas at every level; sellers just under theirs pull deals in, those far above hold back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from salesops_lib.inputs.sample.calendar_fx import (
    FIRST_QUARTER,
    LAST_QUARTER,
    QUARTER_NAMES,
    QUARTER_STARTS,
    REGIONS,
    next_business,
    previous_business,
    quarter_of,
    stamps,
)
from salesops_lib.inputs.sample.deals import RENEWAL, Deals
from salesops_lib.inputs.sample.people import LEAVES, TEAM_REGION, TEAMS, Roster, Staff, ramp_share, team_name
from salesops_lib.inputs.sample.truth import TRUTH
from salesops_lib.inputs.sample.world import LAST_DAY, REORGANISATION, World, day

COMPANY = "Sample Company"
QUARTERS = np.arange(FIRST_QUARTER, LAST_QUARTER + 1)


@dataclass(frozen=True)
class SellerQuotas:
    """Seller x quarter: full quota in USD (0 where not employed), ramp share, share of days held."""

    full: np.ndarray
    ramp: np.ndarray
    held: np.ndarray


def bookings(base: Deals, count: int) -> np.ndarray:
    """USD won at plan rates, seller x quarter of QUARTERS."""
    quarter = quarter_of(np.minimum(base.close, QUARTER_STARTS[-1] - 1)) - FIRST_QUARTER
    good = base.won & (quarter >= 0) & (quarter < len(QUARTERS))
    total = np.zeros((count, len(QUARTERS)))
    np.add.at(total, (base.owner[good], quarter[good]), base.plan_base()[good])
    return total


def seller_quotas(world: World, base: Deals, sellers: Roster) -> SellerQuotas:
    """Quotas that a planner with a good but unequal sense of territories would set."""
    stream = world.stream("quotas")
    starts, ends = QUARTER_STARTS[QUARTERS], QUARTER_STARTS[QUARTERS + 1]
    days = np.minimum(sellers.left[:, None], ends) - np.maximum(sellers.hired[:, None], starts)
    away = np.minimum(sellers.leave[:, 1:], ends) - np.maximum(sellers.leave[:, :1], starts)
    held = np.clip(np.clip(days, 0, None) - np.clip(away, 0, None), 0, None) / (ends - starts)
    ramp = np.column_stack([ramp_share(sellers.hired, start) for start in starts])
    own = np.exp(TRUTH.quota_noise * stream.standard_normal((len(sellers), 1)))
    got = bookings(base, len(sellers))
    full = np.zeros_like(got)
    for managers in (False, True):
        rows = sellers.manages == managers
        full[rows] = _plan(got[rows], (ramp * held)[rows], sellers, rows) * own[rows]
    over = np.isin([t[0] for t in TEAMS], TRUTH.over_set_teams)
    team = sellers.team_on(np.arange(len(sellers))[:, None], starts[None, :])
    full = full * np.where(over[team] & ~sellers.manages[:, None], TRUTH.over_set_factor, 1.0)
    weight = full * ramp * held
    fit = got.sum(axis=0) / np.maximum(weight.sum(axis=0), 1)
    mean = got.sum() / weight.sum()
    target = 0.955 + 0.025 * stream.random(len(QUARTERS))
    full = full * mean * (fit / mean) ** 0.92 / target
    return SellerQuotas(np.round(full, -3) * (held > 0), ramp, held)


def _plan(got, active, sellers: Roster, rows) -> np.ndarray:
    """The mean yield of a fully active seat in its segment, by quarter smoothed over the year."""
    segment = sellers.segment[rows]
    plan = np.zeros_like(got)
    for kind in range(3):
        same = segment == kind
        if same.any():
            yearly = [
                got[same][:, y : y + 4].sum() / max(active[same][:, y : y + 4].sum(), 0.1) for y in (0, 4, 8)
            ]
            plan[same] = np.repeat(yearly, 4)
    return plan


def gamed(world: World, base: Deals, sellers: Roster, quotas: SellerQuotas) -> Deals:
    """Closing days moved by behaviour: pull-ins just under quota, push-outs far above it."""
    stream = world.stream("behaviour")
    close, pulled = base.close.copy(), base.pulled.copy()
    value, able = base.plan_base(), base.won & (base.kind != RENEWAL)
    need = quotas.full * quotas.ramp * quotas.held
    need = np.where(need > 0, need, np.inf)
    quarter = quarter_of(np.minimum(close, QUARTER_STARTS[-1] - 1))
    for position, now in enumerate(QUARTERS[:-1]):
        end = QUARTER_STARTS[now + 1]
        near = np.flatnonzero(base.won & (np.abs(quarter - now) <= 1))
        owner, start = base.owner[near], base.created[near]
        eager = stream.random(len(sellers)) < TRUTH.pull_in_share
        for _ in range(2):
            reached = _booked(owner, value[near], close[near], now, len(sellers)) / need[:, position]
            wants = eager & (reached >= 0.55) & (reached < 1)
            soon = able[near] & (close[near] >= end) & (close[near] < end + 70) & (start < end - 18)
            chosen = near[_first_per_owner(owner, close[near], soon & wants[owner])]
            close[chosen] = previous_business(end - 1 - (stream.random(len(chosen)) * 4).astype(int))
            pulled[chosen] = True
        full = stream.random(len(sellers)) < TRUTH.push_out_share
        reached = _booked(owner, value[near], close[near], now, len(sellers)) / need[:, position]
        late = able[near] & (close[near] < end) & (close[near] >= end - 12) & ~pulled[near]
        chosen = near[
            _first_per_owner(owner, close[near], late & (full & (reached > 1.4) & (reached < 9))[owner])
        ]
        close[chosen] = next_business(end + (stream.random(len(chosen)) * 8).astype(int))
    return replace(base, close=close, pulled=pulled)


def _booked(owner, value, close, quarter: int, count: int) -> np.ndarray:
    """USD closed in one quarter per seller."""
    inside = (close >= QUARTER_STARTS[quarter]) & (close < QUARTER_STARTS[quarter + 1])
    return np.bincount(owner[inside], value[inside], count)


def _first_per_owner(owner, close, able) -> np.ndarray:
    rows = np.flatnonzero(able)
    rows = rows[np.lexsort((close[rows], owner[rows]))]
    first = np.ones(len(rows), bool)
    first[1:] = owner[rows][1:] != owner[rows][:-1]
    return rows[first]


def quotas_table(world: World, sellers: Roster, people: Staff, made: SellerQuotas) -> pd.DataFrame:
    """The table `quotas`, all levels and versions."""
    seller, position = np.nonzero(made.held > 0)
    start = QUARTER_STARTS[QUARTERS[position]]
    team = sellers.team_on(seller, start)
    zero = _among(absent_quarters(sellers, made), seller, position)
    rep = pd.DataFrame(
        {
            "holder_id": people.ids[seller],
            "level": "rep",
            "position": position,
            "day": np.where(sellers.hired[seller] > start, sellers.hired[seller] + 7, start - 12),
            "parent_id": [team_name(t, p) for t, p in zip(team, sellers.pod[seller], strict=True)],
            "quota_base": np.where(zero, 0.0, made.full[seller, position]),
            "currency": np.array(["USD", "EUR", "USD"], object)[TEAM_REGION[team]],
            "ramp_share": made.ramp[seller, position],
        }
    )
    rep = rep[~_among(forgotten(sellers), seller, position)]
    goals = _goals(rep)
    table = pd.concat([rep, _restated(rep, sellers, people), *goals], ignore_index=True)
    table = table[table["day"] <= LAST_DAY].reset_index(drop=True)
    table["period"] = np.array(QUARTER_NAMES, object)[QUARTERS[table.pop("position")]]
    table["measure"] = "bookings"
    table["recorded_at"] = stamps(table.pop("day").to_numpy() * 86400 + 15 * 3600)
    names = [
        "holder_id",
        "level",
        "period",
        "measure",
        "recorded_at",
        "parent_id",
        "quota_base",
        "currency",
        "ramp_share",
    ]
    return table.sort_values(["level", "period", "holder_id", "recorded_at"], kind="stable")[
        names
    ].reset_index(drop=True)


def _among(where: tuple[np.ndarray, np.ndarray], seller: np.ndarray, position: np.ndarray) -> np.ndarray:
    return np.isin(seller * len(QUARTERS) + position, where[0] * len(QUARTERS) + where[1])


def absent_quarters(sellers: Roster, made: SellerQuotas) -> tuple[np.ndarray, np.ndarray]:
    """Sellers and quarters of the first leave spent almost wholly away: the quota is zero, not missing."""
    first = sellers.leave[:, 0] == day(LEAVES[0][0])
    return np.nonzero(first[:, None] & (made.held > 0) & (made.held < 0.1))


def forgotten(sellers: Roster) -> tuple[np.ndarray, np.ndarray]:
    """One seller per pod has no quota in FY25-Q4: nobody entered it."""
    steady = (sellers.left > LAST_DAY) & (sellers.hired < QUARTER_STARTS[FIRST_QUARTER]) & ~sellers.manages
    steady &= (sellers.moved > LAST_DAY) & (sellers.leave[:, 0] > LAST_DAY)
    pods, first = np.unique(sellers.pod[steady], return_index=True)
    return np.flatnonzero(steady)[first], np.full(len(pods), 7)


def restated(sellers: Roster) -> tuple[np.ndarray, np.ndarray]:
    """Those who moved in the reorganisation, in FY26-Q1."""
    who = np.flatnonzero(sellers.moved == REORGANISATION)
    return who, np.full(len(who), 8)


def _restated(rep: pd.DataFrame, sellers: Roster, people: Staff) -> pd.DataFrame:
    """After the reorganisation the quotas of those who moved are cut by a tenth, recorded 19 days late."""
    who, position = restated(sellers)
    again = rep[rep["holder_id"].isin(people.ids[who]) & rep["position"].isin(position)].copy()
    again["quota_base"] = np.round(again["quota_base"] * TRUTH.restated_quota_factor, -3)
    again["day"] = REORGANISATION + 19
    return again


def _goals(rep: pd.DataFrame) -> list[pd.DataFrame]:
    """Goals of team, region and company from the ramped quotas as first planned."""
    planned = rep["quota_base"] * rep["ramp_share"]
    over = np.array(TRUTH.over_assignment)[rep["position"] // 4]
    team = _level((planned / over).groupby([rep["parent_id"], rep["position"]]).sum(), "team")
    team["parent_id"] = [name.split()[0] for name in team["holder_id"]]
    total = (
        (team["quota_base"] / TRUTH.region_over_assignment)
        .groupby([team["parent_id"], team["position"]])
        .sum()
    )
    region = _level(total, "region")
    gap = (region["holder_id"] == REGIONS[2]) & (region["position"] == 10)
    region.loc[gap, "quota_base"] = np.round(region.loc[gap, "quota_base"] * TRUTH.apac_gap_factor, -4)
    region["parent_id"] = COMPANY
    whole = region["quota_base"].groupby([region["parent_id"], region["position"]]).sum()
    company = _level(whole, "company")
    return [team, region, company]


def _level(total: pd.Series, level: str) -> pd.DataFrame:
    table = total.rename("quota_base").rename_axis(["holder_id", "position"]).reset_index()
    table["level"], table["currency"], table["ramp_share"] = level, "USD", 1.0
    table["parent_id"] = None
    table["quota_base"] = np.round(table["quota_base"], -4)
    table["day"] = QUARTER_STARTS[QUARTERS[table["position"]]] - 26
    return table
