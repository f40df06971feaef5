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
        One row per value of ``by`` with a cost: ``leads``, ``wins`` and ``won_base`` within the horizon,
        ``cost_base``, ``cost_per_lead``, ``roi`` with ``roi_low``, ``roi_high`` (bootstrap over leads),
        ``immature_base`` (cost of months too young), ``why`` where roi is missing (under 5 wins, or no cost).
    """
    known = leads[leads["created_at"].notna()]
    month = calendar.assign(known["created_at"].dt.tz_localize(None), "month")
    ends = {p: pd.Timestamp(calendar.bounds(p)[1]).tz_localize("UTC") for p in month.dropna().unique()}
    ripe_months = {p for p, end in ends.items() if end + pd.Timedelta(days=horizon_days) <= end_of(as_of)}
    won = known["won_at"].notna() & (days_between(known["created_at"], known["won_at"]) <= horizon_days)
    value = known["opportunity_id"].map(amounts).where(won)
    frame = pd.DataFrame(
        {by: known[by], "month": month, "won": won & value.notna(), "value": value.fillna(0.0)}
    )
    rng, rows = np.random.default_rng(seed), []
    for name, spent in costs.groupby(by):
        ripe = spent["period"].isin(ripe_months)
        cost = float(spent.loc[ripe, "cost_base"].sum())
        months = set(spent.loc[ripe & spent["cost_base"].gt(0), "period"])
        mine = frame[(frame[by] == name) & frame["month"].isin(months)]
        wins, money = int(mine["won"].sum()), float(mine["value"].sum())
        why = (
            ""
            if wins >= MIN_WINS and cost > 0
            else f"{wins} wins, {MIN_WINS} needed"
            if cost > 0
            else "no cost"
        )
        roi = low = high = np.nan
        if not why:
            drawn = _resampled(mine.loc[mine["won"], "value"].to_numpy(), rng, draws) / cost - 1
            roi = money / cost - 1
            low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
        rows.append(
            {
                by: name,
                "leads": len(mine),
                "wins": wins,
                "won_base": money,
                "cost_base": cost,
                "cost_per_lead": cost / len(mine) if len(mine) else np.nan,
                "roi": roi,
                "roi_low": low,
                "roi_high": high,
                "immature_base": float(spent.loc[~ripe, "cost_base"].sum()),
                "why": why,
            }
        )
    return pd.DataFrame(rows, columns=[by, *COLUMNS]).sort_values(
        "cost_base", ascending=False, ignore_index=True
    )


def _resampled(values: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Sums of a Poisson bootstrap: leads that were not won add nothing, whatever their number."""
    return rng.poisson(1.0, (draws, len(values))) @ values
