"""Participation, the empirical distribution and concentration, against counts made by hand."""

import numpy as np
import pandas as pd
import pytest

from salesops_lib.attainment.spread import distribution


def reps(attained, **columns):
    rows = {"attainment": attained, "credited_base": attained, "overlay_base": 0.0, "in_totals": True}
    return pd.DataFrame({**rows, **columns})


def test_participation_counts_reps_at_or_above_each_threshold():
    found = distribution.participation(reps([0.4, 0.5, 0.8, 0.99, 1.0, 1.1, 1.2, 1.3])).set_index("threshold")
    assert found["reached"].to_dict() == {0.5: 7, 0.8: 6, 1.0: 4, 1.2: 2}
    assert found.loc[1.0, "share"] == 0.5
    assert found.loc[1.0, "low"] < 0.5 < found.loc[1.0, "high"]


def test_a_group_of_seven_has_counts_and_no_percentage():
    rows = reps([1.0] * 15, team=["North"] * 7 + ["South"] * 8)
    found = distribution.participation(rows, ("team",)).query("grouping == 'team' and threshold == 1")
    shares = found.set_index("group")["share"]
    assert np.isnan(shares["North"])
    assert shares["South"] == 1.0
    assert found["reached"].tolist() == [7, 8]


def test_only_reps_with_a_quota_above_zero_are_judged():
    table = pd.DataFrame(
        {
            "level": ["rep", "rep", "team", "rep"], "period": ["P", "P", "P", "Q"], "holder_id": list("abcd"),
            "status": ["ok", "quota_zero", "ok", "ok"], "attainment": [0.5, np.nan, 0.7, 0.9],
        }
    )  # fmt: skip
    assert distribution.judged_reps(table, "P")["holder_id"].tolist() == ["a"]


def test_the_distribution_rises_to_one():
    found = distribution.ecdf(pd.Series([1.2, 0.5, np.nan, 0.5]))
    assert found["attainment"].tolist() == [0.5, 0.5, 1.2]
    assert found["share_at_or_below"].tolist() == pytest.approx([1 / 3, 2 / 3, 1])


def test_concentration_leaves_overlay_credit_and_overlay_holders_out():
    rows = reps([5.0] * 10 + [100.0], overlay_base=[0.0] * 9 + [4.0, 0.0], in_totals=[True] * 10 + [False])
    found = distribution.concentration(rows).set_index("statistic")
    # Nine hold 5, one 1 of its own: the best two of ten hold 10 of 46.
    assert found.loc["top_fifth_share", "value"] == pytest.approx(10 / 46)
    assert found.loc["top_fifth_share", "reps"] == 10


def test_concentration_of_few_or_negative_credit_is_undefined():
    few = distribution.concentration(reps([1.0] * 7))
    negative = distribution.concentration(reps([1.0] * 9 + [-1.0])).set_index("statistic")
    assert few["value"].isna().all()
    assert np.isnan(negative.loc["gini", "value"])
    assert negative.loc["top_fifth_share", "value"] == pytest.approx(2 / 8)


def test_the_same_seed_gives_the_same_range():
    rows = reps(np.arange(1.0, 21))
    pd.testing.assert_frame_equal(
        distribution.concentration(rows, seed=3), distribution.concentration(rows, seed=3)
    )
