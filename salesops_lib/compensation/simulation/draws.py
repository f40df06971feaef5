"""Random years of performance: seeded, and the same whatever the chunk, the workers or their order.

Numbers come from counter-based Philox generators. Each block of scenarios and each unit of reps has a counter
of its own, so a block can be drawn alone, anywhere, twice. The factor that all reps share is stratified over
the scenarios of a block: its mean over the year, which moves the total most, is spread evenly.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from salesops_lib.compensation.simulation.families import Family
from salesops_lib.compensation.simulation.performance import Structure
from salesops_lib.core.errors import ParameterError

BLOCK = 250  # scenarios drawn together; what a Monte Carlo error is taken over
UNIT = 32  # reps drawn together
CELLS = 4_000_000  # most reps × scenarios of a block, so that memory stays bounded
_SHARED, _SEGMENT = "shared", "segment"


@dataclass(frozen=True)
class Design:
    """What all draws have in common.

    ``seed``: any whole number ≥ 0. ``scenarios``: how many years. ``steps``: periods of a year (4).
    ``persistence``: share of the market's variance that stays all year, 0 to 1. ``segments``: how many
    segments share a factor. ``block``: scenarios of a block (:func:`block_size`).
    """

    seed: int
    scenarios: int
    steps: int = 4
    persistence: float = 0.0
    segments: int = 1
    block: int = BLOCK

    def __post_init__(self) -> None:
        if self.scenarios < 1 or self.seed < 0 or not 0 <= self.persistence <= 1:
            raise ParameterError(
                f"scenarios is {self.scenarios}, seed {self.seed}, persistence {self.persistence}; want at "
                f"least 1 scenario, a seed of 0 or more, a persistence from 0 to 1"
            )

    @property
    def blocks(self) -> int:
        """How many blocks; the last may be shorter."""
        return -(-self.scenarios // self.block)

    def size(self, block: int) -> int:
        """Scenarios in a block."""
        return min(self.block, self.scenarios - block * self.block)


@dataclass(frozen=True)
class Shared:
    """What reps share in a block: ``market`` (steps × n) and ``segments`` (segments × steps × n), normal;
    ``pick`` (steps × n), uniform: which past quarter a bootstrap takes."""

    market: np.ndarray
    segments: np.ndarray
    pick: np.ndarray


@dataclass(frozen=True)
class Stream:
    """How one measure of a group of reps varies.

    ``name``: what it is; its random numbers hang on it, so two streams of one name are the same draws.
    ``shape``: score to attainment. ``structure``: variance components, ``rho`` and ``rho_segment`` set.
    ``score``, ``score_sd``: each rep's lasting level and what is not known of it. ``segment``: each rep's
    segment number. ``steps``: periods of the year, a multiple of the design's.
    """

    name: str
    shape: Family
    structure: Structure
    score: np.ndarray
    score_sd: np.ndarray
    segment: np.ndarray
    steps: int

    def __len__(self) -> int:
        return len(self.score)


def block_size(reps: int) -> int:
    """Scenarios of a block: 250, fewer where reps are so many that a block would not fit."""
    return max(min(BLOCK, CELLS // max(reps, 1)), 10)


def generator(seed: int, name: str, block: int, unit: int = 0, *, part: int = 0) -> np.random.Generator:
    """The generator of one cell of the design: its counter says where it stands, its key what it is."""
    key = [seed % 2**64, zlib.crc32(name.encode())]
    return np.random.Generator(np.random.Philox(key=key, counter=[0, part, block, unit]))


def shared(design: Design, block: int) -> Shared:
    """The factors all reps share in a block.

    A period's market factor is standard normal and correlates with another period's by ``persistence``. Its
    mean over the year is stratified: scenario i of n takes it from the i-th of n equally likely bands.
    """
    from scipy.special import ndtri

    n, steps, keep = design.size(block), design.steps, design.persistence
    random = generator(design.seed, _SHARED, block)
    year = ndtri((np.arange(n) + random.random(n)) / n)
    wobble = random.standard_normal((steps, n))
    wobble -= wobble.mean(axis=0)
    market = np.sqrt(keep + (1 - keep) / steps) * year + np.sqrt(1 - keep) * wobble
    own = generator(design.seed, _SEGMENT, block)
    lasting = own.standard_normal((design.segments, 1, n))
    passing = own.standard_normal((design.segments, steps, n))
    segments = np.sqrt(keep) * lasting + np.sqrt(1 - keep) * passing
    pick = generator(design.seed, _SHARED, block, part=1).random((steps, n))
    return Shared(market.astype("float32"), segments.astype("float32"), pick)


def draw(design: Design, stream: Stream, factors: Shared, block: int, unit: int) -> np.ndarray:
    """Attainment of one unit of reps in one block: float32, steps × scenarios × reps.

    Reps ``unit * UNIT`` to ``unit * UNIT + UNIT - 1`` of the stream, as far as there are. Numbers are drawn
    rep after rep, so that a rep's do not depend on how many follow, and nobody's are drawn in vain.
    """
    n, first = design.size(block), unit * UNIT
    last = min(first + UNIT, len(stream))
    own = generator(design.seed, stream.name, block, unit).standard_normal(
        (last - first, stream.steps, n), dtype="float32"
    )
    parts, (factor, shift) = stream.structure, stream.shape.affine
    common = factor * np.sqrt(parts.passing * parts.rho)
    segment = factor * np.sqrt(parts.passing * parts.rho_segment)
    own *= np.float32(factor * np.sqrt(max(parts.passing * (1 - parts.rho - parts.rho_segment), 0.0)))
    repeat = stream.steps // design.steps
    if common > 0:
        own += np.repeat(np.float32(common) * factors.market, repeat, axis=0)
    if segment > 0:
        chosen = np.float32(segment) * factors.segments[stream.segment[first:last]]
        own += np.repeat(chosen, repeat, axis=1)
    spread = stream.score_sd[first:last]
    level = (factor * stream.score[first:last] + shift).astype("float32")[:, None]
    if spread.any():
        lasting = generator(design.seed, stream.name, block, unit, part=1)
        drawn = lasting.standard_normal((last - first, n), dtype="float32")
        level = level + drawn * (factor * spread).astype("float32")[:, None]
    own += level[:, None, :]
    return stream.shape.finish(np.ascontiguousarray(np.moveaxis(own, 0, -1)))


@dataclass(frozen=True)
class Bootstrap:
    """Whole past quarters: all reps take their own past of one quarter, which keeps what they share.

    ``past``: quarters × steps of a quarter × reps, NaN where the rep was not there; such a cell takes that
    of another rep in the same quarter.
    """

    name: str
    past: np.ndarray

    def __len__(self) -> int:
        return self.past.shape[2]


def resample(design: Design, source: Bootstrap, factors: Shared, block: int, unit: int) -> np.ndarray:
    """Attainment of one unit of reps in one block, taken from whole past quarters; as :func:`draw`."""
    n, first = design.size(block), unit * UNIT
    last = min(first + UNIT, len(source))
    quarters, per, reps = source.past.shape
    chosen = np.minimum((factors.pick * quarters).astype("int64"), quarters - 1)
    own = source.past[chosen][..., first:last]
    start = generator(design.seed, source.name, block, unit).integers(0, reps, (len(chosen), n, UNIT))
    there = np.isfinite(source.past).all(axis=1)
    order = np.argsort(~there, axis=1, kind="stable")
    count = np.maximum(there.sum(axis=1), 1)
    other = order[chosen[:, :, None], start[..., : last - first] % count[chosen][:, :, None]]
    lent = np.moveaxis(source.past[chosen[:, :, None], :, other], -1, 2)
    drawn = np.where(np.isfinite(own), own, np.where(np.isfinite(lent), lent, 0.0))
    return np.moveaxis(drawn, 2, 1).reshape(len(chosen) * per, n, last - first).astype("float32")


def units(reps: int) -> range:
    """Numbers of the units that hold this many reps."""
    return range(-(-reps // UNIT))
