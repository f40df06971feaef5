"""The segment a rep sells to: the one most of the credited money came from."""

from __future__ import annotations

import pandas as pd


def rep_segments(lines: pd.DataFrame, opportunities: pd.DataFrame, teams: dict[str, str]) -> dict[str, str]:
    """Segment per rep; one who sold nothing has that of the team, and none where that is unknown.

    Parameters
    ----------
    lines
        Credited lines (``credit.Credited``), placed: overlay and what no rep holds do not count.
    opportunities
        ``opportunity_id`` and, where the company keeps it, ``segment``.
    teams
        Team by rep, for those who sold nothing.
    """
    if "segment" not in opportunities or not opportunities["segment"].notna().any():
        return {}
    own = lines[lines["rep_id"].notna() & ~lines["overlay"]]
    of_deal = opportunities.set_index("opportunity_id")["segment"]
    sold = own.assign(segment=own["opportunity_id"].map(of_deal)).dropna(subset=["segment"])
    by_team = largest(sold.dropna(subset=["team"]), "team")
    found = {rep: by_team[team] for rep, team in teams.items() if team in by_team}
    return found | largest(sold, "rep_id")


def largest(sold: pd.DataFrame, by: str) -> dict[str, str]:
    """The segment with most money of each value of ``by``; ties go to the last by name."""
    money = sold.assign(cents=sold["cents"].astype("int64"))
    money = money.groupby([by, "segment"], as_index=False)["cents"].sum()
    money = money.sort_values([by, "cents", "segment"], kind="stable").drop_duplicates(by, keep="last")
    return dict(zip(money[by], money["segment"], strict=True))
