"""When a report was last due, by the company's fiscal calendar, and the days a backfill runs for."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Literal

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
    if cadence.every == "day":
        days = [now.date() - timedelta(days=back) for back in (0, 1)]
    elif cadence.every == "week":
        back = (now.weekday() - WEEKDAYS.index(cadence.on)) % 7
        days = [now.date() - timedelta(days=back + weeks) for weeks in (0, 7)]
    else:
        days = _business_days(cadence, calendar, now.date())
    due = [datetime.combine(day, at) for day in days]
    past = [moment for moment in due if moment <= now]
    if not past:
        raise ScheduleError(
            f"the fiscal calendar does not reach back from {now:%Y-%m-%d} to the last {cadence.every} due; "
            f"extend it in company.yaml"
        )
    return max(past)


def _business_days(cadence: Cadence, calendar: FiscalCalendar, today: date) -> list[date]:
    starts = _starts(cadence.every, calendar, today)
    return [calendar.add_business_days(start - timedelta(days=1), cadence.business_day) for start in starts]


def _starts(every: str, calendar: FiscalCalendar, today: date) -> list[date]:
    """Starts of the periods of today and the two before; calendar months where fiscal ones are undefined."""
    if every == "month" and not calendar.month_starts:
        first = today.replace(day=1)
        before = (first - timedelta(days=1)).replace(day=1)
        return [(before - timedelta(days=1)).replace(day=1), before, first]
    period = calendar.period_of(today, every)
    starts = []
    for back in (0, -1, -2):
        try:
            starts.append(calendar.bounds(period.step(back))[0])
        except PeriodError:  # the calendar begins here
            break
    return starts


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
