"""The brief in pictures: each title says the finding, each axis its unit."""

from __future__ import annotations

from typing import Any

import pandas as pd

from salesops_lib.core import charts
from salesops_lib.core.charts import short_money

_MOST = 8


def stakes(decisions: pd.DataFrame, currency: str) -> Any:
    """Money at stake of the largest open findings; returns Axes. ``decisions``: ``outputs.DECISIONS``."""
    rows = decisions[decisions["money_base"] > 0].sort_values("money_base", ascending=False).head(_MOST)
    chart = charts.axes(1.2 + 0.42 * max(len(rows), 1), grid="x")
    colours = rows["severity"].map({"ACT": charts.VERMILION, "WATCH": charts.ORANGE})
    names = [f"{r.title}{' · ' + r.place if r.place else ''}" for r in rows.itertuples()]
    chart.barh(range(len(rows)), rows["money_base"], color=list(colours), height=0.62)
    for at, row in enumerate(rows.itertuples()):
        charts.label(
            chart, row.money_base, at, f"{short_money(row.money_base)}{' · overdue' if row.overdue else ''}"
        )
    chart.set_yticks(range(len(rows)), [n if len(n) < 58 else n[:57] + "…" for n in names])
    for text in chart.get_yticklabels():
        text.set_parse_math(False)
    chart.invert_yaxis()
    chart.margins(x=0.16)
    charts.money_axis(chart)
    title = (
        f"{rows['title'].iloc[0]}: the largest stake, {short_money(rows['money_base'].iloc[0])} {currency}"
        if len(rows)
        else "No open finding has a price"
    )
    return charts.say(chart, title, x=f"At stake, {currency} (red: act, orange: watch); stakes overlap")


def two_forecasts(forecasts: pd.DataFrame, currency: str) -> Any:
    """Forecast and pace of company and regions with their ranges and the target; returns Axes.

    ``forecasts``: ``outputs.FORECASTS``.
    """
    rows = forecasts[forecasts["level"].isin(("company", "region"))]
    chart = charts.axes(1.3 + 0.62 * max(len(rows), 1), grid="x")
    for at, row in enumerate(rows.itertuples()):
        for shift, name, colour in ((-0.16, "forecast", charts.BLUE), (0.16, "pace", charts.ORANGE)):
            low, mid, high = (getattr(row, f"{name}_{part}_base") for part in ("low", "mid", "high"))
            chart.hlines(at + shift, low, high, color=colour, lw=4, alpha=0.55)
            chart.plot(mid, at + shift, "o", color=colour, ms=6)
            charts.label(chart, high, at + shift, f"{name} {short_money(mid)}")
        if pd.notna(row.target_base):
            chart.vlines(row.target_base, at - 0.36, at + 0.36, color=charts.BLACK, lw=2)
    chart.set_yticks(range(len(rows)), [f"{r.node_id} {r.period}" for r in rows.itertuples()])
    for text in chart.get_yticklabels():
        text.set_parse_math(False)
    chart.invert_yaxis()
    chart.margins(x=0.14)
    charts.money_axis(chart)
    far = rows["gap"].max() if len(rows) else None
    title = (
        f"Forecast and pace stand up to {charts.percent(far)} apart"
        if len(rows)
        else "Forecast and pace do not both stand"
    )
    return charts.say(chart, title, x=f"{currency}; bar: range, dot: middle, black: target")
