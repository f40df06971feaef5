"""How long an import takes against the least it could: DuckDB reading and writing the same rows."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import duckdb

from salesops_lib.inputs.importing import import_export

OPPORTUNITIES, CHANGES = 1_000_000, 3
BOUND = 3.0
TURNS = 2
STAGES = (
    "['Prospecting', 'Qualification', 'Needs Analysis', 'Value Proposition', 'Closed Won', 'Closed Lost']"
)


def measure(opportunities: int = OPPORTUNITIES) -> dict[str, str | float]:
    """Import a made Salesforce export; ratio to DuckDB reading its CSV files and writing them as Parquet.

    Floor and import take turns, so that a machine that gets busier or calmer does not decide; of each the
    fastest counts. Returns ``name``, ``ratio``, ``bound``, both times in seconds, and ``cpu_ratio``, the same
    of processor time, which other work on the machine hardly moves.
    """
    with tempfile.TemporaryDirectory() as folder:
        export, floor = Path(folder) / "export", Path(folder) / "floor"
        export.mkdir()
        floor.mkdir()
        write_export(export, opportunities)
        least, taken = [_timed(lambda: _read_and_write(export, floor))], []
        for turn in range(TURNS):
            company = Path(folder) / f"company{turn}"
            taken.append(_timed(lambda to=company: import_export("salesforce", export, to)))
            shutil.rmtree(company)
            least.append(_timed(lambda: _read_and_write(export, floor)))
    (seconds, cpu), (floor_seconds, floor_cpu) = (
        map(min, zip(*times, strict=True)) for times in (taken, least)
    )
    return {
        "name": "import_1m_opportunities_3m_changes",
        "ratio": round(seconds / floor_seconds, 2),
        "bound": BOUND,
        "seconds": round(seconds, 2),
        "floor_seconds": round(floor_seconds, 2),
        "cpu_ratio": round(cpu / floor_cpu, 2),
    }


def write_export(folder: Path, opportunities: int) -> None:
    """Opportunity.csv and OpportunityHistory.csv with three changes each, as Salesforce exports them."""
    with duckdb.connect() as con:
        con.execute(
            f"CREATE TABLE deal AS SELECT i, format('006bm{{:010d}}AAE', i) AS id, hash(i) AS h, "  # noqa: S608
            "CASE WHEN hash(i) % 6 >= 4 THEN DATE '2022-01-01' + (i % 1000)::INT ELSE DATE "
            "'2024-09-01' + (i % 100)::INT END AS made, (i * 37 % 90000) + 100 AS amount "
            f"FROM range({opportunities}) t(i)"
        )
        con.execute(
            f"COPY (SELECT id AS Id, 'FALSE' AS IsDeleted, format('001bm{{:010d}}AAE', i % "  # noqa: S608
            "50000) AS AccountId, "
            f"format('005bm{{:010d}}AAE', i % 400) AS OwnerId, concat('Deal ', i) AS Name, "
            "CASE h % 3 WHEN 0 THEN 'New Business' ELSE 'Existing Business' END AS Type, 'Web' "
            "AS LeadSource, "
            "strftime(made, '%Y-%m-%dT09:30:00.000Z') AS CreatedDate, CASE WHEN h % 6 >= 4 "
            "THEN made + (h % 200)::INT ELSE DATE '2025-12-01' END AS CloseDate, "
            f"strftime(made + 90, '%Y-%m-%dT17:00:00.000Z') AS LastModifiedDate, "
            f"{STAGES}[1 + (h % 6)::INT] AS StageName, h % 6 >= 4 AS IsClosed, h % 6 = 4 AS "
            "IsWon, amount AS Amount, "
            f"(h % 11) * 10 AS Probability, 'Pipeline' AS ForecastCategoryName FROM deal ORDER BY i) "
            f"TO '{folder}/Opportunity.csv' (HEADER)"
        )
        con.execute(
            f"COPY (SELECT format('008bm{{:010d}}AAE', i * {CHANGES} + k) AS Id, id AS OpportunityId, "  # noqa: S608
            f"format('005bm{{:010d}}AAE', i % 400) AS CreatedById, "
            f"strftime(made + (k * 30)::INT, '%Y-%m-%dT10:00:00.000Z') AS CreatedDate, "
            f"{STAGES}[1 + ((h + k) % 6)::INT] AS StageName, amount + k * 100 AS Amount, made + "
            "120 AS CloseDate, "
            f"(h % 10) * 10 AS Probability, 'Pipeline' AS ForecastCategory "
            f"FROM deal, range({CHANGES}) c(k) ORDER BY k, i) TO '{folder}/OpportunityHistory.csv' (HEADER)"
        )


def _read_and_write(export: Path, floor: Path) -> None:
    with duckdb.connect() as con:
        for path in sorted(export.glob("*.csv")):
            con.execute(f"COPY (FROM read_csv('{path}', header=true)) TO '{floor / path.stem}.parquet'")


def _timed(work) -> tuple[float, float]:
    """Seconds on the wall, and of the processors."""
    start, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - cpu


if __name__ == "__main__":
    print(measure())
