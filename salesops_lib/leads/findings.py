"""What the lead report can find. A function per question; none judges what its evidence cannot carry."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.charts import percent
from salesops_lib.core.findings import Finding, Interval
from salesops_lib.core.stats import proportion_interval
from salesops_lib.leads import rules
from salesops_lib.leads.rules import RULES, Setting
from salesops_lib.leads.speed import SpeedEffect, sample_size

__all__ = ["RULES", "Setting"]

LEVEL = 0.9
CLOSED_SHARE = 0.3
TEST_WEEKS = 26


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
                recommendation=_sla_step(row, late, row["share"] >= limit.value),
            )
        )
    n, never = int(table["n"].sum()), int(table["never"].sum())
    if not found:
        found.append(
            _unknown(
                setting, rules.SLA, "No lead of the last half year says at what time it was first touched."
            )
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
            else "Keep the pool empty."
            if n
            else "Record when a person first tries to reach a lead, with the time of day.",
        )
    )
    return found


def speed(setting: Setting, effect: SpeedEffect, base: float | None, weekly: float = 0.0) -> list[Finding]:
    """What a fast answer goes with. UNKNOWN where the past cannot say. ``base``: conversion of all leads;
    ``weekly``: leads a week, from which a test would draw."""
    known = np.isfinite(effect.adjusted)
    limit = setting.limit(rules.SPEED)
    said = (
        f"Leads answered within {effect.fast_minutes:.0f} open minutes of coming in converted at "
        f"{effect.crude:.2f} times the odds of later ones; alike in {len(effect.adjusted_for)} columns known "
        f"at creation, at "
        f"{effect.adjusted:.2f} ({effect.low:.2f} to {effect.high:.2f}): an association, not an effect."
        if known
        else f"Whether a fast answer goes with conversion is not known: {effect.why}."
    )
    if not known:
        step = "Record the first touch of every lead; judge speed when 100 of each have matured."
    elif effect.low > limit.value:
        step = f"Randomise who is answered first before hiring for speed: {_test(base, weekly)}."
    elif effect.high > limit.value:
        step = f"Do not hire for speed yet: it is not shown to be the lever. A test: {_test(base, weekly)}."
    else:
        step = "Do not hire for speed: it is not shown to be the lever here. Work on which leads come first."
    return [
        rules.SPEED.judge(
            scope={"leads": "touched"},
            value=effect.adjusted if known else None,
            n=effect.n,
            limit=limit,
            as_of=setting.as_of,
            statement=said,
            interval=Interval(effect.low, effect.high, LEVEL, "adjusted logit") if known else None,
            recommendation=step,
        )
    ]


def _test(base: float | None, weekly: float) -> str:
    """A randomised test in words: its size for two points, and how long the leads that come in take."""
    if not base or not 0 < base < 0.97:
        return "draw lots for four weeks, half of the leads first, half by turns"
    size = sample_size(base)
    said = f"{size:,} leads an arm find two points more"
    if weekly <= 0:
        return said
    weeks = int(np.ceil(2 * size / weekly))
    if weeks <= TEST_WEEKS:
        return f"{said}, {weeks} weeks of leads"
    gains = np.arange(0.02, 0.97 - base, 0.005)
    found = [g for g in gains if 2 * sample_size(base, float(g)) <= weekly * TEST_WEEKS]
    least = f"; {TEST_WEEKS} weeks find {100 * found[0]:.1f} points or more" if found else ""
    return f"{said}, {weeks} weeks of leads{least}"


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
            statement=f"{faulty:,} of {leads:,} leads have a faulty cell; most often {first}."
            if faulty
            else f"No cell of {leads:,} leads is faulty.",
            recommendation=_mend(*top.index[0]) if faulty else "Keep the form.",
        )
    ]


def _mend(column: str, fault: str) -> str:
    steps = {
        "a placeholder, no value": f"Mend the form: let {column} start empty and ask for a choice.",
        "the id stands twice": "Export each lead once, and give no id twice.",
        "no moment in time": f"Export {column} as 2025-12-12T10:00:00Z.",
        "after the day of the report": f"Find what stamps {column} ahead of time.",
    }
    sheet = f"Import {column} as text, never through a spreadsheet."
    return steps.get(fault, sheet if "spreadsheet" in fault else f"Find what fills {column} out of order.")


def _sla_step(row: dict, late: int, met: bool) -> str:
    if met:
        return "Keep the rota."
    unowned, closed = row.get("unowned", np.nan), row.get("closed_share", np.nan)
    if pd.notna(unowned) and late and unowned >= 0.5 * late:
        return f"Mend routing first: {int(unowned):,} of {late:,} late leads had no owner within the limit."
    if pd.notna(closed) and closed > CLOSED_SHARE:
        return (
            f"Name who answers at opening: {percent(closed)} come in while the region is closed; {late:,} "
            "came too late."
        )
    first = {
        "hand raiser": "Ring the desk for a page that asks for a call, and name who answers",
        "qualified": "Put qualified leads at the head of the queue",
    }
    return f"{first.get(row['kind'], 'Empty the queue of other leads every day')}: {late:,} came too late."


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
    if round(value) == 1:
        return "1 minute"
    return f"{value:,.0f} minutes" if value < 180 else f"{value / 60:,.1f} hours"
