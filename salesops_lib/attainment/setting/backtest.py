"""Quotas for the last four finished quarters from what was known before them, against what then came."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesops_lib.attainment.setting.basis import Basis, direct_lines
from salesops_lib.attainment.setting.plan import QuotaPlan, reweighted
from salesops_lib.attainment.setting.potential import PARTS
from salesops_lib.attainment.setting.proposal import Proposal
from salesops_lib.attainment.setting.target import bounds
from salesops_lib.core.stats import proportion_interval

ACTUAL, PROPOSED, SAME_TOTAL = "quotas as given", "proposal", "proposal, total as given"


def day_before(basis: Basis) -> date | None:
    """The last day before the base quarters: what was known then is what the back-test may use."""
    if not basis.base:
        return None
    return bounds(basis.calendar, basis.base[0])[0] - timedelta(days=1)


def backtest(then: QuotaPlan, now: Basis) -> pd.DataFrame:
    """Each set of quotas against the bookings of the same reps and quarters.

    ``then``: quotas for ``now.base`` from a basis of :func:`day_before`. A rep counts in the quarters in
    which a real quota above 0 and a proposed one stand; the proposal is cut to the days held. Beside the
    proposal stand, all with the total of the real quotas, the proposal and each weight alone.

    Returns
    -------
    DataFrame
        ``quota_set``, ``reps``, ``quota_base``, ``booked_base``, ``error`` (Σ|booked − quota| ÷ Σ booked),
        ``at_quota`` (count), ``share_at_quota`` with ``low`` and ``high`` (Wilson, 90 %), ``correlation``
        (of quota and bookings; missing under three reps or without spread). Empty where nothing compares.
    """
    if not then.ready:
        return _scored({}, pd.Series(dtype="float64"))
    actual = _actual(now)
    sets = {PROPOSED: then.proposed}
    for part in PARTS:
        if then.proposed.reps[f"{part}_base"].notna().any():
            sets[f"{part} alone"] = reweighted(then, {p: float(p == part) for p in PARTS})
    joined = {name: _joined(made, actual) for name, made in sets.items()}
    first = joined[PROPOSED]
    if first.empty:
        return _scored({}, pd.Series(dtype="float64"))
    given = {ACTUAL: first["actual"], PROPOSED: first["proposed"]}
    for name, rows in joined.items():
        label = SAME_TOTAL if name == PROPOSED else f"{name}, total as given"
        mass = rows["proposed"].sum()
        given[label] = rows["proposed"] * (rows["actual"].sum() / mass if mass > 0 else np.nan)
    return _scored(given, first["booked"])


def ranges(then: QuotaPlan, now: Basis, scores: pd.DataFrame) -> pd.DataFrame:
    """What the simulation of the back-tested year said beforehand, and what came: ``measure``, ``low``,
    ``mid``, ``high`` (P10, P50, P90), ``realised``, ``inside`` (bool). Empty where nothing was simulated.
    """
    drawn = then.simulate()
    columns = ["measure", "low", "mid", "high", "realised", "inside"]
    if drawn is None or scores.empty:
        return pd.DataFrame(columns=columns)
    goal = float(then.plan.target)
    company = drawn.levels.iloc[0]
    booked = float(direct_lines(now.result, now.base)["cents"].sum()) / 100
    share = scores.set_index("quota_set")["share_at_quota"][PROPOSED]
    rows = [
        ("company attainment", *(company[f"attainment_{r}"] for r in ("low", "mid", "high")), booked / goal),
        ("share of reps at quota", *drawn.share_range(), share),
    ]
    return pd.DataFrame([(*r, bool(r[1] <= r[4] <= r[3])) for r in rows], columns=columns)


def _actual(now: Basis) -> pd.DataFrame:
    """Rep × base quarter with a real quota above 0: the quota as it counted, and direct bookings."""
    rows = now.result.table
    rows = rows[(rows["level"] == "rep") & rows["period"].isin(now.base) & rows["in_totals"].astype(bool)]
    money = pd.to_numeric(rows["quota_base"]).astype("float64")
    rows = rows[money > 0]
    credit = rows["credited_base"].astype("float64") - rows["overlay_base"].astype("float64")
    return pd.DataFrame(
        {
            "rep_id": rows["holder_id"],
            "period": rows["period"],
            "held": rows["days_held_share"].fillna(1.0).astype("float64"),
            "actual": money[money > 0],
            "booked": credit,
        }
    )


def _joined(proposed: Proposal, actual: pd.DataFrame) -> pd.DataFrame:
    """Per rep: real quota, proposed quota and bookings of the quarters both stand in. Index ``rep_id``."""
    rows = actual.merge(proposed.quarters, on=["rep_id", "period"])
    rows["proposed"] = rows["quota_base"].astype("float64") * rows["held"]
    rows = rows[rows["proposed"] > 0]
    return rows.groupby("rep_id")[["actual", "proposed", "booked"]].sum()


def _scored(given: dict[str, pd.Series], booked: pd.Series) -> pd.DataFrame:
    rows = []
    for name, quota in given.items():
        known = booked.reindex(quota.index)
        n, reached = len(quota), int((known >= quota).sum())
        interval = proportion_interval(reached, n)
        varies = n > 2 and quota.std() > 0 and known.std() > 0
        rows.append(
            {
                "quota_set": name,
                "reps": n,
                "quota_base": round(float(quota.sum()), 2),
                "booked_base": round(float(known.sum()), 2),
                "error": float((known - quota).abs().sum() / known.sum()) if known.sum() > 0 else np.nan,
                "at_quota": reached,
                "share_at_quota": reached / n if n else np.nan,
                "low": interval.low if interval else np.nan,
                "high": interval.high if interval else np.nan,
                "correlation": float(np.corrcoef(quota, known)[0, 1]) if varies else np.nan,
            }
        )
    columns = [
        "quota_set", "reps", "quota_base", "booked_base", "error", "at_quota", "share_at_quota", "low",
        "high", "correlation",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
