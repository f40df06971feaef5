"""Ranges whose width is measured: errors of past forecasts, pooled over series, by step ahead.

Every series was also forecast from a few past origins; its errors in units of the scale seen at that origin
are scores. The width at a level is a weighted quantile of the scores of all series at the same step. A prior
stands beside them with the weight of a few series: it decides where there are no scores (one short series),
and vanishes among thousands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# The prior: |error| ÷ scale follows level × step^growth × |Student's t|. Level and growth come from the
# tuning half of M3 and from planted series, with a season (quarters .8 and .5, months .85 and .2, planted 1.2
# and .1) and without (years 1.3 and .55); the tails from all. The prior weighs as much as PRIOR_SERIES
# series; its level and growth bend to the scores as far as these two deviations let them.
SEASONAL, SEASONLESS, FREEDOM = (0.9, 0.35), (1.3, 0.5), 4.0
LEVEL_DEVIATION, GROWTH_DEVIATION = 0.4, 0.15
PRIOR_SERIES = 6.0
MOST = 10.0  # a score beyond so many expected ones counts as that: a level shift, not a width
_GRID = (np.arange(400) + 0.5) / 400


@dataclass(frozen=True)
class Scores:
    """Past errors of all series in units of their scale, as flat arrays of one length.

    ``step`` (1 is the next), ``value`` (not below 0), ``weight``: a series whose origins span s steps counts
    as s ÷ step windows that do not overlap, never as more than it has origins.
    """

    step: np.ndarray
    value: np.ndarray
    weight: np.ndarray


def scores_of(errors: list[np.ndarray], offsets: list[tuple[int, ...]]) -> Scores:
    """Scores from the scaled errors of every series.

    Parameters
    ----------
    errors
        One array per series of (origin, step), |error| ÷ scale, NaN where the step lies beyond the history.
    offsets
        How many steps before the end of the history each origin of that series lies.
    """
    step, value, weight = [], [], []
    for table, back in zip(errors, offsets, strict=True):
        if not len(back):
            continue
        there = np.isfinite(table)
        steps = np.arange(1, table.shape[1] + 1)
        windows = np.minimum(there.sum(axis=0), np.maximum(max(back) / steps, 1))
        each = windows / np.maximum(there.sum(axis=0), 1)
        _, at = np.nonzero(there)
        step.append(at + 1)
        value.append(table[there])
        weight.append(each[at])
    if not step:
        return Scores(np.zeros(0, int), np.zeros(0), np.zeros(0))
    return Scores(np.concatenate(step), np.concatenate(value), np.concatenate(weight))


def widths(scores: Scores, levels: np.ndarray, horizon: int, season_length: int) -> np.ndarray:
    """Half-width in units of scale that holds a share ``levels`` of errors, by step.

    Parameters
    ----------
    scores
        Of all series together.
    levels
        Shares between 0 and 1, increasing.
    horizon, season_length
        Steps ahead; steps of a season, 1 for none: it says which prior.

    Returns
    -------
    ndarray
        (level, step): increasing in the level, never decreasing in the step.

    Source: Vovk et al. (2005), Algorithmic learning in a random world, split conformal prediction; isotonic
    regression over the steps as in Barlow et al. (1972).
    """
    from scipy.optimize import isotonic_regression
    from scipy.special import stdtrit

    prior = stdtrit(FREEDOM, 0.5 + _GRID / 2)
    usual = SEASONAL if season_length > 1 else SEASONLESS
    expected = _expected(scores, usual, np.log(prior), horizon)
    found, mass = np.empty((len(levels), horizon)), np.empty(horizon)
    for step in range(1, horizon + 1):
        here = scores.step == step
        value = np.minimum(scores.value[here], MOST * expected[step - 1])
        value = np.concatenate([value, prior * expected[step - 1]])
        weight = np.concatenate([scores.weight[here], np.full(len(prior), PRIOR_SERIES / len(prior))])
        order = np.argsort(value, kind="stable")
        reached = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
        found[:, step - 1] = np.interp(levels, reached, value[order])
        mass[step - 1] = weight.sum()
    return np.array([isotonic_regression(row, weights=mass).x for row in found])


def _expected(scores: Scores, usual: tuple, log_prior: np.ndarray, horizon: int) -> np.ndarray:
    """The prior's size by step after the scores: level and growth by ridge regression on their logarithms."""
    step = np.log(np.maximum(scores.step, 1))
    apart = np.log(np.maximum(scores.value, 1e-12)) - np.log(usual[0]) - usual[1] * step - log_prior.mean()
    apart = np.clip(apart, log_prior.min() - log_prior.mean(), np.log(MOST))
    design = np.stack([np.ones(len(step)), step])
    told = (design * (scores.weight / log_prior.var())) @ design.T
    told += np.diag([LEVEL_DEVIATION**-2, GROWTH_DEVIATION**-2])
    level, growth = np.linalg.solve(told, (design * scores.weight) @ apart / log_prior.var())
    return usual[0] * np.exp(level) * np.arange(1, horizon + 1) ** (usual[1] + growth)
