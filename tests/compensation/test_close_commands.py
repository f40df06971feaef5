"""`salesops comp close … post` on a copy of the sample: a fiscal year's end, a correction in between."""

import csv
import shutil

import pytest

from salesops_lib import cli
from salesops_lib.compensation.close.books import LEDGER, read_books
from salesops_lib.inputs.ledger import read_ledger
from salesops_lib.publish.rendering import printing

JANUARY, FEBRUARY = "FY25-M12", "FY26-M01"


@pytest.fixture(scope="module")
def company(sample, tmp_path_factory):
    """The sample with the people of one plan: what a close costs is mostly the number of plans."""
    folder = tmp_path_factory.mktemp("close") / "company"
    shutil.copytree(sample, folder, ignore=shutil.ignore_patterns(".cache", "*.duckdb"))
    rewrite(folder, "plan_assignments", lambda rows: [r for r in rows if r["plan_id"] == "ae-commercial"])
    return folder


def rewrite(folder, table: str, change) -> None:
    """Rewrite a table's rows."""
    path = folder / "tables" / f"{table}.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, names, lineterminator="\n")
        out.writeheader()
        out.writerows(change(rows))


@pytest.fixture
def comp(company, capfd):
    """Run `salesops comp` on the company: (code, out, err)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run_command(["comp", *arguments, "--data", str(company)])
        return code, *capfd.readouterr()

    return run


def sign(comp, period: str) -> None:
    for role, who in (("manager", "Ada"), ("finance", "Bo")):
        assert comp("approve", "--period", period, "--role", role, "--who", who)[0] == 0


def books_of(company):
    return read_books(read_ledger(company, LEDGER).entries)


def test_a_quota_that_is_missing_refuses_the_close_by_row_and_writes_nothing(comp, company):
    code, out, err = comp("close", "--period", JANUARY, "--as-of", "2025-02-07")
    assert (code, out) == (2, "")
    assert err == (
        "error: quotas: R002 has none above 0 in FY25-Q4 and is on a plan that pays by it; "
        "enter that of the quarter or of each of its three months (a year's is not divided), "
        "pay is not guessed\n"
    )
    assert not (company / "ledger" / f"{LEDGER}.jsonl").exists()


def test_two_months_over_a_fiscal_years_end_are_closed_and_a_late_change_pays_its_difference(comp, company):
    entered = {"holder_id": "R002", "level": "rep", "period": "FY25-Q4", "measure": "bookings",
               "recorded_at": "2024-10-05T15:00:00Z", "parent_id": "",
               "quota_base": "200000.0", "currency": "USD",
               "ramp_share": "1.0"}  # fmt: skip
    rewrite(company, "quotas", lambda rows: [*rows, entered])
    code, out, err = comp("close", "--period", JANUARY, "--as-of", "2025-02-07")
    assert (code, err) == (0, "")
    assert "to be signed" in out
    code, _, err = comp("post", "--period", JANUARY)
    assert code == 2
    assert "FY25-M12 is not signed by manager and finance" in err
    sign(comp, JANUARY)
    assert comp("post", "--period", JANUARY)[0] == 0
    posted = books_of(company).lines
    # Late: one rep's MBO score of the quarter turns out to be 0.5, which pays nothing. January stays.
    line = posted[(posted["part"] == "quarterly_mbo") & (posted["cents"] > 0)].iloc[0]

    def lower(rows: list[dict]) -> list[dict]:
        mine = (line["rep_id"], "mbo_score")
        for row in rows:
            if (row["holder_id"], row["measure"]) == mine and row["at"][:10] in {"2025-01-31", "2025-02-01"}:
                row["value"] = "0.5"
        return rows

    rewrite(company, "measure_events", lower)
    code, out, err = comp("verify", "--period", JANUARY)
    assert (code, err) == (0, "")
    assert "FY25-M12 recomputes to the byte" in out
    for refused in (
        ("close", "--period", JANUARY),
        ("approve", "--period", JANUARY, "--role", "manager", "--who", "X"),
    ):
        code, _, err = comp(*refused)
        assert code == 2
        assert "FY25-M12 is closed since" in err
    assert comp("close", "--period", FEBRUARY, "--as-of", "2025-03-05")[0] == 0
    sign(comp, FEBRUARY)
    assert comp("post", "--period", FEBRUARY)[0] == 0
    books = books_of(company)
    late = books.lines[(books.lines["closes"] == FEBRUARY) & (books.lines["kind"] == "correction")]
    assert late["rep_id"].tolist() == [line["rep_id"]]
    assert late["origin"].tolist() == [JANUARY]
    assert late["cents"].item() == -line["cents"]
    # The fiscal year's sums start anew with February; January's lines are as they were posted.
    paid = books.payments[books.payments["closes"] == FEBRUARY]
    assert (paid["year_paid"] == paid["paid"]).all()
    now = books.lines[books.lines["closes"] == JANUARY].reset_index(drop=True)
    assert now.equals(posted.reset_index(drop=True))


def test_what_changed_after_signing_is_not_posted_and_nothing_is_written(comp, company):
    assert comp("close", "--period", "FY26-M02", "--as-of", "2025-04-04")[0] == 0
    sign(comp, "FY26-M02")
    plan = company / "plans" / "fy26-ae-commercial.yaml"
    before = plan.read_text()
    plan.write_text(before.replace("{from: 0, rate: 0.8}", "{from: 0, rate: 0.79}"))
    ledger = (company / "ledger" / f"{LEDGER}.jsonl").read_bytes()
    code, _, err = comp("post", "--period", "FY26-M02")
    plan.write_text(before)
    assert code == 2
    assert err.count("\n") == 1
    assert (company / "ledger" / f"{LEDGER}.jsonl").read_bytes() == ledger
    assert not (company / "ledger" / LEDGER / "FY26-M02.json.gz").exists()


def test_statements_of_a_posted_month_are_written_one_payee_a_file(comp, company, tmp_path, monkeypatch):
    monkeypatch.setattr(printing, "browser", lambda: None)
    code, out, _ = comp("statements", "--period", JANUARY, "--to", str(tmp_path / "out"))
    assert code == 0
    assert out.splitlines()[1:] == [printing.NO_BROWSER]
    pages = sorted((tmp_path / "out").glob("*.html"))
    assert f"{len(pages)} statements of FY25-M12 (posted" in out
    assert len(list((tmp_path / "out").glob("*.xlsx"))) == len(pages) > 10
    page = pages[0].read_text()
    assert "How your plan pays" in page
    assert "Where your measures stand" in page


def test_kept_inputs_that_are_gone_or_changed_are_told(comp, company):
    kept = company / "ledger" / LEDGER / f"{JANUARY}.json.gz"
    whole = kept.read_bytes()
    kept.unlink()
    code, _, err = comp("verify", "--period", JANUARY)
    assert code == 2
    assert "FY25-M12.json.gz is gone; restore it from a backup" in err
    kept.write_bytes(whole[:-20])
    assert comp("verify", "--period", JANUARY)[0] == 2
    kept.write_bytes(whole)
    assert comp("verify", "--period", JANUARY)[0] == 0
    code, _, err = comp("verify", "--period", "FY26-M09")
    assert code == 2
    assert "FY26-M09 is not closed; closed last: FY26-M01" in err


def test_a_posted_month_goes_to_payroll_in_the_vendors_columns_and_is_not_reopened(comp, company, tmp_path):
    period = books_of(company).last
    (company / "policy").mkdir(exist_ok=True)
    (company / "policy" / "payroll.yaml").write_text(
        "file: vendor.csv\ndelimiter: ';'\ncolumns: [{name: Who, from: rep_id}, {name: Sum, from: amount}]\n"
    )
    code, out, _ = comp("payroll", "--period", period, "--to", str(tmp_path))
    rows = (tmp_path / "vendor.csv").read_text().splitlines()
    assert (code, rows[0], len(rows) > 5) == (0, "Who;Sum", True)
    assert out.startswith(f"{len(rows) - 1} rows of {period} in {tmp_path / 'vendor.csv'}: ")
    code, _, err = comp("reopen", "--period", period)
    assert (code, "is never opened again: mend the data" in err) == (2, True)
