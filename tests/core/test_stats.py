"""Intervals, concentration, pace: against published numbers, theory and slow oracles."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from salesops_lib.core import periods, stats


def test_wilson_matches_the_published_example():
    # Newcombe (1998), table I: 81 of 263 at 95 % is 0.2553 to 0.3662.
    interval = stats.proportion_interval(81, 263, 0.95)
    assert (interval.low, interval.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_nothing_counted_has_no_interval():
    assert stats.proportion_interval(0, 0) is None


def test_gini_of_known_distributions():
    assert stats.gini(np.array([1.0, 1, 1, 1])) == pytest.approx(0)
    assert stats.gini(np.array([0.0, 0, 0, 1])) == pytest.approx(0.75)  # (n − 1) ÷ n
    assert stats.gini(np.arange(1.0, 6)) == pytest.approx(4 / 15)  # by hand: Σ|xi − xj| ÷ (2 n² mean)


def test_gini_is_undefined_with_a_negative_value_or_no_sum():
    assert np.isnan(stats.gini(np.array([-1.0, 5])))
    assert np.isnan(stats.gini(np.zeros(3)))


def test_top_fifth_counts_a_fraction_of_the_next_rep():
    # 6 reps, a fifth is 1.2: the best whole, a fifth of the second: (10 + 0.2 × 5) ÷ 20.
    assert stats.top_share(np.array([10.0, 5, 2, 1, 1, 1])) == pytest.approx(0.55)
    assert stats.top_share(np.ones(10)) == pytest.approx(0.2)
    assert np.isnan(stats.top_share(np.zeros(4)))


def test_bootstrap_is_reproducible_and_covers_a_mean():
    drawn = np.random.default_rng(1)
    inside = 0
    for _ in range(200):
        interval = stats.bootstrap_interval(drawn.normal(3, 1, 40), lambda a: a.mean(axis=-1), draws=400)
        inside += interval.low <= 3 <= interval.high
    assert 0.82 <= inside / 200 <= 0.95  # 90 % promised; percentile bootstraps are slightly short
    sample = drawn.normal(3, 1, 40)
    twice = [stats.bootstrap_interval(sample, stats.gini, seed=3) for _ in range(2)]
    assert twice[0] == twice[1]


def test_one_value_has_no_bootstrap_interval():
    assert stats.bootstrap_interval([1.0], stats.gini) is None


@pytest.mark.parametrize("n", [5, 11, 40])
def test_prediction_range_covers_the_next_value_as_promised(n):
    drawn = np.random.default_rng(n)
    inside = 0
    for _ in range(2000):
        values = drawn.normal(size=n + 1)
        low, _, high = stats.prediction_quantiles(values[:-1], [0.1, 0.5, 0.9])
        inside += low <= values[-1] <= high
    assert inside / 2000 == pytest.approx(0.8, abs=0.03)  # three standard errors


def test_prediction_probability_is_calibrated_and_never_certain():
    drawn = np.random.default_rng(5)
    said, happened = [], []
    for _ in range(2000):
        values = drawn.normal(size=12)
        said.append(float(stats.prediction_exceeds(values[:-1], 0.5)))
        happened.append(values[-1] >= 0.5)
    assert np.mean(said) == pytest.approx(np.mean(happened), abs=0.03)
    assert stats.prediction_exceeds(np.zeros(9), 5.0) == pytest.approx(0.1)


def test_too_few_past_values_give_no_prediction():
    assert np.isnan(stats.prediction_quantiles([1.0], [0.5])).all()
    assert np.isnan(stats.prediction_exceeds([1.0], 0.5))


def test_weighted_mean_and_quantile_ignore_missing_values():
    assert stats.weighted_mean([1, 3, np.nan], [1, 3, 9]) == pytest.approx(2.5)
    assert stats.weighted_quantile([10, 20, 30], [1, 1, 2], 0.5) == 20
    assert np.isnan(stats.weighted_mean([1.0], [0]))


@pytest.fixture
def fiscal():
    return periods.monthly(2, [2026], holidays=(date(2025, 12, 25),))


def test_elapsed_share_agrees_with_the_calendar_on_every_working_day(fiscal):
    days = pd.Series(pd.bdate_range("2025-11-03", "2026-01-30"))
    days = days[days != pd.Timestamp("2025-12-25")].reset_index(drop=True)
    found = stats.elapsed_at(days, fiscal)
    oracle = [fiscal.elapsed_share("FY26-Q4", d.date()) for d in days]
    assert found["elapsed_share"].tolist() == pytest.approx(oracle)
    assert set(found["period"]) == {"FY26-Q4"}


def test_a_day_off_counts_with_the_next_working_day(fiscal):
    found = stats.elapsed_at(pd.Series(pd.to_datetime(["2025-12-25", "2025-12-26"])), fiscal)
    assert found["elapsed_share"].iloc[0] == found["elapsed_share"].iloc[1]


def test_a_day_outside_the_calendar_has_no_period(fiscal):
    assert stats.elapsed_at(pd.Series(pd.to_datetime(["1999-01-01"])), fiscal)["period"].isna().all()


def test_calendar_share_is_what_had_come_and_not_a_straight_line():
    dated = pd.DataFrame(
        {
            "period": ["A", "A", "A", "B", "B"],
            "elapsed_share": [0.2, 0.5, 1.0, 0.5, 0.9],
            "amount": [10.0, 10.0, 80.0, 0.0, -5.0],
        }
    )
    found = stats.calendar_share(dated, 0.5)
    assert found.loc["A", ["to_date", "final", "share"]].tolist() == [20, 100, 0.2]
    assert np.isnan(found.loc["B", "share"])


def test_coverage_counts_outcomes_inside_their_range():
    found = stats.coverage(pd.Series([1, 5, np.nan]), pd.Series([0, 0, 0]), pd.Series([2, 4, 9]))
    assert (found["n"], found["inside"], found["share"]) == (2, 1, 0.5)


def dated(**booked: float) -> pd.DataFrame:
    """One booking a period, named with an underscore, early in it unless the name ends in _late."""
    names = [n.removesuffix("_late").replace("_", "-") for n in booked]
    share = [0.6 if n.endswith("_late") else 0.1 for n in booked]
    return pd.DataFrame({"period": names, "elapsed_share": share, "amount": list(booked.values())})


def test_whole_periods_leave_out_holes_and_a_first_period_that_begins_late():
    calendar = periods.monthly(2, range(2024, 2028))
    rows = dated(FY25_Q1_late=9, FY25_Q2=100, FY25_Q3=1, FY25_Q4=90, FY26_Q2=110, FY26_Q3=5)
    past, holes = stats.whole_periods(rows, calendar, date(2025, 8, 20))
    # By hand: Q1 begins at 60 %; Q3's 1 is under 5 % of the median; FY26-Q1 has nothing; FY26-Q3 runs on.
    assert past == ["FY25-Q2", "FY25-Q4", "FY26-Q2"]
    assert holes == ["FY25-Q3", "FY26-Q1"]


def test_a_period_of_returns_is_no_hole_and_nothing_has_no_periods():
    calendar = periods.monthly(2, range(2024, 2028))
    assert stats.whole_periods(dated(FY25_Q1=50, FY25_Q2=-20), calendar, date(2024, 9, 1))[1] == []
    assert stats.whole_periods(dated(FY25_Q1=50)[:0], calendar, date(2025, 1, 1)) == ([], [])
