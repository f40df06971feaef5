"""The year drawn many times and paid under every plan variant on the same draws, block by block.

A block of scenarios is drawn, paid and summed up while it is in memory, so that more scenarios or reps cost
time, not memory. Blocks do not depend on each other or on who computes them: one worker or many, in threads,
processes or on a Dask cluster (`joblib.parallel_config(backend="dask")`), give the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from salesops_lib.compensation.simulation import draws, kernel
from salesops_lib.compensation.simulation.blocks import BlockResult, run_block
from salesops_lib.compensation.simulation.world import World

TASKS_PER_WORKER = 4  # a worker's share of the blocks comes in this many pieces


@dataclass(frozen=True)
class Outcome:
    """What the draws gave. Money of the year; arrays of scenarios in order.

    ``sales``: amounts credited to seats with a quota of their own. ``attained``: sales ÷ their quotas.
    ``pay``: variant → incentive pay. ``block``: number of each scenario's block, over which Monte Carlo
    errors are taken. ``moved``: variant → what its behaviour adds to sales. ``seat_pay``: variant → expected
    pay of each seat; ``better``: variant → chance that a seat earns more than under the first variant.
    ``parts``: variant → (plan id, component) → expected pay. ``detail``:
    the scenarios of the first blocks seat by seat (:class:`blocks.Detail`), joined. ``returned``: variant →
    what of the year's pay comes back within the clawback's window; it is not taken off ``pay``.
    """

    world: World
    sales: np.ndarray
    attained: np.ndarray
    pay: dict[str, np.ndarray]
    moved: dict[str, np.ndarray]
    block: np.ndarray
    seat_pay: dict[str, np.ndarray]
    better: dict[str, np.ndarray]
    parts: dict[str, dict[tuple[str, str], float]]
    detail: object = field(repr=False, default=None)
    returned: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def scenarios(self) -> int:
        """How many years were drawn."""
        return len(self.sales)


def simulate(world: World, *, workers: int = 1) -> Outcome:
    """Draw and pay all scenarios of a world.

    ``workers``: 1 stays in this process; more go through joblib, whose ``parallel_config`` chooses where.
    """
    numbers = range(world.design.blocks)
    if workers == 1:
        made = run_blocks(world, numbers, world.payouts)
    else:
        from joblib import Parallel, delayed

        size = max(1, -(-len(numbers) // (workers * TASKS_PER_WORKER)))
        tasks = [numbers[i : i + size] for i in range(0, len(numbers), size)]
        share = world.payouts // workers
        pieces = Parallel(n_jobs=workers)(delayed(run_blocks)(world, task, share) for task in tasks)
        made = [block for piece in pieces for block in piece]
    return gather(world, made)


def run_blocks(world: World, numbers: range, payouts: int) -> list[BlockResult]:
    """Some blocks, one after the other. ``payouts``: how many this process is to work out in all."""
    scratch = kernel.Scratch(payouts)
    return [run_block(world, number, scratch) for number in numbers]


def gather(world: World, made: list[BlockResult]) -> Outcome:
    """Join blocks in their order."""
    names, count = list(world.variants), world.design.scenarios
    first = names[0]

    def joined(pick) -> np.ndarray:
        return np.concatenate([pick(block) for block in made])

    def summed(pick) -> np.ndarray:
        total = np.zeros_like(pick(made[0]), dtype="float64")
        for block in made:
            total += pick(block)
        return total

    details = [block.detail for block in made if block.detail is not None]
    return Outcome(
        world=world,
        sales=joined(lambda b: b.sales),
        attained=joined(lambda b: b.attained),
        pay={v: joined(lambda b, v=v: b.pay[v]) for v in names},
        moved={v: joined(lambda b, v=v: b.moved[v]) for v in names},
        block=np.repeat(np.arange(len(made)), [len(b.sales) for b in made]),
        seat_pay={v: summed(lambda b, v=v: b.seat_sum[v]) / count for v in names},
        better={v: summed(lambda b, v=v: b.better[v]) / count for v in names if v != first},
        parts={v: _parts([b.parts[v] for b in made], count) for v in names},
        detail=details[0].joined(details[1:]) if details else None,
        returned={v: joined(lambda b, v=v: b.returned[v]) for v in names},
    )


def _parts(sums: list[Mapping[tuple[str, str], float]], count: int) -> dict[tuple[str, str], float]:
    total: dict[tuple[str, str], float] = {}
    for block in sums:
        for key, value in block.items():
            total[key] = total.get(key, 0.0) + value
    return {key: value / count for key, value in total.items()}


def block_design(seed: int, scenarios: int, reps: int, **options) -> draws.Design:
    """A design whose blocks fit in memory for this many reps."""
    return draws.Design(seed, scenarios, block=draws.block_size(reps), **options)
