"""How good a forecast was: point errors, ranges and quantiles, and whether one forecast beats another.

Every measure works along the last axis and returns one number per remaining index, so an array of one
dimension gives one number and an array of engine × period gives one per engine. A pair in which either value
is missing is left out; an undefined measure is NaN, never 0. Compare engines on the same pairs: dropping
what one of them lacks is the caller's decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def wape(actual: ArrayLike, forecast: ArrayLike) -> np.ndarray:
    """Weighted absolute percentage error, Σ|A − F| ÷ Σ|A|: 0.12 is 12 % off. NaN where Σ|A| is 0."""
    a, f = _pairs(actual, forecast)
    return _ratio(np.nansum(np.abs(a - f), axis=-1), np.nansum(np.abs(a), axis=-1))


def bias(actual: ArrayLike, forecast: ArrayLike) -> np.ndarray:
    """Signed error, Σ(F − A) ÷ ΣA: +0.05 is 5 % too high, negative too low. NaN unless ΣA is above 0."""
    a, f = _pairs(actual, forecast)
    return _ratio(np.nansum(f - a, axis=-1), np.nansum(a, axis=-1))


def smape(actual: ArrayLike, forecast: ArrayLike) -> np.ndarray:
    """Symmetric percentage error as in the M4 competition, mean of 200 |A − F| ÷ (|A| + |F|), from 0 to 200.

    Twice what utilsforecast calls sMAPE. A pair of two zeros is a forecast without error and counts 0.

    Source: Makridakis, Spiliotis, Assimakopoulos (2020), The M4 competition, IJF 36(1).
    """
    a, f = _pairs(actual, forecast)
    size = np.abs(a) + np.abs(f)
    return _mean(200 * np.abs(a - f) / np.where(size == 0, 1, size))


def naive_error(history: ArrayLike, season_length: int = 1) -> np.ndarray:
    """Mean |y_t − y_(t − season_length)| inside the history: the scale of MASE and MSIS, in y's unit.

    Parameters
    ----------
    history
        Values in order of time along the last axis, none after the forecast's origin.
    season_length
        Steps of a season: 4 for quarters, 12 for months, 1 without season.

    Returns
    -------
    ndarray
        NaN where the history is no longer than a season, or never moves (the scale would be 0).
    """
    y = np.asarray(history, dtype="float64")
    if y.shape[-1] <= season_length:
        return np.full(y.shape[:-1], np.nan)[()]
    error = _mean(np.abs(y[..., season_length:] - y[..., :-season_length]))
    return np.where(error > 0, error, np.nan)[()]


def mase(actual: ArrayLike, forecast: ArrayLike, scale: ArrayLike) -> np.ndarray:
    """Mean absolute scaled error, mean |A − F| ÷ ``scale``: below 1 beats seasonal naive inside the history.

    ``scale`` is `naive_error` of the same series' history. Source: Hyndman, Koehler (2006), IJF 22(4).
    """
    a, f = _pairs(actual, forecast)
    return _ratio(_mean(np.abs(a - f)), np.asarray(scale, dtype="float64"))


def owa(smape_own: ArrayLike, mase_own: ArrayLike, smape_naive2: float, mase_naive2: float) -> float:
    """Overall weighted average of M4: below 1 beats Naive 2.

    ½ (mean sMAPE ÷ Naive 2's mean sMAPE + mean MASE ÷ Naive 2's mean MASE); means over series first, then the
    ratio. Series whose measure is missing are left out of the mean: give Naive 2 over the same series.
    """
    own = np.nanmean(np.asarray(smape_own, "float64")), np.nanmean(np.asarray(mase_own, "float64"))
    return float((own[0] / smape_naive2 + own[1] / mase_naive2) / 2)


def naive2(history: ArrayLike, horizon: int, season_length: int) -> np.ndarray:
    """M4's benchmark, the denominator of `owa`: the last value, seasonally adjusted where a season shows.

    Parameters
    ----------
    history
        One series in order of time, one dimension, nothing missing.
    horizon, season_length
        Steps ahead; steps of a season.

    Returns
    -------
    ndarray
        ``horizon`` values. A season shows where the autocorrelation at its lag passes Bartlett's limit at
        90 % and three seasons are there; the indices are those of a classical multiplicative decomposition
        (of an additive one where a value is not positive).

    Source: the M4 competition's evaluation code, ``Benchmarks and Evaluation.R``.
    """
    y = np.asarray(history, dtype="float64")
    if not _season_shows(y, season_length):
        return np.full(horizon, y[-1])
    multiplied = bool(y.min() > 0)
    weights = np.ones(season_length) / season_length
    if season_length % 2 == 0:
        weights = np.r_[0.5, np.ones(season_length - 1), 0.5] / season_length
    trend = np.convolve(y, weights, "valid")
    at = np.arange(len(trend)) + (len(weights) - 1) // 2
    detrended = y[at] / trend if multiplied else y[at] - trend
    index = np.array([detrended[at % season_length == s].mean() for s in range(season_length)])
    index = index / index.mean() if multiplied else index - index.mean()
    ahead, last = index[(len(y) + np.arange(horizon)) % season_length], index[(len(y) - 1) % season_length]
    return y[-1] / last * ahead if multiplied else y[-1] - last + ahead


def _season_shows(y: np.ndarray, season_length: int) -> bool:
    if season_length < 2 or len(y) < 3 * season_length or np.ptp(y) == 0:
        return False
    centred = y - y.mean()
    lags = range(1, season_length + 1)
    correlation = np.array([centred[k:] @ centred[:-k] for k in lags]) / (centred @ centred)
    limit = 1.645 * np.sqrt((1 + 2 * (correlation[:-1] ** 2).sum()) / len(y))
    return bool(abs(correlation[-1]) > limit)


def pinball(actual: ArrayLike, forecast: ArrayLike, probability: ArrayLike) -> np.ndarray:
    """Mean pinball loss of the quantile ``forecast`` at ``probability``, in y's unit; lower is better.

    p (A − F) where the actual is above the quantile, (1 − p)(F − A) below. ``probability`` broadcasts against
    the pairs: pass an array of (quantile, 1) for forecasts of (quantile, period).
    """
    a, f = _pairs(actual, forecast)
    p = np.asarray(probability, dtype="float64")
    return _mean(np.maximum(p * (a - f), (p - 1) * (a - f)))


def coverage(actual: ArrayLike, lo: ArrayLike, hi: ArrayLike) -> np.ndarray:
    """Share of actuals inside [lo, hi], ends included; should equal the level. NaN without a whole pair."""
    a, low, high = _pairs(actual, lo, hi)
    inside = np.where(np.isnan(a), np.nan, (a >= low) & (a <= high))
    return _mean(inside)


def msis(actual: ArrayLike, lo: ArrayLike, hi: ArrayLike, scale: ArrayLike, level: float = 95) -> np.ndarray:
    """Mean scaled interval score: width plus 2 ÷ α times every miss, over ``scale``; lower is better.

    Parameters
    ----------
    actual, lo, hi
        Outcomes and the ends of the central interval, in y's unit.
    scale
        `naive_error` of the same series' history.
    level
        Percent the interval claims: 95 means α = .05.

    Source: Gneiting, Raftery (2007), JASA 102(477), scaled as in M4.
    """
    a, low, high = _pairs(actual, lo, hi)
    alpha = 1 - level / 100
    miss = np.maximum(low - a, 0) + np.maximum(a - high, 0)
    return _ratio(_mean(high - low + 2 / alpha * miss), np.asarray(scale, dtype="float64"))


@dataclass(frozen=True)
class Comparison:
    """A Diebold–Mariano test of two forecasts. ``mean_difference`` below 0: the first loses less.

    ``statistic`` follows Student's t with ``n`` − 1 degrees of freedom if both are equally good; ``p_value``
    is two-sided. Both are NaN where the test is undefined: fewer than 3 pairs, ``n`` ≤ ``horizon``, or a
    difference that never varies.
    """

    mean_difference: float
    statistic: float
    p_value: float
    n: int
    horizon: int


def diebold_mariano(loss_first: ArrayLike, loss_second: ArrayLike, horizon: int = 1) -> Comparison:
    """Whether two forecasts of the same outcomes differ in loss by more than chance.

    Parameters
    ----------
    loss_first, loss_second
        One loss per origin, in order of time (absolute error, squared error, pinball, interval score).
    horizon
        Steps ahead of the forecast: losses h steps ahead are correlated up to lag h − 1.

    Returns
    -------
    Comparison
        With the small-sample correction of Harvey, Leybourne and Newbold. Where the long-run variance with
        its lags is not positive, the variance without lags is used, as ``dm.test`` of R's forecast does.

    Raises
    ------
    ValueError
        If ``horizon`` is below 1.

    Source: Diebold, Mariano (1995), JBES 13(3); Harvey, Leybourne, Newbold (1997), IJF 13(2).
    """
    from scipy.stats import t

    if horizon < 1:
        raise ValueError(f"horizon is {horizon}; give 1 or more steps ahead")
    first, second = _pairs(loss_first, loss_second)
    d = first - second
    d = d[np.isfinite(d)]
    n = d.size
    mean = float(d.mean()) if n else float("nan")
    if n < 3 or n <= horizon or np.ptp(d) == 0:
        return Comparison(mean, float("nan"), float("nan"), n, horizon)
    centred = d - mean
    lags = [float(centred[k:] @ centred[: n - k]) / n for k in range(horizon)]
    variance, h = (lags[0] + 2 * sum(lags[1:])) / n, horizon
    if variance <= 0:
        variance, h = lags[0] / n, 1
    correction = (n + 1 - 2 * h + h * (h - 1) / n) / n
    statistic = mean / variance**0.5 * correction**0.5
    return Comparison(mean, float(statistic), float(2 * t.sf(abs(statistic), n - 1)), n, horizon)


def by_series(
    forecasts: pd.DataFrame, actuals: pd.DataFrame, history: pd.DataFrame, season_length: int
) -> pd.DataFrame:
    """Every measure of one forecast, one row per series.

    Parameters
    ----------
    forecasts
        ``unique_id``, ``ds``, ``median`` and any number of pairs ``lo-80``, ``hi-80`` (percent in the name).
    actuals, history
        ``unique_id``, ``ds``, ``y``: outcomes of the window, and what stood before it in order of time.
    season_length
        Season of the scale, see `naive_error`.

    Returns
    -------
    DataFrame
        ``unique_id``, ``n`` (pairs), ``smape``, ``mase``, ``wape``, ``bias``, and for each level
        ``coverage-80`` and ``msis-80``. A forecast without outcome is left out.
    """
    joined = forecasts.merge(actuals.rename(columns={"y": "actual"}), on=["unique_id", "ds"])
    past = history.groupby("unique_id", observed=True)["y"]
    scale = {key: float(naive_error(y.to_numpy(), season_length)) for key, y in past}
    levels = [c.removeprefix("lo-") for c in forecasts.columns if c.startswith("lo-")]
    rows = [
        _measures(key, window, scale.get(key, np.nan), levels)
        for key, window in joined.groupby("unique_id", observed=True)
    ]
    columns = ["unique_id", "n", "smape", "mase", "wape", "bias"]
    columns += [f"{name}-{level}" for level in levels for name in ("coverage", "msis")]
    return pd.DataFrame(rows, columns=columns)


def _measures(key: object, window: pd.DataFrame, scale: float, levels: Sequence[str]) -> dict[str, object]:
    a, f = window["actual"].to_numpy(float), window["median"].to_numpy(float)
    row = {
        "unique_id": key,
        "n": int(np.isfinite(a + f).sum()),
        "smape": smape(a, f),
        "mase": mase(a, f, scale),
        "wape": wape(a, f),
        "bias": bias(a, f),
    }
    for level in levels:
        lo, hi = window[f"lo-{level}"].to_numpy(float), window[f"hi-{level}"].to_numpy(float)
        row[f"coverage-{level}"] = coverage(a, lo, hi)
        row[f"msis-{level}"] = msis(a, lo, hi, scale, float(level))
    return row


def _pairs(*arrays: ArrayLike) -> list[np.ndarray]:
    """The arrays broadcast to one shape, all missing where one is."""
    values = np.broadcast_arrays(*(np.asarray(a, dtype="float64") for a in arrays))
    missing = np.logical_or.reduce([np.isnan(v) for v in values])
    return [np.where(missing, np.nan, v) for v in values]


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean of what is there; NaN without a warning where nothing is."""
    there = ~np.isnan(values)
    return _ratio(np.where(there, values, 0).sum(axis=-1), there.sum(axis=-1))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above ÷ below; NaN where the denominator is not above 0."""
    positive = np.asarray(below) > 0
    return np.where(positive, above / np.where(positive, below, 1), np.nan)[()]
