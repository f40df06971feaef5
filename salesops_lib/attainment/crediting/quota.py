"""Quotas as they count: latest version known, ramped, and prorated by the days a spell was held."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.attainment.crediting.records import exceptions
from salesops_lib.core.errors import PeriodError, TableError
from salesops_lib.core.money import allocate_cents, to_cents
from salesops_lib.core.periods import FiscalCalendar, Kind, Period

LEVELS = ("rep", "team", "region", "company")
_KEY = ["level", "holder_id", "period", "measure"]
_DAY = np.timedelta64(1, "D")


def choose_measure(quotas: pd.DataFrame, asked: str = "") -> str:
    """The measure to report: the one asked for, else ``bookings``, else the one with most quotas.

    Raises TableError where no quota stands or none has the measure asked for.
    """
    counts = quotas["measure"].value_counts()
    if counts.empty:
        raise TableError("table 'quotas' has no row; import quotas, attainment is credited over quota")
    if asked:
        if asked not in counts.index:
            raise TableError(
                f"table 'quotas' has no measure '{asked}'; it has {', '.join(sorted(counts.index))}"
            )
        return asked
    bookings = [name for name in counts.index if name.casefold() == "bookings"]
    if bookings:
        return bookings[0]
    return sorted(counts.index, key=lambda m: (-counts[m], m))[0]


def choose_period(
    quotas: pd.DataFrame, measure: str, calendar: FiscalCalendar, as_of: date, asked: str = ""
) -> Period:
    """The period asked for, else the one ``as_of`` falls in, of the kind most quotas are written for.

    Where no quota of the measure stands in that one, the last period before it that has quotas.
    Raises PeriodError where the period asked for does not parse, is outside the calendar, has not begun or
    has no quota of the measure.
    """
    if asked:
        period = Period.parse(asked)
        start, _ = calendar.bounds(period)
        if start > as_of:
            raise PeriodError(f"period '{asked}' begins on {start}, after {as_of}; ask for a begun period")
        _refuse_without_quotas(quotas.loc[quotas["measure"] == measure, "period"], period, measure)
        return period
    periods = quotas.loc[quotas["measure"] == measure, "period"].dropna().map(Period.parse)
    kinds = periods.map(lambda p: p.kind).value_counts()
    kind: Kind = kinds.index[0] if len(kinds) else "quarter"
    now = calendar.period_of(as_of, kind)
    begun = sorted(p for p in set(periods) if p.kind == kind and p <= now)
    return begun[-1] if begun else now


def _refuse_without_quotas(named: pd.Series, period: Period, measure: str) -> None:
    """Name the periods that have quotas where the one asked for has none."""
    if str(period) in set(named):
        return
    parsed = {Period.parse(p) for p in named.dropna()}
    same = sorted(p for p in parsed if p.kind == period.kind)
    other = sorted({p.kind for p in parsed})
    has = f"{same[0]} to {same[-1]} have" if same else f"only periods of kind {', '.join(other)} have"
    raise PeriodError(f"period '{period}' has no {measure} quota; {has} quotas, ask for one of those")


def latest_quotas(quotas: pd.DataFrame, measure: str, kind: Kind) -> pd.DataFrame:
    """The last recorded version of each quota of one measure and kind of period.

    Returns
    -------
    DataFrame
        ``level``, ``holder_id``, ``period``, ``parent_id``, ``assigned_cents`` (``Int64``: missing where
        blank, 0 where zero), ``ramp_share`` (missing counts as 1), sorted.

    Raises
    ------
    TableError
        If a quota is negative or has two versions of one moment, or a ramp share lies outside 0 to 1.
    """
    rows = quotas[quotas["measure"] == measure]
    rows = rows[rows["period"].map(lambda p: Period.parse(p).kind == kind).astype(bool)]
    _refuse(rows, _contradicted(rows), "two versions of this quota stand at one recorded_at; keep one")
    rows = rows.sort_values("recorded_at", kind="stable").drop_duplicates(_KEY, keep="last")
    rows = rows.sort_values(_KEY).reset_index(drop=True)
    result = rows[["level", "holder_id", "period"]].copy()
    result["parent_id"] = rows.get("parent_id")
    result["assigned_cents"] = to_cents(rows["quota_base"])
    ramp = rows["ramp_share"] if "ramp_share" in rows else pd.Series(np.nan, index=rows.index)
    result["ramp_share"] = pd.to_numeric(ramp).astype("float64")
    _refuse(result, result["assigned_cents"].fillna(0) < 0, "quota_base is negative; a quota is 0 or more")
    outside = (result["ramp_share"] < 0) | (result["ramp_share"] > 1)
    _refuse(result, outside, "ramp_share lies outside 0 to 1; 0.5 means half a quota")
    return result


def _contradicted(rows: pd.DataFrame) -> pd.Series:
    """Versions of one quota, recorded at one moment, that say different things."""
    said = ["quota_base", *[c for c in ("ramp_share", "parent_id") if c in rows]]
    stamp = [*_KEY, "recorded_at"]
    return rows.duplicated(stamp, keep=False) & ~rows.duplicated([*stamp, *said], keep=False)


def _refuse(rows: pd.DataFrame, bad: pd.Series, why: str) -> None:
    if bad.any():
        first = rows[bad].iloc[0]
        key = ", ".join(str(first[c]) for c in ("level", "holder_id", "period"))
        raise TableError(f"table 'quotas', row {key}: {why} ({int(bad.sum())} such rows)")


def days_held(spelled: pd.DataFrame, calendar: FiscalCalendar, periods: list[str]) -> pd.DataFrame:
    """Days of each period each rep stood in each place.

    Returns one row per ``rep_id``, ``period``, ``team``, ``region``, ``role`` with ``days``,
    ``period_days`` and ``last_day`` (the day after the last one there), for the periods asked.
    """
    if not periods:
        return pd.DataFrame(columns=_HELD).astype({"days": "int64", "period_days": "int64"})
    start, end = np.array([calendar.bounds(p) for p in periods], dtype="datetime64[ns]").T
    begun = spelled["start_date"].to_numpy()[None, :] < end[:, None]
    at, row = np.nonzero(begun & (spelled["end_date"].to_numpy()[None, :] > start[:, None]))
    inside = spelled.iloc[row].reset_index(drop=True)
    first = np.maximum(inside["start_date"].to_numpy(), start[at])
    last = np.minimum(inside["end_date"].to_numpy(), end[at])
    held = inside[["rep_id", "name", "team", "region", "role"]].assign(
        period=np.array(periods, dtype="object")[at],
        days=(last - first) // _DAY,
        period_days=(end - start)[at] // _DAY,
        last_day=last,
    )
    key = ["rep_id", "period", "team", "region"]
    held = held.sort_values(["rep_id", "last_day"])
    return held.groupby(key, dropna=False, as_index=False).agg(
        days=("days", "sum"),
        period_days=("period_days", "first"),
        last_day=("last_day", "max"),
        role=("role", "last"),
        name=("name", "last"),
    )


_HELD = ["rep_id", "period", "team", "region", "days", "period_days", "last_day", "role", "name"]


def rep_quotas(quotas: pd.DataFrame, held: pd.DataFrame, spelled: pd.DataFrame) -> pd.DataFrame:
    """Each rep's quota as it counts: assigned × ramp × share of the period's days held.

    Adds to the rows of level rep ``quota_cents`` and ``days_held_share`` (missing where the company knows
    no spell of this rep: then the whole period counts).
    """
    rows = quotas[quotas["level"] == "rep"].rename(columns={"holder_id": "rep_id"}).drop(columns="level")
    days = held.groupby(["rep_id", "period"], as_index=False).agg(
        days=("days", "sum"), period_days=("period_days", "first")
    )
    rows = rows.merge(days, on=["rep_id", "period"], how="left")
    known = rows["rep_id"].isin(spelled["rep_id"])
    share = (rows["days"].fillna(0) / rows["period_days"]).fillna(0.0)
    rows["days_held_share"] = share.where(known)
    rows["quota_cents"] = [
        _counted(cents, ramp, days, period_days if known_rep else None)
        for cents, ramp, days, period_days, known_rep in zip(
            rows["assigned_cents"], rows["ramp_share"], rows["days"], rows["period_days"], known, strict=True
        )
    ]
    rows["quota_cents"] = rows["quota_cents"].astype("Int64")
    return rows.drop(columns=["days", "period_days"])


def _counted(cents, ramp: float, days: float, period_days: float | None):
    """Assigned × ramp × days ÷ period days in whole cents, half away from zero; exact integers."""
    if pd.isna(cents):
        return pd.NA
    top = int(cents) * (1_000_000 if pd.isna(ramp) else round(ramp * 1_000_000))
    bottom = 1_000_000
    if period_days is not None:
        if pd.isna(days):
            return 0
        top, bottom = top * int(days), bottom * int(period_days)
    return (2 * top + bottom) // (2 * bottom)


def quota_pieces(reps: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    """A rep's quota divided among the places held in the period, by days; pieces add up to it exactly.

    ``reps``: from :func:`rep_quotas`. Returns ``rep_id``, ``period``, ``team``, ``region``,
    ``quota_cents``; reps without a spell keep one piece, in no team. Blank quotas have no piece.
    """
    rows = reps.loc[reps["quota_cents"].notna(), ["rep_id", "period", "quota_cents"]]
    pieces = rows.merge(
        held[["rep_id", "period", "team", "region", "days"]], on=["rep_id", "period"], how="left"
    )
    pieces = pieces.sort_values(["rep_id", "period", "team", "region"], kind="stable").reset_index(drop=True)
    split = pieces[pieces["days"].notna()]
    if len(split):
        group = split["rep_id"].astype(str) + "\x1f" + split["period"]
        part = allocate_cents(split["quota_cents"], split["days"].astype("int64"), group)
        pieces.loc[split.index, "quota_cents"] = part.astype("Int64")
    for column in ("team", "region"):
        pieces[column] = pieces[column].astype("object").where(pieces[column].notna(), None)
    return pieces[["rep_id", "period", "team", "region", "quota_cents"]]


def goal_teams(quotas: pd.DataFrame) -> pd.DataFrame:
    """Teams as the quotas name them: a rep's quota whose ``parent_id`` holds a team quota of that period.

    For sources without role spells. Returns ``rep_id``, ``period``, ``goal_team``, ``goal_region``.
    """
    columns = ["rep_id", "period", "goal_team", "goal_region"]
    reps = quotas[(quotas["level"] == "rep") & quotas["parent_id"].notna()]
    teams = quotas[quotas["level"] == "team"]
    found = reps[["holder_id", "period", "parent_id"]].merge(
        teams[["holder_id", "period", "parent_id"]],
        left_on=["parent_id", "period"],
        right_on=["holder_id", "period"],
        suffixes=("", "_of_team"),
    )
    regions = set(quotas.loc[quotas["level"] == "region", "holder_id"])
    above = found["parent_id_of_team"]
    return pd.DataFrame(
        {
            "rep_id": found["holder_id"],
            "period": found["period"],
            "goal_team": found["holder_id_of_team"],
            "goal_region": above.where(above.isin(regions), None),
        },
        columns=columns,
    )


def quota_faults(reps: pd.DataFrame) -> list[pd.DataFrame]:
    """Rep quotas that are blank, zero or of somebody who held no spell in the period."""
    view = reps.assign(holder_id=reps["rep_id"], money_cents=reps["assigned_cents"])
    blank = view[view["assigned_cents"].isna()]
    zero = view[(view["assigned_cents"] == 0).fillna(False)]
    gone = view[(view["days_held_share"] == 0) & (view["assigned_cents"] > 0).fillna(False)]
    return [
        exceptions("quota_missing", "quotas", blank, key="rep_id", reason="quota is blank; set or remove it"),
        exceptions("quota_zero", "quotas", zero, key="rep_id", reason="quota is zero; attainment undefined"),
        exceptions(
            "quota_not_held", "quotas", gone, key="rep_id",
            reason="quota of a rep without a spell in the period; add the spell or move the quota",
        ),
    ]  # fmt: skip
