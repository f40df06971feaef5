"""An odds ratio of one thing, alike in others: a small logit for associations that more than one domain
tells."""

from __future__ import annotations

import numpy as np
import pandas as pd


def dummies(frame: pd.DataFrame, least: int = 50) -> pd.DataFrame:
    """Columns of numbers from columns of anything: numbers as standardised logs, texts as one column per
    level.

    Levels with fewer than ``least`` rows are taken together; a missing text is a level. The first level of a
    text is the base and has no column.
    """
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


def odds_ratio(
    other: pd.DataFrame, exposed: pd.Series, hit: pd.Series, level: float
) -> tuple[float, float, float] | None:
    """Odds ratio of ``exposed`` with its Wald interval from a logit by Newton's method; None without
    convergence."""
    from scipy.special import expit, ndtri

    x = np.column_stack([np.ones(len(exposed)), exposed.to_numpy("float64"), other.to_numpy("float64")])
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
