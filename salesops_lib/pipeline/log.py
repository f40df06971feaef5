"""An event log that the order of its rows cannot change: sorted, ties settled, repeats taken as one step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import pandas as pd

COLUMNS = ("case_id", "activity", "at")


def event_log(frame: pd.DataFrame, renames: Iterable[Mapping[str, object]] = ()) -> pd.DataFrame:
    """The log as every function here reads it.

    Parameters
    ----------
    frame
        ``case_id``, ``activity``, ``at`` (anything that reads as a moment; naive is UTC), and optionally
        ``sequence`` (order within a case). Other columns are dropped. A row without case, activity or moment
        is left out.
    renames
        Stages renamed mid-way: mappings of ``from``, ``to`` and ``until`` (last day of the old name; missing:
        always).

    Returns
    -------
    DataFrame
        ``case_id``, ``activity``, ``at`` (UTC), ``step`` (from 1 in its case), sorted by case and step.
        Within a
        case by moment, then ``sequence``, then activity: equal rows give one log whatever their order. Equal
        consecutive activities are one step, from the first of them on: a row written because an amount
        changed
        is no step.

    Raises
    ------
    ValueError
        If a needed column is missing.
    """
    lost = [c for c in COLUMNS if c not in frame]
    if lost:
        raise ValueError(
            f"the log has no column {lost[0]}; it has {', '.join(map(str, frame.columns)) or 'none'}"
        )
    kept = [*COLUMNS, *(["sequence"] if "sequence" in frame else [])]
    made = frame[kept].copy()
    made["at"] = pd.to_datetime(made["at"], utc=True, errors="coerce", format="mixed").astype(
        "datetime64[ns, UTC]"
    )
    made = made[made[list(COLUMNS)].notna().all(axis=1)]
    made["activity"] = _renamed(made["activity"].map(str), made["at"], renames)
    order = ["case_id", "at", *(["sequence"] if "sequence" in made else []), "activity"]
    made = made.sort_values(order, kind="stable", ignore_index=True)
    again = made["case_id"].eq(made["case_id"].shift()) & made["activity"].eq(made["activity"].shift())
    made = made[~again].reset_index(drop=True)
    made["step"] = made.groupby("case_id", sort=False).cumcount() + 1
    return made[["case_id", "activity", "at", "step"]]


def case_log(
    history: pd.DataFrame,
    opportunities: pd.DataFrame | None = None,
    renames: Iterable[Mapping[str, object]] = (),
) -> pd.DataFrame:
    """The log of deals: one case an opportunity, an activity its stage.

    ``history``: ``opportunity_id``, ``changed_at``, ``stage``, perhaps ``sequence``; deals absent from
    ``opportunities`` (deleted ones) are left out.
    """
    if opportunities is not None:
        history = history[history["opportunity_id"].isin(opportunities["opportunity_id"])]
    names = {"opportunity_id": "case_id", "stage": "activity", "changed_at": "at"}
    return event_log(history.rename(columns=names), renames)


def spells(log: pd.DataFrame, as_of: date | str | pd.Timestamp, ends: Iterable[str] = ()) -> pd.DataFrame:
    """Each stay in an activity: ``case_id``, ``activity``, ``at``, ``step``, ``next`` (None while it lasts),
    ``days`` (to the next step, or to the end of ``as_of``), ``open``.

    Steps after ``as_of`` are left out. Activities of ``ends`` end a case: no stay in them is counted.
    """
    end = (pd.Timestamp(as_of).tz_localize(None).normalize() + pd.Timedelta(days=1)).tz_localize("UTC")
    known = log[log["at"] < end]
    same = known["case_id"].eq(known["case_id"].shift(-1))
    follows, until = known["activity"].shift(-1).where(same), known["at"].shift(-1).where(same)
    made = known.assign(next=follows.astype("object").where(follows.notna(), None), open=~same)
    made["days"] = (until.fillna(end) - known["at"]).dt.total_seconds() / 86_400
    return made[~made["activity"].isin(set(ends))].reset_index(drop=True)


def _renamed(activity: pd.Series, at: pd.Series, renames: Iterable[Mapping[str, object]]) -> pd.Series:
    for rename in renames:
        mine = activity == str(rename["from"])
        if rename.get("until") is not None:
            last = pd.Timestamp(str(rename["until"])).tz_localize("UTC") + pd.Timedelta(days=1)
            mine &= at < last
        activity = activity.where(~mine, str(rename["to"]))
    return activity
