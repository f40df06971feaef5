"""ASC 340-40: published and hand-made schedules."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops_lib.compensation.close.contract_costs import Terms, capitalised, schedule, straight

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
    # By hand: 100 a month from January; in March 3,400 − 360 = 3,040 are left for 34 months, 89.41 each.
    assert run["amortised"].tolist()[:4] == [100, 100, 89, 89]
    assert run["capitalised"].tolist()[:3] == [3600, 0, -360]
    assert run["remaining"].iloc[2] == 3600 - 100 - 100 - 360 - 89
    assert run["capitalised"].sum() == run["amortised"].sum() + run["remaining"].iloc[-1]


@pytest.mark.parametrize("rows", [[("FY25-M01", "bonus", "", 5)], []])
def test_nothing_to_capitalise_has_no_schedule(rows):
    assert schedule(capitalised(lines(*rows), DEALS, TERMS, MONTHS), MONTHS).empty


def test_a_sale_taken_back_whole_leaves_no_asset_and_its_written_off_part_is_income():
    costs = capitalised(
        lines(("FY25-M01", "commission", "N", 3600), ("FY25-M03", "clawback", "N", -3600)),
        DEALS, TERMS, MONTHS,
    )  # fmt: skip
    run = schedule(costs, MONTHS).set_index("closes")
    # By hand: 200 written off by February come back in March; nothing is left, now or later.
    assert run["amortised"].tolist()[:4] == [100, 100, -200, 0]
    assert run["remaining"].tolist()[2:] == [0] * 10


def test_of_a_contract_that_ended_the_rest_is_written_off_in_that_month():
    costs = capitalised(lines(("FY25-M01", "commission", "N", 3600)), DEALS, TERMS, MONTHS)
    run = schedule(costs, MONTHS, {"N": "FY25-M04"}).set_index("closes")
    assert run["amortised"].tolist() == [100, 100, 100, 3300] + [0] * 8
    assert run["remaining"].iloc[3:].eq(0).all()


def test_a_deal_longer_than_the_policys_benefit_is_written_off_over_its_own_term():
    deals = DEALS.assign(term_months=[60.0, 24.0])
    found = capitalised(
        lines(("FY25-M01", "commission", "N", 6000), ("FY25-M01", "commission", "R", 2400)),
        deals, TERMS, MONTHS,
    ).set_index("deal_id")  # fmt: skip
    assert found["months"].to_dict() == {"N": 60, "R": 24}
    # A renewal of 24 months is beyond the expedient of one year, so it is an asset too.
    assert found["asset"].to_dict() == {"N": 6000, "R": 2400}


moved = st.dictionaries(st.integers(0, 11), st.integers(-(10**6), 10**6), min_size=1, max_size=5)


@given(cases=st.lists(st.tuples(moved, st.integers(0, 12)), min_size=25, max_size=25))
@settings(max_examples=40)  # × 25 deals: 1,000
def test_whatever_moves_the_asset_of_a_deal_is_never_below_zero_and_adds_up(cases):
    # A deal each, in a currency of its own: the schedule is by currency, so every deal is judged alone.
    ids = [f"N{number}" for number in range(len(cases))]
    ended = {deal: MONTHS[stop] for deal, (_, stop) in zip(ids, cases, strict=True) if stop < 12}
    rows = lines(*((MONTHS[m], "commission", deal, c) for deal, (moves, _) in zip(ids, cases, strict=True)
                   for m, c in sorted(moves.items())))  # fmt: skip
    deals = pd.DataFrame({"opportunity_id": ids, "type": "New"})
    run = schedule(capitalised(rows.assign(currency=rows["deal_id"]), deals, TERMS, MONTHS), MONTHS, ended)
    assert set(run["currency"]) == {
        i for i, (moves, _) in zip(ids, cases, strict=True) if any(moves.values())
    }
    for _, mine in run.groupby("currency"):
        assert mine["remaining"].min() >= 0
        assert mine["capitalised"].sum() == mine["amortised"].sum() + mine["remaining"].iloc[-1]
