"""From won opportunities and credit shares to credited lines: who gets how many cents, dated by close."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.attainment.crediting.plan_rates import at_plan_rates, rate_faults
from salesops_lib.attainment.crediting.records import Records, exceptions, gathered, stacked
from salesops_lib.core.errors import TableError
from salesops_lib.core.money import allocate_cents, to_cents
from salesops_lib.core.periods import FiscalCalendar, Kind

OVERLAY = "overlay"
WHOLE = 1_000_000  # a share of 1 in millionths
_TOLERANCE = 100  # three thirds written with four digits still make a whole


@dataclass(frozen=True)
class Credited:
    """Credited lines, and the won deals that could not become one.

    ``lines``: one row per deal, rep and kind of credit: ``opportunity_id``, ``rep_id`` (missing where no rep
    holds the money), ``credit_type``, ``overlay``, ``close_date``, ``period``, ``cents``. ``deals``: the
    bookings they share out (:func:`plan_rates.at_plan_rates`).
    """

    lines: pd.DataFrame
    exceptions: pd.DataFrame
    deals: pd.DataFrame


def credited(records: Records, calendar: FiscalCalendar, as_of: date, kind: Kind = "quarter") -> Credited:
    """Split every booking among those credited, exact to the cent.

    A deal with credit rows goes to them by share; without any, whole to its owner. What the shares leave
    over (they sum to less or more than 1) becomes a line without rep, so that the lines that are no overlay
    always add up to the deal. Overlay credit comes on top.

    Parameters
    ----------
    records
        ``opportunities`` (is_won, close_date, amount_base, owner_id) and optionally ``credits``.
    calendar, as_of, kind
        Fiscal calendar, last day that counts, and the kind of period to place close dates in.

    Raises
    ------
    TableError
        If a credit share is missing or negative.
    """
    deals, faults = _booked(records, calendar, as_of, kind)
    rows = _known_shares(records.credits, deals)
    direct = rows[rows["credit_type"] != OVERLAY]
    lines = stacked([_owner_lines(deals, direct), _split_lines(direct), _overlay_lines(rows)])
    lines["rep_id"] = lines["rep_id"].astype("object").where(lines["rep_id"].notna(), None)
    order = ["close_date", "opportunity_id", "overlay", "rep_id", "credit_type"]
    lines = lines.sort_values(order, kind="stable").reset_index(drop=True)
    faults = [*faults, *rate_faults(deals), *_share_faults(direct), *_stray_credits(records)]
    return Credited(lines, gathered(faults), deals)


LINE = ["opportunity_id", "rep_id", "credit_type", "overlay", "close_date", "period", "cents"]


def _booked(
    records: Records, calendar: FiscalCalendar, as_of: date, kind: Kind
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Won deals at the plan's rate, with amount and a close date inside the calendar; the rest by fault."""
    opportunities = records.opportunities
    won = opportunities[opportunities["is_won"].fillna(False).astype(bool)].reset_index(drop=True)
    deals = won.reindex(columns=["opportunity_id", "owner_id", "close_date", "currency", "amount"])
    deals["close_date"] = pd.to_datetime(deals["close_date"])
    deals["deal_cents"] = to_cents(won["amount_base"])
    deals["period"] = calendar.assign(deals["close_date"], kind)
    deals = at_plan_rates(deals, records.plan_rates, records.currency, calendar).drop(columns="amount")
    view = deals.assign(holder_id=deals["owner_id"], money_cents=deals["deal_cents"])
    late = deals["close_date"] > pd.Timestamp(as_of)
    no_amount = deals["deal_cents"].isna()
    no_date = deals["close_date"].isna()
    outside = deals["period"].isna() & ~no_date
    named = [
        ("no_amount", no_amount, "won without an amount in the reporting currency; add amount or rate"),
        ("no_close_date", no_date & ~no_amount, "won without a close date; add it in the CRM"),
        ("future_close", late & ~no_amount, f"won with a close date after {as_of}; correct the date"),
        ("outside_calendar", outside & ~late & ~no_amount, "closes outside the fiscal calendar; extend it"),
    ]
    faults = [
        exceptions(fault, "opportunities", view[rows], key="opportunity_id", reason=reason)
        for fault, rows, reason in named
    ]
    return deals[~(late | no_amount | no_date | outside)].reset_index(drop=True), faults


def _known_shares(credits: pd.DataFrame | None, deals: pd.DataFrame) -> pd.DataFrame:
    """Latest version of each credit of a booked deal, with share in millionths and the deal's columns."""
    if credits is None or credits.empty:
        empty = deals.iloc[:0].drop(columns="owner_id")
        return empty.assign(rep_id=None, credit_type=None, weight=np.array([], "int64"))
    key = ["opportunity_id", "rep_id", "credit_type"]
    last = credits.sort_values("recorded_at", kind="stable").drop_duplicates(key, keep="last")
    bad = last[last["share"].isna() | (last["share"] < 0)]
    if len(bad):
        first = bad.iloc[0]
        raise TableError(
            f"table 'credits', row {first['opportunity_id']}, {first['rep_id']}, {first['credit_type']}: "
            f"share '{first['share']}' is missing or negative ({len(bad)} such rows); give it from 0 to 1"
        )
    weight = np.rint(last["share"].astype("float64") * WHOLE).astype("int64")
    rows = last[key].assign(weight=weight).merge(deals.drop(columns="owner_id"), on="opportunity_id")
    return rows[rows["weight"] > 0].sort_values(key).reset_index(drop=True)


def _owner_lines(deals: pd.DataFrame, direct: pd.DataFrame) -> pd.DataFrame:
    whole = deals[~deals["opportunity_id"].isin(direct["opportunity_id"])]
    return whole.rename(columns={"owner_id": "rep_id", "deal_cents": "cents"}).assign(
        credit_type="owner", overlay=False
    )[LINE]


def _split_lines(direct: pd.DataFrame) -> pd.DataFrame:
    """Direct credits of a deal, and a line without rep for what they leave over or claim too much."""
    if direct.empty:
        return pd.DataFrame(columns=LINE).astype({"overlay": bool, "cents": "Int64"})
    whole = direct.groupby("opportunity_id")["weight"].transform("sum")
    lines = direct.assign(overlay=False, part=0)
    full = (whole - WHOLE).abs() <= _TOLERANCE
    even = lines[full]
    lines.loc[full, "part"] = allocate_cents(even["deal_cents"], even["weight"], even["opportunity_id"])
    lines.loc[~full, "part"] = _rounded_share(lines.loc[~full, "deal_cents"], lines.loc[~full, "weight"])
    lines["cents"] = lines["part"].astype("Int64")
    odd = lines[~full]
    rest = odd.drop_duplicates("opportunity_id").assign(rep_id=None, credit_type="uncredited")
    given = odd.groupby("opportunity_id")["cents"].sum()
    rest = rest.assign(cents=rest["deal_cents"] - rest["opportunity_id"].map(given))
    return stacked([lines[LINE], rest[LINE]])


def _overlay_lines(rows: pd.DataFrame) -> pd.DataFrame:
    over = rows[rows["credit_type"] == OVERLAY]
    return over.assign(overlay=True, cents=_rounded_share(over["deal_cents"], over["weight"]))[LINE]


def _rounded_share(deal_cents: pd.Series, weight: pd.Series) -> pd.Series:
    """Cents × share, half a cent away from zero."""
    whole = deal_cents.astype("int64")
    part = (whole.abs() * weight + WHOLE // 2) // WHOLE
    return part.where(whole >= 0, -part).astype("Int64")


def _share_faults(direct: pd.DataFrame) -> list[pd.DataFrame]:
    if direct.empty:
        return []
    whole = direct.groupby("opportunity_id")["weight"].transform("sum")
    odd = direct.assign(whole=whole)[(whole - WHOLE).abs() > _TOLERANCE]
    odd = odd.drop_duplicates("opportunity_id")
    missing = odd["deal_cents"].astype("int64") * (WHOLE - odd["whole"]) // WHOLE
    view = odd.assign(holder_id=None, money_cents=missing.astype("Int64"))
    reason = [f"credits sum to {w / WHOLE:.0%}, not 100%; mend the split" for w in odd["whole"]]
    reason = pd.Series(reason, index=odd.index, dtype="object")
    return [exceptions("split_not_whole", "credits", view, key="opportunity_id", reason=reason)]


def _stray_credits(records: Records) -> list[pd.DataFrame]:
    """Credits of a deal that is not there: the money is unknown, so the row is all that can be said."""
    if records.credits is None or records.credits.empty:
        return []
    stray = records.credits[~records.credits["opportunity_id"].isin(records.opportunities["opportunity_id"])]
    view = stray.drop_duplicates(["opportunity_id", "rep_id"]).assign(holder_id=lambda rows: rows["rep_id"])
    reason = "credits a deal that is not in opportunities; import the deal or remove the credit"
    return [exceptions("credit_without_deal", "credits", view, key="opportunity_id", reason=reason)]
