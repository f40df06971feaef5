"""Reading as of a day stays in Ibis: what loads a company from DuckDB compiles for PostgreSQL too.

The import itself is DuckDB's own SQL, for it reads files; what is compiled here is everything behind
``Snapshot.table`` for a database whose columns have the contract's types. No server and no driver is needed.
"""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import ibis
import pytest
import sqlglot
from ibis.backends.sql.compilers import PostgresCompiler
from sqlglot import expressions

from salesops_lib.inputs.asof import Day, as_known
from salesops_lib.inputs.breaches import cell_breaches
from salesops_lib.inputs.casting import TYPES
from salesops_lib.inputs.opportunities import Opportunities, known_opportunities
from salesops_lib.inputs.tables import TABLES
from salesops_lib.inputs.warehouse import typed

DAY = Day.of(date(2025, 6, 30), ZoneInfo("America/New_York"))
OUTCOMES = {"Talks": "open", "Won": "won", "Lost": "lost"}
PLANNED = {
    "AND",
    "CASE",
    "CAST",
    "COALESCE",
    "EXISTS",
    "GREATEST",
    "IF",
    "MAKE_DATE",
    "OR",
    "ROW_NUMBER",
    "SUM",
}
"""Functions in queries that PostgreSQL 15 was seen to plan; before adding one, EXPLAIN its query there."""


def postgres(expression: ibis.Expr) -> str:
    """The expression as PostgreSQL's SQL; every function in it is one that PostgreSQL was seen to plan."""
    text = PostgresCompiler().to_sqlglot(expression).sql("postgres")
    parsed = sqlglot.parse_one(text, dialect="postgres")
    used = {
        f.name if isinstance(f, expressions.Anonymous) else f.sql_name()
        for f in parsed.find_all(expressions.Func)
    }
    assert used <= PLANNED
    assert not list(parsed.find_all(expressions.TryCast))
    return text


@pytest.fixture(scope="module")
def tables() -> dict[str, ibis.Table]:
    """Every declared table, empty, in the contract's types."""
    connection = ibis.duckdb.connect()
    return {
        name: connection.create_table(name, schema={c.name: TYPES[c.kind] for c in contract.columns})
        for name, contract in TABLES.items()
    }


def test_every_table_as_known_on_a_day_compiles_for_postgresql(tables):
    for name, contract in TABLES.items():
        text = postgres(as_known(typed(tables[name], contract), contract, DAY))
        if contract.versioned:
            assert "ROW_NUMBER() OVER (PARTITION BY" in text


@pytest.mark.parametrize("history", [True, False], ids=["with history", "without"])
def test_opportunities_rebuilt_compile_for_postgresql(tables, history):
    changes = tables["opportunity_history"] if history else None
    made = known_opportunities(Opportunities(tables["opportunities"], changes, OUTCOMES, "USD"), DAY)
    assert list(made.columns)[: len(TABLES["opportunities"].columns)] == list(tables["opportunities"].columns)
    assert "ROW_NUMBER() OVER (PARTITION BY" in postgres(made)


def test_the_contracts_checks_compile_for_postgresql(tables, monkeypatch):
    asked = []

    class Asked:
        """A table whose aggregates are noted, not run."""

        def __init__(self, table: ibis.Table):
            self.columns, self._table = table.columns, table

        def __getitem__(self, name: str) -> ibis.Column:
            return self._table[name]

        def aggregate(self, sums: list) -> ibis.Table:
            asked.append(self._table.aggregate(sums))
            return asked[-1]

    for name, contract in TABLES.items():
        assert cell_breaches(Asked(tables[name]), contract) == []
    assert len(asked) > len(TABLES) / 2
    for checks in asked:
        postgres(checks)


def test_a_way_that_postgresql_does_not_know_is_noticed(tables):
    deals = tables["opportunities"]
    with pytest.raises(AssertionError, match="FIRST"):
        postgres(deals.aggregate(stage=deals["stage"].first(order_by=deals["recorded_at"])))
