"""The pipeline engine on planted truth: unbiased, covering, calibrated, blind to what came later."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from salesops_lib.core.errors import PeriodError
from salesops_lib.forecasting.deals.hazard import Curves, losses_missing
from salesops_lib.forecasting.deals.panel import ordinal
from salesops_lib.forecasting.deals.pipeline import _on_rates, forecast, prepare
from salesops_lib.forecasting.deals.shocks import Shocks
from salesops_lib.forecasting.deals.simulate import shock_nodes
from salesops_lib.forecasting.draws import LONG, QUANTILES
from salesops_lib.forecasting.flow.measures import win_rates

ORIGINS = (date(2024, 7, 10), date(2024, 11, 15), date(2025, 2, 15))


@pytest.fixture(scope="module")
def one(planted):
    return planted.world(1)


@pytest.fixture(scope="module")
def ready(planted, one):
    return planted.prepared(one.opportunities, one.history, one.reps)


@pytest.fixture(scope="module")
def made(ready):
    return forecast(ready, ORIGINS[1])


@pytest.fixture(scope="module")
def judged(planted):
    """Forecasts of 8 planted worlds on three days each: company and deals, against what came."""
    company, deals = [], []
    for seed in range(500, 508):
        given = planted.world(seed)
        ready = planted.prepared(given.opportunities, given.history, given.reps)
        for day in ORIGINS:
            made = forecast(ready, day, draws=400, seed=seed)
            draws, truth = made.draws(), given.truth.set_index("opportunity_id")
            for period in made.simulation.periods:
                came = planted.won_in(given.truth, period)
                values = draws.of("company", "Co", period)
                low, high = np.quantile(values, [0.1, 0.9])
                actual = came["amount"].sum()
                company.append((period, actual, values.mean(), low <= actual <= high))
                p = made.deals[f"p_{period}"].to_numpy()
                won = truth.index.isin(came["opportunity_id"])
                mine = pd.Series(won, truth.index)[made.deals["opportunity_id"]].to_numpy()
                deals.append(pd.DataFrame({"p": p, "won": mine}))
    columns = ["period", "actual", "mean", "inside"]
    return pd.DataFrame(company, columns=columns), pd.concat(deals, ignore_index=True)


def test_revenue_is_unbiased_on_planted_pipelines(judged):
    # 48 periods with a spread of a tenth or two: the mean of their errors has a standard error near 1.7 %.
    company, _ = judged
    assert abs(company["mean"].sum() / company["actual"].sum() - 1) < 0.035


def test_the_80_percent_interval_covers_what_came(judged):
    # 48 outcomes in clusters of 6: binomial noise alone is 6 points, clustered about 8.
    company, _ = judged
    assert 0.64 <= company["inside"].mean() <= 0.96


def test_the_chance_of_a_deal_is_a_probability_and_no_rank(judged):
    _, deals = judged
    bins = np.minimum((deals["p"] * 10).astype(int), 9)
    by = deals.groupby(bins).agg(p=("p", "mean"), won=("won", "mean"), n=("p", "size"))
    error = ((by["p"] - by["won"]).abs() * by["n"]).sum() / by["n"].sum()
    assert len(deals) > 3000 and error <= 0.03


def test_censored_cohorts_see_the_win_rate_that_closed_deals_hide(planted):
    # Planted: 30 % are won; wins take 57 days, losses 14. 180 days of data, judged on their last day.
    given = planted.world(11, per_day=30.0)
    start, end = np.datetime64("2022-01-01").astype(int), np.datetime64("2022-06-29")
    known = given.history[given.history["changed_at"] < pd.Timestamp("2022-06-30", tz="UTC")]
    born = given.truth[given.truth["created"] <= end.astype(int)]
    opportunities, history = planted.cut(known, born["opportunity_id"].to_numpy(), born["created"].to_numpy())
    ready = planted.prepared(opportunities, history, as_of=date(2022, 6, 29))
    rates = win_rates(ready, date(2022, 6, 29), date(2022, 1, 1), date(2022, 6, 30)).set_index("name")
    assert start <= born["created"].min()
    by_cohort, closed_only = rates.loc["by_cohort", "rate"], rates.loc["by_count", "rate"]
    assert abs(by_cohort - planted.WIN_RATE) < 0.02
    assert abs(closed_only - planted.WIN_RATE) > 0.05
    # Nothing is claimed beyond the oldest age that enough deals have reached.
    assert rates.loc["by_cohort", "horizon_days"] < 180


def test_a_shock_widens_the_range_of_each_period_and_leaves_its_mean():
    # Two periods, at 1 win expected of a deal at risk in each: a good first one leaves few to the second. By
    # hand 1 - 1/e of the deals are won in the first, (1 - 1/e)/e in the second, with or without a shock.
    ones = np.ones((50, 2))
    made = Curves(
        np.arange(50), np.arange(2), np.array([1, 31]), np.array([30, 30]), 0 * ones, -np.inf * ones
    )
    shocks = Shocks(np.ones(2), np.ones(2), np.full(2, 0.2), 0.1, pd.DataFrame(), False)
    shift, slope = _on_rates(made, np.arange(2), shocks)
    won = np.array([made.win_probability(shift + slope * z).mean(axis=0) for z in shock_nodes()])
    by_hand = (1 - np.exp(-1)) * np.array([1, np.exp(-1)])
    np.testing.assert_allclose(won.mean(axis=0), by_hand, rtol=0.02)
    plain = np.mean([made.win_probability(slope * z).mean(axis=0) for z in shock_nodes()], axis=0)
    assert plain[1] < 0.95 * by_hand[1]  # what it would be if only the middle of the shock were right


def test_two_runs_are_the_same_to_the_bit_and_another_seed_is_not(ready, made):
    again = forecast(ready, ORIGINS[1])
    pd.testing.assert_frame_equal(made.draws().nodes, again.draws().nodes)
    np.testing.assert_array_equal(made.draws().values, again.draws().values)
    assert (forecast(ready, ORIGINS[1], seed=8).draws().values != made.draws().values).any()


def test_what_is_recorded_later_leaves_the_forecast_as_it_is(planted, one, made):
    day = ORIGINS[1]
    garbled = one.history.copy()
    later = garbled["changed_at"] > pd.Timestamp(day, tz="UTC") + pd.Timedelta(hours=24)
    random = np.random.default_rng(9)
    garbled.loc[later, "amount_base"] = -1e7 * random.random(later.sum())
    garbled.loc[later, "stage"] = random.choice(["Won", "Talk", "Nonsense"], later.sum())
    garbled.loc[later, "owner_id"] = "R0"
    garbled.loc[later, "close_date"] = pd.Timestamp("1999-01-01")
    ids, created = (one.truth[name].to_numpy() for name in ("opportunity_id", "created"))
    opportunities, history = planted.cut(garbled, ids, created)
    for as_of in (day, planted.LAST):
        other = forecast(planted.prepared(opportunities, history, one.reps, as_of=as_of), day)
        np.testing.assert_array_equal(other.draws().values, made.draws().values)


def test_children_add_up_to_their_parent_in_every_draw(made):
    draws = made.draws()
    levels = draws.nodes["level"].to_numpy()
    for period in made.simulation.periods:
        mine = (draws.nodes["period"] == period).to_numpy()
        company = draws.values[mine & (levels == "company")].sum(axis=0)
        for level in ("region", "team", "rep"):
            np.testing.assert_allclose(draws.values[mine & (levels == level)].sum(axis=0), company)


def test_the_long_table_has_every_node_at_every_quantile_ascending(made):
    table = made.draws().long()
    assert tuple(table.columns) == LONG and set(table["engine"]) == {"pipeline"}
    by = table.groupby(["level", "node_id", "period"])["value_base"]
    assert by.size().eq(len(QUANTILES)).all() and by.apply(lambda v: v.is_monotonic_increasing).all()


def test_what_is_booked_already_is_in_every_draw(planted, made, one):
    period, day = made.simulation.periods[0], np.datetime64(ORIGINS[1], "D").astype(int)
    closed = planted.won_in(one.truth, period)
    closed = closed[closed["close"] <= day]["amount"].sum()
    assert made.draws().of("company", "Co", period).min() >= closed - 0.01
    assert made.simulation.closed["amount"].sum() == pytest.approx(closed)


def test_without_stage_history_the_engine_is_off_and_says_why(planted, one):
    ready = planted.prepared(one.opportunities.assign(recorded_at=pd.NaT), None)
    off = forecast(ready, ORIGINS[1])
    assert off.draws() is None and "no opportunity_history" in off.off
    by_age = forecast(ready, ORIGINS[1], by_age=True)
    assert by_age.engine == "cohort" and by_age.off == ""
    came = planted.won_in(one.truth, by_age.simulation.periods[0])["amount"].sum()
    values = by_age.draws().of("company", "Co", by_age.simulation.periods[0])
    assert abs(values.mean() / came - 1) < 0.35 and set(by_age.draws().long()["engine"]) == {"cohort"}
    assert any("no known amount" in note for note in by_age.notes)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (lambda t: t.index[:1], "0 won deals|1 won deals"),
        (lambda t: t.index[:0], "no opportunity_history"),
        (lambda t: t.index[~t["won"]], "0 won deals"),
        (lambda t: t.index[t["won"]], "losses are not kept"),
    ],
    ids=["one deal", "no deal", "all lost", "all won"],
)
def test_too_little_to_learn_from_is_said_and_nothing_is_forecast(planted, one, chosen, said):
    made = forecast(planted.prepared(*planted.only(one, chosen(one.truth))), ORIGINS[1])
    assert made.draws() is None and any(part in made.off for part in said.split("|"))


@pytest.mark.parametrize("case", ["one rep", "zeros", "negative", "no open deals"])
def test_odd_pipelines_are_forecast_within_what_they_can_be(planted, one, case):
    truth = one.truth
    rows = truth.index
    if case == "one rep":
        rows = truth.index[truth["owner_id"] == "R1"]
    if case == "no open deals":
        day = np.datetime64(ORIGINS[1], "D").astype(int)
        rows = truth.index[(truth["close"] <= day) | (truth["created"] > day)]
    opportunities, history = planted.only(one, rows)
    scale = {"zeros": 0.0, "negative": -1.0}.get(case, 1.0)
    history["amount_base"] *= scale
    opportunities["amount_base"] *= scale
    made = forecast(planted.prepared(opportunities, history, one.reps), ORIGINS[1], draws=200)
    assert made.off == "" and len(made.simulation.open.deals) == (
        0 if case == "no open deals" else len(made.deals)
    )
    values = made.draws().values
    assert np.isfinite(values).all()
    if case == "zeros":
        assert not values.any()
    assert (values <= 0).all() if case == "negative" else (values >= 0).all()


def test_without_any_known_amount_no_revenue_is_made_up(planted, one):
    unknown = [rows.assign(amount_base=np.nan) for rows in (one.opportunities, one.history)]
    made = forecast(planted.prepared(*unknown, one.reps), ORIGINS[1])
    assert made.draws() is None and "0 won deals with an amount" in made.off


def test_a_hole_in_the_extract_is_named_and_not_learnt_as_a_bad_season(planted, one, made):
    low, high = (np.datetime64(day).astype(int) for day in ("2024-02-01", "2024-04-01"))
    missing = one.truth["won"] & (one.truth["close"] >= low) & (one.truth["close"] < high)
    without = planted.only(one, one.truth.index[~missing])
    holed = forecast(planted.prepared(*without, one.reps), ORIGINS[1])
    assert any("no wins from 2024-02-01 to 2024-03-31" in note for note in holed.notes)
    period = made.simulation.periods[0]
    means = [f.draws().of("company", "Co", period).mean() for f in (holed, made)]
    assert abs(means[0] / means[1] - 1) < 0.1 and made.notes == ()


def test_a_horizon_beyond_the_calendar_is_refused(ready):
    with pytest.raises(PeriodError, match="beyond the fiscal calendar"):
        forecast(ready, ORIGINS[1], horizon=20)


def test_the_sample_is_forecast_near_what_was_planted(sample_log):
    # The last finished quarter, from five weeks into it; what came is in the sample itself.
    now, log = sample_log
    made = forecast(prepare(log, now.frame("reps"), "Co"), date(2025, 9, 5), draws=500)
    deals = now.frame("opportunities")
    won = deals[deals["is_won"].fillna(False)]
    actual = won.loc[now.company.calendar.assign(won["close_date"]) == "FY26-Q3", "amount_base"].sum()
    values = made.draws().of("company", "Co", "FY26-Q3")
    low, high = np.quantile(values, [0.025, 0.975])
    assert low < actual < high and abs(values.mean() / actual - 1) < 0.1


def test_a_company_that_deletes_its_losses_gets_no_pipeline_forecast(planted, one):
    # Planted: three in ten are won, losses go after a month: then every old deal looks won.
    last = np.datetime64(planted.LAST, "D").astype(int)
    gone = ~one.truth["won"] & (one.truth["close"] <= last - 31)
    deals, history = planted.only(one, one.truth.index[~gone])
    made = forecast(planted.prepared(deals, history, one.reps), planted.LAST)
    assert "losses are not kept" in made.off
    assert made.off.startswith("0 of ")


def test_losses_that_are_kept_or_too_few_to_tell_stop_nothing(planted, one, ready):
    assert losses_missing(ready.paths, ordinal(planted.LAST)) == ""
    assert losses_missing(ready.paths, ordinal(date(2022, 2, 1))) == ""  # a month of data
