"""Every pay case of tests/cases/compensation comes out to the cent. A case is text: no float comes in."""

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from salesops_lib.compensation.engine.tables import lines_table, payments_table
from salesops_lib.core.periods import four_four_five

CASES = Path(__file__).parents[1] / "cases" / "compensation"


def all_cases() -> list:
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader):
            found.append(pytest.param(case, id=f"{path.stem}: {case['name']}"))
    return found


def repeated(events: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows with ``repeat: 9`` stand for nine deals."""
    rows = []
    for row in events:
        kept = {key: value for key, value in row.items() if key != "repeat"}
        count = int(row.get("repeat", 1))
        rows += [kept | ({"deal_id": f"{row['deal_id']}{n}"} if count > 1 else {}) for n in range(count)]
    return rows


def matching(lines, expected: dict[str, str]):
    """The lines that have what is expected besides its amount."""
    for key, value in expected.items():
        if key != "amount":
            lines = lines[lines[key] == value]
    return lines


@pytest.mark.parametrize("case", all_cases())
def test_a_case_is_paid_as_by_hand(paid, case):
    rows = {key: case[key] for key in ("holders", "quota", "fx") if key in case}
    result = paid(case["plan"], repeated(case["events"]), **rows)
    lines = lines_table(result).astype(str)
    for expected in case["expect"]:
        found = matching(lines, expected)
        told = {**expected, "amount": str(sum((Decimal(a) for a in found["amount"]), Decimal("0.00")))}
        assert told == {**expected, "amount": f"{Decimal(expected['amount']):.2f}"}
    payments = payments_table(result).astype(str)
    for expected in case.get("payments", ()):
        here = (payments["rep_id"] == expected["rep_id"]) & (payments["period"] == expected["period"])
        assert payments[here][list(expected)].to_dict("records") == [expected]
    for note in case.get("notes", ()):
        assert any(note in told for told in result.notes)


def test_a_retail_year_of_53_weeks_pays_by_its_own_days(paid):
    # FY23 has 371 days, from 29 January 2023; its last month has 6 weeks, from 24 December. On the plan from
    # 14 January 2024, 21 of 42 days: target 12,000 ÷ 12 ÷ 2 = 500, quota 4,200 ÷ 2 = 2,100. 3,150 is 150 %,
    # 1 + 0.5 × 2 = 2 → 1,000. In FY24, 364 days, the first month has 4 weeks: 2,100 of 4,200 → 500.
    plan = {
        "effective": {"from": "2023-01-29", "to": "2025-02-01"},
        "proration": {"basis": "actual_days", "quota": "true", "target_incentive": "true"},
        "pay": {"target_total_cash": "24000", "base_salary": "12000"},
        "measures": {"sales": {"aggregate": "sum", "field": "amount", "event": "booked", "period": "month",
                               "quota": {"source": "role", "value": "4200"}}},
        "components": [{"id": "m", "type": "bonus", "measure": "sales", "weight": "1", "basis": "attainment",
                        "rate_unit": "share_of_target", "method": "marginal",
                        "tiers": [{"from": "0", "rate": "1"}, {"from": "1", "rate": "2"}]}],
    }  # fmt: skip
    days = {"2024-01-20": "3150", "2024-02-04": "2100", "2024-03-03": "1"}
    events = [
        {"rep_id": "R1", "deal_id": f"D{n}", "event": "booked", "date": d, "amount": a}
        for n, (d, a) in enumerate(days.items())
    ]
    calendar = four_four_five(2, range(2020, 2028), named_by="start")
    result = paid(plan, events, holders=[{"rep_id": "R1", "start_date": "2024-01-14"}], calendar=calendar)
    table = lines_table(result)
    pays = {row.period: str(row.amount) for row in table.itertuples()}
    assert pays == {"FY23-M12": "1000.00", "FY24-M01": "500.00", "FY24-M02": "0.24"}


def test_the_published_examples_are_all_there():
    # One case for each line of the specification's table and of its figures for the plan files.
    sources = " ".join(str(case.values[0].get("source", "")) for case in all_cases())
    named = [
        *("Oracle", "qammunity", "mathtutor", "excelforum", "prowi", "corecommissions", "sparrowgenie"),
        *("SEC 931058", "PlanDesign8", "PlanDesign24", "linear clawback", "47/91", "plan files"),
    ]
    assert [name for name in named if name not in sources] == []
