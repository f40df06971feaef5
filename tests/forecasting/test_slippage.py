"""Slippage, pushes, movers, and what has to be true: by hand on a few deals."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from salesops_lib.core.periods import Period
from salesops_lib.forecasting.deals.pipeline import Forecast, forecast
from salesops_lib.forecasting.flow.slippage import movers, needed, pushes, slippage

Q2 = Period.parse("FY25-Q2")  # April to June 2025


@pytest.fixture
def log(planted):
    """Builds a log from changes: deal, day, stage, amount, close date."""

    def build(*changes):
        columns = ["opportunity_id", "changed_at", "stage", "amount_base", "close_date"]
        history = pd.DataFrame(changes, columns=columns).assign(owner_id="R1", forecast_category=None)
        first = history.drop_duplicates("opportunity_id")
        created = pd.to_datetime(first["changed_at"]).to_numpy().astype("datetime64[D]").astype(int)
        history["changed_at"] = pd.to_datetime(history["changed_at"], utc=True) + pd.Timedelta(hours=9)
        history["close_date"] = pd.to_datetime(history["close_date"]).astype("datetime64[ns]")
        history["sequence"] = range(len(history))
        return planted.prepared(*planted.cut(history, first["opportunity_id"].to_numpy(), created)).log

    return build


DEALS = [
    ("WON", "2025-03-01", "Talk", 100.0, "2025-04-20"),
    ("WON", "2025-05-02", "Won", 80.0, "2025-05-02"),
    ("LOST", "2025-03-01", "Talk", 50.0, "2025-04-20"),
    ("LOST", "2025-05-02", "Lost", 50.0, "2025-05-02"),
    ("SLIP", "2025-03-01", "Talk", 200.0, "2025-06-20"),
    ("SLIP", "2025-05-10", "Talk", 260.0, "2025-07-10"),
    ("STAY", "2025-03-01", "Talk", 40.0, "2025-05-20"),
    ("LATER", "2025-03-01", "Talk", 999.0, "2025-08-20"),
    ("FRESH", "2025-04-10", "Talk", 70.0, "2025-06-01"),
]


def test_slippage_is_the_value_at_the_start_that_is_open_with_a_date_after_the_period(log):
    # By hand: 390 was due on 31 March (100 + 50 + 200 + 40), 200 of it has slipped, at its value then.
    table = slippage(log(*DEALS), None, Q2, date(2025, 6, 30)).set_index("level")
    row = table.loc["company"]
    assert (row["due_base"], row["slipped_base"], row["n_due"], row["n_slipped"]) == (390, 200, 4, 1)
    assert row["slippage"] == pytest.approx(200 / 390)
    assert (row["won_base"], row["lost_base"], row["open_base"]) == (100, 50, 40)


def test_nothing_due_has_no_slippage_and_a_period_to_come_has_no_rows(log):
    made = log(("D", "2025-04-10", "Talk", 70.0, "2025-06-01"))
    assert slippage(made, None, Q2, date(2025, 6, 30)).empty
    assert slippage(log(*DEALS), None, Q2, date(2025, 3, 1)).empty
    zero = slippage(log(("D", "2025-03-10", "Talk", 0.0, "2025-06-01")), None, Q2, date(2025, 6, 30))
    assert zero["slippage"].isna().all()


def test_pushes_count_moves_to_a_later_period_of_open_deals(log):
    table = pushes(log(*DEALS), date(2025, 6, 15)).set_index("pushes")
    assert table["n"].to_dict() == {"0": 3, "1": 1, "2": 0, "3+": 0}
    assert table.loc["1", "value_base"] == 260 and table["share"].sum() == pytest.approx(1)
    assert pushes(log(*DEALS), date(2025, 1, 1))["share"].isna().all()


def test_a_deal_without_an_amount_is_in_the_counts_and_in_no_money(log):
    bare = (
        ("BARE", "2025-03-01", "Talk", np.nan, "2025-06-20"),
        ("BARE", "2025-05-10", "Talk", np.nan, "2025-07-10"),
    )
    made = log(*DEALS, *bare)
    row = slippage(made, None, Q2, date(2025, 6, 30)).set_index("level").loc["company"]
    assert (row["due_base"], row["n_due"], row["n_slipped"], row["n_unpriced"]) == (390, 5, 2, 1)
    moved = pushes(made, date(2025, 6, 15)).set_index("pushes").loc["1"]
    assert (moved["n"], moved["n_unpriced"], moved["value_base"]) == (2, 1, 260)


def test_movers_name_each_deal_its_change_and_why(log):
    table = movers(log(*DEALS), Q2, date(2025, 3, 31), date(2025, 6, 15)).set_index("opportunity_id")
    said = {deal: (row["change_base"], row["reason"]) for deal, row in table.iterrows()}
    assert said == {
        "SLIP": (-200.0, "moved out of the period"),
        "FRESH": (70.0, "new"),
        "LOST": (-50.0, "lost"),
        "WON": (-20.0, "won"),
    }
    assert table["change_base"].abs().is_monotonic_decreasing


def test_what_has_to_be_true_adds_up_to_the_target(planted):
    one = planted.world(1)
    made = forecast(planted.prepared(one.opportunities, one.history, one.reps), date(2024, 11, 15), draws=300)
    mean = made.draws().of("company", "Co", "FY24-Q4").mean()
    table = needed(made, mean + 50_000).set_index("source")
    # Parts add up to the forecast, up to the noise of 300 draws, and the gap is what is asked on top.
    parts = table["expected_base"].drop("gap")
    assert parts.sum() == pytest.approx(mean, rel=0.02)
    assert table.loc["gap", "expected_base"] == pytest.approx(mean + 50_000 - parts.sum())
    due = table.loc["other_due"]
    assert due["needed_base"] == pytest.approx(due["expected_base"] + table.loc["gap", "expected_base"])
    assert due["needed_rate"] == pytest.approx(due["needed_base"] / due["value_base"])
    assert not table["reachable"].loc[["other_due"]].isna().any() and pd.isna(table.loc["new", "value_base"])
    assert not needed(made, 1e12).set_index("source").loc["other_due", "reachable"]


def test_a_forecast_that_is_off_or_another_period_cannot_be_asked(planted):
    with pytest.raises(ValueError, match="no forecast to ask: 0 won"):
        needed(Forecast(date(2024, 11, 15), "pipeline", "0 won deals"), 1.0)
    one = planted.world(1)
    made = forecast(planted.prepared(one.opportunities, one.history, one.reps), date(2024, 11, 15), draws=50)
    with pytest.raises(ValueError, match="'FY30-Q1' is not forecast; it is one of FY24-Q4, FY25-Q1"):
        needed(made, 1.0, period="FY30-Q1")
    assert np.isfinite(made.draws().values).all()
