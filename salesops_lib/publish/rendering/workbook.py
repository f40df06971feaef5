"""A bundle as ``report.xlsx`` for people who work on the numbers: values only, no formula from data."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from salesops_lib.publish.bundle import read_findings
from salesops_lib.publish.formatting import csv_plain, finding_texts

ROWS = 1_000_000  # a sheet holds 1,048,576
_LONGEST_TEXT = 32_767
_LONGEST_LINK, _LINKS = 2_000, 60_000  # a sheet holds 65,530 links of 2,079 characters
_ADDRESS = re.compile(r"https?://[^\s\x00-\x1f\"<>]+")
_FORMATS = {
    "money": "#,##0.00",
    "number": "#,##0.00",
    "ratio": "0.0%",
    "count": "#,##0",
    "days": "#,##0.0",
    "date": "yyyy-mm-dd",
    "datetime": "yyyy-mm-dd hh:mm",
}
_FINDING_COLUMNS = {
    "word": ("Severity", 10),
    "title": ("Finding", 34),
    "scope": ("Scope", 24),
    "statement": ("Statement", 60),
    "value": ("Value", 14),
    "range": ("Range", 24),
    "limit": ("Limit", 18),
    "n": ("n", 10),
    "stake": ("At stake", 18),
    "step": ("Next step", 60),
    "owner": ("Owner", 24),
    "due": ("Due", 12),
    "code": ("Code", 18),
    "playbook": ("Playbook", 44),
}


def write_xlsx(folder: Path) -> Path:
    """Write ``report.xlsx`` into the bundle ``folder`` from its manifest, findings and ``tables/*.csv``.

    Sheets: Summary (headline and findings), Columns (what every table and column is), then one per table with
    a frozen header, a filter and number formats by kind. Tables are cut at ``ROWS`` rows, which Columns says.
    Text is written as text, so ``=…`` stays what it is; web addresses of a column ``link`` can be clicked.
    Returns the path.
    """
    import xlsxwriter

    folder = Path(folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    path = folder / "report.xlsx"
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(path, options) as book:
        book.set_properties(
            {"created": datetime.fromisoformat(manifest["as_of"]), "title": manifest["notebook"]}
        )
        styles = _styles(book)
        _summary(book, styles, manifest, folder)
        names = _sheet_names(list(manifest["tables"]))
        _columns(book, styles, manifest, names)
        for table, entry in manifest["tables"].items():
            cells = read_table(folder / "tables" / f"{table}.csv", entry["columns"])
            _table(book.add_worksheet(names[table]), styles, cells, entry["columns"])
    return path


def read_table(path: Path, columns: Sequence[Mapping]) -> dict[str, list]:
    """A table of a bundle read back: per column its cells, None where empty, formula guards undone.

    Cells are text, bool, float or datetime (a moment in UTC) by kind; ``columns`` are those of the manifest:
    ``name`` and ``kind`` each. No frame is made: for the few thousand cells of a report that took longer than
    the rest of its workbook. Raises ValueError where a cell is not of its kind.
    """
    with Path(path).open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    cells = {}
    for column in columns:
        place, read = head.index(column["name"]), _READ.get(column["kind"], float)
        cells[column["name"]] = [read(row[place]) if row[place] else None for row in rows]
    return cells


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


_READ = {
    "text": csv_plain,
    "bool": {"True": True, "False": False}.__getitem__,
    "date": datetime.fromisoformat,
    "datetime": _moment,
}


def _styles(book) -> dict:
    head = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#EEF1F5"}
    return {
        "title": book.add_format({"bold": True, "font_size": 16}),
        "section": book.add_format({"bold": True, "font_size": 12}),
        "head": book.add_format(head),
        "right": book.add_format(head | {"align": "right"}),
        "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
        "value": book.add_format({"bold": True}),
        **{kind: book.add_format({"num_format": code}) for kind, code in _FORMATS.items()},
    }


def _summary(book, styles: dict, manifest: Mapping, folder: Path) -> None:
    sheet = book.add_worksheet("Summary")
    sheet.hide_gridlines(2)
    sheet.write_string(0, 0, _text(manifest["notebook"].replace("_", " ").capitalize()), styles["title"])
    about = f"{manifest['company']} · {manifest['period']} · data as of {manifest['as_of']}"
    sheet.write_string(1, 0, _text(about))
    row = 3
    for figure in manifest["headline"]:
        sheet.write_string(row, 0, _text(figure["label"]))
        sheet.write_string(row, 1, _text(figure["value"]), styles["value"])
        sheet.write_string(row, 2, _text(" · ".join(filter(None, [figure["range"], figure["note"]]))))
        row += 1
    row = _findings(sheet, row + 1, styles, manifest, folder)
    if manifest["limits"]:
        sheet.write_string(row, 0, "What could not be told", styles["section"])
        for i, limit in enumerate(manifest["limits"], start=row + 1):
            sheet.write_string(i, 0, _text(limit))


def _findings(sheet, row: int, styles: dict, manifest: Mapping, folder: Path) -> int:
    """The findings as rows of text; returns the row after the next blank one."""
    sheet.write_string(row, 0, "Findings", styles["section"])
    for column, (name, width) in enumerate(_FINDING_COLUMNS.values()):
        sheet.set_column(column, column, width)
        sheet.write_string(row + 1, column, name, styles["head"])
    row += 2
    for finding in read_findings(folder):
        texts = finding_texts(finding, manifest["currency"])
        for column, part in enumerate(_FINDING_COLUMNS):
            sheet.write_string(row, column, _text(texts[part]), styles["wrap"])
        row += 1
    return row + 1


def _columns(book, styles: dict, manifest: Mapping, names: Mapping[str, str]) -> None:
    sheet = book.add_worksheet("Columns")
    heads = [
        ("Sheet", 28),
        ("Table", 28),
        ("One row is", 28),
        ("Rows", 14),
        ("Column", 24),
        ("Unit", 12),
        ("Meaning", 70),
    ]
    for i, (name, width) in enumerate(heads):
        sheet.set_column(i, i, width)
        sheet.write_string(0, i, name, styles["head"])
    row = 1
    for table, entry in manifest["tables"].items():
        kept = f"{entry['rows']:,}" if entry["rows"] <= ROWS else f"first {ROWS:,} of {entry['rows']:,}"
        for column in entry["columns"]:
            unit = manifest["currency"] if column["kind"] == "money" else column["kind"]
            cells = [names[table], table, entry["grain"], kept, column["name"], unit, column["meaning"]]
            for i, cell in enumerate(cells):
                sheet.write_string(row, i, _text(cell))
            row += 1
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(row - 1, 1), len(heads) - 1)


def _table(sheet, styles: dict, table: Mapping[str, list], columns: Sequence[Mapping]) -> None:
    rows = 0
    for i, column in enumerate(columns):
        kind, name = column["kind"], column["name"]
        is_number = kind in {"money", "number", "ratio", "count", "days"}
        cells = table[name][:ROWS]
        rows = len(cells)
        sheet.write_string(0, i, name, styles["right" if is_number else "head"])
        sheet.set_column(i, i, _width(name, cells, kind))
        for row, cell in enumerate(cells, start=1):
            if name == "link" and row <= _LINKS and _is_address(cell):
                sheet.write_url(row, i, cell, string=_text(cell))
            elif cell is not None:
                _cell(sheet, row, i, cell, styles.get(kind))
    sheet.freeze_panes(1, 0)
    if columns:
        sheet.autofilter(0, 0, max(rows, 1), len(columns) - 1)


def _cell(sheet, row: int, column: int, value, style) -> None:
    if isinstance(value, str):
        sheet.write_string(row, column, _text(value))
    elif isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value.replace(tzinfo=None), style)
    elif math.isfinite(value):
        sheet.write_number(row, column, value, style)


def _is_address(value) -> bool:
    """Whether a cell of a column ``link`` is a web address to click: from the company's own template."""
    return isinstance(value, str) and len(value) <= _LONGEST_LINK and bool(_ADDRESS.fullmatch(value))


def _width(name: str, cells: list, kind: str) -> float:
    if kind in {"date", "datetime"}:
        return 18 if kind == "datetime" else 12
    longest = max((len(str(c)) for c in cells[:500] if isinstance(c, str)), default=12)
    return min(max(len(name) + 3, longest + 2, 10), 60)


def _sheet_names(tables: Sequence[str]) -> dict[str, str]:
    """Unique sheet names of at most 31 characters, none of them Excel's or ours."""
    names: dict[str, str] = {}
    taken = {"summary", "columns", "history"}
    for table in tables:
        base = re.sub(r"[\[\]:*?/\\']", "_", table)[:31]
        name, i = base, 2
        while name.lower() in taken:
            name, i = f"{base[: 31 - len(str(i)) - 1]}_{i}", i + 1
        taken.add(name.lower())
        names[table] = name
    return names


def _text(value: str) -> str:
    return value[:_LONGEST_TEXT]
