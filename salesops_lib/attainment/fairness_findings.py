"""Whether the plan is fair: two groups of reps, quotas that move with attainment, teams out of reach."""

from __future__ import annotations

import pandas as pd

from salesops_lib.attainment.rules import HUMPS, QUOTABIAS, TEAMFIT, Setting
from salesops_lib.attainment.setting.quality import DRIVERS
from salesops_lib.attainment.spread.humps import Humps
from salesops_lib.core.charts import percent
from salesops_lib.core.findings import Finding, Interval

_KEEP = "Keep reading the distribution, not the mean."
# What to do where attainment falls, and where it rises, with each driver.
_STEPS = {
    "quota": (
        "Move quota from the largest to the smallest: the large ones are harder to reach.",
        "Move quota from the smallest to the largest: the large ones are easier to reach.",
    ),
    "potential": (
        "Check the potential of the accounts held: who holds much of it attains less.",
        "Set quotas by potential: who holds much of it attains more.",
    ),
    "tenure": (
        "Check the ramp of new reps: they attain more than those who have been here long.",
        "Check the ramp of new reps: they attain less than those who have been here long.",
    ),
}
_NOTHING = {
    "quota": "Keep setting quotas as they are: nothing shows that large ones are harder.",
    "potential": "Keep potential among the weights: nothing shows that quotas ignore it.",
    "tenure": "Keep the ramp: nothing shows that it is too steep or too flat.",
}


def humps(setting: Setting, found: Humps, reps: pd.DataFrame, *, finished: bool) -> list[Finding]:
    """The two-hump check of ``reps`` (:func:`distribution.judged_reps`); silent without reps.

    The range runs from the nearest single hump to a flat one: *Act* where neither explains the sample.
    UNKNOWN under 20 reps and while the period runs.
    """
    if reps.empty:
        return []
    period, known, limit = reps["period"].iloc[0], pd.notna(found.p_value), setting.limit(HUMPS)
    ends = sorted([found.p_value, found.p_flat]) if known else []
    split = known and ends[0] < limit.value and pd.notna(found.cut)
    below = reps[reps["attainment"] < found.cut] if split else reps[:0]
    said = f"Attainment of {found.reps} reps in {period}"
    if split:
        said += f" falls into {len(below)} below {percent(found.cut)} and {found.reps - len(below)} above"
    elif known:
        said += " shows one hump"
    said += f" (p = {found.p_value:.3f})." if known else " is too little, or too alike, to tell humps."
    step = f"Look at new hires and small quotas first among {_named(below)}, below {percent(found.cut)}."
    return [
        HUMPS.judge(
            scope={"period": period}, value=found.p_value if known else None, n=found.reps, limit=limit,
            as_of=setting.as_of, mature=bool(finished), statement=said,
            interval=Interval(*ends, 0.9, "nearest single hump to a flat one") if known else None,
            recommendation=step if split else _KEEP,
        )
    ]  # fmt: skip


def quota_bias(setting: Setting, quality: pd.DataFrame) -> list[Finding]:
    """Whether attainment moves with quota, potential or tenure. ``quality``: ``outputs.QUOTA_QUALITY``.

    The size of the rank correlation is judged, whatever its sign; a range around 0 starts at 0. UNKNOWN
    under 20 reps; silent for a driver no rep has.
    """
    made = []
    for row in quality[quality["driver"].isin(DRIVERS) & (quality["reps"] > 0)].to_dict("records"):
        driver, value, known = row["driver"], row["value"], pd.notna(row["value"])
        ends = sorted([abs(row["low"]), abs(row["high"])]) if known else []
        if known and row["low"] < 0 < row["high"]:
            ends = [0.0, ends[1]]
        way = "falls" if known and value < 0 else "rises"
        said = f"{way} with {driver}: rank correlation {value:+.2f} ({row['low']:+.2f} to {row['high']:+.2f})"
        made.append(
            QUOTABIAS.judge(
                scope={"driver": driver}, value=abs(value) if known else None, n=int(row["reps"]),
                limit=setting.limit(QUOTABIAS), as_of=setting.as_of,
                interval=Interval(*ends, 0.9, "Bonett and Wright") if known else None,
                statement=f"Attainment of {row['reps']} reps over {row['periods']} "
                + (f"{said}." if known else f"cannot be set against {driver}: too few or all alike."),
                recommendation=_STEPS[driver][int(way == "rises")]
                if known and not row["low"] < 0 < row["high"] else _NOTHING[driver],
            )
        )  # fmt: skip
    return made


def team_fit(setting: Setting, fit: pd.DataFrame) -> list[Finding]:
    """Teams that may be below the floor; the lowest where none is. ``fit``: ``outputs.TEAM_FIT``.

    Silent where no team can be compared: one team, or no team of two reps.
    """
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
            f"{percent(row['relative'])} of what the other teams did "
            f"({percent(row['low'])} to {percent(row['high'])}).",
            recommendation=f"Set the quotas of {row['team']} anew from potential, history and pipeline."
            if row["high"] < limit.value
            else f"Compare the quotas of {row['team']} with its potential, history and pipeline.",
        )
        for row in rows.to_dict("records")
    ]  # fmt: skip


def _named(reps: pd.DataFrame) -> str:
    names = [str(n) for n in reps["name"][:3]]
    more = f" and {len(reps) - len(names)} more" if len(reps) > len(names) else ""
    return ", ".join(names) + more
