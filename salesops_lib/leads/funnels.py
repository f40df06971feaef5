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
from salesops_lib.leads.lifecycle import STAGES, days_between, end_of

HORIZON_DAYS = 90
MIN_N, MIN_EVENTS = 30, 5
MATURE_SHARE = 0.8
TRUNCATED_DAYS = 30
"""A gap this long between the first lead and the first outcome says that outcomes were not recorded yet."""
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
        ``maturity``.
        Steps whose stamp the data lacks are left out. A lead that reached a later step reached the ones
        before.
    """
    known = leads[leads["created_at"].notna()]
    old = days_between(known["created_at"], pd.Series(end_of(as_of), index=known.index)) >= horizon_days
    ripe, left = known[old], int((~old).sum())
    steps = {s: c for s, c in STAGES.items() if c in leads and leads[c].notna().any()}
    within = {
        s: (days_between(ripe["created_at"], ripe[c]) <= horizon_days).to_numpy() for s, c in steps.items()
    }
    names = list(steps)
    for earlier, later in zip(names[-2::-1], names[::-1], strict=False):
        within[earlier] = within[earlier] | within[later]
    rows, before = [], len(ripe)
    maturity = _maturity(len(ripe), None, left)[0]
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
    known = leads[leads["created_at"].notna()]
    truncated = created_before_record(known, event_at)
    old = days_between(known["created_at"], pd.Series(end_of(as_of), index=known.index)) >= horizon_days
    if event_at in known:
        hit = (days_between(known["created_at"], known[event_at]) <= horizon_days).to_numpy()
    else:
        hit = np.zeros(len(known), dtype=bool)
    name = by or "group"
    group = known[by].map(lambda v: "(none)" if v is None or pd.isna(v) else str(v)) if by else "all"
    frame = pd.DataFrame(
        {name: group, "old": old & ~truncated, "hit": hit, "early": truncated}, index=known.index
    )
    rows = []
    for value, part in frame.groupby(name, sort=True):
        ripe = part[part["old"]]
        n, events = len(ripe), int(ripe["hit"].sum())
        left = int((~part["old"] & ~part["early"]).sum())
        maturity, why = _maturity(n, events, left, int(part["early"].sum()))
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
        ``share``, ``mature`` (every lead of the cohort has reached the age). An age no lead has reached is
        left out; an immature share is a lower bound.
    """
    known = leads[leads["created_at"].notna()]
    month = known["created_at"].dt.strftime("%Y-%m")
    age = days_between(known["created_at"], pd.Series(end_of(as_of), index=known.index))
    waited = (
        days_between(known["created_at"], known[event_at])
        if event_at in known
        else pd.Series(np.nan, known.index)
    )
    rows = []
    for cohort, index in known.groupby(month).groups.items():
        mine, hits = age.loc[index], waited.loc[index]
        for days in ages:
            if mine.max() >= days:
                done = int((hits <= days).sum())
                rows.append((cohort, days, len(mine), done, done / len(mine), bool(mine.min() >= days)))
    return pd.DataFrame(rows, columns=["cohort", "age_days", "leads", "converted", "share", "mature"])


def created_before_record(leads: pd.DataFrame, event_at: str) -> pd.Series:
    """Leads created before any outcome was recorded: their early outcomes are not in the extract."""
    stamps = [leads[c] for c in (event_at, "disqualified_at", "lost_at") if c in leads]
    firsts = [s.min() for s in stamps if s.notna().any()]
    created = leads["created_at"]
    if not firsts or min(firsts) - created.min() <= pd.Timedelta(days=TRUNCATED_DAYS):
        return pd.Series(False, index=leads.index)
    return created < min(firsts)


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
