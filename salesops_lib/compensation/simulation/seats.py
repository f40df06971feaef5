"""Who will be paid in the year simulated: today's holders, their pay, their quotas, who they report to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from salesops_lib.compensation.plans.plan import ANNUAL, Plan

STEPS = 4
COLUMNS = [
    "rep_id", "plan_id", "role", "region", "team", "manager_id", "hired", "target_incentive", "base_salary",
]  # fmt: skip


@dataclass(frozen=True)
class Seats:
    """``frame``: one row per seat, columns of ``COLUMNS``, money per year. ``quotas``: (measure) → quarters ×
    seats, money or count of a quarter, as the holders say it; 0 where a seat has none. ``stood_in``: what was
    not known and what stands in for it.
    """

    frame: pd.DataFrame
    quotas: dict[str, np.ndarray]
    stood_in: tuple[str, ...]


def seats_of(
    holders: pd.DataFrame, plans: dict[str, Plan], places: pd.DataFrame, calendar, as_of: date
) -> Seats:
    """Seats from the holders in a spell on a day, with the last known quota of each fiscal quarter.

    Parameters
    ----------
    holders
        As ``company_holders`` makes them: ``quota`` and ``quota_<measure>`` are of a quarter.
    plans
        Plan id → the version in force.
    places
        ``rep_id``, ``region``, ``team``: where a rep stands today.
    """
    day = as_of
    here = holders[(holders["start_date"] <= day) & ~(holders["end_date"].fillna(date.max) <= day)]
    here = here[here["plan_id"].isin(list(plans))].sort_values("rep_id", ignore_index=True)
    frame = here[["rep_id", "plan_id", "role", "manager_id"]].copy()
    frame["role"] = [_group(plans[p], p, r) for p, r in zip(frame["plan_id"], frame["role"], strict=True)]
    frame["hired"] = here["hire_date"]
    own = here["target_cash"].notna()
    for name, value in (("target_cash", "target_total_cash"), ("base_salary", "base_salary")):
        said = [float(getattr(plans[p].pay, value)) for p in here["plan_id"]]
        frame[name] = np.where(own, here[name].astype("float64"), said)
    frame["target_incentive"] = frame["target_cash"] - frame["base_salary"]
    known = places.drop_duplicates("rep_id", keep="last").set_index("rep_id")
    for name in ("region", "team"):
        frame[name] = frame["rep_id"].map(known[name])
    quotas, stood_in = _quotas(holders, frame, calendar)
    return Seats(frame[COLUMNS], quotas, stood_in)


def quotas_for(seats: Seats, plan: Plan, rows: np.ndarray, steps: dict[str, int], start: date) -> dict:
    """Measure → quota, steps × the seats in ``rows``, of a plan's measures; ramped by tenure in the year.

    A figure of the role is the plan's own; an individual one is the seat's of that measure, else its general
    one; a rolled up one is the sum over the seats that report here ÷ over-assignment, else the seat's own.
    """
    made = {}
    for name, measure in plan.measures.items():
        terms = measure.quota
        if terms is None:
            continue
        count = steps[name]
        if terms.source == "role":
            per = ANNUAL[terms.per or measure.period] / count
            quota = np.full((count, len(rows)), float(terms.value) * per)
        else:
            quota = seats.quotas.get(f"quota_{name}", np.zeros((STEPS, len(seats.frame))))[:, rows]
            general = seats.quotas["quota"][:, rows]
            quota = np.where(quota > 0, quota, general)
            if terms.source == "rollup":
                rolled = _rolled_up(seats, rows) / float(terms.over_assignment or 1)
                quota = np.where(rolled > 0, rolled, quota)
            quota = np.repeat(quota, count // STEPS, axis=0) / (count // STEPS)
        made[name] = quota * _ramp(seats.frame["hired"].to_numpy()[rows], terms.ramp, count, start)
    return made


def reports(seats: Seats, boss: str) -> np.ndarray:
    """Rows of the seats with a quota that report to someone, directly or through seats without one."""
    frame, own = seats.frame, seats.quotas["quota"].sum(axis=0) > 0
    found, waiting, seen = [], [boss], {boss}
    while waiting:
        above = waiting.pop()
        for row in np.flatnonzero((frame["manager_id"] == above).to_numpy()):
            rep = frame["rep_id"].iloc[row]
            if own[row]:
                found.append(row)
            elif rep not in seen:
                waiting.append(rep)
                seen.add(rep)
    return np.array(sorted(found), dtype="int64")


def _rolled_up(seats: Seats, rows: np.ndarray) -> np.ndarray:
    general = seats.quotas["quota"]
    sums = [general[:, reports(seats, seats.frame["rep_id"].iloc[row])].sum(axis=1) for row in rows]
    return np.stack(sums, axis=1) if sums else np.zeros((STEPS, 0))


def _ramp(hired: np.ndarray, ramp: tuple, count: int, start: date) -> np.ndarray:
    """Share of the full quota in each step, by month of tenure in the middle of each of its months."""
    made = np.ones((count, len(hired)))
    if not ramp:
        return made
    shares = np.array([*(float(r) for r in ramp), 1.0])
    months = np.arange(12)
    for seat, day in enumerate(hired):
        if pd.isna(day):
            continue
        before = (start.year - day.year) * 12 + start.month - day.month
        tenure = np.clip(before + months, 0, len(shares) - 1)
        made[:, seat] = shares[tenure].reshape(count, 12 // count).mean(axis=1)
    return made


def _group(plan: Plan, plan_id: str, role: str | None) -> str:
    return f"{plan_id} · {role}" if len(plan.roles) > 1 else plan_id


def _quotas(holders: pd.DataFrame, frame: pd.DataFrame, calendar) -> tuple[dict, tuple[str, ...]]:
    """The last known figure of each fiscal quarter; a gap takes the mean of the seat's others."""
    columns = [c for c in holders.columns if c == "quota" or str(c).startswith("quota_")]
    period = calendar.assign(pd.to_datetime(holders["start_date"]), "quarter")
    number = period.astype("object").str.extract(r"-Q(\d)$")[0]
    spells = holders.assign(quarter=number).dropna(subset=["quarter"]).sort_values("start_date")
    made, said = {}, []
    for column in columns:
        known = spells[spells[column].notna()]
        last = known.drop_duplicates(["rep_id", "quarter"], keep="last")
        wide = last.assign(figure=last[column].astype("float64")).pivot_table(
            index="rep_id", columns="quarter", values="figure", aggfunc="last"
        )
        wide = wide.reindex(index=frame["rep_id"], columns=["1", "2", "3", "4"])
        gaps = wide.isna().sum(axis=1)
        for rep, count in gaps[(gaps > 0) & (gaps < STEPS)].items():
            said.append(
                f"{rep}: quota of {count} of {STEPS} quarters unknown; the mean of the others stands in."
            )
        filled = wide.T.fillna(wide.mean(axis=1)).fillna(0.0)
        made[column] = filled.to_numpy("float64")
    return made, tuple(said)
