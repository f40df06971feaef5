"""What this company's data cannot tell about quotas, in sentences."""

from __future__ import annotations

import pandas as pd

from salesops_lib.attainment.limits import uncounted
from salesops_lib.attainment.setting.basis import NO_TEAM, YEAR_QUARTERS
from salesops_lib.attainment.setting.plan import QuotaPlan
from salesops_lib.attainment.setting.potential import missing_parts

_NOTHING = {
    "potential": "No account held has a potential (accounts.potential_base by territory_assignments)",
    "pipeline": "No open deal has a known value",
    "history": "No booking is known",
}


def quota_limits(now: QuotaPlan, then: QuotaPlan) -> list[str]:
    """Sentences for the report: missing parts and where their weight went, holes, short pasts, stand-ins.

    ``now``: the plan; ``then``: the back-test's.
    """
    known = now.basis
    said = [*uncounted(known.facts.records, known.result), *_history(now, then)]
    if now.ready and then.ready and not _quarterly(now):
        said.append("No back-test: no quota stands for single quarters of the base year to compare with.")
    if now.ready:
        said += _parts(now, "") + _seats(now)
    if then.ready:
        said += _parts(then, "Back-test: ")
    return said


def _quarterly(now: QuotaPlan) -> bool:
    """Whether any rep had a quota for a quarter of the base year."""
    rows = now.basis.result.table
    rows = rows[(rows["level"] == "rep") & rows["period"].isin(now.basis.base)]
    return bool((pd.to_numeric(rows["assigned_base"]) > 0).any())


def _parts(quotas: QuotaPlan, where: str) -> list[str]:
    said, seats = [], len(quotas.proposed.reps)
    for part, missing in missing_parts(quotas.proposed.reps, quotas.rules.weights).items():
        if missing == seats:
            said.append(f"{where}{_NOTHING[part]}: the weight of {part} went to the others.")
        elif missing:
            said.append(
                f"{where}{missing} of {seats} reps have no {part}: its weight went to the others there."
            )
    return said


def _history(now: QuotaPlan, then: QuotaPlan) -> list[str]:
    said = []
    if now.basis.holes:
        said.append(
            f"Hardly a booking in {', '.join(now.basis.holes)}: taken as holes, left out of the base year."
        )
    if not now.basis.base:
        said.append(
            f"{len(now.basis.whole)} whole finished quarters: no quota is proposed under {YEAR_QUARTERS}."
        )
    elif not then.ready:
        said.append(
            f"No back-test: under {YEAR_QUARTERS} whole quarters were known before {now.basis.base[0]}."
        )
    if now.plan is not None and now.plan.borrowed:
        said.append(
            f"{now.plan.name} is not in the fiscal calendar; its days are those of its last year, moved on."
        )
    return said


def _seats(now: QuotaPlan) -> list[str]:
    said = []
    if not now.left.known:
        said.append("No role spells: ramp and leavers are unknown, every seat counts in full.")
    if (now.basis.seats["team"] == NO_TEAM).any():
        n = int((now.basis.seats["team"] == NO_TEAM).sum())
        said.append(f"{n} of {len(now.basis.seats)} reps are in no team; they stand together as '{NO_TEAM}'.")
    if now.proposed.reps["over_median"].isna().any():
        n = int(now.proposed.reps["over_median"].isna().sum())
        are = "reps are" if n > 1 else "rep is"
        said.append(f"{n} {are} in groups under four: no cap by the median applies there.")
    return said
