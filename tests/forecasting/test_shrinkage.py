"""Empirical Bayes: against its limits, by hand, and on planted truth over many draws."""

import numpy as np
import pytest

from salesops_lib.forecasting.shrinkage import left_out, shrunk


def test_rows_that_do_not_differ_share_one_mean():
    # Every row holds the same two values: nothing is between them, so each is pulled to the middle.
    found = shrunk(np.tile([1.0, 3.0], (5, 1)))
    assert found.mean == pytest.approx(np.full(5, 2.0))


def test_rows_that_differ_far_keep_their_own_mean():
    values = np.array([[0.0, 0.1], [100.0, 100.1], [200.0, 200.1]])
    assert shrunk(values).mean == pytest.approx([0.05, 100.05, 200.05], abs=1e-3)


def test_the_pull_is_what_the_moments_say():
    # By hand: rows (0, 2) and (4, 6): σ² = 2, means 1 and 5, n = 2. Weights 1 each, Q = 8, C = 1, so τ² = 7;
    # pull = 7 ÷ (7 + 1) = 7/8 of the way from the middle, 3, to the own mean.
    found = shrunk(np.array([[0.0, 2.0], [4.0, 6.0]]))
    assert found.mean == pytest.approx([3 - 2 * 7 / 8, 3 + 2 * 7 / 8])
    assert found.freedom == 2
    # Its error: τ² (1 − pull) and the doubt about the middle, 1 ÷ (2 ÷ 8) = 4, times (1 − pull)².
    assert found.error**2 == pytest.approx(np.full(2, 7 / 8 + 4 / 64))


def test_a_row_without_values_gets_the_mean_of_all_and_the_variance_between():
    found = shrunk(np.array([[0.0, 2.0], [4.0, 6.0], [np.nan, np.nan]]))
    assert found.mean[2] == pytest.approx(3.0)
    assert found.error[2] > found.error[0]


@pytest.mark.parametrize("values", [np.full((3, 4), np.nan), np.array([[1.0, np.nan]]), np.empty((0, 3))])
def test_with_fewer_than_two_values_nothing_can_be_said(values):
    found = shrunk(values)
    assert np.isnan(found.mean).all()
    assert np.isnan(found.quantiles(np.array([0.5]))).all()


def test_a_single_row_is_its_own_mean_with_the_spread_of_a_new_value():
    # Theory: variance of a new value is σ² (1 + 1 ÷ n).
    found = shrunk(np.array([[1.0, 2.0, 3.0]]))
    assert found.mean == pytest.approx([2.0])
    assert found.spread == pytest.approx([np.sqrt(1 + 1 / 3)])


def test_no_value_moves_its_own_correction():
    values = np.random.default_rng(1).normal(size=(4, 6))
    without = left_out(values)
    values[2, 3] += 50
    assert left_out(values)[:, 3] == pytest.approx(without[:, 3])


def test_planted_means_are_met_better_than_by_the_rows_and_covered_at_the_level():
    # 12 rows of 4 values, τ = 0.15, σ = 0.3: 300 worlds. Raw means miss by σ² ÷ 4 in square.
    random = np.random.default_rng(5)
    raw, eb, covered, ahead = [], [], [], []
    for _ in range(300):
        truth = random.normal(0.1, 0.15, 12)
        values = truth[:, None] + random.normal(0, 0.3, (12, 5))
        found = shrunk(values[:, :4])
        raw.append(((values[:, :4].mean(axis=1) - truth) ** 2).mean())
        eb.append(((found.mean - truth) ** 2).mean())
        covered.append(np.abs(found.mean - truth) <= 1.2816 * found.error)
        low, high = found.quantiles(np.array([0.1, 0.9])).T
        ahead.append((values[:, 4] >= low) & (values[:, 4] <= high))
    assert np.mean(eb) < 0.75 * np.mean(raw)
    assert 0.70 < np.mean(covered) < 0.88
    assert 0.77 < np.mean(ahead) < 0.84


def test_the_worked_example_of_the_playbook():
    # playbooks/how-to/analytics/run-weekly-forecast-call.md: calls 25 % above what came in, ±15 % a quarter.
    wiggle = np.array([0.15, -0.15] * 4)
    peers = [np.log(worth) + wiggle for worth in (1.05, 0.95, 1.0, 1.1, 0.9)]
    own = np.log(1 / 1.25) + wiggle
    eight = shrunk(np.array([own, *peers])).mean[0]
    two = shrunk(np.array([np.where(np.arange(8) < 2, own, np.nan), *peers])).mean[0]
    assert (np.exp(-eight) - 1, np.exp(-two) - 1) == pytest.approx((0.195, 0.077), abs=0.0005)
    assert 1e6 * np.exp(np.array([eight, two])) == pytest.approx([836_784, 928_226], abs=0.5)
