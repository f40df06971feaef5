"""What invoices do to pay: a part paid releases its part, a part not paid comes back by the plan's terms."""

from datetime import date

import pandas as pd
import pytest

from salesops_lib.compensation.close.closing import work_out
from salesops_lib.compensation.close.taken import taken
from salesops_lib.compensation.close.waiting import waiting
from salesops_lib.compensation.engine.company_events import company_events
from salesops_lib.core.periods import monthly

PLAN = """\
schema: salesops.plan/1
id: p
version: 1
effective: {from: 2025-01-01}
currency: USD
roles: [Seller]
rounding: {unit: "0.01", mode: half_even}
pay: {target_total_cash: 0, base_salary: 0}
measures: {sales: {aggregate: sum, field: bookings, event: booked, period: year}}
components:
  - {id: commission, type: commission, measure: sales, weight: 0, basis: amount, rate_unit: percent,
     method: marginal, tiers: [{from: 0, rate: 10}]}
holds: [{component: commission, share: 0.5, release_on: invoice_paid}]
clawback: {trigger: [non_payment], window_days: 365, schedule: linear, only_paid: true,
  reduces_attainment: false}
"""
SOLD, DUE = pd.Timestamp("2025-01-10"), pd.Timestamp("2025-02-09")


class Company:
    calendar = monthly(1, range(2024, 2028))
    time_zone = "UTC"
    currency = "USD"


def tables(paid: str | None, *, amount: float | None = 12_000.0) -> dict[str, pd.DataFrame]:
    """36,000 over three years, sold by A and invoiced yearly; the first invoice is due on 9 February."""
    days = [SOLD, SOLD + pd.DateOffset(years=1), SOLD + pd.DateOffset(years=2)]
    return {
        "opportunities": pd.DataFrame(
            {
                "opportunity_id": ["D"], "owner_id": ["A"], "is_won": [True], "close_date": [SOLD],
                "amount": [36_000.0], "amount_base": [36_000.0], "currency": ["USD"], "term_months": [36.0],
            }
        ),
        "reps": pd.DataFrame(
            {
                "rep_id": ["A"], "start_date": [pd.Timestamp("2024-01-01")], "end_date": [pd.NaT],
                "role": ["Seller"], "manager_id": [None], "hire_date": [pd.NaT], "region": ["R"],
            }
        ),
        "quotas": pd.DataFrame(
            {
                "holder_id": ["A"], "level": ["rep"], "period": ["FY25-Q1"], "measure": ["bookings"],
                "quota_base": [1.0], "ramp_share": [float("nan")],
            }
        ),
        "plan_assignments": pd.DataFrame(
            {
                "rep_id": ["A"], "start_date": [pd.Timestamp("2025-01-01")], "end_date": [pd.NaT],
                "plan_id": ["p"], "target_cash": [0.0], "base_salary": [0.0], "currency": ["USD"],
            }
        ),
        "invoices": pd.DataFrame(
            {
                "invoice_id": ["I1", "I2", "I3"], "opportunity_id": ["D"] * 3, "invoiced_date": days,
                "due_date": [day + pd.Timedelta(days=30) for day in days],
                "paid_date": pd.to_datetime([paid, None, None]), "amount_base": [amount] * 3,
            }
        ),
    }  # fmt: skip


def worked(made: dict[str, pd.DataFrame], through: str):
    """Everybody's pay up to a day."""
    last = date.fromisoformat(through)
    return work_out(taken(made, [("p.yaml", PLAN)], Company, last, unpaid_days=lambda due: 90), last)


def moved(made: dict[str, pd.DataFrame], through: str) -> list[tuple[str, str, str]]:
    """(kind, day, money) of A's lines but the commission's and what is carried on as a debt."""
    lines = worked(made, through).lines
    assert lines.loc[lines["kind"] == "commission", "amount"].astype(str).tolist() == ["3600.00"]
    others = lines[~lines["kind"].isin(["commission", "overpayment"])]
    return [(row.kind, row.date.isoformat(), str(row.amount)) for row in others.itertuples()]


HELD = ("hold", "2025-01-10", "-1800.00")


def test_an_invoice_for_a_third_releases_a_third():
    assert moved(tables("2025-02-20"), "2025-12-31") == [HELD, ("release", "2025-02-20", "600.00")]


def test_an_invoice_that_does_not_say_how_much_releases_all():
    assert moved(tables("2025-02-20", amount=None), "2025-03-31") == [
        HELD,
        ("release", "2025-02-20", "1800.00"),
    ]


def test_invoices_at_other_exchange_rates_leave_nothing_held():
    made = tables("2025-02-20")
    rates = made["invoices"].assign(
        paid_date=pd.to_datetime(["2025-02-20", "2026-02-20", "2027-02-20"]),
        amount_base=[12_000.0, 11_500.0, 10_900.0],  # 34,400 of 36,000
    )
    releases = [("release", "2025-02-20", "600.00"), ("release", "2026-02-20", "575.00")]
    assert moved(made | {"invoices": rates.head(2)}, "2026-12-31") == [HELD, *releases]
    assert moved(made | {"invoices": rates}, "2027-12-31") == [
        HELD,
        *releases,
        ("release", "2027-02-20", "625.00"),
    ]
    short = rates.assign(amount_base=[12_000.0, 10_000.0, 10_000.0])  # 32,000 are 89 %: the rest is not paid
    assert moved(made | {"invoices": short}, "2027-12-31")[-1] == ("release", "2027-02-20", "500.00")


def test_a_third_that_is_not_paid_comes_back_by_the_days_left_and_its_hold_is_cancelled():
    # 90 days after 9 February is 10 May, day 120 of 365: 1,800 × 1/3 × 245/365 = 402.74, of each half.
    assert moved(tables(None), "2025-05-09") == [HELD]
    found = moved(tables(None), "2025-12-31")
    assert found[0] == HELD
    assert sorted(found[1:]) == [  # what is cancelled leaves the hold and is not paid
        ("cancelled", "2025-05-10", "-402.74"),
        ("clawback", "2025-05-10", "-402.74"),
        ("release", "2025-05-10", "402.74"),
    ]


@pytest.mark.parametrize(
    ("paid", "through", "expected"),
    [
        ("2025-05-10", "2025-12-31", []),  # on the last day that counts as paid
        ("2025-05-11", "2025-12-31", ["2025-05-10"]),
        (None, "2025-05-09", []),  # nobody knows yet
        (None, "2025-05-10", ["2025-05-10"]),
    ],
)
def test_an_invoice_counts_as_not_paid_from_a_day_on_whatever_comes_later(paid, through, expected):
    rows = company_events(tables(paid), "UTC", date.fromisoformat(through), lambda due: 90)
    late = rows[rows["event"] == "non_payment"]
    assert [day.isoformat() for day in late["date"]] == expected
    assert late["amount"].tolist() == ["12000.00"] * len(expected)


def late_of(invoices: list[tuple], days=lambda due: 90) -> list[tuple[str, str, str]]:
    """(invoice, amount, part) of what is not paid, of (id, invoiced, due, paid, amount) each."""
    columns = ["invoice_id", "invoiced_date", "due_date", "paid_date", "amount_base"]
    rows = pd.DataFrame(invoices, columns=columns).assign(opportunity_id="D")
    for name in columns[1:4]:
        rows[name] = pd.to_datetime(rows[name])
    made = company_events(tables(None) | {"invoices": rows}, "UTC", date(2029, 1, 1), days)
    made = made[made["event"] == "non_payment"].reindex(columns=["event_id", "amount", "part_amount"])
    return list(made.itertuples(index=False, name=None))


WRONG = ("I1", "2025-01-10", "2025-02-09", None, 12_000.0)


def test_a_corrected_invoice_is_nobodys_debt_and_one_reduced_is_owed_for_the_rest():
    again = ("I3", "2025-02-20", "2025-03-20", "2025-03-01", 12_000.0)
    assert late_of([WRONG]) == [("I1", "12000.00", "12000.00")]
    assert late_of([WRONG, ("I2", "2025-02-20", None, None, -12_000.0), again]) == []
    assert late_of([WRONG, ("I2", "2025-02-20", None, None, -3_000.0)]) == [("I1", "9000.00", "9000.00")]
    # A credit note issued after the day on which it counted as not paid changes nothing.
    assert late_of([WRONG, ("I2", "2025-06-20", None, None, -12_000.0)]) == [("I1", "12000.00", "12000.00")]


def test_an_invoice_of_unknown_amount_is_not_clawed_back_and_one_after_the_whole_deal_is_for_nothing():
    assert late_of([("I1", "2025-01-10", "2025-02-09", None, None)]) == []
    assert late_of([("I1", "2025-01-10", None, None, 12_000.0)]) == [] == late_of([])
    whole = ("I1", "2025-01-10", "2025-02-09", "2025-02-01", 35_000.0)
    assert late_of([whole, ("I2", "2026-01-10", "2026-02-09", None, 2_000.0)]) == [("I2", "2000.00", "0.00")]


def test_the_days_are_those_of_the_policy_when_the_invoice_was_due():
    later = ("I2", "2025-12-10", "2026-01-09", "2026-03-20", 12_000.0)  # on day 70
    slow = ("I1", "2025-01-10", "2025-02-09", "2025-04-20", 12_000.0)  # on day 70 as well
    days = {True: 60, False: 90}
    assert late_of([slow, later], lambda due: days[due.year >= 2026]) == [("I2", "12000.00", "12000.00")]


def test_a_deal_taken_back_by_a_credit_note_is_released_no_more():
    made = tables("2025-02-20")
    rows = pd.DataFrame(
        {
            "invoice_id": ["I1", "I2"], "opportunity_id": ["D", "D"],
            "invoiced_date": pd.to_datetime(["2025-01-10", "2025-03-01"]),
            "due_date": pd.to_datetime(["2025-02-09", None]),
            "paid_date": pd.to_datetime(["2025-02-20", "2025-03-01"]), "amount_base": [33_000.0, -33_000.0],
        }
    )  # fmt: skip
    # 33,000 of 36,000 are the whole deal; taken back, nothing of it is paid.
    found = moved(made | {"invoices": rows}, "2025-12-31")
    assert found[:2] == [HELD, ("release", "2025-02-20", "1800.00")]
    assert sum(float(money) for _, _, money in found) == -1800


def test_an_invoice_for_nothing_releases_nothing():
    made = tables("2025-02-20")
    free = made["invoices"].assign(amount_base=[0.0, 12_000.0, 12_000.0])
    assert moved(made | {"invoices": free}, "2025-12-31") == [HELD]


def test_a_credit_note_and_an_invoice_without_a_due_date_are_nobodys_debt():
    made = tables(None)
    made["invoices"] = made["invoices"].assign(amount_base=[-5.0, 5.0, 5.0], due_date=[DUE, pd.NaT, pd.NaT])
    rows = company_events(made, "UTC", date(2029, 1, 1), lambda due: 90)
    assert "non_payment" not in set(rows["event"])


@pytest.mark.parametrize(
    ("paid", "through", "held", "unbilled"),
    [
        (None, "2025-03-31", 1800, 1200),  # a third is billed and not paid
        ("2025-02-20", "2025-03-31", 1200, 1200),  # what is billed is paid
        ("2025-02-20", "2026-03-31", 1200, 600),  # the second year is billed as well
        ("2025-02-20", "2027-03-31", 1200, 0),
    ],
)
def test_held_pay_waits_for_a_payment_or_for_a_bill(paid, through, held, unbilled):
    (row,) = waiting(worked(tables(paid), through)).to_dict("records")
    assert (row["held"], row["unbilled"]) == (held, pytest.approx(unbilled))


def test_without_invoices_nobody_knows_what_held_pay_waits_for():
    made = {name: frame for name, frame in tables(None).items() if name != "invoices"}
    (row,) = waiting(worked(made, "2025-03-31")).to_dict("records")
    assert (row["held"], row["unbilled"]) == (1800, None)
