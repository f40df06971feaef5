"""Whether the plan is fair: reps in two groups, teams whose quotas are out of reach."""

from __future__ import annotations

import pandas as pd

from salesops_lib.attainment.humps import Humps
from salesops_lib.attainment.rules import HUMPS, TEAMFIT, Setting
from salesops_lib.core.charts import percent
from salesops_lib.core.findings import Finding, Interval


def humps(setting: Setting, found: Humps, reps: pd.DataFrame, *, finished: bool) -> list[Finding]:
    """The two-hump check of ``reps`` (:func:`distribution.judged_reps`); silent without reps.

    The range runs from the nearest single hump to a flat one. UNKNOWN under 20 reps.
    """
    if reps.empty:
        return []
    period, known = reps["period"].iloc[0], pd.notna(found.p_value)
    below = reps[reps["attainment"] < found.cut] if pd.notna(found.cut) else reps[:0]
    named = ", ".join(str(n) for n in below["name"][:3])
    ends = sorted([found.p_value, found.p_flat]) if known else [None, None]
    said = f"p = {found.p_value:.2f}" if known else "too few or all alike"
    return [
        HUMPS.judge(
            scope={"period": period}, value=found.p_value if known else None, n=found.reps,
            limit=setting.limit(HUMPS), as_of=setting.as_of, mature=bool(finished),
            interval=Interval(*ends, 0.9, "nearest single hump to a flat one") if known else None,
            statement=f"Attainment of {found.reps} reps in {period}, tested for two groups: {said}.",
            recommendation=f"Look at new hires and small quotas first among the {len(below)} reps below "
            f"{percent(found.cut)}{': ' + named if named else ''}."
            if len(below) else "Keep reading the distribution, not the mean.",
        )
    ]  # fmt: skip


def team_fit(setting: Setting, fit: pd.DataFrame, currency: str) -> list[Finding]:
    """Teams that may be below the floor; the lowest where none is. ``fit``: ``outputs.TEAM_FIT``."""
    known = fit[fit["relative"].notna() & fit["low"].notna()]
    limit = setting.limit(TEAMFIT)
    low = known[known["low"] < limit.value]
    rows = low if len(low) else known.head(1)
    return [
        TEAMFIT.judge(
            scope={"team": row["team"]}, value=row["relative"], n=int(row["reps"]), limit=limit,
            as_of=setting.as_of, interval=Interval(row["low"], row["high"], 0.9, "pooled spread of reps"),
            money_at_stake=round(max(0.0, float(row["quota_base"]) - float(row["credited_base"])), 2),
            statement=f"{row['team']} attained {percent(row['attainment'])} over {row['periods']}, "
            f"{percent(row['relative'])} of what the other teams did; money in {currency}.",
            recommendation=f"Compare the quotas of {row['team']} with its potential, history and pipeline.",
        )
        for row in rows.to_dict("records")
    ]  # fmt: skip
