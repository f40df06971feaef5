"""Monte Carlo over open deals and deals not created yet, under shocks that all of them share.

One draw: a shock on everybody's wins and one on inflow; for each open deal one uniform number that says in
which cell it is won, if at all; its amount, changed as amounts of past wins changed; and the wins of deals
created later, a Poisson number by group with amounts of recent wins. The numbers behind a draw are kept, so
that a scenario turns the same draws (common random numbers) and differs by what it changes alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.forecasting.deals.hazard import Curves
from salesops_lib.forecasting.deals.panel import NEVER
from salesops_lib.forecasting.draws import Draws, summed

NODES = 21  # levels of the shared shock, at the middle of as many equal slices of the normal
SLAB = 1.0  # a slab of inflow: everything at the expected rate once more


@dataclass(frozen=True)
class OpenDeals:
    """Open deals and their draws.

    ``deals``: one row a deal: ``opportunity_id``, ``owner_id``, ``team``, ``region``, ``segment``,
    ``amount_base`` as known. ``reached``: probability that it is won by the end of each cell, shock node ×
    deals × cells. ``first``, ``days``: the cells. ``uniform``, ``change``: deals × draws, what decides the
    cell and the amount if won. ``node``: shock node of each draw.
    """

    deals: pd.DataFrame
    reached: np.ndarray
    first: np.ndarray
    days: np.ndarray
    uniform: np.ndarray
    amount: np.ndarray
    node: np.ndarray

    def won_day(self, scale: float = 1.0) -> np.ndarray:
        """Day each deal is won in each draw (days since 1970), :data:`NEVER` if not by the last cell.

        ``scale`` multiplies every deal's probability of winning, at most to 1; the same uniform numbers.
        """
        made = np.full(self.uniform.shape, NEVER, dtype="int64")
        if not made.size or scale <= 0:
            return made
        for node in range(len(self.reached)):
            mine = np.flatnonzero(self.node == node)
            asked = self.uniform[:, mine] / scale
            edges = np.concatenate([np.zeros((len(asked), 1)), self.reached[node]], axis=1)
            cell = (asked[:, :, None] >= edges[:, None, 1:]).sum(axis=2)
            held = np.minimum(cell, len(self.first) - 1)
            low = np.take_along_axis(edges, held, axis=1)
            width = np.take_along_axis(edges, held + 1, axis=1) - low
            part = np.clip((asked - low) / np.where(width > 0, width, 1), 0, 0.999)
            day = self.first[held] + np.floor(part * self.days[held]).astype("int64")
            made[:, mine] = np.where(cell < len(self.first), day, NEVER)
        return made


@dataclass(frozen=True)
class NewWins:
    """Wins of deals not created yet: one element a win. ``mark``: below a factor f on inflow the win is
    there in f times the expected flow; ``group``, ``owner``: positions in ``parts``."""

    draw: np.ndarray
    period: np.ndarray
    amount: np.ndarray
    part: np.ndarray
    mark: np.ndarray


@dataclass(frozen=True)
class Flow:
    """What new wins are drawn from.

    ``expected``: groups × periods, at no shock. ``pools``: by group and period, amounts and their cumulative
    weights. ``owners``: by group, rows of ``parts`` and their cumulative shares. ``parts``: ``owner_id``,
    ``team``, ``region``, ``segment``.
    """

    expected: np.ndarray
    pools: list[list[tuple[np.ndarray, np.ndarray]]]
    owners: list[tuple[np.ndarray, np.ndarray]]
    parts: pd.DataFrame


@dataclass(frozen=True)
class Simulation:
    """All draws of one day. ``starts``: first days of the periods and the day after the last; ``closed``:
    booked already, one row a deal (``owner_id``, ``team``, ``region``, ``segment``, ``period`` as position,
    ``amount``). ``shock_wins``, ``shock_created``: log factor per draw (and period)."""

    day: int
    periods: list[str]
    starts: np.ndarray
    company: str
    open: OpenDeals
    flow: Flow
    closed: pd.DataFrame
    shock_wins: np.ndarray
    shock_created: np.ndarray
    seed: int

    @property
    def count(self) -> int:
        """Number of draws."""
        return len(self.open.node)

    def new_wins(self, factor: float = 1.0) -> NewWins:
        """Wins of deals not created yet at ``factor`` times the expected flow.

        At a higher factor the wins of a lower one are all there, and some more.
        """
        slabs = [self._slab(k) for k in range(int(np.ceil(max(factor, 0) / SLAB)))]
        if not slabs:
            nothing = np.array([], dtype="int64")
            return NewWins(nothing, nothing, nothing.astype("float64"), nothing, nothing.astype("float64"))
        whole = NewWins(*(np.concatenate([getattr(s, n) for s in slabs]) for n in NewWins.__annotations__))
        kept = whole.mark < factor
        return NewWins(*(getattr(whole, n)[kept] for n in NewWins.__annotations__))

    def _slab(self, number: int) -> NewWins:
        """The expected flow once more, from its own stream."""
        random = np.random.default_rng([self.seed, self.day, 2, number])
        parts = []
        for group, expected in enumerate(self.flow.expected):
            for period, mean in enumerate(expected):
                if mean <= 0:
                    continue
                lively = np.exp(self.shock_wins[period] + self.shock_created)
                count = random.poisson(mean * lively)
                draw = np.repeat(np.arange(self.count), count)
                amounts, heavy = self.flow.pools[group][period]
                rows, shares = self.flow.owners[group]
                pick = np.minimum(np.searchsorted(heavy, random.random(len(draw))), len(amounts) - 1)
                who = np.minimum(np.searchsorted(shares, random.random(len(draw))), len(rows) - 1)
                mark = number * SLAB + random.random(len(draw))
                parts.append((draw, np.full(len(draw), period), amounts[pick], rows[who], mark))
        if not parts:
            nothing = np.array([], dtype="int64")
            return NewWins(nothing, nothing, nothing.astype("float64"), nothing, nothing.astype("float64"))
        return NewWins(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def period_of(days: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Position of the period of each day; -1 where it is in none of them."""
    at = np.searchsorted(starts, days, side="right") - 1
    return np.where((at >= 0) & (at < len(starts) - 1), at, -1)


def shock_nodes() -> np.ndarray:
    """Standard normal values of the shock's nodes, equally likely, scaled to variance 1."""
    from scipy.special import ndtri

    nodes = ndtri((np.arange(NODES) + 0.5) / NODES)
    return nodes / nodes.std()


def draw_open(
    made: Curves,
    shift: np.ndarray,
    slope: np.ndarray,
    deals: pd.DataFrame,
    changes: np.ndarray,
    *,
    draws,
    seed,
) -> OpenDeals:
    """Uniform numbers, amounts and shock nodes for the deals of ``made``.

    ``shift``, ``slope``: per cell, added to the log rate of winning, always and times the shock.
    ``changes``: deals × draws, the amounts if won.
    """
    random = np.random.default_rng(seed)
    reached = np.stack([np.cumsum(made.win_probability(shift + slope * z), axis=1) for z in shock_nodes()])
    node = random.permutation(np.arange(draws) % NODES)
    uniform = random.random((len(deals), draws))
    return OpenDeals(deals, reached, made.first, made.days, uniform, changes, node)


def booked(
    simulation: Simulation, won_day: np.ndarray, new: NewWins, *, without: np.ndarray | None = None
) -> Draws:
    """Bookings of every node and period in every draw: closed to date, open deals won, deals not created yet.

    ``won_day``: deals × draws from :meth:`OpenDeals.won_day`, perhaps changed by a scenario; ``without``:
    marks deals left out.
    """
    size, count = len(simulation.periods), simulation.count
    places = ["owner_id", "team", "region", "segment"]
    blocks = [simulation.closed[places], simulation.open.deals[places], simulation.flow.parts[places]]
    together = pd.concat(blocks, ignore_index=True)
    code, first = _combined(together)
    atoms = together.iloc[first].reset_index(drop=True)
    closed, deal, part = np.split(code, np.cumsum([len(b) for b in blocks])[:-1])
    values = np.zeros(len(atoms) * size * count)

    def add(atom: np.ndarray, period: np.ndarray, draw: np.ndarray, amount: np.ndarray) -> None:
        at = (atom * size + period) * count + draw
        values[:] += np.bincount(at, weights=amount, minlength=len(values))

    period = period_of(won_day, simulation.starts)
    if without is not None:
        period[without] = -1
    row, draw = np.nonzero(period >= 0)
    add(deal[row], period[row, draw], draw, simulation.open.amount[row, draw])
    add(part[new.part], new.period, new.draw, new.amount)
    cube = values.reshape(len(atoms), size, count)
    sums = simulation.closed
    np.add.at(cube, (closed, sums["period"].to_numpy()), sums["amount"].to_numpy(dtype="float64")[:, None])
    return summed(atoms, cube, simulation.periods, simulation.company)


def _combined(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """A number for each combination of values, and a row that has it."""
    key = np.zeros(len(rows), dtype="int64")
    for name in rows:
        code = pd.factorize(rows[name], sort=True)[0] + 1
        key = key * (int(code.max(initial=0)) + 1) + code
    _, first, code = np.unique(key, return_index=True, return_inverse=True)
    return code.ravel(), first
