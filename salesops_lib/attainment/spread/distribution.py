"""How attainment is spread over reps: participation, the empirical distribution, concentration."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core import stats

THRESHOLDS = (0.5, 0.8, 1.0, 1.2)
SMALL_GROUP = 8  # below it a group is shown as dots, never as a percentage


def judged_reps(table: pd.DataFrame, period: str) -> pd.DataFrame:
    """Reps of a period whose attainment is defined (a quota above zero), best first.

    ``table``: attainment of any periods. Returns its rows of level rep, sorted by ``attainment``.
    """
    rows = table[(table["level"] == "rep") & (table["period"] == period) & (table["status"] == "ok")]
    return rows.sort_values(["attainment", "holder_id"], ascending=[False, True]).reset_index(drop=True)


def participation(reps: pd.DataFrame, groups: tuple[str, ...] = (), level: float = 0.9) -> pd.DataFrame:
    """How many reps reached 50, 80, 100 and 120 % of quota: all, and by each column in ``groups``.

    Returns
    -------
    DataFrame
        ``grouping`` ("all" or the column), ``group``, ``threshold``, ``reps``, ``reached``, ``share`` with
        its Wilson range ``low``, ``high``; share and range are missing in groups under
        :data:`SMALL_GROUP`.
    """
    rows = []
    for grouping in ("all", *groups):
        named = reps.assign(group="all" if grouping == "all" else reps[grouping])
        for group, part in named.dropna(subset=["group"]).groupby("group"):
            for threshold in THRESHOLDS:
                rows.append(
                    _reached(part["attainment"], threshold, level) | {"grouping": grouping, "group": group}
                )
    columns = ["grouping", "group", "threshold", "reps", "reached", "share", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _reached(attainment: pd.Series, threshold: float, level: float) -> dict:
    n, reached = len(attainment), int((attainment >= threshold).sum())
    interval = stats.proportion_interval(reached, n, level) if n >= SMALL_GROUP else None
    return {
        "threshold": threshold,
        "reps": n,
        "reached": reached,
        "share": reached / n if interval else np.nan,
        "low": interval.low if interval else np.nan,
        "high": interval.high if interval else np.nan,
    }


def ecdf(attainment: pd.Series) -> pd.DataFrame:
    """Share of reps at or below each value: ``attainment`` sorted, ``share_at_or_below``."""
    values = np.sort(attainment.dropna().to_numpy(dtype="float64"))
    return pd.DataFrame(
        {"attainment": values, "share_at_or_below": np.arange(1, values.size + 1) / max(values.size, 1)}
    )


def concentration(reps: pd.DataFrame, *, level: float = 0.9, seed: int = 7) -> pd.DataFrame:
    """How much of the bookings few reps carry, with bootstrap ranges.

    ``reps``: rows with ``credited_base``, ``overlay_base`` and ``in_totals``; pure overlay holders and
    overlay credit are left out. Returns two rows, ``top_fifth_share`` and ``gini``: ``value``, ``low``,
    ``high``, ``reps``; missing where undefined (negative credit has no Gini) or reps are under
    :data:`SMALL_GROUP`.
    """
    own = pd.to_numeric(reps["credited_base"]) - pd.to_numeric(reps["overlay_base"])
    held = own[reps["in_totals"].astype(bool)].to_numpy(dtype="float64")
    rows = []
    for name, statistic in (("top_fifth_share", stats.top_share), ("gini", stats.gini)):
        value = float(statistic(held)) if held.size >= SMALL_GROUP else np.nan
        interval = None
        if np.isfinite(value):
            interval = stats.bootstrap_interval(held, statistic, level=level, seed=seed)
        low, high = (interval.low, interval.high) if interval else (np.nan, np.nan)
        rows.append({"statistic": name, "value": value, "low": low, "high": high, "reps": held.size})
    return pd.DataFrame(rows)
