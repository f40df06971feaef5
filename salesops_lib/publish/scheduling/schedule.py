"""When a report was last due, by the company's fiscal calendar, and the days a backfill runs for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from salesops_lib.core.errors import PeriodError, UserError
from salesops_lib.core.periods import WEEKDAYS, FiscalCalendar
from salesops_lib.publish.catalog import Cadence

Step = Literal["week", "month", "quarter"]


class ScheduleError(UserError):
    """A range of days or a step that cannot be run."""


def last_due(cadence: Cadence, calendar: FiscalCalendar, now: datetime) -> datetime:
    """The last moment at or before ``now`` (both naive, in the company's zone) the report was due.

    ``{every: month, business_day: 3, at: "06:00"}``: the third working day of each fiscal month, six
    o'clock. Raises PeriodError or ScheduleError where the calendar does not reach that far.
    """
    at = time.fromisoformat(cadence.at)
    for day in _days_back(cadence, calendar, now.date()):
        moment = datetime.combine(day, at)
        if moment <= now:
            return moment
    raise out_of_reach(cadence, now)


def moments(cadence: Cadence, calendar: FiscalCalendar, zone: tzinfo, now: datetime) -> Iterator[datetime]:
    """Every moment at or before ``now`` the report was due, newest first, as far as the calendar reaches.

    ``now`` carries a zone. The clock of a cadence is its own ``time_zone``, else ``zone``. An hour the
    clock leaps over in spring is due by the clock before the leap (02:30 comes at 03:30); of an hour that
    comes twice in autumn the first counts.
    """
    own = ZoneInfo(cadence.time_zone) if cadence.time_zone else zone
    at = time.fromisoformat(cadence.at)
    limit = now.astimezone(UTC)
    for day in _days_back(cadence, calendar, now.astimezone(own).date()):
        moment = datetime.combine(day, at, own)
        if moment.astimezone(UTC) <= limit:  # instants: two times of one zone compare by the wall clock
            yield moment


def out_of_reach(cadence: Cadence, now: datetime) -> ScheduleError:
    """What to say where no due day lies inside the fiscal calendar."""
    return ScheduleError(
        f"the fiscal calendar does not reach back from {now:%Y-%m-%d} to the last {cadence.every} due; "
        f"extend it in company.yaml"
    )


def read_now(text: str, zone: tzinfo) -> datetime:
    """``now``, a day (its end) or ``2025-12-12T07:00`` by the company's clock, as a time with a zone."""
    if text == "now":
        return datetime.now(zone)
    if "T" not in text:
        return datetime.combine(read_day(text), time(23, 59, 59), zone)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ScheduleError(
            f"--due {text[:40]!r} is no time; write now, 2025-12-12 or 2025-12-12T07:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _days_back(cadence: Cadence, calendar: FiscalCalendar, today: date) -> Iterator[date]:
    """Due days, newest first; the first ones may lie after ``today``."""
    if cadence.every in {"day", "week"}:
        step = 7 if cadence.every == "week" else 1
        back = (today.weekday() - WEEKDAYS.index(cadence.on)) % 7 if cadence.on else 0
        latest = today - timedelta(days=back)
        for count in range((latest - date.min).days // step):
            yield latest - timedelta(days=step * count)
        return
    for start in _starts(cadence.every, calendar, today):
        yield calendar.add_business_days(start - timedelta(days=1), cadence.business_day)


def _starts(every: str, calendar: FiscalCalendar, today: date) -> Iterator[date]:
    """Starts of today's period and those before; calendar months where fiscal ones are undefined."""
    if every == "month" and not calendar.month_starts:
        first = today.replace(day=1)
        while first > date(1990, 1, 1):
            yield first
            first = (first - timedelta(days=1)).replace(day=1)
        return
    period = calendar.period_of(today, every)
    for back in itertools.count():
        try:
            yield calendar.bounds(period.step(-back))[0]
        except PeriodError:  # the calendar begins here
            return


def read_days(text: str, every: Step | None, calendar: FiscalCalendar) -> list[date]:
    """``2025-12-12``, or ``2025-08-29..2025-12-12`` with a step, as days in order.

    By week every seventh day back from the last; by month or quarter the last day of each fiscal period
    inside, and the last day itself.
    """
    first, dots, last = text.partition("..")
    if not dots:
        if every:
            raise ScheduleError(f"--every {every} needs a range, --as-of 2025-08-29..{text}")
        return [read_day(text)]
    if every is None:
        raise ScheduleError(f"--as-of {text} is a range; say --every week, month or quarter")
    start, end = read_day(first), read_day(last)
    if start > end:
        raise ScheduleError(f"--as-of {text} runs backwards; write the earlier day first")
    return sorted(d for d in {end, *_steps(start, end, every, calendar)} if start <= d <= end)


def read_day(text: str) -> date:
    """``2025-12-12`` as a date; anything else is refused with the form to write."""
    try:
        if len(text) != 10:
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise ScheduleError(f"{text[:40]!r} is no day; write it as 2025-12-12") from None


def _steps(start: date, end: date, every: Step, calendar: FiscalCalendar) -> list[date]:
    if every == "week":
        return [end - timedelta(days=7 * n) for n in range((end - start).days // 7 + 1)]
    periods = calendar.periods(every, start, end + timedelta(days=1))
    return [calendar.bounds(period)[1] - timedelta(days=1) for period in periods]
