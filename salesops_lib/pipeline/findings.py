"""What the sales process can find. Under eight items of readiness every step says: definitions first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.findings import Finding, Interval
from salesops_lib.core.shares import difference
from salesops_lib.core.wording import signed_percent
from salesops_lib.pipeline import rules
from salesops_lib.pipeline.readiness import gated_step
from salesops_lib.pipeline.rules import RULES, Setting
from salesops_lib.pipeline.velocity import velocity_change

__all__ = ["RULES", "Setting"]

LEVEL = 0.9


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
            f"{percent(a / n)} of {n} deals that entered {stage} in {last['cohort'].iloc[0]} got beyond it "
            f"in 90 days; of the four quarters before {percent(b / m)}."
        )
        limit = setting.limit(rules.STAGE).value
        step = "Keep it so." if low >= limit else f"Look again with the next quarter's deals in {stage}."
        if high < limit:
            step = gated_step(gate, f"Read the loss reasons of {stage} and check what lets deals in.")
    return rules.STAGE.judge(
        scope={"stage": stage},
        value=gap if known else None,
        n=min(n, m),
        limit=setting.limit(rules.STAGE),
        as_of=setting.as_of,
        interval=Interval(low, high, LEVEL, "Newcombe") if known else None,
        statement=said,
        recommendation=step,
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
        grown = f", {signed_percent(row['change'])} in 90 days" if pd.notna(row["change"]) else ""
        said = (
            f"{row['activity']} takes {percent(row['share'])} of a deal's time: {row['visits']:.2f} visits "
            f"of {row['median_days']:.0f} days; {int(row['in_progress'])} deals are in it{grown}."
        )
        piling = pd.notna(row["change"]) and row["change"] >= setting.number("pile_up_max")
        step = gated_step(
            gate,
            f"Give {row['activity']} an owner and an exit checklist, and measure one cycle later."
            if piling
            else f"Ask what deals in {row['activity']} wait for; they do not pile up, so measure once more "
            "before changing it.",
        )
        if few:
            said += f" With {len(known)} stages one always takes over {percent(limit.value)}: not judged."
            step = "Read the days of each stage instead."
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
            statement=f"{percent(top)} of {cases:,} decided deals took one of the five commonest ways, of "
            f"{len(table)} in all. The commonest: {table['variant'].iloc[0]}."
            if cases
            else "No decided deal has a history of stages.",
            recommendation="Judge it again with more deals."
            if cases and cases < rules.VARIANTS.min_n
            else "Keep it so."
            if cases and top >= setting.limit(rules.VARIANTS).value
            else gated_step(gate, "Write down the way that wins, and ask why the others are taken.")
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
            f"Velocity is {short_money(after['velocity'])} {setting.currency} a day, {signed_percent(value)} "
            f"in a year; most by {words[top['factor']]} ({_number(top['before'])} → {_number(top['after'])})."
        )
        step = (
            gated_step(gate, f"Work on the {words[top['factor']]}: it took most away.")
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


def _number(value: float) -> str:
    return percent(value) if 0 < value < 1 else short_money(value)
