"""Leads as they can be measured: placeholders emptied, impossible stamps reported row by row and left out."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

STAGES = {
    "touched": "first_touch_at",
    "contacted": "first_contact_at",
    "qualified": "mql_at",
    "accepted": "sal_at",
    "opportunity": "sql_at",
    "won": "won_at",
}
"""Steps of the funnel after *created*, in order, and the stamp of each."""
ENDINGS = {"disqualified": "disqualified_at", "lost": "lost_at"}
"""How a lead ends without what is asked for."""
PLACEHOLDERS = (
    "select",
    "-select-",
    "--none--",
    "please select",
    "n/a",
    "na",
    "#n/a",
    "null",
    "none",
    "(blank)",
)
DAMAGED = r"^(?:#{3,}|#(?:REF|VALUE|NAME\?|DIV/0|NUM|NULL)!?)$"
"""What a spreadsheet leaves where it could not show a cell."""
_DAY = 86_400.0


def checked_leads(leads: pd.DataFrame, as_of: date | str | pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leads fit to be measured, and what was wrong with the rows.

    Parameters
    ----------
    leads
        One row per lead: ``lead_id`` and any of the columns of DATA.md's table; other columns are kept.
        Stamps may be text, naive or with a zone; naive ones are read as UTC.
    as_of
        The last day known; later stamps are emptied and reported.

    Returns
    -------
    (DataFrame, DataFrame)
        The leads, stamps ``datetime64[ns, UTC]``, missing texts None. Then the faults: ``lead_id``, ``row``
        (from 1), ``column``, ``value``, ``fault``, ``done`` (what became of the cell).

    Placeholders such as ``Select`` are missing values. A stamp before ``created_at`` has a negative lag: it
    is emptied, since no time can be told from it. A lead id that stands twice is kept once, the first.
    """
    if "lead_id" not in leads:
        raise ValueError(
            f"leads have no column lead_id; they have {', '.join(map(str, leads.columns)) or 'none'}"
        )
    made = leads.reset_index(drop=True).copy()
    rows = np.arange(1, len(made) + 1)
    faults: list[pd.DataFrame] = []

    def told(mask, column: str, fault: str, done: str) -> None:
        mask = np.asarray(mask, dtype=bool)
        if mask.any():
            values = made.loc[mask, column].map(str)
            faults.append(
                pd.DataFrame(
                    {
                        "lead_id": made.loc[mask, "lead_id"].map(str),
                        "row": rows[mask],
                        "column": column,
                        "value": values,
                        "fault": fault,
                        "done": done,
                    }
                )
            )

    for column in _texts(made):
        text = made[column].map(lambda v: v.strip() if isinstance(v, str) else v)
        lowered = text.map(lambda v: v.lower() if isinstance(v, str) else "")
        empty = lowered.isin(PLACEHOLDERS)
        damaged = text.map(lambda v: v if isinstance(v, str) else "").str.contains(DAMAGED, regex=True)
        told(damaged, column, "damaged by a spreadsheet", "emptied")
        told(empty, column, "a placeholder, no value", "emptied")
        blank = empty | damaged | (text.map(lambda v: v == "" if isinstance(v, str) else pd.isna(v)))
        made[column] = text.astype("object").where(~blank, None)
    end = pd.Timestamp(as_of).tz_localize(None) + pd.Timedelta(days=1)
    end = end.tz_localize("UTC")
    for column in _stamps(made):
        read = pd.to_datetime(made[column], utc=True, errors="coerce", format="mixed")
        told(read.isna() & made[column].notna(), column, "no moment in time", "emptied")
        made[column] = read.astype("datetime64[ns, UTC]")
        told(made[column] >= end, column, "after the day of the report", "emptied")
        made.loc[made[column] >= end, column] = pd.NaT
        if column != "created_at" and "created_at" in made:
            early = made[column] < pd.to_datetime(
                made["created_at"], utc=True, errors="coerce", format="mixed"
            )
            told(early, column, "before the lead was created", "emptied")
            made.loc[early, column] = pd.NaT
    twice = made["lead_id"].duplicated()
    told(twice, "lead_id", "the id stands twice", "row left out")
    found = pd.concat(faults, ignore_index=True) if faults else pd.DataFrame(columns=FAULTS)
    return made[~twice].reset_index(drop=True), found.sort_values(["row", "column"], ignore_index=True)


FAULTS = ["lead_id", "row", "column", "value", "fault", "done"]


def days_between(start: pd.Series, end: pd.Series) -> pd.Series:
    """Days from one stamp to the other as float; missing where one is."""
    return (end - start).dt.total_seconds() / _DAY


def end_of(as_of: date | str | pd.Timestamp) -> pd.Timestamp:
    """The moment the day ends, UTC."""
    return (pd.Timestamp(as_of).tz_localize(None).normalize() + pd.Timedelta(days=1)).tz_localize("UTC")


def outcome_frame(leads: pd.DataFrame, as_of, event_at: str = "sql_at") -> pd.DataFrame:
    """What became of each lead: ``age`` in days and ``event``.

    ``event`` is ``converted`` (``event_at`` stamped), else ``ended`` (disqualified or lost first, whichever
    is
    there), else missing: still open at ``as_of``. Leads without ``created_at`` are left out.
    """
    made = leads[leads["created_at"].notna()]
    last = pd.Series(end_of(as_of), index=made.index)
    hit = made[event_at] if event_at in made else pd.Series(pd.NaT, index=made.index)
    endings = [made[c] for c in ENDINGS.values() if c in made]
    over = pd.concat(endings, axis=1).min(axis=1) if endings else pd.Series(pd.NaT, index=made.index)
    over = pd.to_datetime(over, utc=True)
    converted = hit.notna()
    ended = ~converted & over.notna()
    at = pd.to_datetime(hit.where(converted, over.where(ended, last)), utc=True)
    event = pd.Series(np.where(converted, "converted", np.where(ended, "ended", None)), index=made.index)
    age = days_between(made["created_at"], at).clip(lower=0.0)
    return made.assign(age=age, event=event.where(event.notna(), None))


def _stamps(leads: pd.DataFrame) -> list[str]:
    return [c for c in leads if isinstance(c, str) and c.endswith("_at")]


def _texts(leads: pd.DataFrame) -> list[str]:
    stamps = set(_stamps(leads))
    kinds = leads.dtypes
    return [
        c
        for c in leads
        if c not in stamps and c != "lead_id" and str(kinds[c]) in {"object", "str", "string"}
    ]
