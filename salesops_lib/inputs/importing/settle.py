"""After conversion: unplaced rows, duplicates, money, references, history, notes."""

from __future__ import annotations

from datetime import datetime

from salesops_lib.inputs.importing import history, keys, money, notes, summary
from salesops_lib.inputs.importing.build import Extract
from salesops_lib.inputs.importing.cells import quoted
from salesops_lib.inputs.importing.report import report_rows, row_id
from salesops_lib.inputs.tables import TABLES

DAY_STEPS = ("mql_at", "sal_at", "sql_at", "won_at", "lost_at", "disqualified_at")  # of a lead
SHOWN = 10  # unmatched keys in the sentences; the report has all


def settle(con, extract: Extract, exported_at: datetime | None) -> list[str]:
    """Bring the converted tables to what will be kept. Returns sentences."""
    tables = extract.tables
    _fill_first_days(con, extract)
    if "leads" in tables:
        _day_of_creation(con, extract)
    for table in tables.values():
        keys.conform(con, table)
        if table.name != "opportunity_history":
            keys.unplace(con, table)
            keys.drop_duplicates(con, table)
    sentences = []
    if "opportunities" in tables:
        sentences.append(_stamp_opportunities(con, extract, exported_at))
    if "opportunity_history" in tables:
        keys.unplace(con, tables["opportunity_history"])
    _reference(con, extract)
    _money(con, extract)
    if "opportunity_history" in tables:
        same = history.repeated(con)
        if same:
            sentences.append(
                f"opportunity_history: {same} rows repeat the stage before them; kept as changes, one stage"
            )
    sentences += _notes(con, extract)
    for table in tables.values():
        money.price_report(con, table)
    said = (*sentences, *_unmatched(con, extract), *summary.kinds(con, extract.company.currency))
    return [s for s in said if s]


def last_day(con) -> str | None:
    """The extract's last event: the latest day a deal was created or truly closed."""
    found = con.execute(
        "SELECT max(greatest(created_date, CASE WHEN is_closed THEN close_date END)) FROM new_opportunities "
        "WHERE _drop IS NULL"
    ).fetchone()[0]
    return found.isoformat() if found else None


def _fill_first_days(con, extract: Extract) -> None:
    days = []
    if "opportunities" in extract.parts:
        days.append("SELECT min(created_date) AS d FROM new_opportunities")
    if "quotas" in extract.parts:
        days.append('SELECT min(f."start") AS d FROM new_quotas q JOIN fiscal f ON f.name = q.period')
    if not days:
        return
    day = (
        '(SELECT coalesce(max(f."start"), min(e.d)) FROM (SELECT min(d) AS d FROM '
        f'({" UNION ALL ".join(days)})) e LEFT JOIN fiscal f ON e.d >= f."start" AND e.d < f."end")'
    )
    for name, columns in extract.first_days.items():
        for column in columns:
            con.execute(f'UPDATE "new_{name}" SET "{column}" = {day} WHERE "{column}" IS NULL')


def _day_of_creation(con, extract: Extract) -> None:
    """A step of a lead given as a day alone, the day of its creation, counts as that moment.

    Salesforce's ConvertedDate is such a day. Read as midnight it would lie before the lead, and the fastest
    conversions would be lost. Touches are left alone: of those the minutes count, and nobody knows them.
    """
    zone = quoted(extract.mapping.zone)
    created = f"timezone({zone}, timezone('UTC', created_at))"
    for column in DAY_STEPS:
        midnight = f"timezone({zone}, timezone('UTC', \"{column}\")) = date_trunc('day', {created})"
        test = f'"{column}" < created_at AND {midnight}'
        reason = "a day without a time, the day the lead was created; counts as the moment of its creation"
        report_rows(
            con, "leads",
            f"SELECT _file, _row, {row_id(TABLES['leads'])}, 'repaired', {quoted(reason)}, {quoted(column)}, "
            f'CAST(CAST("{column}" AS DATE) AS VARCHAR) FROM new_leads WHERE _drop IS NULL AND {test}',
        )  # fmt: skip
        con.execute(f'UPDATE new_leads SET "{column}" = created_at WHERE {test}')


def _stamp_opportunities(con, extract: Extract, exported_at: datetime | None) -> str:
    """``recorded_at`` where the CRM gives none: the export's time, else the end of the last event's day."""
    day = last_day(con) or "1970-01-01"
    zone = extract.company.time_zone
    stamp, how = (
        f"timezone('UTC', timezone({quoted(zone)}, TIMESTAMP '{day} 23:59:59'))",
        f"the end of its last event's day, {day}",
    )
    if exported_at is not None:
        stamp, how = (
            f"TIMESTAMP '{exported_at:%Y-%m-%d %H:%M:%S}'",
            f"the time given, {exported_at:%Y-%m-%dT%H:%M:%SZ}",
        )
    filled = 0
    for name, table in extract.tables.items():
        if "recorded_at" in table.by_name and table.by_name["recorded_at"].required:
            filled += con.execute(
                f'UPDATE "new_{name}" SET recorded_at = {stamp} WHERE recorded_at IS NULL'
            ).fetchone()[0]
    return (
        f"the export carries no modified stamp on {filled:,} rows; they count as known at {how}"
        if filled
        else ""
    )


def _reference(con, extract: Extract) -> None:
    known = {}
    for name in TABLES:
        sides = [f'SELECT * FROM "new_{name}" WHERE _drop IS NULL'] if name in extract.parts else []
        if name in extract.old:
            sides.append(f'SELECT * FROM "old_{name}"')
        if sides:
            known[name] = " UNION ALL BY NAME ".join(sides)
    keys.check_references(con, extract.tables, known)


def _money(con, extract: Extract) -> None:
    listed = None
    if "fx_rates" in extract.parts:
        listed = "SELECT * FROM new_fx_rates WHERE _drop IS NULL"
    elif "fx_rates" in extract.old:
        listed = "SELECT * FROM old_fx_rates"
    rates = money.Rates(extract.company.currency, listed, extract.row_currency)
    if "opportunities" in extract.parts:
        day = "least(coalesce(close_date, created_date), CAST(recorded_at AS DATE))"
        money.to_base(con, TABLES["opportunities"], "amount", "amount_base", day, rates)
        if "opportunity_history" in extract.parts:
            money.history_to_base(con, TABLES["opportunity_history"], rates)
    if "quotas" in extract.parts:
        day = '(SELECT min(f."start") FROM fiscal f WHERE f.name = period)'
        money.to_base(con, TABLES["quotas"], "quota_base", "quota_base", day, rates)


def _notes(con, extract: Extract) -> list[str]:
    sentences = []
    if "opportunities" in extract.parts:
        day = last_day(con)
        if day:
            notes.note_opportunities(con, day)
            notes.note_holes(con)
        leaks = notes.note_leaks(con)
        if leaks:
            sentences.append(f"opportunities: {', '.join(leaks)} tell the outcome; do not predict with them")
        notes.note_after_outcome(con)
    if "quotas" in extract.parts:
        blank, zero = notes.note_quotas(con)
        if blank or zero:
            sentences.append(f"quotas: {blank} blank targets (unknown) and {zero} of zero are kept apart")
    return sentences


def _unmatched(con, extract: Extract) -> list[str]:
    """Unmatched keys counted, priced, with what they probably meant."""
    rows = con.execute(
        'SELECT "table", "column", value, count(*) AS n, sum(money_base), min(reason) FROM report '
        "WHERE action IN ('unmatched', 'unplaced') AND value IS NOT NULL GROUP BY 1, 2, 3 "
        "ORDER BY sum(money_base) DESC NULLS LAST, n DESC, 1, 2, 3"
    ).fetchall()
    sentences = []
    for table, column, value, count, worth, reason in rows[:SHOWN]:
        known = _known_keys(con, extract, table, column, reason)
        near = keys.near_matches([value], known).get(value)
        meant = (
            f"; probably '{near}': accept it in the mapping with accept: {{{value}: {near}}}" if near else ""
        )
        priced = f", {worth:,.2f} {extract.company.currency}" if worth is not None else ""
        sentences.append(f"{table}: {count:,} rows{priced} have {column} '{value}': {reason}{meant}")
    if len(rows) > SHOWN:
        sentences.append(f"{len(rows) - SHOWN} more unmatched keys are in import_report.csv")
    return sentences


def _known_keys(con, extract: Extract, table: str, column: str, reason: str) -> list[str]:
    target = reason.partition(" has no such ")[0]
    held = extract.lookups.get(target)
    if held is None:
        return []
    other = reason.partition(" has no such ")[2].partition(";")[0]
    rows = con.execute(
        f'SELECT DISTINCT trim("{other}") FROM "{held}" WHERE "{other}" IS NOT NULL ORDER BY 1 LIMIT 20000'
    )
    return [r[0] for r in rows.fetchall()]
