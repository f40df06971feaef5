"""A plan on paper: its payout curve with slopes and jumps, its terms, and what can be gained by gaming it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd

from salesops_lib.compensation.plans.curves import Curve, curve_of, surface_of
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.scales import scale_of
from salesops_lib.compensation.simulation.lanes import Lane, PlanLanes
from salesops_lib.core.errors import TableError

EXCELLENCE = 0.9  # quantile of attainment that is called excellence
MOVED = 0.1  # share of a window's quota that moves in the gaming list
MOVED_FROM = (0.8, 0.95, 1.0, 1.2, 1.5)  # attainment at which moving it is tried


def curve_rows(plan: Plan, variant: str) -> pd.DataFrame:
    """The knots of every component: where its slope changes or its pay jumps.

    Returns
    -------
    DataFrame
        ``variant``, ``plan_id``, ``version``, ``component``, ``method``, ``unit`` (of ``x``: attainment,
        amount, value, score), ``x``, ``pay_share`` (payout at x in shares of the component's target; missing
        where it is no share of one), ``pay`` (money a year at the plan's own target, at a window of the year
        held to x in every one; missing without a quota where it needs one), ``slope`` (payout per unit of x
        from there on; 1 pays the target at x = 1), ``jump`` (money a year).
    """
    rows = []
    for part in plan.components:
        if part.method == "matrix":
            rows += _surface_rows(plan, part)
            continue
        curve = curve_of(part)
        target = Fraction(plan.target_incentive) * Fraction(part.weight)
        share = part.rate_unit in {"share_of_target", "multiple_of_base"} and part.basis != "amount"
        leaps = {x: right - left for x, left, right in curve.jumps}
        for k, x in enumerate(curve.knots):
            rate = float(curve.slopes[k])
            money = float(target * curve.at(x)) if share else _money(part, curve, x)
            jump = float(target) * float(leaps.get(x, 0)) if share else float(leaps.get(x, 0))
            rows.append(
                (part.id, part.method, part.basis, float(x), float(curve.at(x)) if share else np.nan, money,
                 rate if share or part.rate_unit == "percent" else np.nan, jump)
            )  # fmt: skip
    columns = ["component", "method", "unit", "x", "pay_share", "pay", "slope", "jump"]
    made = pd.DataFrame(rows, columns=columns)
    return made.assign(variant=variant, plan_id=plan.id, version=plan.version)


def at_attainment(plan: PlanLanes, primary: str, grid: np.ndarray) -> np.ndarray:
    """Pay of the first seat's year if every window's attainment of the primary measure is the same.

    The other components stand at target. ``grid``: attainments; returns pay ÷ target incentive.
    """
    total, target = np.zeros(len(grid)), 0.0
    for lane in plan.lanes:
        own = float(lane.target[:, 0].sum())
        target += own
        total += _held_at(lane, primary, grid) if lane.measure == primary else own
    return total / target if target > 0 else np.full(len(grid), np.nan)


def heaviest_measure(plan: PlanLanes) -> str:
    """The measure of the lane with the most target pay of those that pay by a quota; empty without one."""
    paid = [x for x in plan.lanes if x.by_quota and isinstance(x.curve, Curve)]
    return max(paid, key=lambda x: float(x.target[:, 0].sum())).measure if paid else ""


def terms(plan: Plan, variant: str, quota: float, attained: np.ndarray, curve) -> dict:
    """The terms by which plans are compared, each by one definition.

    ``quota``: mean yearly quota of the primary measure in money (missing without one). ``attained``: year
    attainments of the role, drawn. ``curve``: payout ÷ target at an attainment (vectorised), or None.
    """
    ttc, base = float(plan.pay.target_total_cash), float(plan.pay.base_salary)
    target = ttc - base
    known = attained[np.isfinite(attained)]
    top = float(np.quantile(known, EXCELLENCE)) if known.size else np.nan
    leverage = float(curve(np.array([top]))[0]) if curve is not None and np.isfinite(top) else np.nan
    rate = np.nan
    if quota > 0:
        weighed = [c.weight for c in plan.components if c.rate_unit == "multiple_of_base"]
        rate = target * float(sum(weighed)) / quota if weighed else np.nan
    return {
        "variant": variant, "plan_id": plan.id, "version": plan.version, "target_cash": ttc,
        "base_salary": base, "target_incentive": target, "base_share": base / ttc if ttc else np.nan,
        "quota": quota if quota > 0 else np.nan, "quota_to_target_cash": quota / ttc if quota > 0 else np.nan,
        "base_rate": rate, "threshold": threshold(plan), "excellence": top, "leverage": leverage,
        "upside": (leverage - 1) * target,
    }  # fmt: skip


def threshold(plan: Plan) -> float:
    """Lowest attainment at which the heaviest component by quota pays; 0 where it pays from the start."""
    parts = [c for c in plan.components if c.basis == "attainment" and c.method != "matrix"]
    if not parts:
        return float("nan")
    curve = curve_of(max(parts, key=lambda c: c.weight))
    for k, knot in enumerate(curve.knots):
        if curve.values[k] > 0 or curve.slopes[k] > 0:
            return float(knot)
    return float("nan")


def gaming(plan: PlanLanes, primary: str, variant: str, discount: float) -> pd.DataFrame:
    """What a rep gains by moving a tenth of a window's quota over its end, or by cutting a deal in two.

    Each action leaves the year's business the same or worse; the best of the attainments tried counts. The
    next window is taken at quota, the guard is what stops it.

    Returns
    -------
    DataFrame
        ``variant``, ``plan_id``, ``action``, ``attained`` (at which it pays best), ``gain`` (money of the
        plan's target), ``gain_share`` (÷ target incentive of a window), ``sales_change`` (÷ a window's
        quota), ``guard``.
    """
    lane = next((x for x in plan.lanes if x.measure == primary and x.by_quota and x.kernel), None)
    columns = ["variant", "plan_id", "action", "attained", "gain", "gain_share", "sales_change", "guard"]
    if lane is None:
        return pd.DataFrame(columns=columns)
    unit = float(lane.scale[0, 0])
    target = sum(float(x.target[0, 0]) * x.windows for x in plan.lanes) / lane.windows

    def paid(x: np.ndarray) -> np.ndarray:
        return np.minimum(unit * lane.curve.evaluate(np.maximum(x, 0.0)), lane.cap[0, 0])

    here = np.array(MOVED_FROM)
    base = paid(here) + paid(np.ones(1))
    tried = {
        "pull-in": (paid(here + MOVED) + paid(np.ones(1) - MOVED) - base, 0.0, "acceptance date by the "
        "signed contract"),
        "push-out": (paid(here - MOVED) + paid(np.ones(1) + MOVED) - base, 0.0, "deal dates frozen "
        "from the CRM's history"),
        "pull-in at a discount": (
            paid(here + MOVED * (1 - discount)) + paid(np.ones(1) - MOVED) - base, -MOVED * discount,
            "approval of discounts in a period's last two weeks",
        ),
    }  # fmt: skip
    rows = []
    for action, (gain, sales, guard) in tried.items():
        best = int(np.argmax(gain))
        rows.append((action, float(here[best]), float(gain[best]), sales, guard))
    if np.isfinite(lane.deal_cap):
        rows.append(("split a large deal", *_split_gain(lane, paid, unit), 0.0, "one contract, one deal"))
    made = pd.DataFrame(rows, columns=["action", "attained", "gain", "sales_change", "guard"])
    made["gain"] = made["gain"].clip(lower=0.0)
    made["gain_share"] = made["gain"] / target if target > 0 else np.nan
    return made.assign(variant=variant, plan_id=plan.plan.id)[columns]


def _split_gain(lane: Lane, paid, unit: float) -> tuple[float, float]:
    """A deal of one and a half times what the cap allows, cut in two: (attained, gain)."""
    size = 1.5 * lane.deal_cap / unit / max(float(s) for s in lane.curve.slopes)
    gains = []
    for start in MOVED_FROM:
        whole = float(paid(np.array([start + size]))[0] - paid(np.array([start]))[0])
        half = np.diff(paid(np.array([start, start + size / 2, start + size])))
        gains.append(float(np.minimum(half, lane.deal_cap).sum() - min(whole, lane.deal_cap)))
    best = int(np.argmax(gains))
    return MOVED_FROM[best], gains[best]


def _held_at(lane: Lane, primary: str, grid: np.ndarray) -> np.ndarray:
    if not isinstance(lane.curve, Curve) or not lane.by_quota:
        return np.full(len(grid), float(lane.target[:, 0].sum()))
    pay = lane.scale[:, :1] * lane.curve.evaluate(grid)[None, :]
    if lane.cap_windows == lane.windows:
        pay = np.minimum(pay, lane.cap[:, :1])
    return pay.sum(axis=0)


def _surface_rows(plan: Plan, part) -> list[tuple]:
    """The corners of a matrix along its diagonal."""
    surface = surface_of(part)
    target = float(plan.target_incentive) * float(part.weight)
    rows = []
    for k in range(min(len(surface.rows), len(surface.cols))):
        share = float(surface.at(surface.rows[k], surface.cols[k]))
        rows.append(
            (part.id, "matrix", part.basis, float(surface.rows[k]), share, target * share, np.nan, 0.0)
        )
    return rows


def _money(part, curve: Curve, x: Fraction) -> float:
    if part.basis == "attainment" or part.rate_unit == "multiple_of_base":
        return float("nan")
    return float(scale_of(part, Fraction(0), None).scale * curve.at(x))


def needs_plans(plans: dict[str, Plan]) -> None:
    """Raises TableError where there is no plan to simulate."""
    if not plans:
        raise TableError("no plan is in force: put plan files into plans/ of the company folder")
