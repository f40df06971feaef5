"""The reports that stand on a day, read back for the notebook that gathers them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pandas as pd

from salesops_lib.core.errors import UserError
from salesops_lib.core.periods import FiscalCalendar
from salesops_lib.core.standing import Standing
from salesops_lib.publish import catalog
from salesops_lib.publish.catalog import Notebook, Run
from salesops_lib.publish.history import Bundle, ReportHistory, read_reports
from salesops_lib.publish.scheduling.schedule import last_due
from salesops_lib.publish.store import Store

REPORTS_DIR = "SALESOPS_REPORTS_DIR"


def read_standing(
    reports: Path,
    root: Path,
    day: date,
    *,
    data: str,
    calendar: FiscalCalendar,
    tables: Mapping[str, Iterable[str]] | None = None,
) -> list[Standing]:
    """Every report the run files name, as it stood on ``day``, in their order.

    Parameters
    ----------
    reports, root
        The reports folder; the repository with ``notebooks/``.
    data
        Only runs on this data count, as ``salesops run`` passes it on.
    calendar
        Says when a cadence was last due.
    tables
        Tables to read from the last good run, by notebook. One it does not have is left out.

    Notebooks that gather reports themselves are left out, runs with parameters given by hand too. A report
    that never ran stands with no good run. A reports folder that is not there holds none.
    """
    found = {h.key: h for h in read_reports(reports)} if reports.is_dir() else {}
    return [
        _standing(run, found.get(run.key), day, data, calendar, (tables or {}).get(run.notebook.name, ()))
        for notebook in catalog.discover(root)
        if not notebook.run_file.reads_reports
        for run in notebook.runs()
    ]


def standing_hash(store: Store, run: Run, day: date, ledger: Path | None) -> str:
    """One hash over the good attempts a gathering run would read on ``day``, and over a ledger file."""
    root = run.notebook.path.parents[1]
    total = hashlib.sha256()
    for other in [r for n in catalog.discover(root) if not n.run_file.reads_reports for r in n.runs()]:
        folder = store.folder(other.key)
        days = sorted(p.name for p in folder.iterdir() if p.name[:1].isdigit()) if folder.is_dir() else []
        for past in [d for d in days if d <= day.isoformat()]:
            attempt = store.last_good(other.key, past)
            total.update(f"{other.key} {past} {attempt.name if attempt else ''}\n".encode())
    if ledger is not None and ledger.is_file():
        total.update(ledger.read_bytes())
    return total.hexdigest()


def _standing(
    run: Run,
    history: ReportHistory | None,
    day: date,
    data: str,
    calendar: FiscalCalendar,
    tables: Iterable[str],
) -> Standing:
    made = [b for b in (history.good if history else ()) if _fits(b, day, data)]
    failed = history.failed if history and history.failed and _fits(history.failed, day, data) else None
    file = run.notebook.run_file
    return Standing(
        run.key,
        file.title,
        file.question,
        tuple((date.fromisoformat(b.as_of), b.findings) for b in made),
        _last_due(run.notebook, calendar, day),
        date.fromisoformat(failed.as_of) if failed else None,
        tuple(made[-1].manifest.get("headline", ())) if made else (),
        _tables(made[-1], tables) if made else {},
    )


def _fits(bundle: Bundle, day: date, data: str) -> bool:
    return bundle.as_of <= day.isoformat() and bundle.run.get("parameters", {}).get("data", "") == data


def _last_due(notebook: Notebook, calendar: FiscalCalendar, day: date) -> date | None:
    try:
        return last_due(notebook.run_file.cadence, calendar, datetime.combine(day, time(23, 59, 59))).date()
    except UserError:  # the calendar does not reach there
        return None


def _tables(bundle: Bundle, names: Iterable[str]) -> dict[str, Any]:
    paths = {name: bundle.folder / "tables" / f"{name}.csv" for name in names}
    return {name: pd.read_csv(path) for name, path in paths.items() if path.is_file()}
