"""Calls: what submitters said would come in, which node each is about, and which stood at a week.

A call is one submitter's amount for one node, period and category at one moment. A later call of the same
submitter, node, period and category replaces the earlier one from its day on.
"""

from __future__ import annotations

from datetime import date, tzinfo

import numpy as np
import pandas as pd

from salesops_lib.core.periods import FiscalCalendar
from salesops_lib.forecasting.bookings import History, day_at

LEVELS = ("rep", "team", "region", "company")


def with_nodes(calls: pd.DataFrame, reps: pd.DataFrame | None, company: str) -> pd.DataFrame:
    """The table ``forecast_submissions`` with ``level`` and ``node_id`` where it leaves them empty.

    An empty one is what the submitter headed on the day: the team, region or company of the people who name
    him or her as manager, else the submitter's own deals.
    """
    made = calls.assign(
        level=calls["level"].astype("object") if "level" in calls else None,
        node_id=calls["node_id"].astype("object") if "node_id" in calls else None,
    )
    bare = made["level"].isna() | made["node_id"].isna()
    made.loc[bare, "level"], made.loc[bare, "node_id"] = "rep", made.loc[bare, "rep_id"]
    for who in sorted(_heads(reps) & set(made.loc[bare, "rep_id"])):
        mine = made.index[bare & (made["rep_id"] == who)]
        below = _below(reps, who)
        days = made.loc[mine, "submitted_at"].dt.tz_localize(None).dt.normalize()
        edges = np.unique(below[["start", "end"]].to_numpy())  # in between nothing changes
        spell = np.searchsorted(edges, days.to_numpy(), side="right")
        found = {at: _headed(who, day, below, company) for at, day in days.groupby(spell).first().items()}
        made.loc[mine, "level"] = [found[at][0] for at in spell]
        made.loc[mine, "node_id"] = [found[at][1] for at in spell]
    return made


def headed(who: str, day: date, reps: pd.DataFrame | None, company: str) -> tuple[str, str]:
    """The node a submitter answers for on a day: level and id."""
    if who not in _heads(reps):
        return "rep", who
    return _headed(who, pd.Timestamp(day), _below(reps, who), company)


def _heads(reps: pd.DataFrame | None) -> set[str]:
    """Who is named as a manager by anyone at any time."""
    if reps is None or reps.empty or "manager_id" not in reps:
        return set()
    return set(reps["manager_id"].dropna())


def _below(reps: pd.DataFrame, who: str) -> pd.DataFrame:
    """The spells of those who name ``who`` as manager, and whether they head others themselves."""
    mine = reps[reps["manager_id"] == who]
    ends = mine["end_date"] if "end_date" in mine else pd.Series(pd.NaT, mine.index)
    return pd.DataFrame(
        {
            "start": pd.to_datetime(mine["start_date"]),
            "end": pd.to_datetime(ends).fillna(pd.Timestamp.max),
            "team": mine["team"],
            "region": mine["region"],
            "heads": mine["rep_id"].isin(_heads(reps)),
        }
    )


def _headed(who: str, day: pd.Timestamp, below: pd.DataFrame, company: str) -> tuple[str, str]:
    now = below[(below["start"] <= day) & (below["end"] > day)]
    if now.empty:
        return "rep", who
    teams, regions = (sorted(set(now[c].dropna())) for c in ("team", "region"))
    if len(teams) == 1 and not (now["heads"] & now["team"].isna()).any():
        return "team", teams[0]
    return ("region", regions[0]) if len(regions) == 1 else ("company", company)


def prepared(
    calls: pd.DataFrame | None, reps: pd.DataFrame | None, company: str, zone: tzinfo | str
) -> pd.DataFrame:
    """The table ``forecast_submissions`` in days of the company's zone, each call with its node.

    Returns
    -------
    DataFrame
        ``rep_id``, ``level``, ``node_id``, ``period``, ``category``, ``amount`` (reporting currency),
        ``called`` (day on which it was called), ``known`` (day on which it was recorded: a call entered late
        is not known before), ``order`` (of calls on one day). Calls without an amount are left out.
    """
    columns = ["rep_id", "level", "node_id", "period", "category", "amount", "called", "known", "order"]
    if calls is None or calls.empty:
        return pd.DataFrame(columns=columns)
    kept = (
        calls[calls["amount_base"].notna()].sort_values("submitted_at", kind="stable").reset_index(drop=True)
    )
    made = with_nodes(kept, reps, company)
    known = kept["recorded_at"] if "recorded_at" in kept else kept["submitted_at"]
    days = {"called": kept["submitted_at"], "known": known.fillna(kept["submitted_at"])}
    local = {
        name: stamp.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize() for name, stamp in days.items()
    }
    return made.assign(**local, amount=kept["amount_base"], order=range(len(kept)))[columns]


def names(reps: pd.DataFrame | None) -> dict[str, str]:
    """The last known name of each rep."""
    if reps is None or reps.empty or "name" not in reps:
        return {}
    last = reps.dropna(subset=["name"]).sort_values("start_date", kind="stable")
    return dict(last.drop_duplicates("rep_id", keep="last")[["rep_id", "name"]].itertuples(index=False))


def commit_category(calls: pd.DataFrame) -> str:
    """The category that stands for what will come in: Commit, else the one most calls have; empty without."""
    words = calls["category"].dropna()
    if words.empty:
        return ""
    named = words[words.str.casefold() == "commit"]
    return str((named if len(named) else words).mode().iloc[0])


def point_day(calendar: FiscalCalendar, history: History, period: str) -> date:
    """The day in (or before) a past period that lies as far into it as ``history.day`` in its own period."""
    start = calendar.bounds(history.period)[0]
    if history.day >= start:
        return day_at(calendar, period, history.share)
    return calendar.bounds(period)[0] - (start - history.day)


def standing(calls: pd.DataFrame, by: dict[str, date], *, known_by: date) -> pd.DataFrame:
    """The last call of each submitter, node, category and period: called by the period's day in ``by``, and
    recorded by ``known_by``.
    """
    days = calls["period"].map({period: pd.Timestamp(day) for period, day in by.items()})
    asked = calls[(calls["called"] <= days) & (calls["known"] <= pd.Timestamp(known_by))]
    return asked.drop_duplicates(["rep_id", "level", "node_id", "category", "period"], keep="last")
