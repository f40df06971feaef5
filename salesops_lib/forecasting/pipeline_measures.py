"""Measures of the pipeline: three win rates, the own probability of each stage, weighted value, coverage.

Every ratio comes with its numerator and denominator, and is missing where the denominator is 0. No
probability is the CRM's: all are what became of the company's own deals at this point of past periods.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.core.stats import proportion_interval
from salesops_lib.core.survival import incidence
from salesops_lib.forecasting.known import LOST, OPEN, WON, known_on, placed
from salesops_lib.forecasting.panel import UNKNOWN_DAY, landmarks, ordinal
from salesops_lib.forecasting.pipeline import Prepared
from salesops_lib.forecasting.shocks import period_starts

LEVELS = {"company": None, "region": "region", "team": "team", "rep": "owner_id", "segment": "segment"}
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
    found = _past_due(prepared, ordinal(day))
    if found.empty:
        return pd.DataFrame(columns=["stage", "n", "won", "probability", "low", "high", *_VALUES])
    every = pd.concat([found, found.assign(stage="(all)")], ignore_index=True)
    rows = []
    for stage, part in every.groupby("stage", sort=True):
        n, won = len(part), int(part["won"].sum())
        interval = proportion_interval(won, n)
        due, got = float(part["amount"].sum()), float(part.loc[part["won"], "became"].sum())
        rows.append(
            {
                "stage": stage, "n": n, "won": won, "probability": won / n, "low": interval.low,
                "high": interval.high, "due_base": due, "won_base": got,
                "value_rate": got / due if due > 0 else np.nan,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def due_by_period(prepared: Prepared, day: date) -> pd.DataFrame:
    """What became of open value due in past periods, seen at this point of each and ten days on either side.

    Returns one row per past period: ``period_start``, ``n`` (deals, once at each point), ``due_base``,
    ``won_base`` (what they brought in that period). Σ won ÷ Σ due is the ``value_rate`` of all stages in
    :func:`stage_probabilities`. Empty where no past period can be looked at.
    """
    found = _past_due(prepared, ordinal(day))
    found = found.assign(became=found["became"].where(found["won"].astype(bool), 0.0))
    groups = found.groupby("period_start", sort=True)
    made = pd.DataFrame(
        {"n": groups.size(), "due_base": groups["amount"].sum(), "won_base": groups["became"].sum()}
    ).reset_index()
    return made.assign(period_start=pd.to_datetime(made["period_start"], unit="D"))


_VALUES = ["due_base", "won_base", "value_rate"]


def coverage(prepared: Prepared, day: date, targets: pd.DataFrame) -> pd.DataFrame:
    """Open value due in the running period against what is left to the target, and what is needed.

    Parameters
    ----------
    targets
        ``level``, ``node_id``, ``target`` (reporting currency) of the period ``day`` falls in.

    Returns
    -------
    DataFrame
        Rows of ``targets`` with ``closed_base``, ``left_base`` (target − closed), ``open_base`` (due in the
        period; an overdue deal of it counts), ``coverage`` (open ÷ left; missing once nothing is left),
        ``needed`` (1 ÷ own win rate by value at this point of past periods), ``weighted_base``
        (Σ amount × own probability of its stage), ``n_open``, ``n_past``.
    """
    chances = stage_probabilities(prepared, day).set_index("stage")
    starts = period_starts(prepared.log.calendar, prepared.log.kind, ordinal(day), 1)
    made = targets.copy()
    if starts is None:
        names = ["closed_base", "left_base", "open_base", "coverage", "needed", "weighted_base", "n_open"]
        return made.assign(**dict.fromkeys(names, np.nan), n_past=0)
    low, high = (pd.Timestamp(int(s), unit="D") for s in starts)
    deals = known_on(prepared.log, day)
    due = deals[deals["close_date"].ge(low) & deals["close_date"].lt(high) & deals["amount_base"].notna()]
    held = placed(due[due["outcome"] == OPEN], prepared.reps, day)
    held = held.assign(weighted=held["amount_base"] * held["stage"].map(chances["probability"]))
    won = due[due["outcome"] == WON]
    won = placed(won, prepared.reps, won["close_date"])
    sums = pd.concat([_node_sums(prepared.company, held, won, level) for level in LEVELS])
    made = made.merge(sums, on=["level", "node_id"], how="left")
    made[["closed_base", "open_base", "weighted_base", "n_open"]] = made[
        ["closed_base", "open_base", "weighted_base", "n_open"]
    ].fillna(0.0)
    made["left_base"] = made["target"] - made["closed_base"]
    made["coverage"] = (made["open_base"] / made["left_base"]).where(made["left_base"] > 0)
    rate = float(chances["value_rate"].get("(all)", np.nan))
    made["needed"] = 1 / rate if rate > 0 else np.nan
    return made.assign(n_past=int(chances["n"].get("(all)", 0)))


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


def _past_due(prepared: Prepared, day: int) -> pd.DataFrame:
    """Open deals due in their period at past landmarks, and whether they were won in it."""
    paths, log = prepared.paths, prepared.log
    rows = []
    for off in (0, 10, -10):
        for mark in landmarks(prepared.cells, day, off):
            starts = period_starts(log.calendar, log.kind, int(mark), 1)
            if starts is None or starts[1] > day + 1 or mark < paths.opens(day):
                continue
            state = paths.open_at(int(mark))
            state = state[(paths.close[state] >= starts[0]) & (paths.close[state] < starts[1])]
            known = paths.end_known[state] <= day
            ended = np.maximum(paths.end_day[state], mark + 1)
            won = known & paths.end_won[state] & (ended < starts[1])
            stage = np.array([*paths.stages, "(unknown)"], dtype="object")[paths.stage[state]]
            amount = np.nan_to_num(paths.amount[state])
            became = np.nan_to_num(paths.end_amount[state])
            made = {"stage": stage, "amount": amount, "became": became, "won": won}
            rows.append(pd.DataFrame({**made, "period_start": int(starts[0])}))
    empty = pd.DataFrame({"stage": [], "amount": [], "became": [], "won": [], "period_start": []})
    return pd.concat(rows, ignore_index=True) if rows else empty


def _node_sums(company: str, held: pd.DataFrame, won: pd.DataFrame, level: str) -> pd.DataFrame:
    column = LEVELS[level]
    keys = [rows.assign(node_id=company if column is None else rows[column]) for rows in (held, won)]
    open_ = (
        keys[0]
        .groupby("node_id")
        .agg(
            open_base=("amount_base", "sum"),
            weighted_base=("weighted", "sum"),
            n_open=("amount_base", "size"),
        )
    )
    closed = keys[1].groupby("node_id")["amount_base"].sum().rename("closed_base")
    return open_.join(closed, how="outer").reset_index().assign(level=level)
