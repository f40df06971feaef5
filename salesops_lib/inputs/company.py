"""A company's settings: ``company.yaml``, or a ``company`` table of keys and values, checked once.

Where a company is found, too: relative paths resolve from the repository root, found by ``pyproject.toml``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from salesops_lib.core.errors import UserError, nearest
from salesops_lib.core.periods import FiscalCalendar, explicit, four_four_five, monthly
from salesops_lib.inputs.view import held_to

SCHEMA_VERSION = 1
YEARS = range(1990, 2061)  # fiscal years a calendar by rule covers
MAX_YAML_BYTES = 1_000_000


class CompanyError(UserError):
    """A company's folder, address or settings are wrong."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Months(_Strict):
    """Fiscal years of whole months."""

    kind: Literal["months"]
    first_month: int = Field(ge=1, le=12)
    named_by: Literal["start", "end"] = "end"

    def build(self, **days) -> FiscalCalendar:
        """The calendar."""
        return monthly(self.first_month, YEARS, named_by=self.named_by, **days)


class Weeks(_Strict):
    """Quarters of 4 + 4 + 5 weeks."""

    kind: Literal["4-4-5"]
    first_month: int = Field(ge=1, le=12)
    ends_on: Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] = "Sat"
    named_by: Literal["start", "end"] = "end"

    def build(self, **days) -> FiscalCalendar:
        """The calendar."""
        return four_four_five(self.first_month, YEARS, ends_on=self.ends_on, named_by=self.named_by, **days)


class Explicit(_Strict):
    """Quarter starts on any day, and the day after the last."""

    kind: Literal["explicit"]
    first: str
    starts: list[date] = Field(min_length=1)
    end: date

    def build(self, **days) -> FiscalCalendar:
        """The calendar."""
        return explicit(self.starts, self.end, first=self.first, **days)


class Settings(_Strict):
    """What ``company.yaml`` may say. An unknown key is refused."""

    schema_version: int
    name: str = Field(min_length=1, max_length=200)
    reporting_currency: str = Field(pattern=r"^[A-Z]{3}$")
    time_zone: str
    working_days: list[Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]] = Field(
        default=["Mon", "Tue", "Wed", "Thu", "Fri"], min_length=1
    )
    holidays: list[date] = []
    fiscal_calendar: Annotated[Months | Weeks | Explicit, Field(discriminator="kind")]
    crm_link: str = ""
    logo: str = ""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(zone)
        return zone

    @field_validator("crm_link")
    @classmethod
    def _https_link(cls, link: str) -> str:
        if link and not link.startswith("https://"):
            raise ValueError(link)
        return link


@dataclass(frozen=True)
class Company:
    """A company's settings. ``root`` is its folder, None where a database holds the tables."""

    settings: Settings
    root: Path | None

    @property
    def name(self) -> str:
        """Its name."""
        return self.settings.name

    @property
    def currency(self) -> str:
        """ISO code of the reporting currency, that of every ``_base`` column."""
        return self.settings.reporting_currency

    @property
    def time_zone(self) -> str:
        """Zone of its business days."""
        return self.settings.time_zone

    @property
    def zone(self) -> ZoneInfo:
        """The same, for arithmetic."""
        return ZoneInfo(self.settings.time_zone)

    @property
    def crm_link(self) -> str:
        """Address of a record, with ``{table}`` and ``{id}``; empty where there is none."""
        return self.settings.crm_link

    @cached_property
    def calendar(self) -> FiscalCalendar:
        """The fiscal calendar. Raises PeriodError where its starts are out of order."""
        return self.settings.fiscal_calendar.build(
            working_days=tuple(self.settings.working_days), holidays=tuple(self.settings.holidays)
        )


def repository_root(start: Path | None = None) -> Path:
    """The folder that holds ``pyproject.toml`` and the package, found upwards from it, else from here."""
    for origin in [start] if start else [Path(__file__).resolve(), Path.cwd()]:
        for folder in (origin, *origin.parents):
            if (folder / "pyproject.toml").is_file() and (folder / "salesops_lib").is_dir():
                return folder
    raise CompanyError(f"no repository here: neither pyproject.toml nor salesops_lib above {Path.cwd()}")


def company_folder(data: str | Path = "") -> Path:
    """Where ``data`` points: a company folder, resolved from the repository root; empty is data/sample.

    A process held to an audience's view gets the view, whatever ``data`` says. Raises CompanyError where it
    is no folder with a ``company.yaml``, or a name that files do not have.
    """
    if (view := held_to()) is not None:
        return view.resolve()
    text = str(data) or "data/sample"
    if not text.isprintable() or re.search(r"[*?\[\]{}]", text):
        raise CompanyError(f"data {text!r} is no path of a company folder; use letters, digits, - _ . /")
    path = Path(text).expanduser()
    root = path if path.is_absolute() else repository_root() / path
    if not root.is_dir():
        raise CompanyError(f"data '{text}' is no folder ({root}); make one with: salesops init {text}")
    if not (root / "company.yaml").is_file():
        raise CompanyError(f"data '{text}' has no company.yaml; make a company with: salesops init DIR")
    return root.resolve()


def read_company(root: Path) -> Company:
    """Open and check ``company.yaml`` of a folder; one line says the first thing wrong with it."""
    return Company(settings(read_yaml(root / "company.yaml"), "company.yaml"), root)


def settings(entries: Any, where: str) -> Settings:
    """Check parsed settings. Raises CompanyError: first wrong key, what stands there, what to write."""
    if not isinstance(entries, dict):
        raise CompanyError(f"{where} is no mapping of settings; see data/README.md for the form")
    refuse_version(entries.get("schema_version"), where)
    try:
        return Settings.model_validate(entries)
    except ValidationError as fault:
        more = f" ({fault.error_count() - 1} more)" if fault.error_count() > 1 else ""
        said = _first_mistake(fault)
        raise CompanyError(f"{where}, {said}{more}; see data/README.md for the form") from None


_DAYS = "Mon, Tue, Wed, Thu, Fri, Sat, Sun"
_FORMS = {
    "name": "a text of 1 to 200 characters",
    "reporting_currency": "three capitals such as USD",
    "time_zone": "a time zone such as America/New_York",
    "working_days": f"a list of {_DAYS}, such as [Mon, Tue, Wed, Thu, Fri]",
    "holidays": "a list of days such as [2025-12-25]",
    "fiscal_calendar": "{kind: months, first_month: 2}, or one of the kinds 4-4-5 and explicit",
    "kind": "months, 4-4-5 or explicit",
    "first_month": "the number of a month, 1 to 12",
    "named_by": "start or end",
    "ends_on": f"one of {_DAYS}",
    "first": "the first quarter, such as FY11-Q4",
    "starts": "a list of days such as [2011-05-31, 2011-08-31]",
    "end": "the day after the last quarter, such as 2014-08-31",
    "crm_link": "an https:// address with {table} and {id}, or leave it out",
    "logo": "the path of a picture, or leave it out",
}
_KINDS: dict[str, type[BaseModel]] = {"months": Months, "4-4-5": Weeks, "explicit": Explicit}


def _first_mistake(fault: ValidationError) -> str:
    """The first wrong setting: its key, what stands there, the form wanted."""
    first = fault.errors()[0]
    at, value, kind = list(first["loc"]), first["input"], first["type"]
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        kind = "missing" if "kind" not in value else kind
        at, value = [*at, "kind"], value.get("kind")
    known = _KINDS[at[1]] if at[0] == "fiscal_calendar" and len(at) > 2 else Settings
    keys = [part for part in at if not (at[0] == "fiscal_calendar" and part in _KINDS)]
    spot = ".".join(str(part) for part in keys)
    if kind == "extra_forbidden":
        return f"'{spot}' is no setting. {nearest(str(keys[-1]), known.model_fields)}"
    form = _FORMS[next(part for part in reversed(keys) if isinstance(part, str))]
    if kind == "missing":
        return f"'{spot}' is missing; write {form}"
    shown = f"'{value}'" if isinstance(value, (str, date)) else repr(value)
    return f"'{spot}' is {shown if len(shown) <= 60 else shown[:57] + '...'}; write {form}"


def refuse_version(version: Any, where: str) -> None:
    """Refuse a folder written for another release."""
    if not isinstance(version, int) or isinstance(version, bool):
        raise CompanyError(f"{where} has schema_version {version!r}; write schema_version: {SCHEMA_VERSION}")
    if version > SCHEMA_VERSION:
        raise CompanyError(
            f"{where} has schema_version {version}, this release reads {SCHEMA_VERSION}; "
            f"install a newer release"
        )
    if version < SCHEMA_VERSION:
        raise CompanyError(
            f"{where} has schema_version {version}, this release reads {SCHEMA_VERSION}; "
            f"bring it up with: salesops init DIR --migrate"
        )


def read_yaml(path: Path) -> Any:
    """Parse a YAML file with plain types only. Raises CompanyError with the line at fault."""
    if path.stat().st_size > MAX_YAML_BYTES:
        raise CompanyError(f"{path} is over {MAX_YAML_BYTES:,} bytes; that is no settings file")
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        mark = getattr(fault, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(fault, "problem", None) or "is not UTF-8 text"
        raise CompanyError(f"{path}{line}: {problem}; correct the YAML") from None
