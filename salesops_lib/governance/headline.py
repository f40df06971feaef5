"""The first screen of the brief: five figures a head of sales reads before the meeting."""

from __future__ import annotations

import pandas as pd

from salesops_lib.core.charts import percent, short_money
from salesops_lib.governance.reports import BEHIND

Card = tuple[str, str, str, str]


def cards(
    decisions: pd.DataFrame,
    state: pd.DataFrame,
    changes: pd.DataFrame,
    forecasts: pd.DataFrame,
    verdicts: pd.DataFrame,
) -> list[Card]:
    """Label, value, range, note of each figure; what cannot be told says why. Frames as in ``outputs``."""
    return [
        _act(decisions, state),
        _largest(decisions),
        _quarter(forecasts),
        _changed(changes),
        _agree(verdicts, state),
    ]


def _act(decisions: pd.DataFrame, state: pd.DataFrame) -> Card:
    act = decisions[decisions["severity"] == "ACT"]
    judged = int(state[["act", "watch", "ok"]].to_numpy().sum())
    if not judged and not state["unknown"].sum():
        return "To decide now", "not known", "", "no report has run"
    late = int(decisions["overdue"].astype(bool).sum())
    note = f"of {judged} judged; {late} of {len(decisions)} past the day first due"
    return "To decide now", str(len(act)), f"{len(decisions) - len(act)} more to watch", note


def _largest(decisions: pd.DataFrame) -> Card:
    priced = decisions[(decisions["severity"] == "ACT") & (decisions["money_base"] > 0)]
    if priced.empty:
        return "Largest stake", "none", "", "nothing to act on has a price"
    row = priced.loc[priced["money_base"].idxmax()]
    return (
        "Largest stake",
        short_money(row["money_base"]),
        row["title"],
        f"{row['owner']} by {row['first_due']}",
    )


def _quarter(forecasts: pd.DataFrame) -> Card:
    rows = forecasts[forecasts["level"] == "company"]
    if rows.empty:
        return "This quarter", "not known", "", "forecast and pace do not both stand"
    row = rows.iloc[0]
    target = f"target {short_money(row['target_base'])}; " if pd.notna(row["target_base"]) else ""
    span = f"{short_money(row['forecast_low_base'])}–{short_money(row['forecast_high_base'])}"
    return (
        f"Forecast {row['period']}",
        short_money(row["forecast_mid_base"]),
        span,
        f"{target}pace says {short_money(row['pace_mid_base'])}, {percent(row['gap'])} apart",
    )


def _changed(changes: pd.DataFrame) -> Card:
    count = changes["kind"].value_counts()
    new, closed = (
        int(sum(count.get(k, 0) for k in kinds)) for kinds in (("opened", "worse"), ("closed", "better"))
    )
    if changes.empty:
        return "Since the last run", "no change", "", "or no report has run twice"
    since = changes["since"].max()
    return "Since the last run", f"{new} worse", f"{closed} better", f"latest compared with {since}"


def _agree(verdicts: pd.DataFrame, state: pd.DataFrame) -> Card:
    asked = verdicts.drop_duplicates(["question", "place"])
    both = int(asked["answers"].eq("opposite").sum())
    behind = int(state["state"].isin(BEHIND).sum())
    return (
        "Reports that contradict",
        f"{both} of {len(asked)}" if len(asked) else "not known",
        "questions several answer" if len(asked) else "",
        f"{len(state) - behind} of {len(state)} reports up to date",
    )
