"""Real exports, each imported with its command; the numbers are counted by hand in the files."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.inputs.importing import import_export
from salesops_lib.inputs.importing.mapping import SOURCES

HUBSPOT = Path(__file__).parents[1] / "cases" / "imports" / "hubspot"


@pytest.fixture(scope="module")
def coffee(cases, tmp_path_factory):
    """salesops import dynamics365 ../shared/cases/d365_contoso_coffee --to data/coffee"""
    to = tmp_path_factory.mktemp("coffee") / "coffee"
    return import_export("dynamics365", cases / "d365_contoso_coffee", to)


@pytest.fixture(scope="module")
def works(cases, tmp_path_factory):
    """salesops import csv ../shared/cases/adventureworks --to data/aw --map …/examples/adventureworks.yaml"""
    to = tmp_path_factory.mktemp("aw") / "aw"
    return import_export(
        "csv", cases / "adventureworks", to, mapping=SOURCES / "examples" / "adventureworks.yaml"
    )


@pytest.fixture(scope="module")
def maven(cases, tmp_path_factory):
    """salesops import csv ../shared/cases/maven_crm --to data/maven --map …/examples/maven_crm.yaml"""
    to = tmp_path_factory.mktemp("maven") / "maven"
    return import_export("csv", cases / "maven_crm", to, mapping=SOURCES / "examples" / "maven_crm.yaml")


@pytest.fixture(scope="module")
def devorg(cases, tmp_path_factory):
    """salesops import salesforce ../shared/cases/salesforce_devorg --to data/devorg"""
    return import_export("salesforce", cases / "salesforce_devorg", tmp_path_factory.mktemp("sf") / "devorg")


def frame(result, name: str) -> pd.DataFrame:
    return inputs.open_snapshot(result.folder).frame(name)


def notes(result, start: str) -> pd.DataFrame:
    return result.report[result.report["reason"].str.startswith(start)]


def test_coffee_every_deal_gets_an_id_of_its_own_that_stays(coffee, cases, tmp_path):
    deals = frame(coffee, "opportunities")
    assert len(deals) == 5229
    assert deals["opportunity_id"].is_unique
    again = import_export("dynamics365", cases / "d365_contoso_coffee", coffee.folder)
    assert again.tables["opportunities"]["added"] == 0


def test_coffee_outcomes_and_owners(coffee):
    deals = frame(coffee, "opportunities")
    assert deals["stage"].value_counts()[["Won", "Lost"]].to_dict() == {"Won": 1914, "Lost": 2794}
    assert (deals["is_closed"] == False).sum() == 521  # noqa: E712
    assert (deals["owner_id"] == "Eric Boocock").sum() == 866


def test_coffee_both_date_formats_are_read_and_45_closed_deals_have_no_date(coffee):
    deals = frame(coffee, "opportunities")
    assert coffee.report["reason"].str.startswith("unreadable").sum() == 0
    assert len(notes(coffee, "closed without a date")) == 45
    closed = deals[deals["is_closed"].astype(bool)]
    assert closed["close_date"].isna().sum() == 45
    # Of the 68 dates with a time of day one is the last: 10/4/2025 11:21.
    assert closed["close_date"].max() == pd.Timestamp("2025-10-04")


def test_coffee_blank_and_zero_targets_stay_apart(coffee):
    quotas = frame(coffee, "quotas")
    assert len(quotas) == 220
    assert quotas["quota_base"].isna().sum() == 11
    assert (quotas["quota_base"] == 0).sum() == 26


def test_coffee_one_person_owns_the_teams_goal_and_a_personal_one(coffee):
    quotas = frame(coffee, "quotas").set_index(["holder_id", "level", "period"]).sort_index()
    assert quotas.loc[("Charles Lamanna", "team", "FY25-Q1"), "quota_base"] == 7_450_000
    assert pd.isna(quotas.loc[("Charles Lamanna", "rep", "FY25-Q1"), "quota_base"])
    assert quotas.loc[("Eric Boocock", "rep", "FY25-Q1"), "parent_id"] == "Charles Lamanna"
    assert quotas.index.get_level_values("level").value_counts().to_dict() == {"rep": 200, "team": 20}
    assert quotas.index.get_level_values("period").nunique() == 20


def test_coffee_the_owner_missing_from_users_keeps_37_deals(coffee):
    lost = coffee.report.query("action == 'unmatched' and column == 'owner_id'")
    assert lost["value"].value_counts().to_dict() == {"Matisha Ladiwala": 37}
    assert (frame(coffee, "opportunities")["owner_id"] == "Matisha Ladiwala").sum() == 37


def test_coffee_the_forecast_category_leaks_the_outcome(coffee):
    assert notes(coffee, "tells the outcome")["column"].tolist() == ["forecast_category"]


def test_coffee_won_money_is_the_actual_revenue(coffee, cases):
    deals = frame(coffee, "opportunities")
    raw = pd.read_csv(cases / "d365_contoso_coffee" / "Opportunity.csv", encoding="utf-8-sig")
    won = raw[raw["Status"] == "Won"]
    expected = won["Actual Revenue"].fillna(won["Est. revenue"]).sum()
    assert deals.loc[deals["stage"] == "Won", "amount_base"].sum() == pytest.approx(expected, abs=0.005)


def test_works_no_order_is_lost_or_counted_twice_at_a_periods_start(works, cases):
    orders = frame(works, "opportunities")
    calendar = inputs.open_snapshot(works.folder).company.calendar
    period = calendar.assign(orders["close_date"])
    by_period = (orders["amount_base"] * 100).round().groupby(period).sum()
    held = duckdb.sql(
        f"SELECT sum(round(SubTotal * 100)) FROM '{cases}/adventureworks/Sales_SalesOrderHeader.parquet'"
    ).fetchone()[0]
    assert len(orders) == 31465
    assert period.notna().all()
    assert by_period.sum() == pytest.approx(
        float(held), abs=200
    )  # SubTotal has four decimals; half a cent a row at most
    assert round(orders["amount_base"].sum(), 2) == 109846381.40


def test_works_an_order_on_the_start_day_belongs_to_the_new_period(works):
    calendar = inputs.open_snapshot(works.folder).company.calendar
    days = pd.Series(pd.to_datetime(["2012-02-28", "2012-02-29", "2012-05-29", "2012-05-30", "2014-06-30"]))
    assert calendar.assign(days).tolist() == ["FY12-Q3", "FY12-Q4", "FY12-Q4", "FY13-Q1", "FY15-Q1"]


def test_works_online_orders_have_no_owner_and_stay(works):
    orders = frame(works, "opportunities")
    assert orders["owner_id"].isna().sum() == 31465 - 3806


def test_works_quotas_fall_on_the_calendars_periods(works):
    quotas = frame(works, "quotas")
    assert len(quotas) == 163
    assert quotas["period"].nunique() == 12
    first = quotas.set_index(["holder_id", "period"]).loc[("274", "FY12-Q1"), "quota_base"]
    assert first == 28000


def test_works_territory_spells_are_half_open_and_managers_are_there(works):
    reps = frame(works, "reps").set_index(["rep_id", "start_date"]).sort_index()
    assert reps.loc[("275", pd.Timestamp("2011-05-31")), "end_date"] == pd.Timestamp("2012-11-30")
    assert pd.isna(reps.loc[("275", pd.Timestamp("2012-11-30")), "end_date"])
    assert len(reps) == 17 + 3
    assert works.tables["reps"]["rows_in"] == 17 + 17
    assert works.tables["reps"]["reported"] == 14


def test_works_rates_are_in_the_reporting_currency(works):
    rates = frame(works, "fx_rates")
    assert len(rates) == 13532
    # 1 USD = 1.0 USD; a pound is worth more than a dollar in every year of the file.
    assert (rates.loc[rates["currency"] == "GBP", "base_per_unit"] > 1).all()


def test_maven_the_product_spelled_differently_is_priced(maven):
    lost = maven.report.query("action == 'unmatched' and column == 'product'")
    assert lost["value"].value_counts().to_dict() == {"GTXPro": 1480}
    # A pivot of the file: 729 won GTXPro deals of 3,510,578 in close_value.
    assert lost["money_base"].sum() == 3510578
    assert any("probably 'GTX Pro'" in s for s in maven.sentences)


def test_maven_every_deal_stands_with_its_value(maven):
    deals = frame(maven, "opportunities")
    assert deals["stage"].value_counts().to_dict() == {
        "Won": 4238,
        "Lost": 2473,
        "Engaging": 1589,
        "Prospecting": 500,
    }
    assert deals["amount_base"].sum() == 10005534
    assert deals.loc[deals["stage"] == "Lost", "amount_base"].isna().all()
    assert maven.report.query("action == 'dropped'").empty


def test_devorg_dates_are_month_first_and_two_digit(devorg):
    deals = frame(devorg, "opportunities").set_index("opportunity_id")
    assert len(deals) == 36
    assert deals.loc["006bm00000LKJNNAA5", "created_date"] == pd.Timestamp("2026-02-23")
    assert devorg.tables["opportunity_history"]["rows_out"] == 48


def test_devorg_a_deal_reopened_as_lost_reads_so_after_and_won_before(devorg):
    before = (
        inputs.open_snapshot(devorg.folder, "2026-03-01").frame("opportunities").set_index("opportunity_id")
    )
    after = (
        inputs.open_snapshot(devorg.folder, "2026-03-07").frame("opportunities").set_index("opportunity_id")
    )
    assert before.loc["006bm00000LKJNTAA5", "stage"] == "Closed Won"
    assert after.loc["006bm00000LKJNTAA5", "stage"] == "Closed Lost"


@pytest.mark.parametrize("case", ["coffee", "works", "maven", "devorg"])
def test_every_row_of_every_case_is_accounted_for(case, request):
    result = request.getfixturevalue(case)
    for counts in result.tables.values():
        assert counts["rows_in"] == counts["rows_out"] + counts["reported"]


def test_hubspot_property_names_are_read(tmp_path):
    result = import_export("hubspot", HUBSPOT, tmp_path / "hs")
    deals = frame(result, "opportunities").set_index("opportunity_id")
    assert deals["stage"].tolist() == ["closedwon", "closedlost", "contractsent", "qualifiedtobuy"]
    assert deals.loc["9002", "amount_base"] == 5400  # the home currency's own figure; no rate is asked for
    assert deals.loc["9003", "close_date"] == pd.Timestamp("2026-01-01")  # 1767225600000 ms
    assert deals.loc["9003", "probability"] == 0.9
    assert pd.isna(deals.loc["9004", "owner_id"])
    assert deals["forecast_category"].tolist() == ["Closed", "Omitted", "Commit", "Pipeline"]
    assert result.rows_in == result.rows_out == 7
