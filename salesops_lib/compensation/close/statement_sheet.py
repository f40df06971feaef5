"""Statements as Excel: the same lines, rows and sums as the page, no formula made from data."""

from __future__ import annotations

import re
from decimal import Decimal
from io import BytesIO

from salesops_lib.compensation.close.payslip import Statement

_WIDTHS = {"A": 22, "B": 12, "C": 34, "D": 16, "E": 24, "F": 22, "G": 8, "H": 60, "I": 16}
_SHEETS = {
    "Lines": "lines", "Deals": "deals", "Measures": "measures", "Counted": "counted", "Held": "held",
    "Plan": "terms",
}  # fmt: skip
_FIGURES = {"value", "weight", "quota", "attainment", "converted", "yearly"}
_PLAIN = re.compile(r"-?[\d,]+(\.\d+)?")


def statement_workbook(company: str, statement: Statement) -> bytes:
    """One payee's workbook: sheet *Statement* with the sums, *Lines* with every line, and what they rest on.

    *Deals*, *Measures*, *Counted* (the rows behind lines that name no deal, each measure's sum last), *Held*
    and *Plan* have what the page has under these heads; a sheet without rows is left out. Texts that look
    like formulas stay text. Amounts are numbers with two decimals; figures of measures are numbers, or text
    with ≈ where they do not end.
    """
    from openpyxl import Workbook

    book = Workbook()
    first = book.active
    first.title = "Statement"
    s = statement
    head = [(company, s.status), ("Statement", s.period), (s.name, s.rep_id), ("Data as known on", s.as_of)]
    for row in [*head, ("", s.currency), *s.moves, ("Paid", s.paid), *s.balances, *s.year]:
        _append(first, row)
    for title, part in _SHEETS.items():
        frame = getattr(s, part)
        if title == "Lines" or len(frame):
            _fill(book.create_sheet(title), frame)
    for letter, width in _WIDTHS.items():
        book["Lines"].column_dimensions[letter].width = width
    first.column_dimensions["A"].width, first.column_dimensions["B"].width = 44, 22
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _fill(sheet, frame) -> None:
    names = list(frame.columns)
    _append(sheet, tuple(names))
    for row in frame.itertuples(index=False):
        _append(sheet, tuple(_figure(v) if n in _FIGURES else v for n, v in zip(names, row, strict=True)))
    for number in range(len(names)):
        sheet.column_dimensions[chr(ord("A") + number)].width = 20
    sheet.freeze_panes, sheet.auto_filter.ref = "A2", sheet.dimensions


def _figure(value):
    """An exact figure as int or float; what Excel could not hold whole stays text."""
    if not isinstance(value, str) or not _PLAIN.fullmatch(value):
        return value
    exact = Decimal(value.replace(",", ""))
    return float(exact) if Decimal(repr(float(exact))) == exact else value


def _append(sheet, values: tuple) -> None:
    row = sheet.max_row + (1 if sheet.max_row > 1 or sheet["A1"].value is not None else 0)
    for column, value in enumerate(values, 1):
        cell = sheet.cell(row=row, column=column)
        if isinstance(value, Decimal):
            cell.value, cell.number_format = value, "#,##0.00"
        elif isinstance(value, float) and value == value:
            cell.value = value
        else:
            cell.value = "" if value is None or value != value else str(value)
            cell.data_type = "s"
