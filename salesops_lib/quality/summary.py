"""The report's first screen and its overview: what came in, how clean it is, what is at stake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.metrics import Reading
from salesops_lib.quality import duplicates
from salesops_lib.quality.faults import DIMENSIONS, Basis
from salesops_lib.quality.imports import Loss
from salesops_lib.quality.measure import MEASURED, Measures
from salesops_lib.quality.metrics import FAULTY_VALUE
from salesops_lib.quality.preparation import prepared
from salesops_lib.quality.ranking import below
from salesops_lib.quality.worth import deals_of

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from salesops_lib.core.contracts import Table

UNKNOWN = "–"


def headline(
    measures: Measures, ages: pd.DataFrame, loss: Loss | None, *, limit: float, currency: str
) -> list[dict[str, str]]:
    """The cards: ``label, value, note`` of money at stake, fields below policy, rows lost, freshness.

    What is undefined shows ``–`` and says why.
    """
    return [
        _at_stake(measures.worth, currency),
        _below_policy(measures, limit),
        _lost(loss, currency),
        _fresh(ages),
    ]


def faulty_value(worth: pd.DataFrame) -> float | None:
    """Open value on deals with a judged fault over all open value; None where there is none."""
    open_deals = worth[worth["outcome"] == "open"]
    total = open_deals["deals_base"].sum()
    return float(open_deals["affected_base"].sum() / total) if total > 0 else None


def readings(measures: Measures) -> list[Reading]:
    """The share of open value with a fault, counted whole: it has no range."""
    deals = int(measures.worth.loc[measures.worth["outcome"] == "open", "deals"].sum())
    share = faulty_value(measures.worth)
    return [Reading(FAULTY_VALUE, share, rests_on=f"{deals:,} open deals" if share is not None else "")]


def received(ages: pd.DataFrame, measures: Measures) -> pd.DataFrame:
    """One row per table: rows, newest day, age, and the share of its rows without a fault per dimension."""
    wide = measures.tables.pivot_table(index="table", columns="dimension", values="score", aggfunc="min")
    wide = wide.reindex(columns=list(DIMENSIONS))
    frame = ages.merge(wide, left_on="table", right_index=True, how="left")
    columns = ["table", "rows", "newest_day", "age_days", "living", *DIMENSIONS]
    return frame.astype(dict.fromkeys(DIMENSIONS, "float64"))[columns]


def double_accounts(
    tables: Mapping[str, ir.Table], contracts: Mapping[str, Table], basis: Basis
) -> pd.DataFrame:
    """Accounts that seem to stand twice (:func:`.duplicates.candidates`); none without a table."""
    wanted = ["account_id", "name", "country", "name_key", "name_country", "name_number"]
    if "accounts" not in tables:
        return duplicates.candidates(pd.DataFrame(columns=wanted, dtype=object))
    accounts = prepared("accounts", tables, contracts, basis)
    frame = accounts.select(*[c for c in wanted if c in accounts.columns]).execute()
    deals = deals_of(tables, basis)
    worth = None
    if deals is not None:
        sums = deals.group_by("account").aggregate(worth=deals.amount_base.sum()).execute()
        worth = sums.dropna(subset=["account"]).set_index("account")["worth"]
    return duplicates.candidates(frame.reindex(columns=wanted), worth)


def _at_stake(worth: pd.DataFrame, currency: str) -> dict[str, str]:
    share = faulty_value(worth)
    if share is None:
        return {
            "label": "Open value with a fault",
            "value": UNKNOWN,
            "note": "no open deal has a known value",
        }
    row = worth[worth["outcome"] == "open"].iloc[0]
    deals = f"{row['affected']:,} of {row['deals']:,} open deals, each once"
    return {
        "label": "Open value with a fault",
        "value": f"{currency} {short_money(row['affected_base'])}",
        "note": f"{percent(share)} of open value; {deals}",
    }


def _below_policy(measures: Measures, limit: float) -> dict[str, str]:
    required = measures.faults[measures.faults["required"].astype(bool)]
    judged = int((required["state"] == MEASURED).sum())
    short = below(measures, limit)
    left = len(required) - judged
    notes = [
        f"most at stake: {short.iloc[0]['table']}.{short.iloc[0]['field']}" if len(short) else "",
        f"{left} more could not be judged" if left else "",
    ]
    return {
        "label": f"Required fields under {percent(limit)}",
        "value": f"{len(short)} of {judged}" if judged else UNKNOWN,
        "note": "; ".join(filter(None, notes)) or "all required fields were judged",
    }


def _lost(loss: Loss | None, currency: str) -> dict[str, str]:
    label = "Rows the import left out"
    if loss is None or loss.share is None:
        return {"label": label, "value": UNKNOWN, "note": "the tables do not come from an import"}
    worth = f", worth {currency} {short_money(loss.money_base)}" if loss.money_base else ""
    return {"label": label, "value": f"{loss.lost:,}", "note": f"of {loss.rows_in:,} rows read{worth}"}


def _fresh(ages: pd.DataFrame) -> dict[str, str]:
    living = ages[ages["living"].astype(bool) & ages["age_days"].notna()]
    if living.empty:
        return {"label": "Oldest living table", "value": UNKNOWN, "note": "no living table has a dated row"}
    worst = living.sort_values(["age_days", "table"], ascending=[False, True]).iloc[0]
    days = int(worst["age_days"])
    return {
        "label": "Oldest living table",
        "value": f"{days} day{'' if days == 1 else 's'}",
        "note": f"newest row of {worst['table']}: {worst['newest_day'].date().isoformat()}",
    }
