"""The payout kernel and the simulation as ratios in one process: 1,000 reps × 10,000 years × 3 components.

The kernel is the compiled one of the extra `fast`, once compiled: a run of this size would not pay for the
compiler (`compiled.WORTH`), a dozen times as many reps or years do. ``numpy_seconds`` is the same without it,
bit for bit: it passes over a tile three times a knot and writes every payout, where the floor reads once. A
product of linear algebra took three quarters of that and is not used: its bits hang on the build of the
library. Tried besides: tiles of 4 to 32 thousand, rows of knots against numbers, `matmul`, Fortran order.
"""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pandas as pd

from salesops_lib.compensation.plans import curves
from salesops_lib.compensation.simulation import compiled, draws, kernel
from salesops_lib.compensation.simulation.draws import Design, Stream
from salesops_lib.compensation.simulation.families import Family
from salesops_lib.compensation.simulation.performance import Structure

REPS, SCENARIOS, COMPONENTS, TURNS = 1_000, 10_000, 3, 5
SAMPLE = 20_000  # rows that DataFrame.apply is timed on; its time is extrapolated to all
TIERS = [("0", "0.75"), ("0.5", "1.25"), ("1", "2"), ("1.5", "3"), ("2.25", "0")]
"""Four tiers, and a cap from 225 % on."""


def measure(reps: int = REPS, scenarios: int = SCENARIOS) -> list[dict[str, str | float]]:
    """Four ratios with their bounds; floors are taken in turns with what is measured, best of each."""
    curve = curves.marginal([(Fraction(x), Fraction(y)) for x, y in TIERS])
    hinges, scratch, numpy_only = kernel.hinges(curve), kernel.Scratch(compiled.WORTH), kernel.Scratch()
    attained = np.random.default_rng(7).lognormal(-0.08, 0.4, (COMPONENTS, scenarios, reps)).astype("float32")
    out = np.empty(attained.shape[1:], "float32")

    def pay(scratch: kernel.Scratch = scratch) -> None:
        for part in attained:
            kernel.pay(hinges, part, out, scratch)

    def read() -> None:
        for part in attained:
            part.sum()

    pay()  # compiles
    paid, floor = _in_turns(pay, read)
    plain, _ = _in_turns(lambda: pay(numpy_only), read)
    by_row = _apply_seconds(curve, attained) * (scenarios * reps / SAMPLE)
    made, alone = _in_turns(
        lambda: _run(hinges, scratch, reps, scenarios), lambda: _numbers(reps, scenarios), turns=2
    )
    more = _run(hinges, scratch, reps, scenarios, twice=True)
    kernel_row = _row("comp_payout_kernel_over_reading_its_input", paid / floor, 2.0, paid, floor)
    return [
        kernel_row | {"numpy_seconds": round(plain, 3)},
        _row("comp_generate_and_pay_over_random_numbers", made / alone, 1.5, made, alone),
        _row("comp_kernel_over_apply_extrapolated_x5000", 5_000 * paid / by_row, 1.0, paid, by_row),
        _row("comp_one_more_plan_over_first_run_x20", 20 * more / made, 1.0, more, made),
    ]


def _row(name: str, ratio: float, bound: float, seconds: float, floor: float) -> dict[str, str | float]:
    made = {"name": name, "ratio": round(ratio, 2), "bound": bound, "seconds": round(seconds, 3)}
    return made | {"floor_seconds": round(floor, 3)}


def _in_turns(work, floor, turns: int = TURNS) -> tuple[float, float]:
    """Best times of two things run in turns, so that a busier moment does not meet one of them alone."""
    pairs = [(_cpu(work), _cpu(floor)) for _ in range(turns)]
    return min(p[0] for p in pairs), min(p[1] for p in pairs)


def _cpu(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _streams(reps: int) -> list[Stream]:
    none = np.zeros(reps)
    parts = Structure(1.0, 0.0, 0.3, 0.0, 0.3, 0.3, 12)
    family = Family.lognormal(1.0, 0.4)
    return [
        Stream(f"measure {k}", family, parts, none, none, none.astype("int64"), 4) for k in range(COMPONENTS)
    ]


def _run(hinges, scratch: kernel.Scratch, reps: int, scenarios: int, *, twice: bool = False) -> float:
    """Draw three measures by quarter and pay them by year, block by block.

    ``twice``: pay a second plan on the same draws; returns the seconds of that alone.
    """
    design = Design(7, scenarios, block=draws.block_size(reps))
    streams, more = _streams(reps), 0.0
    for block in range(design.blocks):
        shared = draws.shared(design, block)
        for unit in draws.units(reps):
            for stream in streams:
                year = draws.draw(design, stream, shared, block, unit).sum(axis=0)
                year *= np.float32(0.25)
                kernel.pay(hinges, year, np.empty_like(year), scratch).sum(axis=1)
                if twice:
                    start = time.process_time()
                    kernel.pay(hinges, year, np.empty_like(year), scratch).sum(axis=1)
                    more += time.process_time() - start
    return more


def _numbers(reps: int, scenarios: int) -> None:
    """The random numbers of :func:`_run` and nothing else, from the same generators."""
    design = Design(7, scenarios, block=draws.block_size(reps))
    for block in range(design.blocks):
        for unit in draws.units(reps):
            shape = (min(draws.UNIT, reps - unit * draws.UNIT), 4, design.size(block))
            for stream in range(COMPONENTS):
                random = draws.generator(7, f"measure {stream}", block, unit)
                random.standard_normal(shape, dtype="float32")


def _apply_seconds(curve, attained: np.ndarray) -> float:
    """What a sample of rows takes row by row: three components a row."""
    frame = pd.DataFrame(
        attained[:, : SAMPLE // attained.shape[2], :].reshape(COMPONENTS, -1).T.astype("float64")
    )
    rates = [float(s) for s in curve.slopes]
    edges = [*(float(k) for k in curve.knots), float("inf")]

    def row_pay(row) -> float:
        return sum(
            rate * max(min(x, high) - low, 0.0)
            for x in row
            for rate, low, high in zip(rates, edges, edges[1:], strict=False)
        )

    return _cpu(lambda: frame.apply(row_pay, axis=1))


if __name__ == "__main__":
    for result in measure():
        print(result)
