"""Money into the reporting currency at the rate of the row's own date. A missing rate is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from salesops_lib.core.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_AGE_DAYS = 7


class RateError(TableError):
    """There is no rate for a currency on a day."""


def to_base(
    rows: pd.DataFrame, rates: pd.DataFrame, base: str, max_age_days: int = MAX_AGE_DAYS
) -> pd.Series:
    """Amounts in the reporting currency.

    Parameters
    ----------
    rows
        One row per amount: ``amount`` (in ``currency``), ``currency`` (ISO code), ``date``.
    rates
        The table ``fx_rates``: ``currency``, ``date``, ``base_per_unit``.
    base
        The reporting currency; amounts in it are taken as they are.
    max_age_days
        How many days back a rate may be taken where a day has none (weekends, holidays).

    Returns
    -------
    Series
        float64, index of ``rows``; missing where the amount is.

    Raises
    ------
    RateError
        If a known amount has no currency, no date, or no rate on its day or the days before. Nothing is
        converted at 1 in silence.
    """
    known = rows["amount"].notna()
    foreign = known & (rows["currency"] != base).fillna(True)
    converted = rows["amount"].astype("float64").where(known)
    if not foreign.any():
        return converted
    asked = pd.DataFrame(
        {
            "currency": rows.loc[foreign, "currency"].astype("object"),
            "date": _days(rows.loc[foreign, "date"]),
            "place": range(int(foreign.sum())),
        }
    )
    _refuse(asked, asked["currency"].isna(), "has no currency; fill it in the source")
    _refuse(asked, asked["date"].isna(), "has no date to take a rate of; fill it in the source")
    found = _rates_of(asked, rates, max_age_days)
    missing = found["base_per_unit"].isna().to_numpy()
    _refuse(asked, pd.Series(missing, asked.index), f"has no rate to {base}; add it to fx_rates")
    rate = pd.Series(found["base_per_unit"].to_numpy(), asked.index)
    return converted.mask(foreign, converted * rate.reindex(rows.index))


def _rates_of(asked: pd.DataFrame, rates: pd.DataFrame, max_age_days: int) -> pd.DataFrame:
    held = pd.DataFrame(
        {
            "currency": rates["currency"].astype("object"),
            "date": _days(rates["date"]),
            "base_per_unit": rates["base_per_unit"].astype("float64"),
        }
    ).sort_values("date", kind="stable")
    bad = held[~(held["base_per_unit"] > 0)]
    if not bad.empty:
        first = bad.iloc[0]
        raise RateError(f"fx_rates of {first['currency']} on {first['date']:%Y-%m-%d} is no rate above 0")
    near = pd.merge_asof(
        asked.sort_values("date", kind="stable"),
        held,
        on="date",
        by="currency",
        tolerance=pd.Timedelta(days=max_age_days),
    )
    return near.sort_values("place")


def _days(values: Iterable) -> pd.Series:
    return pd.to_datetime(values).astype("datetime64[ns]")


def _refuse(asked: pd.DataFrame, fault: pd.Series, what: str) -> None:
    if fault.any():
        first = asked[fault.to_numpy()].iloc[0]
        day = "" if pd.isna(first["date"]) else f" on {first['date']:%Y-%m-%d}"
        raise RateError(
            f"an amount in {first['currency'] or 'an unknown currency'}{day} (row {first.name}, "
            f"{int(fault.sum()):,} in all) {what}"
        )
