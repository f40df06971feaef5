"""Whether a stated chance to reach quota comes true as often as it says, and the correction where not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core import stats

CORRECTED_FROM = 30  # back-tested chances of a level from which they correct the ones to come
BANDS = 5
_DOUBT = (0.5, 0.25)  # prior spread of the shift and of the slope that correct chances, in log odds
_SURE = 0.005  # chances nearer to 0 or 1 are taken as this


def calibration(tested: pd.DataFrame, order: tuple[str, ...]) -> pd.DataFrame:
    """How often a stated chance to reach quota came true: per level and band of chance.

    Parameters
    ----------
    tested
        Back-tested projections: ``level``, ``p_quota``, ``to_date``, ``quota``, ``final``. A holder already
        at quota on the day is left out: that is no chance.
    order
        The levels in reading order.

    Returns
    -------
    DataFrame
        ``level``, ``p_from``, ``p_to``, ``n``, ``p_mean`` (stated), ``reached`` (count), ``share`` with its
        Wilson range ``low``, ``high``.
    """
    rows = []
    undecided = _undecided(tested)
    band = np.minimum((undecided["p_quota"].astype("float64") * BANDS).astype(int), BANDS - 1)
    for (level, number), part in undecided.groupby(["level", band]):
        n, reached = len(part), int((part["final"] >= part["quota"]).sum())
        interval = stats.proportion_interval(reached, n)
        ends = {"p_from": number / BANDS, "p_to": (number + 1) / BANDS}
        found = {"n": n, "p_mean": part["p_quota"].mean(), "reached": reached, "share": reached / n}
        rows.append({"level": level, **ends, **found, "low": interval.low, "high": interval.high})
    columns = ["level", "p_from", "p_to", "n", "p_mean", "reached", "share", "low", "high"]
    made = pd.DataFrame(rows, columns=columns)
    return made.sort_values("level", key=lambda c: c.map(order.index), kind="stable", ignore_index=True)


def correct(made: pd.DataFrame, tested: pd.DataFrame) -> pd.DataFrame:
    """Projections with ``p_quota`` in the light of how often earlier chances came true.

    Levels with fewer than :data:`CORRECTED_FROM` undecided chances in ``tested`` stay as they are. What the
    method itself said is kept as ``p_stated``; ``tested`` carries it too.
    """
    made = made.assign(p_stated=made["p_quota"])
    past = _undecided(tested)
    for level, part in past.groupby("level"):
        rows = (made["level"] == level) & made["p_quota"].notna() & (made["to_date"] < made["quota"])
        if len(part) >= CORRECTED_FROM and rows.any():
            came = (part["final"] >= part["quota"]).to_numpy()
            said = part["p_stated"].to_numpy("float64")
            made.loc[rows, "p_quota"] = corrected(made.loc[rows, "p_quota"].to_numpy("float64"), said, came)
    return made


def corrected(chance: np.ndarray, said: np.ndarray, came: np.ndarray) -> np.ndarray:
    """Chances with log odds shifted and stretched as earlier ones should have been.

    ``said``: earlier chances, ``came``: whether quota was reached. With few of them little moves.

    Source: Platt (1999), here with a prior around "no change".
    """
    lift, slope = 0.0, 1.0
    x, y = _log_odds(said), came.astype("float64")
    for _ in range(8):  # Newton's steps; the prior makes the loss strictly convex
        likely = 1 / (1 + np.exp(-(lift + slope * x)))
        mass = likely * (1 - likely)
        pull = [
            (y - likely).sum() - lift / _DOUBT[0] ** 2,
            ((y - likely) * x).sum() - (slope - 1) / _DOUBT[1] ** 2,
        ]
        cross = (mass * x).sum()
        bend = [
            [mass.sum() + _DOUBT[0] ** -2, cross],
            [cross, (mass * x * x).sum() + _DOUBT[1] ** -2],
        ]
        step = np.linalg.solve(bend, pull)
        lift, slope = lift + step[0], slope + step[1]
    return 1 / (1 + np.exp(-(lift + slope * _log_odds(chance))))


def _undecided(tested: pd.DataFrame) -> pd.DataFrame:
    return tested[tested["p_quota"].notna() & (tested["to_date"] < tested["quota"])]


def _log_odds(chance: np.ndarray) -> np.ndarray:
    kept = np.clip(chance, _SURE, 1 - _SURE)
    return np.log(kept / (1 - kept))
