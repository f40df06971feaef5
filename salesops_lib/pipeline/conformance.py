"""Where deals leave the process that ``stages.yaml`` defines, how often, and whether it costs wins.

Order: steps back, skips, stages visited twice, reopenings, undefined stages. Largest age: stays beyond it.
Exit evidence: fields that are empty, and activities that never took place, though the deal has left the
stage. Who deviates is not drawn by lot, so
every odds ratio is an association.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from salesops_lib.core.stats import proportion_interval
from salesops_lib.pipeline import outputs, progress, rework
from salesops_lib.pipeline.log import spells
from salesops_lib.pipeline.process import Process

YEAR = 365
ALIKE = ("segment", "type", "lead_source", "amount_base")
PLACED_SHARE = 0.8  # of recent deals in defined stages; under it their order tells nothing
ORDER, AGE, EVIDENCE = "order", "age", "evidence"
BACK, SKIPS = "steps back", "skips a stage"
OF_ORDER = (
    (BACK, "back"),
    (SKIPS, "skipped"),
    ("visits a stage twice", "repeated"),
    ("is reopened", "reopened"),
    ("takes an undefined stage", "unknown"),
)


def deviation_rows(process: Process, level: float = 0.9) -> pd.DataFrame:
    """Columns of ``outputs.DEVIATIONS``: deals started in the last four quarters; empty without history.

    Deals that began before their history are left out: their first stages are not known. ``share`` is
    missing, with the reason in ``why``, where fewer than four in five deals took defined stages.
    """
    if process.log is None:
        return pd.DataFrame(columns=outputs.DEVIATIONS.column_names)
    rows = [*_order_rows(process, level), *_age_rows(process, level), *_evidence_rows(process, level)]
    return pd.DataFrame(rows, columns=outputs.DEVIATIONS.column_names)


def halfway(process: Process) -> set[str]:
    """Deals that got to the middle of the open stages, or further."""
    order = process.of("open")
    late = {*order[len(order) // 2 :], *process.of("won")}
    return set(process.log.loc[process.log["activity"].isin(late), "case_id"])


def most_skipped(process: Process) -> str:
    """The open stage that most recent deals jumped over; empty where none did.

    A deal jumped over a stage where it was in a later one (or, started later in the order) and never in it.
    """
    if process.log is None:
        return ""
    recent = set(recent_cases(process))
    log = process.log[process.log["case_id"].isin(recent)]
    order = process.of("open")
    place = log["activity"].map({name: k for k, name in enumerate(order)})
    top = place.groupby(log["case_id"]).max()
    been = log.groupby("activity")["case_id"].agg(set)
    counts = {name: len(set(top.index[top > k]) - been.get(name, set())) for k, name in enumerate(order)}
    return max(counts, key=counts.get) if any(counts.values()) else ""


def recent_cases(process: Process) -> pd.Index:
    """Deals whose first step is in the last 365 days and is the beginning of the deal."""
    first = process.log[process.log["step"] == 1]
    since = pd.Timestamp(process.as_of - timedelta(days=YEAR)).tz_localize("UTC")
    recent = first[(first["at"] >= since) & ~first["case_id"].isin(process.unseen)]
    return pd.Index(recent["case_id"])


def _order_rows(process: Process, level: float) -> list[tuple]:
    """Win rates and odds are of decided deals that got to the middle: one that was lost before had no chance
    to skip or turn back, and would make both look good."""
    steps = rework.steps_of_cases(process.log, process.of("open"), process.of("won", "lost"))
    steps = steps[~steps["case_id"].isin(process.unseen)].set_index("case_id")
    recent = recent_cases(process)
    told = steps.reindex(recent)
    open_seen = told[(told["placed"] > 0) | (told["unknown"] > 0)]
    placed = float((open_seen["unknown"] == 0).mean()) if len(open_seen) else np.nan
    decided = _decided(process, halfway(process) & set(steps.index))
    rows = []
    for name, column in OF_ORDER:
        did = steps[column] > 0
        if name in (BACK, SKIPS) and not placed >= PLACED_SHARE:
            why = (
                f"only {placed:.0%} of deals took stages that stages.yaml defines"
                if placed == placed
                else "no deal of the year was seen in an open stage"
            )
            rows.append((ORDER, name, None, None, *[np.nan] * 8, why))
            continue
        rows.append((ORDER, *_row(process, name, (did.reindex(recent), did, decided), level)))
    return rows


def _age_rows(process: Process, level: float) -> list[tuple]:
    """Stays beyond a stage's largest age, by the first visit, of deals that entered it long enough ago.

    Win rates compare deals that got to a later open stage, late or in time: one still in the stage, or lost
    from it, is behind by that alone.
    """
    limits = process.stages.dropna(subset="max_age_days").set_index("stage")["max_age_days"]
    order = process.of("open")
    place = process.log["activity"].map({name: k for k, name in enumerate(order)})
    top = place.groupby(process.log["case_id"]).max()
    stays = spells(process.log, process.as_of, process.of("won", "lost"))
    first = stays[~((stays["step"] == 1) & stays["case_id"].isin(process.unseen))]
    first = first.drop_duplicates(["case_id", "activity"])
    now = pd.Timestamp(process.as_of + timedelta(days=1)).tz_localize("UTC")
    since = now - pd.Timedelta(days=YEAR + 1)
    rows = []
    for at, stage in enumerate(order):
        if stage not in limits.index:
            continue
        mine = first[first["activity"] == stage].set_index("case_id")
        ripe = mine["at"] + pd.Timedelta(days=float(limits[stage])) <= now
        over = mine["days"] > float(limits[stage])
        beyond = set(mine.index) & set(top.index[top > at])
        told = (over[ripe & (mine["at"] >= since)], over, _decided(process, beyond))
        name = f"stays over {limits[stage]:.0f} days in {stage}"
        last = "not judged: no open stage comes after it" if stage == order[-1] else ""
        told = (told[0], None, None) if last else told
        rows.append((AGE, *_row(process, name, told, level, last)))
    return rows


def _evidence_rows(process: Process, level: float) -> list[tuple]:
    """Deals beyond a stage (or in it, where it ends the deal) with an empty field of its exit evidence."""
    order, rows = process.of("open"), []
    place = {name: k for k, name in enumerate(order)} | dict.fromkeys(process.of("won"), len(order))
    log = process.log[process.log["case_id"].isin(recent_cases(process))]
    reached = log["activity"].map(place).groupby(log["case_id"]).max()
    last = log[~log["case_id"].duplicated(keep="last")].set_index("case_id")["activity"]
    facts = process.deals.drop_duplicates("opportunity_id").set_index("opportunity_id")
    for stage in process.stages.itertuples():
        left = last.index[last == stage.stage]
        if stage.outcome == "open":
            left = reached.index[reached > place[stage.stage]]
        rows += _without_activity(process, stage, place, log, level)
        for field in stage.evidence_fields:
            words = field.removesuffix("_base").replace("_", " ")
            name = f"{'left' if stage.outcome == 'open' else 'ended in'} {stage.stage} without {words}"
            if field not in facts:
                why = f"opportunities has no column {field}"
                rows.append((EVIDENCE, name, None, None, *[np.nan] * 8, why))
                continue
            empty = facts[field].reindex(left).isna()
            why = "not judged: the field may have been filled after the deal was decided"
            rows.append((EVIDENCE, *_row(process, name, (empty, None, None), level, why)))
    return rows


def _without_activity(process: Process, stage, place: dict, log: pd.DataFrame, level: float) -> list[tuple]:
    """Deals beyond an open stage that had no activity of a kind by the day they first got beyond it.

    Only exits between the first and the last activity recorded are judged: of others nobody knows.
    """
    kinds, rows = getattr(stage, "evidence_activities", None) or [], []
    for kind in kinds:
        name, touches = f"left {stage.stage} without {kind}", process.activities
        if touches is None:
            why = "there are no activities that name a deal, a kind and a moment"
            rows.append((EVIDENCE, name, None, None, *[np.nan] * 8, why))
            continue
        beyond = log[log["activity"].map(place).gt(place[stage.stage])]
        left = beyond.groupby("case_id")["at"].min().dt.normalize()
        days = touches["at"].dt.normalize()
        left = left[left.between(days.min(), days.max())]
        of_kind = touches["kind"] == kind.strip().lower()
        first = days[of_kind].groupby(touches.loc[of_kind, "opportunity_id"].astype(str)).min()
        first = pd.Series(left.index.astype(str), left.index).map(first)
        lacking = ~(first <= left)
        why = "not judged: whoever meets the customer more also wins more, whatever the stage"
        rows.append((EVIDENCE, *_row(process, name, (lacking, None, None), level, why)))
    return rows


def _row(process: Process, name: str, told: tuple, level: float, why: str = "") -> tuple:
    """One row. ``told``: of recent deals whether they did, of all deals, and outcomes of those to compare."""
    of_recent, did, decided = told
    of_recent = of_recent.fillna(False).astype(bool)
    count, of = int(of_recent.sum()), len(of_recent)
    interval = proportion_interval(count, of, level)
    ends = (interval.low, interval.high) if interval else (np.nan, np.nan)
    known = (name, count, of, count / of if of else np.nan, *ends)
    if did is None:
        return (*known, *[np.nan] * 5, why)
    did, won = did.reindex(decided.index).fillna(False), decided["outcome"].eq("won")
    effect = rework.deviation_effect(did, won, _alike(process, decided.index), level=level)
    return (*known, effect.win_rate, effect.others_win_rate, effect.odds, effect.low, effect.high, effect.why)


def _decided(process: Process, among: set[str]) -> pd.DataFrame:
    cases = progress.outcomes(process.log, process.as_of, won=process.of("won"), lost=process.of("lost"))
    cases = cases.set_index("case_id")
    return cases[cases["outcome"].notna() & cases.index.isin(among)]


def _alike(process: Process, index: pd.Index) -> pd.DataFrame:
    facts = process.deals.drop_duplicates("opportunity_id").set_index("opportunity_id").reindex(index)
    return facts[[c for c in ALIKE if c in facts and facts[c].notna().any()]]
