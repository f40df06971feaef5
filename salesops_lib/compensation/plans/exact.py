"""Numbers of a plan: exact, from their text, never through a binary float."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

PLAIN = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)")
FRACTION = re.compile(r"[-+]?\d+/[1-9]\d*")
MAX_DIGITS = 30
FLOAT_DIGITS = 16  # as many significant digits as only the print of a binary float has


def exact(value: Any) -> Decimal:
    """A number of the plan as Decimal. Raises PydanticCustomError: E003 for a float, E006 for no number."""
    if isinstance(value, float):
        raise PydanticCustomError("E003", "{value} is a binary float; give a Decimal", {"value": repr(value)})
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and PLAIN.fullmatch(value.strip()) and len(value) <= MAX_DIGITS:
        return Decimal(value.strip())
    raise PydanticCustomError("E006", "{value} is no number; write it as 0.85", {"value": shown(value)})


Number = Annotated[
    Decimal,
    PlainValidator(exact),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": ["number", "string"], "title": "exact number"}),
]
"""A Decimal taken from text or whole numbers; a float is refused."""


def fraction(text: Any) -> Fraction:
    """``0.6``, ``60/100`` or a Decimal as a Fraction. Raises ValueError for anything else."""
    if isinstance(text, Fraction):
        return text
    if isinstance(text, Decimal | int) and not isinstance(text, bool):
        return Fraction(text)
    written = str(text).strip()
    found = _written(written) if isinstance(text, str) and len(written) <= MAX_DIGITS else None
    if found is None:
        raise ValueError(f"{shown(text)} is no number")
    return found


@lru_cache(maxsize=4096)  # quotas and shares repeat, from row to row and from plan to plan
def _written(text: str) -> Fraction | None:
    if PLAIN.fullmatch(text):
        return Fraction(Decimal(text))
    return Fraction(text) if FRACTION.fullmatch(text) else None


def plain(value: Decimal | Fraction | int) -> str:
    """A number as people write it: ``1,200,000``, ``0.85``, ``1/3`` to six places where it does not end."""
    if isinstance(value, Fraction):
        denominator = value.denominator
        for prime in (2, 5):
            while denominator % prime == 0:
                denominator //= prime
        if denominator != 1 or value.denominator > 10**9:
            text = f"{float(value):,.6f}".rstrip("0").rstrip(".")
            return f"≈{text}"
        value = Decimal(value.numerator) / Decimal(value.denominator)
    text = f"{Decimal(value):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown(value: Any) -> str:
    """A value for a message, short."""
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
