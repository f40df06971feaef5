"""ASC 340-40: published and hand-made schedules."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops_lib.compensation.contract_costs import Terms, capitalised, schedule, straight

TERMS = Terms({"renewal": 12}, 36)
MONTHS = [f"FY25-M{m:02d}" for m in range(1, 13)]
DEALS = pd.DataFrame({"opportunity_id": ["N", "R"], "type": ["New", "Renewal"]})


def lines(*rows: tuple[str, str, str, int]) -> pd.DataFrame:
    made = pd.DataFrame(rows, columns=["closes", "kind", "deal_id", "cents"])
    return made.assign(of_kind=made["kind"], currency="USD")


def test_six_thousand_over_24_months_are_250_each():
    # journalentrieshub: 6,000 amortised over 24 months.
    assert straight(600_000, 24) == [25_000] * 24


def test_fifteen_thousand_over_36_months_add_up_exactly():
    # By hand: 416.67 or 416.66 a month, 15,000.00 in all.
    parts = straight(1_500_000, 36)
    assert sum(parts) == 1_500_000
    assert set(parts) == {41_666, 41_667}


@given(cents=st.integers(-(10**9), 10**9), months=st.integers(1, 120))
@settings(max_examples=1000)
def test_parts_add_up_and_differ_by_a_cent_at_most(cents, months):
    parts = straight(cents, months)
    assert sum(parts) == cents
    assert max(parts) - min(parts) <= 1


def test_new_business_is_an_asset_renewals_and_bonuses_are_expense():
    found = capitalised(
        lines(("FY25-M01", "commission", "N", 3600), ("FY25-M01", "commission", "R", 500),
              ("FY25-M01", "bonus", "", 70)),
        DEALS, TERMS, MONTHS,
    ).set_index("deal_id")  # fmt: skip
    assert found["asset"].to_dict() == {"": 0, "N": 3600, "R": 0}
    assert found["expense"].to_dict() == {"": 70, "N": 0, "R": 500}
    assert (found["earned"] == found["asset"] + found["expense"]).all()


def test_the_asset_runs_down_month_by_month_and_a_clawback_takes_its_part_with_it():
    costs = capitalised(
        lines(("FY25-M01", "commission", "N", 3600), ("FY25-M03", "clawback", "N", -360)),
        DEALS,
        TERMS,
        MONTHS,
    )
    run = schedule(costs, MONTHS).set_index("closes")
    # By hand: 100 a month from January; from March 10 less.
    assert run["amortised"].tolist()[:4] == [100, 100, 90, 90]
    assert run["capitalised"].tolist()[:3] == [3600, 0, -360]
    assert run["remaining"].iloc[2] == 3600 - 100 - 100 - 360 - 90
    assert run["capitalised"].sum() == run["amortised"].sum() + run["remaining"].iloc[-1]


@pytest.mark.parametrize("rows", [[("FY25-M01", "bonus", "", 5)], []])
def test_nothing_to_capitalise_has_no_schedule(rows):
    assert schedule(capitalised(lines(*rows), DEALS, TERMS, MONTHS), MONTHS).empty
