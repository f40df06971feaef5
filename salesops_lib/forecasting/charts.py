"""The forecast in pictures: each title says the finding, each axis its unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from salesops_lib.core import charts
from salesops_lib.core.charts import percent, short_money

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = {
    "run_rate": "run rate", "pipeline": "pipeline", "commit": "commit", "pace": "pace",
    "combined": "all together", "unreconciled": "before adding up", "seasonal_naive": "last year's period",
    "stage_weighted": "stage-weighted", "same_week": "same-week conversion",
    "raw_commit": "calls as they stand",
}  # fmt: skip
_TERMS = {
    "new": "new", "pulled_in": "pulled in", "pushed_in": "pushed in from earlier", "reopened": "reopened",
    "increased": "increased", "decreased": "decreased", "pushed_out": "pushed out",
    "pulled_out": "pulled out", "won": "won", "lost": "lost", "deleted": "deleted", "owner": "handed over",
    "fx": "currency",
}  # fmt: skip
_MOST = 24  # rows that still can be read


def engine_ranges(forecast: pd.DataFrame, outlook: pd.DataFrame, period: str) -> Axes:
    """What each engine says of the company in one period, and all together, against the target.

    ``forecast``, ``outlook``: columns of ``outputs.FORECAST`` and ``outputs.OUTLOOK``.
    """
    rows = forecast[(forecast["level"] == "company") & (forecast["period"] == period)]
    wide = rows.pivot_table(index="engine", columns="quantile", values="value_base")
    engines = ("run_rate", "pace", "commit", "pipeline", "unreconciled", "combined")
    order = [e for e in engines if e in wide.index]
    chart = charts.axes(1.4 + 0.42 * max(len(order), 2))
    for y, engine in enumerate(order):
        low, mid, high = (wide.loc[engine, q] for q in (0.1, 0.5, 0.9))
        main = engine == "combined"
        colour = charts.BLUE if main else charts.GREY
        chart.hlines(y, low, high, color=colour, lw=6 if main else 3, alpha=0.9 if main else 0.6)
        chart.plot([mid], [y], "o", color=colour, ms=8 if main else 5)
        weight = "bold" if main else "normal"
        charts.label(chart, high, y, short_money(mid), fontweight=weight, offset=(8, 0))
    chart.set_yticks(range(len(order)), [NAMES[e] for e in order])
    chart.set_ylim(-0.6, len(order) - 0.4)
    company = outlook[(outlook["level"] == "company") & (outlook["period"] == period)].iloc[0]
    goal = company["target_base"]
    if pd.notna(goal):
        chart.axvline(goal, color=charts.VERMILION, lw=1.5)
    charts.money_axis(chart)
    chart.margins(x=0.12)
    red = f"; red line: target {short_money(goal)}" if pd.notna(goal) else ""
    return charts.say(
        chart, _range_title(company, period), x=f"Bookings of {period}. Dot: P50, line: P10 to P90{red}"
    )


def _range_title(company: pd.Series, period: str) -> str:
    if pd.isna(company["mid_base"]):
        return f"No engine speaks of {period}"
    said = f"{period} is heading for {short_money(company['mid_base'])}"
    if pd.isna(company["target_base"]):
        return f"{said}; no target is set"
    chance = company["p_target"]
    told = "over 99 %" if chance > 0.99 else "under 1 %" if chance < 0.01 else percent(chance)
    return f"{said}, with a {told} chance to reach {short_money(company['target_base'])}"


def nodes_against_target(outlook: pd.DataFrame, period: str, level: str = "team") -> Axes:
    """Booked and forecast of every node of a level as a share of its target, largest gap on top."""
    rows = outlook[(outlook["level"] == level) & (outlook["period"] == period)]
    rows = rows[rows["target_base"].notna() & rows["mid_base"].notna()].sort_values("gap_base").tail(_MOST)
    goal = rows["target_base"]
    chart = charts.axes(1.5 + 0.34 * max(len(rows), 2))
    at = np.arange(len(rows))
    chart.barh(at, rows["booked_base"] / goal, color=charts.SKY, height=0.62)
    chart.hlines(at, rows["low_base"] / goal, rows["high_base"] / goal, color=charts.BLACK, lw=1.6)
    chart.plot(rows["mid_base"] / goal, at, "o", color=charts.BLACK, ms=5)
    chart.axvline(1, color=charts.VERMILION, lw=1.5)
    chart.set_yticks(at, [str(n) for n in rows["name"]], parse_math=False)
    for y, row in enumerate(rows.itertuples()):
        said = f"{percent(row.mid_base / row.target_base)}"
        charts.label(chart, row.high_base / row.target_base, y, said, fontweight="bold")
    charts.percent_axis(chart)
    chart.set_xlim(0, 1.14 * max(1.1, float((rows["high_base"] / goal).max()) if len(rows) else 1.1))
    short = int((rows["mid_base"] < goal).sum())
    title = f"{short} of {len(rows)} {level}s are heading for less than target in {period}"
    level_said = percent(rows["interval_level"].iloc[0]) if len(rows) else ""
    return charts.say(
        chart,
        title,
        x=f"Share of target. Bar: booked; dot and line: forecast, {level_said} range; red: target",
    )


def pace_weeks(weeks: pd.DataFrame, outlook: pd.DataFrame, period: str) -> Axes:
    """Bookings week by week: past periods scaled to this one's forecast, this one, and where it will end.

    ``weeks``: columns of ``outputs.PACE_WEEKS``.
    """
    company = outlook[(outlook["level"] == "company") & (outlook["period"] == period)].iloc[0]
    past = weeks[weeks["share"].notna()].pivot_table(index="week", columns="period", values="share").ffill()
    chart = charts.axes(3.9, grid="y")
    mid, last = company["mid_base"], int(weeks["week"].max())
    if past.shape[1] and pd.notna(mid):
        low, usual, high = (mid * past.quantile(q, axis=1) for q in (0.1, 0.5, 0.9))
        chart.fill_between(past.index, low, high, color=charts.SKY, alpha=0.35, lw=0)
        chart.plot(past.index, usual, color=charts.BLUE, lw=2)
        at = max(2, round(0.55 * last))
        charts.label(
            chart, at, float(low.loc[at]) * 0.86, f"{past.shape[1]} past periods, at this one's P50",
            color=charts.BLUE,
        )  # fmt: skip
    now = weeks[weeks["period"] == period]
    if len(now):
        chart.plot(now["week"], now["booked_base"], color=charts.VERMILION, lw=2.5, marker="o", ms=4)
        done = now.iloc[-1]
        charts.label(
            chart, done["week"], done["booked_base"] + 0.06 * chart.get_ylim()[1],
            f"booked {short_money(done['booked_base'])}", color=charts.VERMILION, fontweight="bold",
            ha="right", offset=(-4, 0),
        )  # fmt: skip
    if pd.notna(mid):
        chart.errorbar(
            [last], [mid], yerr=[[mid - company["low_base"]], [company["high_base"] - mid]], fmt="o",
            color=charts.BLACK, capsize=4, lw=2,
        )  # fmt: skip
    if pd.notna(company["target_base"]):
        chart.axhline(company["target_base"], color=charts.VERMILION, lw=1.2, ls="--")
        charts.label(chart, 1, company["target_base"], f"target {short_money(company['target_base'])}",
                     color=charts.VERMILION, offset=(0, 8))  # fmt: skip
    charts.money_axis(chart, "y")
    chart.set_ylim(bottom=0)
    return charts.say(chart, _pace_title(past, now, mid), x=f"Week of {period}", y="Booked so far")


def _pace_title(past: pd.DataFrame, now: pd.DataFrame, mid: float) -> str:
    if not past.shape[1] or now.empty or pd.isna(mid):
        return "Bookings by week"
    week = min(int(now["week"].iloc[-1]), int(past.index.max()))
    usual = float(past.loc[week].median())
    done = float(now["booked_base"].iloc[-1]) / mid
    return (
        f"{percent(done)} of the forecast is booked by week {week}; past periods had booked {percent(usual)} "
        f"by that week's end"
    )


def waterfall_bars(step: pd.DataFrame, *, period: str) -> Axes:
    """What changed one node's open value due, as signed bars in the order of the terms.

    ``step``: a row of :func:`waterfall.waterfall`, in cents.
    """
    row = step.iloc[0]
    shown = [(name, row[term] / 100) for term, name in _TERMS.items() if row[term] != 0][::-1]
    chart = charts.axes(1.5 + 0.36 * max(len(shown), 2))
    at = np.arange(len(shown))
    values = [value for _, value in shown]
    won = [name == "won" for name, _ in shown]
    colours = [charts.GREEN if w or v > 0 else charts.ORANGE for w, v in zip(won, values, strict=True)]
    chart.barh(at, values, color=colours, height=0.62)
    for y, value in zip(at, values, strict=True):
        side = {"offset": (5, 0)} if value > 0 else {"offset": (-5, 0), "ha": "right"}
        charts.label(chart, value, y, f"{'+' if value > 0 else '−'}{short_money(abs(value))}", **side)
    chart.axvline(0, color=charts.GREY, lw=1)
    chart.set_yticks(at, [name for name, _ in shown])
    charts.money_axis(chart)
    chart.margins(x=0.18)
    start, end = (short_money(row[term] / 100) for term in ("start", "end"))
    days = f"{row['start_date'].date()} to {row['end_date'].date()}"
    return charts.say(
        chart,
        f"Open value due in {period} went from {start} to {end}",
        x=f"Change from {days}; won turns green",
    )


def backtest_errors(backtest: pd.DataFrame, level: str = "company") -> Axes:
    """Error of every forecaster over past periods at a level, smallest on top; beside each the forecast's.

    ``backtest``: columns of ``outputs.BACKTEST``.
    """
    rows = backtest[(backtest["level"] == level) & (backtest["ahead"] == 0) & (backtest["point"] == "all")]
    rows = rows[rows["wape"].notna() & (rows["forecaster"] != "unreconciled")]
    rows = rows.sort_values("wape", ascending=False)
    chart = charts.axes(1.4 + 0.36 * max(len(rows), 2))
    at = np.arange(len(rows))
    bench = rows["forecaster"].isin(["seasonal_naive", "stage_weighted", "same_week", "raw_commit"])
    colours = np.where(
        rows["forecaster"] == "combined", charts.BLUE, np.where(bench, charts.LIGHT, charts.SKY)
    )
    chart.barh(at, rows["wape"], color=list(colours), height=0.66)
    chart.set_yticks(at, [NAMES[n] for n in rows["forecaster"]])
    for y, value, tick in zip(at, rows["wape"], rows["combined_wape"], strict=True):
        charts.label(chart, np.fmax(value, tick), y, f"{100 * value:.1f} %")
    chart.vlines(rows["combined_wape"], at - 0.33, at + 0.33, color=charts.BLUE, lw=2)
    charts.percent_axis(chart)
    chart.margins(x=0.12)
    return charts.say(
        chart,
        _backtest_title(rows),
        x="Mean error ÷ bookings (WAPE). Blue: the forecast, as a tick on the same rows; grey: by hand",
    )


def _backtest_title(rows: pd.DataFrame) -> str:
    own = rows[rows["forecaster"] == "combined"]
    bench = rows[rows["forecaster"].isin(["seasonal_naive", "stage_weighted", "same_week", "raw_commit"])]
    if own.empty:
        return "No past forecast can be made yet"
    said = f"Past forecasts were off by {100 * own['wape'].iloc[0]:.1f} % on average"
    if bench.empty:
        return said
    best = bench.loc[(bench["combined_wape"] / bench["wape"].where(bench["wape"] > 0)).idxmax()]
    other = f"the best figure by hand, {NAMES[best['forecaster']]}, by {100 * best['wape']:.1f} %"
    less = best["n"] < own["n"].iloc[0]
    same = f" where the forecast was by {100 * best['combined_wape']:.1f} %" if less else ""
    return f"{said}; {other}{same}"


def scenario_ranges(scenarios: pd.DataFrame, period: str) -> Axes:
    """The forecast of a period under each scenario, against the target. ``scenarios``: ``SCENARIOS``."""
    rows = scenarios[scenarios["period"] == period].iloc[::-1].reset_index(drop=True)
    chart = charts.axes(1.4 + 0.4 * max(len(rows), 2))
    for y, row in rows.iterrows():
        base = row["scenario"] == "base"
        colour = charts.BLUE if base else charts.GREY
        chart.hlines(y, row["low_base"], row["high_base"], color=colour, lw=5 if base else 3)
        chart.plot([row["mid_base"]], [y], "o", color=colour, ms=7)
        chance = "" if pd.isna(row["p_target"]) else f", {percent(row['p_target'])}"
        charts.label(chart, row["high_base"], y, f"{short_money(row['mid_base'])}{chance}", offset=(8, 0))
    chart.set_yticks(range(len(rows)), ["as it is" if s == "base" else s for s in rows["scenario"]],
                     parse_math=False)  # fmt: skip
    goal = rows["target_base"].iloc[0] if len(rows) else np.nan
    if pd.notna(goal):
        chart.axvline(goal, color=charts.VERMILION, lw=1.5)
    charts.money_axis(chart)
    chart.margins(x=0.16)
    worst = rows[rows["scenario"] != "base"].sort_values("change_base").head(1)
    title = "Nothing to vary"
    if len(worst):
        title = (
            f"Of these, '{worst['scenario'].iloc[0]}' costs most: "
            f"{short_money(abs(worst['change_base'].iloc[0]))} of {period}"
        )
    red = "; red: target, with the chance to reach it" if pd.notna(goal) else ""
    return charts.say(chart, title, x=f"Bookings of {period}. Dot: P50, line: P10 to P90{red}")
