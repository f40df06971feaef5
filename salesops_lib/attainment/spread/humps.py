"""One hump or two: whether rep attainment falls into two groups, and who is in the lower one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.attainment.spread.dip import dip, dip_test

MIN_REPS = 20  # below it even two humps far apart go unseen more often than not
_GRID = 512
_HALVINGS = 24


@dataclass(frozen=True)
class Humps:
    """The two-hump check of one period's reps.

    ``p_value``: how often the smooth one-hump distribution nearest to the sample shows a dip as deep;
    ``p_flat``: how often a flat one does, the worst case. ``cut``: attainment between the humps if there
    are two. Missing where ``reps`` is under four or all are alike.
    """

    reps: int
    dip: float
    p_value: float
    p_flat: float
    cut: float
    draws: int


def two_humps(attainment: pd.Series, *, seed: int = 7, draws: int = 1000) -> Humps:
    """Hartigan's dip test of rep attainment against its own nearest single hump, and against a flat one.

    The flat distribution is the worst case of one hump and makes the test blind to a small second group; the
    sample smoothed until one hump is left (Silverman's critical bandwidth) is the case at hand.

    Source: Hartigan and Hartigan (1985); Cheng and Hall (1998), J. R. Statist. Soc. B 60, 579-589.
    """
    values = np.sort(attainment.dropna().to_numpy(dtype="float64"))
    n = values.size
    if n < 4 or values[0] == values[-1]:
        return Humps(n, np.nan, np.nan, np.nan, np.nan, draws)
    seen, flat = dip_test(values, seed=seed, draws=draws)
    width = critical_bandwidth(values)
    null = dip(_smoothed(values, width, np.random.default_rng(seed + 1), draws))
    near = float((1 + (null >= seen - 1e-12).sum()) / (1 + draws))
    return Humps(n, seen, min(near, flat), flat, _valley(values, width), draws)


def critical_bandwidth(values: np.ndarray) -> float:
    """The smallest bandwidth at which a Gaussian kernel density of the values has one mode."""
    low, high = 1e-3 * values.std(), 2 * values.std()
    for _ in range(_HALVINGS):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if len(_modes(values, middle)[1]) > 1 else (low, middle)
    return float(high)


def hump_rows(reps: pd.DataFrame, found: Humps) -> pd.DataFrame:
    """The reps below and above the cut: how many, how long in the role, how large their quotas.

    ``reps``: rows with ``attainment``, ``tenure_days``, ``assigned_base``. Returns ``hump`` (lower, upper),
    ``reps``, ``attainment_low``, ``attainment_median``, ``attainment_high``, ``tenure_days_median``,
    ``new_reps`` (under a year), ``quota_median_base``; empty without a cut.
    """
    if not np.isfinite(found.cut):
        return pd.DataFrame(columns=_ROWS)
    rows = []
    for name, inside in (
        ("lower", reps["attainment"] < found.cut),
        ("upper", reps["attainment"] >= found.cut),
    ):
        part = reps[inside]
        tenure = pd.to_numeric(part["tenure_days"]).astype("float64")
        quota = pd.to_numeric(part["assigned_base"]).astype("float64")
        rows.append(
            (name, len(part), part["attainment"].min(), part["attainment"].median(), part["attainment"].max(),
             tenure.dropna().median(), int((tenure < 365).sum()), round(quota.median(), 2))
        )  # fmt: skip
    return pd.DataFrame(rows, columns=_ROWS)


_ROWS = [
    "hump", "reps", "attainment_low", "attainment_median", "attainment_high", "tenure_days_median",
    "new_reps", "quota_median_base",
]  # fmt: skip


def _modes(values: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The density on a grid, and where on it the modes lie."""
    grid = np.linspace(values[0] - 3 * width, values[-1] + 3 * width, _GRID)
    density = np.exp(-0.5 * ((grid[:, None] - values) / width) ** 2).sum(axis=1)
    step = np.diff(density)
    peaks = np.flatnonzero((step[:-1] > 0) & (step[1:] <= 0)) + 1
    return density, peaks, grid


def _valley(values: np.ndarray, width: float) -> float:
    """The lowest point between the two modes that appear just below the critical bandwidth."""
    for narrower in (0.99, 0.95, 0.9, 0.8):
        density, peaks, grid = _modes(values, narrower * width)
        if len(peaks) > 1:
            left, right = sorted(sorted(peaks, key=lambda p: -density[p])[:2])
            return float(grid[left + density[left : right + 1].argmin()])
    return np.nan


def _smoothed(values: np.ndarray, width: float, drawn: np.random.Generator, draws: int) -> np.ndarray:
    """Samples from the kernel density, scaled back to the variance of the values."""
    picks = values[drawn.integers(0, values.size, (draws, values.size))]
    noise = width * drawn.standard_normal(picks.shape)
    shrink = np.sqrt(1 + width**2 / values.var())
    return values.mean() + (picks - values.mean() + noise) / shrink
