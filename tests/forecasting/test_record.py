"""The record of planted forecasts: what is compared, on which rows, over how many periods, by which rule."""

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from salesops_lib.core.contracts import checked
from salesops_lib.core.periods import monthly
from salesops_lib.forecasting import combination, outputs
from salesops_lib.forecasting.benchmarks import BENCHMARKS
from salesops_lib.forecasting.bookings import History
from salesops_lib.forecasting.record import backtest, tables
from salesops_lib.forecasting.record.backtest import View
from salesops_lib.forecasting.record.over_periods import share_range
from salesops_lib.forecasting.record.rows import backtest_rows
from salesops_lib.forecasting.stacking import PROBABILITIES

Z = norm.ppf(PROBABILITIES)
PERIODS = [f"FY{y}-Q{q}" for y in (24, 25) for q in (1, 2, 3, 4)]
NODES = pd.DataFrame(
    {"level": ["company", "team", "team"], "node_id": ["Co", "A", "B"], "team": None, "region": None}
)
SHARES = np.array([1.0, 0.6, 0.4])


def history(day: date, period: str) -> History:
    empty = np.empty((3, 0))
    return History(day, period, 0.5, NODES, [], [], empty, empty, np.zeros(3), pd.DataFrame())


def planted(errors: dict, naive: np.ndarray | None = None, points=(0.5,)) -> backtest.Tested:
    """Eight quarters of 100 a company of two teams; engines off by ``errors`` × booked, ranges ± 10 %."""
    rows, histories = [], {}
    for k, period in enumerate(PERIODS):
        for point in points:
            day = pd.Timestamp("2024-01-10") + timedelta(days=91 * k + int(60 * point))
            histories[day, period] = history(day.date(), period)
            rows.append(NODES[["level", "node_id"]].assign(
                day=day, begun=period, point=point, ahead=0, period=period, k=k, now=0.0, actual=100 * SHARES,
                ended=pd.Timestamp("2024-01-10") + timedelta(days=91 * k + 80), scale=100 * SHARES,
                naive_error=20 * SHARES))  # fmt: skip
    table = pd.concat(rows, ignore_index=True)
    k = table.pop("k").to_numpy()
    actual = table["actual"].to_numpy()
    off = np.full(len(table), np.nan)
    quantiles = {name: np.tile(off[:, None], (1, len(Z))) for name in backtest.ENGINES}
    for name, error in errors.items():
        quantiles[name] = actual[:, None] * (1 + error[k][:, None] + 0.1 * Z[None, :])
    points_of = dict.fromkeys(BENCHMARKS, off)
    if naive is not None:
        points_of["seasonal_naive"] = actual * (1 + naive[k])
    return backtest.Tested(table, quantiles, points_of, histories)


GOOD, BAD = np.tile([0.02, -0.02], 4), np.tile([0.3, -0.1], 4)


def test_a_past_forecast_is_made_by_the_rule_that_makes_todays():
    # The last past forecast, and one made on its day from the seven that had ended: the same, to the bit.
    made = planted({"pipeline": GOOD, "pace": BAD})
    known = combination.past(made, seed=7)
    last = (made.rows["period"] == PERIODS[-1]).to_numpy()
    before = backtest.Tested(made.rows[~last], {n: q[~last] for n, q in made.quantiles.items()},
                    {n: p[~last] for n, p in made.points.items()}, made.histories)  # fmt: skip
    then = history(made.rows.loc[last, "day"].iloc[0].date(), PERIODS[-1])
    view = View(then, {n: q[last] for n, q in made.quantiles.items()}, {}, {}, pd.DataFrame())
    today = combination.outlook(view, combination.past(before, seed=7), ahead=0, point=0.5, seed=7)
    np.testing.assert_array_equal(known.base[last], today.base)
    # Seven periods: 7 of 11 parts of the way to the good one alone, as the grid's best split is.
    assert today.weights["upper"].of["pipeline"] == pytest.approx(0.5 + 0.5 * 7 / 11, abs=0.05)


def test_weights_of_past_forecasts_move_as_periods_end():
    made = planted({"pipeline": GOOD, "pace": BAD})
    known = combination.past(made, seed=7)
    error = np.abs(known.mixed[:, 5] / made.rows["actual"].to_numpy() - 1)[made.rows["level"] == "company"]
    assert error[0] == pytest.approx(0.16)  # equal weights: the mean of 2 % and 30 %
    assert error[6] < 0.09  # the same quarter's errors again, six periods later


def naive_gap() -> np.ndarray:
    """A benchmark that is missing in the first two periods and off by 8 % after."""
    return np.array([np.nan, np.nan, *np.tile([0.08, -0.08], 3)])


def test_a_row_compares_a_forecaster_with_the_forecast_on_the_same_past_forecasts():
    # By hand: the forecast is off by 50 % in two periods, by 2 % after; the naive one by 8 % after.
    error = np.array([0.5, 0.5, *np.tile([0.02, -0.02], 3)])
    rows = backtest_rows(combination.past(planted({"pipeline": error}, naive_gap()), seed=7))
    company = rows[(rows["level"] == "company") & (rows["point"] == "all")].set_index("forecaster")
    naive = company.loc["seasonal_naive"]
    assert (naive["periods"], naive["n"]) == (6, 6)
    assert (naive["wape"], naive["combined_wape"]) == (pytest.approx(0.08), pytest.approx(0.02, abs=0.004))
    assert company.loc["combined", "n"] == 8 and company.loc["combined", "wape"] > 0.12
    assert naive["loss_difference"] == pytest.approx(-0.06, abs=0.004)
    checked(rows, outputs.BACKTEST)


def test_the_benchmark_hardest_to_beat_is_that_of_the_same_rows():
    # Over all its rows the forecast is worse than the naive one, 14 % to 8 %; on the same ones far better.
    error = np.array([0.5, 0.5, *np.tile([0.02, -0.02], 3)])
    past = combination.past(planted({"pipeline": error}, naive_gap()), seed=7)
    found = tables.error_record(past, ahead=0, point=0.5)
    assert (found.name, found.periods) == ("seasonal_naive", 6)
    assert found.value == pytest.approx(0.25, abs=0.05)
    assert found.low <= found.value <= found.high


def test_a_bias_has_its_sign_and_a_range_around_it():
    for sign in (1, -1):
        past = combination.past(planted({"pipeline": sign * (0.1 + GOOD)}), seed=7)
        found = tables.bias_record(past, "combined", ahead=0, point=0.5)
        assert found.value == pytest.approx(sign * 0.1, abs=0.005)
        assert found.low < found.value < found.high
        assert np.sign(found.low) == np.sign(found.high) == sign
        assert found.periods == 8
    assert np.isnan(tables.bias_record(past, "raw_commit", ahead=0, point=0.5).value)


def test_three_weeks_of_a_period_widen_no_evidence():
    # One quarter of eight is missed at all its three weeks: 21 of 24 held, the range that of 7 of 8.
    error = np.zeros(8)
    error[7] = 0.9
    past = combination.past(planted({"pipeline": error}, points=(0.2, 0.5, 0.8)), seed=7)
    rows = backtest_rows(past)
    row = rows[(rows["forecaster"] == "combined") & (rows["level"] == "company") & (rows["point"] == "all")]
    assert row[["inside", "n", "periods"]].to_numpy().tolist() == [[21, 24, 8]]
    inside = np.repeat(np.arange(8) < 7, 3)
    low, high = share_range(inside, np.repeat(PERIODS, 3))
    assert row["coverage_low"].item() == pytest.approx(low) and low < 0.65
    assert row["coverage_high"].item() == pytest.approx(high)


def test_the_printed_ranges_record_is_that_of_its_level():
    # Errors of 2 %, 8 % and 14 %, ranges of ± 10 %: P10–P90 reaches 12.8 %, P30–P70 5.2 %.
    error = np.array([0.02, 0.08, -0.02, -0.08, 0.02, -0.14, 0.02, 0.14])
    past = combination.past(planted({"pipeline": error}), seed=7)
    for level, inside in ((0.8, 6), (0.4, 4)):
        rows = backtest_rows(past, level)
        row = rows[
            (rows["forecaster"] == "pipeline") & (rows["level"] == "company") & (rows["point"] == "all")
        ]
        assert row[["range_level", "range_inside", "inside"]].to_numpy().tolist() == [[level, inside, 6]]


def test_a_group_of_tests_is_corrected_together():
    rows = backtest_rows(combination.past(planted({"pipeline": GOOD, "pace": BAD}, naive_gap()), seed=7))
    for _, part in rows[rows["p_value"].notna()].groupby(["level", "ahead", "point"]):
        smallest = part["p_value"].min()
        assert part["p_holm"].min() == pytest.approx(min(smallest * len(part), 1.0))
        assert (part["p_holm"] >= part["p_value"]).all()


@pytest.mark.parametrize(("whole", "begun"), [(2, 0), (3, 0), (5, 2), (11, 8), (15, 12), (20, 12)])
def test_a_past_forecast_needs_three_periods_behind_it_and_twelve_are_enough(whole, begun):
    calendar = monthly(1, range(2018, 2026))
    past = [str(p) for p in calendar.periods("quarter", start=date(2018, 1, 1), end=date(2024, 1, 1))][
        -whole:
    ]

    made = backtest.origins(SimpleNamespace(calendar=calendar), date(2024, 1, 5), past, 0.5, [0])
    assert len({o.begun for o in made}) == begun
    if begun:
        assert made[0].begun == past[max(3, whole - 12)]
