"""Opportunities as known on a day, rebuilt from their history; without history, only dates are rewound.

An opportunity has a version recorded by the day, or changes in the history by the day, or, where the history
does not reach back at all, only its dates say what it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from salesops_lib.inputs.asof import Day, last_version, nth_version

if TYPE_CHECKING:
    import ibis.expr.types as ir

KEY = ("opportunity_id",)
IDENTITY = ("account_id", "name", "type", "segment", "lead_source", "created_date", "currency")
"""What an opportunity is from its first day on; taken from a later version where there is no earlier."""

DATED = ("amount", "amount_base", "close_date", "stage", "is_closed", "is_won", "term_months")
"""What a deal closed by the day keeps of a version recorded after it; for any other it is unknown."""

TRACKED = ("stage", "amount_base", "close_date", "forecast_category", "probability", "owner_id")
"""What the history says better than the version."""


@dataclass(frozen=True)
class Opportunities:
    """All versions, the changes by the day (None where there is none), the outcome of each stage, the
    reporting currency."""

    versions: ir.Table
    changes: ir.Table | None
    outcomes: dict[str, str]
    currency: str


def known_opportunities(given: Opportunities, day: Day) -> ir.Table:
    """One row per opportunity that existed on the day, in the columns of the versions.

    ``recorded_at`` is the last moment by the day that the row rests on; empty where only dates speak.
    """
    base = last_version(given.versions, KEY, day)
    if given.changes is None:
        found = base.union(_by_dates(given, day))
    else:
        found = _with_history(base.union(_only_changed(given, base)), given)
    return found.filter(found["created_date"].isnull() | day.reached(found["created_date"]))


def only_dated(given: Opportunities, day: Day) -> dict[str, int]:
    """How many opportunities are known on the day by their dates only.

    ``rows``: all of them; ``open``: their amount and stage are unknown; ``undated``: closed on an unknown
    day; ``uncreated``: left out, since neither creation nor close says that they existed.
    """
    import ibis

    if given.changes is not None:
        return {"rows": 0, "open": 0, "undated": 0, "uncreated": 0}
    found = _by_dates(given, day)
    counts = found.aggregate(
        rows=ibis._.count(),
        open=ibis.ifelse(~ibis._.is_closed, 1, 0).sum().fill_null(0),
        undated=ibis.ifelse(ibis._.is_closed.isnull(), 1, 0).sum().fill_null(0),
    )
    uncreated = _later(given, last_version(given.versions, KEY, day))
    uncreated = uncreated.filter(uncreated["created_date"].isnull() & ~_closed_by(uncreated, day)).count()
    numbers = counts.to_pyarrow().to_pylist()[0] | {"uncreated": uncreated.to_pyarrow().as_py()}
    return {name: int(number) for name, number in numbers.items()}


def _later(given: Opportunities, base: ir.Table) -> ir.Table:
    """The earliest version of every opportunity that has none by the day."""
    unknown = given.versions.anti_join(base, "opportunity_id")
    return nth_version(unknown, KEY, "recorded_at", last=False)


def _closed_by(version: ir.Table, day: Day) -> ir.BooleanValue:
    return (version["is_closed"] & day.reached(version["close_date"])).fill_null(False)


def _by_dates(given: Opportunities, day: Day) -> ir.Table:
    """What the dates of a later version tell about the day."""
    import ibis

    later = _later(given, last_version(given.versions, KEY, day))
    closed = _closed_by(later, day)
    created = day.reached(later["created_date"])
    undated = (later["is_closed"] & later["close_date"].isnull()).fill_null(False)
    kept = {name: later[name] for name in ("opportunity_id", "owner_id", *IDENTITY)}
    kept |= {name: _where(closed, later[name]) for name in DATED}
    for flag in ("is_closed", "is_won"):  # an opportunity not closed by the day was open
        otherwise = ibis.ifelse(undated, ibis.null("boolean"), ibis.literal(False))
        kept[flag] = ibis.ifelse(closed, later[flag], otherwise)
    exists = created.fill_null(False) | (later["created_date"].isnull() & closed)
    return (
        _shaped(later.mutate(_exists=exists, **kept), kept, given).filter(ibis._["_exists"]).drop("_exists")
    )


def _only_changed(given: Opportunities, base: ir.Table) -> ir.Table:
    """Who an opportunity is that has changes by the day and a version only after it; the rest is empty."""
    later = _later(given, base).semi_join(given.changes, "opportunity_id")
    kept = {name: later[name] for name in ("opportunity_id", *IDENTITY)}
    return _shaped(later, kept, given, exists=False)


def _shaped(later: ir.Table, kept: dict, given: Opportunities, exists: bool = True) -> ir.Table:
    """All columns of the versions; those not kept are empty."""
    import ibis

    columns = [
        later[name].name(name) if name in kept else ibis.null(given.versions[name].type()).name(name)
        for name in given.versions.columns
    ]
    return later.select(*columns, *(["_exists"] if exists else []))


def _with_history(base: ir.Table, given: Opportunities) -> ir.Table:
    """The base with what its last change by the day says."""
    import ibis

    changes = given.changes
    held = (
        changes.aggregate([changes[name].count().name(name) for name in TRACKED]).to_pyarrow().to_pylist()[0]
    )
    last = nth_version(changes, KEY, "changed_at", "sequence", last=True)
    last = last.select(
        change_of=last["opportunity_id"],
        change_at=last["changed_at"],
        **{f"new_{name}": last[name] for name in TRACKED},
    )
    both = base.left_join(last, base["opportunity_id"] == last["change_of"])
    changed = both["change_of"].notnull()
    values = {name: ibis.ifelse(changed, both[f"new_{name}"], both[name]) for name in TRACKED if held[name]}
    if held["stage"]:
        values |= _outcomes(both, changed, given.outcomes)
    if held["amount_base"]:
        values["amount"] = ibis.ifelse(changed, _amount(both, given.currency), both["amount"])
    values["recorded_at"] = ibis.greatest(both["recorded_at"], both["change_at"])
    return both.mutate(**values).select(given.versions.columns)


def _outcomes(both: ir.Table, changed: ir.BooleanValue, by_stage: dict[str, str]) -> dict:
    """``is_closed`` and ``is_won`` by the new stage; an undeclared one by the version that agrees on it."""
    import ibis

    new = both["new_stage"]
    declared = new.isin(list(by_stage))
    found = {}
    for flag, outcomes in (("is_closed", ["won", "lost"]), ("is_won", ["won"])):
        meant = [stage for stage, outcome in by_stage.items() if outcome in outcomes]
        same = _where(new == both["stage"], both[flag])
        found[flag] = ibis.ifelse(changed, ibis.ifelse(declared, new.isin(meant), same), both[flag])
    return found


def _amount(both: ir.Table, currency: str) -> ir.Column:
    """The amount in the row's currency after a change: known if unchanged, or in the reporting currency."""
    import ibis

    new, old = both["new_amount_base"], both["amount_base"]
    unchanged = (new == old).fill_null(False) | (new.isnull() & old.isnull())
    own = _where(both["currency"] == currency, new)
    return ibis.ifelse(unchanged & both["amount"].notnull(), both["amount"], own)


def _where(test: ir.BooleanValue, value: ir.Column) -> ir.Column:
    import ibis

    return ibis.ifelse(test, value, ibis.null(value.type()))
