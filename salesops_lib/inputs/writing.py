"""A table written to a company folder: typed by its contract, whole or not at all."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from salesops_lib.core.contracts import Table
from salesops_lib.core.errors import TableError, UserError, nearest
from salesops_lib.inputs.breaches import cell_breaches, column_breaches
from salesops_lib.inputs.casting import cast
from salesops_lib.inputs.tables import TABLES

if TYPE_CHECKING:
    import duckdb
    import ibis.expr.types as ir

PARQUET_ROWS = 200_000
"""Above this many rows a table is stored as parquet."""


def write_table(
    company_root: Path, table: str, content: pd.DataFrame | ir.Table | duckdb.DuckDBPyRelation
) -> Path:
    """Write a table's rows, in their order, to ``tables/<table>.csv`` or ``.parquet``; returns the file.

    Columns are written in the contract's order and types; a column that is not declared follows where the
    contract allows it. The file is replaced whole. Raises TableError for what breaks the contract's columns,
    types, allowed values or ranges.
    """
    if table not in TABLES:
        raise TableError(f"there is no table '{table}'. {nearest(str(table), TABLES)}")
    contract = TABLES[table]
    folder = Path(company_root) / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    given = _expression(content)
    for breach in column_breaches(list(given.columns), contract):
        raise breach.error()
    for breach in cell_breaches(given, contract):
        raise breach.error()
    rows = int(given.count().to_pyarrow().as_py())
    suffix = ".parquet" if rows > PARQUET_ROWS else ".csv"
    staged = folder / f".{table}-{uuid.uuid4().hex}{suffix}"
    try:
        if suffix == ".csv":
            _as_text(given, contract).to_csv(staged)
        else:
            _ordered(given, contract).to_parquet(staged)
        target = folder / f"{table}{suffix}"
        staged.replace(target)
    finally:
        staged.unlink(missing_ok=True)
    (folder / f"{table}{'.csv' if suffix == '.parquet' else '.parquet'}").unlink(missing_ok=True)
    return target


def write_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files that are handed out, such as statements, into a folder that only its owner may read.

    Each file is replaced whole. Raises UserError where the folder cannot be written.
    """
    folder, written = Path(folder), []
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, content in files.items():
            staged = folder / f".{name}-{uuid.uuid4().hex}"
            staged.write_bytes(content)
            written.append(staged.replace(folder / name))
    except OSError as fault:
        raise UserError(f"'{folder}' cannot be written ({fault.strerror}); name another with --to") from None
    return written


def _expression(content: pd.DataFrame | ir.Table | duckdb.DuckDBPyRelation) -> ir.Table:
    import ibis
    import pyarrow as pa

    if hasattr(content, "to_arrow_table"):  # a relation of DuckDB, or of whatever speaks arrow
        content = content.to_arrow_table()
    if not isinstance(content, pd.DataFrame | pa.Table):
        return content
    if isinstance(content, pd.DataFrame):
        doubled = sorted({str(c) for c in content.columns[content.columns.duplicated()]})
        if doubled:
            raise TableError(f"the frame has the column '{doubled[0]}' twice; keep one of them")
        content = pa.Table.from_pandas(_in_utc(content), preserve_index=False)
    connection = ibis.duckdb.connect()
    connection.raw_sql("SET TimeZone='UTC'")
    return connection.create_table("given", content)


def _in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    """Moments as UTC without a zone, which is how they are stored; texts as texts."""
    columns = {}
    for name in frame.columns:
        series = frame[name]
        if isinstance(series.dtype, pd.DatetimeTZDtype):
            series = series.dt.tz_convert("UTC").dt.tz_localize(None)
        columns[name] = series
    return pd.DataFrame(columns)


def _ordered(given: ir.Table, contract: Table) -> ir.Table:
    declared = [cast(given[c.name], c).name(c.name) for c in contract.columns if c.name in given.columns]
    return given.select(*declared, *[n for n in given.columns if n not in contract.by_name])


def _as_text(given: ir.Table, contract: Table) -> ir.Table:
    ordered = _ordered(given, contract)
    stamps = {
        c.name: (ordered[c.name].cast("string").replace(" ", "T") + "Z").name(c.name)
        for c in contract.columns
        if c.kind == "datetime" and c.name in ordered.columns
    }
    return ordered.mutate(**stamps)
