"""Odds of an event by factors: a ridge-penalised logistic regression on grouped or single rows.

Every covariate is a factor or a product of factors, so that the normal equations are counts by pairs of
levels and tens of thousands of rows cost milliseconds. Two of them, won against still open and lost against
still open, make the competing risks of a discrete-time hazard (Begg and Gray 1984).

Why not ``statsmodels``: it wants a dense design, 400 MB for a thousand levels × fifty thousand rows, and a
back-test fits fifty times; and levels seen twice need a ridge, which keeps their odds near those of the rest.
Nothing is inferred here, no standard error is printed. Without a ridge the estimates are its own, which a
test holds (``test_odds.py``: GLM, binomial, with weights and offset).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

MAX_STEPS = 30
CLOSE_ENOUGH = 1e-3  # largest change of a log odds in the last step
MAX_ROUNDS = 12


@dataclass(frozen=True)
class Odds:
    """Fitted log odds: ``base`` and one array per factor, its levels shrunk towards 0; ``converged``."""

    base: float
    effects: tuple[np.ndarray, ...]
    steps: int
    converged: bool

    def log_odds(self, codes: np.ndarray) -> np.ndarray:
        """Log odds of each row of factor codes (factors × rows)."""
        total = np.full(codes.shape[1], self.base)
        for code, effect in zip(codes, self.effects, strict=True):
            total += effect[code]
        return total


@dataclass(frozen=True)
class Rows:
    """What is fitted: ``codes`` (factors × rows) with ``levels`` each, ``event`` (0 or 1), ``weight`` and
    ``offset`` (known part of the log odds)."""

    codes: np.ndarray
    levels: tuple[int, ...]
    event: np.ndarray
    weight: np.ndarray
    offset: np.ndarray


def fit_odds(rows: Rows, ridge: np.ndarray | float = 1.0) -> Odds:
    """Penalised maximum likelihood of a logistic regression on factors, by Newton's method.

    Minimises  Σ weight × (log(1 + e^η) − event × η) + ½ Σ ridge × effect²,  η = offset + base + effects.

    Parameters
    ----------
    rows
        At least one event and one row without.
    ridge
        Penalty of each factor: 1 ÷ variance of its levels' effects. Zero leaves a level that saw only events
        or none without a finite estimate.

    Raises
    ------
    ValueError
        If all rows are events or none is: then there are no odds.
    """
    return fit_refittable(rows, ridge).odds


@dataclass(frozen=True)
class Refittable:
    """Fitted odds that can say what they would be had some rows not been there."""

    odds: Odds
    _fit: _Fit
    _beta: np.ndarray
    _expected: np.ndarray
    _solve: Callable[[np.ndarray], np.ndarray]

    def without(self, out: np.ndarray) -> Odds | None:
        """The odds had the rows ``out`` (a mask) not been there; None where no event or nothing else is left.

        One Newton step from the fit, its curvature that of the rows that stay: exact but for what the odds'
        curvature itself changes, at a hundredth of the cost of a fit.
        """
        rows, fit = self._fit.rows, self._fit
        left = rows.weight * ~out
        if not 0 < (left * rows.event).sum() < left.sum():
            return None
        part = _Fit(_part(rows, out), fit.penalty[1:])
        chance, weight = self._expected[out], rows.weight[out]
        pull = part.by_level(weight * chance) - part.seen
        curvature = weight * chance * (1 - chance)
        step = _conjugate(self._solve, lambda v: part.by_level(curvature * part.sums(v)), pull)
        return fit.odds_at(self._beta + step, self.odds.steps, self.odds.converged)


def fit_refittable(rows: Rows, ridge: np.ndarray | float = 1.0) -> Refittable:
    """As :func:`fit_odds`, with what it takes to leave rows out afterwards."""
    fit = _Fit(rows, np.repeat(np.broadcast_to(ridge, len(rows.levels)), rows.levels))
    total, seen = float(rows.weight.sum()), float((rows.weight * rows.event).sum())
    if not 0 < seen < total:
        raise ValueError(f"{seen:g} events in {total:g} rows: there are no odds to estimate")
    beta = fit.start()
    value, expected = fit.state(beta)
    solve, steps, moved = None, 0, np.inf
    while steps < MAX_STEPS and moved > CLOSE_ENOUGH:
        if solve is None or moved > 0.5:  # later steps are small: the last curvature serves
            solve = fit.solver(expected)
        step, share = solve(fit.slope(beta, expected)), 1.0
        while True:
            new = beta - share * step
            new_value, new_expected = fit.state(new)
            if new_value <= value + 1e-10 * abs(value) or share < 1e-3:
                break
            share /= 2
        moved, steps = float(np.abs(new - beta).max()), steps + 1
        beta, value, expected = new, new_value, new_expected
    return Refittable(fit.odds_at(beta, steps, moved <= CLOSE_ENOUGH), fit, beta, expected, solve)


def _part(rows: Rows, kept: np.ndarray) -> Rows:
    return Rows(rows.codes[:, kept], rows.levels, rows.event[kept], rows.weight[kept], rows.offset[kept])


def _conjugate(solve, dropped, pull: np.ndarray) -> np.ndarray:
    """Solves (curvature of all − curvature of the dropped) × step = pull by conjugate gradients.

    ``solve`` divides by the curvature of all, which the wanted one is near: a few rounds are enough.
    """
    residual, step = pull, np.zeros(len(pull))
    ahead = solve(residual)
    way, image = ahead, residual  # image: curvature of all × way
    size = first = float(ahead @ residual)
    for _ in range(MAX_ROUNDS):
        if size <= 1e-6 * first:
            break
        bent = image - dropped(way)
        length = size / float(way @ bent)
        step, residual = step + length * way, residual - length * bent
        ahead = solve(residual)
        before, size = size, float(ahead @ residual)
        way, image = ahead + (size / before) * way, residual + (size / before) * image
    return step


class _Fit:
    """The sums one fit needs; a coefficient 0 for the base, then the levels of each factor."""

    def __init__(self, rows: Rows, penalty: np.ndarray) -> None:
        self.rows = rows
        self.codes = [np.ascontiguousarray(code, dtype=np.intp) for code in rows.codes]
        edges = np.concatenate([[1], 1 + np.cumsum(rows.levels)]).astype(int)
        self.parts = list(pairwise(edges.tolist()))
        self.size = int(edges[-1])
        self.penalty = np.concatenate([[0.0], penalty])
        self.seen = self.by_level(rows.weight * rows.event)

    def by_level(self, weight: np.ndarray) -> np.ndarray:
        """Sum of weights over all rows and over each level of each factor."""
        sums = [
            np.bincount(code, weights=weight, minlength=n)
            for code, n in zip(self.codes, self.rows.levels, strict=True)
        ]
        return np.concatenate([[weight.sum()], *sums])

    def sums(self, beta: np.ndarray) -> np.ndarray:
        """What base and effects add up to in each row."""
        total = np.full(len(self.rows.event), beta[0])
        for code, (low, high) in zip(self.codes, self.parts, strict=True):
            total += beta[low:high][code]
        return total

    def odds_at(self, beta: np.ndarray, steps: int, converged: bool) -> Odds:
        return Odds(float(beta[0]), tuple(beta[low:high] for low, high in self.parts), steps, converged)

    def start(self) -> np.ndarray:
        """One sweep of proportional fitting: near the answer where events are rare."""
        beta = np.zeros(self.size)
        held = self.rows.weight * np.exp(self.rows.offset)
        beta[0] = np.log(self.seen[0] / held.sum())
        held *= np.exp(beta[0])
        for code, (low, high) in zip(self.codes, self.parts, strict=True):
            prior = self.penalty[low:high] + 1.0
            level = np.bincount(code, weights=held, minlength=high - low)
            beta[low:high] = np.log((self.seen[low:high] + prior) / (level + prior))
            held *= np.exp(beta[low:high])[code]
        return beta

    def state(self, beta: np.ndarray) -> tuple[float, np.ndarray]:
        """The objective, and the probability of an event of each row."""
        eta = self.rows.offset + self.sums(beta)
        grown = np.exp(-np.abs(eta))
        nothing = np.maximum(eta, 0) + np.log1p(grown)
        known = (self.rows.weight * self.rows.offset * self.rows.event).sum()
        fitted = (self.rows.weight * nothing).sum() - self.seen @ beta - known
        probability = np.where(eta >= 0, 1.0, grown) / (1.0 + grown)
        return float(fitted + 0.5 * self.penalty @ beta**2), probability

    def slope(self, beta: np.ndarray, probability: np.ndarray) -> np.ndarray:
        return self.by_level(self.rows.weight * probability) - self.seen + self.penalty * beta

    def solver(self, probability: np.ndarray):
        """Solves curvature × step = slope; a trace of ridge keeps levels without rows solvable."""
        from scipy.linalg import cho_factor, cho_solve

        weight = self.rows.weight * probability * (1 - probability)
        made = self.pairs(weight)
        made[np.arange(self.size), np.arange(self.size)] += self.penalty + 1e-9 * made[0, 0]
        held = cho_factor(made, overwrite_a=True, check_finite=False)
        return lambda slope: cho_solve(held, slope, check_finite=False)

    def pairs(self, weight: np.ndarray) -> np.ndarray:
        """Sums of weights over each pair of levels: the upper half of the normal equations."""
        made = np.zeros((self.size, self.size))
        made[0, 0] = weight.sum()
        for i, left in enumerate(self.codes):
            low, high = self.parts[i]
            single = np.bincount(left, weights=weight, minlength=high - low)
            made[0, low:high] = single
            made[np.arange(low, high), np.arange(low, high)] = single
            for j in range(i + 1, len(self.codes)):
                first, last = self.parts[j]
                cross = np.bincount(
                    left * (last - first) + self.codes[j],
                    weights=weight,
                    minlength=(high - low) * (last - first),
                )
                made[low:high, first:last] = cross.reshape(high - low, last - first)
        return made
