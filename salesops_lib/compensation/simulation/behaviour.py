"""What people may do because of a plan: scenarios with a label, off unless asked for.

None of them is estimated here. Each says what would happen *if* reps reacted so: effort where the next sale
pays more, deals moved over a period's end, sales held back at the top, discounts given to pull deals in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from salesops_lib.compensation.simulation.drawn import Measures
from salesops_lib.compensation.simulation.lanes import Lane, PlanLanes


@dataclass(frozen=True)
class Behaviour:
    """One scenario; zeros do nothing.

    ``effort``: elasticity of sales to what the next sale pays against ``reference`` (slope of the old plan,
    expected over the draws, by plan id). ``shift``: share of a period's sales that can move over its end to
    where it pays more. ``sandbag``: share of sales beyond the last rise of the curve that is held back.
    ``discount``: price given away on what is pulled in.
    """

    label: str
    effort: float = 0.0
    shift: float = 0.0
    sandbag: float = 0.0
    discount: float = 0.0
    reference: tuple[tuple[str, float], ...] = ()

    def changed(self, drawn: Measures, plan: PlanLanes, primary: str) -> Measures:
        """The measures after the reaction to the plan's lane on the primary measure; itself without one."""
        lane = lane_on(plan, primary)
        if lane is None:
            return drawn
        attained = drawn.attained[primary].copy()
        if self.effort:
            attained = self._effort(attained, drawn, lane, plan)
        if self.shift:
            attained = self._shifted(attained, drawn, lane)
        if self.sandbag:
            attained = self._held(attained, lane)
        deals = {m: d for m, d in drawn.deals.items() if m != primary}
        return replace(drawn, attained={**drawn.attained, primary: attained}, deals=deals, _kept={})

    def _effort(self, attained: np.ndarray, drawn: Measures, lane: Lane, plan: PlanLanes) -> np.ndarray:
        before = dict(self.reference).get(plan.plan.id)
        now = expected_slope(lane, drawn)
        if not before or not now:
            return attained
        return attained * np.float32((now / before) ** self.effort)

    def _shifted(self, attained: np.ndarray, drawn: Measures, lane: Lane) -> np.ndarray:
        """Between neighbouring windows a share moves to the side where the next sale pays more.

        What is pulled in comes at the discount. The year's last window can only pull from what is not drawn:
        nothing moves over its end.
        """
        made = attained.copy()
        per = len(made) // lane.windows
        for window in range(1, lane.windows):
            last, first = window * per - 1, window * per
            here, there = made[last], made[first]
            slope_here = _slope(lane, drawn_window(made, drawn, lane, window - 1))
            slope_there = _slope(lane, drawn_window(made, drawn, lane, window))
            quota_here = drawn.quotas[lane.measure][last]
            quota_there = drawn.quotas[lane.measure][first]
            fits = (quota_here > 0) & (quota_there > 0)
            ratio = np.divide(quota_there, quota_here, out=np.zeros_like(quota_there), where=fits)
            pull = np.where((slope_here > slope_there) & fits, self.shift * there, 0)
            push = np.where((slope_here < slope_there) & fits, self.shift * here, 0)
            back = np.divide(1.0, ratio, out=np.zeros_like(ratio), where=ratio > 0)
            made[last] = here - push + pull * ratio * (1 - self.discount)
            made[first] = there - pull + push * back
        return made.astype("float32")

    def _held(self, attained: np.ndarray, lane: Lane) -> np.ndarray:
        """Beyond the point from which nothing more is paid, a share is not sold this year."""
        top = _flat_from(lane)
        if not np.isfinite(top):
            return attained
        over = np.maximum(attained - np.float32(top), 0)
        return attained - np.float32(self.sandbag) * over


def lane_on(plan: PlanLanes, measure: str) -> Lane | None:
    """The lane that pays by attainment of a measure; None where the plan has none."""
    return next((x for x in plan.lanes if x.measure == measure and x.by_quota and x.kernel), None)


def expected_slope(lane: Lane, drawn: Measures) -> float:
    """Mean slope of a lane's curve over the draws: what the next bit of attainment pays."""
    return float(_slope(lane, drawn.x(lane.measure, lane.windows, True)).mean())


def drawn_window(attained: np.ndarray, drawn: Measures, lane: Lane, window: int) -> np.ndarray:
    """Attainment of one window as it stands, scenarios × reps."""
    per = len(attained) // lane.windows
    steps = slice(window * per, (window + 1) * per)
    quota = drawn.quotas[lane.measure][steps]
    total = quota.sum(axis=0)
    share = np.divide(quota, total, out=np.zeros_like(quota), where=total > 0)
    return (attained[steps] * share[:, None, :]).sum(axis=0)


def _slope(lane: Lane, x: np.ndarray) -> np.ndarray:
    """Slope of the curve right of x; 0 at and beyond the cap."""
    curve = lane.curve
    knots = np.array([float(k) for k in curve.knots])
    slopes = np.array([float(curve.below_slope), *(float(s) for s in curve.slopes)])
    made = slopes[np.searchsorted(knots, x, side="right")]
    return np.where(x >= _flat_from(lane), 0.0, made)


def _flat_from(lane: Lane) -> float:
    """Attainment from which the next sale pays nothing: the cap, or a flat end; infinity without."""
    curve = lane.curve
    flat = float(curve.knots[-1]) if curve.slopes[-1] == 0 else float("inf")
    scale = lane.scale.max()
    if not np.isfinite(lane.cap).any() or scale <= 0:
        return flat
    share = float("inf")
    if lane.cap_windows == lane.windows:
        share = float((lane.cap[0] / np.where(lane.scale[0] > 0, lane.scale[0], np.inf)).max())
    if not np.isfinite(share):
        return flat
    grid = np.linspace(0, 6, 6001)
    reached = grid[curve.evaluate(grid) >= share]
    return min(flat, float(reached[0])) if len(reached) else flat
