"""When open deals close, and how: competing risks of win and loss, fitted on what was known by a day.

Each landmark deal is followed through calendar cells (:mod:`panel`). In a cell an open deal is won, lost or
stays open, at rates per day that depend on stage, age now and at the landmark, time since the landmark, time
in stage, pushes, amount band, distance to the stated close date, cell of the quarter, season and what the
deal is; owners then scale their wins by a factor shrunk towards 1. Open deals are censored at the prediction
day.

Rates and not odds: a rate holds for a day, so that short and long cells say the same. It improves the log
loss and not the bias.

Source: landmark models with effects that fade (van Houwelingen 2007), constant rates within a cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from salesops_lib.forecasting.deals.odds import Rates, Refittable, Rows, fit_refittable
from salesops_lib.forecasting.deals.panel import UNKNOWN_DAY, Cells, Panel, Paths
from salesops_lib.forecasting.deals.states import GROUPS

MIN_WINS = 20  # won deals in the fit; below it there is no model
LOSSES_KEPT_DAYS = 60  # a loss older than this has to be there still
FEWER = 5.0  # so many times rarer among older decisions, beyond one chance in a thousand, losses are deleted
HALF_LIFE_DAYS = 540.0  # what happened so long ago counts half
GROUP_LEVELS = 8  # of segment, type, lead source; rarer ones share the last
_AHEAD = np.array([4, 9, 14, 20, 27, 35, 44, 54, 65, 78, 92, 108, 126])  # days since the landmark
_SINCE = np.array([4, 9, 18, 32, 53, 84, 120])  # the same, coarser, for products
_AGE = np.array([7, 14, 28, 49, 77, 112, 168, 280])  # days since creation; these four at a cell's middle
_DUE = np.array([-84, -42, -21, -7, 0, 7, 21, 60])  # after the stated close date
_OLD = np.array([3, 7, 14, 28, 49, 77, 112, 168])  # days since creation at the landmark
_IN_STAGE = np.array([7, 21, 45, 90])
_PUSHES = 3
_PHASES = 9

# Terms of each outcome with the prior standard deviation of their levels' log rates. The course of time is
# hardly held back: what is far ahead is rare in the past, and pulled to the mean of all it would be too low.
FREE = 5.0
_MAIN = {
    "ahead": FREE, "age": FREE, "old": FREE, "phase": FREE, "stage": FREE, "due": 1.0, "amount": 0.4,
    "in_stage": 0.4, "pushes": 0.4, "season": 0.1, "segment": 0.4, "type": 0.5, "lead_source": 0.3,
}  # fmt: skip
# What a deal was at its landmark fades: a first stage says one thing of a new deal and another of an old one,
# and little of either ten weeks on.
_FADING = {
    "stage*old": 2.0, "old*since": 2.0, "stage*since": 2.0, "stage*in_stage*since": 2.0,
    "segment*age": 1.0, "type*age": 1.0, "stage*type": 1.0,
}  # fmt: skip
WON_TERMS = _MAIN | _FADING | {"stage*phase": 2.0, "stage*segment": 1.0}
LOST_TERMS = _MAIN | _FADING


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
    """Fitted rates of win and loss as known on ``day``.

    ``lost`` is None where nothing was ever lost. ``owner``: log factor on an owner's rate of winning, 0 where
    nothing is known. ``wins``, ``losses``: closed deals the fit rests on.
    """

    day: int
    coding: Coding
    won: Rates
    lost: Rates | None
    owner: np.ndarray
    wins: int
    losses: int


@dataclass(frozen=True)
class Curves:
    """Logs of the wins and losses expected of deals at risk in every cell after a day.

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
        """Probability that each deal is won in each cell (deals × cells); ``shock`` adds to its log rate."""
        won = np.exp(self.won + shock)
        both = won + np.exp(self.lost)
        before = np.exp(both - np.cumsum(both, axis=1))
        return before * won * np.where(both > 0, -np.expm1(-both) / np.where(both > 0, both, 1.0), 1.0)


@dataclass(frozen=True)
class Learnt:
    """A fit, and what it would be had some cells not been seen."""

    fit: Hazards
    _won: Refittable
    _lost: Refittable | None
    _cell: np.ndarray
    _owners: Callable[[np.ndarray], np.ndarray]

    def without(self, low: int, high: int) -> Hazards | None:
        """The fit had the cells from ``low`` to ``high`` never come: what is judged in them is out of sample.

        None where too little else is there to learn from.
        """
        out = (self._cell >= low) & (self._cell <= high)
        won = self._won.without(out)
        lost = self._lost.without(out) if self._lost else None
        if won is None or (self._lost and lost is None):
            return None
        return replace(self.fit, won=won, lost=lost, owner=self._owners(~out))


def fit_hazards(panel: Panel, paths: Paths, cells: Cells) -> Learnt | str:
    """Fit the rates of win and loss on a panel.

    Returns the reason as text where fewer than :data:`MIN_WINS` won deals, or no deal that stayed open a
    cell long, are there to learn from, or where losses are not kept (:func:`losses_missing`).
    """
    if panel.wins < MIN_WINS:
        return f"{panel.wins} won deals with a known past; {MIN_WINS} are needed to fit when deals close"
    if said := losses_missing(paths, panel.day):
        return said
    if not (panel.event == 0).any():
        return "every deal closed within its first weeks: there is nothing open to learn from"
    coding = _coding(paths, panel)
    middle = panel.first + panel.days // 2
    seen = (panel.state, panel.mark, panel.groups)
    factors = _factors(paths, cells, coding, seen, (panel.row, panel.cell, middle))
    weight = 0.5 ** ((panel.day - panel.first) / HALF_LIFE_DAYS)
    offset = np.log(panel.exposed)
    won, codes = _side(panel, factors, WON_TERMS, weight, offset, event=1)
    lost = _side(panel, factors, LOST_TERMS, weight, offset, event=2)[0] if panel.losses else None
    chance = np.exp(won.rates.log_rates(codes) + offset)
    code = paths.owner[panel.state][panel.row] if paths.follows_owner else np.full(len(panel.row), -1)

    def owners(among: np.ndarray) -> np.ndarray:
        return _owners(np.where(among, code, -1), len(paths.owners), panel, chance, weight)

    rates = won.rates, lost.rates if lost else None
    everything = np.ones(len(panel.row), dtype=bool)
    fit = Hazards(panel.day, coding, *rates, owners(everything), panel.wins, panel.losses)
    return Learnt(fit, won, lost, panel.cell, owners)


def losses_missing(paths: Paths, day: int) -> str:
    """Why the data of a day cannot tell what open deals turn into: its losses are not recorded, or deleted
    after a while, so that every old deal looks won. Empty where losses are kept.

    Two groups of decisions, before and in the last :data:`LOSSES_KEPT_DAYS`: without a single loss in
    :data:`MIN_WINS` older ones, or with losses there :data:`FEWER` times rarer than among the recent, by
    Fisher's exact test at 0.001.
    """
    from scipy.stats import hypergeom

    decided = (paths.outcome >= 1) & (paths.day <= day)
    lost, old = paths.outcome[decided] == 2, paths.day[decided] <= day - LOSSES_KEPT_DAYS
    older, gone = int(old.sum()), int((lost & old).sum())
    if older < MIN_WINS:
        return ""
    recent, left = int((~old).sum()), int((lost & ~old).sum())
    chance = hypergeom.cdf(gone, older + recent, gone + left, older)
    if gone and not (FEWER * gone * recent < left * older and chance < 0.001):
        return ""
    return (
        f"{gone} of {older} deals decided over {LOSSES_KEPT_DAYS} days ago are lost, {left} of {recent} "
        "since: losses are not kept, so what open deals turn into cannot be learnt; import lost deals too"
    )


def curves(fit: Hazards, paths: Paths, cells: Cells, state: np.ndarray, day: int, last: int) -> Curves:
    """Rates of deals known open at the end of ``day`` (positions ``state``) in each cell until ``last``."""
    cell = np.arange(cells.of(np.array([day + 1]))[0], cells.of(np.array([last]))[0] + 1)
    first = np.maximum(cells.edges[cell], day + 1)
    days = cells.edges[cell + 1] - first
    n, width = len(state), len(cell)
    where = (np.repeat(np.arange(n), width), np.tile(cell, n), np.tile(first + days // 2, n))
    groups = paths.groups_at(paths.deal[state], day) * fit.coding.dated
    factors = _factors(paths, cells, fit.coding, (state, np.full(n, day), groups), where)
    offset = np.log(days)
    won = fit.won.log_rates(factor_codes(factors, WON_TERMS)[0]).reshape(n, width) + offset
    lost = np.full((n, width), -np.inf)
    if fit.lost:
        lost = fit.lost.log_rates(factor_codes(factors, LOST_TERMS)[0]).reshape(n, width) + offset
    factor = np.append(fit.owner, 0.0)[paths.owner[state]]  # an unknown owner (-1) has none
    return Curves(state, cell, first, days, won + factor[:, None], lost)


def _side(panel: Panel, factors, terms, weight, offset, event: int) -> tuple[Refittable, np.ndarray]:
    """Rates of one outcome, and all codes: a row that the other ended was at risk until then."""
    codes, levels = factor_codes(factors, terms)
    rows = Rows(codes, levels, (panel.event == event).astype(float), weight, offset)
    return fit_refittable(rows, panel.overlap / np.array(list(terms.values())) ** 2), codes


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
    old = np.where(created == UNKNOWN_DAY, 0, _band(_OLD, mark - created) + 1)
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
        "old": (old[row], len(_OLD) + 2),
        "since": (_band(_SINCE, at - mark[row]), len(_SINCE) + 1),
        "ahead": (_band(_AHEAD, at - mark[row]), len(_AHEAD) + 1),
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
    """Log factor of each owner's rate of winning over what the fit expects, shrunk towards 1.

    Gamma-Poisson shrinkage with the variance between owners beyond chance, by moments.
    """
    used = owner >= 0

    def summed(values: np.ndarray) -> np.ndarray:
        return np.bincount(owner[used], weights=values[used], minlength=size) / panel.overlap

    seen, held = summed((panel.event == 1) * weight), summed(chance * weight)
    noise = summed(chance * weight**2)
    many = held > 1
    excess = ((seen - held)[many] ** 2 - noise[many]).sum() / max((held[many] ** 2).sum(), 1e-9)
    if many.sum() < 3 or excess <= 0:
        return np.zeros(size)
    certainty = held**2 * excess / (held**2 * excess + np.maximum(noise, 1e-9))
    return certainty * np.log(np.maximum(seen, 0.5) / np.maximum(held, 0.5))
