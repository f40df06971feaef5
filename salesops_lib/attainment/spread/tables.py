"""The distribution of attainment as tables: histogram and empirical distribution, all and by group."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.attainment.spread.distribution import SMALL_GROUP, ecdf

STEP = 0.2  # width of a bar, share of quota
LAST = 2.0  # from here on one open bar
GROUPINGS = ("role", "tenure", "segment", "region", "team")


def grouped(reps: pd.DataFrame, groupings: tuple[str, ...] = GROUPINGS):
    """Pairs of (grouping, group) and the reps in it: all, then each value of each column that is there."""
    if len(reps):
        yield ("all", "all"), reps
    for grouping in groupings:
        if grouping in reps:
            for group, part in reps.dropna(subset=[grouping]).groupby(grouping):
                yield (grouping, str(group)), part


def histogram(reps: pd.DataFrame, groupings: tuple[str, ...] = GROUPINGS) -> pd.DataFrame:
    """Reps by attainment in steps of 20 points, the last from 200 % on; a first one below 0 where needed.

    ``reps``: :func:`distribution.judged_reps`, with the columns to group by. Returns ``grouping``, ``group``,
    ``attained_from`` (missing: below 0), ``attained_to`` (missing: no end), ``reps``. Every bar of a group
    stands, with 0 where empty, so that bars add up to the group.
    """
    edges = np.round(np.arange(0, LAST + STEP / 2, STEP), 2)
    rows = []
    for (grouping, group), part in grouped(reps, groupings):
        values = part["attainment"].to_numpy(dtype="float64")
        # 0.6 ÷ 0.2 is 2.9999…: a rep exactly on an edge belongs to the bar it opens
        at = np.searchsorted(edges, values + 1e-12, side="right") - 1
        counts = np.bincount(at[at >= 0], minlength=len(edges))
        if (at < 0).any():
            rows.append((grouping, group, np.nan, 0.0, int((at < 0).sum())))
        ends = [*edges[1:], np.nan]
        rows += [
            (grouping, group, low, high, int(n)) for low, high, n in zip(edges, ends, counts, strict=True)
        ]
    return pd.DataFrame(rows, columns=["grouping", "group", "attained_from", "attained_to", "reps"])


def ecdf_rows(reps: pd.DataFrame, groupings: tuple[str, ...] = GROUPINGS) -> pd.DataFrame:
    """The empirical distribution of each group: one row per rep, lowest first.

    Returns ``grouping``, ``group``, ``position`` (1 is the lowest), ``reps``, ``attainment``,
    ``share_at_or_below`` (missing in groups under :data:`SMALL_GROUP`, which are dots).
    """
    parts = []
    for (grouping, group), part in grouped(reps, groupings):
        line = ecdf(part["attainment"])
        line = line.assign(grouping=grouping, group=group, position=range(1, len(line) + 1), reps=len(line))
        if len(line) < SMALL_GROUP:
            line["share_at_or_below"] = np.nan
        parts.append(line)
    columns = ["grouping", "group", "position", "reps", "attainment", "share_at_or_below"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
