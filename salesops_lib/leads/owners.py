"""Who has the leads: how evenly they are given out, which have nobody, which were passed on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.families import step_up
from salesops_lib.leads.lifecycle import labels

COUNTED = ("reassignments", "owner_changes", "reassigned_count", "number_of_owner_changes")
"""Columns of leads in which a CRM may count the owners after the first."""


def reassignments(leads: pd.DataFrame, owners: pd.DataFrame | None) -> pd.Series:
    """How often each lead passed to another owner; all missing where the data cannot tell.

    Parameters
    ----------
    leads
        ``lead_id``; a column of :data:`COUNTED` where the CRM counts.
    owners
        The table ``lead_owners``: ``lead_id``, ``assigned_at``, ``owner_id``, one row per turn; or None. It
        goes before a count. A lead without a row there and without an owner was never given, and so never
        passed on; one that has an owner all the same is missing: its turns are not recorded.

    Returns
    -------
    Series
        Float, index as in ``leads``. A turn that goes to the same owner again is no reassignment.
    """
    if owners is not None and len(owners):
        turns = owners.dropna(subset=["owner_id"]).sort_values(["lead_id", "assigned_at"], kind="stable")
        same = turns["lead_id"].eq(turns["lead_id"].shift())
        passed = (same & turns["owner_id"].ne(turns["owner_id"].shift())).groupby(turns["lead_id"]).sum()
        known = leads["lead_id"].map(passed).astype("float64")
        if "owner_id" not in leads:
            return known
        return known.mask(known.isna() & leads["owner_id"].isna(), 0.0)
    for name in COUNTED:
        if name in leads and leads[name].notna().any():
            return pd.to_numeric(leads[name], errors="coerce").astype("float64")
    return pd.Series(np.nan, index=leads.index)


def routing_balance(leads: pd.DataFrame, passed: pd.Series | None = None) -> pd.DataFrame:
    """How evenly each region's leads were given to the owners who took any, one row per owner and region.

    ``passed``: of :func:`reassignments`, same index; None or missing where nobody knows.

    Returns ``region``, ``owner_id``, ``leads``, ``share``, ``fair_share`` (equal), ``q`` of the region's
    chi-square test against equal shares (Benjamini–Hochberg over regions), ``unassigned`` of the region,
    ``reassigned`` (of the owner's leads those that had another one before; missing where unknown).
    Owners work different days: an uneven share is a question, not a fault.
    """
    from scipy.special import chdtrc

    region = labels(leads["region"]) if "region" in leads else pd.Series("(none)", index=leads.index)
    passed = pd.Series(np.nan, index=leads.index) if passed is None else passed
    again = passed.gt(0).astype("float64").where(passed.notna())
    rows, chances = [], {}
    for name, part in leads.groupby(region):
        counts = part["owner_id"].value_counts()
        if counts.empty:
            continue
        expected = counts.sum() / len(counts)
        off = ((counts - expected) ** 2 / expected).sum()
        chances[name] = float(chdtrc(len(counts) - 1, off)) if len(counts) > 1 else 1.0
        had = again.loc[part.index].groupby(part["owner_id"]).sum(min_count=1)
        rows += [
            {
                "region": name,
                "owner_id": owner,
                "leads": int(c),
                "share": c / counts.sum(),
                "fair_share": 1 / len(counts),
                "unassigned": int(part["owner_id"].isna().sum()),
                "reassigned": had.get(owner, np.nan),
            }
            for owner, c in counts.items()
        ]
    q = dict(zip(chances, step_up(chances.values()), strict=True))
    columns = ["region", "owner_id", "leads", "share", "fair_share", "unassigned", "reassigned"]
    made = pd.DataFrame(rows, columns=columns)
    return made.assign(q=made["region"].map(q))
