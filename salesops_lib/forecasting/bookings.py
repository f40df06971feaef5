"""Bookings by node and period, as they were known on a day: what every engine learns from and is judged by.

A booking is a won deal with an amount and a close date, in the period of the close date. It stays with the
team and region its owner was in on that date, whatever happens to the owner later. It is taken as known at
the end of a day: what was entered later is not there, in past periods as little as in the running one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesops_lib.core import stats
from salesops_lib.core.periods import FiscalCalendar, Period
from salesops_lib.forecasting.known import OPEN, UNASSIGNED, WON, DealLog, known_on, placed

LEVELS = ("company", "region", "team", "rep", "segment")
COLUMN = {"region": "region", "team": "team", "rep": "owner_id", "segment": "segment"}
RECENT = 4  # periods: a node without a booking in them and without an open deal is gone
KEY = ["level", "node_id"]


@dataclass
class Books:
    """Bookings and open deals of single days; a day is read once. ``company``: the company's name."""

    log: DealLog
    reps: pd.DataFrame | None
    company: str
    _days: dict[date, tuple[pd.DataFrame, pd.DataFrame]] = field(default_factory=dict, repr=False)

    @property
    def calendar(self) -> FiscalCalendar:
        """The fiscal calendar."""
        return self.log.calendar

    def won(self, day: date) -> pd.DataFrame:
        """Won deals known on a day: ``period``, ``elapsed_share``, ``amount``, and where they belong."""
        return self._on(day)[0]

    def open(self, day: date) -> pd.DataFrame:
        """Open deals known on a day and where their owner stands on it: ``owner_id``, ``team``, …"""
        return self._on(day)[1]

    def _on(self, day: date) -> tuple[pd.DataFrame, pd.DataFrame]:
        if day not in self._days:
            deals = known_on(self.log, day)
            won = deals[deals["outcome"].eq(WON) & deals["amount_base"].notna() & deals["close_date"].notna()]
            won = placed(won, self.reps, won["close_date"]).reset_index(drop=True)
            won = won.join(stats.elapsed_at(won["close_date"], self.calendar, self.log.kind))
            won = won[won["period"].notna()].rename(columns={"amount_base": "amount"})
            held = [*COLUMN.values()]
            self._days[day] = (
                won[["opportunity_id", "period", "elapsed_share", "close_date", "amount", *held]],
                placed(deals[deals["outcome"].eq(OPEN)], self.reps, day)[["opportunity_id", *held]],
            )
        return self._days[day]


@dataclass(frozen=True)
class History:
    """Bookings of every node at one point of a period, in the reporting currency.

    ``nodes``: ``level``, ``node_id``, and for reps ``team``, ``region`` on the day. ``final``, ``to_date``:
    nodes × ``past`` periods, in all and by the same business day of each; missing where the node was not
    there yet. ``now``: booked in ``period`` so far. ``share``: of its business days gone, 0 before it begins.
    ``sums``: all there is, of nodes that are gone too: (level, node_id) × period.
    """

    day: date
    period: str
    share: float
    nodes: pd.DataFrame
    past: list[str]
    holes: list[str]
    final: np.ndarray
    to_date: np.ndarray
    now: np.ndarray
    sums: pd.DataFrame

    @property
    def begun(self) -> bool:
        """Whether the period has a business day behind it."""
        return self.share > 0

    def level(self, name: str) -> np.ndarray:
        """Positions of a level's nodes."""
        return np.flatnonzero(self.nodes["level"] == name)


def node_sums(rows: pd.DataFrame, company: str) -> pd.Series:
    """Sum of ``amount`` by level, node and period, without levels that know no node but the unassigned."""
    parts = [rows.assign(level="company", node_id=company)]
    parts += [
        rows.assign(level=level, node_id=rows[column])
        for level, column in COLUMN.items()
        if rows[column].notna().any() and set(rows[column].dropna()) != {UNASSIGNED}
    ]
    stacked = pd.concat(parts, ignore_index=True).dropna(subset=["node_id"])
    return stacked.groupby([*KEY, "period"])["amount"].sum()


def day_at(calendar: FiscalCalendar, period: Period | str, share: float) -> date:
    """The day on which that share of a period's business days has ended; the day before it for 0."""
    start, end = calendar.bounds(period)
    days = round(share * calendar.business_days(start, end))
    return min(calendar.add_business_days(start - timedelta(days=1), days), end - timedelta(days=1))


def history(books: Books, day: date, period: Period) -> History:
    """Bookings of every node as known on ``day``, and at the same business day of each past period.

    ``period`` is the one ``day`` falls in or a later one, of which nothing is booked to date but what already
    carries a close date in it.
    """
    calendar, won = books.calendar, books.won(day)
    start = calendar.bounds(period)[0]
    share = calendar.elapsed_share(period, day) if day >= start else 0.0
    past, holes = stats.whole_periods(won, calendar, day + timedelta(days=1), books.log.kind)
    past = [p for p in past if Period.parse(p) < period]
    sums = node_sums(won, books.company)
    nodes = _nodes(books, day, sums, str(period))
    index = pd.MultiIndex.from_frame(nodes[KEY])
    whole = sums.reset_index().pivot_table(index=KEY, columns="period", values="amount", aggfunc="sum")
    table = whole.reindex(index)
    final = table.reindex(columns=past).fillna(0.0)
    final = final.where(_there(final, nodes, books, past))
    now = table[str(period)].fillna(0.0) if str(period) in table else pd.Series(0.0, index)
    to_date = np.zeros(final.shape)
    if share > 0:
        for place, name in enumerate(past):
            then = books.won(day_at(calendar, name, share))
            then = node_sums(then[then["period"] == name], books.company)
            to_date[:, place] = then.droplevel("period").reindex(index).fillna(0.0)
    to_date = np.where(final.isna(), np.nan, to_date)
    return History(
        day, str(period), share, nodes, past, holes, final.to_numpy(), to_date, now.to_numpy(), whole
    )


def _nodes(books: Books, day: date, sums: pd.Series, period: str) -> pd.DataFrame:
    """Nodes that live on a day: booked of late, or with an open deal; reps with where they stand."""
    names = [str(p) for p in books.calendar.periods(books.log.kind, end=day + timedelta(days=1))][-RECENT:]
    recent = sums[sums.index.get_level_values("period").isin([*names, period])]
    living = recent.reset_index()[KEY]
    held = books.open(day)
    carried = node_sums(held.assign(amount=0.0, period=period), books.company).reset_index()[KEY]
    nodes = pd.concat([living, carried]).drop_duplicates()
    if (nodes["level"] == "company").sum() == 0:
        nodes = pd.concat([nodes, pd.DataFrame([["company", books.company]], columns=KEY)])
    reps = nodes[nodes["level"] == "rep"].rename(columns={"node_id": "owner_id"})
    stood = placed(reps, books.reps, day)[["team", "region"]]
    nodes = nodes.join(stood)
    gone = (nodes["level"] == "rep") & nodes["node_id"].isin(_left(books.reps, day))
    gone &= ~nodes["node_id"].isin(held["owner_id"])
    order = nodes["level"].map({name: at for at, name in enumerate(LEVELS)})
    nodes = nodes.assign(order=order)[~gone].sort_values(["order", "node_id"], kind="stable")
    return nodes.drop(columns="order").reset_index(drop=True)


def _left(reps: pd.DataFrame | None, day: date) -> set[str]:
    """Reps whose last spell has ended by a day."""
    if reps is None or reps.empty or "end_date" not in reps:
        return set()
    ends = pd.to_datetime(reps["end_date"]).fillna(pd.Timestamp.max)
    last = ends.groupby(reps["rep_id"]).max()
    return set(last.index[last <= pd.Timestamp(day)])


def _there(final: pd.DataFrame, nodes: pd.DataFrame, books: Books, past: list[str]) -> np.ndarray:
    """Whether a node was there in a whole past period: from its first booking, a rep from its first spell."""
    seen = np.maximum.accumulate(final.to_numpy() != 0, axis=1) if past else np.zeros(final.shape, bool)
    seen[nodes["level"] == "company"] = True
    if books.reps is None or books.reps.empty or not past:
        return seen
    hired = pd.to_datetime(books.reps["start_date"]).groupby(books.reps["rep_id"]).min()
    starts = np.array([np.datetime64(books.calendar.bounds(p)[0], "ns") for p in past])
    reps = (nodes["level"] == "rep").to_numpy()
    first = nodes.loc[reps, "node_id"].map(hired).to_numpy(dtype="datetime64[ns]")
    seen[reps] |= first[:, None] <= starts[None, :]
    return seen
