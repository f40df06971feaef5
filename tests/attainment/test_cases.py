"""Real exports, through the import: no order lost or counted twice, goals as the system knows them."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.attainment.crediting.records import Records
from salesops_lib.attainment.crediting.table import attainment
from salesops_lib.core.money import to_cents, to_decimal
from salesops_lib.inputs import importing

pytestmark = pytest.mark.case
EXAMPLES = Path(importing.__file__).parents[1] / "sources" / "examples"


def measured(folder):
    snapshot = inputs.open_snapshot(data=str(folder))
    optional = {n: snapshot.frame(n) for n in ("reps", "credits") if snapshot.has(n)}
    records = Records(snapshot.frame("opportunities"), snapshot.frame("quotas"), **optional)
    return attainment(records, snapshot.company.calendar, snapshot.as_of)


@pytest.fixture(scope="module")
def adventureworks(cases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("aw") / "company"
    importing.import_export("csv", cases / "adventureworks", folder, EXAMPLES / "adventureworks.yaml")
    return measured(folder)


@pytest.fixture(scope="module")
def orders(cases):
    """The orders as exported, read without any of our code."""
    return pd.read_parquet(cases / "adventureworks" / "Sales_SalesOrderHeader.parquet")


@pytest.fixture(scope="module")
def contoso(cases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("d365") / "company"
    importing.import_export("dynamics365", cases / "d365_contoso_coffee", folder)
    return measured(folder)


def test_every_order_of_adventureworks_is_in_exactly_one_period_to_the_cent(adventureworks, orders):
    company = adventureworks.table[adventureworks.table["level"] == "company"]
    counted = sum(company["credited_base"], Decimal(0)) + sum(company["unassigned_base"], Decimal(0))
    assert counted == to_decimal(to_cents(orders["SubTotal"]).sum())
    assert len(adventureworks.lines) == len(orders) == 31_465
    assert adventureworks.lines["opportunity_id"].is_unique


def test_orders_without_a_sales_person_stand_beside_the_reps_credit(adventureworks, orders):
    online = to_decimal(to_cents(orders.loc[orders["SalesPersonID"].isna(), "SubTotal"]).sum())
    company = adventureworks.table[adventureworks.table["level"] == "company"]
    assert sum(company["unassigned_base"], Decimal(0)) == online


def test_an_order_on_the_day_a_quota_starts_counts_in_the_period_it_starts(adventureworks, orders):
    # 2012-02-29 opens FY12-Q4: counted by hand from the file.
    day = orders[orders["OrderDate"].dt.date == date(2012, 2, 29)]
    lines = adventureworks.lines[adventureworks.lines["close_date"] == pd.Timestamp("2012-02-29")]
    assert len(day) == len(lines) > 0
    assert set(lines["period"]) == {"FY12-Q4"}
    assert set(adventureworks.lines.loc[adventureworks.lines["close_date"] == "2012-02-28", "period"]) == {
        "FY12-Q3"
    }


def test_a_rep_s_first_quota_and_orders_are_those_of_the_file(adventureworks, cases, orders):
    # Rep 275 from 2011-05-31 to 2011-08-30: quota and orders straight from the two files.
    quotas = pd.read_csv(cases / "adventureworks" / "Sales_SalesPersonQuotaHistory.csv")
    mine = quotas[(quotas["BusinessEntityID"] == 275) & quotas["QuotaDate"].str.startswith("2011-05-31")]
    sold = orders[(orders["SalesPersonID"] == 275) & (orders["OrderDate"] < "2011-08-31")]
    row = adventureworks.table.query("level == 'rep' and holder_id == '275' and period == 'FY12-Q1'").iloc[0]
    assert row["quota_base"] == mine["SalesQuota"].item()
    assert row["credited_base"] == to_decimal(to_cents(sold["SubTotal"]).sum())


def test_a_mover_of_adventureworks_leaves_quota_and_orders_with_each_territory(adventureworks, orders):
    # Rep 275 left Northeast for Central on 2012-11-30, the first day of FY13-Q3: no quarter is shared.
    pieces = adventureworks.by_spell[adventureworks.by_spell["rep_id"] == "275"].set_index("period")
    assert pieces.loc["FY13-Q2", "team"] == "Northeast"
    assert pieces.loc["FY13-Q3", "team"] == "Central"


def test_without_quotas_of_their_own_territories_answer_for_their_members(adventureworks):
    above = adventureworks.table[adventureworks.table["level"] != "rep"]
    assert set(above["quota_source"]) <= {"sum_of_members", "missing"}


def test_dynamics_keeps_blank_and_zero_targets_apart(contoso):
    reps = contoso.table[contoso.table["level"] == "rep"]
    quota = reps[reps["assigned_base"].notna()]
    faults = contoso.exceptions["fault"].value_counts()
    assert (
        faults["quota_missing"] == 10 or faults["quota_missing"] == 11
    )  # 11 blank in the file, at any level
    assert (quota["status"] == "quota_zero").sum() == (quota["assigned_base"] == 0).sum() > 0


def test_a_dynamics_team_has_its_own_target_and_not_the_sum_of_its_members(contoso):
    # FY2024 Q1 in Goal.csv: the team's goal is 4,000,000; its owner has a personal goal of zero beside it.
    row = contoso.table.query("level == 'team' and period == 'FY24-Q1'").iloc[0]
    assert (row["holder_id"], row["quota_base"]) == ("Charles Lamanna", Decimal("4000000.00"))
    assert row["quota_source"] == "own"
    personal = contoso.table.query(
        "level == 'rep' and holder_id == 'Charles Lamanna' and period == 'FY24-Q1'"
    )
    assert personal["status"].item() == "quota_zero"


def test_every_won_dollar_of_dynamics_is_credited_or_named(contoso, cases):
    export = pd.read_csv(cases / "d365_contoso_coffee" / "Opportunity.csv")
    won = int((export["Status"] == "Won").sum())
    named = contoso.exceptions[contoso.exceptions["source_table"] == "opportunities"]
    whole = named[named["fault"].isin(["no_amount", "no_close_date", "future_close", "outside_calendar"])]
    assert len(contoso.lines) + len(whole) == won == 1_914
