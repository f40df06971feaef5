"""A line of past values small enough for a table cell, as an inline image with its values in words."""

from __future__ import annotations

import base64
from collections.abc import Sequence

_WIDTH, _HEIGHT, _PAD = 120, 26, 4


def sparkline(values: Sequence[float | None], limit: float | None = None) -> str:
    """A ``data:`` URI of an SVG: the values left to right, gaps where missing, ``limit`` dashed.

    Empty where fewer than two values are known.
    """
    known = [v for v in values if v is not None]
    if len(known) < 2:
        return ""
    ends = [*known, *([limit] if limit is not None else [])]
    low, high = min(ends), max(ends)
    step = (_WIDTH - 2 * _PAD) / (len(values) - 1)

    def y(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(_HEIGHT - _PAD - share * (_HEIGHT - 2 * _PAD), 1)

    steps, last, pen = [], "", "M"
    for i, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        x, h = round(_PAD + i * step, 1), y(value)
        steps.append(f"{pen}{x} {h}")
        last, pen = f'<circle cx="{x}" cy="{h}" r="2.8" fill="#3b7dc4"/>', "L"
    dashed = (
        "" if limit is None else f'<path d="M0 {y(limit)}H{_WIDTH}" stroke="#8a93a1" stroke-dasharray="3 3"/>'
    )
    path = " ".join(steps)
    line = f'<path d="{path}" stroke="#3b7dc4" stroke-width="1.8"/>'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" fill="none">{dashed}{line}{last}</svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
