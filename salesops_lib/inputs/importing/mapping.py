"""The mapping language: for each of our tables, which file, which column, which values, which date order.

A mapping is YAML. The shipped ones lie in ``inputs/sources``; the user's own, given with ``--map``, is laid
over the shipped one key by key. The reference is ``inputs/sources/README.md``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from salesops_lib.core.errors import UserError, nearest

SOURCES = Path(__file__).parent.parent / "sources"
DATES = {"day_first": "dmy", "month_first": "mdy"}  # words for the two orders that a text may leave open
SHIPPED = ("salesforce", "dynamics365", "hubspot", "csv")
MAX_BYTES = 1_000_000
ORIGINS = {
    "from", "first", "compose", "join", "constant", "when",
    "period", "period_of", "period_start", "first_day",
}  # fmt: skip


Order = Literal["dmy", "mdy", "ymd", "prove", "day_first", "month_first"]


class MappingError(UserError):
    """A mapping is missing, does not parse, or asks for what the export does not hold."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Lookup(_Strict):
    """Replace a value by that of another ``table`` or ``file``: where ``match`` is it ``take``."""

    table: str | None = None
    file: str | None = None
    match: list[str] = Field(min_length=1)
    take: list[str] = Field(min_length=1)
    accept: dict[str, str] = {}
    unmatched: Literal["keep", "empty", "unplaced"] = "keep"

    @field_validator("match", "take", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_target(self) -> Lookup:
        if (self.table is None) == (self.file is None):
            raise ValueError("give either table or file")
        return self


class Condition(_Strict):
    """A test on a source column: ``is`` one of these texts, or ``not`` one of them; '' is a blank cell."""

    column: list[str]
    is_: list[str] | None = Field(default=None, alias="is")
    not_: list[str] | None = Field(default=None, alias="not")
    absent_from: str | None = None  # "File.csv:Column": keep rows whose value that file does not hold

    @field_validator("column", "is_", "not_", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_test(self) -> Condition:
        if sum(x is not None for x in (self.is_, self.not_, self.absent_from)) != 1:
            raise ValueError("give exactly one of is, not, absent_from")
        return self


class Case(Condition):
    """One branch of ``when``."""

    then: ColumnMap

    @field_validator("then", mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        return _column(value)


class ColumnMap(_Strict):
    """Where one of our columns comes from, and how its text is read. Exactly one origin is given."""

    from_: list[str] | None = Field(default=None, alias="from")
    first: list[ColumnMap] | None = None
    compose: list[str] | None = None
    tie: list[str] = []
    join: list[str] | None = None
    constant: str | None = None
    when: list[Case] | None = None
    otherwise: ColumnMap | None = None
    period: dict[Literal["year", "quarter"], list[str]] | None = None
    period_of: ColumnMap | None = None
    period_start: bool = False  # the first day of this row's ``period``
    first_day: bool = False  # the first day of the fiscal quarter of the extract's first event
    values: dict[str, str | None] = {}
    sentinels: list[str] = []
    order: Order | None = None
    formats: list[str] = []
    zone: str | None = None
    as_written: bool = False  # the day as it stands in the text, whatever zone the stamp is in
    plus_days: int = 0
    scale: float = 1.0
    invert: bool = False
    zero_is_missing: bool = False
    decimal: Literal[".", ","] | None = None
    excel_text: Literal["dmy", "mdy"] | None = None
    lone: Literal[";", ",", "|"] | None = None  # separator of a list of which only a lone text counts
    lookup: Lookup | None = None
    required: bool = False

    @field_validator("from_", "compose", "join", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("first", mode="before")
    @classmethod
    def _first(cls, value: Any) -> Any:
        return [_column(v) for v in value] if isinstance(value, list) else value

    @field_validator("otherwise", "period_of", mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        return _column(value)

    @field_validator("period", mode="before")
    @classmethod
    def _period(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: [v] if isinstance(v, str) else v for k, v in value.items()}
        return value

    @field_validator("values", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {_text(k): None if v is None else _text(v) for k, v in value.items()}
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMap:
        origins = [self.from_, self.first, self.compose, self.join, self.constant, self.when, self.period]
        given = sum(x is not None for x in origins) + (self.period_of is not None)
        if given + self.period_start + self.first_day != 1:
            raise ValueError(
                "give exactly one of from, first, compose, join, constant, when, period, "
                "period_of, period_start, first_day"
            )
        return self


class TableMap(_Strict):
    """One source file (or the first pattern that matches) of one of our tables."""

    file: list[str] = Field(min_length=1)
    keep: list[Condition] = []
    columns: dict[str, ColumnMap]
    required: bool = False

    @field_validator("file", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("columns", mode="before")
    @classmethod
    def _columns(cls, value: Any) -> Any:
        return {k: _column(v) for k, v in value.items()} if isinstance(value, dict) else value


class Mapping(_Strict):
    """A whole mapping. ``company`` holds the settings written where the folder has no company.yaml."""

    source: str
    description: str = ""
    given: str = ""  # path of the user's own mapping, as it was given
    zone: str = "UTC"
    currency: str | None = None
    dates: Order = "prove"
    formats: list[str] = []
    sentinels: list[str] = []
    decimal: Literal[".", ","] = "."
    company: dict[str, Any] = {}
    stages: list[dict[str, Any]] = []
    tables: dict[str, list[TableMap]] = {}

    @field_validator("tables", mode="before")
    @classmethod
    def _tables(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: [v] if isinstance(v, dict) else v for k, v in value.items()}
        return value


def load_mapping(source: str, user: str | Path | None = None, dates: str | None = None) -> Mapping:
    """The shipped mapping of ``source`` with the user's own laid over it key by key.

    ``dates``: day_first or month_first, for every column of the export that has no order of its own.
    Raises MappingError naming file and key: unknown source, unreadable YAML, unknown key, wrong type,
    or the source ``csv`` without a mapping of the user's.
    """
    if source not in SHIPPED:
        raise MappingError(f"there is no source '{source}'. {nearest(source, SHIPPED)}")
    if source == "csv" and user is None:
        raise MappingError("source 'csv' has no columns of its own; write a mapping, give it with --map FILE")
    raw = _read(SOURCES / f"{source}.yaml")
    where = f"{source}.yaml"
    if user is not None:
        where = str(user)
        own = _strict_columns(_read(Path(user)), where)
        if "currency" in own and isinstance(own.setdefault("company", {}), dict):
            own["company"].setdefault("reporting_currency", own["currency"])  # where nothing else is said
        raw = _laid_over(raw, own) | {"given": where}
    if dates and dates not in DATES:
        raise MappingError(f"--dates '{dates}' is no order of dates. {nearest(dates, DATES)}")
    raw = raw | ({"dates": dates} if dates else {})
    try:
        mapping = Mapping.model_validate(raw)
    except ValidationError as fault:
        raise MappingError(_first_fault(fault, where)) from None
    return mapping


def _read(path: Path) -> dict:
    if not path.is_file():
        raise MappingError(f"mapping '{path}' does not exist; give the path of a YAML file")
    if path.stat().st_size > MAX_BYTES:
        raise MappingError(f"mapping '{path}' is over 1 MB; it is no mapping")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise MappingError(f"mapping '{path}' is no YAML: {' '.join(str(fault).split())}") from None
    if not isinstance(raw, dict):
        raise MappingError(f"mapping '{path}' is no mapping of keys; it starts with 'tables:'")
    return raw


def _strict_columns(raw: dict, where: str) -> dict:
    """What a user writes must be found: the shipped mappings name alternatives, a user names columns."""
    tables = raw.get("tables", {})
    if not isinstance(tables, dict):
        raise MappingError(f"mapping '{where}', key 'tables' is no mapping of table names")
    for name, parts in tables.items():
        for part in parts if isinstance(parts, list) else [parts]:
            if not isinstance(part, dict) or not isinstance(part.get("columns", {}), dict):
                raise MappingError(f"mapping '{where}', key 'tables.{name}' needs file and columns")
            if "file" in part:
                part.setdefault("required", True)
            part["columns"] = {k: _column(v) for k, v in part.get("columns", {}).items()}
            for column in part["columns"].values():
                if isinstance(column, dict):
                    column.setdefault("required", True)
    return raw


def _laid_over(base: Any, over: Any, key: str = "") -> Any:
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    if key == "columns":
        return {**base, **{name: _column_over(base.get(name), over[name]) for name in over}}
    return base | {name: _laid_over(base.get(name), value, name) for name, value in over.items()}


def _column_over(base: Any, over: Any) -> Any:
    """A column with an origin of its own replaces the shipped one; without, it changes how that is read."""
    base, over = _column(base), _column(over)
    if not (isinstance(base, dict) and isinstance(over, dict)) or ORIGINS & set(over):
        return over
    return base | over


def _column(value: Any) -> Any:
    if isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value)):
        return {"from": value}
    return value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _first_fault(fault: ValidationError, where: str) -> str:
    first = fault.errors()[0]
    key = ".".join(str(part) for part in first["loc"] if part not in (0,))
    hint = ""
    if first["type"] == "extra_forbidden":
        known = ColumnMap if "columns" in first["loc"] else TableMap if "tables" in first["loc"] else Mapping
        hint = f"; {nearest(str(first['loc'][-1]), [f.alias or n for n, f in known.model_fields.items()])}"
    return f"mapping '{where}', key '{key}': {first['msg']}{hint}"
