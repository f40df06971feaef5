"""A close in pictures: from earned to paid, and pay month by month against bookings."""

from __future__ import annotations

from typing import Any

import pandas as pd

from salesops_lib.compensation.close.books import MOVES
from salesops_lib.compensation.close.payslip import WORDS
from salesops_lib.core import charts
from salesops_lib.core.charts import percent, short_money

_SHOWN = 24


def earned_to_paid(payments: pd.DataFrame, period: str, currency: str) -> Any:
    """The moves from what is earned to what is paid, each bar where the one before ended; returns Axes.

    ``payments``: columns of ``books.PAYMENT``, one currency.
    """
    sums = {m: payments[m].sum() / 100 for m in MOVES}
    steps = [(WORDS[m], v) for m, v in sums.items() if v or m == "earned"]
    chart = charts.axes(1.2 + 0.45 * (len(steps) + 1), grid="x")
    at = 0.0
    for place, (_words, value) in enumerate(steps):
        colour = charts.BLUE if place == 0 else charts.GREEN if value > 0 else charts.VERMILION
        chart.barh(place, value, left=at, color=colour, height=0.6)
        charts.label(chart, max(at, at + value), place, short_money(value))
        at += value
    chart.barh(len(steps), at, color=charts.BLACK, height=0.6)
    charts.label(chart, max(at, 0), len(steps), short_money(at))
    chart.set_yticks(range(len(steps) + 1), [*(w for w, _ in steps), "Paid"])
    chart.invert_yaxis()
    charts.money_axis(chart)
    earned = sums["earned"]
    title = f"{period}: {short_money(at)} {currency} paid of {short_money(earned)} earned"
    return charts.say(chart, title, x=f"{currency}")


def by_month(history: pd.DataFrame, currency: str) -> Any:
    """Earned by month, posted months in blue, the others grey; returns Axes.

    ``history``: ``outputs.HISTORY``; the last two years are shown.
    """
    rows = history.tail(_SHOWN)
    chart = charts.axes(3.2, grid="y")
    colours = [charts.BLUE if posted else charts.GREY for posted in rows["posted"]]
    chart.bar(range(len(rows)), rows["earned"].astype("float64"), color=colours, width=0.75)
    step = max(1, len(rows) // 8)
    chart.set_xticks(range(0, len(rows), step), rows["closes"].tolist()[::step])
    charts.money_axis(chart, "y")
    rates = rows["rate"].astype("float64").dropna()
    told = f"{percent(rates.iloc[-1])} of three months' bookings" if len(rates) else "of bookings not known"
    return charts.say(chart, f"Earned by month; the last: {told} (grey: not posted)", y=f"Earned, {currency}")
