"""The run-rate engine beside its peers on M3: accuracy, coverage of its ranges and CPU, all in one run; the
pipeline engine on planted worlds: bias of revenue, coverage and calibration over many seeds.

Windows are cut from the training series of M3 (last 8 quarters, last 18 months), in the half of the series
that nothing was tuned on. ``python bench/forecast_bench.py 50`` takes 50 series of each set. The planted
worlds are those of the tests (win rate 30 %, losses after 14 days, wins after 57), every other one with a
shock on the win rate of each quarter's deals; their seeds are none that a test or a choice has seen.

What is missed on M3, on the half held out (500 series, 2026-11-26): quarterly coverage of the 80 % range .859
(band to .85; the 95 % range .970 is inside), monthly OWA .869 (target .790) and MSIS 6.76 (target 6.3). The
median of the four peers, .792 where the target was set, is .858 on these windows at twenty times the cost:
they are harder, and the target is not the same distance away. The quarterly windows are calmer than the three
years before them, whose errors the range is measured by (at 8 steps 80 % of scaled errors lie within 3.4, of
past ones within 3.5 to 3.8).

Tried on the tuning half and left out for want of a gain. Monthly OWA of 120 series, .818 as it is: mean for
median .822; the models on logarithms .858, both together .841; with seasonal ETS .832, with seasonal CES
.825, with these and seasonal Theta .830; a tenth of the last level .818, a tenth of the seasonal naive .816.
Ranges, 500 series: recent past errors counting more (half-life one horizon, half of one) moves quarterly
coverage from .852 to .851 and .852, monthly MSIS from 6.72 to 6.71 and 6.69. Earlier: ARIMA in the ensemble,
weights by cross-validated error.
"""

from __future__ import annotations

import hashlib
import importlib.util
import resource
import sys
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from salesops_lib.forecasting.deals import pipeline
from salesops_lib.forecasting.record import accuracy
from salesops_lib.forecasting.series import run_rate

M3 = Path(__file__).parents[2] / "shared" / "cases" / "m3" / "m3_train.csv"
PLANTED = Path(__file__).parents[1] / "tests" / "forecasting" / "planted_pipeline.py"
SEEDS = range(3000, 3080)
ORIGINS = (date(2024, 7, 10), date(2024, 11, 15), date(2025, 2, 15))
SHOCK = 0.15  # standard deviation on the log odds of a quarter's deals, in odd seeds
# FORECASTING.md, deal level: at most; the coverage from and to.
DEALS = {"revenue_bias": 0.02, "calibration_error": 0.03}
DEAL_COVERAGE = (0.76, 0.84)
SERIES = 500  # of each set, at most
LEVELS = (80, 95)
SETS = {"quarterly": ("QUARTERLY", 8, 4), "monthly": ("MONTHLY", 18, 12)}
# FORECASTING.md, "to reach": at most, for a coverage from and to.
TARGETS = {
    "quarterly": {"owa": 0.875, "msis-95": 8.9, "cpu_seconds": 0.10},
    "monthly": {"owa": 0.790, "msis-95": 6.3, "cpu_seconds": 0.17},
}
COVERAGE = {"coverage-80": (0.77, 0.85), "coverage-95": (0.93, 0.975)}
OURS, MEDIAN = "run_rate", "median of the four"
PEERS = {
    "AutoETS": lambda models, season: models.AutoETS(season),
    "AutoARIMA": lambda models, season: models.AutoARIMA(season_length=season),
    "Theta": lambda models, season: models.DynamicOptimizedTheta(season),
    "CES": lambda models, season: models.AutoCES(season),
}


def measure(series: int = SERIES) -> list[dict]:
    """One result per set and target: ``name``, ``ratio`` (value ÷ target), ``bound``, ``value``, ``peers``.

    The ratio of a coverage is its distance from the middle of the band over half of the band. Without the
    case data nothing is measured, and a line says so.
    """
    results = deal_level()
    if not M3.is_file():
        print(f"forecast: M3 not measured, {M3} is absent")
        return results
    rows = pd.read_csv(M3)
    for name, (period, horizon, season) in SETS.items():
        table = measure_set(*windows(rows, period, horizon, series), season)
        print(f"M3 {name}, half held out, {series} series at most\n{table.round(3).to_string()}", flush=True)
        results += judged(name, table)
    return results


def windows(rows: pd.DataFrame, period: str, horizon: int, series: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """History and outcomes of the held-out half: series whose hashed name is odd, spread over the set."""
    mine = rows[rows["period"] == period].rename(columns={"series": "unique_id", "t": "ds", "value": "y"})
    names = np.array(sorted(n for n in mine["unique_id"].unique() if held_out(n)))
    kept = names[np.unique(np.linspace(0, len(names) - 1, min(series, len(names))).astype(int))]
    mine = mine[mine["unique_id"].isin(kept)].sort_values(["unique_id", "ds"], ignore_index=True)
    last = mine.groupby("unique_id")["ds"].transform("max") - horizon
    columns = ["unique_id", "ds", "y"]
    return mine.loc[mine["ds"] <= last, columns], mine.loc[mine["ds"] > last, columns]


def held_out(name: str) -> bool:
    """Whether a series belongs to the half that nothing was tuned on."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2 == 1


def measure_set(history: pd.DataFrame, actuals: pd.DataFrame, season: int) -> pd.DataFrame:
    """One row per forecaster: ``owa``, coverage and MSIS per level, ``cpu_seconds`` per series."""
    horizon = int(actuals.groupby("unique_id").size().iloc[0])
    forecasts, seconds = peers(history, horizon, season)
    ours = {"series": history, "horizon": horizon, "season_length": season, "levels": LEVELS, "jobs": 1}
    first = history["unique_id"] == history["unique_id"].iloc[0]
    run_rate.forecast(**ours | {"series": history[first]})  # imports are not the method's
    forecasts[OURS], seconds[OURS] = cpu(lambda: run_rate.forecast(**ours))
    past = history.groupby("unique_id")["y"]
    naive = np.concatenate([accuracy.naive2(y.to_numpy(), horizon, season) for _, y in past])
    scored = {
        name: accuracy.by_series(made, actuals, history, season)
        for name, made in (forecasts | {"Naive 2": actuals[["unique_id", "ds"]].assign(median=naive)}).items()
    }
    base = scored.pop("Naive 2").mean(numeric_only=True)
    table = pd.DataFrame({name: scores.mean(numeric_only=True) for name, scores in scored.items()}).T
    table["owa"] = [accuracy.owa(s["smape"], s["mase"], base["smape"], base["mase"]) for s in scored.values()]
    table["cpu_seconds"] = pd.Series(seconds) / history["unique_id"].nunique()
    return table[["owa", "smape", "mase", "coverage-80", "coverage-95", "msis-80", "msis-95", "cpu_seconds"]]


def peers(history: pd.DataFrame, horizon: int, season: int) -> tuple[dict, dict]:
    """Forecasts and CPU-seconds of the library's models with their own intervals, and of their median."""
    from statsforecast import models

    forecasts, seconds = {}, {}
    for name, made in PEERS.items():
        model = made(models, season)
        forecasts[name], seconds[name] = cpu(lambda model=model: _native(model, history, horizon))
    columns = list(forecasts["CES"].columns[2:])
    middle = np.median([f[columns].to_numpy() for f in forecasts.values()], axis=0)
    forecasts[MEDIAN] = forecasts["CES"].assign(**dict(zip(columns, middle.T, strict=True)))
    seconds[MEDIAN] = sum(seconds.values())
    return forecasts, seconds


def _native(model, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
    made = []
    for name, series in history.groupby("unique_id"):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = model.forecast(y=series["y"].to_numpy(dtype=float), h=horizon, level=list(LEVELS))
        ds = series["ds"].iloc[-1] + np.arange(1, horizon + 1)
        values = {f"{end}-{level}": found[f"{end}-{level}"] for level in LEVELS for end in ("lo", "hi")}
        made.append(pd.DataFrame({"unique_id": name, "ds": ds, "median": found["mean"], **values}))
    return pd.concat(made, ignore_index=True)


def cpu(work: Callable[[], pd.DataFrame]) -> tuple[pd.DataFrame, float]:
    """What the work returns, and the CPU-seconds of this process and its children behind it."""
    before = _spent()
    made = work()
    return made, _spent() - before


def _spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def judged(name: str, table: pd.DataFrame) -> list[dict]:
    """Our row of the table against each target, with the peers' values beside it."""
    ratios = {target: table.loc[OURS, target] / limit for target, limit in TARGETS[name].items()}
    for target, (low, high) in COVERAGE.items():
        ratios[target] = abs(table.loc[OURS, target] - (low + high) / 2) / ((high - low) / 2)
    return [
        {
            "name": f"forecast_m3_{name}_{target}",
            "ratio": round(float(ratio), 3),
            "bound": 1.0,
            "value": round(float(table.loc[OURS, target]), 4),
            "target": TARGETS[name].get(target, COVERAGE.get(target)),
            "peers": table[target].drop(OURS).round(4).to_dict(),
        }
        for target, ratio in ratios.items()
    ]


def deal_level(seeds: range = SEEDS) -> list[dict]:
    """The pipeline engine against planted truth: a result each for bias, coverage and calibration."""
    planted = _planted()
    found = [judged_world(planted, seed) for seed in seeds]
    company = pd.concat([rows for rows, _ in found])
    deals = pd.concat([rows for _, rows in found])
    by = deals.groupby(np.minimum((deals["p"] * 10).astype(int), 9)).agg(
        p=("p", "mean"), won=("won", "mean"), n=("p", "size")
    )
    values = {
        "revenue_bias": company["mean"].sum() / company["actual"].sum() - 1,
        "coverage-80": company["inside"].mean(),
        "calibration_error": ((by["p"] - by["won"]).abs() * by["n"]).sum() / by["n"].sum(),
    }
    low, high = DEAL_COVERAGE
    ratios = {name: abs(values[name]) / limit for name, limit in DEALS.items()}
    ratios["coverage-80"] = abs(values["coverage-80"] - (low + high) / 2) / ((high - low) / 2)
    return [
        {
            "name": f"forecast_deals_{name}",
            "ratio": round(float(ratio), 3),
            "bound": 1.0,
            "value": round(float(values[name]), 4),
            "target": DEALS.get(name, DEAL_COVERAGE),
            "seeds": len(seeds),
        }
        for name, ratio in ratios.items()
    ]


def judged_world(planted: ModuleType, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One world's forecasts: ``actual``, ``mean``, ``inside`` by day and period; ``p``, ``won`` by deal."""
    given = planted.world(seed, shock=SHOCK * (seed % 2))
    ready = planted.prepared(given.opportunities, given.history, given.reps)
    company, deals = [], []
    for day in ORIGINS:
        made = pipeline.forecast(ready, day, draws=400, seed=seed)
        draws = made.draws()
        for period in made.simulation.periods:
            came = planted.won_in(given.truth, period)
            values, actual = draws.of("company", "Co", period), came["amount"].sum()
            low, high = np.quantile(values, [0.1, 0.9])
            company.append({"actual": actual, "mean": values.mean(), "inside": low <= actual <= high})
            won = made.deals["opportunity_id"].isin(came["opportunity_id"])
            deals.append(pd.DataFrame({"p": made.deals[f"p_{period}"], "won": won}))
    return pd.DataFrame(company), pd.concat(deals)


def _planted() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_planted_pipeline", PLANTED)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    for result in measure(int(sys.argv[1]) if len(sys.argv) > 1 else SERIES):
        print(result)
