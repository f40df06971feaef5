"""Bottom-up: what the seats can sell in the plan's year, by ramp, vacancies and trend, against the target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.attainment.crediting import holders
from salesops_lib.attainment.crediting.ramp import Ramp, ramped_share
from salesops_lib.attainment.setting.basis import YEAR_QUARTERS, Basis, hired
from salesops_lib.attainment.setting.productivity import Productivity
from salesops_lib.attainment.setting.target import Plan, bounds


@dataclass(frozen=True)
class Attrition:
    """Reps who left in the base year: ``left`` of ``seats``; ``rate`` a year, shrunk; ``known`` by spells."""

    left: int
    seats: float
    rate: float
    known: bool


def attrition(basis: Basis) -> Attrition:
    """Yearly rate of leaving, (left + ½) ÷ (seats + 1), over the base quarters; 0 where no spell is known.

    Somebody on leave who came back has not left; who is still away counts as gone.
    """
    spelled = holders.spells(basis.facts.records.reps)
    sellers = spelled[spelled["rep_id"].isin(basis.panel["rep_id"])]
    if sellers.empty or not basis.base:
        return Attrition(0, 0.0, 0.0, False)
    start = pd.Timestamp(bounds(basis.calendar, basis.base[0])[0])
    end = pd.Timestamp(basis.as_of)
    years = max((end - start).days / 365.25, 0.25)
    last = sellers.groupby("rep_id")["end_date"].max()
    there = sellers[(sellers["start_date"] <= start) & (sellers["end_date"] > start)]["rep_id"].nunique()
    left = int(((last > start) & (last <= end)).sum())
    seats = (there + len(basis.seats)) / 2
    return Attrition(left, seats, min((left + 0.5) / (seats + 1) / years, 0.9), True)


def exposure(basis: Basis, plan: Plan, ramp: Ramp) -> pd.DataFrame:
    """Share of a full quarter each seat counts for by ramp: index ``rep_id``, one column per quarter."""
    spelled = holders.spells(basis.facts.records.reps)
    begun = basis.seats["rep_id"].map(hired(spelled, basis.facts.records.reps))
    shares = {}
    for row in plan.quarters.itertuples():
        days = pd.Series([(row.start_date, row.end_date)] * len(begun), index=begun.index)
        shares[row.period] = ramped_share(begun, days, ramp).round(6).to_numpy()
    return pd.DataFrame(shares, index=pd.Index(basis.seats["rep_id"], name="rep_id"))


def vacancy(rate: float, lag_months: float) -> float:
    """Share of a year's seats expected empty: a leaver at any time of the year, empty for the lag.

    ``lag_months``: to hire and to ramp. Seats refilled after the lag; a lag past the year's end is cut.
    """
    lag = min(lag_months / 12, 1.0)
    return rate * (lag - lag**2 / 2)


def bridge(
    basis: Basis,
    plan: Plan,
    made: Productivity,
    seen: pd.DataFrame,
    empty_share: float,
) -> pd.DataFrame:
    """From last year's bookings to the capacity of the plan's year, and what is missing to the target.

    ``seen``: :func:`exposure`; ``empty_share``: :func:`vacancy`. Productivity is each seat's own, shrunk.

    Returns
    -------
    DataFrame
        ``step``, ``amount_base`` (reporting currency, cents), ``kind`` (``total`` or ``change``), ``note``.
        The totals are the sum of the changes up to them.
    """
    reps = made.reps.reindex(seen.index)
    yearly = YEAR_QUARTERS * reps["level"] * reps["factor"]
    full = float(yearly.sum())
    season = plan.quarters.set_index("period")["season_share"]
    ramped = float((yearly * (seen * season).sum(axis=1)).sum())
    empty = -ramped * empty_share
    trended = (ramped + empty) * float(np.expm1(made.ahead(plan.years_ahead)[0]))
    capacity = ramped + empty + trended
    last, target = float(plan.last_base), float(plan.target)
    rows = [
        ("Bookings of the last four whole quarters", last, "total", f"{basis.base[0]} to {basis.base[-1]}"),
        ("Seats gained or lost since", full - last, "change", f"{len(seen)} seats at full strength"),
        ("New hires still ramping", ramped - full, "change", "by the ramp curve"),
        ("Vacancies expected", empty, "change", f"{100 * empty_share:.1f} % of the year's seats"),
        (
            "Productivity trend",
            trended,
            "change",
            f"{100 * made.trend:+.1f} % a year, {plan.years_ahead:.2f} years on",
        ),
        ("Bottom-up capacity", capacity, "total", f"{100 * capacity / target:.0f} % of the target"),
        ("Gap to the target", capacity - target, "change", "negative: the seats cannot carry it"),
        (
            "Top-down target",
            target,
            "total",
            "given" if plan.stated else f"last year {100 * plan.growth:+.0f} %",
        ),
    ]
    made_rows = pd.DataFrame(rows, columns=["step", "amount_base", "kind", "note"])
    return made_rows.assign(position=range(1, len(rows) + 1), amount_base=made_rows["amount_base"].round(2))


def capacity_of(bridge_rows: pd.DataFrame) -> float:
    """Bottom-up capacity in money. ``bridge_rows``: :func:`bridge`."""
    return float(bridge_rows.set_index("step")["amount_base"]["Bottom-up capacity"])
