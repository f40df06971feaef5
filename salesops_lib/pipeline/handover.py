"""From a company's tables to the report's: the log and the open deals, then each output table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from salesops_lib.core.stats import proportion_interval
from salesops_lib.pipeline import graph, hygiene, outputs, progress, rework, waiting
from salesops_lib.pipeline import velocity as velocities
from salesops_lib.pipeline.log import case_log, spells
from salesops_lib.pipeline.readiness import readiness

YEAR, HALF = 365, 182
ALIKE = ("segment", "type", "lead_source", "amount_base")
NEED_DECIDED = 30


@dataclass(frozen=True)
class Process:
    """What the report is made from. ``log`` is None where there is no history of stages; ``order``, ``ends``,
    ``won``, ``lost``: stages by outcome."""

    deals: pd.DataFrame
    log: pd.DataFrame | None
    history: pd.DataFrame | None
    stages: pd.DataFrame
    declared: Mapping[str, Any]
    calendar: Any
    as_of: date

    def of(self, *outcomes: str) -> list[str]:
        """Stages with one of the outcomes, in order."""
        return self.stages.loc[self.stages["outcome"].isin(outcomes), "stage"].tolist()

    @property
    def open_deals(self) -> pd.DataFrame:
        """Deals that are open on the day."""
        return self.deals[~self.deals["is_closed"].fillna(False).astype(bool)]


def prepared(
    deals: pd.DataFrame,
    history: pd.DataFrame | None,
    stages: pd.DataFrame,
    declared: Mapping[str, Any],
    calendar,
    as_of: date,
) -> Process:
    """Deals with the columns every table needs (missing ones empty), and the log of their stages.

    A history in which no deal ever changed its stage tells nothing of the process and counts as none.
    """
    needed = {
        "amount_base": np.nan,
        "is_won": False,
        "is_closed": False,
        "close_date": pd.NaT,
        "created_date": pd.NaT,
        "stage": None,
        "owner_id": None,
    }
    made = deals.assign(**{k: v for k, v in needed.items() if k not in deals})
    for name in ("close_date", "created_date"):
        made[name] = pd.to_datetime(made[name])
    log = None
    if history is not None and "stage" in history and history["stage"].notna().any():
        log = case_log(history, deals, declared.get("renamed") or ())
        if log.empty or log["step"].max() < 2:
            log = None
    return Process(made, log, history, stages, declared, calendar, as_of)


def transition_rows(process: Process) -> pd.DataFrame:
    """Columns of ``outputs.TRANSITIONS``; empty without history."""
    if process.log is None:
        return pd.DataFrame(columns=outputs.TRANSITIONS.column_names)
    return graph.directly_follows(process.log)[outputs.TRANSITIONS.column_names]


def dwell_rows(process: Process) -> pd.DataFrame:
    """Columns of ``outputs.DWELL`` in the order of stages; empty without history."""
    if process.log is None:
        return pd.DataFrame(columns=outputs.DWELL.column_names)
    table = waiting.dwell(process.log, process.as_of, ends=process.of("won", "lost"))
    place = {s: k for k, s in enumerate(process.stages["stage"])}
    return table.sort_values("activity", key=lambda s: s.map(place).fillna(99), ignore_index=True)


def bottleneck_rows(process: Process) -> pd.DataFrame:
    """Columns of ``outputs.BOTTLENECKS``; empty without history."""
    if process.log is None:
        return pd.DataFrame(columns=outputs.BOTTLENECKS.column_names)
    return waiting.bottlenecks(process.log, process.as_of, ends=process.of("won", "lost"))


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
    won = (process.of("won") or [None])[0]
    found = progress.conversion(process.log, order, process.as_of, won=won)
    return found[found["cohort"].isin(sorted(found["cohort"].unique())[-cohorts:])].reset_index(drop=True)


def incidence_rows(process: Process) -> pd.DataFrame:
    """Columns of ``outputs.INCIDENCE`` at whole days; empty without history."""
    if process.log is None:
        return pd.DataFrame(columns=outputs.INCIDENCE.column_names)
    found = progress.cumulative_incidence(
        process.log, process.as_of, won=process.of("won"), lost=process.of("lost")
    )
    found["age_days"] = np.ceil(found["age"])
    found = found.drop_duplicates(["cause", "age_days"], keep="last")
    return found.reindex(columns=outputs.INCIDENCE.column_names).reset_index(drop=True)


def deviation_rows(process: Process, level: float = 0.9) -> pd.DataFrame:
    """Columns of ``outputs.DEVIATIONS``: deals started in the last four quarters.

    Win rates and odds are of decided deals that got to the middle: one that was lost before had
    no chance to skip or turn back, and would make both look good.
    """
    if process.log is None:
        return pd.DataFrame(columns=outputs.DEVIATIONS.column_names)
    steps = rework.steps_of_cases(process.log, process.of("open"), process.of("won", "lost")).set_index(
        "case_id"
    )
    cases = progress.outcomes(process.log, process.as_of, won=process.of("won"), lost=process.of("lost"))
    cases = cases.set_index("case_id")
    since = pd.Timestamp(process.as_of - timedelta(days=YEAR)).tz_localize("UTC")
    recent = cases.index[cases["started"] >= since]
    decided = cases[cases["outcome"].notna() & cases.index.isin(halfway(process))]
    facts = process.deals.drop_duplicates("opportunity_id").set_index("opportunity_id").reindex(decided.index)
    alike = facts[[c for c in ALIKE if c in facts and facts[c].notna().any()]]
    won = decided["outcome"].eq("won")
    rows = []
    for name, column in (
        ("steps back", "back"),
        ("skips a stage", "skipped"),
        ("visits a stage twice", "repeated"),
        ("is reopened", "reopened"),
        ("takes an undefined stage", "unknown"),
    ):
        did = steps[column] > 0
        count, of = int(did.reindex(recent).sum()), len(recent)
        interval = proportion_interval(count, of, level)
        effect = rework.deviation_effect(did.reindex(decided.index), won, alike, level=level)
        rows.append(
            (
                name,
                count,
                count / of if of else np.nan,
                interval.low if interval else np.nan,
                interval.high if interval else np.nan,
                effect.win_rate,
                effect.others_win_rate,
                effect.odds,
                effect.low,
                effect.high,
                effect.why,
            )
        )
    return pd.DataFrame(rows, columns=outputs.DEVIATIONS.column_names)


def halfway(process: Process) -> set[str]:
    """Deals that got to the middle of the open stages, or further."""
    order = process.of("open")
    late = {*order[len(order) // 2 :], *process.of("won")}
    return set(process.log.loc[process.log["activity"].isin(late), "case_id"])


def hygiene_rows(process: Process, contacts: pd.DataFrame | None, link: str) -> pd.DataFrame:
    """Columns of ``outputs.HYGIENE``: every fault of every open deal."""
    quarters = {day - timedelta(days=1) for day in process.calendar.quarter_starts}
    closed = process.deals["is_closed"].fillna(False).astype(bool)
    won = process.deals[closed & process.deals["is_won"].fillna(False).astype(bool)]
    stage_days = pd.Series(dtype="float64")
    if process.log is not None:
        stays = spells(process.log, process.as_of, process.of("won", "lost"))
        stage_days = stays[stays["open"]].drop_duplicates("case_id").set_index("case_id")["days"]
    limits = process.stages.dropna(subset="max_age_days").set_index("stage")["max_age_days"].to_dict()
    order = process.of("open")
    known = None
    if contacts is not None and "account_id" in contacts:
        known = contacts["account_id"].value_counts()
    return hygiene.work_list(
        process.open_deals,
        process.as_of,
        age_limits=hygiene.age_limits(won),
        stage_days=stage_days,
        stage_limits=limits,
        quarter_ends=quarters,
        pushes=hygiene.push_counts(process.history, process.calendar),
        contacts=known,
        late_stages=set(order[len(order) // 2 :]),
        link=link,
    )


def win_rate_rows(process: Process) -> pd.DataFrame:
    """Columns of ``outputs.WIN_RATES`` over the last four quarters' days."""
    start = process.as_of - timedelta(days=YEAR - 1)
    return velocities.win_rates(process.deals, start, process.as_of + timedelta(days=1))


def velocity_sides(process: Process) -> tuple[dict[str, float], dict[str, float]]:
    """Velocity of the same half year a year before, and of the last one."""
    end = process.as_of + timedelta(days=1)
    sides = [
        (end - timedelta(days=YEAR + HALF), end - timedelta(days=YEAR)),
        (end - timedelta(days=HALF), end),
    ]
    before, after = (velocities.velocity(process.deals, *side) for side in sides)
    return before, after


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


def coverage_found(
    process: Process, quotas: pd.DataFrame | None, rates: pd.DataFrame
) -> dict[str, float] | None:
    """Open value due this fiscal quarter against what is left to the company's target; None without a target.

    The target is the quota of level company, else the sum of reps' quotas. Returns ``due``, ``left``,
    ``coverage`` (due ÷ left; infinite once nothing is left), ``needed`` (1 ÷ win rate by value), ``ratio``
    (coverage ÷ needed), ``decided`` (deals the rate rests on).
    """
    if quotas is None or quotas.empty:
        return None
    period = process.calendar.period_of(process.as_of, "quarter")
    mine = quotas[quotas["period"] == str(period)]
    for level in ("company", "rep"):
        target = float(mine.loc[mine["level"] == level, "quota_base"].sum())
        if target > 0:
            break
    else:
        return None
    low, high = (pd.Timestamp(d) for d in process.calendar.bounds(period))
    deals = process.deals
    inside = deals["close_date"].ge(low) & deals["close_date"].lt(high)
    closed = deals["is_closed"].fillna(False).astype(bool)
    booked = float(
        deals.loc[inside & closed & deals["is_won"].fillna(False).astype(bool), "amount_base"].sum()
    )
    due = float(deals.loc[~closed & deals["close_date"].lt(high), "amount_base"].sum())
    by_value = rates.set_index("name").loc["by value"]
    decided = int(rates.set_index("name").loc["by count", "of"])
    left = target - booked
    rate = by_value["rate"]
    coverage = due / left if left > 0 else np.inf
    return {
        "due": due,
        "left": left,
        "coverage": coverage,
        "needed": 1 / rate if rate > 0 else np.inf,
        "ratio": coverage * rate,
        "decided": decided,
        "target": target,
    }


def started(process: Process) -> int:
    """Deals started in the last year, by the log; 0 without history."""
    if process.log is None:
        return 0
    first = process.log.loc[process.log["step"] == 1, "at"]
    return int((first >= pd.Timestamp(process.as_of - timedelta(days=YEAR)).tz_localize("UTC")).sum())
