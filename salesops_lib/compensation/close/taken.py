"""What a close is worked out from, taken out of a company's tables once, as plain values.

Tables go on changing; what a posted period was worked out from must not. So a posting keeps its inputs as one
text (:func:`frozen`), and the period can be worked out again to the byte whatever becomes of the tables.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import pandas as pd

from salesops_lib.compensation.close.faults import refuse_faults
from salesops_lib.compensation.engine.company_events import company_events
from salesops_lib.compensation.engine.company_holders import NO_PLAN, company_holders
from salesops_lib.compensation.engine.currency import Rates, rates_from
from salesops_lib.compensation.engine.history import by_plan
from salesops_lib.compensation.plans.checks import checked_plans, plans_in_use
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.scales import needs_quota
from salesops_lib.core.errors import TableError
from salesops_lib.core.periods import FiscalCalendar

SCHEMA = "salesops.close/1"
DAYS = {"events": ("date",), "holders": ("start_date", "end_date", "hire_date")}


@dataclass(frozen=True)
class Taken:
    """Events and holders as the engine takes them, numbers as text; ``plan_texts``: name and text by file.

    ``rates``: currency, day, base per unit as text, where a plan pays in another currency. ``gaps``: (rep,
    quarter) whose quota is missing and stands in.
    """

    events: pd.DataFrame
    holders: pd.DataFrame
    plan_texts: tuple[tuple[str, str], ...]
    calendar: FiscalCalendar
    currency: str
    rates: tuple[tuple[str, str, str], ...]
    gaps: tuple[tuple[str, str], ...]

    @cached_property
    def plans(self) -> dict[str, list[Plan]]:
        """Plan id → versions. Raises PlanError for a plan with an error."""
        return by_plan(checked_plans(list(self.plan_texts)))

    @property
    def known_rates(self) -> Rates | None:
        """The rates; None where every plan pays in the reporting currency."""
        if not self.rates:
            return None
        rows = pd.DataFrame(list(self.rates), columns=["currency", "date", "base_per_unit"], dtype="object")
        return rates_from(rows, "fx_rates", self.currency)


def taken(
    tables: Mapping[str, pd.DataFrame], plan_texts, company, through: date, *, overlay: float = 1.0,
    unpaid_days: Callable[[date], int], plan_rates: pd.DataFrame | None = None,
) -> Taken:  # fmt: skip
    """Take a close's inputs out of tables.

    Parameters
    ----------
    tables
        Frames of DATA.md: those of ``close_faults.NEEDED``, and of ``OPTIONAL`` what there is.
    plan_texts
        (name, text) of every plan file; a plan that nobody was ever on is left out.
    company
        Its ``calendar``, ``time_zone`` and ``currency``.
    overlay
        Share of the region's quota that an overlay without one of its own is given.
    unpaid_days
        Due day → days after it from which an invoice counts as not paid.
    plan_rates
        ``currency``, ``date``, ``base_per_unit``: rates that quotas were set at, where plans need them.

    Raises
    ------
    TableError
        What :func:`close_faults.refuse_faults` refuses. PlanError: plans with an error.
    """
    assigned = tables.get("plan_assignments")
    texts, ids = plans_in_use(plan_texts, set() if assigned is None else set(assigned["plan_id"]))
    plans = checked_plans(texts)
    refuse_faults(tables, ids, through)
    events = company_events(dict(tables), company.time_zone, through, unpaid_days)
    holders = company_holders(dict(tables), plans, company.calendar, overlay)
    foreign = {p.id: p.currency for p in plans if p.currency != company.currency}
    if foreign:
        events = events.assign(currency=company.currency)
        holders = _in_plan_currency(holders, foreign, plan_rates)
    holders, gaps = quotas_filled(holders, plans, company.calendar, through)
    rates = _rates(tables, foreign, company.currency)
    return Taken(events, holders, tuple(texts), company.calendar, company.currency, rates, tuple(gaps))


def quotas_filled(
    holders: pd.DataFrame, plans: list[Plan], calendar: FiscalCalendar, through: date
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Holders with missing quotas filled from the quarter before, else after; and each (rep, quarter) filled.

    Only of plans with a component that needs the holder's own quota, and of days up to ``through``.
    """
    need = {
        p.id for p in plans for c in p.components
        if needs_quota(c) and p.measure(c.measure).quota.source == "individual"
    }  # fmt: skip
    rows = holders.sort_values(["rep_id", "start_date"], kind="stable").copy()
    own = rows["quota"].where(rows["plan_id"] != NO_PLAN)
    carried = own.groupby(rows["rep_id"]).ffill()
    carried = carried.where(carried.notna(), own.groupby(rows["rep_id"]).bfill())
    gap = rows["plan_id"].isin(need) & own.isna() & carried.notna()
    rows["quota"] = own.where(~gap, carried)
    seen = gap & (pd.to_datetime(rows["start_date"]) <= pd.Timestamp(through))
    quarters = calendar.assign(pd.to_datetime(rows["start_date"]), "quarter")
    named = dict.fromkeys(zip(rows.loc[seen, "rep_id"], quarters[seen], strict=True))
    made = rows.sort_index().astype("object")
    return made.where(made.notna(), None), list(named)


def _in_plan_currency(
    holders: pd.DataFrame, foreign: dict[str, str], plan_rates: pd.DataFrame | None
) -> pd.DataFrame:
    """Quotas, which stand in the reporting currency, in that of the holder's plan, at the plan's rate."""
    quotas = [c for c in holders if c == "quota" or c.startswith("quota_")]
    made = holders.copy()
    for place, row in zip(holders.index, holders.to_dict("records"), strict=True):
        code = foreign.get(row["plan_id"])
        if code is None or all(row[c] is None for c in quotas):
            continue
        rate = _plan_rate(plan_rates, code, row["start_date"])
        if rate is None:
            raise TableError(
                f"quotas: {row['rep_id']} is on '{row['plan_id']}', which pays in {code}, and there is no "
                f"plan rate of {code} on {row['start_date']}; add it to policy/plan_rates.yaml"
            )
        for column in quotas:
            if row[column] is not None:
                made.loc[place, column] = f"{float(row[column]) / rate:.2f}"
    return made


def _plan_rate(rates: pd.DataFrame | None, code: str, day: date) -> float | None:
    if rates is None or rates.empty:
        return None
    known = rates[(rates["currency"] == code) & (rates["date"] <= pd.Timestamp(day))]
    known = known[known["base_per_unit"].notna()].sort_values("date")
    return float(known["base_per_unit"].iloc[-1]) if len(known) else None


def _rates(
    tables: Mapping[str, pd.DataFrame], foreign: dict[str, str], currency: str
) -> tuple[tuple[str, str, str], ...]:
    """Rates where a plan pays in another currency than the company's; none where none does."""
    if not foreign:
        return ()
    if "fx_rates" not in tables:
        plan_id, other = next(iter(sorted(foreign.items())))
        raise TableError(f"plan {plan_id} pays in {other} and there is no table fx_rates; add it")
    rows = tables["fx_rates"]
    rows = rows[rows["base_per_unit"].notna() & (rows["currency"] != currency)]
    days = rows["date"].dt.date.map(str)
    return tuple(zip(rows["currency"], days, rows["base_per_unit"].map(repr), strict=True))


def frozen(inputs: Taken) -> str:
    """The inputs as one text: the same inputs, the same text."""
    calendar = inputs.calendar
    content = {
        "schema": SCHEMA, "currency": inputs.currency, "plans": sorted(map(list, inputs.plan_texts)),
        "events": _plain(inputs.events), "holders": _plain(inputs.holders), "rates": list(inputs.rates),
        "gaps": list(inputs.gaps),
        "calendar": {
            "quarter_starts": calendar.quarter_starts, "month_starts": calendar.month_starts,
            "first_year": calendar.first_year, "first_quarter": calendar.first_quarter,
            "working_days": calendar.working_days, "holidays": calendar.holidays,
        },
    }  # fmt: skip
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def thawed(text: str) -> Taken:
    """The inputs that a text holds."""
    said = json.loads(text)
    days = {k: tuple(date.fromisoformat(d) for d in said["calendar"][k])
            for k in ("quarter_starts", "month_starts", "holidays")}  # fmt: skip
    working = tuple(said["calendar"]["working_days"])
    calendar = FiscalCalendar(**(said["calendar"] | days | {"working_days": working}))
    frames = {name: _frame(said[name], DAYS[name]) for name in DAYS}
    pairs = {k: tuple(tuple(row) for row in said[k]) for k in ("plans", "rates", "gaps")}
    return Taken(
        frames["events"], frames["holders"], pairs["plans"], calendar, said["currency"], pairs["rates"],
        pairs["gaps"],
    )  # fmt: skip


def hash_of(text: str) -> str:
    """SHA-256 of frozen inputs."""
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(frame: pd.DataFrame) -> dict[str, Any]:
    columns = sorted(frame.columns)
    cells = [[_cell(v) for v in frame[c].tolist()] for c in columns]
    return {"columns": columns, "rows": [list(row) for row in zip(*cells, strict=True)]}


def _cell(value: Any) -> str | None:
    if value is None or value is pd.NaT or value != value:
        return None
    return value.isoformat() if isinstance(value, date) else str(value)


def _frame(said: dict[str, Any], days: tuple[str, ...]) -> pd.DataFrame:
    made = pd.DataFrame(said["rows"], columns=said["columns"], dtype="object")
    for name in days:
        made[name] = pd.Series([v and date.fromisoformat(v) for v in made[name]], dtype="object")
    return made
