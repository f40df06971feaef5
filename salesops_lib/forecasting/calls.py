"""Calls: what submitters said would come in, which node each is about, and which stood at a week.

A call is one submitter's amount for one node, period and category at one moment. A later call of the same
submitter, node, period and category replaces the earlier one from its day on.
"""

from __future__ import annotations

from datetime import date

import pandas as pd

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
    days = made["submitted_at"].dt.tz_localize(None).dt.normalize()
    asked = pd.DataFrame({"rep_id": made["rep_id"], "day": days})[bare]
    found = {
        (who, day): headed(who, day.date(), reps, company)
        for who, day in asked.drop_duplicates().itertuples(index=False)
    }
    nodes = [found[pair] for pair in asked.itertuples(index=False, name=None)]
    made.loc[bare, "level"] = [level for level, _ in nodes]
    made.loc[bare, "node_id"] = [node for _, node in nodes]
    return made


def headed(who: str, day: date, reps: pd.DataFrame | None, company: str) -> tuple[str, str]:
    """The node a submitter answers for on a day: level and id."""
    own = ("rep", who)
    if reps is None or reps.empty or "manager_id" not in reps:
        return own
    members = _on(reps, day)
    below = members[members["manager_id"] == who]
    lead = below[below["team"].isna() & below["rep_id"].isin(members["manager_id"])]
    if below.empty:
        return own
    teams, regions = (sorted(set(below[c].dropna())) for c in ("team", "region"))
    if len(teams) == 1 and lead.empty:
        return "team", teams[0]
    return ("region", regions[0]) if len(regions) == 1 else ("company", company)


def _on(reps: pd.DataFrame, day: date) -> pd.DataFrame:
    at = pd.Timestamp(day)
    ends = pd.to_datetime(reps["end_date"]) if "end_date" in reps else pd.Series(pd.NaT, reps.index)
    return reps[(pd.to_datetime(reps["start_date"]) <= at) & ~(ends <= at)]
