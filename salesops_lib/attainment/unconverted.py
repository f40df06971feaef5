"""Won deals in another currency that no rate turns into the reporting one: their money is in no total."""

from __future__ import annotations

import pandas as pd

from salesops_lib.attainment.crediting.records import Records
from salesops_lib.attainment.crediting.table import Attainment
from salesops_lib.attainment.rules import NORATE, Setting
from salesops_lib.core.charts import short_money
from salesops_lib.core.findings import Finding

COLUMNS = ["opportunity_id", "period", "close_date", "currency", "amount", "about_base"]


def without_rate(records: Records, result: Attainment) -> pd.DataFrame:
    """Won deals with an amount in another currency and none in the reporting one, one row per deal.

    Returns
    -------
    DataFrame
        ``opportunity_id``, ``period`` (missing without a close date in the calendar), ``close_date``,
        ``currency``, ``amount`` (in it), ``about_base``: at the rate of the deal of that currency, won or
        not, that closes nearest and has both amounts; missing where there is none. An estimate, in no total.
        Empty where deals name no currency.
    """
    deals = records.opportunities
    faults = result.exceptions
    period = faults[faults["fault"] == "no_amount"].set_index("row_key")["period"]
    if not {"currency", "amount"} <= set(deals) or period.empty or not records.currency:
        return pd.DataFrame(columns=COLUMNS)
    key = deals["opportunity_id"].astype(str)
    foreign = deals["currency"].notna() & (deals["currency"] != records.currency) & deals["amount"].notna()
    rows = deals[key.isin(period.index) & foreign & deals["amount_base"].isna()]
    rows = rows.assign(period=key[rows.index].map(period), close_date=pd.to_datetime(rows["close_date"]))
    return rows.assign(about_base=_about(rows, deals))[COLUMNS].reset_index(drop=True)


def _about(rows: pd.DataFrame, deals: pd.DataFrame) -> pd.Series:
    known = deals[deals["amount"].gt(0) & deals["amount_base"].gt(0)]
    rate = known["amount_base"] / known["amount"]
    day = pd.to_datetime(known["close_date"])
    found = {}
    for index, row in rows.iterrows():
        far = (day[known["currency"] == row["currency"]] - row["close_date"]).abs().dropna()
        found[index] = row["amount"] * rate[far.idxmin()] if len(far) else float("nan")
    return pd.Series(found, index=rows.index, dtype="float64")


def no_rate(setting: Setting, records: Records, result: Attainment, period: str) -> list[Finding]:
    """Won deals in another currency that nothing converts: of the period, and of all others together.

    Silent where a scope has no won deal in another currency, and for other periods where all are converted.
    """
    lacking, booked = without_rate(records, result), result.booked
    if not records.currency or "currency" not in booked:
        return []
    counted = booked[booked["currency"].notna() & (booked["currency"] != records.currency)]
    mine, here = lacking["period"] == period, counted["period"] == period
    found = []
    if mine.any() or here.any():
        found.append(_judged(setting, lacking[mine], int(here.sum()), period))
    if (~mine).any():
        found.append(_judged(setting, lacking[~mine], int((~here).sum()), f"all but {period}"))
    return found


def _judged(setting: Setting, short: pd.DataFrame, counted: int, scope: str) -> Finding:
    n, money = len(short) + counted, short["about_base"].sum(min_count=1)
    step = "Keep importing fx_rates up to the day of the last deal."
    said = f"All {n:,} won deals of {scope} in another currency than {setting.currency} are converted."
    if len(short):
        said = (
            f"{len(short):,} of {n:,} won deals of {scope} in another currency have no rate to "
            f"{setting.currency}: {_own_money(short)}{_worth(short, setting.currency)}. They are in no "
            "total, so bookings and attainment are too low by them."
        )
        step = f"Add {_wanted(short)} to fx_rates and import again, before anybody is judged by this report."
    return NORATE.judge(
        scope={"period": scope}, value=len(short) / n, n=n, limit=setting.limit(NORATE),
        as_of=setting.as_of, money_at_stake=None if pd.isna(money) else round(float(money), 2),
        statement=said, recommendation=step,
    )  # fmt: skip


def _own_money(short: pd.DataFrame) -> str:
    sums = short.groupby("currency")["amount"].sum()
    return ", ".join(f"{amount:,.0f} {name}" for name, amount in sums.items())


def _worth(short: pd.DataFrame, currency: str) -> str:
    """About how much that is, and of how many nobody can say."""
    blind = short["about_base"].isna()
    if blind.all():
        return "; no deal tells a rate, so nobody knows how much that is"
    rest = (
        f", without {int(blind.sum()):,} in a currency of which no deal tells a rate" if blind.any() else ""
    )
    return f", about {short_money(short['about_base'].sum())} {currency} at the nearest deals' rates{rest}"


def _wanted(short: pd.DataFrame) -> str:
    """``the rates of EUR from 2025-06-01 to 2025-06-09``, one currency after the other, three at most."""
    said = []
    for name, days in short.groupby("currency")["close_date"]:
        first, last = (f"{d:%Y-%m-%d}" if pd.notna(d) else "" for d in (days.min(), days.max()))
        when = f" on {first}" if first == last else f" from {first} to {last}"
        said.append(f"{name}{when if first else ''}")
    more = f" and {len(said) - 3} more currencies" if len(said) > 3 else ""
    return f"the rates of {', '.join(said[:3])}{more}"
