"""The past forecast again: every engine at earlier weeks, on data as known then, and what came in.

Origins are the last finished periods with a past to learn from, each at three points: the one the running
period stands at, and two more. At each the engines are fitted anew on what was known on that day. Outcomes
are as known today.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesops_lib.core.periods import FiscalCalendar, Period
from salesops_lib.forecasting.benchmarks import BENCHMARKS, season_length
from salesops_lib.forecasting.bookings import KEY, Books, History, day_at
from salesops_lib.forecasting.pace import MIN_PERIODS, usual
from salesops_lib.forecasting.stacking import PROBABILITIES

ENGINES = ("run_rate", "pipeline", "commit", "pace")
ROWS = [
    "level", "node_id", "day", "begun", "point", "ahead", "period", "ended", "now", "actual", "scale",
    "naive_error",
]  # fmt: skip
PERIODS = 12
BEHIND = MIN_PERIODS  # whole periods before the first: with fewer half of the engines are off, by rule
POINTS = (0.2, 0.5, 0.8)  # shares of a period's business days gone; the nearest gives way to that of today


@dataclass(frozen=True)
class View:
    """What the engines say on one day of one period. ``quantiles``: by engine, nodes × probabilities.

    ``points``: by benchmark, one amount a node. ``off``: by engine, why it says nothing at all.
    ``submitters``: whose calls stand, and what they have been worth (:mod:`commit`).
    """

    history: History
    quantiles: dict[str, np.ndarray]
    points: dict[str, np.ndarray]
    off: dict[str, str]
    submitters: pd.DataFrame


@dataclass(frozen=True)
class Origin:
    """A day in a past period, and the period forecast from it: ``ahead`` 0 is its own, 1 the next."""

    day: date
    begun: str
    point: float
    ahead: int
    period: str


@dataclass(frozen=True)
class Tested:
    """Past forecasts and their outcomes, one row per origin and node.

    ``rows``: ``day``, ``begun``, ``point``, ``ahead``, ``period``, ``ended`` (day after the period's last),
    ``level``, ``node_id``, ``now``, ``actual``, ``scale`` (the node's usual period), ``naive_error`` (MASE's
    scale). ``quantiles``: by engine, rows × probabilities; ``points``: by benchmark, rows. ``histories``:
    what was known, by day and period.
    """

    rows: pd.DataFrame
    quantiles: dict[str, np.ndarray]
    points: dict[str, np.ndarray]
    histories: dict[tuple[pd.Timestamp, str], History]


def points_of(share: float) -> tuple[float, ...]:
    """The three points of a past period: that of today, and the two of :data:`POINTS` further from it."""
    nearest = min(POINTS, key=lambda point: abs(point - share))
    return tuple(sorted(share if point == nearest else point for point in POINTS))


def origins(
    books: Books, day: date, past: Sequence[str], share: float, aheads: Sequence[int]
) -> list[Origin]:
    """Every origin in order of its day, among the last :data:`PERIODS` of the finished periods ``past``.

    The first :data:`BEHIND` are what the next is learnt from, and no origins. A forecast of a period that
    ``past`` does not hold whole has no outcome and is left out.
    """
    made = []
    for begun in past[BEHIND:][-PERIODS:]:
        for point in points_of(share) if share > 0 else POINTS:
            for ahead in aheads:
                period = str(Period.parse(begun).step(ahead))
                if period in past:
                    made.append(Origin(day_at(books.calendar, begun, point), begun, point, ahead, period))
    return sorted((o for o in made if o.day < day), key=lambda o: (o.day, o.ahead))


def backtest(
    books: Books, at: Sequence[Origin], view: Callable[[date, Period], View], outcomes: History
) -> Tested:
    """What the engines said at each origin, beside what came in as known today.

    ``view`` is called with a day and a period; ``outcomes`` is the history of the running period.
    """
    parts: list[tuple[pd.DataFrame, View]] = []
    for origin in at:
        seen = view(origin.day, Period.parse(origin.period))
        if seen.history.past:
            parts.append((_rows(origin, seen.history, outcomes, books.calendar), seen))
    rows = pd.concat([part for part, _ in parts], ignore_index=True) if parts else pd.DataFrame(columns=ROWS)
    quantiles = {name: _gathered(parts, name, "quantiles", (len(PROBABILITIES),)) for name in ENGINES}
    points = {name: _gathered(parts, name, "points", ()) for name in BENCHMARKS}
    histories = {(pd.Timestamp(s.history.day), s.history.period): s.history for _, s in parts}
    return Tested(rows, quantiles, points, histories)


def _gathered(parts: list[tuple[pd.DataFrame, View]], name: str, what: str, width: tuple) -> np.ndarray:
    """What one engine or benchmark said at every origin, one under the other; missing where it was off."""
    made = [getattr(seen, what).get(name, np.full((len(rows), *width), np.nan)) for rows, seen in parts]
    return np.concatenate(made) if made else np.empty((0, *width))


def _rows(origin: Origin, then: History, outcomes: History, calendar: FiscalCalendar) -> pd.DataFrame:
    nodes = then.nodes[KEY].reset_index(drop=True)
    index = pd.MultiIndex.from_frame(nodes)
    actual = outcomes.sums[origin.period].reindex(index).fillna(0.0).to_numpy()
    season = season_length(Period.parse(origin.period).kind)
    step = np.abs(then.final[:, season:] - then.final[:, :-season])
    known = np.isfinite(step)
    size = np.where(known, step, 0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)
    return nodes.assign(
        day=pd.Timestamp(origin.day),
        begun=origin.begun,
        point=origin.point,
        ahead=origin.ahead,
        period=origin.period,
        ended=pd.Timestamp(calendar.bounds(origin.period)[1] - timedelta(days=1)),
        now=then.now,
        actual=actual,
        scale=usual(then.final)[:, -1],
        naive_error=np.where(size > 0, size, np.nan),
    )
