"""Which notebooks a company can feed, and what the others lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from salesops_lib.core.errors import TableError
from salesops_lib.inputs.company import CompanyError, read_yaml, repository_root
from salesops_lib.inputs.extent import local_day
from salesops_lib.inputs.load import Snapshot, open_to_check
from salesops_lib.inputs.tables import TABLES

Needs = Mapping[str, Mapping[str, Sequence[str]]]
"""Notebook → table → columns that must hold values."""


def feeds(data: str | Path = "", needs: Needs | None = None, as_of: str | date | None = None) -> pd.DataFrame:
    """One row per notebook: ``notebook``, ``can_run``, ``lacks``.

    ``needs`` is read from ``notebooks/*.yaml`` where it is not given. ``lacks`` names each table that is
    missing, empty on the day or in breach of its contract, and each column without a value.
    """
    wanted = notebook_needs() if needs is None else needs
    snapshot = open_to_check(data, as_of)
    rows = []
    for name in sorted(wanted):
        lacks = [text for table, columns in wanted[name].items() for text in _lacks(snapshot, table, columns)]
        rows.append((name, not lacks, "; ".join(lacks)))
    return pd.DataFrame(rows, columns=["notebook", "can_run", "lacks"])


def notebook_needs(root: Path | None = None) -> dict[str, dict[str, list[str]]]:
    """What every run file under ``notebooks/`` needs. Raises CompanyError for one that is not readable."""
    folder = (root or repository_root()) / "notebooks"
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        content = read_yaml(path)
        needs = content.get("needs", {}) if isinstance(content, dict) else None
        if not isinstance(needs, dict):
            raise CompanyError(
                f"{path}: 'needs' is no mapping of tables to columns; write needs: {{quotas: []}}"
            )
        found[path.stem] = {str(table): list(columns or []) for table, columns in needs.items()}
    return found


def _lacks(snapshot: Snapshot, table: str, columns: Sequence[str]) -> list[str]:
    try:
        if not snapshot.has(table):
            return [_no_row(snapshot, table)]
        return [f"column {table}.{column}" for column in columns if not snapshot.has(table, column)]
    except TableError as fault:
        return [str(fault)]


def lacking(data: str | Path, as_of: str | date, needs: Needs) -> dict[str, str]:
    """By notebook the tables and columns without a value on the day; empty where it can run.

    A table in breach of its contract is not said here: the run meets it and says so.
    """
    snapshot = open_to_check(data, as_of)
    return {
        name: "; ".join(filter(None, (_empty(snapshot, table, columns) for table, columns in tables.items())))
        for name, tables in needs.items()
    }


def _empty(snapshot: Snapshot, table: str, columns: Sequence[str]) -> str:
    try:
        if not snapshot.has(table):
            return _no_row(snapshot, table)
        return "; ".join(f"column {table}.{column}" for column in columns if not snapshot.has(table, column))
    except TableError:
        return ""


def _no_row(snapshot: Snapshot, table: str) -> str:
    """A table that is missing, empty, or only unknown on the day: then the day of its first row too."""
    if table not in snapshot.warehouse.names():
        return f"table {table}"
    said = f"table {table}: no row known by {snapshot.as_of}"
    contract, stored = TABLES[table], snapshot.warehouse.table(table)
    stamp = contract.exists_from or ("recorded_at" if contract.versioned else None)
    if not stored.count().to_pyarrow().as_py():
        return f"table {table}: it holds no row"
    first = local_day(stored[stamp].min().to_pyarrow().as_py(), snapshot.company) if stamp else None
    return f"{said}; the first is of {first}" if first and first > snapshot.as_of else said
