"""The payout kernel: exact curves as hinges, evaluated on large float32 arrays in cache.

A curve that is linear between knots is a start, a first slope and, at each knot, a turn and a jump:

    pay(x) = start + slope·x + Σ turn_k·(max(x, t_k) − t_k) + Σ jump_k·[x ≥ t_k],   x ≥ 0

which is one maximum per knot and one product of a short row with a tall block. Where a rising curve ends
flat, its top is a minimum instead of a last hinge. Statements do not come from here: see `certified`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from salesops_lib.compensation.plans.curves import Curve

TILE = 16_384  # most elements worked on at once: a few rows of float32 fit a core's cache
MOST_SHAPES = 64  # shapes of working memory kept; a run has a handful


@dataclass(frozen=True)
class Hinges:
    """A curve ready for :func:`pay`.

    ``knots``: where a hinge stands, 0 for the slope from the start; ``weights``: one per knot, and a last one
    that is added to every payout. ``leaps``: (knot, jump) pairs. ``top``: the most that is paid, infinity
    where the curve rises without end.
    """

    knots: np.ndarray
    weights: np.ndarray
    leaps: np.ndarray
    top: np.float32


class Scratch:
    """Working memory of the kernel, kept between calls: rows of hinges, and tiles of constants.

    A tile repeats a knot over a whole row: NumPy compares a row with a row several times faster than a row
    with a number.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[int, int], np.ndarray] = {}
        self._tiles: dict[int, tuple] = {}

    def rows(self, count: int, size: int) -> np.ndarray:
        """``count`` rows of ``size`` side by side, the last of ones: a constant is then one more weight."""
        key = (count, size)
        if key not in self._rows:
            if len(self._rows) > MOST_SHAPES:
                self._rows.clear()
            self._rows[key] = np.ones((count, size), "float32")
        return self._rows[key]

    def tiles(self, curve: Hinges) -> tuple[np.ndarray, np.ndarray | None, int]:
        """A curve's knots, each over a whole row; its top likewise, None without one; 1 if it starts at 0."""
        found = self._tiles.get(id(curve))
        if found is None:
            if len(self._tiles) > MOST_SHAPES:
                self._tiles.clear()
            knots = np.repeat(curve.knots.reshape(-1, 1), TILE, axis=1)
            top = np.full(TILE, curve.top) if np.isfinite(curve.top) else None
            from_zero = int(len(curve.knots) > 0 and curve.knots[0] == 0)
            found = self._tiles[id(curve)] = (
                curve,
                knots,
                top,
                from_zero,
            )  # held, so that the id stays its own
        return found[1:]


def hinges(curve: Curve) -> Hinges:
    """The hinges of an exact curve on x ≥ 0."""
    first = max(curve.tier_of(Fraction(0)), -1)
    slope = curve.slopes[first] if first >= 0 else curve.below_slope
    above = [k for k, knot in enumerate(curve.knots) if knot > 0]
    turns = [
        (curve.knots[k], curve.slopes[k] - (curve.slopes[k - 1] if k else curve.below_slope)) for k in above
    ]
    leaps = [(x, right - left) for x, left, right in curve.jumps]
    top = _flat_top(curve, above)
    if top is not None:
        turns.pop()
    parts = [(Fraction(0), slope), *turns]
    parts = [(x, turn) for x, turn in parts if turn]
    added = curve.at(Fraction(0)) - sum((x * turn for x, turn in parts), Fraction(0))
    return Hinges(
        knots=np.array([float(x) for x, _ in parts], "float32"),
        weights=np.array([float(w) for w in (*(turn for _, turn in parts), added)], "float32"),
        leaps=np.array([(float(x), float(jump)) for x, jump in leaps], "float32").reshape(-1, 2),
        top=np.float32(np.inf if top is None else float(top)),
    )


def pay(curve: Hinges, x: np.ndarray, out: np.ndarray, scratch: Scratch) -> np.ndarray:
    """Payout at each x into ``out``, which is returned.

    ``x``: float32, contiguous, ≥ 0. ``out``: the same shape, contiguous, not ``x`` itself. Errs by a few
    parts in ten million of the curve's steepest slope times x.
    """
    flat, to = x.reshape(-1), out.reshape(-1)
    knots, top, from_zero = scratch.tiles(curve)  # a first knot at 0 is x itself, for x ≥ 0
    count = len(curve.weights)
    step = -(-flat.size // max(-(-flat.size // TILE), 1))  # tiles of one size: no short one at the end
    for first in range(0, flat.size, max(step, 1)):
        part, into = flat[first : first + step], to[first : first + step]
        rows = scratch.rows(count, part.size)
        if from_zero:
            np.copyto(rows[0], part)
        np.maximum(part, knots[from_zero:, : part.size], out=rows[from_zero:-1])
        np.dot(curve.weights, rows, out=into)
        for at, jump in curve.leaps:
            into += np.multiply(part >= at, jump, dtype="float32")
        if top is not None:
            np.minimum(into, top[: part.size], out=into)
    return out


def _flat_top(curve: Curve, above: list[int]) -> Fraction | None:
    """The payout at the last knot where a rising curve without a jump there ends flat; else None."""
    if not above or curve.slopes[-1] != 0:
        return None
    last = len(curve.knots) - 1
    before = curve.slopes[last - 1] if last else curve.below_slope
    rises = before > 0 and min(*curve.slopes, curve.below_slope) >= 0
    climbs = all(right >= left for _, left, right in curve.jumps)
    return curve.values[-1] if rises and climbs and curve.left_of(last) == curve.values[-1] else None
