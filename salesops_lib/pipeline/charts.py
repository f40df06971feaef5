"""The process in pictures: each title says the finding, each axis its unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from salesops_lib.core import charts
from salesops_lib.core.charts import percent, short_money
from salesops_lib.pipeline.graph import END, START

_MOST = 12


def matrix(transitions: pd.DataFrame, order: list[str]) -> Any:
    """Directly-follows graph as a heat map: share of steps out of each row; returns Axes.

    ``transitions``: ``outputs.TRANSITIONS``. ``order``: stages in order, ends last.
    """
    names = [START, *order, END]
    wide = transitions.pivot_table(
        index="from_activity", columns="to_activity", values="share", aggfunc="sum"
    )
    wide = wide.reindex(index=[n for n in names if n != END], columns=[n for n in names if n != START])
    wide = wide.dropna(how="all").dropna(axis=1, how="all")
    chart = charts.axes(1.2 + 0.38 * len(wide), grid="")
    values = wide.to_numpy("float64")
    chart.imshow(np.nan_to_num(values), aspect="auto", cmap="Blues", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(values):
        if value >= 0.005:
            colour = "white" if value > 0.6 else charts.BLACK
            chart.text(column, row, percent(value), ha="center", va="center", fontsize=8, color=colour)
    chart.set_xticks(range(len(wide.columns)), wide.columns, rotation=25, ha="right")
    chart.set_yticks(range(len(wide)), wide.index)
    return charts.say(chart, "Where deals go from each stage (rows add up to 100 %)", x="Next step")


def flow(transitions: pd.DataFrame, order: list[str], defined: set[str]) -> Any:
    """Directly-follows graph as a flow from left to right, thick where many go; returns Axes.

    Steps back arch below the line, skips and forward steps above it. Only between ``defined`` activities is a
    step called back (red): where another stands nobody has said. The ``_MOST`` commonest are drawn.
    """
    names = [n for n in order if n in set(transitions["from_activity"]) | set(transitions["to_activity"])]
    place = {n: k for k, n in enumerate(names)}
    inner = transitions[transitions["from_activity"].isin(place) & transitions["to_activity"].isin(place)]
    inner = inner.head(_MOST)
    chart = charts.axes(3.6, grid="")
    most = max(float(inner["count"].max()), 1.0) if len(inner) else 1.0
    back = 0
    for row in inner.itertuples():
        a, b = place[row.from_activity], place[row.to_activity]
        bend = 0.35 if b > a else -0.45
        red = b < a and {row.from_activity, row.to_activity} <= defined
        back += int(row.count) if red else 0
        curve = 0 if b == a + 1 else -bend if b > a else bend
        style = {"arrowstyle": "-|>", "lw": 0.8 + 7 * row.count / most, "alpha": 0.75,
                 "color": charts.VERMILION if red else charts.BLUE,
                 "connectionstyle": f"arc3,rad={curve}"}  # fmt: skip
        chart.annotate("", xy=(b, 0), xytext=(a, 0), arrowprops=style)
        if b != a + 1:
            height = 0.16 * abs(b - a)
            chart.text((a + b) / 2, height if b > a else -height, f"{row.count:,}", ha="center", fontsize=8)
    for name, at in place.items():
        chart.plot(at, 0, "o", ms=12, color=charts.BLACK)
        chart.text(at, -0.16, name, ha="center", va="top", fontsize=9)
    chart.set_xlim(-0.5, len(names) - 0.5)
    chart.set_ylim(-0.75, 1.0)
    chart.set_axis_off()
    return charts.say(chart, f"The {len(inner)} commonest steps; {back:,} of them go back (red)")


def dwell(table: pd.DataFrame) -> Any:
    """Median days in each stage with its range, the naive mean as a cross; returns Axes. ``table``: DWELL."""
    rows = table[table["median_days"].notna()]
    chart = charts.axes(1.0 + 0.45 * max(len(rows), 1), grid="x")
    for place, row in enumerate(rows.itertuples()):
        high = row.high if pd.notna(row.high) else row.p75_days
        chart.hlines(place, row.low, high, color=charts.BLUE, lw=4)
        chart.plot(row.median_days, place, "o", color=charts.BLACK, ms=6)
        if pd.notna(row.p75_days):
            chart.plot(row.p75_days, place, "|", color=charts.BLUE, ms=14)
        end = max(v for v in (high, row.p75_days, row.median_days) if pd.notna(v))
        charts.label(chart, end, place, f"{row.median_days:.0f} days, three in four {row.p75_days:.0f}")
    chart.set_yticks(range(len(rows)), rows["activity"])
    chart.invert_yaxis()
    chart.set_xlim(left=0)
    slow = rows.loc[rows["median_days"].idxmax(), "activity"] if len(rows) else "No stage"
    return charts.say(
        chart, f"{slow} takes longest (dot: median, bar: its range, mark: P75)", x="Days in the stage"
    )


def conversion(table: pd.DataFrame) -> Any:
    """Share that got beyond each stage, by quarter of entry; returns Axes. ``table``: CONVERSION."""
    rows = table[table["share"].notna()]
    chart = charts.axes(3.2, grid="y")
    cohorts = sorted(rows["cohort"].unique())
    place = {c: k for k, c in enumerate(cohorts)}
    ends = []
    for colour, (stage, part) in zip(charts.PALETTE, rows.groupby("activity", sort=False), strict=False):
        x = part["cohort"].map(place)
        chart.plot(x, part["share"], color=colour, marker="o", ms=4, lw=2)
        chart.fill_between(x, part["low"], part["high"], color=colour, alpha=0.15)
        ends.append((float(part["share"].iloc[-1]), float(x.iloc[-1]), stage))
    low, gap = -np.inf, 0.06 * float(rows["high"].max() - rows["low"].min())
    for share, x, stage in sorted(ends):  # labels of lines that end close together stand one above another
        low = max(share, low + gap)
        charts.label(chart, x, low, stage)
    chart.set_xticks(range(len(cohorts)), cohorts)
    chart.set_xlim(-0.3, len(cohorts) - 0.3 + 0.12 * len(cohorts))
    charts.percent_axis(chart, "y")
    return charts.say(
        chart, "Who gets beyond each stage within 90 days, by quarter of entry", y="Of those that entered"
    )


def endings(table: pd.DataFrame) -> Any:
    """Share won and lost by age; returns Axes. ``table``: INCIDENCE."""
    chart = charts.axes(3.0, grid="y")
    last = {}
    for cause, colour in (("won", charts.GREEN), ("lost", charts.VERMILION)):
        part = table[table["cause"] == cause]
        if part.empty:
            continue
        chart.step(part["age_days"], part["share"], where="post", color=colour, lw=2)
        chart.fill_between(part["age_days"], part["low"], part["high"], step="post", color=colour, alpha=0.2)
        last[cause] = part["share"].iloc[-1]
        charts.label(chart, part["age_days"].iloc[-1], last[cause], f"{cause} {percent(last[cause])}")
    charts.percent_axis(chart, "y")
    told = " and ".join(f"{percent(v)} {k}" for k, v in last.items())
    return charts.say(chart, f"In the end {told}", x="Days since the first step", y="Of all deals")


def faults(table: pd.DataFrame, currency: str) -> Any:
    """Open value by fault; returns Axes. ``table``: FAULTS."""
    rows = table[table["deals"].fillna(0) > 0].sort_values("value_base", ascending=False)
    chart = charts.axes(1.0 + 0.4 * max(len(rows), 1), grid="x")
    chart.barh(range(len(rows)), rows["value_base"], color=charts.BLUE, height=0.62)
    for place, row in enumerate(rows.itertuples()):
        charts.label(chart, row.value_base, place, f"{short_money(row.value_base)}, {row.deals} deals")
    chart.set_yticks(range(len(rows)), rows["fault"])
    chart.invert_yaxis()
    charts.money_axis(chart)
    top = rows["fault"].iloc[0] if len(rows) else "nothing"
    return charts.say(
        chart, f"Most open value has the fault: {top}", x=f"Open value, {currency}; a deal may have several"
    )


def ageing(deals: pd.DataFrame, work: pd.DataFrame, limit: float, as_of: Any, currency: str) -> Any:
    """Open deals by age and amount, those too old for their segment in red; returns Axes.

    ``deals``: ``opportunity_id``, ``created_date``, ``amount_base``. ``work``: HYGIENE, with the fault *old*.
    ``limit``: P80 of the age at winning, of all segments.
    """
    rows = deals[deals["amount_base"].gt(0) & deals["created_date"].notna()]
    age = (pd.Timestamp(as_of) - rows["created_date"]).dt.days
    chart = charts.axes(3.2, grid="both")
    old = rows["opportunity_id"].isin(work.loc[work["fault"] == "old", "opportunity_id"])
    for mine, colour in ((~old, charts.BLUE), (old, charts.VERMILION)):
        chart.scatter(age[mine], rows.loc[mine, "amount_base"], s=14, alpha=0.6, color=colour, linewidths=0)
    chart.axvline(limit, color=charts.BLACK, lw=1)
    chart.set_yscale("log")
    charts.money_axis(chart, "y")
    charts.label(chart, limit, float(rows["amount_base"].max()), f"{limit:.0f} days: P80 of all won deals")
    value = short_money(float(rows.loc[old, "amount_base"].sum()))
    title = f"{int(old.sum()):,} open deals worth {value} are older than four in five won of their segment"
    return charts.say(chart, title, x="Days since creation", y=f"Amount, {currency}")


def velocity(parts: pd.DataFrame) -> Any:
    """What each factor did to velocity, as a change alone; returns Axes. ``parts``: VELOCITY, all known."""
    chart = charts.axes(2.2, grid="x")
    words = {"deals": "deals created", "win_rate": "win rate", "amount_base": "amount", "cycle_days": "cycle"}
    change = np.expm1(parts["log_change"])
    colours = [charts.GREEN if value >= 0 else charts.VERMILION for value in change]
    chart.barh(range(len(parts)), change, color=colours, height=0.6)
    for place, value in enumerate(change):
        chart.text(max(value, 0), place, f" {value:+.0%}", va="center", fontsize=9)
    chart.set_yticks(range(len(parts)), parts["factor"].map(words))
    chart.invert_yaxis()
    charts.percent_axis(chart)
    whole = float(np.expm1(parts["log_change"].sum()))
    return charts.say(
        chart, f"Velocity moved {whole:+.0%} in a year", x="Of it by each factor alone; they multiply"
    )
