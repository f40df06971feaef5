"""Deals as known on a past day, rebuilt from one snapshot: nothing later is in them."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.core import periods
from salesops_lib.forecasting.deals.known import UNASSIGNED, deal_log, known_on, placed

CALENDAR = periods.monthly(1, range(2024, 2027))
STAGES = pd.DataFrame(
    {"stage": ["Talk", "Offer", "Won", "Lost"], "outcome": ["open", "open", "won", "lost"]},
)
SHARED = ["owner_id", "stage", "amount_base", "close_date", "forecast_category", "is_closed", "is_won"]


def opportunities(*rows):
    made = pd.DataFrame(
        rows,
        columns=["opportunity_id", "created_date", "recorded_at", "stage", "amount_base", "close_date"],
    ).assign(owner_id="R1", forecast_category=None, account_id="A", type="New", segment="SMB")
    made = made.assign(lead_source=None, currency="USD")
    made["is_closed"] = made["stage"].isin(["Won", "Lost"]).astype("boolean")
    made["is_won"] = (made["stage"] == "Won").astype("boolean")
    for name in ("created_date", "close_date"):
        made[name] = pd.to_datetime(made[name]).astype("datetime64[ns]")
    return made.assign(recorded_at=pd.to_datetime(made["recorded_at"], utc=True))


def history(*rows):
    made = pd.DataFrame(
        rows, columns=["opportunity_id", "changed_at", "stage", "amount_base", "close_date", "owner_id"]
    )
    made["sequence"] = range(1, len(made) + 1)
    made["close_date"] = pd.to_datetime(made["close_date"]).astype("datetime64[ns]")
    return made.assign(changed_at=pd.to_datetime(made["changed_at"], utc=True), forecast_category=None)


def log(deals, changes=None, as_of=date(2025, 12, 31), zone="UTC"):
    return deal_log(deals, changes, STAGES, as_of=as_of, zone=zone, calendar=CALENDAR)


PATH = history(
    ("D1", "2025-01-10T09:00Z", "Talk", 100.0, "2025-02-20", "R1"),
    ("D1", "2025-02-15T09:00Z", "Talk", 120.0, "2025-04-10", "R1"),
    ("D1", "2025-03-01T09:00Z", "Offer", 120.0, "2025-04-10", "R2"),
    ("D1", "2025-04-02T23:30Z", "Won", 90.0, "2025-04-02", "R2"),
)
DEAL = opportunities(("D1", "2025-01-10", "2025-04-02T23:30Z", "Won", 90.0, "2025-04-02"))


def test_a_deal_is_what_its_last_change_by_the_day_says():
    then = known_on(log(DEAL, PATH), date(2025, 3, 31)).iloc[0]
    assert (then["stage"], then["amount_base"], then["owner_id"]) == ("Offer", 120.0, "R2")
    assert then["outcome"] == "open" and not then["is_closed"]
    assert then["stage_since"] == pd.Timestamp("2025-03-01")
    assert then["first_amount"] == 100.0 and then["first_close_date"] == pd.Timestamp("2025-02-20")


def test_a_move_to_a_later_period_is_a_push_and_a_move_within_it_is_none():
    # 20 February to 10 April crosses a quarter; the win brings the date forward within April.
    assert known_on(log(DEAL, PATH), date(2025, 2, 14))["pushes"].item() == 0
    assert known_on(log(DEAL, PATH), date(2025, 4, 2))["pushes"].item() == 1


def test_a_stamp_falls_on_the_day_of_the_companys_zone():
    # 23:30 UTC on 2 April is 08:30 on 3 April in Tokyo.
    assert known_on(log(DEAL, PATH, zone="Asia/Tokyo"), date(2025, 4, 2))["outcome"].item() == "open"
    assert known_on(log(DEAL, PATH, zone="UTC"), date(2025, 4, 2))["outcome"].item() == "won"


def test_a_deal_does_not_exist_before_it_was_created():
    assert known_on(log(DEAL, PATH), date(2025, 1, 9)).empty


def test_nothing_is_said_of_a_day_after_the_snapshot():
    with pytest.raises(ValueError, match="the log ends on 2025-12-31"):
        known_on(log(DEAL, PATH), date(2026, 1, 1))


def test_without_history_only_dates_speak():
    dated = opportunities(
        ("D1", "2025-01-10", None, "Won", 90.0, "2025-04-02"),
        ("D2", "2025-01-12", None, "Talk", 50.0, "2025-09-01"),
        ("D3", "2025-01-12", "2025-08-01T09:00Z", "Talk", 70.0, "2025-09-01"),
    )
    made = log(dated)
    assert "no opportunity_history" in made.no_history
    before = known_on(made, date(2025, 4, 1))
    assert before["outcome"].tolist() == ["open"] * 3
    assert before[["amount_base", "close_date", "stage"]].isna().all(axis=None)
    after = known_on(made, date(2025, 8, 1))
    assert after["outcome"].tolist() == ["won", "open", "open"]
    assert after["amount_base"].tolist()[::2] == [90.0, 70.0] and np.isnan(after["amount_base"][1])


def test_a_stage_that_nobody_declared_has_no_outcome_unless_the_deal_is_in_it():
    odd = opportunities(("D1", "2025-01-10", "2025-04-02T09:00Z", "Signed", 90.0, "2025-04-02"))
    odd = odd.assign(is_closed=pd.array([True], "boolean"), is_won=pd.array([True], "boolean"))
    changes = PATH.assign(stage=["Talk", "Mystery", "Mystery", "Signed"])
    assert pd.isna(known_on(log(odd, changes), date(2025, 3, 1))["is_closed"].item())
    assert known_on(log(odd, changes), date(2025, 5, 1))["outcome"].item() == "won"


def test_later_rows_change_nothing_known_earlier():
    later = history(("D1", "2025-05-01T09:00Z", "Lost", -1e9, "2031-01-01", "R9"))
    added = pd.concat([PATH, later.assign(sequence=9)], ignore_index=True)
    day = date(2025, 4, 30)
    garbled = opportunities(("D1", "2025-01-10", "2025-05-01T09:00Z", "Lost", -1e9, "2031-01-01"))
    pd.testing.assert_frame_equal(
        known_on(log(DEAL, PATH), day), known_on(log(garbled, added, as_of=date(2025, 6, 1)), day)
    )


def test_no_deals_make_an_empty_frame_with_the_same_columns():
    empty = log(DEAL.iloc[:0], PATH.iloc[:0])
    assert known_on(empty, date(2025, 4, 1)).empty
    assert set(known_on(empty, date(2025, 4, 1))) == set(known_on(log(DEAL, PATH), date(2025, 4, 1)))


def test_a_rep_between_spells_stays_with_the_last_team():
    spells = pd.DataFrame(
        {
            "rep_id": ["R1", "R1"],
            "start_date": pd.to_datetime(["2025-01-01", "2025-06-01"]),
            "end_date": pd.to_datetime(["2025-03-01", None]),
            "team": ["North", "South"],
            "region": ["EMEA", "EMEA"],
        }
    )
    rows = pd.DataFrame({"owner_id": ["R1", "R9", None]})
    assert placed(rows, spells, date(2025, 4, 1))["team"].tolist() == ["North", UNASSIGNED, UNASSIGNED]
    days = pd.Series(pd.to_datetime(["2025-06-01", "2025-06-01", "2025-06-01"]))
    assert placed(rows, spells, days)["team"].tolist()[0] == "South"


def test_an_amount_changed_without_a_stamp_is_a_state_of_the_last_day():
    moved = DEAL.assign(amount_base=95.5)
    assert known_on(log(moved, PATH), date(2025, 12, 31))["amount_base"].item() == 95.5
    assert known_on(log(moved, PATH), date(2025, 12, 30))["amount_base"].item() == 90.0
    old = moved.assign(recorded_at=pd.to_datetime(["2025-01-10T09:00Z"], utc=True))
    assert known_on(log(old, PATH), date(2025, 12, 31))["amount_base"].item() == 90.0  # history is newer


def test_a_day_rebuilt_in_memory_equals_the_snapshot_of_that_day(sample, sample_log):
    # The oracle is the loader, which rebuilds the same day with SQL from the stored versions.
    made = sample_log[1]
    day = date(2025, 6, 30)
    ours = known_on(made, day).set_index("opportunity_id")[SHARED]
    theirs = inputs.open_snapshot(sample, day).frame("opportunities").set_index("opportunity_id")[SHARED]
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)
