"""What a plan can be found to cost, and whom it hits: judged before anybody signs it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.compensation.rules import Setting
from salesops_lib.compensation.simulation import rules
from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.findings import Finding, Interval
from salesops_lib.core.wording import signed_percent

WIDE = 1.6449  # normal quantile of a 90 % range
_METHOD = "Monte Carlo error, normal"


def overspend(setting: Setting, cost: pd.DataFrame, periods: int) -> list[Finding]:
    """P90 over budget and chance of overspend of the new plans. ``cost``: ``outputs.COST``.

    ``periods``: finished quarters known; UNKNOWN under four.
    """
    row = cost.set_index("variant").loc["new"]
    limit, chance_limit = setting.limit(rules.OVERSPEND), setting.limit(rules.CHANCE)
    value, error = float(row["over_p90"]), float(row["over_p90_error"])
    beyond = max(float(row["p90"]) - (1 + limit.value) * float(row["budget"]), 0.0)
    fine = value <= limit.value
    made = [
        rules.OVERSPEND.judge(
            scope={"plans": "new"}, value=_known(value), n=periods, limit=limit, as_of=setting.as_of,
            interval=_interval(value, error), money_at_stake=beyond,
            statement=f"In one year of ten incentive pay exceeds {short_money(row['p90'])} "
            f"{setting.currency}, "
            f"{percent(value)} over the budget of {short_money(row['budget'])}; the middle is "
            f"{short_money(row['p50'])}.",
            recommendation="Keep the budget." if fine else
            f"Cut the curve again, or budget {short_money(row['p50'])} and hold a reserve of "
            f"{short_money(row['reserve'])} beside it.",
        )
    ]  # fmt: skip
    chance, spread = float(row["over_chance"]), float(row["over_chance_error"])
    made.append(
        rules.CHANCE.judge(
            scope={"plans": "new"}, value=_known(chance), n=periods, limit=chance_limit, as_of=setting.as_of,
            interval=_interval(chance, spread, 0.0, 1.0), money_at_stake=float(row["over_mean"]),
            statement=f"Incentive pay exceeds its budget of {short_money(row['budget'])} "
            f"{setting.currency} with "
            f"a chance of {percent(chance)}, by {short_money(row['over_mean'])} on average over all years.",
            recommendation="Keep the budget." if chance <= chance_limit.value else
            f"Put {short_money(row['mean'])} into the budget, which is what the plans cost on average.",
        )
    )  # fmt: skip
    return made


def cost_of_sales(
    setting: Setting, levels: pd.DataFrame, slopes: pd.DataFrame, lift: float, periods: int
) -> list[Finding]:
    """CCOS at 100 % company attainment, and pay for the next dollar. ``levels``: ``outputs.AT_LEVEL``.

    ``slopes``: :func:`cost.lifted`; ``lift``: :func:`cost.break_even`.
    """
    at = levels[(levels["variant"] == "new") & np.isclose(levels["attained"], 1.0)].iloc[0]
    limit, value = setting.limit(rules.CCOS), float(at["ccos"])
    error = float(at["error"]) / float(at["sales"])
    found = [
        rules.CCOS.judge(
            scope={"plans": "new"}, value=_known(value), n=periods, limit=limit, as_of=setting.as_of,
            interval=_interval(value, error),
            money_at_stake=max(value - limit.value, 0.0) * float(at["sales"]),
            statement=f"At 100 % of quota a dollar of sales costs {100 * value:.1f} cents of pay: base "
            "salaries and "
            f"{short_money(at['pay'])} {setting.currency} of incentives on {short_money(at['sales'])} "
            "of sales.",
            recommendation="Keep pay mix and quotas." if value <= limit.value else
            "Review pay mix and quota per seat before the curve: base salaries weigh most.",
        )
    ]  # fmt: skip
    row = slopes.set_index("variant").loc["new"]
    limit, value = setting.limit(rules.PER_SALE), float(row["per_sale"])
    pays = (
        f"; the new plans pay for themselves from {signed_percent(lift, 1)} of sales"
        if np.isfinite(lift)
        else ""
    )
    found.append(
        rules.PER_SALE.judge(
            scope={"plans": "new"}, value=_known(value), n=periods, limit=limit, as_of=setting.as_of,
            interval=_interval(value, float(row["error"])),
            money_at_stake=max(value - limit.value, 0.0) * 0.01 * float(row["sales"]),
            statement=f"The next dollar of sales costs {100 * value:.1f} cents of incentive pay, the "
            "average one "
            f"{100 * float(row['pay']) / float(row['sales']):.1f}{pays}.",
            recommendation="Keep the accelerators." if value <= limit.value else
            "Lower the top rates, or raise the attainment they start at.",
        )
    )  # fmt: skip
    return found


def losers(setting: Setting, seats: pd.DataFrame) -> list[Finding]:
    """Seats that lose more than a tenth of their expected pay. ``seats``: ``outputs.SEATS``."""
    known = seats[seats["change_share"].notna()]
    fall = setting.value("loss_share")
    hit = known[known["change_share"] < -fall]
    limit, n = setting.limit(rules.LOSERS), len(known)
    value = len(hit) / n if n else None
    wins, lost = int((seats["outcome"] == "wins").sum()), int((seats["outcome"] == "loses").sum())
    most = ""
    if len(hit):
        counts = hit["plan_id"].value_counts()
        most = f", {counts.iloc[0]} of them on {counts.index[0]}"
    fine = value is None or value <= limit.value
    return [
        rules.LOSERS.judge(
            scope={"plans": "new"}, value=value, n=n, limit=limit, as_of=setting.as_of,
            money_at_stake=float(-hit["change"].sum()) if len(hit) else 0.0,
            statement=f"{len(hit)} of {n} seats lose more than {percent(fall)} of their expected pay{most}; "
            f"{wins} win and {lost} lose anything.",
            recommendation="Tell each seat its change before the letters." if fine else
            f"Pay relief for a quarter costs {short_money(float(-hit['change'].sum()) / 4)}; or keep "
            "the old curve "
            "where they stand.",
        )
    ]  # fmt: skip


def _interval(value: float, error: float, low: float = -np.inf, high: float = np.inf) -> Interval | None:
    if not (np.isfinite(value) and np.isfinite(error)):
        return None
    return Interval(max(value - WIDE * error, low), min(value + WIDE * error, high), 0.9, _METHOD)


def _known(value: float) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
