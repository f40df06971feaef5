"""What the sales process can find. Under eight items of readiness every step says: definitions first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.findings import Finding, Interval
from salesops_lib.core.shares import difference
from salesops_lib.core.stats import proportion_interval
from salesops_lib.pipeline import conformance, rules
from salesops_lib.pipeline.readiness import NEEDED
from salesops_lib.pipeline.rules import RULES, Setting
from salesops_lib.pipeline.velocity import velocity_change

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
    """Conversion of each stage's last cohort old enough against the four before.

    ``table``: ``outputs.CONVERSION``. UNKNOWN under 20 entries; one UNKNOWN for all where no stage is known.
    """
    found = [_stage(setting, stage, part, gate) for stage, part in table.groupby("activity", sort=False)]
    if any(f.value is not None for f in found):
        return found
    said = "Too few deals entered any stage to compare quarters."
    return [
        rules.STAGE.judge(
            scope={"stage": "all"},
            value=None,
            n=max((f.n for f in found), default=0),
            limit=setting.limit(rules.STAGE),
            as_of=setting.as_of,
            statement=said if found else "There is no history of stages that stages.yaml defines.",
            recommendation="Judge it again with more deals." if found else "Record changes of stage.",
        )
    ]


def _stage(setting: Setting, stage: str, part: pd.DataFrame, gate: bool) -> Finding:
    ripe = part[part["n"] > 0].sort_values("cohort")
    last, before = ripe.tail(1), ripe.iloc[-5:-1]
    n, m = int(last["n"].sum()), int(before["n"].sum())
    known = min(n, m) >= rules.STAGE.min_n
    gap, low, high = (np.nan,) * 3
    said, step = f"Too few deals entered {stage} to compare quarters.", "Judge it again with more deals."
    if known:
        a, b = int(last["moved_on"].sum()), int(before["moved_on"].sum())
        gap, low, high, _ = difference(a, n, b, m, LEVEL)
        said = (
            f"{percent(a / n)} of {n} deals that entered {stage} in {last['cohort'].iloc[0]} got beyond it in "
            f"90 days; of the four quarters before {percent(b / m)}."
        )
        step = _gated(gate, f"Read the loss reasons of {stage} and check what lets deals in.")
    return rules.STAGE.judge(
        scope={"stage": stage},
        value=gap if known else None,
        n=min(n, m),
        limit=setting.limit(rules.STAGE),
        as_of=setting.as_of,
        interval=Interval(low, high, LEVEL, "Newcombe") if known else None,
        statement=said,
        recommendation="Keep it so." if gap >= 0 else step,
    )


def bottleneck(setting: Setting, table: pd.DataFrame, stays: int, gate: bool) -> list[Finding]:
    """The stage that takes most of a deal's time; whether deals pile up in it decides the step.

    ``table``: ``outputs.BOTTLENECKS``; UNKNOWN without days, and where stages are so few that one has to
    take more than the limit.
    """
    known = table[table["share"].notna()]
    row, limit = known.iloc[0] if len(known) else None, setting.limit(rules.BOTTLENECK)
    few = 0 < len(known) <= 1 / limit.value  # even equal stages would each be over the limit
    said = "No stage's days can be told: no history, stamps made in bulk, or too few stays that ended."
    step, interval = "Record changes of stage as they happen.", None
    if row is not None:
        grown = f", {row['change']:+.0%} in 90 days" if pd.notna(row["change"]) else ""
        said = (
            f"{row['activity']} takes {percent(row['share'])} of a deal's time: {row['visits']:.2f} visits "
            f"of {row['median_days']:.0f} days; {int(row['in_progress'])} deals are in it{grown}."
        )
        piling = pd.notna(row["change"]) and row["change"] >= setting.number("pile_up_max")
        step = _gated(
            gate,
            f"Give {row['activity']} an owner and an exit checklist, and measure one cycle later."
            if piling
            else f"Ask what deals in {row['activity']} wait for; they do not pile up, so measure once more "
            "before changing it.",
        )
        if few:
            said += f" With {len(known)} stages one always takes over {percent(limit.value)}: not judged."
        elif row["share"] <= limit.value:
            step = "Keep it so: no stage takes too much of a deal's time."
        if pd.notna(row.get("share_low")) and pd.notna(row.get("share_high")):
            interval = Interval(row["share_low"], row["share_high"], LEVEL, "range of its median")
    return [
        rules.BOTTLENECK.judge(
            scope={"process": "sales"},
            value=None if row is None else row["share"],
            n=stays,
            limit=limit,
            as_of=setting.as_of,
            interval=interval,
            mature=not few,
            statement=said,
            recommendation=step,
        )
    ]


def deviations(setting: Setting, table: pd.DataFrame, skipped: str, gate: bool) -> list[Finding]:
    """Steps back and skips, whether they cost wins, stays too long, exits without evidence.

    ``table``: ``outputs.DEVIATIONS``; UNKNOWN where empty. ``skipped``: the stage skipped most.
    """
    found = []
    for rule, name in ((rules.BACK, conformance.BACK), (rules.SKIP, conformance.SKIPS)):
        rows = table[table["deviation"] == name]
        row = rows.iloc[0] if len(rows) else None
        known = row is not None and pd.notna(row["share"])
        said = "There is no history of stages."
        if row is not None:
            said = f"{'Steps back' if rule is rules.BACK else 'Skips'} cannot be told: {row['why']}."
        if known:
            said = (
                f"{int(row['deals']):,} of {int(row['of']):,} deals of the last year "
                f"{'stepped back' if rule is rules.BACK else 'skipped a stage'} ({percent(row['share'])}), "
                f"{_told_odds(row)}."
            )
        found.append(
            rule.judge(
                scope={"process": "sales"},
                value=row["share"] if known else None,
                n=int(row["of"]) if known else 0,
                limit=setting.limit(rule),
                as_of=setting.as_of,
                interval=Interval(row["low"], row["high"], LEVEL, "Wilson") if known else None,
                statement=said,
                recommendation="Judge it again with more deals."
                if known and row["of"] < rule.min_n
                else "Keep it so: it is rare."
                if known and row["share"] <= setting.limit(rule).value
                else _gated(gate, _step(rule, row, skipped))
                if known
                else "Define the stages in stages.yaml."
                if row is not None
                else "Record changes of stage as they happen.",
            )
        )
    return [*found, *_pooled(setting, table, gate)]


def _told_odds(row: pd.Series) -> str:
    if pd.isna(row["odds"]):
        return "whether that goes with fewer wins is not known"
    return (
        f"and, halfway and alike, are won at {row['odds']:.2f} times the odds of others "
        f"({row['odds_low']:.2f} to {row['odds_high']:.2f})"
    )


def _step(rule, row: pd.Series, skipped: str) -> str:
    """What to do about steps back or skips: by whether they go with fewer wins, or that is not known."""
    if pd.notna(row["odds_high"]) and row["odds_high"] < 1:
        return f"Enforce the exit evidence{f' of {skipped}' if skipped else ''}: such deals are won less."
    if pd.isna(row["odds"]):
        return "Read ten such deals before changing anything: whether it costs wins is not known."
    if row["odds_low"] < 1:
        return "Leave it and look again next quarter: it is not shown to cost wins, nor to cost none."
    if rule is rules.BACK:
        return "Relabel the step back: it does not go with fewer wins."
    return f"Merge {skipped or 'the stage that is skipped most'} with the next: skipping it costs no wins."


def _pooled(setting: Setting, table: pd.DataFrame, gate: bool) -> list[Finding]:
    """Stays too long and exits without evidence, over all stages; the worst stage is named."""
    found = []
    for rule, kind, words in (
        (rules.OVERSTAY, conformance.AGE, "stays of the last year were longer than their stage allows"),
        (rules.EVIDENCE, conformance.EVIDENCE, "exits of the last year had a field of their evidence empty"),
    ):
        rows = table[(table["kind"] == kind) & table["of"].notna() & (table["of"] > 0)] if len(table) else table
        count, of = (int(rows[c].sum()) if len(rows) else 0 for c in ("deals", "of"))
        interval = proportion_interval(count, of, LEVEL) if of else None
        missing = (
            "No stage has a largest age, or there is no history."
            if kind == conformance.AGE
            else "No stage names evidence_fields that the data has, or there is no history."
        )
        worst = rows.sort_values(["share", "deals"], ascending=False).iloc[0] if of else None
        cure = (
            "Set the largest age in stages.yaml."
            if kind == conformance.AGE
            else "Name evidence_fields in stages.yaml."
        )
        found.append(
            rule.judge(
                scope={"process": "sales"},
                value=count / of if of else None,
                n=of,
                limit=setting.limit(rule),
                as_of=setting.as_of,
                interval=interval,
                statement=f"{count:,} of {of:,} {words} ({percent(count / of)}). Most: "
                f"{worst['deviation']}, {percent(worst['share'])}."
                if of
                else missing,
                recommendation="Keep it so: it is rare."
                if of and count / of <= setting.limit(rule).value
                else _gated(gate, f"Go through open deals with the fault stalled, first where one {worst['deviation']}.")
                if of and kind == conformance.AGE
                else _gated(gate, f"Make the CRM ask for the field: most often a deal {worst['deviation']}.")
                if of
                else cure,
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
            else "No decided deal has a history of stages.",
            recommendation="Judge it again with more deals."
            if cases and cases < rules.VARIANTS.min_n
            else "Keep it so."
            if cases and top >= setting.limit(rules.VARIANTS).value
            else _gated(gate, "Write down the way that wins, and ask why the others are taken.")
            if cases
            else "Record changes of stage as they happen.",
        )
    ]


def velocity(setting: Setting, before: dict, after: dict, parts: pd.DataFrame, gate: bool) -> list[Finding]:
    """Velocity of the last half year against the same a year before; UNKNOWN where nothing was won in one."""
    value, low, high = velocity_change(before, after, LEVEL)
    known = np.isfinite(value)
    words = {"deals": "deals created", "win_rate": "win rate", "amount_base": "amount", "cycle_days": "cycle"}
    said, step = "Velocity of both half years is not known.", "Enter amounts and close dates."
    if known:
        by = parts["log_change"]
        top = parts.loc[by.idxmin() if value < 0 else by.idxmax()]
        said = (
            f"Velocity is {short_money(after['velocity'])} {setting.currency} a day, {value:+.0%} in a year; "
            f"most by {words[top['factor']]} ({_number(top['before'])} → {_number(top['after'])})."
        )
        step = (
            _gated(gate, f"Work on the {words[top['factor']]}: it took most away.")
            if value < 0
            else f"Keep what changed the {words[top['factor']]}."
        )
    return [
        rules.VELOCITY.judge(
            scope={"process": "sales"},
            value=value if known else None,
            n=int(min(before.get("decided", 0), after.get("decided", 0))),
            limit=setting.limit(rules.VELOCITY),
            as_of=setting.as_of,
            interval=Interval(low, high, LEVEL, "delta method") if known and np.isfinite(low) else None,
            statement=said,
            recommendation=step,
        )
    ]


def gated(table: pd.DataFrame) -> bool:
    """Whether readiness is under what advice on tuning needs."""
    return int(table["holds"].sum()) < NEEDED


def _gated(gate: bool, step: str) -> str:
    return FIRST + step[:1].lower() + step[1:] if gate else step


def _number(value: float) -> str:
    return percent(value) if 0 < value < 1 else short_money(value)
