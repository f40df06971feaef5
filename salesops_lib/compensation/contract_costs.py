"""ASC 340-40: what of commissions is an asset, and how it is written off.

    capitalised   commissions and SPIFFs of a deal, by its close date: costs that would not be without it
    expensed      all other pay; and by the practical expedient what would be written off within a year
    written off   straight by month over the period of benefit, rounded cumulatively: it ends at 0 exactly

Source: ASC 340-40-25-1 (incremental costs), 25-4 (expedient, one year or less), 35-1 (amortisation).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

INCREMENTAL = ("commission", "spiff", "adjustment", "clawback", "cancelled", "correction", "cap", "carry")
"""Kinds of lines that move with a deal; they are incremental where they name one."""
EXPEDIENT_MONTHS = 12


@dataclass(frozen=True)
class Terms:
    """Months of benefit by deal type, and for types not named."""

    by_type: dict[str, int]
    other: int


def capitalised(lines: pd.DataFrame, deals: pd.DataFrame, terms: Terms, months: list[str]) -> pd.DataFrame:
    """Earned pay by close period and deal: what is an asset and what is expense.

    Parameters
    ----------
    lines
        ``closes``, ``kind``, ``of_kind``, ``deal_id``, ``currency``, ``cents``: earned lines only.
    deals
        ``opportunity_id``, ``type``: what kind of sale each deal is.
    terms
        Months over which a deal's cost brings benefit.
    months
        Close periods in order; the first is the earliest of ``lines``.

    Returns
    -------
    DataFrame
        One row per close period, currency and deal (blank: no deal): ``earned``, ``asset``, ``expense`` in
        cents with earned = asset + expense, and ``months`` of benefit.
    """
    kind_of = deals.drop_duplicates("opportunity_id").set_index("opportunity_id")["type"]
    deal = lines["deal_id"].fillna("")
    incremental = lines["of_kind"].isin(INCREMENTAL) & deal.isin(kind_of.index)
    rows = lines.assign(deal_id=deal.where(incremental, ""))
    keys = ["closes", "currency", "deal_id"]
    sums = rows.groupby(keys, as_index=False)["cents"].sum().rename(columns={"cents": "earned"})
    types = sums["deal_id"].map(kind_of).fillna("").str.lower()
    sums["months"] = [
        0 if not d else terms.by_type.get(t, terms.other) for d, t in zip(sums["deal_id"], types, strict=True)
    ]
    long = sums["months"] > EXPEDIENT_MONTHS
    sums["asset"] = sums["earned"].where(long, 0)
    sums["expense"] = sums["earned"] - sums["asset"]
    order = {m: i for i, m in enumerate(months)}
    return sums.sort_values(keys, key=lambda s: s.map(order) if s.name == "closes" else s, ignore_index=True)


def schedule(costs: pd.DataFrame, months: list[str]) -> pd.DataFrame:
    """The asset month by month: capitalised, written off, left.

    ``costs``: of :func:`capitalised`. ``months``: close periods in order, through the last one wanted; those
    after the data are what is still to be written off. A cost is written off from its own month on.

    Returns
    -------
    DataFrame
        ``currency``, ``closes``, ``capitalised``, ``amortised``, ``remaining`` in cents; remaining is that of
        the month before + capitalised − amortised.
    """
    order = {m: i for i, m in enumerate(months)}
    rows = []
    for currency, part in costs[costs["asset"] != 0].groupby("currency"):
        added, off = [0] * len(months), [0] * len(months)
        for (closes, term), asset in part.groupby(["closes", "months"])["asset"].sum().items():
            start = order[closes]
            added[start] += int(asset)
            for k, amount in enumerate(straight(int(asset), int(term))):
                if start + k < len(months):
                    off[start + k] += amount
        left = 0
        for month, plus, minus in zip(months, added, off, strict=True):
            left += plus - minus
            rows.append((currency, month, plus, minus, left))
    return pd.DataFrame(rows, columns=["currency", "closes", "capitalised", "amortised", "remaining"])


def straight(cents: int, months: int) -> list[int]:
    """Equal parts by month that add up to ``cents``: 6,000.00 over 24 are 250.00 each.

    Running totals are rounded half away from zero, parts are their differences.
    """
    sign = -1 if cents < 0 else 1
    totals = [sign * ((2 * abs(cents) * k + months) // (2 * months)) for k in range(months + 1)]
    return [after - before for before, after in pairwise(totals)]
