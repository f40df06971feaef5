"""What a deal is counts as recorded then: a field corrected at the close gives nothing away.

Planted: ``type`` is filled in when a deal is won and never else, the classic leak.
"""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from salesops_lib.forecasting.bookings import Books
from salesops_lib.forecasting.deals.hazard import curves, fit_hazards
from salesops_lib.forecasting.deals.known import deal_log
from salesops_lib.forecasting.deals.panel import ordinal, panel_of
from salesops_lib.forecasting.deals.pipeline import forecast, prepare
from salesops_lib.forecasting.flow import handover, outputs
from salesops_lib.forecasting.flow.leakage import own_features, undated

DAY = date(2024, 11, 15)


@pytest.fixture(scope="module")
def world(planted):
    return planted.world(3, per_day=2.0)


def stamped(world, closing: str) -> pd.DataFrame:
    """Versions of each deal: type New when created, ``closing`` from the day it was won."""
    deals = world.opportunities
    first = deals.assign(recorded_at=deals["created_date"].dt.tz_localize("UTC"), type="New")
    last = deals[deals["is_won"].astype(bool)].assign(type=closing)
    return pd.concat([first, last], ignore_index=True)


def ready(planted, world, deals: pd.DataFrame, versions: pd.DataFrame | None):
    log = deal_log(
        deals, world.history, planted.STAGES, as_of=planted.LAST, zone="UTC", calendar=planted.CALENDAR,
        versions=versions,
    )  # fmt: skip
    return prepare(log, world.reps, "Co")


@pytest.fixture(scope="module")
def honest(planted, world):
    """No type at all."""
    return forecast(ready(planted, world, world.opportunities, None), DAY, draws=200)


def leaking(world) -> pd.DataFrame:
    """The table as it stands at the end: won deals have a type."""
    return world.opportunities.assign(type=np.where(world.opportunities["is_won"], "Signed", "New"))


def test_a_type_corrected_at_the_close_is_not_seen_before_it(planted, world, honest):
    made = ready(planted, world, leaking(world), stamped(world, "Signed"))
    features, won = own_features(made.log, DAY)
    assert won.notna().sum() > 50 and set(features["type"]) == {"New"}
    told = forecast(made, DAY, draws=200)
    assert told.hazards.coding.dated
    np.testing.assert_allclose(told.deals["p_win"], honest.deals["p_win"], atol=0.06)


def test_a_type_that_nobody_dated_is_not_used_at_all(planted, world, honest):
    made = ready(planted, world, leaking(world), None)
    told = forecast(made, DAY, draws=200)
    assert not told.hazards.coding.dated
    assert any(note.startswith("segment, type and source of deals are left out") for note in told.notes)
    np.testing.assert_array_equal(told.draws().values, honest.draws().values)
    # By hand: a deal open on the day is first recorded at its close, every one of them.
    count = len(told.deals)
    assert undated(made.log, DAY)["type"] == f"first recorded after the day for {count} of {count} deals"


def test_the_audit_says_not_dated_and_that_the_engine_does_without(planted, world):
    made = ready(planted, world, leaking(world), None)
    engines = SimpleNamespace(books=Books(made.log, world.reps, "Co"))
    rows = handover.feature_rows(engines, date(2025, 5, 15), leaking(world))
    assert rows["verdict"].isin(outputs.FEATURES.by_name["verdict"].values).all()
    by = rows.set_index("feature")
    assert by.loc[["type", "segment", "lead_source"], "verdict"].eq("not dated").all()
    assert not by.loc["type", "used"] and by.loc["stage", "used"]


def test_a_field_the_history_does_not_follow_is_unknown_until_the_deal_closes(planted, world):
    # Without a history of close dates the table's own is when the deal ended: it would give away all.
    bare = world.history.assign(close_date=pd.NaT)
    log = deal_log(
        world.opportunities, bare, planted.STAGES, as_of=planted.LAST, zone="UTC", calendar=planted.CALENDAR
    )
    open_then = log.states[(log.states["outcome"] == "open") & (log.states["day"] < "2025-06-01")]
    assert log.untracked[0] == "close_date" and open_then["close_date"].isna().all()
    won = log.states[log.states["outcome"] == "won"].set_index("deal")["close_date"]
    came = world.opportunities.sort_values("opportunity_id")["close_date"].to_numpy()[won.index]
    np.testing.assert_array_equal(won.to_numpy(), came)
    assert undated(log, DAY)["days_to_close"] == "the history does not follow it"


def test_a_fit_without_a_quarter_is_that_of_an_extract_without_it(planted, world):
    # The oracle is a hole: cells that the panel leaves out from the start.
    made, now = ready(planted, world, world.opportunities, None), ordinal(DAY)
    low, high = made.cells.of(np.array([ordinal(date(2024, 4, 1)), ordinal(date(2024, 6, 30))]))
    whole, holed = (
        fit_hazards(panel_of(made.paths, made.cells, now, 140, holes), made.paths, made.cells)
        for holes in (np.array([], dtype=int), np.arange(low, high + 1))
    )
    state = made.paths.open_at(now)
    blind, never, seen = (
        curves(fit, made.paths, made.cells, state, now, now + 120).win_probability().sum(axis=1)
        for fit in (whole.without(low, high), holed.fit, whole.fit)
    )
    apart = [np.abs(given - never).mean() for given in (blind, seen)]
    assert apart[0] < 0.005 and 4 * apart[0] < apart[1]
