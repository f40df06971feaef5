"""What this company's data cannot tell about a plan's cost, in sentences."""

from __future__ import annotations

import numpy as np

from salesops_lib.compensation.simulation.deals import DealStream
from salesops_lib.compensation.simulation.lanes import left_out
from salesops_lib.compensation.simulation.performance import MIN_PERIODS, POOL_UNDER
from salesops_lib.compensation.simulation.real_year import RealYear
from salesops_lib.compensation.simulation.setup import Setup

MOST_NOTES = 6


def simulation_limits(setup: Setup, year: RealYear | None, proposed: int) -> list[str]:
    """Sentences for the report: short pasts, stand-ins, what a plan has that is not drawn."""
    said = _history(setup)
    if not proposed:
        said.append("No plan is proposed: new and old are the same, and every change is 0.")
    said += list(setup.seats.stood_in)
    paid = [plan for plans in setup.plans.values() for plan in plans.values()]
    said += dict.fromkeys(line for plan in paid for line in left_out(plan))
    said += _spiffs_without_deals(setup)
    if year is None:
        said.append("No finished fiscal year is known: nothing is paid on real events.")
    elif year.notes:
        said.append(f"{year.period}, the engine: {year.notes[0]}")
        if len(year.notes) > 1:
            said.append(
                f"{year.period}: {len(year.notes) - 1} further notes of the engine, of the same kind."
            )
    return said


def _spiffs_without_deals(setup: Setup) -> list[str]:
    """SPIFFs whose deals are not drawn one by one, so that nothing is paid for them."""
    said: dict[str, None] = {}
    for group in setup.world.groups:
        drawn = {f for s in group.sources.values() if isinstance(s, DealStream) for f in s.flags}
        for lanes in group.lanes.values():
            for spiff in lanes.spiffs:
                if spiff.id not in drawn:
                    said[f"{group.name}: SPIFF {spiff.id} has no known deals to draw; add its budget."] = None
    return list(said)


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
