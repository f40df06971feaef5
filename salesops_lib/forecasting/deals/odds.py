"""Rates of an event per day by factors: a ridge-penalised Poisson regression on rows with their exposure.

Every covariate is a factor or a product of factors, so that the normal equations are counts by pairs of
levels and tens of thousands of rows cost milliseconds. Two of them, of being won and of being lost, make
competing risks that are constant within a row: each sees every row for the days it was at risk, so that long
rows and short ones speak of the same rate (Holford 1980; Laird and Olivier 1981).

Why not ``statsmodels``: it wants a dense design, 400 MB for a thousand levels × fifty thousand rows, and a
back-test fits fifty times; and levels seen twice need a ridge, which keeps their rates near those of the
rest. Nothing is inferred here, no standard error is printed. Without a ridge the estimates are its own, which
a test holds (``test_odds.py``: GLM, Poisson, with weights and offset).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

MAX_STEPS = 30
CLOSE_ENOUGH = 1e-6  # of twice the log likelihood in the last step: a thousandth of a standard error
SAME_CURVE = 30.0  # a step that gains less changes the curvature little
MAX_ROUNDS = 12
MOST_LOG = 30.0  # of the events expected in a row: a step too far is cut back, not an overflow


@dataclass(frozen=True)
class Rates:
    """Fitted log rates: ``base`` and one array per factor, its levels shrunk towards 0; ``converged``."""

    base: float
    effects: tuple[np.ndarray, ...]
    steps: int
    converged: bool

    def log_rates(self, codes: np.ndarray) -> np.ndarray:
        """Log rate of each row of factor codes (factors × rows)."""
        total = np.full(codes.shape[1], self.base)
        for code, effect in zip(codes, self.effects, strict=True):
            total += effect[code]
        return total


@dataclass(frozen=True)
class Rows:
    """What is fitted: ``codes`` (factors × rows) with ``levels`` each, ``event`` (0 or 1), ``weight`` and
    ``offset`` (log of the days at risk)."""

    codes: np.ndarray
    levels: tuple[int, ...]
    event: np.ndarray
    weight: np.ndarray
    offset: np.ndarray


def fit_rates(rows: Rows, ridge: np.ndarray | float = 1.0) -> Rates:
    """Penalised maximum likelihood of a Poisson regression on factors, by Newton's method.

    Minimises  Σ weight × (e^η − event × η) + ½ Σ ridge × effect²,  η = offset + base + effects.

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
        If all rows are events or none is: then there is no rate.
    """
    return fit_refittable(rows, ridge).rates


@dataclass(frozen=True)
class Refittable:
    """Fitted rates that can say what they would be had some rows not been there."""

    rates: Rates
    _fit: _Fit
    _beta: np.ndarray
    _expected: np.ndarray
    _solve: Callable[[np.ndarray], np.ndarray]

    def without(self, out: np.ndarray) -> Rates | None:
        """The rates had the rows ``out`` (a mask) not been there; None where no event or no rest is left.

        One Newton step from the fit, its curvature that of the rows that stay: exact but for what the
        curvature itself changes, at a hundredth of the cost of a fit.
        """
        rows, fit = self._fit.rows, self._fit
        left = rows.weight * ~out
        if not 0 < (left * rows.event).sum() < left.sum():
            return None
        part = _Fit(_part(rows, out), fit.penalty[1:])
        chance, weight = self._expected[out], rows.weight[out]
        pull = part.by_level(weight * chance) - part.seen
        curvature = weight * chance
        step = _conjugate(self._solve, lambda v: part.by_level(curvature * part.sums(v)), pull)
        return fit.rates_at(self._beta + step, self.rates.steps, self.rates.converged)


def fit_refittable(rows: Rows, ridge: np.ndarray | float = 1.0) -> Refittable:
    """As :func:`fit_rates`, with what it takes to leave rows out afterwards."""
    fit = _Fit(rows, np.repeat(np.broadcast_to(ridge, len(rows.levels)), rows.levels))
    total, seen = float(rows.weight.sum()), float((rows.weight * rows.event).sum())
    if not 0 < seen < total:
        raise ValueError(f"{seen:g} events in {total:g} rows: there is no rate to estimate")
    beta = fit.start()
    value, expected = fit.state(beta)
    solve, steps, gain = None, 0, np.inf
    while steps < MAX_STEPS and gain > CLOSE_ENOUGH:
        slope = fit.slope(beta, expected)
        if solve is None or gain > SAME_CURVE:
            solve, then = fit.solver(expected), expected
            step = solve(slope)
        else:  # the last curvature is near: a few rounds from it reach that of now
            change = rows.weight * (then - expected)
            step = _conjugate(solve, lambda v, change=change: fit.by_level(change * fit.sums(v)), slope)
        share = 1.0
        gain = float(slope @ step)
        while True:
            new = beta - share * step
            new_value, new_expected = fit.state(new)
            if new_value <= value + 1e-10 * abs(value) or share < 1e-3:
                break
            share /= 2
        beta, value, expected, steps = new, new_value, new_expected, steps + 1
    return Refittable(fit.rates_at(beta, steps, gain <= CLOSE_ENOUGH), fit, beta, expected, solve)


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

    def rates_at(self, beta: np.ndarray, steps: int, converged: bool) -> Rates:
        return Rates(float(beta[0]), tuple(beta[low:high] for low, high in self.parts), steps, converged)

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
        """The objective, and the events expected in each row."""
        eta = self.rows.offset + self.sums(beta)
        mean = np.exp(np.minimum(eta, MOST_LOG))
        known = (self.rows.weight * self.rows.offset * self.rows.event).sum()
        fitted = (self.rows.weight * mean).sum() - self.seen @ beta - known
        return float(fitted + 0.5 * self.penalty @ beta**2), mean

    def slope(self, beta: np.ndarray, probability: np.ndarray) -> np.ndarray:
        return self.by_level(self.rows.weight * probability) - self.seen + self.penalty * beta

    def solver(self, probability: np.ndarray):
        """Solves curvature × step = slope; a trace of ridge keeps levels without rows solvable."""
        from scipy.linalg import cho_factor, cho_solve

        weight = self.rows.weight * probability
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
