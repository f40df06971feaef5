"""Credit for a quota of another measure than bookings: the values that ``measure_events`` holds of it."""

from __future__ import annotations

from datetime import date

import pandas as pd

from salesops_lib.attainment.crediting.credit import LINE, Credited
from salesops_lib.attainment.crediting.records import Records, exceptions, gathered
from salesops_lib.core.errors import TableError
from salesops_lib.core.money import to_cents
from salesops_lib.core.periods import FiscalCalendar, Kind

BOOKINGS = "bookings"
DEALS, EVENTS = "deals", "events"


def credit_source(records: Records, measure: str) -> str:
    """What fills quotas of a measure: ``deals`` for bookings, ``events`` where ``measure_events`` has it.

    Raises TableError where neither does: credited over quota would compare two different things.
    """
    if measure.casefold() == BOOKINGS:
        return DEALS
    known = set() if records.events is None else set(records.events["measure"].dropna())
    if measure in known:
        return EVENTS
    has = f"it has {', '.join(sorted(known))}" if known else "it has none"
    raise TableError(
        f"table 'quotas', measure '{measure}': nothing says what counts towards it. Deals count towards "
        f"'{BOOKINGS}': name it so where they do, or enter its values in table 'measure_events' ({has})"
    )


def event_credit(
    records: Records, measure: str, calendar: FiscalCalendar, as_of: date, kind: Kind
) -> Credited:
    """Events of a measure as credited lines, whole for their holder, dated in the company's zone.

    A period's credit is the sum of its events' values, to two decimals. Events without value, date or
    holder, or outside the calendar, are exceptions; one after ``as_of`` has not happened.
    """
    rows = records.events[records.events["measure"] == measure].reset_index(drop=True)
    at = pd.to_datetime(rows["at"], utc=True).dt.tz_convert(records.time_zone)
    days = at.dt.tz_localize(None).dt.normalize().astype("datetime64[ns]")
    made = pd.DataFrame(
        {
            "opportunity_id": rows["event_id"].astype("object"),
            "rep_id": rows["holder_id"].astype("object").where(rows["holder_id"].notna(), None),
            "credit_type": "event",
            "overlay": False,
            "close_date": days,
            "period": calendar.assign(days, kind),
            "cents": to_cents(rows["value"]),
        }
    )
    made = made[~(days > pd.Timestamp(as_of))]
    bad = {
        "event_without_value": made["cents"].isna(),
        "event_without_date": made["close_date"].isna() & made["cents"].notna(),
        "outside_calendar": made["period"].isna() & made["close_date"].notna() & made["cents"].notna(),
        "event_without_holder": made["rep_id"].isna() & made["period"].notna() & made["cents"].notna(),
    }
    view = made.rename(columns={"rep_id": "holder_id", "cents": "money_cents"})
    reason = f"an event of {measure} that cannot be credited; complete it in measure_events"
    faults = [
        exceptions(fault, "measure_events", view[found], key="opportunity_id", reason=reason)
        for fault, found in bad.items()
    ]
    lines = made[made["period"].notna() & made["cents"].notna()]
    lines = lines.sort_values(["close_date", "opportunity_id"], kind="stable").reset_index(drop=True)
    deals = lines.rename(columns={"rep_id": "owner_id", "cents": "deal_cents"})
    deals = deals.assign(day_cents=deals["deal_cents"], currency=None, rated=None)
    return Credited(lines[LINE], gathered(faults), deals.drop(columns=["credit_type", "overlay"]))
