"""What looks wrong in an extract and stays in it: named row by row, or once for the table."""

from __future__ import annotations

from salesops_lib.inputs.importing.cells import quoted
from salesops_lib.inputs.importing.report import report_rows

SCREEN = 20_000  # rows that clear most fields
ENOUGH = 10  # won and lost each, before a field is said to give the outcome away
OUTCOME_WORDS = "\\b(closed (by|to)|closed[- ]?won|closed[- ]?lost|won by|lost to)\\b"
OWN_OUTCOME = {"is_closed", "is_won", "stage", "loss_reason", "opportunity_id", "close_date", "recorded_at"}


def _each(con, reason: str, column: str, test: str) -> None:
    report_rows(
        con, "opportunities",
        f"SELECT _file, _row, opportunity_id, 'note', {quoted(reason)}, {quoted(column)}, "
        f"CAST(\"{column}\" AS VARCHAR) "
        f"FROM new_opportunities WHERE _drop IS NULL AND ({test})",
    )  # fmt: skip


def note_opportunities(con, last_day: str) -> None:
    """Open past their close date; open longer than any that closed; closed without a date."""
    day = f"DATE {quoted(last_day)}"
    longest = con.execute(
        "SELECT max(close_date - created_date) FROM new_opportunities WHERE _drop IS NULL AND is_closed"
    ).fetchone()[0]
    _each(
        con,
        f"open, but its close date is before {last_day}",
        "close_date",
        f"NOT is_closed AND close_date < {day}",
    )
    if longest is not None:
        _each(
            con, f"open longer than any that closed (longest: {longest} days)", "created_date",
            f"NOT is_closed AND {day} - created_date > {longest}",
        )  # fmt: skip
    _each(con, "closed without a date", "close_date", "is_closed AND close_date IS NULL")


def note_holes(con) -> None:
    """A fiscal quarter, between others with wins, without one: a hole in the extract, or a bad quarter."""
    rows = con.execute(
        """WITH o AS (SELECT * FROM new_opportunities WHERE _drop IS NULL),
        range AS (SELECT min(created_date) AS low, max(close_date) FILTER (is_closed) AS high FROM o),
        days AS (SELECT close_date, count(*) AS n FROM o WHERE is_won GROUP BY 1),
        won AS (SELECT f.name, f."start", coalesce(sum(days.n), 0) AS n FROM fiscal f
            LEFT JOIN days ON days.close_date >= f."start" AND days.close_date < f."end", range
            WHERE f."end" > range.low AND f."start" <= range.high GROUP BY 1, 2)
        SELECT name FROM won WHERE n = 0 AND (SELECT median(n) FROM won WHERE n > 0) >= 3 ORDER BY "start" """
    ).fetchall()
    for (name,) in rows:
        reason = (
            f"no deal won in {name}, between periods that have some: a hole in the extract, or a bad quarter"
        )
        _once(con, "opportunities", reason, "close_date", name)


def note_leaks(con, table: str = "opportunities") -> list[str]:
    """Fields that tell the outcome: no value in common between won and lost. Returns their names.

    The outcome set such a field (a probability of 0 or 100, a category 'Won'): no ground to predict on.
    """
    columns = [d[0] for d in con.execute(f'SELECT * FROM "new_{table}" LIMIT 0').description]
    columns = [c for c in columns if not c.startswith("_") and c not in OWN_OUTCOME]
    con.execute(
        f'CREATE OR REPLACE TEMP TABLE screen AS SELECT * FROM "new_{table}" '
        f"WHERE _drop IS NULL AND is_closed LIMIT {SCREEN}"
    )
    leaks = []
    for name in columns:
        # A value that won and lost deals share early on clears the column without reading the rest.
        early = _shared(con, "SELECT * FROM screen", name)
        if early[2]:
            continue
        won, lost, shared, values = _shared(con, f'SELECT * FROM "new_{table}"', name)
        if not won or not lost or min(won, lost) < ENOUGH or shared or values > (won + lost) / ENOUGH:
            continue
        leaks.append(name)
        reason = (
            f"tells the outcome: no value in common between {int(won)} won and {int(lost)} lost; "
            "set at the close"
        )
        _once(con, table, reason, name, None)
    return leaks


def _shared(con, rows: str, name: str) -> tuple:
    """Won and lost rows with a value, values both have, values in all."""
    return con.execute(
        f'WITH v AS (SELECT "{name}" AS v, count(*) FILTER (is_won) AS w, count(*) FILTER (NOT is_won) AS l '
        f'FROM ({rows}) WHERE _drop IS NULL AND is_closed AND "{name}" IS NOT NULL GROUP BY 1) '
        "SELECT sum(w), sum(l), count(*) FILTER (w > 0 AND l > 0), count(*) FROM v"
    ).fetchone()


def note_after_outcome(con) -> None:
    """Attributes stamped after the outcome: filled on closed deals only, or naming the outcome in words."""
    columns = [d[0] for d in con.execute("SELECT * FROM new_opportunities LIMIT 0").description]
    columns = [c for c in columns if not c.startswith("_") and c not in OWN_OUTCOME]
    counts = "".join(
        f', count("{c}") FILTER (is_closed), count("{c}") FILTER (NOT is_closed)' for c in columns
    )
    closed, open_, *filled = con.execute(
        f"SELECT count(*) FILTER (is_closed), count(*) FILTER (NOT is_closed){counts} "
        "FROM new_opportunities WHERE _drop IS NULL"
    ).fetchone()
    for name, late, early in zip(columns, filled[::2], filled[1::2], strict=True):
        if min(closed, open_) >= ENOUGH and late >= 0.95 * closed and early == 0:
            reason = (
                f"stamped after the outcome: filled on {late} of {closed} closed deals and on "
                f"none of {open_} open"
            )
            _once(con, "opportunities", reason, name, None)
    for table in ("opportunities", "leads"):
        _note_outcome_words(con, table)


def _note_outcome_words(con, table: str) -> None:
    if not con.execute(
        f"SELECT 1 FROM duckdb_tables() WHERE table_name = {quoted(f'new_{table}')}"
    ).fetchone():
        return
    described = con.execute(f'DESCRIBE "new_{table}"').fetchall()
    texts = [c for c, kind, *_ in described if kind == "VARCHAR" and not c.startswith("_")]
    texts = [c for c in texts if c not in OWN_OUTCOME and not c.endswith("_id")]
    # One scan for cheap words in any column; the pattern itself is tried where they are.
    said = " OR ".join(f"contains(lower(\"{{0}}\"), '{word}')" for word in ("closed", "won by", "lost to"))
    new = f'"new_{table}" WHERE _drop IS NULL'
    met = con.execute(
        f"SELECT {', '.join(f'bool_or({said.format(name)})' for name in texts)} FROM {new}"
    ).fetchone()
    for name in (name for name, there in zip(texts, met, strict=True) if there):
        found = con.execute(
            f'SELECT v, n FROM (SELECT "{name}" AS v, count(*) AS n FROM {new} '
            f"AND ({said.format(name)}) GROUP BY 1) "
            f"WHERE regexp_matches(v, '(?i){OUTCOME_WORDS}') ORDER BY n DESC, v LIMIT 1"
        ).fetchone()
        if found:
            reason = (
                f"stamped after the outcome: {found[1]} rows say '{found[0]}'; not known while the "
                "deal was open"
            )
            _once(con, table, reason, name, found[0])


def note_quotas(con) -> tuple[int, int]:
    """Blank and zero targets apart; team targets that are not their members' sum. Returns blank, zero."""
    for test, reason in (
        ("IS NULL", "blank target: unknown, not zero"),
        ("= 0", "zero target: asked for nothing"),
    ):
        report_rows(
            con, "quotas",
            "SELECT _file, _row, concat_ws(', ', holder_id, level, period, measure), 'note', "
            f"{quoted(reason)}, 'quota_base', CAST(quota_base AS VARCHAR) FROM new_quotas "
            f"WHERE _drop IS NULL AND quota_base {test}",
        )  # fmt: skip
    report_rows(
        con, "quotas",
        """SELECT t._file, t._row, concat_ws(', ', t.holder_id, t.level, t.period, t.measure), 'note',
        concat('target is not the sum of its members: ', format('{:,.2f}', t.quota_base), ' against ',
               format('{:,.2f}', m.total), ' of ', m.n, ' members'),
        'quota_base', CAST(t.quota_base AS VARCHAR)
        FROM new_quotas t JOIN (
            SELECT parent_id, period, measure, sum(quota_base) AS total, count(*) AS n FROM new_quotas
            WHERE _drop IS NULL AND level = 'rep' AND parent_id IS NOT NULL GROUP BY 1, 2, 3
        ) m ON m.parent_id = t.holder_id AND m.period = t.period AND m.measure = t.measure
        WHERE t._drop IS NULL AND t.level <> 'rep' AND abs(t.quota_base - m.total) >= 0.005""",
    )  # fmt: skip
    return con.execute(
        "SELECT count(*) FILTER (quota_base IS NULL), count(*) FILTER (quota_base = 0) FROM "
        "new_quotas WHERE _drop IS NULL"
    ).fetchone()


def _once(con, table: str, reason: str, column: str, value: str | None) -> None:
    con.execute(
        "INSERT INTO report VALUES (?, NULL, NULL, NULL, 'note', ?, ?, ?, NULL)",
        [table, reason, column, value],
    )
