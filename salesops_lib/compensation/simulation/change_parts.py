"""Why the new plan costs what it costs: the change in parts, behaviour as labelled scenarios, the tornado.

Everything is a difference on the same draws, so that small effects are told from noise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.simulation.behaviour import Behaviour
from salesops_lib.compensation.simulation.blocks import expected_slopes
from salesops_lib.compensation.simulation.cost import first_scenarios, mean, quantile
from salesops_lib.compensation.simulation.exchange import RateRange
from salesops_lib.compensation.simulation.setup import NEW, OLD, Setup, with_plans
from salesops_lib.compensation.simulation.world import Group, Leaving, World
from salesops_lib.compensation.simulation.years import simulate

REBASED = "old plan at new pay"
NO_BEHAVIOUR = "as in the past"


@dataclass(frozen=True)
class Reactions:
    """How strong each behaviour is where it is shown: policy numbers, not estimates."""

    effort: float
    shift: float
    sandbag: float
    discount: float

    def scenarios(self, reference: dict[str, float]) -> dict[str, Behaviour]:
        """Label → behaviour, each alone."""
        known = tuple(sorted(reference.items()))
        return {
            "effort": Behaviour(f"effort, elasticity {self.effort:g}", effort=self.effort, reference=known),
            "timing": Behaviour(f"timing, {self.shift:.0%} of a period moves", shift=self.shift),
            "sandbagging": Behaviour(f"sandbagging, {self.sandbag:.0%} beyond the top", sandbag=self.sandbag),
            "discount for timing": Behaviour(
                f"timing at {self.discount:.0%} discount", shift=self.shift, discount=self.discount
            ),
        }


def rebased(old: Plan, new: Plan) -> Plan:
    """The old version at the new one's target pay and quotas: what changes without its mechanics."""
    measures = {
        name: measure.model_copy(update={"quota": new.measures[name].quota})
        if name in new.measures and measure.quota and new.measures[name].period == measure.period
        else measure
        for name, measure in old.measures.items()
    }
    return old.model_copy(update={"pay": new.pay, "measures": measures})


def split(setup: Setup, reactions: Reactions, scenarios: int) -> pd.DataFrame:
    """The change of expected pay from old to new in base, mechanics and behaviour.

    Returns
    -------
    DataFrame
        ``part``: ``old``, ``base`` (target pay and quotas at the old mechanics), ``mechanics``, ``new``, and
        one ``behaviour: …`` per scenario, off by default. ``kind``: total, change or scenario. ``pay``: money
        of a total, else the change. ``error``: of a change. ``sales``: what a scenario adds to sales.
    """
    old, new = setup.plans[OLD], setup.plans[NEW]
    between = {p: rebased(old[p], new[p]) for p in old}
    part = first_scenarios(setup.world, scenarios)
    shown = reactions.scenarios(expected_slopes(part, OLD))
    variants = {OLD: old, REBASED: between, NEW: new, **dict.fromkeys(shown, new)}
    world = replace(first_scenarios(with_plans(setup, variants), scenarios), behaviour=shown)
    made = simulate(world)
    base, block = made.pay[OLD], made.block
    rows = [("old", "total", float(base.mean()), np.nan, 0.0)]
    for name, before, after in (("base", OLD, REBASED), ("mechanics", REBASED, NEW)):
        rows.append((name, "change", *mean(made.pay[after] - made.pay[before], block), 0.0))
    rows.append(("new", "total", float(made.pay[NEW].mean()), np.nan, 0.0))
    for name, behaviour in shown.items():
        change = mean(made.pay[name] - made.pay[NEW], block)
        rows.append((f"behaviour: {behaviour.label}", "scenario", *change, float(made.moved[name].mean())))
    return pd.DataFrame(rows, columns=["part", "kind", "pay", "error", "sales"])


def tornado(
    setup: Setup, scenarios: int, leaving: Leaving, exchange: Iterable[RateRange] = ()
) -> pd.DataFrame:
    """How far each assumption moves the new plan's middle and P90, one at a time, on the same draws.

    ``exchange``: how far rates may lie from the plan rate (:func:`exchange.rate_ranges`).

    Returns
    -------
    DataFrame
        One row per ``assumption``, the widest first: ``low``, ``high`` (what was tried), ``p50_low``,
        ``p50_high``, ``p90_low``, ``p90_high`` (money), ``p50``, ``p90``, ``p90_error`` (as assumed; standard
        Monte Carlo error), ``swing`` (largest distance of a P90 from the one assumed).
    """
    start = first_scenarios(with_plans(setup, {NEW: setup.plans[NEW]}), scenarios)
    made = simulate(start)
    base = [quantile(made.pay[NEW], made.block, share) for share in (0.5, 0.9)]
    middle, (top, error) = base[0][0], base[1]
    rows = []
    for name, (low, high), made in [*_tried(setup, start, leaving), *_exchanged(start, exchange)]:
        pairs = [_quantiles(world) for world in made]
        (p50_low, p90_low), (p50_high, p90_high) = pairs
        swing = max(abs(p90 - top) for _, p90 in pairs)
        rows.append((name, low, high, p50_low, p50_high, p90_low, p90_high, middle, top, error, swing))
    columns = ["assumption", "low", "high", "p50_low", "p50_high", "p90_low", "p90_high", "p50", "p90",
               "p90_error", "swing"]  # fmt: skip
    made = pd.DataFrame(rows, columns=columns)
    return made.sort_values("swing", ascending=False, ignore_index=True, kind="stable")


def _tried(setup: Setup, start: World, leaving: Leaving):
    """(assumption, values, worlds) of everything that is moved."""
    assumed, known = setup.known.assumed, setup.known.by_kind.get("attainment:quarter")
    used = setup.known.structure("attainment:quarter")
    low, high = used.rho_low, used.rho_high
    if assumed.rho is not None or np.isnan(low):
        low, high = max(used.rho - 0.1, 0.0), min(used.rho + 0.1, 0.95)
    yield "market share ρ", (low, high), [_structured(start, rho=v) for v in (low, high)]
    n = len(known.reps) if known is not None else 10
    error = min(1 / np.sqrt(2 * max(n, 2)), 0.5)
    yield "spread σ", (1 - error, 1 + error), [_structured(start, spread=f) for f in (1 - error, 1 + error)]
    yield "sales level", (0.95, 1.05), [replace(start, level=v) for v in (0.95, 1.05)]
    rates = (0.0, 2 * leaving.rate if leaving.rate else 0.1)
    yield "leavers a year", rates, [replace(start, leaving=replace(leaving, rate=r)) for r in rates]
    kept = [replace(start, design=replace(start.design, persistence=p)) for p in (0.0, 1.0)]
    yield "market lasts the year", (0.0, 1.0), kept


def _exchanged(start: World, exchange: Iterable[RateRange]):
    """(assumption, values, worlds) of each currency that plans pay in: the year's mean rate ÷ plan rate.

    Held at either end; as assumed it is drawn.
    """
    for known in exchange:
        ends = (known.low, known.high)
        made = [
            tuple(replace(g, money=g.money * v) if g.plan_id in known.plans else g for g in start.groups)
            for v in ends
        ]
        others = tuple(r for r in start.rates if r.currency != known.currency)
        yield f"{known.currency} ÷ plan rate", ends, [replace(start, groups=g, rates=others) for g in made]


def _structured(world: World, rho: float | None = None, spread: float = 1.0) -> World:
    """The world with another market share, or another spread, in every stream."""
    return replace(world, groups=tuple(_group(g, rho, spread) for g in world.groups))


def _group(group: Group, rho: float | None, spread: float) -> Group:
    sources = {}
    for name, source in group.sources.items():
        if hasattr(source, "structure"):
            parts = source.structure
            market = parts.rho if rho is None else rho
            moved = replace(
                parts,
                total=parts.total * spread**2,
                rho=market,
                rho_segment=min(parts.rho_segment, 1 - market),
            )
            source = replace(source, structure=moved, score=source.score, score_sd=source.score_sd * spread)
        elif hasattr(source, "common"):
            own = np.hypot(source.common, source.extra)
            common = source.common if rho is None else own * np.sqrt(rho)
            extra = source.extra if rho is None else own * np.sqrt(1 - rho)
            source = replace(
                source, common=common * spread, extra=extra * spread, spread=source.spread * spread
            )
        sources[name] = source
    return replace(group, sources=sources)


def _quantiles(world: World) -> tuple[float, float]:
    made = simulate(world)
    return tuple(quantile(made.pay[NEW], made.block, share)[0] for share in (0.5, 0.9))
