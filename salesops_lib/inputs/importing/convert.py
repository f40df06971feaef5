"""One of our tables from its source files, with a report line for every cell and row that did not fit."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from salesops_lib.core.contracts import Table
from salesops_lib.core.errors import nearest
from salesops_lib.inputs.importing import reading, repair
from salesops_lib.inputs.importing.cells import TYPES, quoted
from salesops_lib.inputs.importing.dates import DayRead
from salesops_lib.inputs.importing.expressions import Compiler, Expression, apart
from salesops_lib.inputs.importing.facts import Facts
from salesops_lib.inputs.importing.history import numbered
from salesops_lib.inputs.importing.mapping import Mapping, MappingError, TableMap
from salesops_lib.inputs.importing.money import IN_CURRENCY
from salesops_lib.inputs.importing.reading import Source
from salesops_lib.inputs.importing.report import report_rows, row_id

NO_SUCH = {
    "money": "amount", "date": "date", "datetime": "time stamp", "count": "whole number",
    "bool": "yes or no", "text": "text in the form that is read",
}  # fmt: skip
FAR_YEAR = "(0\\d{3}|1[0-8]\\d{2}|1900|2[2-9]\\d{2}|[3-9]\\d{3})"  # outside EARLIEST_DAY and LATEST_DAY


@dataclass(frozen=True)
class Setting:
    """What every conversion needs: the connection, the mapping, the company's zone, staged tables by name.

    ``currency``: of amounts beside which the export names none.
    """

    con: duckdb.DuckDBPyConnection
    mapping: Mapping
    zone: str
    lookups: dict[str, str]
    currency: str
    days: list[DayRead] = field(default_factory=list)  # what the zone did to columns of dates


def convert(setting: Setting, table: Table, parts: list[tuple[TableMap, Source]]) -> list[str]:
    """Fill DuckDB table ``new_<table>``: ``_file``, ``_row``, ``_drop`` and every column of the contract.

    ``_drop`` is the reason a row will not be carried, or empty. Returns the columns nothing was found for.
    """
    names, absent = [], []
    for number, (part, source) in enumerate(parts):
        name = f"part_{table.name}_{number}"
        absent += _convert_part(setting, table, part, source, name)
        names.append(name)
    union = " UNION ALL BY NAME ".join(f'SELECT * FROM "{n}"' for n in names)
    if len(names) == 1:
        setting.con.execute(f'ALTER TABLE "{names[0]}" RENAME TO "new_{table.name}"')
    else:
        setting.con.execute(f'CREATE TABLE "new_{table.name}" AS {union}')
        for name in names:
            setting.con.execute(f'DROP TABLE "{name}"')
    return absent


def _convert_part(setting: Setting, table: Table, part: TableMap, source: Source, name: str) -> list[str]:
    con = setting.con
    unknown = [c for c in part.columns if c not in table.by_name and not table.extra]
    if unknown:
        raise MappingError(
            f"mapping: table '{table.name}' has no column '{unknown[0]}'. "
            f"{nearest(unknown[0], table.column_names)}"
        )
    _rehearse(setting, table, part, source)
    reading.tidy(con, source)
    repair.mend_mojibake(con, table.name, source, part)
    compiler = Compiler(con, setting.mapping, source, setting.zone, setting.lookups, table.name)
    found = _compiled(compiler, table, part)
    setting.days.extend(compiler.days.values())
    _refuse_keyless(table, part, source, found)
    con.execute(_create(table, part, compiler, found, name, setting.currency))
    _report_dropped(con, table, source, name)
    _report_unread(con, table, source, compiler, found, name)
    _report_unmatched(con, table, source, compiler, name)
    converted = repair.Converted(con, table, source, name)
    repair.report_sentinels(converted, compiler.sentinels)
    repair.report_damaged(converted, compiler.damaged)
    repair.report_recoded(con, table.name, source)
    return [c for c in part.columns if c not in found]


def _compiled(compiler: Compiler, table: Table, part: TableMap) -> dict[str, Expression]:
    """The expression of every column that the file has something for."""
    found = {}
    for column, spec in part.columns.items():
        made = compiler.column(column, spec, _kind(table, column), part.columns)
        if made is not None:
            found[column] = made
    return found


def _refuse_keyless(table: Table, part: TableMap, source: Source, found: dict[str, Expression]) -> None:
    """A file without the column of its rows' id places none of them."""
    first = table.key[0]
    if first in found or not source.rows:
        return
    asked = repair.asked_columns(part.columns[first]) if first in part.columns else []
    looked = f" (read from {', '.join(repr(n) for n in asked[:4])})" if asked else ""
    raise MappingError(
        f"file '{source.file}' has no column for {table.name}.{first}{looked}, so no row can be placed; add "
        "it to the export, or name the column with --map FILE, or make it of others there with compose"
    )


def _rehearse(setting: Setting, table: Table, part: TableMap, source: Source) -> None:
    """Ask all that will be asked of the file's cells, so that one scan answers it."""
    facts = Facts(setting.con, source.table, rehearsed=True)
    compiler = Compiler(
        setting.con, setting.mapping, source, setting.zone, setting.lookups, table.name, facts=facts
    )
    typed = _typed(table, compiler, _compiled(compiler, table, part))
    source.facts.ask(*facts.asked, *(_count(e.text) for e in typed.values() if not apart(e.text)))
    source.facts.ask(*(test for test, _ in repair.damage(compiler.damaged)))


def _kind(table: Table, column: str) -> str:
    return table.by_name[column].kind if column in table.by_name else "text"


def _count(text: str) -> str:
    return f"count({text})"


def _create(table: Table, part: TableMap, compiler: Compiler, found: dict, name: str, currency: str) -> str:
    """SQL: the table of converted rows. Only what the file has is sorted, the rest is laid around it."""
    source = compiler.source
    given = {c: f"CAST({found[c].value} AS {TYPES[_kind(table, c)]})" for c in found}
    tests = [(c, sql) for c in part.keep if (sql := compiler.condition(c)) is not None]
    if tests:
        branches = " ".join(f"WHEN NOT ({sql}) THEN {quoted(_why_dropped(test))}" for test, sql in tests)
        given["_drop"] = f"CASE {branches} END"
    listed = "".join(f', {sql} AS "{c}"' for c, sql in given.items())
    select = f"SELECT {source.number} AS _row{listed} FROM {_from(source, compiler)}"
    if table.name == "opportunity_history":
        select = numbered(select, set(given))
        given |= {"sequence": "", "_same": ""}
    file = quoted(source.file)  # as an ENUM it costs a byte a row
    empty = {"_file": f"CAST({file} AS ENUM ({file}))", "_drop": "CAST(NULL AS VARCHAR)"} | {
        c: f"CAST(NULL AS {TYPES[_kind(table, c)]})" for c in table.column_names
    }
    if table.name in IN_CURRENCY:
        empty["currency"] = f"CAST({quoted(currency)} AS VARCHAR)"
    order = dict.fromkeys(["_file", "_row", "_drop", *table.column_names, *given])
    columns = ", ".join(f'"{c}"' if c in given or c == "_row" else f'{empty[c]} AS "{c}"' for c in order)
    return f'CREATE TABLE "{name}" AS SELECT {columns} FROM ({select})'


def _why_dropped(test) -> str:
    if test.absent_from is not None:
        return f"left out by the mapping: {test.column[0]} stands in {test.absent_from}"
    words = test.is_ if test.is_ is not None else test.not_
    verb = "is none of" if test.is_ is not None else "is"
    return f"left out by the mapping: {test.column[0]} {verb} {', '.join(words)}"


def _from(source: Source, compiler: Compiler) -> str:
    """SQL: the file's cells, what values share of them, and the tables looked up in."""
    shared = "".join(f', {sql} AS "{name}"' for sql, name in compiler.once.items())
    # The row id must be the raw table's own, whatever is joined to it.
    rows = f'(SELECT rowid, *{shared} FROM "{source.table}") AS "{source.table}"'
    return " ".join([rows, *compiler.joins])


def _report_dropped(con, table: Table, source: Source, name: str) -> None:
    for row, cells, width in source.malformed:
        said = f"line has {cells} cell{'s' if cells != 1 else ''}, the header has {width}; mend the line"
        con.execute(
            "INSERT INTO report VALUES (?, ?, ?, NULL, 'unplaced', ?, NULL, NULL, NULL)",
            [table.name, source.file, row, f"{said}, if it is no title or footer"],
        )
    report_rows(
        con, table.name,
        f'SELECT _file, _row, {row_id(table)}, \'dropped\', _drop, NULL, NULL FROM "{name}" '
        'WHERE _drop IS NOT NULL',
    )  # fmt: skip


def _report_unread(con, table: Table, source: Source, compiler: Compiler, found: dict, name: str) -> None:
    """Cells with text and no value: emptied, named. One scan finds which columns have any."""
    typed = _typed(table, compiler, found)
    if not typed:
        return
    there = _texts(con, source, compiler, [e.text for e in typed.values()])
    read = con.execute(f'SELECT {", ".join(f"""count("{c}")""" for c in typed)} FROM "{name}"').fetchone()
    for (column, made), texts, values in zip(typed.items(), there, read, strict=True):
        if texts == values:
            continue
        raw = f"SELECT {source.number} AS n, {made.text} AS v FROM {_from(source, compiler)}"
        report_rows(
            con, table.name,
            f"SELECT p._file, p._row, {row_id(table, 'p')}, 'repaired', "
            f"{_why_unread(_kind(table, column), listed=column in compiler.lists)}, "
            f"{quoted(column)}, raw.v FROM ({raw}) raw JOIN \"{name}\" p ON p._row = raw.n "
            f'WHERE raw.v IS NOT NULL AND p."{column}" IS NULL',
        )  # fmt: skip


def _typed(table: Table, compiler: Compiler, found: dict[str, Expression]) -> dict[str, Expression]:
    """Columns whose text may have no value; those looked up are reported as unmatched."""
    matched = {m[0] for m in compiler.matched}
    return {
        c: e
        for c, e in found.items()
        if c not in matched and e.text != "NULL" and (_kind(table, c) != "text" or e.text != e.value)
    }


def _texts(con, source: Source, compiler: Compiler, texts: list[str]) -> list[int]:
    """How many cells of each have a text."""
    counts = dict(
        zip(plain := [t for t in texts if not apart(t)], source.facts.get(*map(_count, plain)), strict=True)
    )
    for text in (t for t in texts if apart(t)):
        cells = f"SELECT {text} AS t FROM {_from(source, compiler)}"
        counts[text] = con.execute(f"SELECT count(t) FROM ({cells})").fetchone()[0]
    return [counts[t] for t in texts]


def _why_unread(kind: str, *, listed: bool) -> str:
    """SQL: why the text ``raw.v`` has no value."""
    if listed:
        return "concat('''', raw.v, ''' names several and marks none as primary; the cell is left empty')"
    words = NO_SUCH.get(kind, "number")
    plain = f"concat('''', raw.v, ''' is no {words}; the cell is left empty')"
    if kind not in {"date", "datetime"}:
        return plain
    parted = f"regexp_matches(raw.v, '^\\d{{1,2}}[/.-]\\d{{1,2}}[/.-]{FAR_YEAR}\\b')"
    far = f"try_cast(raw.v AS TIMESTAMPTZ) IS NOT NULL OR {parted}"
    told = "''' is no date of business; declare it in the mapping under sentinels or correct it; the "
    return f"CASE WHEN {far} THEN concat('''', raw.v, {told}cell is left empty') ELSE {plain} END"


def _report_unmatched(con, table: Table, source: Source, compiler: Compiler, name: str) -> None:
    for column, text, matched, lookup in compiler.matched:
        target = lookup.file or lookup.table
        rows = f"SELECT {source.number} AS n, {text} AS v, {matched} AS k FROM {_from(source, compiler)}"
        # Accepted spellings match through the alias, so what is left is neither known nor accepted.
        lost = f"SELECT n, v FROM ({rows}) WHERE v IS NOT NULL AND k IS NULL"
        then = {
            "keep": "kept as written",
            "empty": "the cell is left empty",
            "unplaced": "the row is left out",
        }
        action = "unplaced" if lookup.unmatched == "unplaced" else "unmatched"
        why = f"{target} has no such {lookup.match[0]}; {then[lookup.unmatched]}"
        report_rows(
            con, table.name,
            f"SELECT p._file, p._row, {row_id(table, 'p')}, {quoted(action)}, {quoted(why)}, "
            f"{quoted(column)}, v "
            f'FROM ({lost}) l JOIN "{name}" p ON p._row = l.n WHERE p._drop IS NULL',
        )  # fmt: skip
        if lookup.unmatched == "unplaced":
            con.execute(
                f'UPDATE "{name}" SET _drop = {quoted(why)} WHERE _drop IS NULL AND _row IN '
                f"(SELECT n FROM ({lost}))"
            )
