"""The forecast of a day: each period's outlook, the same a week before, and the past it is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from salesops_lib.core.periods import FiscalCalendar, Period
from salesops_lib.forecasting.combination import Outlook, Past, outlook, past
from salesops_lib.forecasting.engines import Engines, in_calendar, ordinal
from salesops_lib.forecasting.record.backtest import Tested, backtest, origins
from salesops_lib.forecasting.threads import one_thread

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Forecasts:
    """``outlooks``: one per period, in order. ``before``: the same periods as they were seen seven days
    before, where anything was known then. ``past``: all past forecasts with their outcomes.
    """

    as_of: date
    outlooks: list[Outlook]
    before: list[Outlook]
    past: Past

    @property
    def first(self) -> Outlook:
        """The first period's."""
        return self.outlooks[0]

    @property
    def tested(self) -> Tested:
        """The past forecasts."""
        return self.past.tested


def forecasts(
    engines: Engines, as_of: date, first: Period, horizon: int, *, past_draws: int = 300
) -> Forecasts:
    """Forecast ``horizon`` periods from ``first`` on, as known on ``as_of``.

    Parameters
    ----------
    engines
        Of the company; its seed is used throughout.
    first, horizon
        The first period and how many; the first holds ``as_of`` or comes after it.
    past_draws
        Of the pipeline's Monte Carlo in past forecasts.
    """
    with one_thread():
        return _forecasts(engines, as_of, in_calendar(engines.books.calendar, first, horizon), past_draws)


def _forecasts(engines: Engines, as_of: date, periods: list[Period], past_draws: int) -> Forecasts:
    first = periods[0]
    views = [engines.view(as_of, period) for period in periods]
    start = views[0].history
    tested = _tested(engines, as_of, periods, views, past_draws)
    known = past(tested, seed=engines.seed)
    own = engines.books.calendar.period_of(as_of, first.kind)
    made = [
        outlook(v, known, ahead=_ahead(p, own), point=start.share, seed=engines.seed + k)
        for k, (v, p) in enumerate(zip(views, periods, strict=True))
    ]
    return Forecasts(as_of, made, _week_before(engines, as_of - WEEK, periods, known, start.share), known)


def reach(calendar: FiscalCalendar, as_of: date, first: Period, horizon: int) -> int:
    """How many periods engines must reach from the day's own on, to see ``horizon`` from ``first`` on today
    and a week before.
    """
    own, before = (calendar.period_of(day, first.kind) for day in (as_of, as_of - WEEK))
    return _ahead(first, own) + horizon + _ahead(own, before)


def _tested(engines: Engines, as_of: date, periods: list[Period], views, draws: int) -> Tested:
    """Past forecasts of the same distances, with fewer draws."""
    history = views[0].history
    own = engines.books.calendar.period_of(as_of, periods[0].kind)
    aheads = sorted({_ahead(p, own) for p in periods})
    at = origins(engines.books, as_of, history.past, history.share, aheads)
    return backtest(engines.books, at, engines.with_draws(draws).view, history)


def _week_before(
    engines: Engines, day: date, periods: list[Period], known: Past, point: float
) -> list[Outlook]:
    if engines.books.booked(day).empty:
        return []
    own = engines.books.calendar.period_of(day, periods[0].kind)
    return [
        outlook(engines.view(day, p), known, ahead=_ahead(p, own), point=point, seed=engines.seed + k)
        for k, p in enumerate(periods)
    ]


def _ahead(period: Period, own: Period) -> int:
    return ordinal(str(period)) - ordinal(str(own))
