"""Quotas from the target down: regions, teams, reps, quarters; exact to the cent, capped, with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from salesops_lib.attainment.setting.target import Plan
from salesops_lib.core.money import allocate, total

FEW = 4  # reps below which a median of the group says nothing


@dataclass(frozen=True)
class Proposal:
    """Quotas of a year.

    ``reps``: the seats of :func:`potential.expected` with ``effective_share`` (of a full quota, by ramp and
    season), ``quota_base`` (Decimal), ``full_quota_base`` (float: at full strength), ``over_median``
    (of the group, at full strength; missing in groups under :data:`FEW`), ``capped`` (bool),
    ``cut_base`` (float: what the cap took off, 0 without). ``levels``: company, regions, teams: ``level``,
    ``holder_id``, ``parent_id``, ``seats``, ``target_base``, ``quotas_base``. ``quarters``: ``rep_id``,
    ``period``, ``quota_base`` (Decimal, adds up to the rep's), ``ramp_share``.
    """

    reps: pd.DataFrame
    levels: pd.DataFrame
    quarters: pd.DataFrame


def propose(
    expected: pd.DataFrame, plan: Plan, seen: pd.DataFrame, *, over_assignment: float, cap: float
) -> Proposal:
    """Split the target over regions, teams and reps by what each is expected to sell.

    Quotas of a team add up to its target × ``over_assignment``, to the cent; so do regions and the company.

    Parameters
    ----------
    expected, plan, seen
        :func:`potential.expected`, :func:`plan_target.plan`, :func:`capacity.exposure`.
    over_assignment
        Sum of rep quotas ÷ target, 1 or so.
    cap
        Largest quota at full strength ÷ median of its group. What is cut is spread over all in proportion,
        so no other quota passes its cap by it.
    """
    season = plan.quarters.set_index("period")["season_share"]
    reps = expected.reset_index(drop=True)
    reps["effective_share"] = (seen * season).sum(axis=1).round(9).reindex(reps["rep_id"]).to_numpy()
    strength, capped = _capped(reps, cap)
    weight = strength * reps["effective_share"]
    if weight.sum() <= 0:
        weight = reps["effective_share"].where(reps["effective_share"] > 0, 1.0)
    targets = _tree(reps, weight, plan.target)
    quotas = _tree(reps, weight, total([plan.target * Decimal(str(over_assignment))]))
    reps["quota_base"] = quotas["rep"]
    money = reps["quota_base"].astype("float64")
    reps["full_quota_base"] = money / reps["effective_share"].where(reps["effective_share"] > 0)
    medians = reps.groupby("group")["full_quota_base"].transform("median")
    enough = reps.groupby("group")["rep_id"].transform("size") >= FEW
    reps["over_median"] = (reps["full_quota_base"] / medians).where(enough & (medians > 0))
    scale = money.sum() / weight.sum()
    reps["capped"] = capped
    uncapped = reps["expected_base"] * (strength / reps["expected_base"])[~capped].median()
    cut = (uncapped - strength) * reps["effective_share"] * scale
    reps["cut_base"] = cut.where(capped, 0.0).round(2)
    return Proposal(reps, _levels(reps, targets, quotas, plan), _quarters(reps, plan, seen))


def _capped(reps: pd.DataFrame, cap: float) -> tuple[pd.Series, pd.Series]:
    """Strength per rep after capping, and who was cut; what is cut is spread over all in proportion."""
    own = reps["expected_base"].astype("float64")
    medians = own.groupby(reps["group"]).transform("median")
    enough = own.groupby(reps["group"]).transform("size") >= FEW
    limit = (cap * medians).where(enough & (medians > 0), np.inf)
    cut = np.minimum(own, limit)
    share = reps["effective_share"]
    kept = float((cut * share).sum())
    scale = float((own * share).sum()) / kept if kept > 0 else 1.0
    return cut * scale, own > limit


def _tree(reps: pd.DataFrame, weight: pd.Series, amount: Decimal) -> dict:
    """Amount per region, per team in it, per rep in it; every step adds up to the cent."""
    found = {"company": amount, "region": {}, "team": {}, "rep": pd.Series(Decimal(0), reps.index, object)}
    regions = weight.groupby(reps["region"]).sum()
    for region, part in zip(regions.index, allocate(amount, _fine(regions)), strict=True):
        found["region"][region] = part
        inside = reps[reps["region"] == region]
        teams = weight[inside.index].groupby(inside["team"]).sum()
        for team, share in zip(teams.index, allocate(part, _fine(teams)), strict=True):
            found["team"][region, team] = share
            rows = inside.index[inside["team"] == team]
            found["rep"][rows] = allocate(share, _fine(weight[rows]))
    return found


def _fine(weights: pd.Series) -> list[float]:
    """Weights that can be split by: all 0 counts as all alike."""
    return list(weights) if weights.sum() > 0 else [1.0] * len(weights)


def _levels(reps: pd.DataFrame, targets: dict, quotas: dict, plan: Plan) -> pd.DataFrame:
    rows = [("company", "company", None, len(reps), targets["company"], quotas["company"])]
    for region, target in targets["region"].items():
        size = int((reps["region"] == region).sum())
        rows.append(("region", region, "company", size, target, quotas["region"][region]))
    for (region, team), target in targets["team"].items():
        size = int(((reps["region"] == region) & (reps["team"] == team)).sum())
        rows.append(("team", team, region, size, target, quotas["team"][region, team]))
    columns = ["level", "holder_id", "parent_id", "seats", "target_base", "quotas_base"]
    made = pd.DataFrame(rows, columns=columns)
    ratio = made["quotas_base"].astype("float64") / made["target_base"].astype("float64").where(
        made["target_base"] > 0
    )
    return made.assign(year=plan.name, over_assignment=ratio)


def _quarters(reps: pd.DataFrame, plan: Plan, seen: pd.DataFrame) -> pd.DataFrame:
    """Each rep's quota over the quarters by season and ramp."""
    season = plan.quarters["season_share"].to_numpy()
    ramps = seen.reindex(reps["rep_id"])[list(plan.quarters["period"])].to_numpy()
    rows = [
        (rep_id, period, part, float(share))
        for rep_id, quota, ramp in zip(reps["rep_id"], reps["quota_base"], ramps, strict=True)
        for period, part, share in zip(
            plan.quarters["period"],
            allocate(quota, list(ramp * season if (ramp * season).sum() > 0 else season)),
            ramp,
            strict=True,
        )
    ]
    return pd.DataFrame(rows, columns=["rep_id", "period", "quota_base", "ramp_share"])
