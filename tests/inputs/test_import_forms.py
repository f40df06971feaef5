"""The forms an export comes in: zip, workbook, report with a footer, other headers, dates nobody can tell."""

from __future__ import annotations

import stat
import zipfile
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook

from salesops_lib.cli import run_command
from salesops_lib.inputs.importing import files, import_export
from salesops_lib.inputs.importing.mapping import MappingError

HEAD = "Id,Name,StageName,Amount,CloseDate,CreatedDate,IsClosed,IsWon\n"
ONE = "006A,One,Closed Won,100,2025-03-01,2025-01-13,true,true\n"
ROWS = f"{ONE}006B,Two,Prospecting,200,2025-12-01,2025-02-14,false,false\n"
AT = "2026-01-01T00:00:00"


def table(folder: Path, name: str = "opportunities") -> pd.DataFrame:
    return pd.read_csv(folder / "tables" / f"{name}.csv", dtype=str, keep_default_na=False).set_index(
        "opportunity_id", drop=False
    )


def zipped(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in members.items():
            made.writestr(name, text)
    return path


def export(tmp_path: Path, text: str | bytes, name: str = "Opportunity.csv") -> Path:
    folder = tmp_path / "export"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def refused(source: str, path: Path, to: Path, **given) -> str:
    """The message of an import that is refused and leaves nothing."""
    with pytest.raises(MappingError) as fault:
        import_export(source, path, to, at=AT, **given)
    assert not to.exists()
    assert [p.name for p in to.parent.iterdir() if p.name.startswith(".")] == []
    assert "\n" not in str(fault.value)
    return str(fault.value)


def test_a_zip_is_read_as_the_folder_it_holds(tmp_path):
    archive = zipped(
        tmp_path / "WE_1.zip",
        {
            "data/Opportunity.csv": HEAD + ROWS,
            "Attachment.csv": "x\n1\n",
            "__MACOSX/._Opportunity.csv": "junk",
        },
    )
    result = import_export("salesforce", archive, tmp_path / "company", at=AT)
    assert (result.rows_in, result.rows_out) == (2, 2)
    assert table(tmp_path / "company")["amount"].tolist() == ["100", "200"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["WE_1.zip", "company"]


@pytest.mark.parametrize(
    "member", ["../Opportunity.csv", "/tmp/Opportunity.csv", "a/../../Opportunity.csv", "..\\Opportunity.csv"]
)
def test_a_zip_whose_member_leads_out_of_it_is_refused(tmp_path, member):
    archive = zipped(tmp_path / "WE_1.zip", {"Opportunity.csv": HEAD + ROWS, member: HEAD})
    assert "leads out of the archive" in refused("salesforce", archive, tmp_path / "company")
    assert not (tmp_path.parent / "Opportunity.csv").exists()


def test_a_zip_with_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("Opportunity.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "WE_1.zip", "w") as made:
        made.writestr(link, "/etc/passwd")
    assert "leads out" in refused("salesforce", tmp_path / "WE_1.zip", tmp_path / "company")


def test_a_zip_larger_than_the_bound_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    archive = zipped(tmp_path / "WE_1.zip", {"Opportunity.csv": HEAD + ROWS * 1000})
    monkeypatch.setattr(files, "MOST_BYTES", 10_000)
    assert "unpacks to" in refused("salesforce", archive, tmp_path / "company")


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"a/Opportunity.csv": HEAD, "b/opportunity.csv": HEAD}, "holds 'opportunity.csv' twice"),
        ({"readme.txt": "none"}, "It holds: readme.txt"),
        ({"Account.csv": "Id\n1\n", "WE/WE_2.ZIP": "PK"}, "holds another zip, 'WE/WE_2.ZIP'"),
    ],
    ids=["two of one name", "nothing the mapping reads", "a zip inside"],
)
def test_a_zip_that_leaves_a_question_open_is_refused(tmp_path, members, told):
    archive = zipped(tmp_path / "WE_1.zip", members)
    assert told in refused("salesforce", archive, tmp_path / "company")


def test_a_zip_that_is_damaged_is_refused(tmp_path):
    archive = zipped(tmp_path / "WE_1.zip", {"Opportunity.csv": HEAD + ROWS * 100})
    whole = archive.read_bytes()
    archive.write_bytes(whole[:80] + b"\0\1\2" + whole[83:])
    assert "cannot be unpacked" in refused("salesforce", archive, tmp_path / "company")
    archive.write_bytes(whole[:50])
    assert "cannot be unpacked" in refused("salesforce", archive, tmp_path / "company")


def test_a_folder_of_zips_is_told_to_give_the_zip(tmp_path):
    folder = export(tmp_path, b"PK", "WE_1.zip")
    assert "give 'WE_1.zip' itself as PATH" in refused("salesforce", folder, tmp_path / "company")


def workbook(path: Path, *, second: bool = False) -> Path:
    """What 'Export to Excel' of Dynamics 365 writes: three hidden columns first, a very hidden sheet."""
    book = Workbook()
    sheet = book.active
    sheet.append(
        ["(Do Not Modify) Opportunity", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On",
         "Topic", "Potential Customer", "Est. Close Date", "Est. Revenue", "Actual Close Date",
         "Actual Revenue", "Probability", "Status", "Owner", "Created On"]
    )  # fmt: skip
    for number, status, close, actual in (
        ("4b1c", "Open", datetime(2025, 12, 15), None),
        ("4b1d", "Won", datetime(2025, 9, 15), datetime(2025, 9, 2)),
    ):
        sheet.append(
            [number, "abc==", datetime(2025, 11, 1, 10, 5), "Widgets", "Acme", close, 12000.5, actual,
             None if actual is None else 7900, 40, status, "Jane", datetime(2025, 6, 1, 9)]
        )  # fmt: skip
    sheet.append([None] * 13)
    for letter in "ABC":
        sheet.column_dimensions[letter].hidden = True
    hidden = book.create_sheet("hiddenSheet")
    hidden.append(["x"])
    hidden.sheet_state = "visible" if second else "veryHidden"
    book.save(path)
    return path


def test_a_dynamics_workbook_is_read_with_its_hidden_columns_and_without_its_hidden_sheet(tmp_path):
    path = workbook(tmp_path / "My Open Opportunities 11-20-2025 9-15-00 AM.xlsx")
    result = import_export("dynamics365", path, tmp_path / "company", at=AT)
    assert (result.rows_in, result.rows_out) == (2, 2)
    deals = table(tmp_path / "company")
    assert deals["recorded_at"].unique().tolist() == ["2025-11-01T10:05:00Z"]
    assert deals["close_date"].to_dict() == {"4b1c": "2025-12-15", "4b1d": "2025-09-02"}
    assert deals["amount"].to_dict() == {"4b1c": "12000.5", "4b1d": "7900"}
    assert deals["probability"].tolist() == ["0.4", "0.4"]


def test_a_blank_id_in_a_dynamics_export_is_made_of_other_columns(tmp_path):
    # The id column is there and one cell of it is blank: that row's id is made, the others keep theirs.
    head = "Opportunity,Created On,Topic,Potential Customer,Owner,Status,Est. revenue,Est. close date\n"
    rows = "X1,2025-01-13,A,Acme,Jo,Open,5,2025-12-01\n,2025-01-14,B,Acme,Jo,Open,6,2025-12-02\n"
    import_export("dynamics365", export(tmp_path, head + rows), tmp_path / "company", at=AT)
    ids = table(tmp_path / "company")["amount"]
    assert ids["X1"] == "5"
    assert len(ids.drop("X1").index[0]) == 16


def test_percent_cells_of_a_workbook_keep_their_meaning(tmp_path):
    book = Workbook()
    book.active.append(["Opportunity", "Topic", "Created On", "Status", "Probability"])
    book.active.append(["X1", "A", datetime(2025, 1, 13), "Open", 0.35])
    book.active["E2"].number_format = "0%"
    book.save(tmp_path / "Opportunities.xlsx")
    import_export("dynamics365", tmp_path / "Opportunities.xlsx", tmp_path / "company", at=AT)
    assert table(tmp_path / "company")["probability"].tolist() == ["0.35"]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda p: workbook(p, second=True), "2 sheets with rows ('Sheet', 'hiddenSheet')"),
        (lambda p: Workbook().save(p) or p, "has no sheet with rows"),
        (lambda p: p.write_bytes(b"no zip") and p, "is no Excel workbook"),
    ],
    ids=["two sheets", "no rows", "no workbook"],
)
def test_a_workbook_that_cannot_be_read_for_certain_is_refused(tmp_path, make, told):
    path = make(tmp_path / "Opportunities.xlsx")
    assert told in refused("dynamics365", path, tmp_path / "company")


def test_an_old_workbook_is_refused_with_what_to_save_it_as(tmp_path):
    folder = export(tmp_path, b"\xd0\xcf\x11\xe0", "Opportunities.xls")
    assert "save it as CSV UTF-8" in refused("dynamics365", folder, tmp_path / "company")


def test_a_tab_separated_file_in_utf_16_is_found_and_read(tmp_path):
    text = (HEAD + ROWS).replace(",", "\t").replace("Two", "Завод")
    import_export(
        "salesforce", export(tmp_path, text.encode("utf-16"), "Opportunity.tsv"), tmp_path / "company", at=AT
    )
    assert table(tmp_path / "company")["name"].tolist() == ["One", "Завод"]


def test_a_salesforce_report_with_its_footer_is_read_and_the_footer_reported(tmp_path):
    report = (
        '"Opportunity ID","Opportunity Name","Stage","Amount","Close Date","Created Date"\n'
        '"006A","One","Closed Won","10,000.00","9/24/2025","3/5/2025"\n'
        '"006B","Two","Negotiation/Review","5,500.00","12/15/2025","8/21/2025"\n\n\n'
        '"Report"\n"Copyright (c) 2000-2025 salesforce.com, inc. All rights reserved."\n"Generated By: Jo"\n'
    )
    result = import_export(
        "salesforce", export(tmp_path, report, "Opportunities.csv"), tmp_path / "company", at=AT
    )
    assert (result.rows_in, result.rows_out) == (5, 2)
    left = result.report[result.report["action"] == "unplaced"]
    assert left["reason"].unique().tolist() == [
        "line has 1 cell, the header has 6; mend the line, if it is no title or footer"
    ]
    deals = table(tmp_path / "company")
    assert deals["amount"].to_dict() == {"006A": "10000", "006B": "5500"}
    # The report carries neither Closed nor Won: the stages that Salesforce ships say it.
    assert deals["is_closed"].to_dict() == {"006A": "true", "006B": "false"}
    assert deals["is_won"].to_dict() == {"006A": "true", "006B": "false"}


def test_a_stage_of_the_companys_own_is_not_guessed_to_be_open(tmp_path):
    report = "Opportunity ID,Stage,Created Date\n006A,Closed Won,2025-01-13\n006B,Signed off,2025-01-14\n"
    result = import_export("salesforce", export(tmp_path, report), tmp_path / "company", at=AT)
    assert table(tmp_path / "company")["is_won"].to_dict() == {"006A": "true", "006B": ""}
    told = result.report.query("column == 'is_won'")
    assert told["reason"].tolist() == ["'Signed off' is no yes or no; the cell is left empty"]


def test_a_file_of_another_name_is_told_how_to_be_named(tmp_path):
    folder = export(tmp_path, HEAD + ROWS, "report1764.csv")
    told = refused("salesforce", folder, tmp_path / "company")
    assert "give its name with --map FILE" in told
    assert told.endswith("It holds: report1764.csv")


def test_a_file_without_the_id_column_is_refused_before_every_row_is_lost(tmp_path):
    folder = export(tmp_path, "Name,Stage,Amount\nOne,Closed Won,100\n")
    told = refused("salesforce", folder, tmp_path / "company")
    assert "no column for opportunities.opportunity_id (read from 'Id', 'Opportunity ID')" in told


def test_two_columns_of_one_name_that_differ_are_refused(tmp_path):
    text = "Id,Name,StageName,Amount,Amount,CreatedDate\n006A,One,Closed Won,100,100,2025-01-13\n"
    folder = export(tmp_path, text + "006B,Two,Prospecting,200,220,2025-01-14\n")
    told = refused("salesforce", folder, tmp_path / "company")
    assert "two columns 'Amount' that differ, first in row 2 ('200' and '220')" in told


def test_two_columns_of_one_name_that_agree_are_one(tmp_path):
    text = "Id,Name,StageName,Amount,Amount,CreatedDate\n006A,One,Closed Won,100,100,2025-01-13\n"
    import_export("salesforce", export(tmp_path, text), tmp_path / "company", at=AT)
    assert table(tmp_path / "company")["amount"].tolist() == ["100"]


DOTTED = "Id,StageName,CloseDate,CreatedDate\n006A,Closed Won,03.04.2025,01.02.2025\n"


@pytest.mark.parametrize(
    ("dates", "made", "closed"),
    [("day_first", "2025-02-01", "2025-04-03"), ("month_first", "2025-01-02", "2025-03-04")],
)
def test_dates_that_no_day_over_12_settles_are_read_as_the_user_says(tmp_path, dates, made, closed):
    import_export("salesforce", export(tmp_path, DOTTED), tmp_path / "company", at=AT, dates=dates)
    deal = table(tmp_path / "company").loc["006A"]
    assert (deal["created_date"], deal["close_date"]) == (made, closed)


def test_the_refusal_of_ambiguous_dates_names_the_option_and_the_map_takes_the_same_words(tmp_path, capsys):
    folder, to = export(tmp_path, DOTTED), tmp_path / "company"
    assert run_command(["import", "salesforce", str(folder), "--to", str(to)]) == 2
    assert "--dates day_first or --dates month_first" in capsys.readouterr().err
    assert run_command(["import", "salesforce", str(folder), "--to", str(to), "--dates", "dmy"]) == 2
    assert "It takes: day_first, month_first" in capsys.readouterr().err
    (tmp_path / "map.yaml").write_text("dates: day_first\n")
    import_export("salesforce", folder, to, mapping=tmp_path / "map.yaml", at=AT)
    assert table(to)["created_date"].tolist() == ["2025-02-01"]


def test_dates_that_contradict_what_the_user_says_are_refused(tmp_path):
    folder = export(tmp_path, DOTTED.replace("03.04.2025", "12.25.2025"))
    told = refused("salesforce", folder, tmp_path / "company", dates="day_first")
    assert "declared dmy, but 1 dates can only be mdy; correct --dates" in told


def test_amounts_without_a_currency_are_in_the_one_the_map_names(tmp_path):
    # The company reports in USD; the map says the export's amounts are in EUR: never 1 to 1.
    folder = export(tmp_path, HEAD + ROWS)
    (folder / "DatedConversionRate.csv").write_text(
        "IsoCode,StartDate,ConversionRate\nEUR,2025-01-13,0.5\nEUR,2025-02-28,0.5\nEUR,2025-12-01,0.5\n"
    )
    given = tmp_path / "map.yaml"
    given.write_text("currency: EUR\ncompany: {reporting_currency: USD}\n")
    import_export("salesforce", folder, tmp_path / "company", mapping=given, at=AT)
    deals = table(tmp_path / "company")
    assert deals["currency"].unique().tolist() == ["EUR"]
    assert deals["amount_base"]["006A"] == "200"


def test_a_company_made_by_an_import_reports_in_the_currency_the_map_names(tmp_path):
    (tmp_path / "map.yaml").write_text("currency: EUR\n")
    folder = export(tmp_path, HEAD + ROWS)
    import_export("salesforce", folder, tmp_path / "company", mapping=tmp_path / "map.yaml", at=AT)
    assert "reporting_currency: EUR" in (tmp_path / "company" / "company.yaml").read_text()
    assert table(tmp_path / "company")["amount_base"].tolist() == ["100", "200"]
