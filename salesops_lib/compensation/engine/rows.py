"""Cells of events and holders as values: days, numbers, ids; what is wrong is told by row."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

import pandas as pd

from salesops_lib.compensation.plans.exact import fraction, shown
from salesops_lib.compensation.plans.faults import Fault, PlanError

SHOWN_FAULTS = 20
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")
_NUMBER_HINT = "write it plainly, such as 1234.56"


@dataclass
class Complaints:
    """Faults of one file, gathered row by row and raised together."""

    file: str
    found: list[Fault] = field(default_factory=list)

    def add(self, row: int, code: str, subject: str, message: str) -> None:
        """One fault of a row (0: of the file)."""
        self.found.append(Fault(self.file, row, code, subject, message))

    def stop(self) -> None:
        """Raise PlanError with the first faults, if there are any."""
        if not self.found:
            return
        told = [str(f) for f in sorted(self.found)]
        more = len(told) - SHOWN_FAULTS
        rest = [f"{self.file}: {more} more faults"] if more > 0 else []
        raise PlanError("\n".join([*told[:SHOWN_FAULTS], *rest]))


def blank(value: Any) -> bool:
    """Whether a cell holds nothing."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip()
    return value is pd.NaT or (isinstance(value, float) and value != value)


def text_of(value: Any) -> str | None:
    """A cell as text, None where blank; whole numbers without a point."""
    if blank(value):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def moment_of(value: Any) -> tuple[int, str]:
    """A day (ordinal) and the time within it as sortable text. Raises ValueError."""
    if isinstance(value, datetime):  # also pandas' Timestamp
        return value.toordinal(), value.strftime("%H:%M:%S.%f")
    if isinstance(value, date):
        return value.toordinal(), ""
    return _written_moment(str(value).strip())


@lru_cache(maxsize=4096)  # days repeat, from row to row and from plan to plan
def _written_moment(text: str) -> tuple[int, str]:
    if not _TIME.fullmatch(text):
        raise ValueError(f"{shown(text)} is no date; write it as 2026-02-28")
    try:
        return date.fromisoformat(text[:10]).toordinal(), text[11:]
    except ValueError:
        raise ValueError(f"there is no day {text[:10]}; write one of the calendar") from None


def number_of(value: Any) -> Fraction:
    """An exact number. Raises ValueError for what is none, and for a binary float that is not whole."""
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 2**53:
            return Fraction(int(value))
        raise ValueError(f"{value!r} is a binary float; pay needs Decimal or text")
    if hasattr(value, "item") and not isinstance(value, Decimal):
        return number_of(value.item())
    try:
        return fraction(value)
    except ValueError as fault:
        raise ValueError(f"{fault}; {_NUMBER_HINT}") from None


def share_of(value: Any) -> Fraction:
    """A share: ``0.6``, ``1/3`` or ``60%``. Raises ValueError."""
    text = str(value).strip()
    if text.endswith("%"):
        return number_of(text[:-1].strip()) / 100
    return number_of(value)
