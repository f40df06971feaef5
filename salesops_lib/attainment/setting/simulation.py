"""The plan's year drawn many times: attainment of company, teams and reps, and how many reach quota.

One draw: each rep's own factor from its shrunk estimate (gamma), a year's level (trend and its uncertainty,
level of the base year), a shock per quarter shared by all (normal in logs), noise of each rep and quarter
(gamma, variance inverse to the time worked), and leavers whose seat stays empty until refilled and ramped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.attainment.setting.basis import YEAR_QUARTERS
from salesops_lib.attainment.setting.productivity import Productivity
from salesops_lib.attainment.setting.proposal import Proposal
from salesops_lib.attainment.setting.target import Plan

RANGE = (0.1, 0.5, 0.9)
LEVEL = 0.8  # probability inside the first and last of RANGE


@dataclass(frozen=True)
class Simulation:
    """What the draws say.

    ``levels``: company, regions, teams as in the proposal, with ``booked_low/mid/high`` (P10, P50, P90),
    ``attainment_low/mid/high`` (÷ target) and ``p_target``. ``reps``: index ``rep_id``, ``attainment_low``,
    ``attainment_mid``, ``attainment_high`` (÷ quota), ``p_quota``. ``share``: share of reps at quota, one
    value a draw. ``draws``: how many.
    """

    levels: pd.DataFrame
    reps: pd.DataFrame
    share: np.ndarray
    draws: int

    def share_range(self) -> tuple[float, float, float]:
        """P10, P50 and P90 of the share of reps at quota."""
        low, middle, high = np.quantile(self.share, RANGE)
        return float(low), float(middle), float(high)


def simulate(
    proposed: Proposal,
    plan: Plan,
    made: Productivity,
    *,
    leave_rate: float,
    lag_months: float,
    seed: int,
    draws: int,
) -> Simulation:
    """Draw the year ``draws`` times with the seed given; reps who left in a draw are not counted at quota.

    ``leave_rate``: share of seats left in a year; ``lag_months``: how long a seat then stays empty.
    """
    random = np.random.default_rng(seed)
    quota = proposed.reps["quota_base"].astype("float64").to_numpy()
    booked, stayed = _booked(proposed, plan, made, random, (leave_rate, lag_months, draws))
    reached = (booked >= quota) & stayed & (quota > 0)
    counted = (stayed & (quota > 0)).sum(axis=1)
    share = reached.sum(axis=1) / np.maximum(counted, 1)
    ratio = booked / np.where(quota > 0, quota, np.nan)
    low, middle, high = np.quantile(ratio, RANGE, axis=0)
    reps = pd.DataFrame(
        {
            "attainment_low": low,
            "attainment_mid": middle,
            "attainment_high": high,
            "p_quota": _chance((booked >= quota).mean(axis=0), draws),
        },
        index=pd.Index(proposed.reps["rep_id"], name="rep_id"),
    )
    return Simulation(_levels(proposed, booked), reps, share, draws)


def _booked(proposed, plan: Plan, made: Productivity, random, how) -> tuple[np.ndarray, np.ndarray]:
    """Bookings of the year per draw and rep, and who stayed all year."""
    leave_rate, lag_months, draws = how
    rep_ids = proposed.reps["rep_id"]
    reps = made.reps.reindex(rep_ids)
    shares = proposed.quarters.set_index(["rep_id", "period"])["ramp_share"].unstack()  # noqa: PD010
    shares = shares.reindex(index=rep_ids, columns=plan.quarters["period"]).to_numpy("float64")
    season = plan.quarters["season_share"].to_numpy() * YEAR_QUARTERS
    own = _gamma(random, reps["factor"].to_numpy(), reps["factor_sd"].to_numpy() ** 2, (draws, len(reps)))
    level = reps["level"].to_numpy() * own
    worked, stayed = _worked(random, shares, leave_rate, lag_months / 12, draws)
    noise = _gamma(random, worked, made.noise_sd**2 * worked, worked.shape)
    return np.einsum("dr,drq,dq->dr", level, noise, season * _common(random, plan, made, draws)), stayed


def _common(random, plan: Plan, made: Productivity, draws: int) -> np.ndarray:
    """What all reps share: a level for the year (base year and trend, uncertain), a shock a quarter."""
    mean, spread = made.ahead(plan.years_ahead)
    level = random.normal(mean - spread**2 / 2, spread, (draws, 1))
    shock = random.normal(-(made.shock_sd**2) / 2, made.shock_sd, (draws, YEAR_QUARTERS))
    return np.exp(level + shock)


def _worked(random, shares: np.ndarray, rate: float, lag: float, draws: int):
    """Share of each quarter a seat works, by ramp and by vacancy after a leaver."""
    when = random.random((draws, len(shares)))
    leaves = random.random((draws, len(shares))) < rate
    opens = np.arange(YEAR_QUARTERS) / YEAR_QUARTERS
    until = np.minimum(when[..., None] + lag, opens + 1 / YEAR_QUARTERS)
    empty = np.clip(until - np.maximum(when[..., None], opens), 0, None) * YEAR_QUARTERS
    return shares[None] * (1 - empty * leaves[..., None]), ~leaves


def _gamma(random, mean: np.ndarray, variance: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Gamma draws with a mean and a variance; the mean itself where there is no variance, 0 where it is 0."""
    mean, variance = np.broadcast_to(mean, shape), np.broadcast_to(variance, shape)
    varies = (mean > 0) & (variance > 0)
    scale = np.where(varies, variance / np.where(mean > 0, mean, 1), 1.0)
    drawn = random.gamma(np.where(varies, mean / scale, 1.0), scale)
    return np.where(varies, drawn, np.maximum(mean, 0.0))


def _levels(proposed: Proposal, booked: np.ndarray) -> pd.DataFrame:
    """Sums of the draws at each level against its target."""
    levels, reps = proposed.levels.reset_index(drop=True), proposed.reps
    rows = []
    for row in levels.itertuples():
        inside = np.ones(len(reps), dtype=bool)
        if row.level == "region":
            inside = (reps["region"] == row.holder_id).to_numpy()
        if row.level == "team":
            inside = ((reps["team"] == row.holder_id) & (reps["region"] == row.parent_id)).to_numpy()
        drawn = booked[:, inside].sum(axis=1)
        low, middle, high = np.quantile(drawn, RANGE)
        chance = _chance(float((drawn >= float(row.target_base)).mean()), len(drawn))
        rows.append((low, middle, high, chance))
    made = pd.DataFrame(rows, columns=["booked_low", "booked_mid", "booked_high", "p_target"])
    target = levels["target_base"].astype("float64")
    for name in ("low", "mid", "high"):
        made[f"attainment_{name}"] = made[f"booked_{name}"] / target.where(target > 0)
    return pd.concat([levels, made.round({"booked_low": 2, "booked_mid": 2, "booked_high": 2})], axis=1)


def _chance(share, draws: int):
    """Never 0 or 1: a limited number of draws cannot say so."""
    return np.clip(share, 1 / (draws + 1), draws / (draws + 1))
