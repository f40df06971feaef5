"""Laws of the close, whatever is restated when: nothing is lost, no posting changes, nobody is below 0."""

import random

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from salesops_lib.compensation.close.books import MOVES
from salesops_lib.compensation.close.draft import draft

MONTHS = ("FY25-M11", "FY25-M12", "FY26-M01", "FY26-M02")  # over a fiscal year's end
PAYEES = tuple(f"P{number:02d}" for number in range(100))
KINDS, DEALS = ("commission", "bonus", "hold", "clawback"), ("D1", "D2", "")
thousand = settings(
    max_examples=10, phases=[Phase.generate]
)  # × 100 payees: 1,000; a seed has no smaller form
seeds = st.integers(0, 2**32)


def known(chance: random.Random) -> list:
    """What is known at a close: of every payee any lines of any month so far, restated in any way."""
    return [
        (rep, chance.choice(MONTHS[:3]), chance.choice(KINDS), chance.choice(DEALS),
         chance.randint(-30_000, 90_000))
        for rep in PAYEES for _ in range(chance.randint(0, 8))
    ]  # fmt: skip


def engine_like(lines) -> list:
    """Lines as an engine can give them: no month pays a payee less than 0, holds and clawbacks take."""
    made = [(r, m, k, d, -abs(c) if k in {"hold", "clawback"} else c) for r, m, k, d, c in lines]
    sums: dict[tuple, int] = {}
    for r, m, _, _, c in made:
        sums[r, m] = sums.get((r, m), 0) + c
    return made + [(r, m, "overpayment", "", -c) for (r, m), c in sorted(sums.items()) if c < 0]


def up_to(lines, month: str) -> list:
    return [row for row in lines if row[1] <= month]


@given(seed=seeds)
@thousand
def test_whatever_was_known_when_payees_end_up_with_what_is_known_last_and_what_is_posted_stays(office, seed):
    chance = random.Random(seed)
    versions, desk, kept = [known(chance) for _ in MONTHS[:3]], office.Office(), {}
    for month, lines in zip(MONTHS[:3], versions, strict=True):
        found = office.worked(*engine_like(up_to(lines, month)), ("Z", month, "bonus", "", 1))
        before = desk.books
        made = desk.close(found, month)
        kept[month] = (found, before, made)
    last = engine_like(versions[-1])
    made = desk.close(office.worked(*last, *(("Z", m, "bonus", "", 1) for m in MONTHS)), MONTHS[3])
    books = desk.books
    all_due_is_paid(books, last, made)
    lines_are_payments(books)
    corrections_are_differences(books, versions)
    month = chance.choice(MONTHS[:3])
    found, before, posted = kept[month]
    now = books.lines[books.lines["closes"] == month].reset_index(drop=True)
    assert now["cents"].tolist() == posted.lines["cents"].tolist()
    assert draft(found, before, office.CALENDAR, month, office.DAY).hash == posted.hash


def corrections_are_differences(books, versions) -> None:
    """By payee and month of origin: the second close corrects the first by what is known now less then."""
    first, second = (engine_like(up_to(v, m)) for v, m in zip(versions[:2], MONTHS[:2], strict=True))
    late = books.lines[(books.lines["closes"] == MONTHS[1]) & (books.lines["kind"] == "correction")]
    late = late[late["of_kind"] != "carried"]
    paid = late.groupby("rep_id")["cents"].sum().to_dict()
    for rep in PAYEES:
        was, now = (sum(c for r, m, _, _, c in v if (r, m) == (rep, MONTHS[0])) for v in (first, second))
        assert paid.get(rep, 0) == now - was


def all_due_is_paid(books, last, made) -> None:
    """Each payee has, over all closes, what is known last, but for what is carried on."""
    posted = pd.concat([books.lines, books.opening]).groupby("rep_id")["cents"].sum().to_dict()
    carried = made.payments.groupby("rep_id")["carried"].sum().to_dict()
    for rep in PAYEES:
        due = sum(c for r, _, _, _, c in last if r == rep)
        assert posted.get(rep, 0) == due + carried.get(rep, 0)
    assert min(carried.values()) >= 0


def lines_are_payments(books) -> None:
    """Σ lines = Σ payments of each payee and close, and no payment is below 0."""
    sums = books.lines.groupby(["closes", "rep_id"])["cents"].sum()
    paid = books.payments.set_index(["closes", "rep_id"])["paid"]
    assert sums.to_dict() == paid[paid.index.isin(sums.index)].to_dict()
    assert (books.payments["paid"] >= 0).all()
    assert (books.payments[list(MOVES)].sum(axis=1) == books.payments["paid"]).all()


@given(seed=seeds)
@thousand
def test_the_order_of_lines_changes_no_payment(office, seed):
    chance = random.Random(seed)
    rows = engine_like(up_to(known(chance), MONTHS[0])) or [("A", MONTHS[0], "bonus", "", 1)]
    mixed = chance.sample(rows, len(rows))
    books, day = office.Office().books, office.DAY
    one, two = (draft(office.worked(*r), books, office.CALENDAR, MONTHS[0], day) for r in (rows, mixed))
    pd.testing.assert_frame_equal(one.payments, two.payments)


@pytest.mark.parametrize("late", [True, False])
def test_a_batch_may_be_cut_anywhere(office, late):
    # 100 and 50 known in one close or in two: the payee has 150 in the end.
    desk = office.Office()
    both = [("A", MONTHS[0], "commission", "D1", 10_000), ("A", MONTHS[0], "commission", "D2", 5_000)]
    desk.close(office.worked(*(both[:1] if late else both)), MONTHS[0])
    desk.close(office.worked(*both, ("Z", MONTHS[1], "bonus", "", 1)), MONTHS[1])
    paid = desk.books.payments
    assert int(paid.loc[paid["rep_id"] == "A", "paid"].sum()) == 15_000
