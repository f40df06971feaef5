"""The pipeline engine: what open deals and deals not created yet will book, as known on a day.

:func:`prepare` reads a deal log once; :func:`forecast` refits at any day and draws. Where something is
missing the engine is off and says why, or runs on less and notes it; it never fills a gap with a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.core.errors import PeriodError
from salesops_lib.forecasting.deals import amounts
from salesops_lib.forecasting.deals.hazard import Curves, Hazards, curves, fit_hazards
from salesops_lib.forecasting.deals.holes import holes_of
from salesops_lib.forecasting.deals.inflow import Inflow, fit_inflow
from salesops_lib.forecasting.deals.known import WON, DealLog, known_on, placed, segments_on
from salesops_lib.forecasting.deals.panel import (
    Cells,
    Panel,
    Paths,
    cells_of,
    ordinal,
    ordinals,
    panel_of,
    paths_of,
)
from salesops_lib.forecasting.deals.shocks import ASSUMED, Shocks, fit_shocks, period_starts
from salesops_lib.forecasting.deals.simulate import (
    OpenDeals,
    Simulation,
    booked,
    draw_open,
    period_of,
    shock_nodes,
)
from salesops_lib.forecasting.draws import Draws
from salesops_lib.forecasting.threads import one_thread

ENGINE = "pipeline"
BY_AGE = "cohort"  # the same without stages, amounts and dates: age alone
STEP = 0.25  # of log rates, to see how expected wins move


@dataclass(frozen=True)
class Prepared:
    """A deal log ready for many origins: states as arrays, calendar cells, role spells, company's name."""

    log: DealLog
    reps: pd.DataFrame | None
    company: str
    paths: Paths
    cells: Cells


@dataclass(frozen=True)
class Forecast:
    """What the engine says on a day.

    ``off``: why it says nothing; empty where it does. ``notes``: what it did without, one sentence each.
    ``hazards``, ``inflow``, ``shocks``, ``simulation``: what it rests on. ``deals``: open deals, with
    ``p_<period>`` for each period and ``p_win`` (by the horizon's end).
    """

    day: date
    engine: str
    off: str
    notes: tuple[str, ...] = ()
    hazards: Hazards | None = None
    inflow: Inflow | None = None
    shocks: Shocks | None = None
    simulation: Simulation | None = None
    deals: pd.DataFrame | None = None
    cells: Cells | None = None

    def ramped(self, first: int, ramp_days: int) -> np.ndarray:
        """Share of the inflow's wins in each period that an inflow from ``first`` on, ramped, brings."""
        if self.inflow is None:
            return np.zeros(len(self.simulation.periods))
        return ramped_share(self.cells, self.inflow, self.simulation, first, ramp_days)

    def draws(self) -> Draws | None:
        """Bookings of every node and period in every draw; None where the engine is off."""
        if self.simulation is None:
            return None
        made = booked(self.simulation, self.simulation.open.won_day(), self.simulation.new_wins())
        return Draws(made.nodes, made.values, self.engine)


def ramped_share(prepared_cells: Cells, inflow: Inflow, simulation: Simulation, first: int, ramp: int):
    """Wins by period of an inflow that starts on ``first`` and grows evenly over ``ramp`` days, as a share of
    the wins that the whole inflow brings in each period; 0 where it brings none."""
    starts, last = simulation.starts, int(simulation.starts[-1]) - 1
    whole = inflow.wins(prepared_cells, simulation.day, starts, last).sum(axis=0)
    made = inflow.wins(prepared_cells, simulation.day, starts, last, ramp=(first, ramp)).sum(axis=0)
    return np.divide(made, whole, out=np.zeros_like(whole), where=whole > 0)


def prepare(log: DealLog, reps: pd.DataFrame | None, company: str = "company") -> Prepared:
    """Read a log once, for :func:`forecast` on any of its days."""
    return Prepared(log, reps, company, paths_of(log), cells_of(log.calendar, log.kind))


def forecast(
    prepared: Prepared, day: date, *, horizon: int = 2, draws: int = 1000, seed: int = 7, by_age: bool = False
) -> Forecast:
    """Fit on what was known by the end of ``day`` and draw the periods from its own on.

    Parameters
    ----------
    prepared, day
        From :func:`prepare`; any day up to its ``as_of``.
    horizon
        Periods, the running one first.
    draws, seed
        Number of draws and seed: the same arguments give the same draws to the bit.
    by_age
        Without stage history the engine is off. With ``by_age`` it runs all the same on what dates alone say
        (age since creation, season, segment, type; amounts of recent wins) and is called ``cohort``.

    Raises
    ------
    PeriodError
        If the fiscal calendar ends before the horizon does.
    """
    with one_thread():
        return _forecast(prepared, day, horizon=horizon, draws=draws, seed=seed, by_age=by_age)


def _forecast(
    prepared: Prepared, day: date, *, horizon: int, draws: int, seed: int, by_age: bool
) -> Forecast:
    log, paths, cells = prepared.log, prepared.paths, prepared.cells
    engine = BY_AGE if log.no_history else ENGINE
    if log.no_history and not by_age:
        return Forecast(day, ENGINE, log.no_history)
    now = ordinal(day)
    starts = period_starts(log.calendar, log.kind, now, horizon)
    if starts is None:
        raise PeriodError(
            f"{horizon} periods from {day} reach beyond the fiscal calendar; extend it in company.yaml"
        )
    if not np.isfinite(paths.amount[(paths.outcome == 1) & (paths.day <= now)]).any():
        return Forecast(day, engine, "0 won deals with an amount in the reporting currency by the day")
    holes, notes = holes_of(paths, cells, now)
    panel = panel_of(paths, cells, now, int(starts[-1]) - now + 7, holes)
    learnt = fit_hazards(panel, paths, cells)
    if isinstance(learnt, str):
        return Forecast(day, engine, learnt, tuple(notes))
    fit = learnt.fit
    if not panel.dated and max(paths.group_sizes) > 2:
        notes.append("segment, type and source of deals are left out: what they were then is not recorded")
    inflow = fit_inflow(paths, cells, now, holes, dated=panel.dated)
    if isinstance(inflow, str):
        notes.append(f"deals not created yet are left out: {inflow}")
        inflow = None
    shocks = fit_shocks(
        learnt, inflow, paths, cells, holes, calendar=log.calendar, kind=log.kind, horizon=horizon
    )
    if shocks.assumed:
        notes.append(f"too few past periods to estimate the shared shock: {ASSUMED:.0%} of wins is assumed")
    origin = _Origin(prepared, day, now, starts, draws, seed)
    made, said = _open(origin, panel, fit, shocks)
    notes += said
    simulation = _simulation(origin, made, inflow, shocks)
    deals = _chances(simulation)
    return Forecast(day, engine, "", tuple(notes), fit, inflow, shocks, simulation, deals, cells)


@dataclass(frozen=True)
class _Origin:
    """One day to forecast from: as a date and as days since 1970, its periods, draws and seed."""

    prepared: Prepared
    day: date
    now: int
    starts: np.ndarray
    draws: int
    seed: int


def _open(origin: _Origin, panel: Panel, fit: Hazards, shocks: Shocks) -> tuple[OpenDeals, list[str]]:
    """The open deals of the day with their draws, and what had to stand in for amounts."""
    prepared, paths, now = origin.prepared, origin.prepared.paths, origin.now
    state = paths.open_at(now)
    made = curves(fit, paths, prepared.cells, state, now, int(origin.starts[-1]) - 1)
    amount, said = amounts.if_won(paths, panel, state, now, draws=origin.draws, seed=[origin.seed, now, 1])
    shift, slope = _on_rates(made, period_of(made.first, origin.starts), shocks)
    deals = placed(_rows(prepared.log, paths, state, origin.day), prepared.reps, origin.day)
    seed = [origin.seed, now, 0]
    return draw_open(made, shift, slope, deals, amount, draws=origin.draws, seed=seed), said


def _simulation(origin: _Origin, made: OpenDeals, inflow: Inflow | None, shocks: Shocks) -> Simulation:
    """The open deals with shocks, deals not created yet, and what is booked already."""
    prepared, starts, now, seed = origin.prepared, origin.starts, origin.now, origin.seed
    random = np.random.default_rng([seed, now, 3])
    sd = shocks.sd_created
    created = sd * random.standard_normal(len(made.node)) - sd**2 / 2
    sds = shocks.sd_wins[:, None]
    wins = sds * shock_nodes()[made.node] - sds**2 / 2
    expected = np.zeros((0, len(starts) - 1))
    if inflow is not None:
        expected = inflow.wins(prepared.cells, now, starts, int(starts[-1]) - 1) * shocks.level_new
    source = amounts.Source(prepared.log, prepared.paths, prepared.reps, now)
    flow = amounts.flow(source, inflow, expected, starts[1:] - 1)
    days = [pd.Timestamp(int(s), unit="D").date() for s in starts[:-1]]
    periods = [str(prepared.log.calendar.period_of(d, prepared.log.kind)) for d in days]
    closed = _closed(prepared, origin.day, starts)
    return Simulation(now, periods, starts, prepared.company, made, flow, closed, wins, created, seed)


def _rows(log: DealLog, paths: Paths, state: np.ndarray, day: date) -> pd.DataFrame:
    """Identity and state of deals, one row each; the segment as recorded by the day."""
    states = log.states.iloc[state].reset_index(drop=True)
    deals = log.deals.iloc[paths.deal[state]].reset_index(drop=True)
    deals["segment"] = segments_on(log, paths.deal[state], day)
    columns = ["owner_id", "stage", "amount_base", "close_date", "forecast_category", "pushes"]
    return pd.concat([deals[["opportunity_id", "segment", "type", "created_date"]], states[columns]], axis=1)


def _on_rates(made: Curves, ahead: np.ndarray, shocks: Shocks) -> tuple[np.ndarray, np.ndarray]:
    """Levels and shocks of expected wins as changes of log rates, by cell.

    Levels and shocks speak of wins; a rate moves more than wins where wins are likely. How much is tried out.
    A good draw of one period leaves fewer deals to the next, so a period's mean over the shocks is put to its
    level once the periods before it are.
    """
    shift, slope = np.zeros(len(made.cell)), np.zeros(len(made.cell))
    for period in range(len(shocks.level_open)):
        mine = ahead == period
        before = made.win_probability()[:, mine].sum()
        after = made.win_probability(STEP * mine)[:, mine].sum()
        if before > 0:
            give = max(np.log(after / before) / STEP, 0.05)
            shift[mine] = np.log(shocks.level_open[period]) / give
            slope[mine] = shocks.sd_wins[period] / give
            mean = np.mean([made.win_probability(shift + z * slope)[:, mine].sum() for z in (-1, 1)])
            shift[mine] += np.log(before * shocks.level_open[period] / mean) / give
    return shift, slope


def _closed(prepared: Prepared, day: date, starts: np.ndarray) -> pd.DataFrame:
    """Won deals by the day with a close date in one of the periods, placed on that date."""
    deals = known_on(prepared.log, day)
    deals["segment"] = segments_on(prepared.log, deals["deal"].to_numpy(dtype="int64"), day)
    won = deals[deals["outcome"].eq(WON) & deals["amount_base"].notna() & deals["close_date"].notna()]
    period = period_of(ordinals(won["close_date"]), starts)
    won = won.assign(period=period)[period >= 0]
    won = placed(won, prepared.reps, won["close_date"]).rename(columns={"amount_base": "amount"})
    columns = ["opportunity_id", "owner_id", "team", "region", "segment", "period", "amount"]
    return won[columns].reset_index(drop=True)


def _chances(simulation: Simulation) -> pd.DataFrame:
    """Open deals with their chance to be won in each period and by the end of the last."""
    made = simulation.open
    reached = made.reached.mean(axis=0)
    in_cell = np.diff(reached, axis=1, prepend=0.0)
    ahead = period_of(made.first, simulation.starts)
    chances = {f"p_{name}": in_cell[:, ahead == k].sum(axis=1) for k, name in enumerate(simulation.periods)}
    return made.deals.assign(**chances, p_win=in_cell.sum(axis=1))
