"""Deals as known on any day up to ``as_of``, with their path so far, rebuilt in memory from one snapshot.

A backtest asks for dozens of past days; a snapshot of each would cost seconds. :func:`deal_log` reads the
two frames of one snapshot once, and :func:`known_on` answers for a day in milliseconds with the changes
stamped by that day and nothing later. The clock is the day in the company's zone: of several changes on a
day the last stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, tzinfo

import numpy as np
import pandas as pd

from salesops_lib.core.periods import FiscalCalendar, Kind
from salesops_lib.forecasting.deals.states import LOST as LOST
from salesops_lib.forecasting.deals.states import OPEN as OPEN
from salesops_lib.forecasting.deals.states import WON as WON
from salesops_lib.forecasting.deals.states import (
    changes,
    days_of,
    undocumented,
    unstamped,
    untracked,
    versions_of,
)

IDENTITY = ("opportunity_id", "account_id", "type", "segment", "lead_source", "currency", "created_date")
UNASSIGNED = "(unassigned)"


@dataclass(frozen=True)
class DealLog:
    """What was known of every deal, day by day.

    ``deals``: one row per deal, sorted by id, columns :data:`IDENTITY` (as ``as_of`` knows them).
    ``states``: one row per deal and day on which it changed, sorted: ``deal`` (row of ``deals``), ``day``
    (datetime64), the columns of ``states.STATE``, ``outcome`` (open, won, lost; missing where the stage is
    not declared) and the path so far: ``stage_since``, ``pushes`` (moves to a later period),
    ``first_amount``, ``first_close_date``.
    ``no_history``: why stages, amounts and dates of the past are unknown; empty where they are known.
    ``versions``: what each deal was (type, segment, source) from which day on (:func:`states.versions_of`).
    ``untracked``: fields of ``states.STATE`` that the history does not follow.
    """

    deals: pd.DataFrame
    states: pd.DataFrame
    as_of: date
    calendar: FiscalCalendar
    kind: Kind
    no_history: str = ""
    versions: pd.DataFrame | None = None
    untracked: tuple[str, ...] = ()


def deal_log(
    opportunities: pd.DataFrame,
    history: pd.DataFrame | None,
    stages: pd.DataFrame,
    *,
    as_of: date,
    zone: tzinfo | str,
    calendar: FiscalCalendar,
    kind: Kind = "quarter",
    versions: pd.DataFrame | None = None,
) -> DealLog:
    """Every state of every deal by ``as_of``, from the frames of one snapshot.

    A deal exists from its first change on, not before ``created_date``. A deal without changes is known in
    full from ``recorded_at`` on; before it, or where that is missing, only its dates speak: open from
    ``created_date`` with stage, amount and close date unknown, closed from ``close_date`` (if that is by
    ``as_of``). This is the rule of ``inputs``, so a day rebuilt here equals a snapshot of that day. Where a
    deal's own row differs from its last change though it is no older, it changed without a stamp: that is a
    state of the day it was recorded, or of ``as_of`` where that day is its last change's.

    Parameters
    ----------
    opportunities, history
        ``snapshot.frame("opportunities")`` and ``snapshot.frame("opportunity_history")`` or None.
        Stamps are UTC; amounts in the reporting currency.
    stages
        ``snapshot.stages()``: ``stage``, ``outcome`` (open, won, lost).
    as_of, zone
        Last day that counts; the company's time zone, which says on which day a stamp falls.
    calendar, kind
        Fiscal calendar and kind of period in which a push is counted.
    versions
        ``snapshot.versions("opportunities")``: every version recorded by ``as_of``. None: the opportunities
        are the only ones, so that what a deal was before it last changed is not dated.
    """
    known = opportunities.drop_duplicates("opportunity_id", keep="last")
    known = known.sort_values("opportunity_id", kind="stable").reset_index(drop=True)
    last = np.datetime64(as_of, "D")
    changed = changes(known, history, stages, zone)
    changed = changed[changed["day"].to_numpy() <= last]
    rest = known[~known.index.isin(changed["deal"])]
    parts = (changed, *undocumented(rest, last, zone), *unstamped(changed, known, last, zone, stages))
    rows = pd.concat([p for p in parts if len(p)] or [changed])
    order = np.lexsort((rows["order"], rows["day"], rows["deal"]))
    rows = rows.iloc[order].reset_index(drop=True)
    created = days_of(known["created_date"]).to_numpy()[rows["deal"].to_numpy(dtype="int64")]
    rows["day"] = np.fmax(rows["day"].to_numpy(), created)  # known, and created: the later of the two
    rows = rows[rows["day"].to_numpy() <= last]
    rows = rows[~rows.duplicated(["deal", "day"], keep="last")].drop(columns="order").reset_index(drop=True)
    why = ""
    if history is None or history.empty:
        why = "no opportunity_history: stage, amount and close date of past days are unknown"
    elif not history["stage"].notna().any():
        why = "opportunity_history holds no stage: stages of past days are unknown"
    deals = known.reindex(columns=list(IDENTITY)).assign(created_date=days_of(known["created_date"]))
    stamped = versions_of(opportunities if versions is None else versions, known, zone, last)
    path = _with_path(rows, calendar, kind)
    return DealLog(deals, path, as_of, calendar, kind, why, stamped, untracked(history))


def known_on(log: DealLog, day: date) -> pd.DataFrame:
    """One row per deal that existed on a day, as known at its end.

    Parameters
    ----------
    log
        From :func:`deal_log`.
    day
        Any day up to ``log.as_of``; a later one is refused, since nothing is known of it.

    Returns
    -------
    DataFrame
        :data:`IDENTITY`, ``states.STATE``, ``outcome`` (open, won, lost, missing), ``is_closed``, ``is_won``
        (``boolean``, missing where the outcome is), ``changed_date`` (day of the last change by the day),
        ``stage_since`` (day it entered its stage), ``pushes`` (moves to a later period so far),
        ``first_amount``, ``first_close_date``, ``deal`` (row of ``log.deals``). Sorted by id; dates are
        ``datetime64[ns]``, amounts float in the reporting currency, unknown is missing.

    Raises
    ------
    ValueError
        If the day is after ``log.as_of``.
    """
    if day > log.as_of:
        raise ValueError(f"nothing is known of {day}: the log ends on {log.as_of}")
    rows = log.states.iloc[last_states(log, day)].reset_index(drop=True)
    found = log.deals.iloc[rows["deal"].to_numpy(dtype="int64")].reset_index(drop=True)
    found = pd.concat([found, rows.rename(columns={"day": "changed_date"})], axis=1)
    unknown = found["outcome"].isna()
    for flag, outcomes in (("is_closed", [WON, LOST]), ("is_won", [WON])):
        found[flag] = found["outcome"].isin(outcomes).astype("boolean").mask(unknown)
    return found


def recorded_on(log: DealLog, day: date) -> pd.DataFrame:
    """What each deal (index: row of ``log.deals``) was by a day, as recorded by then: ``states.GROUPS``."""
    by = log.versions[log.versions["day"] <= pd.Timestamp(day)]
    return by.drop_duplicates("deal", keep="last").set_index("deal")


def segments_on(log: DealLog, deal: np.ndarray, day: date) -> np.ndarray:
    """The segment of deals (rows of ``log.deals``) as recorded by a day, missing where it was empty.

    Where no version is as old, that of the first version; without any, today's: :func:`undated_share`.
    """
    held = log.deals["segment"].astype("object")
    if log.versions is not None and len(log.versions):
        first = log.versions.drop_duplicates("deal").set_index("deal")
        for known in (first, recorded_on(log, day)):
            said = known["segment"].astype("object").reindex(held.index)
            held = said.where(held.index.isin(known.index), held)
    return held.to_numpy()[deal]


def undated_share(log: DealLog, day: date) -> float:
    """Share of the deals known on a day of which no version was recorded by then; missing without deals."""
    deal = log.states["deal"].to_numpy()[last_states(log, day)]
    if log.versions is None or not deal.size:
        return float("nan")
    return float((~np.isin(deal, recorded_on(log, day).index)).mean())


def last_states(log: DealLog, day: date) -> np.ndarray:
    """Positions in ``log.states`` of the last state of each deal by a day, in order of deals."""
    by = log.states["day"].to_numpy() <= np.datetime64(day, "D")
    deal = log.states["deal"].to_numpy()
    kept = np.flatnonzero(by)  # within a deal days ascend, so its last kept row is its last state
    if not kept.size:
        return kept
    return kept[np.append(deal[kept][1:] != deal[kept][:-1], True)]


def placed(rows: pd.DataFrame, reps: pd.DataFrame | None, day: date | pd.Series) -> pd.DataFrame:
    """``rows`` with ``team`` and ``region`` of ``owner_id`` on a day, by the spells of ``reps``.

    A rep between two spells, or gone, stays with the last team; an owner without any spell by the day, or no
    owner, is :data:`UNASSIGNED`. ``day`` may be a column of the rows' own days. Same index and order.
    """
    owner = rows["owner_id"].astype("object")
    made = rows.assign(owner_id=owner.where(owner.notna(), UNASSIGNED), team=UNASSIGNED, region=UNASSIGNED)
    if reps is None or reps.empty or rows.empty:
        return made
    start = days_of(reps["start_date"])
    spells = reps.assign(start=start)[start.notna()].sort_values(["rep_id", "start"], kind="stable")
    names, first = np.unique(spells["rep_id"].to_numpy(dtype="object").astype(str), return_index=True)
    rep = np.searchsorted(names, made["owner_id"].to_numpy().astype(str))
    known = rep < len(names)
    known[known] = names[rep[known]] == made["owner_id"].to_numpy().astype(str)[known]
    days = days_of(day) if isinstance(day, pd.Series) else pd.Series(pd.Timestamp(day), rows.index)
    since = (_numbers(spells["start"]) - _EARLIEST) + np.repeat(
        np.arange(len(names)) * _SPAN, np.diff(np.append(first, len(spells)))
    )
    at = np.searchsorted(since, rep * _SPAN + (_numbers(days) - _EARLIEST), side="right") - 1
    found = known & days.notna().to_numpy() & (at >= np.append(first, 0)[np.where(known, rep, len(names))])
    for name in ("team", "region"):
        value = spells[name].to_numpy(dtype="object")[np.where(found, at, 0)]
        made[name] = np.where(found & ~pd.isna(value), value, UNASSIGNED)
    return made


_EARLIEST, _SPAN = -1_000_000, 10_000_000  # days: one number for a rep and a day of any calendar


def _numbers(days: pd.Series) -> np.ndarray:
    return days.to_numpy(dtype="datetime64[D]").astype("int64")


def period_number(calendar: FiscalCalendar, kind: Kind, days: Iterable) -> np.ndarray:
    """Number of the period each day falls in, counted from the calendar's first; NaN where it is missing.

    Days before the calendar get -1, days after it the number after the last, so that order is kept.
    """
    starts = calendar.quarter_starts if kind == "quarter" else calendar.month_starts
    edges = np.array(starts[::4] if kind == "year" else starts, dtype="datetime64[ns]")
    values = np.asarray(days, dtype="datetime64[ns]")
    at = (np.searchsorted(edges, values, side="right") - 1).astype("float64")
    return np.where(np.isnat(values), np.nan, at)


def _with_path(rows: pd.DataFrame, calendar: FiscalCalendar, kind: Kind) -> pd.DataFrame:
    """The states with ``stage_since``, ``pushes``, ``first_amount`` and ``first_close_date``."""
    deal = rows["deal"].to_numpy()
    first = np.append(True, deal[1:] != deal[:-1])[: len(rows)]
    code = pd.factorize(rows["stage"])[0]
    entered = first | np.append(True, code[1:] != code[:-1])[: len(rows)]
    run = np.maximum.accumulate(np.where(entered, np.arange(len(rows)), 0))
    due = period_number(calendar, kind, rows["close_date"])
    pushed = np.append(False, (due[1:] > due[:-1]) & ~first[1:])[: len(rows)]
    so_far = np.cumsum(pushed)
    start = np.maximum.accumulate(np.where(first, np.arange(len(rows)), 0))
    return rows.assign(
        outcome=rows["outcome"].astype("object"),
        stage_since=rows["day"].to_numpy()[run],
        pushes=so_far - so_far[start],
        first_amount=rows["amount_base"].to_numpy()[start],
        first_close_date=rows["close_date"].to_numpy()[start],
    )
