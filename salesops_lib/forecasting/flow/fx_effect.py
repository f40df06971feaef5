"""What an exchange rate alone did to an amount in the reporting currency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

ROUNDED = 2  # cents: both amounts were rounded, so that a difference of so much is no change of the deal


@dataclass(frozen=True)
class Rates:
    """``table``: ``currency``, ``date``, ``base_per_unit``; ``base``: the reporting currency."""

    table: pd.DataFrame
    base: str

    def on(self, currency: pd.Series, day: pd.Series) -> np.ndarray:
        """Rate of each currency on each day, or the last one before it; NaN where there is none."""
        asked = pd.DataFrame(
            {
                "currency": currency.astype("object").to_numpy(),
                "date": pd.to_datetime(day).to_numpy(dtype="datetime64[ns]"),
                "place": np.arange(len(currency)),
            }
        )
        held = self.table[["currency", "date", "base_per_unit"]].copy()
        held["date"] = pd.to_datetime(held["date"]).astype("datetime64[ns]")
        held["currency"] = held["currency"].astype("object")
        asked = asked.sort_values("date", kind="stable")
        found = pd.merge_asof(asked, held.sort_values("date", kind="stable"), on="date", by="currency")
        rate = found.sort_values("place")["base_per_unit"].to_numpy(dtype="float64")
        return np.where((currency == self.base).to_numpy(dtype=bool, na_value=False), 1.0, rate)


def fx_cents(pairs: pd.DataFrame, rates: Rates | None) -> np.ndarray:
    """Cents of each change of value that the rate explains; 0 without rates or where no rate is known.

    ``pairs``: ``cents_before``, ``cents_after``, ``currency``, ``day_before``, ``day`` (the days at whose
    rates the two amounts stand). An amount that did not change at all was not converted again.
    """
    was, now = pairs["cents_before"].to_numpy(dtype="float64"), pairs["cents_after"].to_numpy(dtype="float64")
    if rates is None or not len(pairs):
        return np.zeros(len(pairs), dtype="int64")
    ratio = rates.on(pairs["currency"], pairs["day"]) / rates.on(pairs["currency"], pairs["day_before"])
    moved = np.rint(was * (np.where(np.isfinite(ratio), ratio, 1.0) - 1.0))
    moved = np.where((now == was) | ~np.isfinite(moved), 0.0, moved)
    close = (moved != 0) & (np.abs(now - was - moved) <= ROUNDED)
    return np.where(close, now - was, moved).astype("int64")
