"""One block of scenarios: drawn group by group, unit by unit, paid under every variant, summed up."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from salesops_lib.compensation.simulation import draws, kernel
from salesops_lib.compensation.simulation.behaviour import expected_slope, lane_on
from salesops_lib.compensation.simulation.deals import DealStream, draw_deals
from salesops_lib.compensation.simulation.details import (
    Detail,
    Watched,
    empty_detail,
    keeps_detail,
    watch_unit,
)
from salesops_lib.compensation.simulation.drawn import Measures
from salesops_lib.compensation.simulation.draws import UNIT, Bootstrap, Shared, Stream
from salesops_lib.compensation.simulation.evaluation import LanePay, unit_pay
from salesops_lib.compensation.simulation.extras import (
    Shares,
    given_back,
    keep_pool_weights,
    pool_pay,
    spiff_pay,
)
from salesops_lib.compensation.simulation.lanes import PlanLanes, window_sums
from salesops_lib.compensation.simulation.leaving import presence
from salesops_lib.compensation.simulation.world import Group, Team, World


@dataclass
class BlockResult:
    """Sums of one block; see `years.Outcome`."""

    sales: np.ndarray
    attained: np.ndarray
    pay: dict[str, np.ndarray]
    moved: dict[str, np.ndarray]
    seat_sum: dict[str, np.ndarray]
    better: dict[str, np.ndarray]
    parts: dict[str, dict[tuple[str, str], float]]
    detail: Detail | None = None
    returned: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass
class Work:
    """What is gathered while a block runs."""

    n: int
    factors: Shared
    scratch: kernel.Scratch
    result: BlockResult
    amounts: dict[int, np.ndarray] = field(default_factory=dict)  # seat row → quarters × n
    ratios: dict[int, np.ndarray] = field(default_factory=dict)
    shares: Shares = field(default_factory=Shares)


def run_block(world: World, number: int, scratch: kernel.Scratch) -> BlockResult:
    """Draw and pay one block."""
    n, names = world.design.size(number), world.variants
    result = BlockResult(
        np.zeros(n), np.zeros(n), {v: np.zeros(n) for v in names}, {v: np.zeros(n) for v in names},
        {v: np.zeros(world.seats) for v in names}, {v: np.zeros(world.seats) for v in names},
        {v: {} for v in names}, empty_detail(world, n) if keeps_detail(world, number) else None,
    )  # fmt: skip
    work = Work(n, draws.shared(world.design, number), scratch, result)
    followers = any(g.waits for g in world.groups)
    for group in sorted(world.groups, key=lambda g: g.waits):
        for unit in draws.units(len(group.rows)):
            _run_unit(world, group, number, unit, work, followers)
    quota = world.quota.sum()
    result.attained = result.sales / quota if quota > 0 else np.full(n, np.nan)
    _add_pools(world, number, result, work.shares)
    result.returned = given_back(world, number, work.shares)
    return result


def _run_unit(world: World, group: Group, number: int, unit: int, work: Work, followers: bool) -> None:
    rows = group.rows[unit * UNIT : (unit + 1) * UNIT]
    drawn = measures_of(world, group, number, unit, work)
    result, watch, money = work.result, work.result.detail is not None, world.money_of(group, number)
    if group.primary:
        amounts = window_sums(drawn.amounts(group.primary), world.design.steps)
        result.sales += amounts.sum(axis=(0, 2))
        if followers:
            ratios = drawn.x(group.primary, world.design.steps, True)
            for place, row in enumerate(rows):
                work.amounts[row], work.ratios[row] = amounts[:, :, place], ratios[:, :, place]
        if watch:
            result.detail.attained[:, rows] = drawn.x(group.primary, 1, True)[0]
    first = None
    for name, whole in group.lanes.items():
        plan = whole.units[unit]
        used = drawn.under(plan.quotas)
        if name in world.behaviour and group.primary:
            before = used.amounts(group.primary).sum(axis=(0, 2))
            used = world.behaviour[name].changed(used, plan, group.primary)
            result.moved[name] += used.amounts(group.primary).sum(axis=(0, 2)) - before
        pay, parts = unit_pay(plan, used, work.scratch, watch=watch)
        by_deal = _by_deal(plan, parts, work.n) if name in group.after else None
        sums = result.parts[name]
        for spiff, paid in spiff_pay(plan, used, group, name, work.shares):
            pay += paid
            key = (group.plan_id, spiff)
            sums[key] = sums.get(key, 0.0) + _in_money(paid, money)
        keep_pool_weights(plan, used, (group, name, rows), work.n, work.shares)
        pay *= np.asarray(money, "float32")
        if by_deal is not None:
            key = (name, group.name)
            work.shares.by_deal[key] = work.shares.by_deal.get(key, 0.0) + by_deal * np.ravel(money)
        first = pay if first is None else first
        _add(result, name, rows, pay, first)
        for lane in plan.lanes:
            key = (group.plan_id, lane.id)
            sums[key] = sums.get(key, 0.0) + _in_money(parts[lane.id].pay, money)
        if watch:
            watched = Watched(name, rows, pay, parts, used)
            watch_unit(result.detail, world, (group, plan, money), watched, work.scratch)


def _in_money(pay: np.ndarray, money: float | np.ndarray) -> float:
    """The sum of pay (… × scenarios × reps) times ``money``."""
    if np.ndim(money) == 0:
        return float(pay.sum(dtype="float64")) * money
    return float((pay * money).sum(dtype="float64"))


def expected_slopes(world: World, variant: str) -> dict[str, float]:
    """Plan id → mean slope of the lane on the primary measure over the first block: see `behaviour`."""
    work = Work(world.design.size(0), draws.shared(world.design, 0), kernel.Scratch(), None)
    found: dict[str, list[tuple[float, int]]] = {}
    for group in world.groups:
        if not group.primary or variant not in group.lanes:
            continue
        for unit in draws.units(len(group.rows)):
            plan = group.lanes[variant].units[unit]
            lane = lane_on(plan, group.primary)
            if lane is not None:
                drawn = measures_of(world, group, 0, unit, work).under(plan.quotas)
                found.setdefault(group.plan_id, []).append((expected_slope(lane, drawn), len(plan.cap)))
    return {plan: sum(s * n for s, n in parts) / sum(n for _, n in parts) for plan, parts in found.items()}


def _add(result: BlockResult, name: str, rows: np.ndarray, pay: np.ndarray, first: np.ndarray) -> None:
    result.pay[name] += pay.sum(axis=1)
    result.seat_sum[name][rows] += pay.sum(axis=0)
    result.better[name][rows] += (pay > first).sum(axis=0)
    if result.detail is not None:
        result.detail.pay[name][:, rows] = pay


def measures_of(world: World, group: Group, number: int, unit: int, work: Work) -> Measures:
    """Every measure of one unit of a group in one block."""
    first, last = unit * UNIT, min((unit + 1) * UNIT, len(group.rows))
    quotas = {m: q[:, first:last] for m, q in group.quotas.items()}
    made = Measures({}, {}, quotas, group.means)
    for name, source in group.sources.items():
        if isinstance(source, DealStream):
            deals = draw_deals(world.design, source, work.factors, number, unit)
            _use_deals(world, group, made, (name, number), source, deals)
            continue
        drawn = _drawn(world, source, number, unit, work, (first, last))
        if name in quotas and not isinstance(source, Team):
            drawn *= world.level_of(number)
            made.attained[name] = _whole(drawn, quotas[name]) if name in group.whole else drawn
        elif isinstance(source, Team):
            quota = quotas[name][:, None, :].astype("float32")
            made.attained[name] = np.divide(drawn, quota, out=np.zeros_like(drawn), where=quota > 0)
        else:
            made.values[name] = drawn
    if world.leaving.rate > 0:
        made.present, made.output = presence(world, group, number, unit, work.n)
    return made


def _drawn(world: World, source, number: int, unit: int, work: Work, span: tuple[int, int]) -> np.ndarray:
    if isinstance(source, Stream):
        return draws.draw(world.design, source, work.factors, number, unit)
    if isinstance(source, Bootstrap):
        return draws.resample(world.design, source, work.factors, number, unit)
    members = source.members[span[0] : span[1]]
    made = np.zeros((world.design.steps, work.n, len(members)), "float32")
    for place, rows in enumerate(members):
        if isinstance(source, Team):
            for row in rows:
                made[:, :, place] += work.amounts[row]
            made[:, :, place] *= np.float32(source.factor)
        elif len(rows):
            reached = sum((work.ratios[row] >= 1).astype("float32") for row in rows)
            made[:, :, place] = reached / np.float32(len(rows))
    return made


def _use_deals(
    world: World, group: Group, made: Measures, at: tuple[str, int], source: DealStream, deals
) -> None:
    """Deals as a measure's attainment, and as the parts of it that other measures and SPIFFs count."""
    name, number = at
    scenario = deals.cell // (deals.shape[0] * deals.shape[2])
    level = world.level_of(number)[scenario, 0]
    deals.size[:] *= level
    made.deals[name] = deals
    quota = made.quotas[name][:, None, :].astype("float32")
    amounts = deals.sums(deals.size)
    made.attained[name] = np.divide(amounts, quota, out=np.zeros_like(amounts), where=quota > 0)
    for part, of in group.parts.items():
        if of == name:
            flag = source.flags[part][deals.which]
            made.values[part] = deals.sums(np.where(flag, deals.size, 0.0))
    for spiff, (worth, grows) in source.worths.items():
        each = worth[deals.which]
        made.values[f"worth:{spiff}"] = deals.sums(each * level if grows else each)


def _by_deal(plan: PlanLanes, parts: dict[str, LanePay], n: int) -> np.ndarray:
    """Pay by deal of every scenario: what a clawback reaches."""
    made = np.zeros(n)
    for lane in plan.lanes:
        if lane.type == "commission":
            made += parts[lane.id].pay.sum(axis=(0, 2), dtype="float64")
    return made


def _whole(attained: np.ndarray, quota: np.ndarray) -> np.ndarray:
    """Attainment of a count: the number is whole."""
    size = quota[:, None, :].astype("float32")
    counts = np.rint(attained * size)
    return np.divide(counts, size, out=np.zeros_like(counts), where=size > 0)


def _add_pools(world: World, number: int, result: BlockResult, shares: Shares) -> None:
    money = {g.plan_id: world.money_of(g, number) for g in world.groups}
    for (name, plan_id, pool), rows, pay in pool_pay(world, result.sales, shares):
        pay = pay * money[plan_id]
        result.pay[name] += pay.sum(axis=1)
        result.seat_sum[name][rows] += pay.sum(axis=0)
        sums = result.parts[name]
        sums[plan_id, pool] = sums.get((plan_id, pool), 0.0) + float(pay.sum())
        if result.detail is not None:
            result.detail.pay[name][:, rows] += pay.astype("float32")
