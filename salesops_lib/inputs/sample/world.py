"""What is asked for: seed, size and kind of company; and the random stream of each table.

The generator shares no code with the estimators. Days are whole numbers since 1970-01-01 until a table is
written.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np

from salesops_lib.core.errors import ParameterError, nearest


def day(text: str) -> int:
    """``2023-02-01`` as days since 1970-01-01."""
    return int(np.datetime64(text, "D").astype(int))


WARM_UP = day("2022-09-01")  # deals created from here; those closed before FIRST_DAY are not in the extract
FIRST_DAY = day("2023-02-01")
LAST_DAY = day("2025-12-12")
HORIZON = day("2026-01-31")  # deals are simulated to here and cut at LAST_DAY, so that the end is censored
REORGANISATION = day("2025-02-01")


@dataclass(frozen=True)
class World:
    """One company to be made. The switches break one assumption each; ``plain`` breaks none."""

    seed: int = 7
    scale: float = 1.0
    name: str = "plain"
    seasonal: bool = True
    win_drift: float = 0.0  # change of the win log-odds per year
    hole: tuple[int, int] | None = None  # wins closed in [start, end) are missing from the extract
    heavy_tail: bool = False  # Pareto amounts without a variance
    market_sd: float = 0.12  # shared shock of a quarter on the win log-odds
    history: bool = True
    tool_effect: bool = True
    source_effect: bool = True

    def stream(self, table: str) -> np.random.Generator:
        """The random stream of one table; adding a table moves no other."""
        return np.random.Generator(
            np.random.PCG64(np.random.SeedSequence([self.seed, zlib.crc32(table.encode())]))
        )

    @property
    def pods(self) -> int:
        """How many copies of the 48-seller organisation."""
        return max(1, round(self.scale))

    @property
    def density(self) -> float:
        """Deals and leads per seller relative to the default company."""
        return self.scale / self.pods


WORLDS: dict[str, dict] = {
    "plain": {},
    "no_seasonality": {"seasonal": False},
    "drift": {"win_drift": -0.6},
    "hole": {"hole": (day("2024-08-01"), day("2024-11-01"))},
    "heavy_tail": {"heavy_tail": True},
    "correlated": {"market_sd": 0.6},
    "no_history": {"history": False},
    "no_effects": {"tool_effect": False, "source_effect": False},
}


def world(seed: int = 7, scale: float = 1.0, name: str = "plain") -> World:
    """The world of a name, or a refusal that lists the names; ``scale`` from 0.05 up."""
    if name not in WORLDS:
        raise ParameterError(f"there is no sample world '{name}'. {nearest(name, WORLDS)}")
    if not 0.05 <= scale <= 1000:
        raise ParameterError(f"sample scale is {scale}; give a number between 0.05 and 1000")
    if not 0 <= seed < 2**63:
        raise ParameterError(f"sample seed is {seed}; give a whole number from 0 up")
    return replace(World(seed=seed, scale=scale, name=name), **WORLDS[name])
