"""The run-rate engine: what past bookings alone say of the next periods, for one series or thousands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from salesops_lib.core.errors import ParameterError
from salesops_lib.forecasting.series.conformal import scores_of, widths
from salesops_lib.forecasting.series.grid import Series, Steps, checked, laid
from salesops_lib.forecasting.series.origins import FEWEST, MOST, Outcome, outcomes

BLOCK = 64  # series per task
DECILES = tuple(round(0.05 * k, 2) for k in range(1, 20))


def forecast(
    series: pd.DataFrame,
    horizon: int,
    season_length: int,
    levels: Sequence[float] = (80, 95),
    seed: int = 7,
    jobs: int | None = None,
    *,
    gaps: str = "missing",
) -> pd.DataFrame:
    """Median and central ranges of the next steps of every series.

    The median of four models on the seasonally adjusted series; ranges from the errors of past forecasts of
    all series (`quantiles` says how, and which method each series got).

    Parameters
    ----------
    series
        One row per series and step: ``unique_id``, ``ds`` (date or integer), ``y`` (one unit, missing where
        unknown), in any order.
    horizon, season_length
        Steps ahead; steps of a season (4 for quarters, 12 for months, 1 for none).
    levels
        Percent inside each range.
    seed
        Kept for the interface: nothing in the method is random, every seed gives the same.
    jobs
        Processes, as joblib takes them; ``None``: one, or what ``joblib.parallel_config`` says, which also
        takes the same call to a cluster (``backend="dask"``). The result does not depend on it.
    gaps
        What a step without a row is, see `quantiles`.

    Returns
    -------
    DataFrame
        ``unique_id``, ``ds``, ``median``, then ``lo-80``, ``hi-80`` per level, sorted by series and step, in
        the unit of ``y``.

    Raises
    ------
    TableError, ParameterError
        As `quantiles`.
    """
    for level in levels:
        if not 0 < level < 100:
            raise ParameterError(f"levels has {level}; give percents between 0 and 100")
    shares = [0.5] + [s for level in levels for s in (0.5 - level / 200, 0.5 + level / 200)]
    names = ["median"] + [f"{end}-{level:g}" for level in levels for end in ("lo", "hi")]
    long = quantiles(series, horizon, season_length, shares, seed, jobs, gaps=gaps)
    values = long["value"].to_numpy().reshape(-1, len(shares))
    frame = long.iloc[:: len(shares)][["unique_id", "ds"]].reset_index(drop=True)
    return frame.assign(**dict(zip(names, values.T, strict=True)))


def quantiles(
    series: pd.DataFrame,
    horizon: int,
    season_length: int,
    probabilities: Sequence[float] = DECILES,
    seed: int = 7,
    jobs: int | None = None,
    *,
    gaps: str = "missing",
) -> pd.DataFrame:
    """Quantiles of the next steps of every series, and the method each series got.

    The median depends on the series alone. Around it stands, on either side, the width that held a share
    |2p − 1| of the errors of past forecasts of *all* series of the call, in units of each series' own scale:
    another series changes the others' ranges through that pool and nothing else. Where no past value of a
    series is negative no quantile is. The range never narrows with the horizon.

    Parameters
    ----------
    series, horizon, season_length, seed, jobs
        As `forecast`.
    probabilities
        Each between 0 and 1, ends excluded.
    gaps
        What a step without a row is: ``missing`` (unknown: the models see it interpolated, no error is judged
        there, the method says how many), ``zero`` (nothing was booked), ``refuse`` (an error that names the
        first). A row with a missing ``y`` is unknown under each of them.

    Returns
    -------
    DataFrame
        ``unique_id``, ``ds``, ``probability``, ``value`` (unit of ``y``), ``method``; sorted by series and
        step, probabilities in the order asked. ``method`` is ``median of 4 models`` or the fall-back: ``last
        value``, ``constant``, ``recent values``, ``none``, with its reason; ``value`` is missing where it is
        undefined.

    Raises
    ------
    TableError
        For a missing column, an empty id or date, text or infinity in ``y``, two rows of one step, or a gap
        that is to be refused; names the first.
    ParameterError
        For a horizon or season below 1, a probability outside (0, 1), an unknown ``gaps``.

    Source: playbooks/how-to/analytics/forecast-the-quarter.md; FORECASTING.md, engine 1.
    """
    asked = np.asarray(probabilities, dtype="float64")
    _refuse(horizon, season_length, asked)
    table = checked(series)
    panel, steps = laid(table, season_length, gaps)
    found = _outcomes(panel, horizon, season_length, jobs)
    pool = scores_of([o.errors for o in found], [o.back for o in found])
    levels, row = np.unique(np.abs(2 * asked - 1).round(12), return_inverse=True)
    reach = widths(pool, levels, max((o.ahead for o in found), default=horizon), season_length)
    values = [_values(o, asked, reach[row], horizon) for o in found]
    n, each = len(found), len(asked)
    return pd.DataFrame(
        {
            "unique_id": _repeated([o.key for o in found], table["unique_id"].dtype, horizon * each),
            "ds": np.repeat(_dates_ahead(found, steps, table["ds"].to_numpy().dtype, horizon), each),
            "probability": np.tile(asked, n * horizon),
            "value": np.concatenate([v.ravel() for v in values]) if n else np.zeros(0),
            "method": _repeated([o.method for o in found], "object", horizon * each),
        }
    )


def _refuse(horizon: int, season_length: int, probabilities: np.ndarray) -> None:
    for name, value in (("horizon", horizon), ("season_length", season_length)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < 1:
            raise ParameterError(f"{name} is {value!r}; give a whole number of steps, 1 or more")
    odd = ~((probabilities > 0) & (probabilities < 1))
    if odd.any():
        raise ParameterError(f"probabilities has {probabilities[odd][0]:g}; give shares between 0 and 1")


def _outcomes(panel: list[Series], horizon: int, season_length: int, jobs: int | None) -> list[Outcome]:
    """Every series' own part, in blocks that joblib may send anywhere."""
    from joblib import Parallel, delayed

    count = int(np.clip(MOST // max(len(panel), 1), FEWEST, MOST))
    size = max(1, min(BLOCK, -(-len(panel) // 8)))
    blocks = [panel[at : at + size] for at in range(0, len(panel), size)]
    made = Parallel(n_jobs=jobs)(delayed(outcomes)(block, horizon, season_length, count) for block in blocks)
    return [outcome for block in made for outcome in block]


def _values(outcome: Outcome, probabilities: np.ndarray, reach: np.ndarray, horizon: int) -> np.ndarray:
    """(step, probability): the quantiles of one series over the horizon."""
    if outcome.fit is None:
        found = outcome.fallback.quantiles(probabilities, outcome.ahead)
        found = np.maximum(found, 0) if outcome.bound else found
        return found[:, -horizon:].T
    median = outcome.fit.median
    half = np.maximum.accumulate(reach[:, : outcome.ahead] * outcome.fit.scale, axis=1)
    low, high = median - half, median + half
    if outcome.bound:  # cut at 0, and given back above so that the range does not narrow
        median, low = np.maximum(median, 0), np.maximum(low, 0)
        high = low + np.maximum.accumulate(np.maximum(high, median) - low, axis=1)
    side = probabilities[:, None]
    found = np.where(side < 0.5, low, np.where(side > 0.5, high, median))
    return found[:, -horizon:].T


def _dates_ahead(found: list[Outcome], steps: Steps, kind: np.dtype, horizon: int) -> np.ndarray:
    first = np.array([o.first for o in found], dtype=kind)
    number = np.array([o.length for o in found], dtype=int)[:, None] + np.arange(horizon)
    return steps.after(np.repeat(first, horizon), number.ravel())


def _repeated(values: list, kind: object, times: int) -> pd.Series:
    return pd.Series(values, dtype=kind).repeat(times).reset_index(drop=True)
