"""Fiscal quarters, business days, working hours in UTC, currency rates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from salesops_lib.inputs.sample.world import FIRST_DAY, HORIZON, LAST_DAY, WARM_UP, World, day

COMPANY_ZONE = "America/New_York"
REGIONS = ("AMER", "EMEA", "APAC")
REGION_ZONES = ("America/New_York", "Europe/London", "Asia/Singapore")
OPENS = (9.0, 9.0, 9.0)  # working hours, local
CLOSES = (17.5, 17.5, 18.0)
# Changes of a deal are entered in these local hours, so that a day is the same day in the company's zone.
ENTRY_OPENS = (9.0, 9.0, 13.1)
ENTRY_CLOSES = (17.5, 17.5, 18.0)

HOLIDAYS = tuple(
    f"{year}-{rest}"
    for year, thanksgiving in (
        (2022, "11-24"),
        (2023, "11-23"),
        (2024, "11-28"),
        (2025, "11-27"),
        (2026, "11-26"),
    )
    for rest in ("01-01", "07-04", thanksgiving, "12-25")
)
CURRENCIES = ("USD", "EUR", "GBP", "JPY")
LEVELS = (1.0, 1.08, 1.26, 0.0069)  # USD per unit the rates wander around
PLAN_RATES = {  # dated, decided once a year, also written to policy/plan_rates.yaml
    "FY23": (1.0, 1.12, 1.33, 0.0086),
    "FY24": (1.0, 1.07, 1.24, 0.0074),
    "FY25": (1.0, 1.09, 1.27, 0.0069),
    "FY26": (1.0, 1.06, 1.26, 0.0066),
}
_BASE = day("2022-01-01")
_DAYS = np.arange(_BASE, day("2027-06-30"))
_IS_BUSINESS = np.is_busday(_DAYS.astype("datetime64[D]"), holidays=np.array(HOLIDAYS, "datetime64[D]"))

QUARTER_STARTS = np.array(
    [day(f"{year}-{month:02d}-01") for year in range(2022, 2027) for month in (2, 5, 8, 11)]
)  # FY23-Q1 is the first
QUARTER_NAMES = tuple(f"FY{23 + i // 4}-Q{i % 4 + 1}" for i in range(len(QUARTER_STARTS) - 1))
FIRST_QUARTER = 4  # FY24-Q1, position in QUARTER_NAMES
LAST_QUARTER = 15  # FY26-Q4


def quarter_of(days: np.ndarray) -> np.ndarray:
    """Position in QUARTER_NAMES of each day."""
    return np.searchsorted(QUARTER_STARTS, days, side="right") - 1


def fiscal_year(quarter: int) -> str:
    """``FY26`` of a quarter's position."""
    return QUARTER_NAMES[quarter][:4]


def _fill(forward: bool) -> np.ndarray:
    found = np.where(_IS_BUSINESS, _DAYS, _DAYS[-1] if forward else _DAYS[0])
    return np.minimum.accumulate(found[::-1])[::-1] if forward else np.maximum.accumulate(found)


_NEXT, _PREVIOUS = _fill(True), _fill(False)


def next_business(days: np.ndarray) -> np.ndarray:
    """The day itself where it is a working day, else the next one."""
    return _NEXT[np.asarray(days, np.int64) - _BASE]


def previous_business(days: np.ndarray) -> np.ndarray:
    """The day itself where it is a working day, else the one before."""
    return _PREVIOUS[np.asarray(days, np.int64) - _BASE]


def _offsets(zone: str) -> np.ndarray:
    info = ZoneInfo(zone)
    noon = datetime(1970, 1, 1, 12, tzinfo=UTC)
    return np.array(
        [(noon + timedelta(days=int(d))).astimezone(info).utcoffset().total_seconds() for d in _DAYS]
    )


_OFFSET = np.array([_offsets(zone) for zone in REGION_ZONES])  # seconds, region x day


def utc_seconds(days: np.ndarray, local_hours: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Seconds since 1970 UTC of a local time of day in a region."""
    days = np.asarray(days, np.int64)
    return (days * 86400 + np.round(local_hours * 3600) - _OFFSET[region, days - _BASE]).astype(np.int64)


def working_seconds(start: np.ndarray, seconds: np.ndarray, region: np.ndarray) -> np.ndarray:
    """The moment ``seconds`` of working time after ``start`` (both UTC seconds) by the region's calendar."""
    length = np.round(3600 * (np.array(CLOSES) - np.array(OPENS)))[region].astype(np.int64)
    opens = np.round(3600 * np.array(OPENS))[region].astype(np.int64)
    local = np.asarray(start, np.int64) + _OFFSET[region, start // 86400 - _BASE].astype(np.int64)
    day, clock = local // 86400, local % 86400 - opens
    counted = _IS_BUSINESS.cumsum()  # business days up to and with each day
    is_business = _IS_BUSINESS[day - _BASE]
    done = np.where(is_business, np.clip(clock, 0, length), 0)
    before = counted[day - _BASE] - is_business  # whole business days before this one
    total = before * length + done + np.asarray(seconds, np.int64)
    at = np.minimum(total // length, counted[-1] - 1)
    target = _DAYS[np.flatnonzero(_IS_BUSINESS)][at]
    return utc_seconds(target, (opens + total % length) / 3600.0, region)


def company_day(seconds: np.ndarray) -> np.ndarray:
    """The company's calendar day of UTC seconds."""
    rough = np.asarray(seconds, np.int64) // 86400
    return (seconds + _OFFSET[0, rough - _BASE].astype(np.int64)) // 86400


def dates(days: np.ndarray) -> np.ndarray:
    """Day numbers as datetime64; negative means missing."""
    days = np.asarray(days, np.int64)
    return np.where(days >= 0, days, np.iinfo(np.int64).min).astype("datetime64[D]").astype("datetime64[ns]")


def stamps(seconds: np.ndarray) -> pd.Series:
    """UTC seconds as timestamps; negative means missing."""
    seconds = np.asarray(seconds, np.int64)
    known = np.where(seconds >= 0, seconds, np.iinfo(np.int64).min).astype("datetime64[s]")
    return pd.Series(known.astype("datetime64[ns]")).dt.tz_localize("UTC")


def rates(world: World) -> np.ndarray:
    """USD per unit, day x currency, from WARM_UP to HORIZON; the days after LAST_DAY are not written."""
    stream = world.stream("fx_rates")
    count = HORIZON - WARM_UP + 1
    shocks = stream.standard_normal((count, 3)) * (0.0042, 0.0044, 0.0055)
    walk = np.zeros((count, 3))
    for i in range(1, count):
        walk[i] = 0.997 * walk[i - 1] + shocks[i]
    table = np.round(np.exp(walk) * LEVELS[1:], 6)
    return np.column_stack([np.ones(count), table])


def rate_on(table: np.ndarray, currency: np.ndarray, days: np.ndarray) -> np.ndarray:
    """USD per unit of each currency on each day."""
    return table[np.clip(np.asarray(days) - WARM_UP, 0, len(table) - 1), currency]


def fx_rates(table: np.ndarray) -> pd.DataFrame:
    """The table `fx_rates`: every calendar day, USD per unit."""
    known = LAST_DAY - WARM_UP + 1
    return pd.DataFrame(
        {
            "currency": np.repeat(np.array(CURRENCIES[1:], object), known),
            "date": dates(np.tile(np.arange(WARM_UP, LAST_DAY + 1), 3)),
            "base_per_unit": table[:known, 1:].T.ravel(),
        }
    )


def business_hours() -> pd.DataFrame:
    """The table `calendar`: each region's working hours by day in UTC, with daylight saving."""
    days = np.arange(FIRST_DAY, HORIZON + 1)
    days = days[_IS_BUSINESS[days - _BASE]]
    parts = []
    for position, region in enumerate(REGIONS):
        where = np.full(len(days), position)
        parts.append(
            pd.DataFrame(
                {
                    "region": region,
                    "date": dates(days),
                    "opens_at": stamps(utc_seconds(days, np.full(len(days), OPENS[position]), where)),
                    "closes_at": stamps(utc_seconds(days, np.full(len(days), CLOSES[position]), where)),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
