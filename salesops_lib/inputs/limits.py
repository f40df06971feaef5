"""Sentences on what a snapshot could not rewind: every report ends with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesops_lib.inputs.extent import EVENTS, extent, horizon, last_day
from salesops_lib.inputs.opportunities import only_dated
from salesops_lib.inputs.tables import TABLES

if TYPE_CHECKING:
    from salesops_lib.inputs.load import Snapshot


def limits_of(snapshot: Snapshot) -> list[str]:
    """What the day's tables cannot tell, one sentence each, with counts."""
    return [*_opportunities(snapshot), *_unversioned(snapshot), *_ahead(snapshot)]


def _opportunities(snapshot: Snapshot) -> list[str]:
    if "opportunities" not in snapshot.warehouse.names():
        return ["There is no table opportunities."]
    counts = only_dated(snapshot.opportunities, snapshot.day)
    said = []
    if counts["rows"]:
        said.append(
            f"There is no history of opportunities on or before {snapshot.as_of}: {counts['rows']:,} are "
            f"known by their dates only, and {counts['open']:,} of them count as open with amount, stage, "
            f"close date and forecast category unknown."
        )
    if counts["undated"]:
        said.append(
            f"{counts['undated']:,} opportunities are closed without a close date: open or closed then."
        )
    if counts["uncreated"]:
        said.append(f"{counts['uncreated']:,} opportunities have no created date and are left out.")
    return said + _undeclared_stages(snapshot)


def _undeclared_stages(snapshot: Snapshot) -> list[str]:
    table = snapshot.table("opportunities")
    declared = snapshot.stages()["stage"].tolist()
    strange = table.filter(table["stage"].notnull() & ~table["stage"].isin(declared))
    names = (
        strange.group_by("stage").aggregate(rows=strange.count()).order_by("stage").to_pyarrow().to_pylist()
    )
    if not names:
        return []
    listed = ", ".join(f"'{row['stage']}' ({row['rows']:,})" for row in names[:5])
    return [f"policy/stages.yaml lacks {len(names)} stages in use, so their order is unknown: {listed}."]


def _unversioned(snapshot: Snapshot) -> list[str]:
    """Tables that change and do not say since when, read on a day before the data's last."""
    if snapshot.as_of >= last_day(snapshot.warehouse, snapshot.company):
        return []
    still = [
        name
        for name in snapshot.warehouse.names()
        if TABLES[name].versioned and not snapshot.warehouse.holds(name, "recorded_at")
    ]
    if not still:
        return []
    return [
        f"These tables do not say when a row was learnt; cells without a date of their own stand as they are "
        f"today: {', '.join(still)}."
    ]


def _ahead(snapshot: Snapshot) -> list[str]:
    """Rows dated after the last import, or today: they do not set the day that is read by default."""
    warehouse, company = snapshot.warehouse, snapshot.company
    if snapshot.as_of < last_day(warehouse, company):
        return []
    found = {name: extent(warehouse, company, name) for name in warehouse.names() if name in EVENTS}
    return [
        f"{late.late_rows:,} rows of {name} are dated after {horizon(company)}, the last of them "
        f"{late.late_last}: those days do not set the day read; correct them if they are mistaken."
        for name, late in found.items()
        if late.late_rows
    ]
