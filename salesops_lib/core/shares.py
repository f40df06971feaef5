"""Two shares compared."""

from __future__ import annotations

import numpy as np

from salesops_lib.core.stats import proportion_interval


def difference(a: int, n: int, b: int, m: int, level: float = 0.9) -> tuple[float, float, float, float]:
    """``a/n − b/m``, its Newcombe interval, and the two-sided score p-value.

    Source: Newcombe (1998), *Statistics in Medicine* 17, method 10; Wilson intervals combined.
    """
    from scipy.special import ndtr

    one, two = proportion_interval(int(a), int(n), level), proportion_interval(int(b), int(m), level)
    p, q = a / n, b / m
    low = p - q - np.hypot(p - one.low, two.high - q)
    high = p - q + np.hypot(one.high - p, q - two.low)
    pooled = (a + b) / (n + m)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    chance = 2 * (1 - ndtr(abs(p - q) / spread)) if spread > 0 else 1.0
    return float(p - q), float(max(low, -1)), float(min(high, 1)), float(chance)
