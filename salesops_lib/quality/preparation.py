"""Adds to a table what conditions read across rows or tables: ``known_…``, ``last_touch``, ``name_number``…

A column is only added where the tables it comes from are there; the faults that need it are then measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from salesops_lib.quality.duplicates import name_key
from salesops_lib.quality.faults import Basis, day

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from salesops_lib.core.contracts import Table

Tables = Mapping[str, "ir.Table"]
ENOUGH_CLOSED = 30  # closed deals before the longest of them says how old a deal may become


def prepared(name: str, tables: Tables, contracts: Mapping[str, Table], basis: Basis) -> ir.Table:
    """The table with all columns added that can be; rows and other columns stay as they are."""
    table = tables[name]
    contract = contracts.get(name)
    added = {}
    if contract and set(contract.key) <= set(table.columns):
        added["key_number"] = _number_within(table, contract.key, contract.key)
    for column in contract.columns if contract else ():
        target, _, key = str(column.refers_to or "").partition(".")
        if target in tables and key in tables[target].columns and column.name in table.columns:
            known = tables[target].filter(tables[target][key].notnull()).select(key).distinct()
            added[f"known_{column.name}"] = table[column.name].isin(known[key])
    table = table.mutate(**added) if added else table
    for add, owner in _ADDITIONS:
        if owner == name:
            table = add(table, tables, basis)
    return table


def _number_within(table: ir.Table, group: tuple[str, ...], order: tuple[str, ...]) -> ir.IntegerValue:
    import ibis

    return ibis.row_number().over(group_by=[table[g] for g in group], order_by=[table[o] for o in order])


def _held(table: ir.Table, *columns: str) -> bool:
    return set(columns) <= set(table.columns)


def _position(table: ir.Table, tables: Tables, basis: Basis) -> ir.Table:
    import ibis

    if not _held(table, "stage") or not basis.positions:
        return table
    branches = [(table.stage == stage, position) for stage, position in basis.positions.items()]
    return table.mutate(position=ibis.cases(*branches, else_=ibis.null("int64")))


def _last_touch(table: ir.Table, tables: Tables, basis: Basis) -> ir.Table:
    """The newest of the record's own stamp, its last change and its last activity."""
    if not _held(table, "opportunity_id"):
        return table
    touches = []
    for name, stamp in (("opportunity_history", "changed_at"), ("activities", "at")):
        other = tables.get(name)
        if other is not None and _held(other, "opportunity_id", stamp):
            last = other.filter(other.opportunity_id.notnull()).group_by("opportunity_id")
            last = last.aggregate(**{f"last_{stamp}": day(other[stamp]).max()})
            last = last.rename(opportunity_touched="opportunity_id")
            table = table.left_join(last, table.opportunity_id == last.opportunity_touched)
            table = table.drop("opportunity_touched")
            touches.append(f"last_{stamp}")
    if not touches and not _stamped(table):
        return table
    import ibis

    stamps = [table[t] for t in touches]
    if _held(table, "recorded_at"):
        stamps.append(day(table.recorded_at))
    return table.mutate(last_touch=ibis.greatest(*stamps) if len(stamps) > 1 else stamps[0])


def _stamped(table: ir.Table) -> bool:
    """Whether recorded_at is each row's own: one stamp for all is only the import's time."""
    return _held(table, "recorded_at") and int(table.recorded_at.nunique().execute()) > 1


def _closing_recorded(table: ir.Table, tables: Tables, basis: Basis) -> ir.Table:
    history = tables.get("opportunity_history")
    if (
        history is None
        or not _held(history, "opportunity_id", "changed_at", "stage")
        or not basis.closed_stages
    ):
        return table
    closing = history.filter(history.stage.isin(basis.closed_stages)).group_by("opportunity_id")
    closing = closing.aggregate(closing_recorded=day(history.changed_at).min())
    closing = closing.rename(opportunity_closed="opportunity_id")
    joined = table.left_join(closing, table.opportunity_id == closing.opportunity_closed)
    return joined.drop("opportunity_closed")


def _age(table: ir.Table, tables: Tables, basis: Basis) -> ir.Table:
    import ibis

    if not _held(table, "created_date", "close_date", "is_closed"):
        return table
    took = day(table.close_date).delta(day(table.created_date), unit="day")
    closed = ibis.ifelse(table.is_closed & (took >= 0), took, ibis.null("int64"))
    longest = ibis.ifelse(closed.count().over() >= ENOUGH_CLOSED, closed.max().over(), ibis.null("int64"))
    age = ibis.literal(basis.as_of).delta(day(table.created_date), unit="day")
    return table.mutate(age_days=age, longest_days=longest)


def _twins(table: ir.Table, tables: Tables, basis: Basis) -> ir.Table:
    same = ("account_id", "name", "amount_base", "close_date")
    if not _held(table, *same, "opportunity_id"):
        return table
    return table.mutate(twin_number=_number_within(table, same, ("opportunity_id",)))


def _same_names(table: ir.Table, tables: Tables, basis: Basis) -> ir.Table:
    """Numbers the accounts of one name key and country; the oldest is 0 and stays."""
    if not _held(table, "name", "account_id"):
        return table
    table = table.mutate(name_key=name_key(table.name))
    if _held(table, "country"):
        # A copy without a country is a copy of the one that has it.
        country = table.country.fill_null(table.country.min().over(group_by=table.name_key))
    else:
        country = table.name_key
    table = table.mutate(name_country=country)
    order = ("created_date", "account_id") if _held(table, "created_date") else ("account_id",)
    return table.mutate(name_number=_number_within(table, ("name_key", "name_country"), order))


def _spell_before(table: ir.Table, tables: Tables, basis: Basis) -> ir.Table:
    if not _held(table, "rep_id", "start_date", "end_date"):
        return table
    import ibis

    # A spell without end that is followed by another runs into it.
    ends = table.end_date.fill_null(ibis.literal(basis.as_of.replace(year=9999)).cast(table.end_date.type()))
    before = ends.lag().over(group_by=table.rep_id, order_by=table.start_date)
    return table.mutate(ended_before=before)


def _owner_here(table: ir.Table, tables: Tables, basis: Basis) -> ir.Table:
    reps = tables.get("reps")
    if reps is None or not _held(table, "owner_id") or not _held(reps, "rep_id", "start_date", "end_date"):
        return table
    here = (day(reps.start_date) <= basis.as_of) & (
        reps.end_date.isnull() | (day(reps.end_date) > basis.as_of)
    )
    present = reps.filter(here & reps.rep_id.notnull()).select("rep_id").distinct()
    return table.mutate(owner_here=table.owner_id.isin(present.rep_id))


def _holder_known(table: ir.Table, tables: Tables, basis: Basis) -> ir.Table:
    reps = tables.get("reps")
    if reps is None or not _held(table, "holder_id", "level"):
        return table
    known = reps.filter(reps.rep_id.notnull()).select("rep_id").distinct()
    return table.mutate(holder_known=table.holder_id.isin(known.rep_id))


def _owns_deals(table: ir.Table, tables: Tables, basis: Basis) -> ir.Table:
    deals = tables.get("opportunities")
    if deals is None or not _held(table, "rep_id") or not _held(deals, "owner_id"):
        return table
    owners = deals.filter(deals.owner_id.notnull()).select("owner_id").distinct()
    return table.mutate(owns_deals=table.rep_id.isin(owners.owner_id))


def _change_before(table: ir.Table, tables: Tables, basis: Basis) -> ir.Table:
    if not _held(table, "opportunity_id", "sequence", "changed_at"):
        return table
    before = table.changed_at.lag().over(group_by=table.opportunity_id, order_by=table.sequence)
    return table.mutate(changed_before=before)


_ADDITIONS: tuple[tuple[Callable[[ir.Table, Tables, Basis], ir.Table], str], ...] = (
    (_position, "opportunities"),
    (_last_touch, "opportunities"),
    (_closing_recorded, "opportunities"),
    (_age, "opportunities"),
    (_twins, "opportunities"),
    (_owner_here, "opportunities"),
    (_holder_known, "quotas"),
    (_same_names, "accounts"),
    (_spell_before, "reps"),
    (_owns_deals, "reps"),
    (_change_before, "opportunity_history"),
)
