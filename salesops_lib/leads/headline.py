"""The first screen: what to fix this week and how sure that is, where to move money, how leads convert."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pandas as pd

from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.families import controlled
from salesops_lib.core.findings import Finding, Severity, ordered
from salesops_lib.core.metrics import Reading
from salesops_lib.core.stats import proportion_interval
from salesops_lib.leads.handover import Leads
from salesops_lib.leads.metrics import CONVERSION
from salesops_lib.leads.timing import FinalRate

WEEK = timedelta(days=7)
Card = tuple[str, str, str, str]


def cards(
    leads: Leads,
    findings: Iterable[Finding],
    funnel: pd.DataFrame,
    final: FinalRate | None,
    lift: pd.DataFrame,
) -> list[Card]:
    """Label, value, range, note of each figure; what cannot be told says why."""
    judged = ordered(controlled(findings))
    made = [_fix(judged, leads), *_decide(judged, leads), _conversion(leads, final)]
    if len(funnel) and funnel["from_previous"].notna().any():
        steps = funnel[funnel["from_previous"].notna() & funnel["step"].ne("won")]  # won takes longer
        if len(steps):
            made.append(_leak(steps.loc[steps["from_previous"].idxmin()], funnel))
    if len(lift) and pd.notna(lift["lift"].iloc[0]):
        made.append(
            (
                "Best tenth by score",
                f"{lift['lift'].iloc[0]:.1f} ×",
                f"converts at {percent(lift['rate'].iloc[0])}",
                f"best three tenths hold {percent(lift['captured'].iloc[min(2, len(lift) - 1)])}",
            )
        )
    return made


def readings(leads: Leads) -> list[Reading]:
    """Conversion of all leads old enough; not known where none is or none says whether it converted."""
    n = leads.hit.notna().sum()
    if not n:
        return [Reading(CONVERSION, None)]
    hits = int(leads.hit.dropna().astype(bool).sum())
    interval = proportion_interval(hits, n, leads.level)
    told = {"low": interval.low, "high": interval.high, "level": leads.level, "rests_on": f"{n:,} leads"}
    return [Reading(CONVERSION, float(hits / n), **told)]


def _fix(judged: list[Finding], leads: Leads) -> Card:
    """What touches most leads among what is due within a week and is beyond its limit for sure."""
    acts = [f for f in judged if f.severity is Severity.ACT and f.due <= leads.as_of + WEEK]
    if not acts:
        unsure = sum(f.severity is Severity.WATCH for f in judged)
        blind = sum(f.severity is Severity.UNKNOWN for f in judged)
        known = len(judged) - blind
        what = f"{known} judged, {unsure} not sure, {blind} not known"
        return "Fix this week", "nothing" if known > blind else "not known", what, "read the limits"
    first = max(acts, key=_leads_beyond)
    where = ", ".join(v for v in first.scope.values() if v not in {"all", "half a year"})
    label = f"Fix this week: {first.title[0].lower()}{first.title[1:]}{f', {where}' if where else ''}"
    return label, _shown(first.value, first.unit), _sure(first), f"{first.owner}, by {first.due}"


def _leads_beyond(found: Finding) -> float:
    """Leads on the wrong side of the limit; nought where it counts no leads."""
    if found.counts != "leads" or found.unit != "ratio":
        return 0.0
    return found.n * abs(found.value - found.threshold.limit)


def _decide(judged: list[Finding], leads: Leads) -> list[Card]:
    money = [f for f in judged if f.severity is Severity.ACT and f.money_at_stake]
    if not money:
        return []
    top = max(money, key=lambda f: f.money_at_stake)
    where = ", ".join(top.scope.values())
    value = _shown(top.value, top.unit)
    return [
        (
            f"Decide this month: {top.title[0].lower()}{top.title[1:]}, {where}",
            value,
            _sure(top),
            f"{short_money(top.money_at_stake)} at stake",
        )
    ]


def _shown(value: float | None, unit: str) -> str:
    return percent(value).replace("-", "−") if unit == "ratio" else f"{value:g}"


def _sure(found: Finding) -> str:
    limit = _shown(found.threshold.limit, found.unit)
    if found.interval is None:
        return f"counted; limit {limit}"
    low, high = (_shown(v, found.unit) for v in (found.interval.low, found.interval.high))
    return f"{low} to {high} at {percent(found.interval.level)}; limit {limit}"


def _leak(step: pd.Series, funnel: pd.DataFrame) -> Card:
    before = int(funnel["reached"].shift().loc[step.name])
    return (
        f"Narrowest step: {step['step']}",
        percent(step["from_previous"]),
        f"{int(step['reached']):,} of {before:,} got there",
        "of those at the step before",
    )


def _conversion(leads: Leads, final: FinalRate | None) -> Card:
    (read,) = readings(leads)
    if read.value is None:
        why = "no lead is old enough" if leads.means else "no lead says whether it converted"
        return "Conversion", "not known", "", why
    range_ = f"{percent(read.low)} to {percent(read.high)} at {percent(read.level)}"
    if not leads.clock:
        return "Converted", percent(read.value), range_, f"of {read.rests_on}, of unknown age"
    ends = ""
    if final and final.rate is not None:
        low, high = (percent(v) for v in (final.interval.low, final.interval.high))
        ends = f"; in the end {percent(final.rate)} ({low} to {high})"
    note = f"{read.rests_on} old enough{ends}"
    return f"Conversion in {leads.horizon} days", percent(read.value), range_, note
