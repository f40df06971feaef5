"""From the open value due in a period on one day to that on another, every cent by its reason.

A deal is *in* on a day if it is open then and its close date lies in the period. Terms, in the order of
:data:`TERMS`; those of deals that leave are negative:

start           value in on the first day
new             not there before; its value when it first is in
pulled_in       in, and due in a later period (or on no day) before
pushed_in       in, and due in an earlier period before
reopened        in, and closed before
increased       value added to deals in before and after, or won
decreased       value taken from them
pushed_out      no longer in, now due in a later period (or on no day); at its last value in
pulled_out      no longer in, now due in an earlier period; at its last value in
won             won with a close date in the period, at the value signed; the last change of value is above
lost            lost, at its last value in
deleted         gone from the table, or in a stage of unknown outcome; at its last value in
owner           handed over between nodes, at the value before; 0 for the company
fx              change of value by the exchange rate alone
end             value in on the last day:  start + all of the above

A deal that enters and is closed on the same day enters (new, pulled in, pushed in, reopened) and leaves.
Changes are read day by day, each against the state before it, so that the steps of a week add up to those of
a month, and a push undone the day after shows twice. Missing amounts count 0 until they are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from salesops_lib.core.money import from_cents
from salesops_lib.core.periods import Period
from salesops_lib.forecasting.deals.known import LOST, OPEN, WON, DealLog, last_states, placed
from salesops_lib.forecasting.flow.changes import compared, in_cents, logged
from salesops_lib.forecasting.flow.fx_effect import Rates, fx_cents

IN_TERMS = ("new", "pulled_in", "pushed_in", "reopened")
TERMS = (
    "start", *IN_TERMS, "increased", "decreased", "pushed_out", "pulled_out", "won", "lost", "deleted",
    "owner", "fx", "end",
)  # fmt: skip
LEVELS = {"company": None, "region": "region", "team": "team", "rep": "owner_id"}
KEY = ["level", "node_id", "period", "start_date", "end_date"]
_NODE = ("owner_id", "team", "region")


@dataclass(frozen=True)
class Moved:
    """Cents, each with its step, its term (position in :data:`TERMS`) and its node (owner, team, region)."""

    nodes: tuple[np.ndarray, ...]
    step: np.ndarray
    term: np.ndarray
    cents: np.ndarray


def waterfall(
    log: DealLog,
    reps: pd.DataFrame | None,
    period: Period,
    days: Sequence[date],
    *,
    company: str = "company",
    rates: Rates | None = None,
) -> pd.DataFrame:
    """The waterfall of a period between each day of ``days`` and the next, for every node.

    Parameters
    ----------
    log, reps
        Deals as known on each day; role spells, which say in which team an owner is on a day.
    period
        Deals are in by their close date in it.
    days
        Two at least, ascending; each step goes from the end of one to the end of the next.
    rates
        Daily rates, where amounts in the reporting currency follow them; without rates no fx is told apart.

    Returns
    -------
    DataFrame
        :data:`KEY` and :data:`TERMS` in whole cents (int64), one row per node and step, every node of any
        step in each. Steps add up with :func:`composed`; ``value_base`` by term with :func:`long`.

    Raises
    ------
    ValueError
        If fewer than two days are given or they do not ascend.
    """
    if len(days) < 2 or any(a >= b for a, b in pairwise(days)):
        raise ValueError(f"a waterfall goes from one day to later ones; got {[str(d) for d in days]}")
    bounds = _bounds(log, period)
    pairs = logged(log, reps, days)
    flows = _flows(pairs, bounds, rates)
    stands = [_held(log, reps, day, bounds) for day in days]
    return _table(flows, stands, list(days), str(period), company)


def waterfall_between(
    before: pd.DataFrame,
    after: pd.DataFrame,
    period: tuple[str, date, date],
    days: tuple[date, date],
    *,
    reps: pd.DataFrame | None = None,
    company: str = "company",
    rates: Rates | None = None,
) -> pd.DataFrame:
    """The waterfall between two states of the table, whatever was or was not stamped in between.

    An amount changed by a formula or in bulk without a modified stamp is here, and so is a deleted row.

    Parameters
    ----------
    before, after
        Deals on the two days: ``opportunity_id``, ``owner_id``, ``amount_base``, ``close_date``, and
        ``outcome`` or ``is_closed`` and ``is_won``; ``currency`` where rates are given.
    period
        Name, first day, and the day after the last.
    days
        The two days.
    """
    sides, pairs = compared(before, after, reps, days)
    bounds = tuple(np.datetime64(day, "ns") for day in period[1:])
    stands = [_stand(side[_is_in(side, bounds)]) for side in sides]
    return _table(_flows(pairs, bounds, rates), stands, list(days), period[0], company)


def composed(table: pd.DataFrame) -> pd.DataFrame:
    """One step from the first to the last day, per node: starts with the first, ends with the last."""
    by = table.groupby(["level", "node_id", "period"], sort=False)
    made = by[list(TERMS[1:-1])].sum()
    made["start"], made["end"] = by["start"].first(), by["end"].last()
    made["start_date"], made["end_date"] = by["start_date"].first(), by["end_date"].last()
    return made.reset_index()[[*KEY, *TERMS]]


def long(table: pd.DataFrame) -> pd.DataFrame:
    """One row per node, step and term: :data:`KEY`, ``term``, ``value_base`` (Decimal, to the cent)."""
    made = table.melt(id_vars=KEY, value_vars=list(TERMS), var_name="term", value_name="cents")
    order = made["term"].map({term: at for at, term in enumerate(TERMS)})
    made = made.assign(order=order).sort_values([*KEY, "order"], kind="stable").reset_index(drop=True)
    return made.assign(value_base=from_cents(made["cents"]))[[*KEY, "term", "value_base"]]


def _bounds(log: DealLog, period: Period) -> tuple[np.datetime64, np.datetime64]:
    low, high = log.calendar.bounds(period)
    return np.datetime64(low, "ns"), np.datetime64(high, "ns")


def _held(log: DealLog, reps: pd.DataFrame | None, day: date, bounds: tuple) -> Moved:
    """Deals in on a day, with their cents and node."""
    rows = log.states.iloc[last_states(log, day)]
    rows = rows[_is_in(rows, bounds)].reset_index(drop=True)
    return _stand(placed(rows[["owner_id"]], reps, day).assign(cents=in_cents(rows["amount_base"])))


def _is_in(rows: pd.DataFrame, bounds: tuple) -> np.ndarray:
    due = rows["close_date"].to_numpy(dtype="datetime64[ns]")
    return (rows["outcome"].to_numpy() == OPEN) & (due >= bounds[0]) & (due < bounds[1])


def _stand(rows: pd.DataFrame) -> Moved:
    nodes = tuple(rows[name].to_numpy(dtype="object") for name in _NODE)
    return Moved(nodes, np.zeros(len(rows), "int64"), np.zeros(len(rows), "int64"), rows["cents"].to_numpy())


def _flows(pairs: pd.DataFrame, bounds: tuple, rates: Rates | None) -> list[Moved]:
    """Every cent that a change moves, signed, by term and node."""
    low, high = bounds
    there = [pairs[f"there_{side}"].to_numpy(dtype=bool) for side in ("before", "after")]
    was = np.where(there[0], pairs["outcome_before"].to_numpy(dtype="object"), None)
    now = np.where(there[1], pairs["outcome_after"].to_numpy(dtype="object"), None)
    due = [pairs[f"close_date_{side}"].to_numpy(dtype="datetime64[ns]") for side in ("before", "after")]
    due[1] = np.where(np.isnat(due[1]) & (now == WON), pairs["day"].to_numpy(dtype="datetime64[ns]"), due[1])
    inside = [(d >= low) & (d < high) for d in due]
    held = (was == OPEN) & inside[0]
    stays, won = (now == OPEN) & inside[1], (now == WON) & inside[1] & (was != WON)
    at = np.flatnonzero(held | stays | won | ((now == LOST) & inside[1] & ~there[0]))
    seen = {"was": was, "now": now, "held": held, "stays": stays, "won": won}
    seen |= {"there_before": there[0], "there_after": there[1]}
    seen |= {"was_due_earlier": due[0] < low, "due_earlier": due[1] < low}
    part = pairs.iloc[at].reset_index(drop=True)
    seen = {name: values[at] for name, values in seen.items()}
    return [*_entered(part, seen), *_left(part, seen, rates)]


def _entered(pairs: pd.DataFrame, seen: dict) -> list[Moved]:
    """Deals that were not in before, at their value after; those closed at once leave again."""
    came = ~seen["held"]
    value = pairs["cents_after"].to_numpy()
    new = came & ~seen["there_before"]
    reopened = came & seen["there_before"] & (seen["was"] != OPEN)
    moved = came & ~new & ~reopened
    return [
        _moved(pairs, new, "new", value),
        _moved(pairs, reopened, "reopened", value),
        _moved(pairs, moved & seen["was_due_earlier"], "pushed_in", value),
        _moved(pairs, moved & ~seen["was_due_earlier"], "pulled_in", value),
        _moved(pairs, came & seen["won"], "won", -value),
        _moved(pairs, came & (seen["now"] == LOST), "lost", -value),
    ]


def _left(pairs: pd.DataFrame, seen: dict, rates: Rates | None) -> list[Moved]:
    """Deals that were in before: handed over, changed in value, gone."""
    held, now, there = seen["held"], seen["now"], seen["there_after"]
    was, value = pairs["cents_before"].to_numpy(), pairs["cents_after"].to_numpy()
    gone = held & ~np.isin(now.astype(str), [OPEN, WON, LOST])
    other = np.zeros(len(pairs), dtype=bool)
    for name in _NODE:
        other |= pairs[f"{name}_before"].to_numpy() != pairs[f"{name}_after"].to_numpy()
    handed = held & other & there
    kept = held & (seen["stays"] | seen["won"])
    by_rate = np.where(kept, fx_cents(pairs, rates), 0)
    change = np.where(kept, value - was - by_rate, 0)
    out = held & ~kept & ~gone & (now != LOST)
    return [
        _moved(pairs, handed, "owner", -was, "before"),
        _moved(pairs, handed, "owner", was),
        _moved(pairs, kept, "fx", by_rate),
        _moved(pairs, change > 0, "increased", change),
        _moved(pairs, change < 0, "decreased", change),
        _moved(pairs, kept & seen["won"], "won", -value),
        _moved(pairs, held & (now == LOST), "lost", -was),
        _moved(pairs, gone & there, "deleted", -was),
        _moved(pairs, gone & ~there, "deleted", -was, "before"),
        _moved(pairs, out & seen["due_earlier"], "pulled_out", -was),
        _moved(pairs, out & ~seen["due_earlier"], "pushed_out", -was),
    ]


def _moved(pairs: pd.DataFrame, mine: np.ndarray, term: str, cents: np.ndarray, side: str = "after") -> Moved:
    at = np.flatnonzero(mine)
    nodes = tuple(pairs[f"{name}_{side}"].to_numpy(dtype="object")[at] for name in _NODE)
    step = pairs["step"].to_numpy(dtype="int64")[at]
    return Moved(nodes, step, np.full(len(at), TERMS.index(term)), cents[at])


def _table(flows: list[Moved], stands: list[Moved], days: list[date], period: str, company: str):
    """Sums by node, step and term; ``stands``: what is in on each of the days."""
    steps, width = len(days) - 1, len(TERMS)
    sides = [*flows]
    for at, stand in enumerate(stands):  # what ends a step starts the next
        if at < steps:
            sides.append(replace(stand, step=np.full(len(stand.cents), at), term=np.zeros_like(stand.term)))
        if at > 0:
            ends = np.full(len(stand.cents), width - 1)
            sides.append(replace(stand, step=np.full(len(stand.cents), at - 1), term=ends))
    slot = np.concatenate([s.step * width + s.term for s in sides])
    cents = np.concatenate([s.cents for s in sides]).astype("int64")
    parts = []
    for level, place in LEVELS.items():
        names = [company]
        code = np.zeros(len(slot), dtype="int64")
        if place is not None:
            node = np.concatenate([s.nodes[_NODE.index(place)] for s in sides]).astype(str)
            names, code = np.unique(node, return_inverse=True)
        sums = np.zeros((len(names), steps * width), dtype="int64")
        np.add.at(sums, (code.ravel(), slot), cents)
        made = pd.DataFrame(sums.reshape(-1, width), columns=list(TERMS))
        made["node_id"], made["level"] = np.repeat(np.asarray(names, dtype="object"), steps), level
        made["start_date"] = np.tile(np.array(days[:-1], dtype="datetime64[ns]"), len(names))
        made["end_date"] = np.tile(np.array(days[1:], dtype="datetime64[ns]"), len(names))
        parts.append(made)
    return pd.concat(parts, ignore_index=True).assign(period=period)[[*KEY, *TERMS]]
