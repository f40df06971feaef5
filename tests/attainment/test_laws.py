"""Laws that hold for any company: sums are kept, order and scale do not matter, the future does not leak."""

from datetime import date
from itertools import pairwise

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops_lib.attainment.crediting.table import attainment
from salesops_lib.core import periods

AS_OF = date(2025, 10, 31)
CALENDAR = periods.monthly(2, range(2025, 2027))
REPS = ["R1", "R2", "R3", "R4"]
days = st.dates(date(2025, 2, 1), AS_OF)
amounts = st.integers(-50_000, 500_000).map(lambda cents: cents / 100)
kinds = st.sets(st.tuples(st.sampled_from(["direct", "overlay"]), st.sampled_from(REPS)), max_size=3)
places = st.sampled_from([("North", "AMER"), ("South", "AMER"), ("East", "EMEA"), (None, None)])
shares = st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 0.75, 1.0])


@st.composite
def companies(draw):
    """A few reps who move between teams, quotas of any kind, deals split in any way."""
    spells = []
    for rep in REPS:
        cuts = sorted(draw(st.sets(days, max_size=2)))
        edges = [date(2025, 1, 1), *cuts, None]
        for start, end in pairwise(edges):
            team, region = draw(places)
            if start != end:
                spells.append(
                    {"rep_id": rep, "start_date": start, "end_date": end, "team": team, "region": region}
                )
    quotas = [
        {
            "holder_id": rep,
            "level": "rep",
            "period": f"FY26-Q{q}",
            "quota_base": draw(st.none() | st.integers(0, 90_000)),
            "ramp_share": draw(st.none() | st.sampled_from([0.25, 0.5, 1.0])),
        }
        for rep in REPS
        for q in (1, 2, 3)
        if draw(st.booleans())
    ] or [{"holder_id": "R1", "level": "rep", "period": "FY26-Q1", "quota_base": 1}]
    deals = [
        {
            "opportunity_id": f"O{i}",
            "owner_id": draw(st.none() | st.sampled_from(REPS)),
            "close_date": draw(days),
            "amount_base": draw(amounts),
        }
        for i in range(draw(st.integers(1, 8)))
    ]
    credits = [
        {"opportunity_id": d["opportunity_id"], "rep_id": rep, "credit_type": kind, "share": draw(shares)}
        for d in deals
        for kind, rep in draw(kinds)
    ]
    return {"reps": spells, "quotas": quotas, "opportunities": deals, "credits": credits}


def cents(values):
    return sum(int(v.scaleb(2)) for v in values if v is not None)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(companies())
def test_bookings_are_neither_lost_nor_counted_twice(make_records, tables):
    result = attainment(make_records(**tables), CALENDAR, AS_OF)
    booked = cents(pd.Series(attainment_amounts(tables)))
    company = result.table[result.table["level"] == "company"]
    assert cents(company["credited_base"]) + cents(company["unassigned_base"]) == booked


def attainment_amounts(tables):
    from salesops_lib.core.money import to_cents, to_decimal

    return [to_decimal(c) for c in to_cents(pd.Series([d["amount_base"] for d in tables["opportunities"]]))]


@settings(max_examples=10, deadline=None, derandomize=True)
@given(companies())
def test_children_add_up_to_their_parent_in_every_period(make_records, tables):
    result = attainment(make_records(**tables), CALENDAR, AS_OF)
    for period, rows in result.table.groupby("period"):
        pieces = result.by_spell[result.by_spell["period"] == period]
        reps, company = rows[rows["level"] == "rep"], rows[rows["level"] == "company"]
        assert cents(reps["credited_base"]) - cents(reps["overlay_base"]) == cents(company["credited_base"])
        for level in ("team", "region"):
            named = pieces[pieces[level].notna()]
            above = rows[rows["level"] == level]
            assert cents(named["credited_base"]) == cents(above["credited_base"])
            counted = named[named["in_totals"]]
            assert cents(counted["quota_base"]) == cents(above["members_base"].dropna())


@settings(max_examples=6, deadline=None, derandomize=True)
@given(companies(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(make_records, tables, shuffle):
    mixed = {name: shuffle.sample(rows, len(rows)) for name, rows in tables.items()}
    first = attainment(make_records(**tables), CALENDAR, AS_OF)
    second = attainment(make_records(**mixed), CALENDAR, AS_OF)
    pd.testing.assert_frame_equal(first.table, second.table)
    pd.testing.assert_frame_equal(first.by_spell, second.by_spell)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(companies())
def test_doubling_sales_and_quotas_changes_no_attainment_by_more_than_rounding(make_records, tables):
    doubled = {
        **tables,
        "quotas": [{**q, "quota_base": q["quota_base"] and 2 * q["quota_base"]} for q in tables["quotas"]],
        "opportunities": [{**d, "amount_base": 2 * d["amount_base"]} for d in tables["opportunities"]],
    }
    once, twice = (attainment(make_records(**t), CALENDAR, AS_OF).table for t in (tables, doubled))
    assert once["attainment"].isna().equals(twice["attainment"].isna())
    quota = pd.to_numeric(once["quota_base"]).astype("float64")
    off = (once["attainment"] - twice["attainment"]).abs() * quota
    assert not (off > 0.02 + 0.01 * once["attainment"].abs()).any()  # a cent of credit, a cent of quota


@settings(max_examples=6, deadline=None, derandomize=True)
@given(companies(), st.dates(date(2025, 8, 1), AS_OF))
def test_a_later_move_leaves_finished_periods_as_they_were(make_records, tables, day):
    result = attainment(make_records(**tables), CALENDAR, AS_OF).table
    moved = [dict(s) for s in tables["reps"]]
    for spell in moved:
        if spell["end_date"] is None and spell["start_date"] < day:
            spell["end_date"] = day
            moved = [*moved, {"rep_id": spell["rep_id"], "start_date": day, "team": "New", "region": "LATAM"}]
    again = attainment(make_records(**{**tables, "reps": moved}), CALENDAR, AS_OF).table
    before = [
        t[t["period"] < "FY26-Q3"].drop(columns=["finished"]).reset_index(drop=True) for t in (result, again)
    ]
    pd.testing.assert_frame_equal(*before)
