"""Rounding that loses nothing: running totals are rounded, lines are their differences.

    line_k = round(S_k) - round(S_k-1)

so lines add up to the rounded total, a batch can be cut anywhere, and taking a deal back returns to the cent
before it. Sums are shared out by largest remainder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

CENTS = 100


@dataclass(frozen=True)
class Rounder:
    """Rounds exact money to whole units, answers in cents.

    ``unit``: the smallest amount, in cents, 1 or more. ``mode``: as the plan says it.
    """

    unit: int
    mode: str

    def cents(self, amount: Fraction | int) -> int:
        """Money (not cents) to whole cents, a multiple of the unit."""
        amount = Fraction(amount)
        up, down = amount.numerator * CENTS, amount.denominator * self.unit
        return _divided(up, down, self.mode) * self.unit

    def of_cents(self, cents: Fraction) -> int:
        """Exact cents to whole cents, a multiple of the unit."""
        return _divided(cents.numerator, cents.denominator * self.unit, self.mode) * self.unit


def rounder(rounding) -> Rounder:
    """The rounder of a plan's ``rounding``."""
    return Rounder(int(rounding.unit * CENTS), rounding.mode)


def _divided(up: int, down: int, mode: str) -> int:
    """up ÷ down to a whole number; ``down`` is positive."""
    whole, rest = divmod(up, down)  # rounds toward minus infinity
    if rest == 0 or mode == "floor":
        return whole
    if mode == "ceiling":
        return whole + 1
    if mode in {"up", "down"}:
        away = up > 0
        return whole + (away if mode == "up" else not away)
    twice = 2 * rest - down
    if twice:
        return whole + (twice > 0)
    if mode == "half_even":
        return whole + whole % 2
    return whole + ((up > 0) if mode == "half_up" else (up < 0))


def running(amounts: Iterable[Fraction], to_cents) -> list[int]:
    """Lines in cents whose sum is the rounded sum of the exact amounts."""
    total, before, lines = Fraction(0), 0, []
    for amount in amounts:
        total += amount
        now = to_cents(total)
        lines.append(now - before)
        before = now
    return lines


def share_out(whole: int, weights: Sequence[Fraction | int], ids: Sequence[str]) -> list[int]:
    """Split whole units by weights so that the parts add up; the left over go to the largest remainders.

    Ties go to the lower id, so that the order of rows does not matter. A negative whole is split like its
    opposite. Raises ValueError where no weight is positive, or one is negative.
    """
    exact = [Fraction(w) for w in weights]
    total = sum(exact)
    if total <= 0 or min(exact) < 0:
        raise ValueError("cannot split: no weight may be negative, one must be positive")
    sign = -1 if whole < 0 else 1
    ideal = [abs(whole) * w / total for w in exact]
    parts = [int(i) for i in ideal]
    by_rest = sorted(range(len(ideal)), key=lambda i: (parts[i] - ideal[i], str(ids[i]), i))
    for i in by_rest[: abs(whole) - sum(parts)]:
        parts[i] += 1
    return [sign * p for p in parts]


def money(cents: int) -> str:
    """``-617123`` as ``-6,171.23``."""
    return f"{Decimal(int(cents)).scaleb(-2):,.2f}"


def amount(cents: int) -> Decimal:
    """Whole cents as Decimal with two places."""
    return Decimal(int(cents)).scaleb(-2)
