"""A metric's past as one inline SVG: values with ranges, the limit that held, and all of it in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import pairwise

_LEFT, _RIGHT, _TOP, _BOTTOM = 96, 24, 18, 34
_HEIGHT = 260
_WIDTHS = {"wide": 760, "narrow": 400}  # of a desk's and a phone's picture; letters keep their size
_LABEL = 96  # width of a day under the axis


@dataclass(frozen=True)
class Point:
    """One run: its day, the value with its range (missing where it could not be judged), and its limit.

    No limit: a metric that no finding judges. ``period``: what a value that starts anew is of; no line leads
    from one to the next.
    """

    day: date
    value: float | None
    low: float | None
    high: float | None
    limit: float | None
    period: str = ""


def history_chart(points: Sequence[Point], name: str, shown: Callable[[float | None], str]) -> str:
    """An SVG of ``points`` (oldest first), once for a wide screen and once for a narrow one.

    ``shown`` writes a value with its unit. Empty where no value is known. Ranges are bars, the limit is
    dashed and steps where the policy did.
    """
    if not any(p.value is not None for p in points):
        return ""
    return "".join(_chart(points, name, shown, kind, width) for kind, width in _WIDTHS.items())


def _chart(
    points: Sequence[Point], name: str, shown: Callable[[float | None], str], kind: str, width: int
) -> str:
    numbers = [v for p in points for v in (p.value, p.low, p.high, p.limit) if v is not None]
    low, high = min(numbers), max(numbers)
    if low == high:
        low, high = low - (abs(low) * 0.1 or 1.0), high + (abs(high) * 0.1 or 1.0)
    ticks = _ticks(low, high)
    low, high = ticks[0], ticks[-1]
    first, last = points[0].day.toordinal(), points[-1].day.toordinal()

    def x(day: date) -> float:
        share = (day.toordinal() - first) / (last - first) if last > first else 0.5
        return round(_LEFT + 16 + share * (width - _LEFT - _RIGHT - 32), 1)

    def y(value: float) -> float:
        return round(_TOP + (high - value) / (high - low) * (_HEIGHT - _TOP - _BOTTOM), 1)

    right = width - _RIGHT
    axes, parts = _axes(points, ticks, x, y, shown, right), _values(points, x, y)
    told = "; ".join(f"{p.day.isoformat()}: {shown(p.value)}{_range(p, shown)}" for p in points) + "."
    if (limit := points[-1].limit) is not None:
        parts = [_limit(points, y, x, right), *parts, _limit_text(limit, y, shown, right)]  # over the axes
        told += f" Limit {shown(limit)}."
    return (
        f'<svg class="history {kind}" viewBox="0 0 {width} {_HEIGHT}" role="img" aria-label="{escape(name)}. '
        f'{escape(told)}">{"".join([*axes, *parts])}</svg>'
    )


def _range(point: Point, shown: Callable[[float | None], str]) -> str:
    return f" ({shown(point.low)} to {shown(point.high)})" if point.low is not None else ""


def _axes(points, ticks, x, y, shown, right) -> list[str]:
    parts, told = [], ""
    for value in ticks:
        h = y(value)
        parts.append(f'<path class="grid" d="M{_LEFT} {h}H{right}"/>')
        if shown(value) != told:  # a range so narrow that two lines read the same needs one label
            told = shown(value)
            parts.append(f'<text x="{_LEFT - 8}" y="{h + 4}" text-anchor="end">{escape(told)}</text>')
    free = float("inf")
    for point in points[::-1]:  # the newest day first; an older one where there is room for it
        at = x(point.day)
        if free - at >= _LABEL:
            free = at
            parts.append(
                f'<text x="{at}" y="{_HEIGHT - 10}" text-anchor="middle">{point.day.isoformat()}</text>'
            )
    return parts


def _ticks(low: float, high: float) -> list[float]:
    """Round values around a range, its ends within: whole multiples of 1, 2 or 5 times a power of ten."""
    half = (high - low) / 2
    power = 10.0 ** math.floor(math.log10(half))
    step = next((power * m for m in (5, 2) if power * m <= half), power)
    return [step * n for n in range(math.floor(low / step + 1e-6), math.ceil(high / step - 1e-6) + 1)]


def _limit(points, y, x, right) -> str:
    steps = f"M{_LEFT} {y(points[0].limit)}"
    for before, point in pairwise(points):
        if point.limit != before.limit:
            steps += f"H{x(point.day)}V{y(point.limit)}"
    return f'<path class="limit" d="{steps}H{right}"/>'


def _limit_text(limit, y, shown, right) -> str:
    """Over the line's end, or under it near the top; drawn last and outlined, so a bar does not hide it."""
    at = y(limit)
    place = at - 5 if at > _TOP + 20 else at + 14
    text = f"limit {escape(shown(limit))}"
    return f'<text class="limit" x="{right - 32}" y="{place}" text-anchor="end">{text}</text>'


def _values(points, x, y) -> list[str]:
    parts, steps, pen, period = [], [], "M", ""
    for point in points:
        pen, period = (pen if point.period == period else "M"), point.period
        if point.value is None:
            pen = "M"
            continue
        at = x(point.day)
        if point.low is not None and point.high is not None:
            parts.append(f'<path class="range" d="M{at} {y(point.low)}V{y(point.high)}"/>')
        steps.append(f"{pen}{at} {y(point.value)}")
        parts.append(f'<circle cx="{at}" cy="{y(point.value)}" r="4"/>')
        pen = "L"
    return [f'<path class="line" d="{" ".join(steps)}"/>', *parts]
