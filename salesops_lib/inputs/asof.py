"""What was known on a day: later rows do not exist, later stamps are empty, the last version known stands.

Written in Ibis with filters and row numbers only, so that DuckDB, PostgreSQL and Spark give the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from salesops_lib.core.contracts import Table

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class Day:
    """The day read. ``ends`` is its end in the company's zone, as UTC without a zone; not included."""

    date: date
    ends: datetime

    @classmethod
    def of(cls, day: date, zone: ZoneInfo) -> Day:
        """The day in a zone; a day of 23 or 25 hours ends when its last hour does."""
        midnight = datetime.combine(day + timedelta(days=1), time(), zone)
        return cls(day, midnight.astimezone(UTC).replace(tzinfo=None))

    def reached(self, stamp: ir.Column) -> ir.BooleanValue:
        """Whether a date or moment has come; missing where the stamp is."""
        import ibis

        if stamp.type().is_date():
            return stamp <= ibis.literal(self.date)
        return stamp < ibis.literal(self.ends)


def as_known(table: ir.Table, contract: Table, day: Day) -> ir.Table:
    """A table as known on a day: one row per key where it holds versions, its cells rewound."""
    if contract.versioned:
        table = last_version(table, contract.key, day)
    elif "recorded_at" in contract.by_name:  # rows that never change, known since they were recorded
        table = table.filter(table["recorded_at"].isnull() | day.reached(table["recorded_at"]))
    if contract.exists_from:
        since = table[contract.exists_from]
        table = table.filter(since.isnull() | day.reached(since))
    return rewound(table, contract, day)


def last_version(table: ir.Table, key: tuple[str, ...], day: Day) -> ir.Table:
    """The last row of each key recorded by the day; a row without ``recorded_at`` is known from the start."""
    known = table.filter(table["recorded_at"].isnull() | day.reached(table["recorded_at"]))
    return nth_version(known, key, "recorded_at", last=True)


def nth_version(table: ir.Table, key: tuple[str, ...], *order: str, last: bool) -> ir.Table:
    """The first or last row of each key by ``order``; an empty order value comes first."""
    import ibis

    by = [
        ibis.desc(table[c], nulls_first=False) if last else ibis.asc(table[c], nulls_first=True)
        for c in order
    ]
    number = ibis.row_number().over(group_by=list(key), order_by=by)
    return table.mutate(_version=number).filter(ibis._["_version"] == 0).drop("_version")


def rewound(table: ir.Table, contract: Table, day: Day) -> ir.Table:
    """Empty the cells whose stamp has not come, or never came."""
    import ibis

    known = {}
    for column in contract.columns:
        if column.known_at:
            kept = day.reached(table[column.known_at])
            known[column.name] = ibis.ifelse(kept, table[column.name], ibis.null(table[column.name].type()))
    return table.mutate(**known) if known else table
