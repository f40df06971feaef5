"""Who has the leads: how evenly they are given out, which have nobody, which were passed on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.families import step_up
from salesops_lib.core.stats import proportion_interval
from salesops_lib.leads.lifecycle import days_between, labels
from salesops_lib.leads.strata import Alike, alike

COUNTED = ("reassignments", "owner_changes", "reassigned_count", "number_of_owner_changes")
"""Columns of leads in which a CRM may count the owners after the first."""
WEEK = 7
_ENDS = ("sql_at", "won_at", "lost_at", "disqualified_at")


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
        turns = _turns(owners)
        passed = turns["passed"].groupby(turns["lead_id"]).sum()
        known = leads["lead_id"].map(passed).astype("float64")
        if "owner_id" not in leads:
            return known
        return known.mask(known.isna() & leads["owner_id"].isna(), 0.0)
    for name in COUNTED:
        if name in leads and leads[name].notna().any():
            return pd.to_numeric(leads[name], errors="coerce").astype("float64")
    return pd.Series(np.nan, index=leads.index)


def _turns(owners: pd.DataFrame) -> pd.DataFrame:
    """Turns that somebody had, in order; ``passed`` where it came from another owner."""
    turns = owners.dropna(subset=["owner_id"]).sort_values(["lead_id", "assigned_at"], kind="stable")
    same = turns["lead_id"].eq(turns["lead_id"].shift())
    return turns.assign(passed=same & turns["owner_id"].ne(turns["owner_id"].shift()))


def first_passed(leads: pd.DataFrame, owners: pd.DataFrame | None) -> pd.DataFrame:
    """When each lead was first given, and when it first went to another owner.

    Returns ``given_at`` and ``passed_at``, UTC, index as in ``leads``; missing where no turn says so.
    ``owners``: as in :func:`reassignments`.
    """
    if owners is None or owners.empty:
        never = pd.Series(pd.NaT, index=leads.index, dtype="datetime64[ns, UTC]")
        return pd.DataFrame({"given_at": never, "passed_at": never})
    turns = _turns(owners)
    given = turns.groupby("lead_id")["assigned_at"].min()
    passed = turns[turns["passed"]].groupby("lead_id")["assigned_at"].min()
    found = {"given_at": leads["lead_id"].map(given), "passed_at": leads["lead_id"].map(passed)}
    return pd.DataFrame(found).apply(pd.to_datetime, utc=True)


def passed_by_region(leads: pd.DataFrame, owners: pd.DataFrame | None, level: float = 0.9) -> pd.DataFrame:
    """How many leads passed to another owner and how soon, all together and by region.

    Returns ``region`` (first ``all``), ``leads`` (those of which it is known), ``passed``, ``share`` with
    ``low``, ``high`` (Wilson), ``median_days`` and ``p90_days`` from the first owner to the next, of leads
    that passed; missing where only a count is known. Empty where nobody says. ``owners``: as in
    :func:`reassignments`.
    """
    passed, times = reassignments(leads, owners), first_passed(leads, owners)
    waited = days_between(times["given_at"], times["passed_at"])
    known = passed.notna()
    parts = [("all", known)] if known.any() else []
    if "region" in leads and leads["region"].notna().any():
        region = labels(leads["region"])
        named = region.where(~region.str.lower().eq("all"), "region " + region)
        parts += [(name, known & (named == name)) for name in sorted(named[known].unique())]
    rows = []
    for name, mine in parts:
        count, n = int(passed[mine].gt(0).sum()), int(mine.sum())
        share, took = proportion_interval(count, n, level), waited[mine].dropna()
        spans = took.quantile([0.5, 0.9]).tolist() if len(took) else [np.nan, np.nan]
        rows.append((name, n, count, count / n, share.low, share.high, *spans))
    columns = ["region", "leads", "passed", "share", "low", "high", "median_days", "p90_days"]
    return pd.DataFrame(rows, columns=columns)


def passing_on(
    leads: pd.DataFrame, owners: pd.DataFrame | None, converted: pd.Series, *, level: float = 0.9
) -> Alike:
    """Odds of converting of leads passed on within a week of coming in, against those that were not.

    Only leads still open at the end of that week are compared: one that converted or was closed before
    could be passed on no more, which alone would make passing on look bad or good (immortal time). So are
    only leads given to somebody within the week: of others the first turns are not recorded.

    Parameters
    ----------
    leads
        ``lead_id``, ``created_at``, stamps of outcomes, columns to adjust for.
    owners
        As in :func:`reassignments`.
    converted
        Within the horizon; missing for leads too young. Same index.

    Source: the landmark method, Anderson, Cain and Gelber (1983), *J. Clin. Oncol.* 1, 710–719.
    """
    if owners is None or owners.empty:
        return Alike(why="there is no table lead_owners")
    times = first_passed(leads, owners)
    week = leads["created_at"] + pd.Timedelta(days=WEEK)
    still = pd.Series(True, index=leads.index)
    for name in _ENDS:
        if name in leads:
            still &= ~(leads[name] <= week)
    ripe = converted.notna() & still & (times["given_at"] <= week)
    mine, hit = (times["passed_at"] <= week)[ripe], converted[ripe].astype(bool)
    said = f"{int(mine.sum())} leads passed on in their first week and {int((~mine).sum())} kept"
    return alike(leads[ripe], mine, hit, said, ignore=COUNTED, level=level)


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
