"""What a table must look like: declared once, checked on reading and on writing, listed in the reference.

The input tables are declared in ``inputs/tables.py``, a report's output tables in ``<domain>/outputs.py``
as a tuple ``OUTPUTS``. This module knows no file and no database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from salesops_lib.core.errors import TableError

Kind = Literal["text", "date", "datetime", "money", "number", "ratio", "count", "days", "bool"]


@dataclass(frozen=True)
class Column:
    """One column: its kind (which fixes type and unit), meaning, and what values it may take.

    ``required``: the column itself must be there. ``nullable``: a cell may be empty.
    ``values``: the only texts allowed. ``low``/``high``: inclusive bounds. ``refers_to``: ``table.column``
    that must hold the value. ``known_at``: the stamp column that made this cell known; read as of an
    earlier day the cell is empty.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = True
    nullable: bool = True
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    refers_to: str | None = None
    known_at: str | None = None


@dataclass(frozen=True)
class Table:
    """One table: name, what one row is, key, columns.

    ``exists_from``: the column that says since when a row exists (``created_date``). ``versioned``: several
    rows of one key may stand, told apart by ``recorded_at``; a reader takes the last one known.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    exists_from: str | None = None
    versioned: bool = False
    extra: bool = False  # may carry columns beyond these
    by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {c.name: c for c in self.columns})
        lost = [k for k in self.key if k not in self.by_name]
        if lost or len(self.by_name) != len(self.columns):
            raise ValueError(f"table '{self.name}': key {lost} is no column, or a column stands twice")

    @property
    def column_names(self) -> list[str]:
        """The declared columns in order."""
        return [c.name for c in self.columns]


_DTYPE = {
    "text": "str",
    "date": "datetime64[ns]",
    "datetime": "datetime64[ns, UTC]",
    "bool": "boolean",
    "count": "Int64",
}


def checked(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return ``frame`` with the columns of ``table`` in order and in their types, or refuse it.

    Used where a report's table is written. Raises TableError naming table, column, row key and value.
    """
    import pandera.pandas as pa

    missing = [c.name for c in table.columns if c.required and c.name not in frame]
    unknown = [c for c in frame.columns if c not in table.by_name]
    if missing or (unknown and not table.extra):
        raise TableError(
            f"table '{table.name}' {'lacks ' + ', '.join(missing) if missing else ''}"
            f"{' and ' if missing and unknown else ''}"
            f"{'has undeclared ' + ', '.join(map(str, unknown)) if unknown else ''}; "
            f"its columns are declared once: {', '.join(table.column_names)}"
        )
    wanted = [c for c in table.column_names if c in frame] + (unknown if table.extra else [])
    frame = _typed(frame[wanted].reset_index(drop=True), table)
    schema = pa.DataFrameSchema(
        {c.name: _pandera_column(pa, c) for c in table.columns if c.name in frame},
        unique=list(table.key) or None,
        name=table.name,
    )
    try:
        return schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as fault:
        raise TableError(_first_breach(fault.failure_cases, frame, table)) from None


def _typed(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    typed = {}
    for name in frame.columns:
        series = frame[name]
        kind = table.by_name[name].kind if name in table.by_name else None
        try:
            if kind == "text":
                typed[name] = series.astype("object").where(series.notna(), None)
            elif kind == "date":
                typed[name] = pd.to_datetime(series).astype("datetime64[ns]")
            elif kind == "datetime":
                typed[name] = pd.to_datetime(series, utc=True).astype("datetime64[ns, UTC]")
            elif kind in {"bool", "count"}:
                typed[name] = series.astype(_DTYPE[kind])
            elif kind is None or kind == "money":
                typed[name] = series
            else:
                typed[name] = pd.to_numeric(series).astype("float64")
        except (ValueError, TypeError) as fault:
            raise TableError(f"table '{table.name}', column '{name}': not all {kind} ({fault})") from None
    return pd.DataFrame(typed)


def _pandera_column(pa, column: Column):
    checks = []
    if column.values:
        checks.append(pa.Check.isin(column.values))
    if column.low is not None:
        checks.append(pa.Check.ge(column.low))
    if column.high is not None:
        checks.append(pa.Check.le(column.high))
    return pa.Column(checks=checks, nullable=column.nullable)


def _first_breach(cases: pd.DataFrame, frame: pd.DataFrame, table: Table) -> str:
    first = cases.iloc[0]
    row = frame.loc[first["index"]] if pd.notna(first["index"]) else frame.iloc[0]
    key = ", ".join(f"{k}={row[k]}" for k in table.key)
    more = len(cases) - 1
    return (
        f"table '{table.name}', column '{first['column']}', row {key}: "
        f"{first['failure_case']!r} breaks {first['check']}"
        f"{f' ({more} more)' if more else ''}; mend the code that makes the table"
    )
