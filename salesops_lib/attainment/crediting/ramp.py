"""How much of a full quota a new hire counts for, by months since the start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

_MONTH = 365.25 / 12


@dataclass(frozen=True)
class Ramp:
    """Nothing through month ``zero_months``, then in even steps to all in month ``full_month``.

    With 2 and 6: 0, 0, 25, 50, 75, 100 % in months one to six.
    """

    zero_months: float
    full_month: float

    def share(self, month: np.ndarray) -> np.ndarray:
        """Share of a full quota in the given month of service (1 is the first); any shape."""
        step = max(self.full_month - self.zero_months, 1e-9)
        return np.clip((np.asarray(month, dtype="float64") - self.zero_months) / step, 0, 1)

    @property
    def lost_months(self) -> float:
        """Months of full output a new hire costs until fully ramped."""
        return float((1 - self.share(np.arange(1, int(np.ceil(self.full_month)) + 1))).sum())


def ramped_share(hired: pd.Series, bounds: pd.Series, ramp: Ramp) -> pd.Series:
    """Mean ramp share over the days of a period from the hire on, one per row, 0 to 1.

    ``hired``: first day of service (missing counts as long ago); ``bounds``: (first day, day after the last)
    of the period. Zero where the period ends before the hire. Same index.
    """
    days = np.arange(0.5, 99.5) / 99  # points of the period at which the curve is read
    first = pd.to_datetime(bounds.map(lambda b: b[0])).to_numpy("datetime64[D]").astype("int64")
    last = pd.to_datetime(bounds.map(lambda b: b[1])).to_numpy("datetime64[D]").astype("int64")
    start = pd.to_datetime(hired).fillna(pd.Timestamp("1970-01-01")).to_numpy("datetime64[D]").astype("int64")
    begin = np.maximum(first, np.minimum(start, last))
    at = begin[:, None] + days * (last - begin)[:, None]
    month = np.floor((at - start[:, None]) / _MONTH) + 1
    share = ramp.share(month).mean(axis=1)
    return pd.Series(np.where(last > begin, share, 0.0), index=hired.index)
