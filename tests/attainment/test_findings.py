"""Every rule fires, stays silent, and says UNKNOWN where it cannot judge."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
import yaml

from salesops_lib.attainment import findings, outputs
from salesops_lib.attainment.spread.distribution import concentration
from salesops_lib.core.findings import Severity
from salesops_lib.core.policy import Policy

ROOT = Path(__file__).parents[2]
POLICY = Policy(
    "attainment", yaml.safe_load((ROOT / "data/policy/attainment.yaml").read_text(encoding="utf-8"))
)
SETTING = findings.Setting(POLICY, date(2026, 3, 1), "USD")  # team floor 85 % from 2026-02-01


def paced(mid, low, high, level="team", name="North", **more):
    row = {
        "level": level, "holder_id": name, "period": "FY26-Q4", "name": name, "team": name, "region": "AMER",
        "quota_base": Decimal(1000), "to_date_base": 300.0, "projected_low": low, "projected_attainment": mid,
        "projected_high": high, "finish_mid_base": None if mid is None else 1000.0 * mid, "p_quota": 0.4,
        "interval_level": 0.8, "past_periods": 11, "past_values": 80, "method": "remaining",
    } | more  # fmt: skip
    return pd.DataFrame([row]).reindex(columns=outputs.PACING.column_names)


def reps(attained, period="FY26-Q3", **columns):
    n = len(attained)
    rows = {
        "level": "rep", "holder_id": [f"R{i}" for i in range(n)], "name": [f"Rep {i}" for i in range(n)],
        "period": period, "team": "North", "quota_base": Decimal(100), "attainment": attained,
        "credited_base": [Decimal(round(100 * a)) for a in attained], "overlay_base": Decimal(0),
        "in_totals": True, "status": "ok", "unassigned_base": None,
    }  # fmt: skip
    return pd.DataFrame({**rows, **columns})


def company(unassigned=0):
    row = reps([1.0], level="company", holder_id="company", name="The company")
    return row.assign(unassigned_base=Decimal(unassigned))


def pieces(credit, teams):
    return pd.DataFrame(
        {"rep_id": [f"R{i}" for i in range(len(credit))], "credited_base": credit, "team": teams}
    )


def cascaded(ratio, goal=1000):
    total = None if ratio is None else Decimal(str(goal * ratio))
    gap = None if ratio is None else total - goal
    row = {"level": "rep", "with_quota": 9, "quota_base": total, "over_company": ratio, "gap_base": gap}
    return pd.DataFrame([row])


STEPS = pd.DataFrame({"team": ["North", "South"], "over_team": [1.3, 0.9]})


@pytest.mark.parametrize(
    ("low", "mid", "high", "severity"),
    [(0.6, 0.7, 0.8, "ACT"), (0.7, 0.9, 1.1, "WATCH"), (1.0, 1.1, 1.3, "OK"), (None, None, None, "UNKNOWN")],
)
def test_company_pace_is_judged_by_its_whole_range(low, mid, high, severity):
    (found,) = findings.pace(SETTING, paced(mid, low, high, level="company"))
    assert (found.code, found.severity) == ("F-ATTN-PACE", Severity(severity))


def test_pace_with_three_past_periods_is_unknown():
    (found,) = findings.pace(SETTING, paced(0.5, 0.4, 0.6, level="region", past_periods=3))
    assert found.severity is Severity.UNKNOWN


def test_pace_is_silent_without_a_quota():
    assert findings.pace(SETTING, paced(0.5, 0.4, 0.6, level="company", quota_base=None)) == []


def test_the_company_s_next_step_names_the_teams_that_make_the_gap():
    rows = pd.concat([paced(0.7, 0.6, 0.8, level="company", name="Co"), paced(0.4, 0.3, 0.5, name="South")])
    (found,) = findings.pace(SETTING, rows)
    assert "South (600 short)" in found.recommendation
    assert found.money_at_stake == 300  # 1,000 × (1 − 0.7)


@pytest.mark.parametrize(
    ("low", "mid", "high", "severity"),
    [
        (0.5, 0.6, 0.84, "ACT"),
        (0.7, 0.9, 1.1, "WATCH"),
        (0.85, 1.0, 1.1, "OK"),
        (None, None, None, "UNKNOWN"),
    ],
)
def test_a_team_is_judged_against_the_floor_of_the_day(low, mid, high, severity):
    (found,) = findings.floor(SETTING, paced(mid, low, high))
    assert (found.code, found.severity) == ("F-ATTN-FLOOR", Severity(severity))
    assert found.threshold.limit == 0.85


def test_a_finished_team_is_judged_by_what_it_booked():
    row = paced(0.8, 0.8, 0.8, method="finished", past_periods=0)
    (found,) = findings.floor(SETTING, row)
    assert found.severity is Severity.ACT
    assert found.interval is None


def test_few_reps_at_quota_fires_and_names_their_team():
    (found,) = findings.share_at_quota(SETTING, reps([0.4] * 28 + [1.1] * 4), reps([]), finished=True)
    assert found.severity is Severity.ACT
    assert found.value == pytest.approx(0.125)
    assert "North" in found.recommendation
    assert found.money_at_stake == 28 * 60


def test_two_quarters_below_ask_for_a_quota_review():
    below = reps([0.4] * 8 + [1.1] * 2)
    (found,) = findings.share_at_quota(SETTING, below, below.assign(period="FY26-Q2"), finished=True)
    assert found.recommendation.startswith("Open a quota review")


def test_enough_reps_at_quota_is_fine_and_no_reps_is_silent():
    (found,) = findings.share_at_quota(SETTING, reps([1.1] * 30), reps([]), finished=True)
    assert found.severity is Severity.OK
    assert findings.share_at_quota(SETTING, reps([]), reps([]), finished=True) == []


def test_seven_reps_or_a_running_period_leave_the_share_unknown():
    (few,) = findings.share_at_quota(SETTING, reps([0.1] * 7), reps([]), finished=True)
    (running,) = findings.share_at_quota(SETTING, reps([0.1] * 20), reps([]), finished=False)
    assert few.severity is running.severity is Severity.UNKNOWN
    assert "%" not in few.statement


def skewed(attained, *, finished=True):
    rows = reps(attained)
    return findings.skew(SETTING, rows, concentration(rows), finished=finished)


def test_a_top_fifth_that_carries_nearly_all_fires_with_the_money_above_the_limit():
    # By hand: 4 of 20 reps hold 4,000 of 4,160, 96 %; above 60 % are 4,000 − 2,496 = 1,504.
    (found,) = skewed([10.0] * 4 + [0.1] * 16)
    assert found.severity is not Severity.OK
    assert found.value == pytest.approx(4000 / 4160)
    assert found.money_at_stake == pytest.approx(1504)
    assert "Rep 0" in found.recommendation


def test_equal_reps_are_no_skew_and_few_or_running_are_unknown():
    assert skewed([1.0] * 20)[0].severity is Severity.OK
    assert skewed([1.0] * 7)[0].severity is Severity.UNKNOWN
    assert skewed([1.0] * 20, finished=False)[0].severity is Severity.UNKNOWN
    assert skewed([]) == []


def test_credit_without_quota_fires_with_its_money_and_the_rep():
    rows = pd.concat([reps([1.0, 1.0]), reps([3.0], status="quota_missing", name="Rep X", holder_id="X")])
    (found,) = findings.no_quota(SETTING, rows)
    assert (found.severity, found.money_at_stake) == (Severity.ACT, 300)
    assert found.value == pytest.approx(0.6)
    assert found.recommendation.startswith("Set a quota for Rep X")


def test_quotas_for_all_is_fine_and_nothing_booked_is_unknown():
    assert findings.no_quota(SETTING, reps([1.0, 1.0]))[0].severity is Severity.OK
    assert findings.no_quota(SETTING, reps([0.0]))[0].severity is Severity.UNKNOWN


def test_bookings_without_rep_or_team_fire_with_both_sums():
    table = pd.concat([company(50), reps([1.0, 1.0])])
    (found,) = findings.unplaced(SETTING, table, pieces([100, 50], ["North", None]))
    assert (found.severity, found.money_at_stake) == (Severity.ACT, 100)
    assert "role spell of Rep 1" in found.recommendation
    assert "name an owner" in found.recommendation


def test_all_placed_is_fine_and_nothing_booked_is_unknown():
    table = pd.concat([company(), reps([1.0])])
    assert findings.unplaced(SETTING, table, pieces([100], ["North"]))[0].severity is Severity.OK
    assert findings.unplaced(SETTING, table, pieces([0], ["North"]))[0].severity is Severity.UNKNOWN


@pytest.mark.parametrize(
    ("ratio", "over", "under"),
    [(1.3, "ACT", "OK"), (1.10, "OK", "OK"), (0.9, "OK", "ACT"), (None, "UNKNOWN", "UNKNOWN")],
)
def test_quotas_against_the_goal_are_judged_on_both_sides(ratio, over, under):
    found = findings.assignment(SETTING, cascaded(ratio), STEPS, "FY26-Q4")
    assert [f.code for f in found] == ["F-ATTN-OVERASSIGN", "F-ATTN-UNDERASSIGN"]
    assert [f.severity for f in found] == [Severity(over), Severity(under)]


def test_quotas_beyond_the_cap_say_so_and_count_what_exceeds_the_limit():
    found = findings.assignment(SETTING, cascaded(1.3), STEPS, "FY26-Q4")[0]
    assert "above the cap of 125 %" in found.statement
    assert found.money_at_stake == pytest.approx(150)  # 1,300 − 1.15 × 1,000
    assert "North" in found.recommendation


def test_every_rule_has_its_policy_value_and_a_next_step_that_starts_with_a_verb():
    assert {r.policy for r in findings.RULES} <= set(POLICY.entries)
    assert len({r.code for r in findings.RULES}) == len(findings.RULES)
    for rule in findings.RULES:
        assert POLICY.value(rule.policy, date(2011, 5, 31)).value > 0  # the oldest case has limits too
