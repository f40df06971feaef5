"""The gate of scheduled reports on the sample: freshness by day, contracts, only of what a report needs."""

import shutil
from datetime import date

import pytest

from salesops_lib import inputs

NEEDS = {"forecast": {"opportunities": []}, "quality": {"activities": []}, "pay": {"quotas": []}}
DAY = date(2025, 12, 12)


@pytest.fixture(scope="module")
def gate(sample):
    """What the gate says of the sample for its last day and later ones."""
    later = [DAY, date(2025, 12, 19), date(2025, 12, 20)]
    return inputs.failing_gate(sample, NEEDS, dict.fromkeys(NEEDS, later))


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
    found = inputs.failing_gate(company, NEEDS, {name: [DAY] for name in NEEDS})
    assert "table 'quotas'" in found["pay", DAY]
    assert ("forecast", DAY) not in found


def test_nothing_asked_reads_nothing():
    assert inputs.failing_gate("no/such/folder", {}, {}) == {}
