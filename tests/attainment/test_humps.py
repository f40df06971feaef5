"""Hartigan's dip against published values, and the two-hump check on planted samples."""

import numpy as np
import pandas as pd
import pytest

from salesops_lib.attainment.spread.dip import dip, dip_test
from salesops_lib.attainment.spread.humps import two_humps

FACULTY = [
    30, 33, 35, 36, 37, 37, 39, 39, 39, 39, 39, 40, 40, 40, 40, 41, 42, 43, 43, 43, 44,
    44, 45, 45, 46, 47, 47, 48, 48, 48, 49, 50, 50, 51, 52, 52, 53, 53, 53, 53, 53, 54,
    54, 57, 57, 59, 60, 60, 60, 61, 61, 61, 61, 62, 62, 62, 62, 63, 66, 70, 72, 72, 72,
]  # fmt: skip


def test_the_published_example_has_its_published_dip_and_tail():
    # Hartigan and Hartigan (1985): 63 departments, dip 0.059, tail probability about 10 %.
    seen, p = dip_test(np.array(FACULTY))
    assert seen == pytest.approx(0.0595, abs=5e-5)
    assert 0.07 < p < 0.11


def test_critical_values_of_the_uniform_are_the_published_ones():
    # Table 1 there: n = 100, 90 % point 0.0471.
    null = dip(np.random.default_rng(1).random((4000, 100)))
    assert np.quantile(null, 0.9) == pytest.approx(0.0471, abs=0.0006)


def test_two_points_are_the_deepest_dip_and_one_the_shallowest():
    assert dip(np.array([0, 0, 1, 1])).item() == pytest.approx(0.25)
    assert dip(np.arange(5.0)).item() == pytest.approx(0.1)


def test_a_planted_second_hump_is_found_and_one_hump_is_not():
    drawn = np.random.default_rng(0)
    two = pd.Series(np.r_[drawn.normal(0.4, 0.12, 12), drawn.normal(1.1, 0.15, 30)])
    found = two_humps(two)
    assert found.p_value < 0.05
    assert 0.5 < found.cut < 0.9
    one = [two_humps(pd.Series(drawn.lognormal(0, 0.4, 40)), draws=200).p_value for _ in range(40)]
    assert np.mean(np.array(one) < 0.05) <= 0.15  # nominal 5 %, three standard errors above
