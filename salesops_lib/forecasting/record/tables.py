"""The forecast's own record, and what hangs on few: small tables that findings are judged from.

Two forecasts are compared on the rows where both stand, and the range of what comes out is one over periods
(:mod:`over_periods`): three weeks of a period are no three observations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.forecasting.benchmarks import BENCHMARKS
from salesops_lib.forecasting.bookings import History
from salesops_lib.forecasting.calls import commit_category
from salesops_lib.forecasting.combination import Past
from salesops_lib.forecasting.record.over_periods import ratio_range
from salesops_lib.forecasting.rules import FEW
from salesops_lib.forecasting.stacking import MEDIAN


@dataclass(frozen=True)
class Record:
    """A number with its range over past periods: missing where they are too few. ``name``: what it is of."""

    value: float
    low: float
    high: float
    periods: int
    name: str = ""


def bias_record(past: Past, who: str, *, ahead: int, point: float) -> Record:
    """Σ(middle − booked) ÷ Σ booked of the company's past forecasts, with its sign: above 0 is too high.

    ``who``: ``combined`` or a benchmark. Past forecasts of the same distance and, of the running period, the
    same week.
    """
    actual, middle, period = _company(past, who, ahead, point)
    if len(actual) == 0 or not actual.sum() > 0:
        return Record(np.nan, np.nan, np.nan, 0, who)
    ends = ratio_range(middle - actual, actual, period, lags=ahead)
    return Record(float((middle - actual).sum() / actual.sum()), *ends, len(set(period)), who)


def error_record(past: Past, *, ahead: int, point: float) -> Record:
    """Σ|forecast − booked| ÷ Σ|benchmark − booked| of the company, against the benchmark hardest to beat.

    Each is compared where both stand; one of at least :data:`rules.FEW` periods goes before one of fewer.
    """
    found = []
    for name in BENCHMARKS:
        actual, own, period = _company(past, "combined", ahead, point, among=name)
        _, other, _ = _company(past, name, ahead, point, among="combined")
        errors = np.abs(own - actual), np.abs(other - actual)
        count = len(set(period))
        if count >= 2 and errors[1].sum() > 0:
            low, high = ratio_range(*errors, period, lags=ahead)
            value = float(errors[0].sum() / errors[1].sum())
            found.append((count >= FEW, value, Record(value, max(low, 0.0), high, count, name)))
    return max(found, key=lambda one: one[:2])[2] if found else Record(np.nan, np.nan, np.nan, 0)


def called_record(
    calls: pd.DataFrame, history: History, reps: pd.DataFrame | None
) -> tuple[int, int, list[str]]:
    """Submitters of the last whole period still there, how many of them have a standing call, who has not."""
    if calls.empty or not history.past:
        return 0, 0, []
    mine = calls[calls["category"] == commit_category(calls)]
    mine = mine[mine["known"] <= pd.Timestamp(history.day)]
    before = set(mine.loc[mine["period"] == history.past[-1], "rep_id"])
    if reps is not None and "end_date" in reps:
        ends = pd.to_datetime(reps["end_date"]).fillna(pd.Timestamp.max).groupby(reps["rep_id"]).max()
        before -= set(ends.index[ends <= pd.Timestamp(history.day)])
    now = set(mine.loc[mine["period"] == history.period, "rep_id"])
    return len(before), len(before & now), sorted(before - now)


def concentration_record(deals: pd.DataFrame | None, period: str) -> tuple[float, int, pd.Series | None]:
    """Share of the largest expected value among open deals, how many there are, and that deal.

    ``deals``: of :class:`pipeline.Forecast`, with ``p_<period>`` and ``amount_base``.
    """
    column = f"p_{period}"
    if deals is None or deals.empty or column not in deals:
        return np.nan, 0, None
    expected = (deals["amount_base"] * deals[column]).fillna(0.0)
    if not expected.sum() > 0:
        return np.nan, len(deals), None
    largest = expected.idxmax()
    return float(expected[largest] / expected.sum()), len(deals), deals.loc[largest]


def _company(
    past: Past, who: str, ahead: int, point: float, *, among: str = ""
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, middle and period of the company's like past forecasts; ``among``: where it stands too."""
    rows = past.tested.rows
    if rows.empty:
        return np.array([]), np.array([]), np.array([])
    values = _middle(past, who)
    kept = (rows["level"] == "company") & (rows["ahead"] == ahead) & np.isfinite(values)
    if ahead == 0 and point > 0:
        kept &= rows["point"] == point
    if among:
        kept &= np.isfinite(_middle(past, among))
    kept = kept.to_numpy()
    actual = rows["actual"].to_numpy(dtype="float64")
    return actual[kept], values[kept], rows["period"].to_numpy()[kept]


def _middle(past: Past, who: str) -> np.ndarray:
    return past.printed[:, MEDIAN] if who == "combined" else past.tested.points[who]
