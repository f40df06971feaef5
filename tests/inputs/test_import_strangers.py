"""Exports as strangers hand them over: each is taken whole, or refused in one line that says what to do."""

from __future__ import annotations

import pytest

from salesops_lib import inputs
from salesops_lib.inputs import importing, policies
from salesops_lib.inputs.importing.mapping import MappingError

HEADER = "Record ID;Deal Name;Deal Stage;Amount;Close Date;Create Date"
ROWS = (
    "1;Müller & Söhne;Closed Won;1.234,56;31.12.2025;13.10.2025\n"
    "2;Grün AG;Closed Lost;2.000,00;15.01.2026;05.11.2025\n"
)


def imported(tmp_path, raw: bytes, source="hubspot", mapping=None):
    export, company = tmp_path / "export", tmp_path / "company"
    export.mkdir(exist_ok=True)
    (export / "deals.csv").write_bytes(raw)
    if not company.exists():
        inputs.init_company(company)
    importing.import_export(source, export, str(company), mapping)
    return (company / "tables" / "opportunities.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_german_dates_and_letters_arrive_in_any_encoding(tmp_path, encoding):
    stored = imported(tmp_path, f"{HEADER}\n{ROWS}".encode(encoding))
    first = next(line for line in stored.splitlines() if line.startswith("1,"))
    assert ["Müller & Söhne" in first, "2025-12-31" in first] == [True] * 2
    assert "Grün AG" in stored


def test_a_column_whose_every_amount_proves_the_decimal_comma_is_read_so(tmp_path):
    mapping = tmp_path / "mine.yaml"
    mapping.write_text(
        "source: csv\ntables:\n  opportunities:\n    file: deals.csv\n"
        "    columns: {opportunity_id: Record ID, name: Deal Name, amount: Amount}\n"
    )
    stored = imported(tmp_path, f"{HEADER}\n{ROWS}".encode(), "csv", mapping)
    assert ["1234.56" in stored, "2000" in stored] == [True] * 2


def test_a_deal_of_several_companies_takes_the_primary_or_the_only_one(tmp_path):
    # Joined keys as HubSpot exports them: no company has the id "7001;7002".
    header = "Record ID,Deal Stage,Associated Company IDs (Primary),Associated Company IDs"
    rows = ["1,Closed Won,7001,7001;7002", "2,Closed Won,,7002", "3,Closed Won,,7001;7002",
            "4,Closed Won,,7002; 7002;", "5,Closed Won,,"]  # fmt: skip
    export = tmp_path / "export"
    export.mkdir()
    (export / "deals.csv").write_text("\n".join([header, *rows]) + "\n")
    (export / "companies.csv").write_text("Record ID,Company name\n7001,A\n7002,B\n")
    result = importing.import_export("hubspot", export, tmp_path / "company")
    stored = (tmp_path / "company" / "tables" / "opportunities.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[1] for line in stored[1:]] == ["7001", "7002", "", "7002", ""]
    told = result.report[result.report["column"] == "account_id"]
    assert told[["row_id", "action", "value"]].to_numpy().tolist() == [["3", "repaired", "7001;7002"]]
    assert "names several and marks none as primary" in told["reason"].item()
    assert result.rows_in == result.rows_out


def test_a_lead_converted_on_the_day_it_came_in_keeps_its_conversion(tmp_path):
    # Salesforce's ConvertedDate has no time of day: midnight lies before the lead. A day earlier is a fault.
    export = tmp_path / "export"
    export.mkdir()
    (export / "Lead.csv").write_text(
        "Id,CreatedDate,ConvertedDate\nL1,2025-03-04T15:45:00.000Z,2025-03-04\n"
        "L2,2025-03-04T15:45:00.000Z,2025-03-06\nL3,2025-03-04T15:45:00.000Z,2025-03-03\n"
    )
    result = importing.import_export("salesforce", export, tmp_path / "company")
    stored = (tmp_path / "company" / "tables" / "leads.csv").read_text(encoding="utf-8").splitlines()
    column = stored[0].split(",").index("sql_at")
    days = [line.split(",")[column][:16].replace(" ", "T") for line in stored[1:]]
    assert days == ["2025-03-04T15:45", "2025-03-06T00:00", "2025-03-03T00:00"]
    told = result.report[result.report["action"] == "repaired"]
    assert told[["row_id", "column", "value"]].to_numpy().tolist() == [["L1", "sql_at", "2025-03-04"]]


def test_a_company_made_empty_gets_the_stages_of_its_first_export_and_keeps_its_own(tmp_path):
    # init writes company.yaml and no stages; the shipped list is of another company.
    header = "Record ID,Deal Stage,Is Closed Won,Is Deal Closed?"
    imported(tmp_path, f"{header}\n1,Closed Won,true,true\n2,Sign-off,false,false\n".encode())
    path = tmp_path / "company" / "policy" / "stages.yaml"
    stages = policies.read_stages(tmp_path / "company").set_index("stage")
    assert stages.loc["closedwon", "outcome"] == "won"
    assert stages.loc["Sign-off", ["outcome", "guessed"]].tolist() == ["open", True]
    written = path.read_bytes()
    imported(tmp_path, f"{header}\n1,Closed Won,true,true\n3,Legal,false,false\n".encode())
    assert path.read_bytes() == written


@pytest.mark.parametrize("above", ["Export vom 1.12.2025;;;;;\n", "Deals\n\n"])
def test_a_title_above_the_header_is_refused_and_empties_no_table(tmp_path, above):
    before = imported(tmp_path, f"{HEADER}\n{ROWS}".encode())
    with pytest.raises(
        MappingError, match=r"file 'deals.csv', line 1: none of the columns .* into the first line"
    ):
        imported(tmp_path, f"{above}{HEADER}\n{ROWS}".encode())
    assert (tmp_path / "company" / "tables" / "opportunities.csv").read_text(encoding="utf-8") == before


def test_an_empty_file_is_refused_and_a_header_alone_is_an_export_of_no_rows(tmp_path):
    with pytest.raises(MappingError, match=r"file 'deals.csv' has no header line"):
        imported(tmp_path, b"")
    assert imported(tmp_path, f"{HEADER}\n".encode()).count("\n") == 1
