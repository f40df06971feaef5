"""Pay equity: what groups of seats earn against the rest, raw, and at the same role, quota and tenure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

MIN_GROUP = 8  # seats of a group, and of the rest, under which no gap is stated
LEVEL = 0.9


@dataclass(frozen=True)
class Gap:
    """A group's pay over the rest's, minus 1, with its range; missing where it cannot be said."""

    value: float
    low: float
    high: float


def gaps(seats: pd.DataFrame, pay: str, groupings: dict[str, pd.Series]) -> pd.DataFrame:
    """Gaps of incentive pay over target incentive between groups of seats.

    raw: mean of log(pay ÷ target) of the group less that of the rest, as a ratio. adjusted: the group's
    coefficient beside role and attainment in a least squares fit of the same. A gap that adjusting removes is
    one of roles or results; one that it leaves asks for a reason.

    Parameters
    ----------
    seats
        ``role``, ``attained`` (may be missing), the target ``target_…`` that belongs to ``pay``, and ``pay``.
    groupings
        Name → group of each seat.

    Returns
    -------
    DataFrame
        ``grouping``, ``group``, ``n``, ``rest``, ``raw``, ``raw_low``, ``raw_high``, ``adjusted``,
        ``adjusted_low``, ``adjusted_high`` (90 %, Student's t); missing under eight seats on either side.
    """
    target = pay.replace("pay_", "target_")
    known = (seats[pay] > 0) & (seats[target] > 0)
    rows = []
    for name, groups in groupings.items():
        used = seats[known & groups.notna()]
        outcome = np.log((used[pay] / used[target]).to_numpy("float64"))
        for group in sorted(groups[used.index].unique()):
            inside = (groups[used.index] == group).to_numpy()
            rows.append((name, str(group), *_row(used, outcome, inside)))
    columns = [
        "grouping",
        "group",
        "n",
        "rest",
        "raw",
        "raw_low",
        "raw_high",
        "adjusted",
        "adjusted_low",
        "adjusted_high",
    ]
    return pd.DataFrame(rows, columns=columns)


def tenure_group(hired: pd.Series, start, months: int = 24) -> pd.Series:
    """``under two years`` or ``two years and more`` on a day; missing where the hire date is."""
    days = pd.to_datetime(hired)
    full = (start.year - days.dt.year) * 12 + (start.month - days.dt.month)
    return full.map(
        lambda m: None if pd.isna(m) else "under two years" if m < months else "two years and more"
    )


def _row(used: pd.DataFrame, outcome: np.ndarray, inside: np.ndarray) -> tuple:
    n, rest = int(inside.sum()), int((~inside).sum())
    if min(n, rest) < MIN_GROUP:
        return (n, rest, *[np.nan] * 6)
    raw = _fit(outcome, inside, np.ones((len(outcome), 1)))
    adjusted = _fit(outcome, inside, _controls(used))
    return (n, rest, raw.value, raw.low, raw.high, adjusted.value, adjusted.low, adjusted.high)


def _controls(used: pd.DataFrame) -> np.ndarray:
    """An intercept per role, and log attainment where it is known (0 and a mark where it is not)."""
    roles = pd.get_dummies(used["role"]).to_numpy("float64")
    attained = used["attained"].to_numpy("float64")
    there = np.isfinite(attained) & (attained > 0)
    logs = np.where(there, np.log(np.where(there, attained, 1.0)), 0.0)
    return np.column_stack([roles, logs])


def _fit(outcome: np.ndarray, inside: np.ndarray, controls: np.ndarray) -> Gap:
    from scipy.special import stdtrit

    design = np.column_stack([inside.astype("float64"), controls])
    rank = np.linalg.matrix_rank(design)
    alone = np.linalg.matrix_rank(controls)
    free = len(outcome) - rank
    if free < 2 or rank == alone:
        return Gap(np.nan, np.nan, np.nan)
    beta, *_ = np.linalg.lstsq(design, outcome, rcond=None)
    left = outcome - design @ beta
    covariance = np.linalg.pinv(design.T @ design) * (left @ left) / free
    error = float(np.sqrt(max(covariance[0, 0], 0.0)))
    wide = float(stdtrit(free, (1 + LEVEL) / 2)) * error
    return Gap(*(float(np.expm1(beta[0] + d)) for d in (0.0, -wide, wide)))
