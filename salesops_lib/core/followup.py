"""What people decided about findings: assigned, accepted, closed; and when a decision no longer holds.

Decisions are entries of a ledger, oldest first; this module only folds them over the findings that stand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from salesops_lib.core.findings import Finding, Severity, ordered

ASSIGNED, ACCEPTED, CLOSED = "assigned", "accepted", "closed"
NEW, RETURNED = "new", "returned"
SETTLED = (ACCEPTED, CLOSED)
_RANK = {Severity.OK: 0, Severity.UNKNOWN: 0, Severity.WATCH: 1, Severity.ACT: 2}


@dataclass(frozen=True)
class Followed:
    """One standing finding and where it stands: ``state``, who has it, by when, whether that day is past."""

    report: str  # attainment/company
    as_of: str  # ISO day of that report
    finding: Finding
    state: str
    owner: str
    due: date
    overdue: bool
    why: str

    @property
    def key(self) -> str:
        """What a person types for it: :func:`key`."""
        return key(self.finding)


def key(finding: Finding) -> str:
    """A finding's name across runs, whatever its period: ``F-ATTN-SKEW:team=EMEA``."""
    inside = ",".join(f"{k}={finding.scope[k]}" for k in sorted(finding.scope) if k != "period")
    return f"{finding.code}:{inside}" if inside else finding.code


def decision(report: str, as_of: str, finding: Finding, state: str, **told: str | None) -> dict[str, Any]:
    """The ledger's entry of a decision: the finding as it was then, and ``owner``, ``due``, ``why``."""
    value = None if finding.value is None else repr(finding.value)
    return {
        "finding": key(finding), "report": report, "as_of": as_of, "state": state,
        "severity": finding.severity.value, "value": value, **told,
    }  # fmt: skip


def followed(
    standing: Iterable[tuple[str, str, Finding]],
    decisions: Iterable[Mapping[str, Any]],
    on: date,
    first_due: Callable[[Finding], date] = lambda finding: finding.due,
) -> list[Followed]:
    """The pressing and unknown findings of the reports that stand, each with its state.

    Parameters
    ----------
    standing
        ``(report, as_of, finding)``. A decision holds for every period of a finding.
    decisions
        Entries made by :func:`decision`, oldest first.
    on
        The day on which a due day is past.
    first_due
        When the run that opened a finding asked for it: a later run moves its own due day on, and a finding
        nobody gave a day to would never be overdue.

    Returns
    -------
    list
        What is open first (new, returned, assigned), in it what is overdue, then by severity and money; what
        is accepted or closed last. A finding that is OK is left out.
    """
    last: dict[tuple[str, str], Mapping[str, Any]] = {}
    for entry in decisions:
        name = entry["report"], entry["finding"]
        carried = {k: last[name].get(k) for k in ("owner", "due")} if name in last else {}
        last[name] = carried | {k: v for k, v in entry.items() if v is not None}
    rows = list(standing)
    rank = {id(f): n for n, f in enumerate(ordered([f for _, _, f in rows]))}
    found = [
        _followed(report, as_of, finding, last.get((report, key(finding))), on, first_due)
        for report, as_of, finding in rows
        if finding.severity is not Severity.OK
    ]
    return sorted(found, key=lambda f: (f.state in SETTLED, not f.overdue, rank[id(f.finding)]))


def worsened(entry: Mapping[str, Any], finding: Finding) -> bool:
    """Whether a finding is worse than when it was decided on.

    Worse is a graver severity, or a whole range (without one, the value) beyond the value of then, on the
    wrong side. A value that moved inside its range is no news.
    """
    now, then = _RANK[finding.severity], _RANK[Severity(entry["severity"])]
    if now != then:
        return now > then
    if entry.get("value") is None or finding.value is None or finding.severity is Severity.UNKNOWN:
        return False
    was, span = float(entry["value"]), finding.interval
    low, high = (span.low, span.high) if span else (finding.value, finding.value)
    beyond = high if finding.threshold.keep == "above" else low
    if math.isclose(beyond, was, rel_tol=1e-9, abs_tol=1e-12):  # the same number added up in another order
        return False
    return beyond < was if finding.threshold.keep == "above" else beyond > was


def _followed(
    report: str,
    as_of: str,
    finding: Finding,
    entry: Mapping[str, Any] | None,
    on: date,
    first_due: Callable[[Finding], date],
) -> Followed:
    entry = entry or {}
    state = entry.get("state", NEW)
    # What was accepted may stand as it was; what was closed may not stand in a report of a later day.
    if (state == ACCEPTED and worsened(entry, finding)) or (
        state == CLOSED and finding.severity is not Severity.UNKNOWN
        and (as_of > entry["as_of"] or worsened(entry, finding))
    ):  # fmt: skip
        state = RETURNED
    due = date.fromisoformat(entry["due"]) if entry.get("due") else first_due(finding)
    overdue = state not in SETTLED and due < on
    return Followed(
        report,
        as_of,
        finding,
        state,
        entry.get("owner") or finding.owner,
        due,
        overdue,
        entry.get("why") or "",
    )
