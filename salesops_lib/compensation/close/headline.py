"""The first screen of a close: what is paid, against what it usually is, what waits, what is an asset."""

from __future__ import annotations

import pandas as pd

from salesops_lib.compensation.close.tables import Close
from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.periods import Period

Card = tuple[str, str, str, str]
_YEARS = 8


def close_cards(
    close: Close, history: pd.DataFrame, accrual: pd.DataFrame, costs: pd.DataFrame, currency: str
) -> list[Card]:
    """Label, value, range, note of each figure; sums are of what is paid in the reporting currency."""
    rows = close.made.payments[close.made.payments["currency"] == currency]
    others = sorted(set(close.made.payments["currency"]) - {currency})
    paid = rows["paid"].sum() / 100
    beside = f"; also {', '.join(others)}" if others else ""
    status = "posted" if close.posted else "so far, it runs" if close.made.running else "draft, not posted"
    return [
        (
            f"To be paid, {close.made.period}", f"{short_money(paid)} {currency}",
            _usual(history, close.made.period), f"{len(rows)} payees; {status}{beside}",
        ),
        _rate(history, close.made.period),
        (
            "Held until customers pay", f"{short_money(rows['held_balance'].sum() / 100)} {currency}",
            f"{int((rows['held_balance'] != 0).sum())} payees",
            f"released this month {short_money(rows['held'].clip(lower=0).sum() / 100)}",
        ),
        _accrued(close, accrual, currency),
        _asset(close, costs, currency),
    ]  # fmt: skip


def _usual(history: pd.DataFrame, period: str) -> str:
    """What the same month of past quarters was paid: pay falls due unevenly within a quarter."""
    place = Period.parse(period).number % 3
    earlier = history[history["closes"].map(lambda p: Period.parse(p).number % 3 == place and p != period)]
    known = earlier["paid"].astype("float64").tail(_YEARS)
    if len(known) < 4:
        return "too few like months before to compare"
    return f"{short_money(known.min())} to {short_money(known.max())} in {len(known)} like months"


def _rate(history: pd.DataFrame, period: str) -> Card:
    rates = history.set_index("closes")["rate"].astype("float64")
    value, before = rates.get(period), rates.drop(index=period, errors="ignore").dropna()
    range_ = (
        f"{percent(before.quantile(0.1))}–{percent(before.quantile(0.9))} before" if len(before) >= 8 else ""
    )
    shown = percent(value) if pd.notna(value) else "not known"
    return "Pay per unit of bookings", shown, range_, "three months, incentive pay ÷ bookings"


def _accrued(close: Close, accrual: pd.DataFrame, currency: str) -> Card:
    last = accrual[accrual["currency"] == currency].drop_duplicates("rep_id", keep="last")
    owed = last["accrued"].astype("float64")
    return (
        "Accrued, not yet paid", f"{short_money(owed.clip(lower=0).sum())} {currency}",
        f"advanced {short_money(-owed.clip(upper=0).sum())}", "earned to date − paid to date",
    )  # fmt: skip


def _asset(close: Close, costs: pd.DataFrame, currency: str) -> Card:
    row = costs[(costs["currency"] == currency) & (costs["closes"] == close.made.period)]
    if row.empty:
        return "Capitalised commissions", "none", "", "ASC 340-40"
    now = row.iloc[0]
    return (
        "Capitalised commissions", f"{short_money(float(now['remaining']))} {currency}",
        f"+{short_money(float(now['capitalised']))} −{short_money(float(now['amortised']))} this month",
        "ASC 340-40, left to write off",
    )  # fmt: skip
