"""Draws that add up: coherent in every draw, never negative, unmoved where they added up already."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from salesops_lib.forecasting.bookings import History
from salesops_lib.forecasting.hierarchy import drawn, reconcile, summing_matrix
from salesops_lib.forecasting.stacking import PROBABILITIES

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


def test_few_errors_give_ols_and_enough_give_mint():
    known = history(FOUR)
    quantiles = normal(np.full(8, 100.0), np.full(8, 5.0))
    random = np.random.default_rng(0)
    for periods, method in ((0, "OLS"), (5, "OLS"), (6, "MinT-shrink"), (12, "MinT-shrink")):
        found = reconcile(known, quantiles, random.normal(0, 5, (8, periods)), seed=1, draws=50)
        assert (found.method, found.periods) == (method, periods)


def test_errors_that_are_all_nothing_are_no_covariance():
    found = reconcile(history(FOUR), normal(np.full(8, 9.0), np.ones(8)), np.zeros((8, 9)), seed=1, draws=50)
    assert found.method == "OLS"


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
