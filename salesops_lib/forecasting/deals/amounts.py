"""What a win is worth: amounts drift from what was known to what was signed, new deals bring recent amounts.

Nothing here is a mean: an amount is drawn from what past wins did, so that one large deal widens a range as
it does in life.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.forecasting.deals.inflow import Inflow
from salesops_lib.forecasting.deals.known import UNASSIGNED, DealLog, placed, segments_on
from salesops_lib.forecasting.deals.panel import NEVER, Panel, Paths
from salesops_lib.forecasting.deals.simulate import Flow

HALF_LIFE_DAYS = 180.0
WINDOW_DAYS = 730
MIN_POOL = 20  # amounts in a pool; below it the next wider pool is used
RECENT_DAYS = 120  # who created deals so recently will create the next


def if_won(
    paths: Paths, panel: Panel, state: np.ndarray, day: int, *, draws: int, seed: list[int]
) -> tuple[np.ndarray, list[str]]:
    """Amounts of deals in positions ``state`` if they are won: deals × draws, reporting currency; and notes.

    A known amount changes by the ratio of a past win, between what its deal was worth at a landmark and what
    was signed. An amount of 0 is drawn from what past wins that stood at 0 became; an unknown one from the
    amounts of recent wins.
    """
    random = np.random.default_rng(seed)
    amount = paths.amount[state]
    before = panel.state[(paths.end_known[panel.state] <= day) & paths.end_won[panel.state]]
    was, became = paths.amount[before], paths.end_amount[before]
    moved = np.isfinite(was) & np.isfinite(became) & (was * became > 0)
    ratios = np.sort((became / np.where(was == 0, 1, was))[moved])
    ratios = ratios if len(ratios) >= MIN_POOL else np.ones(1)
    made = (
        np.where(np.isfinite(amount), amount, 0.0)[:, None]
        * ratios[random.integers(0, len(ratios), (len(state), draws))]
    )
    from_zero = np.sort(became[(was == 0) & np.isfinite(became)])
    recent, weight = _recent(paths, day, np.ones(len(paths.created), dtype=bool), NEVER)
    for rows, pool, heavy in (
        (np.flatnonzero(amount == 0), from_zero, np.arange(1, len(from_zero) + 1) / max(len(from_zero), 1)),
        (np.flatnonzero(~np.isfinite(amount)), recent, weight),
    ):
        if len(pool) >= (MIN_POOL if pool is from_zero else 1):
            pick = np.searchsorted(heavy, random.random((len(rows), draws)))
            made[rows] = pool[np.minimum(pick, len(pool) - 1)]
    unknown = int((~np.isfinite(amount)).sum())
    said = [f"{unknown:,} open deals have no known amount: those of recent wins stand in"] if unknown else []
    return made, said


@dataclass(frozen=True)
class Source:
    """Where amounts and owners are read from: the log, its states as arrays, role spells; up to ``day``."""

    log: DealLog
    paths: Paths
    reps: pd.DataFrame | None
    day: int


def flow(source: Source, inflow: Inflow | None, expected: np.ndarray, ends: np.ndarray) -> Flow:
    """Amounts and owners of wins yet to be created.

    ``expected``: wins by group and period; ``ends``: last day of each period. A win of a period can only have
    been as long on its way as there are days until its end, and short ways bring other amounts.
    """
    paths, reps, day = source.paths, source.reps, source.day
    nothing = Flow(np.zeros((0, len(ends))), [], [], _parts([], reps, day))
    if inflow is None or not expected.sum() > 0:
        return nothing
    groups = range(len(expected))
    everyone = np.ones(len(paths.created), dtype=bool)
    group = np.full(len(paths.created), -1)
    group[inflow.deal] = inflow.group_of
    pools = [[_pool(paths, day, (group == g, everyone), int(end) - day) for end in ends] for g in groups]
    recent_group, pairs = _recent_owners(source, group)
    labels = sorted({pair for pair in pairs if pair is not None}, key=str)
    if not labels:
        return nothing
    at = {pair: row for row, pair in enumerate(labels)}
    rows = np.array([at.get(pair, -1) for pair in pairs])
    owners = []
    for g in groups:
        mine = rows[(recent_group == g) & (rows >= 0)]
        count = np.bincount(mine if len(mine) else rows[rows >= 0], minlength=len(labels)).astype("float64")
        owners.append((np.arange(len(labels)), np.cumsum(count) / count.sum()))
    return Flow(expected, pools, owners, _parts(labels, reps, day))


def _recent(paths: Paths, day: int, deals: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Amounts of recent wins and their cumulative weights."""
    ended = np.flatnonzero((paths.outcome == 1) & (paths.day <= day) & (paths.day > day - WINDOW_DAYS))
    deal, amount = paths.deal[ended], paths.amount[ended]
    kept = deals[deal] & np.isfinite(amount) & (paths.day[ended] - paths.created[deal] <= longest)
    amount, weight = amount[kept], 0.5 ** ((day - paths.day[ended][kept]) / HALF_LIFE_DAYS)
    order = np.argsort(amount, kind="stable")
    heavy = np.cumsum(weight[order])
    return amount[order], heavy / heavy[-1] if len(heavy) else heavy


def _pool(paths: Paths, day: int, sets: tuple[np.ndarray, np.ndarray], longest: int):
    """The narrowest pool that is large enough: the group in time, the group, all in time, all."""
    mine, everyone = sets
    for deals, limit in ((mine, longest), (mine, NEVER), (everyone, longest), (everyone, NEVER)):
        pool = _recent(paths, day, deals, limit)
        if len(pool[0]) >= MIN_POOL:
            return pool
    return pool


def _recent_owners(source: Source, group: np.ndarray) -> tuple[np.ndarray, list]:
    """Recent deals, their group and (owner, segment); the owner as first known, if still here."""
    log, paths, reps, day = source.log, source.paths, source.reps, source.day
    opened = np.flatnonzero(np.append(True, paths.deal[1:] != paths.deal[:-1])[: len(paths.deal)])
    opened = opened[(paths.day[opened] <= day) & (paths.day[opened] > day - RECENT_DAYS)]
    owners = log.states["owner_id"].to_numpy()[opened]
    segments = segments_on(log, paths.deal[opened], pd.Timestamp(day, unit="D").date())
    gone = _gone(reps, day)
    pairs = [
        None if pd.isna(owner) or owner in gone else (owner, None if pd.isna(segment) else segment)
        for owner, segment in zip(owners, segments, strict=True)
    ]
    if not any(pair is not None for pair in pairs):
        pairs = [(UNASSIGNED, None if pd.isna(segment) else segment) for segment in segments]
    return group[paths.deal[opened]], pairs


def _gone(reps: pd.DataFrame | None, day: int) -> set:
    """Reps whose last spell has ended by a day."""
    if reps is None or reps.empty or "end_date" not in reps:
        return set()
    started = reps[pd.to_datetime(reps["start_date"]) <= pd.Timestamp(day, unit="D")]
    ends = pd.to_datetime(started["end_date"]).fillna(pd.Timestamp.max)
    last = ends.groupby(started["rep_id"]).max()
    return set(last.index[last <= pd.Timestamp(day, unit="D")])


def _parts(pairs: list, reps: pd.DataFrame | None, day: int) -> pd.DataFrame:
    made = pd.DataFrame(pairs, columns=["owner_id", "segment"], dtype="object")
    at = (pd.Timestamp(day, unit="D")).date()
    return placed(made, reps, at)[["owner_id", "team", "region", "segment"]]
