"""A company's tables as the engine's events: what was booked, accepted, scored, renewed, paid or lost.

    event               one row is                                   fields
    booked              a payee's direct credit of a won deal        bookings, amount (the same), acv,
                                                                     deal_amount, deal_currency,
                                                                     deal_type, segment,
                                                                     term_months, product, split_pct,
                                                                     overlay_id, sourced_by
    accepted            a lead that sales accepted                   stage_reached
    scored              a measure event ``*_score``                  its own name
    renewal_effective   the other measure events of a holder and     their own names, and retained_arr =
                        moment, side by side                         opening_arr − churned_arr
    invoiced,           an invoice's day, and the day it was paid    amount
    invoice_paid
    non_payment         an invoice still unpaid so many days after   amount
                        it was due
    churn               the end of a contract that churned           –

``bookings`` is the deal's amount, ``acv`` the same × 12 ÷ months of the term where that is longer than a
year. ``deal_amount`` is as the CRM has it, in ``deal_currency``; statements show it. ``product`` is the line
item with the most money. Days are those of the company's zone. An invoice's ``amount`` beside the deal's says
which part of the deal it is for; the one with which a deal reaches :data:`WHOLE` of its amount stands for all
the rest, since invoices come at other exchange rates. One that is paid after all stays a ``non_payment`` of
its day.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import pandas as pd

CENT = Decimal("0.01")
SCORE = "_score"
WHOLE = 0.9
"""Share of a deal's amount from which its invoices, or payments, are the whole deal: nothing stays held."""


def company_events(
    tables: dict[str, pd.DataFrame], zone: str, through: date, unpaid_days: int
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
        Days after an invoice was due from which it counts as not paid.

    Returns
    -------
    DataFrame
        ``event_id``, ``deal_id``, ``event``, ``date``, ``rep_id`` and the fields above; blank is None. Won
        deals without a close date or an amount are left out.
    """
    parts = [_booked(tables)]
    parts += [make(tables, zone) for make in (_accepted, _measured) if make.table in tables]
    parts += [make(tables) for make in (_invoiced, _churned) if make.table in tables]
    if "invoices" in tables:
        parts.append(_unpaid(tables["invoices"], through, unpaid_days))
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
            "amount": [str(m) for m in money],
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


@_of("invoices")
def _invoiced(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    rows = tables["invoices"]
    parts = []
    for column, kind in (("invoiced_date", "invoiced"), ("paid_date", "invoice_paid")):
        part = rows[rows[column].notna()].sort_values([column, "invoice_id"], kind="stable")
        part = part.assign(amount_base=_with_the_rest(part, tables["opportunities"]))
        parts.append(_of_invoices(part, kind, part[column]))
    return pd.concat(parts, ignore_index=True)


def _with_the_rest(rows: pd.DataFrame, deals: pd.DataFrame) -> pd.Series:
    """Amounts in order of time; the one that reaches ``WHOLE`` of its deal is raised to all that is left."""
    worth = rows["opportunity_id"].map(deals.set_index("opportunity_id")["amount_base"])
    amount = rows["amount_base"].astype("float64")
    before = amount.groupby(rows["opportunity_id"]).cumsum() - amount
    reaches = (worth > 0) & (before < WHOLE * worth) & (before + amount >= WHOLE * worth)
    return amount.where(~(reaches & (worth - before > amount)), worth - before)


def _unpaid(rows: pd.DataFrame, through: date, days: int) -> pd.DataFrame:
    late = rows["due_date"] + pd.Timedelta(days=days)
    told = late.notna() & (late <= pd.Timestamp(through)) & ~(rows["paid_date"] <= late)
    told &= ~(rows["amount_base"] <= 0)  # a credit note is nobody's debt
    return _of_invoices(rows[told], "non_payment", late[told])


def _of_invoices(rows: pd.DataFrame, kind: str, days: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "event_id": rows["invoice_id"],
            "deal_id": rows["opportunity_id"],
            "event": kind,
            "date": days.dt.date,
            "amount": [None if pd.isna(a) else f"{a:.2f}" for a in rows["amount_base"]],
        }
    )


@_of("contracts")
def _churned(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    rows = tables["contracts"]
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
