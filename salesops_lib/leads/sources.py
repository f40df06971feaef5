"""Sources, campaigns, pages, owners compared: small ones shrunk, many tests corrected, mix told from rate."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.families import step_up
from salesops_lib.core.shares import difference
from salesops_lib.leads.funnels import HORIZON_DAYS, RATE, conversion_at_age

MIN_GROUPS = 3
COMPARED = [
    *RATE,
    "rest_share",
    "gap",
    "gap_low",
    "gap_high",
    "q",
    "shrunk",
    "shrunk_low",
    "shrunk_high",
    "p_below",
]


def compare(
    leads: pd.DataFrame,
    as_of,
    by: str,
    *,
    event_at: str = "sql_at",
    horizon_days: float = HORIZON_DAYS,
    level: float = 0.9,
) -> pd.DataFrame:
    """Groups of leads by conversion at a fixed age, each against all the others.

    Returns
    -------
    DataFrame
        ``by`` and the columns of :func:`funnels.conversion_at_age`; then ``rest_share`` (conversion of the
        other groups), ``gap`` (share − rest) with its Newcombe interval, ``q`` (Benjamini–Hochberg over the
        groups judged), ``shrunk`` with its interval (beta-binomial empirical Bayes) and ``p_below`` (chance
        that the group is truly below the overall rate). Missing where the group is insufficient. Ordered by
        the shrunk rate, highest first; insufficient groups last.
    """
    table = conversion_at_age(leads, as_of, event_at=event_at, horizon_days=horizon_days, by=by, level=level)
    judged = table["maturity"].isin(["mature", "provisional"]).to_numpy()
    n, hits = table["n"].to_numpy("int64"), table["events"].to_numpy("int64")
    rest_n, rest_hits = n.sum() - n, hits.sum() - hits
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = np.where(rest_n > 0, rest_hits / rest_n, np.nan)
    gaps = [
        difference(hits[i], n[i], rest_hits[i], rest_n[i], level)
        if judged[i] and rest_n[i]
        else (np.nan,) * 4
        for i in range(len(table))
    ]
    gap, low, high, chance = (
        (np.array(v, dtype="float64") for v in zip(*gaps, strict=True)) if gaps else ([],) * 4
    )
    made = table.assign(rest_share=rest, gap=gap, gap_low=low, gap_high=high)
    tested = np.isfinite(chance) if len(made) else np.array([], dtype=bool)
    made["q"] = np.nan
    made.loc[tested, "q"] = step_up(np.asarray(chance)[tested])
    shrunk = shrunk_rates(hits, n, level)
    for name in ("shrunk", "shrunk_low", "shrunk_high", "p_below"):
        made[name] = shrunk[name].where(n > 0).to_numpy()
    made.loc[~judged, ["rest_share", "gap", "gap_low", "gap_high"]] = np.nan
    made["_last"] = ~judged
    made = made.sort_values(["_last", "shrunk", by], ascending=[True, False, True], ignore_index=True)
    return made.drop(columns="_last").reindex(columns=[by, *COMPARED])


def shrunk_rates(events, n, level: float = 0.9) -> pd.DataFrame:
    """Rates of many groups drawn towards the overall one, the smaller the more.

    Parameters
    ----------
    events, n
        One count per group, ``events`` ≤ ``n``.

    Returns
    -------
    DataFrame
        ``shrunk`` (posterior mean), ``shrunk_low``, ``shrunk_high``, ``p_below`` (posterior probability of
        lying below the overall rate), ``weight`` (how much of its own rate a group keeps). Missing where
        there are under three groups with rows, or no events or nothing but events.

    Source: beta-binomial empirical Bayes, Efron and Morris (1975); α and β by maximum likelihood.
    """
    from scipy.special import betainc, betaincinv

    hits, size = np.asarray(events, "float64"), np.asarray(n, "float64")
    columns = ["shrunk", "shrunk_low", "shrunk_high", "p_below", "weight"]
    used = size > 0
    if used.sum() < MIN_GROUPS or not 0 < hits[used].sum() < size[used].sum():
        return pd.DataFrame(np.nan, index=range(len(size)), columns=columns)
    mean, strength = _prior(hits[used], size[used])
    a, b = hits + mean * strength, size - hits + (1 - mean) * strength
    overall = hits.sum() / size.sum()
    tail = (1 - level) / 2
    made = {
        "shrunk": a / (a + b),
        "shrunk_low": betaincinv(a, b, tail),
        "shrunk_high": betaincinv(a, b, 1 - tail),
        "p_below": betainc(a, b, overall),
        "weight": size / (size + strength),
    }
    return pd.DataFrame(made)


def _prior(hits: np.ndarray, size: np.ndarray) -> tuple[float, float]:
    """Mean and strength (leads' worth) of the beta that the groups' rates come from."""
    from scipy.optimize import minimize
    from scipy.special import betaln, expit, logit

    overall = hits.sum() / size.sum()

    def loss(theta: np.ndarray) -> float:
        mean, strength = expit(theta[0]), np.exp(theta[1])
        a, b = mean * strength, (1 - mean) * strength
        return -float((betaln(hits + a, size - hits + b) - betaln(a, b)).sum())

    found = minimize(
        loss,
        [logit(overall), np.log(50.0)],
        method="L-BFGS-B",
        bounds=[(-12, 12), (np.log(0.5), np.log(1e5))],
    )
    return float(expit(found.x[0])), float(np.exp(found.x[1]))


def decompose_change(before: pd.DataFrame, after: pd.DataFrame, by: str) -> pd.DataFrame:
    """A change of the overall rate split into mix (who came) and rate (how they converted), group by group.

    Parameters
    ----------
    before, after
        ``by``, ``n``, ``events``: one row per group, matured leads only.

    Returns
    -------
    DataFrame
        ``by``, ``mix``, ``rate`` (in rate points), ``share_before``, ``share_after`` (of leads),
        ``rate_before``, ``rate_after``. Σ mix + Σ rate is the change of the overall rate, exactly. A group
        that is on one side only counts as mix.

    Source: Kitagawa (1955), *JASA* 50, 1168–1194.
    """
    sides = []
    for frame in (before, after):
        sums = frame.groupby(by)[["n", "events"]].sum()
        sides.append(sums)
    index = sides[0].index.union(sides[1].index)
    (n0, e0), (n1, e1) = (
        (s.reindex(index)["n"].fillna(0), s.reindex(index)["events"].fillna(0)) for s in sides
    )
    w0, w1 = n0 / n0.sum(), n1 / n1.sum()
    r0, r1 = (e0 / n0).where(n0 > 0), (e1 / n1).where(n1 > 0)
    f0, f1 = r0.fillna(r1), r1.fillna(r0)
    made = pd.DataFrame(
        {
            "mix": (w1 - w0) * (f0 + f1) / 2,
            "rate": (f1 - f0) * (w0 + w1) / 2,
            "share_before": w0,
            "share_after": w1,
            "rate_before": r0,
            "rate_after": r1,
        }
    )
    return made.rename_axis(by).reset_index()
