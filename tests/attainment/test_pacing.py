"""Pacing on planted worlds: ranges cover as promised, the past alone is used, holes are not paced from."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from salesops_lib.attainment.crediting.table import attainment
from salesops_lib.attainment.outlook import pacing
from salesops_lib.core import periods

CALENDAR = periods.monthly(2, range(2022, 2028))
REPS = [(f"R{i}", f"T{i % 3}", "AMER" if i % 3 else "EMEA") for i in range(9)]
AS_OF = date(2025, 12, 12)  # FY26-Q4, about half of its business days gone


def world(seed, quarters=11):
    """Quarters that close late (a planted hockey stick), lumpy deals, a known finish; returns all of it."""
    drawn = np.random.default_rng(seed)
    named = [str(p) for p in CALENDAR.periods("quarter", date(2022, 8, 1), date(2026, 2, 1))][-quarters:]
    deals, quotas = [], []
    deal = ("opportunity_id", "owner_id", "close_date", "amount_base")
    for name in named:
        start, end = CALENDAR.bounds(name)
        for rep, _, _ in REPS:
            when = np.floor(drawn.beta(1.6, 1.0, 12) * (end - start).days).astype(int)
            amounts = np.round(drawn.lognormal(9, 0.8, 12), 2)
            deals += [
                dict(
                    zip(deal, (f"{name}{rep}{i}", rep, start + timedelta(days=int(day)), amount), strict=True)
                )
                for i, (day, amount) in enumerate(zip(when, amounts, strict=True))
            ]
            quotas.append({"holder_id": rep, "level": "rep", "period": name, "quota_base": 130_000})
    reps = [{"rep_id": r, "start_date": date(2022, 1, 1), "team": t, "region": g} for r, t, g in REPS]
    return {"opportunities": deals, "quotas": quotas, "reps": reps}


def projected(make_records, tables, as_of=AS_OF, level=0.8):
    known = [d for d in tables["opportunities"] if d["close_date"] <= as_of]
    result = attainment(make_records(**{**tables, "opportunities": known}), CALENDAR, as_of)
    pace = pacing.pace(result, CALENDAR, CALENDAR.period_of(as_of))
    tested = pacing.backtest(pace, level)
    return pace, tested, pacing.project(pace, tested, level)


def finals(tables, period="FY26-Q4"):
    start, end = CALENDAR.bounds(period)
    inside = [d for d in tables["opportunities"] if start <= d["close_date"] < end]
    rows = pd.DataFrame(inside).merge(
        pd.DataFrame(REPS, columns=["owner_id", "team", "region"]), on="owner_id"
    )
    sums = {("company", "company"): rows["amount_base"].sum()}
    for level, column in (("region", "region"), ("team", "team"), ("rep", "owner_id")):
        sums |= {(level, k): v for k, v in rows.groupby(column)["amount_base"].sum().items()}
    return sums


def test_a_period_that_closes_late_is_not_projected_along_a_straight_line(make_records):
    tables = world(3)
    pace, _, rows = projected(make_records, tables)
    company = rows[rows["level"] == "company"].iloc[0]
    straight = company["to_date"] / pace.elapsed
    final = finals(tables)["company", "company"]
    assert company["expected_share"] < pace.elapsed
    assert abs(company["finish_mid"] - final) < abs(straight - final)


def test_the_back_test_of_a_period_uses_only_the_periods_before_it(make_records):
    tables = world(4)
    _, tested, _ = projected(make_records, tables)
    cut = [d for d in tables["opportunities"] if d["close_date"] < CALENDAR.bounds("FY26-Q1")[0]]
    garbled = cut + [
        {**d, "amount_base": 9e6}
        for d in tables["opportunities"]
        if d["close_date"] >= CALENDAR.bounds("FY26-Q1")[0]
    ]
    _, again, _ = projected(make_records, {**tables, "opportunities": garbled})
    early = [t[t["period"] < "FY26-Q1"].reset_index(drop=True) for t in (tested, again)]
    assert len(early[0]) > 0
    pd.testing.assert_frame_equal(*early)


def test_the_printed_coverage_counts_every_tested_projection(make_records):
    pace, tested, _ = projected(make_records, world(5))
    found = pacing.coverage(tested).set_index("level")
    assert found.loc["company", "n"] == len(pace.past) - pacing.MIN_PERIODS
    assert found.loc["rep", "n"] == 9 * (len(pace.past) - pacing.MIN_PERIODS)
    assert found["share"].between(found["low"], found["high"]).all()


def test_too_few_finished_periods_give_no_projection(make_records):
    _, tested, rows = projected(make_records, world(6, quarters=4))
    assert set(rows["method"]) == {"insufficient"}
    assert rows["finish_mid"].isna().all()
    assert pacing.coverage(tested).empty


def test_after_a_hole_in_the_data_nothing_is_projected(make_records):
    tables = world(7)
    start, end = CALENDAR.bounds("FY26-Q3")
    holed = [d for d in tables["opportunities"] if not start <= d["close_date"] < end]
    pace, _, rows = projected(make_records, {**tables, "opportunities": holed})
    assert pace.holes == ["FY26-Q3"]
    assert pace.broken
    assert set(rows["method"]) == {"insufficient"}


def test_a_first_period_that_the_data_holds_in_part_is_not_a_past_period(make_records):
    tables = world(8, quarters=14)
    late = [d for d in tables["opportunities"] if d["close_date"] >= date(2022, 10, 10)]
    pace, _, _ = projected(make_records, {**tables, "opportunities": late})
    assert pace.past[0] == "FY23-Q4"


def test_a_finished_period_is_as_booked_and_nothing_is_projected(make_records):
    tables = world(9)
    as_of = date(2025, 10, 31)
    _, _, rows = projected(make_records, tables, as_of)
    company = rows[rows["level"] == "company"].iloc[0]
    assert company["method"] == "finished"
    assert company["finish_mid"] == pytest.approx(finals(tables, "FY26-Q3")["company", "company"])
    assert company["p_quota"] in (0.0, 1.0)


def test_nothing_booked_yet_still_gets_a_range_from_what_others_added(make_records):
    tables = world(10)
    start = CALENDAR.bounds("FY26-Q4")[0]
    idle = [
        d for d in tables["opportunities"]
        if d["owner_id"] != "R0" or d["close_date"] < start
    ]  # fmt: skip
    _, _, rows = projected(make_records, {**tables, "opportunities": idle})
    row = rows[rows["holder_id"] == "R0"].iloc[0]
    assert row["to_date"] == 0
    assert row["finish_high"] > row["finish_low"] > 0
    assert 0 < row["p_quota"] < 1
