"""Scenarios kept seat by seat: who attains and earns what, where caps bind, when pay accrues, draws owed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from salesops_lib.compensation.simulation import kernel
from salesops_lib.compensation.simulation.advances import owed
from salesops_lib.compensation.simulation.drawn import Measures
from salesops_lib.compensation.simulation.evaluation import LanePay, by_month
from salesops_lib.compensation.simulation.world import World

DETAIL_BLOCKS = 8  # blocks whose scenarios are also kept seat by seat
DETAIL_CELLS = 4_000_000


@dataclass
class Detail:
    """Scenarios seat by seat: scenarios × seats, float32.

    ``attained``: the year's attainment of the primary measure (missing without one). ``pay``: variant → pay.
    ``withheld``: variant → money caps withheld; ``hit``: variant → (plan id, component) → share of windows at
    the cap. ``accrued``: variant → 12 sums of pay over seats and scenarios. ``drawn``: variant → recoverable
    draw still owed at the year's end, summed over seats, per scenario. ``held``: variant → pay that is held
    back then, likewise.
    """

    attained: np.ndarray
    pay: dict[str, np.ndarray]
    withheld: dict[str, np.ndarray]
    hit: dict[str, dict[tuple[str, str], tuple[float, float]]]
    accrued: dict[str, np.ndarray]
    drawn: dict[str, np.ndarray]
    held: dict[str, np.ndarray]

    def joined(self, others: list[Detail]) -> Detail:
        """This and further blocks as one."""
        every = [self, *others]
        names = list(self.pay)
        hits: dict = {v: {} for v in names}
        for block in every:
            for v in names:
                for key, (hit, of) in block.hit[v].items():
                    before = hits[v].get(key, (0.0, 0.0))
                    hits[v][key] = (before[0] + hit, before[1] + of)
        return Detail(
            np.concatenate([b.attained for b in every]),
            {v: np.concatenate([b.pay[v] for b in every]) for v in names},
            {v: np.concatenate([b.withheld[v] for b in every]) for v in names},
            hits,
            {v: sum(b.accrued[v] for b in every) for v in names},
            {v: np.concatenate([b.drawn[v] for b in every]) for v in names},
            {v: np.concatenate([b.held[v] for b in every]) for v in names},
        )


class Watched(NamedTuple):
    """A unit paid under one variant: its name, the seats' rows, their pay, each lane's, what was drawn."""

    name: str
    rows: np.ndarray
    pay: np.ndarray
    parts: dict[str, LanePay]
    drawn: Measures


def keeps_detail(world: World, number: int) -> bool:
    """Whether a block's scenarios are kept seat by seat: the first few, while they fit."""
    return number < DETAIL_BLOCKS and world.seats * world.design.size(number) * (number + 1) <= DETAIL_CELLS


def empty_detail(world: World, n: int) -> Detail:
    """Detail of ``n`` scenarios in which nothing has happened yet."""

    def empty() -> dict[str, np.ndarray]:
        return {v: np.zeros((n, world.seats), "float32") for v in world.variants}

    return Detail(
        np.full((n, world.seats), np.nan, "float32"), empty(), empty(), {v: {} for v in world.variants},
        {v: np.zeros(12) for v in world.variants}, {v: np.zeros(n) for v in world.variants},
        {v: np.zeros(n) for v in world.variants},
    )  # fmt: skip


def watch_unit(detail: Detail, world: World, of: tuple, paid: Watched, scratch: kernel.Scratch) -> None:
    """What caps took, when pay accrues, what is owed on draws.

    ``of``: the group, its unit's lanes, and what pay is multiplied with (`World.money_of`).
    """
    group, plan, money = of
    by_year = np.ravel(money)
    name, rows, pay, parts, drawn = paid
    months = np.zeros((12, *pay.shape), "float32")
    held = group.after[name].held if name in group.after else {}
    for lane in plan.lanes:
        part = parts[lane.id]
        accrued = by_month(lane, drawn, part.pay, scratch, np.asarray(world.pattern))
        months += accrued
        if lane.id in held:
            share, left = held[lane.id]
            detail.held[name] += share * by_year * (left[:, None] * accrued.sum(axis=2)).sum(axis=0)
        if part.withheld is not None:
            detail.withheld[name][:, rows] += part.withheld
        if part.hit is not None:
            key = (group.plan_id, lane.id)
            before = detail.hit[name].get(key, (0.0, 0.0))
            detail.hit[name][key] = (before[0] + float(part.hit.sum()), before[1] + float(part.hit.size))
    detail.accrued[name] += (months.sum(axis=2, dtype="float64") * by_year).sum(axis=1)
    if plan.plan.draw is not None:
        first = int(np.flatnonzero(group.rows == rows[0])[0])
        tenure = group.tenure[first : first + len(rows)]
        detail.drawn[name] += owed(plan.plan.draw, months, tenure).sum(axis=1) * by_year
