"""Measures every fault on every table in a few passes of the database, and what the faulty rows are worth.

Worth: the value of the distinct deals that the faulty rows belong to, open or closed lately
(:mod:`salesops_lib.quality.worth`). Rows without a deal are worth nothing known, not 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from salesops_lib.quality.faults import DIMENSIONS, Basis, Fault, blank
from salesops_lib.quality.faults_deals import DEAL_FAULTS
from salesops_lib.quality.faults_records import RECORD_FAULTS, contract_faults
from salesops_lib.quality.places import with_place
from salesops_lib.quality.preparation import prepared
from salesops_lib.quality.worth import Worth, deals_of, worth_of

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
            parts.append(_Part(pd.DataFrame([_unmeasured(f, NO_TABLE) for f in mine])))
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
    faults: pd.DataFrame
    scores: pd.DataFrame | None = None
    tables: pd.DataFrame | None = None
    places: pd.DataFrame | None = None


def _measure_table(name, faults, tables, contracts, basis, deals) -> tuple[_Part, Worth]:
    table = prepared(name, tables, contracts, basis)
    held = [f for f in faults if set(f.needs) <= set(table.columns)]
    table = with_place(name, table, tables, basis)
    flagged = _flagged(table, held, basis).cache()
    counts = flagged.aggregate(**_sums(held)).execute().iloc[0].astype("float64").fillna(0)
    worth = worth_of(name, flagged, held, deals)
    rows = [_measured(f, i, counts, worth) for i, f in enumerate(held)]
    rows += [_unmeasured(f, NO_COLUMN) for f in faults if f not in held]
    found = pd.DataFrame(rows)
    live = [i for i, row in enumerate(rows[: len(held)]) if row["state"] == MEASURED]
    grouped = _groups(flagged, held, live)
    return _Part(found, *grouped, _places(flagged, held, live)), worth


def _typed(table: ir.Table) -> ir.Table:
    """A column with no value at all may have no type; it is read as text."""
    untyped = {name: "string" for name, kind in table.schema().items() if kind.is_null()}
    return table.cast(untyped) if untyped else table


def _flagged(table: ir.Table, faults: Sequence[Fault], basis: Basis) -> ir.Table:
    """Keys, place and money of every row with ``due_i`` and ``bad_i`` of every fault."""
    import ibis

    kept = [c for c in ("opportunity_id", "account_id", "rep_id", "amount_base") if c in table.columns]
    flags = {}
    for i, fault in enumerate(faults):
        due = fault.due(table, basis).fill_null(False)
        flags[f"due_{i}"] = due
        flags[f"bad_{i}"] = due & fault.faulty(table, basis).fill_null(False)
        if fault.dimension == "completeness":
            flags[f"filled_{i}"] = ~blank(table, fault.field)
    return table.select(*kept, place=table.place, one=ibis.literal(1), **flags)


def _sums(faults: Sequence[Fault]) -> dict:
    import ibis

    sums = {"rows": ibis._.count()}
    for i, fault in enumerate(faults):
        sums[f"due_{i}"] = ibis._[f"due_{i}"].sum()
        sums[f"bad_{i}"] = ibis._[f"bad_{i}"].sum()
        if fault.dimension == "completeness":
            sums[f"filled_{i}"] = ibis._[f"filled_{i}"].sum()
    return sums


def _measured(fault: Fault, i: int, counts: pd.Series, worth: Worth) -> dict:
    due, faulty = int(counts[f"due_{i}"]), int(counts[f"bad_{i}"])
    state = MEASURED if due else NOTHING_DUE
    if due and fault.dimension == "completeness" and not counts[f"filled_{i}"]:
        state = NEVER_FILLED
    if state != MEASURED:
        return _unmeasured(fault, state) | {"due": due}
    money = worth.of(i)
    return _said(fault, state) | {
        "due": due,
        "faulty": faulty,
        "score": 1 - faulty / due,
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
        "judged": judged(fault),
        "owner": fault.owner,
        "mend": fault.mend,
    }


def judged(fault: Fault) -> bool:
    """Whether a fault counts in totals and in what to fix: an optional field left empty does not."""
    return fault.required or fault.dimension != "completeness"


def _groups(flagged: ir.Table, faults, live: list[int]) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Rows due for and faulty in any fault of a field and dimension, and of a table and dimension."""
    by_field: dict[tuple[str, str, str], list[int]] = {}
    by_table: dict[tuple[str, str], list[int]] = {}
    for i in live:
        fault = faults[i]
        by_field.setdefault((fault.table, fault.field, fault.dimension), []).append(i)
        if judged(fault):
            by_table.setdefault((fault.table, fault.dimension), []).append(i)
    if not by_field:
        return None, None
    sums = {}
    for kind, groups in (("field", by_field), ("table", by_table)):
        for g, members in enumerate(groups.values()):
            sums[f"{kind}_due_{g}"] = _any(flagged, "due", members).sum()
            sums[f"{kind}_bad_{g}"] = _any(flagged, "bad", members).sum()
    counts = flagged.aggregate(**sums).execute().iloc[0]
    return (
        _scored(by_field, counts, "field", ["table", "field", "dimension"]),
        _scored(by_table, counts, "table", ["table", "dimension"]),
    )


def _any(flagged: ir.Table, flag: str, members: list[int]) -> ir.BooleanValue:
    held = flagged[f"{flag}_{members[0]}"]
    for i in members[1:]:
        held = held | flagged[f"{flag}_{i}"]
    return held


def _scored(groups: Mapping, counts: pd.Series, kind: str, names: list[str]) -> pd.DataFrame:
    rows = []
    for g, group in enumerate(groups):
        due, bad = int(counts[f"{kind}_due_{g}"]), int(counts[f"{kind}_bad_{g}"])
        rows.append(
            {**dict(zip(names, group, strict=True)), "due": due, "faulty": bad, "score": 1 - bad / due}
        )
    return pd.DataFrame(rows, columns=[*names, "due", "faulty", "score"])


def _places(flagged: ir.Table, faults, live: list[int]) -> pd.DataFrame | None:
    bad = [i for i in live if judged(faults[i])]
    if not bad:
        return None
    sums = {f"{flag}_{i}": flagged[f"{flag}_{i}"].sum() for i in bad for flag in ("due", "bad")}
    counts = flagged.group_by("place").aggregate(**sums).execute()
    long = [
        pd.DataFrame({"fault": faults[i].name, "place": counts["place"], "due": counts[f"due_{i}"],
                      "faulty": counts[f"bad_{i}"]})
        for i in bad
    ]  # fmt: skip
    found = pd.concat(long, ignore_index=True)
    return found[(found["faulty"] > 0) & found["place"].notna()]


def _stack(frames: list[pd.DataFrame | None], columns: list[str]) -> pd.DataFrame:
    rows = [row for frame in frames if frame is not None for row in frame.to_dict("records")]
    stacked = pd.DataFrame(rows, columns=columns)
    for name in set(columns) & {"score", "due_base", "money_base"}:
        stacked[name] = stacked[name].astype("float64")
    for name in set(columns) & {"due", "faulty", "unpriced"}:
        stacked[name] = stacked[name].astype("int64")
    order = [c for c in ("table", "fault", "field", "dimension", "place") if c in columns]
    return stacked.sort_values(order, key=_dimension_rank, kind="stable", ignore_index=True)


def _dimension_rank(column: pd.Series) -> pd.Series:
    return column.map(DIMENSIONS.index) if column.name == "dimension" else column
