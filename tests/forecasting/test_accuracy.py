"""Measures of a forecast against hand calculation, theory and the libraries that also have them."""

import numpy as np
import pandas as pd
import pytest

from salesops_lib.forecasting.record import accuracy


def test_wape_weighs_every_error_by_the_money_it_is_about():
    # By hand: (|100 − 110| + |300 − 270|) ÷ (100 + 300) = 40 ÷ 400.
    assert accuracy.wape([100, 300], [110, 270]) == pytest.approx(0.10)


def test_bias_is_positive_where_the_forecast_is_too_high():
    # By hand: ((110 − 100) + (330 − 300)) ÷ 400.
    assert accuracy.bias([100, 300], [110, 330]) == pytest.approx(0.10)
    assert accuracy.bias([100, 300], [90, 270]) == pytest.approx(-0.10)


def test_smape_is_that_of_m4_from_0_to_200():
    # By hand: 200 × 50 ÷ 250 = 40; opposite signs give the maximum; two zeros are no error.
    assert accuracy.smape([100], [150]) == pytest.approx(40)
    assert accuracy.smape([100], [-100]) == pytest.approx(200 * 200 / 200)
    assert accuracy.smape([0, 100], [0, 150]) == pytest.approx(20)


def test_mase_of_the_seasonal_naive_forecast_inside_its_own_history_is_one():
    y = np.array([3.0, 5, 2, 4, 6, 7, 1, 9])
    assert accuracy.mase(y[4:], y[:-4], accuracy.naive_error(y, 4)) == pytest.approx(1)


def test_owa_of_naive2_is_one_and_halves_with_its_errors():
    own_smape, own_mase = np.array([10.0, 14]), np.array([1.0, 2])
    assert accuracy.owa(own_smape, own_mase, 12, 1.5) == pytest.approx(1)
    assert accuracy.owa(own_smape / 2, own_mase / 2, 12, 1.5) == pytest.approx(0.5)


def test_pinball_at_the_middle_is_half_the_absolute_error():
    a, f = np.array([3.0, 8, 1]), np.array([5.0, 5, 5])
    assert accuracy.pinball(a, f, 0.5) == pytest.approx(np.abs(a - f).mean() / 2)


def test_no_constant_has_a_lower_pinball_loss_than_the_quantile():
    # Theory: the p-quantile minimises expected pinball loss.
    y = np.random.default_rng(7).gamma(2, 100, 4000)
    candidates = np.linspace(0, 800, 401)
    for p in (0.1, 0.5, 0.9):
        losses = accuracy.pinball(y[None, :], candidates[:, None], p)
        assert candidates[losses.argmin()] == pytest.approx(np.quantile(y, p), abs=2.5)


def test_coverage_counts_both_ends_as_inside():
    assert accuracy.coverage([1, 2, 3, 4], [1, 1, 1, 1], [3, 3, 3, 3]) == pytest.approx(0.75)


def test_interval_score_charges_forty_times_the_miss_at_95_percent():
    # By hand: width 10, scale 2; second outcome misses by 1, so (10 + (10 + 2 ÷ .05 × 1)) ÷ 2 ÷ 2.
    assert accuracy.msis([5, 11], [0, 0], [10, 10], 2) == pytest.approx((10 + 50) / 2 / 2)


def test_no_interval_scores_better_than_the_true_central_one():
    y = np.random.default_rng(7).normal(size=20_000)
    z = 1.96
    true = accuracy.msis(y, -z, z, 1)
    for low, high in ((-1.6, 1.6), (-2.4, 2.4), (-z - 0.4, z - 0.4)):
        assert true < accuracy.msis(y, low, high, 1)


@pytest.mark.parametrize(
    "measure",
    [
        lambda: accuracy.wape([0, 0], [1, 2]),
        lambda: accuracy.bias([5, -5], [1, 2]),
        lambda: accuracy.mase([1], [2], accuracy.naive_error([4, 4, 4], 1)),
        lambda: accuracy.naive_error([1, 2, 3], 4),
        lambda: accuracy.coverage([np.nan], [0], [1]),
        lambda: accuracy.smape([], []),
        lambda: accuracy.msis([1], [0], [2], 0),
    ],
    ids=["all zeros", "sum of zero", "constant history", "short", "no outcome", "nothing", "no scale"],
)
def test_an_undefined_measure_is_missing_not_zero(measure):
    assert np.isnan(measure())


def test_a_pair_with_a_missing_value_is_left_out_of_both_sums():
    assert accuracy.wape([100, np.nan, 50], [110, 40, np.nan]) == pytest.approx(0.10)


def test_measures_work_along_the_last_axis():
    a, f = np.array([[100.0, 300], [10, 10]]), np.array([[110.0, 270], [10, 10]])
    assert accuracy.wape(a, f) == pytest.approx([0.10, 0])


def test_diebold_mariano_agrees_with_a_calculation_by_hand():
    # d = −1, 0, −1, −1, −2: mean −1, γ0 = .4, γ1 = 0, so DM = −1 ÷ √(.4 ÷ 5) = −3.5355;
    # correction at n = 5, h = 2: √((5 + 1 − 4 + 2 ÷ 5) ÷ 5) = .6928.
    test = accuracy.diebold_mariano([1, 2, 3, 2, 1], [2, 2, 4, 3, 3], horizon=2)
    assert (test.mean_difference, test.n) == (-1, 5)
    assert test.statistic == pytest.approx(-3.5355 * 0.6928, abs=1e-3)
    assert test.p_value == pytest.approx(0.0705, abs=1e-4)


@pytest.mark.parametrize(("horizon", "n"), [(1, 12), (4, 160)])
def test_diebold_mariano_rejects_equal_forecasts_no_more_often_than_it_says(horizon, n):
    # Losses h steps ahead are moving averages of order h − 1; both forecasts are equally good.
    rng = np.random.default_rng(7)
    noise = rng.normal(size=(2000, n + horizon - 1))
    d = np.lib.stride_tricks.sliding_window_view(noise, horizon, axis=1).mean(axis=2)
    rejected = [accuracy.diebold_mariano(row, np.zeros(n), horizon).p_value < 0.05 for row in d]
    assert 0.035 < np.mean(rejected) < 0.075


@pytest.mark.parametrize(
    ("first", "horizon"), [([1, 2], 1), ([1, 2, 3, 4], 4), ([2, 2, 2, 2], 1)], ids=["n", "horizon", "same"]
)
def test_diebold_mariano_is_missing_where_it_is_undefined(first, horizon):
    assert np.isnan(accuracy.diebold_mariano(first, [1] * len(first), horizon).p_value)


def test_diebold_mariano_refuses_a_horizon_below_one():
    with pytest.raises(ValueError, match="horizon is 0"):
        accuracy.diebold_mariano([1, 2, 3], [2, 3, 4], 0)


def test_naive2_continues_a_pure_season_exactly():
    season = np.array([0.5, 1.5, 0.8, 1.2])
    assert accuracy.naive2(100 * np.tile(season, 5), 6, 4) == pytest.approx(100 * season[[0, 1, 2, 3, 0, 1]])
    assert accuracy.naive2(np.tile(season - 1, 5), 4, 4) == pytest.approx(season - 1)


def test_naive2_is_the_last_value_where_no_season_shows():
    assert accuracy.naive2([1, 2, 4, 7, 11, 16, 22, 29, 37, 46, 56, 67], 3, 4) == pytest.approx([67, 67, 67])
    assert accuracy.naive2([5, 1, 5, 1], 2, 4) == pytest.approx([1, 1])


def test_the_table_per_series_holds_the_single_measures():
    history = pd.DataFrame(
        {"unique_id": ["a"] * 4 + ["b"] * 4, "ds": [1, 2, 3, 4] * 2, "y": [1, 2, 4, 7] * 2}
    )
    outcome = pd.DataFrame({"unique_id": ["a", "a", "b"], "ds": [5, 6, 5], "y": [10.0, 8, 9]})
    forecast = pd.DataFrame({"unique_id": ["a", "a", "b", "b"], "ds": [5, 6, 5, 6], "median": [9.0, 9, 9, 9]})
    forecast = forecast.assign(**{"lo-80": 8.5, "hi-80": 9.5})
    table = accuracy.by_series(forecast, outcome, history, season_length=1).set_index("unique_id")
    assert table["n"].to_dict() == {"a": 2, "b": 1}
    assert table["mase"].to_dict() == pytest.approx({"a": 0.5, "b": 0})  # scale (1 + 2 + 3) ÷ 3
    assert table["coverage-80"].to_dict() == {"a": 0, "b": 1}
    assert table.loc["a", "msis-80"] == pytest.approx((1 + 10 * 0.5) / 2)
