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
    leaves = random.random((n, UNIT))[:, :reps] < leaving.rate
    when = random.random((n, UNIT))[:, :reps] * MONTHS
    month = np.arange(MONTHS)[:, None, None]
    back = when + leaving.lag
    before = np.clip(when - month, 0, 1)
    after = np.clip(month + 1 - back, 0, 1)
    present = np.where(leaves, before + after, 1.0)
    shares = np.array([*leaving.ramp, 1.0])
    served = np.clip(np.floor(month + 0.5 - back), 0, len(shares) - 1).astype("int64")
    output = np.where(leaves, before + after * shares[served], 1.0)
    steps = world.design.steps
    return tuple(
        part.reshape(steps, MONTHS // steps, n, reps).mean(axis=1).astype("float32")
        for part in (present, output)
    )
