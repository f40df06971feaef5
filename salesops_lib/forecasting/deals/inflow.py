"""Deals not created yet: how many will be created, and how many of them are won in which period.

About half of a quarter's value can be created and won inside it. Creation is a rate per day for each segment
and type, from recent weeks, with a season shrunk towards none; what becomes of a new deal in the cells after
its creation are competing risks on age, cell of the quarter, segment, type and season. Creation dates before
closes were recorded and deals known only later enter late or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from salesops_lib.forecasting.deals.hazard import HALF_LIFE_DAYS, MIN_WINS, factor_codes, kept_levels
from salesops_lib.forecasting.deals.odds import Rates, Rows, fit_rates
from salesops_lib.forecasting.deals.panel import UNKNOWN_DAY, Cells, Paths, spans

RATE_HALF_LIFE_DAYS = 90.0
RATE_WINDOW_DAYS = 730
LATE_DAYS = 7  # a deal first seen longer after its creation was not known when it was new
_SEASON_SPREAD = 0.1  # prior standard deviation of a season's log factor
_AGE = np.array([3, 7, 14, 28, 49, 77, 112, 168, 280])
_TERMS = {
    "age": 5.0, "phase": 0.7, "season": 0.1, "segment": 0.5, "type": 0.7, "age*phase": 0.7,
    "segment*age": 0.7, "type*age": 1.0,
}  # fmt: skip


@dataclass(frozen=True)
class Inflow:
    """Creation and conversion as known on ``day``.

    A group is a segment × a type; ``types`` is how many types there are. ``per_day``: deals created a day by
    group, season taken out; ``season``: factor by quarter of the year. ``won``, ``lost``: rates
    against staying open. ``born``, ``group_of``, ``deal``: creation day, group and number of each deal seen
    when it was new.
    """

    day: int
    per_day: np.ndarray
    season: np.ndarray
    group_of: np.ndarray
    types: int
    won: Rates
    lost: Rates | None
    born: np.ndarray
    deal: np.ndarray

    def rated_on(self, cells: Cells, day: int) -> Inflow:
        """The same conversion with the rates of creation known on an earlier day."""
        group = self.group_of[self.born <= day]
        rates = _rates(cells, self.born[self.born <= day], group, len(self.per_day), day, self.season)
        return replace(self, day=day, per_day=rates)

    def created_between(self, cells: Cells, day: int, until: int) -> float:
        """Deals expected to be created after ``day`` up to ``until``."""
        days = np.arange(day + 1, until + 1)
        return float(self.per_day.sum() * self.season[cells.season[cells.of(days)]].sum())

    def wins(
        self, cells: Cells, day: int, starts: np.ndarray, until: int, ramp: tuple[int, int] | None = None
    ) -> np.ndarray:
        """Expected wins from deals created after ``day`` by group and period.

        ``starts``: first days of the periods and the day after the last (days since 1970); nothing is
        created after ``until``. Periods before ``day`` count from the day after it. ``ramp``: a first day
        and a number of days over which creation grows evenly from nothing to the whole rate.
        """
        weeks = np.arange(day + 1, min(until, starts[-1] - 1) + 1, 7)
        groups = np.flatnonzero(self.per_day > 0)
        if not weeks.size or not groups.size:
            return np.zeros((len(self.per_day), len(starts) - 1))
        length = np.minimum(weeks + 7, min(until + 1, starts[-1])) - weeks
        created = weeks + length // 2
        group, born = (a.ravel() for a in np.meshgrid(groups, np.arange(len(weeks)), indexing="ij"))
        row, cell = spans(cells.of(created)[born], np.full(len(born), cells.of(starts[-1:] - 1)[0]))
        first = np.maximum(cells.edges[cell], created[born][row])
        days = cells.edges[cell + 1] - first
        age = first + days // 2 - created[born][row]
        codes = _codes(cells, age, cell, group[row], self.types, self.per_day.size)
        offset = np.log(days)
        won = np.exp(self.won.log_rates(codes) + offset)
        lost = np.exp(self.lost.log_rates(codes) + offset) if self.lost else np.zeros(len(row))
        both = won + lost
        before = np.cumsum(both) - both
        begin = before[np.searchsorted(row, np.arange(len(born)))]
        chance = np.exp(-(before - begin[row])) * won * -np.expm1(-both) / both
        season = self.season[cells.season[cells.of(created)]]
        grown = np.ones(len(weeks))
        if ramp is not None:
            grown = np.clip((created - ramp[0]) / max(ramp[1], 1), 0, 1)
        flow = (self.per_day[group] * (length * season * grown)[born])[row]
        period = np.searchsorted(starts, first, side="right") - 1
        size = len(starts) - 1
        made = np.bincount(
            group[row] * size + period, weights=flow * chance, minlength=len(self.per_day) * size
        )
        return made.reshape(-1, size)


def fit_inflow(paths: Paths, cells: Cells, day: int, holes: np.ndarray, *, dated: bool) -> Inflow | str:
    """Fit creation and conversion on what was known by the end of ``day``; the reason where it cannot be.

    ``dated``: whether segment and type are recorded when a deal begins; else all deals are one group.
    """
    first_seen = np.full(len(paths.created), np.iinfo("int64").max)
    np.minimum.at(first_seen, paths.deal, paths.day)
    opened = np.flatnonzero(np.append(True, paths.deal[1:] != paths.deal[:-1])[: len(paths.deal)])
    born = np.where(paths.created == UNKNOWN_DAY, first_seen, paths.created)
    fresh = (first_seen <= day) & (first_seen - born <= LATE_DAYS) & (born >= cells.edges[0])
    deals = np.flatnonzero(fresh)
    if not deals.size:
        return "no deal was seen when it was created: what is still to come is unknown"
    groups = paths.groups_at(deals, np.maximum(first_seen[deals], born[deals])) * dated
    levels = [kept_levels(groups[:, k], paths.group_sizes[k]) for k in (0, 1)]
    segment, kind = levels[0][groups[:, 0]], levels[1][groups[:, 1]]
    types = int(levels[1].max()) + 1
    group_of = segment * types + kind
    size = (int(levels[0].max()) + 1) * types
    state = opened[np.searchsorted(paths.deal[opened], deals)]
    fitted = _conversion(paths, cells, (state, born[deals], group_of, types, size), day, holes)
    if isinstance(fitted, str):
        return fitted
    season = _season(cells, born[deals], day)
    per_day = _rates(cells, born[deals], group_of, size, day, season)
    return Inflow(day, per_day, season, group_of, types, *fitted, born[deals], deals)


def _conversion(paths: Paths, cells: Cells, what, day: int, holes: np.ndarray) -> tuple | str:
    """Rates of win and loss in the cells after creation."""
    state, born, group, types, size = what
    known = paths.end_known[state] <= day
    end = np.where(known, np.maximum(paths.end_day[state], born), day)
    enters = np.maximum(born, paths.opens(day))
    row, cell = spans(cells.of(enters), cells.of(np.minimum(end, cells.edges[-1] - 1)))
    first, last = np.maximum(cells.edges[cell], enters[row]), cells.edges[cell + 1] - 1
    kept = (last <= day) & ~np.isin(cell, holes) & (end[row] >= enters[row])
    row, cell, first, last = row[kept], cell[kept], first[kept], last[kept]
    ended, won = known[row] & (last >= end[row]), paths.end_won[state][row]
    if (ended & won).sum() < MIN_WINS:
        return f"{int((ended & won).sum())} won deals were seen from their creation; {MIN_WINS} are needed"
    codes = _codes(cells, (first + last + 1) // 2 - born[row], cell, group[row], types, size)
    levels = _levels(types, size)
    exposed = np.where(ended, end[row] - 0.5, last) - first + 1
    weight, offset = 0.5 ** ((day - first) / HALF_LIFE_DAYS), np.log(exposed)
    ridge = 1 / np.array(list(_TERMS.values())) ** 2
    rates = []
    for mine in (ended & won, ended & ~won):
        rows = Rows(codes, levels, mine.astype(float), weight, offset)
        rates.append(fit_rates(rows, ridge) if mine.any() and not mine.all() else None)
    if rates[0] is None:
        return "every deal closed within its first weeks: there is nothing open to learn from"
    return tuple(rates)


def _factors(cells: Cells, age, cell, group, types: int, size: int) -> dict:
    return {
        "age": (np.searchsorted(_AGE, age, side="right"), len(_AGE) + 1),
        "phase": (np.minimum(cells.phase[cell], 8), 9),
        "season": (cells.season[cell], 4),
        "segment": (group // types, size // types),
        "type": (group % types, types),
    }


def _codes(cells: Cells, age, cell, group, types: int, size: int) -> np.ndarray:
    return factor_codes(_factors(cells, age, cell, group, types, size), _TERMS)[0]


def _levels(types: int, size: int) -> tuple[int, ...]:
    count = {"age": len(_AGE) + 1, "phase": 9, "season": 4, "segment": size // types, "type": types}
    return tuple(int(np.prod([count[name] for name in term.split("*")])) for term in _TERMS)


def _season(cells: Cells, born: np.ndarray, day: int) -> np.ndarray:
    """Factor on creation by quarter of the year: a trend and seasons in logs, seasons shrunk towards 1.

    From eight whole quarters on; before them nobody can tell a season from a trend.
    """
    ended = np.flatnonzero(cells.quarters[1:] <= day + 1)
    count = np.bincount(cells.quarter_of(born), minlength=len(cells.quarters))[ended]
    seen = np.flatnonzero(count > 0)
    if not seen.size:
        return np.ones(4)
    whole = ended[seen[0] + 1 :]  # the first quarter with a deal may have begun before the data
    if len(whole) < 8:
        return np.ones(4)
    logs = np.log(np.maximum(count[seen[0] + 1 :], 0.5) / np.diff(cells.quarters)[whole])
    season = cells.season[np.searchsorted(cells.edges, cells.quarters[whole])]
    design = np.column_stack([np.ones(len(whole)), np.arange(len(whole)), np.eye(4)[season]])
    rough = logs - np.polyval(np.polyfit(np.arange(len(whole)), logs, 1), np.arange(len(whole)))
    noise = max(float(rough.var()), 1e-4) / 2
    ridge = np.diag([0, 0, *[noise / _SEASON_SPREAD**2] * 4])
    factor = np.exp(np.linalg.solve(design.T @ design + ridge, design.T @ logs)[2:])
    return factor / factor.mean()


def _rates(cells: Cells, born, group, size: int, day: int, season: np.ndarray) -> np.ndarray:
    """Deals created a day by group, recent ones counting more, season taken out."""
    start = max(day - RATE_WINDOW_DAYS, int(born.min(initial=day)) - 1)
    days = np.arange(start + 1, day + 1)
    weight = 0.5 ** ((day - days) / RATE_HALF_LIFE_DAYS)
    exposed = (weight * season[cells.season[cells.of(days)]]).sum()
    mine = (born > start) & (born <= day)
    heavy = 0.5 ** ((day - born[mine]) / RATE_HALF_LIFE_DAYS)
    return np.bincount(group[mine], weights=heavy, minlength=size) / max(exposed, 1e-9)
