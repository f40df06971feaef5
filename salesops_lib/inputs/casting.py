"""From stored text, or a database's own types, to the types a contract declares; what does not cast is found.

Stored dates are ISO, moments are UTC (``2025-12-12T10:00:00Z``), an empty cell is missing. DuckDB alone would
read ``2025-12-12T10:00+02:00`` as ten o'clock, ``3.7`` as 4 and ``nan`` as a number: these are faults here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesops_lib.core.contracts import Column

if TYPE_CHECKING:
    import ibis.expr.types as ir

TYPES = {
    "text": "string",
    "date": "date",
    "datetime": "timestamp",
    "money": "float64",
    "number": "float64",
    "ratio": "float64",
    "days": "float64",
    "count": "int64",
    "bool": "boolean",
}
"""The engine's type of each kind. A ``datetime`` is UTC without a zone; a frame carries the zone."""

WANTED = {
    "date": "write it as 2025-12-12",
    "datetime": "write it in UTC as 2025-12-12T10:00:00Z",
    "money": "write digits and a point, without thousands separator or sign of currency",
    "number": "write digits and a point",
    "ratio": "write 0.25 for 25 %",
    "days": "write digits",
    "count": "write a whole number",
    "bool": "write true or false",
}


def cast(value: ir.Column, column: Column) -> ir.Column:
    """The value in the contract's type; missing where it does not cast."""
    wanted = TYPES[column.kind]
    if str(value.type()) == wanted:
        return value
    if value.type().is_string() and wanted != "string":
        return value.try_cast(wanted)
    return value.cast(wanted)


def miscast(value: ir.Column, column: Column) -> ir.BooleanValue | None:
    """Whether a stored value is no value of the kind; None where the stored type cannot be wrong."""
    typed = cast(value, column)
    if value.type().is_string():
        if column.kind == "text":
            return None
        return value.notnull() & (typed.isnull() | _misread(value, typed, column.kind))
    if column.kind == "date" and value.type().is_timestamp():
        return value.notnull() & (typed.cast("timestamp") != value.cast("timestamp"))
    if column.kind == "count" and (value.type().is_floating() or value.type().is_decimal()):
        return value.notnull() & (typed != value)
    if value.type().is_floating():
        return value.isnan() | value.isinf()
    return None


def _misread(value: ir.StringColumn, typed: ir.Column, kind: str) -> ir.BooleanValue:
    """Text that the engine takes for something that a person did not write."""
    import ibis

    if kind == "date":
        return value.length() != 10
    if kind == "datetime":
        clock = value.substr(10)
        return (value.length() < 10) | clock.contains("+") | clock.contains("-")
    if kind == "count":
        number = value.try_cast("float64")
        return number != typed.cast("float64")
    if kind == "bool":
        return ~value.lower().isin(["true", "false"])
    return (typed.isnan() | typed.isinf()) if kind in TYPES else ibis.literal(False)
