"""Reading a company as known on a day: the snapshot that every notebook starts from.

A table read as of a day holds nothing learnt later. What could not be rewound is said in ``limits``.
"""

from __future__ import annotations

import functools
import json
import operator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from salesops_lib.core.errors import ParameterError, TableError, nearest
from salesops_lib.core.policy import Policy
from salesops_lib.inputs import company as companies
from salesops_lib.inputs import submissions
from salesops_lib.inputs import warehouse as warehouses
from salesops_lib.inputs.asof import Day, as_known
from salesops_lib.inputs.company import Company, CompanyError
from salesops_lib.inputs.frames import to_frame
from salesops_lib.inputs.ledger import Ledger
from salesops_lib.inputs.limits import limits_of
from salesops_lib.inputs.opportunities import Opportunities, known_opportunities
from salesops_lib.inputs.policies import read_policy, read_stages
from salesops_lib.inputs.tables import TABLES

if TYPE_CHECKING:
    import ibis.expr.types as ir

EVENTS = frozenset(
    {
        "opportunities", "opportunity_history", "leads", "activities", "invoices", "forecast_submissions",
        "work_items",
    }
)  # fmt: skip
"""Tables that grow with every working day: they say how far the data goes, and they can be stale. Rates,
assignments and contracts are written ahead of their day, accounts and tools do not come daily."""

REPORT_COLUMNS = (
    "import_at", "table", "file", "row", "row_id", "action", "reason", "column", "value", "money_base",
)  # fmt: skip


@dataclass
class Snapshot:
    """A company as known on ``as_of``. Tables are read and checked when they are first asked for."""

    company: Company
    as_of: date
    warehouse: warehouses.Warehouse
    _known: dict[str, ir.Table] = field(default_factory=dict, repr=False)

    @cached_property
    def day(self) -> Day:
        """The day read, and when it ended in the company's zone."""
        return Day.of(self.as_of, self.company.zone)

    @cached_property
    def ledger(self) -> Ledger:
        """The company's ledger of submitted forecasts as it stood on the day, its chain verified."""
        return submissions.ledger_of(self.company).by(self.day.ends)

    def names(self) -> list[str]:
        """Declared tables that stand here; submissions also where only the ledger holds some."""
        held = self.warehouse.names()
        return held if submissions.TABLE in held or not self.ledger.entries else [*held, submissions.TABLE]

    def has(self, name: str, *columns: str) -> bool:
        """Whether a table holds rows on the day, with a value in each of the columns."""
        contract = warehouses.contract_of(name)
        if name not in self.names():
            return False
        table = self.table(name)
        for column in columns:
            if column not in table.columns:
                if contract.extra:
                    return False
                raise TableError(
                    f"table '{name}' has no column '{column}'. {nearest(column, contract.column_names)}"
                )
        counts = table.aggregate(
            [table.count().name("_rows"), *[table[c].count().name(c) for c in dict.fromkeys(columns)]]
        )
        return all(counts.to_pyarrow().to_pylist()[0].values())

    def table(self, name: str) -> ir.Table:
        """A table as known on the day: an Ibis expression in the contract's types, all its columns there.

        A ``datetime`` is UTC without a zone. Raises TableError where the table is missing or breaks its
        contract, naming column, row and value.
        """
        if name not in self._known:
            contract = warehouses.contract_of(name)
            if name not in self.names():
                raise TableError(
                    f"'{self.company.name}' has no table '{name}'; import it, or run what does not need it "
                    f"(salesops check says which)"
                )
            stored = self.warehouse.table(name) if name in self.warehouse.names() else None
            if name == "opportunities":
                known = known_opportunities(self.opportunities, self.day)
            else:
                known = as_known(stored, contract, self.day) if stored is not None else None
            if name == submissions.TABLE and self.ledger.entries:
                known = submissions.with_ledger(self, known)
            self._known[name] = self.warehouse.kept(f"known_{name}", known)
        return self._known[name]

    def frame(self, name: str) -> pd.DataFrame:
        """The same as a frame, sorted by key.

        Dates are ``datetime64[ns]`` without a zone, moments ``datetime64[ns, UTC]``, texts objects with None
        for missing, counts ``Int64``, bools ``boolean``, the rest ``float64``.
        """
        return to_frame(self.table(name), warehouses.contract_of(name))

    @cached_property
    def opportunities(self) -> Opportunities:
        """What opportunities are rebuilt from: versions, and the changes by the day where there are any."""
        changes = None
        if self.has("opportunity_history"):
            changes = self.table("opportunity_history")
        stages = self.stages()
        outcomes = dict(zip(stages["stage"], stages["outcome"], strict=True))
        return Opportunities(self.warehouse.table("opportunities"), changes, outcomes, self.company.currency)

    def policy(self, domain: str) -> Policy:
        """Dated values of a domain, the company's own over the shipped ones."""
        return read_policy(domain, self.company.root)

    def stages(self) -> pd.DataFrame:
        """Stages in order, with their outcome (``policies.read_stages``)."""
        return read_stages(self.company.root)

    @cached_property
    def limits(self) -> list[str]:
        """Sentences on what could not be rewound to the day."""
        return limits_of(self)

    def imports(self) -> list[dict[str, Any]]:
        """The imports that filled the folder, oldest first; empty where there were none."""
        return read_imports(self.company.root)

    def import_report(self) -> pd.DataFrame:
        """What imports repaired, dropped or could not place: one row each, all columns text."""
        path = self.company.root / "import_report.csv" if self.company.root else None
        if path is None or not path.is_file():
            return pd.DataFrame({name: pd.Series(dtype="object") for name in REPORT_COLUMNS})
        report = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
        report = report.reindex(columns=list(dict.fromkeys([*REPORT_COLUMNS, *report.columns])))
        return report.astype("object").where(report.notna() & (report != ""), None)


def open_snapshot(data: str | Path = "", as_of: str | date = "") -> Snapshot:
    """Open a company as known on a day.

    Parameters
    ----------
    data
        A company folder (relative to the repository root), or the URL of a database that holds the tables.
        Empty: ``data/sample``.
    as_of
        The day, ``2025-12-12``. Empty: the last day on which the data records anything.

    Raises
    ------
    CompanyError
        If there is no company there, or its settings are wrong.
    ParameterError
        If ``as_of`` is no date.
    """
    day = parse_day(as_of)
    if warehouses.is_url(data):
        warehouse = warehouses.open_warehouse(str(data))
        company = Company(warehouses.settings_of(warehouse), None)
    else:
        root = companies.company_folder(data)
        company = companies.read_company(root)
        warehouse = warehouses.open_warehouse(root)
    if day is None:
        day = last_day(warehouse, company)
    return Snapshot(company, day, warehouse)


def open_to_check(data: str | Path, as_of: str | date | None) -> Snapshot:
    """A snapshot of a company whose tables may be unreadable; where they hide the last day, today it is."""
    try:
        return open_snapshot(data, as_of or "")
    except TableError:
        return open_snapshot(data, date.today())  # noqa: DTZ011


def parse_day(text: str | date) -> date | None:
    """A day written as 2025-12-12; None for an empty text. Raises ParameterError for anything else."""
    if isinstance(text, datetime):
        return text.date()
    if isinstance(text, date):
        return text
    if text == "":
        return None
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text)
    except (ValueError, TypeError):
        raise ParameterError(f"as_of is {text!r}; write a day as 2025-12-12, or nothing") from None


def last_day(warehouse: warehouses.Warehouse, company: Company) -> date:
    """The last day, in the company's zone, on which the data records an event or learns an opportunity.

    Days after ``horizon`` are mistakes or plans and do not count, unless there are no others.
    """
    names = [name for name in warehouse.names() if name in EVENTS]
    found = [day for name in names if (day := last_day_of(warehouse, company, name))]
    found = found or [row.last for name in names if (row := beyond(warehouse, company, name))]
    if (called := submissions.ledger_day(company)) is not None:
        found.append(called)
    if not found:
        raise CompanyError(f"'{company.name}' records nothing in {warehouse.names()}; import a table")
    return max(found)


def last_day_of(warehouse: warehouses.Warehouse, company: Company, name: str) -> date | None:
    """The last day of one table of events up to ``horizon``; None for any other, or where it has no date."""
    if name not in EVENTS:
        return None
    table, after = _after(warehouse, company, name)
    latest = _read(warehouse, name, table.aggregate([table[c].max(where=~late).name(c) for c, late in after]))
    return max((day for value in latest.values() if (day := local_day(value, company))), default=None)


class Beyond(NamedTuple):
    """Rows of a table dated after ``horizon``, and their last day."""

    rows: int
    last: date


def beyond(warehouse: warehouses.Warehouse, company: Company, name: str) -> Beyond | None:
    """The rows of a table of events that are dated after ``horizon``; None where there are none."""
    table, after = _after(warehouse, company, name)
    any_late = functools.reduce(operator.or_, [late.fill_null(False) for _, late in after])
    asked = [table.count(where=any_late).name("_rows"), *[table[c].max().name(c) for c, _ in after]]
    found = _read(warehouse, name, table.aggregate(asked))
    rows = found.pop("_rows")
    return Beyond(rows, max(local_day(v, company) for v in found.values() if v is not None)) if rows else None


def horizon(company: Company) -> date:
    """The last day the data can know: that of the last import, else today."""
    times = [entry["at"] for entry in read_imports(company.root) if "at" in entry]
    try:
        last = max(map(pd.Timestamp, times)) if times else pd.Timestamp.now("UTC")
        return last.tz_convert(company.time_zone).date()
    except (TypeError, ValueError):
        raise CompanyError(
            f"{company.root}/import.json has an import at no time that can be read; restore it"
        ) from None


def _after(warehouse: warehouses.Warehouse, company: Company, name: str) -> tuple[ir.Table, list]:
    """A table of events, and for each of its stamps whether it is after ``horizon``."""
    stamps = [TABLES[name].exists_from, *(["recorded_at"] if name == "opportunities" else [])]
    day = Day.of(horizon(company), company.zone)
    with warehouse.readable(name):
        table = warehouse.loose(name)
    return table, [(c, ~day.reached(table[c])) for c in stamps]


def _read(warehouse: warehouses.Warehouse, name: str, asked: ir.Table) -> dict[str, Any]:
    with warehouse.readable(name):
        return asked.to_pyarrow().to_pylist()[0]


def read_imports(root: Path | None) -> list[dict[str, Any]]:
    """The list in ``import.json``. Raises CompanyError where the file is no such list."""
    path = root / "import.json" if root else None
    if path is None or not path.is_file():
        return []
    try:
        imports = json.loads(path.read_text(encoding="utf-8"))["imports"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise CompanyError(f"{path} is not what salesops import writes; restore it or import anew") from None
    return list(imports)


def local_day(value: date | datetime | None, company: Company) -> date | None:
    """A stored day, or the company's day of a stored UTC moment."""
    if isinstance(value, datetime):
        return pd.Timestamp(value, tz="UTC").tz_convert(company.time_zone).date()
    return value
