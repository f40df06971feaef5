"""The four engines on one day: what each says of every node, or why it is off.

Each is fitted on what was known by the end of the day and on nothing later. The run rate forecasts whole
periods; of a running one only the share that past periods booked after this day still counts, on top of what
is booked, and as uncertain as that share has been (:mod:`remainder`). One maths thread is used: the matrices
are small, and sums then do not depend on the cores.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesops_lib.core.periods import FiscalCalendar, Period
from salesops_lib.forecasting import commit, pace
from salesops_lib.forecasting.benchmarks import benchmarks, season_length
from salesops_lib.forecasting.bookings import KEY, Books, History, history
from salesops_lib.forecasting.combination import floored
from salesops_lib.forecasting.deals import pipeline
from salesops_lib.forecasting.deals.known import UNASSIGNED
from salesops_lib.forecasting.draws import Draws
from salesops_lib.forecasting.record.backtest import View
from salesops_lib.forecasting.remainder import still_to_come
from salesops_lib.forecasting.series import run_rate
from salesops_lib.forecasting.stacking import PROBABILITIES
from salesops_lib.forecasting.threads import one_thread

MIN_RUN_RATE = 2  # whole past periods of the company before a run rate is given
SEPARATOR = "|"


@dataclass
class Engines:
    """Books, calls and the prepared pipeline of one company. ``draws``: of the pipeline's Monte Carlo.

    Fits that several periods share are kept: the pipeline of a day, the run rate of what was whole by a day.
    """

    books: Books
    calls: pd.DataFrame
    seed: int
    draws: int
    horizon: int
    prepared: pipeline.Prepared = field(init=False, repr=False)
    _pipelines: dict[date, tuple[pipeline.Forecast, Draws | None]] = field(init=False, repr=False)
    _run_rates: dict[tuple[str, ...], pd.DataFrame] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._pipelines = {}
        self.prepared = pipeline.prepare(self.books.log, self.books.reps, self.books.company)

    def view(self, day: date, period: Period) -> View:
        """What every engine says on a day of a period that the day is in or that is still to come."""
        with one_thread():
            return self._view(day, period)

    def with_draws(self, draws: int) -> Engines:
        """The same with another number of draws; books and calls are shared."""
        return replace(self, draws=draws)

    def pipeline_on(self, day: date) -> tuple[pipeline.Forecast, Draws | None]:
        """The pipeline as fitted on a day, and its draws of as many periods as the horizon holds."""
        if day not in self._pipelines:
            log = self.books.log
            own = log.calendar.period_of(day, log.kind)
            held = len(in_calendar(log.calendar, own, self.horizon))
            found = pipeline.forecast(self.prepared, day, horizon=held, draws=self.draws, seed=self.seed)
            self._pipelines[day] = found, found.draws()
        return self._pipelines[day]

    def _view(self, day: date, period: Period) -> View:
        known = history(self.books, day, period)
        said = {
            "run_rate": self._run_rate(known),
            "pipeline": self._pipeline(known),
            "pace": (pace.quantiles(known, PROBABILITIES), pace.why_off(known)),
        }
        called = commit.commit(known, self.calls, self.books.calendar, self.books.reps, PROBABILITIES)
        said["commit"] = (called.quantiles, called.off)
        quantiles = {name: floored(values, known.now) for name, (values, _) in said.items()}
        off = {name: why for name, (_, why) in said.items() if why}
        points = benchmarks(known, self.books, called.raw)
        return View(known, quantiles, points, off, called.submitters)

    def _pipeline(self, known: History) -> tuple[np.ndarray, str]:
        made = np.full((len(known.nodes), len(PROBABILITIES)), np.nan)
        found, draws = self.pipeline_on(known.day)
        if draws is None:
            return made, found.off
        rows = draws.nodes.assign(row=np.arange(len(draws.nodes)))
        rows = rows[rows["period"] == known.period].set_index(KEY)["row"]
        at = rows.reindex(pd.MultiIndex.from_frame(known.nodes[KEY]))
        there = at.notna().to_numpy()
        if not there.any():
            return made, f"{known.period} lies beyond the horizon"
        made[there] = np.quantile(draws.values[at[there].astype(int)], PROBABILITIES, axis=1).T
        # No open deal and no deal ever: nothing but what is booked. Deals without segment are in none there.
        bare = (
            ~there & ~(known.nodes["level"].eq("segment") & known.nodes["node_id"].eq(UNASSIGNED)).to_numpy()
        )
        made[bare] = known.now[bare, None]
        return made, ""

    def _run_rate(self, known: History) -> tuple[np.ndarray, str]:
        made = np.full((len(known.nodes), len(PROBABILITIES)), np.nan)
        if len(known.past) < MIN_RUN_RATE:
            need = f"{MIN_RUN_RATE} are needed"
            return made, f"{len(known.past)} whole periods lie before {known.period}; {need}"
        table = self._run_rate_table(known)
        rows = table[table["ds"] == ordinal(known.period)]
        wide = rows.pivot_table(index="unique_id", columns="probability", values="value")
        whole = wide.reindex(index=_names(known), columns=PROBABILITIES).to_numpy(dtype="float64")
        if not np.isfinite(whole).any():
            return made, f"no series can be extended ({rows['method'].iloc[0]})" if len(rows) else "no series"
        if not known.begun:
            return whole, ""
        return known.now[:, None] + still_to_come(known, whole), ""

    def _run_rate_table(self, known: History) -> pd.DataFrame:
        """Quantiles of the periods after the last whole one; from the first day on which they were asked."""
        key = tuple(known.past)
        if key not in self._run_rates:
            wide = pd.DataFrame(known.final, columns=[ordinal(p) for p in known.past])
            long = (
                wide.assign(unique_id=_names(known)).melt("unique_id", var_name="ds", value_name="y").dropna()
            )
            ahead = ordinal(known.period) - ordinal(known.past[-1]) + self.horizon - 1
            kind = self.books.log.kind
            self._run_rates[key] = run_rate.quantiles(
                long.astype({"ds": "int64"}),
                ahead,
                season_length(kind),
                PROBABILITIES,
                self.seed,
            )
        return self._run_rates[key]


def in_calendar(calendar: FiscalCalendar, first: Period, horizon: int) -> list[Period]:
    """The periods from ``first`` on that the fiscal calendar holds, at most ``horizon``."""
    end = calendar.bounds(calendar.periods(first.kind)[-1])[0]
    ahead = calendar.periods(first.kind, start=calendar.bounds(first)[0], end=end + timedelta(days=1))
    return ahead[:horizon]


def _names(known: History) -> pd.Series:
    return known.nodes["level"] + SEPARATOR + known.nodes["node_id"]


def ordinal(period: str) -> int:
    """Number of a period: consecutive ones differ by 1."""
    parsed = Period.parse(period)
    return parsed.year * season_length(parsed.kind) + parsed.number - 1
