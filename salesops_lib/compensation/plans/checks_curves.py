"""Checks of curves, tiers and matrices, one function per code: each yields the faults of a loaded plan."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from salesops_lib.compensation.plans.exact import plain
from salesops_lib.compensation.plans.faults import Fault
from salesops_lib.compensation.plans.load import Loaded
from salesops_lib.compensation.plans.yaml_lines import Path

Found = Iterator[Fault]


def e102(loaded: Loaded) -> Found:
    """A gap below the first tier."""
    for at, tiers in _tiered(loaded):
        lowest = min(range(len(tiers)), key=lambda k: tiers[k].from_)
        if tiers[lowest].from_ > 0:
            said = (
                f"the first tier starts at {plain(tiers[lowest].from_)}: nothing is said below it; start at 0"
            )
            yield loaded.fault("E102", (*at, lowest, "from"), said)


def e103(loaded: Loaded) -> Found:
    """Two tiers that start at the same value."""
    for at, tiers in _tiered(loaded):
        seen: set = set()
        for k, tier in enumerate(tiers):
            if tier.from_ in seen:
                said = f"two tiers start at {plain(tier.from_)} (overlap)"
                yield loaded.fault("E103", (*at, k, "from"), said)
            seen.add(tier.from_)


def e104(loaded: Loaded) -> Found:
    """Tiers out of order."""
    for at, tiers in _tiered(loaded):
        for k, (before, after) in enumerate(pairwise(tiers), 1):
            if after.from_ < before.from_:
                said = f"a tier from {plain(after.from_)} after one from {plain(before.from_)}; sort them"
                yield loaded.fault("E104", (*at, k, "from"), said)


def e105(loaded: Loaded) -> Found:
    """A negative rate of a tier, a SPIFF or a pool."""
    for at, tiers in _tiered(loaded):
        for k, tier in enumerate(tiers):
            if tier.rate < 0:
                yield loaded.fault("E105", (*at, k, "rate"), f"the rate {plain(tier.rate)} is negative")
            if tier.from_ < 0:
                yield loaded.fault("E105", (*at, k, "from"), f"a tier starts at {plain(tier.from_)}, below 0")
    for at, spiff in loaded.parts("spiffs"):
        if spiff.pays < 0:
            yield loaded.fault("E105", (*at, "pays"), f"it pays {plain(spiff.pays)}, a negative sum")
    for at, pool in loaded.parts("pool"):
        for key in ("rate_percent", "amount"):
            value = getattr(pool.funding, key)
            if value is not None and value < 0:
                yield loaded.fault("E105", (*at, "funding", key), f"{key} is {plain(value)}, negative")


def e106(loaded: Loaded) -> Found:
    """A retroactive or fixed payout that falls in a higher tier."""
    for at, part in loaded.parts("components"):
        if part.method not in {"retroactive", "step"}:
            continue
        for k, (before, after) in enumerate(pairwise(part.tiers), 1):
            if after.rate < before.rate and after.from_ > before.from_:
                said = f"the {part.method} rate falls from {plain(before.rate)} to {plain(after.rate)}"
                yield loaded.fault("E106", (*at, "tiers", k, "rate"), f"{said}: selling more would pay less")


def e110(loaded: Loaded) -> Found:
    """A curve that does not say what is paid from 0 on, or has too few or negative points."""
    for at, part, is_multiplier in _pointed(loaded):
        first = part.points[0]
        if len(part.points) < 2 and not is_multiplier:
            yield loaded.fault("E110", at, "one point is no curve; give two or more")
        elif first[0] != 0 and first[1] != 0 and not is_multiplier:
            said = (
                f"the curve starts at {plain(first[0])} with {plain(first[1])}; start at 0, or with payout 0"
            )
            yield loaded.fault("E110", (*at, 0), said)
        for k, (x, y) in enumerate(part.points):
            if x < 0 or y < 0:
                yield loaded.fault("E110", (*at, k), f"the point [{plain(x)}, {plain(y)}] is negative")


def e111(loaded: Loaded) -> Found:
    """Points out of order, or more than two at one value."""
    for at, part, _ in _pointed(loaded):
        xs = [x for x, _ in part.points]
        for k in range(1, len(xs)):
            if xs[k] < xs[k - 1]:
                said = f"the point at {plain(xs[k])} stands after the one at {plain(xs[k - 1])}; sort them"
                yield loaded.fault("E111", (*at, k), said)
            elif part.points[k] == part.points[k - 1] or xs[: k + 1].count(xs[k]) > 2:
                yield loaded.fault("E111", (*at, k), f"one point too many at {plain(xs[k])}; a jump has two")


def e112(loaded: Loaded) -> Found:
    """A jump that is not declared."""
    for at, part, _ in _pointed(loaded):
        for k in range(1, len(part.points)):
            (x0, y0), (x1, y1) = part.points[k - 1], part.points[k]
            if x0 == x1 and y0 != y1 and not part.allow_jump:
                said = f"the curve jumps at {plain(x1)} from {plain(y0)} to {plain(y1)}; say allow_jump: true"
                yield loaded.fault("E112", (*at, k), f"{said}, or join the points")


def e113(loaded: Loaded) -> Found:
    """A payout that falls. A multiplier may fall: more discount, less pay."""
    for at, part, is_multiplier in _pointed(loaded):
        for k in range(1, len(part.points)):
            (x0, y0), (x1, y1) = part.points[k - 1], part.points[k]
            if y1 < y0 and x1 >= x0 and not is_multiplier:
                said = f"the payout falls from {plain(y0)} to {plain(y1)} at {plain(x1)}"
                yield loaded.fault("E113", (*at, k), f"{said}: selling more would pay less")


def e120(loaded: Loaded) -> Found:
    """A matrix without one value for each row and column."""
    for at, part in _matrices(loaded):
        if len(part.table) != len(part.rows):
            said = f"{len(part.rows)} rows, but the table has {len(part.table)} lines"
            yield loaded.fault("E120", (*at, "table"), said)
        for k, values in enumerate(part.table):
            if len(values) != len(part.cols):
                said = f"{len(part.cols)} columns, but line {k + 1} of the table has {len(values)} values"
                yield loaded.fault("E120", (*at, "table", k), said)


def e121(loaded: Loaded) -> Found:
    """Rows or columns out of order."""
    for at, part in _matrices(loaded):
        for name in ("rows", "cols"):
            for k, (before, after) in enumerate(pairwise(getattr(part, name)), 1):
                if after <= before:
                    said = f"{name} have {plain(after)} after {plain(before)}; sort them, each once"
                    yield loaded.fault("E121", (*at, name, k), said)


def e122(loaded: Loaded) -> Found:
    """A payout that falls along a row or a column, or is negative."""
    for at, part in _matrices(loaded):
        for i, values in enumerate(part.table):
            above = part.table[i - 1] if i else ()
            for j, value in enumerate(values):
                left = values[j - 1] if j else value
                over = above[j] if j < len(above) else value
                if value < 0:
                    yield loaded.fault("E122", (*at, "table", i, j), f"the payout {plain(value)} is negative")
                elif value < left or value < over:
                    higher = max(left, over)
                    said = f"the payout falls from {plain(higher)} to {plain(value)} in line {i + 1}"
                    yield loaded.fault("E122", (*at, "table", i, j), f"{said}: doing better would pay less")


def _tiered(loaded: Loaded) -> Iterator[tuple[Path, Any]]:
    """(path, tiers) of components and multipliers."""
    for at, part in loaded.parts("components"):
        if hasattr(part, "tiers"):
            yield (*at, "tiers"), part.tiers
        for path, multiplier in loaded.subparts(at, "multiplier", part.multipliers):
            if multiplier.tiers:
                yield (*path, "tiers"), multiplier.tiers


def _pointed(loaded: Loaded) -> Iterator[tuple[Path, Any, bool]]:
    """(path, part with points, whether it is a multiplier)."""
    for at, part in loaded.parts("components"):
        if hasattr(part, "points"):
            yield (*at, "points"), part, False
        for path, multiplier in loaded.subparts(at, "multiplier", part.multipliers):
            if multiplier.points:
                yield (*path, "points"), multiplier, True


def _matrices(loaded: Loaded) -> Iterator[tuple[Path, Any]]:
    return ((at, part) for at, part in loaded.parts("components") if part.method == "matrix")


CHECKS = (e102, e103, e104, e105, e106, e110, e111, e112, e113, e120, e121, e122)
