"""Intervals, concentration and pace: statistics more than one domain needs. Pure numbers, seeds passed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.core.findings import Interval
from salesops_lib.core.periods import FiscalCalendar, Kind, Period


def proportion_interval(successes: int, n: int, level: float = 0.9) -> Interval | None:
    """Wilson interval of a share; ``None`` where there is nothing to count.

    Source: Wilson (1927), as in ``statsmodels.stats.proportion.proportion_confint``, which costs a second to
    import.
    """
    from scipy.special import ndtri

    if n <= 0:
        return None
    z, share = float(ndtri((1 + level) / 2)), successes / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return Interval(max(middle - half, 0.0), min(middle + half, 1.0), level, "Wilson")


def bootstrap_interval(
    values: np.ndarray | pd.Series,
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    level: float = 0.9,
    seed: int = 7,
    draws: int = 2000,
) -> Interval | None:
    """Percentile bootstrap interval of a statistic of one sample.

    Parameters
    ----------
    values
        The sample, one dimension, no missing values.
    statistic
        Takes an array and returns the statistic along its last axis (``gini``, ``top_share``).
    level, seed, draws
        Probability inside, random seed, number of resamples.

    Returns
    -------
    Interval or None
        ``None`` where fewer than two values are there or the statistic is undefined in half of the draws.
    """
    sample = np.asarray(values, dtype="float64")
    if sample.size < 2:
        return None
    picks = np.random.default_rng(seed).integers(0, sample.size, (draws, sample.size))
    drawn = statistic(sample[picks])
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size < draws / 2:
        return None
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, f"bootstrap, {draws} draws")


def gini(values: np.ndarray | pd.Series) -> np.ndarray:
    """Gini coefficient along the last axis: 0 all equal, towards 1 one has all.

    Undefined (NaN) where a value is negative or the sum is not positive.
    """
    ranked = np.sort(np.asarray(values, dtype="float64"), axis=-1)
    n = ranked.shape[-1]
    rank = np.arange(1, n + 1)
    sums = ranked.sum(axis=-1)
    defined = (sums > 0) & (ranked.min(axis=-1, initial=np.inf) >= 0)
    weighted = ((2 * rank - n - 1) * ranked).sum(axis=-1)
    return np.where(defined, weighted / np.where(defined, n * sums, 1), np.nan)


def top_share(values: np.ndarray | pd.Series, top: float = 0.2) -> np.ndarray:
    """Share of the sum held by the largest ``top`` part of values, along the last axis.

    Where ``top`` × n is no whole number the next value counts for its fraction (the Lorenz curve between
    two points), so the share does not jump with n. Undefined where the sum is not positive.
    """
    ranked = -np.sort(-np.asarray(values, dtype="float64"), axis=-1)
    n = ranked.shape[-1]
    weights = np.clip(top * n - np.arange(n), 0, 1)
    sums = ranked.sum(axis=-1)
    return np.where(sums > 0, (ranked * weights).sum(axis=-1) / np.where(sums > 0, sums, 1), np.nan)


def rank_correlation(x: pd.Series, y: pd.Series, level: float = 0.9) -> tuple[float, float, float]:
    """Spearman's rank correlation and its range: value, low, high; NaN under four pairs or without spread.

    The range is Fisher's with the standard error for ranks, √((1 + r² ÷ 2) ÷ (n − 3)).

    Source: Bonett and Wright (2000), Psychometrika 65, 23-28.
    """
    from scipy.special import ndtri

    known = x.notna() & y.notna()
    n = int(known.sum())
    first, second = x[known].rank(), y[known].rank()
    if n < 4 or first.nunique() < 2 or second.nunique() < 2:
        return np.nan, np.nan, np.nan
    value = float(np.corrcoef(first, second)[0, 1])
    middle = np.arctanh(np.clip(value, -1 + 1e-9, 1 - 1e-9))
    half = float(ndtri((1 + level) / 2)) * np.sqrt((1 + value**2 / 2) / (n - 3))
    return value, float(np.tanh(middle - half)), float(np.tanh(middle + half))


def weighted_mean(values: np.ndarray | pd.Series, weights: np.ndarray | pd.Series) -> float:
    """Σ value × weight ÷ Σ weight over the rows where both are there; NaN where no weight is."""
    value, weight = np.asarray(values, dtype="float64"), np.asarray(weights, dtype="float64")
    known = np.isfinite(value) & np.isfinite(weight)
    mass = weight[known].sum()
    return float((value[known] * weight[known]).sum() / mass) if mass > 0 else float("nan")


def weighted_quantile(values: np.ndarray | pd.Series, weights: np.ndarray | pd.Series, share: float) -> float:
    """The smallest value at which at least ``share`` of the weight is reached; NaN where no weight is."""
    value, weight = np.asarray(values, dtype="float64"), np.asarray(weights, dtype="float64")
    known = np.isfinite(value) & (weight > 0)
    if not known.any():
        return float("nan")
    order = np.argsort(value[known], kind="stable")
    reached = np.cumsum(weight[known][order]) / weight[known].sum()
    at = min(int(np.searchsorted(reached, share - 1e-12)), reached.size - 1)
    return float(value[known][order][at])


def prediction_quantiles(past: np.ndarray | pd.Series, shares: list[float]) -> np.ndarray:
    """Quantiles of the next value, from earlier ones of the same kind.

    From 30 values on: order statistics at k ÷ (n + 1), whose coverage is right for any exchangeable values
    (split conformal). Below: Student's t with the variance of a new observation, right where values are
    about normal; pass logarithms of ratios. Fewer than two values: NaN.
    """
    known = np.asarray(past, dtype="float64")
    known = known[np.isfinite(known)]
    if known.size < 2:
        return np.full(len(shares), np.nan)
    if known.size >= EMPIRICAL_FROM:
        return np.quantile(known, shares, method="weibull")
    from scipy.special import stdtrit  # scipy.stats would cost a second to import

    spread = known.std(ddof=1) * np.sqrt(1 + 1 / known.size)
    return known.mean() + spread * stdtrit(known.size - 1, np.asarray(shares))


EMPIRICAL_FROM = 30


def prediction_exceeds(past: np.ndarray | pd.Series, limits: np.ndarray | pd.Series | float) -> np.ndarray:
    """Probability that the next value reaches each limit, consistent with :func:`prediction_quantiles`.

    Never 0 or 1: with n past values it stays 1 ÷ (n + 1) away from them. Missing where the limit is missing
    or fewer than two past values are there. Same shape as ``limits``.
    """
    known = np.asarray(past, dtype="float64")
    known = np.sort(known[np.isfinite(known)])
    limit = np.asarray(limits, dtype="float64")
    if known.size < 2:
        return np.full(limit.shape, np.nan)
    edge = 1 / (known.size + 1)
    if known.size >= EMPIRICAL_FROM or known[0] == known[-1]:
        above = known.size - np.searchsorted(known, limit, side="right")
        level = known.size - np.searchsorted(known, limit, side="left") - above
        share = (above + 0.5 * level + 0.5) / (known.size + 1)
    else:
        from scipy.special import stdtr

        spread = known.std(ddof=1) * np.sqrt(1 + 1 / known.size)
        share = stdtr(known.size - 1, (known.mean() - limit) / spread)
    return np.where(np.isnan(limit), np.nan, np.clip(share, edge, 1 - edge))


def elapsed_at(days: pd.Series, calendar: FiscalCalendar, kind: Kind = "quarter") -> pd.DataFrame:
    """Period and share of its business days elapsed for each day; a day off counts with the next working day.

    Returns a frame with ``period`` (text, missing outside the calendar) and ``elapsed_share`` (0 to 1),
    same index.
    """
    names = calendar.assign(days, kind)
    found = pd.DataFrame({"period": names, "elapsed_share": np.nan}, index=days.index)
    mask = "".join("1" if d in calendar.working_days else "0" for d in _WEEKDAYS)
    options = {"weekmask": mask, "holidays": np.array(calendar.holidays, dtype="datetime64[D]")}
    for name, rows in days[names.notna()].groupby(names[names.notna()]):
        start, end = calendar.bounds(Period.parse(name))
        total = calendar.business_days(start, end)
        before = np.busday_count(start, rows.to_numpy().astype("datetime64[D]"), **options)
        found.loc[rows.index, "elapsed_share"] = np.minimum((before + 1) / max(total, 1), 1.0)
    return found


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def calendar_share(dated: pd.DataFrame, at: float) -> pd.DataFrame:
    """What share of each period's amount had come by the time ``at`` of its business days had passed.

    The pace that past periods kept, not a straight line: a quarter that closes in its last days has a low
    share for a long time.

    Parameters
    ----------
    dated
        One row per booking: ``period``, ``elapsed_share`` (see :func:`elapsed_at`), ``amount``.
    at
        Share of business days elapsed, 0 to 1.

    Returns
    -------
    DataFrame
        Indexed by ``period``, sorted: ``to_date``, ``final`` (sums of ``amount``) and ``share``
        (missing where ``final`` is not positive).
    """
    amount = dated["amount"].astype("float64")
    done = amount.where(dated["elapsed_share"] <= at + 1e-9, 0.0)
    sums = pd.DataFrame({"to_date": done, "final": amount}).groupby(dated["period"]).sum().sort_index()
    return sums.assign(share=(sums["to_date"] / sums["final"]).where(sums["final"] > 0))


HOLE_SHARE = 0.05  # a finished period under this share of the median one is a hole in the data
OPENING_SHARE = 0.25  # a first period whose first booking comes later than this is a hole, not a period


def whole_periods(
    dated: pd.DataFrame, calendar: FiscalCalendar, before: date, kind: Kind = "quarter"
) -> tuple[list[str], list[str]]:
    """Finished periods before a day that the data holds whole, and those it hardly holds, in order.

    Parameters
    ----------
    dated
        One row per booking: ``period``, ``elapsed_share`` (see :func:`elapsed_at`), ``amount``. None before
        the data begins: the first row says when that is.
    calendar, before, kind
        Only periods that have ended by the day ``before`` count.

    Returns
    -------
    (list of str, list of str)
        Whole periods and holes. A first period that begins late is neither; one of returns is no hole.
    """
    dated = dated[dated["period"].notna()]
    if dated.empty:
        return [], []
    opening = min(Period.parse(p) for p in dated["period"].unique())
    ended = [p for p in calendar.periods(kind, end=before) if calendar.bounds(p)[1] <= before]
    names = [str(p) for p in ended if p >= opening]
    if dated.loc[dated["period"] == str(opening), "elapsed_share"].min() > OPENING_SHARE:
        names = [n for n in names if n != str(opening)]
    sums = dated["amount"].abs().groupby(dated["period"]).sum().reindex(names).fillna(0.0)
    least = HOLE_SHARE * sums[sums > 0].median() if (sums > 0).any() else 0.0
    return [n for n in names if sums[n] > least], [n for n in names if sums[n] <= least]


def coverage(actual: pd.Series, low: pd.Series, high: pd.Series, level: float = 0.9) -> dict:
    """How many outcomes lay inside their intervals: ``n``, ``inside``, ``share`` and its Wilson range."""
    known = actual.notna() & low.notna() & high.notna()
    inside = int((actual[known].ge(low[known]) & actual[known].le(high[known])).sum())
    n = int(known.sum())
    interval = proportion_interval(inside, n, level)
    return {
        "n": n,
        "inside": inside,
        "share": inside / n if n else float("nan"),
        "low": interval.low if interval else float("nan"),
        "high": interval.high if interval else float("nan"),
    }
