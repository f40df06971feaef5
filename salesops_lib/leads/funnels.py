"""The funnel, two ways that are never mixed: by the cohort leads were created in, and by what a period saw.

    conversion at an age   of leads that are old enough, the share that got there within that age
    a period's counts      what was stamped in it, whatever the lead's cohort: no conversion rate

A lead too young to have reached the age is left out and counted; a cohort from before outcomes were recorded
is not compared.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.stats import proportion_interval
from salesops_lib.leads.lifecycle import ENDINGS, STAGES, days_between, end_of, labels

HORIZON_DAYS = 90
MIN_N, MIN_EVENTS = 30, 5
MATURE_SHARE = 0.8
TRUNCATED_DAYS, TRUNCATED_CHANCE = 30, 0.01
"""Leads without any outcome for so many days, where later leads would be as quiet only once in a hundred
times, say that outcomes were not recorded yet."""
RATE = ["n", "events", "share", "low", "high", "immature", "maturity", "why"]


def funnel(
    leads: pd.DataFrame, as_of, *, horizon_days: float = HORIZON_DAYS, level: float = 0.9
) -> pd.DataFrame:
    """Steps reached within ``horizon_days`` of creation by the leads old enough, one row per step.

    Returns
    -------
    DataFrame
        ``step``, ``n`` (leads old enough), ``reached``, ``share`` of all with ``low``, ``high`` (Wilson),
        ``from_previous`` (of those that reached the step before), ``immature`` (leads left out),
        ``maturity`` and ``why`` in words. Leads from before outcomes were recorded are left out.
        Steps whose stamp the data lacks are left out. A lead that reached a later step reached the ones
        before.
    """
    known = _known(leads)
    early = created_before_record(known, "sql_at").to_numpy()
    old = (days_between(known["created_at"], end_of(as_of)) >= horizon_days).to_numpy()
    ripe, left = known[old & ~early], int((~old & ~early).sum())
    steps = {s: c for s, c in STAGES.items() if c in leads and leads[c].notna().any()}
    within = {
        s: (days_between(ripe["created_at"], ripe[c]) <= horizon_days).to_numpy() for s, c in steps.items()
    }
    names = list(steps)
    for earlier, later in zip(names[-2::-1], names[::-1], strict=False):
        within[earlier] = within[earlier] | within[later]
    rows, before = [], len(ripe)
    maturity, why = _maturity(len(ripe), None, left, int(early.sum()))
    for step in ("created", *names):
        reached = len(ripe) if step == "created" else int(within[step].sum())
        interval = proportion_interval(reached, len(ripe), level)
        rows.append(
            {
                "step": step,
                "n": len(ripe),
                "reached": reached,
                "share": reached / len(ripe) if len(ripe) else np.nan,
                "low": interval.low if interval else np.nan,
                "high": interval.high if interval else np.nan,
                "from_previous": reached / before if before and step != "created" else np.nan,
                "immature": left,
                "maturity": maturity,
                "why": why,
            }
        )
        before = reached
    return pd.DataFrame(rows)


def funnel_by_period(leads: pd.DataFrame, start, end) -> pd.DataFrame:
    """What was stamped in ``[start, end)``: ``step``, ``count``. These are counts, no rate can be made of
    them."""
    low, high = (pd.Timestamp(d).tz_localize("UTC") for d in (start, end))
    columns = {"created": "created_at"} | STAGES
    rows = [
        (step, int((leads[c].ge(low) & leads[c].lt(high)).sum())) for step, c in columns.items() if c in leads
    ]
    return pd.DataFrame(rows, columns=["step", "count"])


def conversion_at_age(
    leads: pd.DataFrame,
    as_of,
    *,
    event_at: str = "sql_at",
    horizon_days: float = HORIZON_DAYS,
    by: str | None = None,
    level: float = 0.9,
) -> pd.DataFrame:
    """Share converted within ``horizon_days``, of leads that have reached that age; one row per value of
    ``by``.

    Returns
    -------
    DataFrame
        ``by`` (or ``all``), ``n``, ``events``, ``share``, ``low``, ``high`` (Wilson), ``immature``,
        ``maturity``: ``mature``, ``provisional`` (under 80 % of the group is old enough), ``insufficient``
        (under 30 leads or 5 events: share is missing) or ``not comparable`` (created before outcomes were
        recorded), and ``why`` in words. Groups by n, largest first; a missing value is group ``(none)``.
    """
    known = _known(leads)
    early = created_before_record(known, event_at).to_numpy()
    old = (days_between(known["created_at"], end_of(as_of)) >= horizon_days).to_numpy()
    if event_at in known:
        hit = (days_between(known["created_at"], known[event_at]) <= horizon_days).to_numpy()
    else:
        hit = np.zeros(len(known), dtype=bool)
    name = by or "group"
    group = labels(known[by]) if by else "all"
    ripe = old & ~early
    frame = pd.DataFrame(
        {name: group, "n": ripe, "events": ripe & hit, "left": ~old & ~early, "early": early},
        index=known.index,
    )
    rows = []
    for value, n, events, left, cut in frame.groupby(name, sort=True).sum().itertuples():
        maturity, why = _maturity(n, events, left, cut)
        shown = maturity in {"mature", "provisional"}
        interval = proportion_interval(events, n, level) if shown else None
        rows.append(
            {
                name: value,
                "n": n,
                "events": events,
                "share": events / n if shown else np.nan,
                "low": interval.low if interval else np.nan,
                "high": interval.high if interval else np.nan,
                "immature": left,
                "maturity": maturity,
                "why": why,
            }
        )
    made = pd.DataFrame(rows, columns=[name, *RATE])
    return made.sort_values(["n", name], ascending=[False, True], ignore_index=True)


def cohorts(
    leads: pd.DataFrame, as_of, *, event_at: str = "sql_at", ages: tuple[int, ...] = (30, 60, 90, 120, 180)
) -> pd.DataFrame:
    """The cohort triangle: of each month's leads, the share converted by each age.

    Returns
    -------
    DataFrame
        ``cohort`` (month of creation, 2025-03), ``age_days``, ``leads``, ``converted`` (by that age, so far),
        ``share``, ``mature`` (every lead of the cohort has reached the age), ``why`` not. An age no lead has
        reached is left out; an immature share is a lower bound; a cohort with leads from before outcomes were
        recorded has no share.
    """
    known = _known(leads)
    empty = pd.DataFrame(columns=["cohort", "age_days", "leads", "converted", "share", "mature", "why"])
    if known.empty:
        return empty
    month = known["created_at"].dt.tz_convert(None).to_numpy("datetime64[M]")
    months, code = np.unique(month.astype("int64"), return_inverse=True)
    age = days_between(known["created_at"], end_of(as_of)).to_numpy()
    waited = (
        days_between(known["created_at"], known[event_at]).to_numpy()
        if event_at in known
        else np.full(len(known), np.nan)
    )
    oldest, youngest = np.full(len(months), -np.inf), np.full(len(months), np.inf)
    np.maximum.at(oldest, code, age)
    np.minimum.at(youngest, code, age)
    size = np.bincount(code, minlength=len(months))
    early = np.bincount(code, weights=created_before_record(known, event_at), minlength=len(months)) > 0
    done = {a: np.bincount(code, weights=waited <= a, minlength=len(months)).astype("int64") for a in ages}
    rows = []
    for k, cohort in enumerate(months.astype("datetime64[M]").astype(str)):
        for days in (a for a in ages if oldest[k] >= a):
            hits, ripe = int(done[days][k]), bool(youngest[k] >= days) and not early[k]
            share = np.nan if early[k] else hits / size[k]
            why = "before outcomes were recorded" if early[k] else "" if ripe else "not all are that old"
            rows.append((cohort, days, int(size[k]), hits, share, ripe, why))
    return pd.DataFrame(rows, columns=empty.columns)


def created_before_record(leads: pd.DataFrame, event_at: str) -> pd.Series:
    """Leads created before any outcome was recorded: their early outcomes are not in the extract.

    So are leads before the first outcome, if those at least 30 days before it are more than the later leads'
    pace of ending explains: (1 − share that ends within 30 days) ^ leads < 1 %. A slow start is no gap.
    """
    none = pd.Series(False, index=leads.index)
    stamps = [leads[c] for c in (event_at, *ENDINGS.values()) if c in leads and leads[c].notna().any()]
    if not stamps:
        return none
    created, first = leads["created_at"], min(s.min() for s in stamps)
    quiet = int((created < first - pd.Timedelta(days=TRUNCATED_DAYS)).sum())
    if not quiet:
        return none
    later = leads[created >= first]
    ended = np.zeros(len(later), dtype=bool)
    for stamp in stamps:
        took = days_between(later["created_at"], stamp.loc[later.index]).to_numpy()
        ended |= took <= TRUNCATED_DAYS
    pace = ended.mean() if len(later) else 0.0
    return created < first if (1 - pace) ** quiet < TRUNCATED_CHANCE else none


def _known(leads: pd.DataFrame) -> pd.DataFrame:
    there = leads["created_at"].notna()
    return leads if there.all() else leads[there]


def _maturity(n: int, events: int | None, immature: int, early: int = 0) -> tuple[str, str]:
    if early and not n:
        return "not comparable", f"all {early} leads were created before outcomes were recorded"
    if n < MIN_N:
        return "insufficient", f"{n} leads old enough, {MIN_N} needed"
    if events is not None and events < MIN_EVENTS:
        return "insufficient", f"{events} conversions, {MIN_EVENTS} needed"
    cut = f"; {early} from before the record are left out" if early else ""
    if n < MATURE_SHARE * (n + immature):
        return "provisional", f"{immature} of {n + immature} leads are too young{cut}"
    return "mature", cut.lstrip("; ")
