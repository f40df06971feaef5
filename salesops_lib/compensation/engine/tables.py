"""Pay as tables: lines, payments, measures; money as Decimal with two places."""

from __future__ import annotations

from datetime import date

import pandas as pd

from salesops_lib.compensation.engine.pay import Paid
from salesops_lib.compensation.engine.payments import Payment
from salesops_lib.compensation.engine.rounding import amount
from salesops_lib.compensation.engine.words import arithmetic, tier
from salesops_lib.compensation.plans.exact import plain

LINE_COLUMNS = (
    "rep_id", "period", "date", "kind", "part", "deal_id", "row", "rule", "share", "credited",
    "measure_before", "measure_after", "tier", "factor", "amount", "arithmetic", "window", "plan_id",
    "plan_version",
)  # fmt: skip
PAYMENT_COLUMNS = ("rep_id", "period", *Payment._fields[2:])


def lines_table(paid: Paid) -> pd.DataFrame:
    """One row per statement line, in the order of holder, pay period and posting.

    Columns of `LINE_COLUMNS`: ``amount`` Decimal in the plan's currency; ``period`` and ``window`` names such
    as FY26-M03; ``credited``, ``measure_before``, ``measure_after``, ``share``, ``factor`` exact as text;
    ``row`` the row of the events, 0 where a line is of none; ``arithmetic`` as it can be done by hand.
    """
    name, plan_id = paid.paying.windows.name, paid.paying.versions.plans[0].id
    rows = []
    for line in paid.lines:
        exact = [None if v is None else plain(v) for v in (line.credited, line.before, line.after)]
        window = name(line.window) if line.window else None
        who = (
            line.rep,
            name(line.period),
            date.fromordinal(line.day),
            line.kind,
            line.part,
            line.deal,
            line.row,
        )
        credit = (line.rule, plain(line.share), *exact, tier(paid.paying, line), plain(line.factor))
        told = (amount(line.cents), arithmetic(paid.paying, line), window, plan_id, line.version)
        rows.append((*who, *credit, *told))
    return pd.DataFrame(rows, columns=list(LINE_COLUMNS))


def payments_table(paid: Paid) -> pd.DataFrame:
    """One row per holder and pay period: what was earned, held, taken back, advanced, paid, and balances.

    Columns of `PAYMENT_COLUMNS`, money as Decimal. ``paid = earned + held + clawed_back + overpayment + draw
    + draw_recovery``; balances are of the period's end.
    """
    name = paid.paying.windows.name
    rows = [(p.rep, name(p.period), *(amount(c) for c in p[2:])) for p in paid.payments]
    return pd.DataFrame(rows, columns=list(PAYMENT_COLUMNS))


def measures_table(paid: Paid) -> pd.DataFrame:
    """One row per holder, measure and window with events: ``value``, ``quota``, ``attainment`` as text.

    Missing where undefined.
    """
    paying, rows = paid.paying, []
    for name in dict.fromkeys(n for p in paying.versions.plans for n in p.measures):
        for rep, window in sorted(paying.measured.tally(name).spans, key=lambda s: (s[0], s[1].start)):
            plan = paying.plan_of(rep, window)
            if plan is None or name not in plan.measures:
                continue
            value = paying.measured.value(rep, name, plan, window, paying.horizon)
            quota = paying.measured.quota(rep, name, plan, window)
            attained = value / quota if value is not None and quota else None
            told = [None if v is None else plain(v) for v in (value, quota, attained)]
            rows.append((rep, name, paying.windows.name(window), *told))
    return pd.DataFrame(rows, columns=["rep_id", "measure", "window", "value", "quota", "attainment"])
