"""What attainment is computed from, and what it hands back when a row cannot be used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

# Rows that could not be used as they stand: one row each, with the money they carry.
EXCEPTION_COLUMNS = ["fault", "source_table", "row_key", "holder_id", "period", "money_cents", "reason"]


@dataclass(frozen=True)
class Records:
    """The tables attainment needs, as known on one day (columns of DATA.md).

    ``reps`` and ``credits`` may be ``None``: without credits a deal counts whole for its owner; without
    spells nobody's team is known by date. ``plan_rates`` (``inputs.plan_rates``) with the reporting
    ``currency``: bookings count at them; without, at the day's rate. ``events``: ``measure_events``, which
    fill quotas of any measure but bookings; dated in ``time_zone``.
    """

    opportunities: pd.DataFrame
    quotas: pd.DataFrame
    reps: pd.DataFrame | None = None
    credits: pd.DataFrame | None = None
    plan_rates: pd.DataFrame | None = None
    currency: str = ""
    events: pd.DataFrame | None = None
    time_zone: str = "UTC"


def exceptions(
    fault: str,
    source_table: str,
    rows: pd.DataFrame,
    *,
    key: str,
    reason: str | pd.Series,
) -> pd.DataFrame:
    """Rows of one fault in the form of :data:`EXCEPTION_COLUMNS`.

    ``rows`` has the column ``key`` and, where known, ``holder_id``, ``period`` and ``money_cents``.
    """
    made = pd.DataFrame({"row_key": rows[key].astype(str)}, index=rows.index)
    made["fault"], made["source_table"], made["reason"] = fault, source_table, reason
    for name in ("holder_id", "period"):
        made[name] = rows[name].astype("object") if name in rows else pd.Series(None, rows.index, "object")
    made["money_cents"] = rows.get("money_cents", pd.NA)
    return made[EXCEPTION_COLUMNS]


def stacked(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The parts one under the other; empty ones do not decide types. All empty: the first."""
    parts = list(parts)
    filled = [p for p in parts if len(p)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0].reset_index(drop=True)


def gathered(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """All exceptions in one frame, largest money first, ``money_cents`` as ``Int64``."""
    filled = [p.astype({"money_cents": "Int64"}) for p in parts if len(p)]
    if not filled:
        return pd.DataFrame(columns=EXCEPTION_COLUMNS).astype({"money_cents": "Int64"})
    together = pd.concat(filled, ignore_index=True)
    size = together["money_cents"].abs().fillna(-1)
    return (
        together.assign(size=size)
        .sort_values(["size", "fault", "row_key"], ascending=[False, True, True], kind="stable")
        .drop(columns="size")
        .reset_index(drop=True)
    )
