"""How a measure turns into payout: every method but the matrix is a line between half-open knots.

    marginal       slope rate_k from knot k, starting where the tier below ended
    retroactive    slope rate_k through the origin: the whole amount at the rate of the tier reached
    step           flat at rate_k
    interpolated   from point to point; two points at one value are a jump; flat beyond the last

So ``payout(x) = value_k + slope_k·(x - knot_k)`` on ``[knot_k, knot_k+1)``, exact in fractions. What
x and the payout are units of is told by :mod:`salesops_lib.compensation.plans.scales`.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

ZERO = Fraction(0)


@dataclass(frozen=True)
class Curve:
    """A payout curve, right-continuous, linear between knots.

    ``knots`` rise; ``values[k]`` and ``slopes[k]`` hold from ``knots[k]`` on. Below the first knot the payout
    is ``below_value + below_slope·(x - knots[0])``: a reversal below 0 takes back what the first tier pays.
    """

    knots: tuple[Fraction, ...]
    values: tuple[Fraction, ...]
    slopes: tuple[Fraction, ...]
    below_value: Fraction = ZERO
    below_slope: Fraction = ZERO

    def at(self, x: Fraction) -> Fraction:
        """The exact payout."""
        k = bisect_right(self.knots, x) - 1
        if k < 0:
            return self.below_value + self.below_slope * (x - self.knots[0])
        return self.values[k] + self.slopes[k] * (x - self.knots[k])

    def tier_of(self, x: Fraction) -> int:
        """Index of the knot reached, -1 below the first."""
        return bisect_right(self.knots, x) - 1

    def left_of(self, k: int) -> Fraction:
        """The payout just below knot k."""
        if k == 0:
            return self.below_value
        return self.values[k - 1] + self.slopes[k - 1] * (self.knots[k] - self.knots[k - 1])

    @property
    def jumps(self) -> list[tuple[Fraction, Fraction, Fraction]]:
        """(knot, payout just below, payout at it) where they differ, above the first knot."""
        pairs = [(self.knots[k], self.left_of(k), self.values[k]) for k in range(len(self.knots))]
        return [(x, left, right) for x, left, right in pairs if left != right and x > 0]

    @property
    def top(self) -> Fraction | None:
        """The payout that is never exceeded by a rising curve; None where it rises without end."""
        return self.values[-1] if self.slopes[-1] <= 0 else None

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """The payout in float64, shape of ``x``. For analysis; pay is worked out by :meth:`at`."""
        knots, values, slopes, starts = self._floats
        k = np.searchsorted(knots, x, side="right")
        return values[k] + slopes[k] * (x - starts[k])

    @cached_property
    def _floats(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        knots = np.array([float(k) for k in self.knots])
        values = np.array([float(v) for v in (self.below_value, *self.values)])
        slopes = np.array([float(s) for s in (self.below_slope, *self.slopes)])
        return knots, values, slopes, np.concatenate([knots[:1], knots])


@dataclass(frozen=True)
class Surface:
    """A matrix: payout by two measures. ``table[i][j]`` is the payout at ``rows[i]``, ``cols[j]``."""

    rows: tuple[Fraction, ...]
    cols: tuple[Fraction, ...]
    table: tuple[tuple[Fraction, ...], ...]
    bilinear: bool

    def at(self, x: Fraction, y: Fraction) -> Fraction:
        """The exact payout; nothing below the first row or column, flat beyond the last."""
        i, j = bisect_right(self.rows, x) - 1, bisect_right(self.cols, y) - 1
        if i < 0 or j < 0:
            return ZERO
        if not self.bilinear:
            return self.table[i][j]
        u, v = _part(self.rows, i, x), _part(self.cols, j, y)
        low, high = self.table[i], self.table[min(i + 1, len(self.rows) - 1)]
        right = min(j + 1, len(self.cols) - 1)
        return (1 - u) * ((1 - v) * low[j] + v * low[right]) + u * ((1 - v) * high[j] + v * high[right])

    @property
    def top(self) -> Fraction:
        """The highest payout."""
        return max(max(row) for row in self.table)

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The payout in float64, shape of ``x`` and ``y`` together. For analysis."""
        rows, cols = (np.array([float(v) for v in axis]) for axis in (self.rows, self.cols))
        table = np.array([[float(v) for v in row] for row in self.table])
        i, u = _parts(rows, x, self.bilinear)
        j, v = _parts(cols, y, self.bilinear)
        below, right = np.minimum(i + 1, len(rows) - 1), np.minimum(j + 1, len(cols) - 1)
        paid = (1 - u) * ((1 - v) * table[i, j] + v * table[i, right])
        paid = paid + u * ((1 - v) * table[below, j] + v * table[below, right])
        return np.where((x < rows[0]) | (y < cols[0]), 0.0, paid)


def _part(axis: tuple[Fraction, ...], i: int, x: Fraction) -> Fraction:
    """How far x lies from axis[i] to axis[i+1]; 0 beyond the last."""
    return (x - axis[i]) / (axis[i + 1] - axis[i]) if i + 1 < len(axis) else ZERO


def _parts(axis: np.ndarray, x: np.ndarray, bilinear: bool) -> tuple[np.ndarray, np.ndarray]:
    i = np.clip(np.searchsorted(axis, x, side="right") - 1, 0, len(axis) - 1)
    width = np.append(np.diff(axis), np.inf)
    return i, np.maximum((x - axis[i]) / width[i], 0.0) if bilinear else np.zeros(np.shape(x))


def curve_of(part) -> Curve:
    """The curve of a component or multiplier with ``tiers`` (by its ``method``) or ``points``.

    A multiplier with tiers steps. The part is assumed to have passed the checks.
    """
    if part.points if hasattr(part, "points") else False:
        return interpolated([(Fraction(x), Fraction(y)) for x, y in part.points])
    tiers = [(Fraction(t.from_), Fraction(t.rate)) for t in part.tiers]
    return {"marginal": marginal, "retroactive": retroactive, "step": step}[getattr(part, "method", "step")](
        tiers
    )


def marginal(tiers: list[tuple[Fraction, Fraction]]) -> Curve:
    """Each band at its own rate; tiers are (from, rate)."""
    knots, rates = zip(*tiers, strict=True)
    values = [ZERO]
    for k in range(1, len(knots)):
        values.append(values[-1] + rates[k - 1] * (knots[k] - knots[k - 1]))
    return Curve(knots, tuple(values), rates, ZERO, rates[0])


def retroactive(tiers: list[tuple[Fraction, Fraction]]) -> Curve:
    """Everything since 0 at the rate of the tier reached."""
    knots, rates = zip(*tiers, strict=True)
    return Curve(knots, tuple(k * r for k, r in tiers), rates, rates[0] * knots[0], rates[0])


def step(tiers: list[tuple[Fraction, Fraction]]) -> Curve:
    """The value of the tier reached."""
    knots, rates = zip(*tiers, strict=True)
    return Curve(knots, rates, (ZERO,) * len(knots), rates[0], ZERO)


def interpolated(points: list[tuple[Fraction, Fraction]]) -> Curve:
    """Straight lines between points, flat outside; of several points at one x the last holds from it on."""
    knots, values, slopes = [], [], []
    for k, (x, y) in enumerate(points):
        if k + 1 < len(points) and points[k + 1][0] == x:
            continue
        following = points[k + 1] if k + 1 < len(points) else None
        knots.append(x)
        values.append(y)
        slopes.append((following[1] - y) / (following[0] - x) if following else ZERO)
    return Curve(tuple(knots), tuple(values), tuple(slopes), points[0][1], ZERO)


def surface_of(component) -> Surface:
    """The surface of a matrix component."""
    rows, cols = (tuple(Fraction(v) for v in axis) for axis in (component.rows, component.cols))
    table = tuple(tuple(Fraction(v) for v in row) for row in component.table)
    return Surface(rows, cols, table, component.interpolate == "bilinear")
