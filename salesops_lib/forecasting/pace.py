"""Pace: where a period ends, from what past periods had booked by the same business day. Never linear.

Two ways, both from past periods at this point. By share: to date ÷ the share that had come by now, on a
logarithmic scale. By remainder: to date + what was still to come, in units of the node's usual period; it is
all there is where nothing is booked yet, and for reps and teams, whose shares are erratic. Where both stand
their quantiles are averaged, each weighed by the inverse square of its range.
"""

from __future__ import annotations

import numpy as np

from salesops_lib.core import stats
from salesops_lib.forecasting.bookings import LEVELS, History

MIN_PERIODS = 3  # whole past periods before a finish is given at all
USUAL = 4  # past periods that say what is usual for a node
_BY_SHARE = {"company", "region", "segment"}


def quantiles(history: History, probabilities: np.ndarray) -> np.ndarray:
    """Quantiles of each node's bookings in the period; nodes × probabilities, in the reporting currency.

    Missing everywhere before the period begins and with fewer than :data:`MIN_PERIODS` past periods.
    """
    made = np.full((len(history.nodes), len(probabilities)), np.nan)
    if why_off(history):
        return made
    for level in LEVELS:
        at = history.level(level)
        if at.size:
            rest = _by_remainder(history, at, probabilities)
            share = (
                _by_share(history, at, probabilities) if level in _BY_SHARE else np.full_like(rest, np.nan)
            )
            made[at] = averaged(share, rest)
    return made


def why_off(history: History) -> str:
    """Why there is no pace; empty where there is."""
    if not history.begun:
        return f"{history.period} has not begun: there is nothing booked to date"
    if len(history.past) < MIN_PERIODS:
        return f"{len(history.past)} whole periods lie before {history.period}; {MIN_PERIODS} are needed"
    return ""


def usual(final: np.ndarray) -> np.ndarray:
    """Mean of up to :data:`USUAL` periods before each period, and after the last: nodes × (periods + 1).

    Where none lies before, the period itself stands in; missing where a node has none at all.
    """
    periods = final.shape[1]
    made = np.full((final.shape[0], periods + 1), np.nan)
    for place in range(periods + 1):
        window = final[:, max(0, place - USUAL) : place]
        known = ~np.isnan(window)
        count = known.sum(axis=1)
        total = np.where(known, window, 0.0).sum(axis=1)
        own = final[:, place] if place < periods else np.full(len(final), np.nan)
        made[:, place] = np.where(count > 0, total / np.maximum(count, 1), own)
    return made


def averaged(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Quantiles of two forecasts averaged, weighed by the inverse square of their range; one alone stands."""
    widths = [np.maximum(q[:, -1] - q[:, 0], 1e-9) for q in (first, second)]
    mass = np.column_stack([np.where(np.isnan(w), 0.0, 1 / np.nan_to_num(w, nan=1.0) ** 2) for w in widths])
    whole = mass.sum(axis=1, keepdims=True)
    part = np.divide(mass, whole, out=np.zeros_like(mass), where=whole > 0)
    mixed = part[:, :1] * np.nan_to_num(first) + part[:, 1:] * np.nan_to_num(second)
    return np.where(whole > 0, mixed, np.nan)


def _by_share(history: History, at: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    made = np.full((len(at), len(probabilities)), np.nan)
    for row, node in enumerate(at):
        done, final = history.to_date[node], history.final[node]
        there = ~np.isnan(final)
        usable = (done > 0) & (final > 0)
        if history.now[node] > 0 and there.sum() >= MIN_PERIODS and usable[there].all():
            ratios = np.log(final[there] / done[there])
            made[row] = history.now[node] * np.exp(stats.prediction_quantiles(ratios, probabilities))
    return made


def _by_remainder(history: History, at: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """To date + the level's past remainders in units of what is usual for the node."""
    scale = usual(history.final[at])
    size = np.where(scale > 0, scale, np.nan)
    rest = (history.final[at] - history.to_date[at]) / size[:, :-1]
    scores = np.sort(rest[np.isfinite(rest)])
    own = np.where(scale[:, -1] > 0, scale[:, -1], np.nan)
    typical = np.nanmedian(own) if np.isfinite(own).any() else np.nan
    own = np.where(np.isnan(own), np.where(np.isnan(scale[:, -1]), typical, 0.0), own)
    spread = np.maximum(stats.prediction_quantiles(scores, probabilities), min(0.0, scores.min(initial=0.0)))
    return history.now[at][:, None] + own[:, None] * spread[None, :]
