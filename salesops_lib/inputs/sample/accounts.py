"""Accounts: segment, place, size, potential; some near-equal doubles are planted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.inputs.sample.calendar_fx import dates
from salesops_lib.inputs.sample.people import SEGMENTS
from salesops_lib.inputs.sample.world import World, day

PER_POD = 1600
_OLDEST, _YOUNGEST = day("2018-01-01"), day("2022-07-31")  # before the first deal in the extract
DOUBLES = 12  # accounts written twice under a near-equal name, per pod
SEGMENT_SHARE = (0.52, 0.33, 0.15)
REGION_SHARE = (0.56, 0.27, 0.17)
# country, state, city, latitude, longitude, currency (position in CURRENCIES)
PLACES = (
    (
        ("US", "NY", "New York", 40.71, -74.01, 0),
        ("US", "MA", "Boston", 42.36, -71.06, 0),
        ("US", "IL", "Chicago", 41.88, -87.63, 0),
        ("US", "TX", "Dallas", 32.78, -96.80, 0),
        ("US", "CA", "San Francisco", 37.77, -122.42, 0),
        ("US", "WA", "Seattle", 47.61, -122.33, 0),
        ("CA", "ON", "Toronto", 43.65, -79.38, 0),
    ),
    (
        ("GB", None, "London", 51.51, -0.13, 2),
        ("GB", None, "Manchester", 53.48, -2.24, 2),
        ("DE", None, "Munich", 48.14, 11.58, 1),
        ("FR", None, "Paris", 48.86, 2.35, 1),
        ("NL", None, "Amsterdam", 52.37, 4.90, 1),
    ),
    (
        ("SG", None, "Singapore", 1.35, 103.82, 0),
        ("AU", "NSW", "Sydney", -33.87, 151.21, 0),
        ("JP", None, "Tokyo", 35.68, 139.69, 3),
    ),
)
INDUSTRIES = ("Software", "Manufacturing", "Retail", "Healthcare", "Financial Services", "Logistics")
_FIRST = "North South East West Blue Red Green Silver Bright Clear Iron Stone River Lake Hill Oak Pine Cedar"
_SECOND = "field bridge gate point wood land view port crest vale ridge brook shore line works"
_KIND = "Systems Foods Logistics Health Energy Media Software Metals Finance Retail"
FIRST, SECOND, KIND = _FIRST.split(" "), _SECOND.split(" "), _KIND.split(" ")


@dataclass(frozen=True)
class Accounts:
    """Accounts as arrays, one element per account; ``table`` is what is written."""

    ids: np.ndarray
    segment: np.ndarray
    region: np.ndarray
    pod: np.ndarray
    currency: np.ndarray
    table: pd.DataFrame


def accounts(world: World) -> Accounts:
    """All accounts of a world, and the table."""
    stream = world.stream("accounts")
    each = max(60, round(PER_POD * world.density))
    count = each * world.pods
    segment = np.searchsorted(np.cumsum(SEGMENT_SHARE), stream.random(count))
    region = np.searchsorted(np.cumsum(REGION_SHARE), stream.random(count))
    place = (stream.random(count) * np.array([len(p) for p in PLACES])[region]).astype(int)
    where = [PLACES[r][p] for r, p in zip(region.tolist(), place.tolist(), strict=True)]
    ids = np.array([f"A{n:05d}" for n in range(1, count + 1)], object)
    employees = np.maximum(
        5, np.exp(np.array([3.9, 5.8, 8.2])[segment] + 0.6 * stream.standard_normal(count))
    )
    potential = np.array([40e3, 160e3, 700e3])[segment] * np.exp(0.5 * stream.standard_normal(count))
    created = _OLDEST + (stream.random(count) * (_YOUNGEST - _OLDEST)).astype(int)
    table = pd.DataFrame(
        {
            "account_id": ids,
            "name": _names(count, stream),
            "parent_id": _parents(ids, segment, stream),
            "segment": np.array(SEGMENTS, object)[segment],
            "industry": np.array(INDUSTRIES, object)[(stream.random(count) * len(INDUSTRIES)).astype(int)],
            "country": [w[0] for w in where],
            "state": [w[1] for w in where],
            "city": [w[2] for w in where],
            "latitude": np.round([w[3] for w in where] + 0.2 * stream.standard_normal(count), 3),
            "longitude": np.round([w[4] for w in where] + 0.2 * stream.standard_normal(count), 3),
            "employees": employees.astype(int),
            "annual_revenue_base": np.round(
                employees * np.exp(11.9 + 0.4 * stream.standard_normal(count)), -4
            ),
            "created_date": dates(created),
            "potential_base": np.round(potential, -3),
            "workload_hours": np.round(
                np.array([6, 20, 60])[segment] * np.exp(0.3 * stream.standard_normal(count)), 1
            ),
        }
    )
    table = _plant_doubles(table, each, world.pods)
    currency = np.array([w[5] for w in where])
    return Accounts(ids, segment, region, np.arange(count) // each, currency, table)


def _names(count: int, stream: np.random.Generator) -> list[str]:
    """Distinct invented names; a number joins where the words are used up."""
    total = len(FIRST) * len(SECOND) * len(KIND)
    order = stream.permutation(total)
    names = []
    for n in range(count):
        at = int(order[n % total])
        first, rest = at % len(FIRST), at // len(FIRST)
        base = f"{FIRST[first]}{SECOND[rest % len(SECOND)]} {KIND[rest // len(SECOND)]}"
        names.append(base if n < total else f"{base} {n // total + 1}")
    return names


def _parents(ids: np.ndarray, segment: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """5 % of the accounts below Enterprise belong to an Enterprise account: no cycle can arise."""
    roots = np.flatnonzero(segment == 2)
    child = (segment < 2) & (stream.random(len(ids)) < 0.05)
    chosen = roots[(stream.random(len(ids)) * len(roots)).astype(int)]
    return np.where(child, ids[chosen], None)


def doubles(each: int, pods: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the accounts written twice, and of their doubles: the last of each pod."""
    count = min(DOUBLES, each // 40)
    pod, k = (x.ravel() for x in np.meshgrid(np.arange(pods), np.arange(count), indexing="ij"))
    return pod * each + 3 * k, (pod + 1) * each - 1 - k


def _plant_doubles(table: pd.DataFrame, each: int, pods: int) -> pd.DataFrame:
    """A double stands under ``… Inc`` or without the blank, in the same place and industry."""
    original, double = doubles(each, pods)
    columns = {}
    for same in ("name", "country", "state", "city", "industry"):
        values = table[same].to_numpy(dtype=object, copy=True)
        values[double] = values[original]
        columns[same] = values
    columns["name"][double] = [
        f"{name} Inc" if k % 2 else name.replace(" ", "") for k, name in enumerate(columns["name"][original])
    ]
    return table.assign(**columns)
