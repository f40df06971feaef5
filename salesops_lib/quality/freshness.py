"""What came in: rows per table and the day of its newest event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from salesops_lib.quality.faults import day

if TYPE_CHECKING:
    import ibis.expr.types as ir

_EVENTS: dict[str, tuple[str, ...]] = {
    "accounts": ("created_date",),
    "reps": ("start_date",),
    "opportunities": ("created_date", "recorded_at"),
    "opportunity_history": ("changed_at",),
    "leads": ("created_at", "recorded_at"),
    "activities": ("at",),
    "contracts": ("start_date",),
    "invoices": ("invoiced_date", "paid_date"),
    "forecast_submissions": ("submitted_at",),
    "fx_rates": ("date",),
    "work_items": ("opened_at", "closed_at"),
}
LIVING = ("opportunities", "opportunity_history", "leads", "activities")
"""Tables in which every week of a working company leaves rows."""


def table_ages(tables: Mapping[str, ir.Table], as_of: date) -> pd.DataFrame:
    """One row per table: ``table, rows, newest_day, age_days, living``, the age missing where undefined.

    A table's newest day is that of its last event known on ``as_of``; where it has no event column, of its
    last ``recorded_at``. Days after ``as_of`` (a start agreed in advance) do not make it fresher.
    """
    rows = []
    for name, table in tables.items():
        held = [c for c in (*_EVENTS.get(name, ()), "recorded_at") if c in table.columns]
        sums = {f"newest_{i}": _newest(table, c, as_of) for i, c in enumerate(dict.fromkeys(held))}
        found = table.aggregate(rows=table.count(), **sums).execute().iloc[0]
        days = [pd.Timestamp(v) for k, v in found.items() if k != "rows" and pd.notna(v)]
        if _EVENTS.get(name) and any(c in table.columns for c in _EVENTS[name]):
            days = [pd.Timestamp(found[f"newest_{i}"]) for i, c in enumerate(dict.fromkeys(held))
                    if c in _EVENTS[name] and pd.notna(found[f"newest_{i}"])]  # fmt: skip
        newest = max(days) if days else pd.NaT
        rows.append(
            {"table": name, "rows": int(found["rows"]), "newest_day": newest, "living": name in LIVING}
        )
    frame = pd.DataFrame(rows, columns=["table", "rows", "newest_day", "living"])
    frame["newest_day"] = pd.to_datetime(frame["newest_day"]).astype("datetime64[ns]")
    frame["age_days"] = (pd.Timestamp(as_of) - frame["newest_day"]).dt.days.astype("float64")
    return frame.sort_values("table", ignore_index=True)


def _newest(table: ir.Table, column: str, as_of: date) -> ir.Value:
    held = day(table[column])
    return held.max(where=held <= as_of)
