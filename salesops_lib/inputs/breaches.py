"""What in a table breaks its contract: every breach counted, each with its first offender.

Types, empty cells, allowed values and ranges are counted in one pass over the table, whatever its size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from salesops_lib.core.contracts import Column, Table
from salesops_lib.core.errors import TableError, nearest
from salesops_lib.inputs.casting import WANTED, cast, miscast
from salesops_lib.inputs.tables.columns import EARLIEST_DAY, LATEST_DAY

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class Breach:
    """One rule broken in one column. ``rows`` break it; ``row`` and ``value`` are the first that do."""

    table: str
    column: str
    rule: str  # column | type | empty | value | range | duplicate | reference | unreadable | ledger …
    rows: int
    row: str
    value: str
    remedy: str

    def __str__(self) -> str:
        where = f"table '{self.table}'" + (f", column '{self.column}'" if self.column else "")
        spot = f", row {self.row}" if self.row else ""
        more = f" ({self.rows - 1:,} more)" if self.rows > 1 else ""
        return f"{where}{spot}: {self.value}{more}; {self.remedy}"

    def error(self) -> TableError:
        """The same as an error."""
        return TableError(str(self))


def column_breaches(names: list[str], contract: Table) -> Iterator[Breach]:
    """Columns that lack, stand twice, or are not declared. ``names`` as they stand in the table."""
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield Breach(contract.name, name, "column", 1, "", "the column stands twice", "keep one of them")
    for column in contract.columns:
        if column.required and column.name not in names:
            found = f"it lacks the column '{column.name}'"
            yield Breach(contract.name, "", "column", 1, "", found, f"its key is {', '.join(contract.key)}")
    for name in names:
        if name not in contract.by_name and not contract.extra:
            found = f"column '{name}' is not declared. {nearest(name, contract.column_names)}"
            yield Breach(contract.name, "", "column", 1, "", found, "rename the column or leave it out")


def cell_breaches(raw: ir.Table, contract: Table) -> list[Breach]:
    """Cells of the wrong type, empty where they may not be, not allowed, or out of range."""
    import ibis

    rules = list(_cell_rules(raw, contract))
    if not rules:
        return []
    broken = [ibis.ifelse(test, 1, 0).sum().name(f"r{i}") for i, (_, _, test, _) in enumerate(rules)]
    counts = raw.aggregate(broken).to_pyarrow().to_pylist()[0]
    return [
        _first(raw, contract, rule, int(counts[f"r{i}"])) for i, rule in enumerate(rules) if counts[f"r{i}"]
    ]


def duplicate_breach(typed: ir.Table, contract: Table) -> Breach | None:
    """A key that stands more than once; with its ``recorded_at`` where the table holds versions."""
    import ibis

    key = list(contract.key)
    if contract.versioned and "recorded_at" in typed.columns and "recorded_at" not in key:
        key.append("recorded_at")
    doubled = typed.group_by(key).aggregate(times=ibis._.count()).filter(ibis._.times > 1)
    total = doubled.aggregate(keys=ibis._.count(), rows=ibis._.times.sum()).to_pyarrow().to_pylist()[0]
    if not total["keys"]:
        return None
    first = doubled.order_by(key).limit(1).to_pyarrow().to_pylist()[0]
    return Breach(
        contract.name,
        ", ".join(key),
        "duplicate",
        int(total["rows"]) - int(total["keys"]),
        row_named(first, key),
        f"the key stands {first['times']} times",
        "keep one row of each key",
    )


def reference_breach(typed: ir.Table, contract: Table, column: Column, target: ir.Table) -> Breach | None:
    """Values of a column that the table it refers to lacks."""
    name = column.refers_to.split(".")[1]
    known = target.select(known=target[name]).distinct()
    orphans = typed.filter(typed[column.name].notnull()).anti_join(
        known, typed[column.name] == known["known"]
    )
    lost = int(orphans.count().to_pyarrow().as_py())
    if not lost:
        return None
    remedy = f"add the row to {column.refers_to.split('.')[0]} or correct the value"
    fields = list(dict.fromkeys([*contract.key, column.name]))
    first = orphans.select(fields).order_by(fields).limit(1).to_pyarrow().to_pylist()[0]
    found = f"'{first[column.name]}' is not in {column.refers_to}"
    return Breach(
        contract.name, column.name, "reference", lost, row_named(first, contract.key), found, remedy
    )


def _cell_rules(raw: ir.Table, contract: Table) -> Iterator[tuple[Column, str, Any, str]]:
    """(column, rule, broken?, what to do) for every rule of the columns that are there."""
    for column in contract.columns:
        if column.name not in raw.columns:
            continue
        stored = raw[column.name]
        typed = cast(stored, column)
        wrong = miscast(stored, column)
        if wrong is not None:
            yield column, "type", wrong, WANTED.get(column.kind, "correct the value")
        if not column.nullable:
            yield column, "empty", stored.isnull(), "fill it or drop the row"
        if column.values:
            yield column, "value", ~typed.isin(column.values), f"write one of {', '.join(column.values)}"
        outside = _outside(typed, column)
        if outside is not None:
            yield column, "range", outside, f"write {_range(column)}"


def _outside(typed: ir.Column, column: Column) -> ir.BooleanValue | None:
    import ibis

    if column.kind in {"date", "datetime"}:
        low, high = (ibis.literal(day).cast(typed.type()) for day in (EARLIEST_DAY, LATEST_DAY))
        return (typed < low) | (typed > high)
    if column.low is None and column.high is None:
        return None
    low = ibis.literal(False) if column.low is None else typed < column.low
    high = ibis.literal(False) if column.high is None else typed > column.high
    return low | high


def _range(column: Column) -> str:
    if column.kind in {"date", "datetime"}:
        return f"a day from {EARLIEST_DAY} to {LATEST_DAY}, or leave an unknown empty"
    if column.high is None:
        return f"{column.low:g} or more"
    return f"{column.high:g} or less" if column.low is None else f"{column.low:g} to {column.high:g}"


def _first(raw: ir.Table, contract: Table, rule: tuple[Column, str, Any, str], rows: int) -> Breach:
    column, name, test, remedy = rule
    key = [k for k in contract.key if k in raw.columns]
    fields = list(dict.fromkeys([*key, column.name]))
    first = raw.filter(test).select(fields).order_by(fields).limit(1).to_pyarrow().to_pylist()[0]
    value = first[column.name]
    found = {
        "type": f"{str(value)!r} is no {column.kind}",
        "empty": "it is empty",
        "value": f"{str(value)!r} is not allowed",
        "range": f"{value} is out of range",
    }[name]
    return Breach(contract.name, column.name, name, rows, row_named(first, key), found, remedy)


def row_named(values: dict, key: list[str] | tuple[str, ...]) -> str:
    """A row by its key, as every error names it: ``opportunity_id=O1``."""
    return ", ".join(f"{k}={_shown(values[k])}" for k in key)


def _shown(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else "(empty)" if value is None else str(value)
