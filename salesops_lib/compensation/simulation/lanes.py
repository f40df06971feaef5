"""A plan made ready for simulation: each component a lane of curve, unit, window, cap, gates, multipliers.

    pay of a window = scale × curve(x) × factors, at most the cap;  x is attainment or the value

Scales are arrays of money over windows and reps (see `scales`). What lanes leave out is said by `limits`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from salesops_lib.compensation.plans.curves import Curve, Surface, curve_of, surface_of
from salesops_lib.compensation.plans.plan import ANNUAL, Plan
from salesops_lib.compensation.plans.scales import SLOPED
from salesops_lib.compensation.simulation.draws import UNIT
from salesops_lib.compensation.simulation.kernel import Hinges, hinges

ONE = Fraction(1)


@dataclass(frozen=True)
class Factor:
    """A gate or multiplier: what it reads, in which window, and what it makes of it."""

    measure: str
    windows: int
    by_quota: bool
    curve: Hinges


@dataclass(frozen=True)
class Lane:
    """One component of one plan for a group of seats.

    ``windows``: of a year. ``by_quota``: x is attainment. ``scale``: windows × reps, money per unit of the
    curve. ``cap``: the same shape, infinity without one, of ``cap_windows``. ``deal_cap``: money of one deal.
    ``beyond``: the curve with its flat end rising on as before, which says what a cap there withholds.
    ``as_earned``: paid with each event, else when the window ends. ``target``: windows × reps, money.
    """

    id: str
    type: str
    measure: str
    measure2: str
    windows: int
    by_quota: bool
    curve: Curve | Surface
    kernel: Hinges | None
    beyond: Hinges | None
    scale: np.ndarray
    cap: np.ndarray
    cap_windows: int
    carries: bool
    deal_cap: float
    as_earned: bool
    target: np.ndarray
    factors: tuple[Factor, ...]
    component_gates: tuple[str, ...]


@dataclass(frozen=True)
class SpiffLane:
    """A SPIFF: money per deal, unit or dollar in some steps; at most ``most`` over all, ``own`` for one."""

    id: str
    pays: float
    steps: np.ndarray
    most: float
    own: float


@dataclass(frozen=True)
class PoolLane:
    """A pool: ``rate`` × all sales and ``fixed`` money a year, shared among ``roles`` (all without) ``by``
    equal parts, days active or credited ``measure``.
    """

    id: str
    roles: tuple[str, ...]
    rate: float
    fixed: float
    by: str
    measure: str


@dataclass(frozen=True)
class PlanLanes:
    """A plan's lanes for one group.

    ``quotas``: measure → steps × reps. ``cap``: the plan's, money of the year per rep.
    """

    plan: Plan
    lanes: tuple[Lane, ...]
    quotas: dict[str, np.ndarray]
    spiffs: tuple[SpiffLane, ...]
    cap: np.ndarray
    pools: tuple[PoolLane, ...]

    @cached_property
    def units(self) -> tuple[PlanLanes, ...]:
        """The same, cut into units of reps."""
        return tuple(self._cut(slice(first, first + UNIT)) for first in range(0, len(self.cap), UNIT))

    def _cut(self, part: slice) -> PlanLanes:
        lanes = tuple(
            replace(lane, scale=lane.scale[:, part], cap=lane.cap[:, part], target=lane.target[:, part])
            for lane in self.lanes
        )
        quotas = {m: q[:, part] for m, q in self.quotas.items()}
        return replace(self, lanes=lanes, quotas=quotas, cap=self.cap[part])


def lanes_of(plan: Plan, target: np.ndarray, quotas: dict[str, np.ndarray], steps: int) -> PlanLanes:
    """The lanes of a plan for a group of seats.

    Parameters
    ----------
    target
        Target incentive of the year, one per rep, money.
    quotas
        Measure → quota, its own steps × reps, in the measure's unit.
    steps
        Periods of the year that the design has (4); a measure by month has twelve.
    """
    made = tuple(_lane(plan, c, target, quotas) for c in plan.components)
    spiffs = tuple(_spiff(plan, s, steps) for s in plan.spiffs)
    cap = np.full(len(target), np.inf)
    if plan.cap is not None:
        cap = _cap(plan.cap, target[None, :] / ANNUAL[plan.cap.period or "year"])[0]
    return PlanLanes(plan, made, quotas, spiffs, cap, tuple(_pool(plan, p) for p in plan.pool))


def _pool(plan: Plan, pool) -> PoolLane:
    funding, share = pool.funding, float(pool.funding.share)
    rate = float(funding.rate_percent) / 100 * share if funding.measure and funding.rate_percent else 0.0
    fixed = 0.0 if rate else float(funding.amount or 0) * share * ANNUAL[funding.period or "year"]
    return PoolLane(pool.id, pool.roles, rate, fixed, pool.distribute.by, funding.measure or "")


def _lane(plan: Plan, part, target: np.ndarray, quotas: dict[str, np.ndarray]) -> Lane:
    measure = plan.measure(part.measure)
    windows = ANNUAL[measure.period]
    by_quota = part.basis == "attainment"
    own = np.broadcast_to(target * float(part.weight) / windows, (windows, len(target)))
    matrix = part.method == "matrix"
    curve = surface_of(part) if matrix else curve_of(part)
    cap_kind = (part.cap.period if part.cap else None) or measure.period
    cap = _cap(
        part.cap,
        np.broadcast_to(target * float(part.weight) / ANNUAL[cap_kind], (ANNUAL[cap_kind], len(target))),
    )
    return Lane(
        id=part.id, type=part.type, measure=part.measure, measure2=part.measure2 if matrix else "",
        windows=windows, by_quota=by_quota, curve=curve, kernel=None if matrix else hinges(curve),
        beyond=_beyond(curve) if part.cap is not None and not matrix else None,
        scale=_scale(part, own, quotas.get(part.measure), windows), cap=cap, cap_windows=ANNUAL[cap_kind],
        carries=bool(part.cap and part.cap.carry_excess),
        deal_cap=float(part.cap.per_deal) if part.cap and part.cap.per_deal is not None else float("inf"),
        as_earned=part.as_earned, target=own, factors=_factors(plan, part),
        component_gates=tuple(g.component for g in part.gates if g.component),
    )  # fmt: skip


def _beyond(curve: Curve) -> Hinges | None:
    """The curve without its flat end; None where it has none, or nothing rises before it."""
    if len(curve.knots) < 2 or curve.slopes[-1] != 0 or curve.slopes[-2] <= 0:
        return None
    slopes = (*curve.slopes[:-1], curve.slopes[-2])
    return hinges(Curve(curve.knots, curve.values, slopes, curve.below_value, curve.below_slope))


def _scale(part, own: np.ndarray, quota: np.ndarray | None, windows: int) -> np.ndarray:
    """Money per unit of the curve, windows × reps; 0 where a quota is needed and there is none."""
    by_quota = part.basis == "attainment"
    whole = None if quota is None else window_sums(quota, windows)
    if part.rate_unit == "share_of_target":
        return own
    if part.rate_unit == "multiple_of_base":
        if by_quota:
            return own
        return np.divide(own, whole, out=np.zeros_like(own), where=whole > 0)
    unit = 0.01 if part.rate_unit == "percent" else 1.0
    if by_quota and part.method in SLOPED:
        return unit * whole
    return np.full(own.shape, unit)


def window_sums(steps: np.ndarray, windows: int) -> np.ndarray:
    """Sums of steps (first axis) in each window of the year."""
    return steps.reshape(windows, len(steps) // windows, *steps.shape[1:]).sum(axis=1)


def _cap(cap, target: np.ndarray) -> np.ndarray:
    """Money of a window and rep; infinity without a cap of a window."""
    made = np.full(target.shape, np.inf)
    if cap is not None and cap.amount is not None:
        made = np.minimum(made, float(cap.amount))
    if cap is not None and cap.share_of_target is not None:
        made = np.minimum(made, float(cap.share_of_target) * target)
    return made


def _factors(plan: Plan, part) -> tuple[Factor, ...]:
    found = []
    for multiplier in part.multipliers:
        measure = plan.measure(multiplier.measure)
        by_quota = multiplier.basis == "attainment" or (
            multiplier.basis is None and measure.quota is not None
        )
        found.append(
            Factor(multiplier.measure, ANNUAL[measure.period], by_quota, hinges(curve_of(multiplier)))
        )
    for gate in part.gates:
        if gate.measure is None:
            continue
        by_quota = gate.attainment_at_least is not None
        limit = Fraction(gate.attainment_at_least if by_quota else gate.value_at_least)
        opens = Curve((limit,), (ONE,), (Fraction(0),), Fraction(0), Fraction(0))
        found.append(Factor(gate.measure, ANNUAL[plan.measure(gate.measure).period], by_quota, hinges(opens)))
    return tuple(found)


def _spiff(plan: Plan, spiff, steps: int) -> SpiffLane:
    """Which steps of the plan's year a SPIFF runs in, by its share of their days."""
    start, year = plan.start.toordinal(), 365.25
    edges = start + np.arange(steps + 1) * year / steps
    low, high = spiff.from_.toordinal(), spiff.to.toordinal()
    inside = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None)
    pays = float(spiff.pays) / (100 if spiff.per == "percent" else 1)
    most, own = (
        float(cap) if cap is not None else float("inf") for cap in (spiff.max_total, spiff.max_per_payee)
    )
    return SpiffLane(spiff.id, pays, inside / np.diff(edges), most, own)
