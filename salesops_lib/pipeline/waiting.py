"""How long deals stay in a stage, those still there included, and where the process is held up."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from salesops_lib.core.survival import incidence_table
from salesops_lib.pipeline.log import known_log, spells

MIN_STAYS = 20
OUTLAST = 0.05  # of stays beyond the longest that ended: above it their mean is not known
BULK_CASES, BULK_SHARE = 10, 0.2
"""As many cases entering a stage in one second, or moved by one person in one minute, are one hand's update;
above this share of a stage's entries its waiting times say when somebody tidied up, not when deals moved."""
DATED_STAMPS, DATED_TIMES = 20, 2
"""As many stamps with no more times of day are days (two: the clock goes back in autumn), and share no
second."""
BULK_OF_USUAL = 5
"""Among days: as many times the usual number of entries a day are one hand's update."""


def dwell(
    log: pd.DataFrame,
    as_of,
    *,
    ends: Iterable[str] = (),
    unseen: Iterable[str] = (),
    level: float = 0.9,
    min_stays: int = MIN_STAYS,
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
    unseen
        Cases that began before their first row: how long their first stay lasted nobody knows, and it is
        left out.

    Returns
    -------
    DataFrame
        ``activity``, ``stays``, ``completed``, ``open``, ``median_days`` with ``low``, ``high`` (the ages
        at which the range of the curve crosses a half), ``p75_days``, ``mean_days`` (area under the curve;
        missing where over a twentieth outlast the longest stay that ended), ``mean_completed_days`` (naive:
        stays that ended alone), ``bulk_share`` (entries made in one stroke), ``withheld`` (the reason where
        days are missing). Missing where not reached, under ``min_stays`` stays, or stamped in bulk.
    """
    known = known_log(log)
    stays = _seen(spells(known, as_of, ends), unseen)
    bulk = bulk_entries(known)
    rows = []
    for activity, part in stays.groupby("activity", sort=True):
        share = float(bulk[activity])
        row = {
            "activity": activity,
            "stays": len(part),
            "completed": int((~part["open"]).sum()),
            "open": int(part["open"].sum()),
            **dict.fromkeys(("median_days", "low", "high", "p75_days", "mean_days"), np.nan),
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
        "mean_days",
        "mean_completed_days",
        "bulk_share",
        "withheld",
    ]
    return pd.DataFrame(rows, columns=columns)


def bulk_entries(log: pd.DataFrame) -> pd.Series:
    """Share of each activity's entries made in one stroke: activity → share.

    ``log``: from :func:`log.event_log`. One stroke: ten entries of an activity in one second, or ten cases
    moved by one ``actor`` in one minute. Stamps that are days share a second without any stroke: there a day
    counts with ten entries and five times the activity's usual day.
    """
    at = log["at"]
    second = at.dt.floor("s")
    together = log.groupby(["activity", second])["case_id"].transform("size")
    bulk = together >= BULK_CASES
    if at.nunique() >= DATED_STAMPS and (at - at.dt.normalize()).nunique() <= DATED_TIMES:
        days = log.assign(size=together).drop_duplicates(["activity", "at"])
        usual = days.groupby("activity")["size"].median()
        bulk &= together >= BULK_OF_USUAL * log["activity"].map(usual)
    elif "actor" in log and (log["actor"] != "").any():
        minute = [log["actor"], at.dt.floor("min")]
        bulk |= (log.groupby(minute)["case_id"].transform("nunique") >= BULK_CASES) & (log["actor"] != "")
    return bulk.groupby(log["activity"]).mean()


def bottlenecks(
    log: pd.DataFrame,
    as_of,
    *,
    ends: Iterable[str] = (),
    unseen: Iterable[str] = (),
    back_days: int = 90,
) -> pd.DataFrame:
    """Where a case's time goes: expected visits × median stay, as a share of all activities' sum.

    Returns
    -------
    DataFrame
        ``activity``, ``visits`` (per case that ever reached any of them), ``median_days``, ``days`` (visits ×
        median), ``share`` (of Σ days: of the cycle) with ``share_low``, ``share_high`` (its own median at
        either end of its range, the others' as they are), ``in_progress`` (cases in it on ``as_of``),
        ``in_progress_before`` (``back_days`` earlier), ``change``, ``arrivals_a_day`` (over ``back_days``),
        ``littles_days`` (in progress ÷ arrivals: the mean stay of a steady process, Little's law),
        ``mean_days`` (of a stay, by the curve), ``piling`` (littles ÷ mean − 1: above 0 more deals are in it
        than such stays explain). The largest share first; missing where dwell is.

    Source: Little (1961), *Operations Research* 9, 383-387.
    """
    known = known_log(log)
    stays = spells(known, as_of, ends)
    cases = max(stays["case_id"].nunique(), 1)
    table = dwell(known, as_of, ends=ends, unseen=unseen).set_index("activity")
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
    total = made["days"].sum(min_count=1)
    made["share"] = made["days"] / total
    for end_, share in (("low", "share_low"), ("high", "share_high")):
        days = made["visits"] * table[end_].reindex(made.index)
        made[share] = days / (total - made["days"] + days)
    made["change"] = (made["in_progress"] / made["in_progress_before"] - 1).where(
        made["in_progress_before"] > 0
    )
    made["littles_days"] = (made["in_progress"] / made["arrivals_a_day"]).where(made["arrivals_a_day"] > 0)
    made["mean_days"] = table["mean_days"].reindex(made.index)
    made["piling"] = made["littles_days"] / made["mean_days"] - 1
    made.index.name = "activity"
    made = made.reset_index().sort_values(["share", "activity"], ascending=[False, True], ignore_index=True)
    return made[
        [
            "activity",
            "visits",
            "median_days",
            "days",
            "share",
            "share_low",
            "share_high",
            "in_progress",
            "in_progress_before",
            "change",
            "arrivals_a_day",
            "littles_days",
            "mean_days",
            "piling",
        ]
    ]


def _seen(stays: pd.DataFrame, unseen: Iterable[str]) -> pd.DataFrame:
    """Stays whose beginning is on record."""
    return stays[~((stays["step"] == 1) & stays["case_id"].isin(set(unseen)))]


def _quantiles(part: pd.DataFrame, level: float) -> dict[str, float]:
    ended = (~part["open"]).map({True: "ended"})
    curve = incidence_table(part["days"], ended, causes=("ended",), level=level)

    def first(column: str, share: float) -> float:
        reached = curve[curve[column] >= share - 1e-12]
        return float(reached["age"].iloc[0]) if len(reached) else np.nan

    age, left = curve["age"].to_numpy(), 1 - curve["share"].to_numpy()
    whole = len(curve) and left[-1] <= OUTLAST
    return {
        "mean_days": float(age[0] + (left[:-1] * np.diff(age)).sum()) if whole else np.nan,
        "median_days": first("share", 0.5),
        "low": first("high", 0.5),
        "high": first("low", 0.5),
        "p75_days": first("share", 0.75),
    }
