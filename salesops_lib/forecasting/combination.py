"""The combination: of past forecasts as it would have been printed, and of today's.

Everything that is learnt for a day comes from past forecasts whose period had ended by it: the engines'
weights at the same week, the errors that reconciliation rests on, and by how much ranges were too narrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from salesops_lib.forecasting import stacking
from salesops_lib.forecasting.backtest import Tested, View
from salesops_lib.forecasting.bookings import KEY, History
from salesops_lib.forecasting.hierarchy import Reconciled, reconcile
from salesops_lib.forecasting.stacking import MEDIAN, PROBABILITIES, Weights

GROUPS = {"company": "upper", "region": "upper", "team": "upper", "segment": "upper", "rep": "rep"}
"""Levels that share weights and recalibration."""
DRAWS_PAST = 400


@dataclass(frozen=True)
class Past:
    """Combinations of all past forecasts, rows × probabilities. ``mixed``: the engines averaged. ``plain``:
    reconciled. ``printed``: recalibrated, as a report of that day would have shown it.
    """

    tested: Tested
    mixed: np.ndarray
    plain: np.ndarray
    printed: np.ndarray


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
    """Every past forecast combined, from what had ended before its day."""
    rows = tested.rows
    group = rows["level"].map(GROUPS)
    mixed = np.full((len(rows), len(PROBABILITIES)), np.nan)
    plain, printed = mixed.copy(), mixed.copy()
    for (day, ahead), part in rows.groupby(["day", "ahead"], sort=True):
        ended = ((rows["ended"] <= day) & (rows["ahead"] == ahead)).to_numpy()
        point, history = part["point"].iloc[0], tested.histories[day, part["period"].iloc[0]]
        at = part.index.to_numpy()
        for name in group.loc[at].unique():
            mine = at[(group.loc[at] == name).to_numpy()]
            weights = learnt(tested, ended & (group == name).to_numpy() & _like(rows, ahead, point))
            mixed[mine] = stacking.averaged({n: q[mine] for n, q in tested.quantiles.items()}, weights.of)
        mixed[at] = floored(mixed[at], history.now)
        errors = errors_of(tested, mixed, history, ended & _like(rows, ahead, point))
        made = reconcile(history, mixed[at], errors, seed=seed, draws=DRAWS_PAST)
        plain[at] = made.quantiles()
        for name in group.loc[at].unique():
            mine = at[(group.loc[at] == name).to_numpy()]
            factor = recalibration(tested, plain, ended & (group == name).to_numpy())
            printed[mine] = floored(stacking.stretched(plain[mine], factor), rows.loc[mine, "now"].to_numpy())
    return Past(tested, mixed, plain, printed)


def outlook(view: View, known: Past, *, ahead: int, point: float, seed: int) -> Outlook:
    """Today's forecast of one period, from all past ones.

    ``ahead``: periods between the day's own and the one forecast. ``point``: of the past forecasts whose
    weights it takes; 0 for all.
    """
    tested, rows = known.tested, known.tested.rows
    history = view.history
    group, mine = rows["level"].map(GROUPS), history.nodes["level"].map(GROUPS).to_numpy()
    like = _like(rows, ahead, point) if len(rows) else np.zeros(0, dtype=bool)
    same = (rows["ahead"] == ahead).to_numpy() if len(rows) else like
    base = np.full((len(history.nodes), len(PROBABILITIES)), np.nan)
    weights, factors = {}, {}
    on = {n: q for n, q in view.quantiles.items() if np.isfinite(q[:, MEDIAN]).any()}
    for name in dict.fromkeys(mine):
        at, inside = np.flatnonzero(mine == name), (group == name).to_numpy()
        weights[name] = learnt(tested, like & inside, on)
        factors[name] = recalibration(tested, known.plain, same & inside)
        if on:
            mixed = stacking.averaged({n: q[at] for n, q in on.items()}, weights[name].of)
            base[at] = stacking.stretched(mixed, factors[name])
    base = floored(base, history.now)
    errors = errors_of(tested, known.mixed, history, like)
    return Outlook(view, ahead, weights, factors, base, reconcile(history, base, errors, seed=seed))


def learnt(tested: Tested, among: np.ndarray, on: Mapping[str, np.ndarray] | None = None) -> Weights:
    """Weights of the engines (those ``on`` today) from some of the past forecasts; equal without a past."""
    names = list(on) if on is not None else list(tested.quantiles)
    seen = [n for n in names if np.isfinite(tested.quantiles[n][among][:, MEDIAN]).any()]
    fresh = [n for n in names if n not in seen] if on is not None else []
    if not seen or fresh:  # an engine without a past cannot be weighed: all count alike
        names = names if on is not None else list(tested.quantiles)
        return (
            Weights({n: 1 / len(names) for n in names}, 0, stacked=False) if names else Weights({}, 0, False)
        )
    rows = tested.rows[among]
    return stacking.stack(
        {n: tested.quantiles[n][among] for n in seen},
        rows["actual"].to_numpy(dtype="float64"),
        rows["scale"].to_numpy(dtype="float64"),
        rows["period"].tolist(),
    )


def recalibration(tested: Tested, plain: np.ndarray, among: np.ndarray) -> float:
    """The factor by which reconciled ranges of some past forecasts should have been wider."""
    rows = tested.rows[among]
    if rows.empty:
        return 1.0
    misses = stacking.scores(rows["actual"].to_numpy(dtype="float64"), plain[among])
    misses = np.where(np.isfinite(plain[among][:, MEDIAN]), misses, np.nan)
    return stacking.stretch(misses, rows["period"].nunique())


def errors_of(tested: Tested, mixed: np.ndarray, history: History, among: np.ndarray) -> np.ndarray:
    """Booked − median of the averaged engines in some past forecasts, nodes of ``history`` × periods."""
    found = tested.rows[among].assign(error=tested.rows["actual"] - mixed[:, MEDIAN])
    if found.empty:
        return np.empty((len(history.nodes), 0))
    table = found.pivot_table(index=KEY, columns="period", values="error", aggfunc="mean")
    return table.reindex(pd.MultiIndex.from_frame(history.nodes[KEY])).to_numpy(dtype="float64")


def floored(quantiles: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Quantiles not below what is booked already."""
    return np.maximum(quantiles, now[:, None])


def without_range(made: Outlook) -> Outlook:
    """The same without draws: what a comparison of two days needs."""
    return replace(made, reconciled=Reconciled(np.empty((0, 0)), made.reconciled.method, 0))


def _like(rows: pd.DataFrame, ahead: int, point: float) -> np.ndarray:
    """Past forecasts as far ahead and, of the running period, at the same week."""
    same = rows["ahead"] == ahead
    return (same & (rows["point"] == point) if ahead == 0 and point > 0 else same).to_numpy()
