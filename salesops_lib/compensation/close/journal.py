"""What finance books for a close: accounts with debits and credits that are equal."""

from __future__ import annotations

import pandas as pd

from salesops_lib.compensation.close import outputs
from salesops_lib.compensation.close.books import MOVES
from salesops_lib.core.money import to_cents, to_decimal


def journal_rows(payments: pd.DataFrame, deal_costs: pd.DataFrame) -> pd.DataFrame:
    """Columns of ``outputs.JOURNAL``: what finance books for the close, debits equal to credits.

    ``payments``: of the draft, :data:`books.PAYMENT`; ``deal_costs``: ``outputs.DEAL_COSTS`` of the close.
    Corrections, adjustments after a dispute and what is carried forward are booked as they are paid.
    """
    rows = []
    for currency, mine in payments.groupby("currency"):
        sums = {m: int(mine[m].sum()) for m in (*MOVES, "paid")}
        own = deal_costs[deal_costs["currency"] == currency]
        asset, expense = (int(to_cents(own[n]).sum()) for n in ("asset", "expense"))
        booked = (
            ("contract costs (asset)", asset),
            ("commission expense", expense + sums["corrections"] + sums["disputes"]),
            ("commission held (liability)", sums["held"]),
            ("draws advanced (receivable)", sums["draw"] + sums["draw_recovery"]),
            ("overpaid and carried (receivable)", sums["overpayment"] + sums["carried"]),
            ("commission payable", -sums["paid"]),
        )
        rows += [
            (currency, account, to_decimal(max(c, 0)), to_decimal(max(-c, 0))) for account, c in booked if c
        ]
    return pd.DataFrame(rows, columns=outputs.JOURNAL.column_names)
