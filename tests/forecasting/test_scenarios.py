"""Scenarios: read strictly, run on the same draws, and each changes what it says and nothing else."""

from datetime import date

import numpy as np
import pytest

from salesops_lib.core.errors import ParameterError
from salesops_lib.forecasting.deals.pipeline import forecast
from salesops_lib.forecasting.flow.scenarios import Scenario, apply, compare, parse

DAY = date(2024, 11, 15)


@pytest.fixture(scope="module")
def made(planted):
    one = planted.world(1)
    return forecast(planted.prepared(one.opportunities, one.history, one.reps), DAY, draws=500)


@pytest.fixture(scope="module")
def base(made):
    return made.draws().values


def company(draws, period):
    return draws.of("company", "Co", period)


def test_a_scenario_is_read_as_it_is_written():
    found = parse("drop O00123; delay O00456 30d; win_rate -10%; inflow +15%; hires 2 from 2026-01-15")
    assert found.drop == ("O00123",) and found.delay == {"O00456": 30}
    assert (found.win_rate, found.inflow) == (pytest.approx(0.9), pytest.approx(1.15))
    assert found.hires == ((2, date(2026, 1, 15)),)
    assert parse("").is_base and parse(" ; ").is_base and not found.is_base


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("drp O1", "part 'drp O1' cannot be read; write drop ID"),
        ("drop", "part 'drop' cannot be read"),
        ("drop O1 O2", "part 'drop O1 O2' cannot be read"),
        ("delay O1", "part 'delay O1' cannot be read"),
        ("delay O1 0d", "part 'delay O1 0d' cannot be read"),
        ("win_rate 10%", "part 'win_rate 10%' cannot be read"),
        ("win_rate -110%", "part 'win_rate -110%' is outside"),
        ("inflow +15%; inflow +5%", "changes inflow twice"),
        ("hires 2 from 15.01.2026", "has no day '15.01.2026'; write 2026-01-15"),
        ("drop O1; delay O1 5d", "names O1 twice"),
        ("delay O1 3d; delay O1 5d", "delays O1 twice"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line_that_names_it(text, said):
    with pytest.raises(ParameterError, match=said) as error:
        parse(text)
    assert "\n" not in str(error.value)


def test_a_deal_that_is_not_open_is_refused_with_the_nearest_that_is(made):
    near = made.deals["opportunity_id"].iloc[0]
    with pytest.raises(ParameterError, match=f"no open deal on 2024-11-15; did you mean '{near}'"):
        apply(made, parse(f"drop {near}x"))
    for start in ("2024-11-15", "2031-01-01"):
        with pytest.raises(ParameterError, match="give a day after 2024-11-15 within the periods"):
            apply(made, parse(f"hires 2 from {start}"))


def test_a_scenario_that_changes_nothing_is_the_base_to_the_bit(made, base):
    for text in ("", "win_rate +0%; inflow -0%"):
        np.testing.assert_array_equal(apply(made, parse(text)).values, base)


def test_a_dropped_deal_takes_its_own_wins_and_nothing_else(made, base):
    place = int(made.deals["p_win"].to_numpy().argmax())
    after = apply(made, parse(f"drop {made.deals['opportunity_id'].iloc[place]}")).values
    period = made.simulation.periods[0]
    rows = (made.draws().nodes["level"] == "company") & (made.draws().nodes["period"] == period)
    day = made.simulation.open.won_day()[place]
    inside = day < made.simulation.starts[1]
    lost = np.where(inside, made.simulation.open.amount[place], 0.0)
    np.testing.assert_allclose((base - after)[rows.to_numpy()][0], lost, atol=1e-6)
    assert 0 < inside.sum() < len(inside)


def test_a_delay_moves_wins_to_a_later_period_and_loses_only_those_beyond_the_last(made):
    place = int(made.deals["p_win"].to_numpy().argmax())
    deal = made.deals["opportunity_id"].iloc[place]
    first, second = made.simulation.periods
    before, after = made.draws(), apply(made, parse(f"delay {deal} 60d"))
    assert (company(after, first) <= company(before, first) + 1e-6).all()
    assert company(after, second).mean() > company(before, second).mean()
    # Sixty days on, a win of this quarter is at most one of the next: together only its last wins are lost.
    total = [company(d, first) + company(d, second) for d in (before, after)]
    assert (total[1] <= total[0] + 1e-6).all()


@pytest.mark.parametrize("factor", [-30, -10, 10])
def test_a_win_rate_scales_what_is_not_booked_yet_in_every_draw_the_same_way(made, factor):
    period = made.simulation.periods[0]
    booked = made.simulation.closed.loc[made.simulation.closed["period"] == 0, "amount"].sum()
    before = company(made.draws(), period) - booked
    after = company(apply(made, parse(f"win_rate {factor:+d}%")), period) - booked
    # Chances scale, and with them the mean, but for the few that reach 1; 500 draws leave some noise.
    assert after.mean() / before.mean() == pytest.approx(1 + factor / 100, abs=0.04)
    assert ((after - before) * np.sign(factor) >= -1e-6).mean() > 0.97


def test_no_win_rate_makes_a_deal_more_than_certain(made):
    certain = (made.simulation.open.won_day(5.0) < 2**31 - 1).mean(axis=1)
    usual = (made.simulation.open.won_day() < 2**31 - 1).mean(axis=1)
    assert certain.max() == 1.0 and (certain >= usual).all()
    np.testing.assert_allclose(certain[usual > 0.5], 1.0)  # likely ones, even under the worst shock


def test_inflow_moves_the_next_period_more_than_the_running_one_and_open_deals_not_at_all(made):
    first, second = made.simulation.periods
    before, after = made.draws(), apply(made, parse("inflow +50%"))
    gain = [company(after, p).mean() - company(before, p).mean() for p in (first, second)]
    assert 0 < gain[0] < gain[1]
    new = made.simulation.new_wins()
    expected = 0.5 * new.amount[new.period == 1].sum() / made.simulation.count
    assert gain[1] == pytest.approx(expected, rel=0.1)
    none = apply(made, parse("inflow -100%"))
    assert company(none, second).mean() < company(before, second).mean()


def test_more_hires_bring_more_and_later_ones_less(made):
    second = made.simulation.periods[1]
    runs = ["hires 2 from 2024-11-16", "hires 6 from 2024-11-16", "hires 6 from 2025-02-01"]
    gains = [company(apply(made, parse(run)), second).mean() for run in runs]
    least = company(made.draws(), second).mean()
    assert least <= gains[0] < gains[1] and gains[2] < gains[1]


def test_the_comparison_has_base_and_each_scenario_with_range_and_chance(made):
    target = float(np.median(company(made.draws(), made.simulation.periods[0])))
    table = compare(made, ["win_rate -10%", "inflow +15%"], {made.simulation.periods[0]: target})
    assert table["scenario"].unique().tolist() == ["base", "win_rate -10%", "inflow +15%"]
    first = table[table["period"] == made.simulation.periods[0]].set_index("scenario")
    assert first.loc["base", "p_target"] == pytest.approx(0.5, abs=0.01)
    assert first.loc["win_rate -10%", "change_p"] < 0 < first.loc["inflow +15%", "change_p"] + 1e-9
    assert (table["low"] <= table["mid"]).all() and (table["mid"] <= table["high"]).all()
    assert table.loc[table["period"] == made.simulation.periods[1], "p_target"].isna().all()


def test_a_scenario_of_a_forecast_that_is_off_says_why(made):
    from dataclasses import replace

    off = replace(made, simulation=None, off="0 won deals")
    with pytest.raises(ValueError, match="no forecast to change: 0 won deals"):
        apply(off, Scenario(""))
    with pytest.raises(ValueError, match="no forecast to change: 0 won deals"):
        compare(off, [], {})
