"""What must hold in every draft, to the cent, before anybody may sign it."""

from __future__ import annotations

import pandas as pd

from salesops_lib.compensation.close.books import Books
from salesops_lib.compensation.close.closing import Worked
from salesops_lib.core.money import to_cents, to_decimal
from salesops_lib.core.periods import Period

OUTSIDE = ("correction", "dispute", "carried")
"""Kinds of line that the engine does not make."""


def identities(
    lines: pd.DataFrame,
    payments: pd.DataFrame,
    worked: Worked,
    books: Books,
    opening: pd.DataFrame,
    period: str,
) -> tuple[tuple[str, str, bool], ...]:
    """Identities that a close stands on: name, what it says, whether it holds.

    ``lines``, ``payments``: of the draft, columns of :data:`books.LINE` and :data:`books.PAYMENT`, cents.
    ``opening``: its baseline where nothing was posted yet. Each can fail: its two sides come about in
    different ways.
    """
    engine = worked.payments[worked.payments["closes"] == period]
    own = lines[~lines["kind"].isin(OUTSIDE)]
    total, owed = int(lines["cents"].sum()), int(payments["paid"].sum())
    found = [_equal("lines_are_payments", "Σ lines", total, "Σ payments", owed)]
    for move in ("earned", "held", "clawed_back", "overpayment", "draw", "draw_recovery"):
        theirs = int(to_cents(engine[move]).sum())
        found.append(
            _equal(f"{move}_is_the_engines", f"Σ {move} of the engine", theirs, "of the statements",
                   int(payments[move].sum()))
        )  # fmt: skip
    paid = int(to_cents(engine["paid"]).sum())
    found.append(_equal("engine_is_lines", "Σ engine", paid, "Σ its lines", int(own["cents"].sum())))
    early = opening if books.last is None else books.opening
    every = pd.concat([early, books.lines[~books.lines["of_kind"].isin(["dispute", "carried"])],
                       lines[~lines["of_kind"].isin(["dispute", "carried"])]])  # fmt: skip
    known = worked.lines["closes"].map(Period.parse) <= Period.parse(period)
    all_of_it = int(to_cents(worked.lines.loc[known, "amount"]).sum())
    found.append(
        _equal("posted_is_worked_out", "posted to date with this close", int(every["cents"].sum()),
               "all that is worked out", all_of_it)
    )  # fmt: skip
    negative = int((payments["paid"] < 0).sum())
    found.append(("nothing_negative", f"{negative} payees would be paid less than 0", negative == 0))
    whole, deals = worked.credited.get(period, (0, 0))
    found.append(("credits_are_whole", f"{whole} of {deals} deals are credited to 100 %", whole == deals))
    ids = lines["line_id"].is_unique
    found.append(("ids_unique", f"{len(lines)} lines, each with an id of its own", ids))
    return tuple(found)


def _equal(name: str, one: str, left: int, other: str, right: int) -> tuple[str, str, bool]:
    return name, f"{one} {to_decimal(left):,.2f} = {other} {to_decimal(right):,.2f}", left == right
