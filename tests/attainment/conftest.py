"""Plain frames in DATA.md's columns, made from a few words."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from salesops_lib.attainment.crediting.records import Records
from salesops_lib.core import periods

_COLUMNS = {
    "opportunities": [
        "opportunity_id",
        "owner_id",
        "close_date",
        "amount_base",
        "is_won",
        "currency",
        "amount",
    ],
    "quotas": [
        "holder_id",
        "level",
        "period",
        "measure",
        "recorded_at",
        "parent_id",
        "quota_base",
        "ramp_share",
        "currency",
    ],
    "reps": ["rep_id", "start_date", "end_date", "name", "role", "team", "region", "manager_id"],
    "credits": ["opportunity_id", "rep_id", "credit_type", "recorded_at", "share"],
    "plan_rates": ["currency", "date", "base_per_unit"],
    "events": ["event_id", "holder_id", "measure", "at", "value"],
}
_DATES = {"close_date", "start_date", "end_date", "date"}
_NUMBERS = {"amount_base", "amount", "quota_base", "ramp_share", "share", "base_per_unit", "value"}


def frame(table: str, rows: list[dict]) -> pd.DataFrame:
    """Rows of one input table with the types loading gives them."""
    made = pd.DataFrame(rows, columns=_COLUMNS[table], dtype="object")
    for column in _DATES & set(made):
        made[column] = pd.to_datetime(made[column]).astype("datetime64[ns]")
    if "recorded_at" in made:
        stamp = made["recorded_at"].where(made["recorded_at"].notna(), "2025-01-01T00:00:00Z")
        made["recorded_at"] = pd.to_datetime(stamp, utc=True)
    if "is_won" in made:
        made["is_won"] = made["is_won"].where(made["is_won"].notna(), True).astype("boolean")
    if "measure" in made:
        made["measure"] = made["measure"].where(made["measure"].notna(), "bookings")
    for column in _NUMBERS & set(made):
        made[column] = pd.to_numeric(made[column]).astype("float64")
    return made


def records(*, currency: str = "", time_zone: str = "UTC", **tables: list[dict] | None) -> Records:
    """Records from lists of rows; a table left out is not there."""
    made = {name: frame(name, rows) for name, rows in tables.items() if rows is not None}
    made.setdefault("opportunities", frame("opportunities", []))
    return Records(**made, currency=currency, time_zone=time_zone)


@pytest.fixture(scope="session")
def make_records():
    """The factory of input tables."""
    return records


@pytest.fixture(scope="session")
def fiscal():
    """Quarters from February, FY24 to FY26, named by the end; one holiday."""
    return periods.monthly(2, range(2022, 2028), holidays=(date(2025, 12, 25),))
