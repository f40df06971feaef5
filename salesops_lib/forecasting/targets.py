"""What a forecast is held against: the quota of each node in the period, or what stands in for it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesops_lib.core import stats
from salesops_lib.core.errors import ParameterError, PeriodError
from salesops_lib.core.periods import FiscalCalendar, Kind, Period
from salesops_lib.forecasting.bookings import KEY
from salesops_lib.forecasting.pace import MIN_PERIODS

FARTHEST = 4  # periods between the day's own and the first one asked
_BELOW = {"company": ("region", "team", "rep"), "region": ("team", "rep"), "team": ("rep",)}


def choose_period(
    opportunities: pd.DataFrame, calendar: FiscalCalendar, as_of: date, *, asked: str = ""
) -> tuple[Period, str]:
    """The first period to forecast, and why its kind was chosen where that was not asked for.

    The quarter of ``as_of``; its month where fewer than :data:`pace.MIN_PERIODS` whole quarters lie behind it
    and more months do.

    Raises
    ------
    PeriodError
        If the period asked does not parse, has ended by ``as_of``, or lies more than :data:`FARTHEST` ahead.
    """
    if asked:
        return _asked(Period.parse(asked), calendar, as_of), ""
    whole = {kind: _whole(opportunities, calendar, as_of, kind) for kind in ("quarter", "month")}
    if whole["quarter"] >= MIN_PERIODS or whole["month"] <= whole["quarter"]:
        return calendar.period_of(as_of), ""
    why = f"{whole['quarter']} whole quarters lie behind {as_of}: the forecast is of months."
    return calendar.period_of(as_of, "month"), why


def checked(horizon: int, interval_level: float) -> None:
    """Refuse parameters that no forecast can be made with. Raises ParameterError."""
    if not 1 <= horizon <= FARTHEST:
        raise ParameterError(f"horizon is {horizon}; give 1 to {FARTHEST} periods")
    if not 0.2 <= interval_level <= 0.9:
        raise ParameterError(f"interval_level is {interval_level:g}; give a probability from 0.2 to 0.9")


def targets(quotas: pd.DataFrame | None, nodes: pd.DataFrame, period: str, company: str) -> pd.DataFrame:
    """The target of every node in a period.

    Parameters
    ----------
    quotas
        The table as known on the day, or None. One measure counts: bookings, else the one with most rows.
    nodes
        ``level``, ``node_id``, and for reps ``team`` and ``region`` (:class:`bookings.History`).
    period, company
        Fiscal period; the company's node.

    Returns
    -------
    DataFrame
        ``level``, ``node_id``, ``target_base``, ``target_source`` (own, sum of regions, sum of teams, sum of
        reps, none): the rows of ``nodes``. A rep's quota counts at its ramp share. A target that is not
        positive is missing: nothing can be reached.
    """
    made = nodes[KEY].assign(target_base=np.nan, target_source="none")
    if quotas is None or quotas.empty:
        return made
    held = _of_measure(quotas)
    held = held[held["period"] == period]
    ramp = held["ramp_share"].fillna(1.0) if "ramp_share" in held else 1.0
    amount = held["quota_base"] * np.where(held["level"] == "rep", ramp, 1.0)
    name = held["holder_id"].where(held["level"] != "company", company)
    own = amount.groupby([held["level"], name]).sum(min_count=1)
    value = own.reindex(pd.MultiIndex.from_frame(made[KEY])).to_numpy(dtype="float64")
    made = made.assign(target_base=value).assign(target_source=np.where(np.isfinite(value), "own", "none"))
    for level in ("team", "region", "company"):
        made = _filled(made, nodes, level)
    return made.assign(
        target_base=made["target_base"].where(made["target_base"] > 0),
        target_source=made["target_source"].where(made["target_base"] > 0, "none"),
    )


def _asked(period: Period, calendar: FiscalCalendar, as_of: date) -> Period:
    start, end = calendar.bounds(period)
    if end <= as_of:
        last = end - timedelta(days=1)
        raise PeriodError(f"period '{period}' ended on {last}; to see its forecast give an as_of inside it")
    ahead = len(calendar.periods(period.kind, start=as_of, end=start))
    if ahead > FARTHEST:
        raise PeriodError(
            f"period '{period}' begins {ahead} periods after {as_of}; forecasts reach {FARTHEST} ahead"
        )
    return period


def _whole(opportunities: pd.DataFrame, calendar: FiscalCalendar, as_of: date, kind: Kind) -> int:
    if kind == "month" and not calendar.month_starts:
        return 0
    won = opportunities[opportunities["is_won"].fillna(False).astype(bool)]
    won = won[won["close_date"].notna() & won["amount_base"].notna()]
    dated = stats.elapsed_at(won["close_date"], calendar, kind).assign(amount=won["amount_base"])
    start = calendar.bounds(calendar.period_of(as_of, kind))[0]
    return len(stats.whole_periods(dated, calendar, start, kind)[0])


def _of_measure(quotas: pd.DataFrame) -> pd.DataFrame:
    held = quotas[quotas["quota_base"].notna()]
    named = held["measure"].dropna()
    measure = "bookings" if (named == "bookings").any() else named.mode().iloc[0] if len(named) else None
    return held[held["measure"] == measure] if measure else held


def _filled(made: pd.DataFrame, nodes: pd.DataFrame, level: str) -> pd.DataFrame:
    """Targets of a level that has none of its own, as the sum of those below; the nearest level that has."""
    made = made.copy()
    for place in made.index[(made["level"] == level) & made["target_base"].isna()]:
        for below in _BELOW[level]:
            inside = (made["level"] == below) & (made["target_source"] == "own")
            if level != "company":
                if below == "team":
                    continue  # which region a team is in is told by its reps
                inside &= (nodes[level] == made.loc[place, "node_id"]).to_numpy()
            if inside.any():
                made.loc[place, "target_base"] = made.loc[inside, "target_base"].sum()
                made.loc[place, "target_source"] = f"sum of {below}s"
                break
    return made
