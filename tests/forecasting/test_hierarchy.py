"""Draws that add up: coherent in every draw, never negative, unmoved where they added up already."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from salesops_lib.forecasting.bookings import History
from salesops_lib.forecasting.hierarchy import _not_negative, drawn, reconcile, summing_matrix
from salesops_lib.forecasting.stacking import MEDIAN, PROBABILITIES

Z = norm.ppf(PROBABILITIES)


def history(teams: dict[str, list[str]], *, segments: int = 0, now: float = 0.0) -> History:
    """A company of one region, its teams and their reps; ``now`` booked by every rep."""
    reps = [(rep, team) for team, members in teams.items() for rep in members]
    rows = [("company", "Co", None, None, now * len(reps)), ("region", "R", None, None, now * len(reps))]
    rows += [("team", t, None, None, now * len(m)) for t, m in teams.items()]
    rows += [("rep", rep, team, "R", now) for rep, team in reps]
    share = now * len(reps) / max(segments, 1)
    rows += [("segment", f"S{k}", None, None, share) for k in range(segments)]
    frame = pd.DataFrame(rows, columns=["level", "node_id", "team", "region", "now"])
    empty = np.empty((len(frame), 0))
    return History(
        date(2025, 6, 1), "FY26-Q2", 0.3, frame.drop(columns="now"), [], [], empty, empty,
        frame["now"].to_numpy(), pd.DataFrame(),
    )  # fmt: skip


def normal(middle: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return middle[:, None] + spread[:, None] * Z[None, :]


FOUR = {"A": ["a1", "a2"], "B": ["b1", "b2"]}


def test_the_summing_matrix_says_who_is_below_whom():
    nodes = history(FOUR).nodes
    places, matrix = summing_matrix(nodes, np.ones(len(nodes), dtype=bool))
    named = [nodes["node_id"].iloc[p] for p in places]
    assert named == ["Co", "R", "A", "B", "a1", "a2", "b1", "b2"]
    assert matrix[:4].tolist() == [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1]]
    assert (matrix[4:] == np.eye(4)).all()


def test_without_reps_the_bottom_is_the_teams():
    nodes = history(FOUR).nodes
    known = nodes["level"].isin(["company", "team"]).to_numpy()
    places, matrix = summing_matrix(nodes, known)
    assert [nodes["node_id"].iloc[p] for p in places] == ["Co", "A", "B"]
    assert matrix.tolist() == [[1, 1], [1, 0], [0, 1]]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 10), st.integers(0, 3),
    st.floats(0, 50), st.integers(0, 2**16),
)  # fmt: skip
def test_every_draw_adds_up_and_none_is_below_what_is_booked(sizes, periods, segments, booked, seed):
    teams = {f"T{k}": [f"r{k}{m}" for m in range(n)] for k, n in enumerate(sizes)}
    known = history(teams, segments=segments, now=booked)
    random = np.random.default_rng(seed)
    n = len(known.nodes)
    quantiles = np.maximum(normal(random.uniform(0, 200, n), random.uniform(1, 80, n)), 0)
    errors = random.normal(0, 20, (n, periods))
    found = reconcile(known, quantiles, errors, seed=seed, draws=60)
    level = known.nodes["level"].to_numpy()
    company = found.draws[level == "company"][0]
    for name in ("region", "team", "rep", *(["segment"] if segments else [])):
        assert found.draws[level == name].sum(axis=0) == pytest.approx(company)
    for team in teams:
        mine = (level == "rep") & (known.nodes["team"] == team).to_numpy()
        assert found.draws[known.nodes["node_id"] == team][0] == pytest.approx(found.draws[mine].sum(axis=0))
    assert (found.draws >= known.now[:, None] - 1e-6).all()


def test_few_errors_weigh_by_spread_alone_and_enough_give_mint():
    known = history(FOUR)
    quantiles = normal(np.full(8, 100.0), np.full(8, 5.0))
    random = np.random.default_rng(0)
    for periods, method in ((0, "WLS"), (5, "WLS"), (6, "MinT-shrink"), (12, "MinT-shrink")):
        found = reconcile(known, quantiles, random.normal(0, 5, (8, periods)), seed=1, draws=50)
        assert (found.method, found.periods) == (method, periods)


def test_a_company_of_one_rep_whose_errors_are_the_companys_is_reconciled():
    # Company, region, team and rep have erred by the same money in ten periods; once to and fro by one size,
    # which leaves nothing to shrink a covariance by.
    known = history({"A": ["a1"]})
    for errors, method in (
        (np.random.default_rng(1).normal(0, 5, 10), "MinT-shrink"), (np.tile([5.0, -5.0], 5), "WLS"),
    ):  # fmt: skip
        found = reconcile(
            known, normal(np.full(4, 100.0), np.full(4, 5.0)), np.tile(errors, (4, 1)), seed=1, draws=400
        )
        assert (found.method, found.periods) == (method, 10)
        assert found.draws.std(axis=1) == pytest.approx(np.full(4, 5.0), rel=0.15)


def test_forecasts_without_any_range_are_made_to_add_up():
    known = history(FOUR)
    middle = np.array([500.0, 400.0, 200.0, 200.0, 100.0, 100.0, 100.0, 100.0])
    found = reconcile(known, normal(middle, np.zeros(8)), np.empty((8, 0)), seed=1, draws=20)
    assert found.draws[4:].sum(axis=0) == pytest.approx(found.draws[0])
    assert 400 < found.draws[0, 0] < 500


def test_errors_that_are_all_nothing_are_no_covariance():
    found = reconcile(history(FOUR), normal(np.full(8, 9.0), np.ones(8)), np.zeros((8, 9)), seed=1, draws=50)
    assert found.method == "WLS"


def test_forecasts_that_add_up_already_stay_where_they_are():
    known = history(FOUR)
    middle = np.array([400.0, 400.0, 200.0, 200.0, 100.0, 100.0, 100.0, 100.0])
    spread = np.sqrt(np.array([4, 4, 2, 2, 1, 1, 1, 1])) * 6
    errors = np.random.default_rng(4).normal(0, 6, (4, 12))
    sums = np.vstack([errors.sum(axis=0), errors.sum(axis=0), errors[:2].sum(axis=0), errors[2:].sum(axis=0)])
    found = reconcile(known, normal(middle, spread), np.vstack([sums, errors]), seed=2, draws=4000)
    assert found.draws.mean(axis=1) == pytest.approx(middle, rel=0.02)


def test_an_exact_company_pulls_erratic_reps_to_it():
    # The company says 400 ± 1 and has been right; the reps say 150 each, ± 40, and have not.
    known = history(FOUR)
    middle = np.array([400.0, 400.0, 300.0, 300.0, 150.0, 150.0, 150.0, 150.0])
    spread = np.array([1.0, 1.0, 60.0, 60.0, 40.0, 40.0, 40.0, 40.0])
    errors = np.random.default_rng(6).normal(0, 1, (8, 20)) * spread[:, None]
    found = reconcile(known, normal(middle, spread), errors, seed=3, draws=2000)
    assert found.draws[0].mean() == pytest.approx(400, rel=0.03)
    # Alike reps give up the 200 too many about alike; the covariance of 20 errors is not exact.
    assert found.draws[4:8].mean(axis=1) == pytest.approx(np.full(4, 100.0), rel=0.25)


def lumpy(deals: float, *, seed: int = 3):
    """Six reps in each of four teams: Poisson deals of exponential size; their outcomes, and the tree."""
    teams = {f"T{k}": [f"r{k}{m}" for m in range(6)] for k in range(4)}
    random = np.random.default_rng(seed)
    count = random.poisson((deals * np.exp(random.normal(0, 0.5, 24)))[:, None], (24, 6000))
    reps = np.where(count > 0, random.gamma(np.maximum(count, 1)), 0.0)
    team = reps.reshape(4, 6, -1).sum(axis=1)
    return history(teams), np.vstack([team.sum(axis=0), team.sum(axis=0), team, reps])


def loss(outcome: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Mean pinball loss of each node."""
    off = outcome[:, None, :] - quantiles[:, :, None]
    share = PROBABILITIES[None, :, None]
    return np.maximum(share * off, (share - 1) * off).mean(axis=(1, 2))


@pytest.mark.parametrize("periods", [0, 8])
@pytest.mark.parametrize("deals", [0.7, 3.0])
def test_forecasts_that_are_right_at_every_level_lose_nothing_by_being_made_to_add_up(deals, periods):
    # Theory: where each node's quantiles are the true ones nothing is to be mended. Reps are skewed, often 0.
    # Weights alike for all nodes (OLS) pushed small reps below 0 and up again: they lost 1.3 % of their
    # exactness; errors of eight periods with the top as independent news cost the company 4 %.
    known, outcome = lumpy(deals)
    truth = np.quantile(outcome[:, 1000:], PROBABILITIES, axis=1).T
    errors = outcome[:, :periods] - truth[:, [MEDIAN]]
    found = reconcile(known, truth, errors, seed=5, draws=2000)
    worse = loss(outcome[:, 1000:], found.quantiles()) / loss(outcome[:, 1000:], truth) - 1
    assert worse[:6].max() < 0.01
    assert worse[6:].mean() < 0.01
    assert found.draws[6:].mean(axis=1) == pytest.approx(outcome[6:].mean(axis=1), rel=0.15)


def test_an_adjustment_falls_on_those_who_know_least():
    # By hand, weights 1 ÷ variance: reps say 10, 10, 10, 370 ± 1, 1, 1, 50, a sure company says 300.
    # Of the 100 too many the vague rep takes 2500 of 2503 parts; alike weights took 25 from each, below 0.
    known = history({"A": ["a", "b", "c", "d"]})
    middle = np.array([300.0, 300.0, 300.0, 10.0, 10.0, 10.0, 370.0])
    spread = np.array([0.01, 0.01, 0.01, 1.0, 1.0, 1.0, 50.0])
    found = reconcile(known, normal(middle, spread), np.empty((7, 0)), seed=2, draws=4000)
    assert found.draws[3:].mean(axis=1) == pytest.approx([9.96, 9.96, 9.96, 270.1], abs=0.6)


def test_what_a_draw_has_below_zero_is_made_up_by_the_least_exact():
    # By hand: −3 is lifted to 0; the other two give 3 by variance, 1 and 2: 10 → 9, 10 → 8.
    parts, variance = np.array([[-3.0, 1.0], [10.0, 1.0], [10.0, -9.0]]), np.array([5.0, 1.0, 2.0])
    made = _not_negative(parts, variance)
    assert made[:, 0] == pytest.approx([0.0, 9.0, 8.0])
    assert made[:, 1].tolist() == [0.0, 0.0, 0.0]  # their sum is below 0 too


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-50, 100), min_size=2, max_size=6), st.integers(0, 2**16))
def test_parts_without_negatives_keep_their_sum_and_are_the_nearest(values, seed):
    random = np.random.default_rng(seed)
    parts, variance = np.array(values)[:, None], random.uniform(0.1, 9, len(values))
    made = _not_negative(parts, variance)
    assert (made >= 0).all()
    assert made.sum() == pytest.approx(max(parts.sum(), 0.0), abs=1e-6)
    far = ((made - parts)[:, 0] ** 2 / variance).sum()
    for _ in range(20):  # no other split of the sum is nearer
        other = random.dirichlet(np.ones(len(values))) * max(parts.sum(), 0.0)
        assert far <= ((other - parts[:, 0]) ** 2 / variance).sum() + 1e-6


def test_past_errors_together_make_the_company_wider_than_independent_ones():
    # With errors that move together the sum's variance is 16, not 4, times a rep's.
    known = history(FOUR)
    middle, spread = (
        np.array([400.0, 400, 200, 200, 100, 100, 100, 100]),
        np.array([40.0, 40, 20, 20] + [10.0] * 4),
    )
    shared = np.random.default_rng(7).normal(0, 1, 24)
    errors = spread[:, None] * shared[None, :]
    together = reconcile(known, normal(middle, spread), errors, seed=3, draws=3000).draws[0].std()
    apart = reconcile(known, normal(middle, spread / np.array([2, 2, 2**0.5, 2**0.5] + [1] * 4)),
                      np.empty((8, 0)), seed=3, draws=3000).draws[0].std()  # fmt: skip
    assert together == pytest.approx(40, rel=0.15)
    assert apart == pytest.approx(20, rel=0.15)


def test_a_node_without_a_forecast_has_no_draws_and_breaks_nothing():
    known = history(FOUR)
    quantiles = normal(np.full(8, 100.0), np.full(8, 5.0))
    quantiles[5] = np.nan
    found = reconcile(known, quantiles, np.empty((8, 0)), seed=1, draws=40)
    assert np.isnan(found.draws[5]).all()
    assert found.draws[[4, 6, 7]].sum(axis=0) == pytest.approx(found.draws[0])


def test_a_company_of_one_has_nothing_to_add_up():
    known = history(FOUR)
    quantiles = np.full((8, 11), np.nan)
    quantiles[0] = 100 + 10 * Z
    found = reconcile(known, quantiles, np.empty((8, 0)), seed=1, draws=4000)
    assert found.method == "none"
    assert np.quantile(found.draws[0], 0.9) == pytest.approx(100 + 10 * norm.ppf(0.9), rel=0.02)


def test_draws_of_a_quantile_function_have_its_quantiles_and_go_on_beyond_them():
    values = (50 + 10 * Z)[None, :]
    made = drawn(values, np.random.default_rng(1).standard_normal((1, 40_000)))
    assert np.quantile(made[0], PROBABILITIES) == pytest.approx(values[0], abs=0.4)
    assert np.quantile(made[0], 0.99) == pytest.approx(50 + 10 * norm.ppf(0.99), abs=1.0)
    assert drawn(values - 60, np.array([[-3.0, 0.0]])).tolist() == [[0.0, 0.0]]


def test_a_chance_is_never_certain():
    found = reconcile(
        history(FOUR), normal(np.full(8, 100.0), np.ones(8)), np.empty((8, 0)), seed=1, draws=99
    )
    chance = found.reaches(np.array([0.0, 1e9, np.nan, 0, 0, 0, 0, 0]))
    assert chance[:2] == pytest.approx([99.5 / 100, 0.5 / 100])
    assert np.isnan(chance[2])
