"""Cents from floating point that agree with exact arithmetic, or are worked out exactly.

A float64 payout errs by at most a bound that follows from the curve's magnitudes. Where the value lies
farther than that from the next point at which rounding changes, its cent is certain; the few others are
computed in fractions. So a fast total is the statement's total, to the cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from salesops_lib.compensation.engine.rounding import CENTS, Rounder
from salesops_lib.compensation.plans.curves import Curve
from salesops_lib.compensation.plans.scales import Scale

ULPS = 32  # roundings a payout passes through, with room
EPS = float(np.finfo("float64").eps)


def cents_of(
    curve: Curve, measures: Sequence[Fraction], scales: Sequence[Scale], rounder: Rounder,
    factors: Sequence[Fraction] | None = None,
) -> tuple[np.ndarray, int]:  # fmt: skip
    """Payouts in whole cents: ``round(scale × curve(measure ÷ divisor) × factor)``.

    Parameters
    ----------
    curve
        One curve for all.
    measures, scales, factors
        Exact, one of each per payout; no factor is 1.
    rounder
        The plan's rounding.

    Returns
    -------
    cents, exact
        ``int64`` cents, each that of exact arithmetic, and how many had to be worked out exactly.
    """
    size = len(measures)
    factors = factors if factors is not None else [Fraction(1)] * size
    x = np.array([float(m / s.divisor) for m, s in zip(measures, scales, strict=True)])
    scale = np.array([float(s.scale * f) for s, f in zip(scales, factors, strict=True)])
    cents = scale * curve.evaluate(x) * CENTS
    doubtful = _doubtful(cents, _bound(curve, x, scale), rounder) | _near_knot(curve, x)
    whole = _rounded(cents, rounder)
    for place in np.flatnonzero(doubtful):
        exact = curve.at(measures[place] / scales[place].divisor) * scales[place].scale * factors[place]
        whole[place] = rounder.cents(exact)
    return whole, int(doubtful.sum())


def _bound(curve: Curve, x: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """How far the float can be from the exact payout, in cents."""
    values = max(abs(float(v)) for v in (*curve.values, curve.below_value))
    slopes = max(abs(float(s)) for s in (*curve.slopes, curve.below_slope))
    knots = max(abs(float(k)) for k in curve.knots)
    return ULPS * EPS * CENTS * np.abs(scale) * (values + slopes * (np.abs(x) + knots))


def _near_knot(curve: Curve, x: np.ndarray) -> np.ndarray:
    """Where the float could stand on the wrong side of a knot; it matters where the curve jumps."""
    near = np.zeros(x.shape, dtype=bool)
    for knot, _, _ in curve.jumps:
        near |= np.abs(x - float(knot)) <= ULPS * EPS * max(abs(float(knot)), 1.0)
    return near


def _doubtful(cents: np.ndarray, bound: np.ndarray, rounder: Rounder) -> np.ndarray:
    """Closer to a point where rounding changes than the bound, in units of the rounding."""
    units = cents / rounder.unit
    halves = rounder.mode.startswith("half")
    away = np.abs(units - np.floor(units) - 0.5) if halves else np.abs(units - np.rint(units))
    return away <= bound / rounder.unit + EPS * np.abs(units)


def _rounded(cents: np.ndarray, rounder: Rounder) -> np.ndarray:
    units = cents / rounder.unit
    how = {
        "floor": np.floor, "ceiling": np.ceil, "down": np.trunc,
        "up": lambda u: np.copysign(np.ceil(np.abs(u)), u),
    }  # fmt: skip
    return (how.get(rounder.mode, np.rint)(units) * rounder.unit).astype("int64")
