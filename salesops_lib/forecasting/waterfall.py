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
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from salesops_lib.core.money import from_cents
from salesops_lib.core.periods import Period
from salesops_lib.forecasting.changes import compared, in_cents, logged
from salesops_lib.forecasting.fx_effect import Rates, fx_cents
from salesops_lib.forecasting.known import LOST, OPEN, WON, DealLog, known_on, placed

IN_TERMS = ("new", "pulled_in", "pushed_in", "reopened")
TERMS = (
    "start", *IN_TERMS, "increased", "decreased", "pushed_out", "pulled_out", "won", "lost", "deleted",
    "owner", "fx", "end",
)  # fmt: skip
LEVELS = {"company": None, "region": "region", "team": "team", "rep": "owner_id"}
KEY = ["level", "node_id", "period", "start_date", "end_date"]


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
    stands = [_stand(_placed_on(log, reps, day), bounds) for day in days]
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
    bounds = (pd.Timestamp(period[1]), pd.Timestamp(period[2]))
    stands = [_stand(side, bounds) for side in sides]
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


def _bounds(log: DealLog, period: Period) -> tuple[pd.Timestamp, pd.Timestamp]:
    low, high = log.calendar.bounds(period)
    return pd.Timestamp(low), pd.Timestamp(high)


def _placed_on(log: DealLog, reps: pd.DataFrame | None, day: date) -> pd.DataFrame:
    deals = known_on(log, day)
    return placed(deals, reps, day).assign(cents=in_cents(deals["amount_base"]))


def _flows(pairs: pd.DataFrame, bounds: tuple, rates: Rates | None) -> pd.DataFrame:
    """Every cent that a change moves: ``step``, ``term``, ``cents`` (signed) and the node's columns."""
    low, high = bounds
    was, now = pairs["outcome_before"].to_numpy(), pairs["outcome_after"].to_numpy()
    was = np.where(pairs["there_before"], was, None)
    now = np.where(pairs["there_after"], now, None)
    due_before = pairs["close_date_before"]
    due_after = pairs["close_date_after"].where(
        pairs["close_date_after"].notna() | (now != WON), pairs["day"]
    )
    sides = [((due >= low) & (due < high)).to_numpy() for due in (due_before, due_after)]
    held = (was == OPEN) & sides[0]
    stays, won = (now == OPEN) & sides[1], (now == WON) & sides[1] & (was != WON)
    touched = np.flatnonzero(held | stays | won | ((now == LOST) & sides[1] & ~pairs["there_before"]))
    part = pairs.iloc[touched].reset_index(drop=True)
    seen = {"was": was, "now": now, "held": held, "stays": stays, "won": won}
    seen = {name: values[touched] for name, values in seen.items()}
    earlier = {
        side: (due < low).to_numpy()[touched] for side, due in (("was", due_before), ("now", due_after))
    }
    return pd.concat([_entered(part, seen, earlier), _left(part, seen, earlier, rates)], ignore_index=True)


def _entered(pairs: pd.DataFrame, seen: dict, earlier: dict) -> pd.DataFrame:
    """Deals that were not in before, at their value after; those closed at once leave again."""
    came = ~seen["held"]
    there = pairs["there_before"].to_numpy()
    term = np.select(
        [~there, seen["was"] != OPEN, earlier["was"]], ["new", "reopened", "pushed_in"], "pulled_in"
    )
    value = pairs["cents_after"].to_numpy()
    rows = [_rows(pairs, came, term, value)]
    rows.append(_rows(pairs, came & seen["won"], "won", -value))
    rows.append(_rows(pairs, came & (seen["now"] == LOST), "lost", -value))
    return pd.concat(rows, ignore_index=True)


def _left(pairs: pd.DataFrame, seen: dict, earlier: dict, rates: Rates | None) -> pd.DataFrame:
    """Deals that were in before: handed over, changed in value, gone."""
    held, now = seen["held"], seen["now"]
    was, value = pairs["cents_before"].to_numpy(), pairs["cents_after"].to_numpy()
    gone = held & ~np.isin(now, [OPEN, WON, LOST])
    there = pairs["there_after"].to_numpy()
    other = np.zeros(len(pairs), dtype=bool)
    for name in ("owner_id", "team", "region"):
        other |= pairs[f"{name}_before"].to_numpy() != pairs[f"{name}_after"].to_numpy()
    handed = held & other & there
    kept = held & (seen["stays"] | seen["won"])
    by_rate = np.where(kept, fx_cents(pairs, rates), 0)
    change = np.where(kept, value - was - by_rate, 0)
    out = held & ~kept & ~gone & (now != LOST)
    parts = [
        _rows(pairs, handed, "owner", -was, "before"),
        _rows(pairs, handed, "owner", was),
        _rows(pairs, kept, "fx", by_rate),
        _rows(pairs, change > 0, "increased", change),
        _rows(pairs, change < 0, "decreased", change),
        _rows(pairs, kept & seen["won"], "won", -value),
        _rows(pairs, held & (now == LOST), "lost", -was),
        _rows(pairs, gone & there, "deleted", -was),
        _rows(pairs, gone & ~there, "deleted", -was, "before"),
        _rows(pairs, out & earlier["now"], "pulled_out", -was),
        _rows(pairs, out & ~earlier["now"], "pushed_out", -was),
    ]
    return pd.concat(parts, ignore_index=True)


def _rows(
    pairs: pd.DataFrame, mine: np.ndarray, term, cents: np.ndarray, side: str = "after"
) -> pd.DataFrame:
    at = np.flatnonzero(mine)
    named = term[at] if isinstance(term, np.ndarray) else term
    made = {name: pairs[f"{name}_{side}"].to_numpy()[at] for name in ("owner_id", "team", "region")}
    made |= {"step": pairs["step"].to_numpy()[at], "deal": pairs.index.to_numpy()[at]}
    return pd.DataFrame(made).assign(term=named, cents=cents[at])


def _stand(deals: pd.DataFrame, bounds: tuple) -> pd.DataFrame:
    """Deals in on a day, with their cents and node."""
    due = deals["close_date"]
    return deals[deals["outcome"].eq(OPEN) & (due >= bounds[0]) & (due < bounds[1])]


def _table(flows: pd.DataFrame, stands: list, days: list[date], period: str, company: str) -> pd.DataFrame:
    parts = []
    for level, column in LEVELS.items():
        named = [
            rows.assign(node_id=company if column is None else rows[column]) for rows in (flows, *stands)
        ]
        nodes = sorted({str(n) for rows in named for n in rows["node_id"].unique()})
        nodes = [company] if column is None else nodes
        keys = named[0][["node_id", "step", "term"]]
        index = pd.MultiIndex.from_product([nodes, range(len(days) - 1)], names=["node_id", "step"])
        moved = (
            named[0][["cents"]]
            .join(keys)
            .pivot_table(
                index=["node_id", "step"], columns="term", values="cents", aggfunc="sum", fill_value=0
            )
        )
        made = moved.reindex(index=index, columns=list(TERMS[1:-1])).fillna(0).astype("int64")
        sums = [
            rows.groupby("node_id")["cents"].sum().reindex(nodes).fillna(0).astype("int64")
            for rows in named[1:]
        ]
        stood = np.column_stack(sums)
        made["start"], made["end"] = stood[:, :-1].ravel(), stood[:, 1:].ravel()
        parts.append(made.reset_index().assign(level=level, period=period))
    made = pd.concat(parts, ignore_index=True)
    dates = pd.DatetimeIndex(days)
    made = made.assign(start_date=dates[made["step"]], end_date=dates[made["step"] + 1])
    return made[[*KEY, *TERMS]]
