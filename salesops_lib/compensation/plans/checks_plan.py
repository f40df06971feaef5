"""Checks of how the parts of a plan fit together, one function per code."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from salesops_lib.compensation.plans.exact import plain
from salesops_lib.compensation.plans.faults import Fault
from salesops_lib.compensation.plans.load import Loaded
from salesops_lib.compensation.plans.measures import BUILT_IN
from salesops_lib.compensation.plans.scales import needs_quota
from salesops_lib.compensation.plans.targets import at_target, outside_sum
from salesops_lib.compensation.plans.yaml_lines import Path
from salesops_lib.core.errors import nearest

Found = Iterator[Fault]


def e201(loaded: Loaded) -> Found:
    """An id that stands twice, or a credit rule."""
    seen: dict[str, int] = {}
    for name in ("components", "spiffs", "pool"):
        for at, part in loaded.parts(name):
            line = loaded.document.line((*at, "id"))
            if part.id in seen:
                said = f"the id {part.id} stands twice, first on line {seen[part.id]}"
                yield loaded.fault("E201", (*at, "id"), said)
            seen.setdefault(part.id, line)
    rules: set[str] = set()
    for at, rule in loaded.parts("credits"):
        if rule.rule in rules and rule.rule in {"owner", "split"}:
            yield loaded.fault("E201", (*at, "rule"), f"the rule {rule.rule} stands twice; keep one")
        rules.add(rule.rule)
    held: set[str] = set()
    for at, hold in loaded.parts("holds"):
        if hold.component in held:
            yield loaded.fault("E201", (*at, "component"), f"{hold.component} is held twice; keep one")
        held.add(hold.component)


def e202(loaded: Loaded) -> Found:
    """A measure, or a component of a gate, that the plan does not have."""
    known = {*loaded.document.content.get("measures", {}), *BUILT_IN}
    components = _component_ids(loaded)
    for at, name, kind in _named(loaded):
        names = known if kind == "measure" else components
        if name is not None and name not in names:
            yield loaded.fault("E202", at, f"there is no {kind} {name}. {nearest(name, names)}")


def e203(loaded: Loaded) -> Found:
    """Attainment of a measure without a quota."""
    plan = loaded.plan
    for at, part in loaded.parts("components"):
        asked = [((*at, "basis"), part.measure, needs_quota(part))]
        for path, gate in loaded.subparts(at, "gate", part.gates):
            asked.append(((*path, "attainment_at_least"), gate.measure, gate.attainment_at_least is not None))
        for path, factor in loaded.subparts(at, "multiplier", part.multipliers):
            asked.append(((*path, "basis"), factor.measure, factor.basis == "attainment"))
        for path, name, wanted in asked:
            measure = _measure(plan, name)
            if wanted and measure is not None and measure.quota is None:
                yield loaded.fault("E203", path, f"attainment of {name}, which has no quota; give it one")
    rolled = any(m.quota and m.quota.source == "rollup" for m in plan.measures.values())
    for name, measure in plan.measures.items():
        if measure.quota and measure.quota.source == "role" and measure.quota.value is None:
            at = ("measures", name, "quota", "source")
            yield loaded.fault("E203", at, "a role's quota needs its value")
        if getattr(measure, "of", "") == "team_members_at_quota" and not rolled:
            said = "members are judged by a quota that rolls up; the plan has no quota of source rollup"
            yield loaded.fault("E203", ("measures", name, "of"), said)


def e204(loaded: Loaded) -> Found:
    """Weights that do not add up to 1; all 0 is a plan without target incentive."""
    plan = loaded.plan
    total = sum((Fraction(c.weight) for c in plan.components), Fraction(0))
    if total == 0 and plan.target_incentive == 0:
        return
    if total != 1:
        weights = " + ".join(plain(c.weight) for c in plan.components) or "no component"
        yield loaded.fault("E204", ("components",), f"weights add up to {plain(total)}, not 1 ({weights})")


def e205(loaded: Loaded) -> Found:
    """A hold on a component that is not there, or that pays no deals."""
    names = _component_ids(loaded)
    deals = {c.id for c in loaded.plan.components if c.type == "commission"}
    read = {c.id for c in loaded.plan.components}
    for at, hold in loaded.parts("holds"):
        if hold.component not in names:
            said = f"there is no component {hold.component}. {nearest(hold.component, names)}"
            yield loaded.fault("E205", (*at, "component"), said)
        elif hold.component in read - deals:
            said = f"{hold.component} is a bonus: it has no deals whose payment could release it"
            yield loaded.fault("E205", (*at, "component"), said)


def e206(loaded: Loaded) -> Found:
    """Rules that credit more than 100 % of a deal without saying overlay."""
    total, rules = Fraction(0), loaded.parts("credits")
    has_split = any(rule.rule == "split" for _, rule in rules)
    for at, rule in rules:
        share = Fraction(rule.must_sum_to if rule.rule == "split" else rule.share)
        if rule.overlay or (rule.rule == "owner" and has_split and share <= 1):
            continue
        total += share
        if total > 1:
            said = f"rule {rule.rule} brings the credit of a deal to {plain(total * 100)} %"
            yield loaded.fault("E206", (*at, "share"), f"{said}; say overlay: true if it comes on top")


def e207(loaded: Loaded) -> Found:
    """Payout at target that is not the target incentive, or a target that is not said."""
    plan = loaded.plan
    for at, part in loaded.parts("components"):
        if any(_measure(plan, n) is None for n in (part.measure, getattr(part, "measure2", part.measure))):
            continue
        if outside_sum(plan, part) is not None or _unfit(loaded, part):
            continue
        paid = at_target(plan, part)
        if paid is None:
            said = f"{part.measure} has no quota: say target_at, the value at which target is paid"
            if plan.target_incentive == 0:
                said = "a weight above 0, but no target incentive; give pay"
            yield loaded.fault("E207", (*at, "measure"), said)
        elif paid != 1:
            said = f"at target it pays {plain(paid * 100)} % of its target incentive, not 100 %"
            yield loaded.fault("E207", (*at, _curve_key(part)), said)


def e209(loaded: Loaded) -> Found:
    """Rates that cannot be: into another currency than the plan's, or fixed and not said."""
    fx = loaded.plan.fx
    if fx is None:
        return
    if fx.to != loaded.plan.currency:
        said = f"fx converts to {fx.to}, but the plan pays {loaded.plan.currency}"
        yield loaded.fault("E209", ("fx", "to"), said)
    if (fx.rate_date == "fixed") != bool(fx.rates):
        yield loaded.fault("E209", ("fx", "rate_date"), "rate_date: fixed and rates belong together")
    for currency, rate in fx.rates.items():
        if rate <= 0:
            yield loaded.fault("E209", ("fx", "rates", currency), f"the rate {plain(rate)} is not above 0")


def e210(loaded: Loaded) -> Found:
    """Components whose gates wait for each other."""
    waits = {c.id: [g.component for g in c.gates if g.component] for c in loaded.plan.components}
    told: set[frozenset[str]] = set()
    for at, part in loaded.parts("components"):
        circle = _circle(part.id, waits)
        if circle and frozenset(circle) not in told:
            told.add(frozenset(circle))
            yield loaded.fault("E210", (*at, "gate"), f"gates form a circle: {' → '.join(circle)}")


def _circle(start: str, waits: dict[str, list[str]]) -> list[str]:
    """The way from a component back to itself, empty where there is none."""
    paths = [[start]]
    while paths:
        path = paths.pop()
        for name in waits.get(path[-1], ()):
            if name == start:
                return [*path, start]
            if name not in path:
                paths.append([*path, name])
    return []


def _named(loaded: Loaded) -> Iterator[tuple[Path, str | None, str]]:
    """(path, name, whether it names a measure or a component)."""
    for at, part in loaded.parts("components"):
        yield (*at, "measure"), part.measure, "measure"
        yield (*at, "measure2"), getattr(part, "measure2", None), "measure"
        for path, factor in loaded.subparts(at, "multiplier", part.multipliers):
            yield (*path, "measure"), factor.measure, "measure"
        for path, gate in loaded.subparts(at, "gate", part.gates):
            yield (*path, "measure"), gate.measure, "measure"
            yield (*path, "component"), gate.component, "component"
    for at, pool in loaded.parts("pool"):
        yield (*at, "funding", "measure"), pool.funding.measure, "measure"


def _component_ids(loaded: Loaded) -> set[str]:
    """Ids of all components in the file, also of those that could not be read."""
    raw = loaded.document.content.get("components") or []
    return {str(part["id"]) for part in raw if isinstance(part, dict) and "id" in part}


def _measure(plan: Any, name: str | None) -> Any:
    return plan.measures.get(name, BUILT_IN.get(name)) if name else None


def _unfit(loaded: Loaded, part: Any) -> bool:
    """Whether other checks refuse the component already, so that its payout means nothing."""
    from salesops_lib.compensation.plans.checks_fit import unfit

    return (needs_quota(part) and _measure(loaded.plan, part.measure).quota is None) or unfit(
        loaded.plan, part
    )


def _curve_key(part: Any) -> str:
    return {"matrix": "table", "interpolated": "points"}.get(part.method, "tiers")


CHECKS = (e201, e202, e203, e204, e205, e206, e207, e209, e210)
