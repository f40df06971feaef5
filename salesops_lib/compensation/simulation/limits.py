"""What this company's data cannot tell about a plan's cost, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from salesops_lib.compensation.plans.plan import Plan
from salesops_lib.compensation.simulation.after import After
from salesops_lib.compensation.simulation.deals import DealStream
from salesops_lib.compensation.simulation.performance import MIN_PERIODS, POOL_UNDER
from salesops_lib.compensation.simulation.real_year import RealYear
from salesops_lib.compensation.simulation.setup import Setup
from salesops_lib.core.charts import short_money

MOST_NOTES = 6


def simulation_limits(setup: Setup, year: RealYear | None, proposed: int) -> list[str]:
    """Sentences for the report: short pasts, stand-ins, what a plan has that is not drawn."""
    said = _history(setup)
    if not proposed:
        said.append("No plan is proposed: new and old are the same, and every change is 0.")
    said += list(setup.seats.stood_in)
    said += dict.fromkeys(_left_out(setup, year))
    if year is None:
        said.append("No finished fiscal year is known: nothing is paid on real events.")
    elif year.notes:
        said.append(f"{year.period}, the engine: {year.notes[0]}")
        if len(year.notes) > 1:
            said.append(
                f"{year.period}: {len(year.notes) - 1} further notes of the engine, of the same kind."
            )
    return said


def _left_out(setup: Setup, year: RealYear | None) -> list[str]:
    """What of the plans is not drawn, with last year's money on it."""
    said: dict[str, str] = {}
    for group in setup.world.groups:
        drawn = {name for s in group.sources.values() if isinstance(s, DealStream) for name in s.worths}
        for variant, lanes in group.lanes.items():
            money = _Money(year, variant, lanes.plan)
            lost = [s.id for s in lanes.spiffs if s.id not in drawn]
            found = [(f"{group.name}: SPIFF {name} has no known deals to draw; add its budget", [name])
                     for name in lost]  # fmt: skip
            found += [(f"{lanes.plan.id}: {line}", parts) for line, parts in _terms_left_out(lanes.plan)]
            after = group.after.get(variant, After())
            found += [(f"{group.name}: {line}", money.by_deal) for line in _after_deals(after)]
            for line, parts in found:
                said.setdefault(line, f"{line}{money.of(*parts)}.")
    return list(said.values())


def _terms_left_out(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    """(sentence, parts of the plan whose pay it is about; none: all)."""
    for pool in plan.pool:
        funded = plan.measure(pool.funding.measure) if pool.funding.measure else None
        if funded is not None and funded.where:
            yield f"pool {pool.id} is funded by all sales drawn, its filter is left out", [pool.id]
        if pool.distribute.by == "pool_share":
            yield f"pool {pool.id} is shared evenly here, not by the holders' shares", [pool.id]
    if plan.cap is not None and plan.cap.carry_excess:
        yield "what lies above the plan's cap is carried, here it is cut off", []


def _after_deals(after: After) -> Iterator[str]:
    if after.unseen:
        yield f"the data has no event of {' and '.join(after.unseen)}: what it would take back is not drawn"
    elif after.claws_back and not len(after.back):
        yield "no deal is old enough to tell what a clawback takes"
    if any(np.isnan(left).any() for _, left in after.held.values()):
        yield "no deal tells when held pay is released: what is held at the year's end is unknown"


@dataclass(frozen=True)
class _Money:
    """What a plan earned in the last finished year under a variant."""

    year: RealYear | None
    variant: str
    plan: Plan

    @property
    def by_deal(self) -> list[str]:
        """Components whose pay a clawback reaches."""
        return [c.id for c in self.plan.components if c.type == "commission"]

    def of(self, *parts: str) -> str:
        """In words: what some parts earned, all of them without a name; empty without a finished year."""
        if self.year is None:
            return ""
        rows = self.year.earned
        mine = rows[(rows["variant"] == self.variant) & (rows["plan_id"] == self.plan.id)]
        cents = int(mine.loc[mine["part"].isin(parts) | (len(parts) == 0), "cents"].sum())
        return f" ({self.year.period}: {short_money(cents / 100)} earned on it)"


def _history(setup: Setup) -> list[str]:
    said, assumed = [], setup.known.assumed
    for kind, made in setup.known.by_kind.items():
        parts = made.structure
        if kind.startswith("attainment") and (parts.periods < MIN_PERIODS or np.isnan(parts.rho)):
            said.append(
                f"{parts.periods} periods of {kind.split(':')[1]}s are known: the market's share is "
                "the policy's "
                f"{assumed.default_rho:.0%}, not an estimate."
            )
        thin = made.roles[made.roles["pooled"]]
        if kind.startswith("attainment") and len(thin):
            names = ", ".join(sorted(r.split("/")[0] for r in thin["role"]))
            said.append(
                f"Under {POOL_UNDER:.0f} rep-years: {names}; each takes the shape of all roles together."
            )
    if assumed.rho is not None:
        said.append(f"The market's share ρ is {assumed.rho:.2f} as asked for, not estimated.")
    missing = [
        f"{g.name} ({m})"
        for g in setup.world.groups
        for m, source in g.sources.items()
        if hasattr(source, "structure") and not _has_past(setup, g.name, m)
    ]
    if missing:
        said.append(
            f"No past of {', '.join(sorted(missing)[:MOST_NOTES])}: drawn around 100 % with the "
            "policy's spread."
        )
    return said


def _has_past(setup: Setup, role: str, measure: str) -> bool:
    return any(f"{role}/{measure}" in made.shapes for made in setup.known.by_kind.values())
