"""Reading a company as known on a day: the snapshot that every notebook starts from.

A table read as of a day holds nothing learnt later. What could not be rewound is said in ``limits``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from salesops_lib.core.errors import ParameterError, TableError, nearest
from salesops_lib.core.policy import Policy
from salesops_lib.inputs import company as companies
from salesops_lib.inputs import submissions
from salesops_lib.inputs import warehouse as warehouses
from salesops_lib.inputs.asof import Day, as_known
from salesops_lib.inputs.company import Company
from salesops_lib.inputs.extent import last_day
from salesops_lib.inputs.frames import to_frame
from salesops_lib.inputs.import_log import read_import_report, read_imports
from salesops_lib.inputs.ledger import Ledger, read_ledger
from salesops_lib.inputs.left_out import left_out, sentences
from salesops_lib.inputs.limits import limits_of
from salesops_lib.inputs.opportunities import Opportunities, known_opportunities
from salesops_lib.inputs.policies import read_policy, read_process, read_routing, read_stages
from salesops_lib.inputs.view import ViewError, held_to, read_view

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass
class Snapshot:
    """A company as known on ``as_of``. Tables are read and checked when they are first asked for."""

    company: Company
    as_of: date
    warehouse: warehouses.Warehouse
    left_out: dict[str, str] = field(default_factory=dict)  # tables this run does without, and why
    _known: dict[str, ir.Table] = field(default_factory=dict, repr=False)

    @cached_property
    def day(self) -> Day:
        """The day read, and when it ended in the company's zone."""
        return Day.of(self.as_of, self.company.zone)

    @cached_property
    def ledger(self) -> Ledger:
        """The company's ledger of submitted forecasts as it stood on the day, its chain verified."""
        return submissions.ledger_of(self.company).by(self.day.ends)

    def ledger_named(self, name: str, *, whole: bool = False) -> Ledger:
        """Another ledger of the company, verified, as it stood on the day; ``whole``: as it stands now."""
        found = read_ledger(self.company.root, name)
        return found if whole else found.by(self.day.ends)

    def names(self) -> list[str]:
        """Declared tables that stand here; submissions also where only the ledger holds some."""
        held = self.warehouse.names()
        if submissions.TABLE not in held and self.ledger.entries:
            held = [*held, submissions.TABLE]
        return [name for name in held if name not in self.left_out]

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
            if name in self.left_out:
                raise TableError(
                    f"table '{name}' is left out of this run: {self.left_out[name]}; mend its data"
                )
            if name not in self.names() and warehouses.contract_of(name):
                raise TableError(
                    f"'{self.company.name}' has no table '{name}'; import it, or run what does not need it "
                    f"(salesops check says which)"
                )
            made_from = [name]
            more: list[object] = [self.day]
            if name == "opportunities":
                made_from.append("opportunity_history")
                more += [self.company.currency, self.stages()[["stage", "outcome"]].to_dict("list")]
            if name == submissions.TABLE:
                more.append(self.ledger.head)
            if self.left_out:
                more.append(sorted(self.left_out))
            self._known[name] = self.warehouse.kept(
                f"known_{name}", lambda: self._rebuilt(name), made_from, *more
            )
        return self._known[name]

    def _rebuilt(self, name: str) -> ir.Table:
        if name == "opportunities":
            return known_opportunities(self.opportunities, self.day)
        stored = self.warehouse.table(name) if name in self.warehouse.names() else None
        known = as_known(stored, warehouses.contract_of(name), self.day) if stored is not None else None
        if name == submissions.TABLE and self.ledger.entries:
            return submissions.with_ledger(self, known)
        return known

    def frame(self, name: str) -> pd.DataFrame:
        """The same as a frame, sorted by key.

        Dates are ``datetime64[ns]`` without a zone, moments ``datetime64[ns, UTC]``, texts objects with None
        for missing, counts ``Int64``, bools ``boolean``, the rest ``float64``.
        """
        return to_frame(self.table(name), warehouses.contract_of(name))

    def versions(self, name: str) -> pd.DataFrame:
        """Every version of a table's rows that was recorded by the day, as it was written, sorted by key.

        For what must be dated: a row without ``recorded_at`` was written nobody knows when.
        """
        stored = self.warehouse.table(name)
        recorded = stored["recorded_at"].isnull() | self.day.reached(stored["recorded_at"])
        return to_frame(stored.filter(recorded), warehouses.contract_of(name))

    @cached_property
    def opportunities(self) -> Opportunities:
        """What opportunities are rebuilt from: versions, and the changes by the day where there are any."""
        changes = None
        if self.has("opportunity_history"):
            changes = self.table("opportunity_history")
        stages = self.stages()
        outcomes = dict(zip(stages["stage"], stages["outcome"], strict=True))
        for rename in self.process()["renamed"]:  # a history keeps the names of its time
            if str(rename["to"]) in outcomes:
                outcomes.setdefault(str(rename["from"]), outcomes[str(rename["to"])])
        return Opportunities(self.warehouse.table("opportunities"), changes, outcomes, self.company.currency)

    def policy(self, domain: str) -> Policy:
        """Dated values of a domain, the company's own over the shipped ones."""
        return read_policy(domain, self.company.root)

    def routing(self) -> dict[str, Any] | None:
        """The company's routing rules for leads as YAML says them; None where it has none."""
        return read_routing(self.company.root)

    def process(self) -> dict[str, Any]:
        """What ``stages.yaml`` says beside the stages (``policies.read_process``)."""
        return read_process(self.company.root)

    def stages(self) -> pd.DataFrame:
        """Stages in order, with their outcome (``policies.read_stages``)."""
        return self._stages.copy()

    @cached_property
    def _stages(self) -> pd.DataFrame:
        return read_stages(self.company.root)

    @cached_property
    def limits(self) -> list[str]:
        """Sentences on what a view or this run does not hold and what could not be rewound to the day."""
        view = read_view(self.company.root)
        return [*(view.said if view else ()), *sentences(self.left_out), *limits_of(self)]

    def imports(self) -> list[dict[str, Any]]:
        """The imports that filled the folder, oldest first; empty where there were none."""
        return read_imports(self.company.root)

    def import_report(self) -> pd.DataFrame:
        """What imports repaired, dropped or could not place: one row each, all columns text."""
        return read_import_report(self.company.root)


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
    if warehouses.is_url(data) and held_to() is None:
        warehouse = warehouses.open_warehouse(str(data))
        company = Company(warehouses.settings_of(warehouse), None)
    else:
        root = companies.company_folder(data)
        company = companies.read_company(root)
        warehouse = warehouses.open_warehouse(root)
        day = _within_view(root, day)
    if day is None:
        day = last_day(warehouse, company)
    return Snapshot(company, day, warehouse, left_out())


def _within_view(root: Path, day: date | None) -> date | None:
    """The day to read; in an audience's view its own day is the last, and the one read by default."""
    view = read_view(root)
    if view is None:
        return day
    last = date.fromisoformat(view.as_of)
    if day is not None and day > last:
        raise ViewError(
            f"this view is of {last}; {day} is later, so ask for it with: salesops run --as-of {day}"
        )
    return day or last


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
