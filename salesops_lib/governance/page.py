"""The brief as one page of plain text: what is pasted into a mail or a channel before the meeting."""

from __future__ import annotations

from datetime import date

import pandas as pd

from salesops_lib.core.charts import short_money
from salesops_lib.core.findings import Finding, Severity

_MOST = 5


def page(
    company: str,
    on: date,
    currency: str,
    *,
    decisions: pd.DataFrame,
    changes: pd.DataFrame,
    findings: list[Finding],
    state: pd.DataFrame,
) -> str:
    """Markdown of at most a page. Frames as in ``outputs``; ``findings`` are the brief's own.

    Names from data are not escaped: the page is text, and whoever renders it sanitises.
    """
    act = decisions[decisions["severity"] == "ACT"]
    lines = [f"# Brief of {company}, {on}", "", "## Decide", ""]
    lines += [
        f"{k}. {_money(row.money_base, currency)}{row.statement} Next: {row.next_step} "
        f"({row.owner}, first due {row.first_due}{', overdue' if row.overdue else ''}; "
        f"{row.report}, {row.code})"
        for k, row in enumerate(act.head(_MOST).itertuples(), 1)
    ] or ["Nothing to act on."]
    if len(act) > _MOST:
        lines.append(f"{len(act) - _MOST} more to act on stand in decisions.csv.")
    lines += ["", "## Changed", "", *_changed(changes)]
    lines += ["", "## The reports themselves", ""]
    lines += [f"- {f.severity.value}: {f.statement}" for f in findings if f.severity is not Severity.OK] or [
        "All well."
    ]
    behind = state[state["state"].ne("current")]
    lines += [f"- {r.report}: {r.state}, last good {r.as_of or 'never'}" for r in behind.itertuples()]
    return "\n".join(lines) + "\n"


def _money(value: float | None, currency: str) -> str:
    return f"{short_money(value)} {currency} at stake. " if pd.notna(value) else ""


def _changed(changes: pd.DataFrame) -> list[str]:
    rows = [
        f"- {r.kind}: {r.title}{', ' + r.place if r.place else ''} ({r.report}, since {r.since})"
        for r in changes.head(_MOST).itertuples()
    ]
    more = len(changes) - _MOST
    return [*rows, *([f"- {more} more in changes.csv"] if more > 0 else [])] or [
        "Nothing, or no report ran twice."
    ]
