"""What stands to be decided: pressing findings of all reports, since when, whose, and where they meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from salesops_lib.core.changes import PRESSING, Streak, streaks
from salesops_lib.core.followup import SETTLED, followed
from salesops_lib.core.standing import Standing

COLUMNS = (
    "severity", "report", "code", "title", "place", "period",
    "statement", "next_step", "owner", "state", "first_due",
    "overdue", "open_since", "open_days", "runs", "money_base", "playbook",
)  # fmt: skip
_NO_PLACE = ("period", "company")


def place(scope: Mapping[str, str]) -> str:
    """Where a finding is, without its period: ``region APAC``; empty for the whole company."""
    return ", ".join(f"{k} {v}" for k, v in sorted(scope.items()) if k not in _NO_PLACE)


def decisions(
    reports: Sequence[Standing], entries: Iterable[Mapping[str, Any]], on: date, *, settled: bool = False
) -> pd.DataFrame:
    """Pressing findings of the last good runs, open ones, most urgent first.

    Parameters
    ----------
    reports
        As they stood on the day.
    entries
        Decisions of the ledger ``finding_states``, oldest first.
    on
        The day of the brief: what was due before it is overdue.
    settled
        Give the accepted and closed ones instead.

    Returns
    -------
    pandas.DataFrame
        One row a finding, :data:`COLUMNS`: ``first_due`` is the due day of the run that opened the finding,
        or the one it was assigned with; ``open_days`` days since ``open_since``; ``money_base`` in the
        reporting currency, missing where nobody put a price. Order: ACT before WATCH, then money.
    """
    standing = [(r.report, r.as_of.isoformat(), f) for r in reports for f in r.findings]
    pressed = {id(f): s for r in reports for f, s in zip(r.findings, streaks(r.good), strict=True)}
    rows = [
        _row(item, pressed[id(item.finding)], on)
        for item in followed(standing, entries, on, lambda finding: pressed[id(finding)].due)
        if item.finding.severity in PRESSING and (item.state in SETTLED) is settled
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame["money_base"] = frame["money_base"].astype("float64")
    return frame.sort_values(
        ["severity", "money_base", "report", "code", "place", "period"],
        ascending=[True, False, True, True, True, True],
        na_position="last",
        ignore_index=True,
    )


def places(open_findings: pd.DataFrame) -> pd.DataFrame:
    """Places that at least two reports point at: where reports corroborate each other.

    Parameters
    ----------
    open_findings
        As :func:`decisions` gives it.

    Returns
    -------
    pandas.DataFrame
        One row a place: ``place``, ``reports``, ``act``, ``watch``, ``largest_base`` (money of the largest
        single finding: stakes overlap, so they are never added), ``says`` (the first's statement). Most
        reports first.
    """
    columns = ["place", "reports", "act", "watch", "largest_base", "says"]
    if open_findings.empty:
        return pd.DataFrame(columns=columns).astype({"largest_base": "float64"})
    told = open_findings.assign(one=open_findings["place"].str.split(", ")).explode("one")
    told = told[told["one"].ne("")]
    rows = [
        {
            "place": name,
            "reports": part["report"].nunique(),
            "act": int(part["severity"].eq("ACT").sum()),
            "watch": int(part["severity"].eq("WATCH").sum()),
            "largest_base": part["money_base"].max(),
            "says": part["statement"].iloc[0],
        }
        for name, part in told.groupby("one", sort=True)
        if len(set(part["report"])) > 1
    ]
    frame = pd.DataFrame(rows, columns=columns).astype({"largest_base": "float64"})
    return frame.sort_values(
        ["reports", "act", "largest_base", "place"], ascending=[False, False, False, True], ignore_index=True
    )


def _row(item, pressed: Streak, on: date) -> dict[str, Any]:
    finding = item.finding
    return {
        "severity": finding.severity.value,
        "report": item.report,
        "code": finding.code,
        "title": finding.title,
        "place": place(finding.scope),
        "period": finding.scope.get("period", ""),
        "statement": finding.statement,
        "next_step": finding.recommendation,
        "owner": item.owner,
        "state": item.state,
        "first_due": item.due,
        "overdue": item.overdue,
        "open_since": pressed.since,
        "open_days": (on - pressed.since).days,
        "runs": pressed.runs,
        "money_base": finding.money_at_stake or None,  # 0 is no price either: nothing to order by
        "playbook": finding.playbook,
    }
