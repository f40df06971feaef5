"""The Poisson regression on factors, against statsmodels and by hand."""

import numpy as np
import pytest
import statsmodels.api as sm

from salesops_lib.forecasting.deals.odds import Rows, fit_rates, fit_refittable


def rows(n=4000, seed=1):
    random = np.random.default_rng(seed)
    codes = np.array([random.integers(0, 3, n), random.integers(0, 4, n)])
    eta = -1 + np.array([0.0, 0.8, -0.5])[codes[0]] + np.array([0.0, 0.3, 0.6, -1.0])[codes[1]]
    offset = random.normal(0, 0.5, n)
    event = (random.random(n) < -np.expm1(-np.exp(eta + offset))).astype(float)
    return Rows(codes, (3, 4), event, random.uniform(0.2, 2.0, n), offset)


def test_with_hardly_a_ridge_the_rates_are_those_of_statsmodels():
    given = rows()
    dummies = [(given.codes[0] == 1), (given.codes[0] == 2), *[(given.codes[1] == k) for k in (1, 2, 3)]]
    design = sm.add_constant(np.column_stack(dummies).astype(float))
    oracle = sm.GLM(
        given.event, design, family=sm.families.Poisson(), offset=given.offset, freq_weights=given.weight
    ).fit()
    ours = fit_rates(given, 1e-6)
    assert ours.converged
    np.testing.assert_allclose(
        ours.log_rates(given.codes), oracle.predict(which="linear", offset=0), atol=2e-3
    )


def test_one_factor_without_ridge_is_events_over_days_at_risk():
    # By hand: 1 event in 4 rows of 5 days is 1 in 20 days, 3 in 4 such rows 3 in 20.
    codes = np.array([[0, 0, 0, 0, 1, 1, 1, 1]])
    given = Rows(codes, (2,), np.array([1, 0, 0, 0, 1, 1, 1, 0.0]), np.ones(8), np.full(8, np.log(5)))
    np.testing.assert_allclose(
        fit_rates(given, 1e-9).log_rates(np.array([[0, 1]])), [np.log(1 / 20), np.log(3 / 20)], atol=1e-4
    )


def test_a_ridge_pulls_a_level_of_few_rows_towards_the_rest():
    codes = np.array([[0] * 200 + [1] * 4])
    event = np.array([1.0, 0.0] * 100 + [1.0] * 4)  # level 1 saw only events
    given = Rows(codes, (2,), event, np.ones(204), np.zeros(204))
    weak, strong = (fit_rates(given, ridge).log_rates(np.array([[1]]))[0] for ridge in (0.5, 50.0))
    assert np.log(0.5) < strong < weak < 0  # between the rate of the rest and its own, 1


def test_the_fit_is_at_the_least_of_its_objective():
    given, ridge = rows(600), np.array([2.0, 0.5])
    made = fit_rates(given, ridge)

    def objective(base, effects):
        eta = base + effects[0][given.codes[0]] + effects[1][given.codes[1]] + given.offset
        loss = given.weight * (np.exp(eta) - given.event * eta)
        return loss.sum() + sum(0.5 * r * (e**2).sum() for r, e in zip(ridge, effects, strict=True))

    best = objective(made.base, made.effects)
    random = np.random.default_rng(2)
    for _ in range(50):
        moved = tuple(e + 0.05 * random.standard_normal(len(e)) for e in made.effects)
        assert objective(made.base + 0.05 * random.standard_normal(), moved) > best


@pytest.mark.parametrize("event", [0.0, 1.0])
def test_all_events_or_none_leave_no_rate_to_estimate(event):
    given = Rows(np.zeros((1, 5), dtype=int), (1,), np.full(5, event), np.ones(5), np.zeros(5))
    with pytest.raises(ValueError, match="there is no rate to estimate"):
        fit_rates(given)


def test_rates_without_some_rows_are_those_of_a_fit_that_never_saw_them():
    # The oracle is the fit itself on the rows that stay: half of level 3 and a fifteenth of the others go.
    given, ridge = rows(3000, seed=5), np.array([1.0, 2.0])
    out = (given.codes[1] == 3) & (np.arange(3000) % 2 == 0) | (np.arange(3000) < 200)
    stays = Rows(
        given.codes[:, ~out], given.levels, given.event[~out], given.weight[~out], given.offset[~out]
    )
    whole, never = fit_refittable(given, ridge), fit_rates(stays, ridge)
    found = whole.without(out).log_rates(given.codes)
    apart = [np.abs(rates - never.log_rates(given.codes)).max() for rates in
             (found, whole.rates.log_rates(given.codes))]  # fmt: skip
    assert apart[0] < 0.05 and 3 * apart[0] < apart[1]


def test_without_every_event_there_is_no_rate():
    given = rows(300)
    assert fit_refittable(given, 1.0).without(given.event == 1) is None
