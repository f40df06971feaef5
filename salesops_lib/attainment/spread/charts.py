"""The distribution of attainment in pictures: bars and curve for all, a curve or dots for each group."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.attainment.spread.distribution import SMALL_GROUP
from salesops_lib.attainment.spread.tables import LAST, STEP
from salesops_lib.core import charts
from salesops_lib.core.charts import percent


def bars_and_curve(bars: pd.DataFrame, line: pd.DataFrame, *, period: str):
    """All reps: how many in each step of attainment, and over it the share at or below.

    ``bars``, ``line``: :func:`spread.histogram` and :func:`spread.ecdf_rows`. A small group has dots on the
    axis in place of the curve, and no percentage.
    """
    bars = bars[bars["grouping"] == "all"]
    line = line[line["grouping"] == "all"]
    chart = charts.axes(3.6, grid="y")
    left = bars["attained_from"].fillna(-STEP)
    met = bars["attained_from"] >= 1 - 1e-9
    colours = [charts.BLUE if reached else charts.SKY for reached in met]
    chart.bar(left, bars["reps"], width=STEP * 0.94, align="edge", color=colours)
    for x, count in zip(left, bars["reps"], strict=True):
        if count:
            charts.label(chart, x + STEP / 2, count, str(count), offset=(0, 7), ha="center")
    chart.axvline(1, color=charts.VERMILION, lw=1.5)
    n, reached = len(line), int((line["attainment"] >= 1).sum())
    at = np.clip(line["attainment"].astype("float64"), -STEP, LAST + STEP)
    if n >= SMALL_GROUP:
        curve = chart.twinx()
        curve.grid(visible=False)
        curve.spines["top"].set_visible(False)
        curve.step(at, line["share_at_or_below"], where="post", color=charts.BLACK, lw=1.6)
        curve.set_ylim(0, 1.04)
        charts.percent_axis(curve, "y")
        curve.set_ylabel("Share of reps at or below (line)")
        title = f"{reached} of {n} reps ({percent(reached / n)}) reached quota in {period}"
    else:
        chart.plot(at, np.zeros(n), "o", color=charts.BLACK, ms=7, clip_on=False)
        title = f"{reached} of {n} reps reached quota in {period} (few reps: no percentages)"
    chart.set_xlim(float(min(left.min(), 0.0)) if n else 0.0, LAST + STEP)
    chart.set_ylim(0, 1.18 * max(int(bars["reps"].max()) if len(bars) else 1, 1))
    charts.percent_axis(chart)
    return charts.say(chart, title, x=f"Attainment; last bar {percent(LAST)} and more", y="Reps")


def curves_by_group(line: pd.DataFrame, *, period: str):
    """One panel per grouping: a curve per group of eight reps or more, dots for smaller ones.

    ``line``: :func:`spread.ecdf_rows`. Groupings with one group only are left out; a panel shows its eight
    largest groups.
    """
    line = line[line["grouping"] != "all"]
    many = line.groupby("grouping", sort=False)["group"].nunique()
    panels = [g for g in dict.fromkeys(line["grouping"]) if many[g] > 1][:4] or list(many.index[:1])
    first = charts.axes(2.9 * max((len(panels) + 1) // 2, 1), grid="both")
    figure = first.get_figure()
    figure.delaxes(first)
    with charts.theme():
        grid = figure.subplots(max((len(panels) + 1) // 2, 1), 2, sharex=True, squeeze=False).ravel()
    for axes, grouping in zip(grid, panels, strict=False):
        _panel(axes, line[line["grouping"] == grouping], grouping)
    for empty in grid[len(panels) :]:
        empty.set_visible(False)
    title = f"Attainment in {period} by {', '.join(panels)}: curves from {SMALL_GROUP} reps on, else dots"
    with charts.theme():
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    return grid[0]


def _panel(axes, rows: pd.DataFrame, grouping: str) -> None:
    largest = rows.groupby("group")["reps"].first().sort_values(ascending=False, kind="stable").index[:8]
    small = 0
    for colour, group in zip(charts.PALETTE, largest, strict=False):
        part = rows[rows["group"] == group]
        at = np.clip(part["attainment"].astype("float64"), -STEP, LAST)
        if len(part) >= SMALL_GROUP:
            axes.step(at, part["share_at_or_below"], where="post", color=colour, lw=1.8, label=_named(part))
        else:
            small += 1
            height = np.full(len(part), -0.07 * small)
            axes.plot(at, height, "o", color=colour, ms=5, alpha=0.8, label=_named(part))
    axes.axvline(1, color=charts.VERMILION, lw=1.2)
    axes.set_ylim(-0.07 * small - 0.05, 1.04)
    axes.set_yticks([0, 0.5, 1])
    charts.percent_axis(axes, "x")
    charts.percent_axis(axes, "y")
    with charts.theme():
        axes.set_title(grouping, loc="left", fontsize=10)
        legend = axes.legend(fontsize=7, loc="upper left", handlelength=1.2)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _named(part: pd.DataFrame) -> str:
    return f"{part['group'].iloc[0]} ({len(part)})"
