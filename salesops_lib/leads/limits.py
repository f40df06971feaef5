"""What these leads cannot tell, in sentences."""

from __future__ import annotations

from salesops_lib.leads.funnels import created_before_record
from salesops_lib.leads.handover import WON, Leads
from salesops_lib.leads.scoring import Scores
from salesops_lib.leads.strata import Alike
from salesops_lib.leads.timing import FinalRate
from salesops_lib.leads.work_handover import Held


def limits(
    leads: Leads,
    found: Scores,
    final: FinalRate | None,
    held: Held,
    *,
    passing: Alike,
    rules: bool,
    spend: bool,
) -> list[str]:
    """Sentences for the report: what is missing, and what stands in."""
    said = []
    if not leads.clock:
        said.append(
            "No lead says when it came in: funnel, cohorts, incidence, sources, response and spend are not "
            "computed. For the score the order of lead ids stands for time."
        )
    elif leads.hours is None:
        said.append("There is no calendar of opening hours: minutes to the first touch count day and night.")
    if not leads.means:
        said.append(f"No lead says whether it converted. {_candidates(leads)}")
    elif leads.outcome:
        said.append(f"Converted is what column {leads.outcome} says; when it was known is not said.")
        if leads.clock:
            said.append("So there are no cohorts and no curves; leads younger than the horizon are left out.")
    elif leads.means == WON:
        said.append("No lead says when it became an opportunity: to convert means to be won.")
    if leads.timed:
        said += _unfair(leads)
    if final is not None and final.rate is None:
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
    if leads.clock and not held.known:
        said.append(
            "Reassignments cannot be known: leads hold the last owner only. Import the table lead_owners."
        )
    elif leads.clock and passing.why:
        said.append(f"What passing a lead on goes with is not told: {passing.why}.")
    return said


def _unfair(leads: Leads) -> list[str]:
    """Comparisons refused: leads created before outcomes were recorded."""
    known = leads.frame[leads.frame["created_at"].notna()]
    early = created_before_record(known, "sql_at")
    if not early.any():
        return []
    since = known.loc[~early, "created_at"].min().date()
    return [
        f"{int(early.sum()):,} leads created before {since}, when outcomes began to be recorded, are "
        "compared with no others: their early outcomes are not in the extract."
    ]


def _candidates(leads: Leads) -> str:
    """Columns that might say so: two values, in any row."""
    names = [str(c) for c in leads.frame if leads.frame[c].nunique() == 2][:4]
    told = f" Columns of two values: {', '.join(names)}." if names else ""
    return f"Import sql_at or won_at, or name the column: -p outcome=COLUMN.{told}"
