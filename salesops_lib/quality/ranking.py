"""What to fix first, where it happens, and what has changed since an earlier day."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from salesops_lib.quality.faults import Fault
from salesops_lib.quality.measure import MEASURED, NEVER_FILLED, Measures
from salesops_lib.quality.places import NOT_KNOWN

_PLACES_NAMED = 2


def of_dimension(measures: Measures, dimension: str) -> pd.DataFrame:
    """The faults of one dimension as :mod:`salesops_lib.quality.outputs` declares them, worst first."""
    found = measures.faults[measures.faults["dimension"] == dimension]
    found = found.assign(unmeasured=found["state"] != MEASURED, worth=found["money_base"].fillna(0.0))
    order = ["unmeasured", "score", "worth", "fault"]
    found = found.sort_values(order, ascending=[True, True, False, True], ignore_index=True)
    return found.drop(columns=["unmeasured", "worth", "dimension"])


def to_fix(measures: Measures, count: int = 10) -> pd.DataFrame:
    """The faults worth most, then those with most rows: ``rank`` 1 to ``count``, with where and how.

    Only judged faults with a faulty row. Money is not summable over ranks: a deal may have several faults.
    """
    found = measures.faults
    found = found[(found["state"] == MEASURED) & found["judged"].astype(bool) & (found["faulty"] > 0)]
    found = found.assign(worth=found["money_base"].fillna(0.0))
    found = found.sort_values(["worth", "faulty", "fault"], ascending=[False, False, True]).head(count)
    found = found.assign(
        rank=range(1, len(found) + 1),
        share=found["faulty"] / found["due"],
        where=[where(measures.places, fault) for fault in found["fault"]],
    )
    columns = ["rank", "fault", "table", "field", "title", "faulty", "due", "share", "money_base", "unpriced"]
    return found[[*columns, "where", "owner", "mend"]].reset_index(drop=True)


def where(places: pd.DataFrame, fault: str) -> str:
    """``EMEA Enterprise 40 of 120, AMER SMB 31 of 200 and 5 more``: teams or segments, never people."""
    mine = places[(places["fault"] == fault) & (places["place"] != NOT_KNOWN)].sort_values(
        ["faulty", "place"], ascending=[False, True]
    )
    named = [
        f"{row['place']} {int(row['faulty']):,} of {int(row['due']):,}"
        for row in mine.head(_PLACES_NAMED).to_dict("records")
    ]
    more = len(mine) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "") if named else ""


TREND_TABLES = ("opportunities", "opportunity_history", "accounts", "reps", "leads", "quotas", "activities")
"""Tables whose quality people move from week to week."""


def trending(faults: Sequence[Fault]) -> list[Fault]:
    """The faults worth following: of the tables people work in, less what reading already refuses."""
    refused = {"out_of_range", "key_double"}
    return [f for f in faults if f.table in TREND_TABLES and f.kind not in refused]


def change(now: Measures, then: Measures) -> pd.DataFrame:
    """Score and money of every fault looked for ``then`` and measured on either day; up is better.

    Missing on one day stays missing: a fault that could not be measured then has not got worse.
    """
    keys = ["fault", "table", "field", "dimension", "title"]
    kept = [*keys, "due", "faulty", "score", "money_base"]
    asked = set(then.faults["fault"])
    sides = [
        m.faults[(m.faults["state"] == MEASURED) & m.faults["fault"].isin(asked)][kept] for m in (now, then)
    ]
    both = sides[0].merge(sides[1], on=keys, how="outer", suffixes=("_now", "_then"))
    both["change"] = both["score_now"] - both["score_then"]
    return both.sort_values(["change", "fault"], kind="stable", ignore_index=True)


def not_measured(measures: Measures) -> pd.DataFrame:
    """Fields no row fills, and required fields that could not be judged: ``table, field, state, rows``."""
    found = measures.faults
    wanted = (found["state"] == NEVER_FILLED) | (
        found["required"].astype(bool) & (found["state"] != MEASURED)
    )
    found = found[wanted].rename(columns={"due": "rows"})
    return found[["table", "field", "state", "required", "rows"]].reset_index(drop=True)


def below(measures: Measures, limit: float) -> pd.DataFrame:
    """Required fields measured and filled in less than ``limit`` of the rows due, most money first."""
    found = measures.faults
    required = found["required"].astype(bool) & (found["state"] == MEASURED) & (found["score"] < limit)
    found = found[required].assign(worth=lambda f: f["money_base"].fillna(0.0))
    found = found.sort_values(["worth", "faulty", "fault"], ascending=[False, False, True])
    return found.drop(columns="worth").reset_index(drop=True)
