"""What every forecast has to beat: four figures that anyone could work out by hand, always printed beside it.

Seasonal naive: what the same period of the year before booked. Stage-weighted pipeline: booked to date plus
each open deal due in the period at the win rate of closed deals that passed its stage. Same-week conversion:
booked to date plus the open value due in the period at the share of it that past periods still booked after
this week. Raw commit: the calls as they stand.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.core.periods import Period
from salesops_lib.forecasting.bookings import KEY, Books, History, day_at, node_table

BENCHMARKS = ("seasonal_naive", "stage_weighted", "same_week", "raw_commit")
_PER_YEAR = {"year": 1, "quarter": 4, "month": 12}


def benchmarks(history: History, books: Books, raw_commit: np.ndarray) -> dict[str, np.ndarray]:
    """One amount per node and benchmark, in the reporting currency; missing where it cannot be worked out."""
    return {
        "seasonal_naive": seasonal_naive(history),
        "stage_weighted": stage_weighted(history, books),
        "same_week": same_week(history, books),
        "raw_commit": raw_commit,
    }


def season_length(kind: str) -> int:
    """Periods in a year."""
    return _PER_YEAR[kind]


def seasonal_naive(history: History) -> np.ndarray:
    """The same period a year before; missing where the data does not hold it whole."""
    period = Period.parse(history.period)
    before = str(period.step(-_PER_YEAR[period.kind]))
    if before not in history.past:
        return np.full(len(history.nodes), np.nan)
    return history.final[:, history.past.index(before)]


def stage_weighted(history: History, books: Books) -> np.ndarray:
    """Booked to date + Σ amount × win rate of the stage, over open deals due in the period.

    Missing where a node has such a deal in a stage that no closed deal has been in: nobody can weigh it.
    """
    if books.log.no_history:
        return np.full(len(history.nodes), np.nan)
    held = books.held(history.day)
    due = held[held["period"] == history.period]
    if due.empty:
        return history.now
    weighted = due["amount"] * due["stage"].map(books.stage_rates(history.day))
    dark = weighted.isna() & (due["amount"] > 0)
    tables = (node_table(due.assign(amount=v), books.company) for v in (weighted, dark.astype("float64")))
    value, without = (t.sum(axis=1).reindex(_index(history)).fillna(0.0).to_numpy() for t in tables)
    return np.where(without > 0, np.nan, history.now + value)


def same_week(history: History, books: Books) -> np.ndarray:
    """Booked to date + open value due × what past periods still booked after this week ÷ what was due then.

    A node whose past periods had nothing due takes the company's share.
    """
    if books.log.no_history or not history.begun or not history.past:
        return np.full(len(history.nodes), np.nan)
    days = [day_at(books.calendar, p, history.share) for p in history.past]
    due = np.column_stack([_due(books, d, p, history) for d, p in zip(days, history.past, strict=True)])
    there = np.isfinite(history.final)
    added = np.where(there, history.final - history.to_date, 0.0).sum(axis=1)
    held = np.where(there, due, 0.0).sum(axis=1)
    company = history.level("company")[0]
    whole = added[company] / held[company] if held[company] > 0 else np.nan
    share = np.divide(added, held, out=np.full(len(held), whole), where=held > 0)
    return history.now + _due(books, history.day, history.period, history) * share


def _due(books: Books, day: date, period: str, history: History) -> np.ndarray:
    """Open value due in a period at every node of the history, as known on a day."""
    table = books.due(day)
    if period not in table:
        return np.zeros(len(history.nodes))
    return table[period].reindex(_index(history)).fillna(0.0).to_numpy()


def _index(history: History) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(history.nodes[KEY])
