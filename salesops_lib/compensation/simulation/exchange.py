"""Exchange rates of plans that pay in another currency: how far a year's mean lies from the plan rate.

Model: the log of a rate is a random walk without drift from the last one known; its step is the spread of the
company's own monthly rates. So a year's mean rate ÷ plan rate is close to log-normal, with the median
last ÷ plan rate and σ = monthly σ × √(12 ÷ 3). Where too few months are held it is missing, not 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd
from scipy.special import ndtri

from salesops_lib.compensation.simulation.draws import generator

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

    @property
    def middle(self) -> float:
        """Median of the year's mean rate ÷ plan rate."""
        return float(np.sqrt(self.low * self.high))

    @property
    def spread(self) -> float:
        """σ of its logarithm."""
        return float(np.log(self.high / self.low) / (2 * WIDE))


def drawn_rates(known: RateRange, seed: int, block: int, n: int) -> np.ndarray:
    """The year's mean rate ÷ plan rate in each scenario of a block, n × 1: log-normal, stratified.

    The same currency is the same draws in every group and variant; it does not depend on the market.
    """
    random = generator(seed, f"rate/{known.currency}", block)
    score = ndtri((random.permutation(n) + random.random(n)) / n)
    return known.middle * np.exp(known.spread * score)[:, None]


def with_rates(setup, rates: Iterable[RateRange]):
    """A `setup.Setup` in which the rates of currencies that plans pay in are drawn."""
    return replace(setup, world=replace(setup.world, rates=tuple(rates)))


def rate_limits(foreign: Mapping[str, str], drawn: Iterable[RateRange]) -> list[str]:
    """A sentence for each currency that plans pay in: how its rate is drawn, or that it is not."""
    known = {r.currency: r for r in drawn}
    said = []
    for code in sorted(set(foreign.values())):
        if (rate := known.get(code)) is None:
            said.append(
                f"The rate of {code} is not drawn: fewer than {MIN_MONTHS} monthly changes of it are held, "
                "so its spread is unknown and the range of cost is too narrow by it."
            )
            continue
        said.append(
            f"The year's mean rate of {code} is drawn log-normal around {rate.middle:.3f} of the plan rate, "
            f"{rate.low:.3f} to {rate.high:.3f} in 90 % of the years, by {rate.months} past monthly changes; "
            "attainment stays at the plan rate, and pay rates are independent of sales."
        )
    return said


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
