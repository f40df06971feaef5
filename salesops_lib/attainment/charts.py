"""Attainment in pictures: each title says the finding, each axis its unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesops_lib.core import charts
from salesops_lib.core.charts import percent, short_money

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 24  # bars that still can be read


def attainment_with_pace(pacing: pd.DataFrame, level: str = "team") -> Axes:
    """Booked so far and the projected range of every holder of a level, against quota.

    ``pacing``: columns of ``outputs.PACING``. Holders without a quota are left out.
    """
    rows = pacing[(pacing["level"] == level) & pacing["quota_base"].notna()]
    rows = rows[pd.to_numeric(rows["quota_base"]) > 0]
    done = pd.to_numeric(rows["to_date_base"]) / pd.to_numeric(rows["quota_base"]).astype("float64")
    rows = rows.assign(done=done, order=rows["projected_attainment"].fillna(done))
    rows = rows.sort_values("order").tail(_MOST)
    chart = charts.axes(1.5 + 0.34 * max(len(rows), 2))
    at = np.arange(len(rows))
    chart.barh(at, rows["done"], color=charts.SKY, height=0.62)
    ahead = rows["method"].isin(["share", "remaining", "combined"]).to_numpy()
    if ahead.any():
        part, where = rows[ahead], at[ahead]
        chart.hlines(where, part["projected_low"], part["projected_high"], color=charts.BLACK, lw=1.6)
        chart.plot(part["projected_attainment"], where, "o", color=charts.BLACK, ms=5)
    chart.axvline(1, color=charts.VERMILION, lw=1.5)
    chart.set_yticks(at, [str(n) for n in rows["name"]], parse_math=False)
    for y, value, end in zip(at, rows["order"], rows["projected_high"].fillna(rows["done"]), strict=True):
        charts.label(chart, max(value, end), y, percent(value), fontweight="bold")
    charts.percent_axis(chart)
    chart.set_xlim(
        0, 1.12 * max(1.1, float(np.nanmax([rows["projected_high"].max(), rows["done"].max(), 0])))
    )
    short = int((rows["order"] < 1).sum())
    verb = "are heading for less than quota" if ahead.any() else "finished below quota"
    title = f"{short} of {len(rows)} {level}s {verb}"
    return charts.say(chart, title, x=_pace_axis(rows, bool(ahead.any())))


def _pace_axis(rows: pd.DataFrame, running: bool) -> str:
    if not running:
        return "Credited ÷ quota; red line: quota"
    level = percent(rows["interval_level"].iloc[0])
    return f"Share of quota. Bar: booked; dot and line: projected finish, {level} range; red: quota"


def pace_curve(curve: pd.DataFrame, *, period: str, elapsed: float, goal: float | None, basis: str) -> Axes:
    """How past periods filled up by business day, and how full this one is.

    ``curve``: ``pacing.Pace.curve``; ``goal``: what this period's bookings are divided by, in money, named
    by ``basis`` (its quota, or its projected finish where it has no quota).
    """
    past = curve[curve["share"].notna()].pivot_table(index="elapsed_share", columns="period", values="share")
    chart = charts.axes(3.9, grid="y")
    usual = np.nan
    if past.shape[1]:
        low, mid, high = (past.quantile(q, axis=1) for q in (0.1, 0.5, 0.9))
        usual = float(np.interp(elapsed, past.index, mid))
        chart.fill_between(past.index, low, high, color=charts.SKY, alpha=0.35, lw=0)
        chart.plot(past.index, mid, color=charts.BLUE, lw=2)
        below = float(np.interp(0.62, past.index, low)) - 0.07
        charts.label(
            chart, 0.62, below, f"{past.shape[1]} past periods, share of their finish", color=charts.BLUE
        )
    now = curve[(curve["period"] == period) & (curve["elapsed_share"] <= elapsed + 1e-9)]
    done = float(now["to_date"].iloc[-1] / goal) if goal and len(now) else np.nan
    if goal and len(now):
        chart.plot(now["elapsed_share"], now["to_date"] / goal, color=charts.VERMILION, lw=2.5)
        chart.plot([elapsed], [done], "o", color=charts.VERMILION, ms=7)
        said = f"{period}: {percent(done)} of {basis}"
        charts.label(
            chart, elapsed, done + 0.08, said, color=charts.VERMILION, fontweight="bold", ha="center"
        )
    chart.plot([0, 1], [0, 1], color=charts.GREY, lw=1, ls=":")
    charts.label(chart, 0.72, 0.79, "straight line", color=charts.GREY)
    for which in ("x", "y"):
        charts.percent_axis(chart, which)
    chart.set_xlim(0, 1.02)
    chart.set_ylim(0, max(1.05, 1.1 * done if done == done else 0))
    return charts.say(chart, _pace_title(done, usual, basis), x="Business days gone", y="Share booked")


def _pace_title(done: float, usual: float, basis: str) -> str:
    if usual != usual:
        return "No finished period to compare with"
    if done != done:
        return f"{percent(usual)} of a period's bookings have usually come by this day"
    side = "ahead of" if done > usual + 0.005 else "behind" if done < usual - 0.005 else "level with"
    return f"{percent(done)} of {basis} booked, {side} the {percent(usual)} that usually have come by now"


def dots_by_group(reps: pd.DataFrame, column: str, *, period: str) -> Axes:
    """One dot per rep, a row per group, ordered by the group's median; groups of any size."""
    rows = reps.dropna(subset=[column])
    order = rows.groupby(column)["attainment"].median().sort_values()
    chart = charts.axes(1.3 + 0.36 * max(len(order), 2))
    edge = _edge(rows["attainment"])
    for y, group in enumerate(order.index):
        values = rows.loc[rows[column] == group, "attainment"].clip(upper=edge)
        chart.plot(values, np.full(len(values), y), "o", color=charts.BLUE, ms=6, alpha=0.6)
        chart.plot([min(order[group], edge)], [y], "|", color=charts.BLACK, ms=18, mew=2.5)
    counts = rows[column].value_counts()
    chart.set_yticks(range(len(order)), [f"{g} ({counts[g]})" for g in order.index], parse_math=False)
    chart.axvline(1, color=charts.VERMILION, lw=1.5)
    charts.percent_axis(chart)
    chart.set_xlim(min(0.0, float(rows["attainment"].min()) if len(rows) else 0.0) - 0.03, edge + 0.03)
    below = int((order < 1).sum())
    title = f"In {below} of {len(order)} {column}s the middle rep finished {period} below quota"
    return charts.say(
        chart, title, x=f"Attainment, one dot a rep (at most {percent(edge)}); black: middle rep"
    )


def _edge(values: pd.Series) -> float:
    """Right end of an attainment axis: most reps, and not the one far out."""
    return float(np.clip(values.quantile(0.95), 1.6, 2.5)) if len(values) else 1.6


def cascade_bars(cascade: pd.DataFrame) -> Axes:
    """Company goal and what regions, teams and reps were given. ``cascade``: :func:`cascade.cascade`."""
    rows = cascade[cascade["quota_base"].notna()].iloc[::-1]
    money = pd.to_numeric(rows["quota_base"]).astype("float64")
    chart = charts.axes(1.3 + 0.45 * max(len(rows), 2))
    at = np.arange(len(rows))
    chart.barh(
        at, money, color=[charts.BLUE if v == "company" else charts.SKY for v in rows["level"]], height=0.6
    )
    names = [
        f"{v} ({n})" if v != "company" else "company goal"
        for v, n in zip(rows["level"], rows["with_quota"], strict=True)
    ]
    chart.set_yticks(at, names)
    for y, value, ratio in zip(at, money, rows["over_company"], strict=True):
        text = short_money(value) + (f"  {percent(ratio)} of goal" if pd.notna(ratio) else "")
        charts.label(chart, value, y, text)
    charts.money_axis(chart)
    chart.set_xlim(0, float(money.max()) * 1.3 if len(money) and money.max() > 0 else 1)
    reps = cascade.set_index("level")["over_company"].get("rep")
    title = (
        f"Reps hold {percent(reps)} of the company goal"
        if reps is not None and pd.notna(reps)
        else "No company goal of its own: quotas can be added up, not compared"
    )
    return charts.say(chart, title, x="Sum of quotas, reporting currency")
