"""Draws of a year: the same whatever the chunk, with the spread and the cost that theory asks for."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.special import ndtr

from salesops_lib.compensation.plans import curves
from salesops_lib.compensation.simulation import draws, kernel
from salesops_lib.compensation.simulation.draws import UNIT, Design, Stream
from salesops_lib.compensation.simulation.families import Family
from salesops_lib.compensation.simulation.performance import Structure
from salesops_lib.core.errors import ParameterError

ACCELERATED = curves.marginal([(Fraction(0), Fraction(1)), (Fraction(1), Fraction(2))])
"""The plan of the known answers: 1 × to quota, 2 × above."""


def stream(reps, *, rho=0.0, rho_segment=0.0, family=None, spread=0.0, steps=1, name="bookings"):
    parts = Structure(1.0, spread, rho, rho_segment, rho, rho, 12)
    sd = np.full(reps, np.sqrt(spread))
    segment = np.arange(reps) % 4
    return Stream(name, family or Family.lognormal(1.0, 0.4), parts, np.zeros(reps), sd, segment, steps)


def year(design, made, block):
    factors = draws.shared(design, block)
    parts = [draws.draw(design, made, factors, block, unit) for unit in draws.units(len(made))]
    return np.concatenate(parts, axis=2)


def years(design, made):
    return np.concatenate([year(design, made, block) for block in range(design.blocks)], axis=1)


@pytest.mark.parametrize(("variation", "more"), [(0.2, 0.079), (0.4, 0.153), (0.6, 0.218)])
def test_an_accelerator_costs_more_than_its_payout_at_the_mean_by_the_known_share(variation, more):
    # COMPENSATION.md, Simulation; in closed form 2Φ(σ/2) − 1 with σ² = ln(1 + CV²).
    closed = 2 * ndtr(np.sqrt(np.log1p(variation**2)) / 2) - 1
    assert closed == pytest.approx(more, abs=0.0005)
    design = Design(seed=7, scenarios=4000, steps=1)
    attainment = years(design, stream(100, family=Family.lognormal(1.0, variation)))
    paid = kernel.pay(kernel.hinges(ACCELERATED), attainment, np.empty_like(attainment), kernel.Scratch())
    assert attainment.mean() == pytest.approx(1.0, abs=4 * attainment.std() / np.sqrt(attainment.size))
    assert paid.mean() - 1 == pytest.approx(closed, abs=4 * paid.std() / np.sqrt(paid.size))


def spread_of_total(reps, rho):
    attainment = years(Design(seed=3, scenarios=3000, steps=1), stream(reps, rho=rho))
    paid = kernel.pay(kernel.hinges(ACCELERATED), attainment, np.empty_like(attainment), kernel.Scratch())
    return paid[0].mean(axis=1).std()


def test_without_a_common_factor_the_spread_falls_with_the_root_of_the_reps_and_with_one_it_does_not():
    assert spread_of_total(400, 0.0) / spread_of_total(25, 0.0) == pytest.approx(0.25, rel=0.06)
    few, many = spread_of_total(25, 0.3), spread_of_total(400, 0.3)
    assert many / few > 0.9
    assert many / spread_of_total(400, 0.0) > 5


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_a_block_is_the_same_drawn_alone_in_any_order_or_among_others(order):
    design, made = (
        Design(seed=11, scenarios=700, steps=1, segments=4),
        stream(90, rho=0.3, rho_segment=0.1, spread=0.2),
    )
    whole = {b: year(design, made, b) for b in range(3)}
    for block in order:
        assert np.array_equal(year(design, made, block), whole[block])
    assert [whole[b].shape[1] for b in range(3)] == [250, 250, 200]


def test_a_rep_keeps_its_draws_when_reps_join_after_it():
    design = Design(seed=11, scenarios=250, steps=1)
    few, many = stream(70, rho=0.3, spread=0.2), stream(300, rho=0.3, spread=0.2)
    assert np.array_equal(year(design, few, 0), year(design, many, 0)[:, :, :70])


def test_streams_of_other_names_seeds_and_blocks_are_other_numbers():
    def first(seed=1, name="a", block=0):
        design = Design(seed=seed, scenarios=500, steps=1)
        return year(design, stream(UNIT, name=name), block)

    base = first()
    assert np.array_equal(base, first())
    others = [first(seed=2), first(name="b"), first(block=1)]
    assert all(abs(np.corrcoef(np.log(base).ravel(), np.log(o).ravel())[0, 1]) < 0.02 for o in others)


def test_correlations_of_the_draws_are_those_asked_for():
    made = stream(40, rho=0.3, rho_segment=0.15, spread=0.2, steps=4)
    logs = np.log(years(Design(seed=5, scenarios=6000, steps=4, segments=4), made))
    z = (logs - logs.mean()) / logs.std()

    def together(a, b):
        return float((a * b).mean())

    # Total variance 1: 0.2 lasts with the rep; of the other 0.8 the market has 0.3 and the segment 0.15.
    assert together(z[0, :, 0], z[1, :, 0]) == pytest.approx(0.2, abs=0.04)
    assert together(z[0, :, 0], z[0, :, 1]) == pytest.approx(0.8 * 0.3, abs=0.04)
    assert together(z[0, :, 0], z[0, :, 4]) == pytest.approx(0.8 * 0.45, abs=0.04)
    assert together(z[0, :, 0], z[1, :, 1]) == pytest.approx(0.0, abs=0.04)


def test_the_market_lasts_as_long_as_its_persistence_says_and_its_year_is_spread_evenly():
    design = Design(seed=5, scenarios=5000, steps=4, persistence=0.5)
    market = np.concatenate([draws.shared(design, b).market for b in range(design.blocks)], axis=1)
    assert np.cov(market) == pytest.approx(np.full((4, 4), 0.5) + 0.5 * np.eye(4), abs=0.05)
    # 250 bands a block: the mean over a block errs 250 times less than that of free draws.
    means = market.mean(axis=0).reshape(20, 250).mean(axis=1)
    assert np.abs(means).max() < 0.01


def test_a_design_of_no_scenario_or_a_negative_seed_is_refused():
    with pytest.raises(ParameterError, match="scenarios is 0"):
        Design(seed=1, scenarios=0)
    with pytest.raises(ParameterError, match="seed -1"):
        Design(seed=-1, scenarios=10)


def test_blocks_shrink_before_memory_grows():
    assert draws.block_size(1_000) == 250
    assert draws.block_size(100_000) * 100_000 <= draws.CELLS
