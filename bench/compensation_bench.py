"""How fast pay is worked out exactly: 240,000 statement lines of 1,000 reps, from rows to payments.

Against the same pay in fractions, line by line, on a part of the reps; and against reading the same rows once
(amounts to Decimal, a sort, running sums). The target is about a second of CPU.

A close of a month (every line since January with its arithmetic in words, the draft and its checks, a page a
payee) against the same pay in fractions, which is the least that exact pay takes without the fast path; and a
line of four times as many payees against a line of few: it must not cost more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd

REPS, DEALS, SLOW_REPS = 1_000, 80, 20
BOUND_EXACT, BOUND_READ = 0.1, 15.0
FEW, MANY = 60, 240
BOUND_CLOSE, BOUND_MORE = 3.0, 1.3
PLAN = """
schema: salesops.plan/1
id: bench
version: 1
effective: {from: 2026-01-01, to: 2027-01-01}
currency: USD
roles: [AE]
rounding: {unit: "0.01", mode: half_even}
pay: {target_total_cash: 240000, base_salary: 120000}
proration: {basis: actual_days, quota: true, target_incentive: true}
measures:
  year: {aggregate: sum, field: acv, event: booked, period: year, quota: {source: individual}}
  quarter: {aggregate: sum, field: acv, event: booked, period: quarter}
components:
  - id: tiers
    type: commission
    measure: year
    weight: 1
    basis: attainment
    rate_unit: multiple_of_base
    method: marginal
    tiers: [{from: 0, rate: 0.75}, {from: 0.5, rate: 1.25}, {from: 1, rate: 2}, {from: 1.5, rate: 3}]
    cap: {share_of_target: 2.5}
  - id: kicker
    type: commission
    measure: quarter
    weight: 0
    basis: amount
    rate_unit: percent
    method: marginal
    tiers: [{from: 0, rate: 1.15}, {from: 70000, rate: 1.35}]
  - id: slab
    type: commission
    measure: year
    weight: 0
    basis: attainment
    rate_unit: percent
    method: retroactive
    tiers: [{from: 0, rate: 0.35}, {from: 1, rate: 0.45}]
"""


def measure() -> list[dict[str, str | float]]:
    """Two ratios of one run: exact pay ÷ pay in fractions per line, and ÷ reading the rows once."""
    from salesops_lib.compensation.engine.pay import Inputs, pay
    from salesops_lib.compensation.plans.load import the_plan

    plan, all_rows, few = the_plan(PLAN, "bench.yaml"), rows(REPS), rows(SLOW_REPS)
    inputs = Inputs(events=all_rows[0], holders=all_rows[1])
    pay([plan], Inputs(events=few[0], holders=few[1]))  # imports and caches
    seconds, paid = timed(lambda: pay([plan], inputs))
    read_seconds, _ = timed(lambda: read_once(all_rows[0]))
    few_inputs = Inputs(events=few[0], holders=few[1])
    slow_seconds, slow = timed(lambda: pay([plan], replace(few_inputs, exactly=True)))
    lines = paid.count()
    per_line, slow_per_line = seconds / lines, slow_seconds / slow.count()
    told = {"seconds": round(seconds, 2), "lines": lines}
    close_of(10)  # imports and caches
    (little, few_lines), (much, many_lines) = close_of(FEW), close_of(MANY)
    return [
        {
            "name": f"close_a_month_of_{MANY}_payees_to_fractions",
            "ratio": round(much / (slow_per_line * many_lines), 2),
            "bound": BOUND_CLOSE,
            "seconds": round(much, 2),
            "lines": many_lines,
            "fraction_seconds": round(slow_per_line * many_lines, 2),
        },
        {
            "name": f"close_a_line_of_{MANY}_payees_to_one_of_{FEW}",
            "ratio": round(much / many_lines / (little / few_lines), 2),
            "bound": BOUND_MORE,
            "seconds": round(much, 2),
            "few_seconds": round(little, 2),
        },
        {
            "name": "statement_lines_of_1000_reps_to_fractions",
            "ratio": round(per_line / slow_per_line, 4),
            "bound": BOUND_EXACT,
            **told,
            "fraction_seconds": round(slow_per_line * lines, 2),
        },
        {
            "name": "statement_lines_of_1000_reps_to_reading_rows",
            "ratio": round(seconds / read_seconds, 2),
            "bound": BOUND_READ,
            **told,
            "read_seconds": round(read_seconds, 3),
        },
    ]


def close_of(payees: int) -> tuple[float, int]:
    """Seconds of CPU of closing the eleventh month, and how many lines since January it rests on."""
    from salesops_lib.compensation.close.books import read_books
    from salesops_lib.compensation.close.closing import work_out
    from salesops_lib.compensation.close.draft import draft
    from salesops_lib.compensation.close.payslip import statements
    from salesops_lib.compensation.close.statement_pages import statement_page
    from salesops_lib.compensation.close.taken import Taken
    from salesops_lib.core.periods import monthly

    events, holders = rows(payees)
    spells = {"plan_id": "bench", "start_date": date(2026, 1, 1), "end_date": None, "hire_date": None}
    calendar, through = monthly(1, range(2026, 2028)), date(2026, 11, 30)
    inputs = Taken(events, holders.assign(**spells), (("bench.yaml", PLAN),), calendar, "USD", (), ())

    def close() -> int:
        worked = work_out(inputs, through)
        made = draft(worked, read_books([]), calendar, "FY26-M11", date(2026, 12, 2))
        pages = [statement_page("Bench", one) for one in statements(made, {}, worked, "draft")]
        assert len(pages) == payees and all(holds for _, _, holds in made.checks)
        return len(worked.lines)

    return timed(close)


def rows(reps: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Deals of so many reps over a year, and their holders with a quota each; the same every time."""
    rng = np.random.default_rng(5)
    count = reps * DEALS
    cents = (rng.lognormal(9.5, 0.8, count) * 100).astype("int64")
    days = np.datetime64("2026-01-01") + rng.integers(0, 365, count)
    events = pd.DataFrame(
        {
            "rep_id": np.repeat([f"R{n:04d}" for n in range(reps)], DEALS),
            "deal_id": [f"D{n}" for n in range(count)],
            "event_id": [f"E{n}" for n in range(count)],
            "event": "booked",
            "date": days.astype(object),
            "acv": [Decimal(int(c)).scaleb(-2) for c in cents],
        }
    )
    quotas = [str(int(q)) for q in rng.integers(900_000, 1_500_000, reps)]
    return events, pd.DataFrame({"rep_id": [f"R{n:04d}" for n in range(reps)], "quota": quotas})


def read_once(events: pd.DataFrame) -> pd.Series:
    """The least that any such work has to do: amounts to whole cents, a sort, running sums."""
    cents = pd.Series([int(a.scaleb(2)) for a in events["acv"]])
    ordered = events.assign(cents=cents).sort_values(["date", "deal_id", "event_id"])
    return ordered.groupby("rep_id")["cents"].cumsum()


def timed(work: Callable) -> tuple[float, object]:
    """Seconds of CPU, and what came of it."""
    before = time.process_time()
    made = work()
    return time.process_time() - before, made


if __name__ == "__main__":
    for result in measure():
        print(result)
