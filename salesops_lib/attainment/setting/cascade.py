"""The goal cascade: company goal, then what regions, teams and reps were given, and the gap at each step."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd


def cascade(table: pd.DataFrame, period: str) -> pd.DataFrame:
    """Sum of quotas per level of a period against the company's goal.

    ``table``: attainment of any periods. Above rep only quotas of their own count (a sum of members put in
    for a missing goal would always agree with itself); reps as they count, ramped and by days held, without
    pure overlay holders.

    Returns
    -------
    DataFrame
        Rows company, region, team, rep: ``holders``, ``with_quota``, ``quota_base`` (Decimal; missing where
        none), ``over_company`` (sum ÷ company goal; missing without a goal), ``gap_base`` (sum − goal).
    """
    now = table[table["period"] == period]
    goal = _own_sum(now[now["level"] == "company"])
    rows = []
    for level in ("company", "region", "team", "rep"):
        part = now[(now["level"] == level) & now["in_totals"].astype(bool)]
        total = _own_sum(part)
        known = total is not None and goal is not None and goal > 0
        rows.append(
            {
                "level": level,
                "holders": len(part),
                "with_quota": int((_own(part)).sum()),
                "quota_base": total,
                "over_company": float(total / goal) if known else np.nan,
                "gap_base": total - goal if known else None,
            }
        )
    return pd.DataFrame(rows)


def team_steps(table: pd.DataFrame, period: str) -> pd.DataFrame:
    """Each team with a goal of its own: the goal, its members' prorated quotas, and their ratio.

    Returns ``team``, ``region``, ``quota_base``, ``members_base``, ``over_team`` (members ÷ goal, missing
    where the goal is not positive or no member has a quota), largest gap first.
    """
    rows = table[(table["level"] == "team") & (table["period"] == period)]
    rows = rows[_own(rows)]
    members, own = (pd.to_numeric(rows[c]).astype("float64") for c in ("members_base", "quota_base"))
    made = rows[["holder_id", "region", "quota_base", "members_base"]].rename(columns={"holder_id": "team"})
    made["over_team"] = (members / own.where(own > 0)).to_numpy()
    order = (members - own).abs().sort_values(ascending=False).index
    return made.loc[order].reset_index(drop=True)


def _own(rows: pd.DataFrame) -> pd.Series:
    return (rows["quota_source"] == "own") & rows["quota_base"].notna()


def _own_sum(rows: pd.DataFrame) -> Decimal | None:
    own = rows.loc[_own(rows), "quota_base"]
    return sum(own, Decimal(0)) if len(own) else None
