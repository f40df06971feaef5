"""Measures of the pipeline: three win rates, the own probability of each stage, what became of value due.

Every ratio comes with its numerator and denominator, and is missing where the denominator is 0. No
probability is the CRM's: all are what became of the company's own deals at this point of past periods.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.core.stats import proportion_interval
from salesops_lib.core.survival import incidence
from salesops_lib.forecasting.deals.known import LOST, WON, known_on
from salesops_lib.forecasting.deals.panel import UNKNOWN_DAY, ordinal
from salesops_lib.forecasting.deals.pipeline import Prepared
from salesops_lib.forecasting.flow.coverage import coverage
from salesops_lib.forecasting.flow.past_due import by_stage, past_due, valued

__all__ = ["coverage", "due_by_period", "stage_probabilities", "win_rates"]

PROVISIONAL = 0.2  # share of a cohort open and younger than the horizon, above which its rate is provisional


def win_rates(prepared: Prepared, day: date, start: date, end: date, *, level: float = 0.9) -> pd.DataFrame:
    """Win rate by count, by value and by created cohort, with what each is a share of.

    ``by_count`` and ``by_value``: deals closed in ``[start, end)``, won ÷ (won + lost). Where losses come
    sooner than wins they judge young pipelines too harshly and are moved by how many deals were created when.
    ``by_cohort``: deals created in ``[start, end)``, won by the age all of them have had the time to reach or
    the oldest age with anyone left (cumulative incidence, open deals censored, late entry).

    Returns
    -------
    DataFrame
        ``name``, ``rate``, ``low``, ``high`` (at ``level``; by value missing: amounts are not trials),
        ``numerator``, ``denominator``, ``unit``, ``open`` (deals of the cohort still open),
        ``horizon_days``, ``method``, ``provisional``.
    """
    deals = known_on(prepared.log, day)
    low, high = pd.Timestamp(start), pd.Timestamp(end)
    closed = deals["outcome"].isin([WON, LOST]) & deals["close_date"].ge(low) & deals["close_date"].lt(high)
    part = deals[closed]
    won = part["outcome"] == WON
    rows = [_by_count(int(won.sum()), len(part), level), _by_value(part["amount_base"], won)]
    created = deals["created_date"].ge(low) & deals["created_date"].lt(high)
    rows.append(_by_cohort(prepared, deals[created], ordinal(day), level))
    return pd.DataFrame(rows)


def stage_probabilities(prepared: Prepared, day: date) -> pd.DataFrame:
    """What became of open deals due in their period, by stage, at this point of past periods.

    Returns one row per stage: ``stage``, ``n`` (deals at past landmarks), ``won`` (in that period),
    ``probability``, ``low``, ``high`` (Wilson, 90 %), ``due_base``, ``won_base``, ``value_rate``; the row
    with stage ``(all)`` is over all of them. Empty where no past period can be looked at.
    """
    return by_stage(past_due(prepared, ordinal(day)))


def due_by_period(prepared: Prepared, day: date) -> pd.DataFrame:
    """What became of open value due in past periods, seen at this point of each and ten days on either side.

    Returns one row per past period: ``period_start``, ``n`` (deals of known value, once at each point),
    ``due_base``, ``won_base`` (what they brought in that period). Σ won ÷ Σ due is the ``value_rate`` of all
    stages in
    :func:`stage_probabilities`. Empty where no past period can be looked at.
    """
    found = valued(past_due(prepared, ordinal(day)))
    found = found.assign(became=found["became"].where(found["won"].astype(bool), 0.0))
    groups = found.groupby("period_start", sort=True)
    made = pd.DataFrame(
        {"n": groups.size(), "due_base": groups["amount"].sum(), "won_base": groups["became"].sum()}
    ).reset_index()
    return made.assign(period_start=pd.to_datetime(made["period_start"], unit="D"))


def _by_count(won: int, n: int, level: float) -> dict:
    interval = proportion_interval(won, n, level)
    return _rate("by_count", won, n, "deals closed", interval, "won ÷ (won + lost), Wilson interval")


def _by_value(amount: pd.Series, won: pd.Series) -> dict:
    known = amount.notna()
    got, all_ = float(amount[known & won].sum()), float(amount[known].sum())
    return _rate("by_value", got, all_, "value of deals closed", None, "value won ÷ (won + lost)")


def _rate(name: str, numerator: float, denominator: float, unit: str, interval, method: str) -> dict:
    return {
        "name": name, "rate": numerator / denominator if denominator > 0 else np.nan,
        "low": interval.low if interval else np.nan, "high": interval.high if interval else np.nan,
        "numerator": numerator, "denominator": denominator, "unit": unit, "open": np.nan,
        "horizon_days": np.nan, "method": method, "provisional": False,
    }  # fmt: skip


def _by_cohort(prepared: Prepared, deals: pd.DataFrame, day: int, level: float) -> dict:
    paths = prepared.paths
    at = deals["deal"].to_numpy(dtype="int64")
    first = np.full(len(paths.created), np.iinfo("int64").max)
    np.minimum.at(first, paths.deal, paths.day)
    born = paths.created[at]
    last = paths.last_at(day)
    last = last[np.searchsorted(paths.deal[last], at)] if len(at) else last[:0]
    event = np.where(paths.outcome[last] < 0, 0, paths.outcome[last])
    ended = np.where(event > 0, np.minimum(paths.day[last], np.maximum(paths.close[last], born)), day)
    entry = np.maximum(np.maximum(first[at], paths.opens(day)) - born, 0) - 0.5
    gone = np.maximum(ended - born, 0)
    kept = (gone > entry) & (born != UNKNOWN_DAY)
    method = "cumulative incidence (Aalen–Johansen), open deals censored"
    row = _rate("by_cohort", np.nan, float(kept.sum()), "deals created", None, method)
    row["open"] = float((event[kept] == 0).sum())
    if not (event[kept] > 0).any():
        return row
    age, share, error, risk = incidence(entry[kept], gone[kept].astype("float64"), event[kept])
    followed = np.flatnonzero(risk >= MIN_AT_RISK)
    if not followed.size:
        return row
    at_age = followed[-1]
    from scipy.special import ndtri

    rate, half = float(share[at_age]), float(ndtri((1 + level) / 2)) * float(error[at_age])
    young = float(((event[kept] == 0) & (gone[kept] < age[at_age])).mean())
    return row | {
        "rate": rate, "low": max(rate - half, 0.0), "high": min(rate + half, 1.0),
        "numerator": rate * kept.sum(), "horizon_days": float(age[at_age]),
        "provisional": young > PROVISIONAL,
    }  # fmt: skip


MIN_AT_RISK = 10  # deals still followed at an age; beyond it the curve is not read
