"""Money to the cent: whole cents inside, ``Decimal`` outside, nothing lost when a sum is split.

A column of money is turned into whole cents (``Int64``, missing stays missing), added and split there, and
turned back into ``Decimal``. Sums are then exact and do not depend on the order of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction

import numpy as np
import pandas as pd

CENT = Decimal("0.01")


def cents(value: Decimal | float | int | str) -> int:
    """One amount in whole cents, half a cent away from zero. Raises ValueError for what is no number."""
    try:
        exact = Decimal(str(value)).quantize(CENT, rounding=ROUND_HALF_UP)
    except InvalidOperation:
        raise ValueError(f"'{value}' is not an amount of money") from None
    return int(exact.scaleb(2))


def to_decimal(whole_cents: int) -> Decimal:
    """``123456`` cents as ``Decimal("1234.56")``."""
    return Decimal(int(whole_cents)).scaleb(-2)


def to_cents(amounts: pd.Series) -> pd.Series:
    """A column of money (float, int or Decimal) in whole cents.

    Returns
    -------
    Series
        ``Int64``, same index; missing stays missing. Half a cent is rounded away from zero, judged on the
        number as written (2.675 is 268 cents although the float lies below).
    """
    known = amounts.notna().to_numpy(dtype=bool)
    whole = np.zeros(len(amounts), dtype="int64")
    numbers = amounts.to_numpy()[known]
    if numbers.dtype == object:
        whole[known] = [cents(v) for v in numbers]
    else:
        scaled = numbers.astype("float64") * 100
        near = np.rint(scaled)
        plain = np.abs(scaled - near) < 1e-6
        exact = near.copy()
        exact[~plain] = [cents(v) for v in numbers[~plain].tolist()]
        whole[known] = exact.astype("int64")
    return pd.Series(whole, index=amounts.index).astype("Int64").where(amounts.notna())


def from_cents(whole: pd.Series) -> pd.Series:
    """Whole cents as ``Decimal`` with two places, object column; missing is ``None``."""
    values = [None if pd.isna(v) else to_decimal(v) for v in whole.tolist()]
    return pd.Series(values, index=whole.index, dtype=object)


def total(amounts: Iterable[Decimal | float | int | str]) -> Decimal:
    """Exact sum to the cent, each amount rounded to a cent first."""
    return to_decimal(sum(cents(a) for a in amounts))


def allocate(amount: Decimal | float | int | str, weights: Sequence[Decimal | float | int]) -> list[Decimal]:
    """Split an amount by weights so that the parts add up to it exactly.

    Largest remainder: every part is rounded down to a cent, and the cents left over go to the largest
    remainders, ties to the first. A negative amount is split like its opposite.

    Raises
    ------
    ValueError
        If a weight is negative or all are zero.
    """
    exact = [Fraction(Decimal(str(w))) for w in weights]
    if any(w < 0 for w in exact) or sum(exact) == 0:
        raise ValueError(
            f"cannot split by weights {list(weights)}: none may be negative, one must be positive"
        )
    whole = cents(amount)
    sign = -1 if whole < 0 else 1
    ideal = [abs(whole) * w / sum(exact) for w in exact]
    parts = [int(i) for i in ideal]
    left = abs(whole) - sum(parts)
    by_remainder = sorted(range(len(ideal)), key=lambda i: (parts[i] - ideal[i], i))
    for i in by_remainder[:left]:
        parts[i] += 1
    return [to_decimal(sign * p) for p in parts]


def allocate_cents(total_cents: pd.Series, weights: pd.Series, group: pd.Series) -> pd.Series:
    """:func:`allocate` for many sums at once: each row gets its part of its group's total.

    Parameters
    ----------
    total_cents
        The group's total in whole cents, repeated on each of its rows.
    weights
        Whole numbers ≥ 0 (days; millionths of a share), one positive at least in each group. Total times
        weight has to stay below 9.2e18.
    group
        What a row belongs to. Ties go to the first row of a group: sort before where order must not matter.

    Returns
    -------
    Series
        ``int64`` cents, same index; each group adds up to its total exactly.
    """
    sums, weight = total_cents.astype("int64"), weights.astype("int64")
    whole = weight.groupby(group.to_numpy()).transform("sum")
    if ((whole <= 0) | (weight < 0)).any():
        raise ValueError(
            "cannot split by these weights: none may be negative, one in a group must be positive"
        )
    product = sums.abs() * weight
    part, remainder = product // whole, product % whole
    left = sums.abs() - part.groupby(group.to_numpy()).transform("sum")
    order = remainder.groupby(group.to_numpy()).rank(method="first", ascending=False)
    part = part + (order <= left).astype("int64")
    return part.where(sums >= 0, -part)
