"""Money to the cent: rounding, splitting, exact sums."""

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops_lib.core import money


def test_half_a_cent_is_rounded_on_the_number_as_written():
    # 2.675 lies below as a float; people mean 2.68. Four decimals stand in AdventureWorks.
    written = pd.Series([2.675, -2.675, 20565.6206, 0.1 + 0.2, None])
    assert money.to_cents(written).tolist()[:4] == [268, -268, 2056562, 30]
    assert pd.isna(money.to_cents(written).iloc[4])


def test_decimals_and_floats_give_the_same_cents():
    assert money.to_cents(pd.Series([Decimal("1.005"), Decimal("7")])).tolist() == [101, 700]
    assert money.cents(1.005) == 101


def test_cents_come_back_as_decimals_and_missing_as_none():
    back = money.from_cents(pd.Series([123456, None, -5], dtype="Int64"))
    assert back.tolist() == [Decimal("1234.56"), None, Decimal("-0.05")]


def test_text_that_is_no_amount_is_refused():
    with pytest.raises(ValueError, match="'ten' is not an amount of money"):
        money.cents("ten")


def test_the_sum_of_many_tenths_is_exact():
    # Ten times 0.10 is 1.00; as floats it is 0.9999999999999999.
    assert money.total([0.1] * 10) == Decimal("1.00")


def test_left_over_cents_go_to_the_largest_remainders():
    # By hand: 100.00 by 31 and 61 of 92 days: 33.6956 and 66.3043, one cent left, to the first.
    assert money.allocate("100.00", [31, 61]) == [Decimal("33.70"), Decimal("66.30")]
    assert money.allocate("0.05", [1, 1, 1]) == [Decimal("0.02"), Decimal("0.02"), Decimal("0.01")]


@pytest.mark.parametrize("weights", [[0, 0], [1, -1], []])
def test_weights_that_cannot_split_are_refused(weights):
    with pytest.raises(ValueError, match="cannot split by weights"):
        money.allocate(1, weights)


def test_a_group_without_weight_is_refused():
    with pytest.raises(ValueError, match="cannot split by these weights"):
        money.allocate_cents(pd.Series([5]), pd.Series([0]), pd.Series(["a"]))


weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=8).filter(any)


@given(st.integers(-(10**9), 10**9), weights)
def test_parts_add_up_and_stay_within_a_cent_of_their_share(whole, parts):
    split = money.allocate(money.to_decimal(whole), parts)
    assert sum(split) == money.to_decimal(whole)
    for part, weight in zip(split, parts, strict=True):
        assert abs(part - money.to_decimal(whole) * weight / sum(parts)) < Decimal("0.01")


@given(st.integers(-(10**9), 10**9), weights)
def test_the_fast_split_of_many_agrees_with_the_slow_one(whole, parts):
    fast = money.allocate_cents(
        pd.Series([whole] * len(parts)), pd.Series(parts), pd.Series(["g"] * len(parts))
    )
    assert [money.to_decimal(c) for c in fast] == money.allocate(money.to_decimal(whole), parts)
