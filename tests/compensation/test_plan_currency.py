"""Plans in another currency, restated: the same plan paid in euro and in its dollars earns the same money."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from salesops_lib.compensation.engine.pay import Inputs, pay
from salesops_lib.compensation.plans.load import the_plan
from salesops_lib.compensation.simulation.exchange import RateRange, drawn_rates, rate_limits, rate_ranges
from salesops_lib.compensation.simulation.plan_currency import assignments_in, in_reporting
from salesops_lib.core.errors import TableError

DAY = date(2026, 1, 1)
RATES = pd.DataFrame(
    {
        "currency": ["EUR", "EUR"],
        "date": pd.to_datetime(["2025-01-01", "2027-01-01"]),
        "base_per_unit": [1.25, 9.0],
    }
)
EURO = """
schema: salesops.plan/1
id: euro
version: 1
effective: {from: 2026-01-01, to: 2027-01-01}
currency: EUR
roles: [AM]
rounding: {unit: "0.01", mode: half_even}
pay: {target_total_cash: 80000, base_salary: 40000}
measures:
  sales: {aggregate: sum, field: amount, event: booked, period: quarter, quota: {source: role, value: 80000}}
  all: {aggregate: sum, field: amount, event: booked, period: quarter}
  visits: {aggregate: count, event: visit, period: quarter}
components:
  - {id: base, type: commission, measure: sales, weight: 1, basis: attainment, rate_unit: multiple_of_base,
     method: marginal, tiers: [{from: 0, rate: 1}, {from: 1, rate: 2}], cap: {per_deal: 20000}}
  - {id: bands, type: commission, measure: all, weight: 0, basis: amount, rate_unit: percent,
     method: retroactive, tiers: [{from: 0, rate: 1}, {from: 60000, rate: 3}],
     gate: {measure: all, value_at_least: 20000}}
  - {id: prize, type: bonus, measure: all, weight: 0, basis: amount, rate_unit: amount,
     method: interpolated, points: [[0, 0], [50000, 400], [90000, 4400]], cap: {amount: 4000}}
  - {id: visits, type: commission, measure: visits, weight: 0, basis: amount, rate_unit: amount,
     method: marginal, tiers: [{from: 0, rate: 40}, {from: 1, rate: 60}]}
  - {id: rich, type: commission, measure: all, weight: 0, basis: amount, rate_unit: percent,
     method: marginal, tiers: [{from: 0, rate: 1}],
     multiplier: {measure: all, tiers: [{from: 0, rate: 1}, {from: 70000, rate: 1.5}]}}
spiffs:
  - {id: push, pays: 100, per: deal, from: 2026-01-01, to: 2026-02-01, max_total: 150}
  - {id: part, pays: 1, per: percent, field: amount, from: 2026-01-01, to: 2026-02-01, max_per_payee: 300}
pool:
  - {id: pot, funding: {amount: 1000, period: quarter}, distribute: {by: equal, method: largest_remainder}}
"""
DEALS = [("2026-01-10", 40000), ("2026-01-20", 16000), ("2026-02-10", 24000)]


def events(rate: int | Decimal) -> pd.DataFrame:
    rows = [{"rep_id": "A", "deal_id": f"D{n}", "event": "booked", "date": d, "amount": str(a * rate)}
            for n, (d, a) in enumerate(DEALS)]  # fmt: skip
    visits = [
        {"rep_id": "A", "deal_id": f"V{n}", "event": "visit", "date": "2026-01-05", "amount": None}
        for n in (1, 2)
    ]
    return pd.DataFrame([*rows, *visits], dtype="object")


def earned(plan, rate) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in pay([plan], Inputs(events(rate), pd.DataFrame({"rep_id": ["A"]}))).lines:
        found[line.part] = found.get(line.part, 0) + line.cents
    return found


def test_every_part_of_a_restated_plan_earns_what_the_euro_plan_earns_times_the_rate():
    # By hand in euro: 80,000 sold of 80,000 is target, 10,000 a quarter; 3 % of 80,000 = 2,400; the prize at
    # 80,000 is 400 + 4,000 × 30/40 = 3,400; visits 40 + 60; 1 % × 1.5 = 1,200; 150; 300; 1,000.
    euro = the_plan(EURO, "euro.yaml")
    (dollar,), said = in_reporting([euro], "USD", DAY, RATES, ["euro"])
    assert dollar.currency == "USD"
    by_hand = {"base": 10_000, "bands": 2_400, "prize": 3_400, "visits": 100, "rich": 1_200}
    by_hand |= {"push": 150, "part": 300, "pot": 1_000}
    assert earned(euro, 1) == {part: money * 100 for part, money in by_hand.items()}
    assert earned(dollar, Decimal("1.25")) == {part: money * 125 for part, money in by_hand.items()}
    assert "Plans in EUR are restated at 1.25 USD" in said[0]


def test_a_plan_that_somebody_holds_needs_a_rate_and_one_that_nobody_holds_does_not():
    euro, none = the_plan(EURO, "euro.yaml"), RATES.iloc[:0]
    assert in_reporting([euro], "USD", DAY, none, []) == ([euro], [])
    with pytest.raises(
        TableError, match=r"plan euro pays in EUR, and there is no plan rate of it on 2026-01-01"
    ):
        in_reporting([euro], "USD", DAY, none, ["euro"])


def test_target_pay_of_an_assignment_is_restated_by_its_own_currency():
    rows = pd.DataFrame(
        {
            "rep_id": ["A", "B"],
            "target_cash": [80_000, 90_000],
            "base_salary": [40_000, 50_000],
            "currency": ["EUR", "USD"],
        }
    )
    made = assignments_in(rows, "USD", DAY, RATES)
    assert made["target_cash"].tolist() == [100_000, 90_000]
    assert made["base_salary"].tolist() == [50_000, 50_000]
    assert made["currency"].tolist() == ["USD", "USD"]
    with pytest.raises(TableError, match=r"no plan rate of EUR on 2024-01-01"):
        assignments_in(rows, "USD", date(2024, 1, 1), RATES)


def daily(rates):
    days = pd.date_range("2025-01-31", periods=len(rates), freq="ME")
    return pd.DataFrame({"currency": "EUR", "date": days, "base_per_unit": rates})


def test_a_rate_may_be_as_far_from_the_plan_rate_as_a_year_of_past_months_says():
    # By hand: ±2 % a month in turn; a random walk's mean over a year has a third of its variance.
    rates = daily(1.1 * np.exp(0.02 * (np.arange(13) % 2)))
    (known,) = rate_ranges({"am": "EUR"}, RATES, rates, date(2026, 1, 31))
    spread = 0.02 * np.sqrt(12 / 11) * np.sqrt(12 / 3)
    assert known.months == 12 and known.plans == {"am"}
    assert known.low == pytest.approx(1.1 / 1.25 * np.exp(-1.6449 * spread))
    assert known.high == pytest.approx(1.1 / 1.25 * np.exp(1.6449 * spread))


def test_under_a_year_of_rates_or_without_any_nothing_is_said_about_them():
    assert rate_ranges({"am": "EUR"}, RATES, daily(np.full(12, 1.1)), date(2026, 1, 31)) == []
    assert rate_ranges({"am": "EUR"}, RATES, None, date(2026, 1, 31)) == []
    assert rate_ranges({}, RATES, daily(np.full(30, 1.1)), date(2026, 1, 31)) == []


def test_drawn_rates_have_the_median_and_the_spread_of_the_past_in_every_block():
    # Planted: σ 0.1 around 0.95. Log-normal: mean 0.95 × exp(0.1² ÷ 2); stratified, so one block tells it.
    ends = 0.95 * np.exp(-1.6449 * 0.1), 0.95 * np.exp(1.6449 * 0.1)
    known = RateRange("EUR", frozenset({"am"}), *ends, 24)
    assert (known.middle, known.spread) == pytest.approx((0.95, 0.1))
    first, second = drawn_rates(known, 7, 0, 1000), drawn_rates(known, 7, 1, 1000)
    for rates in (first, second):
        assert rates.shape == (1000, 1)
        assert np.median(rates) == pytest.approx(0.95, rel=1e-3)
        assert np.log(rates).std() == pytest.approx(0.1, rel=0.01)
        assert rates.mean() == pytest.approx(0.95 * np.exp(0.005), rel=1e-3)
        assert ((rates > ends[0]) & (rates < ends[1])).mean() == pytest.approx(0.9, abs=0.002)
    assert not np.array_equal(first, second)
    assert np.array_equal(first, drawn_rates(known, 7, 0, 1000))
    assert abs(np.corrcoef(first[:, 0], np.arange(1000))[0, 1]) < 0.1  # scenarios stand in the market's order


def test_the_limits_say_which_rate_is_drawn_and_which_is_unknown():
    known = RateRange("EUR", frozenset({"am"}), 0.9, 1.1, 24)
    euro, yen = rate_limits({"am": "EUR", "jp": "JPY"}, [known])
    assert "EUR is drawn log-normal around 0.995 of the plan rate, 0.900 to 1.100" in euro
    assert "24 past monthly changes" in euro
    assert "JPY is not drawn: fewer than 12 monthly changes" in yen
    assert rate_limits({}, []) == []
