import json
from dataclasses import fields
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops_lib.core.findings import Finding, Interval, Rule, Severity, ordered
from salesops_lib.core.metrics import Metric
from salesops_lib.core.policy import PolicyValue

TEXTS = [f.name for f in fields(Metric) if f.name not in {"id", "unit", "good_direction"}]
NUMBERS = st.floats(-1e6, 1e6)


def metric(unit="ratio") -> Metric:
    return Metric(id="attainment.team", unit=unit, good_direction="up", **dict.fromkeys(TEXTS, "said"))


def rule(keep="above", min_n=5, unit="ratio", code="F-ATTN-TEAM") -> Rule:
    return Rule(
        code=code,
        metric=metric(unit),
        title="Team under its floor",
        policy="team_floor",
        keep=keep,
        min_n=min_n,
        owner="manager",
        due="next review",
        due_days=7,
        playbook="how-to/analytics/review-attainment.md",
    )


def limit(value=0.80, key="attainment.team_floor", unit="ratio") -> PolicyValue:
    return PolicyValue(key, value, unit, date(2026, 2, 1), "log", "d")


def judged(value, keep="above", interval=None, **changes) -> Finding:
    given = {
        "scope": {"period": "FY26-Q2"},
        "n": 10,
        "limit": limit(unit=changes.pop("unit", "ratio")),
        "as_of": date(2026, 2, 27),
        "statement": "Said.",
        "recommendation": "Do it.",
    } | changes
    return rule(keep, unit=given["limit"].unit).judge(value=value, interval=interval, **given)


@pytest.mark.parametrize(
    ("keep", "value", "severity"),
    [
        ("above", 0.80, "OK"),
        ("above", 0.7999, "ACT"),
        ("above", 0.81, "OK"),
        ("below", 0.80, "OK"),
        ("below", 0.8001, "ACT"),
        ("below", 0.79, "OK"),
    ],
)
def test_an_exact_number_is_ok_at_the_limit_itself_and_act_just_beyond(keep, value, severity):
    assert judged(value, keep).severity == severity


@pytest.mark.parametrize(
    ("keep", "low", "high", "severity"),
    [
        ("above", 0.60, 0.79, "ACT"),
        ("above", 0.60, 0.80, "WATCH"),
        ("above", 0.60, 0.90, "WATCH"),
        ("above", 0.80, 0.90, "OK"),
        ("below", 0.81, 0.90, "ACT"),
        ("below", 0.80, 0.90, "WATCH"),
        ("below", 0.70, 0.80, "OK"),
    ],
)
def test_act_needs_the_whole_interval_beyond_the_limit(keep, low, high, severity):
    interval = Interval(low, high, 0.9, "bootstrap")
    assert judged((low + high) / 2, keep, interval).severity == severity


@pytest.mark.parametrize("value", [None, float("nan"), np.nan, pd.NA, pd.NaT, float("inf"), -np.inf])
def test_an_undefined_value_is_unknown_and_stored_as_null(value):
    finding = judged(value)
    assert (finding.severity, finding.value) == ("UNKNOWN", None)


def test_too_few_rows_are_unknown_and_just_enough_are_not():
    assert judged(0.1, n=4).severity == Severity.UNKNOWN
    assert judged(0.1, n=5).severity == Severity.ACT


def test_an_immature_number_is_unknown():
    assert judged(0.1, mature=False).severity == Severity.UNKNOWN


@given(low=NUMBERS, width=st.floats(0, 1e6), keep=st.sampled_from(["above", "below"]))
def test_a_wider_interval_never_turns_into_a_firmer_judgement(low, width, keep):
    firm = judged(low, keep).severity
    wide = judged(low, keep, Interval(low, low + width, 0.9, "m")).severity
    assert wide in {firm, Severity.WATCH}


@given(value=NUMBERS)
def test_the_two_sides_agree_only_at_the_limit(value):
    both = {judged(value, "above").severity, judged(value, "below").severity}
    assert both == ({"OK"} if value == 0.80 else {"OK", "ACT"})


@given(value=NUMBERS, low=NUMBERS, width=st.floats(0, 1e6), n=st.integers(0, 100), money=st.none() | NUMBERS)
def test_a_finding_survives_json_unchanged(value, low, width, n, money):
    finding = judged(value, n=n, money_at_stake=money, interval=Interval(low, low + width, 0.9, "m"))
    again = Finding.from_dict(json.loads(json.dumps(finding.to_dict(), allow_nan=False)))
    assert (again, again.severity) == (finding, finding.severity)


def test_numpy_numbers_and_period_like_scopes_go_into_json():
    interval = Interval(np.float32(0.5), np.int64(1), np.float64(0.9), "m")
    finding = judged(
        np.float32(0.5), n=np.int64(7), money_at_stake=np.int64(3), interval=interval, scope={"year": 26}
    )
    assert json.loads(json.dumps(finding.to_dict()))["scope"] == {"year": "26"}


def test_a_stored_severity_is_not_believed():
    stored = judged(0.1).to_dict() | {"severity": "OK"}
    assert Finding.from_dict(stored).severity == Severity.ACT


def test_missing_money_is_null_not_zero():
    assert judged(0.1, money_at_stake=float("nan")).money_at_stake is None


def test_due_is_counted_from_the_day_and_a_timestamp_is_the_same_day():
    assert judged(0.1).due == date(2026, 3, 6)
    assert judged(0.1, as_of=datetime(2026, 2, 27, 15)).to_dict()["due"] == "2026-03-06"


def test_the_id_orders_the_scope_so_that_runs_compare():
    one = judged(0.1, scope={"team": "EMEA", "period": "FY26-Q2"})
    assert one.id == "F-ATTN-TEAM:attainment.team{period=FY26-Q2,team=EMEA}"


def test_the_playbook_section_is_the_code_in_lower_case():
    assert judged(0.1).playbook == "how-to/analytics/review-attainment.md#f-attn-team"


def test_the_threshold_cites_the_policy_and_its_day():
    assert judged(0.1).threshold.source == "attainment.team_floor since 2026-02-01"


def test_another_policy_value_than_the_rule_names_is_refused():
    with pytest.raises(ValueError, match=r"judged by 'attainment.team_floor', not by 'attainment.other'"):
        judged(0.1, limit=limit(key="attainment.other"))


def test_a_limit_in_another_unit_is_refused():
    with pytest.raises(ValueError, match=r"is in ratio, its limit 'attainment.team_floor' in days"):
        rule().judge(
            scope={}, value=1, n=9, limit=limit(unit="days"), as_of=date(2026, 1, 1), statement="s",
            recommendation="r",
        )  # fmt: skip


def test_money_without_a_currency_is_refused():
    with pytest.raises(ValueError, match="name its currency"):
        judged(1.0, unit="money")
    assert judged(1.0, unit="money", currency="EUR").currency == "EUR"


@pytest.mark.parametrize("blank", ["statement", "recommendation"])
def test_a_finding_that_says_nothing_is_refused(blank):
    with pytest.raises(ValueError, match="needs a statement and a recommendation"):
        judged(0.1, **{blank: " "})


@pytest.mark.parametrize("code", ["ATTN-SKEW", "F-ATTN", "F-attn-skew", "F-ATTN-", "F-ATTN-SKEW\n"])
def test_a_code_of_another_form_is_refused(code):
    with pytest.raises(ValueError, match="not of the form F-DOMAIN-NAME"):
        rule(code=code)


@pytest.mark.parametrize(("low", "high"), [(1, 0), (float("nan"), 1), (0, float("inf"))])
def test_an_interval_that_is_no_range_is_refused(low, high):
    with pytest.raises(ValueError, match="is not a range"):
        Interval(low, high, 0.9, "m")


@pytest.mark.parametrize("level", [0, 1, 90])
def test_an_interval_level_outside_nought_and_one_is_refused(level):
    with pytest.raises(ValueError, match="not between 0 and 1"):
        Interval(0, 1, level, "m")


def test_findings_are_read_by_severity_then_money_then_id():
    mixed = [
        judged(0.9, scope={"t": "ok"}, money_at_stake=9),
        judged(None, scope={"t": "unknown"}),
        judged(0.7, scope={"t": "watch"}, interval=Interval(0.6, 0.9, 0.9, "m")),
        judged(0.1, scope={"t": "b"}, money_at_stake=1),
        judged(0.1, scope={"t": "a"}, money_at_stake=1),
        judged(0.1, scope={"t": "large loss"}, money_at_stake=-5),
        judged(0.1, scope={"t": "none"}),
    ]
    read = [f.scope["t"] for f in ordered(mixed)]
    assert read == ["large loss", "a", "b", "none", "watch", "unknown", "ok"]
