"""Who owns a deal on a day: name, team, and whether that person still is there."""

from __future__ import annotations

from datetime import date

import pandas as pd


def owners(owner_id: pd.Series, reps: pd.DataFrame | None, day: date | pd.Series) -> pd.DataFrame:
    """``owner`` (name, else the id), ``team`` (missing where not known), ``gone`` of each row; same index.

    Parameters
    ----------
    owner_id
        Whose; missing where nobody owns the row.
    reps
        Role spells: ``rep_id``, ``start_date``, ``end_date`` (half-open, empty: still), perhaps ``name``,
        ``team``; None where there is no table.
    day
        The day that counts, or one for each row. The spell that began last by the day is taken, an ended
        one too: a deal keeps its team until somebody takes it over.

    ``gone``: the owner's last spell ended by the day. An owner without a spell is not known to be gone.
    """
    made = pd.DataFrame(
        {"owner": owner_id.astype("object"), "team": None, "gone": False},
        index=owner_id.index,
        dtype="object",
    )
    made["gone"] = made["gone"].astype(bool)
    if reps is None or reps.empty or owner_id.empty:
        return made
    spells = reps.assign(start_date=pd.to_datetime(reps["start_date"]).astype("datetime64[ns]"))
    spells = spells[spells["start_date"].notna()].sort_values("start_date", kind="stable")
    days = pd.Series(pd.to_datetime(day), index=owner_id.index).astype("datetime64[ns]")
    asked = pd.DataFrame({"rep_id": owner_id.astype("object"), "day": days, "at": range(len(owner_id))})
    asked = asked[asked["rep_id"].notna() & asked["day"].notna()].sort_values("day", kind="stable")
    spells["rep_id"] = spells["rep_id"].astype("object")
    found = pd.merge_asof(asked, spells, left_on="day", right_on="start_date", by="rep_id").set_index("at")
    place = owner_id.index[found.index]
    for name, column in (("owner", "name"), ("team", "team")):
        if column in found:
            known = found[column].notna().to_numpy()
            made.loc[place[known], name] = found[column].to_numpy()[known]
    if "end_date" in found:
        ended = (pd.to_datetime(found["end_date"]) <= found["day"]).to_numpy()
        made.loc[place[ended], "gone"] = True
    return made
