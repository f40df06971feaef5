"""The books of commissions: what was drafted, signed, posted, disputed, read from the company's ledger.

kind        says
draft       a close worked out: period, as_of, hash of its statements, what it pays
approval    a role signed a draft, by its hash
opening     the first posting only: what earlier periods had come to, so that restating them counts
line        a posted statement line
payment     a posted payment of a payee
posting     the period is closed; its lines and payments stand before it
dispute     a payee's question about a line
answer      what became of it, with the adjustment that follows, if any
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from salesops_lib.core.money import cents

LEDGER = "commissions"
ROLES = ("manager", "finance")
LINE = (
    "line_id", "rep_id", "plan_id", "plan_version", "closes", "pay_period", "origin", "date", "kind",
    "of_kind", "part", "deal_id", "rule", "share", "credited", "measure_before", "measure_after", "tier",
    "factor", "cents", "currency", "arithmetic", "window",
)  # fmt: skip
"""Columns of a statement line. ``closes``: the period it is paid in; ``origin``: the one it is of;
``of_kind``: of a correction, the kind it corrects, else its own. ``cents``: whole cents."""
MOVES = (
    "earned", "corrections", "held", "clawed_back", "overpayment", "draw", "draw_recovery", "disputes",
    "carried",
)  # fmt: skip
PAYMENT = (
    "rep_id", "closes", "currency", *MOVES, "paid", "held_balance", "overpaid_balance", "draw_balance",
    "year_earned", "year_paid",
)  # fmt: skip
"""Columns of a payment, money in whole cents; ``paid`` is the sum of the moves before it."""
WHOLE = {"cents", *PAYMENT[3:]}


@dataclass(frozen=True)
class Books:
    """The ledger, sorted by what an entry says.

    ``postings``: period → its entry, oldest first. ``lines``, ``opening``: frames of :data:`LINE`;
    ``payments`` of :data:`PAYMENT`. The others are entries as they stand.
    """

    postings: dict[str, Mapping[str, Any]]
    lines: pd.DataFrame
    payments: pd.DataFrame
    opening: pd.DataFrame
    drafts: tuple[Mapping[str, Any], ...]
    approvals: tuple[Mapping[str, Any], ...]
    disputes: tuple[Mapping[str, Any], ...]
    answers: dict[int, Mapping[str, Any]]

    @property
    def last(self) -> str | None:
        """The period closed last; None before the first close."""
        return next(reversed(self.postings), None)

    def draft_of(self, period: str) -> Mapping[str, Any] | None:
        """The last draft of a period; None where there is none."""
        return next((d for d in reversed(self.drafts) if d["period"] == period), None)

    def signed(self, draft: str) -> dict[str, str]:
        """Role → who signed the draft of this hash."""
        return {a["role"]: a["who"] for a in self.approvals if a["draft"] == draft}

    def open_adjustments(self) -> list[dict[str, Any]]:
        """Answered disputes whose adjustment no posted line carries yet."""
        done = set(self.lines.loc[self.lines["kind"] == "dispute", "part"])
        by_entry = {d["entry"]: d for d in self.disputes}
        return [
            {"dispute": by_entry[number], "answer": answer}
            for number, answer in self.answers.items()
            if cents(answer["adjustment"]) and f"dispute {number}" not in done
        ]


def read_books(entries: Iterable[Mapping[str, Any]]) -> Books:
    """Sort ledger entries. Lines of an interrupted posting cannot be there: a posting is written whole."""
    kept: dict[str, list] = {
        name: []
        for name in ("draft", "approval", "opening", "line", "payment", "posting", "dispute", "answer")
    }
    for entry in entries:
        kept[entry["entry_kind"]].append(entry)
    return Books(
        postings={e["period"]: e for e in kept["posting"]},
        lines=_frame(kept["line"], LINE),
        payments=_frame(kept["payment"], PAYMENT),
        opening=_frame(kept["opening"], LINE),
        drafts=tuple(kept["draft"]),
        approvals=tuple(kept["approval"]),
        disputes=tuple(kept["dispute"]),
        answers={int(e["dispute"]): e for e in kept["answer"]},
    )


def entries_of(kind: str, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame as ledger entries: texts, whole numbers and None."""
    columns = [list(frame[name]) for name in frame]
    return [
        {"entry_kind": kind} | {n: _cell(n, v) for n, v in zip(frame.columns, row, strict=True)}
        for row in zip(*columns, strict=True)
    ]


def _cell(name: str, value: Any) -> Any:
    if name in WHOLE or name == "plan_version":
        return int(value)
    return None if value is None or pd.isna(value) else str(value)


def _frame(entries: list, columns: tuple[str, ...]) -> pd.DataFrame:
    cells = {n: [e.get(n) for e in entries] for n in columns}
    typed = {n: pd.Series(v, dtype="int64" if n in WHOLE else "object") for n, v in cells.items()}
    return pd.DataFrame(typed, columns=list(columns))
