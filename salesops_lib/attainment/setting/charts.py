"""A quota plan in pictures: each title says the finding, each axis its unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from salesops_lib.attainment.setting.simulation import Simulation
from salesops_lib.core import charts
from salesops_lib.core.charts import percent, short_money

_MOST = 24  # bars that still can be read


def target_ranges(levels: pd.DataFrame) -> Any:
    """Simulated bookings ÷ target of the company and its teams, P10 to P90, with the chance; returns Axes.

    ``levels``: columns of ``outputs.QUOTA_LEVELS``.
    """
    rows = levels[levels["level"] != "region"]
    teams = rows[rows["level"] == "team"].sort_values("p_target").head(_MOST)
    rows = pd.concat([teams, rows[rows["level"] == "company"]])
    chart = charts.axes(1.5 + 0.36 * max(len(rows), 2))
    at = np.arange(len(rows))
    colours = [charts.BLUE if v == "company" else charts.SKY for v in rows["level"]]
    chart.hlines(at, rows["attainment_low"], rows["attainment_high"], color=colours, lw=5)
    chart.plot(rows["attainment_mid"], at, "o", color=charts.BLACK, ms=6)
    chart.axvline(1, color=charts.VERMILION, lw=1.5)
    for y, edge, chance in zip(at, rows["attainment_high"], rows["p_target"], strict=True):
        charts.label(chart, edge, y, percent(chance), fontweight="bold")
    names = [
        f"{n} ({s})" if v != "company" else f"Company ({s})"
        for n, s, v in zip(rows["holder_id"], rows["seats"], rows["level"], strict=True)
    ]
    chart.set_yticks(at, names, parse_math=False)
    charts.percent_axis(chart)
    chart.set_xlim(
        min(0.6, float(rows["attainment_low"].min()) - 0.05), float(rows["attainment_high"].max()) + 0.12
    )
    company = rows.iloc[-1]
    even = int((teams["p_target"] >= 0.5).sum())
    title = (
        f"The company reaches its target with a chance of {percent(company['p_target'])}; "
        f"{even} of {len(teams)} teams, with 50 % or more"
    )
    return charts.say(
        chart, title, x="Bookings ÷ target: middle and 80 % range of the draws; bold: chance; red: target"
    )


def bridge_steps(bridge: pd.DataFrame) -> Any:
    """Waterfall from last year's bookings to capacity and target; returns Axes.

    ``bridge``: columns of ``outputs.CAPACITY_BRIDGE``.
    """
    rows = bridge.sort_values("position")
    chart = charts.axes(1.3 + 0.42 * len(rows))
    level = 0.0
    edges = []
    for y, row in zip(range(len(rows))[::-1], rows.to_dict("records"), strict=True):
        amount = float(row["amount_base"])
        if row["kind"] == "total":
            level, start = amount, 0.0
            chart.barh(y, amount, color=charts.BLUE, height=0.6)
        elif row["step"].startswith("Gap"):
            start = level - amount
            chart.barh(y, amount, left=start, color=charts.ORANGE if amount < 0 else charts.GREEN, height=0.6)
        else:
            start, level = level, level + amount
            chart.barh(
                y, amount, left=start, color=charts.VERMILION if amount < 0 else charts.GREEN, height=0.6
            )
        edges.append(max(start, level))
        sign = "+" if row["kind"] == "change" and amount > 0 else ""
        charts.label(chart, max(start, level), y, f"{sign}{short_money(amount)}")
    chart.set_yticks(range(len(rows))[::-1], list(rows["step"]), parse_math=False)
    charts.money_axis(chart)
    chart.set_xlim(0, max(edges) * 1.12)
    total = rows.set_index("step")["amount_base"].astype("float64")
    ratio = total["Bottom-up capacity"] / total["Top-down target"]
    return charts.say(chart, f"The seats can carry {percent(ratio)} of the target", x="Money of the year")


def share_histogram(drawn: Simulation, low: float, high: float) -> Any:
    """Distribution of the share of reps at quota over the draws, with the policy's band; returns Axes."""
    chart = charts.axes(3.2, grid="y")
    steps = np.arange(0, 1.0001, 0.05)
    counts, edges = np.histogram(drawn.share, bins=steps)
    inside = float(((drawn.share >= low) & (drawn.share <= high)).mean())
    chart.axvspan(low, high, color=charts.LIGHT, alpha=0.6, lw=0)
    chart.bar(edges[:-1], counts / drawn.draws, width=0.047, align="edge", color=charts.BLUE)
    charts.percent_axis(chart)
    charts.percent_axis(chart, "y")
    title = f"In {percent(inside)} of the draws {percent(low)} to {percent(high)} of the reps reach quota"
    return charts.say(
        chart, title, x="Share of reps at quota; grey: the band policy asks for", y="Share of draws"
    )


def quotas_by_group(reps: pd.DataFrame, cap: float) -> Any:
    """Every quota at full strength ÷ the median of its role and segment; returns Axes.

    ``reps``: columns of ``outputs.QUOTA_PROPOSAL``; groups without a median are left out.
    """
    rows = reps[reps["over_median"].notna()]
    groups = rows.groupby("group")["over_median"].max().sort_values()
    chart = charts.axes(1.3 + 0.42 * max(len(groups), 2))
    for y, group in enumerate(groups.index):
        part = rows[rows["group"] == group]
        cut = part["capped"].astype(bool)
        for mask, colour in ((~cut, charts.BLUE), (cut, charts.ORANGE)):
            chart.plot(
                part.loc[mask, "over_median"], np.full(int(mask.sum()), y), "o", color=colour, ms=7, alpha=0.7
            )
    sizes = rows["group"].value_counts()
    chart.set_yticks(range(len(groups)), [f"{g} ({sizes[g]})" for g in groups.index], parse_math=False)
    chart.set_ylim(-0.6, max(len(groups), 2) - 0.4)
    chart.axvline(cap, color=charts.VERMILION, lw=1.5)
    charts.percent_axis(chart)
    cut = int(rows["capped"].astype(bool).sum())
    title = f"{cut} of {len(rows)} quotas are cut to {percent(cap)} of the median of their group"
    return charts.say(
        chart, title, x="Quota at full strength ÷ median of role and segment; red: cap; orange: cut"
    )
