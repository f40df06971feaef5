"""Rows of some people only: what is theirs, and what hangs on that. References to others are emptied."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from salesops_lib.core.contracts import Table
from salesops_lib.inputs.tables import TABLES
from salesops_lib.inputs.view import ViewError

if TYPE_CHECKING:
    import pyarrow as pa

    from salesops_lib.inputs.load import Snapshot

OWNED = {
    "reps": "rep_id",
    "credits": "rep_id",
    "activities": "rep_id",
    "forecast_submissions": "rep_id",
    "plan_assignments": "rep_id",
    "territory_assignments": "rep_id",
    "measure_events": "holder_id",
    "tool_seats": "rep_id",
    "tool_usage": "rep_id",
    "rollouts": "rep_id",
    "training_records": "rep_id",
}
"""The column that says whose a row is."""

HANGING = {
    "opportunities": "opportunity_id",
    "opportunity_history": "opportunity_id",
    "line_items": "opportunity_id",
    "invoices": "opportunity_id",
    "contracts": "opportunity_id",
    "accounts": "account_id",
    "contacts": "account_id",
    "leads": "lead_id",
}
"""Tables whose rows belong to who owns the opportunity or lead or holds the account, and its key there."""

_PARENT = {"opportunity_id": "opportunities", "account_id": "accounts", "lead_id": "leads"}
COMMON = ("fx_rates", "calendar")
CUT_BY_PEOPLE = (*OWNED, *HANGING, "quotas", "relationships", *COMMON)
"""Every table that can be cut to some people. The others are whole or not there."""

_PEOPLE = ("manager_id", "actor_id", "owner_id", "declared_by", "approved_by", "holder_id", "parent_id")
_KINSHIP = {"accounts"}  # whose parent_id is an account, no person


def people_of(snapshot: Snapshot, rows: str, person: str) -> tuple[str, ...]:
    """The rep_ids an audience sees: itself, and with ``team`` all who report to it on the snapshot's day.

    Raises ViewError where nobody has that id, or where a manager manages nobody on the day.
    """
    if not snapshot.has("reps"):
        raise ViewError("there is no table reps, so nobody's rows can be told apart; import it")
    spells = snapshot.table("reps").to_pyarrow().to_pylist()
    if person not in {spell["rep_id"] for spell in spells}:
        raise ViewError(
            f"nobody in table reps has the rep_id '{person[:40]}' by {snapshot.as_of}; "
            f"the ids stand in reps.rep_id"
        )
    if rows == "self":
        return (person,)
    active = [spell for spell in spells if _active(spell, snapshot.as_of)]
    found, asked = {person}, [person]
    while asked:
        chief = asked.pop()
        below = {spell["rep_id"] for spell in active if spell["manager_id"] == chief} - found
        found |= below
        asked += sorted(below)
    if len(found) == 1:
        raise ViewError(
            f"'{person[:40]}' manages nobody on {snapshot.as_of}; see reps.manager_id on that day"
        )
    return tuple(sorted(found))


def whole_teams(snapshot: Snapshot, people: Collection[str]) -> set[str]:
    """Teams every active member of which is seen: only their quotas can be set beside their bookings."""
    active = [s for s in snapshot.table("reps").to_pyarrow().to_pylist() if _active(s, snapshot.as_of)]
    ours = {s["team"] for s in active if s["rep_id"] in people and s["team"]}
    return ours - {s["team"] for s in active if s["rep_id"] not in people}


def _active(spell: Mapping[str, Any], day: date) -> bool:
    return spell["end_date"] is None or spell["end_date"] > day


def kept_keys(snapshot: Snapshot, people: Collection[str]) -> dict[str, set[str]]:
    """The opportunities, accounts, leads and contacts of some people, by the table they are the key of."""
    deals: set[str] = set()
    accounts: set[str] = set()
    mine = set(people)
    if snapshot.has("credits"):
        rows = _rows(snapshot, "credits", "opportunity_id", "rep_id")
        deals |= {deal for deal, rep in rows if rep in mine}
    if snapshot.has("opportunities"):
        rows = _rows(snapshot, "opportunities", "opportunity_id", "owner_id", "account_id")
        deals = {deal for deal, owner, _ in rows if owner in mine or deal in deals}
        accounts |= {account for deal, _, account in rows if deal in deals and account}
    if snapshot.has("territory_assignments"):
        rows = _rows(snapshot, "territory_assignments", "account_id", "rep_id")
        accounts |= {account for account, rep in rows if rep in mine}
    kept = {"opportunities": deals, "accounts": accounts, "reps": mine, "leads": set(), "contacts": set()}
    for name, owner in (("leads", "owner_id"), ("contacts", "account_id")):
        if snapshot.has(name):
            among = mine if name == "leads" else accounts
            rows = _rows(snapshot, name, TABLES[name].key[0], owner)
            kept[name] = {key for key, belongs in rows if belongs in among}
    return kept


def _rows(snapshot: Snapshot, name: str, *columns: str) -> list[tuple]:
    table = snapshot.table(name).select(*columns).to_pyarrow()
    return list(zip(*[table.column(c).to_pylist() for c in columns], strict=True))


def rows_of(rows: pa.Table, contract: Table, kept: Mapping[str, set[str]], teams: set[str]) -> pa.Table:
    """The rows of a table that belong to ``kept``, each reference to anything else emptied."""
    name = contract.name
    if name in COMMON:
        return rows
    if name in OWNED:
        rows = rows.filter(_among(rows, OWNED[name], kept["reps"]))
    elif name in HANGING:
        rows = rows.filter(_among(rows, HANGING[name], kept[_PARENT[HANGING[name]]]))
    elif name == "quotas":
        rows = rows.filter(_quotas(rows, kept["reps"], teams))
    else:  # ties between people: both ends
        ends = kept["reps"] | kept["contacts"]
        rows = rows.filter(_among(rows, "from_id", ends)).filter(_among(rows, "to_id", ends))
    return _without_others(rows, contract, kept, teams)


def _among(rows: pa.Table, column: str, values: Collection[str]):
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.is_in(rows.column(column), value_set=pa.array(sorted(values), pa.string()))


def _quotas(rows: pa.Table, people: set[str], teams: set[str]):
    import pyarrow as pa
    import pyarrow.compute as pc

    team = pc.equal(rows.column("level"), pa.scalar("team"))
    return pc.or_(_among(rows, "holder_id", people), pc.and_(team, _among(rows, "holder_id", teams)))


def _without_others(
    rows: pa.Table, contract: Table, kept: Mapping[str, set[str]], teams: set[str]
) -> pa.Table:
    """Empty each cell that names a person, deal, account or lead outside the view."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for position, column in enumerate(rows.column_names):
        declared = contract.by_name.get(column)
        if declared is None or column in contract.key:
            continue
        target = (declared.refers_to or "").partition(".")[0]
        if column in _PEOPLE and contract.name not in _KINSHIP:
            allowed = kept["reps"] | (teams if contract.name == "quotas" else set())
        elif target in kept:
            allowed = kept[target]
        else:
            continue
        old = rows.column(column)
        seen = pc.if_else(_among(rows, column, allowed), old, pa.scalar(None, old.type))
        rows = rows.set_column(position, column, seen)
    return rows
