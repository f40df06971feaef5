"""Due moments by hand on a calendar whose fiscal year begins in February."""

from datetime import date, datetime

import pytest

from salesops_lib.core.errors import UserError
from salesops_lib.core.periods import explicit, four_four_five, monthly
from salesops_lib.publish.catalog import Cadence
from salesops_lib.publish.scheduling import schedule

CALENDAR = monthly(2, range(2025, 2028), holidays=(date(2025, 12, 1), date(2025, 12, 25)))


def due(cadence: dict, now: str, calendar=CALENDAR) -> str:
    moment = schedule.last_due(Cadence(**{"at": "06:00"} | cadence), calendar, datetime.fromisoformat(now))
    return moment.isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("cadence", "now", "expected"),
    [
        ({"every": "day"}, "2025-12-12T06:00", "2025-12-12T06:00"),
        ({"every": "day"}, "2025-12-12T05:59", "2025-12-11T06:00"),
        # 2025-12-12 is a Friday; the Monday before is the 8th.
        ({"every": "week", "on": "Mon"}, "2025-12-12T12:00", "2025-12-08T06:00"),
        ({"every": "week", "on": "Fri"}, "2025-12-12T05:00", "2025-12-05T06:00"),
        # Monday 1 December is a holiday, so working days are 2, 3 and 4.
        ({"every": "month", "business_day": 3}, "2025-12-12T12:00", "2025-12-04T06:00"),
        ({"every": "month", "business_day": 3}, "2025-12-04T05:59", "2025-11-05T06:00"),
        # FY26-Q4 begins on Saturday 1 November; its second working day is Tuesday 4.
        ({"every": "quarter", "business_day": 2}, "2025-12-12T12:00", "2025-11-04T06:00"),
        # The twelfth working day of FY26-Q4 is still to come.
        ({"every": "quarter", "business_day": 12}, "2025-11-10T12:00", "2025-08-18T06:00"),
    ],
)
def test_a_report_was_last_due_at_its_latest_moment_not_after_now(cadence, now, expected):
    assert due(cadence, now) == expected


def test_fiscal_months_of_a_4_4_5_calendar_count():
    # FY26 (Feb 2025 on) ends on the Saturday nearest 31 January 2026, which is that day; counted back 52
    # weeks, it opens on Sunday 2 February 2025, its second month four weeks later on 2 March.
    calendar = four_four_five(2, range(2026, 2028))
    assert due({"every": "month", "business_day": 1}, "2025-03-20T12:00", calendar) == "2025-03-03T06:00"


def test_without_fiscal_months_calendar_months_count():
    calendar = explicit([date(2011, 5, 31), date(2011, 8, 31)], date(2011, 11, 30), first="FY11-Q4")
    assert due({"every": "month", "business_day": 1}, "2011-09-15T12:00", calendar) == "2011-09-01T06:00"


def test_a_calendar_that_does_not_reach_back_is_refused():
    with pytest.raises(UserError, match=r"fiscal calendar"):
        due({"every": "quarter", "business_day": 12}, "2024-02-02T12:00")


@pytest.mark.parametrize(
    ("text", "every", "days"),
    [
        ("2025-12-12", None, ["2025-12-12"]),
        ("2025-11-27..2025-12-12", "week", ["2025-11-28", "2025-12-05", "2025-12-12"]),
        (
            "2025-08-29..2025-12-12",
            "month",
            ["2025-08-31", "2025-09-30", "2025-10-31", "2025-11-30", "2025-12-12"],
        ),
        ("2025-06-01..2025-12-12", "quarter", ["2025-07-31", "2025-10-31", "2025-12-12"]),
        ("2025-07-31..2025-07-31", "quarter", ["2025-07-31"]),
    ],
)
def test_days_of_a_backfill(text, every, days):
    assert [d.isoformat() for d in schedule.read_days(text, every, CALENDAR)] == days


@pytest.mark.parametrize(
    ("text", "every", "said"),
    [
        ("2025-12-12", "week", "needs a range"),
        ("2025-11-01..2025-12-12", None, "say --every"),
        ("2025-12-12..2025-11-01", "week", "runs backwards"),
        ("2025-02-30", None, "is no day"),
        ("20251212", None, "is no day"),
        ("..2025-12-12", "week", "is no day"),
    ],
)
def test_days_that_cannot_be_are_refused(text, every, said):
    with pytest.raises(UserError) as fault:
        schedule.read_days(text, every, CALENDAR)
    assert said in str(fault.value)


def test_due_runs_what_was_not_made_since_it_was_due(workshop):
    workshop.notebook("monthly")
    # By 2025-12-12 the report was due on the third working day of December, Wednesday the 3rd.
    first = workshop.run(due="2025-12-12")
    assert [(r.status, r.task.as_of.isoformat()) for r in first] == [("ok", "2025-12-03")]
    assert workshop.run(due="2025-12-12") == []
    assert workshop.run(due="2025-12-31") == []
    assert [r.task.as_of.isoformat() for r in workshop.run(due="2025-12-02")] == ["2025-11-05"]


def test_a_failed_report_stays_due(workshop):
    workshop.notebook("monthly", "1 / 0")
    assert [r.status for r in workshop.run(due="2025-12-12")] == ["failed"]
    assert [r.status for r in workshop.run(due="2025-12-12")] == ["failed"]


def test_a_report_due_after_the_datas_last_day_is_read_as_of_that_day(workshop):
    # Due on 5 January 2026; the data ends on 12 December.
    workshop.notebook("monthly")
    assert [r.task.as_of.isoformat() for r in workshop.run(due="2026-01-09")] == ["2025-12-12"]
