"""One series at one origin: the median of four cheap models, and how uncertain it looks from inside."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np

from salesops_lib.forecasting.series.seasonality import season_of

LEAST = 5  # observations below which no model is fitted
_LIKELY = 80  # percent of the interval that ETS is asked for; only its growth over the horizon is used
LEAST_SCALE = 1e-9  # of the mean value: a series without noise must not divide by 0
_SHORT = 3.0  # values: a season told by few of them misses more than residuals show, by 1 + 3 ÷ their number
_SPREAD_FLOOR = 0.08  # models that happen to agree are not certain: least spread as a share of the residual


@dataclass(frozen=True)
class Fit:
    """A forecast from one origin, in the unit of y.

    ``median`` and ``scale`` hold one value per step ahead; errors are judged in units of ``scale``, which
    sees nothing after the origin. ``fitted`` names the models behind the median.
    """

    median: np.ndarray
    scale: np.ndarray
    fitted: tuple[str, ...]


@cache
def _models() -> dict[str, object]:
    from statsforecast import models

    return {
        "dynamic theta": models.DynamicOptimizedTheta(1),
        "ETS": models.AutoETS(1, model="AZN"),
        "damped trend": models.AutoETS(1, model="AAN", damped=True),
        "CES": models.AutoCES(1),
    }


def fit(y: np.ndarray, horizon: int, season_length: int) -> Fit | None:
    """Median over the models that can be fitted to the seasonally adjusted series; ``None`` where none can.

    Parameters
    ----------
    y
        One series in order of time, nothing missing, at least `LEAST` values that are not all equal.
    horizon, season_length
        Steps ahead; steps of a season.

    Returns
    -------
    Fit or None
        The scale is a geometric mean of the models' residual, the seasonal naive error and the models'
        disagreement, and grows with the horizon as the fourth root of what ETS derives.

    Source: Makridakis et al. (2020), The M4 competition, on medians of few models; FORECASTING.md, run-rate.
    """
    unit = float(np.abs(y).mean())
    scaled = y / unit  # the optimisers' steps are absolute: the same curve in cents and in millions
    season = season_of(scaled, season_length)
    adjusted = season.removed(scaled)
    paths, residuals, growth = [], [], np.ones(horizon)
    fitted = []
    for name, model in _models().items():
        made = _forecast(model, adjusted, horizon, level=[_LIKELY] if name == "ETS" else None)
        if made is None:
            continue
        fitted.append(name)
        paths.append(season.restored(made["mean"], len(y)))
        residuals.append((scaled - season.restored(made["fitted"], 0))[1:])
        if name == "ETS":
            growth = _growth(made)
    if not fitted:
        return None
    median = np.median(paths, axis=0)
    scale = _scale(scaled, np.array(paths), residuals, season_length, season.weight)
    return Fit(median * unit, scale * growth**0.25 * unit, tuple(fitted))


def _forecast(model, y: np.ndarray, horizon: int, level: list[int] | None) -> dict | None:
    """The model's forecast, ``None`` where the library finds no fit: the median is then the others'."""
    options = {"level": level} if level else {}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            made = model.forecast(y=y, h=horizon, fitted=True, **options)
    except Exception:  # statsforecast raises bare Exception, NotImplementedError, ZeroDivisionError …
        return None
    return made if np.isfinite(made["mean"]).all() and np.isfinite(made["fitted"][1:]).all() else None


def _growth(made: dict) -> np.ndarray:
    """Width of ETS' own interval by step, over that of the first step."""
    width = made[f"hi-{_LIKELY}"] - made[f"lo-{_LIKELY}"]
    usable = np.isfinite(width).all() and width[0] > 0
    return np.maximum.accumulate(width / width[0]) if usable else np.ones(len(width))


def _scale(y: np.ndarray, paths: np.ndarray, residuals: list, season_length: int, weight: float) -> float:
    """What one unit of error is for this series at this origin."""
    n = len(y)
    free = max(n - 3 - weight * (season_length - 1), 1.0)
    residual = max(np.median([np.sqrt((r**2).sum() / free) for r in residuals]), LEAST_SCALE)
    lag = season_length if n > season_length else 1
    naive = max(np.abs(y[lag:] - y[:-lag]).mean(), residual)
    spread = max(paths.std(axis=0).mean(), _SPREAD_FLOOR * residual)
    short = 1 + _SHORT / n if season_length > 1 else 1.0
    return float(residual**0.4 * naive**0.4 * spread**0.2 * short)
