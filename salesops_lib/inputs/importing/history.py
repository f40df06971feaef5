"""Changes of opportunities in order, from the CRM's own history or from successive imports."""

from __future__ import annotations

TRACKED = ("stage", "amount_base", "close_date", "forecast_category", "probability", "owner_id")


def numbered(select: str, columns: set[str]) -> str:
    """SQL: ``select``, changes of deals, numbered by time for each; ``_same`` where a stage repeats.

    ``columns``: those it has besides ``_row``. Rows written for an amount or a date keep their place: they
    are changes. Only a reader of stages takes equal consecutive stages as one.
    """
    apart = ["opportunity_id", *(["_drop IS NULL"] if "_drop" in columns else [])]
    order = [c for c in ("changed_at", "sequence") if c in columns]
    number = "row_number() OVER w AS sequence"
    star = f"* REPLACE ({number})" if "sequence" in columns else f"*, {number}"
    same = "coalesce(stage = lag(stage) OVER w, FALSE)" if "stage" in columns else "FALSE"
    return (
        f"SELECT {star}, {same} AS _same FROM ({select}) "
        f"WINDOW w AS (PARTITION BY {', '.join(apart)} ORDER BY {', '.join([*order, '_row'])})"
    )


def repeated(con) -> int:
    """How many changes repeat the stage before them."""
    rows = "SELECT count(*) FILTER (_same AND _drop IS NULL) FROM new_opportunity_history"
    return con.execute(rows).fetchone()[0]


def from_snapshots(con, columns: list[str], at: str) -> None:
    """Make ``made_history`` from what changed between the last import and this one.

    ``before`` and ``changed`` hold opportunities: versions known until now, and new ones. A changed
    opportunity without history gets its state before, at the time that was recorded, and its state after, at
    ``at`` (UTC text); a new opportunity its first state.
    """
    state = ", ".join(TRACKED)
    rest = ", ".join(
        f"CAST(NULL AS VARCHAR) AS {c}"
        for c in columns
        if c not in {"opportunity_id", "sequence", "changed_at", *TRACKED}
    )
    rest = f", {rest}" if rest else ""
    differs = " OR ".join(f"b.{c} IS DISTINCT FROM c.{c}" for c in TRACKED)
    moved = (
        f"SELECT c.opportunity_id FROM changed c LEFT JOIN before b USING (opportunity_id) WHERE {differs}"
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE made_history AS "
        f"WITH rows AS (SELECT opportunity_id, recorded_at AS changed_at, {state} FROM before "
        f"WHERE opportunity_id IN ({moved}) AND opportunity_id NOT IN (SELECT opportunity_id "
        "FROM old_history) "
        f"UNION ALL SELECT opportunity_id, TIMESTAMP '{at}' AS changed_at, {state} FROM changed "
        f"WHERE opportunity_id IN ({moved}) OR opportunity_id NOT IN (SELECT opportunity_id FROM before)), "
        f"last AS (SELECT opportunity_id, max(sequence) AS sequence FROM old_history GROUP BY 1) "
        f"SELECT r.opportunity_id, coalesce(l.sequence, 0) + row_number() OVER "
        f"(PARTITION BY r.opportunity_id ORDER BY r.changed_at) AS sequence, r.changed_at, {state}{rest} "
        f"FROM rows r LEFT JOIN last l USING (opportunity_id)"
    )
