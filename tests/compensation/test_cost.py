"""Cost, its error, its slope: against closed forms and by hand."""

import numpy as np
import pandas as pd
import pytest

from salesops_lib.compensation.plans.terms import Draw
from salesops_lib.compensation.simulation import cost, equity, payout, standing
from salesops_lib.compensation.simulation.advances import owed


def blocks(count, size):
    return np.repeat(np.arange(count), size)


def test_the_error_of_a_quantile_is_its_spread_over_seeds():
    # Normal scenarios: the sd of the P90 of n draws is √(p(1−p)/n) ÷ density, by theory.
    n, block = 4000, blocks(16, 250)
    found = [cost.quantile(np.random.default_rng(s).normal(100, 10, n), block, 0.9) for s in range(60)]
    values, errors = np.array(found).T
    theory = np.sqrt(0.09 / n) / 0.17550 * 10
    assert values.std() == pytest.approx(theory, rel=0.25)
    assert errors.mean() == pytest.approx(theory, rel=0.15)


def test_with_few_blocks_the_error_comes_from_order_statistics():
    n = 500
    found = [
        cost.quantile(np.random.default_rng(s).normal(0, 1, n), blocks(2, 250), 0.5)[1] for s in range(60)
    ]
    assert np.mean(found) == pytest.approx(np.sqrt(0.25 / n) / 0.39894, rel=0.15)


def test_the_last_short_block_counts_for_the_value_not_for_the_error():
    values = np.concatenate([np.tile([0.0, 2.0], 125 * 10), [1000.0] * 3])
    block = np.concatenate([blocks(10, 250), [10] * 3])
    value, error = cost.mean(values, block)
    assert value == pytest.approx((2500 + 3000) / 2503)
    assert error == 0


def test_break_even_by_hand():
    # Old 1.00m, new 1.06m, sales 10m, margin 75 %, 15 cents of pay a dollar: 60,000 ÷ (10m × 0.60) = 1 %.
    slopes = pd.DataFrame(
        {"variant": ["old", "new"], "pay": [1.0e6, 1.06e6], "sales": [1e7, 1e7], "per_sale": [0.12, 0.15]}
    )
    assert cost.break_even(slopes, "old", "new", 0.75) == pytest.approx(0.01)
    assert cost.break_even(slopes.assign(pay=[1.06e6, 1.0e6]), "old", "new", 0.75) == pytest.approx(-0.01)
    assert np.isnan(cost.break_even(slopes, "old", "new", 0.10))


def recoverable(**changed):
    terms = {"starts": "immediate", "rate": "1", "floor": "draw", "forgive_at_end": False}
    return Draw(
        kind="recoverable", amount="2000", period="month", from_tenure_month=1, to_tenure_month=6,
        recovery={**terms, **changed.pop("recovery", {})}, **changed,
    )  # fmt: skip


def test_the_draw_of_the_published_example_is_paid_back_and_leaves_no_balance():
    # Siebel PlanDesign8: 2,750 3,000 1,500 2,375 3,000 2,750 earned; 500 topped up, 375 and 125 recovered.
    earned = np.zeros((12, 1, 1))
    earned[:6, 0, 0] = [2750, 3000, 1500, 2375, 3000, 2750]
    earned[6:] = 2000
    assert owed(recoverable(), earned, np.array([0])).item() == 0
    short = earned.copy()
    short[4:] = 2000
    assert owed(recoverable(), short, np.array([0])).item() == pytest.approx(125)


def test_a_draw_ends_with_its_months_of_tenure_and_can_be_forgiven():
    nothing = np.zeros((12, 1, 2))
    balance = owed(recoverable(), nothing, np.array([0, 4]))
    assert balance[0].tolist() == [12_000, 4_000]  # by hand: six months, and months 5 and 6
    assert owed(recoverable(recovery={"forgive_at_end": True}), nothing, np.array([0, 4])).sum() == 0


def seats(n=40, gap=0.0, **columns):
    random = np.random.default_rng(4)
    attained = random.lognormal(0, 0.3, n)
    inside = np.arange(n) % 2 == 0
    pay = 100_000 * attained * np.exp(random.normal(0, 0.02, n)) * np.where(inside, 1 + gap, 1.0)
    made = {"role": "AE", "attained": attained, "target_new": 100_000.0, "pay_new": pay}
    return pd.DataFrame(made | columns), pd.Series(np.where(inside, "A", "B"))


def test_an_adjusted_gap_is_the_planted_one():
    frame, groups = seats(gap=0.10)
    rows = equity.gaps(frame, "pay_new", {"site": groups}).set_index("group")
    assert rows.loc["A", "adjusted"] == pytest.approx(0.10, abs=0.02)
    assert rows.loc["A", "adjusted_low"] < 0.10 < rows.loc["A", "adjusted_high"]
    assert rows.loc["B", "adjusted"] == pytest.approx(1 / 1.10 - 1, abs=0.02)


def test_a_gap_of_results_alone_is_raw_and_not_adjusted():
    frame, groups = seats()
    better = frame["attained"].where(groups == "B", frame["attained"] * 1.5)
    frame["pay_new"] = frame["pay_new"] * better / frame["attained"]
    row = equity.gaps(frame.assign(attained=better), "pay_new", {"site": groups}).set_index("group").loc["A"]
    assert row["raw"] == pytest.approx(0.5, abs=0.25)
    assert abs(row["adjusted"]) < 0.02


def test_a_group_under_eight_has_no_gap():
    frame, _ = seats()
    groups = pd.Series(["A"] * 7 + ["B"] * 33)
    assert equity.gaps(frame, "pay_new", {"site": groups})["adjusted"].isna().all()


def test_rank_correlation_by_hand_and_undefined_without_spread():
    assert standing.spearman(np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 2, 4])) == pytest.approx(0.8)
    assert np.isnan(standing.spearman(np.array([1.0, 1, 1]), np.array([1.0, 2, 3])))


def test_excellence_is_what_one_in_ten_reaches():
    assert payout.EXCELLENCE == 0.9
