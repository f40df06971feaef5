"""What of a running period's run rate is still to come: how much past periods booked after this day, and how
sure that is.

A whole period's forecast times the share that is left would take that share as certain, and the range would
shrink to nothing although quarters close early and late. Here both are uncertain: the whole, by the run
rate; and the share left, by how far each past period's lay from that of all together, as a new period's would
(:func:`stats.prediction_quantiles`, on a logarithmic scale where few tell). The two are independent where
deals are: what is booked late moves the whole and the share left alike, what is booked early apart.
"""

from __future__ import annotations

import numpy as np

from salesops_lib.core import stats
from salesops_lib.forecasting.bookings import History
from salesops_lib.forecasting.stacking import PROBABILITIES

_GRID = (np.arange(40) + 0.5) / 40  # equally likely values of the whole, and of the share left


def still_to_come(known: History, whole: np.ndarray) -> np.ndarray:
    """Quantiles of what each node books after the day.

    Parameters
    ----------
    known
        Of a period that has begun.
    whole
        Quantiles of the whole period, nodes × ``PROBABILITIES``, reporting currency; missing rows stay so.

    Returns
    -------
    ndarray
        The same shape: whole × share left × what a single period's share left was of that of all together.
        With fewer than two past periods to tell, the share left stands as it is.
    """
    made = np.full(whole.shape, np.nan)
    values = _at_grid(whole)
    for level in known.nodes["level"].unique():
        at = known.level(level)
        left = 1 - usual_share(known, at)
        factor = np.ones(1)
        misses = share_misses(known, at)
        if left > 0 and len(misses) >= 2:
            factor = _factors(misses, 1 / left)
        products = left * values[at][:, :, None] * factor
        made[at] = np.quantile(products.reshape(len(at), -1), PROBABILITIES, axis=1, method="hazen").T
    return made


def usual_share(known: History, at: np.ndarray) -> float:
    """Share of a period that past ones had booked by now, of nodes ``at`` together; within 0 and 1.

    0 where they booked nothing.
    """
    done, final = np.nansum(known.to_date[at]), np.nansum(known.final[at])
    return float(np.clip(done / final, 0, 1)) if final > 0 else 0.0


def share_misses(known: History, at: np.ndarray) -> np.ndarray:
    """Share left of each node (of ``at``) and past period ÷ that of all together; flat, in no unit.

    1 where a period left what periods usually leave. Only nodes that booked something count.
    """
    final, left = known.final[at], 1 - usual_share(known, at)
    own = 1 - np.divide(known.to_date[at], final, out=np.full(final.shape, np.nan), where=final > 0)
    return own[np.isfinite(own)] / left if left > 0 else np.zeros(0)


def _factors(misses: np.ndarray, most: float) -> np.ndarray:
    """Equally likely factors on the share left: of a new period, like the past ones."""
    if (misses > 0).all() and len(misses) < stats.EMPIRICAL_FROM:
        found = np.exp(np.minimum(stats.prediction_quantiles(np.log(misses), _GRID), np.log(most) + 9))
    else:
        found = np.maximum(stats.prediction_quantiles(misses, _GRID), min(0.0, misses.min()))
    return np.minimum(found, max(most, misses.max()))  # no more is left than the whole, unless it once was


def _at_grid(whole: np.ndarray) -> np.ndarray:
    """The whole at equally likely probabilities: straight between its quantiles on a normal scale, and on."""
    from scipy.special import ndtri

    at, asked = ndtri(PROBABILITIES), ndtri(_GRID)
    place = np.clip(np.searchsorted(at, asked) - 1, 0, len(at) - 2)
    part = (asked - at[place]) / (at[place + 1] - at[place])
    return whole[:, place] + (whole[:, place + 1] - whole[:, place]) * part
