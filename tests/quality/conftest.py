"""A clean company of one row per table in DATA.md's columns; a test changes what matters."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from pathlib import Path

import ibis
import pandas as pd
import pytest
import yaml

import salesops_lib
from salesops_lib.core.contracts import Column
from salesops_lib.core.policy import Policy
from salesops_lib.inputs.tables import TABLES
from salesops_lib.quality.faults import Basis
from salesops_lib.quality.measure import Measures, catalogue, measure

AS_OF = date(2025, 12, 12)
CATALOGUE = catalogue(TABLES)
_DAY, _STAMP = date(2025, 3, 1), datetime(2025, 3, 1, 12)
_IBIS = {"text": "string", "date": "date", "datetime": "timestamp", "bool": "boolean", "count": "int64"}
_CLEAN = {
    "reps": {"end_date": None},
    "plan_assignments": {"end_date": None},
    "territory_assignments": {"end_date": None},
    "accounts": {"parent_id": None},
    "quotas": {"holder_id": "rep_id-1", "level": "rep"},
    "opportunities": {
        "close_date": date(2026, 1, 15),
        "recorded_at": datetime(2025, 12, 10),
        "stage": "Proposal",
        "is_closed": False,
        "is_won": False,
        "amount": 100.0,
        "amount_base": 100.0,
    },
    "opportunity_history": {"stage": "Proposal", "changed_at": datetime(2025, 12, 10)},
    "leads": {"recorded_at": datetime(2025, 12, 10)},
    "activities": {"at": datetime(2025, 12, 10)},
}


def _default(column: Column):
    if column.kind == "text":
        return column.values[0] if column.values else f"{(column.refers_to or column.name).split('.')[-1]}-1"
    plain = {"date": _DAY, "datetime": _STAMP, "bool": True}
    return plain.get(column.kind, max(1, column.low or 0))


def row(name: str, changes: dict) -> dict:
    """A row without fault; ``changes`` are what the test is about."""
    wrong = set(changes) - set(TABLES[name].by_name)
    assert not wrong, f"{name} has no {wrong}"
    made = {c.name: _default(c) for c in TABLES[name].columns}
    return made | _CLEAN.get(name, {}) | changes


def table(name: str, rows: list[dict]):
    """Rows as an Ibis table in the contract's types, stamps in UTC without a zone."""
    schema = {c.name: _IBIS.get(c.kind, "float64") for c in TABLES[name].columns}
    columns = {c: pd.Series([r[c] for r in rows], dtype=object) for c in schema}
    return ibis.memtable(pd.DataFrame(columns), schema=ibis.schema(schema))


def company(**changed: list[dict] | None):
    """Every table with one clean row; a list of changes replaces a table's rows, None removes the table."""
    made = dict(_clean())
    for name, changes in changed.items():
        made.pop(name)
        if changes is not None:
            made[name] = table(name, [row(name, change) for change in changes])
    return made


@cache
def _clean():
    return {name: table(name, [row(name, {})]) for name in TABLES}


BASIS = Basis(
    as_of=AS_OF,
    closed_days=365,
    untouched_days=60,
    late_days=7,
    amount_stage=3,
    positions={
        "Prospecting": 1,
        "Qualification": 2,
        "Proposal": 3,
        "Negotiation": 4,
        "Closed Won": 5,
        "Closed Lost": 6,
    },
    closed_stages=("Closed Won", "Closed Lost"),
)


@pytest.fixture(scope="session")
def make_company():
    """The factory of tables."""
    return company


@pytest.fixture(scope="session")
def basis() -> Basis:
    """The policy's lengths on 12 December 2025."""
    return BASIS


@pytest.fixture(scope="session")
def measured():
    """Measure a company made of changes: the faults given, else those of the tables changed, else all."""

    def of(faults=None, **changed) -> Measures:
        asked = [f for f in CATALOGUE if f.table in changed] if changed and faults is None else faults
        return measure(company(**changed), TABLES, BASIS, asked)

    return of


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The shipped policy of quality."""
    path = Path(salesops_lib.__file__).parents[1] / "data" / "policy" / "quality.yaml"
    return Policy("quality", yaml.safe_load(path.read_text(encoding="utf-8")))
