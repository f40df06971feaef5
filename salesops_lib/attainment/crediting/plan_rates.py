"""Bookings at the plan's rate, so that attainment does not move with the exchange rate."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

from salesops_lib.attainment.crediting.records import exceptions
from salesops_lib.core.money import cents
from salesops_lib.core.periods import FiscalCalendar

AT_PLAN, AT_DAY = "plan", "day"


def at_plan_rates(
    deals: pd.DataFrame, rates: pd.DataFrame | None, own: str, calendar: FiscalCalendar
) -> pd.DataFrame:
    """Deals in the reporting currency at the rate their period's quotas are set at.

    A quota is set at one rate for its period; a deal of that period counts at the same, whatever the rate
    of the day it closed on. Where no plan rate is known the day's amount stands.

    Parameters
    ----------
    deals
        One row per deal: ``period``, ``deal_cents`` (reporting currency, day's rate; ``Int64``), and where
        known ``amount`` (float, the deal's ``currency``).
    rates
        ``currency``, ``date`` (holds from), ``base_per_unit``; or ``None``.
    own
        The reporting currency.

    Returns
    -------
    DataFrame
        ``deals`` with ``day_cents`` (as they came), ``deal_cents`` at the plan's rate, half a cent away from
        zero, and ``rated``: ``plan`` or ``day`` (missing where no rate is needed).
    """
    made = deals.assign(day_cents=deals["deal_cents"], rated=None)
    if rates is None or rates.empty or "currency" not in deals:
        return made
    foreign = deals["currency"].notna() & (deals["currency"] != own)
    held = _in_force(deals.loc[foreign, ["currency", "period"]].drop_duplicates(), rates, calendar)
    pairs = list(zip(deals.loc[foreign, "currency"], deals.loc[foreign, "period"], strict=True))
    rate = pd.Series([held.get(pair) for pair in pairs], index=deals.index[foreign], dtype="object")
    able = rate.notna() & deals["amount"].reindex(rate.index).notna()
    made.loc[rate.index, "rated"] = able.map({True: AT_PLAN, False: AT_DAY})
    at = able.index[able]
    made.loc[at, "deal_cents"] = [
        cents(Decimal(str(a)) * r) for a, r in zip(deals.loc[at, "amount"], rate[at], strict=True)
    ]
    return made


def _in_force(pairs: pd.DataFrame, rates: pd.DataFrame, calendar: FiscalCalendar) -> dict:
    """The rate that holds on each period's first day, exact as written; pairs without one are left out."""
    found = {}
    ordered = rates.sort_values("date", kind="stable")
    for currency, period in pairs.dropna().itertuples(index=False, name=None):
        since = pd.Timestamp(calendar.bounds(period)[0])
        past = ordered.loc[(ordered["currency"] == currency) & (ordered["date"] <= since), "base_per_unit"]
        if len(past) and pd.notna(past.iloc[-1]):
            found[currency, period] = Decimal(str(past.iloc[-1]))
    return found


def rate_faults(deals: pd.DataFrame) -> list[pd.DataFrame]:
    """Deals counted at the day's rate though the company has plan rates, by currency and period."""
    rows = deals[deals["rated"] == AT_DAY]
    sums = rows.groupby(["currency", "period"], as_index=False)["deal_cents"].sum()
    view = sums.rename(columns={"deal_cents": "money_cents"})
    reason = "no plan rate or no amount in the currency: counted at the day's rate; add the rate"
    return [exceptions("no_plan_rate", "opportunities", view, key="currency", reason=reason)]


def by_currency(booked: pd.DataFrame, period: str) -> pd.DataFrame:
    """Bookings of a period at the day's rate and at the plan's, by currency of the deal.

    ``booked``: the deals of an :class:`table.Attainment`. Returns ``currency`` (missing where unknown),
    ``deals``, ``day_cents``, ``plan_cents``, ``effect_cents`` (day − plan: what exchange rates added),
    largest effect first.
    """
    rows = booked[booked["period"] == period]
    sums = rows.groupby("currency", dropna=False, as_index=False).agg(
        deals=("deal_cents", "size"), day_cents=("day_cents", "sum"), plan_cents=("deal_cents", "sum")
    )
    sums["effect_cents"] = sums["day_cents"] - sums["plan_cents"]
    order = sums["effect_cents"].abs().sort_values(ascending=False, kind="stable").index
    return sums.loc[order].reset_index(drop=True)
