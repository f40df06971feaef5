"""The folder's new state: every table that changed, the report, the log, and settings it had none of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from salesops_lib.core.contracts import Table
from salesops_lib.inputs.importing import history, store, versions
from salesops_lib.inputs.importing.build import Extract
from salesops_lib.inputs.policies import read_stages
from salesops_lib.inputs.tables import TABLES


@dataclass(frozen=True)
class Written:
    """What was written: the import's time, counts per table, sentences."""

    at: str
    tables: dict[str, dict[str, Any]]
    sentences: list[str]


def write(con, extract: Extract, staged: Path, at: datetime) -> Written:
    """Write the tables that changed, the report and the log into the staged folder.

    Raises AssertionError if rows in are not rows out plus rows reported: a defect here, never the user's.
    """
    stamp = at.strftime("%Y-%m-%d %H:%M:%S")
    iso = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    counts: dict[str, dict[str, Any]] = {}
    for name, table in extract.tables.items():
        counts[name] = _counted(con, extract, table)
        con.execute(f'DELETE FROM "new_{name}" WHERE _drop IS NOT NULL')
    for name, table in extract.tables.items():
        counts[name] |= _write_table(con, extract, table, staged, stamp)
    if "opportunity_history" not in extract.parts:
        _write_made_history(con, extract, staged, stamp)
    sentences = _folder_files(con, extract, staged)
    store.write_report(con, staged, iso)
    entry = {
        "at": iso,
        "source": extract.mapping.source,
        "mapping": extract.mapping.given,
        "files": {s.file: s.sha256 for s in extract.sources.values()},
        **{k: sum(c[k] for c in counts.values()) for k in ("rows_in", "rows_out", "reported")},
        "per_table": counts,
    }
    store.write_log(staged, [*store.read_log(staged), entry])
    return Written(iso, counts, [*sentences, *_sentences(counts)])


def _counted(con, extract: Extract, table: Table) -> dict[str, Any]:
    rows_in = sum(source.rows for _, source in extract.parts[table.name])
    rows_out, left = con.execute(
        f'SELECT count(*) FILTER (_drop IS NULL), count(*) FILTER (_drop IS NOT NULL) FROM "new_{table.name}"'
    ).fetchone()
    reported = left + sum(len(source.malformed) for _, source in extract.parts[table.name])
    lines = con.execute(
        'SELECT count(DISTINCT (file, "row")) FROM report WHERE "table" = ? AND action IN '
        "('dropped', 'unplaced')",
        [table.name],
    ).fetchone()[0]
    if rows_in != rows_out + reported or lines != reported:
        raise AssertionError(
            f"{table.name}: {rows_in} rows in, {rows_out} out, {left} left out, {lines} reported"
        )
    column = next((c.name for c in table.columns if c.kind == "money" and c.name.endswith("_base")), None)
    total = None
    if column:
        total = con.execute(f'SELECT sum("{column}") FROM "new_{table.name}" WHERE _drop IS NULL').fetchone()[
            0
        ]
    return {
        "rows_in": rows_in, "rows_out": rows_out, "reported": reported,
        "control_total": None if total is None else round(total, 2), "control_column": column,
    }  # fmt: skip


def _write_table(con, extract: Extract, table: Table, staged: Path, stamp: str) -> dict[str, int]:
    name = table.name
    if name not in extract.old:
        rows = con.execute(f'SELECT count(*) FROM "new_{name}"').fetchone()[0]
        store.write_table(con, table, f'SELECT * FROM "new_{name}"', rows, staged)
        return {"added": rows, "unchanged": 0, "absent": 0}
    change = versions.append(con, table, stamp)
    if change.added:
        old = f'SELECT * FROM "old_{name}"'
        if not table.versioned and name != "opportunity_history":
            key = ", ".join(f'"{k}"' for k in table.key)
            old = f'SELECT * FROM "old_{name}" ANTI JOIN "changed_{name}" USING ({key})'
        select = f'{old} UNION ALL BY NAME SELECT * FROM "changed_{name}"'
        rows = con.execute(f"SELECT count(*) FROM ({select})").fetchone()[0]
        store.write_table(con, table, select, rows, staged)
    return {"added": change.added, "unchanged": change.unchanged, "absent": change.absent}


def _write_made_history(con, extract: Extract, staged: Path, stamp: str) -> None:
    """Without a history of the CRM's own, changes between imports become one."""
    if "opportunities" not in extract.parts or "opportunities" not in extract.old:
        return
    table = TABLES["opportunity_history"]
    if "opportunity_history" not in extract.old:
        types = ", ".join(
            f'CAST(NULL AS {"BIGINT" if c.kind == "count" else "VARCHAR"}) AS "{c.name}"'
            for c in table.columns
        )
        con.execute(f"CREATE TABLE old_opportunity_history AS SELECT {types} LIMIT 0")
    con.execute(
        "CREATE TEMP TABLE before AS SELECT * FROM old_opportunities "
        "QUALIFY row_number() OVER (PARTITION BY opportunity_id ORDER BY recorded_at DESC NULLS LAST) = 1"
    )
    con.execute("CREATE TEMP VIEW changed AS SELECT * FROM changed_opportunities")
    con.execute("CREATE TEMP VIEW old_history AS SELECT * FROM old_opportunity_history")
    history.from_snapshots(con, table.column_names, stamp)
    if con.execute("SELECT count(*) FROM made_history").fetchone()[0]:
        old = (
            "SELECT * FROM old_opportunity_history UNION ALL BY NAME "
            if "opportunity_history" in extract.old
            else ""
        )
        select = f"{old}SELECT * FROM made_history"
        rows = con.execute(f"SELECT count(*) FROM ({select})").fetchone()[0]
        store.write_table(con, table, select, rows, staged)


def _folder_files(con, extract: Extract, staged: Path) -> list[str]:
    for name in ("policy", "plans", "playbooks", "ledger"):
        (staged / name).mkdir(exist_ok=True)
    told = []
    if extract.entries:
        store.write_yaml(staged / "company.yaml", extract.entries)
        told.append(
            "company.yaml is new, from the mapping: check its fiscal calendar, currency and time "
            f"zone in {extract.folder}"
        )
    return told + _write_stages(con, extract, staged / "policy" / "stages.yaml")


def _write_stages(con, extract: Extract, path: Path) -> list[str]:
    """A new company, or one that has no stages of its own and deals in others than the shipped, gets them."""
    if path.exists():
        return []
    found = _found_stages(con, extract)
    strange = {row[0] for row in found} - set(read_stages(None)["stage"])
    if not (extract.entries or strange):
        return []
    stages, sentences = _stages(extract, found)
    if not stages:
        return sentences
    store.write_yaml(path, {"stages": stages})
    if not extract.entries:
        sentences = ["policy/stages.yaml is new, from the mapping: check the stages in it", *sentences]
    return sentences


def _found_stages(con, extract: Extract) -> list[tuple]:
    """Every stage of the extract: its name, whether all its deals are closed, all are won, any is won."""
    if "opportunities" not in extract.parts:
        return []
    both = "SELECT stage, is_closed, is_won, probability FROM new_opportunities"
    if "opportunity_history" in extract.parts:
        both += " UNION ALL SELECT stage, NULL, NULL, probability FROM new_opportunity_history"
    return con.execute(
        "SELECT stage, bool_and(is_closed), bool_and(is_won), bool_or(is_won) "
        f"FROM ({both}) WHERE stage IS NOT NULL GROUP BY 1 ORDER BY bool_and(is_closed) NULLS "
        "FIRST, avg(probability), 1"
    ).fetchall()


def _stages(extract: Extract, found: list[tuple]) -> tuple[list[dict[str, Any]], list[str]]:
    """The mapping's stages, and after them those only the data knows, their outcome as its rows have it.

    Nobody said where those stand, so they are marked ``guessed``.
    """
    stages = [dict(s) for s in extract.mapping.stages]
    known = {s["stage"] for s in stages}
    fresh = [row for row in found if row[0] not in known]
    for stage, closed, all_won, any_won in fresh:
        outcome = "won" if closed and all_won else "lost" if closed and not any_won else "open"
        stages.append({"stage": stage, "position": len(stages) + 1, "outcome": outcome, "guessed": True})
    if not fresh:
        return stages, []
    listed = ", ".join(f"'{row[0]}'" for row in fresh[:6])
    return stages, [
        f"policy/stages.yaml: {len(fresh)} stages only the data knows ({listed}); check order and outcome, "
        "then strike guessed: until then no report tells what skips or turns back"
    ]


def _sentences(counts: dict[str, dict[str, Any]]) -> list[str]:
    return [
        f"{name}: {c['rows_in']:,} rows in = {c['rows_out']:,} out + {c['reported']:,} reported; "
        f"{c['added']:,} added, {c['unchanged']:,} unchanged, {c['absent']:,} absent"
        for name, c in counts.items()
    ]
