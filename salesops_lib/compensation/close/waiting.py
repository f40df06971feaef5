"""What held pay waits for: a customer who has not paid, or a bill that has not been sent."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

from salesops_lib.compensation.close.closing import Worked

COLUMNS = ["rep_id", "deal_id", "held", "unbilled"]


def waiting(worked: Worked) -> pd.DataFrame:
    """One row per payee and deal with held pay, in ``COLUMNS``; money as Decimal.

    ``held``: what is held now. ``unbilled``: of that, for the part of the deal that no invoice is for yet;
    None where no invoice of any deal is known.
    """
    lines = worked.lines[worked.lines["kind"].isin(["hold", "release"])]
    rows = []
    for (rep, deal), mine in lines.groupby(["rep_id", "deal_id"], sort=True):
        held = -sum(mine["amount"], Decimal(0))
        if held <= 0:
            continue
        whole = -sum(mine.loc[mine["kind"] == "hold", "amount"], Decimal(0))
        left = None if worked.billed is None else 1 - Decimal(str(worked.billed.get(deal, 0.0)))
        rows.append((rep, deal, held, None if left is None else min(held, whole * left)))
    return pd.DataFrame(rows, columns=COLUMNS)
