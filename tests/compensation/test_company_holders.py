"""Quotas of months and of quarters lead to the same holders."""

import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.compensation.engine.company_holders import by_quarter, company_holders
from salesops_lib.compensation.plans.checks import checked_plans


def quotas(*rows: tuple) -> pd.DataFrame:
    """(holder, period, quota, ramp share) each."""
    made = pd.DataFrame(rows, columns=["holder_id", "period", "quota_base", "ramp_share"])
    made[["quota_base", "ramp_share"]] = made[["quota_base", "ramp_share"]].astype("float64")
    return made.assign(level="rep", measure="bookings", parent_id=None, currency="USD")


def figures(frame: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    return {
        (row.holder_id, row.period): (row.quota_base, row.ramp_share)
        for row in by_quarter(frame).itertuples()
    }


def test_three_months_are_a_quarter_and_its_ramp_is_that_of_their_money():
    # 100 × 0.25 + 100 × 0.5 + 200 × 1 = 275 of 400
    found = figures(
        quotas(("A", "FY26-M04", 100, 0.25), ("A", "FY26-M05", 100, 0.5), ("A", "FY26-M06", 200, None))
    )
    assert found == {("A", "FY26-Q2"): (400.0, 0.6875)}


def test_a_quarter_that_was_entered_stands_whatever_its_months_say():
    months = [("A", f"FY26-M0{n}", 100, None) for n in (1, 2, 3)]
    found = by_quarter(quotas(("A", "FY26-Q1", 250, None), *months))
    assert found[["period", "quota_base"]].values.tolist() == [["FY26-Q1", 250.0]]


def test_a_blank_quarter_does_not_hide_its_months():
    months = [("A", f"FY26-M0{n}", 100, None) for n in (1, 2, 3)]
    assert figures(quotas(("A", "FY26-Q1", None, None), *months)) == {("A", "FY26-Q1"): (300.0, 1.0)}


@pytest.mark.parametrize(
    "rows",
    [
        [("A", "FY26-M01", 100, None), ("A", "FY26-M02", 100, None)],
        [("A", "FY26-M01", 100, None), ("A", "FY26-M02", None, None), ("A", "FY26-M03", 100, None)],
        [("A", "FY26-M01", 100, None), ("A", "FY26-M02", 100, None), ("B", "FY26-M03", 100, None)],
        [("A", "FY26", 1_200, None)],
    ],
    ids=["a month missing", "a month unknown", "another holder's month", "a year"],
)
def test_what_would_be_a_guess_is_no_quota(rows):
    assert by_quarter(quotas(*rows)).empty


def test_the_sample_with_its_quotas_cut_into_months_has_the_same_holders(sample):
    snapshot = inputs.open_snapshot(data=str(sample), as_of="2025-12-12")
    tables = {name: snapshot.frame(name) for name in ("reps", "plan_assignments", "quotas")}
    plans = checked_plans([(p.name, p.read_text()) for p in sorted((sample / "plans").glob("*.yaml"))])
    whole = tables["quotas"]
    assert whole["period"].str.contains("-Q").all()
    parts = []
    for number in range(3):
        month = [f"{p[:5]}M{3 * (int(p[-1]) - 1) + number + 1:02d}" for p in whole["period"]]
        third = (whole["quota_base"] / 3).round(2)
        cents = third if number < 2 else (whole["quota_base"] - 2 * third).round(2)
        parts.append(whole.assign(period=month, quota_base=cents))
    cut = tables | {"quotas": pd.concat(parts, ignore_index=True)}
    expected = company_holders(tables, plans, snapshot.company.calendar)
    assert expected["quota"].notna().sum() > 100
    pd.testing.assert_frame_equal(company_holders(cut, plans, snapshot.company.calendar), expected)
