"""A secret of the environment is in nothing that is published, stored or told."""

import json

import pytest

from salesops_lib.publish import provenance
from salesops_lib.publish.site import build

CANARY = 'canary-<4711>-"value"&'


def run_json(result) -> dict:
    return json.loads((result.folder / "run.json").read_text())


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASSWORD",
        "PGPASSWORD",
        "SMTP_PASS",
        "CRM_API_TOKEN",
        "SALESOPS_SECRET_X",
        "HUBSPOT_API_KEY",
        "AWS_ACCESS_KEY_ID",
        "STRIPE_APIKEY",
        "GITHUB_PAT",
        "SENTRY_DSN",
        "SLACK_WEBHOOK_URL",
        "GOOGLE_CREDENTIALS",
        "basic_auth",
    ],
)
def test_a_variable_is_secret_by_its_name(name):
    assert provenance.secrets({name: "long-enough"}) == {name: ["long-enough"]}


@pytest.mark.parametrize(
    "name",
    ["PWD", "OLDPWD", "HOME", "SSH_AUTH_SOCK", "PGPASS_FILE", "KEYBOARD", "MONKEY_NAME", "AUTHOR", "PATH"],
)
def test_a_variable_that_says_where_or_who_is_no_secret(name):
    assert provenance.secrets({name: "/some/long/place"}) == {}


@pytest.mark.parametrize("value", ["1", "true", "", "1234567"])
def test_a_text_below_eight_characters_is_no_secret_because_it_is_everywhere(value):
    assert provenance.secrets({"FEATURE_TOKEN": value}) == {}


def test_the_password_in_an_address_is_secret_whatever_the_variable_is_called():
    found = provenance.secrets({"DATABASE_URL": "postgresql://me:s%40fe-enough@db/x", "PROXY": "http://h:1/"})
    assert found == {"DATABASE_URL": ["s%40fe-enough", "s@fe-enough"]}


def test_every_line_of_a_key_counts_and_its_frame_does_not():
    pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END PRIVATE KEY-----\n"
    assert provenance.secrets({"SIGNING_KEY": pem}) == {"SIGNING_KEY": ["MIIEvQIBADAN", "BgkqhkiG9w0B"]}


LEAKS = {
    "notebook.ipynb": "import os; print(os.environ['CRM_API_TOKEN'])",
    "as a Python text": "import os; os.environ['CRM_API_TOKEN']",
    "encoded": "import os, base64; print(base64.b64encode(os.environ['CRM_API_TOKEN'].encode()).decode())",
    "in a table": """\
import os, pandas as pd
from salesops_lib.core.contracts import Column, Table
MADE = Table("made", "one row per holder", ("holder_id",), (Column("holder_id", "text", "Who"),))
report.table(MADE, pd.DataFrame({"holder_id": [os.environ["CRM_API_TOKEN"]]}))""",
    "in an error": "import os; raise ValueError(os.environ['CRM_API_TOKEN'])",
}


@pytest.mark.parametrize("cell", LEAKS.values(), ids=LEAKS.keys())
def test_a_report_with_a_secret_fails_and_nothing_of_it_is_stored_or_told(workshop, monkeypatch, cell):
    monkeypatch.setenv("CRM_API_TOKEN", CANARY)
    workshop.notebook("leaks", cell)
    (result,) = workshop.run(names=("leaks",))
    assert result.status == "failed"
    assert "holds the value of $CRM_API_TOKEN" in run_json(result)["error"]["message"]
    assert "canary" not in result.error
    assert sorted(p.name for p in result.folder.iterdir()) == ["hashes.json", "run.json"]
    for path in workshop.reports.rglob("*"):
        assert path.is_dir() or b"canary" not in path.read_bytes()


def test_a_workbook_is_searched_unpacked(tmp_path):
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "report.xlsx") as book:
        book.add_worksheet("hidden").write_string(0, 0, CANARY)
    assert b"canary" not in (tmp_path / "report.xlsx").read_bytes()
    with pytest.raises(provenance.SecretError, match=r"report.xlsx holds the value of \$CRM_API_TOKEN"):
        provenance.refuse_secrets(tmp_path, {"CRM_API_TOKEN": [CANARY]})


def test_a_site_with_a_secret_is_refused_and_the_one_that_stands_stays(
    made, tmp_path, monkeypatch, plain_generator
):
    from datetime import date

    monkeypatch.setenv("CRM_API_TOKEN", "canary-4711-value")
    made.bundle(tmp_path / "reports", date(2025, 12, 12))
    page = build.build_site(tmp_path / "reports")
    before = page.read_text()
    made.bundle(tmp_path / "reports", date(2025, 12, 13), title="canary-4711-value")
    with pytest.raises(provenance.SecretError, match=r"holds the value of \$CRM_API_TOKEN"):
        build.build_site(tmp_path / "reports")
    assert page.read_text() == before


def test_pages_kept_from_the_last_site_are_read_again_for_a_secret_set_since(
    made, tmp_path, monkeypatch, plain_generator
):
    from datetime import date

    reports = tmp_path / "reports"
    monkeypatch.setenv("CRM_API_TOKEN", "canary-4711-value")
    made.bundle(reports, date(2025, 12, 12), title="the-new-secret")
    read = []
    contents = provenance._contents
    monkeypatch.setattr(provenance, "_contents", lambda path: read.append(path.name) or contents(path))
    build.build_site(reports)
    assert "company.html" in read
    read.clear()
    build.build_site(reports)
    assert "company.html" not in read and "index.html" in read
    kept = (reports / ".site/.built.json").read_text()
    assert "canary" not in kept and "scanned" in kept
    monkeypatch.setenv("MAIL_PASSWORD", "the-new-secret")
    with pytest.raises(provenance.SecretError, match=r"holds the value of \$MAIL_PASSWORD"):
        build.build_site(reports)


def test_an_error_nobody_thought_of_is_told_without_the_secret_it_quotes(workshop, monkeypatch):
    from salesops_lib.publish.running import run

    def breaks(*_):
        raise RuntimeError("cannot reach https://x/?key=canary-4711-value")

    monkeypatch.setenv("CRM_API_TOKEN", "canary-4711-value")
    monkeypatch.setattr(run, "attempt", breaks)
    workshop.notebook("made")
    (result,) = workshop.run(names=("made",))
    assert result.error == "could not be run, RuntimeError: cannot reach https://x/?key=$CRM_API_TOKEN"
