"""The figures of the territory, planning, roll-out and realignment pages come out again."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from statistics import mean, pstdev
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from salesops_lib.attainment.crediting.ramp import Ramp
from salesops_lib.attainment.setting.capacity import vacancy
from salesops_lib.compensation.engine.pay import Inputs, pay
from salesops_lib.compensation.engine.tables import lines_table
from salesops_lib.compensation.plans.checks import checked_plans
from salesops_lib.compensation.plans.windows import calendar_from
from salesops_lib.core.money import allocate
from salesops_lib.core.stats import proportion_interval

ROOT = Path(__file__).parents[2]
RAMP = Ramp(zero_months=2, full_month=6)


def by_newcombe(won: int, n: int, others: int, m: int) -> tuple[float, float, float]:
    """Difference of two shares and its 90% range by Newcombe (1998), method 10, in percent points."""
    one, two = proportion_interval(won, n), proportion_interval(others, m)
    first, second = won / n, others / m
    gap = first - second
    low = gap - np.hypot(first - one.low, two.high - second)
    high = gap + np.hypot(one.high - first, second - two.low)
    return tuple(round(100 * float(x), 1) for x in (gap, low, high))


@pytest.fixture(scope="module")
def earned():
    """Commission of the shipped account executive's plan at a booked sum, by the engine."""
    plan = (ROOT / "data/plans/ae.yaml").read_text(encoding="utf-8")
    plans = checked_plans([("ae.yaml", plan)])

    def commission(booked: int) -> Decimal:
        deals = [{"deal_id": f"D{n}", "acv": "240000"} for n in range(booked // 240_000)]
        common = {"rep_id": "R1", "event": "booked", "date": "2026-03-01", "deal_type": "new"}
        events = pd.DataFrame([common | deal for deal in deals], dtype="object")
        paid = pay(
            plans,
            Inputs(
                events=events,
                holders=None,
                rates=None,
                calendar=calendar_from(plans[0].start),
                quotas={"new_acv": 1_200_000},
            ),
        )
        lines = lines_table(paid)
        earned = (lines["kind"] == "commission") & (lines["part"] == "acv_commission")  # holds are lines too
        return sum(lines[earned]["amount"], Decimal(0))

    return commission


def test_the_rollout_page_holds_back_half_of_what_the_accelerator_pays(worked_example, earned):
    at_quota, above = earned(1_200_000), earned(1_440_000)
    base_rate = Decimal(102_000) / 1_200_000
    unsigned = 240_000 * base_rate
    text = worked_example("compensation/roll-out-comp-plan")
    for figure in (at_quota, above, above - at_quota, unsigned):
        assert f"{figure:,.2f}" in text
    assert (above - at_quota) / 240_000 == 2 * base_rate
    assert "twice the base rate of 8.5%" in text and base_rate == Decimal("0.085")


def test_the_design_page_balances_four_books(worked_example):
    before, after = np.array([2.0, 1.8, 2.6, 1.6]), np.array([2.0, 1.8, 2.2, 2.0])
    hours = [1600, 1400, 1900, 1500]
    text = worked_example("territories/design-territories")
    assert before.sum() == pytest.approx(after.sum())
    assert f"{before.max() / before.mean():.2f} times the mean" in text
    assert f"and {after.max() / after.mean():.2f}." in text
    assert f"mean {mean(hours):,.0f}, standard deviation {pstdev(hours):.0f}" in text
    assert f"spread is {pstdev(hours) / mean(hours):.3f}" in text
    assert f"{14 / 160:.2%}" in text


def test_the_proximity_page_ages_ties_and_reads_its_test(worked_example):
    text = worked_example("territories/use-social-proximity")
    assert f"60 × 0.5^0.5 = {60 * 0.5 ** (12 / 24):.1f}" in text
    assert f"80 × 0.25 = {80 * 0.5 ** (48 / 24):.1f}" in text
    gap, low, high = by_newcombe(70, 210, 45, 205)
    assert f"a gain of {gap} points, 90% range {low} to {high}" in text
    gap, low, high = by_newcombe(62, 210, 45, 205)
    assert f"the gain is {gap} points, range {low} to {high}" in text and low > 0


def test_the_move_page_splits_a_deal_to_the_cent_and_keeps_the_sum_of_quotas(worked_example):
    text = worked_example("territories/move-an-account")
    old, new = allocate("60000.00", [60, 40])
    assert f"{old:,.2f} and {new:,.2f}" in text
    moved = 0.4 / 2.6 * 1_300_000 / 2
    assert f"= {moved:,.2f}" in text


def test_the_annual_plan_page_bridges_seats_to_the_goal(worked_example):
    text = worked_example("planning/build-the-annual-plan")
    months = RAMP.share(np.arange(1, 13)).sum()
    lost = vacancy(0.12, 3 + RAMP.lost_months)
    seats = 20 * 600_000 + 4 * 600_000 * months / 12
    capacity = seats * (1 - lost)
    one_hire = 600_000 * months / 12 * (1 - lost)
    assert f"count for {months:g} of 12 months: {(seats - 12e6) / 1e6:.1f} million" in text
    assert f"plus {RAMP.lost_months:g} months of ramp, {lost:.2%}" in text
    assert f"{seats / 1e6:.1f} × (1 − {lost:.4f}) = {capacity / 1e6:.2f} million" in text
    assert f"Cover is {capacity / 14e6:.1%}" in text
    assert f"the gap {14e6 - capacity:,.0f}" in text
    assert f"closes {one_hire:,.0f} of it" in text
    assert np.ceil((14e6 - capacity) / one_hire) == 3


def test_the_review_pack_does_not_call_a_straddling_share_a_majority(worked_example):
    text = worked_example("planning/prepare-a-qbr")
    share = proportion_interval(23, 40)
    assert f"booked 11.04 of a 12.0 million goal: {11.04 / 12:.0%}" in text
    assert f"{23 / 40:.1%}, 90% range {100 * share.low:.0f} to {100 * share.high:.0f}%" in text
    assert share.low < 0.5 and f"{17 / 20:.0%}" in text


def test_the_realignment_page_makes_a_quarter_whole_and_keeps_the_sum(worked_example):
    text = worked_example("change/run-a-realignment")
    relief = (84_000 - 72_240) / 4
    assert f"{118 / 640:.1%}" in text and 118 / 640 < 0.20
    assert f"by {1 - 72_240 / 84_000:.0%}" in text
    assert f"÷ 4 = {relief:,.2f}" in text and f"cost {9 * relief:,.0f}" in text
    assert 4_200_000 + 3_800_000 == 3_950_000 + 4_050_000 == 8_000_000


def test_the_realignment_page_gives_the_local_hours_of_its_call(worked_example):
    text = worked_example("change/run-a-realignment")
    call = datetime(2027, 1, 11, 15, tzinfo=ZoneInfo("UTC"))
    places = {"America/New_York": "New York", "Europe/Berlin": "Munich", "Asia/Kolkata": "Pune"}
    for zone, place in places.items():
        local = f"{call.astimezone(ZoneInfo(zone)):%H:%M}"
        assert local in text and place in text
