"""The faults of everything beside deals, and those that follow from the tables' contracts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from salesops_lib.quality.faults import Fault, blank, empty, every, out_of_order, words

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from salesops_lib.core.contracts import Column, Table

_LEAD_CLOCK = ("created_at", "assigned_at", "first_touch_at", "first_contact_at")
_LEAD_FUNNEL = ("created_at", "mql_at", "sal_at", "sql_at", "won_at")


def _chain(table: str, fields: Iterable[str], mend: str) -> tuple[Fault, ...]:
    return tuple(out_of_order(table, a, b, mend=mend) for a, b in pairwise(fields))


RECORD_FAULTS: tuple[Fault, ...] = (
    empty("accounts", "name", required=True, mend="Require the legal name when an account is created"),
    empty("accounts", "segment", mend="Derive the segment from employees or revenue by rule"),
    empty("accounts", "industry", mend="Fill the industry from a company register at creation"),
    empty("accounts", "country", mend="Require the country when an account is created"),
    Fault(
        table="accounts",
        field="name",
        kind="duplicate",
        dimension="uniqueness",
        title="An account stands twice under a near-equal name",
        counted="accounts with a name",
        needs=("account_id", "name", "name_number"),
        due=lambda t, b: ~blank(t, "name"),
        faulty=lambda t, b: t.name_number > 0,
        owner="representative",
        mend="Search name and country before an account may be created; merge what stands twice",
    ),
    empty(
        "reps",
        "team",
        required=True,
        owner="manager",
        due=lambda t, b: t.owns_deals,
        counted="role spells of people who own deals",
        needs=("owns_deals",),
        mend="Set the team in the HR feed, not in the CRM",
    ),
    empty("reps", "manager_id", owner="manager", mend="Take the manager from the HR feed"),
    out_of_order("reps", "start_date", "end_date", mend="Refuse a spell that ends before it starts"),
    Fault(
        table="reps",
        field="start_date",
        kind="overlap",
        dimension="validity",
        title="Two role spells of one person overlap",
        counted="spells after a person's first",
        needs=("rep_id", "start_date", "ended_before"),
        due=lambda t, b: t.ended_before.notnull(),
        faulty=lambda t, b: t.start_date < t.ended_before,
        owner="analyst",
        mend="End the old spell on the day the new one starts",
    ),
    empty(
        "quotas", "quota_base", required=True, owner="manager",
        mend="Enter every quota before its period starts; write 0 only where it is meant",
    ),
    Fault(
        table="quotas",
        field="holder_id",
        kind="orphan",
        dimension="consistency",
        title="A rep's quota is held by nobody in reps",
        counted="quotas of level rep",
        needs=("holder_id", "level", "holder_known"),
        due=lambda t, b: t.level == "rep",
        faulty=lambda t, b: ~t.holder_known,
        owner="analyst",
        mend="Import all of reps, leavers included, and key quotas by the CRM's user id",
    ),
    empty("leads", "source", required=True, owner="representative", mend="Fill the source by a form field"),
    empty("leads", "owner_id", owner="representative", mend="Route every lead by rule, with a default owner"),
    empty("leads", "segment", mend="Fill the segment at capture from the company's size"),
    empty(
        "leads", "reason", counted="disqualified leads", needs=("disqualified_at",),
        due=lambda t, b: t.disqualified_at.notnull(),
        mend="Require a reason from a short list to disqualify a lead",
    ),
    *_chain("leads", _LEAD_CLOCK, "Stamp the step by automation when it happens, never by hand"),
    *_chain("leads", _LEAD_FUNNEL, "Let a lead enter a stage only from the one before it"),
    empty("credits", "share", owner="manager", mend="Require the share when a split is entered"),
    empty("contracts", "end_date", mend="Take start and end from the signed order form"),
    empty("contracts", "arr_base", mend="Take the yearly value from the signed order form"),
    out_of_order("contracts", "start_date", "end_date", mend="Refuse a term that ends before it starts"),
    empty("invoices", "amount_base", owner="finance", mend="Read invoices from the ledger, not from the CRM"),
    empty("invoices", "due_date", owner="finance", mend="Derive the due date from the payment terms"),
    out_of_order("invoices", "invoiced_date", "due_date", mend="Derive the due date from the payment terms"),
    out_of_order("invoices", "invoiced_date", "paid_date", mend="Match payments to invoices in the ledger"),
    empty("line_items", "net_price", mend="Build deals from the price book"),
    empty("activities", "rep_id", mend="Log activities by mail and calendar sync"),
    out_of_order("work_items", "opened_at", "closed_at", mend="Stamp opening and closing by automation"),
)  # fmt: skip


def contract_faults(contracts: Mapping[str, Table]) -> tuple[Fault, ...]:
    """What the contracts say of every table: ranges, allowed values, keys that stand twice, references."""
    found: list[Fault] = []
    for name, table in contracts.items():
        if table.key:
            found.append(_double_key(name, table.key))
        for column in table.columns:
            if column.values or column.low is not None or column.high is not None:
                found.append(_out_of_range(name, column))
            if column.refers_to and not column.refers_to.startswith(f"{name}."):
                found.append(_orphan(name, column))
    return tuple(found)


def _double_key(table: str, key: tuple[str, ...]) -> Fault:
    return Fault(
        table=table,
        field=key[0],
        kind="key_double",
        dimension="uniqueness",
        title=f"Two rows share {', '.join(key)}",
        counted="all rows",
        needs=(*key, "key_number"),
        due=every,
        faulty=lambda t, b: t.key_number > 0,
        owner="analyst",
        mend="Take the CRM's own record id as the key in the import",
    )


def _out_of_range(table: str, column: Column) -> Fault:
    allowed = f"one of {len(column.values)} allowed values" if column.values else _bounds(column)
    return Fault(
        table=table,
        field=column.name,
        kind="out_of_range",
        dimension="validity",
        title=f"{words(column.name)} is not {allowed}",
        counted=f"rows with {column.name}",
        needs=(column.name,),
        due=lambda t, b: t[column.name].notnull(),
        faulty=lambda t, b: _outside(t, column),
        owner="representative",
        mend="Turn the field into a list or give it bounds in the CRM",
    )


def _bounds(column: Column) -> str:
    if column.low is None:
        return f"{column.high:g} or less"
    return f"{column.low:g} or more" if column.high is None else f"{column.low:g} to {column.high:g}"


def _outside(t: ir.Table, column: Column) -> ir.BooleanValue:
    import ibis

    cell, outside = t[column.name], ibis.literal(False)
    if column.values:
        outside = outside | ~cell.isin(column.values)
    if column.low is not None:
        outside = outside | (cell < column.low)
    if column.high is not None:
        outside = outside | (cell > column.high)
    return outside


def _orphan(table: str, column: Column) -> Fault:
    target = str(column.refers_to).split(".")[0]
    return Fault(
        table=table,
        field=column.name,
        kind="orphan",
        dimension="consistency",
        title=f"{words(column.name)} is not in {target}",
        counted=f"rows with {column.name}",
        needs=(column.name, f"known_{column.name}"),
        due=lambda t, b: t[column.name].notnull(),
        faulty=lambda t, b: ~t[f"known_{column.name}"],
        owner="representative",
        mend=f"Import all of {target}, removed ones included; refuse removing a row others point to",
    )
