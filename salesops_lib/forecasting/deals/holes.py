"""Months in which the extract holds no wins although there must have been some: a hole, not a bad month."""

from __future__ import annotations

import numpy as np

from salesops_lib.forecasting.deals.panel import Cells, Paths

USUAL = 8  # wins in a usual month, from which a month with hardly any is a hole
LEAST = 0.05  # of the usual month


def holes_of(paths: Paths, cells: Cells, day: int) -> tuple[np.ndarray, list[str]]:
    """Cells that touch a hole, as known on a day, and a sentence for each hole; also one if closes stopped.

    A month of the calendar is a hole if it lies between the first and the last month with a win and has under
    :data:`LEAST` of the median month, which is :data:`USUAL` wins at least.
    """
    won = paths.day[(paths.outcome == 1) & (paths.day <= day)]
    if not len(won):
        return np.array([], dtype="int64"), []
    months = won.astype("datetime64[D]").astype("datetime64[M]").astype("int64")
    count = np.bincount(months - months.min())
    usual = float(np.median(count))
    if usual < USUAL:
        return np.array([], dtype="int64"), []
    found, said = [], []
    begun = int(np.flatnonzero(count >= usual / 2)[0])  # before it the data only starts
    empty = begun + np.flatnonzero(count[begun:] <= LEAST * usual)
    for run in np.split(empty, np.flatnonzero(np.diff(empty) > 1) + 1):
        if not len(run):
            continue
        first, last = (
            np.datetime64(int(months.min() + at), "M").astype("datetime64[D]") for at in (run[0], run[-1] + 1)
        )
        low, high = first.astype("int64"), last.astype("int64") - 1
        found.append(np.arange(cells.of(np.array([low]))[0], cells.of(np.array([high]))[0] + 1))
        said.append(
            f"no wins from {first} to {last - 1}, {usual:.0f} in a usual month: taken as a hole in the "
            f"extract and left out of the fit"
        )
    silent = day - int(paths.day[(paths.outcome >= 1) & (paths.day <= day)].max())
    if silent > 30:
        said.append(f"no deal was closed in the last {silent} days: the extract may end before this day")
    return np.concatenate(found) if found else np.array([], dtype="int64"), said
