"""Ranges over periods: by hand, and how often they hold the truth where rows of a period hang together."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from salesops_lib.core.stats import proportion_interval
from salesops_lib.forecasting.record.over_periods import holm, ratio_range, share_range


def names(periods: int, rows: int = 1) -> np.ndarray:
    return np.repeat([f"FY{20 + k // 4}-Q{k % 4 + 1}" for k in range(periods)], rows)


def test_rows_that_all_agree_count_as_their_periods():
    # By hand: 24 of 24 in 8 periods is 8 of 8; Wilson's low end is 8 / (8 + 1.645²) = .747, and not .899.
    low, high = share_range(np.ones(24, dtype=bool), names(8, 3))
    assert (low, high) == (pytest.approx(0.7473, abs=1e-4), 1.0)


def test_rows_that_know_nothing_of_each_other_count_almost_as_rows():
    # Each period has one miss of two: less varied than chance, so 200 rows; (1.645 ÷ t of 99)² is .982.
    low, high = share_range(np.tile([True, False], 100), names(100, 2))
    plain = proportion_interval(98.2, 196.4)
    assert (low, high) == (pytest.approx(plain.low, abs=1e-3), pytest.approx(plain.high, abs=1e-3))


def test_the_share_of_one_period_has_no_range():
    assert np.isnan(share_range(np.array([True, False]), names(1, 2))).all()
    assert np.isnan(share_range(np.array([], dtype=bool), [])).all()


@pytest.mark.parametrize("together", [0.0, 0.6, 1.0])
def test_the_range_of_a_coverage_holds_the_truth_nine_times_of_ten(together):
    # Planted: ranges that hold 80 %; the three of a period miss together with probability `together`.
    random = np.random.default_rng(5)
    held = 0
    for _ in range(600):
        own, shared = random.random((12, 3)) < 0.8, random.random((12, 1)) < 0.8
        inside = np.where(random.random((12, 1)) < together, shared, own).ravel()
        low, high = share_range(inside, names(12, 3))
        held += low <= 0.8 <= high
    assert held / 600 > 0.86


@pytest.mark.parametrize("periods", [5, 8])
def test_the_range_of_a_bias_holds_the_truth_nine_times_of_ten(periods):
    # Planted bias of 6 %; the three forecasts of a period err together.
    random = np.random.default_rng(6)
    held = 0
    for _ in range(600):
        actual = np.repeat(random.uniform(80, 120, periods), 3)
        error = np.repeat(random.normal(0, 8, periods), 3) + random.normal(0, 2, periods * 3)
        low, high = ratio_range(0.06 * actual + error, actual, names(periods, 3))
        held += low <= 0.06 <= high
    assert 0.86 < held / 600 < 0.95


def test_a_ratio_by_hand():
    # Errors 2, 4, 6 of 100 each: .04; off by −2, 0, 2; variance 3/2 × 8 ÷ 300²; t of 2 at .95 is 2.920.
    low, high = ratio_range(np.array([2.0, 4.0, 6.0]), np.full(3, 100.0), names(3))
    half = 2.919986 * (1.5 * 8) ** 0.5 / 300
    assert (low, high) == (pytest.approx(0.04 - half, abs=1e-6), pytest.approx(0.04 + half, abs=1e-6))


def test_errors_that_run_on_widen_the_range_and_months_stand_in_order():
    # 12 months, high in the first half and low in the second: neighbours agree, if M10 comes after M9.
    months = [f"FY25-M{k:02d}" for k in range(1, 13)]
    error = np.where(np.arange(12) < 6, 3.0, -3.0)
    plain, lagged = (ratio_range(error, np.full(12, 100.0), months, lags) for lags in (0, 1))
    assert lagged[1] > 1.3 * plain[1]


def test_two_periods_or_nothing_booked_have_no_range():
    assert np.isnan(ratio_range(np.ones(2), np.ones(2), names(2))).all()
    assert np.isnan(ratio_range(np.ones(4), np.zeros(4), names(4))).all()


def test_p_values_are_raised_as_statsmodels_raises_them():
    p_values = [0.004, 0.03, np.nan, 0.02, 0.9]
    known = np.isfinite(p_values)
    oracle = multipletests(np.array(p_values)[known], method="holm")[1]
    found = holm(p_values)
    assert found[known] == pytest.approx(oracle) and np.isnan(found[2])
    assert holm([]).size == 0
