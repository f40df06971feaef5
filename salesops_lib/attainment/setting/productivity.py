"""What a rep sells per quarter at full strength: level, spread, noise, season, trend, shared shock.

A booking of a rep in a quarter is taken as the product of the group's level, the quarter's factor, the rep's
own factor, the share of the quarter worked, and noise. Levels and factors come from a two-way fit; the rep's
factor is shrunk towards 1 by empirical Bayes (one-way random effects by the method of moments), so a short
record says little. Season and trend come from a Bayesian regression of the log quarter factors whose priors
are policy; the shared shock is what they leave over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.attainment.setting.basis import YEAR_QUARTERS, Basis
from salesops_lib.core.periods import Period

_FITS = 30
_SMALL = 3  # reps below which a group takes its level from all
_SEASON_PRIOR = 0.25  # log points of a quarter's season before any data
_PRIOR_QUARTERS = 4  # what the prior of the shock weighs, in quarters


@dataclass(frozen=True)
class Productivity:
    """Estimates from the past, all at the level of the last four whole quarters.

    ``reps``: indexed by ``rep_id``: ``group``, ``level`` (money a quarter at full strength, season out),
    ``factor`` and ``factor_sd`` (shrunk; 1 and the whole spread for a rep without a record), ``quarters``
    (of duty behind it). ``levels``: the same level per group. ``between_sd``, ``noise_sd``: spread of reps
    and of a rep's quarter, relative. ``season``: factor by quarter number, mean 1. ``shift``: log, what the
    regression takes the base year to have been above what was booked in it. ``trend``: log change a year.
    ``spread``: covariance of shift and trend. ``shock_sd``: log, a quarter, shared by all.
    """

    reps: pd.DataFrame
    levels: pd.Series
    between_sd: float
    noise_sd: float
    season: pd.Series
    shift: float
    trend: float
    spread: np.ndarray
    shock_sd: float
    quarters: int

    @property
    def trend_sd(self) -> float:
        """Uncertainty of the trend, log points a year."""
        return float(self.spread[1, 1] ** 0.5)

    def ahead(self, years: float) -> tuple[float, float]:
        """Log change of productivity from the base year to one ``years`` later: mean and sd."""
        move = np.array([1.0, years])
        return self.shift + self.trend * years, float((move @ self.spread @ move) ** 0.5)


def productivity(basis: Basis, *, shock_prior: float, trend_prior: float) -> Productivity | None:
    """Estimate :class:`Productivity`; ``None`` with under a year of whole quarters, or nothing booked.

    ``shock_prior`` and ``trend_prior`` are standard deviations in log points (a quarter; a year) believed
    before the data; four quarters of data weigh as much as the first.
    """
    panel = basis.panel[basis.panel["period"].isin(basis.whole)]
    if not basis.enough or panel.empty or panel["booked"].sum() <= 0:
        return None
    panel = panel.assign(cell=_cells(panel))
    level, factor = _two_way(panel, basis.base)
    expected = panel["cell"].map(level) * panel["period"].map(factor)
    panel = panel.assign(relative=panel["booked"] / (expected * panel["exposure"]).where(expected > 0))
    panel = panel.dropna(subset=["relative"])
    between, noise = _components(panel)
    time = _over_time(panel, level, factor, noise, (shock_prior, trend_prior, basis.base))
    groups = panel.drop_duplicates("group").set_index("group")["cell"].map(level)
    overall = float(panel["booked"].sum() / (panel["exposure"] * panel["period"].map(factor)).sum())
    reps = _shrunk(panel, basis.seats, between, noise)
    reps = reps.assign(level=reps["group"].map(groups).fillna(overall))
    return Productivity(reps, groups, between**0.5, noise**0.5, *time, panel["period"].nunique())


def _cells(panel: pd.DataFrame) -> pd.Series:
    """The group where it has reps enough to have a level of its own, else one cell for the rest."""
    size = panel.groupby("group")["rep_id"].transform("nunique")
    return panel["group"].where(size >= _SMALL, "other")


def _two_way(panel: pd.DataFrame, base: list[str]) -> tuple[pd.Series, pd.Series]:
    """Level per cell and factor per quarter with booked ≈ level × factor × exposure; base factors mean 1."""
    sums = panel.pivot_table(index="cell", columns="period", values=["booked", "exposure"], aggfunc="sum")
    booked = sums["booked"].fillna(0).to_numpy("float64")
    worked = sums["exposure"].fillna(0).to_numpy("float64")
    periods = sums["booked"].columns
    in_base = periods.isin(base)
    factor = np.ones(len(periods))
    for _ in range(_FITS):
        level = booked.sum(axis=1) / (worked * factor).sum(axis=1)
        factor = booked.sum(axis=0) / (worked * level[:, None]).sum(axis=0)
        factor = factor / factor[in_base].mean()
    level = booked.sum(axis=1) / (worked * factor).sum(axis=1)
    return pd.Series(level, index=sums.index), pd.Series(factor, index=periods)


def _components(panel: pd.DataFrame) -> tuple[float, float]:
    """Variance between reps and of one quarter at full exposure, both relative (method of moments)."""
    weight = panel["exposure"]
    by_rep = (
        panel.assign(mass=weight, sum=weight * panel["relative"]).groupby("rep_id")[["mass", "sum"]].sum()
    )
    mean = by_rep["sum"] / by_rep["mass"]
    inside = (weight * (panel["relative"] - panel["rep_id"].map(mean)) ** 2).sum()
    freedom = len(panel) - len(by_rep)
    noise = float(inside / freedom) if freedom > 0 else 1.0
    cells = panel.drop_duplicates("rep_id")["cell"].nunique()
    total = by_rep["mass"].sum()
    spread = float((by_rep["mass"] * (mean - 1) ** 2).sum()) - noise * max(len(by_rep) - cells, 0)
    room = float(total - (by_rep["mass"] ** 2).sum() / total)
    return max(spread / room, 0.0) if room > 0 else 0.0, noise


def _shrunk(panel: pd.DataFrame, seats: pd.DataFrame, between: float, noise: float) -> pd.DataFrame:
    """Each seat's own factor, weighed against 1 by how much record there is."""
    done = panel.assign(sum=panel["exposure"] * panel["relative"])
    done = done.groupby("rep_id").agg(
        mass=("exposure", "sum"), sum=("sum", "sum"), quarters=("period", "nunique")
    )
    reps = seats[["rep_id", "group"]].merge(done, on="rep_id", how="left").set_index("rep_id")
    mass, quarters = reps["mass"].fillna(0.0), reps["quarters"].fillna(0).astype(int)
    trust = between / (between + noise / mass.where(mass > 0)) if between > 0 else 0.0 * mass
    trust = trust.fillna(0.0)
    own = (reps["sum"] / mass).fillna(1.0)
    return pd.DataFrame(
        {
            "group": reps["group"],
            "factor": 1 + trust * (own - 1),
            "factor_sd": np.sqrt(between * (1 - trust)),
            "quarters": quarters,
        }
    )


def _over_time(panel, level, factor, noise: float, beliefs: tuple[float, float, list[str]]):
    """Season (mean 1), shift, trend, their spread, and the shock a quarter, from log factors."""
    shock_prior, trend_prior, base = beliefs
    periods = [Period.parse(p) for p in factor.index]
    number = np.array([p.number for p in periods])
    years = np.array([p.year + (p.number - 0.5) / 4 for p in periods])
    z = np.log(np.maximum(factor.to_numpy(), 1e-6))
    design = np.column_stack(
        [np.ones(len(z)), years - years.mean(), *[(number == q) * 1.0 for q in range(1, 5)]]
    )
    prior = np.diag([1e-6, trend_prior**-2, *[_SEASON_PRIOR**-2] * 4])
    variance = shock_prior**2
    for _ in range(_FITS):
        posterior = np.linalg.inv(design.T @ design / variance + prior)
        fitted = posterior @ design.T @ z / variance
        used = float(np.trace(design @ posterior @ design.T) / variance)
        freedom = max(len(z) - used, 0.0)
        left = float(((z - design @ fitted) ** 2).sum())
        variance = (left + _PRIOR_QUARTERS * shock_prior**2) / (freedom + _PRIOR_QUARTERS)
    season = np.exp(fitted[2:] - fitted[2:].mean())
    mass = panel["exposure"] * panel["cell"].map(level)
    chance = (mass**2 / panel["exposure"]).groupby(panel["period"]).sum() / mass.groupby(
        panel["period"]
    ).sum() ** 2
    sampled = noise * float(chance.mean())  # what the reps' own noise adds to a quarter's total
    shock = max(variance - sampled, (0.25 * shock_prior) ** 2)
    season = pd.Series(season / season.mean(), index=range(1, YEAR_QUARTERS + 1))
    in_base = factor.index.isin(base)
    at = np.vstack([design[in_base].mean(axis=0), np.eye(design.shape[1])[1]])  # base year; slope
    shift = float(at[0] @ fitted - z[in_base].mean())
    return season, shift, float(fitted[1]), at @ posterior @ at.T, shock**0.5
