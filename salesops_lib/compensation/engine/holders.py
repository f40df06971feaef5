"""Who is paid: spells of holders with plan, manager, target pay and quota, half-open by day."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import pandas as pd

from salesops_lib.compensation.engine.events import Events
from salesops_lib.compensation.engine.filters import self_fields
from salesops_lib.compensation.engine.rows import Complaints, blank, moment_of, number_of, share_of, text_of
from salesops_lib.compensation.plans.plan import FAR, Plan

COLUMNS = (
    "rep_id", "start_date", "end_date", "role", "plan_id", "manager_id", "hire_date", "target_cash",
    "base_salary", "quota", "pool_share",
)  # fmt: skip
"""Columns of holders, besides ``quota_<measure>``; only rep_id is needed."""
_FAR = FAR.toordinal()


@dataclass(frozen=True)
class Spell:
    """Days [start, end) on which nothing about a holder changes. Money per year, quotas per their period."""

    rep_id: str
    start: int
    end: int
    row: int = 0
    role: str | None = None
    plan_id: str | None = None
    manager_id: str | None = None
    target_incentive: Fraction | None = None
    quotas: dict[str, Fraction] = field(default_factory=dict)
    pool_share: Fraction | None = None

    def quota(self, measure: str) -> Fraction | None:
        """The figure for a measure: its own column, else the general one."""
        return self.quotas.get(measure, self.quotas.get(""))

    def days_in(self, start: int, end: int) -> int:
        """How many days of [start, end) it covers."""
        return max(0, min(self.end, end) - max(self.start, start))


@dataclass(frozen=True)
class Holder:
    """A person: id, first day of tenure where it is known, spells in order."""

    rep_id: str
    hired: date | None
    spells: tuple[Spell, ...]

    @cached_property
    def _starts(self) -> list[int]:
        return [s.start for s in self.spells]

    def on(self, day: int) -> Spell | None:
        """The spell of a day; None where there is none (not yet here, on leave, gone)."""
        k = bisect_right(self._starts, day) - 1
        return self.spells[k] if k >= 0 and day < self.spells[k].end else None


def is_on(plan: Plan, spell: Spell) -> bool:
    """Whether a spell is on a plan: by ``plan_id``, else by role, else everybody is."""
    if spell.plan_id is not None:
        return spell.plan_id == plan.id
    return spell.role is None or spell.role in plan.roles


def everybody(rep_ids: Iterable[str], plans: list[Plan], quotas: dict[str, Fraction]) -> dict[str, Holder]:
    """Holders where no file names them: on the plan all its days, target pay as the plan says.

    ``quotas`` holds for all of them: measure → figure.
    """
    start = min(p.start for p in plans).toordinal()
    end = max(p.end for p in plans).toordinal()
    return {r: Holder(r, None, (Spell(r, start, end, quotas=dict(quotas)),)) for r in sorted(set(rep_ids))}


def holders_from(
    frame: pd.DataFrame, plans: list[Plan], file: str = "holders", quotas: dict[str, Fraction] | None = None
) -> dict[str, Holder]:
    """Holders from rows, one per spell.

    Parameters
    ----------
    frame
        Columns of `COLUMNS` and ``quota_<measure>``, all but ``rep_id`` optional; ``row`` is how messages
        name a row (default: the index plus 1). Blank is unknown: no start is the plan's, no end is still.
    quotas
        Figures for all, by measure, where the rows have none.

    Raises PlanError: unknown column, no rep_id, a date, number or quota that is none, spells that overlap.
    """
    said = Complaints(file)
    _refuse_columns(frame, plans, said)
    first = min(p.start for p in plans).toordinal()
    found: dict[str, list[tuple[Spell, int | None]]] = {}
    for place, record in enumerate(frame.to_dict("records")):
        row = int(record.get("row", place + 1))
        rep = text_of(record.get("rep_id"))
        if rep is None:
            said.add(row, "E301", "rep_id", "a holder without an id; fill in rep_id")
            continue
        spell, hired = _spell(rep, row, record, first, said)
        if quotas:
            spell = _with_quotas(spell, quotas)
        found.setdefault(rep, []).append((spell, hired))
    holders = {rep: _holder(rep, spells, said) for rep, spells in sorted(found.items())}
    said.stop()
    return holders


def _refuse_columns(frame: pd.DataFrame, plans: list[Plan], said: Complaints) -> None:
    measures = {m for p in plans for m in p.measures}
    if "rep_id" not in frame.columns:
        said.add(1, "E308", "columns", f"no column rep_id. It has: {', '.join(map(str, frame.columns))}")
        said.stop()
    for name in frame.columns:
        if str(name).startswith("quota_") and str(name)[6:] not in measures and len(plans) == 1:
            known = ", ".join(f"quota_{m}" for m in sorted(measures))
            said.add(1, "E202", str(name), f"the plan has no such measure. It takes: {known}")


def _spell(rep: str, row: int, record: dict, first: int, said: Complaints) -> tuple[Spell, int | None]:
    def read(name: str, how, default=None):
        value = record.get(name)
        if blank(value):
            return default
        try:
            return how(value)
        except ValueError as fault:
            said.add(row, "E302" if name.endswith("_date") else "E303", name, f"{rep}: {fault}")
            return default

    start = read("start_date", lambda v: moment_of(v)[0], first)
    end = read("end_date", lambda v: moment_of(v)[0], _FAR)
    if end <= start:
        said.add(row, "E010", rep, f"ends on {date.fromordinal(end)}, not after its start; correct the dates")
        end = start + 1
    target, base = read("target_cash", number_of), read("base_salary", number_of)
    if (target is None) != (base is None):
        said.add(row, "E005", rep, "target_cash and base_salary belong together; fill in both or none")
        target = base = None
    if target is not None and base > target:
        said.add(row, "E021", rep, "base_salary is above target_cash")
    quotas = {}
    for name in record:
        if name == "quota" or str(name).startswith("quota_"):
            figure = read(name, number_of)
            if figure is not None and figure <= 0:
                said.add(row, "E030", rep, f"{name} is {record[name]}; a quota is above 0, or blank")
            elif figure is not None:
                quotas[str(name)[6:]] = figure
    spell = Spell(
        rep, start, end, row, text_of(record.get("role")), text_of(record.get("plan_id")),
        text_of(record.get("manager_id")), None if target is None else target - base, quotas,
        read("pool_share", share_of),
    )  # fmt: skip
    return spell, read("hire_date", lambda v: moment_of(v)[0])


def _with_quotas(spell: Spell, quotas: dict[str, Fraction]) -> Spell:
    missing = {m: q for m, q in quotas.items() if spell.quota(m) is None}
    return Spell(**{**spell.__dict__, "quotas": {**spell.quotas, **missing}}) if missing else spell


def _holder(rep: str, spells: list[tuple[Spell, int | None]], said: Complaints) -> Holder:
    ordered = sorted((s for s, _ in spells), key=lambda s: (s.start, s.end))
    for before, after in pairwise(ordered):
        if after.start < before.end:
            day = date.fromordinal(after.start)
            plans = {before.plan_id, after.plan_id} - {None}
            code, what = ("E212", "plans") if len(plans) > 1 else ("E307", "spells")
            said.add(after.row, code, rep, f"two {what} hold on {day} (the other is row {before.row})")
    hired = {h for _, h in spells if h is not None}
    if len(hired) > 1:
        said.add(ordered[-1].row, "E307", rep, "two hire dates; a holder has one")
    return Holder(rep, date.fromordinal(min(hired)) if hired else None, tuple(ordered))


def everyone_named(events: Events, plans: list[Plan]) -> set[str]:
    """Every id that a credit could name, for runs without a file of holders."""
    fields = {"manager_id"} | {r.field for p in plans for r in p.credit_rules if r.rule == "overlay"}
    fields |= {
        f for p in plans for part in (*p.measures.values(), *p.spiffs) for f in self_fields(part.where)
    }
    named = {r for r in events.rep_id if r is not None}
    for name in fields & set(events.cells):
        cells = {text_of(value) for value in events.cells[name]} - {None}
        named |= {part.strip() for cell in cells for part in re.split(r"[;,]", cell) if part.strip()}
    splits = {r.field for p in plans for r in p.credit_rules if r.rule == "split"} or {"split_pct"}
    for name in splits & set(events.cells):
        cells = {text_of(value) for value in events.cells[name]} - {None}
        named |= {
            p.partition(":")[0].strip() for c in cells if ":" in c for p in re.split(r"[;,]", c) if p.strip()
        }
    return named
