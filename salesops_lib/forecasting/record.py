"""The forecast's own record, and what hangs on few: small tables that findings are judged from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.forecasting.benchmarks import BENCHMARKS
from salesops_lib.forecasting.bookings import History
from salesops_lib.forecasting.calls import commit_category
from salesops_lib.forecasting.combination import Past
from salesops_lib.forecasting.stacking import MEDIAN

DRAWS = 2000
LEVEL = 0.9


@dataclass(frozen=True)
class Record:
    """A number with its range over past periods: missing where they are too few. ``name``: what it is of."""

    value: float
    low: float
    high: float
    periods: int
    name: str = ""
    sign: float = 0.0


def bias_record(past: Past, who: str, *, ahead: int, point: float, seed: int) -> Record:
    """|Σ(middle − booked)| ÷ Σ booked of the company's past forecasts; ``sign`` above 0: too high.

    ``who``: ``combined`` or a benchmark. Past forecasts of the same distance and, of the running period, the
    same week. The range is a bootstrap over periods.
    """
    actual, middle, period = _company(past, who, ahead, point)
    if len(actual) == 0 or not actual.sum() > 0:
        return Record(np.nan, np.nan, np.nan, 0, who)
    off = float((middle - actual).sum() / actual.sum())
    drawn = _resampled(period, [middle - actual, actual], seed)
    low, high = _ends(np.abs(drawn[0] / np.where(drawn[1] > 0, drawn[1], np.nan)))
    return Record(abs(off), min(low, abs(off)), max(high, abs(off)), len(set(period)), who, np.sign(off))


def error_record(past: Past, *, ahead: int, point: float, seed: int) -> Record:
    """Σ|forecast − booked| ÷ Σ|best benchmark − booked| of the company; ``name``: the best benchmark."""
    found = []
    for name in BENCHMARKS:
        actual, other, period = _company(past, name, ahead, point)
        if len(set(period)) >= 2 and np.abs(other - actual).sum() > 0:
            found.append((float(np.abs(other - actual).sum() / np.abs(actual).sum()), name))
    if not found:
        return Record(np.nan, np.nan, np.nan, 0)
    name = min(found)[1]
    actual, own, period = _company(past, "combined", ahead, point, among=name)
    _, other, _ = _company(past, name, ahead, point)
    errors = [np.abs(own - actual), np.abs(other - actual)]
    drawn = _resampled(period, errors, seed)
    low, high = _ends(drawn[0] / np.where(drawn[1] > 0, drawn[1], np.nan))
    value = float(errors[0].sum() / errors[1].sum())
    return Record(value, min(low, value), max(high, value), len(set(period)), name)


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
    values = past.printed[:, MEDIAN] if who == "combined" else past.tested.points[who]
    kept = (rows["level"] == "company") & (rows["ahead"] == ahead) & np.isfinite(values)
    if ahead == 0 and point > 0:
        kept &= rows["point"] == point
    if among:
        kept &= np.isfinite(past.tested.points[among])
    kept = kept.to_numpy()
    actual = rows["actual"].to_numpy(dtype="float64")
    return actual[kept], values[kept], rows["period"].to_numpy()[kept]


def _resampled(period: np.ndarray, values: list[np.ndarray], seed: int) -> list[np.ndarray]:
    """Sums over whole periods drawn with replacement."""
    names, code = np.unique(period.astype(str), return_inverse=True)
    sums = [np.bincount(code, weights=v, minlength=len(names)) for v in values]
    picks = np.random.default_rng(seed).integers(0, len(names), (DRAWS, len(names)))
    return [s[picks].sum(axis=1) for s in sums]


def _ends(drawn: np.ndarray) -> tuple[float, float]:
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if drawn.size else (np.nan, np.nan)
    return float(low), float(high)
