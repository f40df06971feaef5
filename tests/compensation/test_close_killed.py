"""A posting that is killed (kill -9) between any two of its writes leaves nothing half posted."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from salesops_lib import inputs
from salesops_lib.compensation.close import desk
from salesops_lib.compensation.close.books import LEDGER, read_books
from salesops_lib.compensation.close.draft import draft
from salesops_lib.compensation.close.taken import hash_of

PERIOD, KEPT = "FY25-M01", "what the period rests on"
POINTS = ("replace-1", "fsync", "replace-2", "done-1", "done-2")
"""Before and after the kept inputs get their name, once the new ledger stands beside the old one, and
before and after it takes its place."""
SCRIPT = """
import json, os, signal, sys
from pathlib import Path
from salesops_lib import inputs

def killed():
    os.kill(os.getpid(), signal.SIGKILL)

def post(root, point, rows):
    replace, seen = Path.replace, []
    def counted(self, target):
        seen.append(target)
        if point == f"replace-{len(seen)}":
            killed()
        made = replace(self, target)
        if point == f"done-{len(seen)}":
            killed()
        return made
    Path.replace = counted
    if point == "fsync":
        os.fsync = lambda file: killed()
    inputs.write_frozen(root, "commissions", "FY25-M01", "what the period rests on")
    inputs.append(root, "commissions", lambda ledger, now: rows)

rows, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
for point in sys.argv[3:]:
    child = os.fork()
    if not child:
        post(folder / point, point, rows)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL, point
"""


@pytest.fixture(scope="module")
def signed(office, tmp_path_factory):
    """A company folder with a signed draft, and the entries that would post it."""
    root = tmp_path_factory.mktemp("killed")
    company, desk_ = root / "company", office.Office()
    company.mkdir()
    made = draft(
        office.worked(("A", PERIOD, "commission", "D", 100_00)),
        desk_.books,
        office.CALENDAR,
        PERIOD,
        office.DAY,
    )
    write(company, lambda books: desk.drafted(made, "plans"))
    for role, who in (("manager", "Ada"), ("finance", "Bo")):
        write(company, lambda books, role=role, who=who: desk.approved(books, PERIOD, role, who))
    rows = desk.posted(books_of(company), made, "plans", hash_of(KEPT))
    (root / "rows.json").write_text(json.dumps(rows))
    for point in POINTS:
        shutil.copytree(company, root / point)
    subprocess.run(
        [sys.executable, "-c", SCRIPT, root / "rows.json", root, *POINTS], check=True, env=os.environ
    )
    return root, rows


def write(company, make) -> None:
    inputs.append(company, LEDGER, lambda ledger, _: make(read_books(ledger.entries)))


def books_of(company):
    return read_books(inputs.read_ledger(company, LEDGER).entries)


@pytest.mark.parametrize("point", POINTS)
def test_a_posting_killed_anywhere_is_whole_or_not_there_and_can_be_done_again(signed, point):
    root, rows = signed
    company = root / point
    books = books_of(company)  # refuses a chain that is not whole
    if point == "done-2":
        assert list(books.postings) == [PERIOD]
        assert len(books.lines) == len(books.payments) == 1
        assert hash_of(inputs.read_frozen(company, LEDGER, PERIOD)) == books.postings[PERIOD]["inputs"]
        return
    assert (books.postings, len(books.lines), len(books.payments)) == ({}, 0, 0)
    assert (company / "ledger" / f"{LEDGER}.jsonl").read_bytes() == (
        root / "company" / "ledger" / f"{LEDGER}.jsonl"
    ).read_bytes()
    inputs.write_frozen(company, LEDGER, PERIOD, KEPT)
    write(company, lambda _: rows)
    assert list(books_of(company).postings) == [PERIOD]
