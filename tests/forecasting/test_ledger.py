"""The ledger of submitted forecasts: append-only, chained, whole batches, known from its own day on."""

import io
import json
import threading
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from openpyxl import Workbook

from salesops_lib import cli, inputs
from salesops_lib.core import periods
from salesops_lib.core.errors import ParameterError
from salesops_lib.forecasting.submissions import Scene, check_rows
from salesops_lib.inputs import ledger, submissions
from salesops_lib.inputs.ledger import LedgerError

COMPANY = """\
schema_version: 1
name: Tiny
reporting_currency: USD
time_zone: America/New_York
fiscal_calendar: {kind: months, first_month: 2, named_by: end}
"""
OPPORTUNITIES = """\
opportunity_id,created_date,close_date,recorded_at,stage,is_closed,is_won,amount_base
A,2025-11-03,2025-12-01,2025-12-01T15:00:00Z,Closed Won,true,true,120
"""
REPS = """\
rep_id,start_date,end_date,name,team,region,manager_id
R1,2024-01-01,,Rep 1,North,EMEA,M1
R2,2024-01-01,,Rep 2,North,EMEA,M1
R3,2024-01-01,,Rep 3,South,EMEA,M2
M1,2020-01-01,,Head of North,North,EMEA,D1
M2,2020-01-01,,Head of South,South,EMEA,D1
D1,2020-01-01,,Director,,EMEA,
"""
CALLED = """\
submitted_at,rep_id,period,category,amount_base
2025-11-10T16:00:00Z,R1,FY26-Q4,Commit,100
"""
NOON = datetime(2025, 12, 9, 17)  # UTC: noon in New York
NAME = submissions.TABLE


@pytest.fixture
def company(tmp_path) -> Path:
    root = tmp_path / "tiny"
    (root / "tables").mkdir(parents=True)
    (root / "company.yaml").write_text(COMPANY)
    tables = {"opportunities": OPPORTUNITIES, "reps": REPS, NAME: CALLED}
    for name, text in tables.items():
        (root / "tables" / f"{name}.csv").write_text(text)
    return root


@pytest.fixture
def forecast(company, capfd, monkeypatch):
    """``salesops forecast …`` on the company at noon of 2025-12-09: exit code, stdout, stderr."""
    monkeypatch.setattr(ledger, "moment", lambda: NOON)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run_command(["forecast", *arguments, "--data", str(company)])
        told = capfd.readouterr()
        return code, told.out, told.err

    return run


def call(**changed) -> list[str]:
    """The options of one call."""
    said = {"who": "R1", "period": "FY26-Q4", "category": "Commit", "amount": "120000.50"} | changed
    return [part for name, value in said.items() for part in (f"--{name}", str(value))]


def lines(root: Path) -> list[dict]:
    path = ledger.ledger_file(root, NAME)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_call_becomes_an_entry_with_who_node_period_category_amount_when_and_why(forecast, company):
    code, out, err = forecast("submit", *call(reason="two deals at legal", when="2025-12-08"))
    assert (code, err) == (0, "")
    (entry,) = lines(company)
    said = {k: v for k, v in entry.items() if k != "hash"}
    assert said == {
        "entry": 1, "recorded_at": "2025-12-09T17:00:00Z", "submitted_at": "2025-12-08T17:00:00Z",
        "rep_id": "R1", "level": "rep", "node_id": "R1", "period": "FY26-Q4", "category": "Commit",
        "amount": "120000.50", "currency": "USD", "note": "two deals at legal", "corrects": None,
        "amount_base": "120000.50",
    }  # fmt: skip
    assert entry["hash"][:12] in out


@pytest.mark.parametrize(
    ("who", "level", "node"),
    [("R2", "rep", "R2"), ("M1", "team", "North"), ("D1", "region", "EMEA")],
)
def test_without_a_node_a_call_is_about_what_its_submitter_heads(forecast, company, who, level, node):
    assert forecast("submit", *call(who=who))[0] == 0
    assert (lines(company)[0]["level"], lines(company)[0]["node_id"]) == (level, node)


@pytest.fixture(scope="module")
def scene() -> Scene:
    """What the tiny company checks a row against."""
    return Scene(
        company="Tiny", calendar=periods.monthly(2, range(2024, 2028)), zone=ZoneInfo("America/New_York"),
        currency="USD", categories=("Best Case", "Closed", "Commit", "Pipeline"), entries=(), now=NOON,
        reps=pd.read_csv(io.StringIO(REPS), parse_dates=["start_date", "end_date"]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"who": "R9"}, "there is no rep 'R9'. Look it up in the table reps"),
        ({"who": None}, "who is missing; give who, period, category and amount"),
        ({"period": "FY26Q4"}, "'FY26Q4' is not a period; write FY26, FY26-Q2 or FY26-M05"),
        ({"period": "FY26-Q3"}, "FY26-Q3 ended before 2025-12-09; a call made after the end is no forecast"),
        ({"period": "FY60-Q1"}, "period 'FY60-Q1' is outside the fiscal calendar"),
        ({"category": "Comit"}, "'Comit' is no category. Did you mean 'Commit'?"),
        ({"amount": "120,000"}, "amount is '120,000'; write digits and a point, such as 120000.50"),
        ({"amount": "-5"}, "amount is '-5'; write digits and a point"),
        ({"amount": -5}, "amount is -5; write 0 or more"),
        ({"amount": float("inf")}, "amount is inf; write 0 or more"),
        ({"amount": True}, "amount is True; write a number"),
        ({"when": "2025-12-10"}, "which is still to come"),
        ({"when": "9 Dec"}, "when is '9 Dec'; write 2025-12-12"),
        ({"level": "squad", "node": "North"}, "level is 'squad'; a node needs one of rep, team"),
        ({"node": "North"}, "level is None; a node needs one of rep, team"),
        ({"level": "team", "node": "Nort"}, "there is no team 'Nort'. Did you mean 'North'?"),
        ({"level": "team"}, "level is team and no node is named; name the team"),
        ({"reason": "x" * 501}, "reason has 501 characters"),
        ({"corrects": "7"}, "corrects is 7; the ledger has entries 1 to 0"),
        ({"colour": "red"}, "'colour' is no column"),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_what_to_write(scene, changed, said):
    row = {"who": "R1", "period": "FY26-Q4", "category": "Commit", "amount": "120000.50"} | changed
    made, faults = check_rows([row], scene)
    assert made == []
    assert said in faults[0]


@pytest.mark.parametrize(
    ("changed", "said"), [({"who": "R9"}, "no rep 'R9'"), ({"currency": "EUR"}, "an amount in EUR")]
)
def test_a_refused_call_is_one_line_and_nothing_is_written(forecast, company, changed, said):
    code, out, err = forecast("submit", *call(**changed))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert lines(company) == []


@pytest.mark.parametrize(
    ("when", "stamp"),
    [
        (None, "2025-12-09T17:00:00Z"),
        ("2025-12-09", "2025-12-09T17:00:00Z"),  # today is now
        ("2025-12-08", "2025-12-08T17:00:00Z"),  # a day alone is its noon in New York
        ("2025-12-08 09:30", "2025-12-08T14:30:00Z"),
        ("2025-12-08T09:30:00+01:00", "2025-12-08T08:30:00Z"),
        ("2025-07-08", "2025-07-08T16:00:00Z"),  # summer time
    ],
)
def test_a_moment_is_the_companys_and_stored_in_utc(scene, when, stamp):
    row = {"who": "R1", "period": "FY26-Q4", "category": "Commit", "amount": 1, "when": when}
    (entry,), _ = check_rows([row], scene)
    assert entry["submitted_at"] == stamp


def test_a_spreadsheet_with_bad_rows_is_refused_by_row_and_nothing_is_half_written(
    forecast, company, tmp_path
):
    sheet = tmp_path / "calls.csv"
    sheet.write_text(
        "who;level;node;period;category;amount;when;reason\n"
        "R1;;;FY26-Q4;Commit;100;;\n"
        "R9;;;FY26-Q4;Commit;100;;\n"
        "\n"
        "R2;;;FY26-Q4;Commit;1.000,5;;\n"
        "R1;;;FY26-Q4;Commit;100;;again\n"
    )
    code, out, err = forecast("submit", "--file", str(sheet))
    told = err.splitlines()
    assert (code, out) == (2, "")
    assert told[0].startswith("row 3: there is no rep 'R9'")
    assert told[1].startswith("row 5: amount is '1.000,5'")
    assert told[2].startswith("row 6: R1, rep R1, FY26-Q4, Commit of")
    assert told[3].startswith("error: 3 of 4 rows refused, nothing written")
    assert lines(company) == []


def test_a_workbook_of_many_calls_enters_whole(forecast, company, tmp_path):
    book = Workbook()
    for row in [
        ["Who", "Period", "Category", "Amount", "When", "Reason"],
        ["R1", "FY26-Q4", "Commit", 1000.5, datetime(2025, 12, 8), None],
        ["R2", "FY26-Q4", "best case", 2000, None, "a new deal"],
        ["M1", "FY26-Q4", "Commit", 3100, None, None],
    ]:
        book.active.append(row)
    book.save(tmp_path / "calls.xlsx")
    code, out, _ = forecast("submit", "--file", str(tmp_path / "calls.xlsx"))
    assert code == 0
    assert "3 entries written" in out
    made = [(e["rep_id"], e["category"], e["amount"], e["submitted_at"]) for e in lines(company)]
    assert made == [
        ("R1", "Commit", "1000.50", "2025-12-08T17:00:00Z"),
        ("R2", "Best Case", "2000.00", "2025-12-09T17:00:00Z"),
        ("M1", "Commit", "3100.00", "2025-12-09T17:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("calls.txt", "who\n", "is neither .csv nor .xlsx"),
        ("calls.xlsx", "no workbook", "is no XLSX workbook"),
        ("calls.csv", "who,who\nR1,R1\n", "each of them once"),
        ("calls.csv", "who,amount\nR1,1,2\n", "row 2: more cells than headers"),
        ("calls.csv", "who\n\xff", "is not UTF-8"),
    ],
)
def test_a_file_that_is_no_sheet_is_refused(tmp_path, name, text, said):
    (tmp_path / name).write_text(text, encoding="latin-1")
    with pytest.raises(ParameterError, match=said):
        submissions.read_spreadsheet(tmp_path / name)


def test_a_dry_run_checks_and_writes_nothing(forecast, company):
    code, out, _ = forecast("submit", *call(), "--dry-run")
    assert (code, out) == (0, "1 calls would enter the ledger after entry 0\n")
    assert lines(company) == []


def test_a_correction_is_a_new_entry_and_the_old_one_stands_in_earlier_reports(
    forecast, company, monkeypatch
):
    forecast("submit", *call(amount="1200000"))
    monkeypatch.setattr(ledger, "moment", lambda: datetime(2025, 12, 11, 17))
    assert "give a reason" in forecast("submit", *call(amount="120000", corrects=1))[2]
    assert forecast("submit", *call(amount="120000", corrects=1, reason="a zero too many"))[0] == 0
    assert "corrected already" in forecast("submit", *call(amount="1", corrects=1, reason="again"))[2]
    by_day = {}
    for day in ("2025-12-08", "2025-12-09", "2025-12-10", "2025-12-11"):
        rows = inputs.open_snapshot(company, day).frame(NAME)
        by_day[day] = rows.loc[rows["entry"].notna(), "amount_base"].tolist()
    # The correction is of the call of the 9th, and known from the 11th on.
    assert by_day == {
        "2025-12-08": [], "2025-12-09": [1_200_000.0], "2025-12-10": [1_200_000.0], "2025-12-11": [120_000.0],
    }  # fmt: skip


def test_a_call_entered_late_changes_no_report_of_before(forecast, company):
    before = inputs.open_snapshot(company, "2025-12-08").frame(NAME)
    forecast("submit", *call(when="2025-11-20"))
    after = inputs.open_snapshot(company, "2025-12-08").frame(NAME)
    pd.testing.assert_frame_equal(before, after)
    assert len(inputs.open_snapshot(company, "2025-12-09").frame(NAME)) == len(before) + 1


def test_the_table_and_the_ledger_are_read_as_one_and_the_ledger_sets_the_last_day(forecast, company):
    assert str(inputs.open_snapshot(company).as_of) == "2025-12-01"
    forecast("submit", *call(who="M1"))
    snapshot = inputs.open_snapshot(company)
    assert str(snapshot.as_of) == "2025-12-09"
    assert snapshot.frame(NAME)["amount_base"].tolist() == [100.0, 120000.5]
    (company / "tables" / f"{NAME}.csv").unlink()
    assert inputs.open_snapshot(company).frame(NAME)["amount_base"].tolist() == [120000.5]


def tampered(path: Path, how: str) -> None:
    kept = path.read_text().splitlines(keepends=True)
    changed = {
        "a changed amount": [kept[0], kept[1].replace("120000.50", "120000.51"), kept[2]],
        "a changed space": [kept[0].replace('": ', '":  ', 1), *kept[1:]],
        "a removed line": [kept[0], kept[2]],
        "a moved line": [kept[1], kept[0], kept[2]],
        "a doubled line": [kept[0], kept[0], *kept[1:]],
        "a line cut off": [*kept[:2], kept[2][:40]],
        "no JSON": [kept[0], "gone\n", kept[2]],
        "a hash made up": [*kept[:2], kept[2][:-10] + '0"}\n'],
    }[how]
    path.write_text("".join(changed))


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ("a changed amount", 2), ("a changed space", 1), ("a removed line", 2), ("a moved line", 1),
        ("a doubled line", 2), ("a line cut off", 3), ("no JSON", 2), ("a hash made up", 3),
    ],
)  # fmt: skip
def test_tampering_is_found_by_line_and_nothing_is_added_to_it(company, how, line):
    rows = [{"rep_id": who, "amount_base": "120000.50"} for who in ("R1", "R2", "M1")]
    ledger.append(company, NAME, lambda stands, now: rows, now=NOON)
    tampered(ledger.ledger_file(company, NAME), how)
    held = ledger.ledger_file(company, NAME).read_bytes()
    for act in (ledger.read_ledger, lambda *at: ledger.append(*at, lambda stands, now: rows, now=NOON)):
        with pytest.raises(LedgerError, match=f"ledger 'forecast_submissions', line {line}: "):
            act(company, NAME)
    assert ledger.ledger_file(company, NAME).read_bytes() == held


def test_a_damaged_ledger_stops_reports_submissions_and_the_check(forecast, company):
    forecast("submit", *call())
    path = ledger.ledger_file(company, NAME)
    path.write_text(path.read_text().replace("120000.50", "120000.51"))
    with pytest.raises(LedgerError, match="line 1"):
        inputs.open_snapshot(company, "2025-12-09").frame(NAME)
    assert "line 1" in forecast("submit", *call(who="R3"))[2]
    assert "line 1" in forecast("ledger")[2]
    assert any("its ledger" in str(b) for b in inputs.check_company(company, "2025-12-09").breaches)


def test_lines_cut_off_at_the_end_are_told_by_the_head_a_report_printed(forecast, company):
    forecast("submit", *call(who="R1"))
    head = inputs.open_snapshot(company, "2025-12-09").ledger.head
    forecast("submit", *call(who="R2"))
    assert "the first 1 of them" in forecast("ledger", "--head", head)[1]
    path = ledger.ledger_file(company, NAME)
    last = lines(company)[-1]["hash"][:12]
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    assert forecast("ledger")[0] == 0  # whole in itself
    assert "cut off" in forecast("ledger", "--head", last)[2]


def test_many_who_submit_at_once_lose_nothing(company):
    def one(number: int) -> None:
        rows = [{"who": f"R{number}", "amount": "1"}]
        ledger.append(company, NAME, lambda stands, now: rows, now=NOON)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = ledger.read_ledger(company, NAME).entries
    assert [e["entry"] for e in entries] == list(range(1, 13))
    assert {e["who"] for e in entries} == {f"R{n}" for n in range(12)}


def test_a_submission_waits_for_an_import_and_gives_up_in_plain_words(company, monkeypatch):
    from salesops_lib.inputs.importing.store import locked

    monkeypatch.setattr(ledger, "WAIT_SECONDS", 0.1)
    with locked(company), pytest.raises(LedgerError, match="an import or a submission is writing to"):
        ledger.append(company, NAME, lambda stands, now: [{"who": "R1"}], now=NOON)
    assert lines(company) == []


def test_a_clock_set_back_is_refused(forecast, company, monkeypatch):
    forecast("submit", *call())
    monkeypatch.setattr(ledger, "moment", lambda: datetime(2025, 12, 9, 16))
    assert "set this machine's clock" in forecast("submit", *call(who="R2"))[2]
    assert len(lines(company)) == 1


def test_a_foreign_amount_is_converted_at_the_rate_of_its_day(forecast, company):
    rates = "currency,date,base_per_unit\nEUR,2025-12-08,1.10\nEUR,2025-12-09,1.20\n"
    (company / "tables" / "fx_rates.csv").write_text(rates)
    forecast("submit", *call(currency="EUR", amount="1000", when="2025-12-08"))
    assert (lines(company)[0]["amount"], lines(company)[0]["amount_base"]) == ("1000.00", "1100.00")


def test_a_new_entry_makes_the_report_due_again(company):
    from salesops_lib.publish.provenance import data_hash

    before = data_hash(str(company), company)
    ledger.append(company, NAME, lambda stands, now: [{"who": "R1"}], now=NOON)
    assert data_hash(str(company), company) != before
