"""What owners can find: how evenly leads are given, which have nobody, which are passed on and what that goes
with."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.charts import percent
from salesops_lib.core.findings import Finding
from salesops_lib.core.stats import proportion_interval
from salesops_lib.leads import rules
from salesops_lib.leads.routing import spread
from salesops_lib.leads.rules import Setting
from salesops_lib.leads.strata import Alike
from salesops_lib.leads.work_handover import Held

LEVEL = 0.9


def routing(setting: Setting, owners: pd.DataFrame, errors: pd.DataFrame, replayed: bool) -> list[Finding]:
    """How evenly leads are given out. ``owners``: ``outputs.OWNERS``; UNKNOWN under two owners."""
    value = spread(owners["per_day_before"], owners["leads_before"]) if len(owners) else float("nan")
    known, limit = bool(np.isfinite(value)), setting.limit(rules.ROUTING)
    told, step = "", "Name an owner for every lead."
    if known:
        top = owners.loc[owners["per_day_before"].idxmax()]
        told = f"; most go to {top['owner_id']}, {top['per_day_before']:.1f} a day worked"
        step = "Keep the rules."
        if value > limit.value:
            step = f"Give {top['owner_id']} fewer: put weights into routing.yaml and replay it."
    if known and replayed:
        after = spread(owners["per_day_after"], owners["leads_after"])
        told += f"; under routing.yaml it would be {percent(after)}, with {len(errors):,} leads no rule takes"
        paces = [_pace(owners, f"leads_{side}") for side in ("before", "after")]
        if all(map(np.isfinite, paces)):
            told += f", and at each owner's own pace an answer would take {paces[1]:.0f} minutes, not "
            told += f"{paces[0]:.0f}"
        if len(errors):
            step = f"Add a rule for the {len(errors):,} leads of routing_errors.csv."
    return [
        rules.ROUTING.judge(
            scope={"owners": "all"},
            value=value if known else None,
            n=len(owners),
            limit=limit,
            as_of=setting.as_of,
            statement=f"Leads a day differ by {percent(value)} between {len(owners)} owners{told}."
            if known
            else "Under two owners have leads in the last half year.",
            recommendation=step,
        )
    ]


def _pace(owners: pd.DataFrame, leads: str) -> float:
    """Owners' middle minutes to a first answer, weighted by the leads they have or would have."""
    known = owners[owners["median_minutes"].notna() & owners[leads].notna()]
    weight = known[leads].astype("float64")
    return (
        float((known["median_minutes"] * weight).sum() / weight.sum()) if weight.sum() > 0 else float("nan")
    )


def ownership(setting: Setting, held: Held, passed: pd.DataFrame, cost: Alike) -> list[Finding]:
    """Leads that nobody has, and leads that were passed on; the latter is silent where nobody says.
    ``passed``: ``outputs.PASSED``; ``cost``: of :func:`owners.passing_on`."""
    known = bool(np.isfinite(held.unowned)) and held.n > 0
    found = [
        rules.UNOWNED.judge(
            scope={"leads": "half a year"},
            value=held.unowned / held.n if known else None,
            n=held.n,
            limit=setting.limit(rules.UNOWNED),
            as_of=setting.as_of,
            interval=proportion_interval(int(held.unowned), held.n, LEVEL) if known else None,
            statement=f"{int(held.unowned):,} of {held.n:,} leads of the last half year have no owner "
            f"({percent(held.unowned / held.n)})."
            if known
            else "No lead of the last half year names an owner.",
            recommendation="Give each of them an owner today, and find the rule that missed them."
            if known and held.unowned
            else "Keep the rules."
            if known
            else "Import owner_id with assigned_at: an owner without the moment it was given is not read.",
        )
    ]
    if held.known:
        again = int(held.passed)
        found.append(
            rules.REASSIGNED.judge(
                scope={"leads": "half a year"},
                value=again / held.known,
                n=held.known,
                limit=setting.limit(rules.REASSIGNED),
                as_of=setting.as_of,
                interval=proportion_interval(again, held.known, LEVEL),
                statement=f"{again:,} of {held.known:,} leads of the last half year passed to another owner "
                f"({percent(again / held.known)}){_soon(passed)}.{_goes_with(cost)}",
                recommendation=_repair(passed)
                if again > setting.limit(rules.REASSIGNED).value * held.known
                else "Keep the rules.",
            )
        )
    return found


def _soon(passed: pd.DataFrame) -> str:
    """How soon leads were passed on, where turns say when."""
    every = passed[passed["region"] == "all"]
    if every.empty or pd.isna(every["median_days"].iloc[0]):
        return ""
    return f", half of them within {every['median_days'].iloc[0]:.1f} days"


def _goes_with(cost: Alike) -> str:
    if not np.isfinite(cost.adjusted):
        return ""
    return (
        f" Leads passed on in their first week converted at {cost.adjusted:.2f} times the odds of those kept "
        f"({cost.low:.2f} to {cost.high:.2f}), alike in {len(cost.adjusted_for)} columns known at creation: "
        "an association, not an effect."
    )


def _repair(passed: pd.DataFrame) -> str:
    """The region that certainly passes on more than all do, else all of them."""
    rows = passed.set_index("region")
    regions = rows.drop(index="all", errors="ignore")
    if "all" in rows.index and len(regions) > 1:
        top = regions["low"].idxmax()
        if regions.loc[top, "low"] > rows.loc["all", "share"]:
            return f"Repair the rules of {top}, which passes on {percent(regions.loc[top, 'share'])}."
    return "Repair the rules: leads_passed_on.csv says where and how soon leads are passed on."
