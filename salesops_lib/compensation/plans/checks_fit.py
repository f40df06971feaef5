"""Keys that do not fit the method, measure or unit they stand with: E213, and parts that miss one: E005."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from salesops_lib.compensation.plans.faults import Fault
from salesops_lib.compensation.plans.load import Loaded
from salesops_lib.compensation.plans.measures import BUILT_IN
from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.plans.scales import FITTING, needs_target
from salesops_lib.compensation.plans.windows import PER_YEAR
from salesops_lib.compensation.plans.yaml_lines import Path

Found = Iterator[Fault]
Misfit = tuple[Path, str]
NO_CENTS = frozenset(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    )
)
THOUSANDTHS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))
"""Currencies whose smallest coin is the whole unit, or a thousandth of it (ISO 4217)."""


def e213(loaded: Loaded) -> Found:
    """What does not fit together."""
    for at, part in loaded.parts("components"):
        for path, said in _component(loaded.plan, part):
            yield loaded.fault("E213", (*at, *path), said)
        for kind, parts in (("gate", part.gates), ("multiplier", part.multipliers)):
            for path, inner in loaded.subparts(at, kind, parts):
                check = _gate if kind == "gate" else _multiplier
                for end, said in check(inner):
                    yield loaded.fault("E213", (*path, *end), said)
    for path, said in (*_spiffs(loaded), *_pools(loaded), *_whole(loaded)):
        yield loaded.fault("E213", path, said)


def e005(loaded: Loaded) -> Found:
    """Target pay that a component's rate unit needs."""
    if loaded.plan.pay is not None or "pay" in loaded.document.content:
        return
    for at, part in loaded.parts("components"):
        if needs_target(part):
            said = f"'pay' is missing: {part.rate_unit} needs target_total_cash and base_salary"
            yield loaded.fault("E005", (*at, "rate_unit"), said)
            return


def unfit(plan: Plan, part: Any) -> bool:
    """Whether a component's keys do not fit together, or its curve is no curve."""
    misfits = any(True for _ in _component(plan, part))
    points = getattr(part, "points", ())
    tiers = [t.from_ for t in getattr(part, "tiers", ())]
    unsorted = any(b <= a for a, b in pairwise(tiers)) or any(b[0] < a[0] for a, b in pairwise(points))
    return misfits or unsorted or _no_matrix(part) or _no_quota(plan, part)


def _no_quota(plan: Plan, part: Any) -> bool:
    measure = plan.measures.get(part.measure)
    quota = measure.quota if measure is not None else None
    return quota is not None and quota.value is not None and quota.value <= 0


def _no_matrix(part: Any) -> bool:
    if part.method != "matrix":
        return False
    ragged = len(part.table) != len(part.rows) or any(len(v) != len(part.cols) for v in part.table)
    return ragged or any(b <= a for axis in (part.rows, part.cols) for a, b in pairwise(axis))


def _component(plan: Plan, part: Any) -> Iterator[Misfit]:
    measure = plan.measures.get(part.measure, BUILT_IN.get(part.measure))
    if part.method not in FITTING[part.rate_unit]:
        units = ", ".join(unit for unit, methods in FITTING.items() if part.method in methods)
        yield ("rate_unit",), f"method {part.method} does not pay by {part.rate_unit}; write one of {units}"
    if part.type == "commission" and part.method == "matrix":
        yield ("type",), "a matrix pays by two measures of a window, not by deals; write type: bonus"
    elif part.type == "commission" and measure is not None and not measure.adds_up:
        said = f"a commission pays deals, and {part.measure} is a {measure.aggregate}; write type: bonus"
        yield ("type",), said
    if part.type == "bonus" and part.cap is not None and part.cap.per_deal is not None:
        yield ("cap", "per_deal"), "a bonus has no deals to cap"
    if part.rate_unit == "multiple_of_base" and part.basis not in {"attainment", "amount"}:
        yield ("basis",), f"the base rate is of a quota; basis {part.basis} has none"
    if part.cap is not None:
        yield from _cap(part.cap, ("cap",))


def _cap(cap: Any, at: Path) -> Iterator[Misfit]:
    limits = [cap.amount, cap.share_of_target]
    if [cap.per_deal, *limits] == [None, None, None]:
        yield at, "a cap needs per_deal, amount or share_of_target"
    if limits == [None, None] and (cap.carry_excess or cap.period is not None):
        yield at, "period and carry_excess belong to amount or share_of_target"


def _gate(gate: Any) -> Iterator[Misfit]:
    limits = [v for v in (gate.attainment_at_least, gate.value_at_least) if v is not None]
    if (gate.measure is None) == (gate.component is None):
        yield (), "a gate is on a measure or on a component: name one"
    elif gate.measure is not None and len(limits) != 1:
        yield (), "a gate on a measure needs attainment_at_least or value_at_least"
    elif gate.component is not None and limits:
        yield (), "a gate on a component asks whether it earned anything; leave the limit out"


def _multiplier(part: Any) -> Iterator[Misfit]:
    if bool(part.points) == bool(part.tiers):
        yield (), "a multiplier needs points or tiers, one of them"


def _spiffs(loaded: Loaded) -> Iterator[Misfit]:
    for at, spiff in loaded.parts("spiffs"):
        if (spiff.per == "deal") != (spiff.field is None):
            yield (*at, "per"), "per unit and per percent need the field that they count; per deal has none"


def _pools(loaded: Loaded) -> Iterator[Misfit]:
    for at, pool in loaded.parts("pool"):
        terms = pool.funding
        by_measure = terms.measure is not None and terms.rate_percent is not None
        by_amount = terms.amount is not None and terms.period is not None
        if by_measure == by_amount or (terms.measure is None) != (terms.rate_percent is None):
            yield (*at, "funding"), "a pool is funded by measure and rate_percent, or by amount and period"
        measure = loaded.plan.measures.get(terms.measure)
        if measure is not None and not measure.adds_up:
            yield (*at, "funding", "measure"), f"a pool takes a rate of a sum; {terms.measure} is none"
        if by_measure and terms.period is not None:
            yield (*at, "funding", "period"), "the pool's period is its measure's; leave it out"
        if pool.distribute.by == "credit" and terms.measure is None:
            yield (*at, "distribute", "by"), "by credit needs a pool that is funded by a measure"


def _whole(loaded: Loaded) -> Iterator[Misfit]:
    plan = loaded.plan
    caps = [((*at, "cap"), c.cap) for at, c in loaded.parts("components")]
    for at, cap in [*caps, (("cap",), plan.cap)]:
        if cap is not None and cap.period and PER_YEAR[cap.period] > PER_YEAR[plan.pay_period]:
            yield (*at, "period"), f"a cap per {cap.period}, but pay per {plan.pay_period}; pay more often"
    unit = plan.rounding.unit
    if unit <= 0 or unit * 100 % 1 != 0:
        more = "; pay is kept in hundredths" if plan.currency in THOUSANDTHS else ""
        yield ("rounding", "unit"), f"the unit is {unit}; write 0.01 or a multiple of it{more}"
    elif plan.currency in NO_CENTS and unit % 1 != 0:
        yield ("rounding", "unit"), f"the unit is {unit}, and {plan.currency} has no cents; write 1"
    if plan.cap is not None:
        yield from _cap(plan.cap, ("cap",))
        if plan.cap.per_deal is not None:
            yield ("cap", "per_deal"), "a cap per deal belongs to a component"


CHECKS = (e213, e005)
