"""Money into the reporting currency at the rate of the row's own date. A missing rate is an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from salesops_lib.core.errors import PolicyError, TableError
from salesops_lib.core.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from salesops_lib.inputs.load import Snapshot

MAX_AGE_DAYS = 7
PLAN_RATES = "plan_rates"  # the policy file that holds them, one value per currency: eur, gbp


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


def plan_rates(snapshot: Snapshot) -> pd.DataFrame:
    """The rates quotas are set at, as dated values: ``currency``, ``date`` (holds from), ``base_per_unit``.

    From ``policy/plan_rates.yaml``. A currency of a quota that is not in it has the rate of each period's
    first day, at which the import converts a quota; missing where that day has none. Empty where no rate is
    stated and no quota is set in another currency.

    Raises
    ------
    PolicyError
        If a rate is not above 0 or is not named by a currency's code.
    """
    path = snapshot.company.root and snapshot.company.root / "policy" / f"{PLAN_RATES}.yaml"
    base = snapshot.company.currency
    stated = _stated(snapshot.policy(PLAN_RATES)) if path and path.is_file() else []
    stated = [row for row in stated if row[0] != base]
    opened = _opening(snapshot, {base, *(row[0] for row in stated)})
    rows = pd.DataFrame([*stated, *opened], columns=["currency", "date", "base_per_unit"])
    return rows.astype({"date": "datetime64[ns]", "base_per_unit": "float64"})


def _stated(policy: Policy) -> list[tuple]:
    rows = [
        (k.upper(), pd.Timestamp(d), v) for k, e in policy.entries.items() for d, v in e["values"].items()
    ]
    for code, day, rate in rows:
        if not re.fullmatch("[A-Z]{3}", code):
            raise PolicyError(
                f"policy '{PLAN_RATES}.{code.lower()}' is no currency; write its code, such as eur"
            )
        if rate <= 0:
            raise PolicyError(
                f"policy '{PLAN_RATES}.{code.lower()}' is {rate} on {day:%Y-%m-%d}; give a rate above 0"
            )
    return rows


def _opening(snapshot: Snapshot, stated: set[str]) -> list[tuple]:
    """The day's rate at the start of each period, for currencies quotas are set in without a plan rate."""
    if not (snapshot.has("quotas", "currency") and snapshot.has("fx_rates")):
        return []
    quotas = snapshot.table("quotas").select("currency").distinct().to_pandas()["currency"]
    lacking = sorted(set(quotas.dropna()) - stated)
    calendar = snapshot.company.calendar
    starts = sorted({*calendar.quarter_starts, *calendar.month_starts})
    asked = pd.DataFrame(
        [(c, pd.Timestamp(day)) for c in lacking for day in starts], columns=["currency", "date"]
    ).assign(place=lambda rows: range(len(rows)))
    if asked.empty:
        return []
    found = _rates_of(asked, snapshot.frame("fx_rates"), MAX_AGE_DAYS)
    return list(found[["currency", "date", "base_per_unit"]].itertuples(index=False, name=None))


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
