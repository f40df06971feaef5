"""What stops a close: tables that would pay the wrong thing, refused by row before anything is worked out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from itertools import pairwise

import pandas as pd

from salesops_lib.compensation.engine.company_holders import NO_PLAN
from salesops_lib.compensation.engine.history import by_plan
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.core.errors import TableError
from salesops_lib.core.periods import FiscalCalendar

NEEDED = ("opportunities", "reps", "quotas", "plan_assignments")
OPTIONAL = ("credits", "leads", "measure_events", "line_items", "invoices", "contracts", "fx_rates")
_FAR = pd.Timestamp("2099-01-01")


def refuse_faults(tables: Mapping[str, pd.DataFrame], known: Collection[str], through: date) -> None:
    """Raise TableError for the first fault that would pay the wrong thing; silent where there is none.

    ``known``: ids of the plans that have a file.
    """
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
            f"credit, so nobody can be paid; name its payee, or a house account on no plan "
            f"({len(alone)} such deal{'s' * (len(alone) > 1)})"
        )


def refuse_unpaid(
    tables: Mapping[str, pd.DataFrame], plans: Iterable[Plan], currency: str, days: tuple[date, date]
) -> None:
    """Raise TableError where somebody or something of a period would be left out in silence.

    A won deal without an amount in the reporting currency (its rate is missing), a rep on a plan of which no
    version holds, or whose target pay is in another currency than the plan's. ``days``: first and last.
    """
    first, last = (pd.Timestamp(d) for d in days)
    deals = tables["opportunities"]
    won = deals[deals["is_won"].fillna(False).astype(bool) & deals["close_date"].between(first, last)]
    empty = won[won["amount_base"].isna()]
    if len(empty):
        row = empty.iloc[0]
        raise TableError(
            f"opportunities: {row['opportunity_id']}, won on {row['close_date'].date()}, has no amount in "
            f"{currency}; give the amount, or the rate of {row.get('currency') or 'its currency'} on that "
            f"day ({len(empty)} such deal{'s' * (len(empty) > 1)})"
        )
    rows = tables["plan_assignments"]
    rows = rows[(rows["start_date"] <= last) & (rows["end_date"].fillna(_FAR) > first)]
    versions = by_plan(plans)
    for row in rows.sort_values(["rep_id", "start_date"]).to_dict("records"):
        known = versions.get(row["plan_id"])
        if known:
            _refuse_uncovered(row, known, first, last)


def _refuse_uncovered(row: dict, known: list[Plan], first: pd.Timestamp, last: pd.Timestamp) -> None:
    who, plan_id = row["rep_id"], row["plan_id"]
    end = row["end_date"] if pd.notna(row["end_date"]) else _FAR
    day, end = max(row["start_date"], first).date(), min(end, last + pd.Timedelta(days=1)).date()
    for plan in known:
        if plan.start <= day < plan.end:
            day = plan.end
    if day < end:
        raise TableError(
            f"plan_assignments: {who} is on '{plan_id}', of which no version holds on {day}; put the version "
            f"into plans/, or end the assignment"
        )
    paid = known[-1].currency
    if pd.notna(row.get("currency")) and row["currency"] != paid:
        raise TableError(
            f"plan_assignments: {who} has target pay in {row['currency']} and plan '{plan_id}' pays in "
            f"{paid}; write both in one currency"
        )


def refuse_stand_ins(
    gaps: Iterable[tuple[str, str]], calendar: FiscalCalendar, since: date, through: date
) -> None:
    """Raise TableError for a quota that would have to be guessed in a quarter that is closed here.

    ``gaps``: (rep, quarter). ``since``: first day of the first period ever closed.
    """
    for rep, quarter in gaps:
        start, end = calendar.bounds(quarter)
        if end > since and start <= through:
            raise no_quota(rep, quarter)


def no_quota(rep: str, quarter: str) -> TableError:
    """The refusal of a quarter without a quota."""
    return TableError(
        f"quotas: {rep} has none above 0 in {quarter} and is on a plan that pays by it; enter that of the "
        "quarter or of each of its three months (a year's is not divided), pay is not guessed"
    )
