"""Does answering fast make leads convert? What the past can say, labelled for what it is, and the test that
can.

Good leads are answered first, so the crude odds ratio mixes speed with quality. Adjusting for what is known
at
creation takes part of that away and never all: the result is an association. Only a randomised test gives an
effect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.leads.audit import known_at_creation

MIN_ARM = 100


@dataclass(frozen=True)
class SpeedEffect:
    """Odds of converting when answered within ``fast_minutes``, against later.

    ``crude`` and ``adjusted`` odds ratios with their intervals; ``adjusted_for``: columns; ``n``, ``fast``:
    leads touched, of them fast; ``why``: where nothing can be said.
    """

    fast_minutes: float
    n: int
    fast: int
    crude: float = np.nan
    crude_low: float = np.nan
    crude_high: float = np.nan
    adjusted: float = np.nan
    low: float = np.nan
    high: float = np.nan
    adjusted_for: tuple[str, ...] = ()
    why: str = ""
    label: str = "an association among leads that were touched, not an effect"


def speed_effect(
    answers: pd.DataFrame, converted: pd.Series, *, fast_minutes: float = 60.0, level: float = 0.9
) -> SpeedEffect:
    """Odds ratio of a fast answer, crude and adjusted for what is known when a lead comes in.

    Parameters
    ----------
    answers
        Matured leads of :func:`response.answered`, with ``minutes``; untouched ones are left out, since
        nobody decided how fast to answer them.
    converted
        Whether each converted within the horizon, same index.
    fast_minutes
        Open minutes up to which an answer is fast.

    Returns
    -------
    SpeedEffect
        Missing with a reason under 100 leads an arm, or where all or none converted.
    """
    touched = answers[answers["minutes"].notna()]
    hit = converted.reindex(touched.index).astype(bool)
    quick = touched["minutes"] <= fast_minutes
    fast = int(quick.sum())
    if min(fast, len(touched) - fast) < MIN_ARM:
        why = f"{fast} leads answered fast and {len(touched) - fast} later; {MIN_ARM} of each needed"
        return SpeedEffect(fast_minutes, len(touched), fast, why=why)
    if not 0 < hit.sum() < len(hit):
        return SpeedEffect(fast_minutes, len(touched), fast, why="all or none of the leads converted")
    names = known_at_creation(touched, touched["created_at"])
    crude = _odds(pd.DataFrame(index=touched.index), quick, hit, level)
    adjusted = _odds(_dummies(touched[names]), quick, hit, level)
    if adjusted is None or crude is None:
        return SpeedEffect(fast_minutes, len(touched), fast, why="the adjusted model does not converge")
    return SpeedEffect(fast_minutes, len(touched), fast, *crude, *adjusted, adjusted_for=tuple(names))


def sample_size(base: float, lift: float = 0.02, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Leads needed in each arm of a randomised test to find ``base`` → ``base + lift``.

    Raises ValueError where either rate leaves 0 to 1. Source: normal approximation, Fleiss (1981).
    """
    from scipy.special import ndtri

    other = base + lift
    if not (0 < base < 1 and 0 < other < 1):
        raise ValueError(f"rates {base} and {other} have to lie between 0 and 1")
    middle = (base + other) / 2
    a, b = ndtri(1 - alpha / 2), ndtri(power)
    spread = a * np.sqrt(2 * middle * (1 - middle)) + b * np.sqrt(base * (1 - base) + other * (1 - other))
    return int(np.ceil((spread / lift) ** 2))


def _dummies(frame: pd.DataFrame, least: int = 50) -> pd.DataFrame:
    parts = []
    for name in frame:
        if pd.api.types.is_numeric_dtype(frame[name]) and frame[name].nunique() > 8:
            values = np.log1p(frame[name].astype("float64").clip(lower=0))
            filled = values.fillna(values.median())
            spread = filled.std()
            if spread > 0:
                parts.append(((filled - filled.mean()) / spread).rename(name))
            continue
        text = frame[name].map(lambda v: "(none)" if v is None or pd.isna(v) else str(v))
        common = text.value_counts()
        kept = text.where(text.map(common) >= least, "(other)")
        made = pd.get_dummies(kept, prefix=name, dtype="float64")
        parts.append(made.drop(columns=made.columns[0]))
    return pd.concat(parts, axis=1) if parts else pd.DataFrame(index=frame.index)


def _odds(
    other: pd.DataFrame, quick: pd.Series, hit: pd.Series, level: float
) -> tuple[float, float, float] | None:
    """Odds ratio of ``quick`` with its Wald interval from a logit by Newton's method; None without
    convergence."""
    from scipy.special import expit, ndtri

    x = np.column_stack([np.ones(len(quick)), quick.to_numpy("float64"), other.to_numpy("float64")])
    y, beta = hit.to_numpy("float64"), np.zeros(x.shape[1])
    ridge = np.full(x.shape[1], 1e-3)
    ridge[:2] = 0.0
    for _ in range(50):
        p = expit(x @ beta)
        curve = x.T @ (x * (p * (1 - p))[:, None]) + np.diag(ridge)
        try:
            step = np.linalg.solve(curve, x.T @ (y - p) - ridge * beta)
        except np.linalg.LinAlgError:
            return None
        beta += step
        if np.abs(step).max() < 1e-8:
            error = np.sqrt(np.linalg.inv(curve)[1, 1])
            half = float(ndtri((1 + level) / 2)) * error
            return tuple(float(np.exp(beta[1] + s)) for s in (0.0, -half, half))
    return None
