"""Leads in pictures: each title says the finding, each axis its unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from salesops_lib.core import charts
from salesops_lib.core.charts import percent, short_money
from salesops_lib.leads.spend import MIN_WINS

_MOST = 12
_FEW_EVENTS = 30


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
    return charts.say(chart, _cohort_title(wide, ripe), x="Age (hatched, +: not all leads are that old)")


def _cohort_title(wide: pd.DataFrame, ripe: pd.DataFrame) -> str:
    """First and last cohort that can be compared, at the largest age that three of them have reached."""
    done = wide.where(ripe.reindex_like(wide).eq(True))
    ages = [c for c in done if done[c].notna().sum() >= 3]
    if not ages:
        return "No three months of leads are old enough to be compared"
    column = done[ages[-1]].dropna()
    ends = " to ".join(f"{percent(column.iloc[k])} ({column.index[k]})" for k in (0, -1))
    return f"At {int(ages[-1])} days: from {ends}"


def incidence(table: pd.DataFrame) -> Any:
    """Share converted by age, each source and all; returns Axes. ``table``: ``outputs.INCIDENCE``."""
    rows = table[table["cause"] == "converted"]
    chart = charts.axes(3.4, grid="y")
    ends = rows.groupby("group")["share"].max().sort_values(ascending=False)
    names = [n for n in ends.index if n != "all"][:5]
    shown = [*names, *(["all"] if "all" in ends else [])]
    heights = _apart(ends.reindex(shown), 0.055 * (ends.max() if len(ends) else 1.0))
    far = float(rows["age_days"].max()) if len(rows) else 1.0
    for colour, name in zip(charts.PALETTE, shown, strict=False):
        part = rows[rows["group"] == name].sort_values("age_days")
        colour = charts.BLACK if name == "all" else colour
        chart.step(part["age_days"], part["share"], where="post", color=colour, lw=2)
        if name == "all":
            chart.fill_between(
                part["age_days"], part["low"], part["high"], step="post", color=charts.GREY, alpha=0.3
            )
        charts.label(chart, far, heights[name], f"{name} {percent(ends[name])}", color=colour)
    charts.percent_axis(chart, "y")
    chart.set_xlim(0, far * 1.25)
    title = _curve_title(rows, names[0] if names else "all")
    return charts.say(chart, title, x="Days since creation", y="Converted")


def _curve_title(rows: pd.DataFrame, best: str) -> str:
    """Who converts most, and by when half of all that convert have."""
    every = rows[rows["group"] == "all"].sort_values("age_days")
    if every.empty:
        return "No lead has converted"
    half = every.loc[every["share"] >= every["share"].iloc[-1] / 2, "age_days"].iloc[0]
    said = f"half of those who convert do so within {int(half)} days"
    return said[0].upper() + said[1:] if best == "all" else f"{best} converts most; {said}"


def _apart(heights: pd.Series, least: float) -> dict[str, float]:
    """Heights of labels, moved up where one would cover the one below."""
    made, floor = {}, -np.inf
    for name, height in heights.sort_values().items():
        floor = max(float(height), floor + least)
        made[name] = floor
    return made


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


def deal_costs(table: pd.DataFrame, currency: str) -> Any:
    """Cost of a won deal by source with its range, a tick at what a deal brought; returns Axes. Grey: too few
    deals to judge. ``table``: ``outputs.SPEND``."""
    rows = table[table["cost_per_deal_low"].notna()].copy()
    rows["enough"] = rows["won_deals"] >= MIN_WINS
    rows["height"] = rows["cost_per_deal"].fillna(rows["cost_per_deal_low"])
    rows = rows.sort_values(["enough", "height"], ascending=False, kind="stable").head(_MOST)
    chart = charts.axes(1.2 + 0.42 * max(len(rows), 1), grid="x")
    chart.set_xscale("log")
    for place, row in enumerate(rows.itertuples()):
        colour = charts.BLUE if row.enough else charts.GREY
        chart.hlines(place, row.cost_per_deal_low, row.cost_per_deal_high, color=colour, lw=3)
        right = row.cost_per_deal_high if row.won_deals else row.cost_per_deal_low
        said = f"over {short_money(row.cost_per_deal_low)}, no deal yet"
        chart.plot(row.height, place, "o" if row.won_deals else ">", color=colour, ms=7)
        if row.won_deals:
            said = f"{short_money(row.cost_per_deal)}, {int(row.won_deals):,} deals"
            said = said.removesuffix("s") if row.won_deals == 1 else said
        if pd.notna(row.won_per_deal) and row.won_per_deal > 0:
            chart.plot(row.won_per_deal, place, "|", color=charts.BLACK, ms=14, mew=2)
            right = max(right, row.won_per_deal)
        charts.label(chart, right, place, said + ("" if row.enough else ": too few"), offset=(9, 0))
    chart.set_yticks(range(len(rows)), rows["source"])
    chart.set_ylim(len(rows) - 0.5, -0.5)
    _decades(chart, rows)
    axis = f"Cost of a won deal, {currency}, log; line: its range, tick: what a deal brought"
    return charts.say(chart, _cost_title(rows[rows["enough"]], currency), x=axis)


def _decades(chart: Any, rows: pd.DataFrame) -> None:
    """Round ticks of a log axis that has room for the labels at its right."""
    shown = rows[["cost_per_deal_low", "cost_per_deal_high", "won_per_deal"]].to_numpy("float64")
    shown = shown[np.isfinite(shown) & (shown > 0)]
    low, high = (float(shown.min()), float(shown.max())) if shown.size else (1.0, 10.0)
    chart.set_xlim(low / 1.4, high * 1.4 * (high / low) ** 0.28)
    steps = (1, 3) if high < 1000 * low else (1,)
    ticks = [m * 10.0**e for e in range(-2, 12) for m in steps if low / 1.4 <= m * 10.0**e <= high * 1.4]
    chart.set_xticks(ticks, [short_money(t) for t in ticks])
    chart.minorticks_off()


def _cost_title(judged: pd.DataFrame, currency: str) -> str:
    """Who spends more than it brings, else who is dearest and who cheapest where their ranges part."""
    if judged.empty:
        return f"No source with a cost has won the {MIN_WINS} deals it takes to judge it"
    top, least = judged.iloc[0], judged.iloc[-1]
    losing = judged[judged["roi_high"] < 0]
    if len(losing):
        worst = losing.iloc[0]
        costs, brings = short_money(worst["cost_per_deal"]), short_money(worst["won_per_deal"])
        return f"A deal from {worst['source']} costs {costs} {currency} and brings {brings}"
    dear, cheap = short_money(top["cost_per_deal"]), short_money(least["cost_per_deal"])
    if len(judged) == 1:
        return f"A deal from {top['source']} costs {dear} {currency} to win"
    if top["cost_per_deal_low"] <= least["cost_per_deal_high"]:
        return "No source wins deals clearly cheaper than another"
    return f"A deal from {top['source']} costs {dear} {currency} to win, from {least['source']} {cheap}"


def response(answers: pd.DataFrame, limits: dict[str, float]) -> Any:
    """Share of leads touched by open minutes, by kind, the limits as lines; returns Axes. The untouched
    stay below."""
    chart = charts.axes(3.2, grid="y")
    late = []
    for colour, (kind, part) in zip(charts.PALETTE, answers.groupby("kind"), strict=False):
        took = np.sort(part["minutes"].dropna().to_numpy("float64"))
        if not len(took):
            continue
        share = np.arange(1, len(took) + 1) / len(part)
        chart.step(np.maximum(took, 1), share, where="post", color=colour, lw=2)
        if kind in limits:
            within = float((took <= limits[kind]).mean() * len(took) / len(part))
            late.append((within, str(kind), limits[kind]))
            chart.plot(limits[kind], within, "o", color=colour, ms=7)
            said = f"{kind}: {percent(within)} in {_span(limits[kind])}"
            charts.label(chart, limits[kind], within, said, color=colour, offset=(-6, 10), ha="right")
    chart.set_xscale("log")
    chart.set_ylim(0, 1.02)
    ticks = [t for t in (1, 10, 60, 480, 1440, 10_080, 43_200) if t <= max(chart.get_xlim()[1], 10)]
    chart.set_xticks(ticks, [_span(t) for t in ticks])
    chart.minorticks_off()
    charts.percent_axis(chart, "y")
    title = "No limit is set for these kinds of leads"
    if late:
        within, kind, limit = min(late)
        title = f"{percent(within)} of leads of kind {kind} are touched within their {_span(limit)}"
    return charts.say(chart, title, x="Open minutes since they came in, log", y="Of all leads of the kind")


def _span(minutes: float) -> str:
    for size, unit in ((1440, "d"), (60, "h")):
        if minutes >= size and minutes % size == 0:
            return f"{minutes / size:g} {unit}"
    return f"{minutes:g} min"


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


def gain(table: pd.DataFrame) -> Any:
    """Share of conversions reached by working the best first, with its range, against chance; returns Axes.
    Grey where few leads converted. ``table``: ``outputs.LIFT``."""
    chart = charts.axes(3.4, grid="both")
    chart.plot([0, 1], [0, 1], color=charts.GREY, lw=1, ls="--")
    charts.label(chart, 0.8, 0.8, "in any order", color=charts.GREY, offset=(4, -10))
    charts.percent_axis(chart)
    charts.percent_axis(chart, "y")
    chart.set_xlim(0, 1.02)
    chart.set_ylim(0, 1.05)
    axes = {"x": "Leads worked, best score first", "y": "Of all conversions"}
    events = int(table["events"].sum())
    if not events:
        return charts.say(chart, "No tested lead converted: the score cannot be judged", **axes)
    rows = table[["captured", "captured_low", "captured_high"]].to_numpy("float64")
    worked = (table["n"].cumsum() / table["n"].sum()).to_numpy("float64")
    thin = events < _FEW_EVENTS
    colour = charts.GREY if thin else charts.BLUE
    chart.plot([0, *worked], [0, *rows[:, 0]], "-o", color=colour, lw=2, ms=4)
    chart.vlines(worked, rows[:, 1], rows[:, 2], color=colour, lw=2)
    at = min(2, len(table) - 1)
    held, low = rows[at, 0], rows[at, 1]
    charts.label(chart, worked[at], held, percent(held), offset=(-8, 9), ha="right", fontweight="bold")
    title = f"Working the best {percent(worked[at])} by score reaches {percent(held)} of those who convert"
    if low <= worked[at] <= rows[at, 2]:
        title = f"The best {percent(worked[at])} by score hold no more of those who convert than chance"
    elif held < worked[at]:
        title = f"The best {percent(worked[at])} by score hold fewer of those who convert than chance"
    if thin:
        title = f"Only {events} tested leads converted: too few to judge the score"
    return charts.say(chart, title, **axes)
