"""The payout kernel as one compiled loop: the extra `fast`, where the work is large enough to pay for it.

Loading the compiler and compiling take up to one and a half seconds, what they save is about five nanoseconds
a payout. So a report of a hundred seats never comes here, and a run of thousands of seats does. The loop adds
the same float32 numbers in the same order as NumPy's and never fuses two operations into one: the bits are
the same, with the extra or without it. Nothing compiled is kept on disk, so that kernels side by side and
installations nobody can write to are no case of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol

import numpy as np

WORTH = 400_000_000  # payouts from which on compiling costs less than it saves
HINGES = (4, 8)  # numbers of hinges a loop is compiled for; a curve takes the next larger, 0 fills up
LEAPS = (1, 4)  # numbers of jumps likewise


class _Hinged(Protocol):
    knots: np.ndarray
    weights: np.ndarray
    leaps: np.ndarray
    top: np.float32


@cache
def loop() -> Callable | None:
    """The compiled loop; None where numba is not installed or does not fit this NumPy.

    Called with x and out (float32, one axis, the same length) and what :func:`constants` gives.
    """
    try:
        from numba import njit
    except ImportError:
        return None

    @njit
    def paid(x, out, hinges, leaps, added, top):
        knots, weights = hinges
        at, jumps = leaps
        for i in range(x.size):
            value = x[i]
            total = weights[0] * (knots[0] if value < knots[0] else value)
            for k in range(1, len(knots)):
                total += weights[k] * (knots[k] if value < knots[k] else value)
            total += added
            for k in range(len(at)):
                total += jumps[k] if value >= at[k] else np.float32(0)
            out[i] = top if total > top else total

    return paid


def constants(curve: _Hinged) -> tuple | None:
    """A curve's numbers as tuples, whose lengths the loop is compiled for; None where it has too many."""
    hinges = next((n for n in HINGES if n >= len(curve.knots)), None)
    leaps = next((n for n in LEAPS if n >= len(curve.leaps)), None)
    if hinges is None or leaps is None:
        return None
    return (
        (_filled(curve.knots, hinges, 0.0), _filled(curve.weights[:-1], hinges, 0.0)),
        (_filled(curve.leaps[:, 0], leaps, np.inf), _filled(curve.leaps[:, 1], leaps, 0.0)),
        curve.weights[-1],
        curve.top,
    )


def _filled(numbers: np.ndarray, count: int, with_: float) -> tuple:
    return (*np.asarray(numbers, "float32"), *(np.float32(with_),) * (count - len(numbers)))
