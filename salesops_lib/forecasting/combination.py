"""The combination: of past forecasts as it would have been printed, and of today's.

Everything that is learnt for a day comes from past forecasts whose period had ended by it: the engines'
weights at the same week, the errors that reconciliation rests on, and by how much ranges were too narrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.forecasting import stacking
from salesops_lib.forecasting.bookings import KEY, History
from salesops_lib.forecasting.hierarchy import Reconciled, reconcile
from salesops_lib.forecasting.record.backtest import Tested, View
from salesops_lib.forecasting.stacking import MEDIAN, PROBABILITIES, Weights

GROUPS = {"company": "upper", "region": "upper", "team": "upper", "segment": "upper", "rep": "rep"}
"""Levels that share weights and recalibration."""
DRAWS_PAST = 400


@dataclass(frozen=True)
class Past:
    """Combinations of all past forecasts, rows × probabilities, by the rule that makes today's.

    ``mixed``: the engines averaged. ``base``: the same recalibrated by ``factors`` (one a row), not yet
    reconciled. ``printed``: reconciled, as a report of that day would have shown it.
    """

    tested: Tested
    mixed: np.ndarray
    base: np.ndarray
    printed: np.ndarray
    factors: np.ndarray


@dataclass(frozen=True)
class Outlook:
    """The forecast of one period. ``weights``, ``factors``: by group of levels. ``base``: the engines
    averaged and recalibrated, not reconciled; ``reconciled``: with its draws.
    """

    view: View
    ahead: int
    weights: dict[str, Weights]
    factors: dict[str, float]
    base: np.ndarray
    reconciled: Reconciled

    @property
    def history(self) -> History:
        """What is booked, and in which nodes."""
        return self.view.history


def past(tested: Tested, *, seed: int) -> Past:
    """Every past forecast combined as today's is, from what had ended before its day."""
    rows = tested.rows
    shape = (len(rows), len(PROBABILITIES))
    made = Past(tested, *(np.full(shape, np.nan) for _ in range(3)), np.ones(len(rows)))
    for (day, ahead), at in rows.groupby(["day", "ahead"], sort=True).indices.items():
        point, period = rows["point"].iloc[at[0]], rows["period"].iloc[at[0]]
        history, ended = tested.histories[day, period], (rows["ended"] <= day).to_numpy()
        said = {name: values[at] for name, values in tested.quantiles.items()}
        found = combined(said, history, made, ahead=ahead, point=point, ended=ended)
        made.mixed[at], made.base[at], made.factors[at] = found.mixed, found.base, found.factor
        draws = reconcile(history, found.base, found.errors(made, history), seed=seed, draws=DRAWS_PAST)
        made.printed[at] = draws.quantiles()
    return made


def outlook(view: View, known: Past, *, ahead: int, point: float, seed: int) -> Outlook:
    """Today's forecast of one period, from all past ones.

    ``ahead``: periods between the day's own and the one forecast. ``point``: of the past forecasts whose
    weights it takes; 0 for all.
    """
    every = np.ones(len(known.tested.rows), dtype=bool)
    found = combined(view.quantiles, view.history, known, ahead=ahead, point=point, ended=every)
    made = reconcile(view.history, found.base, found.errors(known, view.history), seed=seed)
    return Outlook(view, ahead, found.weights, found.factors, found.base, made)


@dataclass(frozen=True)
class Combined:
    """Engines combined at the nodes of a history. ``factor``: one a node. ``like``: the past forecasts
    learnt from. ``weights``, ``factors``: by group of levels.
    """

    mixed: np.ndarray
    base: np.ndarray
    factor: np.ndarray
    like: np.ndarray
    weights: dict[str, Weights]
    factors: dict[str, float]

    def errors(self, known: Past, history: History) -> np.ndarray:
        """Booked − middle of the past forecasts learnt from, nodes of ``history`` × periods."""
        return errors_of(known.tested, known.mixed, history, self.like)


def combined(
    said: Mapping[str, np.ndarray], history: History, known: Past, *, ahead: int, point: float,
    ended: np.ndarray,
) -> Combined:  # fmt: skip
    """The engines that speak averaged, and the range recalibrated: one rule for past days and for today.

    Parameters
    ----------
    said
        By engine, nodes of ``history`` × :data:`PROBABILITIES`.
    known, ended
        Past forecasts, and which of them had ended by the day: nothing else is learnt from.
    ahead, point
        As in :func:`outlook`.
    """
    rows = known.tested.rows
    same = ended & (rows["ahead"] == ahead).to_numpy(dtype=bool)
    like = same & (rows["point"] == point).to_numpy(dtype=bool) if ahead == 0 and point > 0 else same
    group, mine = (table["level"].map(GROUPS).to_numpy() for table in (rows, history.nodes))
    mixed, base = (np.full((len(mine), len(PROBABILITIES)), np.nan) for _ in range(2))
    factor, weights, factors = np.ones(len(mine)), {}, {}
    on = {name: values for name, values in said.items() if np.isfinite(values[:, MEDIAN]).any()}
    for name in dict.fromkeys(mine):
        at, inside = np.flatnonzero(mine == name), group == name
        weights[name] = learnt(known.tested, like & inside, on)
        factor[at] = factors[name] = recalibration(known, same & inside)
        if on:
            mixed[at] = stacking.averaged({n: q[at] for n, q in on.items()}, weights[name].of)
            base[at] = stacking.stretched(mixed[at], factors[name])
    mixed, base = (floored(values, history.now) for values in (mixed, base))
    return Combined(mixed, base, factor, like, weights, factors)


def learnt(tested: Tested, among: np.ndarray, on: Mapping[str, np.ndarray]) -> Weights:
    """Weights of the engines ``on``, from some of the past forecasts; equal where one has no past."""
    seen = all(np.isfinite(tested.quantiles[name][among][:, MEDIAN]).any() for name in on)
    if not on or not seen:
        return Weights({name: 1 / len(on) for name in on}, 0, stacked=False)
    rows = tested.rows[among]
    return stacking.stack(
        {name: tested.quantiles[name][among] for name in on},
        rows["actual"].to_numpy(dtype="float64"),
        rows["scale"].to_numpy(dtype="float64"),
        rows["period"].tolist(),
    )


def recalibration(known: Past, among: np.ndarray) -> float:
    """By how much ranges of some past forecasts should have been wider, had none been recalibrated."""
    rows = known.tested.rows[among]
    if rows.empty:
        return 1.0
    printed = known.printed[among]
    misses = stacking.scores(rows["actual"].to_numpy(dtype="float64"), printed) * known.factors[among]
    misses = np.where(np.isfinite(printed[:, MEDIAN]), misses, np.nan)
    return stacking.stretch(misses, rows["period"].nunique())


def errors_of(tested: Tested, mixed: np.ndarray, history: History, among: np.ndarray) -> np.ndarray:
    """Booked − median of the averaged engines in some past forecasts, nodes of ``history`` × periods."""
    rows = tested.rows[among]
    periods, names = pd.factorize(rows["period"], sort=True)
    node = pd.MultiIndex.from_frame(history.nodes[KEY]).get_indexer(pd.MultiIndex.from_frame(rows[KEY]))
    error = rows["actual"].to_numpy(dtype="float64") - mixed[among][:, MEDIAN]
    kept = (node >= 0) & np.isfinite(error)
    cell, size = (node * len(names) + periods)[kept], len(history.nodes) * len(names)
    total, count = np.bincount(cell, error[kept], size), np.bincount(cell, minlength=size)
    mean = np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
    return mean.reshape(len(history.nodes), len(names))


def floored(quantiles: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Quantiles not below what is booked already."""
    return np.maximum(quantiles, now[:, None])
