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
PLACEHOLDERS = frozenset(
    (
        "select",
        "-select-",
        "--select--",
        "select one",
        "select an option",
        "please select",
        "choose",
        "choose one",
        "please choose",
        "--none--",
        "-none-",
        "(none)",
        "none",
        "null",
        "nil",
        "nan",
        "n/a",
        "na",
        "#n/a",
        "(blank)",
        "(no value)",
        "(not set)",
        "-",
        "--",
        "---",
        "?",
        ".",
    )
)
"""What forms, CRMs and spreadsheets write where nobody chose."""
PLACES = ("region", "country", "territory", "geo", "market", "area")
"""Columns in which NA is North America or Namibia, and no placeholder."""
DAMAGED = r"^(?:#{2,}|#(?:REF|VALUE|NAME\?|DIV/0|NUM|NULL|SPILL|CALC)!?)$"
"""What a spreadsheet leaves where it could not show a cell."""
GUESSED = (
    r"^(?:\d{1,2}[-. ](?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|"
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[-. ]\d{2}|\d(?:\.\d+)?E\+\d+)$"
)
"""What a spreadsheet makes of 10-50 (Oct-50) or of a long number (1.2E+14)."""
AFTER = {"won_at": "sql_at", "lost_at": "sql_at"}
"""Stamps that cannot lie before another one."""
DECLARED = (
    "source",
    "campaign_id",
    "landing_page",
    "segment",
    "region",
    "owner_id",
    "opportunity_id",
    "reason",
)
"""Texts by contract, whatever their cells look like."""
NUMBER = r"[+-]?(?:(?:0|[1-9]\d*|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
NUMBERS_FROM, NUMBERS_SHARE = 20, 0.95
"""An extra column is one of numbers if so many cells and this share of them are."""
FIRST_MOMENT = pd.Timestamp("1990-01-01", tz="UTC")
"""Earlier stamps are what a system writes where it knows none: 1900-01-01, 1970-01-01."""
FAULTS = ["lead_id", "row", "column", "value", "fault", "done"]
_DAY = np.timedelta64(1, "D")
_LEAST_DAYS = 1 / 86_400


def checked_leads(leads: pd.DataFrame, as_of: date | str | pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leads fit to be measured, and what was wrong with the rows.

    Parameters
    ----------
    leads
        One row per lead: ``lead_id`` and any of the columns of DATA.md's table; other columns are kept.
        Stamps may be text, naive or with a zone; naive ones are read as UTC.
    as_of
        The last day known, or the moment it ends; later stamps are emptied and reported.

    Returns
    -------
    (DataFrame, DataFrame)
        The leads, stamps ``datetime64[ns, UTC]``, missing texts None. Then the faults: ``lead_id``, ``row``
        (from 1), ``column``, ``value``, ``fault``, ``done`` (what became of the cell).

    Placeholders such as ``Select`` are missing values. A stamp before ``created_at`` has a negative lag, as
    has a win before the lead became an opportunity: it is emptied, since no time can be told from it. Text
    that a spreadsheet read as a date or a number is told and kept. A column of the company's own whose texts
    are numbers becomes one of numbers. A lead id that stands twice is kept once, the first.
    """
    if "lead_id" not in leads:
        raise ValueError(
            f"leads have no column lead_id; they have {', '.join(map(str, leads.columns)) or 'none'}"
        )
    made, found = leads.reset_index(drop=True).copy(), _Faults(leads["lead_id"].reset_index(drop=True))
    for column in _texts(made):
        cleaned = _clean_text(made[column], found)
        made[column] = cleaned if column in DECLARED else _as_numbers(cleaned, found)
    end = end_of(as_of)
    for column in sorted(_stamps(made), key=lambda c: c != "created_at"):
        made[column] = _clean_stamp(made[column], end, made.get("created_at"), found)
    for later, earlier in AFTER.items():
        if {later, earlier} <= set(made):
            swapped = made[later] < made[earlier]
            found.tell(swapped, made[later], f"before {earlier}", "emptied")
            made[later] = made[later].mask(swapped)
    twice = made["lead_id"].duplicated()
    found.tell(twice, made["lead_id"], "the id stands twice", "row left out")
    return made[~twice].reset_index(drop=True), found.table()


class _Faults:
    """Cells that could not be true, told row by row."""

    def __init__(self, ids: pd.Series) -> None:
        self.ids, self.parts = ids, []

    def tell(self, mask, values: pd.Series, fault: str, done: str) -> None:
        at = np.flatnonzero(np.asarray(mask, dtype=bool))
        if len(at):
            self.parts.append(
                pd.DataFrame(
                    {
                        "lead_id": self.ids.iloc[at].map(str),
                        "row": at + 1,
                        "column": str(values.name),
                        "value": values.iloc[at].map(str),
                        "fault": fault,
                        "done": done,
                    }
                )
            )

    def table(self) -> pd.DataFrame:
        made = pd.concat(self.parts, ignore_index=True) if self.parts else pd.DataFrame(columns=FAULTS)
        return made.sort_values(["row", "column"], ignore_index=True, kind="stable")


def _clean_text(column: pd.Series, found: _Faults) -> pd.Series:
    """Stripped, empty and placeholder cells None; each value that occurs is looked at once."""
    codes, values = pd.factorize(column, use_na_sentinel=True)
    kept = [v.strip() if isinstance(v, str) else v for v in values]
    text = pd.Series([v if isinstance(v, str) else "" for v in kept], dtype="object")
    damaged = text.str.contains(DAMAGED, regex=True).to_numpy(dtype=bool)
    guessed = text.str.contains(GUESSED, regex=True).to_numpy(dtype=bool)
    place = any(word in str(column.name).lower() for word in PLACES)
    empty = text.str.lower().isin(PLACEHOLDERS - {"na"} if place else PLACEHOLDERS).to_numpy(dtype=bool)
    blank = np.array([isinstance(v, str) and v == "" for v in kept], dtype=bool)

    def rows(mask: np.ndarray) -> np.ndarray:
        return np.append(mask, False)[codes]

    found.tell(rows(damaged), column, "damaged by a spreadsheet", "emptied")
    found.tell(rows(empty), column, "a placeholder, no value", "emptied")
    found.tell(rows(guessed), column, "read as a date or number by a spreadsheet", "kept as written")
    gone = empty | damaged | blank
    cells = np.array([None if out else v for v, out in zip(kept, gone, strict=True)] + [None], dtype=object)
    return pd.Series(cells[codes], index=column.index, name=column.name, dtype="object")


def _as_numbers(column: pd.Series, found: _Faults) -> pd.Series:
    """A column of texts as numbers where nearly all of them are; the others are told and emptied."""
    codes, values = pd.factorize(column, use_na_sentinel=True)
    text = pd.Series([v if isinstance(v, str) else "" for v in values], dtype="object")
    number = text.str.fullmatch(NUMBER).to_numpy(dtype=bool)
    filled = codes >= 0
    is_number = np.append(number, False)[codes]
    if filled.sum() < NUMBERS_FROM or is_number.sum() < NUMBERS_SHARE * filled.sum():
        return column
    found.tell(filled & ~is_number, column, "no number in a column of numbers", "emptied")
    read = pd.to_numeric(text.where(number).str.replace(",", ""), errors="coerce").to_numpy("float64")
    return pd.Series(np.append(read, np.nan)[codes], index=column.index, name=column.name)


def _clean_stamp(
    column: pd.Series, end: pd.Timestamp, created: pd.Series | None, found: _Faults
) -> pd.Series:
    """A moment in UTC; emptied where it is none, lies after the day or before the lead's creation."""
    read = pd.to_datetime(column, utc=True, errors="coerce", format="mixed").astype("datetime64[ns, UTC]")
    blank = column.isna() | (column.astype("object") == "")
    found.tell(read.isna() & ~blank, column, "no moment in time", "emptied")
    never = read < FIRST_MOMENT
    found.tell(never, read, "a placeholder, no moment", "emptied")
    read = read.mask(never)
    late = read >= end
    found.tell(late, read, "after the day of the report", "emptied")
    read = read.mask(late)
    if column.name == "created_at" or created is None:
        return read
    early = read < created
    found.tell(early, read, "before the lead was created", "emptied")
    return read.mask(early)


def days_between(start: pd.Series, end: pd.Series | pd.Timestamp) -> pd.Series:
    """Days from one stamp to the other as float; missing where one is."""
    until = _moments(end) if isinstance(end, pd.Series) else np.datetime64(end.tz_convert(None), "us")
    return pd.Series((until - _moments(start)) / _DAY, index=start.index)


def _moments(stamps: pd.Series) -> np.ndarray:
    if not isinstance(stamps.dtype, pd.DatetimeTZDtype):
        stamps = pd.to_datetime(stamps, utc=True)
    return stamps.dt.tz_convert(None).to_numpy("datetime64[us]")


def end_of(as_of: date | str | pd.Timestamp) -> pd.Timestamp:
    """The moment the day ends, UTC; a moment with a zone is one already."""
    if isinstance(as_of, pd.Timestamp) and as_of.tz is not None:
        return as_of.tz_convert("UTC")
    return (pd.Timestamp(as_of).tz_localize(None).normalize() + pd.Timedelta(days=1)).tz_localize("UTC")


def labels(column: pd.Series) -> pd.Series:
    """The column as text; a missing value is the group ``(none)``."""
    codes, values = pd.factorize(column, use_na_sentinel=True)
    names = np.array([str(v) for v in values] + ["(none)"], dtype=object)
    return pd.Series(names[codes], index=column.index, name=column.name, dtype="object")


def outcome_frame(leads: pd.DataFrame, as_of, event_at: str = "sql_at") -> pd.DataFrame:
    """What became of each lead: ``age`` in days and ``event``, index as in ``leads``.

    ``event`` is ``converted`` (``event_at`` stamped), else ``ended`` (disqualified or lost first, whichever
    is there), else missing: still open at ``as_of``. Leads without ``created_at`` are left out. What happened
    in the moment of creation counts as a second later, so that no age is 0.
    """
    made = leads if leads["created_at"].notna().all() else leads[leads["created_at"].notna()]
    absent = np.full(len(made), np.nan)
    hit = days_between(made["created_at"], made[event_at]).to_numpy() if event_at in made else absent
    over = absent
    for column in ENDINGS.values():
        if column in made:
            over = np.fmin(over, days_between(made["created_at"], made[column]).to_numpy())
    last = days_between(made["created_at"], end_of(as_of)).to_numpy()
    converted, ended = ~np.isnan(hit), np.isnan(hit) & ~np.isnan(over)
    age = np.where(converted, hit, np.where(ended, over, last))
    codes = np.where(converted, 0, np.where(ended, 1, -1))
    return pd.DataFrame(
        {
            "age": np.maximum(age, _LEAST_DAYS),
            "event": pd.Categorical.from_codes(codes, ["converted", "ended"]),
        },
        index=made.index,
    )


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
