"""How a role stands in the drawn years: who reaches threshold, quota, excellence; does pay follow results."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.simulation.payout import EXCELLENCE, threshold
from salesops_lib.compensation.simulation.setup import Setup
from salesops_lib.compensation.simulation.years import Outcome
from salesops_lib.core.stats import proportion_interval

MIN_SEATS = 8  # seats of a role under which its shares are told but not judged


def standing(setup: Setup, outcome: Outcome) -> pd.DataFrame:
    """One row per variant and role.

    Returns
    -------
    DataFrame
        ``seats``, ``at_threshold`` (share of drawn seat-years at or above the lowest attainment that pays),
        ``at_quota`` (≥ 1), ``at_excellence`` (≥ 1.25), ``excellence`` (attainment one in ten reaches),
        ``median_attained``; missing for a role without a quota of its own. ``pay_p10``, ``pay_p50``,
        ``pay_p90`` of pay ÷ target, ``differentiation`` (P90 ÷ P10), ``correlation`` (Spearman of attainment
        and pay ÷ target over seat-years), ``cap_share`` (of windows of capped components at the cap),
        ``withheld`` (money a year that caps withheld). ``excellence_error``, ``pay_error``: standard Monte
        Carlo errors, of pay's three quantiles the largest.
    """
    detail = outcome.detail
    rows = []
    kept = outcome.block[: len(detail.attained)] if detail is not None else np.array([], "int64")
    for variant, plans in setup.plans.items():
        if detail is None or variant not in detail.pay:
            continue
        target = outcome.world.target[variant]
        for group in outcome.world.groups:
            attained = detail.attained[:, group.rows]
            pay = detail.pay[variant][:, group.rows]
            with np.errstate(divide="ignore", invalid="ignore"):
                share = pay / target[group.rows]
            hit, of = _hits(detail.hit[variant], group.plan_id)
            rows.append(
                {
                    "variant": variant, "plan_id": group.plan_id, "role": group.name,
                    "seats": len(group.rows),
                    **_reached(attained, plans[group.plan_id], bool(group.primary)),
                    **_spread(share),
                    "excellence_error": _error(attained, kept, EXCELLENCE) if group.primary else np.nan,
                    "pay_error": max(_error(share, kept, q) for q in (0.1, 0.5, 0.9)),
                    "correlation": spearman(attained.ravel(), share.ravel()) if group.primary else np.nan,
                    "cap_share": hit / of if of else np.nan,
                    "withheld": float(detail.withheld[variant][:, group.rows].sum(axis=1).mean()),
                }
            )  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = [
    "variant", "plan_id", "role", "seats", "at_threshold", "at_quota", "at_excellence", "excellence",
    "excellence_error", "median_attained", "pay_p10", "pay_p50", "pay_p90", "pay_error", "differentiation",
    "correlation", "cap_share", "withheld",
]  # fmt: skip
EXCELLENT = 1.25


def backtested(setup: Setup, periods: tuple[str, ...]) -> pd.DataFrame:
    """Reps at quota in finished periods, as they were: what the draws have to be held against.

    Returns ``role``, ``reps`` (rep-years with a quota in every period), ``at_quota``, ``share``, ``low``,
    ``high`` (Wilson, 90 %).
    """
    panel = setup.known.panel
    rows = panel[panel["period"].isin(periods) & panel["quota"].gt(0) & panel["aggregate"].eq("sum")]
    rows = rows[~rows["follows"]]
    sums = rows.groupby(["role", "rep_id"]).agg(
        value=("value", "sum"), quota=("quota", "sum"), n=("value", "size")
    )
    sums = sums[sums["n"] >= len(periods)]
    made = []
    for role, part in sums.groupby(level="role"):
        reached = int((part["value"] >= part["quota"]).sum())
        interval = proportion_interval(reached, len(part))
        made.append((role, len(part), reached, reached / len(part), interval.low, interval.high))
    return pd.DataFrame(made, columns=["role", "reps", "at_quota", "share", "low", "high"])


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation; missing under three pairs or where one side does not vary."""
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    if a.size < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    ranks = [pd.Series(v).rank().to_numpy() for v in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


def _reached(attained: np.ndarray, plan: Plan, quota_carrying: bool) -> dict[str, float]:
    names = ("at_threshold", "at_quota", "at_excellence", "excellence", "median_attained")
    if not quota_carrying:
        return dict.fromkeys(names, float("nan"))
    lowest = threshold(plan)
    return {
        "at_threshold": float((attained >= max(lowest, 1e-9)).mean())
        if np.isfinite(lowest)
        else float("nan"),
        "at_quota": float((attained >= 1).mean()),
        "at_excellence": float((attained >= EXCELLENT).mean()),
        "excellence": float(np.quantile(attained, EXCELLENCE)),
        "median_attained": float(np.median(attained)),
    }


def _spread(share: np.ndarray) -> dict[str, float]:
    known = share[np.isfinite(share)]
    if not known.size:
        return dict.fromkeys(("pay_p10", "pay_p50", "pay_p90", "differentiation"), float("nan"))
    low, middle, high = (float(v) for v in np.quantile(known, [0.1, 0.5, 0.9]))
    ratio = high / low if low > 0 else float("nan")
    return {"pay_p10": low, "pay_p50": middle, "pay_p90": high, "differentiation": ratio}


def _error(values: np.ndarray, block: np.ndarray, share: float) -> float:
    """Monte Carlo error of a quantile over scenarios × seats: that of the blocks' own; missing with one."""
    cuts = np.split(values, np.flatnonzero(np.diff(block)) + 1)
    own = [np.quantile(known, share) for cut in cuts if (known := cut[np.isfinite(cut)]).size]
    return float(np.std(own, ddof=1) / np.sqrt(len(own))) if len(own) > 1 else float("nan")


def _hits(hits: dict, plan_id: str) -> tuple[float, float]:
    mine = [pair for (plan, _), pair in hits.items() if plan == plan_id]
    return sum(h for h, _ in mine), sum(n for _, n in mine)
