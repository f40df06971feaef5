"""Open minutes over daylight saving, service levels, the speed effect, routing replayed: by hand and
planted."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from salesops_lib import leads as api
from salesops_lib.inputs.sample.truth import TRUTH
from salesops_lib.leads.response import answered
from salesops_lib.leads.routing import RoutingError, read_rules
from salesops_lib.leads.speed import sample_size

AS_OF = date(2025, 12, 12)


def stamped(day: str) -> pd.Timestamp:
    return pd.Timestamp(day, tz="UTC")


# Two days of Berlin, 9 to 17. On Sunday 30 March 2025 clocks go forward: Monday opens an hour earlier in UTC.
HOURS = pd.DataFrame(
    {
        "region": "EMEA",
        "opens_at": pd.to_datetime(["2025-03-28 08:00", "2025-03-31 07:00"], utc=True),
        "closes_at": pd.to_datetime(["2025-03-28 16:00", "2025-03-31 15:00"], utc=True),
    }
)


def minutes(start: str, end: str, region: str = "EMEA") -> float:
    pair = [pd.Series([stamped(t)]) for t in (start, end)]
    return api.business_minutes(*pair, pd.Series([region]), HOURS).item()


@pytest.mark.parametrize(
    ("start", "end", "open_minutes"),
    [
        ("2025-03-28 15:30", "2025-03-31 07:15", 30 + 15),  # Friday 16:30 to Monday 9:15, over the change
        ("2025-03-29 12:00", "2025-03-31 07:00", 0),  # in on Saturday, touched as Monday opens
        ("2025-03-28 09:00", "2025-03-28 09:20", 20),
        ("2025-03-28 18:00", "2025-03-28 19:00", 0),
    ],
)
def test_minutes_count_while_the_region_is_open(start, end, open_minutes):
    assert minutes(start, end) == pytest.approx(open_minutes)


def test_a_negative_span_and_one_far_outside_the_calendar_are_missing():
    assert np.isnan(minutes("2025-03-28 10:00", "2025-03-28 09:00"))
    assert np.isnan(minutes("2025-03-28 10:00", "2026-03-28 09:00"))


def test_a_region_without_hours_takes_those_of_all():
    assert minutes("2025-03-28 09:00", "2025-03-28 09:20", "APAC") == pytest.approx(20)


def test_a_lead_never_touched_is_missed_once_its_limit_has_passed_and_running_before(made_leads):
    rows = [
        {"landing_page": "/demo", "first_touch_at": stamped("2025-03-01 00:10")},
        {"landing_page": "/demo", "first_touch_at": stamped("2025-03-01 02:00")},
        {"landing_page": "/demo"},
        {"landing_page": "/demo", "created_at": stamped("2025-12-12 23:55")},
    ]
    found = api.service_levels(answered(made_leads(rows), AS_OF, None), {"hand raiser": 15}).iloc[0]
    assert found[["n", "within", "never", "running"]].tolist() == [3, 1, 1, 1]
    assert found["median_minutes"] == pytest.approx(65)


def test_the_planted_speed_effect_of_zero_is_seen_through_its_confounding(sample_leads, snapshot):
    hit = sample_leads["sql_at"].notna()
    found = api.speed_effect(answered(sample_leads, AS_OF, snapshot.frame("calendar")), hit, level=0.99)
    assert found.crude > 2.5  # good leads are answered first
    assert found.low < 1 < found.high and "fit_grade" in found.adjusted_for


def test_a_planted_effect_of_speed_is_found_and_its_range_holds_it():
    rng = np.random.default_rng(3)
    n = 8000
    grade, fast = rng.choice(["A", "B"], n), rng.random(n) < 0.5
    odds = np.log(0.2) + np.where(grade == "A", 1.0, 0.0) + np.where(fast, np.log(1.6), 0.0)
    hit = pd.Series(rng.random(n) < 1 / (1 + np.exp(-odds)))
    frame = pd.DataFrame(
        {
            "lead_id": range(n),
            "created_at": stamped("2025-01-01"),
            "fit_grade": grade,
            "from_creation": np.where(fast, 10.0, 300.0),
        }
    )
    found = api.speed_effect(frame, hit)
    assert found.low <= 1.6 <= found.high and found.low > 1.2


def turns_of(leads: pd.DataFrame, passed_after_days: np.ndarray) -> pd.DataFrame:
    """A first turn at creation, and a second where the days are finite."""
    again = np.isfinite(passed_after_days)
    later = leads["created_at"] + pd.to_timedelta(np.where(again, passed_after_days, 0.0), unit="D")
    first = {"lead_id": leads["lead_id"], "assigned_at": leads["created_at"], "owner_id": "x"}
    second = {"lead_id": leads["lead_id"], "assigned_at": later, "owner_id": "y"}
    return pd.concat([pd.DataFrame(first), pd.DataFrame(second)[again]], ignore_index=True)


def test_passing_on_that_changes_nothing_is_seen_through_the_time_it_takes(drawn_leads):
    leads = drawn_leads(12_000, 5)
    rng = np.random.default_rng(6)
    wait = rng.exponential(10, len(leads))
    end = (leads["sql_at"].fillna(leads["disqualified_at"]) - leads["created_at"]).dt.total_seconds() / 86_400
    wait[~(wait < end.fillna(np.inf))] = np.inf  # passed on only while open, whatever becomes of it
    hit = leads["sql_at"].notna().astype("object").where(leads["created_at"] < stamped("2025-08-01"), None)
    ever = pd.crosstab(np.isfinite(wait[hit.notna()]), hit.dropna().astype(bool))
    naive = ever.loc[True, True] * ever.loc[False, False] / (ever.loc[True, False] * ever.loc[False, True])
    found = api.passing_on(leads, turns_of(leads, wait), hit)
    # Who converts sooner has less time to be passed on: counted plainly that reads as harm.
    assert naive < 0.85
    assert found.low < 1 < found.high and found.high < 1.35


def test_the_planted_cost_of_passing_on_is_found_in_the_sample_and_its_range_holds_it(sample_leads, snapshot):
    ripe = sample_leads["created_at"] < stamped("2025-09-13")
    hit = sample_leads["sql_at"].notna().astype("object").where(ripe, None)
    found = api.passing_on(sample_leads, snapshot.frame("lead_owners"), hit)
    assert found.low < np.exp(TRUTH.reassigned_log_odds) < found.high < 1
    assert {"region", "fit_grade"} <= set(found.adjusted_for)
    half = sample_leads[sample_leads["created_at"] >= stamped("2025-06-13")]
    rows = api.passed_by_region(half, snapshot.frame("lead_owners")).set_index("region")
    assert rows["share"].idxmax() == "EMEA" and rows.loc["EMEA", "low"] > rows.loc["all", "share"]
    assert rows.loc["all", "median_days"] == pytest.approx(TRUTH.reassigned_days, rel=0.25)


def test_what_passing_on_goes_with_is_not_told_without_turns_or_for_few(drawn_leads):
    leads = drawn_leads(300, 5)
    hit = leads["sql_at"].notna()
    assert api.passing_on(leads, None, hit).why == "there is no table lead_owners"
    few = api.passing_on(leads, turns_of(leads, np.where(np.arange(300) < 9, 0.5, np.inf)), hit)
    assert np.isnan(few.adjusted) and few.why.endswith("100 of each needed")
    # First turns long after creation were not recorded from the start: nobody knows who had them before.
    late = turns_of(
        leads.assign(created_at=leads["created_at"] + pd.Timedelta(days=30)), np.full(300, np.inf)
    )
    assert api.passing_on(leads, late, hit).why.startswith("0 leads passed on in their first week and 0 kept")


def test_a_count_says_how_many_are_passed_on_and_not_how_soon(made_leads):
    leads = made_leads([{"region": "EMEA"}, {"region": "all"}, {"region": None}]).assign(
        owner_changes=[2, 0, 1]
    )
    rows = api.passed_by_region(leads, None).set_index("region")
    assert rows["passed"].to_dict() == {"all": 2, "EMEA": 1, "region all": 0, "(none)": 1}
    assert rows["median_days"].isna().all()
    assert api.passed_by_region(leads.drop(columns="owner_changes"), None).empty


def test_a_touch_before_qualification_is_no_fast_answer_that_only_the_qualified_can_have():
    # Planted: touches fall at random and cause nothing; half of the leads qualify later, only those convert.
    rng = np.random.default_rng(4)
    n = 4000
    came = pd.Series(stamped("2025-01-01") + pd.to_timedelta(rng.integers(0, 90 * 1440, n), unit="min"))
    touched = came + pd.to_timedelta(rng.exponential(300, n), unit="min")
    later = came + pd.to_timedelta(rng.exponential(3 * 1440, n) + 600, unit="min")
    qualified = rng.random(n) < 0.5
    leads = pd.DataFrame(
        {"lead_id": range(n), "created_at": came, "first_touch_at": touched,
         "mql_at": later.where(qualified), "grade": rng.choice(["A", "B"], n)}
    )  # fmt: skip
    hit = pd.Series(qualified & (rng.random(n) < 0.4))
    found = api.speed_effect(answered(leads, AS_OF, None), hit)
    assert found.low < 1 < found.high
    assert 0.8 < found.crude < 1.25


def test_a_handful_of_leads_says_nothing_about_speed(made_leads):
    found = api.speed_effect(answered(made_leads([{}] * 3), AS_OF, None), pd.Series([True, False, False]))
    assert np.isnan(found.adjusted) and "100 of each needed" in found.why


def test_the_size_of_a_test_is_the_textbooks():
    # Fleiss (1981), without continuity: 10 % against 15 %, 5 % two-sided, 80 % power: 686 an arm.
    assert sample_size(0.10, 0.05) == pytest.approx(686, abs=1)


RULES = {
    "rules": [
        {"name": "emea", "when": {"region": ["EMEA"]}, "to": {"A": 2, "B": 1}},
        {"name": "named", "when": {"region": ["APAC"], "segment": ["Enterprise"]}, "to": ["C"]},
    ],
    "absent": {"A": [["2025-03-03", "2025-03-03"]], "C": [["2025-03-03", "2025-03-03"]]},
}


def test_weights_absence_and_the_lead_no_rule_takes(made_leads):
    rows = [{"region": "EMEA", "created_at": stamped(f"2025-03-0{d}")} for d in (1, 1, 1, 2, 2, 2, 3)]
    rows += [
        {"region": "APAC", "segment": "Enterprise", "created_at": stamped("2025-03-03")},
        {"region": "AMER"},
    ]
    taken, errors = api.replay_routing(made_leads(rows).assign(row=1), read_rules(RULES))
    assert taken["owner_id"].value_counts().to_dict() == {"A": 4, "B": 3}  # 2 : 1, and B alone on the third
    assert errors["reason"].tolist() == ["everybody of its rule is absent that day", "no rule takes it"]
    assert errors["row"].tolist() == [8, 9]


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({}, "no rules"),
        ({"rules": [{"when": {}}]}, "rule 1 has to have name, when, to"),
        ({"rules": [{"to": {"A": 0}}]}, "weights in 'to' are numbers above 0; .'A'."),
        ({"rules": [{"to": ["A"], "when": {"region": "EMEA"}}]}, "maps a column to a list"),
        (
            {"rules": [{"to": ["A"]}], "absent": {"A": [["2025-02-02", "2025-02-01"]]}},
            "ends before it starts",
        ),
    ],
)
def test_rules_that_cannot_be_read_name_the_place(said, what):
    with pytest.raises(RoutingError, match=what):
        read_rules(said)


def test_a_rule_on_a_column_the_leads_lack_is_refused(made_leads):
    with pytest.raises(RoutingError, match="'emea' asks for region, which leads do not have"):
        api.replay_routing(made_leads([{}]), read_rules(RULES))
