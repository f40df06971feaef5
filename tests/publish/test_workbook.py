from datetime import date, datetime

import openpyxl
import pandas as pd
import pytest

from salesops_lib.core.contracts import Column, Table
from salesops_lib.publish.rendering.workbook import read_table, write_xlsx


@pytest.fixture
def folder(made, tmp_path):
    return made.bundle(tmp_path, date(2025, 12, 12), render=False)


def sheets(path):
    return openpyxl.load_workbook(path)


def test_no_cell_of_any_sheet_is_a_formula_or_a_link(folder):
    book = sheets(write_xlsx(folder))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert len(cells) > 100
    assert not [c.value for c in cells if c.data_type == "f" or c.hyperlink]


def test_a_formula_like_name_stands_as_it_was_in_the_data(folder, made):
    sheet = sheets(write_xlsx(folder))["made_attainment"]
    assert [row[0].value for row in sheet.iter_rows(min_row=2, max_row=8)] == list(made.hostile)


def test_numbers_dates_and_missing_cells_keep_their_types_and_formats(folder):
    sheet = sheets(write_xlsx(folder))["made_attainment"]
    head = [cell.value for cell in sheet[1]]
    assert head == ["holder_id", "period", "quota_base", "attainment", "start_date", "deals"]
    assert sheet["C2"].value is None and sheet["D2"].value is None
    assert sheet["C3"].value == pytest.approx(112_345.5)
    assert sheet["D3"].value == pytest.approx(0.35) and sheet["D3"].number_format == "0.0%"
    assert sheet["E3"].value == datetime(2024, 2, 1) and sheet["E3"].number_format == "yyyy-mm-dd"
    assert sheet["F3"].value == 1


def test_headers_are_frozen_and_filtered(folder):
    sheet = sheets(write_xlsx(folder))["made_attainment"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:F22"


def test_the_summary_has_the_headline_and_every_finding_act_first(folder, made):
    sheet = sheets(write_xlsx(folder))["Summary"]
    first = [row[0].value for row in sheet.iter_rows()]
    assert "Company attainment" in first
    severities = [s for s in first if s in {"Act", "Watch", "Unknown", "OK"}]
    assert severities == ["Act"] * 8 + ["Watch", "Unknown", "OK"]
    values = {row[1].value: row[4].value for row in sheet.iter_rows() if row[0].value == "Unknown"}
    assert values == {"New hires behind the ramp": "not known"}


def test_the_columns_sheet_says_what_a_row_is_and_the_unit_of_money(folder):
    rows = list(sheets(write_xlsx(folder))["Columns"].values)
    assert (
        "made_attainment",
        "made_attainment",
        "holder × period",
        "21",
        "quota_base",
        "USD",
        "Quota, prorated",
    ) in rows


def test_a_written_table_reads_back_as_it_was(made, tmp_path):
    table = Table(
        "t", "row", ("a",), (Column("a", "text", "a"), Column("b", "bool", "b"), Column("c", "datetime", "c"))
    )
    (tmp_path / "t.csv").write_text("a,b,c\n'=1+1,True,2025-01-02T03:04:05Z\n,,\n007,False,\n")
    back = read_table(tmp_path / "t.csv", [{"name": c.name, "kind": c.kind} for c in table.columns])
    assert back["a"].tolist() == ["=1+1", None, "007"]
    assert back["b"].tolist()[::2] == [True, False] and pd.isna(back["b"][1])
    assert back["c"][0] == pd.Timestamp("2025-01-02T03:04:05Z") and pd.isna(back["c"][2])


def test_long_table_names_get_sheet_names_excel_takes(made, tmp_path):
    import json

    folder = made.bundle(tmp_path, date(2025, 12, 12), render=False)
    manifest = json.loads((folder / "manifest.json").read_text())
    source = folder / "tables" / "made_attainment.csv"
    for name in ["x" * 40, "x" * 41, "Summary"]:
        manifest["tables"][name] = manifest["tables"]["made_attainment"]
        (folder / "tables" / f"{name}.csv").write_text(source.read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest))
    names = sheets(write_xlsx(folder)).sheetnames
    assert names == ["Summary", "Columns", "made_attainment", "x" * 31, "x" * 29 + "_2", "Summary_2"]
