"""Commit: what submitters call, corrected for what each one's calls at this week have been worth.

A call at the same week of past periods is held against what then came in: log((booked + c) ÷ (called + c)),
with c a twentieth of the node's usual period, so that zeros count. Each submitter's mean is shrunk towards
the level's by empirical Bayes: three calls of a new manager move little, eleven alike move much. No past call
is corrected with its own outcome. How calls of many make a node's figure is in :mod:`rollup`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.core.periods import FiscalCalendar
from salesops_lib.forecasting.bookings import History
from salesops_lib.forecasting.calls import LEVELS, commit_category, point_day, standing
from salesops_lib.forecasting.pace import MIN_PERIODS
from salesops_lib.forecasting.rollup import Rolled, roll_up
from salesops_lib.forecasting.shrinkage import left_out, shrunk

START = 0.05  # of a usual period: what the logarithm starts from
NOW = "now"
SUBMITTER = ["rep_id", "level", "node_id"]
Z_80 = 1.2816  # half width of a central 80 % range, in standard deviations


@dataclass(frozen=True)
class Commit:
    """``quantiles``: nodes of the history × probabilities. ``raw``: the calls as they stand, rolled up and
    corrected for nothing. ``submitters``: one row per submitter and node. ``off``: why there is none.
    """

    quantiles: np.ndarray
    raw: np.ndarray
    submitters: pd.DataFrame
    off: str = ""


def commit(
    history: History,
    calls: pd.DataFrame,
    calendar: FiscalCalendar,
    reps: pd.DataFrame | None,
    probabilities: np.ndarray,
) -> Commit:
    """Quantiles of each node's bookings in the period, from the calls that stand on ``history.day``.

    Parameters
    ----------
    history
        Bookings at this point of the period and of the past ones.
    calls
        From :func:`calls.prepared`; calls recorded after ``history.day`` do not count.
    calendar, reps
        Fiscal calendar; role spells, which say whose call adds to which team on the day it stood.
    probabilities
        Ascending, inside 0 and 1.

    Returns
    -------
    Commit
        ``submitters`` has ``rep_id``, ``level``, ``node_id``, ``called_base`` (standing now), ``periods``
        (past ones with a call), ``called_past_base`` and ``booked_past_base`` (their sums), ``raw_bias``
        (called ÷ booked − 1), ``bias``, ``bias_low``, ``bias_high`` (empirical Bayes, 80 %) and
        ``expected_base``.
    """
    empty = np.full((len(history.nodes), len(probabilities)), np.nan)
    why = why_off(history, calls)
    table = pd.DataFrame() if why else points(history, calls, calendar)
    if not why and (table.empty or table[NOW].notna().sum() == 0):
        why = f"no call for {history.period} stands on {history.day}"
    if why:
        return Commit(empty, empty[:, 0], pd.DataFrame(), why)
    booked = history.sums.reindex(pd.MultiIndex.from_frame(table[SUBMITTER[1:]]))
    booked = booked.reindex(columns=history.past).fillna(0.0).to_numpy()
    called = table[[*history.past, NOW]].to_numpy(dtype="float64")
    fixed, submitters = _corrected(table, called, booked)
    days = [*(point_day(calendar, history, p) for p in history.past), history.day]
    quantiles = roll_up(history, Rolled(table[SUBMITTER], fixed, days, reps), START, probabilities)
    raw = roll_up(history, Rolled(table[SUBMITTER], called, days, reps), START, None)
    return Commit(quantiles, raw[:, 0], submitters)


def why_off(history: History, calls: pd.DataFrame) -> str:
    """Why calls cannot be corrected at all; empty where they can."""
    if calls.empty:
        return "no submitted forecasts: no table forecast_submissions and no entry in the ledger"
    if len(history.past) < MIN_PERIODS:
        return f"{len(history.past)} whole periods lie before {history.period}; {MIN_PERIODS} are needed"
    return ""


def points(history: History, calls: pd.DataFrame, calendar: FiscalCalendar) -> pd.DataFrame:
    """Standing calls at this point of each past period and of this one.

    One row per submitter and node: :data:`SUBMITTER`, a column for each period of ``history.past``, and
    :data:`NOW`; missing where none stood.
    """
    calls = calls[calls["category"] == commit_category(calls)]
    days = {p: point_day(calendar, history, p) for p in history.past} | {history.period: history.day}
    found = standing(calls, days, known_by=history.day)
    table = found.pivot_table(index=SUBMITTER, columns="period", values="amount", aggfunc="last")
    table = table.reindex(columns=[*history.past, history.period])
    return table.rename(columns={history.period: NOW}).reset_index()


def _corrected(
    table: pd.DataFrame, called: np.ndarray, booked: np.ndarray
) -> tuple[np.ndarray, pd.DataFrame]:
    """Calls times what the submitter's others have been worth, and the submitters with a call now."""
    fixed = np.full(called.shape, np.nan)
    made = table[SUBMITTER].assign(bias=np.nan, bias_low=np.nan, bias_high=np.nan)
    past = called[:, :-1]
    for level in LEVELS:
        at = np.flatnonzero((table["level"] == level).to_numpy())
        start = START * _usual(booked[at], past[at])
        worth = np.log((booked[at] + start) / (np.maximum(past[at], 0) + start))
        found = shrunk(worth)
        if not np.isfinite(found.mean).any():
            continue
        factor = np.exp(np.column_stack([left_out(worth), found.mean]))
        fixed[at] = np.maximum((called[at] + start) * factor - start, 0)
        ends = {"bias": 0.0, "bias_low": Z_80, "bias_high": -Z_80}
        for name, z in ends.items():
            made.loc[table.index[at], name] = np.exp(-found.mean - z * found.error) - 1
    heard = np.isfinite(past)
    sums = {"called_past_base": np.nansum(past, axis=1), "booked_past_base": (booked * heard).sum(axis=1)}
    made = made.assign(
        called_base=called[:, -1], periods=heard.sum(axis=1), **sums, expected_base=fixed[:, -1]
    )
    positive = made["booked_past_base"].where(made["booked_past_base"] > 0)
    made = made.assign(raw_bias=made["called_past_base"] / positive - 1)
    return fixed, made[made["called_base"].notna()].reset_index(drop=True)


def _usual(booked: np.ndarray, called: np.ndarray) -> np.ndarray:
    """What a period of each row usually is, as a column: the mean of bookings, else of calls; never 0."""
    heard = np.isfinite(called)
    size = np.maximum(np.where(heard, booked, 0.0), np.where(heard, np.abs(called), 0.0)).sum(axis=1)
    mean = np.divide(size, heard.sum(axis=1), out=np.zeros(len(size)), where=heard.any(axis=1))
    typical = np.median(mean[mean > 0]) if (mean > 0).any() else 1.0
    return np.where(mean > 0, mean, typical)[:, None]
