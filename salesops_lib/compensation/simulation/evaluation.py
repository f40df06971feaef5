"""One unit of reps in one block of scenarios: from drawn measures to pay, lane by lane.

All arrays are float32 with the axes windows (or steps) × scenarios × reps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops_lib.compensation.plans.curves import Surface
from salesops_lib.compensation.simulation import kernel
from salesops_lib.compensation.simulation.deals import capped_by_deal
from salesops_lib.compensation.simulation.drawn import Measures, fit, grouped
from salesops_lib.compensation.simulation.lanes import Lane, PlanLanes, window_sums


@dataclass
class LanePay:
    """Pay of one lane per window; if watched, what its caps withhold (scenarios × reps), where they bind."""

    pay: np.ndarray
    withheld: np.ndarray | None = None
    hit: np.ndarray | None = None


def lane_pay(
    lane: Lane,
    drawn: Measures,
    scratch: kernel.Scratch,
    earned: dict[str, np.ndarray],
    *,
    watch: bool = False,
) -> LanePay:
    """Pay of a lane in each of its windows: money, windows × scenarios × reps.

    ``earned``: pay of the lanes before, by id, for gates on a component. ``watch``: also say what the caps
    withhold and where they bind.
    """
    if np.isfinite(lane.deal_cap) and lane.measure in drawn.deals:
        pay, withheld = _by_deal(lane, drawn)
    else:
        pay, withheld = _raw(lane, drawn, scratch), None
    if lane.factors:
        pay = _with_factors(lane, drawn, pay, scratch)
    for name in lane.component_gates:
        opened = fit((earned[name] > 0).astype("float32"), lane.windows)
        pay = pay * opened
    if drawn.present is not None:
        pay = pay * _presence(lane, drawn)
    if not np.isfinite(lane.cap).any():
        if withheld is None or not watch:
            return LanePay(pay)
        return LanePay(pay, withheld.sum(axis=0), withheld > 0)
    made = _capped(lane, pay, withheld, watch)
    return _with_flat_end(lane, drawn, made, scratch) if watch and lane.beyond is not None else made


def unit_pay(
    plan: PlanLanes, drawn: Measures, scratch: kernel.Scratch, *, watch: bool = False
) -> tuple[np.ndarray, dict[str, LanePay]]:
    """Pay of the year of every rep (scenarios × reps) under a plan, and each lane's."""
    first = next(iter(drawn.attained.values()), next(iter(drawn.values.values()), None))
    total = np.zeros(first.shape[1:], "float32")
    parts: dict[str, LanePay] = {}
    earned: dict[str, np.ndarray] = {}
    for lane in plan.lanes:
        made = lane_pay(lane, drawn, scratch, earned, watch=watch)
        parts[lane.id], earned[lane.id] = made, made.pay
        for window in made.pay:
            total += window
    if np.isfinite(plan.cap).any():
        np.minimum(total, plan.cap.astype("float32"), out=total)
    return total, parts


def by_month(
    lane: Lane, drawn: Measures, pay: np.ndarray, scratch: kernel.Scratch, pattern: np.ndarray
) -> np.ndarray:
    """When a lane's pay accrues: with what is booked if it is paid as earned, else as its window ends.

    ``pattern``: shares of a quarter's bookings in its months. 12 × scenarios × reps; adds up to ``pay``.
    """
    if lane.windows == 12:
        return pay
    if not lane.as_earned or isinstance(lane.curve, Surface):
        made = np.zeros((12, *pay.shape[1:]), "float32")
        made[12 // lane.windows - 1 :: 12 // lane.windows] = pay
        return made
    quarters = _steps_of(lane, drawn, pay, scratch, 4) if lane.windows < 4 else pay
    return (quarters[:, None] * pattern.astype("float32")[None, :, None, None]).reshape(12, *pay.shape[1:])


def _steps_of(
    lane: Lane, drawn: Measures, pay: np.ndarray, scratch: kernel.Scratch, steps: int
) -> np.ndarray:
    """A commission's pay of each window spread over its steps as it is earned."""
    per = steps // lane.windows
    amounts = window_sums(drawn.amounts(lane.measure), steps)
    running = np.cumsum(amounts.reshape(lane.windows, per, *amounts.shape[1:]), axis=1)
    if lane.by_quota:
        quota = window_sums(drawn.quotas[lane.measure], lane.windows)[:, None, None, :]
        running = np.divide(running, quota, out=np.zeros_like(running), where=quota > 0)
    x = np.ascontiguousarray(running, "float32")
    curve = kernel.pay(lane.kernel, x, np.empty_like(x), scratch)
    gained, total = np.diff(curve, axis=1, prepend=0), curve[:, -1:]
    share = np.divide(gained, total, out=np.zeros_like(gained), where=total > 0)
    return (share * pay[:, None]).reshape(steps, *pay.shape[1:])


def _raw(lane: Lane, drawn: Measures, scratch: kernel.Scratch) -> np.ndarray:
    x = drawn.x(lane.measure, lane.windows, lane.by_quota)
    if isinstance(lane.curve, Surface):
        y = drawn.running(lane.measure2, lane.windows, False, lane.windows)
        return lane.curve.evaluate(x, y).astype("float32") * lane.scale[:, None, :].astype("float32")
    x = np.ascontiguousarray(x, "float32")
    pay = kernel.pay(lane.kernel, x, np.empty_like(x), scratch)
    pay *= lane.scale[:, None, :].astype("float32")
    return pay


def _by_deal(lane: Lane, drawn: Measures) -> tuple[np.ndarray, np.ndarray]:
    """Pay and what the cap per deal withheld, in each window."""
    deals = drawn.deals[lane.measure]
    steps = deals.shape[0]
    per = steps // lane.windows
    quota = np.repeat(window_sums(drawn.quotas[lane.measure], lane.windows), per, axis=0)
    scale = np.repeat(lane.scale, per, axis=0)
    cap = np.divide(lane.deal_cap, scale, out=np.full(scale.shape, np.inf), where=scale > 0)
    window = np.repeat(np.arange(lane.windows), per)
    paid, withheld = capped_by_deal(deals, lane.curve.evaluate, quota, window, cap)
    money = scale[:, None, :].astype("float32")
    return window_sums(paid * money, lane.windows), window_sums(withheld * money, lane.windows)


def _with_factors(lane: Lane, drawn: Measures, pay: np.ndarray, scratch: kernel.Scratch) -> np.ndarray:
    """Multiply by gates and multipliers: step by step for a commission, at its end for a bonus."""
    for factor in lane.factors:
        x = np.ascontiguousarray(drawn.x(factor.measure, factor.windows, factor.by_quota), "float32")
        made = kernel.pay(factor.curve, x, np.empty_like(x), scratch)
        if factor.windows <= lane.windows:
            pay = pay * np.repeat(made, lane.windows // factor.windows, axis=0)
        elif lane.type == "bonus":
            per = factor.windows // lane.windows
            pay = pay * made[per - 1 :: per]
        else:
            pay = _stepwise(lane, drawn, pay, made, scratch)
    return pay


def _stepwise(lane: Lane, drawn: Measures, pay: np.ndarray, made: np.ndarray, scratch) -> np.ndarray:
    steps = len(drawn.amounts(lane.measure))
    at_steps = grouped(made, steps) if len(made) >= steps else np.repeat(made, steps // len(made), axis=0)
    if lane.windows == steps:
        return pay * at_steps
    return window_sums(_steps_of(lane, drawn, pay, scratch, steps) * at_steps, lane.windows)


def _presence(lane: Lane, drawn: Measures) -> np.ndarray:
    """Share of the window's days on the plan, which prorates pay."""
    return fit(drawn.present, lane.windows)


def _capped(lane: Lane, pay: np.ndarray, withheld: np.ndarray | None, watch: bool) -> LanePay:
    grouped = window_sums(pay, lane.cap_windows) if lane.cap_windows < lane.windows else pay
    cap = lane.cap[:, None, :].astype("float32")
    capped = _carried(grouped, cap) if lane.carries else np.minimum(grouped, cap)
    lost = grouped - capped
    if grouped is not pay:
        ratio = np.divide(capped, grouped, out=np.ones_like(grouped), where=grouped > 0)
        pay = pay * np.repeat(ratio, lane.windows // lane.cap_windows, axis=0)
    else:
        pay = capped
    if not watch:
        return LanePay(pay)
    hit = grouped >= cap * np.float32(1 - 1e-6)
    if withheld is not None:
        return LanePay(pay, withheld.sum(axis=0) + lost.sum(axis=0), hit | (withheld > 0).any(axis=0))
    return LanePay(pay, lost.sum(axis=0), hit)


def _with_flat_end(lane: Lane, drawn: Measures, made: LanePay, scratch: kernel.Scratch) -> LanePay:
    """What a curve that ends flat at its cap withholds: what it would pay if it rose on as before."""
    x = np.ascontiguousarray(drawn.x(lane.measure, lane.windows, lane.by_quota), "float32")
    rising = kernel.pay(lane.beyond, x, np.empty_like(x), scratch)
    flat = kernel.pay(lane.kernel, x, np.empty_like(x), scratch)
    lost = np.maximum(rising - flat, 0) * lane.scale[:, None, :].astype("float32")
    return LanePay(made.pay, made.withheld + lost.sum(axis=0), made.hit)


def _carried(pay: np.ndarray, cap: np.ndarray) -> np.ndarray:
    made, left = np.empty_like(pay), np.zeros_like(pay[0])
    for number, window in enumerate(pay):
        owed = window + left
        made[number] = np.minimum(owed, cap[number])
        left = owed - made[number]
    return made
