"""Statements as Excel: the same lines and sums as the page, no formula made from data."""

from __future__ import annotations

from io import BytesIO

from salesops_lib.compensation.close.payslip import Statement

_WIDTHS = {"A": 22, "B": 12, "C": 34, "D": 16, "E": 24, "F": 22, "G": 8, "H": 60, "I": 16}


def statement_workbook(company: str, statement: Statement) -> bytes:
    """One payee's workbook: sheet *Statement* with the sums, sheet *Lines* with every line.

    Texts that look like formulas stay text. Amounts are numbers with two decimals.
    """
    from openpyxl import Workbook

    book = Workbook()
    first = book.active
    first.title = "Statement"
    s = statement
    head = [(company, s.status), ("Statement", s.period), (s.name, s.rep_id), ("Data as known on", s.as_of)]
    for row in [*head, ("", s.currency), *s.moves, ("Paid", s.paid), *s.balances, *s.year]:
        _append(first, row)
    lines = book.create_sheet("Lines")
    _append(lines, tuple(s.lines.columns))
    for row in s.lines.itertuples(index=False):
        _append(lines, tuple(row))
    for letter, width in _WIDTHS.items():
        lines.column_dimensions[letter].width = width
    first.column_dimensions["A"].width, first.column_dimensions["B"].width = 44, 22
    lines.freeze_panes, lines.auto_filter.ref = "A2", lines.dimensions
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _append(sheet, values: tuple) -> None:
    from decimal import Decimal

    row = sheet.max_row + (1 if sheet.max_row > 1 or sheet["A1"].value is not None else 0)
    for column, value in enumerate(values, 1):
        cell = sheet.cell(row=row, column=column)
        if isinstance(value, Decimal):
            cell.value, cell.number_format = value, "#,##0.00"
        else:
            cell.value = str(value)
            cell.data_type = "s"
