"""Weights, averages and the recalibration of ranges: planted engines, hand cases, laws."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from salesops_lib.forecasting import stacking
from salesops_lib.forecasting.stacking import (
    MEDIAN,
    PROBABILITIES,
    averaged,
    scores,
    stack,
    stretch,
    stretched,
)

Z = norm.ppf(PROBABILITIES)


def planted(periods: int, errors: dict[str, float], nodes: int = 6, seed: int = 3):
    """Outcomes, and engines that know them up to an error of their own, honest about its size."""
    random = np.random.default_rng(seed)
    actual = random.normal(100, 10, periods * nodes)
    made = {
        name: (actual + random.normal(0, sd, len(actual)))[:, None] + sd * Z[None, :]
        for name, sd in errors.items()
    }
    return made, actual, np.full(len(actual), 100.0), [f"P{k // nodes:02d}" for k in range(len(actual))]


def test_the_planted_best_engine_gets_the_weight():
    found = stack(*planted(60, {"good": 2.0, "bad": 20.0, "worse": 40.0}))
    assert found.stacked
    # 60 of 64 parts of the way to the best split: at least .85 of it, and the rest shared alike.
    assert found.of["good"] > 0.85
    assert found.of["worse"] < found.of["bad"] + 1e-9 < 0.15


def test_two_equally_good_engines_share_the_weight():
    # Theory: of two unbiased, equally exact, independent forecasts the mean is best.
    found = stack(*planted(80, {"one": 5.0, "other": 5.0}, nodes=20))
    assert found.of["one"] == pytest.approx(0.5, abs=0.1)


def test_weights_leave_equal_ones_by_the_number_of_ended_periods():
    # By hand: the best split is all to the good one; n ÷ (n + 4) of the way from a half.
    for periods, good in ((0, 0.5), (1, 0.6), (4, 0.75), (12, 0.875)):
        found = stack(*planted(periods, {"good": 0.5, "bad": 50.0}))
        assert found.of["good"] == pytest.approx(good)
        assert (found.periods, found.stacked) == (periods, periods > 0)


@pytest.mark.parametrize("spread", [0.3, 0.9])
@pytest.mark.parametrize("periods", [1, 4, 8])
def test_weights_of_few_periods_lose_less_than_equal_ones_over_planted_worlds(spread, periods):
    # Four engines, alike (spread .3) or not (.9), at three nodes; judged on 40 new periods.
    ratio = []
    for seed in range(30):
        sizes = np.exp(np.random.default_rng(seed).uniform(-spread, spread, 4)) * 10
        made, actual, scale, names = planted(
            periods + 40, {f"e{k}": sd for k, sd in enumerate(sizes)}, nodes=3, seed=seed
        )
        past = 3 * periods
        found = stack({k: q[:past] for k, q in made.items()}, actual[:past], scale[:past], names[:past])
        new = {k: q[past:] for k, q in made.items()}
        own, equal = (
            np.abs(averaged(new, of)[:, MEDIAN] - actual[past:]).mean()
            for of in (found.of, dict.fromkeys(new, 0.25))
        )
        ratio.append(own / equal)
    assert np.mean(ratio) < 1.0


def test_rows_that_lack_an_engine_do_not_count():
    made, *rest = planted(8, {"good": 1.0, "bad": 50.0})
    made["bad"][:6] = np.nan  # the whole first period
    assert stack(made, *rest).periods == 7


def test_a_large_node_does_not_rule():
    # In money node A's losses are a thousand times B's; in usual periods they count alike.
    made, actual, scale, periods = planted(40, {"x": 5.0, "y": 5.0}, nodes=1, seed=8)
    big = {name: np.concatenate([q, 1000 * q]) for name, q in made.items()}
    found = stack(big, np.concatenate([actual, 1000 * actual]),
                  np.concatenate([scale, 1000 * scale]), periods * 2)  # fmt: skip
    assert found.of == stack(made, actual, scale, periods).of


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(0, 12), st.integers(0, 2**16))
def test_weights_are_not_negative_and_sum_to_one(engines, periods, seed):
    errors = {f"e{k}": 1.0 + 3 * k for k in range(engines)}
    found = stack(*planted(periods, errors, nodes=2, seed=seed))
    assert min(found.of.values()) >= 0
    assert sum(found.of.values()) == pytest.approx(1.0)


def test_the_simplex_is_every_split():
    for parts in (1, 2, 3, 4):
        grid = stacking.simplex(parts)
        assert len(grid) == math.comb(stacking.STEPS + parts - 1, parts - 1)
        assert grid.sum(axis=1) == pytest.approx(np.ones(len(grid)))
        assert len(np.unique(grid, axis=0)) == len(grid)


def test_quantiles_are_averaged_and_not_densities():
    # By hand: N(0, 1) and N(10, 1) at half each. The averaged P10 is 5 − 1.28; that of the mixture is −0.84.
    two = {"a": Z[None, :], "b": 10 + Z[None, :]}
    mixed = averaged(two, {"a": 0.5, "b": 0.5})
    assert mixed[0] == pytest.approx(5 + Z)


def test_an_engine_that_a_node_lacks_leaves_its_weight_to_the_others():
    rows = {"a": np.array([[1.0] * 11, [np.nan] * 11]), "b": np.array([[3.0] * 11, [3.0] * 11])}
    mixed = averaged(rows, {"a": 0.75, "b": 0.25})
    assert mixed[:, 0] == pytest.approx([1.5, 3.0])
    assert np.isnan(averaged({"a": rows["a"]}, {"a": 1.0})[1]).all()


def test_a_score_of_one_is_the_edge_of_the_range():
    quantiles = np.array([10 + Z, 10 + Z, 10 + Z])
    edge = norm.ppf(0.9)
    assert scores(np.array([10.0, 10 + edge, 10 - 2 * edge]), quantiles) == pytest.approx([0.0, 1.0, 2.0])


def test_ranges_half_as_wide_as_they_should_be_are_doubled():
    random = np.random.default_rng(2)
    actual = random.normal(0, 1, 4000)
    narrow = np.tile(0.5 * Z, (4000, 1))
    factor = stretch(scores(actual, narrow), periods=4000)
    assert factor == pytest.approx(2.0, abs=0.06)
    wide = stretched(narrow, factor)
    inside = (actual >= wide[:, 1]) & (actual <= wide[:, 9])
    assert inside.mean() == pytest.approx(0.8, abs=0.01)
    assert (wide[:, MEDIAN] == narrow[:, MEDIAN]).all()


def test_few_earlier_ranges_change_nothing_and_few_periods_little():
    misses = np.full(19, 3.0)
    assert stretch(misses, periods=8) == 1.0
    # The conformal factor is 3, the bound; 4 of 8 parts of the way from 1.
    assert stretch(np.full(40, 3.0), periods=4) == pytest.approx(2.0)


def test_a_recalibrated_range_covers_what_comes_next_over_many_worlds():
    # 30 earlier ranges of a factor too narrow; exchangeable outcomes. Conformal: at least .8 on average.
    random = np.random.default_rng(11)
    inside = []
    for _ in range(800):
        actual = random.normal(0, 1, 31)
        narrow = np.tile(0.7 * Z, (31, 1))
        factor = stretch(scores(actual[:30], narrow[:30]), periods=10**6)
        range_ = stretched(narrow[30:], factor)[0]
        inside.append(range_[1] <= actual[30] <= range_[9])
    assert 0.77 < np.mean(inside) < 0.86
