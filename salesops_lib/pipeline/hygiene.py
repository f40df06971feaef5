"""Open deals that need a hand, one line per deal and fault, with what to do. A work list, never a league
table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from urllib.parse import quote

import numpy as np
import pandas as pd

FAULTS = {
    "no owner": ("Nobody owns it who still is here.", "Give it an owner today."),
    "overdue": ("The close date has passed.", "Ask the buyer for the date, or close it."),
    "old": (
        "It is older than four in five won deals of its segment ever were.",
        "Requalify it with the buyer, or close it.",
    ),
    "stalled": (
        "It has been in its stage longer than the stage allows.",
        "Get the exit evidence of its stage, or move it back.",
    ),
    "no next step": ("No next step is written down.", "Agree the next step with a date, and write it down."),
    "no close date": ("It has no close date.", "Ask the buyer for the date, and write it down."),
    "no amount": ("It has no amount.", "Write down what was offered, or the smallest sensible sum."),
    "round amount": (
        "Its amount is a round guess: one or two digits, then zeros.",
        "Replace it by the proposal's sum.",
    ),
    "last day": (
        "Its close date is the last day of a quarter.",
        "Ask when the buyer will sign; write that day down.",
    ),
    "pushed": (
        "Its close date was moved to a later quarter twice or more.",
        "Move it to best case until the buyer names the date.",
    ),
    "one contact": (
        "Only one contact of the account is known.",
        "Find who decides and who pays, and meet them.",
    ),
}
"""Fault → what it says, what to do."""
MANY_PUSHES = 2
ROUND_FROM, ROUND_USUAL = 1_000, 0.1
"""Round: a multiple of half its power of ten and of 1,000, in the deal's own currency. Where over a tenth of
won deals have such amounts, prices are round here, and that says nothing of a guess."""
MIN_WON = 30
COLUMNS = [
    "team",
    "owner",
    "owner_id",
    "opportunity_id",
    "name",
    "stage",
    "amount_base",
    "close_date",
    "age_days",
    "fault",
    "says",
    "do",
    "link",
]


def work_list(
    open_deals: pd.DataFrame,
    as_of: date,
    *,
    age_limits: dict[str, float],
    stage_days: pd.Series,
    stage_limits: dict[str, float],
    quarter_ends: set[date],
    pushes: pd.Series,
    contacts: pd.Series | None,
    early_stages: set[str],
    skip: Collection[str] = (),
    link: str = "",
) -> pd.DataFrame:
    """Every fault of every open deal, most money first within an owner.

    Parameters
    ----------
    open_deals
        ``opportunity_id``, ``owner_id``, ``stage``, ``amount_base``, ``close_date``, ``created_date`` and,
        where there are any, ``name``, ``segment``, ``next_step``, ``account_id``, ``amount`` (in the deal's
        own currency), ``owner``, ``team``, ``gone`` (:func:`sellers.owners`).
    age_limits
        Segment → P80 of the age at which deals were won; key ``""`` for all.
    stage_days, pushes
        Days in the present stage, and moves to a later quarter, by opportunity_id; empty where not known.
    stage_limits
        Stage → largest age in it, by ``stages.yaml``.
    quarter_ends
        Last days of fiscal quarters.
    contacts
        Contacts by account_id; None where there is no table.
    early_stages
        Stages in which no amount is due yet.
    skip
        Faults that the data cannot tell (:func:`untold`).
    link
        ``crm_link`` of the company, with ``{table}`` and ``{id}``.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`. A column the data lacks raises no fault.
    """
    deals = open_deals.reset_index(drop=True)
    today = pd.Timestamp(as_of)
    age = (today - deals["created_date"]).dt.days.astype("float64")
    segment = deals["segment"] if "segment" in deals else pd.Series("", index=deals.index)
    limit = segment.map(lambda s: age_limits.get(s, age_limits.get("", np.nan)))
    in_stage = deals["opportunity_id"].map(stage_days)
    amount, due = deals["amount_base"], deals["close_date"]
    own = deals["amount"].astype("float64") if "amount" in deals and deals["amount"].notna().any() else amount
    found = {
        "no owner": _ownerless(deals),
        "overdue": due < today,
        "old": age > limit,
        "stalled": in_stage > deals["stage"].map(stage_limits),
        "no close date": due.isna() & due.notna().any(),
        "no amount": (own.isna() | (own <= 0)) & ~deals["stage"].isin(early_stages),
        "round amount": is_round(own),
        "last day": due.isin(pd.to_datetime(sorted(quarter_ends))) & (due >= today),
        "pushed": deals["opportunity_id"].map(pushes).fillna(0) >= MANY_PUSHES,
    }
    if "next_step" in deals and deals["next_step"].notna().any():
        found["no next step"] = deals["next_step"].isna()
    if contacts is not None and "account_id" in deals:
        found["one contact"] = deals["account_id"].map(contacts).fillna(0) <= 1
    parts = [
        _lines(deals, age, name, mask.fillna(False).to_numpy(dtype=bool), link)
        for name, mask in found.items()
        if name not in skip
    ]
    made = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
    made["_size"] = made["amount_base"].fillna(0.0)
    order = {name: k for k, name in enumerate(FAULTS)}
    made["_order"] = made["fault"].map(order)
    made = made.sort_values(
        ["team", "owner_id", "_size", "opportunity_id", "_order"],
        ascending=[True, True, False, True, True],
        ignore_index=True,
    )
    return made[COLUMNS]


def is_round(amount: pd.Series) -> pd.Series:
    """Whether an amount is one or two digits and zeros, three of them at least: 20,000, 350,000, 5,000."""
    positive = amount.where(amount >= ROUND_FROM)
    half = np.maximum(10.0 ** np.floor(np.log10(positive)) / 2, ROUND_FROM)
    return (positive % half).eq(0)


def round_is_rare(won: pd.DataFrame) -> bool:
    """Whether at most a tenth of won deals have round amounts; True under 30 of them.

    ``won``: ``amount`` in the deal's own currency, or ``amount_base``.
    """
    column = "amount" if "amount" in won and won["amount"].notna().any() else "amount_base"
    known = won[column].dropna().astype("float64")
    return len(known) < MIN_WON or float(is_round(known).mean()) <= ROUND_USUAL


def deal_rows(work: pd.DataFrame) -> pd.DataFrame:
    """One line per deal of a work list, most money first: what is wrong, and what to do first.

    Returns :data:`COLUMNS` without ``fault``, ``says``, plus ``faults`` (how many) and ``what`` (which, the
    first in the order of :data:`FAULTS`, whose step is ``do``). Deals without an amount come last.
    """
    order = work["fault"].map({name: k for k, name in enumerate(FAULTS)})
    rows = work.assign(_order=order).sort_values(["opportunity_id", "_order"], kind="stable")
    groups = rows.groupby("opportunity_id", sort=True)
    made = groups.head(1).set_index("opportunity_id")
    made = made.assign(faults=groups.size(), what=groups["fault"].agg("; ".join)).reset_index()
    made = made.sort_values(["amount_base", "opportunity_id"], ascending=[False, True], na_position="last")
    columns = [c for c in COLUMNS if c not in ("fault", "says", "do", "link")]
    return made[[*columns, "faults", "what", "do", "link"]].reset_index(drop=True)


def _ownerless(deals: pd.DataFrame) -> pd.Series:
    """Deals nobody owns any more; none where no deal names an owner."""
    if deals["owner_id"].isna().all():
        return pd.Series(False, index=deals.index)
    return deals["owner_id"].isna() | deals.get("gone", False)


def age_limits(won: pd.DataFrame, share: float = 0.8) -> dict[str, float]:
    """P80 of the age at winning by segment, key ``""`` for all; segments under 30 wins take that of all.

    ``won``: won deals with ``created_date``, ``close_date`` and perhaps ``segment``.
    """
    days = (won["close_date"] - won["created_date"]).dt.days
    days = days[days >= 0]
    made = {"": float(days.quantile(share))} if len(days) >= MIN_WON else {}
    if "segment" in won and made:
        for name, part in days.groupby(won["segment"]):
            if len(part) >= MIN_WON:
                made[str(name)] = float(part.quantile(share))
    return made


def push_counts(history: pd.DataFrame | None, calendar) -> pd.Series:
    """How often each deal's close date moved to a later fiscal quarter: opportunity_id → count."""
    if history is None or history.empty or "close_date" not in history:
        return pd.Series(dtype="int64")
    order = ["opportunity_id", "changed_at", *(["sequence"] if "sequence" in history else []), "close_date"]
    rows = history[history["close_date"].notna()].sort_values(order, kind="stable")
    starts = pd.DatetimeIndex(calendar.quarter_starts)
    quarter = starts.searchsorted(rows["close_date"].to_numpy(), side="right")
    same = rows["opportunity_id"].eq(rows["opportunity_id"].shift())
    later = pd.Series(quarter, index=rows.index).diff().gt(0) & same
    return later.groupby(rows["opportunity_id"]).sum().astype("int64")


def shares(deals: pd.DataFrame, work: pd.DataFrame, why: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Each fault's part of the open pipeline: ``fault``, ``deals``, ``share`` of deals, ``value_base``,
    ``value_share`` (of open value), ``unpriced`` (its deals without an amount), ``why``.

    ``why``: fault → why it cannot be looked for (:func:`untold`); its figures are missing, not 0.
    """
    total, value = len(deals), float(deals["amount_base"].sum())
    rows = []
    for fault in FAULTS:
        reason = (why or {}).get(fault, "")
        mine = work[work["fault"] == fault]
        money = float(mine["amount_base"].sum())
        told = (
            len(mine),
            len(mine) / total if total else np.nan,
            money,
            money / value if value > 0 else np.nan,
            int(mine["amount_base"].isna().sum()),
        )
        rows.append((fault, *(told if not reason else (None, np.nan, np.nan, np.nan, None)), reason))
    columns = ["fault", "deals", "share", "value_base", "value_share", "unpriced", "why"]
    return pd.DataFrame(rows, columns=columns).astype({"deals": "Int64", "unpriced": "Int64"})


def untold(
    deals: pd.DataFrame, won: pd.DataFrame, *, history: pd.DataFrame | None, stays: bool, contacts: bool
) -> dict[str, str]:
    """Fault → why it cannot be looked for in this data; faults that can are not named.

    Parameters
    ----------
    deals, won
        Open deals, and won ones.
    history
        The changes, None without.
    stays, contacts
        Whether days in the present stage, and contacts, are known.
    """

    def empty(column: str) -> bool:
        return column not in deals or deals[column].isna().all()

    pushes = history is not None and "close_date" in history and history["close_date"].notna().any()
    aged = not empty("created_date") and bool(age_limits(won))
    checks = {
        "no owner": (not empty("owner_id"), "no open deal names an owner"),
        "overdue": (not empty("close_date"), "no open deal has a close date"),
        "old": (aged, f"no creation dates, or under {MIN_WON} won deals to compare with"),
        "stalled": (stays, "no history of stages, or no stage has a largest age"),
        "no next step": (not empty("next_step"), "no open deal has a next step"),
        "no close date": (not empty("close_date"), "no open deal has a close date"),
        "no amount": (not empty("amount_base"), "no open deal has an amount"),
        "round amount": (
            not empty("amount_base") and round_is_rare(won),
            "no amounts, or over a tenth of won deals have round ones",
        ),
        "last day": (not empty("close_date"), "no open deal has a close date"),
        "pushed": (pushes, "no history of close dates"),
        "one contact": (contacts and not empty("account_id"), "no table of contacts"),
    }
    if deals.empty:
        return dict.fromkeys(FAULTS, "there is no open deal")
    return {fault: why for fault, (told, why) in checks.items() if not told}


def _lines(deals: pd.DataFrame, age: pd.Series, fault: str, mask: np.ndarray, link: str) -> pd.DataFrame:
    says, do = FAULTS[fault]
    mine = deals[mask]
    columns = ["team", "owner", "owner_id", "opportunity_id", "name", "stage", "amount_base", "close_date"]
    made = mine.reindex(columns=columns)
    address = mine["opportunity_id"].map(
        lambda i: link.replace("{table}", "opportunities").replace("{id}", quote(str(i), safe=""))
    )
    return made.assign(age_days=age[mask], fault=fault, says=says, do=do, link=address if link else "")
