"""Keys: rows without one, rows that share one, references that lead nowhere and what they probably meant."""

from __future__ import annotations

import difflib
import re

from salesops_lib.core.contracts import Column, Table
from salesops_lib.inputs.importing.cells import quoted
from salesops_lib.inputs.importing.report import report_rows, row_id

SUGGEST_AT_MOST = 200
FIELDS = "_file, _row"


def unplace(con, table: Table) -> None:
    """Rows without a key or a value the contract demands cannot be placed."""
    needed = [
        c.name
        for c in table.columns
        if (c.name in table.key or not c.nullable) and c.name not in {"recorded_at", "sequence"}
    ]
    for name in needed:
        reason = f"no {name}; without it the row cannot be placed"
        _drop(con, table, f'"{name}" IS NULL', reason, "unplaced", name)


def conform(con, table: Table) -> None:
    """Values outside the contract are emptied and reported; the row stays. One scan finds the columns."""
    tests = {
        c.name: test for c in table.columns if c.name not in table.key and (test := _outside(c)) is not None
    }
    if not tests:
        return
    new = f'"new_{table.name}"'
    met = con.execute(f"SELECT {', '.join(f'bool_or({t})' for t, _ in tests.values())} FROM {new}").fetchone()
    for (name, (test, words)), there in zip(tests.items(), met, strict=True):
        if not there:
            continue
        report_rows(
            con, table.name,
            f"SELECT _file, _row, {row_id(table)}, 'repaired', {quoted(words)}, {quoted(name)}, "
            f'CAST("{name}" AS VARCHAR) FROM {new} WHERE _drop IS NULL AND ({test})',
        )  # fmt: skip
        con.execute(f'UPDATE {new} SET "{name}" = NULL WHERE {test}')


def _outside(column: Column) -> tuple[str, str] | None:
    name = f'"{column.name}"'
    if column.values:
        listed = ", ".join(quoted(v) for v in column.values)
        return f"{name} NOT IN ({listed})", f"is none of {', '.join(column.values)}; the cell is left empty"
    tests, words = [], []
    if column.low is not None:
        tests.append(f"{name} < {column.low}")
        words.append(f"below {column.low:g}")
    if column.high is not None:
        tests.append(f"{name} > {column.high}")
        words.append(f"above {column.high:g}")
    if not tests:
        return None
    return " OR ".join(tests), f"is {' or '.join(words)}; the cell is left empty"


def drop_duplicates(con, table: Table) -> None:
    """One row per key: identical ones leave one, of conflicting ones the latest stays; both reported."""
    # The CRM may hand over several dated versions of a quota or a credit; a deal stands once in an extract.
    key = [*table.key, *(["recorded_at"] if table.name in {"quotas", "credits"} else [])]
    keys = ", ".join(f'"{k}"' for k in key)
    new = f'"new_{table.name}"'
    twice = f"SELECT {keys} FROM {new} WHERE _drop IS NULL GROUP BY {keys} HAVING count(*) > 1"
    if con.execute(f"SELECT 1 FROM ({twice}) LIMIT 1").fetchone() is None:
        return
    columns = [d[0] for d in con.execute(f"SELECT * FROM {new} LIMIT 0").description]
    content = ", ".join(f'"{c}"' for c in columns if not c.startswith("_"))
    latest = '"recorded_at" DESC NULLS LAST, ' if "recorded_at" in columns else ""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE twice AS WITH same AS (SELECT _file, _row, {keys}, "
        f"{row_id(table)} AS id, "
        f"hash({content}) AS content, row_number() OVER (PARTITION BY {keys} ORDER BY {latest}_row) AS place "
        f"FROM {new} SEMI JOIN ({twice}) USING ({keys}) WHERE _drop IS NULL) "
        f"SELECT *, first(_row) OVER w AS kept, first(_file) OVER w AS kept_file, "
        f"first(content) OVER w = content AS identical FROM same "
        f"WINDOW w AS (PARTITION BY {keys} ORDER BY place)"
    )
    shared = [c for c in columns if not c.startswith("_") and c not in key]
    reason = (
        "CASE WHEN identical THEN concat('identical duplicate of row ', kept) "
        "ELSE concat('conflicting duplicate: row ', kept, ' has the same key and is kept; its ', "
        f"{_first_difference(shared)}) END"
    )
    report_rows(
        con, table.name,
        f"SELECT t._file, t._row, id, 'dropped', {reason}, {quoted(', '.join(key))}, id FROM twice t "
        f"JOIN {new} n ON n._file = t._file AND n._row = t._row "
        f"JOIN {new} k ON k._file = t.kept_file AND k._row = t.kept WHERE place > 1",
    )  # fmt: skip
    con.execute(
        f"UPDATE {new} SET _drop = 'duplicate' FROM twice t "
        f"WHERE {new}._file = t._file AND {new}._row = t._row AND t.place > 1"
    )


def _first_difference(columns: list[str]) -> str:
    """SQL: the first column in which row ``n`` differs from row ``k``, with both values."""

    def shown(cell: str) -> str:
        bare = f"regexp_replace(CAST({cell} AS VARCHAR), '\\.0$', '')"
        return f"coalesce(chr(39) || {bare} || chr(39), 'empty')"

    branches = " ".join(
        f'WHEN n."{c}" IS DISTINCT FROM k."{c}" THEN '
        f"""concat({quoted(f"{c} is ")}, {shown(f'k."{c}"')}, ', this row''s is ', {shown(f'n."{c}"')})"""
        for c in columns
    )
    return f"CASE {branches} END"


def check_references(con, tables: dict[str, Table], known: dict[str, str]) -> None:
    """Every reference must lead to a row. ``known``: table name to the SQL that lists it, old and new.

    A child without its parent (the reference is part of the key) cannot be placed; any other reference is
    kept as written and reported, so that its money is not lost.
    """
    for table in tables.values():
        for column in table.columns:
            target, _, other = (column.refers_to or "").partition(".")
            if target not in known:
                continue
            name = column.name
            lost = (
                f'"{name}" IS NOT NULL AND "{name}" NOT IN (SELECT "{other}" FROM ({known[target]}) '
                f'WHERE "{other}" IS NOT NULL)'
            )
            if name in table.key and target != "reps":
                _drop(
                    con, table, lost, f"{target} has no such {other}; the row is left out", "unplaced", name
                )
                continue
            reported = (
                f'SELECT 1 FROM report r WHERE r."table" = {quoted(table.name)} AND r."column" = '
                f"{quoted(name)} AND r.action = 'unmatched' AND r.\"row\" = n._row AND r.file = n._file"
            )
            report_rows(
                con, table.name,
                f"SELECT _file, _row, {row_id(table)}, 'unmatched', "
                f"{quoted(f'{target} has no such {other}; kept as written')}, {quoted(name)}, \"{name}\" "
                f'FROM "new_{table.name}" n WHERE _drop IS NULL AND {lost} AND NOT EXISTS ({reported})',
            )  # fmt: skip


def near_matches(lost: list[str], known: list[str]) -> dict[str, str]:
    """For each lost key the known one it probably means: equal but for case and punctuation, else alike."""
    bare = {_bare(k): k for k in reversed(known)}
    found = {}
    for key in lost[:SUGGEST_AT_MOST]:
        alike = bare.get(_bare(key)) or next(
            iter(difflib.get_close_matches(key, known, n=1, cutoff=0.8)), None
        )
        if alike:
            found[key] = alike
    return found


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _drop(con, table: Table, test: str, reason: str, action: str, column: str) -> None:
    new = f'"new_{table.name}"'
    if con.execute(f"SELECT 1 FROM {new} WHERE _drop IS NULL AND ({test}) LIMIT 1").fetchone() is None:
        return
    report_rows(
        con, table.name,
        f"SELECT _file, _row, {row_id(table)}, {quoted(action)}, {quoted(reason)}, {quoted(column)}, "
        f'CAST("{column}" AS VARCHAR) FROM {new} WHERE _drop IS NULL AND ({test})',
    )  # fmt: skip
    con.execute(f"UPDATE {new} SET _drop = {quoted(reason)} WHERE _drop IS NULL AND ({test})")
