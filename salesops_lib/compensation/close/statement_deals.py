"""The deals behind a statement's lines: from the CRM's amount to what counts for the payee."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

DEAL_COLUMNS = ["deal_id", "closed", "amount", "rate", "converted", "into", "yearly", "share"]
KNOWN = ["deal_id", "date", "deal_amount", "deal_currency", "bookings", "acv"]
"""Columns of events that tell where a deal's amount comes from; all text but the day."""
PLACES, CENT = Decimal("0.000001"), Decimal("0.01")


def booked_deals(events: pd.DataFrame, currency: str) -> pd.DataFrame:
    """One row per booked deal: columns of `KNOWN` and ``into``, the currency that ``bookings`` are in.

    Inputs kept by an older version have no ``deal_amount``; then nothing is known.
    """
    if not set(KNOWN) <= set(events):
        return pd.DataFrame(columns=[*KNOWN, "into"])
    rows = events.loc[events["event"] == "booked", KNOWN].drop_duplicates("deal_id")
    return rows.assign(into=currency).reset_index(drop=True)


def deals_of_lines(mine: pd.DataFrame, lines: pd.DataFrame, known: pd.DataFrame | None) -> pd.DataFrame:
    """The deals that a statement names, columns of `DEAL_COLUMNS` as text, by closing day.

    ``mine``: ``deal_id`` of the statement's lines. ``lines``: all of the payee's since the first plan, whose
    ``rule`` and ``share`` say what was credited. ``known``: of :func:`booked_deals`. The rate is what the
    CRM's amount was multiplied with, ``yearly`` the amount of a year where the term is longer and a line
    counts that.
    """
    if known is None or known.empty:
        return pd.DataFrame(columns=DEAL_COLUMNS)
    credited = lines[lines["deal_id"].isin(set(mine["deal_id"])) & lines["rule"].map(_says)]
    shares = credited.drop_duplicates("deal_id").set_index("deal_id")["share"]
    rows = known[known["deal_id"].isin(shares.index)].sort_values(["date", "deal_id"])
    counted = credited.groupby("deal_id")["credited"].agg(set).to_dict()
    made = [
        _row(row, str(shares[row["deal_id"]]), counted[row["deal_id"]]) for row in rows.to_dict("records")
    ]
    return pd.DataFrame(made, columns=DEAL_COLUMNS)


def _says(rule) -> bool:
    return isinstance(rule, str) and rule != ""


def share_in_words(share: str) -> str:
    """``0.5`` as ``50 %``; a share that does not end stays as it is."""
    try:
        return f"{(Decimal(share) * 100).normalize():f} %"
    except ArithmeticError:
        return share


def _counts(counted: set, yearly: Decimal, share: str) -> bool:
    """Whether a line counts a year of the deal: what it credits is that amount's share."""
    try:
        mine = yearly * Decimal(share)
    except ArithmeticError:  # a share such as 1/3: rather shown than left out
        return True
    texts = [text.lstrip("≈").replace(",", "") for text in counted if isinstance(text, str)]
    return any(abs(Decimal(text) - mine) <= CENT for text in texts)


def _row(row: dict, share: str, counted: set) -> dict[str, str]:
    booked, yearly = Decimal(row["bookings"]), Decimal(row["acv"])
    told = row["deal_amount"] is not None and row["deal_currency"] is not None
    amount = Decimal(row["deal_amount"]) if told else booked
    same = not told or row["deal_currency"] == row["into"]
    return {
        "deal_id": row["deal_id"], "closed": str(row["date"]),
        "amount": f"{amount:,.2f} {row['deal_currency'] if told else row['into']}",
        "rate": "" if same or not amount else f"≈{(booked / amount).quantize(PLACES)}",
        "converted": f"{booked:,.2f}", "into": row["into"],
        "yearly": f"{yearly:,.2f}" if yearly != booked and _counts(counted, yearly, share) else "",
        "share": share_in_words(share),
    }  # fmt: skip
