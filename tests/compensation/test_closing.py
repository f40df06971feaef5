"""A close on hand-made lines: the difference to what is posted, signatures, refusals, disputes."""

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from salesops_lib.compensation.close import desk
from salesops_lib.compensation.close.books import read_books
from salesops_lib.compensation.close.closing import Worked
from salesops_lib.compensation.close.draft import CloseError, draft
from salesops_lib.compensation.close.faults import refuse_faults
from salesops_lib.compensation.engine.tables import LINE_COLUMNS, PAYMENT_COLUMNS
from salesops_lib.core.errors import ParameterError, TableError
from salesops_lib.core.periods import monthly

CALENDAR = monthly(1, range(2024, 2028))
DAY = date(2025, 6, 10)


def worked(*lines: tuple[str, str, str, str, str]) -> Worked:
    """From (rep, month, kind, deal, amount); every line is of plan ``p``."""
    rows = [
        dict.fromkeys(LINE_COLUMNS)
        | {"rep_id": r, "period": m, "date": date(2025, 1, 5), "kind": k, "part": "c", "deal_id": d, "row": 1,
           "rule": "owner", "share": "1", "amount": Decimal(a), "arithmetic": f"{a} × 1", "plan_version": 1,
           "plan_id": "p", "currency": "USD", "closes": m}
        for r, m, k, d, a in lines
    ]  # fmt: skip
    made = pd.DataFrame(rows)
    zero = dict.fromkeys(PAYMENT_COLUMNS, Decimal("0.00"))
    sums = made.groupby(["rep_id", "period"])["amount"].sum()
    payments = pd.DataFrame(
        [
            zero
            | {
                "rep_id": r,
                "period": m,
                "earned": v,
                "paid": v,
                "plan_id": "p",
                "currency": "USD",
                "closes": m,
            }
            for (r, m), v in sums.items()
        ]
    )
    measures = pd.DataFrame(columns=["rep_id", "measure", "window", "value", "quota", "attainment"])
    return Worked(DAY, made, payments, measures, (), ())


class Desk:
    """The books of one company, and the moves at the desk."""

    def __init__(self) -> None:
        self.entries: list[dict] = []

    @property
    def books(self):
        return read_books(self.entries)

    def write(self, rows: list[dict]) -> None:
        for row in rows:
            number = len(self.entries) + 1
            self.entries.append({"entry": number, "recorded_at": "2025-06-10T12:00:00Z", **row})

    def close(self, found: Worked, period: str):
        made = draft(found, self.books, CALENDAR, period, DAY)
        self.write(desk.drafted(made, "plans"))
        for role, who in (("manager", "Ada"), ("finance", "Bo")):
            self.write(desk.approved(self.books, period, role, who))
        self.write(desk.posted(self.books, made, "plans"))
        return made


JANUARY = ("A", "FY25-M01", "commission", "D1", "100.00")
FEBRUARY = ("A", "FY25-M02", "commission", "D2", "50.00")


@pytest.fixture
def office() -> Desk:
    return Desk()


def paid(made) -> dict[str, int]:
    return made.payments.set_index("rep_id")["paid"].to_dict()


def test_a_month_without_changes_pays_its_own_lines_and_nothing_else(office):
    office.close(worked(JANUARY), "FY25-M01")
    made = office.close(worked(JANUARY, FEBRUARY), "FY25-M02")
    assert paid(made) == {"A": 5000}
    assert made.payments["corrections"].tolist() == [0]
    assert made.payments["year_paid"].tolist() == [15000]


def test_a_deal_restated_after_the_close_pays_only_the_difference_into_the_open_month(office):
    office.close(worked(JANUARY), "FY25-M01")
    restated = ("A", "FY25-M01", "commission", "D1", "130.00")
    made = office.close(worked(restated, FEBRUARY), "FY25-M02")
    late = made.lines[made.lines["kind"] == "correction"].iloc[0]
    assert (late["origin"], late["deal_id"], late["cents"]) == ("FY25-M01", "D1", 3000)
    assert late["arithmetic"] == "FY25-M01 now comes to 130.00 = 130.00 × 1, posted were 100.00"
    assert paid(made) == {"A": 8000}
    assert office.books.lines.query("closes == 'FY25-M01'")["cents"].tolist() == [10000]


def test_a_correction_once_paid_is_not_paid_again(office):
    office.close(worked(JANUARY), "FY25-M01")
    restated = ("A", "FY25-M01", "commission", "D1", "130.00")
    office.close(worked(restated, FEBRUARY), "FY25-M02")
    made = office.close(worked(restated, FEBRUARY, ("A", "FY25-M03", "bonus", "", "7.00")), "FY25-M03")
    assert paid(made) == {"A": 700}


def test_a_sum_below_zero_is_carried_and_comes_off_the_next_statement(office):
    # By hand: January 100, restated to 20 (−80); February 50: −30 is carried, March pays 40 − 30 = 10.
    office.close(worked(JANUARY), "FY25-M01")
    fallen = ("A", "FY25-M01", "commission", "D1", "20.00")
    made = office.close(worked(fallen, FEBRUARY), "FY25-M02")
    assert paid(made) == {"A": 0}
    assert made.payments["carried"].tolist() == [3000]
    after = office.close(worked(fallen, FEBRUARY, ("A", "FY25-M03", "bonus", "", "40.00")), "FY25-M03")
    assert paid(after) == {"A": 1000}
    assert int(office.books.payments["paid"].sum()) == 2000 + 5000 + 4000


def test_months_before_the_first_close_count_as_paid_and_are_corrected_later(office):
    made = office.close(worked(JANUARY, FEBRUARY), "FY25-M02")
    assert paid(made) == {"A": 5000}
    restated = ("A", "FY25-M01", "commission", "D1", "101.00")
    after = office.close(worked(restated, FEBRUARY, ("A", "FY25-M03", "bonus", "", "7.00")), "FY25-M03")
    assert paid(after) == {"A": 800}


def test_a_fiscal_years_end_starts_the_years_sums_anew(office):
    office.close(worked(("A", "FY24-M12", "bonus", "", "9.00")), "FY24-M12")
    made = office.close(worked(("A", "FY24-M12", "bonus", "", "9.00"), JANUARY), "FY25-M01")
    assert made.payments[["year_earned", "year_paid"]].to_numpy().tolist() == [[10000, 10000]]


def test_a_closed_month_is_refused_by_name(office):
    office.close(worked(JANUARY), "FY25-M01")
    with pytest.raises(CloseError, match=r"FY25-M01 is closed since 2025-06-10 .*paid with FY25-M02"):
        draft(worked(JANUARY), office.books, CALENDAR, "FY25-M01", DAY)


@pytest.mark.parametrize(
    ("period", "said"),
    [
        ("FY25-M03", "FY25-M01 is closed last, so FY25-M02 comes next"),
        ("FY25-M06", "FY25-M06 ends on 2025-06-30; the data is as of 2025-06-10"),
        ("FY25-Q1", "'FY25-Q1' is no month; close months"),
    ],
)
def test_a_month_out_of_turn_or_not_over_is_refused(office, period, said):
    office.close(worked(JANUARY), "FY25-M01")
    with pytest.raises(CloseError, match=said):
        draft(worked(JANUARY), office.books, CALENDAR, period, DAY)


def test_posting_needs_both_roles_two_people_and_what_they_signed(office):
    made = draft(worked(JANUARY), office.books, CALENDAR, "FY25-M01", DAY)
    with pytest.raises(CloseError, match="has no draft"):
        desk.approved(office.books, "FY25-M01", "manager", "Ada")
    office.write(desk.drafted(made, "plans"))
    office.write(desk.approved(office.books, "FY25-M01", "manager", "Ada"))
    with pytest.raises(CloseError, match="not signed by finance"):
        desk.posted(office.books, made, "plans")
    for same in ("ada", " ADA  ", "\uff21da"):
        with pytest.raises(CloseError, match="has signed this draft for another role; two people sign"):
            desk.approved(office.books, "FY25-M01", "finance", same)
    with pytest.raises(CloseError, match="manager has signed"):
        desk.approved(office.books, "FY25-M01", "manager", "Cy")
    with pytest.raises(ParameterError, match="manager and finance"):
        desk.approved(office.books, "FY25-M01", "ceo", "Cy")
    office.write(desk.approved(office.books, "FY25-M01", "finance", "Bo"))
    other = draft(
        worked(("A", "FY25-M01", "commission", "D1", "100.01")), office.books, CALENDAR, "FY25-M01", DAY
    )
    with pytest.raises(CloseError, match="something else than what was signed"):
        desk.posted(office.books, other, "plans")
    assert desk.posted(office.books, made, "plans")[-1]["entry_kind"] == "posting"


def test_a_new_draft_has_to_be_signed_anew(office):
    office.write(desk.drafted(draft(worked(JANUARY), office.books, CALENDAR, "FY25-M01", DAY), "plans"))
    office.write(desk.approved(office.books, "FY25-M01", "manager", "Ada"))
    office.write(desk.approved(office.books, "FY25-M01", "finance", "Bo"))
    dearer = draft(
        worked(("A", "FY25-M01", "commission", "D1", "101.00")), office.books, CALENDAR, "FY25-M01", DAY
    )
    office.write(desk.drafted(dearer, "plans"))
    with pytest.raises(CloseError, match="not signed by manager and finance"):
        desk.posted(office.books, dearer, "plans")


def test_a_closed_month_recomputes_to_the_byte_or_says_the_first_line_apart(office):
    office.close(worked(JANUARY), "FY25-M01")
    empty = read_books([])
    same = draft(worked(JANUARY), empty, CALENDAR, "FY25-M01", DAY)
    assert "recomputes to the byte" in desk.same_again(office.books, same, "plans")
    other = draft(worked(("A", "FY25-M01", "commission", "D1", "100.01")), empty, CALENDAR, "FY25-M01", DAY)
    with pytest.raises(CloseError, match=r"plan files changed since.*A/1, posted 100\.00, now 100\.01"):
        desk.same_again(office.books, other, "other plans")


def test_an_upheld_dispute_is_paid_once_with_the_next_close(office):
    office.close(worked(JANUARY), "FY25-M01")
    office.write(desk.disputed(office.books, "FY25-M01/A/1", "112.50", "tier 2 from 50 %", "tier 1 was used"))
    number = office.books.disputes[0]["entry"]
    with pytest.raises(CloseError, match="is open; answer it first"):
        desk.disputed(office.books, "FY25-M01/A/1", "1", "r", "again")
    office.write(
        desk.answered(office.books, number, "rule_unclear", "12.50", "the rule reads two ways", "Mo")
    )
    made = office.close(worked(JANUARY, FEBRUARY), "FY25-M02")
    assert made.payments["disputes"].tolist() == [1250]
    assert "line FY25-M01/A/1: the rule reads two ways" in made.lines["arithmetic"].tolist()
    after = office.close(worked(JANUARY, FEBRUARY, ("A", "FY25-M03", "bonus", "", "1.00")), "FY25-M03")
    assert paid(after) == {"A": 100}


@pytest.mark.parametrize(
    ("line", "expected", "said"),
    [
        ("FY25-M01/A/9", "1", "no posted line has the id FY25-M01/A/9. FY25-M01/A has line 1 alone"),
        ("FY25-M01/A/1", "a lot", "write an amount"),
    ],
)
def test_a_dispute_of_no_line_or_no_amount_is_refused(office, line, expected, said):
    office.close(worked(JANUARY), "FY25-M01")
    with pytest.raises((CloseError, ParameterError), match=said.replace("'", ".")):
        desk.disputed(office.books, line, expected, "rule", "reason")


def test_an_answer_names_an_open_dispute_and_a_verdict(office):
    office.close(worked(JANUARY), "FY25-M01")
    office.write(desk.disputed(office.books, "FY25-M01/A/1", "112.50", "r", "x"))
    number = office.books.disputes[0]["entry"]
    with pytest.raises(CloseError, match=f"there is no dispute 1; open are {number}"):
        desk.answered(office.books, 1, "data", "1", "x")
    with pytest.raises(ParameterError, match="with both it would be paid twice"):
        desk.answered(office.books, number, "data", "1", "x")
    with pytest.raises(ParameterError, match="name with --who who decides so"):
        desk.answered(office.books, number, "rule_unclear", "1", "x", "  ")
    with pytest.raises(ParameterError, match="as_shown changes nothing"):
        desk.answered(office.books, number, "as_shown", "1", "x")
    office.write(desk.answered(office.books, number, "as_shown", "0", "the rule says so"))
    with pytest.raises(CloseError, match="is answered"):
        desk.answered(office.books, number, "data", "1", "x")
    assert office.books.open_adjustments() == []


# What a company's tables may hold


def tables(**changed) -> dict[str, pd.DataFrame]:
    day = pd.Timestamp("2025-01-01")
    made = {
        "opportunities": pd.DataFrame({"opportunity_id": ["D1"], "owner_id": ["A"], "is_won": [True],
                                       "close_date": [day], "amount_base": [1.0]}),
        "reps": pd.DataFrame({"rep_id": ["A"]}),
        "quotas": pd.DataFrame({"holder_id": ["A"], "period": ["FY25-Q1"], "quota_base": [1.0]}),
        "plan_assignments": pd.DataFrame({"rep_id": ["A"], "plan_id": ["p"], "start_date": [day],
                                          "end_date": [pd.NaT]}),
    }  # fmt: skip
    return made | changed


@pytest.mark.parametrize(
    ("name", "column", "value", "said"),
    [
        ("opportunities", "owner_id", None, "D1, won on 2025-01-01, has no owner and no credit"),
        ("quotas", "quota_base", -5.0, "A has -5.00 in FY25-Q1; a quota is not negative"),
        ("plan_assignments", "plan_id", "q", "A is on plan 'q', which has no file"),
    ],
)
def test_what_would_pay_the_wrong_thing_is_refused_by_row(name, column, value, said):
    wrong = tables()[name].assign(**{column: [value]})
    with pytest.raises(TableError, match=said.replace("(", ".")):
        refuse_faults(tables(**{name: wrong}), {"p"}, DAY)
    refuse_faults(tables(), {"p"}, DAY)


def test_two_plans_on_one_day_are_refused_by_payee_and_day():
    twice = pd.concat([tables()["plan_assignments"]] * 2).assign(
        start_date=[pd.Timestamp("2025-01-01"), pd.Timestamp("2025-03-01")]
    )
    with pytest.raises(TableError, match="A is on p and p on 2025-03-01; end the first by then"):
        refuse_faults(tables(plan_assignments=twice), {"p"}, DAY)
