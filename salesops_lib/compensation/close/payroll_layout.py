"""The columns a payroll vendor imports, as a file: ``policy/payroll.yaml`` of the company.

file: vendor.csv
delimiter: ";"
decimal: ","
days: "%m/%d/%Y"
a_row: code                       # or payee: all codes in one row
people: payroll_people.csv        # beside it: rep_id and what the vendor knows people by
codes: {COMM: "0410", BONUS: "0420"}
columns:
  - {name: Employee, from: employee_id}
  - {name: Earning, from: code}
  - {name: Amount, from: amount}
  - {name: Company, text: ACME}
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from salesops_lib.compensation.plans.yaml_lines import read_marked
from salesops_lib.core.errors import ParameterError

OWN = ("rep_id", "name", "period", "period_start", "period_end", "code", "amount", "currency")
"""What a column may be made from, besides the columns of ``people``."""


class Column(BaseModel):
    """One column of the file: from a value of the row, or the same text in every row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    from_: str | None = Field(None, alias="from")
    text: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Column:
        if (self.from_ is None) == (self.text is None):
            raise ValueError(f"column {self.name} has either from or text")
        return self


def _standard() -> tuple[Column, ...]:
    return tuple(
        Column(name=n, **{"from": n}) for n in ("rep_id", "name", "period", "code", "amount", "currency")
    )


class Layout(BaseModel):
    """The file's form. ``a_row``: an amount per payee and code, or one per payee. Default: plain columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field("payroll.csv", pattern=r"^[\w.-]+$")
    delimiter: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."
    days: str = "%Y-%m-%d"
    header: bool = True
    encoding: Literal["utf-8", "utf-8-sig", "cp1252"] = "utf-8"
    a_row: Literal["code", "payee"] = "code"
    people: str | None = Field(None, pattern=r"^[\w.-]+$")
    codes: dict[str, str] = Field(default_factory=dict)
    columns: tuple[Column, ...] = Field(default_factory=_standard, min_length=1)


def layout_from(text: str, file: str) -> Layout:
    """A layout from the text of its file. Raises ParameterError: file, line, what is wrong."""
    document = read_marked(text)
    for _, _, line, said in document.faults:
        raise ParameterError(f"{file}:{line} {said}")
    if not isinstance(document.content, dict):
        raise ParameterError(f"{file}:1 holds no keys; see the page on closing commissions")
    try:
        return Layout.model_validate(document.content)
    except ValidationError as fault:
        first = fault.errors()[0]
        at = tuple(first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        if first["type"] == "string_type":
            said = "it is text to payroll; write it in quotes"
        if first["type"] == "extra_forbidden":
            said = f"there is no key {at[-1]}; it takes {', '.join(_keys(at))}"
        raise ParameterError(f"{file}:{document.line(at)} {'.'.join(map(str, at))}: {said}") from None


def _keys(at: tuple) -> list[str]:
    model = Column if len(at) > 1 and at[0] == "columns" else Layout
    return [f.alias or name for name, f in model.model_fields.items()]
