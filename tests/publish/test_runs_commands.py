"""``salesops runs``: list, show, verify, prune on a made reports folder; what stands is never removed."""

import json

import pytest
from typer.testing import CliRunner

from salesops_lib.core.errors import ParameterError
from salesops_lib.publish import integrity
from salesops_lib.publish.commands import app
from salesops_lib.publish.store import Store


@pytest.fixture
def reports(tmp_path):
    """Three days of one report, each attempt with its hashes."""
    store = Store(tmp_path)
    for day in ("2025-10-31", "2025-11-30", "2025-12-12"):
        with store.staging() as staged:
            record = {"status": "ok", "as_of": day, "findings": {"ACT": 1, "OK": 2}}
            record |= {"started_at": f"{day}T06:00:00Z", "title": "Churn", "parameters": {"seed": 7}}
            record |= {"duration_seconds": 1.5}
            (staged / "run.json").write_text(json.dumps(record))
            (staged / "findings.json").write_text("[]")
            (staged / "report.html").write_text("<p>x</p>")
            integrity.write_hashes(staged)
            store.publish(staged, "churn/company", day, good=True)
    return tmp_path


def said(reports, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words, "--out", str(reports)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_every_attempt_is_listed_once_with_its_findings(reports):
    code, text = said(reports, "list")
    rows = text.splitlines()
    assert (code, len(rows)) == (0, 3)
    assert rows[0].startswith("churn/company  2025-10-31  ok") and rows[0].endswith("1 ACT, 2 OK")


def test_show_says_what_a_report_was_made_from(reports):
    _, text = said(reports, "show", "churn", "--as-of", "2025-11-30")
    assert "title: Churn" in text and "-p seed=7" in text and "2025-11-30" in text


def test_a_report_that_is_not_there_is_refused_naming_those_that_are(reports):
    with pytest.raises(
        ParameterError, match="no good report 'chrun/company' stands; there are churn/company"
    ):
        said(reports, "show", "chrun")


def test_a_changed_a_missing_and_an_added_file_are_told(reports):
    assert said(reports, "verify") == (0, "3 attempts, 0 faults\n")
    attempt = next((reports / "churn/company/2025-11-30").iterdir())
    (attempt / "report.html").write_text("<p>y</p>")
    (attempt / "findings.json").unlink()
    (attempt / "note.txt").write_text("mine")
    code, text = said(reports, "verify")
    assert code == 1 and "3 attempts, 3 faults" in text
    assert integrity.verify(attempt) == [
        "findings.json is missing",
        "note.txt was added",
        "report.html was changed",
    ]


def test_pruning_keeps_the_latest_days_and_a_dry_run_keeps_all(reports):
    said(reports, "prune", "--keep", "1", "--dry-run")
    assert len(said(reports, "list")[1].splitlines()) == 3
    _, text = said(reports, "prune", "--keep", "1")
    assert text.endswith("2 days gone\n")
    assert said(reports, "list")[1].splitlines()[0].startswith("churn/company  2025-12-12")
    assert (reports / "churn/company/current/report.html").is_file()


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="there is no reports folder"):
        said(tmp_path / "none", "list")
