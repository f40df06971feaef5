"""The run-rate engine: planted truth, thin series, wrong input, and the same output however it ran."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest

from salesops_lib.core.errors import ParameterError, TableError
from salesops_lib.forecasting.series.run_rate import forecast, quantiles


def long(values, name="a", start="2023-01-01", freq="MS"):
    ds = pd.date_range(start, periods=len(values), freq=freq)
    return pd.DataFrame({"unique_id": name, "ds": ds, "y": np.asarray(values, dtype=float)})


def seasonal(rng, n, noise=4.0):
    t = np.arange(n)
    return 200 + 2 * t + 30 * np.sin(2 * np.pi * t / 4) + noise * rng.normal(size=n)


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(7)
    return pd.concat([long(seasonal(rng, 20 + i), f"s{i}", freq="QS") for i in range(8)], ignore_index=True)


@pytest.fixture(scope="module")
def made(panel):
    return forecast(panel, 4, 4)


def test_the_columns_are_those_of_the_interface(made, panel):
    assert list(made.columns) == ["unique_id", "ds", "median", "lo-80", "hi-80", "lo-95", "hi-95"]
    assert len(made) == 8 * 4
    first, last = made.groupby("unique_id")["ds"].min(), panel.groupby("unique_id")["ds"].max()
    assert (first.to_numpy() == (last + pd.DateOffset(months=3)).to_numpy()).all()


def test_trend_and_season_are_continued_and_the_range_holds_the_level():
    # Planted: trend, season and noise known; 60 series × 4 steps, standard error of the share about .03.
    rng = np.random.default_rng(11)
    truth = {f"s{i}": seasonal(rng, 32) for i in range(60)}
    history = pd.concat([long(y[:28], name, freq="QS") for name, y in truth.items()], ignore_index=True)
    table = forecast(history, 4, 4)
    y = np.concatenate([truth[name][28:] for name in table["unique_id"].unique()])
    assert np.abs(table["median"] - y).mean() < 2 * 4.0  # twice the noise that nobody can forecast
    assert 0.72 < ((table["lo-80"] <= y) & (y <= table["hi-80"])).mean() < 0.90
    assert 0.89 < ((table["lo-95"] <= y) & (y <= table["hi-95"])).mean() <= 0.995


def test_one_short_series_alone_is_covered_at_about_its_level():
    # 30 single calls of 20 quarters each: standard error of the share about .05.
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(30):
        y = seasonal(rng, 24)
        table = forecast(long(y[:20], freq="QS"), 4, 4)
        inside.append((table["lo-80"].to_numpy() <= y[20:]) & (y[20:] <= table["hi-80"].to_numpy()))
    assert 0.68 < np.mean(inside) < 0.96


def test_ranges_never_narrow_and_never_cross(made):
    width = (made["hi-80"] - made["lo-80"]).groupby(made["unique_id"]).diff().dropna()
    assert (width >= -1e-9).all()
    ends = made[["lo-95", "lo-80", "median", "hi-80", "hi-95"]].to_numpy()
    assert (np.diff(ends, axis=1) >= 0).all()


def test_quantiles_agree_with_the_ranges_and_do_not_cross(panel, made):
    grid = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
    table = quantiles(panel, 4, 4, grid).pivot(
        index=["unique_id", "ds"], columns="probability", values="value"
    )
    assert (np.diff(table.to_numpy(), axis=1) >= 0).all()
    np.testing.assert_allclose(table[0.1], made["lo-80"])
    np.testing.assert_allclose(table[0.975], made["hi-95"])


def test_neither_order_nor_seed_nor_jobs_change_a_bit(panel, made):
    shuffled = panel.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(forecast(shuffled, 4, 4, seed=99), made, check_exact=True)
    with joblib.parallel_config(backend="threading"):  # of processes: the cluster below
        pd.testing.assert_frame_equal(forecast(panel, 4, 4, jobs=2), made, check_exact=True)


def test_a_dask_cluster_of_two_processes_gives_the_same_numbers_for_many_series(panel):
    distributed = pytest.importorskip("distributed")
    many = pd.concat(
        [panel[panel["unique_id"] == f"s{k % 8}"].tail(9).assign(unique_id=f"m{k:02d}") for k in range(32)],
        ignore_index=True,
    )
    many["y"] += np.random.default_rng(8).normal(size=len(many))
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "processes": True}
    with (
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster) as client,
        joblib.parallel_config(backend="dask"),
    ):
        there = forecast(many, 2, 4, jobs=-1)
        workers = client.run(os.getpid)
    assert len({os.getpid(), *workers.values()}) == 3
    pd.testing.assert_frame_equal(there, forecast(many, 2, 4), check_exact=True)


def test_one_call_takes_three_thousand_short_series():
    # As products × reps are: most hardly ever sell. By hand: without noise a constant is forecast as itself.
    rng = np.random.default_rng(12)
    y = np.where(rng.random((3000, 12)) < 0.2, rng.integers(1, 9, (3000, 12)), 0).astype(float)
    y[:40] = 50 + 5 * rng.normal(size=(40, 12))
    y[40] = 7
    ids = np.repeat([f"p{k:04d}" for k in range(3000)], 12)
    series = pd.DataFrame({"unique_id": ids, "ds": np.tile(np.arange(12), 3000), "y": y.ravel()})
    made = quantiles(series, 2, 1, (0.1, 0.5, 0.9))
    assert len(made) == 3000 * 2 * 3 and made["unique_id"].is_monotonic_increasing
    assert made["value"].notna().all() and (made["value"] >= 0).all()
    assert (made.loc[made["unique_id"] == "p0040", "value"] == 7).all()
    models = made.loc[made["method"] == "median of 4 models", "unique_id"].nunique()
    assert 40 <= models < 200


def test_another_series_changes_ranges_through_the_pool_and_no_median(panel, made):
    wild = long(np.random.default_rng(2).lognormal(3, 1, 24), "wild", freq="QS")
    both = forecast(pd.concat([panel, wild]), 4, 4)
    assert (both.loc[both["unique_id"] != "wild", "median"].to_numpy() == made["median"].to_numpy()).all()


def test_the_unit_of_money_only_scales_the_forecast(panel, made):
    cents = forecast(panel.assign(y=panel["y"] * 128), 4, 4)
    np.testing.assert_allclose(cents["hi-95"], made["hi-95"] * 128, rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "said", "median"),
    [
        ([5], "last value: 1 value is known", 5),
        ([5, 7, 6], "last value: 3 of 3 values are known", 6),
        ([np.nan] * 4, "none: no value is known", np.nan),
        ([0] * 24, "constant: 24 equal values", 0),
        ([0, 0, 9] * 8, "recent values: 67% zeros", 0),
    ],
)
def test_a_thin_series_gets_a_named_fall_back(values, said, median):
    table = quantiles(long(values), 3, 12, (0.5,))
    assert set(table["method"]) == {said}
    np.testing.assert_array_equal(table["value"], [median] * 3)


def test_one_observation_has_no_range():
    assert forecast(long([5]), 3, 12)[["lo-80", "hi-95"]].isna().all(axis=None)


def test_five_observations_negative_amounts_and_a_season_longer_than_the_history_are_forecast():
    table = forecast(pd.concat([long([5, -6, 4, -7, 5], "n"), long([5, 6, 4, 7, 5], "p")]), 14, 12)
    assert table.notna().all(axis=None)
    assert table.loc[table["unique_id"] == "n", "lo-95"].min() < 0
    assert table.loc[table["unique_id"] == "p", "lo-95"].min() >= 0


def test_a_missing_week_is_unknown_unless_it_is_declared_zero():
    weeks = long(np.r_[np.full(20, 100.0), 101, np.full(20, 99.0)], freq="W-MON").drop(index=[9])
    assert "1 unknown steps interpolated" in quantiles(weeks, 2, 1, (0.5,))["method"].iloc[0]
    assert "interpolated" not in quantiles(weeks, 2, 1, (0.5,), gaps="zero")["method"].iloc[0]
    with pytest.raises(TableError, match=r"unique_id 'a': no row at 2023-03-06 \(1 such steps\)"):
        forecast(weeks, 2, 1, gaps="refuse")


def test_unknown_steps_at_the_end_move_the_forecast_not_the_calendar():
    table = long([*np.arange(50, 74), np.nan, np.nan])
    made = forecast(table, 2, 12)
    assert made["ds"].iloc[0] == pd.Timestamp("2025-03-01")
    assert made["median"].iloc[0] == pytest.approx(76, abs=0.5)  # 50, 51, … 73, then 74 and 75 unknown


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns="y"), "has no column 'y'"),
        (lambda t: pd.concat([t, t.tail(1)]), "unique_id 'a', ds 2023-08-01: stands twice"),
        (lambda t: t.assign(y="ten"), "unique_id 'a', ds 2023-01-01: y is 'ten', no number"),
        (lambda t: t.assign(y=np.inf), "ds 2023-01-01: y is infinite"),
        (lambda t: t.assign(ds="today"), "ds is neither a date nor an integer"),
        (lambda t: t.assign(unique_id=None), "row 1: unique_id is empty"),
    ],
)
def test_a_wrong_table_is_refused_by_its_first_offender(change, said):
    with pytest.raises(TableError, match=said):
        forecast(change(long(range(8))), 2, 12)


def test_a_wrong_parameter_is_refused():
    with pytest.raises(ParameterError, match="horizon is 0"):
        forecast(long(range(8)), 0, 12)
    with pytest.raises(ParameterError, match="levels has 100"):
        forecast(long(range(8)), 1, 12, levels=(100,))
    with pytest.raises(ParameterError, match="gaps is 'fill'"):
        forecast(long(range(8)), 1, 12, gaps="fill")


def test_no_rows_give_no_forecast():
    assert forecast(long([]), 3, 12).empty


@pytest.mark.parametrize(
    ("freq", "next_two"),
    [
        ("ME", ["2023-11-30", "2023-12-31"]),
        ("QE", ["2025-09-30", "2025-12-31"]),
        ("W-SUN", ["2023-03-12", "2023-03-19"]),
        ("B", ["2023-01-16", "2023-01-17"]),
        ("D", ["2023-01-11", "2023-01-12"]),
    ],
)
def test_dates_go_on_as_the_calendar_does(freq, next_two):
    table = forecast(long(range(10), start="2023-01-01", freq=freq), 2, 1, levels=())
    assert [str(d.date()) for d in table["ds"]] == next_two


def test_integers_keep_their_step():
    table = long(range(8)).assign(ds=np.arange(8) * 5)
    assert forecast(table, 2, 1, levels=())["ds"].tolist() == [40, 45]


def test_importing_the_engine_does_not_import_statsforecast():
    code = "import sys, salesops_lib.forecasting.series.run_rate; print('statsforecast' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
