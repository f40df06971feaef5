"""What a source's spend came back as, with the range that few wins leave."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.leads.lifecycle import days_between, end_of

COLUMNS = [
    "leads",
    "wins",
    "won_base",
    "cost_base",
    "cost_per_lead",
    "roi",
    "roi_low",
    "roi_high",
    "immature_base",
    "won_deals",
    "won_per_deal",
    "cost_per_deal",
    "cost_per_deal_low",
    "cost_per_deal_high",
    "why",
]
MIN_WINS = 5


def return_on_spend(
    leads: pd.DataFrame,
    costs: pd.DataFrame,
    amounts: pd.Series,
    as_of,
    calendar,
    *,
    by: str = "source",
    horizon_days: float = 180,
    level: float = 0.9,
    seed: int = 7,
    draws: int = 2000,
) -> pd.DataFrame:
    """Won amount ÷ cost − 1 of the months whose leads have all had ``horizon_days`` to be won.

    Parameters
    ----------
    leads
        ``created_at``, ``won_at``, ``opportunity_id`` and ``by``.
    costs
        ``period`` (fiscal month), ``cost_base`` and ``by``.
    amounts
        opportunity_id → amount in the reporting currency.
    calendar
        The fiscal calendar that names the months.

    Returns
    -------
    DataFrame
        One row per value of ``by`` with a cost: ``leads``, ``wins`` and ``won_base`` within the horizon
        (deals with an amount), ``cost_base``, ``cost_per_lead``, ``roi`` with ``roi_low``, ``roi_high``
        (bootstrap over deals), ``immature_base`` (cost of months too young), ``won_deals`` (also those whose
        amount nobody knows), ``won_per_deal`` (mean amount), the columns of :func:`cost_of_a_deal`, ``why``
        where roi is missing (under 5 wins, or no cost). Several leads of one deal are one deal of a source.
    """
    known = leads[leads["created_at"].notna()].sort_values("created_at", kind="stable")
    month = calendar.assign(known["created_at"].dt.tz_localize(None), "month")
    ends = {p: pd.Timestamp(calendar.bounds(p)[1]).tz_localize("UTC") for p in month.dropna().unique()}
    ripe_months = {p for p, end in ends.items() if end + pd.Timedelta(days=horizon_days) <= end_of(as_of)}
    won = _won_once(known, by, horizon_days)
    value = known["opportunity_id"].map(amounts).where(won)
    frame = pd.DataFrame(
        {by: known[by], "month": month, "deal": won, "won": won & value.notna(), "value": value.fillna(0.0)}
    )
    rng, rows = np.random.default_rng(seed), []
    for name, spent in costs.groupby(by):
        ripe = spent["period"].isin(ripe_months)
        months = set(spent.loc[ripe & spent["cost_base"].gt(0), "period"])
        mine = frame[(frame[by] == name) & frame["month"].isin(months)]
        cost, young = (float(spent.loc[part, "cost_base"].sum()) for part in (ripe, ~ripe))
        rows.append({by: name, **_returned(mine, cost, rng, level, draws), "immature_base": young})
    return pd.DataFrame(rows, columns=[by, *COLUMNS]).sort_values(
        "cost_base", ascending=False, ignore_index=True
    )


def _returned(mine: pd.DataFrame, cost: float, rng, level: float, draws: int) -> dict:
    """What one source's leads of the months paid for brought, for their cost."""
    wins, money, deals = int(mine["won"].sum()), float(mine["value"].sum()), int(mine["deal"].sum())
    why = "" if cost > 0 else "no cost"
    if cost > 0 and wins < MIN_WINS:
        why = f"{wins} wins, {MIN_WINS} needed"
    roi = low = high = np.nan
    if not why:
        drawn = _resampled(mine.loc[mine["won"], "value"].to_numpy(), rng, draws) / cost - 1
        roi = money / cost - 1
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return {
        "leads": len(mine),
        "wins": wins,
        "won_base": money,
        "cost_base": cost,
        "cost_per_lead": cost / len(mine) if len(mine) else np.nan,
        "roi": roi,
        "roi_low": low,
        "roi_high": high,
        "won_deals": deals,
        "won_per_deal": money / wins if wins else np.nan,
        **cost_of_a_deal(cost, deals, level),
        "why": why,
    }


def _won_once(leads: pd.DataFrame, by: str, horizon_days: float) -> pd.Series:
    """Whether a lead was won in time; of a deal with several leads of one source only the first counts."""
    won = leads["won_at"].notna() & (days_between(leads["created_at"], leads["won_at"]) <= horizon_days)
    mine = leads[won & leads["opportunity_id"].notna()]
    again = mine.index[mine.duplicated([by, "opportunity_id"])]
    return won & ~leads.index.isin(again)


def cost_of_a_deal(cost: float, deals: int, level: float = 0.9) -> dict[str, float]:
    """``cost_per_deal``, ``cost_per_deal_low`` and ``cost_per_deal_high`` in the unit of ``cost``.

    Deals come as a Poisson count, so the range is the cost over the ends of Garwood's exact interval.
    Without a deal only the low end is known: it costs at least that much. All missing without a cost.

    Source: Garwood (1936), *Biometrika* 28, 437–442.
    """
    from scipy.special import gammaincinv

    if not cost > 0:
        return dict.fromkeys(["cost_per_deal", "cost_per_deal_low", "cost_per_deal_high"], np.nan)
    most = float(gammaincinv(deals + 1, (1 + level) / 2))
    least = float(gammaincinv(deals, (1 - level) / 2)) if deals else 0.0
    return {
        "cost_per_deal": cost / deals if deals else np.nan,
        "cost_per_deal_low": cost / most,
        "cost_per_deal_high": cost / least if deals else np.nan,
    }


def _resampled(values: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Sums of a Poisson bootstrap: leads that were not won add nothing, whatever their number."""
    return rng.poisson(1.0, (draws, len(values))) @ values
