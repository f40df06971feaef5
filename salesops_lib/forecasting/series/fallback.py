"""What stands in for the ensemble where a series is too thin for it, each under a name the output carries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops_lib.forecasting.series.ensemble import LEAST

MOST_UNKNOWN = 1 / 3  # share of unknown steps above which nothing is interpolated
MOSTLY_ZERO = 0.5  # share of zeros above which a series is intermittent
RECENT = 24  # intermittent series: steps looked back on, or three seasons if longer


@dataclass(frozen=True)
class Fallback:
    """A forecast without a model: its quantiles by step ahead, and its name."""

    method: str
    value: float
    past: np.ndarray  # values that the next one is exchangeable with; empty for a random walk
    deviation: float = float("nan")  # of one step of a random walk
    freedom: int = 0  # independent steps behind it

    def quantiles(self, probabilities: np.ndarray, horizon: int) -> np.ndarray:
        """(probability, step); NaN where nothing is known, ends included only where evidence reaches them."""
        if self.past.size:
            return np.repeat(_exchangeable(self.past, probabilities)[:, None], horizon, axis=1)
        from scipy.special import stdtrit

        centre = np.full((len(probabilities), horizon), self.value)
        if not self.freedom:
            return np.where(probabilities[:, None] == 0.5, centre, np.nan)
        reach = self.deviation * np.sqrt(np.arange(1, horizon + 1))
        return centre + stdtrit(self.freedom, probabilities)[:, None] * reach


def fallback_for(y: np.ndarray, season_length: int) -> Fallback | None:
    """The stand-in for a series, ``None`` where the ensemble can take it.

    Parameters
    ----------
    y
        One series in order of time up to its last known value, NaN where a step is unknown.
    season_length
        Steps of a season.

    Returns
    -------
    Fallback or None
        In this order: nothing known (all missing); fewer than `LEAST` known values or more than
        `MOST_UNKNOWN` unknown steps (random walk from the last value; its range is missing with fewer than
        two values, or where they do not differ); all values equal (that value, without width); mostly zeros
        (quantiles of the recent values).
    """
    known = np.flatnonzero(np.isfinite(y))
    values = y[known]
    none = np.zeros(0)
    if not known.size:
        return Fallback("none: no value is known", float("nan"), none)
    if known.size < LEAST or known.size < (1 - MOST_UNKNOWN) * len(y):
        why = "1 value is" if known.size == 1 else f"{known.size} of {len(y)} values are"
        steps = np.diff(values) / np.sqrt(np.diff(known))
        deviation = float(np.sqrt((steps**2).mean())) if steps.any() else float("nan")
        free = steps.size if steps.any() else 0
        return Fallback(f"last value: {why} known", float(values[-1]), none, deviation, free)
    if np.ptp(values) == 0:
        return Fallback(f"constant: {known.size} equal values", float(values[-1]), values[-1:])
    recent = values[-max(RECENT, 3 * season_length) :]
    if (values == 0).mean() > MOSTLY_ZERO or np.ptp(recent) == 0:
        share = f"{(values == 0).mean():.0%} zeros"
        return Fallback(f"recent values: {share}", float(np.median(recent)), recent)
    return None


def _exchangeable(past: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Quantiles of the next of exchangeable values: order statistics as far as they reach, then t's."""
    from scipy.special import stdtrit

    n = past.size
    ordered = np.quantile(past, np.clip(probabilities, 1 / (n + 1), n / (n + 1)), method="weibull")
    if n < 2:
        return ordered
    reach = past.std(ddof=1) * np.sqrt(1 + 1 / n)
    theory = past.mean() + reach * stdtrit(n - 1, probabilities)
    beyond = np.where(probabilities < 0.5, np.minimum(ordered, theory), np.maximum(ordered, theory))
    inside = (probabilities >= 1 / (n + 1)) & (probabilities <= n / (n + 1))
    return np.where(inside, ordered, beyond)
