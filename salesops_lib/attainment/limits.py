"""What this company's data cannot tell about attainment, in sentences."""

from __future__ import annotations

import pandas as pd

from salesops_lib.attainment.crediting.records import Records
from salesops_lib.attainment.crediting.table import Attainment
from salesops_lib.attainment.outlook.pacing import Pace

_STAND_IN = {
    "sum_of_members": "the sum of the members' prorated quotas",
    "sum_of_teams": "the sum of its teams'",
}


def limits(records: Records, result: Attainment, pace: Pace, *, asked: str = "") -> list[str]:
    """Sentences for the report: tables that are missing, goals that are sums, holes, short pasts.

    ``asked``: the period the reader asked for; empty where the report chose it.
    """
    now = result.table[result.table["period"] == pace.period]
    said = [*uncounted(records, result), *_missing_tables(records), *_summed(now), *_pace(pace)]
    if not asked and pace.finished:
        said.append(f"{pace.period} is the last period with quotas; the one of {result.as_of} has none.")
    others = sorted(set(records.quotas["measure"].dropna()) - {result.measure})
    if others:
        said.append(f"Only '{result.measure}' is reported; quotas also stand for {', '.join(others)}.")
    said += _rates(records, result)
    if result.lines["overlay"].any():
        said.append("A rep's own figure includes overlay credit; team, region and company figures never do.")
    said.append("Credit is dated by close date, and a rep's team is the one of the spell on that day.")
    return said


def uncounted(records: Records, result: Attainment) -> list[str]:
    """A sentence on won deals without a value in the reporting currency; their money is in no total."""
    faults = result.exceptions
    ids = faults.loc[faults["fault"] == "no_amount", "row_key"]
    if ids.empty:
        return []
    deals = records.opportunities
    short = deals[deals["opportunity_id"].astype(str).isin(set(ids))]
    worth = ""
    if {"currency", "amount"} <= set(short):
        own = short.groupby("currency")["amount"].sum(min_count=1).dropna()
        worth = ", ".join(f"{amount:,.0f} {name}" for name, amount in own.items())
    many = f"{len(ids):,} won deal{'s' if len(ids) > 1 else ''} of all periods"
    return [
        f"{many} without an amount in {records.currency or 'the reporting currency'}"
        f"{f' ({worth})' if worth else ''}: in no total, so bookings here are too low. "
        f"Add the amount, or the exchange rate, and import again."
    ]


def _rates(records: Records, result: Attainment) -> list[str]:
    """How bookings in other currencies count."""
    booked = result.booked
    foreign = booked[booked["currency"].notna() & (booked["currency"] != records.currency)]
    if foreign.empty or not records.currency:
        return []
    names = ", ".join(sorted(foreign["currency"].unique()))
    if records.plan_rates is None or records.plan_rates.empty:
        return [
            f"No plan rates (policy/plan_rates.yaml): bookings in {names} count at the rate of their close "
            f"date, so attainment moves with exchange rates."
        ]
    return [
        f"Bookings in {names} count at the plan's rate of their period, as quotas do: exchange rates move no "
        f"attainment. The table plan_rate_bridge leads to the day's rates."
    ]


def _missing_tables(records: Records) -> list[str]:
    said = []
    if records.credits is None or records.credits.empty:
        said.append("No credits table: a deal counts whole for its owner; splits and overlays are unknown.")
    if records.reps is None or records.reps.empty:
        said.append(
            "No role spells (table reps): quotas count for the whole period and nobody's move is known; "
            "teams are those the quotas name as parent, if any."
        )
    elif records.reps["team"].isna().all():
        said.append("The role spells name no team: teams are those the quotas name as parent, if any.")
    return said


def _summed(now: pd.DataFrame) -> list[str]:
    said = []
    period = now["period"].iloc[0] if len(now) else ""
    for source, words in _STAND_IN.items():
        rows = now[now["quota_source"] == source]
        counts = rows["level"].value_counts()
        names = [f"{n} {level}{'s' if n > 1 else ''}" for level, n in counts.items() if level != "company"]
        names = (["the company"] if "company" in counts else []) + names
        if names:
            said.append(f"Without a goal of their own in {period}: {', '.join(names)}; {words} stands in.")
    return said


def _pace(pace: Pace) -> list[str]:
    said = []
    if pace.holes:
        said.append(
            f"Hardly a booking in {', '.join(pace.holes)}: taken as holes in the data, not as results."
        )
    if pace.broken and not pace.finished:
        said.append(
            f"No finish is projected: the period before {pace.period} is such a hole. Check the import."
        )
    elif len(pace.past) < 4 and not pace.finished:
        said.append(
            f"No finish is projected: {len(pace.past)} finished periods in the data, four are needed."
        )
    return said
