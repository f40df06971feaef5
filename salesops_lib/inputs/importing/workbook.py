"""An Excel workbook's sheet as CSV text: dates as ISO, numbers in full, percent with its sign."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from salesops_lib.inputs.importing.files import DAMAGED
from salesops_lib.inputs.importing.mapping import MappingError

MOST_BYTES = 4 << 30  # of the workbook's parts, unpacked
WHOLE = 1e15  # whole numbers up to here are exact


def as_csv(path: Path, target: Path) -> Path:
    """Write the one visible sheet that has rows to ``target``; blank rows at its end are left out.

    Hidden sheets are not read; hidden columns are. Raises MappingError for what is no workbook, for one with
    two sheets that have rows, and for one that unpacks to more than 4 GB.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(path) as parts:
            size = sum(part.file_size for part in parts.infolist())
        if size > MOST_BYTES:
            raise MappingError(f"file '{path.name}' unpacks to {size / 1e9:,.1f} GB; export it as CSV")
        book = load_workbook(path, read_only=True, data_only=True)
    except (*DAMAGED, InvalidFileException, KeyError, ValueError, SyntaxError):
        raise MappingError(
            f"file '{path.name}' is no Excel workbook that can be read; save it as CSV UTF-8"
        ) from None
    try:
        _write(_rows(_sheet(book, path.name)), target)
    except (*DAMAGED, KeyError, ValueError, SyntaxError):  # an XML error is a SyntaxError
        raise MappingError(f"file '{path.name}' is damaged; open it, and save it as CSV UTF-8") from None
    finally:
        book.close()
    return target


def _sheet(book: Any, name: str) -> Any:
    visible = [s for s in book.worksheets if s.sheet_state == "visible"]
    filled = [s for s in visible if any(any(row) for row in s.iter_rows(max_row=2, values_only=True))]
    if len(filled) > 1:
        titles = ", ".join(f"'{s.title}'" for s in filled)
        raise MappingError(
            f"file '{name}' has {len(filled)} sheets with rows ({titles}); save the one to read as CSV UTF-8"
        )
    if not filled:
        raise MappingError(f"file '{name}' has no sheet with rows; export it again")
    return filled[0]


def _rows(sheet: Any) -> Iterator[list[str]]:
    sheet.reset_dimensions()  # what a file says of its own size is often wrong
    for cells in sheet.iter_rows():
        yield [_text(cell) for cell in cells]


def _write(rows: Iterator[list[str]], target: Path) -> None:
    """Rows as CSV, all as wide as the widest so far; blank ones only where more follow."""
    width = blank = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for cells in rows:
            while cells and not cells[-1]:
                cells.pop()
            if not cells:
                blank += 1
                continue
            width = width or len(cells)
            writer.writerows([[""] * width] * blank)
            blank = 0
            writer.writerow([*cells, *[""] * (width - len(cells))])


def _text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, int | float):
        percent = "%" in (cell.number_format or "")
        number = round(value * 100, 10) if percent else value
        whole = isinstance(number, float) and number.is_integer() and abs(number) < WHOLE
        return f"{int(number) if whole else number!r}{'%' if percent else ''}"
    return str(value)
