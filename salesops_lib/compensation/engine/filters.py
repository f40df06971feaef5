"""Filters of a plan: which events a measure or spiff counts, without an expression language."""

from __future__ import annotations

import operator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from salesops_lib.compensation.engine.events import Events
from salesops_lib.compensation.engine.rows import text_of
from salesops_lib.compensation.plans.exact import fraction
from salesops_lib.compensation.plans.model import COMPARISON

SELF = "self"
_TESTS = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def self_fields(where: dict[str, Any]) -> list[str]:
    """The fields in which the payee's own id has to stand."""
    return [name for name, condition in where.items() if condition == SELF]


def passing(events: Events, where: dict[str, Any], what: str) -> list[bool]:
    """For each event whether it meets every condition but ``self``. A blank cell meets none.

    ``what`` names the measure or spiff in the note about a column that the events lack.
    """
    passed = [True] * len(events)
    for name, condition in where.items():
        column = events.column(name)
        if column is None:
            note = f"no column {name}: no event passes the filter of {what}"
            if note not in events.notes:
                events.notes.append(note)
            return [False] * len(events)
        if condition == SELF:
            continue
        memo: dict[str, bool] = {}
        for place, value in enumerate(column):
            if passed[place]:
                text = text_of(value)
                if text is None:
                    passed[place] = False
                    continue
                if text not in memo:
                    memo[text] = meets(text, condition)
                passed[place] = memo[text]
    return passed


def meets(text: str, condition: Any) -> bool:
    """Whether a cell's text is in the list, or stands in the relation, of a condition."""
    if not isinstance(condition, str):
        return any(_same(text, value) for value in condition)
    sign, wanted = COMPARISON.fullmatch(condition).groups()
    left, right = _number(text), _number(wanted)
    if left is not None and right is not None:
        return _TESTS[sign](left, right)
    if sign in {"==", "!="} or (right is None and left is None):
        return _TESTS[sign](text, wanted.strip("'\""))  # words, and days written as 2026-05-01
    return False


def _same(text: str, value: Any) -> bool:
    if isinstance(value, bool):
        return text.lower() in ({"true", "yes", "1"} if value else {"false", "no", "0"})
    if isinstance(value, int | Decimal):
        return _number(text) == Fraction(value)
    return text == str(value)


def _number(text: str) -> Fraction | None:
    try:
        return fraction(text)
    except ValueError:
        return None
