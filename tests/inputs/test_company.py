"""Settings are checked once, in one line; folders are made, moved up a version, never overwritten."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
import yaml

from salesops_lib import inputs
from salesops_lib.core.errors import PeriodError
from salesops_lib.inputs.company import CompanyError, company_folder, read_company, repository_root
from salesops_lib.inputs.folder import FOLDERS

GOOD = {
    "schema_version": 1,
    "name": "Tiny",
    "reporting_currency": "USD",
    "time_zone": "Europe/Berlin",
    "fiscal_calendar": {"kind": "months", "first_month": 2},
}


def company(tmp_path: Path, **changed):
    entries = {k: v for k, v in (GOOD | changed).items() if v is not ...}
    (tmp_path / "company.yaml").write_text(yaml.safe_dump(entries))
    return read_company(tmp_path)


def test_a_company_says_its_calendar_currency_and_zone(tmp_path):
    found = company(tmp_path, holidays=[date(2025, 12, 25)])
    assert (found.name, found.currency, found.time_zone) == ("Tiny", "USD", "Europe/Berlin")
    # FY26 ends in calendar year 2026: its fourth quarter is November 2025 to January 2026.
    assert found.calendar.bounds("FY26-Q4") == (date(2025, 11, 1), date(2026, 2, 1))
    assert found.calendar.business_days(date(2025, 12, 22), date(2025, 12, 27)) == 4


def test_explicit_quarters_start_on_their_own_days(tmp_path):
    starts = [date(2011, 5, 31), date(2011, 8, 31)]
    calendar = {"kind": "explicit", "first": "FY11-Q4", "starts": starts, "end": date(2011, 11, 30)}
    found = company(tmp_path, fiscal_calendar=calendar).calendar
    assert str(found.period_of(date(2011, 8, 31))) == "FY12-Q1"
    assert str(found.period_of(date(2011, 8, 30))) == "FY11-Q4"


def test_weeks_of_four_four_five_end_on_their_weekday(tmp_path):
    calendar = {"kind": "4-4-5", "first_month": 2, "ends_on": "Sat"}
    _, end = company(tmp_path, fiscal_calendar=calendar).calendar.bounds("FY26")
    assert end == date(2026, 2, 1)  # the Sunday after Saturday 2026-01-31


_MONTH = r"'fiscal_calendar.first_month' {}; write the number of a month, 1 to 12"


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"reporting_currency": "usd"}, "'reporting_currency' is 'usd'; write three capitals such as USD"),
        ({"reporting_currency": 5}, "'reporting_currency' is 5; write three capitals"),
        ({"time_zone": "Mars/Base"}, "'time_zone' is 'Mars/Base'; write a time zone such as"),
        ({"name": ...}, "'name' is missing; write a text of 1 to 200"),
        ({"name": "x" * 201}, r"'name' is 'x{56}\.\.\.; write a text"),
        ({"colour": "red"}, r"'colour' is no setting\."),
        ({"fiscal_calendar": {"kind": "months", "first_month": 13}}, _MONTH.format("is 13")),
        ({"fiscal_calendar": {"kind": "months"}}, _MONTH.format("is missing")),
        (
            {"fiscal_calendar": {"kind": "months", "first_mnth": 1, "first_month": 1}},
            "'fiscal_calendar.first_mnth' is",
        ),
        ({"fiscal_calendar": {"kind": "lunar"}}, "'fiscal_calendar.kind' is 'lunar'; write months, 4-4-5 or"),
        ({"fiscal_calendar": {"first_month": 1}}, "'fiscal_calendar.kind' is missing; write months"),
        ({"fiscal_calendar": 4}, "'fiscal_calendar' is 4; write {kind: months"),
        ({"fiscal_calendar": ...}, "'fiscal_calendar' is missing; write {kind: months"),
        ({"working_days": []}, r"'working_days' is \[\]; write a list of Mon"),
        ({"working_days": ["Sunday"]}, r"'working_days.0' is 'Sunday'; write a list of Mon"),
        ({"holidays": ["Christmas"]}, r"'holidays.0' is 'Christmas'; write a list of days"),
        ({"crm_link": "javascript:alert(1)"}, "'crm_link' is 'javascript.*; write an https"),
        ({"schema_version": 2}, "this release reads 1; install a newer release"),
        ({"schema_version": 0}, "bring it up with: salesops init DIR --migrate"),
        ({"schema_version": "one"}, "write schema_version: 1"),
    ],
)
def test_a_setting_that_is_wrong_is_named(tmp_path, changed, refusal):
    with pytest.raises(CompanyError, match=refusal) as caught:
        company(tmp_path, **changed)
    assert "\n" not in str(caught.value)
    assert not re.search("Input should|Field required|Extra inputs|String should", str(caught.value))


def test_starts_out_of_order_are_refused(tmp_path):
    starts = [date(2011, 8, 31), date(2011, 5, 31)]
    calendar = {"kind": "explicit", "first": "FY11-Q4", "starts": starts, "end": date(2011, 11, 30)}
    with pytest.raises(PeriodError, match="not in increasing order"):
        _ = company(tmp_path, fiscal_calendar=calendar).calendar


@pytest.mark.parametrize("text", ["name: [", "!!python/object/apply:os.system ['true']", "- a\n- b", ""])
def test_yaml_that_is_no_settings_is_refused(tmp_path, text):
    (tmp_path / "company.yaml").write_text(text)
    with pytest.raises(CompanyError, match=r"company\.yaml"):
        read_company(tmp_path)


def test_a_huge_settings_file_is_refused(tmp_path):
    (tmp_path / "company.yaml").write_text("a" * 1_000_001)
    with pytest.raises(CompanyError, match="is no settings file"):
        read_company(tmp_path)


def test_relative_paths_start_at_the_repository_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert company_folder("data/sample") == repository_root() / "data" / "sample"
    assert company_folder("") == company_folder("data/sample")


@pytest.mark.parametrize(
    ("path", "refusal"), [("data/nowhere", "is no folder"), ("/etc", "has no company.yaml")]
)
def test_a_folder_that_is_no_company_is_refused(path, refusal):
    with pytest.raises(CompanyError, match=refusal):
        company_folder(path)


def test_a_made_folder_is_a_company_and_is_not_overwritten(tmp_path):
    root = inputs.init_company(tmp_path / "acme: north")
    assert sorted(p.name for p in root.iterdir()) == sorted([*FOLDERS, "README.md", "company.yaml"])
    assert read_company(root).name == "acme: north"
    before = (root / "company.yaml").read_bytes()
    with pytest.raises(CompanyError, match="stands already and is not empty"):
        inputs.init_company(root)
    assert (root / "company.yaml").read_bytes() == before


def test_an_older_folder_is_brought_up_and_its_old_file_kept(tmp_path):
    old = {k: v for k, v in GOOD.items() if k != "reporting_currency"} | {
        "schema_version": 0,
        "currency": "EUR",
    }
    (tmp_path / "company.yaml").write_text(yaml.safe_dump(old))

    def rename(entries):
        return {("reporting_currency" if k == "currency" else k): v for k, v in entries.items()}

    assert inputs.migrate_company(tmp_path, {0: rename}) == [0]
    assert read_company(tmp_path).currency == "EUR"
    assert yaml.safe_load((tmp_path / "company.yaml.v0").read_text()) == old
    assert inputs.migrate_company(tmp_path) == []


@pytest.mark.parametrize(
    ("version", "refusal"), [(0, "no migration leads from"), (9, "newer than this release")]
)
def test_a_version_that_no_migration_reaches_is_refused(tmp_path, version, refusal):
    (tmp_path / "company.yaml").write_text(yaml.safe_dump(GOOD | {"schema_version": version}))
    with pytest.raises(CompanyError, match=refusal):
        inputs.migrate_company(tmp_path)
