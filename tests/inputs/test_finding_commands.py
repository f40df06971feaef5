"""``salesops findings`` on a reports folder of one report and a company folder."""

import json
from datetime import date

import pytest

from salesops_lib import inputs
from salesops_lib.cli import run_command
from salesops_lib.core.findings import Finding, Threshold
from salesops_lib.inputs.commands import told_of
from salesops_lib.inputs.company import read_company
from salesops_lib.inputs.ledger import ledger_file, read_ledger


def found(team: str) -> dict:
    return Finding(
        code="F-ATTN-TEAM", metric="attainment.team", title="Team under its floor",
        scope={"team": team}, value=0.6, unit="ratio", currency=None, n=10, min_n=5, interval=None,
        threshold=Threshold(0.8, "above", "log"), mature=True, statement=f"{team} is at 60 %.",
        money_at_stake=None, recommendation="Do it.", owner="manager", due=date(2026, 3, 6),
        playbook="how-to/analytics/review-attainment.md#f-attn-team",
    ).to_dict()  # fmt: skip


@pytest.fixture
def typed(tmp_path, capsys):
    """Type a command on a company and a report with two teams' findings; code, stdout, stderr."""
    company = inputs.init_company(tmp_path / "acme")
    current = tmp_path / "reports" / "attainment" / "company" / "current"
    current.mkdir(parents=True)
    (current / "findings.json").write_text(json.dumps([found("EMEA"), found("AMER")]))
    (current / "run.json").write_text(json.dumps({"as_of": "2026-02-27"}))
    places = ["--data", str(company), "--out", str(tmp_path / "reports")]

    def type_(*words):
        code = run_command(["findings", *words, *places])
        return code, *capsys.readouterr()

    type_.company, type_.current = company, current
    return type_


def test_an_accepted_finding_leaves_the_list_and_the_ledger_holds_the_reason(typed):
    code, said, _ = typed("accept", "F-ATTN-TEAM:team=EMEA", "--why", "the team is ramping")
    assert (code, said) == (0, "entry 1: F-ATTN-TEAM:team=EMEA of attainment/company is accepted\n")
    _, listed, _ = typed("list")
    assert "EMEA" not in listed and listed.endswith("1 open, 0 overdue, 1 accepted or closed\n")
    assert "the team is ramping" in typed("list", "--all")[1]
    assert read_ledger(typed.company, "finding_states").entries[0]["why"] == "the team is ramping"


def test_an_assigned_finding_is_overdue_after_its_day(typed):
    typed("assign", "F-ATTN-TEAM:team=AMER", "--to", "sales manager", "--due", "2026-03-02")
    first = typed("list", "--on", "2026-03-03")[1].splitlines()[0]
    assert "assigned OVERDUE  F-ATTN-TEAM:team=AMER" in first and "sales manager by 2026-03-02" in first


def test_a_finding_is_overdue_by_the_day_its_first_run_asked_for(typed):
    # The run of January asked for 2026-02-06; the one that stands moved that on to 2026-03-06.
    old = typed.current.parent / "2026-01-30" / "20260130T060000-aaaaaa"
    old.mkdir(parents=True)
    (old / "findings.json").write_text(json.dumps([found("AMER") | {"due": "2026-02-06"}]))
    (old / "run.json").write_text(json.dumps({"as_of": "2026-01-30"}))
    listed = typed("list")[1]
    assert "new OVERDUE  F-ATTN-TEAM:team=AMER  attainment/company  manager by 2026-02-06" in listed
    assert listed.endswith("2 open, 1 overdue, 0 accepted or closed\n")
    assert "EMEA" not in listed.splitlines()[0]
    typed("assign", "F-ATTN-TEAM:team=AMER", "--to", "Ada")  # by the day the report of today asks for
    assert read_ledger(typed.company, "finding_states").entries[0]["due"] == "2026-03-06"


def test_the_site_is_told_of_the_company_a_run_names_and_an_audience_of_no_decision_or_policy(typed):
    typed("accept", "F-ATTN-TEAM:team=EMEA", "--why", "ramping")
    text = "share_at_quota: {description: Ours., unit: ratio, source: our board, values: {2025-01-01: 0.6}}"
    (typed.company / "policy" / "attainment.yaml").write_text(text)
    decided, settings = told_of("")
    assert [entry["why"] for entry in decided(str(typed.company))] == ["ramping"]
    calendar, own = settings(str(typed.company))
    assert calendar == read_company(typed.company).calendar
    assert own["attainment.share_at_quota"].cited == "attainment.share_at_quota since 2025-01-01"
    decided, settings = told_of(str(typed.company), "finance")
    assert (decided("audience:finance"), settings("audience:finance")) == ((), (calendar, {}))
    assert told_of("")[1](str(typed.company / "gone")) == (None, {})


def test_a_code_of_two_findings_an_unknown_one_and_an_empty_reason_are_refused_and_write_nothing(typed):
    code, _, fault = typed("close", "F-ATTN-TEAM", "--why", "done")
    assert code == 2 and "names 2 findings; name one: F-ATTN-TEAM:team=AMER" in fault
    code, _, fault = typed("close", "F-NO-SUCH", "--why", "done")
    assert code == 2 and "no standing finding 'F-NO-SUCH'" in fault
    code, _, fault = typed("close", "F-ATTN-TEAM:team=EMEA", "--why", " ")
    assert code == 2 and "--why is empty" in fault
    assert not ledger_file(typed.company, "finding_states").exists()


def test_a_changed_ledger_and_a_torn_bundle_are_said_in_one_line(typed):
    typed("accept", "F-ATTN-TEAM:team=EMEA", "--why", "ramping")
    path = ledger_file(typed.company, "finding_states")
    path.write_text(path.read_text().replace("ramping", "my idea"))
    code, _, fault = typed("list")
    assert code == 2 and "is not what was written" in fault and fault.count("\n") == 1
    path.unlink()
    (typed.current / "findings.json").write_text("[{")
    code, _, fault = typed("list")
    assert code == 2 and "cannot be read" in fault and fault.count("\n") == 1
