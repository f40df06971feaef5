"""Quota quality on planted companies: an over-set team is found, a planted zero is not; steps by hand."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from salesops_lib import inputs
from salesops_lib.attainment import fairness_findings
from salesops_lib.attainment.crediting.records import Records
from salesops_lib.attainment.crediting.table import attainment
from salesops_lib.attainment.outlook.calibration import corrected
from salesops_lib.attainment.outlook.finish import FINAL, REMAINING, Past, finish
from salesops_lib.attainment.rules import Setting
from salesops_lib.attainment.setting.quality import EXPLAINED, quality, team_fit
from salesops_lib.attainment.spread.humps import Humps
from salesops_lib.attainment.spread.tables import ecdf_rows, histogram
from salesops_lib.core.findings import Severity
from salesops_lib.core.policy import Policy
from salesops_lib.core.stats import rank_correlation
from salesops_lib.inputs.sample.truth import TRUTH

ROOT = Path(__file__).parents[2]
POLICY = yaml.safe_load((ROOT / "data/policy/attainment.yaml").read_text(encoding="utf-8"))
SETTING = Setting(Policy("attainment", POLICY), date(2025, 12, 12), "USD")


def pieces(drawn, factors, reps=6, spread=0.3):
    """Teams of reps over four quarters; a team's quotas are `factor` times what its territory yields."""
    rows = []
    for number, factor in enumerate(factors):
        for rep in range(reps):
            level = np.exp(spread * drawn.standard_normal())
            for quarter in range(4):
                booked = 100 * level * np.exp(0.4 * drawn.standard_normal()) / factor
                key = {"team": f"T{number}", "rep_id": f"R{number}-{rep}", "period": f"FY25-Q{quarter + 1}"}
                rows.append({**key, "credited_base": booked, "quota_base": 100.0, "in_totals": True})
    return pd.DataFrame(rows)


PERIODS = [f"FY25-Q{q}" for q in (1, 2, 3, 4)]


def test_a_team_s_fit_is_its_attainment_over_that_of_all_others_by_hand():
    cells = [("N", "A", 80, 100), ("N", "B", 120, 100), ("S", "C", 50, 200)]
    rows = [
        {"team": t, "rep_id": r, "period": "P", "credited_base": y, "quota_base": q, "in_totals": True}
        for t, r, y, q in cells
    ]
    found = team_fit(pd.DataFrame(rows), ["P"]).set_index("team")
    # By hand: N 200 ÷ 200 = 1, S 50 ÷ 200 = 0.25; relative 4 and a quarter; lowest first.
    assert found["relative"].to_dict() == pytest.approx({"S": 0.25, "N": 4.0})
    assert (found["low"] < found["relative"]).all()


def test_one_team_alone_cannot_be_compared():
    found = team_fit(pieces(np.random.default_rng(1), [1.0]), PERIODS)
    assert found["relative"].isna().all()
    assert fairness_findings.team_fit(SETTING, found.assign(periods="FY25")) == []


def test_over_set_teams_are_found_and_fair_ones_are_not():
    drawn = np.random.default_rng(3)
    acted, wronged, inside = 0, 0, 0
    for _ in range(40):
        fit = team_fit(pieces(drawn, [1, 1, 1, 1, 1, 1, 1, 1.9]), PERIODS)
        made = fairness_findings.team_fit(SETTING, fit.assign(periods="FY25"))
        act = {f.scope["team"] for f in made if f.severity is Severity.ACT}
        acted += "T7" in act
        wronged += len(act - {"T7"})
        planted = fit.set_index("team").loc["T7"]
        inside += planted["low"] <= 1 / 1.9 <= planted["high"]
    assert acted >= 28  # of 40
    assert wronged <= 3  # of 280 fair teams
    assert 30 <= inside <= 40  # a 90 % range


def test_the_over_set_teams_of_the_sample_are_its_two_lowest_and_one_is_beyond_doubt(sample):
    snapshot = inputs.open_snapshot(sample)
    tables = [snapshot.frame(name) for name in ("opportunities", "quotas", "reps", "credits")]
    records = Records(*tables, inputs.plan_rates(snapshot), "USD")
    result = attainment(records, snapshot.company.calendar, snapshot.as_of)
    fit = team_fit(result.by_spell, ["FY25-Q4", "FY26-Q1", "FY26-Q2", "FY26-Q3"])
    assert set(fit["team"].head(2)) == set(TRUTH.over_set_teams)
    made = fairness_findings.team_fit(SETTING, fit.assign(periods="FY25-Q4 to FY26-Q3"))
    act = {f.scope["team"] for f in made if f.severity is Severity.ACT}
    assert act
    assert act <= set(TRUTH.over_set_teams)


@pytest.mark.parametrize("slope", [0.0, -0.8])
def test_a_planted_bias_of_quotas_is_found_and_a_planted_zero_is_not(slope):
    drawn = np.random.default_rng(5)
    severities = []
    for _ in range(60):
        size = np.exp(0.5 * drawn.standard_normal(60))
        attained = np.exp(slope * np.log(size) + 0.25 * drawn.standard_normal(60))
        records = pd.DataFrame(
            {
                "attainment": attained,
                "full_quota_base": size,
                "quota_base": size,
                "credited_base": size * attained,
            }
            | {"potential_base": np.nan, "tenure_days": 400.0}
        )
        table = quality(records).assign(periods="FY25")
        found = {f.scope["driver"]: f for f in fairness_findings.quota_bias(SETTING, table)}
        severities.append(found["quota"].severity)
        assert found["tenure"].severity is Severity.UNKNOWN  # all alike
        assert "potential" not in found  # no rep has one
    act = severities.count(Severity.ACT)
    assert act == 0 if slope == 0 else act >= 55


def test_what_quotas_explain_is_the_squared_rank_correlation_of_quota_and_bookings():
    records = pd.DataFrame(
        {"attainment": [1.0, 1.1, 0.9, 1.2, 1.0], "full_quota_base": [1.0, 2, 3, 4, 5]}
        | {"quota_base": [1.0, 2, 3, 4, 5], "credited_base": [1.0, 3, 2, 4, 5]}
        | {"potential_base": np.nan, "tenure_days": [1.0, 2, 3, 4, 5]}
    )
    # By hand: two neighbours swapped, 1 − 6 × 2 ÷ (5 × 24) = 0.9; squared 0.81.
    assert quality(records).set_index("driver").loc[EXPLAINED, "value"] == pytest.approx(0.81)


def test_the_rank_correlation_covers_a_planted_one():
    drawn = np.random.default_rng(2)
    # Pearson 0.5 of normals is a rank correlation of 6 ÷ π × asin(0.25) = 0.4826.
    held = []
    for _ in range(400):
        x = drawn.standard_normal(30)
        y = 0.5 * x + np.sqrt(0.75) * drawn.standard_normal(30)
        _, low, high = rank_correlation(pd.Series(x), pd.Series(y))
        held.append(low <= 0.4826 <= high)
    assert 0.86 <= np.mean(held) <= 0.94


def test_bars_add_up_to_the_group_and_an_edge_belongs_to_the_bar_it_opens():
    reps = pd.DataFrame({"attainment": [-0.1, 0.0, 0.6, 0.99, 1.0, 2.0, 9.0], "role": ["AE"] * 6 + ["AM"]})
    bars = histogram(reps, ("role",))
    everyone = bars[bars["grouping"] == "all"].set_index("attained_from")["reps"]
    assert everyone.sum() == 7
    assert everyone[[0.0, 0.6, 0.8, 1.0, 2.0]].tolist() == [1, 1, 1, 1, 2]
    assert bars[bars["attained_from"].isna()].query("grouping == 'all'")["reps"].item() == 1
    assert bars.query("group == 'AM'")["reps"].sum() == 1


def test_the_empirical_distribution_of_small_groups_has_places_and_no_percentage():
    reps = pd.DataFrame({"attainment": np.arange(9) / 8, "role": ["AE"] * 8 + ["AM"]})
    line = ecdf_rows(reps, ("role",))
    assert line.query("group == 'AE'")["share_at_or_below"].tolist() == pytest.approx(
        list(np.arange(1, 9) / 8)
    )
    assert line.query("group == 'AM'")["share_at_or_below"].isna().all()


@pytest.mark.parametrize(
    ("near", "flat", "severity"), [(0.01, 0.02, "ACT"), (0.01, 0.4, "WATCH"), (0.3, 0.8, "OK")]
)
def test_humps_are_judged_against_the_nearest_and_the_flat_hump(near, flat, severity):
    reps = pd.DataFrame(
        {"attainment": [0.4] * 10 + [1.1] * 20, "period": "FY26-Q3", "name": [f"Rep {i}" for i in range(30)]}
    )
    (found,) = fairness_findings.humps(SETTING, Humps(30, 0.1, near, flat, 0.8, 1000), reps, finished=True)
    assert found.severity is Severity(severity)
    assert ("Rep 0" in found.recommendation) == (severity != "OK")


def test_nineteen_reps_are_too_few_for_humps():
    reps = pd.DataFrame({"attainment": [0.4] * 19, "period": "P", "name": "Rep"})
    (found,) = fairness_findings.humps(SETTING, Humps(19, 0.1, 0.01, 0.01, 0.3, 1000), reps, finished=True)
    assert found.severity is Severity.UNKNOWN


def test_a_holder_s_own_past_moves_its_finish_and_the_methods_agree_where_the_past_is_constant():
    quota = np.full((2, 6), 100.0)
    drawn = np.random.default_rng(4)
    final = np.array([[150.0], [50.0]]) + drawn.normal(0, 5, (2, 6))
    past = Past(np.full((2, 6), 10.0), final, quota)
    found = finish(past, np.array([10.0, 10.0]), np.array([100.0, 100.0]), (REMAINING,), [0.1, 0.5, 0.9])
    assert found.ends[0, 1] == pytest.approx(1.5, abs=0.1)
    assert found.ends[1, 1] == pytest.approx(0.5, abs=0.1)
    assert found.chance[0] > 0.9 > 0.1 > found.chance[1]
    both = finish(past, np.array([10.0, 10.0]), np.array([100.0, 100.0]), (REMAINING, FINAL), [0.5])
    np.testing.assert_allclose(both.ends[:, 0], found.ends[:, 1], atol=0.02)


def test_chances_that_came_true_too_rarely_are_lowered_and_few_move_nothing():
    said = np.full(400, 0.7)
    came = np.arange(400) % 2 == 0  # half of them
    assert corrected(np.array([0.7]), said, came).item() == pytest.approx(0.5, abs=0.03)
    assert corrected(np.array([0.7]), said[:2], came[:2]).item() == pytest.approx(0.7, abs=0.03)
