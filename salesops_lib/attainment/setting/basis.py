"""What quotas are set from, as known on a day: whole past quarters, seats, what each rep sold on duty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from salesops_lib.attainment.crediting import holders
from salesops_lib.attainment.crediting.quota import days_held
from salesops_lib.attainment.crediting.ramp import Ramp, ramped_share
from salesops_lib.attainment.crediting.records import Records
from salesops_lib.attainment.crediting.segments import rep_segments
from salesops_lib.attainment.crediting.table import Attainment, attainment
from salesops_lib.attainment.outlook.pacing import pace
from salesops_lib.core.periods import FiscalCalendar, Period

NO_TEAM, NO_REGION, NO_ROLE = "No team", "No region", "Rep"
YEAR_QUARTERS = 4  # whole finished quarters below which nothing is judged


@dataclass(frozen=True)
class Facts:
    """The tables quotas are set from, as known on one day; ``accounts``, ``territories`` may be ``None``."""

    records: Records
    accounts: pd.DataFrame | None = None
    territories: pd.DataFrame | None = None


@dataclass(frozen=True)
class Basis:
    """Facts in the form quota setting needs.

    ``result``: attainment of all begun quarters. ``whole``: finished quarters the data holds whole, in
    order; ``base``: the last four of them (empty under a year). ``holes``: quarters hardly filled.
    ``seats``: one row per rep who will hold a quota: ``rep_id``, ``name``, ``role``, ``team``, ``region``,
    ``group`` (role and segment), ``hired``. ``panel``: one row per rep and whole quarter on duty:
    ``rep_id``, ``period``, ``group``, ``booked`` (reporting currency, float), ``exposure`` (share of days
    held × ramp, above 0).
    """

    facts: Facts
    calendar: FiscalCalendar
    as_of: date
    result: Attainment
    whole: list[str]
    base: list[str]
    holes: list[str]
    seats: pd.DataFrame
    panel: pd.DataFrame

    @property
    def enough(self) -> bool:
        """Whether a year of whole quarters and a seat are there to set quotas from."""
        return bool(self.base) and not self.seats.empty


def basis(facts: Facts, calendar: FiscalCalendar, as_of: date, ramp: Ramp, *, measure: str = "") -> Basis:
    """Everything quota setting reads, from what was known on ``as_of``; direct credit only, no overlay.

    Raises TableError as :func:`table.attainment` does.
    """
    result = attainment(facts.records, calendar, as_of, measure=measure, kind="quarter")
    running = pace(result, calendar, _running(calendar, as_of))
    whole = list(running.past)
    base = whole[-YEAR_QUARTERS:] if len(whole) >= YEAR_QUARTERS else []
    spelled = holders.spells(facts.records.reps)
    seats = _seats(result, spelled, whole, _carried(facts.records.quotas, result, calendar))
    groups = _groups(facts, result, seats, spelled)
    seats = seats.assign(group=seats["rep_id"].map(groups)).reset_index(drop=True)
    panel = _panel(result, calendar, spelled, whole, ramp)
    panel = panel.assign(group=panel["rep_id"].map(groups).fillna(NO_ROLE))
    return Basis(facts, calendar, as_of, result, whole, base, list(running.holes), seats, panel)


def _running(calendar: FiscalCalendar, as_of: date) -> Period:
    """The quarter after the last finished one; the last quarter where the calendar ends."""
    day = as_of + timedelta(days=1)
    if day >= calendar.quarter_starts[-1]:
        return calendar.periods("quarter")[-1]
    return calendar.period_of(day, "quarter")


def hired(spelled: pd.DataFrame, reps: pd.DataFrame | None) -> pd.Series:
    """First day with the company per rep: hire date where known, else the first spell. Index ``rep_id``."""
    first = spelled.groupby("rep_id")["start_date"].min()
    if reps is None or "hire_date" not in reps:
        return first
    stated = pd.to_datetime(reps["hire_date"]).groupby(reps["rep_id"]).min()
    return stated.reindex(first.index).fillna(first)


def direct_lines(result: Attainment, quarters: list[str]) -> pd.DataFrame:
    """Credited lines that count in totals (no overlay, held by a rep) of some quarters."""
    lines = result.lines
    return lines[lines["rep_id"].notna() & ~lines["overlay"] & lines["period"].isin(quarters)]


def _carried(quotas: pd.DataFrame, result: Attainment, calendar: FiscalCalendar) -> set[str]:
    """Reps whose quota stands for another kind of period, such as a year, that ended in the last year."""
    since = result.as_of - timedelta(days=366)
    rows = quotas[(quotas["level"] == "rep") & (quotas["measure"] == result.measure)]
    rows = rows[pd.to_numeric(rows["quota_base"]) > 0].dropna(subset=["period"])
    recent = set()
    for name in rows["period"].unique():
        start, end = calendar.bounds(Period.parse(name))
        if Period.parse(name).kind != "quarter" and start <= result.as_of and end > since:
            recent.add(name)
    return set(rows.loc[rows["period"].isin(recent), "holder_id"])


def _seats(result: Attainment, spelled: pd.DataFrame, whole: list[str], elsewhere: set[str]) -> pd.DataFrame:
    """Reps in an open spell who carry a quota (``elsewhere``: one by year or month), or whose role does."""
    rows = result.table[(result.table["level"] == "rep") & result.table["in_totals"].astype(bool)]
    overlays = set(result.table.loc[~result.table["in_totals"].astype(bool), "holder_id"])
    recent = sorted(rows["period"].unique())[-YEAR_QUARTERS:]
    asked = rows[rows["period"].isin(recent) & (pd.to_numeric(rows["assigned_base"]) > 0)]
    carrying = set(asked["holder_id"]) | (elsewhere - overlays)
    last = rows.sort_values("period", kind="stable").drop_duplicates("holder_id", keep="last")
    last = last.set_index("holder_id")
    if spelled.empty:
        sold = set(direct_lines(result, whole[-YEAR_QUARTERS:])["rep_id"]) if whole else set()
        ids = sorted(carrying or sold)
        seats = pd.DataFrame({"rep_id": ids}).assign(name=ids, role=None, team=None, region=None)
        seats["hired"] = pd.NaT
    else:
        still = spelled[spelled["end_date"] == holders.STILL].drop_duplicates("rep_id", keep="last")
        size = still.groupby("role")["rep_id"].size()
        share = still[still["rep_id"].isin(carrying)].groupby("role")["rep_id"].size() / size
        of_role = still["role"].isin(share.index[share >= 0.5]) & ~still["rep_id"].isin(overlays)
        seats = still[still["rep_id"].isin(carrying) | of_role].sort_values("rep_id")
        seats = seats.assign(hired=seats["rep_id"].map(spelled.groupby("rep_id")["start_date"].min()))
    for column, blank in (("team", NO_TEAM), ("region", NO_REGION), ("role", NO_ROLE)):
        known = seats[column].astype("object")
        placed = seats["rep_id"].map(last[column]) if len(last) else None
        seats[column] = known.where(known.notna(), placed)
        seats[column] = seats[column].where(seats[column].notna(), blank)
    seats["name"] = seats["name"].where(seats["name"].notna(), seats["rep_id"])
    return seats[["rep_id", "name", "role", "team", "region", "hired"]].reset_index(drop=True)


def _groups(facts: Facts, result: Attainment, seats: pd.DataFrame, spelled: pd.DataFrame) -> dict[str, str]:
    """Role and the segment most of a rep's money came from; without a sale the segment of the team."""
    roles = spelled.drop_duplicates("rep_id", keep="last").set_index("rep_id")["role"]
    roles = {**roles.dropna().to_dict(), **dict(zip(seats["rep_id"], seats["role"], strict=True))}
    teams = dict(zip(seats["rep_id"], seats["team"], strict=True))
    segment = rep_segments(result.lines, facts.records.opportunities, teams)
    sold = result.lines[result.lines["rep_id"].notna() & ~result.lines["overlay"]]
    everyone = set(sold["rep_id"]) | set(roles)
    return {r: ", ".join(filter(None, [roles.get(r, NO_ROLE), segment.get(r)])) for r in everyone}


def _panel(
    result: Attainment, calendar: FiscalCalendar, spelled: pd.DataFrame, whole: list[str], ramp: Ramp
) -> pd.DataFrame:
    """Rep × whole quarter on duty, with bookings; reps who ever sold or carried a quota in them."""
    lines = direct_lines(result, whole)
    sold = lines.groupby(["rep_id", "period"], as_index=False)["cents"].sum()
    rows = result.table[(result.table["level"] == "rep") & result.table["period"].isin(whole)]
    rows = rows[rows["in_totals"].astype(bool) & (pd.to_numeric(rows["assigned_base"]) > 0)]
    quoted = rows[["holder_id", "period"]].rename(columns={"holder_id": "rep_id"})
    people = set(sold["rep_id"]) | set(quoted["rep_id"])
    if spelled.empty:
        duty = pd.concat([sold[["rep_id", "period"]], quoted]).drop_duplicates().assign(exposure=1.0)
    else:
        held = days_held(spelled[spelled["rep_id"].isin(people)], calendar, whole)
        duty = held.groupby(["rep_id", "period"], as_index=False).agg(
            days=("days", "sum"), period_days=("period_days", "first")
        )
        begun = duty["rep_id"].map(hired(spelled, None))
        share = ramped_share(begun, duty["period"].map(lambda p: calendar.bounds(p)), ramp)
        duty["exposure"] = duty["days"] / duty["period_days"] * share
    panel = duty[["rep_id", "period", "exposure"]].merge(sold, on=["rep_id", "period"], how="left")
    panel["booked"] = panel["cents"].fillna(0).astype("float64") / 100
    panel = panel[panel["exposure"] > 0.05].drop(columns="cents")
    return panel.sort_values(["rep_id", "period"]).reset_index(drop=True)
