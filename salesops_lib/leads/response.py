"""How fast leads are answered, in minutes that a region is open, and how evenly they are given out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from salesops_lib.core.stats import proportion_interval
from salesops_lib.leads.lifecycle import days_between, end_of, labels

HAND_RAISER_PAGES = ("/demo", "/contact", "/contact-us", "/pricing", "/talk-to-sales", "/quote")
"""Pages on which somebody asks to be called; a house default."""
KINDS = ("hand raiser", "qualified", "other")
SERVICE = [
    "limit_minutes",
    "n",
    "within",
    "share",
    "low",
    "high",
    "never",
    "unowned",
    "closed_share",
    "median_minutes",
    "p90_minutes",
    "running",
    "unknown",
]
_DAY_MINUTES = 1440.0


def business_minutes(
    start: pd.Series, end: pd.Series, region: pd.Series, hours: pd.DataFrame | None
) -> pd.Series:
    """Minutes between two stamps in which the lead's region was open.

    Parameters
    ----------
    start, end
        Stamps in UTC. A negative span is missing.
    region
        The lead's region.
    hours
        ``region``, ``opens_at``, ``closes_at`` in UTC, one row per business day: daylight saving and holidays
        are in it. None: every minute of the day counts. A region without hours takes those of all regions
        together; a span that leaves the calendar is missing.
    """
    span = days_between(start, end) * _DAY_MINUTES
    if hours is None or hours.empty:
        return span.where(span >= 0)
    made = np.full(len(start), np.nan)
    known = sorted(set(hours["region"].dropna()))
    code = pd.Categorical(region, categories=known).codes
    from_, to = (s.astype("datetime64[ns, UTC]").astype("int64").to_numpy() / 6e10 for s in (start, end))
    absent = start.isna().to_numpy() | end.isna().to_numpy()
    for number in np.unique(code):
        mine = np.flatnonzero((code == number) & ~absent)
        days = hours if number < 0 else hours[hours["region"] == known[number]]
        made[mine] = _open_minutes(to[mine], days) - _open_minutes(from_[mine], days)
    return pd.Series(np.where(span.to_numpy() >= 0, made, np.nan), index=start.index)


def came_in_closed(at: pd.Series, region: pd.Series, hours: pd.DataFrame | None) -> pd.Series:
    """Whether the lead's region was closed at a stamp; missing without hours. Parameters as in
    :func:`business_minutes`."""
    if hours is None or hours.empty:
        return pd.Series(pd.NA, index=at.index, dtype="boolean")
    made = np.zeros(len(at), dtype=bool)
    known = sorted(set(hours["region"].dropna()))
    code = pd.Categorical(region, categories=known).codes
    moment = at.astype("datetime64[ns, UTC]").astype("int64").to_numpy() / 6e10
    for number in np.unique(code):
        mine = code == number
        days = (hours if number < 0 else hours[hours["region"] == known[number]]).sort_values("opens_at")
        opens, closes = (
            days[c].astype("datetime64[ns, UTC]").astype("int64").to_numpy() / 6e10
            for c in ("opens_at", "closes_at")
        )
        place = np.searchsorted(opens, moment[mine], side="right") - 1
        until = np.maximum.accumulate(closes)[np.maximum(place, 0)]
        made[mine] = (place < 0) | (moment[mine] >= until)
    return pd.Series(made, index=at.index, dtype="boolean")


def _open_minutes(moment: np.ndarray, days: pd.DataFrame) -> np.ndarray:
    """Open minutes from the calendar's start to each moment (minutes since 1970); missing outside of it."""
    spans = days[["opens_at", "closes_at"]].dropna().sort_values("opens_at")
    opens, closes = (spans[c].astype("datetime64[ns, UTC]").astype("int64").to_numpy() / 6e10 for c in spans)
    if not len(opens):
        return np.full(len(moment), np.nan)
    closes = np.maximum.accumulate(closes)  # regions together: days overlap
    opens = np.maximum(opens, np.append(-np.inf, closes[:-1]))
    before = np.append(0.0, np.cumsum(np.maximum(closes - opens, 0.0)))
    place = np.searchsorted(opens, moment, side="right") - 1
    at = np.maximum(place, 0)
    inside = np.clip(moment - opens[at], 0.0, np.maximum(closes - opens, 0.0)[at])
    total = np.where(place >= 0, before[at] + inside, 0.0)
    bounds = (moment >= opens[0] - 7 * 1440) & (moment <= closes[-1] + 7 * 1440)
    return np.where(bounds, total, np.nan)


def kind_of(leads: pd.DataFrame, pages: tuple[str, ...] = HAND_RAISER_PAGES) -> pd.Series:
    """``hand raiser`` (came in by a page that asks for a call), ``qualified`` (marketing did), else
    ``other``."""
    page = leads.get("landing_page", pd.Series(None, index=leads.index, dtype="object"))
    codes, values = pd.factorize(page, use_na_sentinel=True)
    asks = [isinstance(v, str) and v.split("?")[0].lower().rstrip("/").endswith(pages) for v in values]
    raised = np.array([*asks, False], dtype=bool)[codes]
    qualified = leads["mql_at"].notna() if "mql_at" in leads else False
    kind = np.where(raised, 0, np.where(qualified, 1, 2))
    return pd.Series(np.array(KINDS, dtype=object)[kind], index=leads.index)


def answered(leads: pd.DataFrame, as_of, hours: pd.DataFrame | None) -> pd.DataFrame:
    """Each lead with ``kind``, ``minutes`` to the first human touch, and ``waited`` so far where there is
    none; ``from_creation``, the minutes since it came in, whatever became of it; ``owned`` (minutes until it
    had an owner, where any lead says so) and ``closed`` (came in while its region was closed).

    The clock starts when the lead came in; for a qualified lead that did not raise a hand, when it was
    qualified (a touch before that counts as 0 minutes).
    """
    known = leads[leads["created_at"].notna()]
    known = known.assign(kind=kind_of(known))
    start = known["created_at"]
    if "mql_at" in known:
        start = start.where(known["kind"] != KINDS[1], known["mql_at"])
    touch = known.get("first_touch_at", pd.Series(pd.NaT, index=known.index))
    touch = pd.to_datetime(touch, utc=True)
    region = known.get("region", pd.Series(None, index=known.index, dtype="object"))
    later = touch.where(touch.isna() | (touch >= start), start)
    known["minutes"] = business_minutes(start, later, region, hours)
    known["from_creation"] = business_minutes(known["created_at"], touch, region, hours)
    open_ = touch.isna()
    last = pd.Series(end_of(as_of), index=known.index[open_])
    known["waited"] = business_minutes(start[open_], last, region[open_], hours).reindex(known.index)
    known["closed"] = came_in_closed(known["created_at"], region, hours)
    known["owned"] = np.nan
    if "assigned_at" in known and known["assigned_at"].notna().any():
        given = known["assigned_at"].mask(known["assigned_at"] < start, start)
        never = business_minutes(start, given, region, hours)
        known["owned"] = never.where(given.notna(), np.inf)
    return known


def service_levels(
    answers: pd.DataFrame, limits: dict[str, float], *, level: float = 0.9, by: str = "kind"
) -> pd.DataFrame:
    """Share answered within the limit, by kind of lead; a lead never touched is kept and missed once overdue.

    Parameters
    ----------
    answers
        Of :func:`answered`.
    limits
        kind → open minutes within which it should be touched.
    by
        ``kind``, or another column such as ``owner_id``: then each lead keeps its kind's limit.

    Returns
    -------
    DataFrame
        ``by``, ``limit_minutes`` (of a kind), ``n`` (judged), ``within``, ``share``, ``low``, ``high``
        (Wilson), ``never`` (judged and never touched), ``unowned`` (late and without an owner within the
        limit; missing where no lead says when it was given), ``closed_share`` (came in while the region was
        closed), ``median_minutes``, ``p90_minutes`` (of the touched), ``running`` (leads still inside their
        limit, not judged), ``unknown`` (no time can be told).
    """
    limit = answers["kind"].map(limits)
    minutes, waited = answers["minutes"], answers["waited"]
    late = minutes.isna() & waited.gt(limit)
    running = minutes.isna() & waited.le(limit)
    unknown = minutes.isna() & waited.isna()
    frame = pd.DataFrame(
        {
            by: labels(answers[by]),
            "limit": limit,
            "within": minutes.le(limit),
            "judged": minutes.notna() | late,
            "never": late,
            "running": running,
            "unknown": unknown,
            "minutes": minutes,
            "closed": answers.get("closed", pd.NA),
            "owned": answers.get("owned", np.nan),
        }
    )
    frame["unowned"] = frame["judged"] & ~frame["within"] & (frame["owned"] > frame["limit"])
    told = frame["owned"].notna().any()
    rows = []
    for name, part in frame.groupby(by, sort=True):
        n, within = int(part["judged"].sum()), int(part["within"].sum())
        interval = proportion_interval(within, n, level)
        took = part["minutes"].dropna()
        rows.append(
            {
                by: name,
                "limit_minutes": part["limit"].iloc[0] if by == "kind" else np.nan,
                "n": n,
                "within": within,
                "share": within / n if n else np.nan,
                "low": interval.low if interval else np.nan,
                "high": interval.high if interval else np.nan,
                "never": int(part["never"].sum()),
                "unowned": int(part["unowned"].sum()) if told else np.nan,
                "closed_share": part["closed"].astype("boolean").astype("float64").mean(),
                "median_minutes": took.median() if len(took) else np.nan,
                "p90_minutes": took.quantile(0.9) if len(took) else np.nan,
                "running": int(part["running"].sum()),
                "unknown": int(part["unknown"].sum()),
            }
        )
    columns = [by, *SERVICE]
    return pd.DataFrame(rows, columns=columns)
