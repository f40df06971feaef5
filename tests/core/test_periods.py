import itertools
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops_lib.core.errors import PeriodError
from salesops_lib.core.periods import FiscalCalendar, Period, explicit, four_four_five, monthly

FEBRUARY = monthly(2, range(2023, 2028))
RETAIL = four_four_five(2, range(2010, 2028), named_by="start")
# AdventureWorks: quota starts on odd days, a leap day among them.
ODD = explicit(
    [date(2011, 5, 31), date(2011, 8, 31), date(2011, 12, 1), date(2012, 2, 29), date(2012, 5, 30)],
    date(2012, 8, 30),
    first="FY11-Q4",
)
CALENDARS = {"months": FEBRUARY, "4-4-5": RETAIL, "explicit": ODD}


def days_in(calendar: FiscalCalendar) -> st.SearchStrategy[date]:
    return st.dates(calendar.quarter_starts[0], calendar.quarter_starts[-1] - timedelta(days=1))


@pytest.mark.parametrize(
    "text", ["FY26", "FY26-Q1", "FY26-Q4", "FY26-M01", "FY26-M12", "FY99", "FY70", "FY00"]
)
def test_a_period_prints_as_it_was_read(text):
    assert str(Period.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "2026", "FY2026", "FY26-Q5", "FY26-Q0", "FY26-M13", "FY26-M1", "fy26", "FY26-Q2\n", " FY26", "FY٢٦"],
)
def test_what_is_no_period_is_refused_with_the_form_to_write(text):
    with pytest.raises(PeriodError, match="write FY26, FY26-Q2 or FY26-M05"):
        Period.parse(text)


def test_two_digits_reach_from_1970_to_2069():
    assert [Period.parse(t).year for t in ("FY69", "FY70", "FY99", "FY00")] == [2069, 1970, 1999, 2000]
    with pytest.raises(PeriodError, match="outside 1970 to 2069"):
        Period.parse("FY69-Q4").step(1)


@pytest.mark.parametrize(("kind", "number"), [("quarter", 5), ("month", 0), ("year", 2), ("week", 1)])
def test_a_part_the_year_does_not_have_is_refused(kind, number):
    with pytest.raises(PeriodError, match=f"there is no {kind} {number}"):
        Period(2026, kind, number)


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("FY26-Q4", 1, "FY27-Q1"),
        ("FY26-Q1", -1, "FY25-Q4"),
        ("FY26-M12", 1, "FY27-M01"),
        ("FY26-M05", -17, "FY24-M12"),
        ("FY26", 3, "FY29"),
        ("FY26-Q2", 0, "FY26-Q2"),
    ],
)
def test_stepping_crosses_the_year(start, count, end):
    assert str(Period.parse(start).step(count)) == end


@given(
    year=st.integers(2000, 2040),
    kind=st.sampled_from([("year", 1), ("quarter", 4), ("month", 12)]),
    part=st.integers(0, 11),
    count=st.integers(-60, 60),
)
def test_stepping_forth_and_back_returns(year, kind, part, count):
    period = Period(year, kind[0], part % kind[1] + 1)
    if kind[0] == "year":
        count = count % 20
    assert period.step(count).step(-count) == period


@pytest.mark.parametrize(
    ("first_month", "named_by", "period", "start", "end"),
    [
        # Named by the year it ends in: FY26 from February 2025 ends on 31 January 2026.
        (2, "end", "FY26", date(2025, 2, 1), date(2026, 2, 1)),
        (2, "end", "FY26-Q4", date(2025, 11, 1), date(2026, 2, 1)),
        (2, "end", "FY26-M12", date(2026, 1, 1), date(2026, 2, 1)),
        (2, "end", "FY25-M01", date(2024, 2, 1), date(2024, 3, 1)),  # with 29 February
        (2, "start", "FY26-Q1", date(2026, 2, 1), date(2026, 5, 1)),
        # The US federal year: FY26 began on 1 October 2025.
        (10, "end", "FY26-Q1", date(2025, 10, 1), date(2026, 1, 1)),
        (12, "end", "FY26-Q1", date(2025, 12, 1), date(2026, 3, 1)),
        # The calendar year is its own name either way.
        (1, "end", "FY26", date(2026, 1, 1), date(2027, 1, 1)),
        (1, "start", "FY26", date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_months_give_the_bounds_and_names_people_use(first_month, named_by, period, start, end):
    calendar = monthly(first_month, range(2024, 2028), named_by=named_by)
    assert calendar.bounds(period) == (start, end)


@pytest.mark.parametrize(
    ("year", "opens", "weeks"),
    [
        # National Retail Federation, 4-5-4 calendars as published: the year ends on the Saturday
        # nearest 31 January; 2012, 2017 and 2023 have 53 weeks.
        (2011, date(2011, 1, 30), 52),
        (2012, date(2012, 1, 29), 53),
        (2013, date(2013, 2, 3), 52),
        (2016, date(2016, 1, 31), 52),
        (2017, date(2017, 1, 29), 53),
        (2018, date(2018, 2, 4), 52),
        (2022, date(2022, 1, 30), 52),
        (2023, date(2023, 1, 29), 53),
        (2024, date(2024, 2, 4), 52),
        (2025, date(2025, 2, 2), 52),
    ],
)
def test_the_retail_years_open_and_count_weeks_as_published(year, opens, weeks):
    start, end = RETAIL.bounds(Period(year, "year", 1))
    assert (start, (end - start).days) == (opens, weeks * 7)


def test_the_53rd_week_lies_in_the_last_month_and_no_other():
    weeks = [
        (RETAIL.bounds(Period(2023, "month", m))[1] - RETAIL.bounds(Period(2023, "month", m))[0]).days // 7
        for m in range(1, 13)
    ]
    assert weeks == [4, 4, 5, 4, 4, 5, 4, 4, 5, 4, 4, 6]


def test_naming_by_the_end_moves_the_name_not_the_days():
    by_end = four_four_five(2, range(2011, 2029), named_by="end")
    assert by_end.bounds("FY24") == RETAIL.bounds("FY23") == (date(2023, 1, 29), date(2024, 2, 4))


def test_a_four_four_five_year_may_end_on_a_sunday():
    # By hand: the Sunday nearest 30 June 2025 (a Monday) is 29 June; of 2026 (a Tuesday) 28 June.
    calendar = four_four_five(7, [2026], ends_on="Sun", named_by="end")
    assert calendar.bounds("FY26") == (date(2025, 6, 30), date(2026, 6, 29))


@pytest.mark.parametrize(
    ("day", "period"),
    [
        (date(2011, 5, 31), "FY11-Q4"),
        (date(2011, 8, 30), "FY11-Q4"),
        (date(2011, 8, 31), "FY12-Q1"),  # the start day belongs to the new period
        (date(2012, 2, 28), "FY12-Q2"),
        (date(2012, 2, 29), "FY12-Q3"),
        (date(2012, 8, 29), "FY12-Q4"),
    ],
)
def test_explicit_starts_give_the_start_day_to_the_new_period(day, period):
    assert str(ODD.period_of(day)) == period


@pytest.mark.parametrize("day", [date(2011, 5, 30), date(2012, 8, 30)])
def test_a_day_outside_the_calendar_is_refused_and_assigned_nothing(day):
    with pytest.raises(PeriodError, match="outside the fiscal calendar"):
        ODD.period_of(day)
    assert ODD.assign(pd.Series([pd.Timestamp(day)])).tolist() == [None]


def test_the_four_quarters_of_an_explicit_year_are_its_bounds():
    assert ODD.bounds("FY12") == (date(2011, 8, 31), date(2012, 8, 30))


def test_a_year_the_calendar_holds_in_part_has_no_bounds_and_is_not_listed():
    with pytest.raises(PeriodError, match="'FY11' is outside"):
        ODD.bounds("FY11")
    assert [str(p) for p in ODD.periods("year")] == ["FY12"]
    assert str(ODD.period_of(date(2011, 6, 1), "year")) == "FY11"


def test_explicit_quarters_have_no_months():
    with pytest.raises(PeriodError, match="no months; use quarters"):
        ODD.bounds("FY12-M01")


def test_assigning_keeps_the_index_and_leaves_missing_days_missing():
    days = pd.Series(pd.to_datetime(["2025-01-31", None, "2025-02-01"]), index=[7, 3, 5])
    named = FEBRUARY.assign(days)
    assert named.index.tolist() == [7, 3, 5]
    assert named.tolist() == ["FY25-Q4", None, "FY26-Q1"]


def test_the_last_moment_of_a_period_belongs_to_it():
    late = pd.Series([pd.Timestamp("2025-01-31 23:59:59.999999")])
    assert FEBRUARY.assign(late, "month").tolist() == ["FY25-M12"]


def test_an_empty_column_is_assigned_an_empty_column():
    assert FEBRUARY.assign(pd.Series([], dtype="datetime64[ns]")).tolist() == []


@pytest.mark.parametrize("kind", ["quarter", "month", "year"])
@pytest.mark.parametrize("name", ["months", "4-4-5"])
@given(data=st.data())
def test_every_day_lies_in_exactly_one_period(name, kind, data):
    calendar = CALENDARS[name]
    day = data.draw(days_in(calendar))
    holding = [p for p in calendar.periods(kind) if calendar.bounds(p)[0] <= day < calendar.bounds(p)[1]]
    assert holding == [calendar.period_of(day, kind)]


@given(day=days_in(ODD))
def test_every_day_of_an_explicit_calendar_lies_in_exactly_one_quarter(day):
    holding = [p for p in ODD.periods() if ODD.bounds(p)[0] <= day < ODD.bounds(p)[1]]
    assert holding == [ODD.period_of(day)]


@pytest.mark.parametrize("name", list(CALENDARS))
def test_periods_follow_each_other_without_gap_and_by_one_step(name):
    calendar = CALENDARS[name]
    listed = calendar.periods()
    assert all(b == a.step(1) for a, b in itertools.pairwise(listed))
    assert all(calendar.bounds(a)[1] == calendar.bounds(b)[0] for a, b in itertools.pairwise(listed))


def test_periods_between_two_days_are_those_touched():
    touched = FEBRUARY.periods("quarter", date(2025, 4, 30), date(2025, 8, 1))
    assert [str(p) for p in touched] == ["FY26-Q1", "FY26-Q2"]


def test_business_days_leave_out_weekends_and_holidays():
    # December 2025 by hand: 23 weekdays, less Christmas Day.
    calendar = monthly(1, [2025], holidays=(date(2025, 12, 25),))
    assert calendar.business_days(date(2025, 12, 1), date(2026, 1, 1)) == 22


def test_a_week_may_run_from_sunday_to_thursday():
    calendar = monthly(1, [2025], working_days=("Sun", "Mon", "Tue", "Wed", "Thu"))
    assert calendar.business_days(date(2025, 12, 5), date(2025, 12, 8)) == 1  # Fri, Sat, Sun


def test_the_share_elapsed_counts_business_days_through_the_day():
    # Quarter Nov 2025 to Jan 2026 by hand: 20 + 23 + 22 weekdays, less 27 Nov, 25 Dec and 1 Jan = 62.
    # Through Friday 12 December: 20 + 10 - 1 = 29.
    holidays = (date(2025, 11, 27), date(2025, 12, 25), date(2026, 1, 1))
    calendar = monthly(2, range(2024, 2028), holidays=holidays)
    assert calendar.elapsed_share("FY26-Q4", date(2025, 12, 12)) == pytest.approx(29 / 62)
    assert calendar.elapsed_share("FY26-Q4", date(2025, 12, 14)) == pytest.approx(
        29 / 62
    )  # the weekend after


@pytest.mark.parametrize(
    ("day", "share"),
    [
        (date(2020, 1, 1), 0.0),
        (date(2025, 10, 31), 0.0),
        (date(2026, 1, 31), 1.0),
        (date(2030, 1, 1), 1.0),
    ],
)
def test_the_share_elapsed_is_nought_before_and_one_after(day, share):
    assert FEBRUARY.elapsed_share("FY26-Q4", day) == share


@given(day=st.dates(date(2025, 10, 1), date(2026, 3, 1)))
def test_the_share_elapsed_never_falls(day):
    later = FEBRUARY.elapsed_share("FY26-Q4", day + timedelta(days=1))
    assert 0 <= FEBRUARY.elapsed_share("FY26-Q4", day) <= later <= 1


def test_a_period_without_a_business_day_is_refused():
    whole = tuple(date(2025, 2, 1) + timedelta(days=i) for i in range(28))
    calendar = monthly(1, [2025], holidays=whole)
    with pytest.raises(PeriodError, match="'FY25-M02' has no business day"):
        calendar.elapsed_share("FY25-M02", date(2025, 2, 3))


@pytest.mark.parametrize(
    ("day", "count", "reached"),
    [
        (date(2025, 12, 24), 1, date(2025, 12, 26)),  # over the holiday
        (date(2025, 12, 26), 1, date(2025, 12, 29)),  # over the weekend
        (date(2025, 12, 27), 0, date(2025, 12, 26)),  # Saturday rolls back
        (date(2025, 12, 27), 1, date(2025, 12, 29)),
        (date(2025, 12, 29), -2, date(2025, 12, 24)),
    ],
)
def test_business_days_are_added_over_weekends_and_holidays(day, count, reached):
    calendar = monthly(1, [2025, 2026], holidays=(date(2025, 12, 25),))
    assert calendar.add_business_days(day, count) == reached


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: monthly(2, [2025], named_by="ends"), "named_by is 'ends'; write start or end"),
        (lambda: monthly(13, [2025]), "first_month is 13; write 1 to 12"),
        (lambda: monthly(1, []), "has no year"),
        (lambda: four_four_five(2, [2025], ends_on="Saturday"), "ends_on is 'Saturday'"),
        (lambda: monthly(1, [2025], working_days=("Monday",)), "working_days has"),
        (lambda: monthly(1, [2025], working_days=()), "working_days has nothing"),
        (lambda: explicit([date(2025, 1, 1)], date(2025, 4, 1), first="FY25"), "is no quarter"),
        (lambda: explicit([], date(2025, 4, 1), first="FY25-Q1"), "has no quarter"),
        (lambda: explicit([date(2025, 4, 1)], date(2025, 4, 1), first="FY25-Q1"), "not in increasing order"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused(make, said):
    with pytest.raises(PeriodError, match=said):
        make()
