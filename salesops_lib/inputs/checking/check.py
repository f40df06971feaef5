"""What is wrong with a company folder: contracts over every table, freshness, row counts, control totals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from salesops_lib.core.errors import PeriodError
from salesops_lib.core.periods import Period
from salesops_lib.inputs import submissions
from salesops_lib.inputs.breaches import Breach, reference_breach
from salesops_lib.inputs.checking.contradictions import contradictions
from salesops_lib.inputs.checking.controls import Control, controls
from salesops_lib.inputs.extent import EVENTS, extent
from salesops_lib.inputs.ledger import LedgerError
from salesops_lib.inputs.load import Snapshot, open_to_check
from salesops_lib.inputs.tables import REQUIRED, TABLES

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class Freshness:
    """How old a table's last event is on the day checked."""

    table: str
    last_day: date
    age_days: int
    limit_days: float
    source: str

    @property
    def stale(self) -> bool:
        """Whether it is older than the policy allows."""
        return self.age_days > self.limit_days

    def __str__(self) -> str:
        return (
            f"table '{self.table}': its last day is {self.last_day}, {self.age_days} days before the day "
            f"checked; {self.source} allows {self.limit_days:g}; import a newer extract"
        )


@dataclass(frozen=True)
class CheckResult:
    """All that a check found. ``ok`` where nothing needs mending."""

    company: str
    as_of: date
    rows: dict[str, int]  # of every table that stands, versions included
    breaches: list[Breach]
    freshness: list[Freshness]
    controls: list[Control]
    contradictions: list[Breach] = field(default_factory=list)  # rows that load and contradict themselves

    @property
    def ok(self) -> bool:
        """No breach, no stale table, no count or total off; contradictions are told and load all the same."""
        return not self.faults

    @property
    def faults(self) -> list[str]:
        """One sentence for each thing to mend: contracts first, then freshness, then counts and totals."""
        stale = [str(f) for f in self.freshness if f.stale]
        return [*map(str, self.breaches), *stale, *[str(c) for c in self.controls if not c.ok]]

    def breach_table(self) -> pd.DataFrame:
        """One row per table, column and rule broken, with the first offender."""
        names = [f.name for f in fields(Breach)]
        return pd.DataFrame([[getattr(b, n) for n in names] for b in self.breaches], columns=names)

    def freshness_table(self) -> pd.DataFrame:
        """One row per table with events: last day, age and limit in days, whether it is stale."""
        names = ["table", "last_day", "age_days", "limit_days", "stale", "source"]
        return pd.DataFrame([[getattr(f, n) for n in names] for f in self.freshness], columns=names)

    def control_table(self) -> pd.DataFrame:
        """One row per count or total compared with the import log."""
        names = ["table", "what", "expected", "found", "ok", "note"]
        return pd.DataFrame([[getattr(c, n) for n in names] for c in self.controls], columns=names)

    def __str__(self) -> str:
        head = f"{self.company} on {self.as_of}: {len(self.rows)} tables, {sum(self.rows.values()):,} rows"
        told = f"{len(self.faults)} to mend" if self.faults else "nothing to mend"
        rows = sum(b.rows for b in self.contradictions)
        at_odds = (
            [f"rows at odds with themselves, which reports count as they stand: {rows:,}"] if rows else []
        )
        lines = [*self.faults, *at_odds, *map(str, self.contradictions)]
        return "\n".join([f"{head}; {told}", *[f"  {line}" for line in lines]])


def check_company(data: str | Path = "", as_of: str | date | None = None) -> CheckResult:
    """Check every table of a company folder or database.

    Every breach of a contract is counted, by table, column and rule. Freshness is judged on ``as_of``
    (empty: the data's last day) against ``data/policy/inputs.yaml``, row counts and totals against the
    import log. Raises CompanyError where there is no company to check.
    """
    snapshot = open_to_check(data, as_of)
    names = snapshot.warehouse.names()
    breaches = [breach for name in names for breach in snapshot.warehouse.breaches(name)]
    unreadable = {b.table for b in breaches if b.rule == "unreadable"}
    sound = [name for name in names if name not in unreadable]
    breaches += [_missing(name) for name in REQUIRED if name not in names]
    breaches += [b for name in sound for b in _between(snapshot, name, sound)]
    breaches += _ledger(snapshot)
    broken = {b.table for b in breaches if b.rule not in {"reference", "period"}}
    return CheckResult(
        company=snapshot.company.name,
        as_of=snapshot.as_of,
        rows={n: int(snapshot.warehouse.loose(n).count().to_pyarrow().as_py()) for n in sound},
        breaches=breaches,
        freshness=[f for name in sound if name not in broken and (f := _freshness(snapshot, name))],
        controls=controls(snapshot, [n for n in sound if n not in broken]),
        contradictions=contradictions(snapshot, [n for n in sound if n not in broken]),
    )


def _missing(name: str) -> Breach:
    return Breach(name, "", "column", 1, "", "it is missing", "import it; without it no report runs")


def _ledger(snapshot: Snapshot) -> list[Breach]:
    """The ledger of submissions where its chain is broken."""
    try:
        submissions.ledger_of(snapshot.company)
    except LedgerError as fault:
        what, _, remedy = str(fault).partition(": ")[2].rpartition("; ")
        return [Breach(submissions.TABLE, "", "ledger", 1, "", f"its ledger: {what}", remedy)]
    return []


def _between(snapshot: Snapshot, name: str, sound: list[str]) -> Iterator[Breach]:
    """References to other tables, stages that are not declared, periods the calendar does not have."""
    contract, table = TABLES[name], snapshot.warehouse.loose(name)
    for column in contract.columns:
        if column.refers_to and column.refers_to.split(".")[0] in sound:
            target = snapshot.warehouse.loose(column.refers_to.split(".")[0])
            if breach := reference_breach(table, contract, column, target):
                yield breach
        if column.name == "period":
            yield from _periods(snapshot, name, table)
        if column.name == "stage":
            yield from _stages(snapshot, name, table)


def _periods(snapshot: Snapshot, name: str, table: ir.Table) -> Iterator[Breach]:
    import ibis

    counts = table.filter(table["period"].notnull()).group_by("period").aggregate(rows=ibis._.count())
    bad: list[tuple[str, int, str]] = []
    for row in counts.order_by("period").to_pyarrow().to_pylist():
        try:
            snapshot.company.calendar.bounds(Period.parse(row["period"]))
        except PeriodError as fault:
            bad.append((row["period"], row["rows"], str(fault)))
    if bad:
        found, _, remedy = bad[0][2].partition("; ")
        remedy = remedy or "correct it, or extend the fiscal calendar in company.yaml"
        rows = sum(b[1] for b in bad)
        yield Breach(name, "period", "period", rows, f"period={bad[0][0]}", found, remedy)


def _stages(snapshot: Snapshot, name: str, table: ir.Table) -> Iterator[Breach]:
    renamed = [str(rename["from"]) for rename in snapshot.process()["renamed"]]
    declared = [*snapshot.stages()["stage"], *renamed]
    strange = table.filter(table["stage"].notnull() & ~table["stage"].isin(declared))
    rows = int(strange.count().to_pyarrow().as_py())
    if rows:
        key = list(TABLES[name].key)
        first = strange.select(*key, "stage").order_by([*key, "stage"]).limit(1).to_pyarrow().to_pylist()[0]
        row = ", ".join(f"{k}={first[k]}" for k in key)
        found = f"'{first['stage']}' is no stage of policy/stages.yaml"
        remedy = "declare it there with position and outcome, or map it in the import"
        yield Breach(name, "stage", "reference", rows, row, found, remedy)


def _freshness(snapshot: Snapshot, name: str) -> Freshness | None:
    last = extent(snapshot.warehouse, snapshot.company, name).last if name in EVENTS else None
    if name == submissions.TABLE and snapshot.ledger.entries:
        last = max(filter(None, [last, submissions.ledger_day(snapshot.company)]))
    if last is None:
        return None
    policy = snapshot.policy("inputs")
    key = f"stale_after_days_{name}"
    limit = policy.value(key if key in policy.entries else "stale_after_days", snapshot.as_of)
    age = (snapshot.as_of - last).days
    return Freshness(name, last, age, limit.value, limit.cited)
