"""A plan's cost and its winners in pictures: each title says the finding, each axis its unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from salesops_lib.compensation.simulation.families import Family, pit
from salesops_lib.core import charts
from salesops_lib.core.charts import percent, short_money

COLOURS = {"old": charts.GREY, "new": charts.BLUE}
OTHER = {"old": "new", "new": "old"}
LABEL_GAP = 0.06  # of the axis, between the names of two lines
_MOST = 14  # plans or rows that still can be read


def cost_distribution(pay: dict[str, np.ndarray], cost: pd.DataFrame, currency: str) -> Any:
    """Incentive pay of the drawn years, old and new, with their P10 to P90 and the budget; returns Axes.

    ``pay``: variant → scenarios. ``cost``: ``outputs.COST``.
    """
    chart = charts.axes(3.6, grid="x")
    rows = cost.set_index("variant")
    low = min(np.quantile(p, 0.005) for p in pay.values())
    high = max(np.quantile(p, 0.995) for p in pay.values())
    edges = np.linspace(low, high, 61)
    tops = []
    for place, (variant, values) in enumerate(pay.items()):
        counts, _ = np.histogram(values, bins=edges)
        share = counts / len(values)
        tops.append(share.max())
        chart.stairs(share, edges, color=COLOURS[variant], lw=2, fill=False)
        y = -0.12 * max(tops) * (place + 1)
        chart.hlines(y, rows.loc[variant, "p10"], rows.loc[variant, "p90"], color=COLOURS[variant], lw=6)
        chart.plot(rows.loc[variant, "p50"], y, "o", color=charts.BLACK, ms=5)
        charts.label(chart, rows.loc[variant, "p90"], y, f"{variant}: P10, P50, P90")
    budget = float(rows.loc["new", "budget"])
    chart.axvline(budget, color=charts.VERMILION, lw=1.5)
    charts.label(chart, budget, max(tops), f"budget {short_money(budget)}", offset=(4, 0))
    chart.set_ylim(-0.42 * max(tops), 1.1 * max(tops))
    chart.set_yticks([])
    charts.money_axis(chart)
    new = rows.loc["new"]
    title = (
        f"The new plans cost {short_money(new['p10'])} to {short_money(new['p90'])}, "
        f"{short_money(new['p50'])} in the "
        f"middle; chance over budget {percent(new['over_chance'])}"
    )
    return charts.say(chart, title, x=f"Incentive pay of the year, {currency}: share of drawn years")


def winners(seats: pd.DataFrame) -> Any:
    """Change of every seat's expected pay by plan; returns Axes. ``seats``: ``outputs.SEATS``."""
    rows = seats[seats["change_share"].notna()]
    plans = sorted(rows["plan_id"].unique())[:_MOST]
    chart = charts.axes(1.3 + 0.5 * max(len(plans), 2))
    for y, plan in enumerate(plans):
        part = rows[rows["plan_id"] == plan].sort_values("change_share")
        spread = (np.arange(len(part)) % 5 - 2) * 0.09
        for word, colour in (("wins", charts.GREEN), ("loses", charts.VERMILION), ("same", charts.GREY)):
            mask = (part["outcome"] == word).to_numpy()
            chart.plot(part.loc[mask, "change_share"], y + spread[mask], "o", color=colour, ms=6, alpha=0.75)
    sizes = rows["plan_id"].value_counts()
    chart.set_yticks(range(len(plans)), [f"{p} ({sizes[p]})" for p in plans], parse_math=False)
    chart.set_ylim(-0.6, max(len(plans), 2) - 0.4)
    chart.axvline(0, color=charts.BLACK, lw=1)
    charts.percent_axis(chart)
    wins, lost = (int((rows["outcome"] == w).sum()) for w in ("wins", "loses"))
    change = float(rows["change"].sum())
    title = (
        f"{wins} of {len(rows)} seats win, {lost} lose; the company pays {short_money(abs(change))} "
        f"{'more' if change > 0 else 'less'}"
    )
    return charts.say(chart, title, x="Expected pay under the new plan ÷ old − 1, one dot a seat")


def deciles(rows: pd.DataFrame) -> Any:
    """Change of pay by tenth of attainment; returns Axes. ``rows``: ``outputs.DECILES``."""
    chart = charts.axes(3.2, grid="y")
    colours = [charts.GREEN if c > 0 else charts.VERMILION for c in rows["change"]]
    chart.bar(rows["decile"].astype(int), rows["change"], color=colours, width=0.8)
    chart.axhline(0, color=charts.BLACK, lw=1)
    names = [f"{d}\n{percent(a)}" for d, a in zip(rows["decile"], rows["attained"], strict=True)]
    chart.set_xticks(rows["decile"].astype(int), names, parse_math=False)
    charts.money_axis(chart, "y")
    low, high = float(rows["change"].iloc[0]), float(rows["change"].iloc[-1])
    word = "gains" if high > 0 else "loses"
    title = (
        f"The weakest tenth {'gains' if low > 0 else 'loses'} {short_money(abs(low))} a seat and year, the "
        f"strongest {word} {short_money(abs(high))}"
    )
    return charts.say(
        chart, title, x="Tenth of drawn seat-years by attainment, mean attainment below", y="Change of pay"
    )


def at_levels(levels: pd.DataFrame, budget: float) -> Any:
    """Expected pay by company attainment, with its spread; returns Axes. ``levels``: ``outputs.AT_LEVEL``."""
    chart = charts.axes(3.2, grid="y")
    for variant in ("old", "new"):
        part = levels[levels["variant"] == variant].sort_values("attained")
        chart.plot(part["attained"], part["pay"], "-o", color=COLOURS[variant], lw=2, ms=5)
        chart.fill_between(
            part["attained"], part["pay"] - part["pay_sd"], part["pay"] + part["pay_sd"],
            color=COLOURS[variant], alpha=0.12, lw=0,
        )  # fmt: skip
        other = levels[levels["variant"] == OTHER[variant]].sort_values("attained")
        aside = _beside(part["pay"].iloc[-1], other["pay"].iloc[-1], variant)
        charts.label(chart, part["attained"].iloc[-1], part["pay"].iloc[-1], variant, offset=aside)
    chart.axhline(budget, color=charts.VERMILION, lw=1.5)
    charts.percent_axis(chart)
    charts.money_axis(chart, "y")
    new = levels[levels["variant"] == "new"].sort_values("attained")
    low, high = new.iloc[0], new.iloc[-1]
    title = (
        f"From {percent(low['attained'])} to {percent(high['attained'])} of quota the new plans cost "
        f"{short_money(low['pay'])} to {short_money(high['pay'])}; CCOS {100 * low['ccos']:.1f} to "
        f"{100 * high['ccos']:.1f} %"
    )
    return charts.say(
        chart, title, x="Company attainment; band: one standard deviation; red: budget", y="Incentive pay"
    )


def payout_curves(points: pd.DataFrame) -> Any:
    """Payout by attainment of the main measure, new solid, old dashed; returns Axes."""
    chart = charts.axes(3.8, grid="y")
    plans, ends = sorted(points["plan_id"].unique())[: len(charts.PALETTE)], []
    for plan, colour in zip(plans, charts.PALETTE, strict=False):
        for variant, style in (("old", "--"), ("new", "-")):
            part = points[(points["plan_id"] == plan) & (points["variant"] == variant)]
            chart.plot(part["attained"], part["pay"], style, color=colour, lw=2 if variant == "new" else 1.3)
        ends.append((float(part["pay"].iloc[-1]), plan, colour))
    below = -np.inf
    for pay, plan, colour in sorted(ends):
        below = max(pay, below + LABEL_GAP * float(points["pay"].max()))
        charts.label(chart, float(points["attained"].max()), below, plan, color=colour)
    chart.axvline(1, color=charts.LIGHT, lw=1)
    chart.axhline(1, color=charts.LIGHT, lw=1)
    chart.set_xlim(0, 2.5)
    chart.set_xticks(np.arange(0, 2.01, 0.25))
    charts.percent_axis(chart)
    charts.percent_axis(chart, "y")
    top = points[(points["variant"] == "new") & np.isclose(points["attained"], 1.5)]
    said = ""
    if len(top):
        best = top.loc[top["pay"].idxmax()]
        said = f"; {best['plan_id']} pays {percent(best['pay'])} of target at 150 % of quota"
    return charts.say(
        chart, f"Payout curves, new (solid) and old (dashed){said}",
        x="Attainment of the main measure in every period, others at target", y="Pay ÷ target",
    )  # fmt: skip


def change_steps(rows: pd.DataFrame) -> Any:
    """From the old plans' cost to the new ones', and behaviour beside it; returns Axes."""
    shown = rows[rows["kind"] != "total"]
    totals = rows[rows["kind"] == "total"].set_index("part")["pay"]
    chart = charts.axes(1.2 + 0.42 * len(shown))
    at = np.arange(len(shown))[::-1]
    for y, row in zip(at, shown.to_dict("records"), strict=True):
        colour = charts.ORANGE if row["kind"] == "scenario" else charts.BLUE
        chart.barh(y, row["pay"], color=colour, height=0.6)
        sign = "+" if row["pay"] > 0 else "−"
        charts.label(chart, max(row["pay"], 0), y, f"{sign}{short_money(abs(row['pay']))}")
    chart.axvline(0, color=charts.BLACK, lw=1)
    chart.set_yticks(at, list(shown["part"]), parse_math=False)
    charts.money_axis(chart)
    wide = max(abs(float(shown["pay"].min())), abs(float(shown["pay"].max())), 1.0)
    chart.set_xlim(
        min(float(shown["pay"].min()), 0) - 0.1 * wide, max(float(shown["pay"].max()), 0) + 0.25 * wide
    )
    change = float(totals["new"] - totals["old"])
    title = (
        f"The new plans cost {short_money(abs(change))} {'more' if change > 0 else 'less'} than the old "
        "on the same draws"
    )
    return charts.say(
        chart, title, x="Change of expected pay; orange: behaviour if it came, not in the figures"
    )


def tornado(rows: pd.DataFrame) -> Any:
    """P90 of the new plans' pay as each assumption moves; returns Axes. ``rows``: ``outputs.TORNADO``."""
    shown = rows.head(_MOST)
    chart = charts.axes(1.3 + 0.42 * max(len(shown), 2))
    base = float(shown["p90"].iloc[0])
    at = np.arange(len(shown))[::-1]
    for y, row in zip(at, shown.to_dict("records"), strict=True):
        for side, colour in (("low", charts.SKY), ("high", charts.BLUE)):
            chart.barh(y, row[f"p90_{side}"] - base, left=base, color=colour, height=0.55)
    names = [f"{r['assumption']}: {r['low']:.2f} to {r['high']:.2f}" for r in shown.to_dict("records")]
    chart.set_yticks(at, names, parse_math=False)
    chart.axvline(base, color=charts.BLACK, lw=1)
    charts.money_axis(chart)
    top = shown.iloc[0]
    title = (
        f"P90 of {short_money(base)} hangs most on {top['assumption']}: by up to {short_money(top['swing'])}"
    )
    return charts.say(chart, title, x="P90 of the new plans' pay; light: low value, dark: high value")


def accrual(rows: pd.DataFrame) -> Any:
    """Expected pay earned by month, running; returns Axes. ``rows``: ``outputs.ACCRUAL``."""
    chart = charts.axes(3.0, grid="y")
    for variant in ("old", "new"):
        to_date, other = rows[f"to_date_{variant}"], rows[f"to_date_{OTHER[variant]}"]
        aside = _beside(to_date.iloc[-1], other.iloc[-1], variant)
        chart.plot(rows["month"].astype(int), to_date, "-o", color=COLOURS[variant], lw=2, ms=4)
        charts.label(chart, 12, to_date.iloc[-1], variant, offset=aside)
    chart.set_xticks(range(1, 13))
    chart.set_xlim(0.5, 13)
    charts.money_axis(chart, "y")
    last = float(rows["accrued_new"].tail(3).sum() / rows["accrued_new"].sum())
    return charts.say(
        chart, f"{percent(last)} of the new plans' pay is earned in the year's last three months",
        x="Month of the fiscal year", y="Earned to date",
    )  # fmt: skip


def probability_plot(shapes: dict[str, Family], values: dict[str, np.ndarray]) -> Any:
    """PIT of past attainment under each role's shape: on the diagonal if it fits; returns Axes."""
    chart = charts.axes(4.0)
    chart.plot([0, 1], [0, 1], color=charts.LIGHT, lw=1)
    worst = 0.0
    for (role, family), colour in zip(shapes.items(), charts.PALETTE, strict=False):
        u = np.sort(pit(family, values[role]))
        even = (np.arange(len(u)) + 0.5) / len(u)
        worst = max(worst, float(np.abs(u - even).max()))
        chart.plot(even, u, color=colour, lw=1.5, label=f"{role}: {family.name} (n {len(u)})")
    charts.percent_axis(chart)
    charts.percent_axis(chart, "y")
    chart.legend(loc="upper left", fontsize=9)
    return charts.say(
        chart, f"No shape is more than {percent(worst)} off the past", x="Share of rep-periods, ranked",
        y="Probability under the shape",
    )  # fmt: skip


def _beside(own: float, other: float, variant: str) -> tuple[int, int]:
    """Where a line's name stands: above the higher of two ends, below the lower; new above where alike."""
    return (5, 5) if own > other or (own == other and variant == "new") else (5, -9)
