"""What if: named deals dropped or delayed, another win rate or inflow, more hires, on the same draws.

A scenario is a text such as

    drop O00123; delay O00456 30d; win_rate -10%; inflow +15%; hires 2 from 2026-01-15

Its parts hold together. Base and scenario use the same random numbers, so that what differs between them is
what the scenario changes and no chance.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.core.errors import ParameterError
from salesops_lib.forecasting.deals.panel import NEVER, ordinal
from salesops_lib.forecasting.deals.pipeline import Forecast
from salesops_lib.forecasting.deals.simulate import NewWins, booked
from salesops_lib.forecasting.draws import Draws

FORMS = (
    "drop ID", "delay ID 30d", "win_rate -10%", "inflow +15%", "hires 2 from 2026-01-15",
)  # fmt: skip
RAMP_DAYS = 180  # until a hire creates what the others do, rising evenly
_PERCENT = re.compile(r"([+-])\s*([0-9]+(?:\.[0-9]+)?)\s*%")
_DELAY = re.compile(r"(\S+)\s+([0-9]+)d")
_HIRES = re.compile(r"([0-9]+)\s+from\s+(\S+)")


@dataclass(frozen=True)
class Scenario:
    """A scenario read: ``drop`` (deal ids), ``delay`` (days by id), ``win_rate`` and ``inflow`` (factors, 1
    for as it is), ``hires`` (how many and from when)."""

    text: str
    drop: tuple[str, ...] = ()
    delay: dict[str, int] = field(default_factory=dict)
    win_rate: float = 1.0
    inflow: float = 1.0
    hires: tuple[tuple[int, date], ...] = ()

    @property
    def is_base(self) -> bool:
        """Whether it changes nothing."""
        return not (self.drop or self.delay or self.hires) and self.win_rate == self.inflow == 1.0


def parse(text: str) -> Scenario:
    """Read a scenario; an empty text is the base.

    Raises
    ------
    ParameterError
        Naming the part that cannot be read, or is there twice, and the forms there are.
    """
    drop: list[str] = []
    delay: dict[str, int] = {}
    factors: dict[str, float] = {}
    hires: list[tuple[int, date]] = []
    for part in (p.strip() for p in str(text).split(";")):
        if not part:
            continue
        verb, _, rest = part.partition(" ")
        rest = rest.strip()
        if verb == "drop" and rest and " " not in rest:
            drop.append(rest)
        elif verb == "delay" and (match := _DELAY.fullmatch(rest)) and int(match[2]) > 0:
            if match[1] in delay:
                raise ParameterError(f"scenario delays {match[1]} twice; give one delay")
            delay[match[1]] = int(match[2])
        elif verb in {"win_rate", "inflow"} and (match := _PERCENT.fullmatch(rest)):
            if verb in factors:
                raise ParameterError(f"scenario changes {verb} twice; give one change")
            factors[verb] = _factor(part, match)
        elif verb == "hires" and (match := _HIRES.fullmatch(rest)) and int(match[1]) > 0:
            hires.append((int(match[1]), _day(part, match[2])))
        else:
            raise ParameterError(f"scenario part '{part}' cannot be read; write {'; '.join(FORMS)}")
    both = [deal for deal in drop if deal in delay]
    if both or len(set(drop)) < len(drop):
        first = both[0] if both else next(deal for deal in drop if drop.count(deal) > 1)
        raise ParameterError(f"scenario names {first} twice; drop it or delay it, once")
    return Scenario(text, tuple(drop), delay, hires=tuple(hires), **factors)


def apply(made: Forecast, scenario: Scenario, *, ramp_days: int = RAMP_DAYS) -> Draws:
    """Draws of every node under a scenario, from the random numbers of ``made``.

    A dropped deal is never won. A delayed one is won that many days later than in the same draw before. A win
    rate multiplies the chance of every deal, open or not created yet, at most to 1. Inflow multiplies wins of
    deals not created yet. A hire adds the inflow of an average owner of recent deals, rising evenly over
    ``ramp_days`` from its first day on, with the same time from creation to win.

    Raises
    ------
    ParameterError
        If a deal named is not open on the day, or hires start before it or after the last period.
    ValueError
        If the forecast is off.
    """
    simulation = made.simulation
    if simulation is None:
        raise ValueError(f"there is no forecast to change: {made.off}")
    ids = pd.Index(simulation.open.deals["opportunity_id"])
    places = {deal: _place(ids, deal, made.day) for deal in (*scenario.drop, *scenario.delay)}
    won_day = simulation.open.won_day(scenario.win_rate)
    for deal, days in scenario.delay.items():
        row = won_day[places[deal]]
        won_day[places[deal]] = np.where(row < NEVER, row + days, NEVER)
    without = np.array([places[deal] for deal in scenario.drop], dtype="int64")
    new = [simulation.new_wins(scenario.inflow * scenario.win_rate)]
    for number, (count, start) in enumerate(scenario.hires):
        new.append(_hired(made, count * scenario.win_rate, start, ramp_days, number))
    together = NewWins(*(np.concatenate([getattr(n, name) for n in new]) for name in NewWins.__annotations__))
    draws = booked(simulation, won_day, together, without=without)
    return Draws(draws.nodes, draws.values, made.engine)


def compare(
    made: Forecast, texts: list[str], targets: dict[str, float], *, ramp_days: int = RAMP_DAYS
) -> pd.DataFrame:
    """The base and each scenario for the company: range and chance to reach the target.

    ``targets``: by period; a period without one has no chance.

    Returns
    -------
    DataFrame
        ``scenario`` (``base`` first), ``period``, ``low``, ``mid``, ``high`` (P10, P50, P90), ``mean``,
        ``target``, ``p_target``, ``change_mean``, ``change_low``, ``change_high`` (scenario − base in the
        same draw: mean, P10, P90), ``change_p``.
    """
    base = made.draws()
    if base is None:
        raise ValueError(f"there is no forecast to change: {made.off}")
    company, rows = made.simulation.company, []
    runs = [("base", base), *((t, apply(made, parse(t), ramp_days=ramp_days)) for t in texts)]
    for name, draws in runs:
        for period in made.simulation.periods:
            values, before = draws.of("company", company, period), base.of("company", company, period)
            target = float(targets.get(period, np.nan))
            chances = [d.reach("company", company, period, target) for d in (draws, base)]
            low, mid, high = np.quantile(values, [0.1, 0.5, 0.9])
            change = values - before
            rows.append(
                {
                    "scenario": name, "period": period, "low": low, "mid": mid, "high": high,
                    "mean": values.mean(), "target": target, "p_target": chances[0],
                    "change_mean": change.mean(), "change_low": np.quantile(change, 0.1),
                    "change_high": np.quantile(change, 0.9), "change_p": chances[0] - chances[1],
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _factor(part: str, match: re.Match) -> float:
    factor = 1 + float(match[1] + match[2]) / 100
    if not 0 <= factor <= 5:
        raise ParameterError(f"scenario part '{part}' is outside -100% to +400%; give a change in between")
    return factor


def _day(part: str, text: str) -> date:
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise ParameterError(f"scenario part '{part}' has no day '{text}'; write 2026-01-15") from None


def _place(ids: pd.Index, deal: str, day: date) -> int:
    if deal not in ids:
        close = difflib.get_close_matches(deal, ids.astype(str), n=1, cutoff=0.6)
        meant = f"; did you mean '{close[0]}'?" if close else ""
        raise ParameterError(f"scenario names '{deal}', which is no open deal on {day}{meant}")
    return int(ids.get_loc(deal))


def _hired(made: Forecast, count: float, start: date, ramp_days: int, number: int) -> NewWins:
    """Wins from deals that hires create: the average owner's inflow, ramped, at the owners' own places."""
    simulation, first = made.simulation, ordinal(start)
    if first <= simulation.day or first >= simulation.starts[-1]:
        raise ParameterError(
            f"scenario hires start on {start}; give a day after {made.day} within the periods forecast"
        )
    owners = len(set(simulation.flow.parts["owner_id"])) or 1
    pace = made.ramped(first, ramp_days)
    random = np.random.default_rng([simulation.seed, simulation.day, 5, number])
    base = simulation.new_wins(1.0)
    mean = pace * count / owners
    # thin or repeat the base's own wins: same amounts, same places, same shocks of each draw
    copies = random.poisson(np.maximum(mean, 0.0)[base.period])
    at = np.repeat(np.arange(len(base.draw)), copies)
    return NewWins(*(getattr(base, name)[at] for name in NewWins.__annotations__))
