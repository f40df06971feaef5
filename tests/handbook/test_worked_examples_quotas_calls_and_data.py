"""The figures of the pages that have a report come out again, and stand in the page as computed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
from scipy.stats import norm

from salesops_lib.attainment.crediting.ramp import Ramp
from salesops_lib.core.money import allocate
from salesops_lib.forecasting.shrinkage import shrunk
from salesops_lib.inputs.policies import read_policy

TODAY = date(2026, 11, 26)


def test_the_call_page_corrects_a_head_by_her_own_record(worked_example):
    text = worked_example("analytics/run-weekly-forecast-call")
    wiggle = np.array([0.15, -0.15] * 4)
    peers = [np.log(worth) + wiggle for worth in (1.05, 0.95, 1.0, 1.1, 0.9)]
    own = np.log(1 / 1.25) + wiggle
    for quarters in (8, 2):
        kept = shrunk(np.array([np.where(np.arange(8) < quarters, own, np.nan), *peers])).mean[0]
        assert f"+{100 * np.expm1(-kept):.1f}%" in text
        assert f"{1e6 * np.exp(kept):,.0f}" in text


def test_the_attainment_page_splits_a_movers_quota_by_days(worked_example):
    text = worked_example("analytics/review-attainment")
    north, south = allocate("100000.00", [31, 61])
    assert f"{north:,.2f} of quota and 10,000" in text and f"{south:,.2f} and 70,000" in text
    assert f"own attainment is {80_000 / 100_000:.0%}" in text


def test_the_data_page_says_how_many_may_be_empty(worked_example):
    text = worked_example("analytics/fix-data-quality")
    limit = read_policy("quality", None).value("required_complete", TODAY).value
    assert f"1 − 123 / 524 = {1 - 123 / 524:.0%}" in text
    assert f"at most {int(524 * (1 - limit))} may be empty" in text


def test_the_quota_page_spreads_a_target_by_potential_and_caps_it(worked_example):
    text = worked_example("planning/set-quotas")
    policy = read_policy("attainment", None)
    large, small = allocate(Decimal(200_000) * Decimal("1.05"), [3, 1])
    cap = policy.value("quota_over_median", TODAY).value
    ramp = Ramp(policy.value("ramp_zero_months", TODAY).value, policy.value("ramp_full_month", TODAY).value)
    assert f"quotas of {large:,.2f} and {small:,.2f}" in text
    assert f"cut to {cap * 90_000:,.0f}" in text
    first, second, third = (f"{100 * share:g}" for share in ramp.share(np.arange(1, 4)))
    assert f"three months for {first}, {second} and {third}%" in text


def test_the_plan_page_prices_the_spread_of_attainment(worked_example):
    text = worked_example("compensation/design-comp-plan")
    for variation in (0.2, 0.4, 0.6):
        sigma = np.sqrt(np.log1p(variation**2))
        extra = 2 * norm.cdf(sigma / 2) - 1  # E[max(a, 1)] - 1 of a lognormal a of mean 1
        assert f"{100 * (1 + extra):.1f}%" in text and f"{variation:.0%}" in text
