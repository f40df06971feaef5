"""From calls of submitters to a figure of each node: a head's own call, and the sum of those below.

A node above the reps has up to two figures. Both are held against past outcomes at the same week, shifted by
what they missed, averaged by their past errors, and the range is that of the average's past errors. A member
who has not called counts with the usual period, then as now; a sum with less than half of it called is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.forecasting.bookings import History
from salesops_lib.forecasting.deals.known import placed
from salesops_lib.forecasting.pace import usual
from salesops_lib.forecasting.shrinkage import left_out, shrunk

LEAST_CALLED = 0.5
_BELOW = {"team": "rep", "region": "team", "company": "region"}


@dataclass(frozen=True)
class Rolled:
    """Calls to add up. ``rows``: ``rep_id``, ``level``, ``node_id``. ``amounts``: rows × columns, one for
    each past period and one for now. ``days``: the day of each column. ``reps``: role spells.
    """

    rows: pd.DataFrame
    amounts: np.ndarray
    days: list[date]
    reps: pd.DataFrame | None


def roll_up(
    history: History, calls: Rolled, start_share: float, probabilities: np.ndarray | None
) -> np.ndarray:
    """Quantiles of every node from calls; nodes × probabilities, missing where no call reaches a node.

    With ``probabilities`` None the figures themselves, one column: a head's own call, else the sum below,
    nothing corrected.
    """
    made = np.full((len(history.nodes), 1 if probabilities is None else len(probabilities)), np.nan)
    below: tuple[np.ndarray, np.ndarray] | None = None  # positions of the level below, and its figures
    for level in ("rep", "team", "region", "company"):
        at = history.level(level)
        if not at.size:
            continue
        figures = [_heads(history, at, level, calls)]
        if below is not None:
            figures.append(_sums(history, at, level, below, calls))
        if probabilities is None:
            best = np.where(np.isfinite(figures[0]), figures[0], figures[-1])
            made[at] = best[:, -1:]
        else:
            best, made[at] = _averaged(history.final[at], figures, start_share, probabilities)
        below = (at, best)
    return made


def _heads(history: History, at: np.ndarray, level: str, calls: Rolled) -> np.ndarray:
    """What was called for each node itself; the mean where several called it."""
    mine = (calls.rows["level"] == level).to_numpy()
    frame = pd.DataFrame(calls.amounts[mine]).groupby(calls.rows.loc[mine, "node_id"].to_numpy()).mean()
    return frame.reindex(history.nodes["node_id"].iloc[at]).to_numpy(dtype="float64").reshape(len(at), -1)


def _sums(
    history: History, at: np.ndarray, level: str, below: tuple[np.ndarray, np.ndarray], calls: Rolled
) -> np.ndarray:
    """The members' figures added up, a member without one at its usual period."""
    members, figures = below
    known = np.isfinite(figures)
    stand_in = np.nan_to_num(usual(history.final[members]))
    absent = np.column_stack([np.isnan(history.final[members]), np.zeros(len(members), dtype=bool)])
    stand_in = np.where(absent & ~known, 0.0, stand_in)
    value = np.where(known, figures, stand_in)
    weight = np.maximum(np.where(known, np.maximum(stand_in, value), stand_in), 0.0)
    made = np.full((len(at), figures.shape[1]), np.nan)
    names = history.nodes["node_id"].iloc[at].to_numpy()
    parents = _parents(history, members, level, calls)
    for row, name in enumerate(names):
        inside = parents == name if level != "company" else np.ones(known.shape, dtype=bool)
        whole, heard = (np.where(inside & there, weight, 0.0).sum(axis=0) for there in (True, known))
        enough = (whole > 0) & (heard >= LEAST_CALLED * whole)
        made[row] = np.where(enough, np.where(inside, value, 0.0).sum(axis=0), np.nan)
    return made


def _parents(history: History, members: np.ndarray, level: str, calls: Rolled) -> np.ndarray:
    """The team of each rep, or the region of each team, on the day of each column."""
    nodes, days = history.nodes.iloc[members], calls.days
    if level == "team" and nodes["level"].eq("rep").all():
        long = pd.DataFrame({"owner_id": np.repeat(nodes["node_id"].to_numpy(), len(days))})
        at = pd.Series(pd.to_datetime(days * len(nodes)))
        return placed(long, calls.reps, at)["team"].to_numpy().reshape(len(nodes), len(days))
    if level == "region" and calls.reps is not None:
        region = calls.reps.dropna(subset=["team", "region"]).drop_duplicates("team", keep="last")
        found = nodes["node_id"].map(region.set_index("team")["region"]).to_numpy()
        return np.repeat(found[:, None], len(days), axis=1)
    return np.full((len(nodes), len(days)), None, dtype=object)


def _averaged(
    final: np.ndarray, figures: list[np.ndarray], start_share: float, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The figures averaged by their past errors, past ones without their own, and quantiles of the node."""
    size = usual(final)[:, -1:]
    start = start_share * np.where(size > 0, size, max(float(np.nanmean(size)), 1.0) if size.size else 1.0)
    shifted, weights = [], []
    for figure in figures:
        missed = np.log((final + start) / (np.maximum(figure[:, :-1], 0) + start))
        found = shrunk(missed)
        shifts = np.column_stack([left_out(missed), found.mean])
        shifted.append(np.log(np.maximum(figure, 0) + start) + shifts)
        weights.append(1 / np.nanmean(found.spread) ** 2 if np.isfinite(found.spread).any() else 0.0)
    logs = np.stack(shifted)
    mass = np.array(weights)[:, None, None] * np.isfinite(logs)
    whole = mass.sum(axis=0)
    level = np.where(
        whole > 0, (mass * np.nan_to_num(logs)).sum(axis=0) / np.where(whole > 0, whole, 1), np.nan
    )
    found = shrunk(np.log(final + start) - level[:, :-1])
    ahead = level[:, -1:] + found.quantiles(probabilities)
    return np.maximum(np.exp(level) - start, 0), np.maximum(np.exp(ahead) - start, 0)
