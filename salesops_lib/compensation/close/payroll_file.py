"""What payroll imports of a posted period: amounts by payee and code, in the vendor's columns."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO

import pandas as pd

from salesops_lib.compensation.close.books import Books
from salesops_lib.compensation.close.closed import names_of
from salesops_lib.compensation.close.codes import CODES
from salesops_lib.compensation.close.draft import CloseError
from salesops_lib.compensation.close.payroll_layout import OWN, Layout
from salesops_lib.core.errors import ParameterError, TableError, nearest
from salesops_lib.core.money import to_decimal


@dataclass(frozen=True)
class PayrollFile:
    """The file's bytes, its rows, and what it comes to: currency → whole cents."""

    content: bytes
    rows: int
    sums: dict[str, int]


def payroll_of(
    books: Books, period: str, snapshot, layout: Layout, people: pd.DataFrame | None = None
) -> PayrollFile:
    """The payroll file of a closed period.

    Parameters
    ----------
    books
        The ledger; only what is posted is paid.
    snapshot
        ``company`` with its calendar, and the table ``reps`` for names.
    people
        ``rep_id`` and what the vendor knows people by, where the layout names a file; ``row`` for messages.

    Raises
    ------
    CloseError
        The period is not posted. ParameterError: a column from nowhere, a code that there is none of.
        TableError: a payee whom ``people`` has not, twice, or without a value.
    """
    if period not in books.postings:
        raise CloseError(
            f"{period} is not posted, and payroll pays what is posted; closed last: {books.last or 'none'}"
        )
    extra = _people(people, layout)
    _refuse_layout(layout, extra)
    sums = amounts(books.lines[books.lines["closes"] == period], layout.a_row)
    names, (start, end) = names_of(snapshot.frame("reps")), snapshot.company.calendar.bounds(period)
    days = {
        "period_start": start.strftime(layout.days),
        "period_end": (end - timedelta(days=1)).strftime(layout.days),
    }
    out = StringIO()
    writer = csv.writer(out, delimiter=layout.delimiter, lineterminator="\r\n")
    if layout.header:
        writer.writerow([c.name for c in layout.columns])
    for row in sums.to_dict("records"):
        rep = row["rep_id"]
        facts = row | days | {"period": period, "name": names.get(rep, rep)}
        facts["code"] = layout.codes.get(row["code"], row["code"])
        facts["amount"] = f"{to_decimal(row['cents']):.2f}".replace(".", layout.decimal)
        facts |= _known(extra, rep, layout)
        writer.writerow([c.text if c.from_ is None else facts[c.from_] for c in layout.columns])
    totals = {c: int(v) for c, v in sums.groupby("currency")["cents"].sum().items()}
    return PayrollFile(_encoded(out.getvalue(), layout), len(sums), totals)


def amounts(lines: pd.DataFrame, a_row: str = "code") -> pd.DataFrame:
    """``rep_id``, ``code``, ``currency``, ``cents``: lines summed by payee and code, without zeros."""
    code = lines["kind"].map(CODES) if a_row == "code" else "PAY"
    sums = lines.assign(code=code).groupby(["rep_id", "code", "currency"], as_index=False)["cents"].sum()
    return sums[sums["cents"] != 0].reset_index(drop=True)


def _people(people: pd.DataFrame | None, layout: Layout) -> dict[str, dict] | None:
    if people is None:
        return None
    if "rep_id" not in people:
        raise TableError(
            f"{layout.people} has no column rep_id. It has: {', '.join(c for c in people if c != 'row')}"
        )
    twice = people[people["rep_id"].duplicated()]
    if len(twice):
        row = twice.iloc[0]
        raise TableError(f"{layout.people}, line {row['row']}: {row['rep_id']} stands twice; keep one")
    return people.drop(columns="row").set_index("rep_id").to_dict("index")


def _refuse_layout(layout: Layout, extra: dict[str, dict] | None) -> None:
    more = list(next(iter(extra.values()))) if extra else []
    for column in layout.columns:
        if column.from_ is not None and column.from_ not in (*OWN, *more):
            raise ParameterError(
                f"payroll column {column.name}: there is no '{column.from_}'. "
                f"{nearest(column.from_, [*OWN, *more])}"
            )
    known = sorted({*CODES.values(), "PAY"})
    for code in layout.codes:
        if code not in known:
            raise ParameterError(f"payroll codes: there is no '{code}'. {nearest(code, known)}")


def _known(extra: dict[str, dict] | None, rep: str, layout: Layout) -> dict:
    """The columns of ``people`` that the layout uses, of one payee."""
    if extra is None:
        return {}
    if rep not in extra:
        raise TableError(f"{layout.people} has no {rep}, who is paid; add a row")
    used = {c.from_ for c in layout.columns} & set(extra[rep])
    lost = sorted(c for c in used if extra[rep][c] is None)
    if lost:
        raise TableError(f"{layout.people} has no {lost[0]} of {rep}; fill it in")
    return {c: extra[rep][c] for c in used}


def _encoded(text: str, layout: Layout) -> bytes:
    try:
        return text.encode(layout.encoding)
    except UnicodeEncodeError as fault:
        raise ParameterError(
            f"payroll: {layout.encoding} has no {text[fault.start]!r}; use encoding: utf-8"
        ) from None
