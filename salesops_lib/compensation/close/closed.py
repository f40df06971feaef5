"""From a company as known on a day to a draft, and from the books back to what was posted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd

from salesops_lib.compensation.close.books import LEDGER, Books, read_books
from salesops_lib.compensation.close.closing import Worked, work_out
from salesops_lib.compensation.close.desk import fingerprint
from salesops_lib.compensation.close.draft import CloseError, Draft, draft, refuse_period
from salesops_lib.compensation.close.faults import NEEDED, OPTIONAL, refuse_stand_ins, refuse_unpaid
from salesops_lib.compensation.close.payslip import statements
from salesops_lib.compensation.close.statement_pages import statement_file, statement_page
from salesops_lib.compensation.close.statement_sheet import statement_workbook
from salesops_lib.compensation.close.taken import Taken, hash_of, taken, thawed
from salesops_lib.compensation.engine.invoice_events import unpaid_days
from salesops_lib.core.errors import TableError


def drafted_from(
    snapshot: Any, plan_texts: Iterable[tuple[str, str]], books: Books, period: str, plan_rates: Any = None
) -> tuple[Draft, Worked, Taken]:
    """The draft of a period, all it is the difference of, and what that was worked out from.

    ``snapshot``: anything with ``company``, ``as_of``, ``has``, ``frame``, ``policy``, such as
    ``inputs.Snapshot``. ``plan_rates``: of ``inputs.plan_rates``. Raises what :func:`draft.draft` and
    :func:`taken.taken` raise, and refuses what would leave somebody out or rest on a guessed quota.
    """
    refuse_period(books, snapshot.company.calendar, period, snapshot.as_of)
    through = snapshot.company.calendar.bounds(period)[1] - timedelta(days=1)
    tables = tables_of(snapshot)
    inputs = taken_from(snapshot, tables, plan_texts, through, plan_rates)
    made, worked = drafted_on(inputs, tables, books, period, snapshot.as_of)
    return made, worked, inputs


def drafted_on(
    inputs: Taken, tables: Mapping[str, pd.DataFrame], books: Books, period: str, as_of: date
) -> tuple[Draft, Worked]:
    """The draft of a period on inputs taken through its last day or a later one, and all it is of.

    ``tables``: those that the inputs were taken from. Raises as :func:`drafted_from` does.
    """
    calendar = inputs.calendar
    refuse_period(books, calendar, period, as_of)
    start, end = calendar.bounds(period)
    through = end - timedelta(days=1)
    since = calendar.bounds(next(iter(books.postings), period))[0]
    versions = [p for plans in inputs.plans.values() for p in plans]
    refuse_unpaid(tables, versions, inputs.currency, (start, through))
    refuse_stand_ins(inputs.gaps, calendar, since, through)
    worked = work_out(inputs, through)
    return draft(worked, books, calendar, period, as_of), worked


def tables_of(snapshot: Any) -> dict[str, pd.DataFrame]:
    """The tables that a close reads. Raises TableError where nobody is on a plan."""
    if not snapshot.has("plan_assignments"):
        raise TableError(
            "table 'plan_assignments' is missing: nobody is on a plan; add rep_id, plan_id, dates"
        )
    return {name: snapshot.frame(name) for name in (*NEEDED, *OPTIONAL) if snapshot.has(name)}


def taken_from(
    snapshot: Any, tables: dict, plan_texts: Iterable[tuple[str, str]], through: date, plan_rates: Any = None
) -> Taken:
    """The inputs of a close through a day with what the snapshot knows."""
    policy = snapshot.policy("compensation")
    by_policy = {
        "overlay": policy.value("overlay_quota_share", through).value,
        "unpaid_days": unpaid_days(policy),
    }
    return taken(tables, plan_texts, snapshot.company, through, **by_policy, plan_rates=plan_rates)


def shown(
    snapshot: Any, plan_texts: Iterable[tuple[str, str]], books: Books, period: str, plan_rates: Any = None
) -> tuple[Draft, Worked]:
    """What a report shows of a period: as posted where it is closed, else the draft it would be.

    A period that still runs is shown as it stands on the day: what it would come to if nothing more happened.
    With it everything worked out through the period's last day, which a posting may differ from. A report
    repairs what a close refuses (a missing quota) and says so.
    """
    calendar = snapshot.company.calendar
    start, end = calendar.bounds(period)
    if start > snapshot.as_of:
        raise CloseError(f"{period} starts on {start}; the data is as of {snapshot.as_of}")
    through = min(end - timedelta(days=1), snapshot.as_of)
    worked = work_out(taken_from(snapshot, tables_of(snapshot), plan_texts, through, plan_rates), through)
    if period in books.postings:
        return as_posted(books, period), worked
    return draft(worked, books, calendar, period, snapshot.as_of, preview=True), worked


def again(entries: Sequence[Mapping[str, Any]], period: str, text: str | None) -> tuple[Draft, str, Worked]:
    """A closed period worked out again from the inputs that its posting kept, with the plans' fingerprint.

    ``entries``: the whole ledger. ``text``: the kept inputs. Raises CloseError where the period is not
    closed, or the inputs are not those of the posting.
    """
    books = read_books(entries)
    stands = books.postings.get(period)
    if stands is None:
        raise CloseError(f"{period} is not closed; closed last: {books.last or 'none'}")
    if text is None or hash_of(text) != stands["inputs"]:
        what = "gone" if text is None else "not what was posted"
        raise CloseError(
            f"ledger/{LEDGER}/{period}.json.gz is {what}; restore it from a backup, {period} rests on it"
        )
    before = read_books(e for e in entries if e["entry"] <= stands["entry"] - stands["written"])
    inputs = thawed(text)
    worked = work_out(inputs, inputs.calendar.bounds(period)[1] - timedelta(days=1))
    made = draft(worked, before, inputs.calendar, period, date.fromisoformat(stands["as_of"]))
    return made, fingerprint(inputs.plan_texts), worked


def later_entries(known: Any, whole: Any, counted: bool) -> list[str]:
    """A sentence on ledger entries written after the day of the report. ``known``, ``whole``: the ledger."""
    later = len(whole.entries) - len(known.entries)
    if not later:
        return []
    how = "are counted too" if counted else "are not counted; -p whole_ledger=true counts them"
    return [f"{later} entries of the ledger were written after the day of this report and {how}."]


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
    """``posted 2025-12-08, entry 391`` of a closed period, else ``draft 2cdf476a6d7e``, or that it runs."""
    stands = books.postings.get(made.period)
    if stands is None and made.running:
        return f"preview, the period runs; as it stands on {made.as_of}"
    if stands is None:
        return f"draft {made.hash[:12]}"
    return f"posted {stands['recorded_at'][:10]}, entry {stands['entry']}"


def statement_files(
    made: Draft, snapshot: Any, worked: Worked | None, books: Books
) -> tuple[dict[str, bytes], str]:
    """File name → content: a page and a workbook per payee, with that payee's pay and nobody else's.

    Also returns how the period stands, as each page says it.
    """
    status, company = status_of(books, made), snapshot.company.name
    files: dict[str, bytes] = {}
    for one in statements(made, names_of(snapshot.frame("reps")), worked, status):
        name = statement_file(one, "")
        files[f"{name}.html"] = statement_page(company, one).encode()
        files[f"{name}.xlsx"] = statement_workbook(company, one)
    return files, status


def names_of(reps: pd.DataFrame) -> dict[str, str]:
    """rep_id → the name of the last role spell."""
    last = reps.sort_values("start_date").drop_duplicates("rep_id", keep="last")
    return last.set_index("rep_id")["name"].dropna().to_dict()
