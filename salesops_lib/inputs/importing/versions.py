"""Importing again: what changed is appended with its time, the rest is not touched, what is gone stays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from salesops_lib.core.contracts import Table
from salesops_lib.inputs.importing.cells import TYPES, quoted
from salesops_lib.inputs.importing.report import row_id
from salesops_lib.inputs.textfiles import even, readable
from salesops_lib.inputs.warehouse import table_file


@dataclass(frozen=True)
class Change:
    """What an import did to a table: rows added, rows that stood already, keys the extract lacks."""

    added: int
    unchanged: int
    absent: int


def stored_file(folder: Path, name: str) -> Path | None:
    """The file a table of the company folder is stored in; None where there is none."""
    tables = folder / "tables"
    there = any((tables / f"{name}{suffix}").exists() for suffix in (".csv", ".parquet"))
    return table_file(tables, name) if there else None


def load_old(con, table: Table, path: Path, scratch: Path) -> None:
    """Fill ``old_<table>`` from the folder, every cell in the type of the contract.

    Raises TableError where the stored file is not readable.
    """
    with readable(table.name, path):
        _load_old(con, table, path if path.suffix == ".parquet" else even(path, scratch / f"old-{path.name}"))


def _load_old(con, table: Table, path: Path) -> None:
    if path.suffix == ".parquet":
        read = f"read_parquet({quoted(str(path))})"
    else:
        read = (
            f"read_csv({quoted(str(path))}, header=true, all_varchar=true, delim=',', quote='\"', "
            "escape='\"')"
        )
    have = [d[0] for d in con.execute(f"SELECT * FROM {read} LIMIT 0").description]
    columns = [
        _old_column(table, c, have)
        for c in [*table.column_names, *(h for h in have if h not in table.by_name)]
    ]
    con.execute(f'CREATE TABLE "old_{table.name}" AS SELECT {", ".join(columns)} FROM {read}')


def _old_column(table: Table, name: str, have: list[str]) -> str:
    kind = table.by_name[name].kind if name in table.by_name else "text"
    if name not in have:
        return f'CAST(NULL AS {TYPES[kind]}) AS "{name}"'
    if kind == "datetime":
        return f'timezone(\'UTC\', CAST("{name}" AS TIMESTAMPTZ)) AS "{name}"'
    return f'CAST("{name}" AS {TYPES[kind]}) AS "{name}"'


def append(con, table: Table, at: str) -> Change:
    """Fill ``changed_<table>`` with the rows of the extract to be appended, stamped ``at`` (UTC text)."""
    new, old, changed = (f'"{p}_{table.name}"' for p in ("new", "old", "changed"))
    columns = _shared(con, table)
    content = [c for c in columns if c != "recorded_at"]
    key = ", ".join(f'"{k}"' for k in table.key)
    listed = ", ".join(f'"{c}"' for c in content)
    stamped = f"TIMESTAMP {quoted(at)} AS recorded_at" if "recorded_at" in columns else ""
    out = ", ".join(stamped if c == "recorded_at" else f'"{c}"' for c in columns)
    if table.name == "opportunity_history":
        return _append_history(con, table, content)
    known = f"SELECT {listed} FROM {old}"
    if "recorded_at" in columns:
        latest = f"row_number() OVER (PARTITION BY {key} ORDER BY recorded_at DESC NULLS LAST) = 1"
        known = f"SELECT {listed} FROM {old} QUALIFY {latest}"
    same = " AND ".join(f'n."{c}" IS NOT DISTINCT FROM k."{c}"' for c in content)
    stands = f"EXISTS (SELECT 1 FROM ({known}) k WHERE {same})"
    if "recorded_at" in columns:
        exact = " AND ".join(f'n."{c}" IS NOT DISTINCT FROM o."{c}"' for c in columns)
        stands = f"({stands} OR EXISTS (SELECT 1 FROM {old} o WHERE {exact}))"
    con.execute(f"CREATE TABLE {changed} AS SELECT {out} FROM {new} n WHERE NOT {stands}")
    added, rows = (con.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in (changed, new))
    return Change(added, rows - added, _absent(con, table))


def _append_history(con, table: Table, columns: list[str]) -> Change:
    """A CRM's own history: rows that stand already are known; new ones go on counting."""
    content = [c for c in columns if c != "sequence"]
    same = " AND ".join(f'n."{c}" IS NOT DISTINCT FROM o."{c}"' for c in content)
    out = ", ".join(
        "coalesce(l.last, 0) + row_number() OVER (PARTITION BY n.opportunity_id ORDER BY "
        "n.sequence) AS sequence"
        if c == "sequence" else f'n."{c}"' for c in columns
    )  # fmt: skip
    con.execute(
        f"CREATE TABLE changed_opportunity_history AS SELECT {out} FROM new_opportunity_history n "
        "LEFT JOIN (SELECT opportunity_id, max(sequence) AS last FROM old_opportunity_history GROUP BY 1) l "
        f"USING (opportunity_id) WHERE NOT EXISTS (SELECT 1 FROM old_opportunity_history o WHERE {same})"
    )
    added, rows = (
        con.execute(f"SELECT count(*) FROM {p}_opportunity_history").fetchone()[0] for p in ("changed", "new")
    )
    return Change(added, rows - added, 0)


def _absent(con, table: Table) -> int:
    """Keys that stood and are not in the extract: kept, reported."""
    key = ", ".join(f'"{k}"' for k in table.key)
    money = next((c for c in ("amount_base", "quota_base") if c in table.by_name), None)
    value = f'max_by("{money}", recorded_at)' if money and table.versioned else "NULL"
    return con.execute(
        f"INSERT INTO report SELECT {quoted(table.name)}, NULL, NULL, {row_id(table)}, 'absent', "
        f"'not in this extract; the row known before is kept', NULL, NULL, {value} "
        f'FROM "old_{table.name}" ANTI JOIN "new_{table.name}" USING ({key}) GROUP BY {key}'
    ).fetchone()[0]


def _shared(con, table: Table) -> list[str]:
    """Columns of the result: the contract's, and any extra one either side has."""
    names = list(table.column_names)
    for side in ("old", "new"):
        have = [d[0] for d in con.execute(f'SELECT * FROM "{side}_{table.name}" LIMIT 0').description]
        names += [h for h in have if h not in names and not h.startswith("_")]
    for side in ("old", "new"):
        have = {d[0] for d in con.execute(f'SELECT * FROM "{side}_{table.name}" LIMIT 0').description}
        for name in names:
            if name not in have:
                con.execute(f'ALTER TABLE "{side}_{table.name}" ADD COLUMN "{name}" VARCHAR')
    return names
