"""The gate of scheduled reports on the sample: freshness by day, contracts, only of what a report needs."""

import shutil
from datetime import date

import pytest

from salesops_lib import inputs
from salesops_lib.core.errors import TableError, UserError

NEEDS = {"forecast": {"opportunities": []}, "quality": {"activities": []}, "pay": {"quotas": []}}
DAY = date(2025, 12, 12)


@pytest.fixture(scope="module")
def gates(sample):
    """What stops a report on the sample and what it does without, by its last day, one before, two later."""
    days = [date(2025, 12, 5), DAY, date(2025, 12, 19), date(2025, 12, 20)]
    return inputs.failing_gate(sample, NEEDS, {"pay": ["activities"]}, dict.fromkeys(NEEDS, days))


@pytest.fixture(scope="module")
def gate(gates):
    """What stops a report."""
    return gates[0]


def test_data_within_its_limit_passes_and_a_day_over_it_does_not(gate):
    # opportunities end on 2025-12-12 and may be 7 days old.
    assert ("forecast", DAY) not in gate
    assert ("forecast", date(2025, 12, 19)) not in gate
    said = gate["forecast", date(2025, 12, 20)]
    assert said.startswith(
        "its data failed the gate: table 'opportunities': its last day is 2025-12-12, 8 days"
    )


def test_a_stale_table_stops_only_what_needs_it(gate):
    # The sample's activities end on 2025-11-28, 14 days before its last day.
    assert "table 'activities': its last day is 2025-11-28, 14 days" in gate["quality", DAY]
    assert ("pay", date(2025, 12, 20)) not in gate  # quotas are no events: they do not age


def test_a_table_in_breach_of_its_contract_stops_what_needs_it(sample, tmp_path):
    company = tmp_path / "company"
    shutil.copytree(sample, company, ignore=shutil.ignore_patterns(".cache"))
    (path,) = company.glob("tables/quotas.*")
    path.unlink()
    rows = "holder_id,level,period,measure,quota_base\nR1,rep,FY26-Q4,x,much\n"
    (company / "tables" / "quotas.csv").write_text(rows)
    wanted = {"forecast": ["quotas", "reps"], "pay": ["quotas"]}
    found, left = inputs.failing_gate(company, NEEDS, wanted, {name: [DAY] for name in NEEDS})
    assert "table 'quotas'" in found["pay", DAY]
    assert ("forecast", DAY) not in found
    # What only may be read is left out of a report that runs, and of nothing else.
    assert set(left) == {("forecast", DAY)} and set(left["forecast", DAY]) == {"quotas"}
    assert left["forecast", DAY]["quotas"].startswith("its data failed the gate: table 'quotas'")


def test_an_optional_table_is_left_out_from_the_day_it_is_stale(gates):
    # The sample's activities end on 2025-11-28 and may be 7 days old.
    failing, left = gates
    assert set(left) == {("pay", day) for day in (DAY, date(2025, 12, 19), date(2025, 12, 20))}
    assert not set(left) & set(failing)
    assert "table 'activities': its last day is 2025-11-28" in left["pay", DAY]["activities"]


def test_a_table_left_out_is_as_if_it_were_not_there_and_the_limits_say_why(sample, monkeypatch):
    whole = inputs.open_snapshot(sample, DAY)
    monkeypatch.setenv("SALESOPS_LEFT_OUT", '{"opportunity_history": "its data failed the gate: late"}')
    snapshot = inputs.open_snapshot(sample, DAY)
    assert not snapshot.has("opportunity_history")
    assert set(whole.names()) - set(snapshot.names()) == {"opportunity_history"}
    assert "Table opportunity_history is left out: its data failed the gate: late." in snapshot.limits
    with pytest.raises(TableError, match="'opportunity_history' is left out of this run: its data failed"):
        snapshot.table("opportunity_history")
    # What is rebuilt from the table is not taken from a cache made with it.
    day = date(2025, 6, 30)
    monkeypatch.setenv("SALESOPS_LEFT_OUT", "")
    with_it = inputs.open_snapshot(sample, day).frame("opportunities")
    monkeypatch.setenv("SALESOPS_LEFT_OUT", '{"opportunity_history": "late"}')
    assert not inputs.open_snapshot(sample, day).frame("opportunities").equals(with_it)


def test_an_unreadable_list_of_tables_left_out_opens_nothing(sample, monkeypatch):
    monkeypatch.setenv("SALESOPS_LEFT_OUT", "opportunity_history")
    with pytest.raises(UserError, match="names no tables; unset it"):
        inputs.open_snapshot(sample, DAY)


def test_nothing_asked_reads_nothing():
    assert inputs.failing_gate("no/such/folder", {}, {}, {}) == ({}, {})
