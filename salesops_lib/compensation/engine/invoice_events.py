"""Invoices as events: which part of the deal each is for, when it was paid, and when it counts as not paid.

``amount`` is what the invoice is of, ``part_amount`` what it is of the deal's money. They differ: invoices
come at other exchange rates and with other taxes. So the one with which a deal reaches :data:`WHOLE` of its
amount stands for all the rest, one after that for nothing, and a credit note takes its part back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pandas as pd

from salesops_lib.core.policy import Policy

WHOLE = 0.9
"""Share of a deal's amount from which it counts as billed whole."""


def unpaid_days(policy: Policy) -> Callable[[date], int]:
    """Due day → days after it from which an invoice counts as not paid, by the policy of that day: what is
    decided later does not reach back into months that are closed."""
    return lambda due: int(policy.value("non_payment_days", due).value)


def invoice_events(
    invoices: pd.DataFrame, deals: pd.DataFrame, through: date, days: Callable[[date], int]
) -> list[pd.DataFrame]:
    """``invoiced`` on an invoice's day, ``invoice_paid`` on the day it was paid, and its ``non_payment``.

    ``invoices`` and ``deals``: the tables ``invoices`` and ``opportunities``. ``through``: the last day that
    is known. ``days``: due day → days after it from which an invoice counts as not paid. One that is paid
    after all stays not paid on its day; one whose amount nobody knows is never that.
    """
    rows = invoices.assign(part=_parts(invoices, deals))
    issued, paid = (rows[rows[column].notna()] for column in ("invoiced_date", "paid_date"))
    owed = _unpaid(rows, through, days)
    return [
        _events(issued, "invoiced", issued["invoiced_date"]),
        _events(paid, "invoice_paid", paid["paid_date"]),
        _events(owed, "non_payment", owed["late"]),
    ]


def billed_shares(events: pd.DataFrame, through: date) -> dict[str, float] | None:
    """Deal → the share of it that invoices up to a day are for; None where no invoice is among the events.

    ``events``: of :func:`.company_events`. A deal without an invoice is missing; one whose invoice does not
    say how much counts as billed whole.
    """
    if "part_amount" not in events:
        return None
    part = pd.to_numeric(events["part_amount"])
    whole = part[events["event"] == "booked"].groupby(events["deal_id"]).first()
    sent = (events["event"] == "invoiced") & (pd.to_datetime(events["date"]) <= pd.Timestamp(through))
    if not (events["event"] == "invoiced").any():
        return None
    deal = events.loc[sent, "deal_id"]
    share = (part[sent] / deal.map(whole)).fillna(1.0).groupby(deal).sum()
    return share.clip(0.0, 1.0).to_dict()


def _parts(rows: pd.DataFrame, deals: pd.DataFrame) -> pd.Series:
    """What of its deal's money each invoice stands for, by order of billing; missing where that is not known.

    From ``WHOLE`` of the deal on all of it is billed, and never more; a credit note takes its part back.
    """
    order = rows.sort_values(["invoiced_date", "invoice_id"], kind="stable")
    deal = order["opportunity_id"]
    worth = (deal.map(deals.set_index("opportunity_id")["amount_base"]).astype("float64") * 100).round()
    cents = (order["amount_base"].astype("float64") * 100).round()
    billed = cents.groupby(deal).cumsum()

    def covered(so_far: pd.Series) -> pd.Series:
        return so_far.clip(lower=0.0, upper=worth).where(so_far < WHOLE * worth, worth)

    part = covered(billed) - covered(billed - cents)
    return (part.where((worth > 0) & cents.notna()) / 100).reindex(rows.index)


def _unpaid(rows: pd.DataFrame, through: date, days: Callable[[date], int]) -> pd.DataFrame:
    """Invoices not paid by the day ``late``, each of what credit notes of its deal left of it by then."""
    given = {day: days(day.date()) for day in rows["due_date"].dropna().unique()}
    rows = rows.assign(late=rows["due_date"] + pd.to_timedelta(rows["due_date"].map(given), unit="D"))
    known = rows["late"].notna() & (rows["late"] <= pd.Timestamp(through)) & (rows["amount_base"] > 0)
    owed = rows[known & ~(rows["paid_date"] <= rows["late"])].sort_values(["late", "invoice_id"])
    notes = rows[rows["amount_base"] < 0]
    left, used = [], {}
    for row in owed.to_dict("records"):
        deal = row["opportunity_id"]
        issued = notes[(notes["opportunity_id"] == deal) & (notes["invoiced_date"] <= row["late"])]
        free = -issued["amount_base"].sum() - used.get(deal, 0.0)
        off = min(max(free, 0.0), row["amount_base"])
        used[deal] = used.get(deal, 0.0) + off
        left.append(1 - off / row["amount_base"])
    share = pd.Series(left, index=owed.index, dtype="float64")
    return owed.assign(amount_base=owed["amount_base"] * share, part=owed["part"] * share)[share > 0]


def _events(rows: pd.DataFrame, kind: str, days: pd.Series) -> pd.DataFrame:
    money = {
        name: [None if pd.isna(a) else f"{a:.2f}" for a in rows[column]]
        for name, column in (("amount", "amount_base"), ("part_amount", "part"))
    }
    return pd.DataFrame(
        {
            "event_id": rows["invoice_id"],
            "deal_id": rows["opportunity_id"],
            "event": kind,
            "date": days.dt.date,
            **money,
        }
    )
