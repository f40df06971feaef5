"""A business case from an initiative's drivers: what it saves a year, with its range, against its cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops_lib.core.errors import UserError, nearest
from salesops_lib.handbook.registers import Entry, Registers

DRAWS, SEED = 10_000, 7


@dataclass(frozen=True)
class Case:
    """Gain a year at three percentiles, in money, and ``cost`` a year."""

    initiative: Entry
    p10: float
    p50: float
    p90: float
    cost: float

    @property
    def pilot_only(self) -> bool:
        """Whether the low end of the gain does not pay the cost."""
        return self.p10 < self.cost


def business_case(registers: Registers, scenario: str, draws: int = DRAWS, seed: int = SEED) -> Case:
    """Draw minutes and adoption evenly between low and high. Raises UserError for an unknown scenario.

    gain = sellers x minutes a week / 60 x weeks x adoption x value of an hour
    """
    known = registers.by_id("initiatives")
    if scenario not in known:
        raise UserError(
            f"no initiative '{scenario}' in registers/initiatives.yml. {nearest(scenario, known)}"
        )
    one, random = known[scenario], np.random.default_rng(seed)
    minutes = random.uniform(one["minutes"]["low"], one["minutes"]["high"], draws)
    adoption = random.uniform(one["adoption"]["low"], one["adoption"]["high"], draws)
    drivers = one["drivers"]
    gain = drivers["sellers"] * minutes / 60 * drivers["weeks"] * adoption * drivers["hour_value"]
    p10, p50, p90 = (float(v) for v in np.percentile(gain, (10, 50, 90)))
    return Case(one, p10, p50, p90, float(one["cost_year"]))


def as_text(case: Case) -> str:
    """The case as the template templates/business-case asks for it, in Markdown."""
    one = case.initiative
    net = [v - case.cost for v in (case.p10, case.p50, case.p90)]
    asked = "a pilot only: the low end does not pay the cost" if case.pilot_only else "yes, no or pilot"
    return "\n".join(
        [
            f"# {one['initiative']}",
            "",
            f"- Trouble: {one['problem']}.",
            f"- Gain a year: P10 {case.p10:,.0f}, P50 {case.p50:,.0f}, P90 {case.p90:,.0f}.",
            f"- Cost a year: {case.cost:,.0f}. Net: P10 {net[0]:,.0f}, P50 {net[1]:,.0f}, P90 {net[2]:,.0f}.",
            "- Do nothing: gain 0, cost 0, the trouble stays.",
            f"- Who loses: {one['loses']}.",
            f"- Pilot: {one['pilot']}. Stop when: {one['stop_rule']}.",
            f"- Sponsor: {one['sponsor']}. Decision on {one['decision_date']}. Asked for: {asked}.",
        ]
    )
