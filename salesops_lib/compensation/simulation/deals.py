"""Lumpy roles, deal by deal: a compound Poisson year, for caps per deal, SPIFFs and parts of a measure.

The number of deals of a step is Poisson; its mean follows the quota, the rep's level and what all share.
Sizes are drawn from the role's own past deals, with what each deal was (multi-year, in a SPIFF).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from salesops_lib.compensation.simulation.draws import UNIT, Design, Shared, generator
from salesops_lib.compensation.simulation.families import Family
from salesops_lib.compensation.simulation.performance import Structure

MOST_DEALS = 200.0  # a step with more expected deals is no lump: the mean is held here


@dataclass(frozen=True)
class DealStream:
    """Deals of a group of reps.

    ``name``: its random numbers hang on it. ``expected``: expected deals, steps × reps, all shocks at their
    mean. ``spread``: log-sd of what is not known of each rep's level. ``common``, ``segment_share``,
    ``extra``: log-sd of the market's, the segment's and a rep's own shock to the mean. ``sizes``: past deals.
    ``flags``: measure → which of them are a part of it. ``worths``: SPIFF → what each past deal is worth to
    it, and whether that grows with the deal. ``segment``: segment numbers.
    """

    name: str
    expected: np.ndarray
    spread: np.ndarray
    common: float
    segment_share: float
    extra: float
    sizes: np.ndarray
    segment: np.ndarray
    flags: dict[str, np.ndarray] = field(default_factory=dict)
    worths: dict[str, tuple[np.ndarray, bool]] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.expected.shape[1]

    @property
    def steps(self) -> int:
        """Periods of the year."""
        return len(self.expected)


@dataclass(frozen=True)
class DealDraws:
    """Drawn deals of one unit of reps in one block, in order of scenario, rep, step.

    ``cell``: (scenario · reps + rep) · steps + step of each deal. ``size``: money. ``which``: its place among
    the stream's past deals. ``shape``: (steps, scenarios, reps).
    """

    cell: np.ndarray
    size: np.ndarray
    which: np.ndarray
    shape: tuple[int, int, int]

    def sums(self, weights: np.ndarray) -> np.ndarray:
        """Sum of a number per deal in each cell: float32, steps × scenarios × reps."""
        steps, n, reps = self.shape
        flat = np.bincount(self.cell, weights, steps * n * reps)
        return np.ascontiguousarray(np.moveaxis(flat.reshape(n, reps, steps), 2, 0), dtype="float32")


def deal_stream(
    name: str,
    history: tuple[np.ndarray, dict[str, np.ndarray]],
    quota: np.ndarray,
    level: tuple[Family, Structure, np.ndarray, np.ndarray],
    segment: np.ndarray,
) -> DealStream:
    """A stream whose amounts have, as far as deals allow, the mean and spread that attainment had.

    ``history``: sizes of past deals > 0 and their flags. ``quota``: steps × reps, money. ``level``: the
    role's family and structure, each rep's score and its sd. What a rep's own shocks vary by beyond what
    Poisson numbers and sizes do is kept as a shock to the mean.
    """
    sizes, flags = history
    family, parts, score, sd = level
    shape = log_spread(family)
    attained = expected_attainment(family, score, np.sqrt(parts.passing + sd**2))
    expected = np.minimum(quota * attained / sizes.mean(), MOST_DEALS)
    typical = expected[expected > 0].mean() if (expected > 0).any() else 1.0
    lumps = (1 + (sizes.std() / sizes.mean()) ** 2) / typical
    own = shape**2 * parts.passing * max(1 - parts.rho - parts.rho_segment, 0.0)
    return DealStream(
        name, expected, shape * sd, shape * float(np.sqrt(parts.passing * parts.rho)),
        shape * float(np.sqrt(parts.passing * parts.rho_segment)), float(np.sqrt(max(own - lumps, 0.0))),
        sizes, segment, flags,
    )  # fmt: skip


def draw_deals(design: Design, stream: DealStream, factors: Shared, block: int, unit: int) -> DealDraws:
    """The deals of one unit of reps in one block; a unit is always drawn whole."""
    n, first = design.size(block), unit * UNIT
    last = min(first + UNIT, len(stream))
    reps, steps = last - first, stream.steps
    random = generator(design.seed, stream.name, block, unit)
    lasting = random.standard_normal((n, UNIT))[:, :reps] * stream.spread[first:last]
    shock = random.standard_normal((n, UNIT, steps))[:, :reps] * stream.extra
    shock += stream.common * factors.market[:steps].T[:, None, :]
    if stream.segment_share:
        chosen = factors.segments[stream.segment[first:last]]
        shock += stream.segment_share * np.transpose(chosen, (2, 0, 1))
    half = (stream.spread[first:last] ** 2)[:, None] / 2
    half = half + (stream.extra**2 + stream.common**2 + stream.segment_share**2) / 2
    mean = stream.expected[:, first:last].T * np.exp(shock + lasting[:, :, None] - half)
    counts = generator(design.seed, stream.name, block, unit, part=1).poisson(mean).ravel()
    picks = generator(design.seed, stream.name, block, unit, part=2)
    which = picks.integers(0, len(stream.sizes), int(counts.sum()))
    cell = np.repeat(np.arange(counts.size), counts)
    return DealDraws(cell, stream.sizes[which], which, (steps, n, reps))


def capped_by_deal(
    deals: DealDraws, curve, quota: np.ndarray, window: np.ndarray, cap: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Payout of a marginal commission deal by deal, none above ``cap``, in the curve's units.

    Parameters
    ----------
    curve
        Payout of cumulated attainment, vectorised (``curves.Curve.evaluate``).
    quota
        Quota of each step's window, steps × reps, money.
    window
        Number of the window that each step falls in.
    cap
        Most of one deal, in the curve's units, steps × reps.

    Returns
    -------
    paid, withheld
        float32, steps × scenarios × reps.
    """
    steps, _, reps = deals.shape
    step = deals.cell % steps
    place = deals.cell // steps
    rep = place % reps
    group = place * (int(window.max()) + 1) + window[step]
    running = np.cumsum(deals.size)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    before = np.repeat(running[starts] - deals.size[starts], np.diff(np.append(starts, len(group))))
    own = quota[step, rep]
    after = np.divide(running - before, own, out=np.zeros(len(own)), where=own > 0)
    total = curve(after)
    earned = np.diff(total, prepend=0.0)
    earned[starts] = total[starts] - curve(np.zeros(1))
    paid = np.minimum(earned, cap[step, rep])
    return deals.sums(paid), deals.sums(earned - paid)


def log_spread(family: Family) -> float:
    """σ of the lognormal that has the family's coefficient of variation."""
    if family.name in {"lognormal"}:
        return family.shape
    z, weight = _nodes(1.0)
    values = family.quantile(z)
    mean = (weight * values).sum()
    return float(np.sqrt(np.log1p((weight * (values - mean) ** 2).sum() / mean**2)))


def expected_attainment(family: Family, score: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """E[Q(score + sd·Z)] for each rep, by Gauss–Hermite quadrature."""
    z, weight = _nodes(1.0)
    return (weight * family.quantile(score[:, None] + sd[:, None] * z)).sum(axis=1)


def _nodes(spread: float, count: int = 41) -> tuple[np.ndarray, np.ndarray]:
    z, weight = np.polynomial.hermite_e.hermegauss(count)
    return spread * z, weight / weight.sum()
