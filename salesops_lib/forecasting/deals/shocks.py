"""How far past periods ended from what the same model says of them: its level lately, and the shared shock.

Deals do not close independently: a weak market, a new price list, a holiday week move all of them. At every
earlier landmark as far from the quarter's end, expected wins of the open deals, and of deals created later,
are held against what came. Their recent ratio corrects the level (shrunk towards 1: win rates and inflow
drift), and what they still missed beyond chance, each judged with the ratios before it only, is the shock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import pandas as pd

from salesops_lib.core.periods import FiscalCalendar, Kind
from salesops_lib.forecasting.deals.hazard import Hazards, Learnt, curves
from salesops_lib.forecasting.deals.inflow import Inflow
from salesops_lib.forecasting.deals.panel import Cells, Paths, ordinal

HALF_LIFE_DAYS = 270.0
MIN_WINDOWS = 4  # past windows; below them the shock is assumed
ASSUMED = 0.1  # standard deviation of the log of wins, of created deals: where too few windows say it
_LEVEL_SPREAD = {"open": 0.15, "new": 0.15}  # prior standard deviation of a level's logarithm


@dataclass(frozen=True)
class Shocks:
    """By period of the horizon (arrays): ``level_open``, ``level_new`` (factor on expected wins),
    ``sd_wins`` (of log wins, shared by all deals). ``sd_created``: of log deals created. ``windows``: past
    windows, one row each: ``mark``, ``ahead``, ``source`` (open, new), ``expected``, ``variance``,
    ``actual``. ``assumed``: whether the shocks are assumed for want of windows."""

    level_open: np.ndarray
    level_new: np.ndarray
    sd_wins: np.ndarray
    sd_created: float
    windows: pd.DataFrame
    assumed: bool


def period_starts(calendar: FiscalCalendar, kind: Kind, day: int, horizon: int) -> np.ndarray | None:
    """First days of the period ``day`` falls in and the next, ``horizon`` in all, and the day after the last.

    None where the calendar does not reach so far.
    """
    starts = calendar.month_starts if kind == "month" else calendar.quarter_starts
    step = 4 if kind == "year" else 1
    skip = (5 - calendar.first_quarter) % 4 if kind == "year" else 0
    days = _ordinals(tuple(starts[skip::step]))
    at = int(np.searchsorted(days, day, side="right")) - 1
    return days[at : at + horizon + 1] if at >= 0 and at + horizon < len(days) else None


@lru_cache(maxsize=16)
def _ordinals(starts: tuple[date, ...]) -> np.ndarray:
    """Days since 1970, read-only: asked for at every landmark, and a calendar has hundreds."""
    days = np.array([ordinal(s) for s in starts])
    days.setflags(write=False)
    return days


def fit_shocks(
    learnt: Learnt,
    inflow: Inflow | None,
    paths: Paths,
    cells: Cells,
    holes: np.ndarray,
    *,
    calendar: FiscalCalendar,
    kind: Kind,
    horizon: int,
) -> Shocks:
    """Levels and shocks from the past windows that had ended by the fit's day and touch no hole.

    Each window is judged by the fit without it: the cells from its landmark to its end are left out, or a
    fit that has seen what came would find little missing, and the range would be too narrow.
    """
    fit = learnt.fit
    seen = np.full(len(paths.created), np.iinfo("int64").max)
    np.minimum.at(seen, paths.deal, paths.day)
    rows = []
    for mark in _marks(paths, cells, fit.day):
        starts = period_starts(calendar, kind, int(mark), horizon)
        if starts is None:
            continue
        over = int((starts[1:] <= fit.day + 1).sum())
        touched = cells.edges[holes[holes >= cells.of(np.array([mark]))[0]]]
        over = min(over, int((starts[1:] <= touched.min(initial=starts[-1])).sum()))
        if over:
            blind = learnt.without(*cells.of(np.array([mark + 1, starts[over] - 1])))
            if blind is not None:
                rows += _open_windows(blind, paths, cells, int(mark), starts[: over + 1])
            if inflow is not None:
                rows += _new_windows(inflow, paths, cells, (int(mark), fit.day, seen), starts[: over + 1])
    table = pd.DataFrame(rows, columns=["mark", "ahead", "source", "expected", "variance", "actual"])
    windows = table[table["expected"] > 0].reset_index(drop=True)
    level, unsure = zip(
        *(_levels(windows, source, fit.day, horizon) for source in ("open", "new")), strict=True
    )
    own = [_missed(_of(windows, "open", ahead), _LEVEL_SPREAD["open"]) for ahead in range(horizon)]
    created, _ = _missed(_of(windows, "created", 0), _LEVEL_SPREAD["new"])
    # What the levels and the fit do not know comes on top; a later period is not surer than an earlier one.
    wins = np.maximum.accumulate(_pooled(own) + unsure[0]) + 1.0 / max(fit.wins, 1)
    flow = max(created, 0.0) if np.isfinite(created) else ASSUMED**2
    return Shocks(
        level[0],
        level[1],
        np.sqrt(wins),
        float(np.sqrt(flow + unsure[1].max())),
        windows,
        not np.isfinite(own[0][0]),
    )


def _marks(paths: Paths, cells: Cells, day: int) -> np.ndarray:
    """One landmark a quarter, exactly as far from its end."""
    left = cells.quarters[int(cells.quarter_of(np.array([day]))[0]) + 1] - day
    ends = cells.quarters[cells.quarters <= day]
    marks = ends[1:] - np.minimum(left, np.diff(ends))
    return marks[marks >= paths.opens(day)]


def _open_windows(fit: Hazards, paths: Paths, cells: Cells, mark: int, starts: np.ndarray) -> list[tuple]:
    """Wins expected of the deals open at a mark, and those that came, by period."""
    state = paths.open_at(mark)
    if not state.size:
        return []
    made = curves(fit, paths, cells, state, mark, int(starts[-1]) - 1)
    period = np.searchsorted(starts, made.first, side="right") - 1
    chance = made.win_probability()
    ended = np.where(paths.end_known[state] <= fit.day, np.maximum(paths.end_day[state], mark + 1), -1)
    came = np.where(paths.end_won[state], np.searchsorted(starts, ended, side="right") - 1, -1)
    rows = []
    for ahead in range(len(starts) - 1):
        p = chance[:, period == ahead].sum(axis=1)
        rows.append((mark, ahead, "open", p.sum(), (p * (1 - p)).sum(), float((came == ahead).sum())))
    return rows


def _new_windows(inflow: Inflow, paths: Paths, cells: Cells, days, starts: np.ndarray) -> list[tuple]:
    """Wins expected of deals created after a mark, with the rates known then, and those that came."""
    mark, day, seen = days
    then = inflow.rated_on(cells, mark)
    expected = then.wins(cells, mark, starts, int(starts[-1]) - 1).sum(axis=0)
    later = (seen > mark) & (seen <= day)
    state = np.flatnonzero(np.append(True, paths.deal[1:] != paths.deal[:-1]))
    state = state[later[paths.deal[state]]]
    ended = np.where(paths.end_known[state] <= day, paths.end_day[state], -1)
    came = np.where(paths.end_won[state], np.searchsorted(starts, ended, side="right") - 1, -1)
    rows = [
        (mark, ahead, "new", expected[ahead], expected[ahead], float((came == ahead).sum()))
        for ahead in range(len(starts) - 1)
    ]
    flow = then.created_between(cells, mark, int(starts[1]) - 1)
    return [*rows, (mark, 0, "created", flow, flow, float((later & (seen < starts[1])).sum()))]


def _of(windows: pd.DataFrame, source: str, ahead: int) -> pd.DataFrame:
    return windows[(windows["source"] == source) & (windows["ahead"] == ahead)]


def _levels(windows: pd.DataFrame, source: str, day: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Level of a source for each period ahead, 1 where nothing says it, and its variance by chance."""
    level, unsure = np.ones(horizon), np.zeros(horizon)
    for ahead in range(horizon):
        rows = _of(windows, source, ahead)
        if len(rows):
            level[ahead], unsure[ahead] = _level(*_numbers(rows), day, _LEVEL_SPREAD[source])
    return level, unsure


def _numbers(rows: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """Mark, expected, variance and actual, in order of marks."""
    return tuple(rows[n].to_numpy(dtype="float64") for n in ("mark", "expected", "variance", "actual"))


def _level(mark, expected, variance, actual, day: int, spread: float) -> tuple[float, float]:
    """Recent ratio of actual to expected, pulled to 1 with the weight of 1 ÷ spread² expected wins; and the
    variance that chance in the windows gives it."""
    weight = 0.5 ** ((day - mark) / HALF_LIFE_DAYS)
    prior = 1 / spread**2
    whole = weight @ expected + prior
    return float((weight @ actual + prior) / whole), float(weight**2 @ variance / whole**2)


def _missed(rows: pd.DataFrame, spread: float) -> tuple[float, float]:
    """Variance of log actual ÷ expected beyond chance, and the noise (variance) of that estimate.

    Each window's level is taken from earlier ones; what chance did to them is taken out too. May be negative.
    """
    if len(rows) < MIN_WINDOWS:
        return float("nan"), float("nan")
    columns = _numbers(rows)
    mark, expected, variance, actual = columns
    level, unsure = np.array([_level(*(c[:k] for c in columns), mark[k], spread) for k in range(len(mark))]).T
    held = expected * level
    chance = variance * level + expected**2 * unsure
    whole = (held**2).sum()
    return float(((actual - held) ** 2 - chance).sum() / whole), float(2 * (chance**2).sum() / whole**2)


def _pooled(found: list[tuple[float, float]]) -> np.ndarray:
    """Variance of the shock by period ahead, each pulled to that of all as far as its own is noise.

    A variance is not negative, but its estimate from few wins is: cut at 0 one by one they would come out too
    large, so they are pooled first. Where nothing says it, :data:`ASSUMED` ².
    """
    own, noise = (np.array(column, dtype="float64") for column in zip(*found, strict=True))
    known = np.isfinite(own)
    if not known.any():
        return np.full(len(own), ASSUMED**2)
    weight = 1 / np.maximum(noise[known], 1e-12)
    every = float(weight @ own[known] / weight.sum())
    told = ASSUMED**4 / (ASSUMED**4 + np.where(known, noise, np.inf))
    return np.maximum(every + told * (np.where(known, own, every) - every), 0.0)
