"""Submitted forecasts: the table ``forecast_submissions`` and the ledger of the same name, read as one.

The table is what a CRM export holds. The ledger is what ``salesops forecast submit`` writes; it also knows
when an entry was recorded, so that an entry made later, whatever day it names, changes no earlier report.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from salesops_lib.core.errors import ParameterError
from salesops_lib.inputs import ledger as ledgers
from salesops_lib.inputs.ledger import Ledger

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from salesops_lib.inputs.company import Company
    from salesops_lib.inputs.load import Snapshot

TABLE = "forecast_submissions"
HEADER_ROWS = 1
MOST_ROWS = 100_000


def ledger_of(company: Company) -> Ledger:
    """The company's ledger of submissions, verified; empty where there is none."""
    return ledgers.read_ledger(company.root, TABLE)


def ledger_day(company: Company) -> date | None:
    """The company's day on which the ledger was last written; None where it is empty."""
    entries = ledger_of(company).entries
    if not entries:
        return None
    return pd.Timestamp(ledgers.recorded(entries[-1]), tz="UTC").tz_convert(company.time_zone).date()


def with_ledger(snapshot: Snapshot, stored: ir.Table | None) -> ir.Table:
    """The stored table as known on the day, and below it the ledger's entries known then.

    An entry that a later one corrects is left out from the day on which the correction was recorded.
    """
    import pyarrow as pa

    from salesops_lib.inputs.tables import TABLES
    from salesops_lib.inputs.warehouse import typed

    contract = TABLES[TABLE]
    entries = standing(snapshot.ledger)
    texts = {
        c.name: pa.array([_text(e.get(c.name), c.kind) for e in entries], pa.string())
        for c in contract.columns
    }
    given = typed(snapshot.warehouse.connection.create_table("ledger_submissions", pa.table(texts)), contract)
    return given if stored is None else stored.union(given.cast(stored.schema()))


def standing(ledger: Ledger) -> list[dict[str, Any]]:
    """The entries of a ledger that no later one of it corrects."""
    void = {e["corrects"] for e in ledger.entries if e.get("corrects")}
    return [e for e in ledger.entries if e["entry"] not in void]


def _text(value: Any, kind: str) -> str | None:
    """A cell of an entry as a stored table would hold it."""
    if value is None:
        return None
    return str(value).removesuffix("Z") if kind == "datetime" else str(value)


def read_spreadsheet(path: Path) -> list[dict[str, Any]]:
    """Rows of a CSV or XLSX file: ``row``, as the sheet counts it, and the cells by lower-case header.

    Blank rows are left out, blank cells are None. Texts are stripped, dates of XLSX are ISO texts, its
    numbers stay numbers. Raises ParameterError for a file that is no such spreadsheet.
    """
    if not path.is_file():
        raise ParameterError(f"there is no file '{path}'; name a .csv or .xlsx file")
    readers = {".csv": _csv_rows, ".xlsx": _xlsx_rows}
    if path.suffix.lower() not in readers:
        raise ParameterError(f"'{path.name}' is neither .csv nor .xlsx; save the sheet as one of them")
    rows = readers[path.suffix.lower()](path)
    header = [str(cell or "").strip().lower() for cell in next(rows, [])]
    named = [h for h in header if h]
    if not named or len(set(named)) < len(named):
        raise ParameterError(f"'{path.name}' needs one row of headers first, each of them once")
    made = []
    for number, cells in enumerate(rows, HEADER_ROWS + 1):
        values = [c.strip() if isinstance(c, str) else c for c in cells]
        values = [None if v == "" else v for v in values]
        if any(v is not None for v in values[len(header) :]):
            raise ParameterError(f"'{path.name}', row {number}: more cells than headers")
        if any(v is not None for v in values):
            padded = [*values, *[None] * (len(header) - len(values))]
            made.append({"row": number} | {h: v for h, v in zip(header, padded, strict=False) if h})
        if len(made) > MOST_ROWS:
            raise ParameterError(f"'{path.name}' has over {MOST_ROWS:,} rows; submit it in parts")
    return made


def _csv_rows(path: Path) -> Iterator[list[Any]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ParameterError(f"'{path.name}' is not UTF-8; save it as CSV UTF-8") from None
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    try:
        yield from list(csv.reader(text.splitlines(), delimiter=delimiter, strict=True))
    except csv.Error as fault:
        raise ParameterError(f"'{path.name}' is no CSV: {fault}") from None


def _xlsx_rows(path: Path) -> Iterator[list[Any]]:
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError):
        raise ParameterError(f"'{path.name}' is no XLSX workbook; save it again as one") from None
    try:
        for cells in book.worksheets[0].iter_rows(values_only=True):
            yield [c.isoformat() if isinstance(c, date | datetime) else c for c in cells]
    finally:
        book.close()
