"""States of deals, one per change: from their history, from their dates, and from what their own rows add."""

from __future__ import annotations

from datetime import tzinfo

import numpy as np
import pandas as pd

STATE = ("owner_id", "stage", "amount_base", "close_date", "forecast_category")
OPEN, WON, LOST = "open", "won", "lost"
GROUPS = ("segment", "type", "lead_source")
"""What a deal is. No history follows them, versions of the deal may. Corrected at the close they tell how it
ended."""


def days_of(values: pd.Series) -> pd.Series:
    """Dates or moments as ``datetime64[ns]``."""
    return pd.to_datetime(values).astype("datetime64[ns]")


def local_day(stamps: pd.Series, zone: tzinfo | str) -> pd.Series:
    """The company's day of a UTC moment."""
    moments = pd.to_datetime(stamps, utc=True)
    return moments.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize().astype("datetime64[ns]")


def changes(
    known: pd.DataFrame, history: pd.DataFrame | None, stages: pd.DataFrame, zone: tzinfo | str
) -> pd.DataFrame:
    """The history as states, each with its day and its order within it.

    A field that the history does not follow is known where the deal's own row says how it closed; before the
    close it is missing, for its value of today may have been written since. Only the owner stays (see
    :func:`untracked`), so that a deal stands under somebody.
    """
    if history is None:
        history = pd.DataFrame(columns=["opportunity_id", "sequence", "changed_at", *STATE])
    deal = pd.Index(known["opportunity_id"]).get_indexer(history["opportunity_id"])
    mine = (deal >= 0) & history["changed_at"].notna().to_numpy()
    rows, deal = history[mine].reset_index(drop=True), deal[mine]
    states = pd.DataFrame({"deal": deal, "day": local_day(rows["changed_at"], zone)})
    for name in STATE:
        held = rows[name] if name in rows and rows[name].notna().any() else None
        states[name] = known[name].iloc[deal].to_numpy() if held is None else held
    states["close_date"] = days_of(states["close_date"])
    states["outcome"] = _outcome(states["stage"], known.iloc[deal], stages)
    own = states["outcome"].isin([WON, LOST]).to_numpy() & (
        states["outcome"].to_numpy() == _flagged(known.iloc[deal])
    )
    for name in untracked(history):
        if name not in ("owner_id", "stage"):
            states[name] = states[name].where(own, None if states[name].dtype == object else pd.NA)
    states["amount_base"] = states["amount_base"].astype("float64")
    states["order"] = np.argsort(np.lexsort((rows["sequence"], rows["changed_at"]))) if len(rows) else 0
    return states


def untracked(history: pd.DataFrame | None) -> tuple[str, ...]:
    """Fields of :data:`STATE` that the history never gives: what they were on a past day is not dated."""
    if history is None or history.empty:
        return ()
    return tuple(name for name in STATE if name not in history or not history[name].notna().any())


def versions_of(
    versions: pd.DataFrame, known: pd.DataFrame, zone: tzinfo | str, last: np.datetime64
) -> pd.DataFrame:
    """What each deal was and from which day on: ``deal`` (row of ``known``), ``day``, :data:`GROUPS`; sorted.

    Of several versions of a day the last stands. One that nobody stamped is not dated, and left out.
    """
    deal = pd.Index(known["opportunity_id"]).get_indexer(versions["opportunity_id"])
    made = versions.reindex(columns=[*GROUPS]).assign(
        deal=deal, moment=pd.to_datetime(versions["recorded_at"], utc=True)
    )
    made = made[(deal >= 0) & made["moment"].notna().to_numpy()]
    made = made.assign(day=local_day(made["moment"], zone))
    made = made[made["day"].to_numpy() <= last].sort_values(["deal", "moment"], kind="stable")
    made = made.drop_duplicates(["deal", "day"], keep="last").reset_index(drop=True)
    return made[["deal", "day", *GROUPS]]


def _outcome(stage: pd.Series, version: pd.DataFrame, stages: pd.DataFrame) -> np.ndarray:
    """Outcome of a declared stage; of another, what the deal's own row says if it is in that stage."""
    declared = stage.map(dict(zip(stages["stage"], stages["outcome"], strict=True)))
    same = (stage.to_numpy() == version["stage"].to_numpy()) & stage.notna().to_numpy()
    flagged = np.where(same, _flagged(version), None)
    return declared.astype("object").where(declared.notna(), pd.Series(flagged, stage.index)).to_numpy()


def _flagged(version: pd.DataFrame) -> np.ndarray:
    """Outcome by ``is_closed`` and ``is_won``; None where they are unknown."""
    closed, won = version["is_closed"].astype("boolean"), version["is_won"].astype("boolean")
    ended = np.where(won.fillna(False), WON, np.where(won.isna(), None, LOST))
    return np.where(closed.isna(), None, np.where(closed.fillna(False), ended, OPEN))


def undocumented(rest: pd.DataFrame, last: np.datetime64, zone: tzinfo | str) -> list[pd.DataFrame]:
    """States of deals without changes: opened, closed and as recorded."""
    flagged = _flagged(rest)
    stamp = local_day(rest["recorded_at"], zone).to_numpy()
    close = days_of(rest["close_date"]).to_numpy()
    closed = np.isin(flagged, [WON, LOST])
    dated = closed & (close <= last)
    recorded = (stamp <= last) & ~dated
    made = []
    for order, (day, rows) in enumerate(
        [
            (days_of(rest["created_date"]).to_numpy(), ~(stamp > last) | dated),
            (close, dated),
            (stamp, recorded),
        ]
    ):
        part = rest[rows & ~np.isnat(day)]
        states = pd.DataFrame({"deal": part.index, "day": day[rows & ~np.isnat(day)], "order": order})
        for name in STATE:
            states[name] = part[name].to_numpy() if order or name == "owner_id" else None
        states["close_date"] = days_of(states["close_date"])
        states["amount_base"] = states["amount_base"].astype("float64")
        states["outcome"] = flagged[rows & ~np.isnat(day)] if order else OPEN
        made.append(states)
    return made


def unstamped(
    changed: pd.DataFrame, known: pd.DataFrame, last: np.datetime64, zone: tzinfo | str, stages: pd.DataFrame
) -> list[pd.DataFrame]:
    """What the deals' own rows say beyond their last change: amounts moved by a formula, dates in bulk."""
    if changed.empty:
        return []
    order = np.lexsort((changed["order"], changed["day"], changed["deal"]))
    final = changed.iloc[order].drop_duplicates("deal", keep="last")
    row = known.astype({"amount_base": "float64"}).iloc[final["deal"].to_numpy(dtype="int64")]
    stamp, day = local_day(row["recorded_at"], zone).to_numpy(), final["day"].to_numpy()
    now = final.assign(day=np.where(stamp > day, stamp, last.astype("datetime64[ns]")), order=len(changed))
    moved = np.zeros(len(final), dtype=bool)
    for name in ("owner_id", "stage", "amount_base", "close_date"):
        value, held = row[name].to_numpy(), final[name].to_numpy()
        other = np.abs(value - held) > 0.005 if name == "amount_base" else value != held
        other = (other | pd.isna(held)) & ~pd.isna(value)
        now[name] = np.where(other, value, held)
        moved |= other
    now["close_date"] = days_of(now["close_date"])
    now["outcome"] = _outcome(now["stage"].astype("object"), row, stages)
    return [now[moved & (stamp >= day) & (stamp <= last)]]
