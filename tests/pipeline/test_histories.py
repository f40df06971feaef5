"""Histories as they come: gaps, tidy-ups, days for stamps, deleted and renamed stages, rows in any order."""

import re
from datetime import date

import numpy as np
import pandas as pd
import pytest

from salesops_lib import pipeline as api
from salesops_lib.core.errors import ParameterError
from salesops_lib.core.periods import monthly
from salesops_lib.pipeline import conformance, coverage, handover, sellers
from salesops_lib.pipeline.experiments import Pilot, judge_pilot
from salesops_lib.pipeline.hygiene import push_counts
from salesops_lib.pipeline.limits import limits
from salesops_lib.pipeline.waiting import bulk_entries

AS_OF = date(2025, 6, 30)
CALENDAR = monthly(1, range(2023, 2028))
STAGES = pd.DataFrame(
    [
        ("A", 1, "open", ["amount_base"], 30.0),
        ("B", 2, "open", [], 30.0),
        ("C", 3, "open", [], np.nan),
        ("Won", 4, "won", [], np.nan),
        ("Lost", 5, "lost", ["reason"], np.nan),
    ],
    columns=["stage", "position", "outcome", "evidence_fields", "max_age_days"],
).assign(entry="x", exit_evidence="y")


def history(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["opportunity_id", "stage", "changed_at"])


def deals(*rows: dict) -> pd.DataFrame:
    base = {
        "opportunity_id": "1", "owner_id": "R1", "stage": "A", "is_closed": False, "is_won": False,
        "created_date": "2025-01-01", "close_date": "2025-08-01", "amount_base": 1234.0,
    }  # fmt: skip
    return pd.DataFrame([base | row for row in rows])


def process(rows: pd.DataFrame, steps: pd.DataFrame | None, stages=STAGES, **declared):
    return handover.prepared(rows, steps, stages, declared, CALENDAR, AS_OF)


def noise(seed: int, n: int = 1200) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "case_id": rng.integers(0, 150, n).astype(str),
            "activity": rng.choice(["A", "B", "C", "Won", "Lost"], n, p=[0.3, 0.3, 0.2, 0.1, 0.1]),
            "at": pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 150, n), unit="D"),
            "actor": rng.choice(["x", "y", None], n),
        }
    )


def test_no_function_of_a_log_depends_on_the_order_of_its_rows():
    steps, shuffled = noise(3), noise(3).sample(frac=1, random_state=4)
    ends = {"won": ["Won"], "lost": ["Lost"]}
    for one, two in (
        (api.event_log(steps), api.event_log(shuffled)),
        (api.conversion(steps, "ABC", AS_OF, won="Won"), api.conversion(shuffled, "ABC", AS_OF, won="Won")),
        (api.cumulative_incidence(steps, AS_OF, **ends), api.cumulative_incidence(shuffled, AS_OF, **ends)),
        (api.bottlenecks(steps, AS_OF, ends=["Won"]), api.bottlenecks(shuffled, AS_OF, ends=["Won"])),
        (api.steps_of_cases(steps, "ABC", ["Won"]), api.steps_of_cases(shuffled, "ABC", ["Won"])),
    ):
        pd.testing.assert_frame_equal(one, two)


def test_a_deleted_stage_is_passed_over_so_that_the_step_back_across_it_counts():
    steps = [("1", s, f"2025-01-0{k}") for k, s in enumerate(["A", "B", "Gone", "A", "Lost", "B"], 1)]
    log = pd.DataFrame(steps, columns=["case_id", "activity", "at"])
    found = api.steps_of_cases(log, ["A", "B", "C"], ["Won", "Lost"]).iloc[0]
    # B, Gone, A is a step back; out of Lost to B is a reopening and no step back or skip.
    assert found[["back", "skipped", "repeated", "reopened", "unknown"]].tolist() == [1, 0, 2, 1, 1]


def test_a_deal_whose_history_misses_its_closing_does_not_wait_for_ever():
    rows = deals({"stage": "Won", "is_closed": True, "is_won": True, "close_date": "2025-02-10"})
    made = process(rows, history(("1", "A", "2025-01-01"), ("1", "B", "2025-01-11")))
    assert made.closings == 1
    last = made.log.iloc[-1]
    assert (last["activity"], last["at"].date()) == ("Won", date(2025, 2, 10))
    assert "lacks their closing" in " ".join(said_of(made))


@pytest.mark.parametrize(
    ("row", "activity", "day"),
    [
        ({"stage": "A", "is_won": False, "close_date": None}, "Lost", AS_OF),  # its stage is no end, no date
        ({"stage": "Won", "is_won": True, "close_date": "2025-01-05"}, "Won", date(2025, 1, 11)),
        ({"stage": "Won", "is_won": True, "close_date": "2031-01-05"}, "Won", AS_OF),
    ],
)
def test_a_closing_is_never_before_the_last_step_nor_after_the_day(row, activity, day):
    steps = history(("1", "A", "2025-01-01"), ("1", "B", "2025-01-11"))
    made = process(deals({"is_closed": True} | row), steps)
    assert (made.log["activity"].iloc[-1], made.log["at"].iloc[-1].date()) == (activity, day)


def test_a_closed_deal_without_a_date_closed_on_the_day_of_its_last_step():
    rows = deals({"stage": "Won", "is_closed": True, "is_won": True, "close_date": None})
    made = process(rows, history(("1", "A", "2025-01-01"), ("1", "Won", "2025-01-11T15:00")))
    assert made.deals["close_date"].tolist() == [pd.Timestamp("2025-01-11")] and made.dated == 1
    assert handover.win_rate_rows(made).set_index("name").loc["by count", "rate"] == 1
    assert "1 closed deals have no close date" in " ".join(said_of(made))


def test_a_step_late_on_the_day_is_of_the_day_in_the_companys_zone():
    steps = history(("1", "A", "2025-01-01T12:00Z"), ("1", "B", "2025-07-01T02:00Z"))  # 22:00 in New York
    made = handover.prepared(deals({}), steps, STAGES, {}, CALENDAR, AS_OF, zone="America/New_York")
    assert set(handover.transition_rows(made)["to_activity"]) == {"A", "B", "(end)"}
    assert made.log["at"].iloc[-1].date() == AS_OF
    stays = api.dwell(made.log, AS_OF).set_index("activity")
    assert stays["open"].to_dict() == {"A": 0, "B": 1}


def test_pushes_stamped_in_one_second_are_counted_in_their_sequence_whatever_the_order_of_rows():
    rows = pd.DataFrame(
        {"opportunity_id": "1", "changed_at": pd.Timestamp("2025-01-01", tz="UTC"), "sequence": [2, 1, 3],
         "close_date": pd.to_datetime(["2025-05-01", "2025-01-31", "2025-02-28"])}
    )  # fmt: skip
    for order in ([0, 1, 2], [2, 1, 0]):
        assert push_counts(rows.iloc[order], CALENDAR).to_dict() == {"1": 1}


def test_the_first_stay_of_a_deal_older_than_its_history_is_not_taken_for_a_short_one():
    # Thirty deals of a year ago whose history begins 10 days before B; thirty with all of it, 60 days in A.
    rows, steps = [], []
    for i in range(60):
        old = i < 30
        rows.append({"opportunity_id": str(i), "created_date": "2024-04-01" if old else "2025-01-01"})
        steps += [
            (str(i), "A", "2025-02-20" if old else "2025-01-01"),
            (str(i), "B", f"2025-03-02T0{i % 9}:0{i % 7}"),
        ]
    made = process(deals(*rows), history(*steps))
    assert len(made.unseen) == 30
    found = handover.dwell_rows(made).set_index("activity")
    assert found.loc["A", "stays"] == 30 and found.loc["A", "bulk_share"] == 1  # one day's entries: withheld
    assert "30 deals were created before their history begins" in " ".join(said_of(made))
    assert api.dwell(made.log, AS_OF, ends=["Won"], unseen=made.unseen, min_stays=1)["stays"].tolist() == [
        30,
        60,
    ]
    assert len(conformance.recent_cases(made)) == 30


def test_late_cases_join_the_incidence_at_the_age_they_had():
    log = pd.DataFrame(
        [("1", "A", "2025-01-01"), ("1", "Won", "2025-01-11"), ("2", "A", "2025-01-01"),
         ("2", "Lost", "2025-01-21")],
        columns=["case_id", "activity", "at"],
    )  # fmt: skip
    born = pd.Series({"2": pd.Timestamp("2024-12-22", tz="UTC")})
    found = api.cumulative_incidence(log, AS_OF, won=["Won"], lost=["Lost"], born=born)
    # By hand: 1 is won at age 10, alone at risk (2 enters at 10, after it); then nobody is left to lose.
    won, lost = (found[found["cause"] == cause] for cause in ("won", "lost"))
    assert won.iloc[0][["age", "at_risk", "share"]].tolist() == [10.0, 1.0, 1.0]
    assert (lost["age"].max(), lost["share"].max()) == (30.0, 0.0)


def test_stamps_that_are_days_are_no_bulk_and_a_tidy_up_among_them_is():
    rng = np.random.default_rng(8)
    day = pd.Timestamp("2025-01-01", tz="UTC")
    usual = pd.DataFrame({"case_id": [f"u{i}" for i in range(1200)], "activity": "A"})
    usual["at"] = day + pd.to_timedelta(rng.integers(0, 100, 1200), unit="D")  # twelve a day
    assert bulk_entries(api.event_log(usual))["A"] == 0
    friday = pd.DataFrame({"case_id": [f"f{i}" for i in range(800)], "activity": "A", "at": day})
    assert bulk_entries(api.event_log(pd.concat([usual, friday])))["A"] == pytest.approx(0.4, abs=0.02)


def test_ten_deals_moved_by_one_person_in_a_minute_are_one_stroke():
    at = pd.Timestamp("2025-01-03T16:00:00", tz="UTC") + pd.to_timedelta(np.arange(30) * 4, unit="s")
    log = pd.DataFrame({"case_id": [str(i) for i in range(30)], "activity": "B", "at": at})
    assert bulk_entries(api.event_log(log))["B"] == 0
    assert bulk_entries(api.event_log(log.assign(actor="R1")))["B"] == 1
    assert bulk_entries(api.event_log(log.assign(actor=[f"R{i % 9}" for i in range(30)])))["B"] == 0


def recent(n: int, *way: str, start: int = 0) -> tuple[list[dict], list[tuple]]:
    rows = [{"opportunity_id": f"{start + i}", "created_date": "2025-01-01"} for i in range(n)]
    steps = [
        (row["opportunity_id"], stage, f"2025-01-{1 + 2 * k:02d}T0{i % 10}:{i % 60:02d}")
        for i, row in enumerate(rows)
        for k, stage in enumerate(way)
    ]
    return rows, steps


def test_order_is_not_told_of_stages_that_nobody_put_in_order():
    rows, steps = recent(60, "Demo", "Legal", "Lost")
    made = process(deals(*rows), history(*steps))
    found = conformance.deviation_rows(made).set_index("deviation")
    for name in (conformance.BACK, conformance.SKIPS):
        assert np.isnan(found.loc[name, "share"])
        assert found.loc[name, "why"] == "only 0% of deals took stages that stages.yaml defines"
    assert found.loc["takes an undefined stage", "share"] == 1
    assert any(s.startswith("stages.yaml does not define Demo, Legal") for s in said_of(made))


def test_a_stage_whose_place_an_import_guessed_has_no_place():
    guessed = STAGES.assign(guessed=STAGES["stage"].isin(["B", "Lost"]))
    rows, steps = recent(60, "A", "B", "Lost")
    made = process(deals(*rows), history(*steps), guessed)
    assert made.of("open") == ["A", "C"] and made.of("lost") == ["Lost"]
    assert np.isnan(conformance.deviation_rows(made).set_index("deviation").loc[conformance.SKIPS, "share"])


def test_an_undeclared_stage_of_closed_deals_alone_is_an_end():
    rows, steps = recent(40, "A", "Signed")
    closed = [r | {"stage": "Signed", "is_closed": True, "is_won": True} for r in rows]
    made = process(deals(*closed), history(*steps), STAGES.head(3))
    assert made.ends == {"Signed": "won"} and made.learnt == ("Signed",)
    assert handover.incidence_rows(made)["share"].max() == 1


def test_velocity_is_not_compared_with_a_half_year_the_data_hold_in_part():
    rows = [
        {"opportunity_id": str(i), "created_date": day, "is_closed": True, "is_won": True, "close_date": day2}
        for i, (day, day2) in enumerate([("2024-03-01", "2024-04-01"), ("2025-03-01", "2025-04-01")] * 40)
    ]
    whole = [{"opportunity_id": "first", "created_date": "2023-12-01"}]
    before, after = handover.velocity_sides(process(deals(*rows), None))
    assert np.isnan(before["velocity"]) and after["velocity"] > 0
    assert "The data begin on 2024-03-01" in " ".join(said_of(process(deals(*rows), None)))
    assert handover.velocity_sides(process(deals(*rows, *whole), None))[0]["velocity"] > 0


def test_a_renamed_stage_is_one_stage_and_conforms():
    rows, steps = recent(60, "Old A", "A", "B", "Lost")
    made = process(
        deals(*rows), history(*steps), renamed=[{"from": "Old A", "to": "A", "until": "2025-02-28"}]
    )
    assert handover.transition_rows(made)["from_activity"].tolist() == ["(start)", "A", "B", "Lost"]
    found = conformance.deviation_rows(made).set_index("deviation")
    assert found.loc["takes an undefined stage", "deals"] == 0 and found.loc[conformance.SKIPS, "share"] == 0


def test_stays_too_long_and_exits_without_evidence_are_counted_by_hand():
    rows = deals(
        {"opportunity_id": "1", "amount_base": None},  # 40 days in A, and beyond it without an amount
        {"opportunity_id": "2"},  # 10 days in A
        {"opportunity_id": "3", "amount_base": None},  # still in A, for over 30 days
        {"opportunity_id": "4", "stage": "Lost", "is_closed": True},  # lost from A after a day
    )
    steps = history(
        ("1", "A", "2025-01-01"), ("1", "B", "2025-02-10"),
        ("2", "A", "2025-01-01"), ("2", "B", "2025-01-11"),
        ("3", "A", "2025-01-02"), ("4", "A", "2025-01-01"), ("4", "Lost", "2025-01-02"),
    )  # fmt: skip
    found = conformance.deviation_rows(process(rows, steps)).set_index("deviation")
    assert found.loc["stays over 30 days in A", ["deals", "of"]].tolist() == [2, 4]
    assert found.loc["stays over 30 days in B", ["deals", "of"]].tolist() == [2, 2]
    assert found.loc["left A without amount", ["deals", "of"]].tolist() == [1, 2]
    assert found.loc["ended in Lost without reason", "why"] == "opportunities has no column reason"


def test_exits_without_the_meeting_a_stage_asks_for_are_counted_by_hand():
    rows = deals(*({"opportunity_id": str(k)} for k in range(1, 7)))
    steps = history(
        *((str(k), "A", "2025-01-01") for k in range(1, 7)),
        ("1", "B", "2025-02-10"),  # met on the day it left
        ("2", "B", "2025-02-10"),  # met a day too late
        ("3", "C", "2025-02-10"),  # never met, only called; got beyond A by a skip
        ("4", "B", "2025-03-20"),  # left after the last activity recorded: nobody knows
        ("5", "B", "2025-01-03"), ("6", "A", "2025-01-02"),  # before the first one; still in A
    )  # fmt: skip
    met = pd.DataFrame(
        [("1", "Meeting ", "2025-02-10T22:00:00Z"), ("2", "meeting", "2025-02-11T08:00:00Z"),
         ("3", "call", "2025-01-20T08:00:00Z"), ("3", "call", "2025-03-01T08:00:00Z"),
         ("4", "meeting", None), (None, "meeting", "2025-01-20T08:00:00Z")],
        columns=["opportunity_id", "kind", "at"],
    )  # fmt: skip
    asked = STAGES.assign(evidence_activities=[["meeting"], [], [], [], []])
    made = handover.prepared(rows, steps, asked, {}, CALENDAR, AS_OF, activities=met)
    found = conformance.deviation_rows(made).set_index("deviation")
    assert found.loc["left A without meeting", ["deals", "of"]].tolist() == [2, 3]
    bare = conformance.deviation_rows(process(rows, steps, asked)).set_index("deviation")
    assert bare.loc["left A without meeting", "share"] != bare.loc["left A without meeting", "share"]
    assert bare.loc["left A without meeting", "why"].startswith("there are no activities")


def test_a_planted_cost_of_staying_too_long_is_found_among_deals_that_got_on():
    rng = np.random.default_rng(12)
    rows, steps = [], []
    for i in range(1500):
        late, lost_early = rng.random() < 0.4, rng.random() < 0.3
        won = rng.random() < (0.3 if late else 0.6)
        t = pd.Timestamp("2024-09-01") + pd.Timedelta(hours=float(rng.integers(0, 2000)))
        ways = (
            [("A", 0), ("Lost", 5)]
            if lost_early
            else [("A", 0), ("B", 45 if late else 10), ("Won" if won else "Lost", 60)]
        )
        steps += [(str(i), s, t + pd.Timedelta(days=d)) for s, d in ways]
        end = {"stage": ways[-1][0], "is_closed": True, "is_won": ways[-1][0] == "Won"}
        rows.append(
            {"opportunity_id": str(i), "created_date": t.normalize(), "close_date": "2025-03-01"} | end
        )
    made = process(deals(*rows), history(*steps))
    row = conformance.deviation_rows(made).set_index("deviation").loc["stays over 30 days in A"]
    truth = (0.3 / 0.7) / (0.6 / 0.4)
    assert row["odds_low"] < truth < row["odds_high"] < 1


def test_the_stage_skipped_most_is_named():
    rows, steps = recent(40, "A", "C")
    more, others = recent(10, "A", "B", "C", start=100)
    assert conformance.most_skipped(process(deals(*rows, *more), history(*steps, *others))) == "B"
    assert conformance.most_skipped(process(deals(*more), history(*others))) == ""


def said_of(made) -> list[str]:
    rates = handover.win_rate_rows(made)
    return limits(made, handover.dwell_rows(made), rates, handover.untold(made, None))


REPS = pd.DataFrame(
    {
        "rep_id": ["R1", "R1", "R2"], "name": ["Ann", "Ann", "Bo"], "team": ["East", "West", "East"],
        "start_date": pd.to_datetime(["2024-01-01", "2025-03-01", "2024-01-01"]),
        "end_date": pd.to_datetime(["2025-03-01", None, "2025-05-01"]),
    }
)  # fmt: skip


def test_owners_have_the_team_of_the_day_and_who_left_is_gone():
    ids = pd.Series(["R1", "R2", None, "R9"], index=[7, 5, 3, 1])
    found = sellers.owners(ids, REPS, AS_OF)
    assert found["owner"].tolist() == ["Ann", "Bo", None, "R9"]
    assert found["team"].tolist() == ["West", "East", None, None]
    assert found["gone"].tolist() == [False, True, False, False]
    then = sellers.owners(ids, REPS, pd.Series(pd.Timestamp("2025-02-01"), ids.index))
    assert then["team"].tolist() == ["East", "East", None, None] and not then["gone"].any()


def test_a_deal_of_somebody_who_left_is_on_the_work_list():
    rows = deals({"owner_id": "R1"}, {"opportunity_id": "2", "owner_id": "R2"})
    made = process(rows, None)
    work = handover.hygiene_rows(made, None, REPS, "")
    assert work[["opportunity_id", "fault", "owner"]].to_numpy().tolist() == [["2", "no owner", "Bo"]]


def test_a_pilot_is_judged_on_its_last_day_and_by_the_team_of_the_close_date():
    rng = np.random.default_rng(4)
    days = pd.date_range("2025-01-01", "2025-06-30").repeat(4)
    rows = deals(*[{"opportunity_id": str(i)} for i in range(len(days))]).assign(
        close_date=days, is_closed=True, owner_id=np.where(np.arange(len(days)) % 2, "R1", "R2"),
        is_won=rng.random(len(days)) < 0.4,
    )  # fmt: skip
    made = process(rows, None)
    said, verdict = judge_pilot(made, REPS, Pilot("East", "2025-04-01", "2025-12-31", 0.0))
    assert "runs until 2025-12-31; judged once, on that day" in said
    cells = verdict.cells
    # R1 is in East until the end of February, R2 all along: 59 + 90 days x 2 of the baseline, then R2 alone.
    assert cells.loc[cells["pilot"] & cells["after"], "n"].item() == 91 * 2
    assert cells.loc[cells["pilot"] & ~cells["after"], "n"].item() == 59 * 4 + 31 * 2
    ended, _ = judge_pilot(made, REPS, Pilot("East", "2025-04-01", "2025-06-30", 0.0))
    assert "the rule was +0.0" in ended and "pilot_until" not in ended
    assert "whoever picks the day" in judge_pilot(made, REPS, Pilot("East", "2025-04-01", "", 0.0))[0]


@pytest.mark.parametrize(
    ("pilot", "said"),
    [
        (Pilot("Wst", "2025-04-01", "", 0.0), "nobody is in a team 'Wst'. Did you mean 'West'"),
        (Pilot("West", "soon", "", 0.0), "pilot_from is 'soon'; write a day up to 2025-06-30"),
        (Pilot("West", "2025-04-01", "2025-03-01", 0.0), "pilot_until is 2025-03-01, before pilot_from"),
    ],
)
def test_a_pilot_that_cannot_be_is_refused_by_name(pilot, said):
    with pytest.raises(ParameterError, match=re.escape(said)):
        judge_pilot(process(deals({}), None), REPS, pilot)


def test_all_deals_lost_have_a_win_rate_of_nought_and_no_coverage_that_would_be_enough():
    rows = deals(
        *[{"opportunity_id": str(i), "is_closed": True, "close_date": "2025-05-01"} for i in range(40)]
    )
    rates = handover.win_rate_rows(process(rows, None))
    assert rates.set_index("name")["rate"].to_dict() == {"by count": 0, "by value": 0, "by created cohort": 0}
    own = coverage.rate_rows(rates, pd.DataFrame())
    assert own["needed"].isna().all()
