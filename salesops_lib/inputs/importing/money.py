"""Amounts in the reporting currency at the rate of the row's own day. A missing rate is an error, never 1."""

from __future__ import annotations

from dataclasses import dataclass

from salesops_lib.core.contracts import Table
from salesops_lib.inputs.importing.cells import quoted
from salesops_lib.inputs.importing.report import report_rows, row_id

STALE_DAYS = 7  # a rate holds over a week-end or a bank holiday, not longer
IN_CURRENCY = ("opportunities", "quotas")  # tables whose amounts are brought to the reporting currency
ADD_RATE = "; add it to fx_rates (currency, date, base_per_unit) and import again"


@dataclass(frozen=True)
class Rates:
    """The reporting currency, SQL that lists currency, date and base_per_unit, if any, and whose amounts.

    ``unnamed``: the currency of rows that name none.
    """

    reporting: str
    listed: str | None
    unnamed: str


def to_base(con, table: Table, amount: str, base: str, day: str, rates: Rates) -> None:
    """Fill ``base`` where the export did not give it: ``amount`` at the rate of ``day`` (SQL)."""
    reporting = rates.reporting
    new = f'"new_{table.name}"'
    con.execute(f'UPDATE {new} SET "currency" = {quoted(rates.unnamed)} WHERE "currency" IS NULL')
    own = f'"{amount}" IS NOT NULL AND "{base}" IS NULL' if amount != base else f'"{base}" IS NOT NULL'
    if amount != base:
        con.execute(
            f'UPDATE {new} SET "{base}" = "{amount}" WHERE {own} AND "currency" = {quoted(reporting)}'
        )
    foreign = f'{own} AND "currency" <> {quoted(reporting)}'
    if con.execute(f"SELECT 1 FROM {new} WHERE {foreign} LIMIT 1").fetchone() is None:
        return
    rate = priced(
        con, f'SELECT _file, _row, "currency", {day} AS day FROM {new} WHERE {foreign}', rates.listed
    )
    report_rows(
        con, table.name,
        f"SELECT n._file, n._row, {row_id(table, 'n')}, 'error', "
        f"concat('no rate for ', p.\"currency\", ' on ', coalesce(CAST(p.day AS VARCHAR), 'an unknown day'), "
        f"'{ADD_RATE}; {base} is left empty'), {quoted(base)}, {_worth(amount)} "
        f"FROM {rate} p JOIN {new} n ON n._file = p._file AND n._row = p._row WHERE p.rate IS "
        "NULL AND n._drop IS NULL",
    )  # fmt: skip
    con.execute(
        f'UPDATE {new} SET "{base}" = {new}."{amount}" * p.rate FROM {rate} p '
        f"WHERE {new}._file = p._file AND {new}._row = p._row"
    )


def priced(con, rows: str, rates: str | None) -> str:
    """A DuckDB table of ``rows`` (_file, _row, currency, day) with their ``rate``, or NULL."""
    if rates is None:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE priced AS SELECT *, CAST(NULL AS DOUBLE) AS rate FROM ({rows})"
        )
        return "priced"
    con.execute(
        f'CREATE OR REPLACE TEMP TABLE priced AS SELECT w._file, w._row, w."currency", w.day, '
        f'CASE WHEN w.day - r."date" <= {STALE_DAYS} THEN r.base_per_unit END AS rate FROM ({rows}) w '
        f'ASOF LEFT JOIN (SELECT "currency", "date", base_per_unit FROM ({rates}) WHERE '
        "base_per_unit IS NOT NULL) r "
        f'ON w."currency" = r."currency" AND w.day >= r."date"'
    )
    return "priced"


def _worth(amount: str) -> str:
    return f'concat(CAST(CAST(n."{amount}" AS DECIMAL(38, 2)) AS VARCHAR), \' \', p."currency")'


def price_report(con, table: Table) -> None:
    """Put the money of its row beside every report line."""
    base = next(
        (c for c in ("amount_base", "quota_base", "net_price", "cost_base") if c in table.by_name), None
    )
    if base is None:
        return
    con.execute(
        f'UPDATE report SET money_base = n."{base}" FROM "new_{table.name}" n '
        f'WHERE report."table" = {quoted(table.name)} AND report.file = n._file AND report."row" = n._row'
    )
    con.execute(
        f'UPDATE report SET row_id = {row_id(table, "n")} FROM "new_{table.name}" n '
        f'WHERE report.row_id IS NULL AND report."table" = {quoted(table.name)} AND report.file = n._file '
        f'AND report."row" = n._row'
    )


def history_to_base(con, table: Table, rates: Rates) -> None:
    """Amounts of changes, in their opportunity's currency, at the rate of the day of the change."""
    foreign = (
        'SELECT h._file, h._row, o."currency", CAST(h.changed_at AS DATE) AS day FROM '
        "new_opportunity_history h "
        "JOIN new_opportunities o USING (opportunity_id) "
        f'WHERE h.amount_base IS NOT NULL AND o._drop IS NULL AND o."currency" <> {quoted(rates.reporting)}'
    )
    if (
        con.execute(
            f'SELECT 1 FROM new_opportunities WHERE "currency" <> {quoted(rates.reporting)} LIMIT 1'
        ).fetchone()
        is None
    ):
        return
    rate = priced(con, foreign, rates.listed)
    report_rows(
        con, table.name,
        f"SELECT n._file, n._row, {row_id(table, 'n')}, 'error', concat('no rate for ', "
        "p.\"currency\", ' on ', p.day, "
        f"'{ADD_RATE}; amount_base is left empty'), 'amount_base', {_worth('amount_base')} "
        f"FROM {rate} p JOIN new_opportunity_history n ON n._file = p._file AND n._row = p._row "
        "WHERE p.rate IS NULL",
    )  # fmt: skip
    con.execute(
        f"UPDATE new_opportunity_history SET amount_base = amount_base * p.rate FROM {rate} p "
        "WHERE new_opportunity_history._file = p._file AND new_opportunity_history._row = p._row"
    )
