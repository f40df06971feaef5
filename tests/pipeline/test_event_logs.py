"""Graph, variants, dwell, conversion, endings: small logs by hand, planted waits, rows in any order."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from salesops_lib import pipeline as api
from salesops_lib.pipeline.log import spells
from salesops_lib.pipeline.progress import outcomes

AS_OF = date(2025, 3, 31)
ORDER = ["A", "B", "C"]
# Case 1 goes A B C Won; 2 A C (skips B) Lost; 3 A B A (back) and is open; 4 is lost, comes back, is won.
STEPS = [
    ("1", "A", "2025-01-01"),
    ("1", "B", "2025-01-11"),
    ("1", "C", "2025-01-21"),
    ("1", "Won", "2025-01-31"),
    ("2", "A", "2025-01-01"),
    ("2", "C", "2025-01-05"),
    ("2", "Lost", "2025-01-10"),
    ("3", "A", "2025-02-01"),
    ("3", "B", "2025-02-11"),
    ("3", "A", "2025-02-21"),
    ("4", "A", "2025-01-01"),
    ("4", "Lost", "2025-01-02"),
    ("4", "B", "2025-01-03"),
    ("4", "Won", "2025-01-04"),
]


def log(steps=STEPS) -> pd.DataFrame:
    return pd.DataFrame(steps, columns=["case_id", "activity", "at"])


def test_steps_are_counted_from_one_activity_straight_to_the_next():
    found = api.directly_follows(log()).set_index(["from_activity", "to_activity"])
    assert found["count"].to_dict() == {
        ("(start)", "A"): 4,
        ("A", "B"): 2,
        ("A", "C"): 1,
        ("A", "(end)"): 1,
        ("A", "Lost"): 1,
        ("B", "A"): 1,
        ("B", "C"): 1,
        ("B", "Won"): 1,
        ("C", "Lost"): 1,
        ("C", "Won"): 1,
        ("Lost", "(end)"): 1,
        ("Lost", "B"): 1,
        ("Won", "(end)"): 2,
    }
    assert found.loc[("A", "B"), "share"] == pytest.approx(2 / 5)
    assert found.loc[("A", "B"), "median_days"] == pytest.approx(10)


def test_ways_are_whole_cases_and_their_coverage_adds_up():
    found = api.variants(log())
    assert set(found["variant"]) == {"A → B → C → Won", "A → C → Lost", "A → B → A", "A → Lost → B → Won"}
    assert found["coverage"].iloc[-1] == pytest.approx(1)
    assert len(api.variants(log(), top=2)) == 2


def test_the_order_of_rows_changes_nothing_ties_and_all():
    rng = np.random.default_rng(1)
    steps = pd.DataFrame(
        {
            "case_id": rng.integers(0, 60, 900).astype(str),
            "activity": rng.choice(list("ABCDE"), 900),
            "at": pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 40, 900), unit="D"),
        }
    )
    shuffled = steps.sample(frac=1, random_state=2)
    for name in ("directly_follows", "variants"):
        pd.testing.assert_frame_equal(getattr(api, name)(steps), getattr(api, name)(shuffled))
    pd.testing.assert_frame_equal(api.dwell(steps, AS_OF), api.dwell(shuffled, AS_OF))


def test_a_tie_is_settled_by_the_sequence():
    tied = pd.DataFrame({"case_id": "1", "activity": ["B", "A"], "at": "2025-01-01", "sequence": [2, 1]})
    assert api.variants(tied)["variant"].tolist() == ["A → B"]


def test_equal_consecutive_stages_are_one_step_from_the_first_on():
    steps = [("1", "A", "2025-01-01"), ("1", "A", "2025-01-05"), ("1", "B", "2025-01-11")]
    found = spells(api.event_log(log(steps)), AS_OF)
    assert found.set_index("activity")["days"].round(6).to_dict() == {"A": 10.0, "B": 80.0}


def test_a_stage_renamed_mid_way_is_mapped_by_date():
    steps = log([("1", "Demo", "2025-01-01"), ("2", "Demo", "2025-03-01")])
    made = api.event_log(steps, [{"from": "Demo", "to": "Solution", "until": "2025-01-31"}])
    assert made["activity"].tolist() == ["Solution", "Demo"]


def test_a_log_without_a_needed_column_is_refused_by_name():
    with pytest.raises(ValueError, match="the log has no column activity; it has case_id, at"):
        api.directly_follows(pd.DataFrame({"case_id": [1], "at": ["2025-01-01"]}))


def test_an_empty_log_has_empty_tables():
    nothing = log([])
    assert (
        api.directly_follows(nothing).empty
        and api.variants(nothing).empty
        and api.dwell(nothing, AS_OF).empty
    )
    assert api.conversion(nothing, ORDER, AS_OF).empty
    assert api.cumulative_incidence(nothing, AS_OF, won=["Won"], lost=["Lost"]).empty


def planted(n: int, seed: int, mean: float = 30.0) -> pd.DataFrame:
    """Cases that stay in A for an exponential time of known mean, seen for 60 days at most."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2025-01-30", tz="UTC") + pd.to_timedelta(rng.uniform(0, 60, n), unit="D")
    end = start + pd.to_timedelta(rng.exponential(mean, n), unit="D")
    ids = [str(i) for i in range(n)]
    a, b = (
        pd.DataFrame({"case_id": ids, "activity": name, "at": at}) for name, at in (("A", start), ("B", end))
    )
    return pd.concat([a, b[end < pd.Timestamp("2025-04-01", tz="UTC")]])


def test_a_planted_wait_is_recovered_where_completed_stays_alone_are_a_week_off():
    found = api.dwell(planted(6000, 3), AS_OF, ends=["B"]).iloc[0]
    assert found["median_days"] == pytest.approx(30 * np.log(2), abs=1.5)
    assert found["mean_completed_days"] < 30 - 7


def test_a_steady_process_obeys_littles_law_and_one_that_fills_up_does_not():
    # Ten a day come in and stay 30 days on average: 300 are in it. Half of them stop leaving: they pile up.
    rng = np.random.default_rng(2)
    start = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(rng.uniform(0, 455, 4550), unit="D")
    stay = rng.exponential(30, 4550)
    late = (start > pd.Timestamp("2025-01-01", tz="UTC")) & (rng.random(4550) < 0.5)
    found = {}
    for name, days in (("steady", stay), ("filling", np.where(late, 400, stay))):
        end = start + pd.to_timedelta(days, unit="D")
        ids = [str(i) for i in range(4550)]
        parts = [
            pd.DataFrame({"case_id": ids, "activity": a, "at": at}) for a, at in (("A", start), ("B", end))
        ]
        log = pd.concat(parts)[lambda f: f["at"] < pd.Timestamp("2025-04-01", tz="UTC")]
        found[name] = api.bottlenecks(log, AS_OF, ends=["B"]).set_index("activity").loc["A"]
    assert found["steady"]["mean_days"] == pytest.approx(30, abs=1.5)
    assert found["steady"]["in_progress"] == pytest.approx(300, abs=40)
    assert found["steady"]["piling"] == pytest.approx(0, abs=0.12)
    assert found["filling"]["piling"] > 0.3 or np.isnan(found["filling"]["mean_days"])
    assert found["filling"]["change"] > 0.5


def test_median_and_range_are_those_of_statsmodels():
    stays = spells(api.event_log(planted(400, 5)), AS_OF, ["B"])
    other = SurvfuncRight(stays["days"], ~stays["open"])
    found = api.dwell(planted(400, 5), AS_OF, ends=["B"]).iloc[0]
    assert found["median_days"] == pytest.approx(other.quantile(0.5))
    low, high = other.quantile_ci(0.5, alpha=0.1, method="cloglog")
    assert (found["low"], found["high"]) == (pytest.approx(low, abs=1.0), pytest.approx(high, abs=1.0))


def test_stamps_made_in_one_stroke_withhold_the_days():
    moved = [(str(i), "A", "2025-01-01") for i in range(30)] + [
        (str(i), "B", "2025-02-01T08:00:00") for i in range(30)
    ]
    found = api.dwell(log(moved), AS_OF).set_index("activity")
    assert found.loc["A", "withheld"] == "100% of entries were stamped in bulk"
    assert found["median_days"].isna().all()


def test_a_handful_of_stays_has_no_median():
    found = api.dwell(log(), AS_OF, ends=["Won", "Lost"])
    assert found["median_days"].isna().all() and found["withheld"].str.endswith("20 needed").all()


def test_conversion_counts_getting_beyond_a_stage_in_time_by_cohort_of_entry():
    steps = [(str(i), "A", "2024-07-01") for i in range(40)]
    steps += [(str(i), "B", "2024-08-01") for i in range(10)]
    steps += [(str(i), "C", "2024-12-01") for i in range(10, 15)]  # beyond A, and after 153 days
    steps += [("late", "A", "2025-03-01")]
    found = api.conversion(log(steps), ORDER, AS_OF, won="Won").set_index(["activity", "cohort"])
    row = found.loc[("A", "2024Q3")]
    assert (row["n"], row["moved_on"], row["share"]) == (40, 10, 0.25)
    assert found.loc[("A", "2025Q1"), ["n", "immature"]].tolist() == [0, 1]
    assert np.isnan(found.loc[("B", "2024Q3"), "share"])  # ten are too few


def test_a_case_closed_and_opened_again_counts_by_its_last_state():
    cases = outcomes(log(), AS_OF, won=["Won"], lost=["Lost"]).set_index("case_id")
    assert cases["outcome"].to_dict() == {"1": "won", "2": "lost", "3": None, "4": "won"}
    assert cases["reopened"].to_dict() == {"1": False, "2": False, "3": False, "4": True}
    found = (
        api.cumulative_incidence(log(), AS_OF, won=["Won"], lost=["Lost"]).groupby("cause")["share"].last()
    )
    assert found.to_dict() == {"won": pytest.approx(0.5), "lost": pytest.approx(0.25)}


def test_what_happened_after_the_day_is_not_known():
    cases = outcomes(log(), date(2025, 1, 25), won=["Won"], lost=["Lost"]).set_index("case_id")
    assert cases["outcome"].to_dict() == {"1": None, "2": "lost", "4": "won"}


def test_back_steps_skips_repeats_and_reopenings_are_counted_by_hand():
    found = api.steps_of_cases(log(), ORDER, ["Won", "Lost"]).set_index("case_id")
    assert found["back"].to_dict() == {"1": 0, "2": 0, "3": 1, "4": 0}
    assert found["skipped"].to_dict() == {"1": 0, "2": 1, "3": 0, "4": 0}
    assert found["repeated"].to_dict() == {"1": 0, "2": 0, "3": 1, "4": 0}
    assert found["reopened"].to_dict() == {"1": 0, "2": 0, "3": 0, "4": 1}


def test_a_bottleneck_is_visits_times_days_of_the_whole():
    a, b = planted(3000, 7, 30.0), planted(3000, 8, 10.0)
    b = b.assign(case_id="b" + b["case_id"], activity=b["activity"].map({"A": "X", "B": "B"}))
    found = api.bottlenecks(pd.concat([a, b]), AS_OF, ends=["B"]).set_index("activity")
    assert found.loc["A", "share"] == pytest.approx(0.75, abs=0.03)
    assert found["share"].sum() == pytest.approx(1)
    assert found.loc["X", "visits"] == pytest.approx(0.5)
