"""Drawn measures of one unit of reps in one block: attainment, values, windows of the year.

All arrays are float32 with the axes windows (or steps) × scenarios × reps.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from salesops_lib.compensation.simulation.deals import DealDraws
from salesops_lib.compensation.simulation.lanes import window_sums


@dataclass
class Measures:
    """Drawn measures of one unit.

    ``attained``: measure → attainment per step, where there is a quota; ``values``: measure → value per
    step, where there is none. ``quotas``: measure → steps × reps. ``means``: measures whose window is a mean
    of its steps, not a sum. ``deals``: measure → its deals. ``present``: share of each step the seat is
    filled, ``output``: the same after ramp; None: always.
    """

    attained: dict[str, np.ndarray]
    values: dict[str, np.ndarray]
    quotas: dict[str, np.ndarray]
    means: frozenset[str] = frozenset()
    deals: dict[str, DealDraws] = field(default_factory=dict)
    present: np.ndarray | None = None
    output: np.ndarray | None = None
    _kept: dict[tuple, np.ndarray] = field(default_factory=dict)

    def x(self, measure: str, windows: int, by_quota: bool) -> np.ndarray:
        """Attainment or value of a measure in each window of the year."""
        key = (measure, windows, by_quota)
        if key not in self._kept:
            self._kept[key] = (
                self._attainment(measure, windows) if by_quota else self._value(measure, windows)
            )
        return self._kept[key]

    def under(self, quotas: dict[str, np.ndarray]) -> Measures:
        """The same values against other quotas; itself where they are the same."""
        changed = [m for m in self.attained if m in quotas and not np.array_equal(quotas[m], self.quotas[m])]
        if not changed:
            return self
        attained = dict(self.attained)
        for m in changed:
            ratio = np.divide(self.quotas[m], quotas[m], out=np.zeros_like(quotas[m]), where=quotas[m] > 0)
            attained[m] = self.attained[m] * ratio[:, None, :].astype("float32")
        own = {**self.quotas, **{m: quotas[m] for m in changed}}
        return replace(self, attained=attained, quotas=own, _kept={})

    def amounts(self, measure: str) -> np.ndarray:
        """Value per step; of a measure with a quota attainment × quota × what the seat puts out."""
        if measure in self.values:
            return self.values[measure]
        key = (measure, "amounts")
        if key not in self._kept:
            weight = self.quotas[measure][:, None, :].astype("float32")
            if self.output is not None:
                weight = weight * fit(self.output, len(weight))
            self._kept[key] = self.attained[measure] * weight
        return self._kept[key]

    def running(self, measure: str, windows: int, by_quota: bool, at: int) -> np.ndarray:
        """A measure read at the end of ``at`` parts of the year: to date in its own longer window."""
        if windows >= at:
            return grouped(self.x(measure, windows, by_quota), at)
        steps = self.attained.get(measure, self.values.get(measure))
        per = len(steps) // windows
        split = self.amounts(measure).reshape(windows, per, *steps.shape[1:])
        sums = np.cumsum(split, axis=1)
        if measure in self.means:
            sums = sums / np.arange(1, per + 1, dtype="float32")[None, :, None, None]
        elif by_quota:
            quota = np.cumsum(self.quotas[measure].reshape(windows, per, 1, -1), axis=1)
            sums = np.divide(sums, quota, out=np.zeros_like(sums), where=quota > 0)
        flat = sums.reshape(len(steps), *steps.shape[1:])
        return flat[len(steps) // at - 1 :: len(steps) // at]

    def _attainment(self, measure: str, windows: int) -> np.ndarray:
        steps = self.attained[measure]
        if windows == len(steps):
            return steps
        quota = self.quotas[measure]
        if self.output is not None:
            weight = quota[:, None, :].astype("float32") * fit(self.output, len(steps))
            total = window_sums(weight, windows)
            sums = window_sums(steps * weight, windows)
            return np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
        total = window_sums(quota, windows)
        share = np.divide(quota, np.repeat(total, len(quota) // windows, axis=0), where=quota > 0,
                          out=np.zeros_like(quota))  # fmt: skip
        weighed = steps * share[:, None, :].astype("float32")
        return window_sums(weighed, windows)

    def _value(self, measure: str, windows: int) -> np.ndarray:
        amounts = self.amounts(measure)
        if measure in self.means:
            return grouped(amounts, windows) if windows <= len(amounts) else amounts
        return amounts if windows == len(amounts) else window_sums(amounts, windows)


def grouped(parts: np.ndarray, windows: int) -> np.ndarray:
    """Means of finer parts in each window."""
    if len(parts) == windows:
        return parts
    return parts.reshape(windows, len(parts) // windows, *parts.shape[1:]).mean(axis=1)


def fit(parts: np.ndarray, windows: int) -> np.ndarray:
    """Parts of a year brought to a number of windows: means of finer ones, repeats of coarser ones."""
    if len(parts) >= windows:
        return grouped(parts, windows)
    return np.repeat(parts, windows // len(parts), axis=0)
