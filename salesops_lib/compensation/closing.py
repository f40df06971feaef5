"""What everybody on a plan earns up to a day, worked out anew from all that is known on it.

A close never adds to what it worked out before: it works out every period since the first plan and takes the
difference to what is posted (:mod:`draft`). So a deal restated later, a batch cut elsewhere, a late split all
end in the same sum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import pandas as pd

from salesops_lib.compensation.company_events import company_events
from salesops_lib.compensation.company_holders import NO_PLAN, company_holders
from salesops_lib.compensation.currency import Rates, rates_from
from salesops_lib.compensation.engine import Inputs, Paid, pay
from salesops_lib.compensation.plan import Plan
from salesops_lib.compensation.simulation_records import filled_quotas
from salesops_lib.compensation.tables import lines_table, measures_table, payments_table
from salesops_lib.core.errors import TableError
from salesops_lib.core.periods import FiscalCalendar

NEEDED = ("opportunities", "reps", "quotas", "plan_assignments")
OPTIONAL = ("credits", "leads", "measure_events", "line_items", "invoices", "contracts", "fx_rates")


@dataclass(frozen=True)
class Worked:
    """Pay of all plans up to ``through``, as tables of all periods.

    ``lines``: columns of ``tables.LINE_COLUMNS``, ``currency``, ``closes`` (the close period that pays it).
    ``payments``: ``PAYMENT_COLUMNS`` with ``plan_id``, ``currency``, ``closes``. ``measures``: value, quota
    and attainment per holder, plan, measure and window. ``stood_in``: sentences on quotas that stand in.
    """

    through: date
    lines: pd.DataFrame
    payments: pd.DataFrame
    measures: pd.DataFrame
    notes: tuple[str, ...]
    stood_in: tuple[str, ...]


def work_out(
    tables: Mapping[str, pd.DataFrame], plans: Iterable[Plan], company, through: date, *, overlay: float = 1.0
) -> Worked:
    """Pay every plan on a company's tables, up to and with the day ``through``.

    Parameters
    ----------
    tables
        Frames of DATA.md: those of :data:`NEEDED`, and of :data:`OPTIONAL` what there is.
    plans
        Checked plans, all versions.
    company
        Its ``calendar``, ``time_zone`` and ``currency``.
    overlay
        Share of the region's quota that an overlay without one of its own is given.

    Raises
    ------
    TableError
        A rep on two plans at once or on one without a file, a negative quota, a won deal that nobody is
        credited with: the first one by name. PlanError: what the engine refuses, such as a missing rate.
    """
    plans = list(plans)
    refuse_faults(tables, plans, through)
    events = company_events(dict(tables), company.time_zone)
    holders = company_holders(dict(tables), plans, company.calendar, overlay)
    holders, stood_in = filled_quotas(holders, company.calendar)
    rates = _rates(tables, plans, company.currency)
    if rates is not None:
        events = events.assign(currency=company.currency)
    by_id: dict[str, list[Plan]] = defaultdict(list)
    for plan in plans:
        by_id[plan.id].append(plan)
    lines, payments, measures, notes = [], [], [], []
    for plan_id, versions in sorted(by_id.items()):
        if min(p.start for p in versions) > through or plan_id not in set(holders["plan_id"]):
            continue
        given = Inputs(events, holders, rates, company.calendar, through=through)
        paid = pay(versions, given)
        parts = _tables(paid, plan_id, versions[0].currency)
        for kept, part in zip((lines, payments, measures), parts, strict=True):
            kept.append(part)
        notes += [f"{plan_id}: {note}" for note in paid.notes if "count for nothing" not in note]
    if not lines:
        raise TableError(f"no plan with people on it starts by {through}; check plan_assignments and plans/")
    frames = [pd.concat(parts, ignore_index=True) for parts in (lines, payments, measures)]
    for frame in frames[:2]:
        frame["closes"] = closes_in(frame["period"], company.calendar)
    return Worked(through, *frames, tuple(notes), tuple(stood_in))


def close_kind(calendar: FiscalCalendar) -> str:
    """What is closed: months, or quarters where the calendar has no months."""
    return "month" if calendar.month_starts else "quarter"


def closes_in(periods: pd.Series, calendar: FiscalCalendar) -> pd.Series:
    """The close period that pays a plan's pay period: the one its last day falls in."""
    kind = close_kind(calendar)
    ends = {p: calendar.bounds(p)[1] - pd.Timedelta(days=1) for p in periods.dropna().unique()}
    names = {p: str(calendar.period_of(pd.Timestamp(end).date(), kind)) for p, end in ends.items()}
    return periods.map(names)


def refuse_faults(tables: Mapping[str, pd.DataFrame], plans: list[Plan], through: date) -> None:
    """Raise TableError for the first fault that would pay the wrong thing; silent where there is none."""
    lost = [name for name in NEEDED if name not in tables]
    if lost:
        raise TableError(f"table '{lost[0]}' is missing; a close needs {', '.join(NEEDED)}")
    assigned = tables["plan_assignments"]
    for rep, part in assigned.sort_values(["rep_id", "start_date"]).groupby("rep_id"):
        for first, then in pairwise(part.to_dict("records")):
            if pd.isna(first["end_date"]) or first["end_date"] > then["start_date"]:
                raise TableError(
                    f"plan_assignments: {rep} is on {first['plan_id']} and {then['plan_id']} on "
                    f"{then['start_date'].date()}; end the first by then"
                )
    known = {p.id for p in plans}
    strange = assigned[~assigned["plan_id"].isin([*known, NO_PLAN])]
    strange = strange[strange["start_date"] <= pd.Timestamp(through)]
    if len(strange):
        row = strange.iloc[0]
        raise TableError(
            f"plan_assignments: {row['rep_id']} is on plan '{row['plan_id']}', which has no file; put it "
            f"into plans/ of the company folder ({len(strange)} such rows)"
        )
    negative = tables["quotas"][tables["quotas"]["quota_base"] < 0]
    if len(negative):
        row = negative.iloc[0]
        raise TableError(
            f"quotas: {row['holder_id']} has {row['quota_base']:,.2f} in {row['period']}; a quota is not "
            f"negative ({len(negative)} such rows)"
        )
    _refuse_unowned(tables, through)


def _refuse_unowned(tables: Mapping[str, pd.DataFrame], through: date) -> None:
    deals = tables["opportunities"]
    won = deals[deals["is_won"].fillna(False).astype(bool) & (deals["close_date"] <= pd.Timestamp(through))]
    alone = won[won["owner_id"].isna()]
    if "credits" in tables:
        alone = alone[~alone["opportunity_id"].isin(tables["credits"]["opportunity_id"])]
    if len(alone):
        row = alone.iloc[0]
        raise TableError(
            f"opportunities: {row['opportunity_id']}, won on {row['close_date'].date()}, has no owner and no "
            f"credit, so nobody can be paid; name its payee ({len(alone)} such deals)"
        )


def _rates(tables: Mapping[str, pd.DataFrame], plans: list[Plan], currency: str) -> Rates | None:
    """Rates where a plan pays in another currency than the company's; None where none does."""
    if all(p.currency == currency for p in plans):
        return None
    if "fx_rates" not in tables:
        other = next(p for p in plans if p.currency != currency)
        raise TableError(f"plan {other.id} pays in {other.currency} and there is no table fx_rates; add it")
    rows = tables["fx_rates"][["currency", "date", "base_per_unit"]]
    rows = rows.assign(date=rows["date"].dt.date, base_per_unit=rows["base_per_unit"].map(repr))
    return rates_from(rows.astype("object"), "fx_rates", currency)


def _tables(paid: Paid, plan_id: str, currency: str) -> tuple[pd.DataFrame, ...]:
    own = {"plan_id": plan_id, "currency": currency}
    return (
        lines_table(paid).assign(**own),
        payments_table(paid).assign(**own),
        measures_table(paid).assign(plan_id=plan_id),
    )
