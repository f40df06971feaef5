"""Every pay case of tests/cases/compensation comes out to the cent. A case is text: no float comes in."""

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from salesops_lib.compensation.engine.tables import lines_table, payments_table

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


def test_the_published_examples_are_all_there():
    # One case for each line of the specification's table and of its figures for the plan files.
    sources = " ".join(str(case.values[0].get("source", "")) for case in all_cases())
    named = [
        *("Oracle", "qammunity", "mathtutor", "excelforum", "prowi", "corecommissions", "sparrowgenie"),
        *("SEC 931058", "PlanDesign8", "PlanDesign24", "linear clawback", "47/91", "plan files"),
    ]
    assert [name for name in named if name not in sources] == []
