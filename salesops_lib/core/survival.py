"""Time to an event where some are still waiting: cumulative incidence and Kaplan-Meier, with late entry."""

from __future__ import annotations

import numpy as np
import pandas as pd

OPEN = 0
"""Event code of a case that is still waiting."""


def incidence(
    entry: np.ndarray, exit_: np.ndarray, event: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Share with event 1 by each age where event 2 ends the wait too, open cases are censored, some enter
    late.

    Parameters
    ----------
    entry, exit_
        Age at which a case came under observation and left it; an exit at an age counts at it, an entry
        after it.
    event
        0 censored, 1 the event asked for, 2 any other that ends the wait.

    Returns
    -------
    Ages with an event, share by each, its standard error, cases at risk.

    Source: Aalen and Johansen (1978); variance as in Marubini and Valsecchi (1995), §10.
    """
    order = np.argsort(exit_, kind="stable")
    left_at, kind = exit_[order], event[order]
    ends = left_at[kind > 0]
    first = np.append(True, ends[1:] != ends[:-1]) if len(ends) else np.zeros(0, dtype=bool)
    age, place = ends[first], np.cumsum(first) - 1
    entered = np.searchsorted(np.sort(entry), age, side="left") if (entry > 0).any() else len(exit_)
    risk = entered - np.searchsorted(left_at, age, side="left")
    d1, d2 = (np.bincount(place[kind[kind > 0] == e], minlength=len(age)) for e in (1, 2))
    d = d1 + d2
    stay = np.cumprod(1 - d / risk)
    before = np.append(1.0, stay[:-1])
    share = np.cumsum(before * d1 / risk)
    left = np.maximum(risk - d, 1e-9)
    a, b = d / (risk * left), before * d1 / risk**2
    c = before**2 * (risk - d1) * d1 / risk**3
    # Σ (F - F_i)² a_i + c_i - 2 (F - F_i) b_i, expanded so that one pass gives every age
    variance = (
        share**2 * np.cumsum(a) - 2 * share * np.cumsum(a * share) + np.cumsum(a * share**2)
        + np.cumsum(c) - 2 * share * np.cumsum(b) + 2 * np.cumsum(b * share)
    )  # fmt: skip
    return age, share, np.sqrt(np.maximum(variance, 0.0)), risk


def incidence_table(
    age: pd.Series,
    event: pd.Series,
    *,
    causes: tuple[str, ...],
    entry: pd.Series | None = None,
    level: float = 0.9,
) -> pd.DataFrame:
    """Cumulative incidence of each cause, to the largest age that anyone was followed to and no further.

    Parameters
    ----------
    age
        Days from the start to the event, or to the last day known.
    event
        Which cause ended the wait, one of ``causes``; missing where it goes on.
    entry
        Age at which a case came under observation; missing or None: from the start.

    Returns
    -------
    DataFrame
        ``cause``, ``age``, ``at_risk``, ``events`` (at this age), ``share`` (by this age), ``low``, ``high``
        (complementary log-log, at ``level``). Empty where nothing happened.
    """
    from scipy.special import ndtri

    ages = age.to_numpy("float64")
    late = np.zeros(len(ages)) if entry is None else entry.fillna(0.0).to_numpy("float64")
    codes = pd.Categorical(event, categories=list(causes)).codes.astype("int64") + 1
    codes = np.where(codes > 0, codes, OPEN)
    known = np.isfinite(ages) & (ages >= 0) & (late < ages)
    order = np.flatnonzero(known)[np.argsort(ages[known], kind="stable")]  # once for all causes
    ages, late, codes = ages[order], late[order], codes[order]
    z, rows = float(ndtri((1 + level) / 2)), []
    for k, cause in enumerate(causes, 1):
        own = np.where(codes == k, 1, np.where(codes > 0, 2, 0))
        if not (own == 1).any():
            continue
        at, share, error, risk = incidence(late, ages, own)
        count = np.bincount(np.searchsorted(at, ages[own == 1]), minlength=len(at))
        low, high = _log_log(share, error, z)
        rows.append(
            pd.DataFrame({"cause": cause, "age": at, "at_risk": risk, "events": count, "share": share,
                          "low": low, "high": high})
        )  # fmt: skip
    columns = ["cause", "age", "at_risk", "events", "share", "low", "high"]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


def waiting_quantile(
    age: pd.Series, ended: pd.Series, share: float, entry: pd.Series | None = None
) -> float | None:
    """Age by which a share of cases has ended (Kaplan-Meier, open ones kept); None where it was not reached.

    ``ended``: whether the wait ended at ``age``; else it was still on.
    """
    found = incidence_table(age, ended.map({True: "ended"}), causes=("ended",), entry=entry)
    reached = found[found["share"] >= share - 1e-12]
    return float(reached["age"].iloc[0]) if len(reached) else None


def _log_log(share: np.ndarray, error: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
    inner = np.clip(share, 1e-12, 1 - 1e-12)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        theta = np.log(-np.log(inner))
        half = z * error / np.abs(inner * np.log(inner))
        low, high = np.exp(-np.exp(theta + half)), np.exp(-np.exp(theta - half))
    flat = ~np.isfinite(half) | (share <= 0) | (share >= 1)
    low, high = np.where(flat, share, low), np.where(flat, share, high)
    return np.minimum(low, high), np.maximum(low, high)
