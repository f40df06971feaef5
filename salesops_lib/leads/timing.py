"""How long conversion takes, with leads that end another way, and where it will end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.core.findings import Interval
from salesops_lib.core.survival import incidence_table
from salesops_lib.leads.funnels import created_before_record
from salesops_lib.leads.lifecycle import labels, outcome_frame

CAUSES = ("converted", "ended")
MIN_EVENTS = 20


def incidence(
    leads: pd.DataFrame, as_of, *, event_at: str = "sql_at", by: str | None = None, level: float = 0.9
) -> pd.DataFrame:
    """Cumulative incidence of conversion and of ending otherwise, by age, for each value of ``by``.

    1 − Kaplan–Meier would treat a disqualified lead as one that may still convert, and overstate.

    Returns
    -------
    DataFrame
        ``group``, ``cause`` (``converted``, ``ended``), ``age`` (days), ``at_risk``, ``events``, ``share``,
        ``low``, ``high``. No curve goes beyond the last age with an event. Leads from before outcomes were
        recorded are left out.

    Source: Aalen and Johansen (1978).
    """
    frame = _recorded(leads, as_of, event_at)
    groups = [("all", frame)]
    if by is not None:
        groups = list(frame.groupby(labels(leads[by]).loc[frame.index], sort=True))
    parts = [
        incidence_table(part["age"], part["event"], causes=CAUSES, level=level).assign(group=name)
        for name, part in groups
    ]
    made = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    columns = ["group", "cause", "age", "at_risk", "events", "share", "low", "high"]
    return made.reindex(columns=columns)


def _recorded(leads: pd.DataFrame, as_of, event_at: str) -> pd.DataFrame:
    """Age and end of each lead whose outcome would be in the data."""
    early = created_before_record(leads, event_at)
    return outcome_frame(leads[~early] if early.any() else leads, as_of, event_at)


@dataclass(frozen=True)
class FinalRate:
    """Where conversion ends if nothing changes: ``rate`` with its ``interval``, or missing with the
    reason."""

    rate: float | None
    interval: Interval | None
    median_days: float | None
    n: int
    why: str = ""


def final_rate(leads: pd.DataFrame, as_of, *, event_at: str = "sql_at", level: float = 0.9) -> FinalRate:
    """The share that will ever convert, open leads counted by how long they have waited.

    A mixture: a lead converts with probability p after a Weibull time, else it ends after another Weibull
    time; an open lead is either. Missing under 20 conversions or 20 other endings, or where the two cannot be
    told apart.

    Source: Larson and Dinse (1985), *Applied Statistics* 34, 201–211.
    """
    frame = _recorded(leads, as_of, event_at)
    age = np.maximum(frame["age"].to_numpy("float64"), 1e-3)
    kind = frame["event"].cat.codes.to_numpy("int64") + 1  # 0 open, 1 converted, 2 ended
    hits, over = int((kind == 1).sum()), int((kind == 2).sum())
    if hits < MIN_EVENTS:
        return FinalRate(None, None, None, len(frame), f"{hits} conversions, {MIN_EVENTS} needed")
    if over < MIN_EVENTS:
        return FinalRate(None, None, None, len(frame), f"{over} leads ended otherwise, {MIN_EVENTS} needed")
    return _mixture(age, kind, level)


def _mixture(age: np.ndarray, kind: np.ndarray, level: float) -> FinalRate:
    from scipy.optimize import minimize
    from scipy.special import expit, logit, ndtri

    log_age = np.log(age)

    def loss(theta: np.ndarray) -> float:
        p = expit(theta[0])
        parts = []
        for scale, shape in (theta[1:3], theta[3:5]):
            k = np.exp(shape)
            hazard = np.exp(np.clip(k * (log_age - scale), -700, 50))
            parts.append((shape + (k - 1) * (log_age - scale) - scale - hazard, -hazard))
        (f1, s1), (f2, s2) = parts
        density = np.where(kind == 1, np.log(p) + f1, np.log1p(-p) + f2)
        still = np.logaddexp(np.log(p) + s1, np.log1p(-p) + s2)
        return -float(np.where(kind == 0, still, density).sum())

    seen = [np.log(np.median(age[kind == k])) for k in (1, 2)]
    share = np.clip((kind == 1).sum() / (kind > 0).sum(), 0.02, 0.98)
    start = np.array([logit(share), seen[0], 0.0, seen[1], 0.0])
    found = minimize(loss, start, method="L-BFGS-B", bounds=[(-12, 12), (-8, 12), (-3, 3), (-8, 12), (-3, 3)])
    error = _error(loss, found.x)
    if not np.isfinite(error) or error > 3:
        return FinalRate(
            None, None, None, len(age), "too few leads have ended to tell slow ones from lost ones"
        )
    z, at = float(ndtri((1 + level) / 2)), found.x[0]
    interval = Interval(float(expit(at - z * error)), float(expit(at + z * error)), level, "mixture cure")
    median = float(np.exp(found.x[1]) * np.log(2) ** np.exp(-found.x[2]))
    return FinalRate(float(expit(at)), interval, median, len(age))


def _error(loss, at: np.ndarray, step: float = 1e-3) -> float:
    """Standard error of the first parameter from the numeric Hessian; infinity where it is not positive."""
    size = len(at)
    eye = np.eye(size) * step
    hessian = np.empty((size, size))
    for i in range(size):
        for j in range(i, size):
            corner = [loss(at + a * eye[i] + b * eye[j]) for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
            hessian[i, j] = hessian[j, i] = (corner[0] - corner[1] - corner[2] + corner[3]) / (4 * step**2)
    try:
        variance = np.linalg.inv(hessian)[0, 0]
    except np.linalg.LinAlgError:
        return float("inf")
    return float(np.sqrt(variance)) if variance > 0 else float("inf")
