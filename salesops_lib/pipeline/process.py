"""What the report is made from: deals, their log, the stages as defined and as learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo
from typing import Any

import numpy as np
import pandas as pd

from salesops_lib.pipeline.log import case_log, closed_as_known

LATE_DAYS = 7  # a first row that much after the creation: the deal began before its history
NEEDED = {
    "amount_base": np.nan,
    "is_won": False,
    "is_closed": False,
    "close_date": pd.NaT,
    "created_date": pd.NaT,
    "stage": None,
    "owner_id": None,
}


@dataclass(frozen=True)
class Process:
    """What the report is made from. ``log`` is None where there is no history of stages.

    ``ends``: stage → ``won`` or ``lost``, the declared ones first, then those that the deals themselves tell
    (``learnt``). ``unseen``: deals that began before their first row of history. ``closings``: deals whose
    history misses that they closed. ``dated``: closed deals without a close date, which have that of their
    last step. ``stages``: those that somebody placed; one that an import guessed is as
    good as undefined but for its end. ``activities``: the touches with deals, at the company's wall clock;
    None where there are none.
    """

    deals: pd.DataFrame
    log: pd.DataFrame | None
    history: pd.DataFrame | None
    stages: pd.DataFrame
    declared: Mapping[str, Any]
    calendar: Any
    as_of: date
    ends: Mapping[str, str] = field(default_factory=dict)
    learnt: tuple[str, ...] = ()
    unseen: frozenset[str] = frozenset()
    closings: int = 0
    dated: int = 0
    activities: pd.DataFrame | None = None

    def of(self, *outcomes: str) -> list[str]:
        """Stages with one of the outcomes, in order."""
        still = self.stages.loc[self.stages["outcome"].eq("open"), "stage"].tolist()
        return [*(still if "open" in outcomes else []), *(s for s, o in self.ends.items() if o in outcomes)]

    @property
    def open_deals(self) -> pd.DataFrame:
        """Deals that are open on the day."""
        return self.deals[~self.deals["is_closed"].fillna(False).astype(bool)]

    @property
    def born(self) -> pd.Series:
        """Deal → the day it was created, as a moment, of :attr:`unseen` deals."""
        facts = self.deals[self.deals["opportunity_id"].isin(self.unseen)]
        facts = facts.drop_duplicates("opportunity_id").set_index("opportunity_id")
        return facts["created_date"].dt.tz_localize("UTC")


def prepared(
    deals: pd.DataFrame,
    history: pd.DataFrame | None,
    stages: pd.DataFrame,
    declared: Mapping[str, Any],
    calendar,
    as_of: date,
    *,
    zone: tzinfo | str = "UTC",
    activities: pd.DataFrame | None = None,
) -> Process:
    """Deals with the columns every table needs (missing ones empty), and the log of their stages.

    A history in which no deal ever changed its stage tells nothing of the process and counts as none. An
    undeclared stage that holds closed deals alone, all won or all lost, is taken for an end. Moments of the
    log are the company's wall clock (``zone``), so that a step late on the day is of the day.
    """
    made = deals.assign(**{k: v for k, v in NEEDED.items() if k not in deals})
    for name in ("close_date", "created_date"):
        made[name] = pd.to_datetime(made[name])
    made["stage"] = _as_called_now(made["stage"], declared.get("renamed") or (), set(stages["stage"]))
    told = {r.stage: r.outcome for r in stages.itertuples() if r.outcome in ("won", "lost")}
    if "guessed" in stages:
        stages = stages[~(stages["guessed"] & stages["outcome"].eq("open"))].reset_index(drop=True)
    learnt = _learnt(made, set(stages["stage"]))
    ends = told | learnt
    log, closings = None, 0
    if history is not None and "stage" in history and history["stage"].notna().any():
        log = case_log(_by_wall_clock(history, zone), made, declared.get("renamed") or ())
        if log.empty or log["step"].max() < 2:
            log = None
    unseen, dated = frozenset(), 0
    if log is not None:
        rows = len(log)
        log = closed_as_known(log, made, ends, as_of)
        closings = len(log) - rows
        ends = ends | {k: o for o in ("won", "lost") if (k := f"({o})") in set(log["activity"])}
        unseen = _unseen(log, made)
        made, dated = _dated(made, log, ends)
    return Process(
        made, log, history, stages, declared, calendar, as_of,
        ends=ends, learnt=tuple(learnt), unseen=unseen, closings=closings, dated=dated,
        activities=_touches(activities, zone),
    )  # fmt: skip


def _touches(activities: pd.DataFrame | None, zone: tzinfo | str) -> pd.DataFrame | None:
    """``opportunity_id``, ``kind`` in small letters and ``at`` of activities that name all three; else
    None."""
    names = ["opportunity_id", "kind", "at"]
    if activities is None or not set(names) <= set(activities):
        return None
    rows = activities[names].dropna()
    told = _by_wall_clock(rows.rename(columns={"at": "changed_at"}), zone)["changed_at"].dt.tz_localize(
        "UTC"
    )  # as the log has it
    kind = rows["kind"].astype(str).str.strip().str.lower()
    return rows.assign(at=told, kind=kind) if len(rows) else None


def _by_wall_clock(history: pd.DataFrame, zone: tzinfo | str) -> pd.DataFrame:
    """Changes at the clock of the company; stamps without a zone are UTC."""
    at = pd.to_datetime(history["changed_at"], utc=True, errors="coerce", format="mixed")
    return history.assign(changed_at=at.dt.tz_convert(zone).dt.tz_localize(None))


def _as_called_now(stage: pd.Series, renames, declared: set[str]) -> pd.Series:
    """Stages of deals by their present names: a deal keeps the name of the day it last changed."""
    names = {str(r["from"]): str(r["to"]) for r in renames if str(r["from"]) not in declared}
    return stage.replace(names) if names else stage


def _learnt(deals: pd.DataFrame, declared: set[str]) -> dict[str, str]:
    """Undeclared stages of deals that are all closed, and all won or all lost, by name."""
    rows = deals[deals["stage"].notna() & ~deals["stage"].isin(declared)]
    if rows.empty:
        return {}
    closed = rows["is_closed"].fillna(False).astype(bool).groupby(rows["stage"]).mean()
    won = rows["is_won"].fillna(False).astype(bool).groupby(rows["stage"]).mean()
    return {
        str(stage): "won" if won[stage] == 1 else "lost"
        for stage in sorted(closed.index[closed == 1])
        if won[stage] in (0, 1)
    }


def _dated(deals: pd.DataFrame, log: pd.DataFrame, ends: Mapping[str, str]) -> tuple[pd.DataFrame, int]:
    """Deals with the day of their closing step where they are closed and bear no date; how many."""
    last = log[~log["case_id"].duplicated(keep="last")].set_index("case_id")
    day = last.loc[last["activity"].isin(set(ends)), "at"].dt.tz_localize(None).dt.normalize()
    lost = deals["is_closed"].fillna(False).astype(bool) & deals["close_date"].isna()
    found = deals["opportunity_id"].map(day).where(lost)
    if not found.notna().any():
        return deals, 0
    return deals.assign(close_date=deals["close_date"].fillna(found)), int(found.notna().sum())


def _unseen(log: pd.DataFrame, deals: pd.DataFrame) -> frozenset[str]:
    first = log[log["step"] == 1].set_index("case_id")["at"]
    created = deals.drop_duplicates("opportunity_id").set_index("opportunity_id")["created_date"]
    late = first - created.dt.tz_localize("UTC").reindex(first.index) > pd.Timedelta(days=LATE_DAYS)
    return frozenset(first.index[late])
