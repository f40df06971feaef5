"""How good a score is: ranking, calibration, drift, lift; window by window, since base rates move."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.findings import Interval
from salesops_lib.leads.audit import auc_of

METRICS = ["n", "events", "base_rate", "auc", "log_loss", "brier", "skill", "slope", "predicted_over_actual"]
_TINY = 1e-6


def evaluate(probability: np.ndarray, hit: np.ndarray) -> dict[str, float]:
    """Measures of one window.

    Returns ``n``, ``events``, ``base_rate``; ``auc``; ``log_loss``; ``brier`` and ``skill`` (1 − Brier ÷
    that of the
    base rate); ``slope`` (of the outcome on the logit of the probability: 1 is calibrated, under 1 too bold);
    ``predicted_over_actual``. Missing where the window has a single outcome.
    """
    p, y = np.clip(np.asarray(probability, "float64"), _TINY, 1 - _TINY), np.asarray(hit, dtype=bool)
    n, events = len(y), int(y.sum())
    made = dict.fromkeys(METRICS, np.nan) | {"n": n, "events": events}
    if not n:
        return made
    base = events / n
    made["base_rate"] = base
    if not 0 < events < n:
        return made
    brier, flat = float(((p - y) ** 2).mean()), base * (1 - base)
    return made | {
        "auc": auc_of(p, y),
        "log_loss": float(-np.where(y, np.log(p), np.log1p(-p)).mean()),
        "brier": brier,
        "skill": 1 - brier / flat,
        "slope": calibration(p, y)[1],
        "predicted_over_actual": float(p.mean() / base),
    }


def calibration(probability: np.ndarray, hit: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of the outcome on the logit of the probability (Cox 1958); missing without both
    outcomes."""
    from scipy.special import expit

    y = np.asarray(hit, "float64")
    if not 0 < y.sum() < len(y):
        return float("nan"), float("nan")
    x = np.column_stack([np.ones(len(y)), _logit(probability)])
    if np.ptp(x[:, 1]) < 1e-9:
        return float("nan"), float("nan")
    beta = np.array([0.0, 1.0])
    for _ in range(50):
        p = expit(x @ beta)
        curve = x.T @ (x * (p * (1 - p) + 1e-12)[:, None])
        step = np.linalg.solve(curve, x.T @ (y - p))
        beta += step
        if np.abs(step).max() < 1e-9:
            break
    return float(beta[0]), float(beta[1])


def recalibrated(probability: np.ndarray, intercept: float, slope: float) -> np.ndarray:
    """Probabilities moved by :func:`calibration` of a later window (Platt); unchanged where it is missing."""
    from scipy.special import expit

    if not np.isfinite(intercept) or not np.isfinite(slope):
        return np.asarray(probability, "float64")
    return expit(intercept + slope * _logit(probability))


def reliability(probability: np.ndarray, hit: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Predicted against actual by tenth of the probability: ``bin``, ``n``, ``predicted``, ``actual``,
    ``low``,
    ``high`` (Wilson, 90 %). Bins hold equally many leads."""
    from salesops_lib.core.stats import proportion_interval

    frame = pd.DataFrame({"p": np.asarray(probability, "float64"), "y": np.asarray(hit, dtype=bool)})
    frame["bin"] = np.ceil(frame["p"].rank(method="first") / max(len(frame), 1) * bins).astype("int64")
    rows = []
    for number, part in frame.groupby("bin"):
        interval = proportion_interval(int(part["y"].sum()), len(part))
        rows.append((number, len(part), part["p"].mean(), part["y"].mean(), interval.low, interval.high))
    return pd.DataFrame(rows, columns=["bin", "n", "predicted", "actual", "low", "high"])


def lift_table(probability: np.ndarray, hit: np.ndarray, parts: int = 10) -> pd.DataFrame:
    """Conversion by tenth of the score, best first: ``part``, ``n``, ``events``, ``rate``, ``lift`` (rate ÷
    overall), ``captured`` (share of all conversions so far) with ``captured_low``, ``captured_high`` (Wilson,
    90 %, of the conversions; the last part holds them all by definition). Missing where nothing converted."""
    from salesops_lib.core.stats import proportion_interval

    frame = pd.DataFrame({"p": np.asarray(probability, "float64"), "y": np.asarray(hit, dtype=bool)})
    frame["part"] = np.ceil((-frame["p"]).rank(method="first") / max(len(frame), 1) * parts).astype("int64")
    made = frame.groupby("part", as_index=False).agg(n=("y", "size"), events=("y", "sum"))
    made["rate"] = made["events"] / made["n"]
    total = int(made["events"].sum())
    made["lift"] = made["rate"] / (total / len(frame)) if total else np.nan
    so_far = made["events"].cumsum()
    made["captured"] = so_far / total if total else np.nan
    ends = [proportion_interval(int(k), total) for k in so_far]
    made["captured_low"] = [e.low if e else np.nan for e in ends]
    made["captured_high"] = [e.high if e else np.nan for e in ends]
    if total:
        made.loc[made.index[-1:], ["captured_low", "captured_high"]] = 1.0
    return made


def auc_interval(auc: float, hits: int, rest: int, level: float = 0.9) -> Interval | None:
    """Range of an AUC from so many leads that converted and that did not; None without both.

    Source: Hanley and McNeil (1982), *Radiology* 143, 29–36.
    """
    from scipy.special import ndtri

    if hits < 1 or rest < 1 or not np.isfinite(auc):
        return None
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (hits - 1) * (one - auc**2) + (rest - 1) * (two - auc**2)
    half = float(ndtri((1 + level) / 2)) * np.sqrt(spread / (hits * rest))
    return Interval(max(auc - half, 0.0), min(auc + half, 1.0), level, "Hanley and McNeil")


def population_stability(
    before: np.ndarray | pd.Series, after: np.ndarray | pd.Series, bins: int = 10
) -> float:
    """Population stability index of a score or a column between two sets of leads: 0 the same, above 0.25
    another.

    Numbers by the tenths of ``before``; texts by value. Missing where one side is empty. Both sides of a
    score have to come from one model: two models put the same lead on two sides of an edge.
    """
    counts = _binned(before, after, bins)
    return float("nan") if counts is None else float(_stability(*counts))


def stability_interval(
    before: np.ndarray | pd.Series,
    after: np.ndarray | pd.Series,
    *,
    level: float = 0.9,
    seed: int = 7,
    draws: int = 500,
) -> Interval | None:
    """Range of :func:`population_stability`, by drawing ``after`` anew from its bins; None where it is
    missing."""
    counts = _binned(before, after, 10)
    if counts is None:
        return None
    one, two = counts
    drawn = np.random.default_rng(seed).multinomial(int(two.sum()), two / two.sum(), draws)
    low, high = np.quantile(_stability(one, drawn), [(1 - level) / 2, (1 + level) / 2])
    value = float(_stability(one, two))
    return Interval(min(low, value), max(high, value), level, "bootstrap")


def _binned(before, after, bins: int) -> tuple[np.ndarray, np.ndarray] | None:
    one, two = pd.Series(before).dropna(), pd.Series(after).dropna()
    if one.empty or two.empty:
        return None
    if pd.api.types.is_numeric_dtype(one):
        edges = np.unique(np.quantile(one, np.linspace(0, 1, bins + 1)[1:-1]))
        one, two = (pd.Series(np.searchsorted(edges, s, side="right")) for s in (one, two))
    counts = [s.value_counts() for s in (one, two)]
    index = counts[0].index.union(counts[1].index)
    return tuple(c.reindex(index, fill_value=0).to_numpy("int64") for c in counts)


def _stability(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    a = np.maximum(one / one.sum(), 1e-4)
    b = np.maximum(two / two.sum(axis=-1, keepdims=True), 1e-4)
    return ((a - b) * np.log(a / b)).sum(axis=-1)


def capacity_threshold(scores: np.ndarray, capacity: int) -> float | None:
    """The lowest score that ``capacity`` leads reach; None where there are fewer leads than that."""
    ranked = np.sort(np.asarray(scores, "float64"))[::-1]
    return float(ranked[capacity - 1]) if 0 < capacity <= len(ranked) else None


def _logit(p) -> np.ndarray:
    inner = np.clip(np.asarray(p, "float64"), _TINY, 1 - _TINY)
    return np.log(inner / (1 - inner))
