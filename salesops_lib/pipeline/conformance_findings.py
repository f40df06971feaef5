"""What leaving the defined process can find: steps back, skips, stays too long, exits without evidence."""

from __future__ import annotations

import pandas as pd

from salesops_lib.core.charts import percent
from salesops_lib.core.findings import Finding, Interval
from salesops_lib.core.stats import proportion_interval
from salesops_lib.pipeline import conformance, rules
from salesops_lib.pipeline.readiness import gated_step
from salesops_lib.pipeline.rules import Setting

LEVEL = 0.9


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
                else gated_step(gate, _step(rule, row, skipped))
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
        (
            rules.EVIDENCE,
            conformance.EVIDENCE,
            "exits of the last year lacked evidence that the stage asks for",
        ),
    ):
        rows = (
            table[(table["kind"] == kind) & table["of"].notna() & (table["of"] > 0)] if len(table) else table
        )
        count, of = (int(rows[c].sum()) if len(rows) else 0 for c in ("deals", "of"))
        interval = proportion_interval(count, of, LEVEL) if of else None
        missing = (
            "No stage has a largest age, or there is no history."
            if kind == conformance.AGE
            else "No stage names evidence that the data has, or there is no history."
        )
        worst = rows.sort_values(["share", "deals"], ascending=False).iloc[0] if of else None
        cure = (
            "Set the largest age in stages.yaml."
            if kind == conformance.AGE
            else "Name evidence_fields or evidence_activities in stages.yaml."
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
                else gated_step(
                    gate,
                    f"Go through open deals with the fault stalled, first where one {worst['deviation']}.",
                )
                if of and kind == conformance.AGE
                else gated_step(
                    gate, f"Make the CRM ask for the field: most often a deal {worst['deviation']}."
                )
                if of
                else cure,
            )
        )
    return found
