"""Each series forecast from its end and from a few past origins, refitted at each with what stood there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from salesops_lib.forecasting.series.ensemble import Fit, fit
from salesops_lib.forecasting.series.fallback import Fallback, fallback_for
from salesops_lib.forecasting.series.grid import Series
from salesops_lib.forecasting.series.seasonality import season_of

FEWEST, MOST = 4, 16  # past origins of a series among many, and of a series alone
SEASONS_BEFORE = 2.5  # a past origin needs as many seasons before it
BEFORE = 8  # … and as many values


@dataclass(frozen=True)
class Outcome:
    """What one series gave: its forecast, or what stands in for it, and its past errors.

    ``errors`` is (origin, step), |error| ÷ scale, NaN beyond the history and at unknown steps; ``back`` says
    how many steps before the last known value each origin lay. ``ahead`` steps were forecast: the horizon and
    the ``ahead`` − horizon unknown steps that end the series. ``bound``: no past value is negative.
    """

    key: object
    first: object
    length: int
    method: str
    ahead: int
    bound: bool
    fit: Fit | None
    fallback: Fallback | None
    errors: np.ndarray
    back: tuple[int, ...]


def offsets(length: int, horizon: int, season_length: int, count: int) -> tuple[int, ...]:
    """How far before the end the past origins lie: evenly to two horizons, as far as the history allows."""
    least = max(BEFORE, int(np.ceil(SEASONS_BEFORE * season_length)) if season_length > 1 else 0)
    farthest = min(2 * horizon, length - least)
    if farthest < 1:
        return ()
    spaced = np.ceil(np.arange(1, count + 1) * farthest / count).astype(int)
    return tuple(int(o) for o in np.unique(spaced))


def outcomes(block: Sequence[Series], horizon: int, season_length: int, count: int) -> list[Outcome]:
    """One outcome per series, with ``count`` past origins each, from nothing but the series itself."""
    return [_outcome(series, horizon, season_length, count) for series in block]


def _outcome(series: Series, horizon: int, season_length: int, count: int) -> Outcome:
    known = np.flatnonzero(np.isfinite(series.y))
    start, end = (int(known[0]), int(known[-1]) + 1) if known.size else (0, 0)
    y = series.y[start:end]
    ahead = horizon + len(series.y) - end if known.size else horizon
    common = (series.key, series.first, len(series.y))
    bound = bool(known.size) and bool(y[np.isfinite(y)].min() >= 0)
    none = np.zeros((0, horizon))
    stand_in = fallback_for(y, season_length)
    made = None if stand_in else fit(_filled(y, season_length), ahead, season_length)
    if made is None:
        stand_in = stand_in or _last_value(y)
        return Outcome(*common, stand_in.method, ahead, bound, None, stand_in, none, ())
    back = offsets(len(y), horizon, season_length, count)
    errors = np.full((len(back), horizon), np.nan)
    for row, steps in enumerate(back):
        past = y[: len(y) - steps]
        errors[row] = _past_errors(past, y[len(past) : len(past) + horizon], horizon, season_length)
    method = f"median of {len(made.fitted)} models"
    method += f", {int(np.isnan(y).sum())} unknown steps interpolated" if np.isnan(y).any() else ""
    method += f", the last {ahead - horizon} steps unknown" if ahead > horizon else ""
    return Outcome(*common, method, ahead, bound, made, None, errors, back)


def _past_errors(past: np.ndarray, came: np.ndarray, horizon: int, season_length: int) -> np.ndarray:
    """|error| ÷ scale of a forecast made from the end of ``past``, by step; NaN where it cannot be judged."""
    errors = np.full(horizon, np.nan)
    if np.isnan(past[-1]) or fallback_for(past, season_length) is not None:
        return errors
    made = fit(_filled(past, season_length), horizon, season_length)
    if made is not None:
        errors[: len(came)] = np.abs(came - made.median[: len(came)]) / made.scale[: len(came)]
    return errors


def _filled(y: np.ndarray, season_length: int) -> np.ndarray:
    """Unknown steps set on the line between known ones, the season apart. Only the models see them."""
    unknown = np.isnan(y)
    if not unknown.any():
        return y
    at = np.arange(len(y))
    straight = np.interp(at, at[~unknown], y[~unknown])
    season = season_of(straight, season_length)
    flat = season.removed(straight)
    flat[unknown] = np.interp(at[unknown], at[~unknown], flat[~unknown])
    return np.where(unknown, season.restored(flat, 0), y)


def _last_value(y: np.ndarray) -> Fallback:
    steps = np.diff(y[np.isfinite(y)])
    deviation = float(np.sqrt((steps**2).mean()))
    return Fallback("last value: no model could be fitted", float(y[-1]), np.zeros(0), deviation, steps.size)
