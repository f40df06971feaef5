"""Measures every fault on every table in a few passes of the database, and what the faulty rows are worth.

Worth: the value of the distinct deals that the faulty rows belong to, open or closed lately
(:mod:`salesops_lib.quality.worth`). Rows without a deal are worth nothing known, not 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from salesops_lib.quality.faults import DIMENSIONS, Basis, Fault
from salesops_lib.quality.faults_deals import DEAL_FAULTS
from salesops_lib.quality.faults_records import RECORD_FAULTS, contract_faults
from salesops_lib.quality.patterns import Patterns, coded, patterns
from salesops_lib.quality.places import with_place
from salesops_lib.quality.preparation import prepared
from salesops_lib.quality.worth import Money, Worth, deals_of, link_of, worth_of

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from salesops_lib.core.contracts import Table

MEASURED, NOTHING_DUE, NEVER_FILLED = "measured", "no row due", "never filled"
NO_COLUMN, NO_TABLE = "column missing", "table missing"

_FAULT_COLUMNS = [
    "fault",
    "table",
    "field",
    "dimension",
    "title",
    "counted",
    "state",
    "due",
    "faulty",
    "score",
]
_FAULT_COLUMNS += ["due_base", "money_base", "unpriced", "required", "judged", "owner", "mend"]


@dataclass(frozen=True)
class Measures:
    """What was measured on one day.

    ``faults``: a row per fault, measured or not, ``state`` saying why not. ``scores``: a row per table,
    field and dimension. ``tables``: a row per table and dimension. ``places``: faulty rows per fault and
    place. ``worth``: distinct deals with a judged fault by outcome, and all deals beside them.
    """

    faults: pd.DataFrame
    scores: pd.DataFrame
    tables: pd.DataFrame
    places: pd.DataFrame
    worth: pd.DataFrame


def catalogue(contracts: Mapping[str, Table]) -> tuple[Fault, ...]:
    """Every fault looked for: those of deals and records, and those the contracts imply."""
    return DEAL_FAULTS + RECORD_FAULTS + contract_faults(contracts)


def measure(
    tables: Mapping[str, ir.Table],
    contracts: Mapping[str, Table],
    basis: Basis,
    faults: Sequence[Fault] | None = None,
) -> Measures:
    """Measure ``faults`` (default: :func:`catalogue`) on ``tables`` as known on ``basis.as_of``.

    ``tables`` maps names to Ibis tables with the columns of ``contracts``; tables and columns may lack, and
    what needs them has the state ``table missing`` or ``column missing``. A fault no row is due for has no
    score: undefined is missing, never 100 %. Money is in the reporting currency.
    """
    faults = catalogue(contracts) if faults is None else faults
    tables = {name: _typed(table) for name, table in tables.items()}
    deals = deals_of(tables, basis)
    parts, worths = [], []
    for name in dict.fromkeys(f.table for f in faults):
        mine = [f for f in faults if f.table == name]
        if name not in tables:
            parts.append(_Part([_unmeasured(f, NO_TABLE) for f in mine]))
            continue
        part, worth = _measure_table(name, mine, tables, contracts, basis, deals)
        parts.append(part)
        worths.append(worth)
    return Measures(
        faults=_stack([p.faults for p in parts], _FAULT_COLUMNS),
        scores=_stack([p.scores for p in parts], ["table", "field", "dimension", "due", "faulty", "score"]),
        tables=_stack([p.tables for p in parts], ["table", "dimension", "due", "faulty", "score"]),
        places=_stack([p.places for p in parts], ["fault", "place", "due", "faulty"]),
        worth=Worth.total(worths, deals),
    )


@dataclass(frozen=True)
class _Part:
    """One table's rows of each frame of :class:`Measures`."""

    faults: list[dict]
    scores: list[dict] = field(default_factory=list)
    tables: list[dict] = field(default_factory=list)
    places: list[dict] = field(default_factory=list)


def _measure_table(name, faults, tables, contracts, basis, deals) -> tuple[_Part, Worth]:
    table = with_place(name, prepared(name, tables, contracts, basis), tables, basis)
    held = [f for f in faults if set(f.needs) <= set(table.columns)]
    missing = [_unmeasured(f, NO_COLUMN) for f in faults if f not in held]
    if not held:
        return _Part(missing), Worth()
    rows = coded(table, held, basis)
    if deals is not None and link_of(name) in rows.columns:
        rows = rows.cache()  # what its faulty rows are worth is asked of the same rows
    found = patterns(rows, len(held))
    states = [_state(f, *counts) for f, *counts in zip(held, found.due, found.filled, strict=True)]
    live = [i for i, state in enumerate(states) if state == MEASURED]
    faulty = [i for i in live if found.faulty[i]]
    worth = worth_of(name, rows, held, faulty, deals)
    counts = zip(held, states, found.due, found.faulty, strict=True)
    part = _Part(
        [_measured(*count, worth.of(i)) for i, count in enumerate(counts)] + missing,
        _by_group(held, live, found, ["table", "field", "dimension"]),
        _by_group(held, [i for i in live if held[i].judged], found, ["table", "dimension"]),
        _places(held, [i for i in live if held[i].judged], found),
    )
    return part, worth


def _typed(table: ir.Table) -> ir.Table:
    """A column with no value at all may have no type; it is read as text."""
    untyped = {name: "string" for name, kind in table.schema().items() if kind.is_null()}
    return table.cast(untyped) if untyped else table


def _state(fault: Fault, due: int, filled: bool) -> str:
    if not due:
        return NOTHING_DUE
    return MEASURED if filled or fault.dimension != "completeness" else NEVER_FILLED


def _measured(fault: Fault, state: str, due: int, faulty: int, money: Money) -> dict:
    if state != MEASURED:
        return _unmeasured(fault, state) | {"due": due}
    return _said(fault, state) | {
        "due": due,
        "faulty": faulty,
        "score": (due - faulty) / due,
        "due_base": money.due_base,
        "money_base": money.bad_base,
        "unpriced": money.unpriced,
    }


def _unmeasured(fault: Fault, state: str) -> dict:
    nothing = {"score": None, "due_base": None, "money_base": None}
    return _said(fault, state) | {"due": 0, "faulty": 0, "unpriced": 0} | nothing


def _said(fault: Fault, state: str) -> dict:
    return {
        "fault": fault.name,
        **{k: getattr(fault, k) for k in ("table", "field", "dimension", "title", "counted")},
        "state": state,
        "required": fault.required,
        "judged": fault.judged,
        "owner": fault.owner,
        "mend": fault.mend,
    }


def _by_group(faults: Sequence[Fault], live: list[int], found: Patterns, names: list[str]) -> list[dict]:
    """Rows due for and faulty in any fault of a group, each row once."""
    members: dict[tuple, list[int]] = {}
    for i in live:
        members.setdefault(tuple(getattr(faults[i], n) for n in names), []).append(i)
    rows = []
    for group, numbers in members.items():
        due, bad = found.in_any(numbers)
        counts = {"due": due, "faulty": bad, "score": (due - bad) / due}
        rows.append(dict(zip(names, group, strict=True)) | counts)
    return rows


def _places(faults: Sequence[Fault], judged: list[int], found: Patterns) -> list[dict]:
    """Faulty rows of each fault by place."""
    due, faulty = found.by_place()
    return [
        {"fault": faults[i].name, "place": place, "due": int(due[at, i]), "faulty": int(faulty[at, i])}
        for i in judged
        for at, place in enumerate(found.places)
        if faulty[at, i]
    ]


def _stack(parts: list[list[dict]], columns: list[str]) -> pd.DataFrame:
    stacked = pd.DataFrame([row for part in parts for row in part], columns=columns)
    for name in set(columns) & {"score", "due_base", "money_base"}:
        stacked[name] = stacked[name].astype("float64")
    for name in set(columns) & {"due", "faulty", "unpriced"}:
        stacked[name] = stacked[name].astype("int64")
    order = [c for c in ("table", "fault", "field", "dimension", "place") if c in columns]
    return stacked.sort_values(order, key=_dimension_rank, kind="stable", ignore_index=True)


def _dimension_rank(column: pd.Series) -> pd.Series:
    return column.map(DIMENSIONS.index) if column.name == "dimension" else column
