"""What these leads cannot tell, in sentences."""

from __future__ import annotations

from salesops_lib.leads.handover import Leads
from salesops_lib.leads.scoring import Scores
from salesops_lib.leads.timing import FinalRate


def limits(leads: Leads, found: Scores, final: FinalRate | None, *, rules: bool, spend: bool) -> list[str]:
    """Sentences for the report: what is missing, and what stands in."""
    said = []
    if not leads.clock:
        said.append(
            "No lead says when it came in: funnel, cohorts, incidence, sources, response and spend are not "
            "computed. For the score the order of lead ids stands for time."
        )
    elif leads.hours is None:
        said.append("There is no calendar of opening hours: minutes to the first touch count day and night.")
    if leads.outcome:
        said.append(f"Converted is what column {leads.outcome} says; when it was known is not said.")
    if final is not None and final.rate is None and leads.clock:
        said.append(f"Where conversion ends in the long run is not told: {final.why}.")
    if found.why:
        said.append(f"There is no score: {found.why}.")
    if leads.clock and not rules:
        said.append("There is no policy/routing.yaml, so no routing was replayed.")
    if leads.clock and not spend:
        said.append("There are no campaign costs with amounts won, so no return on spend is told.")
    early = int(leads.frame["created_at"].isna().sum()) if leads.clock else 0
    if early:
        said.append(f"{early} leads without a moment of creation are in no rate.")
    said.append("Reassignments are not counted: the table holds the last owner of a lead.")
    return said
