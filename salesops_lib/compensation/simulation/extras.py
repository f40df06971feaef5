"""What is paid beside the components in a block of scenarios: SPIFFs, pools, and what deals give back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from salesops_lib.compensation.simulation.drawn import Measures, fit
from salesops_lib.compensation.simulation.draws import generator
from salesops_lib.compensation.simulation.lanes import PlanLanes, PoolLane, SpiffLane
from salesops_lib.compensation.simulation.world import Group, World

MOST_PICKED = 2_000  # deals of a year from which on what comes back hardly varies by chance


@dataclass
class Shares:
    """What is gathered over a block's groups: who shares a pool, budgets used, pay that can come back.

    ``pools``: (variant, plan id, pool) → rows of seats and their weights, scenarios × reps. ``spent``:
    (variant, plan id, SPIFF) → its budget used. ``by_deal``: (variant, group) → pay by deal, per scenario.
    """

    pools: dict[tuple[str, str, str], list[tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict)
    spent: dict[tuple[str, str, str], np.ndarray] = field(default_factory=dict)
    by_deal: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)


def spiff_pay(
    plan: PlanLanes, drawn: Measures, group: Group, name: str, shares: Shares
) -> Iterable[tuple[str, np.ndarray]]:
    """(SPIFF, its pay of every rep: scenarios × reps) under a variant; those without drawn deals pay nothing.

    A budget over all payees is shared by what each would have had of it.
    """
    for spiff in plan.spiffs:
        worth = drawn.values.get(f"worth:{spiff.id}")
        if worth is None:
            continue
        paid = _spiff_pay(spiff, worth if drawn.output is None else worth * fit(drawn.output, len(worth)))
        if np.isfinite(spiff.most):
            key = (name, group.plan_id, spiff.id)
            asked, before = paid.sum(axis=1), shares.spent.get(key, np.float32(0))
            left = np.minimum(asked, np.maximum(np.float32(spiff.most) - before, 0))
            paid = paid * np.divide(left, asked, out=np.zeros_like(asked), where=asked > 0)[:, None]
            shares.spent[key] = before + left
        yield spiff.id, paid


def _spiff_pay(spiff: SpiffLane, worth: np.ndarray) -> np.ndarray:
    counted = (spiff.steps.astype("float32")[:, None, None] * worth).sum(axis=0)
    return np.minimum(counted * np.float32(spiff.pays), np.float32(spiff.own))


def keep_pool_weights(
    plan: PlanLanes, drawn: Measures, of: tuple[Group, str, np.ndarray], n: int, shares: Shares
) -> None:
    """What each rep of a unit weighs in its plan's pools. ``of``: group, variant, rows of the seats."""
    group, name, rows = of
    for pool in plan.pools:
        if not pool.roles or group.name.split(" · ")[-1] in pool.roles:
            weights = _weights(pool, drawn, n, len(rows))
            shares.pools.setdefault((name, group.plan_id, pool.id), []).append((rows, weights))


def _weights(pool: PoolLane, drawn: Measures, n: int, reps: int) -> np.ndarray:
    """By days: the share of the year a seat is filled. By credit: the year's measure, not below 0."""
    if pool.by == "days_active" and drawn.present is not None:
        return drawn.present.mean(axis=0)
    if pool.by == "credit" and (pool.measure in drawn.attained or pool.measure in drawn.values):
        return np.maximum(drawn.amounts(pool.measure).sum(axis=0), 0)
    return np.ones((n, reps), "float32")


def pool_pay(
    world: World, sales: np.ndarray, shares: Shares
) -> Iterable[tuple[tuple, np.ndarray, np.ndarray]]:
    """((variant, plan id, pool), rows of seats, their pay: scenarios × seats) of every pool.

    A pool is a share of all sales or a fixed sum. Where nobody has a weight nothing is paid.
    """
    lanes = {
        (name, group.plan_id, pool.id): pool
        for group in world.groups
        for name, plan in group.lanes.items()
        for pool in plan.pools
    }
    for key, parts in shares.pools.items():
        pool = lanes[key]
        rows = np.concatenate([rows for rows, _ in parts])
        weights = np.concatenate([w for _, w in parts], axis=1).astype("float64")
        whole = weights.sum(axis=1, keepdims=True)
        part = np.divide(weights, whole, out=np.zeros_like(weights), where=whole > 0)
        yield key, rows, part * (pool.rate * sales + pool.fixed)[:, None]


def given_back(world: World, number: int, shares: Shares) -> dict[str, np.ndarray]:
    """Variant → money that the year's deals give back within their window, per scenario.

    As many past deals as a year has are drawn with what came back of each. A role of which no past deal can
    tell is left out, as the limits say; missing where that is every role whose plan claws back.
    """
    made = {}
    for variant in world.variants:
        clawing = [g for g in world.groups if variant in g.after and g.after[variant].claws_back]
        known = [g for g in clawing if len(g.after[variant].back)]
        start = 0.0 if known or not clawing else np.nan
        made[variant] = np.full(world.design.size(number), start)
        for group in known:
            made[variant] += _given_back(world, group, number, variant, shares)
    return made


def _given_back(world: World, group: Group, number: int, variant: str, shares: Shares) -> np.ndarray | float:
    after = group.after[variant]
    if not after.back.any():
        return 0.0
    count = max(min(round(after.per_year), MOST_PICKED), 1)
    random = generator(world.design.seed, f"{group.name}/after", number)
    picked = random.integers(0, len(after.back), (world.design.size(number), count))
    worth = after.values[picked]
    share = (worth * after.back[picked]).sum(axis=1) / worth.sum(axis=1)
    return share * shares.by_deal[variant, group.name]
