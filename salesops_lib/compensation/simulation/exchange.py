"""How far an exchange rate may be from the plan rate when pay in that currency is converted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

MIN_MONTHS = 12  # monthly changes of a rate under which its spread is not told
WIDE = 1.6449  # normal quantile of a 90 % range


@dataclass(frozen=True)
class RateRange:
    """``plans``: ids of the plans that pay in ``currency``. ``low``, ``high``: the year's mean rate ÷ plan
    rate, 90 %. ``months``: monthly changes it is told from.
    """

    currency: str
    plans: frozenset[str]
    low: float
    high: float
    months: int


def rate_ranges(
    foreign: Mapping[str, str], planned: pd.DataFrame, daily: pd.DataFrame | None, day: date
) -> list[RateRange]:
    """For each currency that plans pay in, how far its mean over a year may lie from the plan rate.

    The last rate known, and a random walk from there with the spread of past monthly changes: its mean over a
    year varies by a third of a year's variance.

    Parameters
    ----------
    foreign
        Plan id → currency, where that is not the reporting currency.
    planned, daily
        ``currency``, ``date``, ``base_per_unit``: of ``inputs.plan_rates``, and of the table ``fx_rates``.
    day
        The last day known.

    Returns
    -------
    list of RateRange
        By currency; none for a currency with fewer than twelve monthly changes or without a plan rate.
    """
    found: list[RateRange] = []
    for code in sorted(set(foreign.values())) if daily is not None else ():
        rates, plan = _until(daily, code, day), _until(planned, code, day)
        monthly = rates.groupby(rates.index.to_period("M")).last()
        changes = np.diff(np.log(monthly.to_numpy("float64")))
        if len(changes) < MIN_MONTHS or plan.empty:
            continue
        half = WIDE * float(changes.std(ddof=1)) * np.sqrt(12 / 3)
        middle = float(rates.iloc[-1] / plan.iloc[-1])
        plans = frozenset(p for p, c in foreign.items() if c == code)
        ends = middle * float(np.exp(-half)), middle * float(np.exp(half))
        found.append(RateRange(code, plans, *ends, len(changes)))
    return found


def _until(rates: pd.DataFrame, code: str, day: date) -> pd.Series:
    mine = rates[(rates["currency"] == code) & (pd.to_datetime(rates["date"]) <= pd.Timestamp(day))]
    made = pd.Series(mine["base_per_unit"].to_numpy("float64"), index=pd.DatetimeIndex(mine["date"]))
    return made.sort_index().dropna()
