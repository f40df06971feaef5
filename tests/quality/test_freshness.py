from datetime import date, datetime

import pandas as pd

from salesops_lib.quality.freshness import table_ages

AS_OF = date(2025, 12, 12)


def ages(make_company, **changed) -> pd.DataFrame:
    return table_ages(make_company(**changed), AS_OF).set_index("table")


def test_age_is_counted_from_the_newest_event_to_the_day(make_company):
    stamps = [{"at": datetime(2025, 12, 1, 23, 59)}, {"at": datetime(2025, 11, 1)}]
    row = ages(make_company, activities=stamps).loc["activities"]
    assert (row["rows"], row["newest_day"], row["age_days"]) == (2, pd.Timestamp("2025-12-01"), 11)


def test_days_agreed_in_advance_make_a_table_no_fresher(make_company):
    rows = [{"start_date": date(2025, 12, 2)}, {"start_date": date(2026, 6, 1)}]
    assert ages(make_company, contracts=rows).loc["contracts", "age_days"] == 10


def test_an_empty_table_has_no_age(make_company):
    row = ages(make_company, leads=[]).loc["leads"]
    assert row["rows"] == 0
    assert pd.isna(row["age_days"]) and pd.isna(row["newest_day"])


def test_a_table_without_event_is_as_old_as_its_last_record(make_company):
    row = ages(make_company, credits=[{"recorded_at": datetime(2025, 12, 5)}]).loc["credits"]
    assert row["age_days"] == 7


def test_only_tables_that_grow_every_week_are_living(make_company):
    found = ages(make_company)
    living = {"opportunities", "opportunity_history", "leads", "activities"}
    assert set(found.index[found["living"]]) == living


def test_no_table_gives_no_row():
    assert len(table_ages({}, AS_OF)) == 0
