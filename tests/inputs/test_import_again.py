"""Importing again: versions, history, what is absent; the folder whole or not at all; rows accounted for."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesops_lib import inputs
from salesops_lib.core.errors import UserError
from salesops_lib.inputs.importing import import_export, store

MAPPING = """
source: csv
currency: USD
company: {name: Made}
stages:
  - {stage: Open, position: 1, outcome: open}
  - {stage: Talks, position: 2, outcome: open}
  - {stage: Won, position: 3, outcome: won}
  - {stage: Lost, position: 4, outcome: lost}
tables:
  opportunities:
    file: deals.csv
    columns:
      opportunity_id: id
      owner_id: owner
      created_date: created
      close_date: closed
      stage: status
      is_closed: {from: status, values: {Won: true, Lost: true, Open: false, Talks: false}}
      is_won: {from: status, values: {Won: true, Lost: false, Open: false, Talks: false}}
      amount: amount
"""
FIRST = """id,owner,created,closed,status,amount
A,r1,2025-01-02,2025-03-31,Open,100
B,r1,2025-01-03,2025-02-10,Won,200
C,r2,2025-01-04,2025-03-31,Open,300
"""
SECOND = """id,owner,created,closed,status,amount
A,r1,2025-01-02,2025-03-20,Won,150
B,r1,2025-01-03,2025-02-10,Won,200
D,r2,2025-03-01,2025-04-30,Open,400
"""


def load(tmp_path: Path, deals: str, at: str, to: str = "company"):
    export = tmp_path / "export"
    export.mkdir(exist_ok=True)
    (export / "deals.csv").write_text(deals)
    (tmp_path / "map.yaml").write_text(MAPPING)
    return import_export(
        "csv", export, tmp_path / to, mapping=tmp_path / "map.yaml", at=at, exported_at="2025-02-15"
    )


def twice(tmp_path: Path):
    load(tmp_path, FIRST, "2025-02-16T00:00:00")
    return load(tmp_path, SECOND, "2025-03-25T12:00:00")


def fingerprint(folder: Path) -> dict[str, str]:
    files = sorted(p for p in (folder / "tables").rglob("*") if p.is_file())
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def stored(tmp_path: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(tmp_path / "company" / "tables" / f"{name}.csv", dtype=str, keep_default_na=False)


def test_a_row_appended_with_another_line_end_stands_at_the_next_import(tmp_path):
    load(tmp_path, FIRST, "2025-02-16")
    stored = tmp_path / "company" / "tables" / "opportunities.csv"
    rows = stored.read_text().splitlines()
    with stored.open("a", newline="") as file:
        file.write(rows[-1].replace("C,", "Z,", 1) + "\r\n")
    load(tmp_path, FIRST, "2025-03-16")
    held = pd.read_csv(stored)["opportunity_id"]
    assert sorted(held) == ["A", "B", "C", "Z"]


def test_a_first_import_counts_as_known_when_it_was_exported(tmp_path):
    load(tmp_path, FIRST, "2025-02-16T00:00:00")
    assert set(stored(tmp_path, "opportunities")["recorded_at"]) == {"2025-02-15T23:59:59Z"}


def test_a_second_import_appends_what_changed_and_what_is_new(tmp_path):
    result = twice(tmp_path)
    versions = stored(tmp_path, "opportunities")[["opportunity_id", "recorded_at", "amount"]].values.tolist()
    assert versions == [
        ["A", "2025-02-15T23:59:59Z", "100"],
        ["A", "2025-03-25T12:00:00Z", "150"],
        ["B", "2025-02-15T23:59:59Z", "200"],
        ["C", "2025-02-15T23:59:59Z", "300"],
        ["D", "2025-03-25T12:00:00Z", "400"],
    ]
    counts = result.tables["opportunities"]
    assert (counts["added"], counts["unchanged"], counts["absent"]) == (2, 1, 1)


def test_a_row_gone_from_the_extract_is_reported_absent_and_kept(tmp_path):
    result = twice(tmp_path)
    absent = result.report[result.report["action"] == "absent"]
    assert absent[["table", "row_id", "money_base"]].values.tolist() == [["opportunities", "C", 300.0]]


def test_changes_between_imports_become_history(tmp_path):
    twice(tmp_path)
    history = stored(tmp_path, "opportunity_history")
    assert history[["opportunity_id", "sequence", "changed_at", "stage", "amount_base"]].values.tolist() == [
        ["A", "1", "2025-02-15T23:59:59Z", "Open", "100"],
        ["A", "2", "2025-03-25T12:00:00Z", "Won", "150"],
        ["D", "1", "2025-03-25T12:00:00Z", "Open", "400"],
    ]


def test_read_before_the_second_import_nothing_of_it_is_known(tmp_path):
    twice(tmp_path)
    before = (
        inputs.open_snapshot(tmp_path / "company", "2025-02-20")
        .frame("opportunities")
        .set_index("opportunity_id")
    )
    assert before["amount_base"].to_dict() == {"A": 100.0, "B": 200.0, "C": 300.0}
    assert before["stage"].to_dict() == {"A": "Open", "B": "Won", "C": "Open"}


def test_read_after_the_second_import_its_changes_hold(tmp_path):
    twice(tmp_path)
    after = (
        inputs.open_snapshot(tmp_path / "company", "2025-03-25")
        .frame("opportunities")
        .set_index("opportunity_id")
    )
    assert after["amount_base"].to_dict() == {"A": 150.0, "B": 200.0, "C": 300.0, "D": 400.0}
    assert after["stage"].to_dict() == {"A": "Won", "B": "Won", "C": "Open", "D": "Open"}


def test_an_identical_third_import_changes_no_table(tmp_path):
    twice(tmp_path)
    before = fingerprint(tmp_path / "company")
    result = load(tmp_path, SECOND, "2025-03-26T12:00:00")
    assert fingerprint(tmp_path / "company") == before
    assert result.tables["opportunities"]["added"] == 0


def test_each_import_is_logged_with_its_counts_and_file_hashes(tmp_path):
    twice(tmp_path)
    log = json.loads((tmp_path / "company" / "import.json").read_text())["imports"]
    assert [e["at"] for e in log] == ["2025-02-16T00:00:00Z", "2025-03-25T12:00:00Z"]
    assert log[1]["files"] == {"deals.csv": hashlib.sha256(SECOND.encode()).hexdigest()}
    assert (log[1]["rows_in"], log[1]["rows_out"], log[1]["reported"]) == (3, 3, 0)
    assert log[1]["per_table"]["opportunities"]["control_total"] == 750


def test_what_the_company_decided_is_not_overwritten(tmp_path):
    load(tmp_path, FIRST, "2025-02-16T00:00:00")
    path = tmp_path / "company" / "company.yaml"
    mine = yaml.safe_load(path.read_text()) | {"name": "Ours", "time_zone": "Europe/Oslo"}
    path.write_text(yaml.safe_dump(mine))
    (tmp_path / "company" / "ledger" / "pay.csv").write_text("kept\n")
    load(tmp_path, SECOND, "2025-03-25T12:00:00")
    assert yaml.safe_load(path.read_text())["name"] == "Ours"
    assert (tmp_path / "company" / "ledger" / "pay.csv").read_text() == "kept\n"


def test_a_failed_import_leaves_the_folder_as_it_was(tmp_path, monkeypatch):
    load(tmp_path, FIRST, "2025-02-16T00:00:00")
    before = {p: p.read_bytes() for p in sorted((tmp_path / "company").rglob("*")) if p.is_file()}

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr(store, "write_log", full)
    with pytest.raises(OSError, match="disk full"):
        load(tmp_path, SECOND, "2025-03-25T12:00:00")
    assert {p: p.read_bytes() for p in sorted((tmp_path / "company").rglob("*")) if p.is_file()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["company", "export", "map.yaml"]


def test_two_imports_at_once_are_refused(tmp_path):
    with store.locked(tmp_path / "company"), pytest.raises(UserError, match="another import is writing"):
        load(tmp_path, FIRST, "2025-02-16T00:00:00")


cell = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\x00\r\n", exclude_categories=["Cs"]),
    max_size=8,
)
row = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["", "A", "B", "C", "D", " A "]),
        "owner": cell,
        "created": st.sampled_from(["2025-01-02", "", "nonsense", "1900-01-01"]),
        "closed": st.sampled_from(["2025-02-02", "2025-02-31", ""]),
        "status": st.sampled_from(["Open", "Won", "Lost", "Odd", ""]),
        "amount": st.one_of(st.sampled_from(["100", "(5)", "1,000.00", "x", ""]), cell),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(row, min_size=1, max_size=8))
def test_rows_in_are_rows_out_and_rows_reported(tmp_path_factory, rows):
    tmp_path = tmp_path_factory.mktemp("law")
    result = load(tmp_path, pd.DataFrame(rows).to_csv(index=False), "2025-02-16T00:00:00")
    left = result.report[result.report["action"].isin(["dropped", "unplaced"])]
    placed = len(stored(tmp_path, "opportunities"))
    assert result.tables["opportunities"]["rows_in"] == len(rows)
    assert placed + left["row"].nunique() == len(rows)
    assert stored(tmp_path, "opportunities")["opportunity_id"].is_unique
