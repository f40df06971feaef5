"""The report: one line for every row that was repaired, left out, not matched or noted."""

from __future__ import annotations

import duckdb

from salesops_lib.core.contracts import Table
from salesops_lib.inputs.importing.cells import quoted

REPORT = (
    "table", "file", "row", "row_id", "action", "reason", "column", "value", "money_base",
)  # fmt: skip

LINE_ORDER = ("table", "file", "row", "column", "action", "reason", "row_id")


def open_report(con: duckdb.DuckDBPyConnection) -> None:
    """Make the empty report table."""
    con.execute(
        'CREATE TABLE report ("table" VARCHAR, file VARCHAR, "row" BIGINT, row_id VARCHAR, action VARCHAR, '
        'reason VARCHAR, "column" VARCHAR, value VARCHAR, money_base DOUBLE)'
    )


def row_id(table: Table, alias: str = "") -> str:
    """SQL: the row's key as one text, ``recorded_at`` aside."""
    dot = f"{alias}." if alias else ""
    keys = [f'{dot}"{k}"' for k in table.key if k != "recorded_at"]
    return f"concat_ws(', ', {', '.join(keys)})"


def report_rows(con, table: str, select: str) -> None:
    """Add rows to the report: ``select`` gives file, row, row_id, action, reason, column, value."""
    con.execute(f"INSERT INTO report SELECT {quoted(table)}, *, CAST(NULL AS DOUBLE) FROM ({select})")
