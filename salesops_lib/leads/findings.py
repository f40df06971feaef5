"""What the lead report can find. A function per question; none judges what its evidence cannot carry."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.charts import percent
from salesops_lib.core.findings import Finding, Interval
from salesops_lib.core.stats import proportion_interval
from salesops_lib.leads import rules
from salesops_lib.leads.routing import spread
from salesops_lib.leads.rules import RULES, Setting
from salesops_lib.leads.speed import SpeedEffect, sample_size

__all__ = ["RULES", "Setting"]

LEVEL = 0.9


def service(setting: Setting, table: pd.DataFrame) -> list[Finding]:
    """Answered in time by kind of lead, and never touched. ``table``: ``outputs.SERVICE``; UNKNOWN where
    empty."""
    found, limit = [], setting.limit(rules.SLA)
    for row in table.to_dict("records"):
        late = int(row["n"] - row["within"])
        found.append(
            rules.SLA.judge(
                scope={"kind": row["kind"]},
                value=row["share"],
                n=int(row["n"]),
                limit=limit,
                as_of=setting.as_of,
                interval=_wilson(row["low"], row["high"]),
                statement=f"{percent(row['share'])} of {int(row['n']):,} leads ({row['kind']}) of the last "
                f"half "
                f"year were touched within {row['limit_minutes']:,.0f} open minutes; the middle one took "
                f"{_minutes(row['median_minutes'])}, nine in ten {_minutes(row['p90_minutes'])}.",
                recommendation=_sla_step(row["kind"], late, row["share"] >= limit.value),
            )
        )
    n, never = int(table["n"].sum()), int(table["never"].sum())
    if not found:
        found.append(
            _unknown(setting, rules.SLA, "No lead of the last half year says when it was first touched.")
        )
    interval = proportion_interval(never, n, LEVEL)
    found.append(
        rules.UNTOUCHED.judge(
            scope={"leads": "all"},
            value=never / n if n else None,
            n=n,
            limit=setting.limit(rules.UNTOUCHED),
            as_of=setting.as_of,
            interval=interval,
            statement=f"{never:,} of {n:,} leads past their limit were never touched ({percent(never / n)})."
            if n
            else "No lead can be judged.",
            recommendation=f"Call the {never:,} untouched leads of the last half year, newest first, or "
            f"close them "
            "with a reason."
            if never
            else "Keep the pool empty.",
        )
    )
    return found


def speed(setting: Setting, effect: SpeedEffect, base: float | None) -> list[Finding]:
    """What a fast answer goes with. UNKNOWN where the past cannot say. ``base``: conversion of all leads."""
    known = np.isfinite(effect.adjusted)
    limit = setting.limit(rules.SPEED)
    size = sample_size(base) if base and 0 < base < 0.97 else None
    ask = (
        f"Randomise who is answered first for four weeks, {size:,} leads an arm, before hiring for speed."
        if size
        else "Randomise who is answered first for four weeks before hiring for speed."
    )
    said = (
        f"Leads answered within {effect.fast_minutes:.0f} open minutes converted at {effect.crude:.2f} "
        f"times the "
        f"odds of later ones; alike in {len(effect.adjusted_for)} columns known at creation, at "
        f"{effect.adjusted:.2f} ({effect.low:.2f} to {effect.high:.2f}): an association, not an effect."
        if known
        else f"Whether a fast answer goes with conversion is not known: {effect.why}."
    )
    worth = known and effect.high > limit.value
    return [
        rules.SPEED.judge(
            scope={"leads": "touched"},
            value=effect.adjusted if known else None,
            n=effect.n,
            limit=limit,
            as_of=setting.as_of,
            statement=said,
            interval=Interval(effect.low, effect.high, LEVEL, "adjusted logit") if known else None,
            recommendation=ask
            if worth or not known
            else "Do not hire for speed: it is not shown to be the lever "
            "here. Work on which leads are called first.",
        )
    ]


def routing(setting: Setting, owners: pd.DataFrame, errors: pd.DataFrame, replayed: bool) -> list[Finding]:
    """How evenly leads are given out. ``owners``: ``outputs.OWNERS``; UNKNOWN under two owners."""
    value = spread(owners["per_day_before"], owners["leads_before"]) if len(owners) else float("nan")
    known = np.isfinite(value)
    after = spread(owners["per_day_after"], owners["leads_after"]) if known and replayed else float("nan")
    told = ""
    if np.isfinite(after):
        told = f"; under routing.yaml it would be {percent(after)}, and {len(errors):,} leads no rule takes"
    top = owners.loc[owners["per_day_before"].idxmax()] if known else None
    return [
        rules.ROUTING.judge(
            scope={"owners": "all"},
            value=value if known else None,
            n=len(owners),
            limit=setting.limit(rules.ROUTING),
            as_of=setting.as_of,
            statement=f"Leads a day differ by {percent(value)} between {len(owners)} owners; most go to "
            f"{top['owner_id']}, {top['per_day_before']:.1f} a day worked{told}."
            if known
            else "Under two owners have leads in the last half year.",
            recommendation=f"Give {top['owner_id']} fewer: put weights into routing.yaml and replay it."
            if known
            else "Name an owner for every lead.",
        )
    ]


def faults(setting: Setting, table: pd.DataFrame, leads: int) -> list[Finding]:
    """Leads with a faulty cell. ``table``: ``outputs.FAULTS``; UNKNOWN without leads."""
    faulty = table["lead_id"].nunique()
    top = table.groupby(["column", "fault"]).size().sort_values(ascending=False)
    first = f"{top.index[0][0]}, {top.index[0][1]} ({top.iloc[0]:,})" if len(top) else ""
    return [
        rules.FAULTS.judge(
            scope={"leads": "all"},
            value=faulty / leads if leads else None,
            n=leads,
            limit=setting.limit(rules.FAULTS),
            as_of=setting.as_of,
            interval=None,
            statement=f"{faulty:,} of {leads:,} leads have a cell that had to be emptied; most often {first}."
            if faulty
            else f"No cell of {leads:,} leads had to be emptied.",
            recommendation=f"Mend the form: make {top.index[0][0]} a list without a placeholder, or stop "
            f"its stamp "
            "from running backwards."
            if faulty
            else "Keep the form.",
        )
    ]


def _sla_step(kind: str, late: int, met: bool) -> str:
    if met:
        return "Keep the rota."
    first = {"hand raiser": "Ring the desk for a page that asks for a call, and name who answers after hours"}
    return f"{first.get(kind, 'Put qualified leads at the head of the queue')}: {late:,} came too late."


def _unknown(setting: Setting, rule, why: str) -> Finding:
    return rule.judge(
        scope={"kind": "all"},
        value=None,
        n=0,
        limit=setting.limit(rule),
        as_of=setting.as_of,
        statement=why,
        recommendation="Record when a person first tries to reach a lead.",
    )


def _wilson(low: float, high: float) -> Interval | None:
    return Interval(low, high, LEVEL, "Wilson") if pd.notna(low) and pd.notna(high) else None


def _minutes(value: float) -> str:
    if value is None or pd.isna(value):
        return "an unknown time"
    return f"{value:,.0f} minutes" if value < 180 else f"{value / 60:,.1f} hours"
