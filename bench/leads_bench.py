"""A million leads through the report's functions, against DuckDB reading and grouping the same rows.

The floor reads the file and groups it once by month, source and region, with a count and a mean per stamp.
Ours are the functions on the frame of the same rows, as a notebook calls them; what it takes to make that
frame is told beside it (``frame_seconds``) and not judged. Scoring is judged by how its peak of memory grows
from 100,000 leads to a million: one pass of blocks takes ten times as long and no more memory.
"""

from __future__ import annotations

import tempfile
import time
import tracemalloc
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from salesops_lib import leads as api
from salesops_lib.leads.response import answered

LEADS, SMALL, BLOCK = 1_000_000, 100_000, 50_000
BOUND, GROWTH = 3.0, 1.2
AS_OF = date(2025, 12, 12)
LIMITS = {"hand raiser": 15.0, "qualified": 120.0, "other": 480.0}
STAMPS = ("first_touch_at", "first_contact_at", "mql_at", "sal_at", "sql_at", "won_at", "disqualified_at")


def measure(leads: int = LEADS) -> list[dict]:
    """Two results: the tables of ``leads`` rows over DuckDB's floor, and scoring in one bounded pass."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "leads.csv"
        write_leads(file, leads)
        hours = opening_hours()
        start = time.perf_counter()
        frame = read(file)
        reading = time.perf_counter() - start
        before = _timed(lambda: floor(file))  # before and after: a machine that gets busier decides nothing
        taken = _timed(lambda: tables(frame, hours))
        least = (before + _timed(lambda: floor(file))) / 2
    reports = {
        "name": "leads_1m_funnel_cohorts_incidence_response",
        "ratio": round(taken / least, 2),
        "bound": BOUND,
        "seconds": round(taken, 2),
        "floor_seconds": round(least, 2),
        "frame_seconds": round(reading, 2),
    }
    return [reports, scoring(leads)]


def write_leads(file: Path, leads: int) -> None:
    """Leads of three years with every stamp of a lead's life, as a company folder holds them."""
    after = {
        "first_touch_at": "CASE WHEN h % 20 > 0 THEN made + to_seconds((h // 7) % 90000) END",
        "first_contact_at": "CASE WHEN h % 4 > 0 THEN made + to_seconds((h // 11) % 400000) END",
        "mql_at": "CASE WHEN h % 5 > 1 THEN made + to_seconds((h // 13) % 200000) END",
        "sal_at": "CASE WHEN h % 3 = 0 THEN made + to_seconds((h // 17) % 900000) END",
        "sql_at": "CASE WHEN h % 6 = 0 THEN made + to_seconds((h // 19) % 5000000) END",
        "won_at": "CASE WHEN h % 30 = 0 THEN made + to_seconds(5000000 + (h // 23) % 9000000) END",
        "disqualified_at": "CASE WHEN h % 6 IN (1, 2) THEN made + to_seconds((h // 29) % 6000000) END",
    }
    stamps = ", ".join(f"{past} AS {name}" for name, past in after.items())
    with duckdb.connect() as con:
        con.execute(
            f"COPY (SELECT format('L{{:07d}}', i) AS lead_id, made AS created_at, "  # noqa: S608
            "['Web', 'Event', 'Partner', 'Referral', 'Paid search'][1 + (h % 5)::INT] AS source, "
            "['/demo', '/trial', '/pricing', '/blog'][1 + (h // 3 % 4)::INT] AS landing_page, "
            "['EMEA', 'AMER', 'APAC'][1 + (h // 5 % 3)::INT] AS region, "
            f"format('R{{:03d}}', h % 40) AS owner_id, {stamps} FROM (SELECT i, hash(i) // 1000 AS h, "
            f"TIMESTAMP '2023-01-01' + to_seconds(i * 90000000 // {leads}) AS made FROM range({leads}) t(i)))"
            f" TO '{file}' (HEADER, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ')"
        )


def opening_hours() -> pd.DataFrame:
    """Three regions open on weekdays, eight hours from 7, 14 and 23 o'clock UTC."""
    days = pd.bdate_range("2022-12-01", "2026-01-31", tz="UTC")
    starts = {"EMEA": 7, "AMER": 14, "APAC": 23}
    made = [pd.DataFrame({"region": r, "opens_at": days + pd.Timedelta(hours=h)}) for r, h in starts.items()]
    hours = pd.concat(made, ignore_index=True)
    return hours.assign(closes_at=hours["opens_at"] + pd.Timedelta(hours=8))


def floor(file: Path) -> None:
    """DuckDB reads every column and groups once, by month, source and region."""
    counts = ", ".join(f"count({c}), avg(epoch({c}) - epoch(created_at))" for c in STAMPS)
    with duckdb.connect() as con:
        con.execute(
            f"SELECT strftime(created_at, '%Y-%m') AS cohort, source, region, count(*), {counts} "  # noqa: S608
            f"FROM read_csv('{file}', header=true) GROUP BY ALL"
        ).fetchall()


def read(file: Path) -> pd.DataFrame:
    """The file as the frame a snapshot hands out: moments in UTC, texts as objects."""
    with duckdb.connect() as con:
        frame = con.execute(f"FROM read_csv('{file}', header=true)").df()
    return frame.assign(**{c: pd.to_datetime(frame[c], utc=True) for c in ("created_at", *STAMPS)})


def tables(leads: pd.DataFrame, hours: pd.DataFrame) -> list[pd.DataFrame]:
    """Funnel, cohorts, incidence and response, as the notebook asks for them."""
    return [
        api.funnel(leads, AS_OF),
        api.cohorts(leads, AS_OF),
        api.incidence(leads, AS_OF),
        api.incidence(leads, AS_OF, by="source"),
        api.service_levels(answered(leads, AS_OF, hours), LIMITS),
    ]


def scoring(leads: int, small: int = SMALL) -> dict:
    """Peak memory of scoring ``leads`` in one pass over that of ``small``: 1 where it does not grow.

    Leads come in blocks and each block's scores leave before the next, as from one file into another.
    """
    fitted = api.fit_scores(*drawn(20_000))
    peak, seconds = {}, {}
    for n in (small, leads):
        scored = 0
        tracemalloc.start()
        start = time.perf_counter()
        for made in api.score_blocks(fitted, (drawn(BLOCK, at)[0] for at in range(n // BLOCK))):
            scored += len(made)
        seconds[n], peak[n] = time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        if scored != n:
            raise RuntimeError(f"{scored} of {n} leads were scored")
    return {
        "name": "leads_score_1m_peak_memory_over_100k",
        "ratio": round(peak[leads] / peak[small], 2),
        "bound": GROWTH,
        "seconds": round(seconds[leads], 2),
        "small_seconds": round(seconds[small], 2),
        "peak_mb": round(peak[leads] / 1e6, 1),
    }


def drawn(n: int, seed: int = 7) -> tuple[pd.DataFrame, pd.Series]:
    """``n`` leads with a grade, pages viewed and a source, and whether each converted."""
    rng = np.random.default_rng(seed)
    grade, pages = rng.choice(["A", "B", "C"], n), rng.poisson(4, n)
    hit = rng.random(n) < 1 / (1 + np.exp(2.0 - 1.2 * (grade == "A") - 0.1 * pages))
    frame = pd.DataFrame({"lead_id": np.arange(n).astype(str), "fit_grade": grade, "pages_viewed": pages})
    return frame.assign(source=rng.choice(["Web", "Event", "Partner"], n)), pd.Series(hit)


def _timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    for result in measure():
        print(result)
