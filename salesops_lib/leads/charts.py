"""Leads in pictures: each title says the finding, each axis its unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from salesops_lib.core import charts
from salesops_lib.core.charts import percent

_MOST = 12


def funnel(table: pd.DataFrame, horizon: int) -> Any:
    """Share of leads that reached each step, with intervals; returns Axes. ``table``: ``outputs.FUNNEL``."""
    chart = charts.axes(1.0 + 0.42 * len(table), grid="x")
    share = table["share"].to_numpy("float64")
    chart.barh(range(len(table)), share, color=charts.BLUE, height=0.62)
    chart.hlines(range(len(table)), table["low"], table["high"], color=charts.BLACK, lw=1.5)
    for place, row in enumerate(table.itertuples()):
        charts.label(chart, row.high, place, f"{percent(row.share)} ({row.reached:,})")
    chart.set_yticks(range(len(table)), table["step"])
    chart.invert_yaxis()
    chart.set_xlim(0, 1.18)
    charts.percent_axis(chart)
    last = table.iloc[-1]
    steps = table[
        table["from_previous"].notna() & table["step"].ne("won")
    ]  # won takes longer than the horizon
    leak = steps.loc[steps["from_previous"].idxmin()] if len(steps) else last
    title = f"{percent(leak['from_previous'])} get on to {leak['step']}: the narrowest step"
    return charts.say(chart, title, x=f"Share of {int(last['n']):,} leads within {horizon} days")


def cohort_map(table: pd.DataFrame) -> Any:
    """Cohort by age as a heat map, immature cells hatched; returns Axes. ``table``: ``outputs.COHORTS``."""
    wide = table.pivot_table(index="cohort", columns="age_days", values="share").iloc[-_MOST:]
    ripe = table.pivot_table(index="cohort", columns="age_days", values="mature", aggfunc="all").reindex(
        wide.index
    )
    chart = charts.axes(1.0 + 0.32 * len(wide), grid="")
    values = wide.to_numpy("float64")
    top = np.nanmax(values) if np.isfinite(values).any() else 1.0
    chart.imshow(values, aspect="auto", cmap="Blues", vmin=0, vmax=max(top * 1.15, 1e-9))
    for (row, column), value in np.ndenumerate(values):
        if not np.isfinite(value):
            continue
        done = bool(ripe.to_numpy()[row, column])
        dark = value > 0.7 * top
        chart.text(
            column,
            row,
            percent(value) + ("" if done else "+"),
            ha="center",
            va="center",
            fontsize=8,
            color="white" if dark else charts.BLACK,
        )
        if not done:
            chart.fill_between(
                [column - 0.5, column + 0.5],
                row - 0.5,
                row + 0.5,
                facecolor="none",
                edgecolor=charts.GREY,
                hatch="////",
                lw=0,
            )
    chart.set_xticks(range(len(wide.columns)), [f"{int(c)} days" for c in wide.columns])
    chart.set_yticks(range(len(wide)), wide.index)
    return charts.say(
        chart, "Conversion by month of creation and age (hatched, +: not all are that old)", x="Age"
    )


def incidence(table: pd.DataFrame) -> Any:
    """Share converted by age, each source and all; returns Axes. ``table``: ``outputs.INCIDENCE``."""
    rows = table[table["cause"] == "converted"]
    chart = charts.axes(3.4, grid="y")
    ends = rows.groupby("group")["share"].max().sort_values(ascending=False)
    names = [n for n in ends.index if n != "all"][:5]
    for colour, name in zip(charts.PALETTE, [*names, *(["all"] if "all" in ends else [])], strict=False):
        part = rows[rows["group"] == name].sort_values("age_days")
        colour = charts.BLACK if name == "all" else colour
        chart.step(part["age_days"], part["share"], where="post", color=colour, lw=2)
        if name == "all":
            chart.fill_between(
                part["age_days"], part["low"], part["high"], step="post", color=charts.GREY, alpha=0.3
            )
        if len(part):
            charts.label(
                chart,
                part["age_days"].iloc[-1],
                part["share"].iloc[-1],
                f"{name} {percent(part['share'].iloc[-1])}",
            )
    charts.percent_axis(chart, "y")
    chart.set_xlim(0, rows["age_days"].max() * 1.25 if len(rows) else 1)
    best = names[0] if names else "all"
    return charts.say(
        chart, f"{best} converts most, and most of it early", x="Days since creation", y="Converted"
    )


def sources(table: pd.DataFrame) -> Any:
    """Conversion of sources with intervals, the shrunk rate as a dot; returns Axes. ``table``:
    ``outputs.SOURCES``."""
    rows = table[(table["dimension"] == "source") & table["share"].notna()].head(_MOST)
    chart = charts.axes(1.0 + 0.42 * max(len(rows), 1), grid="x")
    for place, row in enumerate(rows.itertuples()):
        chart.hlines(place, row.low, row.high, color=charts.BLUE, lw=3)
        chart.plot(row.share, place, "|", color=charts.BLACK, ms=12)
        if pd.notna(row.shrunk):
            chart.plot(row.shrunk, place, "o", color=charts.BLUE, ms=6)
        charts.label(chart, row.high, place, f"{percent(row.share)} of {int(row.n):,}")
    overall = rows["events"].sum() / rows["n"].sum() if rows["n"].sum() else np.nan
    if np.isfinite(overall):
        chart.axvline(overall, color=charts.GREY, lw=1.2)
    chart.set_yticks(range(len(rows)), rows["value"])
    chart.invert_yaxis()
    charts.percent_axis(chart)
    title = "No source can be judged yet"
    if len(rows):
        title = f"{rows['value'].iloc[0]} converts best, {rows['value'].iloc[-1]} least (line: all)"
    return charts.say(chart, title, x="Converted at the same age")


def response(answers: pd.DataFrame, limits: dict[str, float]) -> Any:
    """Share of leads touched by open minutes, by kind, the limits as lines; returns Axes. The untouched
    stay below."""
    chart = charts.axes(3.2, grid="y")
    for colour, (kind, part) in zip(charts.PALETTE, answers.groupby("kind"), strict=False):
        took = np.sort(part["minutes"].dropna().to_numpy("float64"))
        if not len(took):
            continue
        share = np.arange(1, len(took) + 1) / len(part)
        chart.step(np.maximum(took, 1), share, where="post", color=colour, lw=2)
        charts.label(chart, max(took[-1], 1), share[-1], str(kind))
        if kind in limits:
            chart.axvline(limits[kind], color=colour, lw=1, ls="--")
    chart.set_xscale("log")
    chart.set_ylim(0, 1.02)
    charts.percent_axis(chart, "y")
    return charts.say(
        chart,
        "How fast leads are touched (dashed: the limit of their kind)",
        x="Open minutes since they came in, log",
        y="Of all leads of the kind",
    )


def reliability(table: pd.DataFrame) -> Any:
    """Predicted against actual by tenth of the score; returns Axes. ``table``:
    :func:`evaluation.reliability`."""
    chart = charts.axes(3.2, grid="both")
    top = float(max(table["high"].max(), table["predicted"].max())) * 1.05 if len(table) else 1.0
    chart.plot([0, top], [0, top], color=charts.GREY, lw=1)
    chart.vlines(table["predicted"], table["low"], table["high"], color=charts.BLUE, lw=2)
    chart.plot(table["predicted"], table["actual"], "o", color=charts.BLUE)
    charts.percent_axis(chart)
    charts.percent_axis(chart, "y")
    off = float((table["actual"] - table["predicted"]).abs().mean()) if len(table) else np.nan
    return charts.say(
        chart, f"The score is {100 * off:.1f} points off on average by tenth", x="Predicted", y="Converted"
    )
