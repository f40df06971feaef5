"""A line of a statement: who, what for, when, how much, and what is needed to show the arithmetic."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from salesops_lib.compensation.plans.windows import Window

EARNINGS = ("commission", "bonus", "spiff", "pool", "adjustment", "cap", "carry")
"""Kinds that are earned; the others move what is earned: hold, release, cancelled, clawback, overpayment,
recovered, draw, draw_recovery."""


class Line(NamedTuple):
    """One line. Money in whole cents, days as ordinals, measures exact.

    ``part``: component, spiff or pool. ``window``: where the measure accumulates. ``period``: when it is
    paid. ``before`` and ``after``: the measure of the window before and after the event. ``factor``:
    multipliers and gates. ``text``: the arithmetic, where it is not that of a curve. ``earlier``: cents that
    the window had earned before, which its total is taken less.
    """

    rep: str
    kind: str
    part: str
    version: int
    window: Window | None
    period: Window
    day: int
    cents: int
    deal: str = ""
    row: int = 0
    rule: str = ""
    share: Fraction = Fraction(1)
    credited: Fraction | None = None
    before: Fraction | None = None
    after: Fraction | None = None
    factor: Fraction = Fraction(1)
    capped: bool = False
    text: str = ""
    earlier: int = 0
