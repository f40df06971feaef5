"""What a table must look like: declared once, checked on reading and on writing, listed in the reference.

The input tables are declared in ``inputs/tables.py``, a report's output tables in ``<domain>/outputs.py``
as a tuple ``OUTPUTS``. This module knows no file and no database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from numbers import Real
from typing import Literal

import numpy as np
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


_NUMBER = (Real, Decimal)
_DAY = (str, date, np.datetime64)


def checked(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return ``frame`` with the columns of ``table`` in order and in their types, or refuse it.

    Used where a report's table is written. Raises TableError naming table, column, row key and value.
    """
    import pandera.pandas as pa

    _refuse_columns(frame, table)
    unknown = [c for c in frame.columns if c not in table.by_name]
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


def _refuse_columns(frame: pd.DataFrame, table: Table) -> None:
    missing = [c.name for c in table.columns if c.required and c.name not in frame]
    unknown = [str(c) for c in frame.columns if c not in table.by_name]
    doubled = sorted({str(c) for c in frame.columns[frame.columns.duplicated()]})
    faults = [
        f"lacks {', '.join(missing)}" if missing else "",
        f"has undeclared {', '.join(unknown)}" if unknown and not table.extra else "",
        f"has {', '.join(doubled)} twice" if doubled else "",
    ]
    if any(faults):
        raise TableError(
            f"table '{table.name}' {' and '.join(filter(None, faults))}; "
            f"its columns are declared once: {', '.join(table.column_names)}"
        )


def _typed(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    typed = {}
    for name in frame.columns:
        kind = table.by_name[name].kind if name in table.by_name else None
        try:
            typed[name] = _as_kind(frame[name], kind)
        except (ValueError, TypeError) as fault:
            raise TableError(f"table '{table.name}', column '{name}': not all {kind} ({fault})") from None
    return pd.DataFrame(typed, index=frame.index)


def _as_kind(series: pd.Series, kind: Kind | None) -> pd.Series:
    if kind is None:
        return series
    if kind == "text":
        _refuse_others(series, str)
        return series.astype("object").where(series.notna(), None)
    if kind in {"date", "datetime"}:
        _refuse_others(series, _DAY)
        days = pd.to_datetime(series, utc=kind == "datetime")
        if kind == "datetime":
            return days.astype("datetime64[ns, UTC]")
        if (days.notna() & (days != days.dt.normalize())).any():
            raise ValueError("a time of day stands in a date")
        return days.astype("datetime64[ns]")
    if kind in {"bool", "count"}:
        return series.astype("boolean" if kind == "bool" else "Int64")
    _refuse_others(series, _NUMBER)
    if np.isinf(series.astype("float64")).any():
        raise ValueError("infinity; leave what is undefined missing")
    return series if kind == "money" else series.astype("float64")


def _refuse_others(series: pd.Series, types: type | tuple[type, ...]) -> None:
    kind = series.dtype.kind if isinstance(series.dtype, np.dtype) else "O"
    if (kind in "iuf" and types is _NUMBER) or (kind == "M" and types is _DAY):
        return
    for value in series[series.notna()]:
        if not isinstance(value, types) or isinstance(value, bool | np.bool_):
            raise TypeError(f"{value!r} is of type {type(value).__name__}")


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
    key = ", ".join(f"{k}={frame.loc[first['index'], k]}" for k in table.key if k in frame)
    where = f"table '{table.name}', column '{first['column']}', row {key}"
    if "uniqueness" in str(first["check"]):
        return f"table '{table.name}', row {key}: the key stands more than once; mend the code that makes it"
    value = first["failure_case"]
    value = value.item() if isinstance(value, np.generic) else value
    more = f" ({len(cases) - 1} more)" if len(cases) > 1 else ""
    return f"{where}: {value!r} breaks {first['check']}{more}; mend the code that makes the table"
