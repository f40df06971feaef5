"""Two groups alike in a third thing: whether a difference stands within strata, or turns around (Simpson)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from salesops_lib.core.logit import dummies, odds_ratio
from salesops_lib.leads.audit import known_at_creation
from salesops_lib.leads.lifecycle import labels

MOST_LEVELS, MOST_COLUMNS, MOST_SOURCES = 20, 5, 12
MIN_LEADS = 30
MIN_ARM = 100


@dataclass(frozen=True)
class Alike:
    """Odds ratio of one group of leads against the others, ``crude`` and ``adjusted`` for the columns
    ``adjusted_for``, with their ranges; all missing where ``why`` says so. An association, no effect."""

    crude: float = np.nan
    crude_low: float = np.nan
    crude_high: float = np.nan
    adjusted: float = np.nan
    low: float = np.nan
    high: float = np.nan
    adjusted_for: tuple[str, ...] = ()
    why: str = ""


def alike(
    leads: pd.DataFrame,
    mine: pd.Series,
    hit: pd.Series,
    said: str,
    *,
    ignore: tuple[str, ...] = (),
    level: float = 0.9,
) -> Alike:
    """Odds of ``hit`` where ``mine``, against the other leads, alike in what was known when they came in.

    Parameters
    ----------
    leads
        ``created_at`` and columns to adjust for, but those of ``ignore``.
    mine, hit
        True or False, same index.
    said
        The sizes of both groups in words, for the reason.

    Returns
    -------
    Alike
        Missing with a reason under 100 leads in a group, or where all or none converted.
    """
    if min(int(mine.sum()), int((~mine).sum())) < MIN_ARM:
        return Alike(why=f"{said}; {MIN_ARM} of each needed")
    if not 0 < hit.sum() < len(hit):
        return Alike(why="all or none of the leads converted")
    names = [c for c in known_at_creation(leads, leads["created_at"]) if c not in ignore]
    crude = odds_ratio(pd.DataFrame(index=leads.index), mine, hit, level)
    adjusted = odds_ratio(dummies(leads[names]), mine, hit, level)
    if adjusted is None or crude is None:
        return Alike(why="the adjusted model does not converge")
    return Alike(*crude, *adjusted, adjusted_for=tuple(names))


def source_strata(
    leads: pd.DataFrame, converted: pd.Series, by: str = "source", *, level: float = 0.9
) -> pd.DataFrame:
    """Each source against all others, within the values of what was known when a lead came in.

    Parameters
    ----------
    leads
        ``created_at``, ``by``, and columns to compare within: texts of 2 to 20 values, five at most.
    converted
        True or False, missing where not known yet; same index.

    Returns
    -------
    DataFrame
        ``source``, ``column``, ``crude``, ``adjusted`` odds ratio with ``low``, ``high``, ``reversed``. The
        12 largest sources with 30 leads or more. Empty with one source.
    """
    ripe = converted.notna()
    frame = leads[ripe].assign(hit=converted[ripe].astype(bool))
    columns = ["source", "column", "crude", "adjusted", "low", "high", "reversed"]
    if by not in frame or frame.empty:
        return pd.DataFrame(columns=columns)
    group = labels(frame[by])
    sizes = group.value_counts()
    names = [n for n in sizes.index if sizes[n] >= MIN_LEADS and sizes[n] < len(frame)][:MOST_SOURCES]
    rows = []
    for column in _alike(frame, by):
        cells = pd.DataFrame({"stratum": labels(frame[column]), "hit": frame["hit"]})
        for name in names:
            counted = cells.assign(mine=group == name).value_counts().rename("count").reset_index()
            found = stratified(counted, "mine", "hit", "stratum", first=True, level=level)
            if np.isfinite(found.low):
                rows.append(
                    (name, column, found.crude, found.adjusted, found.low, found.high, found.reversed_)
                )
    return pd.DataFrame(rows, columns=columns)


def _alike(frame: pd.DataFrame, by: str) -> list[str]:
    texts = [
        c
        for c in known_at_creation(frame, frame["created_at"])
        if c not in {by, "campaign_id", "hit"}
        and not pd.api.types.is_numeric_dtype(frame[c])
        and 2 <= frame[c].nunique(dropna=False) <= MOST_LEVELS
    ]
    return texts[:MOST_COLUMNS]


@dataclass(frozen=True)
class Stratified:
    """Two groups compared as a whole and within strata.

    ``crude``, ``adjusted``: odds ratios of the first group against the second; ``low``, ``high`` of the
    adjusted one; ``strata``: those with both groups; ``reversed_``: the two stand on opposite sides of 1 and
    the adjusted interval does not hold the crude one.
    """

    crude: float
    adjusted: float
    low: float
    high: float
    strata: int
    reversed_: bool


def stratified(
    frame: pd.DataFrame, group: str, outcome: str, stratum: str, *, first=None, level: float = 0.9
) -> Stratified:
    """Simpson's check: does the difference of two groups survive within strata?

    Parameters
    ----------
    frame
        One row per case, or per cell with a column ``count``.
    group
        A column of two values; ``first`` names the one the odds ratio is of (default: the lower in order).
    outcome
        True or 1 where it happened.
    stratum
        What might be behind the difference.

    Returns
    -------
    Stratified

    Raises
    ------
    ValueError
        If ``group`` has not exactly two values.

    Source: Mantel and Haenszel (1959); interval of Robins, Breslow and Greenland (1986).
    """
    from scipy.special import ndtri

    values = sorted(frame[group].dropna().unique(), key=str)
    if len(values) != 2:
        raise ValueError(f"column {group} has {len(values)} values; a stratified comparison needs two")
    first = values[0] if first is None else first
    weight = frame["count"] if "count" in frame else pd.Series(1.0, index=frame.index)
    key = (frame[group] == first).map({True: "x", False: "y"}) + frame[outcome].astype(bool).map(
        {True: "1", False: "0"}
    )
    counted = pd.DataFrame({"stratum": frame[stratum], "cell": key, "weight": weight})
    cells = counted.pivot_table(
        index="stratum", columns="cell", values="weight", aggfunc="sum", fill_value=0.0
    )
    cells = cells.reindex(columns=["x1", "x0", "y1", "y0"], fill_value=0.0).astype("float64")
    a, b, c, d = (cells[n].to_numpy() for n in ("x1", "x0", "y1", "y0"))
    both = (a + b > 0) & (c + d > 0)
    crude = _ratio(a.sum() * d.sum(), b.sum() * c.sum())
    a, b, c, d = a[both], b[both], c[both], d[both]
    total = a + b + c + d
    r, s = a * d / total, b * c / total
    adjusted = _ratio(r.sum(), s.sum())
    if not np.isfinite(adjusted) or adjusted <= 0:
        return Stratified(crude, adjusted, np.nan, np.nan, int(both.sum()), False)
    p, q = (a + d) / total, (b + c) / total
    variance = (
        (p * r).sum() / (2 * r.sum() ** 2)
        + (p * s + q * r).sum() / (2 * r.sum() * s.sum())
        + (q * s).sum() / (2 * s.sum() ** 2)
    )
    half = float(ndtri((1 + level) / 2)) * np.sqrt(variance)
    low, high = adjusted * np.exp(-half), adjusted * np.exp(half)
    turned = (crude - 1) * (adjusted - 1) < 0 and not low <= crude <= high
    return Stratified(crude, adjusted, float(low), float(high), int(both.sum()), bool(turned))


def _ratio(over: float, under: float) -> float:
    return float(over / under) if under > 0 else float("nan")
