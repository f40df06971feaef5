"""Bookings as known on a day, pace and commit: by hand on a tiny company, and on the sample's truth."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.core import periods
from salesops_lib.core.periods import Period
from salesops_lib.core.stats import prediction_quantiles
from salesops_lib.forecasting import calls, commit, pace
from salesops_lib.forecasting.benchmarks import same_week, seasonal_naive, stage_weighted
from salesops_lib.forecasting.bookings import Books, day_at, history
from salesops_lib.forecasting.deals.known import deal_log
from salesops_lib.forecasting.stacking import PROBABILITIES
from salesops_lib.inputs.sample.truth import planted

ZONE = ZoneInfo("America/New_York")
CALENDAR = periods.monthly(2, range(2023, 2029))
STAGES = pd.DataFrame({"stage": ["Open", "Late", "Won", "Lost"], "outcome": ["open", "open", "won", "lost"]})
QUARTERS = ["FY25-Q1", "FY25-Q2", "FY25-Q3", "FY25-Q4", "FY26-Q1"]
NOW = "FY26-Q2"


def stamp(day: date) -> pd.Timestamp:
    return pd.Timestamp(day, tz="UTC") + pd.Timedelta(hours=17)


def change(deal: str, day: date, stage: str, amount: float, close: date, owner: str = "R1") -> dict:
    """One state of a deal, learnt on a day."""
    return {"opportunity_id": deal, "changed_at": stamp(day), "stage": stage, "amount_base": amount,
            "close_date": pd.Timestamp(close), "owner_id": owner}  # fmt: skip


def sold(deal: str, close: date, amount: float, owner: str = "R1", known: date | None = None) -> list[dict]:
    """A deal opened twenty days before it was won, learnt on the day or later."""
    opened = close - timedelta(days=20)
    return [change(deal, opened, "Open", amount, close, owner),
            change(deal, known or close, "Won", amount, close, owner)]  # fmt: skip


def books(changes: list[dict], as_of: date, reps: pd.DataFrame | None = None) -> Books:
    """A company from the states of its deals."""
    rows = pd.DataFrame(changes).sort_values(["opportunity_id", "changed_at"], kind="stable")
    rows = rows.assign(sequence=rows.groupby("opportunity_id").cumcount() + 1, forecast_category=None)
    last = rows.drop_duplicates("opportunity_id", keep="last")
    first = rows.drop_duplicates("opportunity_id")
    deals = last.assign(
        account_id=None, type=None, segment=None, lead_source=None, currency="USD", is_closed=pd.NA,
        is_won=pd.NA, recorded_at=last["changed_at"],
        created_date=first["changed_at"].dt.tz_localize(None).dt.normalize().to_numpy(),
    )  # fmt: skip
    log = deal_log(deals, rows, STAGES, as_of=as_of, zone=ZONE, calendar=CALENDAR)
    return Books(log, reps, "Co")


def spells(*rows: tuple) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["rep_id", "start_date", "end_date", "team", "region", "manager_id"])
    return frame.assign(**{c: pd.to_datetime(frame[c]) for c in ("start_date", "end_date")})


def even(halves: list[tuple[float, float]], now: float) -> tuple[Books, date]:
    """One rep: each past quarter books an amount before and after its middle; the running one the first."""
    made, at = [], date(2025, 6, 16)
    for quarter, (early, late) in zip(QUARTERS, halves, strict=True):
        start, end = CALENDAR.bounds(quarter)
        made += sold(f"{quarter}a", start + timedelta(days=21), early)
        made += sold(f"{quarter}b", end - timedelta(days=9), late)
    start = CALENDAR.bounds(NOW)[0]
    if now:
        made += sold("now", start + timedelta(days=21), now)
    return books(made, at), at


def test_a_day_at_a_share_of_business_days_is_the_one_calendars_say():
    # May to July 2025 has 66 weekdays; a third of them, 22, end on Friday 30 May.
    assert CALENDAR.business_days(*CALENDAR.bounds("FY26-Q2")) == 66
    assert day_at(CALENDAR, "FY26-Q2", 1 / 3) == date(2025, 5, 30)
    assert day_at(CALENDAR, "FY26-Q2", 0.0) <= date(2025, 4, 30)
    # The whole period is over with its last calendar day, a weekend's deals included.
    assert day_at(CALENDAR, "FY25-Q2", 1.0) == date(2024, 7, 31)


def test_a_booking_stays_with_the_team_of_its_close_date_after_a_reorganisation():
    reps = spells(("R1", "2024-01-01", "2025-05-20", "North", "EMEA", None),
                  ("R1", "2025-05-20", None, "South", "EMEA", None))  # fmt: skip
    made = sold("a", date(2025, 5, 19), 100) + sold("b", date(2025, 5, 20), 7)
    table = books(made, date(2025, 6, 30), reps).booked(date(2025, 6, 30))[NOW]
    assert table["team", "North"] == 100
    assert table["team", "South"] == 7
    assert table["rep", "R1"] == table["company", "Co"] == 107


def test_a_deal_entered_late_is_not_booked_before_it_was_known():
    made = sold("a", date(2025, 5, 19), 100, known=date(2025, 6, 10)) + sold("b", date(2025, 5, 5), 1)
    found = books(made, date(2025, 6, 30))
    assert found.booked(date(2025, 6, 9)).loc[("company", "Co"), NOW] == 1
    assert found.booked(date(2025, 6, 10)).loc[("company", "Co"), NOW] == 101


def test_pace_by_share_divides_by_what_past_periods_had_by_now():
    # Every past quarter had 40 % by its middle: 40 booked now means 100, whatever the quarters' sizes.
    found, at = even([(40, 60), (80, 120), (20, 30), (60, 90), (32, 48)], now=40)
    known = history(found, at, Period.parse(NOW))
    assert known.past == QUARTERS
    company = pace.quantiles(known, PROBABILITIES)[known.level("company")[0]]
    assert company[5] == pytest.approx(100, rel=0.02)
    # A straight line would call 40 ÷ 31 of 66 business days, 85.
    assert known.share == pytest.approx(32 / 66, abs=0.02)


def test_a_period_with_nothing_booked_yet_is_paced_by_what_past_ones_still_added():
    found, at = even([(40, 60)] * 5, now=0)
    known = history(found, at, Period.parse(NOW))
    company = pace.quantiles(known, PROBABILITIES)[known.level("company")[0]]
    # Each past quarter of 100 added 60 after this day.
    assert company == pytest.approx(np.full(11, 60.0))


def test_pace_needs_three_whole_periods_and_a_period_that_has_begun():
    found, at = even([(40, 60)] * 5, now=10)
    early = history(found, date(2024, 10, 14), Period.parse("FY25-Q3"))
    assert np.isnan(pace.quantiles(early, PROBABILITIES)).all()
    assert pace.why_off(early) == "2 whole periods lie before FY25-Q3; 3 are needed"
    ahead = history(found, at, Period.parse("FY26-Q3"))
    assert "has not begun" in pace.why_off(ahead)


def test_a_hole_in_the_extract_is_left_out_and_named():
    found, at = even([(40, 60), (40, 60), (40, 60), (40, 60), (0.01, 0.01)], now=40)
    known = history(found, at, Period.parse(NOW))
    assert (known.holes, known.hole) == (["FY26-Q1"], "FY26-Q1")
    assert pace.quantiles(known, PROBABILITIES)[0, 5] == pytest.approx(100, rel=0.02)


def test_the_pace_range_covers_at_its_level_over_many_worlds():
    # Shares by now lognormal around a half, ten past periods, one to come: 1,500 worlds at once by hand.
    random = np.random.default_rng(3)
    inside = []
    for _ in range(1500):
        final = np.exp(random.normal(4, 0.2, 11))
        done = final * np.exp(random.normal(-0.7, 0.15, 11))
        ratios = np.log(final[:10] / done[:10])
        low, high = done[10] * np.exp(prediction_quantiles(ratios, [0.1, 0.9]))
        inside.append(low <= final[10] <= high)
    assert 0.78 < np.mean(inside) < 0.82


def test_benchmarks_are_what_one_works_out_by_hand():
    made = []
    for quarter, (early, late) in zip(QUARTERS, [(40, 60)] * 4 + [(50, 30)], strict=True):
        start, end = CALENDAR.bounds(quarter)
        made += sold(f"{quarter}a", start + timedelta(days=30), early)
        # Opened before the middle and due in the quarter, so that it stands in the open value then.
        opened, last = start + timedelta(days=5), end - timedelta(days=9)
        made += [change(f"{quarter}b", opened, "Open", 2 * late, last)]
        made += [change(f"{quarter}b", last, "Won", late, last)]
        made += [
            change(f"{quarter}l", start, "Open", 5, end),
            change(f"{quarter}l", opened, "Lost", 5, opened),
        ]
    start, end = CALENDAR.bounds(NOW)
    made += sold("now", start + timedelta(days=21), 10)
    made += [change("due", start + timedelta(days=5), "Open", 100, end - timedelta(days=20)),
             change("later", start + timedelta(days=5), "Open", 999, end + timedelta(days=20))]  # fmt: skip
    found = books(made, date(2025, 6, 16))
    known = history(found, date(2025, 6, 16), Period.parse(NOW))
    # Last year's FY25-Q2 booked 100. Past quarters added late ÷ (2 late) = half of what was due at this week.
    assert seasonal_naive(known)[0] == 100
    assert same_week(known, found)[0] == pytest.approx(10 + 100 / 2)
    # Two deals of each past quarter and one of this were won, one of each past quarter lost: 11 of 16.
    assert found.stage_rates(date(2025, 6, 16)) == {"Open": 11 / 16, "Won": 1.0, "Lost": 0.0}
    assert stage_weighted(known, found)[0] == pytest.approx(10 + 100 * 11 / 16)


def test_a_deal_in_a_stage_nothing_has_closed_from_leaves_the_weighted_pipeline_unknown():
    start, end = CALENDAR.bounds(NOW)
    made = sold("early", start + timedelta(days=21), 10)  # of R1, closed after the day asked
    made += [change("due", start + timedelta(days=1), "Open", 100, end - timedelta(days=20), "R2")]
    day = start + timedelta(days=10)
    found = books(made, date(2025, 6, 16))
    assert found.stage_rates(day) == {}
    assert np.isnan(stage_weighted(history(found, day, Period.parse(NOW)), found)).all()


def called(rows: list[tuple]) -> pd.DataFrame:
    """Calls of (rep, period, day, amount), known on the day called unless a fifth cell says otherwise."""
    frame = pd.DataFrame(
        [
            {"rep_id": r[0], "period": r[1], "submitted_at": stamp(r[2]), "category": "Commit",
             "amount_base": float(r[3]), "recorded_at": stamp(r[4]) if len(r) > 4 else pd.NaT}
            for r in rows
        ]
    )  # fmt: skip
    frame["recorded_at"] = pd.to_datetime(frame["recorded_at"], utc=True)
    return frame


def early_and_late(bias: float, *, now: float) -> list[tuple]:
    """A submitter who calls too much at week 3 and exactly what came in in the last week."""
    rows = []
    for quarter in QUARTERS:
        start, end = CALENDAR.bounds(quarter)
        rows += [("R1", quarter, start + timedelta(days=15), 100 * (1 + bias)),
                 ("R1", quarter, end - timedelta(days=3), 100)]  # fmt: skip
    return [*rows, ("R1", NOW, CALENDAR.bounds(NOW)[0] + timedelta(days=15), now)]


def committed(rows: list[tuple], at: date | None = None) -> tuple[commit.Commit, object]:
    found, middle = even([(40, 60)] * 5, now=40)
    known = history(found, at or middle, Period.parse(NOW))
    made = calls.prepared(called(rows), None, "Co", ZONE)
    return commit.commit(known, made, CALENDAR, None, PROBABILITIES), known


def test_a_call_is_corrected_by_the_same_week_and_not_by_the_last_submission():
    # Always 50 % too high at this week, exact at the end: a call of 150 now means 100.
    found, known = committed(early_and_late(0.5, now=150))
    rep = known.level("rep")[0]
    assert found.quantiles[rep, 5] == pytest.approx(100, rel=0.02)
    (row,) = found.submitters.to_dict("records")
    assert row["raw_bias"] == pytest.approx(0.5)
    assert (row["called_base"], row["periods"]) == (150, 5)
    assert row["expected_base"] == pytest.approx(100, rel=0.02)


def test_a_call_recorded_after_the_day_does_not_count():
    start = CALENDAR.bounds(NOW)[0]
    rows = early_and_late(0.5, now=150)
    late = ("R1", NOW, start + timedelta(days=16), 999, date(2025, 6, 17))
    assert committed([*rows, late])[0].submitters["called_base"].tolist() == [150]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "no submitted forecasts"),
        (early_and_late(0.5, now=150)[:-1], "no call for FY26-Q2 stands on 2025-06-16"),
    ],
)
def test_without_calls_commit_is_off_and_says_why(rows, why):
    found, known = even([(40, 60)] * 5, now=40)
    at = history(found, known, Period.parse(NOW))
    made = calls.prepared(called(rows) if rows else None, None, "Co", ZONE)
    off = commit.commit(at, made, CALENDAR, None, PROBABILITIES)
    assert why in off.off
    assert np.isnan(off.quantiles).all()


def test_a_head_answers_for_the_team_and_a_director_for_the_region():
    reps = spells(("R1", "2024-01-01", None, "North", "EMEA", "M1"),
                  ("R2", "2024-01-01", None, "South", "EMEA", "M2"),
                  ("M1", "2020-01-01", None, "North", "EMEA", "D1"),
                  ("M2", "2020-01-01", None, "South", "EMEA", "D1"))  # fmt: skip
    rows = [(who, NOW, date(2025, 5, 5), 1) for who in ("R1", "M1", "D1")]
    made = calls.prepared(called(rows), reps, "Co", ZONE).set_index("rep_id")
    nodes = made[["level", "node_id"]].apply(tuple, axis=1).to_dict()
    assert nodes == {"R1": ("rep", "R1"), "M1": ("team", "North"), "D1": ("region", "EMEA")}


@pytest.fixture(scope="module")
def sample_calls(sample):
    snapshot = inputs.open_snapshot(sample, "2025-12-12")
    frames = {n: snapshot.frame(n) for n in ("opportunities", "opportunity_history", "reps",
                                             "forecast_submissions")}  # fmt: skip
    company = snapshot.company
    log = deal_log(frames["opportunities"], frames["opportunity_history"], snapshot.stages(),
                   as_of=snapshot.as_of, zone=company.zone, calendar=company.calendar)  # fmt: skip
    known = history(Books(log, frames["reps"], company.name), snapshot.as_of, Period.parse("FY26-Q4"))
    made = calls.prepared(frames["forecast_submissions"], frames["reps"], company.name, company.zone)
    return commit.commit(known, made, company.calendar, frames["reps"], PROBABILITIES)


def test_the_planted_bias_of_the_samples_submitters_is_recovered(sample_calls):
    truth = planted().commit_bias
    reps = sample_calls.submitters[sample_calls.submitters["level"] == "rep"]
    bias = reps["rep_id"].map(truth)
    missed = (reps["bias"] - bias).abs().mean()
    assert np.corrcoef(reps["bias"], bias)[0, 1] > 0.7
    assert missed < 0.8 * (reps["raw_bias"] - bias).abs().mean()
    covered = ((reps["bias_low"] <= bias) & (bias <= reps["bias_high"])).mean()
    assert 0.65 <= covered <= 0.97
