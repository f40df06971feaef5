"""From past periods at this business day to a range for this one's finish: plain arrays, no frames.

Everything is in units of quota, so that holders of any size can be compared. A holder's own past is weighed
against that of all by how much holders differ (random effects); how far off each estimate was of the past
periods it did not know (leave one out) makes the range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops_lib.core import stats

REMAINING, FINAL, SHARE = "remaining", "final", "share"
_LIKE = 4  # periods of its own at which a holder's spread weighs as much as that of all


@dataclass(frozen=True)
class Past:
    """Holders × finished periods, in order: booked by this day, in all, and the quota (NaN where unknown).

    The first rows are the holders of the running period; after them may stand others, who are gone.
    """

    done: np.ndarray
    final: np.ndarray
    quota: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Where a quota says how much the bookings are."""
        return np.isfinite(self.quota)


@dataclass(frozen=True)
class Finish:
    """Per holder: quantiles of the finish (holders × ends asked), chance to reach quota; values used."""

    ends: np.ndarray
    chance: np.ndarray
    values: int


def finish(
    past: Past, done: np.ndarray, quota: np.ndarray, methods: tuple[str, ...], at: list[float]
) -> Finish:
    """The finish of each holder, in units of its quota, by one method or several weighed.

    Parameters
    ----------
    past
        Finished periods; some value of each is known.
    done, quota
        Booked by today, and the quota of the running period, per holder.
    methods
        ``remaining``: what past periods still added after this day, on top of today; ``final``: how past
        periods ended, whatever today says; ``share``: today ÷ the share of the final past periods had by now
        (left out where nothing was ever booked by now).
    at
        Shares of the distribution asked for, such as 0.1, 0.5, 0.9.

    The weight of a method is 1 ÷ the square of its mean absolute error. The errors of the weighed estimate,
    not of its parts, make the range; a holder's spread is its own, weighed against that of all.
    """
    ratio = done / quota
    found = [_estimate(method, past, ratio) for method in methods]
    found = [(e, off) for e, off in found if np.isfinite(e).all() and np.isfinite(off[past.known]).all()]
    weight = np.array([1 / max(float(np.nanmean(np.abs(error))), 1e-9) ** 2 for _, error in found])
    weight = weight / weight.sum()
    middle = sum(w * estimate for w, (estimate, _) in zip(weight, found, strict=True))
    error = sum(w * off for w, (_, off) in zip(weight, found, strict=True))
    spread, each = _spreads(error, past.known)
    spread = spread[: len(ratio)]
    values = (error / each)[past.known]
    ends = middle[:, None] + np.outer(spread, _quantiles(values, at))
    chance = _exceeds(values, (1 - middle) / spread)
    if not (past.final < past.done).any():  # nothing was ever taken back: what is booked stays
        ends = np.maximum(ends, ratio[:, None])
        chance = np.where(ratio >= 1, np.maximum(chance, values.size / (values.size + 1)), chance)
    return Finish(ends, chance, values.size)


def _estimate(method: str, past: Past, ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The finish of the running period, and the leave-one-out error of each past one; units of quota."""
    with np.errstate(invalid="ignore", divide="ignore"):
        booked, final = past.done / past.quota, past.final / past.quota
        if method == SHARE:
            done, whole = np.where(past.known, past.done, 0.0), np.where(past.known, past.final, 0.0)
            share = done.sum() / whole.sum()
            others = (done.sum() - done) / (whole.sum() - whole)
            return ratio / share, np.where(past.known, final - booked / others, np.nan)
    base = booked if method == REMAINING else np.zeros_like(booked)
    usual, without = _shrunk_means(final - base, past.known)
    off = np.where(past.known, final - base - without, np.nan)
    return usual[: len(ratio)] + (ratio if method == REMAINING else 0.0), off


def _shrunk_means(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each holder's mean, weighed against the mean of all; and the same without each value in turn.

    Source: one-way random effects by moments, Searle, Casella and McCulloch (1992), section 3.6.
    """
    count, z = known.sum(axis=1), np.where(known, values, 0.0)
    total, holders = int(count.sum()), int((count > 0).sum())
    mean, sums = z.sum() / total, z.sum(axis=1)
    own = np.where(count > 0, sums / np.maximum(count, 1), mean)
    within = np.where(known, (z - own[:, None]) ** 2, 0.0).sum() / max(total - holders, 1)
    between = 0.0
    size = (total - (count**2).sum() / total) / max(holders - 1, 1)
    if holders > 1 and size > 0:
        between = max(((count * (own - mean) ** 2).sum() / (holders - 1) - within) / size, 0.0)

    def trust(n: np.ndarray) -> np.ndarray:
        if between == 0:
            return np.zeros(n.shape)
        return np.where(n > 0, between / (between + within / np.maximum(n, 1)), 0.0)

    rest = count[:, None] - known
    rest_mean = (z.sum() - z) / max(total - 1, 1)
    rest_own = (sums[:, None] - z) / np.maximum(rest, 1)
    return mean + trust(count) * (own - mean), rest_mean + trust(rest) * (rest_own - rest_mean)


def _spreads(error: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each holder's typical error, and the same without each period in turn."""
    square = np.where(known, error**2, 0.0)
    overall, own, count = square.sum() / known.sum(), square.sum(axis=1), known.sum(axis=1)
    if len(error) == 1 or overall == 0:
        flat = np.sqrt(overall) or 1.0
        return np.full(len(error), flat), np.full(error.shape, flat)
    rest = (own[:, None] - square + _LIKE * overall) / (count[:, None] - known + _LIKE)
    return np.sqrt((own + _LIKE * overall) / (count + _LIKE)), np.sqrt(rest)


def _quantiles(errors: np.ndarray, at: list[float]) -> np.ndarray:
    """Quantiles of the next error from leave-one-out errors, which already hold the doubt of the estimate."""
    if errors.size >= stats.EMPIRICAL_FROM:
        return stats.prediction_quantiles(errors, at)
    from scipy.special import stdtrit  # scipy.stats would cost a second to import

    return np.sqrt((errors**2).mean()) * stdtrit(errors.size - 1, np.asarray(at))


def _exceeds(errors: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Chance that the next error reaches each limit; as :func:`_quantiles`, never 0 or 1."""
    if errors.size >= stats.EMPIRICAL_FROM or not errors.any():
        return stats.prediction_exceeds(errors, limits)
    from scipy.special import stdtr

    edge = 1 / (errors.size + 1)
    likely = stdtr(errors.size - 1, -limits / np.sqrt((errors**2).mean()))
    return np.clip(likely, edge, 1 - edge)
