"""Seats that fall empty in a simulated year, are refilled later and ramp up again."""

from __future__ import annotations

import numpy as np

from salesops_lib.compensation.simulation.draws import UNIT, generator
from salesops_lib.compensation.simulation.world import Group, World

MONTHS = 12


def presence(world: World, group: Group, number: int, unit: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Share of each step a seat is filled, and what it puts out after the ramp of its new holder.

    One departure a year at most, at any time alike; a seat refilled goes on in the same windows, as the
    quota and the pay of its two holders together. float32, steps × scenarios × reps.
    """
    leaving = world.leaving
    reps = min(UNIT, len(group.rows) - unit * UNIT)
    random = generator(world.design.seed, f"{group.name}/leaving", number, unit)
    leaves = np.nonzero(random.random((n, UNIT))[:, :reps] < leaving.rate)
    when = random.random((n, UNIT))[:, :reps][leaves] * MONTHS
    month = np.arange(MONTHS)[:, None]
    back = when + leaving.lag
    before, after = np.clip(when - month, 0, 1), np.clip(month + 1 - back, 0, 1)
    shares = np.array([*leaving.ramp, 1.0])
    served = np.clip(np.floor(month + 0.5 - back), 0, len(shares) - 1).astype("int64")
    steps, made = world.design.steps, []
    for monthly in (before + after, before + after * shares[served]):
        part = np.ones((steps, n, reps), "float32")
        part[:, leaves[0], leaves[1]] = monthly.reshape(steps, MONTHS // steps, -1).mean(axis=1)
        made.append(part)
    return made[0], made[1]
