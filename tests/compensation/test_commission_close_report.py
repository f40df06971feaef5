"""What a close finds and a statement shows: each rule firing, silent, unknown; pages done again by hand."""

import re
from datetime import date
from decimal import Decimal
from io import BytesIO

import pandas as pd
import pytest
from openpyxl import load_workbook

from salesops_lib import inputs
from salesops_lib.compensation.close import closed, desk, findings, outputs, tables
from salesops_lib.compensation.close.books import read_books
from salesops_lib.compensation.close.contract_costs import Terms
from salesops_lib.compensation.close.draft import CloseError, draft
from salesops_lib.compensation.close.headline import close_cards
from salesops_lib.compensation.close.journal import journal_rows
from salesops_lib.compensation.close.payslip import statements
from salesops_lib.compensation.close.statement_deals import deals_of_lines
from salesops_lib.compensation.close.statement_pages import all_pages, statement_file, statement_page
from salesops_lib.compensation.close.statement_sheet import statement_workbook
from salesops_lib.compensation.close.waiting import waiting
from salesops_lib.compensation.findings import Setting
from salesops_lib.core.charts import short_money
from salesops_lib.core.contracts import checked

DAY = date(2025, 12, 12)


@pytest.fixture(scope="module")
def policy(sample):
    return inputs.open_snapshot(sample, DAY).policy("compensation")


def money(office, *lines, day=date(2025, 3, 3), posts=(), period="FY25-M02", say=(), stood_in=()):
    """(setting-ready day, close, disputes) of lines, after closing ``posts`` and disputing ``say``."""
    books = office.Office()
    for month in posts:
        books.close(office.worked(*(row for row in lines if row[1] <= month)), month)
    for line_id, rule in say:
        books.write(desk.disputed(books.books, line_id, "1.00", rule, "why"), "2025-02-10T12:00:00Z")
    worked = office.worked(*(row for row in lines if row[1] <= period))
    worked = type(worked)(**{**vars(worked), "stood_in": tuple(stood_in)})
    if period in books.books.postings:
        made = closed.as_posted(books.books, period)
    else:
        made = draft(worked, books.books, office.CALENDAR, period, day, preview=True)
    reps = pd.DataFrame(
        {"rep_id": ["A"], "name": ["Ann"], "team": ["T"], "start_date": [pd.Timestamp("2024-01-01")]}
    )
    close = tables.Close(made, worked, books.books, office.CALENDAR, reps)
    return day, close, tables.dispute_rows(books.books, office.CALENDAR, day)


JANUARY = ("A", "FY25-M01", "commission", "D1", 100_00)
FEBRUARY = ("A", "FY25-M02", "commission", "D2", 50_00)
CROWD = tuple((f"P{n}", "FY25-M01", "bonus", "", 10_00) for n in range(10))


def severity(policy, judge, case) -> str:
    day, close, disputes = case
    setting = Setting(policy, day, "USD")
    name = judge.__name__
    if name in {"disputed", "unclear"}:
        found = judge(setting, close, disputes)
    elif name == "ties":
        found = judge(setting, disputes, close.made.period)
    else:
        found = judge(setting, close)
    (one,) = found
    assert one.statement.endswith(".")
    return str(one.severity)


def test_a_month_unposted_on_business_day_six_is_fine_and_on_seven_is_late(policy, office):
    # By hand: February 2025 ends on a Friday; Monday 10 March is business day 6, the 11th day 7.
    on = lambda day: severity(policy, findings.late, money(office, JANUARY, FEBRUARY, day=day))  # noqa: E731
    assert (on(date(2025, 3, 10)), on(date(2025, 3, 11))) == ("OK", "ACT")


def test_a_month_that_runs_or_is_posted_is_not_late(policy, office):
    runs = money(office, JANUARY, FEBRUARY, day=date(2025, 2, 20), posts=["FY25-M01"])
    assert runs[1].made.running
    assert severity(policy, findings.late, runs) == "OK"
    done = money(office, JANUARY, posts=["FY25-M01"], period="FY25-M01", day=date(2025, 6, 1))
    assert severity(policy, findings.late, done) == "OK"


@pytest.mark.parametrize(("disputed", "is_now"), [(0, "OK"), (1, "ACT")])
def test_one_of_eleven_statements_disputed_is_too_many(policy, office, disputed, is_now):
    # 1 ÷ 11 = 9 %, above 5 %.
    say = [("FY25-M01/A/1", "tiers")][:disputed]
    case = money(office, JANUARY, *CROWD, FEBRUARY, posts=["FY25-M01"], say=say)
    assert severity(policy, findings.disputed, case) == is_now


@pytest.mark.parametrize(("times", "is_now"), [(2, "OK"), (3, "ACT")])
def test_a_rule_disputed_three_times_is_unclear(policy, office, times, is_now):
    say = [(f"FY25-M01/P{n}/1", "The Split rule" if n else "the split rule") for n in range(times)]
    case = money(office, JANUARY, *CROWD, FEBRUARY, posts=["FY25-M01"], say=say)
    assert severity(policy, findings.unclear, case) == is_now


def test_before_the_first_posting_disputes_and_corrections_are_unknown(policy, office):
    case = money(office, JANUARY, FEBRUARY)
    for judge in (findings.disputed, findings.unclear, findings.corrected):
        assert severity(policy, judge, case) == "UNKNOWN"


@pytest.mark.parametrize(("now", "is_now"), [(100_00, "OK"), (104_00, "OK"), (130_00, "ACT")])
def test_a_correction_over_a_twentieth_of_the_years_pay_is_found(policy, office, now, is_now):
    # By hand: 30.00 of 150.00 earned this year is 20 %; 4.00 of 150.00 is under 3 %.
    books = money(office, JANUARY, FEBRUARY, posts=["FY25-M01"])[1].books
    worked = office.worked(("A", "FY25-M01", "commission", "D1", now), FEBRUARY)
    made = draft(worked, books, office.CALENDAR, "FY25-M02", date(2025, 3, 3))
    close = tables.Close(
        made, worked, books, office.CALENDAR, pd.DataFrame(columns=["rep_id", "name", "start_date"])
    )
    (found,) = findings.corrected(Setting(policy, date(2025, 3, 3), "USD"), close)
    assert str(found.severity) == is_now


def test_held_pay_above_a_fifth_fires_and_without_holds_nothing_is_known(policy, office):
    # The balance is the engine's: 30.00 held of 150.00 earned is 20 %, 31.00 is more.
    for held, is_now in ((30_00, "OK"), (31_00, "ACT"), (0, "UNKNOWN")):
        day, close, disputes = money(office, JANUARY, FEBRUARY)
        rows = close.made.payments.assign(held_balance=held)
        made = type(close.made)(**{**vars(close.made), "payments": rows})
        close = tables.Close(made, close.worked, close.books, close.calendar, close.reps)
        assert severity(policy, findings.held, (day, close, disputes)) == is_now


def test_draws_owed_above_a_fiftieth_of_the_years_pay_fire(policy, office):
    for owed, paid, is_now in ((3_00, 150_00, "OK"), (4_00, 150_00, "ACT"), (4_00, 0, "UNKNOWN")):
        day, close, disputes = money(office, JANUARY, FEBRUARY)
        rows = close.made.payments.assign(draw_balance=owed, year_paid=paid)
        made = type(close.made)(**{**vars(close.made), "payments": rows})
        close = tables.Close(made, close.worked, close.books, close.calendar, close.reps)
        assert severity(policy, findings.owed, (day, close, disputes)) == is_now


def test_a_quota_of_this_year_that_stands_in_fires_and_one_of_last_year_does_not(policy, office):
    said = "A: no quota in {}; that of the quarter next to it stands in."
    for year, is_now in (("FY25-Q1", "ACT"), ("FY24-Q4", "OK")):
        case = money(office, JANUARY, FEBRUARY, stood_in=[said.format(year)])
        assert severity(policy, findings.stood_in, case) == is_now


def test_an_identity_that_does_not_hold_stops_the_close(policy):
    rows = pd.DataFrame({"check": ["a", "b"], "says": ["1 = 1", "1 = 2"], "holds": [True, False]})
    setting = Setting(policy, DAY, "USD")
    assert [str(f.severity) for f in findings.ties(setting, rows, "FY25-M01")] == ["ACT"]
    assert [str(f.severity) for f in findings.ties(setting, rows[:1], "FY25-M01")] == ["OK"]
    assert [str(f.severity) for f in findings.ties(setting, rows[:0], "FY25-M01")] == ["UNKNOWN"]


def test_pay_above_fifteen_percent_of_bookings_fires_and_under_three_months_is_unknown(policy):
    setting, months = Setting(policy, DAY, "USD"), ["FY25-M01", "FY25-M02", "FY25-M03"]
    for rate, count, is_now in ((0.15, 3, "OK"), (0.16, 3, "ACT"), (0.16, 2, "UNKNOWN")):
        history = pd.DataFrame({"closes": months[:count], "rate": [None, None, rate][-count:],
                                "bookings_base": [Decimal("100.00")] * count})  # fmt: skip
        (found,) = findings.rate(setting, history, months[count - 1])
        assert str(found.severity) == is_now


# The sample


def test_every_table_of_the_close_keeps_its_contract_and_adds_up(november):
    snapshot, made = november.snapshot, november.made
    close = tables.Close(
        made, november.worked, read_books([]), snapshot.company.calendar, snapshot.frame("reps")
    )
    deals, currency = snapshot.frame("opportunities"), snapshot.company.currency
    costs, deal_costs = tables.cost_rows(
        close, deals, Terms({"renewal": 12}, 36), snapshot.frame("contracts")
    )
    payroll = tables.payroll_rows(close)
    history, accrual = tables.history_rows(close, deals, currency), tables.accrual_rows(close)
    checks = tables.check_rows(close, costs, deal_costs, payroll)
    journal = journal_rows(made.payments, deal_costs)
    found = {
        outputs.LINES: tables.line_rows(close), outputs.PAYMENTS: tables.payment_rows(close),
        outputs.PAYROLL: payroll, outputs.MANAGERS: tables.manager_rows(close),
        outputs.FINANCE: tables.finance_rows(close), outputs.ACCRUAL: accrual, outputs.COSTS: costs,
        outputs.DEAL_COSTS: deal_costs, outputs.JOURNAL: journal, outputs.HISTORY: history,
        outputs.CHECKS: checks,
    }  # fmt: skip
    for table, frame in found.items():
        assert len(checked(frame, table)) > 0, table.name
    assert checks["holds"].all()
    assert sum(journal["debit"]) == sum(journal["credit"]) > 0
    assert sum(payroll["amount"]) == sum(found[outputs.PAYMENTS]["paid"])
    assert (costs["remaining"] >= 0).all()
    labels = [card[0] for card in close_cards(close, history, accrual, costs, currency)]
    assert labels[0] == "To be paid, FY26-M10"


def test_held_pay_says_what_waits_for_a_payment_and_what_for_a_bill(november, policy):
    snapshot = november.snapshot
    close = tables.Close(
        november.made, november.worked, read_books([]), snapshot.company.calendar, snapshot.frame("reps")
    )
    (found,) = findings.held(Setting(policy, DAY, "USD"), close)
    rows = waiting(november.worked)
    assert int(rows["held"].sum() * 100) == int(november.made.payments["held_balance"].sum())
    later = float(rows["unbilled"].sum())
    due = float(rows["held"].sum()) - later
    assert later > due > 0  # of yearly invoices the second and third are years ahead
    said = f": {short_money(due)} for invoices not paid, {short_money(later)} for years not billed yet."
    assert found.statement.endswith(said)
    assert found.recommendation.startswith("Chase the oldest unpaid invoices of Rep ")
    assert "Decide whether the plan is to hold pay for what is billed in later years" in found.recommendation


def test_frozen_and_thawed_the_month_comes_to_the_same_hash(november):
    from salesops_lib.compensation.close.closing import work_out
    from salesops_lib.compensation.close.taken import frozen, thawed

    text = frozen(november.taken)
    again = thawed(text)
    assert frozen(again) == text
    made = draft(work_out(again, date(2025, 11, 30)), read_books([]), again.calendar, "FY26-M10", DAY)
    assert made.hash == november.made.hash


def test_a_month_that_still_runs_is_previewed_and_not_drafted(november):
    snapshot = november.snapshot
    made, worked = closed.shown(snapshot, november.texts, read_books([]), "FY26-M11", november.rates)
    assert made.running
    assert worked.through == DAY
    assert closed.status_of(read_books([]), made).startswith("preview, the period runs")
    assert max(pd.to_datetime(made.lines["date"])) <= pd.Timestamp("2025-12-31")
    with pytest.raises(CloseError, match="FY26-M11 ends on 2025-12-31; the data is as of 2025-12-12"):
        closed.drafted_from(snapshot, november.texts, read_books([]), "FY26-M11", november.rates)
    with pytest.raises(CloseError, match="FY26-M12 starts on 2026-01-01"):
        closed.shown(snapshot, november.texts, read_books([]), "FY26-M12", november.rates)


def slips(november):
    return list(statements(november.made, {}, november.worked, "draft"))


def test_a_statement_holds_nobody_elses_pay(november):
    found = slips(november)
    ids = {s.rep_id for s in found}
    paid = {s.rep_id: f"{s.paid:,.2f}" for s in found}
    for one in found:
        page = statement_page("Co", one)
        assert not {i for i in ids - {one.rep_id} if re.search(rf"\b{i}\b", page)}
        others = {v for k, v in paid.items() if k != one.rep_id and len(v) > 7 and v != paid[one.rep_id]}
        assert not [v for v in others if f">{v}<" in page]


def by_hand(text: str) -> Decimal | None:
    """What a line's arithmetic comes to, read off the page; None where it is not one of a curve."""
    words = text.removesuffix(" (capped)").replace(",", "").replace("≈", "").replace("−", "-")
    if "→" in words:
        words = words.rpartition("→")[2]
    words = words.replace(" %", " / 100").replace("×", "*").replace("÷", "/")
    if not re.fullmatch(r"[-0-9.*/+() ]+", words) or not re.search(r"\d", words):
        return None
    numbered = re.sub(r"(\d+(?:\.\d+)?)", r"Decimal('\1')", words)
    return eval(numbered, {"Decimal": Decimal})


def test_every_line_can_be_done_again_from_the_page_alone(november):
    done = 0
    for one in slips(november):
        for row in one.lines.to_dict("records"):
            value = by_hand(str(row["arithmetic"]))
            if value is None:
                continue
            done += 1
            # A cent for the running total's rounding, and what figures cut to six places can be off.
            slack = Decimal("0.011") + (abs(value) * Decimal("0.00001") if "≈" in row["arithmetic"] else 0)
            assert abs(value - row["amount"]) <= slack, (row["line_id"], row["arithmetic"], row["amount"])
    assert done > 40


def test_a_page_says_how_the_plan_pays_with_the_payees_own_target_and_what_is_held(november):
    one = next(s for s in slips(november) if s.rep_id == "R031")
    page = statement_page("Co", one)
    # By hand from the plan file and the tables: 127,200 × 0.25 = 31,800 a quarter, 85 % of it are 27,030.
    assert "31,800 target incentive × 85 % = 27,030" in page
    assert "27,030 ÷ quota 721,000" in page
    held = sum(one.held["amount"], Decimal(0))
    balance = dict(one.balances)["Held until the customer pays"]
    assert held == balance > 0


def test_a_page_has_the_whole_table_that_a_payout_is_read_off(november):
    # The sample's fy26-am-renewal: GRR 0.99 and 1 down, NRR 1.05 and 1.15 across. October's statement has
    # 0.996198 and 1.064232 → 1.251694; by hand 1.251689, for six decimals go in and five are sure.
    one = next(s for s in slips(november) if s.rep_id == "R047")
    page = statement_page("Co", one)
    assert "columns 0.97, 1, 1.05, 1.15), straight between: at 0.96: 0, 0, 0.25, 0.5; " in page
    assert "at 0.99: 0.5, 0.8, 1, 1.4; at 1: 0.6, 1, 1.3, 1.8." in page
    right = (Decimal("1.064232") - Decimal("1.05")) / Decimal("0.1")
    down = (Decimal("0.996198") - Decimal("0.99")) / Decimal("0.01")
    low, high = 1 + Decimal("0.4") * right, Decimal("1.3") + Decimal("0.5") * right
    assert abs(low + (high - low) * down - Decimal("1.251694")) < Decimal("0.00001")


def test_a_bonus_can_be_followed_to_the_events_that_its_measure_counts(november):
    # An SDR's meetings of the month: as many rows as the measure stands at; nobody else's are on the page.
    found = [s for s in slips(november) if s.counted["what"].eq("sum").any()]
    assert len(found) >= 5
    for one in found:
        rows = one.counted[one.counted["what"].eq("")].groupby(["measure", "window"])["value"]
        sums = rows.agg(lambda v: sum(map(number, v)))
        stands = one.measures.set_index(["measure", "window"])["value"]
        for key, value in sums.items():
            assert number(stands[key]) == value
        assert "What the bonus measures count" in statement_page("Co", one)


def number(text: str) -> Decimal:
    return Decimal(text.lstrip("≈").replace(",", ""))


@pytest.mark.parametrize(("credited", "shown"), [("12,000", "12,000.00"), ("24,000", ""), (None, "")])
def test_a_year_of_a_deal_is_shown_where_a_line_counts_it(credited, shown):
    deal = {"deal_id": "D", "date": "2025-01-05", "deal_amount": "24000", "deal_currency": "USD"}
    known = pd.DataFrame([deal | {"bookings": "24000", "acv": "12000", "into": "USD"}])
    lines = pd.DataFrame([{"deal_id": "D", "rule": "owner", "share": "1", "credited": credited}])
    (row,) = deals_of_lines(lines[["deal_id"]], lines, known).to_dict("records")
    assert row["yearly"] == shown


def test_hostile_names_and_ids_stay_text_on_the_page_in_the_file_name_and_in_excel(office):
    evil = "../=1+1<script>"
    worked = office.worked((evil, "FY25-M01", "commission", "=HYPERLINK(1)", 100_00))
    made = draft(worked, read_books([]), office.CALENDAR, "FY25-M01", office.DAY)
    (one,) = statements(made, {evil: "=cmd|' /C calc'!A0"}, None, "draft")
    page = statement_page("<b>Co</b>", one)
    assert "<script>" not in page
    assert "<b>Co</b>" not in page
    assert re.fullmatch(r"statement_[A-Za-z0-9_-]+\.html", statement_file(one, ".html"))
    book = load_workbook(BytesIO(statement_workbook("Co", one)))
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row if c.value is not None]
    assert {c.data_type for c in cells if str(c.value).startswith("=")} == {"s"}
    assert not [c for c in cells if c.data_type == "f"]


def test_a_payee_in_two_currencies_has_a_page_for_each(office):
    worked = office.worked(JANUARY, ("A", "FY25-M01", "bonus", "", 7_00))
    euro = worked.lines["kind"] == "bonus"
    lines = worked.lines.assign(currency=worked.lines["currency"].mask(euro, "EUR"))
    row = worked.payments.iloc[0].to_dict()
    pays = [
        row | {"currency": c, "earned": Decimal(a), "paid": Decimal(a)}
        for c, a in (("USD", "100.00"), ("EUR", "7.00"))
    ]
    payments = pd.DataFrame(pays)
    both = type(worked)(**{**vars(worked), "lines": lines, "payments": payments})
    made = draft(both, read_books([]), office.CALENDAR, "FY25-M01", office.DAY)
    names = [statement_file(s, ".html") for s in statements(made, {}, None, "draft")]
    assert names == ["statement_A_EUR.html", "statement_A_USD.html"]
    assert made.paid == {"EUR": 700, "USD": 10_000}
    assert all_pages("Co", statements(made, {}, None, "draft")).count('class="statement"') == 2
