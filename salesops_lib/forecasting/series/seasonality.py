"""Seasonal indices of one series, shrunk towards none by how little its seasons repeat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST_INDEX = 0.1  # below it a division would blow one odd value up: the season is added instead
DECAY = 0.8  # what a season counts against the one after it: seasons drift
DOUBT = 0.5  # degrees of freedom that a season of chance alone is given beside those of the data


@dataclass(frozen=True)
class Season:
    """A repeating season: ``index`` per place in it, from the first observation on.

    ``multiplied``: the index is a factor around 1, else an amount around 0. ``weight`` is what is left of the
    classical index after shrinkage, from 0 (no season) to 1.
    """

    index: np.ndarray
    multiplied: bool
    weight: float

    def removed(self, y: np.ndarray) -> np.ndarray:
        """The series without its season."""
        return self._apply(y, 0, remove=True)

    def restored(self, values: np.ndarray, start: int) -> np.ndarray:
        """Values from step ``start`` on (counted from the first observation) with the season put back."""
        return self._apply(values, start, remove=False)

    def _apply(self, values: np.ndarray, start: int, *, remove: bool) -> np.ndarray:
        index = self.index[(start + np.arange(len(values))) % len(self.index)]
        if self.multiplied:
            return values / index if remove else values * index
        return values - index if remove else values + index


def season_of(y: np.ndarray, season_length: int) -> Season:
    """Indices to a centred moving average, recent seasons counting more, shrunk by empirical Bayes.

    Parameters
    ----------
    y
        One series in order of time, nothing missing.
    season_length
        Steps of a season; below two whole seasons of data there is no index.

    Returns
    -------
    Season
        Multiplied where every value is positive and no index is extreme, else added. The weight is
        1 − (variance of an index's estimate) ÷ (variance between the indices), at least 0: a season that does
        not repeat vanishes, a steady one stays.

    Source: Miller, Williams (2003), Shrinkage estimators of time series seasonal factors, IJF 19(4).
    """
    positive = bool(y.min() > 0)
    if season_length < 2 or len(y) < 2 * season_length:
        return Season(np.ones(1) if positive else np.zeros(1), positive, 0.0)
    weights = np.ones(season_length) / season_length
    if season_length % 2 == 0:
        weights = np.r_[0.5, np.ones(season_length - 1), 0.5] / season_length
    trend = np.convolve(y, weights, "valid")
    at = np.arange(len(trend)) + (len(weights) - 1) // 2
    if positive:
        season = _shrunk(y[at] / trend, at, season_length, 1.0)
        if season.index.min() >= LEAST_INDEX:
            return season
    return _shrunk(y[at] - trend, at, season_length, 0.0)


def _shrunk(apart: np.ndarray, at: np.ndarray, m: int, neutral: float) -> Season:
    """Weighted means per place, pulled to ``neutral`` by the weight; every place occurs in ``at``."""
    place = at % m
    counts = DECAY ** ((at[-1] - at) / m)
    mass = np.bincount(place, counts, m)
    raw = np.bincount(place, counts * apart, m) / mass
    index = raw / raw.mean() - 1 if neutral else raw - raw.mean()
    inside = (counts * (apart - raw[place]) ** 2).sum() / counts.mean()
    chance = inside + DOUBT * apart.var()
    noise = chance / (len(apart) - m + DOUBT) * np.mean(np.bincount(place, counts**2, m) / mass**2)
    between = (index**2).sum() / (m - 1)
    weight = float(max(0.0, 1 - noise / between)) if between > 0 else 0.0
    return Season(neutral + weight * index, bool(neutral), weight)
