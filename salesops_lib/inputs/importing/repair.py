"""Damage that the text itself shows: a wrong encoding, a date made by Excel, a sentinel."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from salesops_lib.core.contracts import Table
from salesops_lib.inputs.importing.cells import MONTHS, quoted
from salesops_lib.inputs.importing.mapping import ColumnMap, TableMap
from salesops_lib.inputs.importing.reading import Source
from salesops_lib.inputs.importing.report import report_rows, row_id

DAMAGE = {  # form: a cheap test that rules most cells out by their first letters, and what to say
    f"\\d{{1,2}}-({MONTHS})": (
        "(\"{0}\" LIKE '_-___' OR \"{0}\" LIKE '__-___')",
        "looks like text that Excel made a date (01-May for 1-5); "
        "declare 'excel_text: dmy' or 'mdy' for the column to undo it",
    ),
    "\\d(\\.\\d+)?E\\+\\d+": (
        "(\"{0}\" LIKE '_E+%' OR \"{0}\" LIKE '_.%E+%')",
        "looks like an id that Excel made a number; its digits are lost, export it again as text",
    ),
}


def mend_mojibake(con, table: str, source: Source, part: TableMap) -> None:
    """``CafÃ©`` is ``Café`` in UTF-8 read as cp1252: put back, where the bytes say so, and reported."""
    read = [c for spec in part.columns.values() for c in read_columns(spec, source)]
    for name in (n for n in dict.fromkeys(read) if n in source.beyond_ascii):
        sign = " OR ".join(f"contains(\"{name}\", '{mark}')" for mark in ("Ã", "Â", "â€"))
        rows = con.execute(f'SELECT DISTINCT "{name}" FROM "{source.table}" WHERE {sign}').fetchall()
        mended = {text: fixed for (text,) in rows if (fixed := _once_more(text)) is not None}
        if not mended:
            continue
        con.execute("CREATE OR REPLACE TEMP TABLE mended (old VARCHAR, new VARCHAR)")
        con.executemany("INSERT INTO mended VALUES (?, ?)", list(mended.items()))
        con.execute(
            f"INSERT INTO report SELECT {quoted(table)}, {quoted(source.file)}, "
            f"{source.number}, NULL, 'repaired', "
            f"'text was UTF-8 read as cp1252; put back', {quoted(name)}, old, NULL "
            f'FROM "{source.table}" JOIN mended ON "{name}" = old'
        )
        con.execute(
            f'UPDATE "{source.table}" SET "{name}" = mended.new FROM mended WHERE "{name}" = mended.old'
        )
        source.facts.forget()


def read_columns(spec: ColumnMap, source: Source) -> list[str]:
    """Every column of the file that a mapped column reads."""
    return [n for n in asked_columns(spec) if n in source.columns]


def asked_columns(spec: ColumnMap) -> list[str]:
    """Every column that a mapped column would read if the file had it."""
    names = [*(spec.from_ or []), *(spec.compose or []), *spec.tie, *(spec.join or [])]
    for nested in [*(spec.first or []), *(c.then for c in spec.when or []), spec.otherwise, spec.period_of]:
        if nested is not None:
            names += asked_columns(nested)
    return names


def _once_more(text: str) -> str | None:
    try:
        fixed = text.encode("cp1252").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None
    return fixed if fixed != text else None


@dataclass(frozen=True)
class Converted:
    """One source file of a table after conversion: ``part`` is the DuckDB table that holds it."""

    con: duckdb.DuckDBPyConnection
    table: Table
    source: Source
    part: str


def report_sentinels(found: Converted, sentinels: list) -> None:
    """One line for each cell the mapping declares to mean missing."""
    for column, name, words in sentinels:
        listed = ", ".join(quoted(w) for w in words if w)
        if listed:
            where = f'trim("{name}") IN ({listed})'
            reason = "the mapping says this text means missing"
            _cells(found, "repaired", reason, column, name, where)


def damage(damaged: list) -> list[tuple[str, tuple]]:
    """For each text column and form of damage: whether any cell looks like it (SQL), and what to report."""
    return [
        (f"bool_or({guard.format(name)})", (column, name, order, form, reason, guard.format(name)))
        for column, name, order in damaged
        for form, (guard, reason) in DAMAGE.items()
    ]


def report_damaged(found: Converted, damaged: list) -> None:
    """Excel's dates and numbers in text columns: undone where the mapping says how, else named."""
    asked = damage(damaged)
    met = found.source.facts.get(*(test for test, _ in asked))
    for (_, (column, name, order, form, reason, guard)), there in zip(asked, met, strict=True):
        if not there:
            continue
        where = f"{guard} AND regexp_full_match(\"{name}\", '{form}')"
        if order and "-" in form:
            why = f"Excel's date put back to text ({order})"
            _cells(found, "repaired", why, column, name, where)
        else:
            _cells(found, "ambiguous", reason, column, name, where)


def report_recoded(con, table: str, source: Source) -> None:
    """Lines of a file that were not UTF-8, read as cp1252."""
    if source.recoded:
        con.executemany(
            "INSERT INTO report VALUES (?, ?, ?, NULL, 'repaired', 'line is not UTF-8; read as "
            "cp1252', NULL, NULL, NULL)",
            [(table, source.file, row) for row in source.recoded],
        )


def _cells(found: Converted, action: str, reason: str, column: str, name: str, where: str) -> None:
    table, source = found.table, found.source
    raw = f'SELECT {source.number} AS n, "{name}" AS v FROM "{source.table}" WHERE {where}'
    said = f"{quoted(action)}, {quoted(reason)}, {quoted(column)}"
    report_rows(
        found.con, table.name,
        f"SELECT p._file, p._row, {row_id(table, 'p')}, {said}, v "
        f'FROM ({raw}) r JOIN "{found.part}" p ON p._row = r.n WHERE p._drop IS NULL',
    )  # fmt: skip
