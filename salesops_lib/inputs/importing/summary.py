"""What an import printed of its report: each kind of repair once, counted and priced."""

from __future__ import annotations

SHOWN = 15  # kinds in the sentences; the report has every row
ORDER = ("error", "unplaced", "dropped", "repaired", "ambiguous", "note")

# Texts in quotes and numbers tell one row's reason from another's; without them it is a kind.
_KINDS = """
WITH kinds AS (
    SELECT *, dense_rank() OVER (ORDER BY "table", action, kind) AS id FROM (
        SELECT DISTINCT "table", action, reason,
            regexp_replace(regexp_replace(reason, '''.*''', '''…'''), '\\d[\\d,.:-]*', '…', 'g') AS kind
        FROM report WHERE action IN ({actions}) AND reason NOT LIKE '% has no such %')),
lines AS (
    SELECT id, file, "row", reason, "column", value,
        CASE WHEN action = 'error' THEN split_part(value, ' ', 2) ELSE {currency} END AS money_in,
        CASE WHEN action = 'error' THEN try_cast(split_part(value, ' ', 1) AS DOUBLE)
            ELSE money_base END AS money
    FROM report JOIN kinds USING ("table", action, reason)),
rows AS (
    SELECT id, money_in, file, "row", max(money) AS money, min("column") AS "column", min(value) AS value
    FROM lines GROUP BY ALL),
counted AS (
    SELECT id, money_in, count("row") AS n, sum(money) AS money, min("row") AS first,
        arg_min(value, "row") AS value, string_agg(DISTINCT "column", ', ' ORDER BY "column") AS columns
    FROM rows GROUP BY ALL),
named AS (
    SELECT id, any_value("table") AS "table", any_value(action) AS action, any_value(kind) AS kind,
        min(reason) AS low, max(reason) AS high FROM kinds GROUP BY ALL)
SELECT "table", action, CASE WHEN low = high THEN low ELSE kind END, money_in, n, money, first, value, columns
FROM counted JOIN named USING (id)
ORDER BY list_position([{actions}], action), money DESC NULLS LAST, n DESC, 1, 3
"""


def kinds(con, currency: str) -> list[str]:
    """One sentence per table, action and reason: rows, money, what was done, columns, the first row.

    Keys that lead nowhere have sentences of their own (``settle``), rows gone from the extract too.
    ``currency`` is the reporting currency; a missing rate is told in the currency that lacks it.
    """
    actions = ", ".join(f"'{a}'" for a in ORDER)
    found = con.execute(_KINDS.format(currency=f"'{currency}'", actions=actions)).fetchall()
    said = [_sentence(line) for line in found[:SHOWN]]
    if len(found) > SHOWN:
        said.append(f"{len(found) - SHOWN} more kinds are in import_report.csv")
    return said


def _sentence(line: tuple) -> str:
    table, action, reason, money_in, count, money, row, value, columns = line
    counted = f": {count:,} row{'s' if count != 1 else ''}" if count else ""
    priced = f", {money:,.2f} {money_in}" if count and money is not None else ""
    first = f", first row {row}" if row is not None else ""
    shown = f" '{value}'" if value is not None and f"'{value}'" not in reason else ""
    place = f" ({columns}{first}{shown})" if columns else f" ({first.removeprefix(', ')})" if first else ""
    return f"{action}: {table}{counted}{priced}: {reason}{place}"
