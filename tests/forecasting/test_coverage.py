"""Coverage of a target: by hand, each node by its own win rate, and nothing dropped without a word."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from salesops_lib.forecasting.deals.known import OPEN, known_on, last_states
from salesops_lib.forecasting.deals.panel import ordinal
from salesops_lib.forecasting.flow.coverage import _shrunk, coverage, left_out, own_rates
from salesops_lib.forecasting.flow.measures import stage_probabilities
from salesops_lib.forecasting.flow.past_due import by_stage, past_due

DAY = date(2024, 11, 15)


@pytest.fixture(scope="module")
def one(planted):
    return planted.world(1)


@pytest.fixture(scope="module")
def ready(planted, one):
    return planted.prepared(one.opportunities, one.history, one.reps)


ASKED = pd.DataFrame({"level": ["company", "rep"], "node_id": ["Co", "R1"], "target": [9e6, 1.0]})


def still_due(ready) -> pd.DataFrame:
    deals = known_on(ready.log, DAY)
    due = deals["close_date"].ge(pd.Timestamp("2024-10-01")) & deals["close_date"].lt(
        pd.Timestamp("2025-01-01")
    )
    return deals[due & deals["amount_base"].notna()]


def test_coverage_leaves_closed_value_out_and_needs_one_over_the_own_rate(ready):
    due = still_due(ready)
    closed, still = due[due["outcome"] == "won"], due[due["outcome"] == OPEN]
    table = coverage(ready, DAY, ASKED)
    company, rep = table.iloc[0], table.iloc[1]
    assert company["closed_base"] == pytest.approx(closed["amount_base"].sum())
    assert company["open_base"] == pytest.approx(still["amount_base"].sum())
    assert company["coverage"] == pytest.approx(company["open_base"] / (9e6 - company["closed_base"]))
    chances = stage_probabilities(ready, DAY).set_index("stage")
    assert company["needed"] == pytest.approx(1 / chances.loc["(all)", "value_rate"])
    open_ = still.groupby("stage")["amount_base"].sum()
    weighted = (open_ * chances["probability"].reindex(open_.index)).sum()
    assert company["weighted_base"] == pytest.approx(weighted)
    assert company["unweighted_base"] == 0 and left_out(table.assign(period="P"), "USD") == []
    assert rep["left_base"] < 0 and np.isnan(rep["coverage"])


def test_each_node_needs_what_its_own_past_says_and_a_deal_counts_once(ready):
    past = past_due(ready, ordinal(DAY))
    rows = own_rates(ready, DAY, past).set_index(["level", "node_id"])
    # A deal due in two of the three landmarks of a period, or in two periods, is one deal.
    assert rows.loc[("company", "Co"), "n_past"] == past["deal"].nunique() < len(past)
    reps = rows.loc["rep"]
    assert reps["n_past"].sum() >= past["deal"].nunique() and reps["n_past"].max() < past["deal"].nunique()
    owner = ready.log.states["owner_id"].to_numpy()[past["state"].to_numpy()]
    mine = past[owner == reps.index[0]]
    assert reps["own_win_rate"].iloc[0] == pytest.approx(
        mine.loc[mine["won"].astype(bool), "became"].sum() / mine["amount"].sum()
    )
    # Planted: all reps sell alike. What they differ by is chance, so nearly all of it is taken back.
    whole = rows.loc[("company", "Co"), "win_rate"]
    assert (reps["win_rate"] - whole).abs().max() < 0.5 * (reps["own_win_rate"] - whole).abs().max()


def test_a_node_that_truly_differs_keeps_its_rate_and_one_of_few_deals_gives_it_up():
    # By hand: own .5, .1, .9 around .3; noise .001, .001, .4. Q = 40 + 40 + .9; between = (80.9 − 3) ÷ 2002.5
    # = .0389; kept .975, .975, .089.
    own, noise = pd.Series([0.5, 0.1, 0.9]), pd.Series([0.001, 0.001, 0.4])
    made = _shrunk(own, pd.Series([0.3] * 3), noise)
    assert made.tolist() == pytest.approx(
        [0.3 + 0.975 * 0.2, 0.3 - 0.975 * 0.2, 0.3 + 0.0886 * 0.6], abs=1e-3
    )


def test_planted_teams_that_sell_unlike_need_unlike_coverage(ready):
    # Every past deal of one rep is made won, of another lost: the need of each follows, the others stay near.
    past = past_due(ready, ordinal(DAY))
    owner = ready.log.states["owner_id"].to_numpy()[past["state"].to_numpy()]
    good, bad = pd.unique(owner)[:2]
    won = np.where(owner == good, True, np.where(owner == bad, False, past["won"].astype(bool)))
    past = past.assign(won=won, became=np.where(owner == good, past["amount"], past["became"]))
    rows = own_rates(ready, DAY, past).set_index(["level", "node_id"])["win_rate"]
    assert rows[("rep", good)] > 0.8 > 0.2 > rows[("rep", bad)]


def test_a_deal_due_at_an_amount_nobody_knew_moves_no_rate_by_value(ready):
    # By hand: 100 due and won at 100, 300 due and lost, one won at 1,000 that was due at nobody knew what.
    past = past_due(ready, ordinal(DAY)).iloc[[0, 1, 2]]
    past = past.assign(amount=[100, 300, np.nan], became=[100.0, np.nan, 1000.0], won=[True, False, True])
    rows = own_rates(ready, DAY, past).set_index(["level", "node_id"])
    assert rows.loc[("company", "Co"), "own_win_rate"] == pytest.approx(0.25)
    every = by_stage(past).set_index("stage").loc["(all)"]
    assert (every["due_base"], every["won_base"], every["n"], every["won"]) == (400, 100, 3, 2)


def test_a_node_without_a_past_deal_has_no_rate_and_needs_nothing_known(ready):
    asked = pd.DataFrame({"level": ["rep"], "node_id": ["R_new"], "target": [1e6]})
    row = coverage(ready, DAY, asked).iloc[0]
    assert row["n_past"] == 0 and np.isnan(row["needed"]) and np.isnan(row["win_rate"])


def test_without_a_past_period_nothing_is_weighted_or_needed(ready):
    table = coverage(ready, date(2022, 1, 20), ASKED[:1])
    assert table["n_past"].item() == 0 and np.isnan(table["needed"].item())
    assert np.isnan(table["weighted_base"].item()) or table["open_base"].item() == 0


def test_value_in_a_stage_without_a_past_is_told_and_not_dropped(ready):
    # Two of the deals due are moved, on the day, to a stage nobody has been in.
    still = still_due(ready)
    moved = still.loc[still["outcome"] == OPEN].iloc[:2]
    states = ready.log.states.copy()
    at = last_states(ready.log, DAY)
    states.loc[states.index[at[np.isin(states["deal"].to_numpy()[at], moved["deal"])]], "stage"] = "Legal"
    fresh = replace(ready, log=replace(ready.log, states=states))
    before, after = (coverage(r, DAY, ASKED).iloc[0] for r in (ready, fresh))
    assert after["open_base"] == pytest.approx(before["open_base"])
    assert after["unweighted_base"] == pytest.approx(moved["amount_base"].sum())
    assert after["weighted_base"] < before["weighted_base"]
    assert after["stages_without_past"] == "Legal"
    (said,) = left_out(pd.DataFrame([after]).assign(period="FY24-Q4"), "USD")
    assert said.startswith("The weighted value of FY24-Q4 leaves out") and said.endswith("in Legal.")
    only = replace(ready, log=replace(ready.log, states=ready.log.states.assign(stage="Legal")))
    assert np.isnan(coverage(only, DAY, ASKED).iloc[0]["weighted_base"])
