"""Past landmarks and what followed each: the deals open on a day as known that day, and their next weeks.

A forecast made on a day may use what a deal looks like that day, not what it will look like later. So the
past is cut the same way: in every earlier quarter, at the same distance from its end, the open deals are
taken as they were known and followed through calendar cells until they were won, lost, or the prediction
day came. Deals enter a risk set when they become known, not when they were created (late entry), and leave
it closed or censored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from salesops_lib.core.periods import FiscalCalendar, Kind
from salesops_lib.forecasting.deals.known import LOST, OPEN, WON, DealLog
from salesops_lib.forecasting.deals.states import GROUPS

OFFSETS = (0, 10, -10, 20, -20)  # days off the same distance from the quarter's end, nearest first
ENOUGH = 6_000  # landmark deals; more offsets are used until there are as many
NEVER = 2**31 - 1
UNKNOWN_DAY = -(2**31)
UNDATED = 0.02  # share of closed deals without a version by their landmark, above which none is used
_WEEKS_LEFT = {"month": (1, 2), "quarter": (1, 2, 4, 6, 9)}  # where cells end, in weeks before a period's end


@dataclass(frozen=True)
class Cells:
    """Calendar cells that never straddle a period's end: short in its last weeks, longer before.

    Cell ``c`` holds the days ``edges[c] <= day < edges[c + 1]`` (days since 1970). ``phase``: 0 for the last
    cell of a quarter, 1 for the one before, and so on; ``season``: quarter of the year, 0 to 3;
    ``quarters``: first days of the quarters, and the day after the last.
    """

    edges: np.ndarray
    phase: np.ndarray
    season: np.ndarray
    quarters: np.ndarray

    def of(self, days: np.ndarray) -> np.ndarray:
        """The cell each day is in."""
        return np.searchsorted(self.edges, days, side="right") - 1

    def quarter_of(self, days: np.ndarray) -> np.ndarray:
        """Number of the quarter each day is in, in order."""
        return np.searchsorted(self.quarters, days, side="right") - 1


@dataclass(frozen=True)
class Paths:
    """The states of a log as numbers, one element per state (rows of ``log.states``).

    Days are whole numbers since 1970. ``outcome``: 0 open, 1 won, 2 lost, -1 unknown. ``end_*``: the next
    close of the deal after the state: ``end_known`` the day it was learnt (:data:`NEVER` if not by the end
    of the log), ``end_day`` the day it counts for, ``end_won``, ``end_amount``. ``created``: by deal.
    ``version_*``: one element per version of a deal, in order: the deal, the day from which it stood, and its
    levels of :data:`GROUPS` (from 1 on). ``follows_owner``: whether the history says who owned a deal.
    """

    deal: np.ndarray
    day: np.ndarray
    outcome: np.ndarray
    stage: np.ndarray
    amount: np.ndarray
    close: np.ndarray
    since: np.ndarray
    pushes: np.ndarray
    owner: np.ndarray
    end_known: np.ndarray
    end_day: np.ndarray
    end_won: np.ndarray
    end_amount: np.ndarray
    created: np.ndarray
    version_deal: np.ndarray
    version_day: np.ndarray
    version_groups: np.ndarray
    stages: list
    owners: list
    group_sizes: tuple[int, ...]
    follows_owner: bool

    def opens(self, day: int) -> int:
        """First day from which closes are recorded, as known on ``day``; before it only deals that lasted
        until then are known. :data:`NEVER` where nothing has closed yet."""
        closed = self.day[(self.outcome >= 1) & (self.day <= day)]
        return int(np.quantile(closed, 0.005)) if len(closed) else NEVER

    def open_at(self, day: int) -> np.ndarray:
        """Positions of the states of all deals open at the end of a day."""
        last = self.last_at(day)
        return last[self.outcome[last] == 0]

    def groups_at(self, deal: np.ndarray, day: np.ndarray | int) -> np.ndarray:
        """What deals were on a day (deals × :data:`GROUPS`), as recorded by then; 0 where nothing was."""
        span = 2**33
        at = np.searchsorted(
            self.version_deal * span + self.version_day - UNKNOWN_DAY,
            deal * span + day - UNKNOWN_DAY,
            "right",
        )
        before = np.maximum(at - 1, 0)
        if not len(self.version_deal):
            return np.zeros((len(deal), len(GROUPS)), dtype="int64")
        there = (at > 0) & (self.version_deal[before] == deal)
        return np.where(there[:, None], self.version_groups[before], 0)

    def last_at(self, day: int) -> np.ndarray:
        """Positions of the last state of each deal by a day."""
        kept = np.flatnonzero(self.day <= day)
        return kept[np.append(self.deal[kept][1:] != self.deal[kept][:-1], True)] if kept.size else kept


@dataclass(frozen=True)
class Panel:
    """Landmark deals and their cells, as known at the end of ``day``.

    ``mark``: landmark day of each landmark deal; ``state``: its position in :class:`Paths`. One row per
    landmark deal and cell it was at risk in: ``row`` (which landmark deal), ``cell``, ``first`` (first day at
    risk), ``days`` (at risk if nothing ends it), ``exposed`` (days at risk, half of the one that ended it),
    ``event`` (0 still open, 1 won, 2 lost). ``wins``,
    ``losses``: closed deals in it; ``overlap``: how many landmarks saw each of them. ``groups``: what each
    landmark deal was, as recorded by then (:meth:`Paths.groups_at`), 0 where that is not ``dated``.
    """

    day: int
    mark: np.ndarray
    state: np.ndarray
    row: np.ndarray
    cell: np.ndarray
    first: np.ndarray
    days: np.ndarray
    exposed: np.ndarray
    event: np.ndarray
    wins: int
    losses: int
    overlap: float
    groups: np.ndarray
    dated: bool


def ordinal(day: date) -> int:
    """Days since 1970-01-01."""
    return int(np.datetime64(day, "D").astype("int64"))


def ordinals(days: pd.Series | np.ndarray) -> np.ndarray:
    """Days since 1970 of a column of dates; :data:`UNKNOWN_DAY` where missing."""
    values = np.asarray(days, dtype="datetime64[D]")
    return np.where(np.isnat(values), UNKNOWN_DAY, values.astype("int64"))


def cells_of(calendar: FiscalCalendar, kind: Kind) -> Cells:
    """The cells of a calendar; a stub of under four days at a period's start joins its neighbour."""
    by = "month" if kind == "month" and calendar.month_starts else "quarter"
    starts = np.array([ordinal(s) for s in getattr(calendar, f"{by}_starts")])
    quarters = np.array([ordinal(s) for s in calendar.quarter_starts])
    edges = [starts]
    for low, high in pairwise(starts):
        inner = high - 7 * np.array(_WEEKS_LEFT[by])
        edges.append(inner[inner - low >= 4])
    edge = np.unique(np.concatenate(edges))
    edge = edge[(edge >= quarters[0]) & (edge <= quarters[-1])]
    quarter = np.searchsorted(quarters, edge[:-1], side="right") - 1
    last = np.searchsorted(edge, quarters[quarter + 1]) - 1
    season = (quarter + calendar.first_quarter - 1) % 4
    return Cells(edge, last - np.arange(len(edge) - 1), season, quarters)


def paths_of(log: DealLog) -> Paths:
    """A log's states as arrays, each with the next close of its deal."""
    states, deals = log.states, log.deals
    deal, day = states["deal"].to_numpy(dtype="int64"), ordinals(states["day"])
    outcome = states["outcome"].map({OPEN: 0, WON: 1, LOST: 2}).fillna(-1).to_numpy(dtype="int64")
    stage, stages = pd.factorize(states["stage"], sort=True)
    owner, owners = pd.factorize(states["owner_id"], sort=True)
    amount, close = states["amount_base"].to_numpy(dtype="float64"), ordinals(states["close_date"])
    at = _next_close(deal, outcome)
    ends = at >= 0
    counts_for = np.where(close > UNKNOWN_DAY, np.minimum(close, day), day)
    kinds = [pd.factorize(log.versions[name].fillna("").astype("object"), sort=True) for name in GROUPS]
    return Paths(
        deal=deal, day=day, outcome=outcome, stage=stage, amount=amount, close=close,
        since=ordinals(states["stage_since"]), pushes=states["pushes"].to_numpy(dtype="int64"), owner=owner,
        end_known=np.where(ends, day[at], NEVER), end_day=np.where(ends, counts_for[at], NEVER),
        end_won=ends & (outcome[at] == 1), end_amount=np.where(ends, amount[at], np.nan),
        created=ordinals(deals["created_date"]),
        version_deal=log.versions["deal"].to_numpy(dtype="int64"),
        version_day=ordinals(log.versions["day"]),
        version_groups=np.column_stack([codes + 1 for codes, _ in kinds]).reshape(-1, len(GROUPS)),
        stages=list(stages), owners=list(owners), group_sizes=tuple(len(names) + 1 for _, names in kinds),
        follows_owner="owner_id" not in log.untracked,
    )  # fmt: skip


def landmarks(cells: Cells, day: int, off: int) -> np.ndarray:
    """A day in each earlier quarter, as far from its end as ``day`` is and ``off`` days later; ascending.

    Empty where that would lie in another quarter.
    """
    number = int(cells.quarter_of(np.array([day]))[0])
    left = int(cells.quarters[number + 1]) - day - off
    ends, lengths = cells.quarters[1 : number + 1], np.diff(cells.quarters[: number + 1])
    if off and not 1 <= left <= lengths.min(initial=left):
        return ends[:0]
    return ends - np.minimum(left, lengths)


def panel_of(paths: Paths, cells: Cells, day: int, follow: int, holes: np.ndarray) -> Panel:
    """Landmark deals followed for up to ``follow`` days, as known at the end of ``day``.

    ``holes``: cells in which the extract holds no closes although it should; they teach nothing.
    """
    found: list[tuple[int, np.ndarray]] = []
    opens = paths.opens(day)
    for off in OFFSETS:
        if sum(len(open_then) for _, open_then in found) < ENOUGH:
            marks = landmarks(cells, day, off)
            marks = marks[(marks >= opens) & (marks < day)]
            found += [(int(mark), paths.open_at(int(mark))) for mark in marks]
    state = np.concatenate([s for _, s in found]) if found else np.array([], dtype="int64")
    mark = np.repeat([m for m, _ in found], [len(s) for _, s in found]).astype("int64")
    known = paths.end_known[state] <= day
    end = np.where(known, np.maximum(paths.end_day[state], mark + 1), day)
    until = np.minimum(end, mark + follow)
    row, cell = spans(cells.of(mark + 1), cells.of(until))
    first = np.maximum(cells.edges[cell], mark[row] + 1)
    last = cells.edges[cell + 1] - 1
    ended = known[row] & (last >= end[row])
    won = paths.end_won[state][row]
    kept = (last <= day) & ~np.isin(cell, holes)  # a cell that is not over shows its early events only
    event = np.where(ended, np.where(won, 1, 2), 0)[kept]
    exposed = (np.where(ended, end[row] - 0.5, last) - first + 1)[kept]
    closed = paths.deal[state[row[kept]]]
    wins, losses = (len(np.unique(closed[event == e])) for e in (1, 2))
    groups, dated = _dated_groups(paths, state, mark, known)
    return Panel(
        day, mark, state, row[kept], cell[kept], first[kept], (last - first + 1)[kept], exposed, event, wins,
        losses, max(float((event > 0).sum()) / max(wins + losses, 1), 1.0), groups, dated,
    )  # fmt: skip


def _dated_groups(paths: Paths, state: np.ndarray, mark: np.ndarray, ended: np.ndarray) -> tuple:
    """What landmark deals were, as recorded by then; nothing where that is not recorded for enough of them.

    Where versions begin later than deals do, a deal that has one by its landmark has lived longer than one
    that has none, and a value written at the close tells how it closed: better not to look at all.
    """
    groups = paths.groups_at(paths.deal[state], mark)
    without = (groups[ended, 0] == 0).mean() if ended.any() else 1.0
    dated = bool(without <= UNDATED)
    return groups * dated, dated


def spans(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row number and value for every whole number from ``low`` to ``high`` of each row."""
    count = np.maximum(high - low + 1, 0)
    row = np.repeat(np.arange(len(low)), count)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)


def _next_close(deal: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Position of the first closed state after each state of the same deal; -1 where there is none."""
    n = len(deal)
    at = np.where(outcome >= 1, np.arange(n), n)
    later = np.append(np.minimum.accumulate(at[::-1])[::-1][1:], n)[:n]
    same = (later < n) & (np.append(deal, -1)[np.minimum(later, n)] == deal)
    return np.where(same, later, -1)
