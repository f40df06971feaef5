"""The simulation's first screen: cost against budget, chance of overspend, who wins and who loses."""

from __future__ import annotations

import pandas as pd

from salesops_lib.core.charts import percent, short_money

Card = tuple[str, str, str, str]


def cards(
    cost: pd.DataFrame, seats: pd.DataFrame, levels: pd.DataFrame, slopes: pd.DataFrame, currency: str
) -> list[Card]:
    """Label, value, range, note of four figures: cost, chance of overspend, winners and losers, CCOS.

    ``cost``: ``outputs.COST``; ``seats``: ``outputs.SEATS``; ``levels``: ``outputs.AT_LEVEL``; ``slopes``:
    :func:`cost.lifted`.
    """
    rows = cost.set_index("variant")
    new, old = rows.loc["new"], rows.loc["old"]
    wins, lost = (int((seats["outcome"] == word).sum()) for word in ("wins", "loses"))
    change = float(seats["change"].sum())
    at = levels[(levels["variant"] == "new") & (levels["attained"].round(6) == 1.0)].iloc[0]
    slope = slopes.set_index("variant").loc["new"]
    return [
        (
            "Incentive pay of the new plans",
            f"{short_money(new['p50'])} {currency}",
            f"P10 {short_money(new['p10'])} to P90 {short_money(new['p90'])}",
            f"budget {short_money(new['budget'])}; old plans {short_money(old['p50'])}",
        ),
        (
            "Chance of overspend",
            percent(new["over_chance"]),
            f"by {short_money(new['over_mean'])} on average",
            f"reserve P90 − P50: {short_money(new['reserve'])}",
        ),
        (
            "Seats that win · lose",
            f"{wins} · {lost}",
            f"of {len(seats)}; pay changes by {'+' if change > 0 else '−'}{short_money(abs(change))}",
            _most(seats),
        ),
        (
            "CCOS at 100 % of quota",
            f"{100 * float(at['ccos']):.1f} %",
            f"next dollar costs {100 * float(slope['per_sale']):.1f} ¢ of pay",
            "base + variable incl. SPIFFs ÷ credited sales",
        ),
    ]  # fmt: skip


def _most(seats: pd.DataFrame) -> str:
    """The plan that loses most."""
    by_plan = seats.groupby("plan_id")["change"].sum()
    if not len(by_plan) or by_plan.min() >= -0.5:
        return "no plan loses"
    return f"loses most: {by_plan.idxmin()}, −{short_money(-by_plan.min())}"
