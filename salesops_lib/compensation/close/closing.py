"""What everybody on a plan earns up to a day, worked out anew from all that is known on it.

A close never adds to what it worked out before: it works out every period since the first plan and takes the
difference to what is posted (:mod:`draft`). So a deal restated later, a batch cut elsewhere, a late split all
end in the same sum.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

import pandas as pd

from salesops_lib.compensation.close.faults import no_quota
from salesops_lib.compensation.close.statement_deals import booked_deals
from salesops_lib.compensation.close.taken import Taken
from salesops_lib.compensation.engine.invoice_events import billed_shares
from salesops_lib.compensation.engine.pay import Inputs, Paid, pay
from salesops_lib.compensation.engine.plan_words import plan_words
from salesops_lib.compensation.engine.rows import share_of
from salesops_lib.compensation.engine.tables import lines_table, measures_table, payments_table
from salesops_lib.compensation.plans.faults import PlanError
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.core.errors import TableError
from salesops_lib.core.periods import FiscalCalendar

TERMS = ["rep_id", "plan", "part", "words"]
_NO_QUOTA = re.compile(r" E203 (\S+): no quota of")
_EVEN = Fraction(1, 10**6)  # shares come from tables as floats: thirds add up to nearly 1


@dataclass(frozen=True)
class Worked:
    """Pay of all plans up to ``through``, as tables of all periods.

    ``lines``: columns of ``tables.LINE_COLUMNS``, ``currency``, ``closes`` (the close period that pays it).
    ``payments``: ``PAYMENT_COLUMNS`` with ``plan_id``, ``currency``, ``closes``. ``measures``: value, quota
    and attainment per holder, plan, measure and window. ``stood_in``: sentences on quotas that stand in.
    ``terms``: columns of `TERMS`, each payee's plan in words on the last day. ``credited``: close period →
    (deals credited in whole, deals booked). ``deals``: of ``statement_deals.booked_deals``. ``paid``: each
    plan's pay as the engine has it, for the rows behind a line. ``billed``: of
    ``invoice_events.billed_shares``.
    """

    through: date
    lines: pd.DataFrame
    payments: pd.DataFrame
    measures: pd.DataFrame
    notes: tuple[str, ...]
    stood_in: tuple[str, ...]
    terms: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=TERMS))
    credited: dict[str, tuple[int, int]] = field(default_factory=dict)
    deals: pd.DataFrame | None = None
    paid: tuple[Paid, ...] = ()
    billed: dict[str, float] | None = None


def work_out(inputs: Taken, through: date) -> Worked:
    """Pay every plan up to and with the day ``through``.

    Raises
    ------
    TableError
        Where no plan with people on it has started, or a quota that pay hangs on was never given. PlanError:
        what the engine refuses, such as a missing rate.
    """
    calendar, on_plan = inputs.calendar, set(inputs.holders["plan_id"])
    rates = inputs.known_rates
    made: list[tuple] = []
    pays: list[Paid] = []
    notes: list[str] = []
    for plan_id, versions in sorted(inputs.plans.items()):
        if min(p.start for p in versions) > through or plan_id not in on_plan:
            continue
        paid = _pay(versions, Inputs(inputs.events, inputs.holders, rates, calendar, through=through))
        pays.append(paid)
        made.append((*_tables(paid, plan_id, versions[0].currency), _terms(paid, plan_id, through)))
        notes += [f"{plan_id}: {note}" for note in paid.notes if "for nothing in this plan" not in note]
    if not made:
        raise TableError(f"no plan with people on it starts by {through}; check plan_assignments and plans/")
    lines, payments, measures, terms = (
        pd.concat(parts, ignore_index=True) for parts in zip(*made, strict=True)
    )
    for frame in (lines, payments):
        frame["closes"] = closes_in(frame["period"], calendar)
    said = tuple(f"{rep}: no quota in {quarter}; that of the quarter next to it stands in."
                 for rep, quarter in inputs.gaps)  # fmt: skip
    credited = _credited(inputs.events, calendar, through)
    deals = booked_deals(inputs.events, inputs.currency)
    return Worked(
        through, lines, payments, measures, tuple(notes), said, terms, credited, deals, tuple(pays),
        billed_shares(inputs.events, through),
    )  # fmt: skip


def _pay(versions: list[Plan], given: Inputs) -> Paid:
    try:
        return pay(versions, given)
    except PlanError as fault:
        lost = _NO_QUOTA.search(str(fault))
        if lost is None:
            raise
        mine = (given.holders["rep_id"] == lost[1]) & (given.holders["plan_id"] == versions[0].id)
        rows = given.holders[mine & given.holders["quota"].isna()]
        if rows.empty:
            raise
        quarter = given.calendar.period_of(rows["start_date"].iloc[0], "quarter")
        raise no_quota(lost[1], str(quarter)) from None


def close_kind(calendar: FiscalCalendar) -> str:
    """What is closed: months, or quarters where the calendar has no months."""
    return "month" if calendar.month_starts else "quarter"


def closes_in(periods: pd.Series, calendar: FiscalCalendar) -> pd.Series:
    """The close period that pays a plan's pay period: the one its last day falls in."""
    kind = close_kind(calendar)
    ends = {p: calendar.bounds(p)[1] - pd.Timedelta(days=1) for p in periods.dropna().unique()}
    names = {p: str(calendar.period_of(pd.Timestamp(end).date(), kind)) for p, end in ends.items()}
    return periods.map(names)


def _tables(paid: Paid, plan_id: str, currency: str) -> tuple[pd.DataFrame, ...]:
    own = {"plan_id": plan_id, "currency": currency}
    return (
        lines_table(paid).assign(**own),
        payments_table(paid).assign(**own),
        measures_table(paid).assign(plan_id=plan_id),
    )


def _terms(paid: Paid, plan_id: str, through: date) -> pd.DataFrame:
    """The plan in words for everybody on it in the pay period of the last day."""
    paying, rows = paid.paying, []
    period = paying.period(through.toordinal())
    for rep in sorted(paying.prorated.holders):
        plan = paying.plan_of(rep, period)
        if plan is not None:
            words = plan_words(paying, rep, plan, through.toordinal())
            rows += [(rep, f"{plan_id} v{plan.version}", part, said) for part, said in words]
    return pd.DataFrame(rows, columns=TERMS)


def _credited(events: pd.DataFrame, calendar: FiscalCalendar, through: date) -> dict[str, tuple[int, int]]:
    """Close period → (deals whose direct credits add up to 1, deals booked)."""
    booked = events[(events["event"] == "booked") & (events["date"] <= through)]
    shares = booked.get("split_pct", pd.Series(None, index=booked.index, dtype="object"))
    sums = (
        shares.map(lambda s: Fraction(1) if s is None or s != s else share_of(s))
        .groupby(booked["deal_id"])
        .sum()
    )
    first = booked.drop_duplicates("deal_id").set_index("deal_id")["date"]
    closes = calendar.assign(pd.to_datetime(first), close_kind(calendar))
    whole = sums.reindex(first.index).map(lambda s: abs(s - 1) < _EVEN).astype(bool)
    return {name: (int(part.sum()), len(part)) for name, part in whole.groupby(closes)}
