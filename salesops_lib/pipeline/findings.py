"""What the sales process can find. Under eight items of readiness every step says: definitions first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.findings import Finding, Interval
from salesops_lib.core.shares import difference
from salesops_lib.pipeline import rules
from salesops_lib.pipeline.readiness import NEEDED
from salesops_lib.pipeline.rules import RULES, Setting

__all__ = ["RULES", "Setting"]

LEVEL = 0.9
FIRST = "Mend the definitions first (readiness under 8), then: "


def ready(setting: Setting, table: pd.DataFrame) -> list[Finding]:
    """Items of readiness that hold. ``table``: ``outputs.READINESS``."""
    count = int(table["holds"].sum())
    lost = table[~table["holds"].astype(bool)]
    names = "; ".join(f"{r.asks} ({r.why})" if r.why else r.asks for r in lost.head(3).itertuples())
    return [
        rules.READY.judge(
            scope={"process": "sales"},
            value=float(count),
            n=len(table),
            limit=setting.limit(rules.READY),
            as_of=setting.as_of,
            statement=f"{count} of {len(table)} items of readiness hold"
            + (f". Not: {names}" if len(lost) else "."),
            recommendation=f"Fix first: {lost['asks'].iloc[0]}" if len(lost) else "Go on improving.",
        )
    ]


def stages(setting: Setting, table: pd.DataFrame, gate: bool) -> list[Finding]:
    """Conversion of each stage's last cohort old enough against the four before. ``table``:
    ``outputs.CONVERSION``; UNKNOWN under 20 entries; silent without history."""
    found = []
    for stage, part in table.groupby("activity", sort=False):
        ripe = part[part["n"] > 0].sort_values("cohort")
        last, before = ripe.tail(1), ripe.iloc[-5:-1]
        n, m = int(last["n"].sum()), int(before["n"].sum())
        known = n >= rules.STAGE.min_n and m >= rules.STAGE.min_n
        gap, low, high, share, was = (np.nan,) * 5
        if known:
            a, b = int(last["moved_on"].sum()), int(before["moved_on"].sum())
            gap, low, high, _ = difference(a, n, b, m, LEVEL)
            share, was = a / n, b / m
        found.append(
            rules.STAGE.judge(
                scope={"stage": stage},
                value=gap if known else None,
                n=min(n, m),
                limit=setting.limit(rules.STAGE),
                as_of=setting.as_of,
                interval=Interval(low, high, LEVEL, "Newcombe") if known else None,
                statement=f"{percent(share)} of {n} deals that entered {stage} in {last['cohort'].iloc[0]} "
                f"got beyond it in 90 days; of the four quarters before {percent(was)}."
                if known
                else f"Too few deals entered {stage} to compare quarters.",
                recommendation=_gated(
                    gate, f"Read the loss reasons of {stage} and check what lets deals in."
                ),
            )
        )
    return found


def bottleneck(setting: Setting, table: pd.DataFrame, stays: int, gate: bool) -> list[Finding]:
    """The stage that takes most of a deal's time. ``table``: ``outputs.BOTTLENECKS``; UNKNOWN without
    days."""
    known = table[table["share"].notna()]
    row = known.iloc[0] if len(known) else None
    said = "No stage's days can be told: there is no history, or its stamps were made in bulk."
    if row is not None:
        grown = f", {row['change']:+.0%} in 90 days" if pd.notna(row["change"]) else ""
        said = (
            f"{row['activity']} takes {percent(row['share'])} of a deal's time: {row['visits']:.2f} visits "
            f"of {row['median_days']:.0f} days; {int(row['in_progress'])} deals are in it{grown}."
        )
    return [
        rules.BOTTLENECK.judge(
            scope={"process": "sales"},
            value=None if row is None else row["share"],
            n=stays,
            limit=setting.limit(rules.BOTTLENECK),
            as_of=setting.as_of,
            statement=said,
            recommendation=_gated(
                gate, "Give the stage an owner and an exit checklist, and measure one cycle later."
            )
            if row is not None
            else "Record changes of stage as they happen.",
        )
    ]


def deviations(setting: Setting, table: pd.DataFrame, deals: int) -> list[Finding]:
    """Steps back and skips, and whether they cost wins. ``table``: ``outputs.DEVIATIONS``; UNKNOWN where
    empty."""
    found = []
    for rule, name in ((rules.BACK, "steps back"), (rules.SKIP, "skips a stage")):
        rows = table[table["deviation"] == name]
        row = rows.iloc[0] if len(rows) else None
        known = row is not None and pd.notna(row["share"])
        told = ""
        if known and pd.notna(row["odds"]):
            told = (
                f" Of deals halfway and alike, such are won at {row['odds']:.2f} times the odds "
                f"({row['odds_low']:.2f} to {row['odds_high']:.2f})."
            )
        costs = known and pd.notna(row["odds_high"]) and row["odds_high"] < 1
        step = (
            "Enforce the stage's exit evidence: such deals are won less."
            if costs
            else (
                "Relabel: it does not cost wins."
                if rule is rules.BACK
                else "Merge the stage that is skipped most."
            )
        )
        found.append(
            rule.judge(
                scope={"process": "sales"},
                value=row["share"] if known else None,
                n=deals,
                limit=setting.limit(rule),
                as_of=setting.as_of,
                interval=Interval(row["low"], row["high"], LEVEL, "Wilson") if known else None,
                statement=f"{int(row['deals'])} of {deals} deals of the last year: each {name} "
                f"({percent(row['share'])}).{told}"
                if known
                else "There is no history of stages.",
                recommendation=step if known else "Record changes of stage as they happen.",
            )
        )
    return found


def variety(setting: Setting, table: pd.DataFrame, gate: bool) -> list[Finding]:
    """Decided deals on the five commonest ways. ``table``: ``outputs.VARIANTS``; UNKNOWN where empty."""
    cases = int(table["cases"].sum())
    top = float(table["share"].head(5).sum()) if cases else None
    return [
        rules.VARIANTS.judge(
            scope={"process": "sales"},
            value=top,
            n=cases,
            limit=setting.limit(rules.VARIANTS),
            as_of=setting.as_of,
            statement=f"{percent(top)} of {cases:,} decided deals took one of five ways of {len(table)}. "
            f"The commonest: {table['variant'].iloc[0]}."
            if cases
            else "There is no history of stages.",
            recommendation=_gated(gate, "Write down the way that wins, and ask why the others are taken.")
            if cases
            else "Record changes of stage as they happen.",
        )
    ]


def velocity(setting: Setting, before: dict, after: dict, parts: pd.DataFrame, gate: bool) -> list[Finding]:
    """Velocity of the last half year against the same a year before; UNKNOWN where nothing was won in one."""
    known = before["velocity"] > 0 and after["velocity"] > 0
    value = after["velocity"] / before["velocity"] - 1 if known else None
    top = parts.loc[parts["log_change"].abs().idxmax()] if known else None
    words = {"deals": "deals created", "win_rate": "win rate", "amount_base": "amount", "cycle_days": "cycle"}
    return [
        rules.VELOCITY.judge(
            scope={"process": "sales"},
            value=value,
            n=int(min(before["decided"], after["decided"])),
            limit=setting.limit(rules.VELOCITY),
            as_of=setting.as_of,
            statement=f"Velocity is {short_money(after['velocity'])} {setting.currency} a day, {value:+.0%} "
            f"in a year; "
            f"most by {words[top['factor']]} ({_number(top['before'])} → {_number(top['after'])})."
            if known
            else "Velocity of both half years is not known.",
            recommendation=_gated(gate, f"Work on the {words[top['factor']]}: it moved most.")
            if known
            else "Enter amounts and close dates.",
        )
    ]


def hygiene(setting: Setting, faults: pd.DataFrame, work: pd.DataFrame, deals: int) -> list[Finding]:
    """Four faults by their share of open value. ``faults``: ``outputs.FAULTS``; UNKNOWN without open
    value."""
    found = []
    by_fault = faults.set_index("fault")
    for rule, fault in (
        (rules.OVERDUE, "overdue"),
        (rules.OLD, "old"),
        (rules.NEXT_STEP, "no next step"),
        (rules.PILED, "last day"),
    ):
        row = by_fault.loc[fault]
        known = pd.notna(row["value_share"])
        mine = work[work["fault"] == fault].sort_values("amount_base", ascending=False)
        names = ", ".join(
            f"{r.opportunity_id} ({short_money(r.amount_base)})" for r in mine.head(3).itertuples()
        )
        priced = int(row["deals"] - row["unpriced"])
        spare = f"; {int(row['unpriced'])} more without an amount" if row["unpriced"] else ""
        found.append(
            rule.judge(
                scope={"deals": "open"},
                value=row["value_share"] if known else None,
                n=deals,
                limit=setting.limit(rule),
                as_of=setting.as_of,
                money_at_stake=float(row["value_base"]) if known else None,
                statement=f"{priced} open deals worth {short_money(row['value_base'])} "
                f"{setting.currency} ({percent(row['value_share'])} of open value{spare}): {_says(fault)}."
                if known
                else "No open deal has an amount.",
                recommendation=f"Go through the work list, first {names}." if len(mine) else "Keep it so.",
            )
        )
    return found


def coverage(setting: Setting, found: dict | None) -> list[Finding]:
    """Open value due against what is left to the target at the own win rate. UNKNOWN without a target."""
    known = found is not None and np.isfinite(found["ratio"])
    met = found is not None and found["left"] <= 0
    said = "There is no target of this quarter."
    if met:
        said = "The target of this quarter is booked."
    elif known:
        said = (
            f"{short_money(found['due'])} {setting.currency} open and due covers {found['coverage']:.1f} "
            f"times the {short_money(found['left'])} left to the target; the own win rate by value needs "
            f"{found['needed']:.1f}."
        )
    short = known and found["ratio"] < 1
    missing = found["left"] * found["needed"] - found["due"] if short else 0.0
    return [
        rules.COVERAGE.judge(
            scope={"period": "this quarter"},
            value=found["ratio"] if known else None,
            n=found["decided"] if found else 0,
            limit=setting.limit(rules.COVERAGE),
            as_of=setting.as_of,
            money_at_stake=missing or None,
            statement=said,
            recommendation=f"Pull {short_money(missing)} of pipeline forward, or lower the call."
            if short
            else "Keep the pipeline as full."
            if known or met
            else "Enter the quarter's quota of level company.",
        )
    ]


def gated(table: pd.DataFrame) -> bool:
    """Whether readiness is under what advice on tuning needs."""
    return int(table["holds"].sum()) < NEEDED


def _gated(gate: bool, step: str) -> str:
    return FIRST + step[:1].lower() + step[1:] if gate else step


def _says(fault: str) -> str:
    return {
        "overdue": "their close date has passed",
        "old": "older than four in five won deals were",
        "no next step": "no next step is written down",
        "last day": "due on the last day of a quarter",
    }[fault]


def _number(value: float) -> str:
    return percent(value) if 0 < value < 1 else short_money(value)
