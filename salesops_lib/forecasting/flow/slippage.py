"""What slips, who is pushed, what moved the number, and what has to be true to reach the target."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesops_lib.core.periods import Period
from salesops_lib.forecasting.deals.known import LOST, OPEN, WON, DealLog, known_on, placed
from salesops_lib.forecasting.deals.pipeline import Forecast

LEVELS = {"company": None, "region": "region", "team": "team", "rep": "owner_id"}
MANY_PUSHES = 3
COMMIT = "Commit"


def slippage(
    log: DealLog, reps: pd.DataFrame | None, period: Period, day: date, *, company: str = "company"
) -> pd.DataFrame:
    """Of the value due in a period at its start, what is on ``day`` still open with a date after the period.

    Returns
    -------
    DataFrame
        One row per node (where the deal was at the start): ``level``, ``node_id``, ``period``, ``due_base``,
        ``slipped_base``, ``slippage`` (ratio; missing where nothing was due), ``won_base``, ``lost_base``,
        ``open_base`` (still due in the period or earlier), ``n_due``, ``n_slipped``, ``n_unpriced`` (deals
        due without an amount: in the counts, not in the money). Values are those at the start:
        due = slipped + won + lost + open + gone. Empty before the period starts.
    """
    start, end = log.calendar.bounds(period)
    columns = ["due_base", "slipped_base", "won_base", "lost_base", "open_base", "n_due", "n_slipped",
               "n_unpriced"]  # fmt: skip
    empty = pd.DataFrame(columns=["level", "node_id", "period", *columns, "slippage"])
    if day < start:
        return empty
    then, now = known_on(log, start - timedelta(days=1)), known_on(log, day)
    low, high = pd.Timestamp(start), pd.Timestamp(end)
    due = then[then["outcome"].eq(OPEN) & then["close_date"].ge(low) & then["close_date"].lt(high)]
    due = placed(due, reps, start - timedelta(days=1))
    if due.empty:
        return empty
    after = now.set_index("deal")[["outcome", "close_date"]].reindex(due["deal"])
    outcome, date_now = after["outcome"].to_numpy(), after["close_date"].to_numpy()
    amount = due["amount_base"]
    value = amount.fillna(0.0).to_numpy()
    slipped = (outcome == OPEN) & (date_now >= np.datetime64(high))
    parts = {
        "due_base": value, "slipped_base": value * slipped, "won_base": value * (outcome == WON),
        "lost_base": value * (outcome == LOST), "open_base": value * ((outcome == OPEN) & ~slipped),
        "n_due": np.ones(len(due), dtype="int64"), "n_slipped": slipped.astype("int64"),
        "n_unpriced": amount.isna().to_numpy(dtype="int64"),
    }  # fmt: skip
    rows = due[["owner_id", "team", "region"]].assign(**parts)
    made = []
    for level, column in LEVELS.items():
        node = company if column is None else rows[column]
        sums = rows.assign(node_id=node).groupby("node_id", as_index=False)[columns].sum()
        made.append(sums.assign(level=level, period=str(period)))
    table = pd.concat(made, ignore_index=True)
    table["slippage"] = (table["slipped_base"] / table["due_base"]).where(table["due_base"] > 0)
    return table[empty.columns]


def pushes(log: DealLog, day: date) -> pd.DataFrame:
    """Open deals by how often their close date moved to a later period: ``pushes`` (text, the last one
    ``3+``), ``n``, ``n_unpriced`` (of them without an amount: in no value), ``value_base``, ``share`` (of all
    open value)."""
    deals = known_on(log, day)
    deals = deals[deals["outcome"] == OPEN]
    count = np.minimum(deals["pushes"].to_numpy(dtype="int64"), MANY_PUSHES)
    unpriced = deals["amount_base"].isna()
    value = deals["amount_base"].fillna(0.0)
    names = [str(k) for k in range(MANY_PUSHES)] + [f"{MANY_PUSHES}+"]
    n = np.bincount(count, minlength=MANY_PUSHES + 1)
    sums = np.bincount(count, weights=value, minlength=MANY_PUSHES + 1)
    without = np.bincount(count[unpriced.to_numpy()], minlength=MANY_PUSHES + 1)
    total = float(value.sum())
    share = sums / total if total > 0 else np.full(len(sums), np.nan)
    return pd.DataFrame({"pushes": names, "n": n, "n_unpriced": without, "value_base": sums, "share": share})


def movers(log: DealLog, period: Period, before: date, after: date, *, top: int = 10) -> pd.DataFrame:
    """Deals that changed the number most between two days.

    The number is what is booked in the period or open and due in it. A deal counts with its amount while it
    is in, and with nothing once it is out, lost, not there or without an amount.

    Returns
    -------
    DataFrame
        ``opportunity_id``, ``owner_id``, ``stage``, ``before_base``, ``after_base``, ``change_base``,
        ``reason``; the ``top`` largest changes by size, ties by id.
    """
    low, high = (pd.Timestamp(d) for d in log.calendar.bounds(period))
    sides = []
    for day in (before, after):
        deals = known_on(log, day).set_index("deal")
        inside = deals["close_date"].ge(low) & deals["close_date"].lt(high)
        held = inside & deals["outcome"].isin([OPEN, WON])
        sides.append(deals.assign(value=deals["amount_base"].fillna(0.0).where(held, 0.0), held=held))
    first, last = sides[0].reindex(sides[1].index), sides[1]
    was = first["value"].fillna(0.0)
    change = last["value"] - was
    held = first["held"].eq(True)  # a deal not there before was not in
    reasons = [
        (last["outcome"].eq(WON) & first["outcome"].ne(WON) & last["held"], "won"),
        (last["outcome"].eq(LOST), "lost"),
        (first["outcome"].isna(), "new"),
        (held & ~last["held"], "moved out of the period"),
        (~held & first["outcome"].eq(OPEN), "moved into the period"),
        (~held, "reopened"),
    ]
    reason = np.select(
        [test.to_numpy() for test, _ in reasons], [name for _, name in reasons], "amount changed"
    )
    table = last[["opportunity_id", "owner_id", "stage"]].assign(
        before_base=was, after_base=last["value"], change_base=change, reason=reason
    )
    table = table[change.abs() >= 0.005]
    order = table.assign(size=table["change_base"].abs())
    order = order.sort_values(["size", "opportunity_id"], ascending=[False, True], kind="stable")
    return order.drop(columns="size").head(top).reset_index(drop=True)


def needed(made: Forecast, target: float, *, period: str | None = None) -> pd.DataFrame:
    """What has to be true to hit the company's target, source by source.

    Parameters
    ----------
    made
        A forecast that is on.
    target, period
        Target of the period (default: the running one), reporting currency.

    Returns
    -------
    DataFrame
        ``closed``, ``commit`` (open, committed, due in the period), ``other_due``, ``not_due`` (open, due
        later or on no day), ``new`` (not created yet), ``gap``: one row each with ``n``, ``n_unpriced`` (open
        deals without an amount: in no value), ``value_base`` (open value; missing for ``new``),
        ``expected_base``, ``own_rate`` (expected ÷ value), ``needed_base`` (what this source must bring if
        the others bring what is expected), ``needed_rate``, ``reachable`` (whether that is at most its whole
        value). ``gap``: target − all that is expected.

    Raises
    ------
    ValueError
        If the forecast is off or has no such period.
    """
    simulation = made.simulation
    if simulation is None:
        raise ValueError(f"there is no forecast to ask: {made.off}")
    period = period or simulation.periods[0]
    if period not in simulation.periods:
        raise ValueError(f"'{period}' is not forecast; it is one of {', '.join(simulation.periods)}")
    at = simulation.periods.index(period)
    deals = made.deals
    low, high = (pd.Timestamp(int(s), unit="D") for s in simulation.starts[at : at + 2])
    due = (deals["close_date"].ge(low) & deals["close_date"].lt(high)).to_numpy()
    if at == 0:  # a date that has passed is due now
        due |= deals["close_date"].lt(low).to_numpy()
    commit = due & deals["forecast_category"].eq(COMMIT).to_numpy()
    expected = deals[f"p_{period}"].to_numpy() * simulation.open.amount.mean(axis=1)
    value = deals["amount_base"].fillna(0.0).to_numpy()
    new = simulation.new_wins()
    fresh = float(new.amount[new.period == at].sum() / simulation.count)
    closed = simulation.closed[simulation.closed["period"] == at]
    unpriced = deals["amount_base"].isna().to_numpy()
    rows = [("closed", len(closed), np.nan, np.nan, float(closed["amount"].sum()))]
    for name, mine in (("commit", commit), ("other_due", due & ~commit), ("not_due", ~due)):
        without = int((mine & unpriced).sum())
        rows.append((name, int(mine.sum()), without, float(value[mine].sum()), float(expected[mine].sum())))
    rows.append(("new", np.nan, np.nan, np.nan, fresh))
    table = pd.DataFrame(rows, columns=["source", "n", "n_unpriced", "value_base", "expected_base"])
    gap = target - float(table["expected_base"].sum())
    table["own_rate"] = (table["expected_base"] / table["value_base"]).where(table["value_base"] > 0)
    table["needed_base"] = (table["expected_base"] + gap).where(table["source"] != "closed").clip(lower=0.0)
    table["needed_rate"] = (table["needed_base"] / table["value_base"]).where(table["value_base"] > 0)
    table["reachable"] = (
        (table["needed_base"] <= table["value_base"]).astype("boolean").where(table["value_base"].notna())
    )
    return pd.concat(
        [table, pd.DataFrame([{"source": "gap", "expected_base": gap}])], ignore_index=True
    ).assign(period=period, target=target)
