"""Win rates, own probabilities: by hand and against statsmodels."""

from datetime import date

import numpy as np
import pytest
from statsmodels.duration.survfunc import CumIncidenceRight

from salesops_lib.core.survival import incidence
from salesops_lib.forecasting.flow.measures import stage_probabilities, win_rates

DAY = date(2024, 11, 15)


@pytest.fixture(scope="module")
def one(planted):
    return planted.world(1)


@pytest.fixture(scope="module")
def ready(planted, one):
    return planted.prepared(one.opportunities, one.history, one.reps)


def test_cumulative_incidence_is_that_of_statsmodels_with_its_standard_error():
    random = np.random.default_rng(4)
    age, event = random.integers(1, 30, 400).astype(float), random.integers(0, 3, 400)
    oracle = CumIncidenceRight(age, event)
    ages, share, error, _ = incidence(np.full(400, -0.5), age, event)
    at = np.searchsorted(oracle.times, ages)
    np.testing.assert_allclose(share, oracle.cinc[0][at], atol=1e-12)
    np.testing.assert_allclose(error, oracle.cinc_se[0][at], rtol=0.05)


def test_a_deal_that_enters_late_is_at_risk_from_then_on_only():
    # By hand: two deals from the start, one lost at 1; a third enters after 1. At 2 two are at risk, one is
    # won: the half that is left × 1/2 = 1/4.
    _, share, _, risk = incidence(np.array([-0.5, -0.5, 1.0]), np.array([1.0, 2.0, 3.0]), np.array([2, 1, 0]))
    assert share.tolist() == [0.0, 0.25] and risk.tolist() == [2, 2]


def test_three_win_rates_have_their_own_denominators(ready, one):
    rates = win_rates(ready, DAY, date(2024, 1, 1), date(2024, 7, 1)).set_index("name")
    low, high = (np.datetime64(d).astype(int) for d in ("2024-01-01", "2024-07-01"))
    closed = one.truth[(one.truth["close"] >= low) & (one.truth["close"] < high)]
    created = one.truth[(one.truth["created"] >= low) & (one.truth["created"] < high)]
    assert rates.loc["by_count", "denominator"] == len(closed)
    assert rates.loc["by_count", "rate"] == pytest.approx(closed["won"].mean())
    assert rates.loc["by_value", "rate"] == pytest.approx(
        closed.loc[closed["won"], "amount"].sum() / closed["amount"].sum()
    )
    assert rates.loc["by_cohort", "denominator"] == len(created)
    assert rates.loc["by_cohort", "low"] < 0.3 < rates.loc["by_cohort", "high"]
    assert rates.loc["by_count", "low"] < rates.loc["by_count", "rate"] < rates.loc["by_count", "high"]


def test_an_undefined_rate_is_missing_and_not_0(ready):
    rates = win_rates(ready, DAY, date(2019, 1, 1), date(2019, 7, 1))
    assert rates["rate"].isna().all() and rates["denominator"].eq(0).all()


def test_own_probabilities_come_from_past_periods_at_this_point(ready):
    table = stage_probabilities(ready, DAY).set_index("stage")
    stages = ["Offer", "Talk", "Terms"]
    assert table.loc[stages, "n"].sum() == table.loc["(all)", "n"] > 100
    assert table.loc[stages, "won"].sum() == table.loc["(all)", "won"]
    assert table.loc["(all)", "probability"] == table.loc["(all)", "won"] / table.loc["(all)", "n"]
    # Planted: a deal in Terms is mostly won, one in Talk mostly lost.
    assert table.loc["Terms", "low"] > table.loc["Talk", "high"]


def test_without_a_past_period_no_stage_has_a_probability(ready):
    assert stage_probabilities(ready, date(2022, 1, 20)).empty
