"""Attainment against cases computed by hand, to the cent."""

from decimal import Decimal
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import yaml

from salesops_lib.attainment.crediting.table import attainment

CASES = [
    case
    for path in sorted((Path(__file__).parents[1] / "cases" / "attainment").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text(encoding="utf-8"))
]
TABLES = ("reps", "quotas", "opportunities", "credits", "plan_rates", "events", "currency", "time_zone")
MONEY = {"quota_base", "credited_base", "overlay_base", "unassigned_base", "members_base"}


def same(found, wanted) -> bool:
    if wanted is None:
        return pd.isna(found)
    return found == pytest.approx(wanted, abs=1e-12) if isinstance(wanted, float) else found == wanted


@pytest.fixture(scope="module")
def result_of(make_records, fiscal):
    """The attainment of a case, worked out once."""

    @cache
    def worked_out(number: int):
        case = CASES[number]
        tables = {k: case[k] for k in TABLES if k in case}
        return attainment(make_records(**tables), fiscal, case["as_of"])

    return worked_out


@pytest.mark.parametrize("number", range(len(CASES)), ids=[c["name"] for c in CASES])
def test_every_hand_computed_case_is_met_to_the_cent(number, result_of):
    case, result = CASES[number], result_of(number)
    for wanted in case["expect"]:
        period = wanted.get("period", "FY26-Q2")
        rows = result.table.query("level == @wanted['level'] and holder_id == @wanted['holder_id']")
        row = rows[rows["period"] == period].iloc[0]
        for column, value in wanted.items():
            value = Decimal(value) if column in MONEY and value is not None else value
            assert same(row[column], value), f"{wanted['holder_id']} {column}: {row[column]} is not {value}"


@pytest.mark.parametrize("number", range(len(CASES)), ids=[c["name"] for c in CASES])
def test_every_fault_of_a_case_is_reported_with_its_money(number, result_of):
    case, found = CASES[number], result_of(number).exceptions
    for wanted in case.get("exceptions", []):
        rows = found[found["fault"] == wanted["fault"]]
        if "row" in wanted:
            rows = rows[rows["row_key"] == wanted["row"]]
        if "holder_id" in wanted:
            rows = rows[rows["holder_id"] == wanted["holder_id"]]
        assert len(rows) == 1, f"{wanted} not found once in\n{found}"
        if wanted["money"] is None:
            assert pd.isna(rows["money_cents"].item())
        else:
            assert rows["money_cents"].item() == int(Decimal(wanted["money"]) * 100)
    known = {e["fault"] for e in case.get("exceptions", [])}
    assert set(found["fault"]) <= known | {"quota_zero", "quota_missing"}
