"""A company's tables as the engine's events: what was booked, accepted, scored, renewed, paid or lost.

    event               one row is                                   fields
    booked              a payee's direct credit of a won deal        bookings, part_amount (the same), acv,
                                                                     deal_amount, deal_currency,
                                                                     deal_type, segment,
                                                                     term_months, product, split_pct,
                                                                     overlay_id, sourced_by
    accepted            a lead that sales accepted                   stage_reached
    scored              a measure event ``*_score``                  its own name
    renewal_effective   the other measure events of a holder and     their own names, and retained_arr =
                        moment, side by side                         opening_arr − churned_arr
    invoiced,           an invoice's day, and the day it was paid    amount, part_amount
    invoice_paid
    non_payment         an invoice still unpaid so many days after   amount, part_amount
                        it was due
    churn               the end of a contract that churned           –

``bookings`` is the deal's amount, ``acv`` the same × 12 ÷ months of the term where that is longer than a
year. ``deal_amount`` is as the CRM has it, in ``deal_currency``; statements show it. ``product`` is the line
item with the most money. Days are those of the company's zone. The rules of invoices are those of
:mod:`.invoice_events`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import pandas as pd

from salesops_lib.compensation.engine.invoice_events import invoice_events

CENT = Decimal("0.01")
SCORE = "_score"


def company_events(
    tables: dict[str, pd.DataFrame], zone: str, through: date, unpaid_days: Callable[[date], int]
) -> pd.DataFrame:
    """Events of a company, sorted by date and id; every number is text, as the engine wants it.

    Parameters
    ----------
    tables
        Frames of DATA.md by name: ``opportunities`` is needed; ``credits``, ``leads``, ``measure_events``,
        ``line_items``, ``invoices``, ``contracts`` add what they hold.
    zone
        The company's time zone, for moments.
    through
        The last day that is known: what is unpaid after it is not known yet.
    unpaid_days
        Due day → days after it from which an invoice counts as not paid.

    Returns
    -------
    DataFrame
        ``event_id``, ``deal_id``, ``event``, ``date``, ``rep_id`` and the fields above; blank is None. Won
        deals without a close date or an amount are left out.
    """
    parts = [_booked(tables)]
    parts += [make(tables, zone) for make in (_accepted, _measured) if make.table in tables]
    if "invoices" in tables:
        parts += invoice_events(tables["invoices"], tables["opportunities"], through, unpaid_days)
    if "contracts" in tables:
        parts.append(_churned(tables["contracts"]))
    made = pd.concat([p for p in parts if len(p)], ignore_index=True).astype("object")
    made = made.where(made.notna(), None)
    return made.sort_values(["date", "event_id", "rep_id"], ignore_index=True, na_position="first")


def _of(table: str):
    """Mark a maker of events with the table it reads."""

    def mark(make):
        make.table = table
        return make

    return mark


def _booked(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    deals = tables["opportunities"]
    won = deals["is_won"].fillna(False).astype(bool)
    deals = deals[won & deals["close_date"].notna() & deals["amount_base"].notna()]
    money = [Decimal(str(a)).quantize(CENT, ROUND_HALF_EVEN) for a in deals["amount_base"]]
    months = deals["term_months"] if "term_months" in deals else pd.Series(float("nan"), index=deals.index)
    made = pd.DataFrame(
        {
            "event_id": deals["opportunity_id"],
            "deal_id": deals["opportunity_id"],
            "event": "booked",
            "date": deals["close_date"].dt.date,
            "bookings": [str(m) for m in money],
            "part_amount": [str(m) for m in money],
            "acv": [str(_annual(m, t)) for m, t in zip(money, months, strict=True)],
            "deal_amount": _as_entered(deals),
            "deal_currency": deals.get("currency"),
            "deal_type": _lowered(deals, "type"),
            "segment": deals.get("segment"),
            "term_months": [None if pd.isna(t) else f"{t:.0f}" for t in months],
        }
    )
    made["product"] = made["deal_id"].map(_products(tables))
    made["sourced_by"] = made["deal_id"].map(_sources(tables))
    return _credited(made, deals, tables.get("credits"))


def _credited(made: pd.DataFrame, deals: pd.DataFrame, credits: pd.DataFrame | None) -> pd.DataFrame:
    """One row per direct credit; a deal without one counts whole for its owner."""
    owners = pd.DataFrame({"deal_id": deals["opportunity_id"], "owner": deals["owner_id"]})
    made = made.merge(owners, on="deal_id", how="left")
    if credits is None:
        return made.assign(rep_id=made["owner"]).drop(columns="owner")
    direct = credits[credits["credit_type"] == "direct"]
    overlay = credits[credits["credit_type"] != "direct"].sort_values(["opportunity_id", "rep_id"])
    named = overlay.groupby("opportunity_id")["rep_id"].agg(";".join)
    shares = pd.DataFrame(
        {
            "deal_id": direct["opportunity_id"],
            "rep_id": direct["rep_id"],
            "split_pct": [str(Decimal(str(s))) for s in direct["share"]],
        }
    )
    made = made.merge(shares, on="deal_id", how="left")
    made["rep_id"] = made["rep_id"].where(made["rep_id"].notna(), made["owner"])
    made["overlay_id"] = made["deal_id"].map(named)
    return made.drop(columns="owner")


@_of("leads")
def _accepted(tables: dict[str, pd.DataFrame], zone: str) -> pd.DataFrame:
    leads = tables["leads"]
    leads = leads[leads["sal_at"].notna() & leads["owner_id"].notna()]
    return pd.DataFrame(
        {
            "event_id": leads["lead_id"],
            "deal_id": leads["lead_id"],
            "event": "accepted",
            "date": _days(leads["sal_at"], zone),
            "rep_id": leads["owner_id"],
            "stage_reached": "sales_accepted",
        }
    )


@_of("measure_events")
def _measured(tables: dict[str, pd.DataFrame], zone: str) -> pd.DataFrame:
    rows = tables["measure_events"]
    rows = rows[rows["value"].notna()].assign(value=[str(Decimal(str(v))) for v in rows["value"].dropna()])
    scored = rows["measure"].str.endswith(SCORE)
    parts = []
    for mask, kind in ((scored, "scored"), (~scored, "renewal_effective")):
        part = rows[mask]
        if part.empty:
            continue
        key = ["holder_id", "at"]
        wide = part.pivot_table(index=key, columns="measure", values="value", aggfunc="last")
        first = part.groupby(key)["event_id"].min()
        wide = wide.assign(event_id=first).reset_index().rename(columns={"holder_id": "rep_id"})
        wide = wide.assign(event=kind, deal_id=wide["event_id"], date=_days(wide["at"], zone))
        parts.append(_with_retained(wide.drop(columns="at")))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _with_retained(wide: pd.DataFrame) -> pd.DataFrame:
    if {"opening_arr", "churned_arr"} <= set(wide) and "retained_arr" not in wide:
        pairs = zip(wide["opening_arr"], wide["churned_arr"], strict=True)
        kept = [None if pd.isna(o) or pd.isna(c) else str(Decimal(o) - Decimal(c)) for o, c in pairs]
        return wide.assign(retained_arr=kept)
    return wide


def _churned(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[(rows["status"] == "churned") & rows["end_date"].notna() & rows["opportunity_id"].notna()]
    return pd.DataFrame(
        {
            "event_id": rows["contract_id"],
            "deal_id": rows["opportunity_id"],
            "event": "churn",
            "date": rows["end_date"].dt.date,
        }
    )


def _annual(money: Decimal, months: float) -> Decimal:
    if pd.isna(months) or months <= 12:
        return money
    return (money * 12 / Decimal(str(months))).quantize(CENT, ROUND_HALF_EVEN)


def _as_entered(deals: pd.DataFrame) -> list[str | None] | None:
    """The amount as the CRM has it, in the deal's own currency."""
    if "amount" not in deals:
        return None
    return [
        None if pd.isna(a) else str(Decimal(str(a)).quantize(CENT, ROUND_HALF_EVEN)) for a in deals["amount"]
    ]


def _lowered(deals: pd.DataFrame, column: str):
    return deals[column].str.lower() if column in deals else None


def _products(tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Deal → the product with the most money on its lines."""
    lines = tables.get("line_items")
    if lines is None or lines.empty:
        return {}
    worth = lines.assign(worth=lines["quantity"] * lines["net_price"])
    summed = worth.groupby(["opportunity_id", "product"], as_index=False)["worth"].sum()
    ordered = summed.sort_values(["opportunity_id", "worth", "product"])
    return (
        ordered.drop_duplicates("opportunity_id", keep="last")
        .set_index("opportunity_id")["product"]
        .to_dict()
    )


def _sources(tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Deal → who worked the lead that it came from; the first lead where there are several."""
    leads = tables.get("leads")
    if leads is None or "opportunity_id" not in leads:
        return {}
    known = leads[leads["opportunity_id"].notna() & leads["owner_id"].notna()].sort_values("created_at")
    return known.drop_duplicates("opportunity_id").set_index("opportunity_id")["owner_id"].to_dict()


def _days(moments: pd.Series, zone: str) -> pd.Series:
    return moments.dt.tz_convert(zone).dt.date
