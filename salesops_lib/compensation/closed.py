"""From a company as known on a day to a draft, and from the books back to what was posted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pandas as pd

from salesops_lib.compensation.books import Books
from salesops_lib.compensation.checks import checked_plans
from salesops_lib.compensation.closing import NEEDED, OPTIONAL, Worked, work_out
from salesops_lib.compensation.draft import Draft, draft, refuse_period
from salesops_lib.compensation.payslip import statements
from salesops_lib.compensation.statement_pages import statement_file, statement_page
from salesops_lib.compensation.statement_sheet import statement_workbook
from salesops_lib.core.errors import TableError


def drafted_from(
    snapshot: Any, plan_texts: Iterable[tuple[str, str]], books: Books, period: str
) -> tuple[Draft, Worked]:
    """The draft of a period and all it is the difference of.

    ``snapshot``: anything with ``company``, ``as_of``, ``has``, ``frame``, ``policy``, such as
    ``inputs.Snapshot``. Raises what :func:`draft.draft` and :func:`closing.work_out` raise.
    """
    calendar = snapshot.company.calendar
    refuse_period(books, calendar, period, snapshot.as_of)
    worked = worked_from(snapshot, plan_texts, calendar.bounds(period)[1] - timedelta(days=1))
    return draft(worked, books, calendar, period, snapshot.as_of), worked


def worked_from(snapshot: Any, plan_texts: Iterable[tuple[str, str]], through: date) -> Worked:
    """Everything earned through a day with what the snapshot knows."""
    if not snapshot.has("plan_assignments"):
        raise TableError(
            "table 'plan_assignments' is missing: nobody is on a plan; add rep_id, plan_id, dates"
        )
    tables = {name: snapshot.frame(name) for name in (*NEEDED, *OPTIONAL) if snapshot.has(name)}
    share = snapshot.policy("compensation").value("overlay_quota_share", through).value
    plans = checked_plans(list(plan_texts))
    return work_out(tables, plans, snapshot.company, through, overlay=share)


def shown(
    snapshot: Any, plan_texts: Iterable[tuple[str, str]], books: Books, period: str
) -> tuple[Draft, Worked]:
    """What a report shows of a period: as posted where it is closed, else the draft it would be.

    With it everything worked out through the period's last day, which a posting may differ from.
    """
    if period not in books.postings:
        return drafted_from(snapshot, plan_texts, books, period)
    through = snapshot.company.calendar.bounds(period)[1] - timedelta(days=1)
    return as_posted(books, period), worked_from(snapshot, plan_texts, through)


def shortened(notes: Iterable[str], most: int = 6) -> list[str]:
    """The first notes of the engine, and how many more there are."""
    notes = list(notes)
    rest = len(notes) - most
    return notes[:most] + ([f"{rest} further notes of the engine, of the same kinds."] if rest > 0 else [])


def as_posted(books: Books, period: str) -> Draft:
    """A closed period's statements as they stand in the books; ``checks`` are those it passed, so none."""
    stands = books.postings[period]
    lines = books.lines[books.lines["closes"] == period].reset_index(drop=True)
    payments = books.payments[books.payments["closes"] == period].reset_index(drop=True)
    as_of = date.fromisoformat(stands["as_of"])
    return Draft(period, as_of, lines, payments, books.opening[:0], (), stands["draft"])


def status_of(books: Books, made: Draft) -> str:
    """``posted 2025-12-08, entry 391`` of a closed period, else ``draft 2cdf476a6d7e``."""
    stands = books.postings.get(made.period)
    if stands is None:
        return f"draft {made.hash[:12]}"
    return f"posted {stands['recorded_at'][:10]}, entry {stands['entry']}"


def statement_files(
    made: Draft, snapshot: Any, measures: pd.DataFrame | None, books: Books
) -> tuple[dict[str, bytes], str]:
    """File name → content: a page and a workbook per payee, with that payee's pay and nobody else's.

    Also returns how the period stands, as each page says it.
    """
    status, company = status_of(books, made), snapshot.company.name
    files: dict[str, bytes] = {}
    for one in statements(made, names_of(snapshot.frame("reps")), measures, status):
        name = statement_file(one, "")
        files[f"{name}.html"] = statement_page(company, one).encode()
        files[f"{name}.xlsx"] = statement_workbook(company, one)
    return files, status


def names_of(reps: pd.DataFrame) -> dict[str, str]:
    """rep_id → the name of the last role spell."""
    last = reps.sort_values("start_date").drop_duplicates("rep_id", keep="last")
    return last.set_index("rep_id")["name"].dropna().to_dict()
