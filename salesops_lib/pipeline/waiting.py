"""How long deals stay in a stage, those still there included, and where the process is held up."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from salesops_lib.core.survival import incidence_table
from salesops_lib.pipeline.log import known_log, spells

MIN_STAYS = 20
BULK_CASES, BULK_SHARE = 10, 0.2
"""As many cases entering a stage in one second are one hand's update; above this share of a stage's entries
its
waiting times say when somebody tidied up, not when deals moved."""


def dwell(
    log: pd.DataFrame, as_of, *, ends: Iterable[str] = (), level: float = 0.9, min_stays: int = MIN_STAYS
) -> pd.DataFrame:
    """Days in each activity by Kaplan–Meier: a stay that still lasts counts as at least that long.

    Parameters
    ----------
    log
        ``case_id``, ``activity``, ``at``, perhaps ``sequence``.
    as_of
        Last day known.
    ends
        Activities that end a case: nobody waits in them.

    Returns
    -------
    DataFrame
        ``activity``, ``stays``, ``completed``, ``open``, ``median_days`` with ``low``, ``high`` (the ages
        at which
        the range of the curve crosses a half), ``p75_days``, ``mean_completed_days`` (naive: stays that ended
        alone), ``bulk_share`` (entries made in one stroke), ``withheld`` (the reason where days are missing).
        Missing where not reached, under ``min_stays`` stays, or stamped in bulk.
    """
    known = known_log(log)
    stays = spells(known, as_of, ends)
    bulk = bulk_entries(known)
    rows = []
    for activity, part in stays.groupby("activity", sort=True):
        share = float(bulk[activity])
        row = {
            "activity": activity,
            "stays": len(part),
            "completed": int((~part["open"]).sum()),
            "open": int(part["open"].sum()),
            **dict.fromkeys(("median_days", "low", "high", "p75_days"), np.nan),
            "mean_completed_days": part.loc[~part["open"], "days"].mean(),
            "bulk_share": share,
            "withheld": "",
        }
        if share > BULK_SHARE:
            row["withheld"] = f"{share:.0%} of entries were stamped in bulk"
            row["mean_completed_days"] = np.nan
        elif len(part) < min_stays:
            row["withheld"] = f"{len(part)} stays, {min_stays} needed"
        else:
            row |= _quantiles(part, level)
        rows.append(row)
    columns = [
        "activity",
        "stays",
        "completed",
        "open",
        "median_days",
        "low",
        "high",
        "p75_days",
        "mean_completed_days",
        "bulk_share",
        "withheld",
    ]
    return pd.DataFrame(rows, columns=columns)


def bulk_entries(log: pd.DataFrame) -> pd.Series:
    """Share of each activity's entries that share their second with nine others: activity → share."""
    together = log.groupby(["activity", log["at"].dt.floor("s")])["case_id"].transform("size")
    return (together >= BULK_CASES).groupby(log["activity"]).mean()


def bottlenecks(log: pd.DataFrame, as_of, *, ends: Iterable[str] = (), back_days: int = 90) -> pd.DataFrame:
    """Where a case's time goes: expected visits × median stay, as a share of all activities' sum.

    Returns
    -------
    DataFrame
        ``activity``, ``visits`` (per case that ever reached any of them), ``median_days``, ``days`` (visits ×
        median), ``share`` (of Σ days: of the cycle), ``in_progress`` (cases in it on ``as_of``),
        ``in_progress_before`` (``back_days`` earlier), ``change``, ``arrivals_a_day`` (over ``back_days``),
        ``littles_days`` (in progress ÷ arrivals: what the stay would be in a steady process). The largest
        share
        first; missing where dwell is.
    """
    known = known_log(log)
    stays = spells(known, as_of, ends)
    cases = max(known["case_id"].nunique(), 1)
    table = dwell(known, as_of, ends=ends).set_index("activity")
    end = (pd.Timestamp(as_of).tz_localize(None).normalize() + pd.Timedelta(days=1)).tz_localize("UTC")
    since = end - pd.Timedelta(days=back_days)
    until = stays["at"] + pd.to_timedelta(stays["days"], unit="D")
    groups = stays["activity"]
    made = pd.DataFrame(
        {
            "visits": groups.value_counts() / cases,
            "in_progress": stays["open"].groupby(groups).sum(),
            "in_progress_before": ((stays["at"] < since) & (until >= since)).groupby(groups).sum(),
            "arrivals_a_day": (stays["at"] >= since).groupby(groups).sum() / back_days,
        }
    )
    made["median_days"] = table["median_days"].reindex(made.index)
    made["days"] = made["visits"] * made["median_days"]
    made["share"] = made["days"] / made["days"].sum(min_count=1)
    made["change"] = (made["in_progress"] / made["in_progress_before"] - 1).where(
        made["in_progress_before"] > 0
    )
    made["littles_days"] = (made["in_progress"] / made["arrivals_a_day"]).where(made["arrivals_a_day"] > 0)
    made.index.name = "activity"
    made = made.reset_index().sort_values(["share", "activity"], ascending=[False, True], ignore_index=True)
    return made[
        [
            "activity",
            "visits",
            "median_days",
            "days",
            "share",
            "in_progress",
            "in_progress_before",
            "change",
            "arrivals_a_day",
            "littles_days",
        ]
    ]


def _quantiles(part: pd.DataFrame, level: float) -> dict[str, float]:
    ended = (~part["open"]).map({True: "ended"})
    curve = incidence_table(part["days"], ended, causes=("ended",), level=level)

    def first(column: str, share: float) -> float:
        reached = curve[curve[column] >= share - 1e-12]
        return float(reached["age"].iloc[0]) if len(reached) else np.nan

    return {
        "median_days": first("share", 0.5),
        "low": first("high", 0.5),
        "high": first("low", 0.5),
        "p75_days": first("share", 0.75),
    }
