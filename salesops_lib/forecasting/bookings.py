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
from salesops_lib.forecasting.deals.known import (
    LOST,
    OPEN,
    UNASSIGNED,
    WON,
    DealLog,
    last_states,
    placed,
    segments_on,
)

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
    _states: pd.DataFrame = field(init=False, repr=False)
    _kept: dict[tuple[date, str], pd.DataFrame | pd.Series] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._states = _placed_states(self.log, self.reps)

    @property
    def calendar(self) -> FiscalCalendar:
        """The fiscal calendar."""
        return self.log.calendar

    def won(self, day: date) -> pd.DataFrame:
        """Won deals known on a day: ``period``, ``elapsed_share``, ``amount``, and where they belong."""
        return self._recorded(self._at(day, WON), day)

    def held(self, day: date) -> pd.DataFrame:
        """Open deals known on a day: ``amount``, ``stage``, ``close_date``, ``period`` (of close date), and
        where their owner stands on the day: ``owner_id``, ``team``, ``region``, ``segment``."""
        if (day, "open") not in self._kept:
            held = self._recorded(self._at(day, OPEN), day)
            self._kept[day, "open"] = placed(held.drop(columns=["team", "region"]), self.reps, day)
        return self._kept[day, "open"]

    def booked(self, day: date) -> pd.DataFrame:
        """Won amounts known on a day: (``level``, ``node_id``) × periods; missing where none was won."""
        if (day, "won") not in self._kept:
            self._kept[day, "won"] = node_table(self.won(day), self.company)
        return self._kept[day, "won"]

    def due(self, day: date) -> pd.DataFrame:
        """Amounts of deals open on a day by the period they are due in: nodes × periods, like booked."""
        if (day, "due") not in self._kept:
            self._kept[day, "due"] = node_table(self.held(day), self.company)
        return self._kept[day, "due"]

    def stage_rates(self, day: date) -> dict[str, float]:
        """By stage the share won of closed deals that have been in it, as known on a day."""
        if (day, "rates") not in self._kept:
            self._kept[day, "rates"] = _stage_rates(self.log, day)
        return self._kept[day, "rates"].to_dict()

    def nodes(self, day: date) -> pd.DataFrame:
        """The nodes that live on a day: ``level``, ``node_id``; for reps ``team`` and ``region`` on it."""
        if (day, "nodes") not in self._kept:
            self._kept[day, "nodes"] = _nodes(self, day)
        return self._kept[day, "nodes"]

    def _recorded(self, at: np.ndarray, day: date) -> pd.DataFrame:
        """States with the segment recorded by the day; where some deal has one, others are unassigned, so
        that segments add up."""
        found = segments_on(self.log, self.log.states["deal"].to_numpy(dtype="int64")[at], day)
        if self.log.deals["segment"].notna().any():
            found = np.where(pd.isna(found), UNASSIGNED, found)
        return self._states.iloc[at].assign(segment=found)

    def _at(self, day: date, outcome: str) -> np.ndarray:
        """Positions of the states that stand on a day; won ones only with amount and period."""
        at = last_states(self.log, day)
        at = at[self._states["outcome"].to_numpy()[at] == outcome]
        if outcome != WON:
            return at
        return at[self._states["counts"].to_numpy()[at]]


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

    @property
    def hole(self) -> str:
        """The last finished period where it has hardly a booking; empty where it has."""
        last = max([*self.past, *self.holes], key=Period.parse, default="")
        return last if last in self.holes else ""

    def level(self, name: str) -> np.ndarray:
        """Positions of a level's nodes."""
        return np.flatnonzero(self.nodes["level"] == name)


def node_table(rows: pd.DataFrame, company: str) -> pd.DataFrame:
    """Sum of ``amount`` by level and node (index) and ``period`` (columns), missing where there is no row.

    A level that knows no node but the unassigned is left out; rows without period or amount do not count.
    """
    rows = rows[rows["period"].notna() & rows["amount"].notna()]
    period, periods = pd.factorize(rows["period"], sort=True)
    amount, width = rows["amount"].to_numpy(dtype="float64"), len(periods)
    names, sums = [], []
    for level in LEVELS:
        column = rows[COLUMN[level]] if level in COLUMN else pd.Series(company, rows.index)
        code, found = pd.factorize(column, sort=True)
        if not len(found) or (level in COLUMN and list(found) == [UNASSIGNED]):
            continue
        there = code >= 0
        cell = code[there] * width + period[there]
        size = len(found) * width
        total = np.bincount(cell, weights=amount[there], minlength=size)
        count = np.bincount(cell, minlength=size)
        sums.append(np.where(count > 0, total, np.nan).reshape(len(found), width))
        names += [(level, name) for name in found]
    index = pd.MultiIndex.from_tuples(names, names=KEY)
    return pd.DataFrame(np.vstack([*sums, np.empty((0, width))]), index, columns=list(periods))


def day_at(calendar: FiscalCalendar, period: Period | str, share: float) -> date:
    """The day on which that share of a period's business days has ended; the day before it for 0."""
    start, end = calendar.bounds(period)
    whole = calendar.business_days(start, end)
    days = round(share * whole)
    if days >= whole:
        return end - timedelta(days=1)
    return calendar.add_business_days(start - timedelta(days=1), days)


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
    whole = books.booked(day)
    nodes = books.nodes(day)
    index = pd.MultiIndex.from_frame(nodes[KEY])
    table = whole.reindex(index)
    final = table.reindex(columns=past).fillna(0.0)
    final = final.where(_there(final, nodes, books, past))
    now = table[str(period)].fillna(0.0) if str(period) in table else pd.Series(0.0, index)
    to_date = np.zeros(final.shape)
    if share > 0:
        for place, name in enumerate(past):
            then = books.booked(day_at(calendar, name, share))
            if name in then:
                to_date[:, place] = then[name].reindex(index).fillna(0.0)
    to_date = np.where(final.isna(), np.nan, to_date)
    return History(
        day, str(period), share, nodes, past, holes, final.to_numpy(), to_date, now.to_numpy(), whole
    )


def _placed_states(log: DealLog, reps: pd.DataFrame | None) -> pd.DataFrame:
    """The states of a log with the period of their close date; won ones placed on that date.

    ``counts``: won, with an amount and a period.
    """
    states = log.states[["stage", "close_date", "outcome", "owner_id"]].assign(
        amount=log.states["amount_base"].astype("float64"),
        opportunity_id=log.deals["opportunity_id"].to_numpy()[log.states["deal"].to_numpy(dtype="int64")],
        elapsed_share=np.nan,
        team=None,
        region=None,
    )
    states["period"] = log.calendar.assign(states["close_date"], log.kind)
    counts = states["outcome"].eq(WON) & states["amount"].notna() & states["period"].notna()
    won = states[counts]
    where = placed(won[["owner_id"]], reps, won["close_date"])
    share = stats.elapsed_at(won["close_date"], log.calendar, log.kind)["elapsed_share"]
    states.loc[counts, "elapsed_share"] = share
    states[["team", "region"]] = states[["team", "region"]].astype("object")
    states.loc[counts, ["owner_id", "team", "region"]] = where[["owner_id", "team", "region"]]
    return states.assign(counts=counts).reset_index(drop=True)


def _stage_rates(log: DealLog, day: date) -> pd.Series:
    states = log.states
    last = states.iloc[last_states(log, day)][["deal", "outcome"]]
    closed = last[last["outcome"].isin([WON, LOST])].set_index("deal")["outcome"]
    passed = states[(states["day"].to_numpy() <= np.datetime64(day, "D")) & states["deal"].isin(closed.index)]
    passed = passed[["deal", "stage"]].drop_duplicates().dropna()
    return passed["deal"].map(closed).eq(WON).groupby(passed["stage"]).mean()


def _nodes(books: Books, day: date) -> pd.DataFrame:
    """Nodes that live on a day: booked of late, or with an open deal; reps with where they stand."""
    names = [str(p) for p in books.calendar.periods(books.log.kind, end=day + timedelta(days=1))][-RECENT:]
    booked, held = books.booked(day), books.held(day)
    recent = booked.reindex(columns=names).notna().any(axis=1)
    living = booked.index[recent].to_frame(index=False)
    carried = node_table(held.assign(amount=0.0, period=names[-1]), books.company).index.to_frame(index=False)
    nodes = pd.concat([living, carried]).drop_duplicates().reset_index(drop=True)
    gone = nodes["node_id"].isin(_left(books.reps, day)) & ~nodes["node_id"].isin(held["owner_id"])
    nodes = nodes[~(gone & (nodes["level"] == "rep"))]
    stood = placed(nodes.rename(columns={"node_id": "owner_id"}), books.reps, day)[["team", "region"]]
    stood = stood.where(nodes["level"] == "rep", None)
    where = [  # the team of a rep who has just joined it, and the company of one who books nothing at all
        pd.DataFrame({"level": level, "node_id": stood[level].dropna().unique()})
        for level in ("team", "region")
        if set(stood[level].dropna()) != {UNASSIGNED}
    ]
    company = pd.DataFrame({"level": ["company"], "node_id": [books.company]})
    nodes = pd.concat([nodes.join(stood), *where, company]).drop_duplicates(KEY)
    order = nodes["level"].map({name: at for at, name in enumerate(LEVELS)})
    nodes = nodes.assign(order=order).sort_values(["order", "node_id"], kind="stable")
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
