"""Does answering fast make leads convert? What the past can say, labelled for what it is, and the test that
can.

Good leads are answered first, so the crude odds ratio mixes speed with quality. Adjusting for what is known
at creation takes part of that away and never all: the result is an association. Only a randomised test gives
an effect.

The clock starts when the lead came in, for every lead. Counted from its qualification, a touch before that
would be an answer in 0 minutes that only those who got on could have had.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.leads.strata import alike


@dataclass(frozen=True)
class SpeedEffect:
    """Odds of converting when answered within ``fast_minutes``, against later, as in ``strata.Alike``.

    ``crude`` and ``adjusted`` odds ratios with their intervals; ``adjusted_for``: columns; ``n``, ``fast``:
    leads touched, of them fast; ``why``: where nothing can be said.
    """

    fast_minutes: float
    n: int
    fast: int
    crude: float = np.nan
    crude_low: float = np.nan
    crude_high: float = np.nan
    adjusted: float = np.nan
    low: float = np.nan
    high: float = np.nan
    adjusted_for: tuple[str, ...] = ()
    why: str = ""
    label: str = "an association among leads that were touched, not an effect"


def speed_effect(
    answers: pd.DataFrame, converted: pd.Series, *, fast_minutes: float = 60.0, level: float = 0.9
) -> SpeedEffect:
    """Odds ratio of a fast answer, crude and adjusted for what is known when a lead comes in.

    Parameters
    ----------
    answers
        Matured leads of :func:`response.answered`, with ``from_creation``; untouched ones are left out, since
        nobody decided how fast to answer them.
    converted
        Whether each converted within the horizon, same index.
    fast_minutes
        Open minutes up to which an answer is fast.

    Returns
    -------
    SpeedEffect
        Missing with a reason under 100 leads an arm, or where all or none converted.
    """
    touched = answers[answers["from_creation"].notna()]
    hit = converted.reindex(touched.index).astype(bool)
    quick = touched["from_creation"] <= fast_minutes
    fast = int(quick.sum())
    said = f"{fast} leads answered fast and {len(touched) - fast} later"
    found = alike(touched, quick, hit, said, level=level)
    return SpeedEffect(fast_minutes, len(touched), fast, **vars(found))


def sample_size(base: float, lift: float = 0.02, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Leads needed in each arm of a randomised test to find ``base`` → ``base + lift``.

    Raises ValueError where either rate leaves 0 to 1. Source: normal approximation, Fleiss (1981).
    """
    from scipy.special import ndtri

    other = base + lift
    if not (0 < base < 1 and 0 < other < 1):
        raise ValueError(f"rates {base} and {other} have to lie between 0 and 1")
    middle = (base + other) / 2
    a, b = ndtri(1 - alpha / 2), ndtri(power)
    spread = a * np.sqrt(2 * middle * (1 - middle)) + b * np.sqrt(base * (1 - base) + other * (1 - other))
    return int(np.ceil((spread / lift) ** 2))
