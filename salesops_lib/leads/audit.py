"""What a score may not look at: columns stamped after the day it is made, and those that give the outcome
away."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.leads.lifecycle import labels

OWN = {
    "lead_id",
    "created_at",
    "assigned_at",
    "first_touch_at",
    "first_contact_at",
    "mql_at",
    "sal_at",
    "sql_at",
    "won_at",
    "lost_at",
    "disqualified_at",
    "recorded_at",
    "opportunity_id",
    "reason",
    "owner_id",
    "kind",
    "minutes",
    "from_creation",
    "waited",
    "owned",
    "closed",
    "age",
    "event",
    "row",
}
"""Columns of the process itself: they say what became of a lead, or who worked it, never what it was."""
SUSPECTS = (
    "tag",
    "quality",
    "status",
    "stage",
    "disposition",
    "outcome",
    "result",
    "last activity",
    "last_activity",
    "last notable",
    "last_notable",
    "lead profile",
    "lead_profile",
    "reason",
    "rating",
)
REFUSE_AUC, SUSPECT_AUC = 0.90, 0.70
MIN_LEVEL = 20
COLUMNS = ["column", "verdict", "auc", "late_share", "reason"]


def leakage_audit(
    leads: pd.DataFrame,
    converted: pd.Series,
    predicted_at: pd.Series | None = None,
    *,
    ignore: tuple[str, ...] = (),
) -> pd.DataFrame:
    """Every column judged: may a score that is made at ``predicted_at`` use it?

    Parameters
    ----------
    leads
        One row per lead, in the order they came in.
    converted
        The outcome, True or False; missing where it is not known yet. Same index.
    predicted_at
        When each score is made, such as ``created_at``. None: there is no clock, so only the outcome tells.
    ignore
        Columns to leave out of the judgement, such as the outcome itself.

    Returns
    -------
    DataFrame
        ``column``, ``verdict``, ``auc`` (of that column alone, learnt on the earlier half and tested on the
        later one), ``late_share`` (rows stamped after the prediction, from a sibling ``<column>_at``),
        ``reason``. Verdicts: ``refused`` (stamped late; or its AUC is above 0.90; or its name is one that is
        filled in after work began and its AUC is above 0.70), ``id``, ``constant``, ``usable``. Refused
        first.
    """
    rows = []
    hit = converted.reindex(leads.index)
    for name in [c for c in leads if c not in {*OWN, *ignore} and not str(c).endswith("_at")]:
        column = leads[name]
        filled = column.notna()
        late = _late_share(leads, str(name), filled, predicted_at)
        auc = single_auc(column, hit)
        verdict, reason = _verdict(str(name), column, auc, late)
        rows.append({"column": name, "verdict": verdict, "auc": auc, "late_share": late, "reason": reason})
    made = pd.DataFrame(rows, columns=COLUMNS)
    order = {"refused": 0, "usable": 1, "constant": 2, "id": 3}
    made["_order"] = made["verdict"].map(order)
    made = made.sort_values(["_order", "auc"], ascending=[True, False], na_position="last", ignore_index=True)
    return made.drop(columns="_order")


def known_at_creation(leads: pd.DataFrame, predicted_at: pd.Series | None) -> list[str]:
    """Columns that are there when a lead comes in: not the process's own, not stamped later, not an id."""
    found = []
    for name in leads:
        if name in OWN or str(name).endswith("_at"):
            continue
        filled = leads[name].notna()
        late = _late_share(leads, str(name), filled, predicted_at)
        if filled.any() and not late and 1 < leads[name].nunique(dropna=False) <= max(0.5 * filled.sum(), 2):
            found.append(name)
    return found


def single_auc(column: pd.Series, hit: pd.Series) -> float:
    """AUC of one column alone: rates by level learnt on the first half of the rows, judged on the second.

    Rare levels are taken together, missing is a level of its own: an empty cell may tell as much as a full
    one. Missing where one half has a single outcome.
    """
    known = hit.notna()
    column, y = column[known], hit[known].astype(bool).to_numpy()
    level = _levels(column)
    half = len(y) // 2
    if half < MIN_LEVEL or len(set(y[:half])) < 2 or len(set(y[half:])) < 2:
        return float("nan")
    learnt = pd.Series(y[:half].astype("float64")).groupby(level[:half]).agg(["sum", "size"])
    base = y[:half].mean()
    rate = (learnt["sum"] + 2 * base) / (learnt["size"] + 2)
    score = pd.Series(level[half:]).map(rate).fillna(base).to_numpy("float64")
    return auc_of(score, y[half:])


def auc_of(score: np.ndarray, y: np.ndarray) -> float:
    """Chance that a converting lead is scored above another, ties counting half; missing with one outcome."""
    y = np.asarray(y, dtype=bool)
    hits, rest = int(y.sum()), int((~y).sum())
    if not hits or not rest:
        return float("nan")
    rank = pd.Series(score).rank().to_numpy()
    return float((rank[y].sum() - hits * (hits + 1) / 2) / (hits * rest))


def drop_collinear(frame: pd.DataFrame, limit: float = 0.98) -> tuple[list[str], pd.DataFrame]:
    """Columns to keep, and those left out because another says the same.

    Numbers by absolute rank correlation, texts by Cramér's V, both above ``limit``; the later column goes.
    Returns the kept names, and a frame ``column``, ``same_as``, ``strength``.
    """
    kept: list[str] = []
    gone = []
    numeric = {n: pd.api.types.is_numeric_dtype(frame[n]) for n in frame}
    for name in frame:
        twin = None
        for other in kept:
            if numeric[other] != numeric[name]:
                continue
            strength = (
                _rank_link(frame[other], frame[name]) if numeric[name] else _cramer(frame[other], frame[name])
            )
            if strength > limit:
                twin = (other, strength)
                break
        if twin:
            gone.append((name, *twin))
        else:
            kept.append(name)
    return kept, pd.DataFrame(gone, columns=["column", "same_as", "strength"])


def _verdict(name: str, column: pd.Series, auc: float, late: float) -> tuple[str, str]:
    filled = column.dropna()
    if late > 0:
        return "refused", f"{late:.0%} of its cells are stamped after the score is made"
    if len(column.drop_duplicates()) <= 1:
        return "constant", "the same in every row"
    numeric = pd.api.types.is_numeric_dtype(column)
    if not numeric and filled.nunique() > 0.5 * len(filled) and len(filled) > 2 * MIN_LEVEL:
        return "id", "almost every row has its own value"
    if (
        numeric
        and pd.api.types.is_integer_dtype(filled.dtype)
        and filled.is_unique
        and len(filled) > 2 * MIN_LEVEL
    ):
        return "id", "every row has its own number"
    if auc > REFUSE_AUC:
        return (
            "refused",
            f"alone it orders the outcome with an AUC of {auc:.2f}: it is filled in when it is known",
        )
    if auc > SUSPECT_AUC and any(word in name.lower() for word in SUSPECTS):
        return (
            "refused",
            f"by its name it is filled in while the lead is worked, and its AUC of {auc:.2f} shows it",
        )
    return "usable", ""


def _late_share(leads: pd.DataFrame, name: str, filled: pd.Series, predicted_at: pd.Series | None) -> float:
    sibling = f"{name}_at"
    if predicted_at is None or sibling not in leads or not filled.any():
        return 0.0
    stamp = pd.to_datetime(leads[sibling], utc=True, errors="coerce", format="mixed")
    return float((stamp[filled] > predicted_at[filled]).mean())


def _levels(column: pd.Series, most: int = 20) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > most:
        ranks = column.rank(pct=True).to_numpy("float64")
        return (
            np.where(np.isnan(ranks), -1, np.minimum(np.floor(np.nan_to_num(ranks) * 10), 9))
            .astype("int64")
            .astype(str)
        )
    text = labels(column)
    common = text.map(text.value_counts())
    return text.where(common >= MIN_LEVEL, "(rare)").to_numpy(dtype=object)


def _rank_link(one: pd.Series, other: pd.Series) -> float:
    both = one.notna() & other.notna()
    if both.sum() < MIN_LEVEL:
        return 0.0
    a, b = one[both].rank(), other[both].rank()
    return abs(float(np.corrcoef(a, b)[0, 1])) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0


def _cramer(one: pd.Series, other: pd.Series) -> float:
    table = pd.crosstab(pd.Series(_levels(one)), pd.Series(_levels(other))).to_numpy("float64")
    least = min(table.shape) - 1
    if least < 1:
        return 0.0
    total = table.sum()
    expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / total
    return float(np.sqrt(((table - expected) ** 2 / expected).sum() / total / least))
