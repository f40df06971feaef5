"""Payout in bulk: hinges against exact curves, cents against exact rounding, on grids with every boundary."""

import sys
from fractions import Fraction

import numpy as np
import pytest

from salesops_lib.compensation.engine.certified import cents_of
from salesops_lib.compensation.engine.rounding import Rounder
from salesops_lib.compensation.plans import curves
from salesops_lib.compensation.plans.scales import Scale
from salesops_lib.compensation.simulation import compiled, kernel


def fractions(pairs):
    return [(Fraction(x), Fraction(y)) for x, y in pairs]


CURVES = {
    "marginal": curves.marginal(fractions([("0", "0.75"), ("0.5", "1.25"), ("1", "2"), ("1.5", "3")])),
    "capped": curves.marginal(fractions([("0", "0.75"), ("0.5", "1.25"), ("1", "2"), ("2", "0")])),
    "falling rate": curves.marginal(fractions([("0", "1.5"), ("1", "0.5")])),
    "retroactive": curves.retroactive(fractions([("0", "0.06"), ("0.7", "0.08"), ("1.3", "0.1")])),
    "step": curves.step(fractions([("0", "0"), ("0.5", "0.5"), ("0.6", "1"), ("0.7", "1.25")])),
    "threshold": curves.interpolated(
        fractions([("0", "0"), ("0.6", "0"), ("0.6", "0.4"), ("1", "1"), ("1.5", "2")])
    ),
    "late start": curves.interpolated(
        fractions([("0.85", "0.8"), ("0.9", "0.8"), ("0.95", "1"), ("1", "1.2")])
    ),
}  # fmt: skip


def grid_of(curve, steps=400):
    """Every knot, the floats next to it, and an even grid beyond the last."""
    knots = np.array([float(k) for k in curve.knots if k > 0], "float32")
    near = np.concatenate([knots, np.nextafter(knots, np.float32(0)), np.nextafter(knots, np.float32(9))])
    return np.sort(np.concatenate([near, np.linspace(0, 3, steps, dtype="float32")])).astype("float32")


@pytest.mark.parametrize("name", list(CURVES))
def test_the_kernel_pays_what_the_exact_curve_says_at_every_knot_and_next_to_it(name):
    curve, x = CURVES[name], grid_of(CURVES[name])
    paid = kernel.pay(kernel.hinges(curve), x, np.empty_like(x), kernel.Scratch())
    exact = np.array([float(curve.at(Fraction(float(v)))) for v in x])
    # A float32 x holds a decimal knot such as 0.6 to a part in ten million: at a jump both sides are right.
    beside = (
        np.min([np.abs(x - np.float32(float(k))) for k, _, _ in curve.jumps], axis=0) if curve.jumps else 1
    )
    assert np.abs(paid - exact)[np.broadcast_to(beside, x.shape) > 1e-6].max() < 2e-6
    assert len(x) > 400


def test_a_tile_boundary_and_many_shapes_make_no_difference():
    curve = kernel.hinges(CURVES["marginal"])
    x = np.random.default_rng(2).lognormal(0, 0.5, (3, 2, kernel.TILE // 2 + 17)).astype("float32")
    whole = kernel.pay(curve, x, np.empty_like(x), kernel.Scratch())
    scratch = kernel.Scratch()
    parts = [kernel.pay(curve, np.ascontiguousarray(row), np.empty_like(row), scratch) for row in x]
    assert np.array_equal(whole, np.stack(parts))


def test_the_compiled_loop_pays_the_bits_of_numpy_at_every_knot_and_far_from_it():
    pytest.importorskip("numba", reason="the extra `fast` is not installed")
    scratch = kernel.Scratch(payouts=compiled.WORTH)
    assert scratch.loop is not None
    far = np.random.default_rng(3).lognormal(0, 0.6, 3 * kernel.TILE + 17).astype("float32")
    for name, curve in CURVES.items():
        x, hinges = np.concatenate([grid_of(curve), far]), kernel.hinges(curve)
        assert scratch.constants(hinges) is not None, name
        paid = kernel.pay(hinges, x, np.empty_like(x), scratch)
        assert np.array_equal(paid, kernel.pay(hinges, x, np.empty_like(x), kernel.Scratch())), name


def test_a_curve_of_many_knots_and_little_work_stay_with_numpy():
    many = curves.marginal([(Fraction(k, 4), Fraction(k + 1, 10)) for k in range(12)])
    assert compiled.constants(kernel.hinges(many)) is None
    assert kernel.Scratch(payouts=compiled.WORTH - 1).loop is None


def test_without_the_compiler_any_work_is_numpys(monkeypatch):
    # A name that is None in sys.modules cannot be imported: as if it were not installed.
    monkeypatch.setitem(sys.modules, "numba", None)
    compiled.loop.cache_clear()
    assert kernel.Scratch(payouts=compiled.WORTH).loop is None
    compiled.loop.cache_clear()


def test_numbers_are_added_in_the_order_that_is_written_down():
    # By hand, each operation rounded to float32: ((.75·x + .5·max(x, .5)) + .75·max(x, 1)) + 1·max(x, 1.5),
    # then what is added to every payout: −(.5·.5 + .75·1 + 1·1.5) = −2.5.
    x = np.random.default_rng(4).random(2000, dtype="float32") * np.float32(3)
    turns = [(0.75, 0.0), (0.5, 0.5), (0.75, 1.0), (1.0, 1.5)]
    expected = np.zeros_like(x)
    for weight, knot in turns:
        expected = expected + np.float32(weight) * np.maximum(x, np.float32(knot))
    paid = kernel.pay(kernel.hinges(CURVES["marginal"]), x, np.empty_like(x), kernel.Scratch())
    assert np.array_equal(paid, expected + np.float32(-2.5))


def test_a_flat_end_is_a_minimum_and_a_falling_curve_is_not():
    assert kernel.hinges(CURVES["capped"]).top == np.float32(3.0)
    assert np.isinf(kernel.hinges(CURVES["marginal"]).top)
    hill = curves.interpolated(fractions([("0", "0"), ("1", "1"), ("2", "0.5")]))
    assert np.isinf(kernel.hinges(hill).top)


MODES = ("half_even", "half_up", "half_down", "up", "down", "ceiling", "floor")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["marginal", "retroactive", "step", "threshold"])
def test_certified_cents_are_those_of_exact_arithmetic_at_boundaries_and_ties(name, mode):
    curve = CURVES[name]
    quota, target = Fraction(120_000), Fraction("10199.98")
    knots = [k * quota for k in curve.knots]
    cent = Fraction(1, 100)
    measures = [k + d for k in knots for d in (-cent, Fraction(0), cent) if k + d >= 0]
    measures += [Fraction(n * 3_331, 7) for n in range(150)]
    # By construction: amounts whose pay ends in exactly half a cent.
    rate = curve.slopes[0] or Fraction(1)
    measures += [Fraction(n) * quota / (target * rate * 200) for n in range(1, 40, 2)]
    scales = [Scale(quota, target)] * len(measures)
    rounder = Rounder(1, mode)
    cents, exact = cents_of(curve, measures, scales, rounder)
    expected = [rounder.cents(target * curve.at(m / quota)) for m in measures]
    assert cents.tolist() == expected
    assert 0 < exact < len(measures)


def test_few_amounts_need_exact_arithmetic():
    random = np.random.default_rng(1)
    measures = [Fraction(int(c), 100) for c in random.integers(0, 30_000_000, 4000)]
    scales = [Scale(Fraction(120_000), Fraction("10199.98"))] * 4000
    rounder = Rounder(1, "half_even")
    cents, exact = cents_of(CURVES["marginal"], measures, scales, rounder)
    assert exact < 5
    assert [
        rounder.cents(scales[0].scale * CURVES["marginal"].at(m / 120_000)) for m in measures
    ] == cents.tolist()
