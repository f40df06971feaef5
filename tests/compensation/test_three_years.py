"""Three fiscal years of the sample's plans, closed month by month: ledger, payroll and journal agree.

A few payees of the sample, on every plan, with their manager and engineer. The tables are read once; ledger
and kept inputs stand in a company folder, as the commands write them.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl import load_workbook

from salesops_lib import inputs
from salesops_lib.compensation.close import closed, desk, tables
from salesops_lib.compensation.close.books import LEDGER, read_books
from salesops_lib.compensation.close.contract_costs import Terms
from salesops_lib.compensation.close.draft import CloseError
from salesops_lib.compensation.close.journal import journal_rows
from salesops_lib.compensation.close.payroll_file import payroll_of
from salesops_lib.compensation.close.payroll_layout import Layout
from salesops_lib.compensation.close.payslip import statements
from salesops_lib.compensation.close.statement_sheet import statement_workbook
from salesops_lib.compensation.close.taken import frozen, hash_of
from salesops_lib.compensation.engine.counted import TOTALS
from salesops_lib.core.money import to_cents

PAYEES = ("R027", "R029", "R031", "R032", "R047", "R054", "R059", "R066")
MONTHS = tuple(f"FY{year}-M{month:02d}" for year in (24, 25, 26) for month in range(1, 13))[:34]
"""February 2023 to November 2025: the sample's last full month."""
LAST = date(2025, 11, 30)
RESTATED = {"FY24-M09": 0.5, "FY25-M03": 1.25, "FY26-M02": 0.0}
"""Before this month is closed, a deal of the months before turns out to be worth so much of what it was."""


@dataclass(frozen=True, eq=False)
class Few:
    """A snapshot of a few payees: what :func:`closed.drafted_from` asks of one."""

    whole: Any
    frames: dict[str, pd.DataFrame]

    @property
    def company(self):
        return self.whole.company

    @property
    def as_of(self) -> date:
        return self.whole.as_of

    def has(self, name: str) -> bool:
        return name in self.frames

    def frame(self, name: str) -> pd.DataFrame:
        return self.frames[name]

    @lru_cache(maxsize=4)  # noqa: B019
    def policy(self, name: str):
        return self.whole.policy(name)


def few(sample: Path) -> Few:
    """The payees, and of all deals those that they alone sold; other engineers' overlays are left out."""
    whole = inputs.open_snapshot(sample, "2025-12-12")
    frames = closed.tables_of(whole)
    deals, credits = frames["opportunities"], frames["credits"]
    sold = credits[credits["credit_type"] != "overlay"]
    others = set(sold.loc[~sold["rep_id"].isin(PAYEES), "opportunity_id"])
    mine = deals[deals["owner_id"].isin(PAYEES) & ~deals["opportunity_id"].isin(others)]
    keep = {"opportunity_id": set(mine["opportunity_id"]), "rep_id": set(PAYEES), "holder_id": set(PAYEES)}
    keep["owner_id"] = keep["rep_id"]
    leads = frames["leads"]
    frames["leads"] = leads[leads["lead_id"].str.endswith(("0", "5"))]  # of one SDR's thousand, a fifth
    cut = {"credits": "opportunity_id", "leads": "owner_id", "measure_events": "holder_id",
           "line_items": "opportunity_id", "invoices": "opportunity_id", "contracts": "opportunity_id",
           "plan_assignments": "rep_id"}  # fmt: skip
    less = {name: frames[name][frames[name][column].isin(keep[column])] for name, column in cut.items()}
    quotas = frames["quotas"]
    reps = frames["reps"]
    less["reps"] = reps[reps["rep_id"].isin({*PAYEES, *reps["manager_id"]})]
    less["credits"] = less["credits"][less["credits"]["rep_id"].isin(PAYEES)]
    less["quotas"] = quotas[(quotas["level"] != "rep") | quotas["holder_id"].isin(PAYEES)]
    return Few(whole, frames | less | {"opportunities": mine})


def restated(company: Few, deal: str, times: float) -> Few:
    """The deal's amount is another one from now on."""
    deals = company.frames["opportunities"]
    here = deals["opportunity_id"] == deal
    more = {c: deals[c].mask(here, (deals[c] * times).round(2)) for c in ("amount", "amount_base")}
    return replace(company, frames=company.frames | {"opportunities": deals.assign(**more)})


class Company:
    """A company folder with a ledger, closed month by month as the commands do it."""

    def __init__(self, root: Path, sample: Path) -> None:
        self.root, self.now = root, few(sample)
        self.texts, self.rates = inputs.plan_files(sample), inputs.plan_rates(self.now.whole)
        self.closes: dict[str, tables.Close] = {}
        self.books, self.taken = read_books(()), None

    @property
    def entries(self):
        return inputs.read_ledger(self.root, LEDGER).entries

    def drafted(self, period: str):
        """The draft, all it is of, and the inputs, which are taken once as long as no table changes."""
        if self.taken is None:
            self.read = closed.tables_of(self.now)
            self.taken = closed.taken_from(self.now, self.read, self.texts, LAST, self.rates)
        made, worked = closed.drafted_on(self.taken, self.read, self.books, period, self.now.as_of)
        return made, worked, self.taken

    def write(self, make) -> None:
        inputs.append(self.root, LEDGER, lambda ledger, _: make(read_books(ledger.entries)))

    def close(self, period: str) -> None:
        """Draft, both signatures, posting, with the inputs that it rests on."""
        made, worked, taken = self.drafted(period)
        plans, text = desk.fingerprint(taken.plan_texts), frozen(taken)
        self.write(lambda _: desk.drafted(made, plans))
        for role, who in (("manager", "Ada"), ("finance", "Bo")):
            self.write(lambda books, role=role, who=who: desk.approved(books, period, role, who))
        inputs.write_frozen(self.root, LEDGER, period, text)
        self.write(lambda books: desk.posted(books, made, plans, hash_of(text)))
        self.books, calendar = read_books(self.entries), self.now.company.calendar
        self.closes[period] = tables.Close(made, worked, self.books, calendar, self.now.frame("reps"))

    def restate(self, before: str, times: float) -> str:
        """The dearest deal of the three months before comes to another amount."""
        at = MONTHS.index(before)
        lines = pd.concat([self.closes[m].made.lines for m in MONTHS[at - 3 : at]])
        deal = lines[lines["kind"] == "commission"].sort_values("cents")["deal_id"].iloc[-1]
        self.now, self.taken = restated(self.now, deal, times), None
        return deal


@pytest.fixture(scope="module")
def company(sample, tmp_path_factory):
    """All months closed; ``changed``: month → the deal that was restated before it."""
    made = Company(tmp_path_factory.mktemp("years"), sample)
    made.changed = {}
    for period in MONTHS:
        if period in RESTATED:
            made.changed[period] = made.restate(period, RESTATED[period])
        made.close(period)
    return made


def test_three_years_of_months_are_posted_and_the_chain_is_whole(company):
    books = read_books(company.entries)  # read_ledger refuses a chain that is not whole
    assert tuple(books.postings) == MONTHS
    plans = set(books.lines["plan_id"].dropna()) - {""}
    versions = {(p, v) for p, v in zip(books.lines["plan_id"], books.lines["plan_version"], strict=True) if v}
    assert plans == {"ae-commercial", "ae-enterprise", "am-renewal", "manager-and-se-overlay", "sdr-outbound"}
    assert {p: len({v for q, v in versions if q == p}) for p in plans} == dict.fromkeys(plans, 3)
    assert set(books.payments["rep_id"]) == set(PAYEES)


def test_closed_months_are_worked_out_again_to_the_byte_and_cannot_be_closed_again(company):
    entries = company.entries
    books = read_books(entries)
    for period in MONTHS:
        made, plans, _ = closed.again(entries, period, inputs.read_frozen(company.root, LEDGER, period))
        assert "to the byte" in desk.same_again(books, made, plans)
    with pytest.raises(CloseError, match=r"FY25-M06 is closed since .* and stays as it is"):
        company.drafted("FY25-M06")


@pytest.fixture(scope="module")
def slips(company):
    """Month → its statements."""
    return {p: list(statements(c.made, c.names, c.worked, "posted")) for p, c in company.closes.items()}


def test_statements_ledger_payroll_and_journal_come_to_the_same_cent_in_every_month(company, slips):
    # The journal at each quarter's end: it works the asset of all months out anew.
    terms = Terms({"renewal": 12}, 36)
    books, deals = read_books(company.entries), company.now.frame("opportunities")
    for period, close in company.closes.items():
        mine = slips[period]
        paid = {s.rep_id: sum(s.lines["amount"], Decimal(0)) for s in mine}
        assert paid == {s.rep_id: s.paid for s in mine} == {s.rep_id: total(s.moves) for s in mine}
        lines = books.lines[books.lines["closes"] == period]
        posted = {c: int(part["cents"].sum()) for c, part in lines.groupby("currency")}
        payments = books.payments[books.payments["closes"] == period]
        assert sum(posted.values()) == payments["paid"].sum() == sum(to_cents(pd.Series(paid)))
        payroll = payroll_of(books, period, company.now, Layout()).sums
        assert payroll == {code: cents for code, cents in posted.items() if cents}
        if int(period[-2:]) % 3:
            continue
        _, deal_costs = tables.cost_rows(close, deals, terms, company.now.frame("contracts"))
        journal = journal_rows(close.made.payments, deal_costs)
        assert sum(journal["debit"]) == sum(journal["credit"])
        payable = journal[journal["account"] == "commission payable"]
        assert sum(payable["credit"]) * 100 == sum(posted.values())


def total(moves) -> Decimal:
    return sum((amount for _, amount in moves), Decimal(0))


def test_every_line_without_a_deal_can_be_followed_to_rows_that_come_to_its_measure(company, slips):
    parts = set()
    for period, close in company.closes.items():
        lines, worked = close.made.lines, close.worked.lines
        for one in slips[period]:
            ends = one.counted[one.counted["what"].isin(TOTALS)]
            known = set(zip(ends["window"], ends["value"], strict=True))
            mine = lines[(lines["rep_id"] == one.rep_id) & lines["deal_id"].fillna("").eq("")]
            for row in mine[mine["kind"].isin(["bonus", "adjustment"])].itertuples():
                assert (row.window, row.measure_after or "") in known, (period, one.rep_id, row.part)
                parts.add(row.part)
            for row in mine[mine["kind"] == "pool"].itertuples():
                funding = row.arithmetic.partition(" ×")[0]
                assert (row.window, funding) in known, (period, one.rep_id, row.part)
                parts.add(row.part)
            for row in mine[(mine["kind"] == "correction") & mine["of_kind"].eq("bonus")].itertuples():
                now = worked[(worked["rep_id"] == one.rep_id) & (worked["closes"] == row.origin)]
                now = now[(now["kind"] == "bonus") & (now["part"] == row.part)]
                assert all((n.window, n.measure_after or "") in known for n in now.itertuples())
                parts.add("corrected " + row.part)
    assert {"quarterly_mbo", "retention_matrix", "team_quota_bonus", "participation", "meetings"} <= parts
    assert {"se_pool", "corrected team_quota_bonus"} <= parts


def test_the_rows_behind_a_line_come_to_their_last_row_and_that_to_the_measure_of_the_page(slips):
    # Added up here from the rows alone: a sum, a ratio of two sums, a last score, reports at quota.
    kinds = set()
    for one in (s for period in MONTHS if int(period[-2:]) % 3 == 0 for s in slips[period]):
        for (measure, window, _), rows in one.counted.groupby(["measure", "window", "through"], sort=False):
            *above, last = rows.to_dict("records")
            counts, of = ([number(r[c]) for r in above] for c in ("value", "weight"))
            if "quota" in "".join(r["what"] for r in above):
                hits = [c >= o for c, o in zip(counts, of, strict=True)]
                assert hits == [r["what"] == "at quota" for r in above]
                told = Decimal(sum(hits)) / len(hits)
                kinds.add("reports at quota")
            else:
                told = {"sum": sum(counts), "last": counts[-1] if counts else None, "ratio": None}
                told["ratio"] = sum(counts) / sum(of) if sum(of) else None
                told = told[last["what"]]
                kinds.add(last["what"])
                stands = one.measures[
                    (one.measures["measure"] == measure) & (one.measures["window"] == window)
                ]
                assert not len(stands) or last["value"] in set(stands["value"].fillna(""))
            assert (last["value"] == "") == (told is None)
            assert told is None or abs(number(last["value"]) - told) < Decimal("0.000001")
    assert kinds == {"sum", "ratio", "last", "reports at quota"}


def test_the_workbook_has_the_rows_behind_the_lines_as_numbers_that_can_be_added(slips):
    one = next(s for s in slips["FY26-M09"] if s.counted["what"].str.endswith("quota").any())
    book = load_workbook(BytesIO(statement_workbook("Co", one)))
    assert {"Lines", "Deals", "Measures", "Counted", "Plan"} >= set(book.sheetnames) - {"Statement", "Held"}
    head, *rows = book["Counted"].iter_rows(values_only=True)
    assert head == tuple(one.counted.columns)
    value, what = head.index("value"), head.index("what")
    sums = [r for r in rows if r[what] == "sum"]
    counted = one.counted[one.counted["measure"].eq(sums[0][0]) & one.counted["what"].ne("sum")]
    added = sum(Decimal(repr(r[value])) for r in rows if r[0] == sums[0][0] and r[what] != "sum")
    assert len(rows) == len(one.counted)
    assert len(counted) > 5
    assert added == Decimal(repr(sums[0][value]))


def number(text: str) -> Decimal:
    return Decimal(text.lstrip("≈").replace(",", ""))


def test_corrections_post_only_the_difference_and_only_where_something_changed(company):
    books = read_books(company.entries)
    late = books.lines[books.lines["kind"] == "correction"]
    carried = late["of_kind"] == "carried"
    assert set(late.loc[~carried, "closes"]) == set(RESTATED)
    for period, deal in company.changed.items():
        mine = books.lines[(books.lines["deal_id"] == deal) & (books.lines["of_kind"] == "commission")]
        was = mine.loc[mine["kind"] == "commission", "cents"].sum()
        moved = mine.loc[(mine["closes"] == period) & (mine["kind"] == "correction"), "cents"].sum()
        worked = company.closes[period].worked.lines
        now = to_cents(
            worked.loc[(worked["deal_id"] == deal) & (worked["kind"] == "commission"), "amount"]
        ).sum()
        assert was > 0
        assert moved == now - was != 0
        # By hand for a deal that comes to nothing: all of it is taken back.
        assert RESTATED[period] or moved == -was
    assert int(books.lines["cents"].sum()) == int(
        to_cents(company.closes[MONTHS[-1]].worked.lines["amount"]).sum()
    )
