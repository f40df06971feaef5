"""From a company's tables to the report's: the log and the open deals, then each output table."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from salesops_lib.pipeline import graph, hygiene, outputs, progress, sellers, waiting
from salesops_lib.pipeline import velocity as velocities
from salesops_lib.pipeline.log import spells
from salesops_lib.pipeline.process import LATE_DAYS, Process, prepared
from salesops_lib.pipeline.readiness import readiness

__all__ = ["Process", "prepared"]

YEAR, HALF = 365, 182


def transition_rows(process: Process) -> pd.DataFrame:
    """Columns of ``outputs.TRANSITIONS``; empty without history."""
    if process.log is None:
        return pd.DataFrame(columns=outputs.TRANSITIONS.column_names)
    return graph.directly_follows(process.log)[outputs.TRANSITIONS.column_names]


def shown_order(process: Process, transitions: pd.DataFrame) -> list[str]:
    """Activities as pictures show them: stages in order, then undefined as deals meet them, then ends."""
    seen = set(transitions["from_activity"]) | set(transitions["to_activity"])
    known = [*process.of("open"), *process.of("won"), *process.of("lost")]
    strange = sorted(seen - set(known) - {graph.START, graph.END})
    if strange:
        met = process.log.groupby("activity")["step"].mean()
        strange = sorted(strange, key=lambda name: (met[name], name))
    return [*process.of("open"), *strange, *process.of("won"), *process.of("lost")]


def dwell_rows(process: Process) -> pd.DataFrame:
    """Columns of ``outputs.DWELL`` in the order of stages; empty without history."""
    if process.log is None:
        return pd.DataFrame(columns=outputs.DWELL.column_names)
    table = waiting.dwell(process.log, process.as_of, ends=process.of("won", "lost"), unseen=process.unseen)
    place = {s: k for k, s in enumerate(process.stages["stage"])}
    return table.sort_values("activity", key=lambda s: s.map(place).fillna(99), ignore_index=True)


def bottleneck_rows(process: Process) -> pd.DataFrame:
    """Columns of ``outputs.BOTTLENECKS``; empty without history."""
    if process.log is None:
        return pd.DataFrame(columns=outputs.BOTTLENECKS.column_names)
    return waiting.bottlenecks(
        process.log, process.as_of, ends=process.of("won", "lost"), unseen=process.unseen
    )


def variant_rows(process: Process) -> pd.DataFrame:
    """Columns of ``outputs.VARIANTS`` of decided deals; empty without history."""
    if process.log is None:
        return pd.DataFrame(columns=outputs.VARIANTS.column_names)
    ends = progress.outcomes(process.log, process.as_of, won=process.of("won"), lost=process.of("lost"))
    decided = ends.loc[ends["outcome"].notna(), "case_id"]
    return graph.variants(process.log[process.log["case_id"].isin(decided)])


def conversion_rows(process: Process, cohorts: int = 8) -> pd.DataFrame:
    """Columns of ``outputs.CONVERSION``: the last cohorts; empty without history."""
    order = process.of("open")
    if process.log is None or not order:
        return pd.DataFrame(columns=outputs.CONVERSION.column_names)
    won = process.of("won")
    log = process.log.assign(
        activity=process.log["activity"].replace(dict.fromkeys(won[1:], won[0] if won else ""))
    )
    found = progress.conversion(log, order, process.as_of, won=won[0] if won else None, unseen=process.unseen)
    return found[found["cohort"].isin(sorted(found["cohort"].unique())[-cohorts:])].reset_index(drop=True)


def incidence_rows(process: Process) -> pd.DataFrame:
    """Columns of ``outputs.INCIDENCE`` at whole days; empty without history."""
    if process.log is None:
        return pd.DataFrame(columns=outputs.INCIDENCE.column_names)
    found = progress.cumulative_incidence(
        process.log, process.as_of, won=process.of("won"), lost=process.of("lost"), born=process.born
    )
    found["age_days"] = np.ceil(found["age"])
    found = found.drop_duplicates(["cause", "age_days"], keep="last")
    return found.reindex(columns=outputs.INCIDENCE.column_names).reset_index(drop=True)


def hygiene_rows(
    process: Process, contacts: pd.DataFrame | None, reps: pd.DataFrame | None, link: str
) -> pd.DataFrame:
    """Columns of ``outputs.HYGIENE``: every fault of every open deal that the data can tell."""
    quarters = {day - timedelta(days=1) for day in process.calendar.quarter_starts}
    won = won_deals(process)
    stage_days = pd.Series(dtype="float64")
    if process.log is not None:
        stays = spells(process.log, process.as_of, process.of("won", "lost"))
        stage_days = stays[stays["open"]].drop_duplicates("case_id").set_index("case_id")["days"]
    limits = process.stages.dropna(subset="max_age_days").set_index("stage")["max_age_days"].to_dict()
    order, known = process.of("open"), None
    if contacts is not None and "account_id" in contacts:
        known = contacts["account_id"].value_counts()
    deals = process.open_deals.drop(columns=["owner", "team", "gone"], errors="ignore")
    return hygiene.work_list(
        deals.join(sellers.owners(deals["owner_id"], reps, process.as_of)),
        process.as_of,
        age_limits=hygiene.age_limits(won),
        stage_days=stage_days,
        stage_limits=limits,
        quarter_ends=quarters,
        pushes=hygiene.push_counts(process.history, process.calendar),
        contacts=known,
        early_stages=set(order[: len(order) // 2]),
        skip=untold(process, contacts),
        link=link,
    )


def untold(process: Process, contacts: pd.DataFrame | None) -> dict[str, str]:
    """Fault → why this company's data cannot tell it."""
    return hygiene.untold(
        process.open_deals,
        won_deals(process),
        history=process.history,
        stays=process.log is not None and process.stages["max_age_days"].notna().any(),
        contacts=contacts is not None and "account_id" in contacts,
    )


def won_deals(process: Process) -> pd.DataFrame:
    """Deals that were won."""
    closed = process.deals["is_closed"].fillna(False).astype(bool)
    return process.deals[closed & process.deals["is_won"].fillna(False).astype(bool)]


def win_rate_rows(process: Process) -> pd.DataFrame:
    """Columns of ``outputs.WIN_RATES`` over the last four quarters' days."""
    start = process.as_of - timedelta(days=YEAR - 1)
    return velocities.win_rates(process.deals, start, process.as_of + timedelta(days=1))


def velocity_sides(process: Process) -> tuple[dict[str, float], dict[str, float]]:
    """Velocity of the same half year a year before, and of the last one.

    Deals created and velocity of a half year that the data only partly hold are missing: it would look slow.
    """
    end = process.as_of + timedelta(days=1)
    sides = [
        (end - timedelta(days=YEAR + HALF), end - timedelta(days=YEAR)),
        (end - timedelta(days=HALF), end),
    ]
    before, after = (velocities.velocity(process.deals, *side) for side in sides)
    if begun_late(process):
        before |= {"deals": np.nan, "velocity": np.nan}
    return before, after


def begun_late(process: Process) -> bool:
    """Whether the first deal was created after velocity's earlier half year had begun."""
    start = process.as_of + timedelta(days=1) - timedelta(days=YEAR + HALF)
    first = process.deals["created_date"].min()
    return bool(pd.notna(first) and first > pd.Timestamp(start) + pd.Timedelta(days=LATE_DAYS))


def readiness_rows(process: Process, faults: pd.DataFrame) -> pd.DataFrame:
    """Columns of ``outputs.READINESS``."""
    bulk = waiting.bulk_entries(process.log) if process.log is not None else pd.Series(dtype="float64")
    overdue = faults.set_index("fault")["share"].get("overdue", np.nan)
    declared = process.declared.get("readiness") or {}
    return readiness(
        process.stages,
        declared,
        process.log,
        process.deals,
        bulk=bulk,
        overdue_share=overdue,
        as_of=process.as_of,
    )
