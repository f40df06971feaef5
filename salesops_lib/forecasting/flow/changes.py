"""Changes of deals as pairs of states, before and after, each with the node it belonged to.

Either every change that a log holds, in order, or what two states of the table differ in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.core.money import to_cents
from salesops_lib.forecasting.deals.known import LOST, OPEN, WON, DealLog, last_states, placed

_READ = ("owner_id", "outcome", "close_date", "amount_base")
STATE = ("outcome", "cents", "close_date", "owner_id", "team", "region")


def in_cents(amounts: pd.Series) -> np.ndarray:
    """Whole cents, a missing amount 0."""
    return to_cents(amounts.astype("float64")).fillna(0).to_numpy(dtype="int64")


def compared(
    before: pd.DataFrame, after: pd.DataFrame, reps: pd.DataFrame | None, days: tuple[date, date]
) -> tuple[list[pd.DataFrame], pd.DataFrame]:
    """The two states with cents and nodes, and one pair per deal that is in either.

    Needs ``opportunity_id``, ``owner_id``, ``amount_base``, ``close_date``, and ``outcome`` or ``is_closed``
    and ``is_won``; ``currency`` if it is there.
    """
    sides = []
    for rows, day in ((before, days[0]), (after, days[1])):
        state = placed(_with_outcome(rows), reps, day).assign(cents=in_cents(rows["amount_base"]))
        state["close_date"] = pd.to_datetime(state["close_date"])
        sides.append(state.reindex(columns=["opportunity_id", "currency", *STATE]))
    pairs = sides[0].merge(sides[1], on="opportunity_id", how="outer", suffixes=("_before", "_after"))
    cents = {name: pairs[name].fillna(0).astype("int64") for name in ("cents_before", "cents_after")}
    pairs = pairs.assign(
        day=pd.Timestamp(days[1]),
        day_before=pd.Timestamp(days[0]),
        step=0,
        currency=pairs["currency_after"].where(pairs["currency_after"].notna(), pairs["currency_before"]),
        there_before=pairs["opportunity_id"].isin(before["opportunity_id"]),
        there_after=pairs["opportunity_id"].isin(after["opportunity_id"]),
        **cents,
    )
    return sides, pairs


def logged(log: DealLog, reps: pd.DataFrame | None, days: Sequence[date]) -> pd.DataFrame:
    """Each change between the first and the last day, with the state before it and where both belong.

    A rep who changes team takes open deals along: a pair for each of them on that day, though nothing in
    the deal changed.
    """
    states = log.states
    day = states["day"].to_numpy()
    first, last = np.datetime64(days[0], "D"), np.datetime64(days[-1], "D")
    after = np.flatnonzero((day > first) & (day <= last))
    deal = states["deal"].to_numpy()
    follows = (after > 0) & (deal[after] == deal[np.maximum(after, 1) - 1])
    before, when = np.where(follows, after - 1, -1), day[after]
    moved = _moved(log, reps, first, last)
    after = np.concatenate([after, moved[0]])
    before, when = np.concatenate([before, moved[0]]), np.concatenate([when, moved[1]])
    made = {"there_before": before >= 0, "there_after": np.ones(len(after), dtype=bool), "day": when}
    sides = {"before": (before, when - np.timedelta64(1, "D")), "after": (after, when)}
    for side, (at, on) in sides.items():
        rows = states.iloc[np.maximum(at, 0)][list(_READ)].reset_index(drop=True)
        rows = placed(rows, reps, pd.Series(on)).assign(cents=in_cents(rows["amount_base"]))
        made |= {f"{name}_{side}": rows[name].to_numpy() for name in STATE}
    made["day_before"] = day[np.maximum(before, 0)]
    made["currency"] = log.deals["currency"].to_numpy()[deal[after]]
    steps = np.array(days[1:], dtype="datetime64[ns]")
    return pd.DataFrame(made).assign(step=np.searchsorted(steps, when))


def _moved(log: DealLog, reps: pd.DataFrame | None, first, last) -> tuple[np.ndarray, np.ndarray]:
    """States untouched on a day on which a spell of their owner begins, and that day."""
    empty = np.array([], dtype="int64"), np.array([], dtype="datetime64[ns]")
    if reps is None or reps.empty:
        return empty
    start = pd.to_datetime(reps["start_date"]).to_numpy(dtype="datetime64[ns]")
    found, when = [], []
    for day in np.unique(start[(start > first) & (start <= last)]):
        at = last_states(log, pd.Timestamp(day).date())
        mine = log.states["owner_id"].to_numpy()[at]
        held = np.isin(mine.astype(str), reps["rep_id"].to_numpy()[start == day].astype(str))
        at = at[held & (log.states["day"].to_numpy()[at] < day)]
        found.append(at)
        when.append(np.full(len(at), day))
    return (np.concatenate(found), np.concatenate(when)) if found else empty


def _with_outcome(rows: pd.DataFrame) -> pd.DataFrame:
    if "outcome" in rows:
        return rows
    closed, won = rows["is_closed"].astype("boolean"), rows["is_won"].astype("boolean")
    outcome = np.select(
        [closed.isna(), ~closed.fillna(False), won.isna(), won.fillna(False)], [None, OPEN, None, WON], LOST
    )
    return rows.assign(outcome=outcome)
