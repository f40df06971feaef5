"""Widths from past errors: the conformal guarantee, the prior where nothing is known, monotone both ways."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops_lib.forecasting.series.conformal import Scores, scores_of, widths

LEVELS = np.array([0.5, 0.8, 0.95])


def exchangeable(rng, series, steps=4, scale=1.0):
    value = scale * np.abs(rng.standard_t(5, size=(series, steps))) * np.sqrt(np.arange(1, steps + 1))
    step = np.tile(np.arange(1, steps + 1), series)
    return Scores(step, value.ravel(), np.ones(step.size))


def test_a_new_error_of_the_same_kind_is_inside_at_the_level():
    # Theory: split conformal prediction covers exchangeable scores at the level, whatever their law.
    rng = np.random.default_rng(7)
    inside = []
    for _ in range(40):
        reach = widths(exchangeable(rng, 300), LEVELS, 4, 12)
        new = exchangeable(rng, 300).value.reshape(-1, 4)
        inside.append((new[:, None, :] <= reach).mean(axis=(0, 2)))
    assert np.mean(inside, axis=0) == pytest.approx(LEVELS, abs=0.02)


def test_without_scores_the_prior_decides():
    reach = widths(scores_of([], []), LEVELS, 6, 4)
    assert (reach > 0).all()
    assert (np.diff(reach, axis=1) > 0).all()


def test_among_many_series_the_prior_does_not_matter():
    rng = np.random.default_rng(3)
    scores = exchangeable(rng, 3000, scale=4)
    empirical = np.quantile(scores.value.reshape(-1, 4), LEVELS, axis=0)
    np.testing.assert_allclose(widths(scores, LEVELS, 4, 1), empirical, rtol=0.06)


def test_a_few_small_scores_pull_the_width_down_also_where_there_are_none():
    few = Scores(np.tile([1, 2], 8), np.full(16, 0.1), np.ones(16))
    assert (widths(few, LEVELS, 6, 4) < widths(scores_of([], []), LEVELS, 6, 4)).all()


def test_one_absurd_error_does_not_make_the_width_absurd():
    rng = np.random.default_rng(5)
    calm = exchangeable(rng, 5)
    wild = Scores(np.r_[calm.step, 1], np.r_[calm.value, 1e9], np.r_[calm.weight, 1])
    assert widths(wild, LEVELS, 4, 4).max() < 4 * widths(calm, LEVELS, 4, 4).max()


def test_a_series_counts_as_many_windows_as_do_not_overlap():
    # By hand: origins 2 and 4 steps back; step 1 seen twice, steps 3 and 4 once.
    errors = np.array([[1.0, 2, np.nan, np.nan], [3, 4, 5, 6]])
    scores = scores_of([errors], [(2, 4)])
    mass = {int(s): scores.weight[scores.step == s].sum() for s in np.unique(scores.step)}
    assert mass == pytest.approx({1: 2, 2: 2, 3: 1, 4: 1})


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(0, 50), min_size=0, max_size=40),
    st.integers(1, 6),
)
def test_widths_grow_with_the_level_and_never_shrink_with_the_step(values, horizon):
    step = np.arange(len(values)) % horizon + 1
    reach = widths(Scores(step, np.array(values, dtype=float), np.ones(len(values))), LEVELS, horizon, 4)
    assert (np.diff(reach, axis=0) >= -1e-9).all()
    assert (np.diff(reach, axis=1) >= -1e-9).all()
