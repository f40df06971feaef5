"""The payout kernel: exact curves as hinges, evaluated on large float32 arrays in cache.

A curve that is linear between knots is a start, a first slope and, at each knot, a turn and a jump:

    pay(x) = start + slope·x + Σ turn_k·(max(x, t_k) − t_k) + Σ jump_k·[x ≥ t_k],   x ≥ 0

added up in this order, float32 by float32, so that the bits hang on nothing but the curve and x: not on the
build of a linear algebra library, and not on whether the loop is compiled (:mod:`compiled`) or NumPy's. Where
a rising curve ends flat, its top is a minimum instead of a last hinge. Statements do not come from here: see
`certified`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from salesops_lib.compensation.plans.curves import Curve
from salesops_lib.compensation.simulation import compiled

TILE = 16_384  # most elements worked on at once: a few rows of float32 fit a core's cache
MOST_SHAPES = 64  # curves whose constants are kept; a run has a handful


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
    """Working memory of the kernel, kept between calls: a row, and tiles of constants.

    ``payouts``: how many are going to be worked out with it; from ``compiled.WORTH`` on by a compiled loop
    where there is one. A tile repeats a knot over a whole row: NumPy takes the maximum of a row and a row
    several times faster than of a row and a number.
    """

    def __init__(self, payouts: int = 0) -> None:
        self.loop = compiled.loop() if payouts >= compiled.WORTH else None
        self.row = np.empty(TILE, "float32")
        self._kept: dict[int, tuple] = {}

    def tiles(self, curve: Hinges) -> tuple[list[np.ndarray | None], np.ndarray | None]:
        """A curve's knots, each over a whole row, None for one at 0; its top likewise, None without one."""
        return self._of(curve)[:2]

    def constants(self, curve: Hinges) -> tuple | None:
        """What the compiled loop takes of a curve; None where there is no loop for it."""
        return self._of(curve)[2]

    def _of(self, curve: Hinges) -> tuple:
        found = self._kept.get(id(curve))
        if found is None:
            if len(self._kept) > MOST_SHAPES:
                self._kept.clear()
            knots = [None if k == 0 else np.full(TILE, k) for k in curve.knots]
            top = np.full(TILE, curve.top) if np.isfinite(curve.top) else None
            constants = compiled.constants(curve) if self.loop is not None else None
            # The curve is kept too, so that its id stays its own.
            found = self._kept[id(curve)] = (knots, top, constants, curve)
        return found


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
    if scratch.loop is not None and (constants := scratch.constants(curve)) is not None:
        scratch.loop(flat, to, *constants)
        return out
    knots, top = scratch.tiles(curve)
    step = -(-flat.size // max(-(-flat.size // TILE), 1))  # tiles of one size: no short one at the end
    for first in range(0, flat.size, max(step, 1)):
        part, into = flat[first : first + step], to[first : first + step]
        row = scratch.row[: part.size]
        _hinged(curve, part, knots, row, into)
        for at, jump in curve.leaps:
            into += np.multiply(part >= at, jump, out=row, dtype="float32")
        if top is not None:
            np.minimum(into, top[: part.size], out=into)
    return out


def _hinged(curve: Hinges, x: np.ndarray, knots: list, row: np.ndarray, into: np.ndarray) -> None:
    """The hinges of one tile, in the order in which the compiled loop adds them; a knot at 0 is x itself."""
    *weights, added = curve.weights
    if not weights:
        into.fill(added)
        return
    for number, (knot, weight) in enumerate(zip(knots, weights, strict=True)):
        to = into if number == 0 else row
        bent = x if knot is None else np.maximum(x, knot[: x.size], out=to)
        np.multiply(bent, weight, out=to)
        if number:
            into += row
    into += added


def _flat_top(curve: Curve, above: list[int]) -> Fraction | None:
    """The payout at the last knot where a rising curve without a jump there ends flat; else None."""
    if not above or curve.slopes[-1] != 0:
        return None
    last = len(curve.knots) - 1
    before = curve.slopes[last - 1] if last else curve.below_slope
    rises = before > 0 and min(*curve.slopes, curve.below_slope) >= 0
    climbs = all(right >= left for _, left, right in curve.jumps)
    return curve.values[-1] if rises and climbs and curve.left_of(last) == curve.values[-1] else None
