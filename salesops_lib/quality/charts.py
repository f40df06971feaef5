"""Charts of data quality: a heat map of field scores, money by fault, and the trend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from salesops_lib.core import charts
from salesops_lib.quality.faults import DIMENSIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_FIELDS, _FEWEST_FIELDS = 18, 6


def score_map(scores: pd.DataFrame, limit: float) -> Axes:
    """Fields × dimensions: share of rows without the fault; the 6 to 18 weakest fields, worst first.

    ``scores`` as :data:`salesops_lib.quality.outputs.SCORES`. A cell under ``limit`` is strong, an empty one
    could not be measured. Takes any number of rows, none included.
    """
    from matplotlib.colors import LinearSegmentedColormap

    grid = _grid(scores)
    chart = charts.axes(height=1.5 + 0.3 * max(len(grid), 1), grid="")
    short = int((grid < limit).to_numpy().sum())
    if grid.empty:
        chart.set_axis_off()
        return charts.say(chart, "No field could be measured")
    colours = LinearSegmentedColormap.from_list("scores", [charts.VERMILION, "#FBE3D6", "#EAF3F8"])
    chart.imshow(grid.to_numpy(dtype=float), cmap=colours, vmin=2 * limit - 1, vmax=1.0, aspect="auto")
    with charts.theme():
        _cells(chart, grid, limit)
        chart.set_xticks(range(len(grid.columns)), [c.capitalize() for c in grid.columns])
        chart.set_yticks(range(len(grid)), list(grid.index), parse_math=False)
    chart.xaxis.tick_top()
    chart.tick_params(length=0)
    chart.spines[:].set_visible(False)
    fields = int((grid < limit).any(axis=1).sum())
    title = f"{fields} fields miss {charts.percent(limit)} in {short} places" if short else (
        f"Every field shown reaches {charts.percent(limit)}"
    )  # fmt: skip
    return charts.say(chart, title)


def _grid(scores: pd.DataFrame) -> pd.DataFrame:
    if scores.empty:
        return pd.DataFrame(columns=list(DIMENSIONS), dtype=float)
    named = scores.assign(name=scores["table"] + "." + scores["field"])
    grid = named.pivot_table(index="name", columns="dimension", values="score", aggfunc="min")
    grid = grid.reindex(columns=[d for d in DIMENSIONS if d in grid.columns])
    worst = grid.min(axis=1).rename("worst").reset_index().sort_values(["worst", "name"])
    faulty = int((worst["worst"] < 1).sum())
    return grid.loc[worst["name"].head(min(max(faulty, _FEWEST_FIELDS), _MOST_FIELDS))]


def _cells(chart: Axes, grid: pd.DataFrame, limit: float) -> None:
    for y, row in enumerate(grid.to_numpy(dtype=float)):
        for x, score in enumerate(row):
            if score == score:
                missed = score < limit
                chart.text(
                    x, y, score_text(score, limit), ha="center", va="center", fontsize=9,
                    fontweight="bold" if missed else "normal",
                    color="white" if score < 1.4 * limit - 0.4 else charts.BLACK,
                )  # fmt: skip


def score_text(score: float, limit: float = 1.0) -> str:
    """Whole percent, but never 100 % for less, 0 % for more, or the limit itself for a score beside it."""
    shown = charts.percent(score)
    if score != limit and shown == charts.percent(limit) and limit < 1:
        return f"{100 * score:.1f} %"
    if score < 1 and shown == "100 %":
        return ">99 %"
    return "<1 %" if score > 0 and shown == "0 %" else shown


def money_bars(ranked: pd.DataFrame, currency: str) -> Axes:
    """Money of each fault of ``to_fix``, largest first; faults without known money give their rows."""
    chart = charts.axes(height=1.2 + 0.36 * max(len(ranked), 1))
    if ranked.empty:
        chart.set_axis_off()
        return charts.say(chart, "Nothing to fix was found")
    rows = ranked.iloc[::-1].reset_index(drop=True)
    money = rows["money_base"].astype("float64")
    chart.barh(range(len(rows)), money.fillna(0.0), color=charts.BLUE, height=0.65)
    with charts.theme():
        names = [f"{t}.{f}: {title[:52]}" for t, f, title in zip(
            rows["table"], rows["field"], rows["title"], strict=True)]  # fmt: skip
        chart.set_yticks(range(len(rows)), names, parse_math=False, fontsize=8.5)
    for y, (value, faulty) in enumerate(zip(money, rows["faulty"], strict=True)):
        known = f"{charts.short_money(value)} · " if value == value and value > 0 else ""
        charts.label(chart, 0.0 if value != value else value, y, f"{known}{int(faulty):,} rows")
    charts.money_axis(chart)
    chart.margins(x=0.22)
    top = rows.iloc[-1]
    title = f"{top['title']}: {currency} {charts.short_money(money.iloc[-1])} on {int(top['faulty']):,} rows"
    if not money.iloc[-1] > 0:
        title = f"{top['title']}: {int(top['faulty']):,} rows"
    return charts.say(chart, title, x=f"value of the deals affected, {currency}")


def trend_bars(trend: pd.DataFrame, then: str) -> Axes:
    """Faults whose score moved most since ``then``, in percentage points; at most ten."""
    moved = trend[trend["change"].abs() > 0.0005]
    moved = moved.loc[moved["change"].abs().sort_values(ascending=False, kind="stable").index].head(10)
    moved = moved.sort_values("change", ignore_index=True)
    chart = charts.axes(height=1.2 + 0.34 * max(len(moved), 1))
    if moved.empty:
        chart.set_axis_off()
        return charts.say(chart, f"No score has moved since {then}")
    points = 100 * moved["change"]
    colours = [charts.VERMILION if p < 0 else charts.BLUE for p in points]
    chart.barh(range(len(moved)), points, color=colours, height=0.65)
    with charts.theme():
        chart.set_yticks(range(len(moved)), list(moved["fault"]), parse_math=False, fontsize=8.5)
    for y, point in enumerate(points):
        side = {"offset": (-5, 0), "ha": "right"} if point < 0 else {}
        charts.label(chart, point, y, f"{point:+.1f}", **side)
    chart.axvline(0, color=charts.GREY, linewidth=0.8)
    chart.margins(x=0.2)
    worse, better = int((points < 0).sum()), int((points > 0).sum())
    return charts.say(
        chart, f"Scores since {then}: {worse} fell, {better} rose", x="change of the score, percentage points"
    )
