"""Payroll's file: a posted period in the columns of a vendor; sums and refusals."""

from types import SimpleNamespace

import pandas as pd
import pytest

from salesops_lib.compensation.close.draft import CloseError
from salesops_lib.compensation.close.payroll_file import payroll_of
from salesops_lib.compensation.close.payroll_layout import Layout, layout_from
from salesops_lib.core.errors import ParameterError, TableError

VENDOR = """
file: vendor.csv
delimiter: ";"
decimal: ","
days: "%m/%d/%Y"
people: people.csv
codes: {COMM: "0410"}
columns:
  - {name: Company, text: ACME}
  - {name: Employee, from: employee}
  - {name: Earning, from: code}
  - {name: Amount, from: amount}
  - {name: End, from: period_end}
"""
PEOPLE = pd.DataFrame({"row": [2, 3], "rep_id": ["A", "B"], "employee": ["007", "008"]})


@pytest.fixture
def posted(office):
    """January: A earns 100.00 and 20.50 of bonus, half of the 100.00 is held; B earns 7.00."""
    desk_ = office.Office()
    lines = [("A", "FY25-M01", "commission", "D", 100_00), ("A", "FY25-M01", "hold", "D", -50_00),
             ("A", "FY25-M01", "bonus", "", 20_50), ("B", "FY25-M01", "commission", "E", 7_00)]  # fmt: skip
    desk_.close(office.worked(*lines), "FY25-M01")
    reps = pd.DataFrame(
        {"rep_id": ["A", "B"], "name": ["Ann", "Bo"], "start_date": [pd.Timestamp("2024-01-01")] * 2}
    )
    snapshot = SimpleNamespace(company=SimpleNamespace(calendar=office.CALENDAR), frame=lambda name: reps)
    return desk_.books, snapshot


def text(made) -> list[str]:
    return made.content.decode().split("\r\n")[:-1]


def test_without_a_layout_every_payee_and_code_is_a_row_and_the_sum_is_what_is_paid(posted):
    books, snapshot = posted
    made = payroll_of(books, "FY25-M01", snapshot, Layout())
    assert text(made) == [
        "rep_id,name,period,code,amount,currency",
        "A,Ann,FY25-M01,BONUS,20.50,USD",
        "A,Ann,FY25-M01,COMM,100.00,USD",
        "A,Ann,FY25-M01,HOLD,-50.00,USD",
        "B,Bo,FY25-M01,COMM,7.00,USD",
    ]
    assert made.sums == {"USD": 77_50} == {"USD": int(books.payments["paid"].sum())}


def test_a_vendor_gets_its_columns_codes_numbers_and_days(posted):
    made = payroll_of(*posted[:1], "FY25-M01", posted[1], layout_from(VENDOR, "p.yaml"), PEOPLE)
    assert text(made) == [
        "Company;Employee;Earning;Amount;End",
        "ACME;007;BONUS;20,50;01/31/2025",
        "ACME;007;0410;100,00;01/31/2025",
        "ACME;007;HOLD;-50,00;01/31/2025",
        "ACME;008;0410;7,00;01/31/2025",
    ]


def test_one_row_a_payee_is_what_is_paid(posted):
    layout = layout_from(VENDOR.replace("people:", "a_row: payee\npeople:"), "p.yaml")
    made = payroll_of(posted[0], "FY25-M01", posted[1], layout, PEOPLE)
    assert [line.split(";")[3] for line in text(made)[1:]] == ["70,50", "7,00"]


def test_an_open_period_is_not_paid(posted):
    with pytest.raises(CloseError, match=r"FY25-M02 is not posted.*closed last: FY25-M01"):
        payroll_of(posted[0], "FY25-M02", posted[1], Layout())


@pytest.mark.parametrize(
    ("people", "said"),
    [
        (PEOPLE.iloc[:1], "people.csv has no B, who is paid"),
        (pd.concat([PEOPLE, PEOPLE.iloc[:1]]), "line 2: A stands twice"),
        (PEOPLE.assign(employee=["007", None]), "has no employee of B"),
        (PEOPLE.rename(columns={"rep_id": "rep"}), "no column rep_id. It has: rep, employee"),
    ],
)
def test_a_payee_whom_payroll_cannot_name_is_refused(posted, people, said):
    with pytest.raises(TableError, match=said):
        payroll_of(posted[0], "FY25-M01", posted[1], layout_from(VENDOR, "p.yaml"), people)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("delimiter", "delimeter", "p.yaml:3 delimeter: there is no key delimeter; it takes file, delimiter"),
        ('"0410"', "4010", "p.yaml:7 codes.COMM: it is text to payroll; write it in quotes"),
        ("text: ACME", "text: ACME, from: code", "p.yaml:9 .*has either from or text"),
        ("file: vendor.csv", "file: ../vendor.csv", "p.yaml:2 file: "),
    ],
)
def test_a_layout_that_is_wrong_is_refused_by_line(old, new, said):
    with pytest.raises(ParameterError, match=said):
        layout_from(VENDOR.replace(old, new), "p.yaml")


def test_a_column_or_code_from_nowhere_is_refused_with_what_there_is(posted):
    for old, new, said in (
        ("from: employee", "from: employe", "there is no 'employe'. Did you mean 'employee'"),
        ("COMM:", "COMMISSION:", "there is no 'COMMISSION'. It takes: BONUS"),
    ):
        layout = layout_from(VENDOR.replace(old, new), "p.yaml")
        with pytest.raises(ParameterError, match=said):
            payroll_of(posted[0], "FY25-M01", posted[1], layout, PEOPLE)
