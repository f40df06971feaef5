"""What every part of a plan has in common: unknown keys refused, frozen, keys as written."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

PeriodKind = Literal["month", "quarter", "year"]

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_\-]*$", max_length=80)]
"""An id: a letter, then letters, digits, - and _."""

Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
"""What happened in an event: booked, invoiced, paid, accepted, churn …"""

COMPARISON = re.compile(r"(>=|<=|!=|==|>(?!=)|<(?!=))\s*(\S.*)")


class Part(BaseModel):
    """Base of every part of the plan."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=False)


def _condition(value: Any) -> tuple[Any, ...] | str:
    if isinstance(value, str):
        if value[:1] in "<>!=" and value and not COMPARISON.fullmatch(value):
            raise PydanticCustomError(
                "E006", "'{value}' is no comparison; write '>=24', '<12', '!=pilot'", {"value": value}
            )
        return value if COMPARISON.fullmatch(value) or value == "self" else (value,)
    listed = value if isinstance(value, list | tuple) else [value]
    wrong = [v for v in listed if isinstance(v, dict | list | tuple | float) or v is None]
    if not listed or wrong:
        raise PydanticCustomError(
            "E006", "a filter is a list of values, a comparison such as '>=24', or self", {}
        )
    return tuple(listed)


Condition = Annotated[
    Any,
    PlainValidator(_condition),
    WithJsonSchema(
        {
            "description": "a list of values, a comparison such as '>=24', or self",
            "anyOf": [{"type": "array", "minItems": 1}, {"type": ["string", "number", "boolean"]}],
        }
    ),
]
Where = dict[str, Condition]
"""Field → list of values, or a comparison as text, or ``self``: the payee's own id stands in the field."""
