"""An event log that the order of its rows cannot change: sorted, ties settled, repeats taken as one step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np
import pandas as pd

COLUMNS = ("case_id", "activity", "at")
STEP_COLUMNS = (*COLUMNS, "step")


def event_log(frame: pd.DataFrame, renames: Iterable[Mapping[str, object]] = ()) -> pd.DataFrame:
    """The log as every function here reads it.

    Parameters
    ----------
    frame
        ``case_id``, ``activity``, ``at`` (anything that reads as a moment; naive is UTC), and optionally
        ``sequence`` (order within a case) and ``actor`` (who made the step). Other columns are dropped. A row
        without case, activity or moment is left out.
    renames
        Stages renamed mid-way: mappings of ``from``, ``to`` and ``until`` (last day of the old name; missing:
        always).

    Returns
    -------
    DataFrame
        ``case_id``, ``activity``, ``at`` (UTC), ``step`` (from 1 in its case), ``actor`` where it was given,
        sorted by case and step. Within a case by moment, then ``sequence``, then activity: equal rows give
        one log whatever their order. Equal consecutive activities are one step, from the first of them on: a
        row written because an amount changed is no step.

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
    more = [c for c in ("sequence", "actor") if c in frame]
    kept = [*COLUMNS, *more]
    made = frame[kept].copy()
    made["at"] = pd.to_datetime(made["at"], utc=True, errors="coerce", format="mixed").astype(
        "datetime64[ns, UTC]"
    )
    made = made[made[list(COLUMNS)].notna().all(axis=1)]
    code, names = pd.factorize(made["activity"])
    made["activity"] = _renamed(pd.Series(names.map(str).take(code), made.index), made["at"], renames)
    if "actor" in made:
        made["actor"] = made["actor"].map(str).where(made["actor"].notna(), "")
    made = made.iloc[_order(made)].reset_index(drop=True)
    again = made["case_id"].eq(made["case_id"].shift()) & made["activity"].eq(made["activity"].shift())
    made = made[~again].reset_index(drop=True)
    made["step"] = made.groupby("case_id", sort=False).cumcount() + 1
    return made[[*STEP_COLUMNS, *(["actor"] if "actor" in made else [])]]


def known_log(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` as :func:`event_log` makes it; one that it made is taken as it is."""
    return frame if tuple(frame.columns[:4]) == STEP_COLUMNS else event_log(frame)


def case_log(
    history: pd.DataFrame,
    opportunities: pd.DataFrame | None = None,
    renames: Iterable[Mapping[str, object]] = (),
) -> pd.DataFrame:
    """The log of deals: one case an opportunity, an activity its stage.

    ``history``: ``opportunity_id``, ``changed_at``, ``stage``, perhaps ``sequence`` and ``actor_id``; deals
    absent from ``opportunities`` (deleted ones) are left out.
    """
    if opportunities is not None:
        history = history[history["opportunity_id"].isin(opportunities["opportunity_id"])]
    names = {"opportunity_id": "case_id", "stage": "activity", "changed_at": "at", "actor_id": "actor"}
    return event_log(history.rename(columns=names), renames)


def spells(log: pd.DataFrame, as_of: date | str | pd.Timestamp, ends: Iterable[str] = ()) -> pd.DataFrame:
    """Each stay in an activity: ``case_id``, ``activity``, ``at``, ``step``, ``next`` (None while it lasts),
    ``days`` (to the next step, or to the end of ``as_of``), ``open``.

    Steps after ``as_of`` are left out. Activities of ``ends`` end a case: no stay in them is counted.
    """
    end = _day_end(as_of)
    known = log[log["at"] < end]
    same = known["case_id"].eq(known["case_id"].shift(-1))
    follows, until = known["activity"].shift(-1).where(same), known["at"].shift(-1).where(same)
    made = known.assign(next=follows.astype("object").where(follows.notna(), None), open=~same)
    made["days"] = (until.fillna(end) - known["at"]).dt.total_seconds() / 86_400
    return made[~made["activity"].isin(set(ends))].reset_index(drop=True)


def closed_as_known(log: pd.DataFrame, deals: pd.DataFrame, ends: Mapping[str, str], as_of) -> pd.DataFrame:
    """The log with a closing step for every deal that is closed though its last step is an open stage.

    A history that misses the closing would leave such a deal waiting for ever. The step bears the deal's
    stage where that is an end, else an end of its outcome, else ``(won)`` or ``(lost)``; its moment is the
    end of the close date, not before the last step and not after ``as_of``.

    Parameters
    ----------
    log
        From :func:`event_log`.
    deals
        ``opportunity_id``, ``stage``, ``is_closed``, ``is_won``, ``close_date``.
    ends
        Stage → ``won`` or ``lost``.
    """
    last = log[~log["case_id"].duplicated(keep="last")].set_index("case_id")
    facts = deals.drop_duplicates("opportunity_id").set_index("opportunity_id")
    closed = facts[facts["is_closed"].fillna(False).astype(bool)].reindex(
        last.index[~last["activity"].isin(set(ends))]
    )
    closed = closed[closed["is_closed"].notna()]
    if closed.empty:
        return log
    outcome = closed["is_won"].fillna(False).astype(bool).map({True: "won", False: "lost"})
    usual = {kind: next((s for s, o in ends.items() if o == kind), f"({kind})") for kind in ("won", "lost")}
    said = closed["stage"].where(closed["stage"].map(ends).eq(outcome), outcome.map(usual))
    end = _day_end(as_of) - pd.Timedelta(seconds=1)
    at = pd.to_datetime(closed["close_date"]).dt.tz_localize("UTC") + pd.Timedelta(days=1, seconds=-1)
    at = at.fillna(end).clip(upper=end).where(lambda v: v > last["at"].reindex(v.index), last["at"])
    made = pd.DataFrame({"case_id": closed.index, "activity": said.to_numpy(), "at": at.to_numpy()})
    made["at"] = made["at"].astype(log["at"].dtype) if len(made) else made["at"]
    made["step"] = last["step"].reindex(closed.index).to_numpy() + 1
    if "actor" in log:
        made["actor"] = ""
    both = pd.concat([log, made], ignore_index=True)
    return both.sort_values(["case_id", "step"], kind="stable", ignore_index=True)


def _day_end(as_of) -> pd.Timestamp:
    """The first moment after the day."""
    return (pd.Timestamp(as_of).tz_localize(None).normalize() + pd.Timedelta(days=1)).tz_localize("UTC")


def _order(made: pd.DataFrame) -> np.ndarray:
    """Rows by case, moment, sequence, activity, actor: on numbers, since texts sort slowly."""
    keys = [pd.factorize(made["case_id"], sort=True)[0], made["at"].astype("int64").to_numpy()]
    if "sequence" in made:
        keys.append(pd.factorize(made["sequence"], sort=True)[0])
    keys += [pd.factorize(made[c], sort=True)[0] for c in ("activity", "actor") if c in made]
    return np.lexsort(keys[::-1])


def _renamed(activity: pd.Series, at: pd.Series, renames: Iterable[Mapping[str, object]]) -> pd.Series:
    for rename in renames:
        mine = activity == str(rename["from"])
        if rename.get("until") is not None:
            last = pd.Timestamp(str(rename["until"])).tz_localize("UTC") + pd.Timedelta(days=1)
            mine &= at < last
        activity = activity.where(~mine, str(rename["to"]))
    return activity
