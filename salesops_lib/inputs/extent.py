"""How far a company's data goes: the last day it records, and rows dated after it could know them."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd

from salesops_lib.inputs import submissions
from salesops_lib.inputs.asof import Day
from salesops_lib.inputs.company import Company, CompanyError
from salesops_lib.inputs.import_log import read_imports
from salesops_lib.inputs.tables import TABLES
from salesops_lib.inputs.warehouse import Warehouse

EVENTS = frozenset(
    {
        "opportunities", "opportunity_history", "leads", "activities", "invoices", "forecast_submissions",
        "work_items",
    }
)  # fmt: skip
"""Tables that grow with every working day: they say how far the data goes, and they can be stale. Rates,
assignments and contracts are written ahead of their day, accounts and tools do not come daily."""


@dataclass(frozen=True)
class Extent:
    """Of a table of events: its last day up to ``horizon``, and the rows dated later with their last day."""

    last: date | None
    late_rows: int
    late_last: date | None


def last_day(warehouse: Warehouse, company: Company) -> date:
    """The last day, in the company's zone, on which the data records an event or learns an opportunity.

    Days after ``horizon`` are mistakes or plans and do not count, unless there are no others.
    """
    extents = [extent(warehouse, company, name) for name in warehouse.names() if name in EVENTS]
    found = [e.last for e in extents if e.last] or [e.late_last for e in extents if e.late_last]
    if (called := submissions.ledger_day(company)) is not None:
        found.append(called)
    if not found:  # tables without a date: what is known is known since the import
        found = [date.fromisoformat(i["at"][:10]) for i in read_imports(company.root)[-1:]]
    if not found:
        raise CompanyError(f"'{company.name}' records nothing in {warehouse.names()}; import a table")
    return max(found)


def extent(warehouse: Warehouse, company: Company, name: str) -> Extent:
    """How far one table of events goes; found once for a warehouse."""
    if name not in warehouse.extents:
        warehouse.extents[name] = _extent(warehouse, company, name)
    return warehouse.extents[name]


def _extent(warehouse: Warehouse, company: Company, name: str) -> Extent:
    stamps = [TABLES[name].exists_from, *(["recorded_at"] if name == "opportunities" else [])]
    day = Day.of(horizon(company), company.zone)
    with warehouse.readable(name):
        table = warehouse.loose(name)
        late = {stamp: ~day.reached(table[stamp]) for stamp in stamps}
        any_late = functools.reduce(operator.or_, [test.fill_null(False) for test in late.values()])
        asked = {"_late": table.count(where=any_late)}
        for stamp, test in late.items():
            asked |= {f"last_{stamp}": table[stamp].max(where=~test), f"late_{stamp}": table[stamp].max()}
        found = table.aggregate(**asked).to_pyarrow().to_pylist()[0]
    rows = found.pop("_late")
    days = {key: local_day(value, company) for key, value in found.items() if value is not None}
    last, late_last = (
        max((d for key, d in days.items() if key.startswith(kind)), default=None) for kind in ("last", "late")
    )
    return Extent(last, rows, late_last if rows else None)


def horizon(company: Company) -> date:
    """The last day the data can know: that of the last import, else today."""
    times = [entry["at"] for entry in read_imports(company.root) if "at" in entry]
    try:
        last = max(map(pd.Timestamp, times)) if times else pd.Timestamp.now("UTC")
        return last.tz_convert(company.time_zone).date()
    except (TypeError, ValueError):
        raise CompanyError(
            f"{company.root}/import.json has an import at no time that can be read; restore it"
        ) from None


def local_day(value: date | datetime | None, company: Company) -> date | None:
    """A stored day, or the company's day of a stored UTC moment."""
    if isinstance(value, datetime):
        return pd.Timestamp(value, tz="UTC").tz_convert(company.time_zone).date()
    return value
