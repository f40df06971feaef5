"""A desk with books in memory: the moves of a close on hand-made lines, for tests of the close."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pandas as pd

from salesops_lib.compensation.close import desk
from salesops_lib.compensation.close.books import read_books
from salesops_lib.compensation.close.closing import Worked
from salesops_lib.compensation.close.draft import draft
from salesops_lib.compensation.engine.tables import LINE_COLUMNS, PAYMENT_COLUMNS
from salesops_lib.core.periods import monthly

CALENDAR = monthly(1, range(2024, 2028))
DAY = date(2026, 12, 31)
MOVE = {"hold": "held", "release": "held", "clawback": "clawed_back"}
EARNED = ("commission", "bonus", "spiff", "pool", "adjustment")


def worked(*lines: tuple[str, str, str, str, int]) -> Worked:
    """From (rep, month, kind, deal, cents); every line is of plan ``p``. Kinds earn, hold or draw."""
    rows = [
        dict.fromkeys(LINE_COLUMNS)
        | {"rep_id": r, "period": m, "date": date(2025, 1, 5), "kind": k, "part": "c", "deal_id": d, "row": 1,
           "rule": "owner", "share": "1", "amount": Decimal(c).scaleb(-2), "arithmetic": f"{c} × 0.01",
           "plan_version": 1, "plan_id": "p", "currency": "USD", "closes": m}
        for r, m, k, d, c in lines
    ]  # fmt: skip
    made = pd.DataFrame(rows, columns=[*LINE_COLUMNS, "currency", "closes"])
    zero = dict.fromkeys(PAYMENT_COLUMNS, Decimal("0.00"))
    pays: dict[tuple[str, str], dict] = {}
    for rep, month, kind, _, whole in lines:
        row = pays.setdefault((rep, month), zero | {"rep_id": rep, "period": month, "plan_id": "p",
                                                    "currency": "USD", "closes": month})  # fmt: skip
        for name in ("earned" if kind in EARNED else MOVE.get(kind, kind), "paid"):
            row[name] += Decimal(whole).scaleb(-2)
    found = [pays[key] for key in sorted(pays)]
    columns = [*PAYMENT_COLUMNS, "plan_id", "currency", "closes"]
    payments = pd.DataFrame(found, columns=columns)
    measures = pd.DataFrame(columns=["rep_id", "measure", "window", "value", "quota", "attainment"])
    return Worked(DAY, made, payments, measures, (), ())


class Office:
    """The books of one company, and the moves at the desk."""

    def __init__(self) -> None:
        self.entries: list[dict] = []
        self._read = (-1, None)

    @property
    def books(self):
        """Of all entries; read anew where one came in."""
        if self._read[0] != len(self.entries):
            self._read = (len(self.entries), read_books(self.entries))
        return self._read[1]

    def write(self, rows: list[dict], at: str = "2025-06-10T12:00:00Z") -> None:
        for row in rows:
            self.entries.append({"entry": len(self.entries) + 1, "recorded_at": at, **row})

    def close(self, found: Worked, period: str):
        made = draft(found, self.books, CALENDAR, period, DAY)
        self.write(desk.drafted(made, "plans"))
        for role, who in (("manager", "Ada"), ("finance", "Bo")):
            self.write(desk.approved(self.books, period, role, who))
        self.write(desk.posted(self.books, made, "plans", "inputs"))
        return made
