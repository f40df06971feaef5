"""The reports themselves: whether each is up to date, what changed in it, what it cannot judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from salesops_lib.core.changes import KINDS, difference
from salesops_lib.core.findings import Severity
from salesops_lib.core.standing import Standing
from salesops_lib.governance.decisions import place

STATE_COLUMNS = (
    "report", "title", "state", "as_of", "last_due", "failed_on", "act", "watch", "unknown", "ok",
)  # fmt: skip
CHANGE_COLUMNS = (
    "kind", "report", "since", "code", "title", "place", "period",
    "before", "before_value", "now", "now_value", "unit",
)  # fmt: skip
UNKNOWN_COLUMNS = (
    "report",
    "code",
    "title",
    "place",
    "period",
    "statement",
    "has",
    "needs",
    "counts",
    "next_step",
)
BEHIND = ("failed", "stale", "never ran")
UNDATED = "cadence not known"
UNFED = "no data for it"
NOT_LATE = (UNDATED, UNFED)


def state(reports: Sequence[Standing], on: date, lacks: Mapping[str, str] | None = None) -> pd.DataFrame:
    """One row a report, :data:`STATE_COLUMNS`.

    ``state``: ``failed`` (its last run did, an older good one stands), ``stale`` (no good run since it was
    last due), ``never ran``, ``no data for it`` (never ran, and by ``lacks``, from notebook to what it lacks,
    it cannot), ``cadence not known`` (the calendar does not reach there), else ``current``. Counts are of the
    last good run.
    """
    rows = [
        {
            "report": r.report, "title": r.title, "state": _state(r, on, lacks or {}), "as_of": r.as_of,
            "last_due": r.last_due, "failed_on": r.failed_on,
            **{s.value.lower(): sum(f.severity is s for f in r.findings) for s in Severity},
        }
        for r in reports
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(STATE_COLUMNS))
    rank = frame["state"].map({name: k for k, name in enumerate((*BEHIND, *NOT_LATE, "current"))})
    return frame.iloc[rank.argsort(kind="stable")].reset_index(drop=True)


def _state(report: Standing, on: date, lacks: Mapping[str, str]) -> str:
    if report.failed_on and (report.as_of is None or report.failed_on >= report.as_of):
        return "failed"
    if report.as_of is None:
        return UNFED if lacks.get(report.report.split("/")[0]) else "never ran"
    if report.last_due is None:
        return UNDATED
    return "stale" if report.as_of < report.last_due <= on else "current"


def changes(reports: Sequence[Standing]) -> pd.DataFrame:
    """What moved between the last two good runs of each report, :data:`CHANGE_COLUMNS`.

    ``kind`` is one of :data:`salesops_lib.core.changes.KINDS`, in that order; a report with one run has none.
    """
    rows = []
    for report in reports:
        if report.before is None:
            continue
        since, findings = report.before
        told = difference(findings, report.findings, since.isoformat())
        rows += [_change(kind, report.report, since, entry) for kind in KINDS for entry in told[kind]]
    frame = pd.DataFrame(rows, columns=list(CHANGE_COLUMNS))
    frame[["before_value", "now_value"]] = frame[["before_value", "now_value"]].astype("float64")
    rank = frame["kind"].map({kind: k for k, kind in enumerate(KINDS)})
    return frame.iloc[rank.argsort(kind="stable")].reset_index(drop=True)


def _change(kind: str, report: str, since: date, entry: dict) -> dict:
    before, now = entry["before"] or {}, entry["after"] or {}
    return {
        "kind": kind, "report": report, "since": since, "code": entry["code"], "title": entry["title"],
        "place": place(entry["scope"]), "period": entry["scope"].get("period", ""),
        "before": before.get("severity", ""), "before_value": before.get("value"),
        "now": now.get("severity", ""), "now_value": now.get("value"), "unit": entry["unit"],
    }  # fmt: skip


def unknown(reports: Sequence[Standing]) -> pd.DataFrame:
    """Findings nobody can judge yet, and what each lacks, :data:`UNKNOWN_COLUMNS`."""
    rows = [
        {
            "report": r.report, "code": f.code, "title": f.title,
            "place": place(f.scope), "period": f.scope.get("period", ""),
            "statement": f.statement, "has": f.n, "needs": f.min_n, "counts": f.counts,
            "next_step": f.recommendation,
        }
        for r in reports
        for f in r.findings
        if f.severity is Severity.UNKNOWN
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(UNKNOWN_COLUMNS))
