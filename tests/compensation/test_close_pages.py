"""The figures of the two how-to pages on closing, done again."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from salesops_lib.compensation.close import closed, desk
from salesops_lib.compensation.close.contract_costs import straight
from salesops_lib.core.errors import ParameterError

PAGES = Path(__file__).parents[2] / "playbooks" / "how-to" / "compensation"


@pytest.fixture(scope="module")
def close_page() -> str:
    return " ".join((PAGES / "close-commissions.md").read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def dispute_page() -> str:
    return " ".join((PAGES / "handle-a-dispute.md").read_text(encoding="utf-8").split())


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def test_the_worked_line_is_a_line_of_the_sample_and_comes_to_what_the_page_says(close_page, november):
    found = re.search(r"([\d,.]+) × ([\d,.]+) ÷ ([\d,.]+) × ([\d.]+) = ([\d,.]+\d)\.", close_page)
    sold, target, quota, rate, paid = (number(t) for t in found.groups())
    assert (sold * target / quota * rate).quantize(Decimal("0.01")) == paid
    assert Decimal(31_800) * Decimal("0.85") == target
    assert straight(int(paid * 100), 36)[0] == 99_00
    assert (paid / 2).quantize(Decimal("0.01")) == Decimal("1781.96")
    made = november.made
    mine = made.lines[(made.lines["rep_id"] == "R031") & (made.lines["kind"] == "commission")]
    assert int(paid * 100) in mine["cents"].tolist()


def test_the_correction_of_the_page_pays_as_the_page_says(close_page, office):
    assert (
        "February has a line of −80.00 and comes to −30.00: nothing is paid, 30.00 is carried." in close_page
    )
    assert "March earns 40.00 and pays 10.00." in close_page
    desk_ = office.Office()
    january, later = ("A", "FY25-M01", "commission", "D", 100_00), ("A", "FY25-M01", "commission", "D", 20_00)
    february, march = ("A", "FY25-M02", "bonus", "", 50_00), ("A", "FY25-M03", "bonus", "", 40_00)
    desk_.close(office.worked(january), "FY25-M01")
    made = desk_.close(office.worked(later, february), "FY25-M02")
    row = made.payments.iloc[0]
    assert (row["corrections"], row["carried"], row["paid"]) == (-80_00, 30_00, 0)
    after = desk_.close(office.worked(later, february, march), "FY25-M03")
    assert after.payments["paid"].tolist() == [10_00]


def test_the_dispute_of_the_page_is_paid_once_with_the_next_close(dispute_page, office):
    assert "verdict *rule_unclear*, adjustment 12.50" in dispute_page.replace("Verdict", "verdict")
    desk_ = office.Office()
    january, march = ("A", "FY25-M01", "commission", "D", 100_00), ("A", "FY25-M02", "bonus", "", 1_00)
    desk_.close(office.worked(january), "FY25-M01")
    desk_.write(desk.disputed(desk_.books, "FY25-M01/A/1", "112.50", "split", "12.5 % more is mine"))
    asked = desk_.books.disputes[0]["entry"]
    with pytest.raises(ParameterError, match="takes no --adjustment"):
        desk.answered(desk_.books, asked, "data", "12.50", "the split was wrong")
    desk_.write(desk.answered(desk_.books, asked, "rule_unclear", "12.50", "it reads two ways", "Mo"))
    made = desk_.close(office.worked(january, march), "FY25-M02")
    assert made.payments["paid"].tolist() == [13_50]
    assert desk_.books.lines.query("closes == 'FY25-M01'")["cents"].tolist() == [100_00]


def test_the_shares_of_the_page_are_on_the_sides_of_the_limit_it_says(dispute_page):
    assert "Two of them dispute a line: 4.9 %, within the limit. Three: 7.3 %" in dispute_page
    assert f"{2 / 41:.1%} {3 / 41:.1%}" == "4.9% 7.3%"
    assert 2 / 41 <= 0.05 < 3 / 41


def test_a_page_leads_from_the_crm_amount_to_the_credit_and_names_the_id_of_a_line(november):
    # The sample's O05597 is 116,100.00 EUR and 126,752.29 USD; O06163 of 77,100.00 is shared by two.
    files, _ = closed.statement_files(november.made, november.snapshot, november.worked, november.books)
    whole, half = (files[f"statement_{rep}.html"].decode() for rep in ("R031", "R011"))
    assert "line 1 is FY26-M10/R031/1" in whole
    row = re.search(r"<tr><td>O05597</td>(.*?)</tr>", whole)[1]
    assert [c for c in ("116,100.00 EUR", "≈1.091751", "126,752.29", "100 %") if c not in row] == []
    assert "77,100.00" in re.search(r"<tr><td>O06163</td>(.*?)</tr>", half)[1]
    assert number("77,100.00") * Decimal("0.5") == number("38,550")
    assert "38,550 × " in half
    assert "R008" not in half
