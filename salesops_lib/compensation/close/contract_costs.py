"""ASC 340-40: what of commissions is an asset, and how it is written off.

    capitalised   commissions and SPIFFs of a deal, by its close date: costs that would not be without it
    expensed      all other pay; and by the practical expedient what would be written off within a year
    benefit       the policy's months by type of sale, and never less than the deal's own term
    written off   straight by month to the end of the benefit, and to 0 exactly. What comes on top later, or
                  is taken back, moves the months that are left (a change in estimate); what is taken back
                  beyond what is left is income at once; of a contract that has ended the rest goes at once

Source: ASC 340-40-25-1 (incremental costs), 25-4 (expedient, one year or less), 35-1 and 35-2 (amortisation,
change in estimate), 35-3 (impairment).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

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
        ``opportunity_id``, ``type``: what kind of sale each deal is; ``term_months`` where it is known.
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
    known = deals.drop_duplicates("opportunity_id").set_index("opportunity_id")
    kind_of = known["type"]
    term = known["term_months"] if "term_months" in known else pd.Series(0.0, index=known.index)
    deal = lines["deal_id"].fillna("")
    incremental = lines["of_kind"].isin(INCREMENTAL) & deal.isin(kind_of.index)
    rows = lines.assign(deal_id=deal.where(incremental, ""))
    keys = ["closes", "currency", "deal_id"]
    sums = rows.groupby(keys, as_index=False)["cents"].sum().rename(columns={"cents": "earned"})
    types = sums["deal_id"].map(kind_of).fillna("").str.lower()
    own = sums["deal_id"].map(term).fillna(0).map(ceil)
    sums["months"] = [
        0 if not d else max(terms.by_type.get(t, terms.other), m)
        for d, t, m in zip(sums["deal_id"], types, own, strict=True)
    ]
    long = sums["months"] > EXPEDIENT_MONTHS
    sums["asset"] = sums["earned"].where(long, 0)
    sums["expense"] = sums["earned"] - sums["asset"]
    order = {m: i for i, m in enumerate(months)}
    return sums.sort_values(keys, key=lambda s: s.map(order) if s.name == "closes" else s, ignore_index=True)


def schedule(costs: pd.DataFrame, months: list[str], ended: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The asset month by month: capitalised, written off, left.

    ``costs``: of :func:`capitalised`. ``months``: close periods in order, through the last one wanted; those
    after the data are what is still to be written off. ``ended``: deal → the period its contract ended in. A
    cost is written off from its own month on.

    Returns
    -------
    DataFrame
        ``currency``, ``closes``, ``capitalised``, ``amortised``, ``remaining`` in cents; remaining is that of
        the month before + capitalised − amortised, and never below 0 for a deal.
    """
    order = {m: i for i, m in enumerate(months)}
    rows = []
    for currency, part in costs[costs["asset"] != 0].groupby("currency"):
        added, off = [0] * len(months), [0] * len(months)
        for deal, mine in part.groupby("deal_id"):
            moved = dict(zip(mine["closes"].map(order), mine["asset"].map(int), strict=True))
            stop = order.get((ended or {}).get(deal, ""), len(months))
            for at, amount in moved.items():
                added[at] += amount
            for at, amount in _run_off(moved, int(mine["months"].iloc[0]), stop, len(months)):
                off[at] += amount
        left = 0
        for month, plus, minus in zip(months, added, off, strict=True):
            left += plus - minus
            rows.append((currency, month, plus, minus, left))
    return pd.DataFrame(rows, columns=["currency", "closes", "capitalised", "amortised", "remaining"])


def _run_off(moved: Mapping[int, int], term: int, stop: int, last: int) -> Iterator[tuple[int, int]]:
    """(month, cents written off) of one deal, whose cost moved in some months; all of it by ``stop``."""
    start, left = min(moved), 0
    for at in range(start, last):
        left += moved.get(at, 0)
        if not left and at > max(moved):
            return
        months = start + term - at
        amount = left if left < 0 or months <= 1 or at >= stop else straight(left, months)[0]
        left -= amount
        yield at, amount


def straight(cents: int, months: int) -> list[int]:
    """Equal parts by month that add up to ``cents``: 6,000.00 over 24 are 250.00 each.

    Running totals are rounded half away from zero, parts are their differences.
    """
    sign = -1 if cents < 0 else 1
    totals = [sign * ((2 * abs(cents) * k + months) // (2 * months)) for k in range(months + 1)]
    return [after - before for before, after in pairwise(totals)]
