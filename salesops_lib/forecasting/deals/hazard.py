"""When open deals close, and how: competing risks of win and loss, fitted on what was known by a day.

Each landmark deal is followed through calendar cells (:mod:`panel`). In a cell an open deal is won, lost or
stays open; the odds of winning and of losing against staying depend on stage, age, time since the landmark,
time in stage, pushes, amount band, distance to the stated close date, cell of the quarter, season and what
the deal is; owners then scale their wins by a factor shrunk towards 1. Open deals are censored at the
prediction day.

Source: landmark models (van Houwelingen 2007) in discrete time, multinomial by separate logits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from salesops_lib.forecasting.deals.odds import Odds, Refittable, Rows, fit_refittable
from salesops_lib.forecasting.deals.panel import UNKNOWN_DAY, Cells, Panel, Paths
from salesops_lib.forecasting.deals.states import GROUPS

MIN_WINS = 20  # won deals in the fit; below it there is no model
HALF_LIFE_DAYS = 540.0  # what happened so long ago counts half
GROUP_LEVELS = 8  # of segment, type, lead source; rarer ones share the last
_SINCE = np.array([4, 9, 18, 32, 53, 84, 120])  # days since the landmark; these three at a cell's middle
_AGE = np.array([7, 14, 28, 49, 77, 112, 168, 280])  # days since creation
_DUE = np.array([-84, -42, -21, -7, 0, 7, 21, 60])  # days after the stated close date
_IN_STAGE = np.array([7, 21, 45, 90])
_PUSHES = 3
_PHASES = 9

# Terms of each outcome with the prior standard deviation of their levels' log odds. Stage and age carry most;
# what they do depends on each other and on the time of the quarter, and differs by segment and type.
_MAIN = {
    "stage": 1.0, "age": 0.7, "due": 1.0, "amount": 0.4, "in_stage": 0.4, "pushes": 0.4, "phase": 0.7,
    "since": 1.0, "season": 0.1, "segment": 0.4, "type": 0.5, "lead_source": 0.3,
}  # fmt: skip
_BY_AGE = {
    "since*phase": 1.0,
    "stage*age": 1.0,
    "segment*age": 1.0,
    "type*age": 1.0,
    "stage*type": 1.0,
    "stage*since": 1.0,
}
WON_TERMS = _MAIN | _BY_AGE | {
    "stage*phase": 1.0, "stage*segment": 1.0, "stage*age*phase": 1.0,
}  # fmt: skip
LOST_TERMS = _MAIN | _BY_AGE


@dataclass(frozen=True)
class Coding:
    """How covariates become levels: cuts of the amount, the level of each group that is kept, and of each
    stage known by the day (0 is none of them), so that what is entered later cannot even add a level.
    ``dated``: whether what a deal is was recorded by its landmark; else it is not looked at."""

    amount_cuts: np.ndarray
    group_level: tuple[np.ndarray, ...]
    stage_level: np.ndarray
    dated: bool


@dataclass(frozen=True)
class Hazards:
    """Fitted odds of win and loss as known on ``day``.

    ``lost`` is None where nothing was ever lost. ``owner``: log factor on an owner's odds of winning, 0 where
    nothing is known. ``wins``, ``losses``: closed deals the fit rests on.
    """

    day: int
    coding: Coding
    won: Odds
    lost: Odds | None
    owner: np.ndarray
    wins: int
    losses: int


@dataclass(frozen=True)
class Curves:
    """Log odds, against staying open, of deals in every cell after a day.

    ``state``: positions in :class:`Paths`, one per deal. ``cell``: cell numbers; ``first``, ``days``: first
    day at risk and days at risk in each. ``won``, ``lost``: deals × cells.
    """

    state: np.ndarray
    cell: np.ndarray
    first: np.ndarray
    days: np.ndarray
    won: np.ndarray
    lost: np.ndarray

    def win_probability(self, shock: float = 0.0) -> np.ndarray:
        """Probability that each deal is won in each cell (deals × cells); ``shock`` adds to its log odds."""
        won = np.exp(self.won + shock)
        stay = 1.0 / (1.0 + won + np.exp(self.lost))
        return np.cumprod(stay, axis=1) * won


@dataclass(frozen=True)
class Learnt:
    """A fit, and what it would be had some cells not been seen."""

    fit: Hazards
    _won: Refittable
    _lost: Refittable | None
    _rows: tuple[np.ndarray, np.ndarray]
    _cell: np.ndarray
    _owners: Callable[[np.ndarray], np.ndarray]

    def without(self, low: int, high: int) -> Hazards | None:
        """The fit had the cells from ``low`` to ``high`` never come: what is judged in them is out of sample.

        None where too little else is there to learn from.
        """
        out = (self._cell >= low) & (self._cell <= high)
        won = self._won.without(out[self._rows[0]])
        lost = self._lost.without(out[self._rows[1]]) if self._lost else None
        if won is None or (self._lost and lost is None):
            return None
        return replace(self.fit, won=won, lost=lost, owner=self._owners(~out))


def fit_hazards(panel: Panel, paths: Paths, cells: Cells) -> Learnt | str:
    """Fit the odds of win and loss on a panel.

    Returns the reason as text where fewer than :data:`MIN_WINS` won deals, or no deal that stayed open a
    cell long, are there to learn from.
    """
    if panel.wins < MIN_WINS:
        return f"{panel.wins} won deals with a known past; {MIN_WINS} are needed to fit when deals close"
    if not (panel.event == 0).any():
        return "every deal closed within its first weeks: there is nothing open to learn from"
    coding = _coding(paths, panel)
    middle = panel.first + panel.days // 2
    seen = (panel.state, panel.mark, panel.groups)
    factors = _factors(paths, cells, coding, seen, (panel.row, panel.cell, middle))
    weight = 0.5 ** ((panel.day - panel.first) / HALF_LIFE_DAYS)
    offset = np.log(panel.days)
    won, codes, kept = _side(panel, factors, WON_TERMS, weight, offset, event=1)
    lost, _, rest = (
        _side(panel, factors, LOST_TERMS, weight, offset, event=2) if panel.losses else (None, None, kept)
    )
    chance = 1 / (1 + np.exp(-(won.odds.log_odds(codes) + offset)))
    code = paths.owner[panel.state][panel.row] if paths.follows_owner else np.full(len(panel.row), -1)

    def owners(among: np.ndarray) -> np.ndarray:
        return _owners(np.where(among, code, -1), len(paths.owners), panel, chance, weight)

    odds = won.odds, lost.odds if lost else None
    everything = np.ones(len(panel.row), dtype=bool)
    fit = Hazards(panel.day, coding, *odds, owners(everything), panel.wins, panel.losses)
    return Learnt(fit, won, lost, (kept, rest), panel.cell, owners)


def curves(fit: Hazards, paths: Paths, cells: Cells, state: np.ndarray, day: int, last: int) -> Curves:
    """Odds of deals known open at the end of ``day`` (positions ``state``) in each cell until ``last``."""
    cell = np.arange(cells.of(np.array([day + 1]))[0], cells.of(np.array([last]))[0] + 1)
    first = np.maximum(cells.edges[cell], day + 1)
    days = cells.edges[cell + 1] - first
    n, width = len(state), len(cell)
    where = (np.repeat(np.arange(n), width), np.tile(cell, n), np.tile(first + days // 2, n))
    groups = paths.groups_at(paths.deal[state], day) * fit.coding.dated
    factors = _factors(paths, cells, fit.coding, (state, np.full(n, day), groups), where)
    offset = np.log(days)
    won = fit.won.log_odds(factor_codes(factors, WON_TERMS)[0]).reshape(n, width) + offset
    lost = np.full((n, width), -np.inf)
    if fit.lost:
        lost = fit.lost.log_odds(factor_codes(factors, LOST_TERMS)[0]).reshape(n, width) + offset
    factor = np.append(fit.owner, 0.0)[paths.owner[state]]  # an unknown owner (-1) has none
    return Curves(state, cell, first, days, won + factor[:, None], lost)


def _side(panel: Panel, factors, terms, weight, offset, event: int) -> tuple:
    """Odds of one outcome against staying open, all codes, and the rows used, not those of the other."""
    codes, levels = factor_codes(factors, terms)
    kept = np.flatnonzero((panel.event == event) | (panel.event == 0))
    rows = Rows(
        codes[:, kept], levels, (panel.event[kept] == event).astype(float), weight[kept], offset[kept]
    )
    return fit_refittable(rows, panel.overlap / np.array(list(terms.values())) ** 2), codes, kept


def _coding(paths: Paths, panel: Panel) -> Coding:
    amount = paths.amount[panel.state]
    amount = amount[np.isfinite(amount)]
    cuts = np.unique(np.quantile(amount, [0.25, 0.5, 0.75])) if len(amount) else np.array([])
    groups = tuple(kept_levels(g, n) for g, n in zip(panel.groups.T, paths.group_sizes, strict=True))
    stage_level = np.zeros(len(paths.stages) + 1, dtype="int64")  # the last is that of no stage
    known = np.unique(paths.stage[paths.day <= panel.day])
    stage_level[known[known >= 0]] = np.arange(1, (known >= 0).sum() + 1)
    return Coding(cuts, groups, stage_level, panel.dated)


def kept_levels(codes: np.ndarray, size: int) -> np.ndarray:
    """New level of each code below ``size``: the most frequent ones by how often, all others together."""
    count = np.bincount(codes, minlength=size)
    order = np.argsort(-count, kind="stable")[: GROUP_LEVELS - 1]
    kept = order[count[order] > 0]
    level = np.full(len(count), len(kept))
    level[kept] = np.arange(len(kept))
    return level


def _factors(paths: Paths, cells: Cells, coding: Coding, seen, where) -> dict:
    """Level and number of levels of each factor: what a deal was at its landmark, and when the cell is."""
    row, cell, at = where
    state, mark, groups = seen
    deal, amount, close = paths.deal[state], paths.amount[state], paths.close[state]
    created = paths.created[deal]
    band = np.where(np.isfinite(amount), np.searchsorted(coding.amount_cuts, amount) + 1, 0)
    age = np.searchsorted(_AGE, at - created[row], side="right") + 1
    due = np.searchsorted(_DUE, at - close[row], side="right") + 1
    made = {
        "stage": (coding.stage_level[paths.stage[state]][row], int(coding.stage_level.max(initial=0)) + 1),
        "age": (np.where(created[row] == UNKNOWN_DAY, 0, age), len(_AGE) + 2),
        "due": (np.where(close[row] == UNKNOWN_DAY, 0, due), len(_DUE) + 2),
        "amount": (band[row], len(coding.amount_cuts) + 2),
        "in_stage": (_band(_IN_STAGE, mark - paths.since[state])[row], len(_IN_STAGE) + 1),
        "pushes": (np.minimum(paths.pushes[state], _PUSHES)[row], _PUSHES + 1),
        "phase": (np.minimum(cells.phase[cell], _PHASES - 1), _PHASES),
        "season": (cells.season[cell], 4),
        "since": (_band(_SINCE, at - mark[row]), len(_SINCE) + 1),
    }
    for k, name in enumerate(GROUPS):
        level = coding.group_level[k]
        made[name] = (level[groups[:, k]][row], int(level.max(initial=0)) + 1)
    return made


def _band(cuts: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.searchsorted(cuts, values, side="right")


def factor_codes(factors: dict, terms: dict[str, float]) -> tuple[np.ndarray, tuple[int, ...]]:
    """Codes (terms × rows) and number of levels of each term; a product's levels are all combinations."""
    codes, levels = [], []
    for term in terms:
        names = term.split("*")
        code, count = factors[names[0]]
        for name in names[1:]:
            code, count = code * factors[name][1] + factors[name][0], count * factors[name][1]
        codes.append(code)
        levels.append(count)
    return np.array(codes), tuple(levels)


def _owners(owner: np.ndarray, size: int, panel: Panel, chance: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Log factor of each owner's odds of winning over what the fit expects, shrunk towards 1.

    Gamma-Poisson shrinkage with the variance between owners beyond chance, by moments.
    """
    used = (owner >= 0) & (panel.event != 2)

    def summed(values: np.ndarray) -> np.ndarray:
        return np.bincount(owner[used], weights=values[used], minlength=size) / panel.overlap

    seen, held = summed((panel.event == 1) * weight), summed(chance * weight)
    noise = summed(chance * (1 - chance) * weight**2)
    many = held > 1
    excess = ((seen - held)[many] ** 2 - noise[many]).sum() / max((held[many] ** 2).sum(), 1e-9)
    if many.sum() < 3 or excess <= 0:
        return np.zeros(size)
    certainty = held**2 * excess / (held**2 * excess + np.maximum(noise, 1e-9))
    return certainty * np.log(np.maximum(seen, 0.5) / np.maximum(held, 0.5))
