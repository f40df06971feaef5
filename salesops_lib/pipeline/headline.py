"""The first screen: what Monday's review starts with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from salesops_lib.core.charts import percent, short_money
from salesops_lib.pipeline.coverage import DUE
from salesops_lib.pipeline.process import Process

Card = tuple[str, str, str, str]


def cards(
    process: Process,
    work: pd.DataFrame,
    faults: pd.DataFrame,
    rates: pd.DataFrame,
    bottlenecks: pd.DataFrame,
    cover: Mapping | None,
) -> list[Card]:
    """Label, value, range, note of each figure; what cannot be told says why."""
    deals = process.open_deals
    touched = deals[deals["opportunity_id"].isin(set(work["opportunity_id"]))]
    value, all_value = float(touched["amount_base"].sum()), float(deals["amount_base"].sum())
    late = faults.set_index("fault").loc["overdue"]
    made = [
        (
            "Open deals that need a hand",
            f"{len(touched):,} of {len(deals):,}",
            f"{short_money(value)} of {short_money(all_value)}" if all_value > 0 else "",
            f"{len(work):,} faults, in report.xlsx by seller",
        ),
        _late(late),
        _rate(rates),
    ]
    known = bottlenecks[bottlenecks["share"].notna()]
    if len(known):
        row = known.iloc[0]
        made.append(
            (
                f"Slowest: {row['activity']}",
                f"{row['median_days']:.0f} days",
                f"{percent(row['share'])} of a deal's time",
                f"{int(row['in_progress'])} deals in it",
            )
        )
    else:
        why = "there is no history of stages" if process.log is None else "too few stays have ended"
        made.append(("Slowest stage", "not known", "", why))
    made.append(_coverage(cover))
    return made


def _late(row: pd.Series) -> Card:
    if row["why"]:
        return "Past their close date", "not known", "", row["why"]
    deals = f"{int(row['deals']):,} deals"
    if pd.isna(row["value_share"]):
        return "Past their close date", deals, "", "open deals have no amounts"
    share = f"{percent(row['value_share'])} of open value"
    return "Past their close date", short_money(row["value_base"]), share, deals


def _rate(rates: pd.DataFrame) -> Card:
    row, money = (rates.set_index("name").loc[n] for n in ("by count", "by value"))
    range_ = f"{percent(row['low'])}–{percent(row['high'])} at 90 %" if pd.notna(row["low"]) else ""
    return "Win rate, a year", percent(row["rate"]), range_, f"by value {percent(money['rate'])}"


def _coverage(cover: Mapping | None) -> Card:
    if cover is None:
        return "Coverage", "not known", "", "there is no target"
    label = f"Coverage, {cover['period']}"
    if cover["left"] <= 0:
        return label, "done", "", "the target is booked"
    shown = f"{cover['coverage']:.1f} ×" if np.isfinite(cover["coverage"]) else "not known"
    wants = "the own win rate is not known"
    if np.isfinite(cover["needed"]):
        by = "by what such value brought" if cover["basis"] == DUE else "by decided deals"
        wants = f"{cover['needed']:.1f} × needed {by}"
    return label, shown, wants, f"{short_money(cover['due'])} due, {short_money(cover['left'])} left"
