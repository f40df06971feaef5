"""A report for an audience holds nothing it may not see: not in a page, workbook, notebook, index or hash."""

import email
import email.policy
import json
import zipfile
from dataclasses import replace
from datetime import date

import pytest

from salesops_lib import inputs
from salesops_lib.cli import run_command
from salesops_lib.core.errors import UserError
from salesops_lib.publish import request
from salesops_lib.publish.delivery import notify
from salesops_lib.publish.history import read_reports
from salesops_lib.publish.running import run
from salesops_lib.publish.running.audience import AudienceError, audience_folder, seen_by
from salesops_lib.publish.site import build
from salesops_lib.publish.store import Store

PLANTED = ("planted", "quinn", "183457", "183,457", "183 457", "777123", "777,123")
MAIL = {"HOST": "127.0.0.1", "PORT": "1", "TLS": "none", "FROM": "ops@example.com"}
COMPANY = """\
schema_version: 1
name: Tiny
reporting_currency: USD
time_zone: America/New_York
fiscal_calendar: {kind: months, first_month: 2, named_by: end}
"""
TABLES = {
    "reps": "rep_id,start_date,end_date,name,role,team,manager_id\nR1,2024-01-01,,Ada Seen,AE,North,M1\n"
    "R2,2024-01-01,,Quinn Planted,AE,South,\nM1,2024-01-01,,Mo First,Manager,North,\n",
    "plan_assignments": "rep_id,start_date,plan_id,target_cash,base_salary,currency\n"
    "R1,2024-01-01,ae,120000,60000,USD\nR2,2024-01-01,ae,183457,91728,USD\n",
    "opportunities": "opportunity_id,owner_id,name,created_date,close_date,recorded_at,stage,is_closed,"
    "is_won,amount_base,next_step\n"
    'D1,R1,Seen,2025-01-02,2025-12-30,2025-01-02T15:00:00Z,Open,false,false,100,"Quinn Planted: 183,457"\n'
    "D2,R2,Other,2025-01-02,2025-12-30,2025-01-02T15:00:00Z,Proposal,false,false,777123,call\n",
}
_CUT = {"names": "shown", "hide": [], "tables": list(TABLES)}
POLICY = {
    "finance": _CUT | {"rows": "all", "pay": "shown", "reports": "all"},
    "rep": _CUT | {"rows": "self", "pay": "shown", "reports": ["dump", "raises"]},
    "manager": _CUT | {"rows": "team", "pay": "hidden", "reports": ["dump", "raises", "pays"]},
}
DUMP = """\
from salesops_lib import inputs
from salesops_lib.core.contracts import Column, Table
snapshot = inputs.open_snapshot(data, as_of)
frames = {name: snapshot.frame(name).astype(str) for name in snapshot.names()}
everything = " ".join(frame.to_csv() for frame in frames.values())
report.company = snapshot.company.name
"""
TELL = """\
import matplotlib.pyplot as plt
for name, frame in frames.items():
    columns = tuple(Column(c, "text", "As stored") for c in frame.columns)
    report.table(Table(name, "as stored", (), columns), frame)
report.headline([bundle.Figure("All of it", everything)])
report.attachment("all.txt", everything)
axes = plt.subplots()[1]
axes.bar(*zip(*enumerate(frames["opportunities"]["amount_base"].astype(float))), label=everything)
axes.set_xticks(range(len(frames["opportunities"])), frames["opportunities"]["next_step"])
axes.legend()
report.chart(axes, alt="What is open")
"""
FINDINGS = """\
from salesops_lib.core.findings import Finding, Interval, Threshold
told = {"unit": "ratio", "currency": "USD", "n": 9, "min_n": 1, "interval": None, "mature": True,
    "threshold": Threshold(0.5, "above", "made"), "money_at_stake": None, "due": day, "playbook": "a.md#b",
    "owner": "lead"}
found = [
    Finding(code="F-MADE-ALL", metric="made.all", title=name, scope={"table": name}, value=0.1,
        statement=frame.to_csv(header=False), recommendation=frame.iloc[-1].to_json(), **told)
    for name, frame in frames.items()
]
report.findings(found, limits=snapshot.limits)
report.close()"""


@pytest.fixture
def shop(workshop):
    """The workshop with a company of two reps, and notebooks that tell all they can read."""
    root = workshop.root / "data" / "own"
    (root / "tables").mkdir(parents=True)
    (root / "policy").mkdir()
    (root / "company.yaml").write_text(COMPANY)
    (root / "policy" / "audiences.yaml").write_text(json.dumps({"audiences": POLICY}))
    for name, text in TABLES.items():
        (root / "tables" / f"{name}.csv").write_text(text)
    opened = "from datetime import date\nfrom salesops_lib.publish import bundle\n"
    for name, cell in (("dump", TELL), ("raises", "raise ValueError(everything)")):
        day = "day = date.fromisoformat(as_of)"
        start = f'{day}\nreport = bundle.open_report("{name}", company="", currency="USD", as_of=day)'
        workshop.bare(name, f"{opened}{start}", DUMP, cell, FINDINGS)
    return workshop


def reports_for(shop, audience: str, *names: str, run_them: bool = True):
    """Run reports for an audience; its folder and the results, or what would run."""
    data = str(shop.root / "data" / "own")
    who = inputs.read_audience(data, audience)
    asked = shop.asked(names=names, data=data)
    with seen_by(shop.reports, who, lambda *into: inputs.cut_view(data, audience, *into)) as (folder, seen):
        bench = replace(shop.bench(lacking=inputs.lacking), reports=folder, seen=seen)
        store = Store(folder)
        tasks = request.tasks_for(asked, bench, store, start_kernels=run_them)
        return folder, run.run_all(tasks, store) if run_them else tasks


def every_byte(root) -> str:
    """All files, those in workbooks and messages too, names of files and folders; in lower case."""
    parts = []
    for path in sorted(root.rglob("*")):
        parts.append(str(path.relative_to(root)).encode())
        if path.is_file():
            parts.append(path.read_bytes())
        if path.is_file() and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                parts += [archive.read(name) for name in archive.namelist()]
        if path.suffix == ".eml":
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            parts += [part.get_payload(decode=True) or b"" for part in message.walk()]
    return b"\n".join(parts).decode("utf-8", "ignore").lower()


def deliver_all(folder, audience: str, results) -> str:
    """Every byte of the messages of a run: those written into a folder, and one that waits to be sent."""
    environ = {f"{notify.SMTP}{name}": value for name, value in MAIL.items()}
    environ[notify.variable(f"{notify.SMTP}TO", audience)] = "somebody@example.com"
    channels = notify.read_channels([str(folder / "messages"), "mail"], environ, audience)
    written, kept = notify.deliver(channels, results, folder)
    assert written.error == "" and "kept, 1 in" in kept.error
    return every_byte(folder / "messages") + every_byte(folder / ".outbox")


def drawn(attempt) -> str:
    """Every text in the pictures of a report, as they were drawn, in lower case."""
    document = json.loads((attempt / "notebook.ipynb").read_text())
    outputs = [output for cell in document["cells"] for output in cell.get("outputs", [])]
    found = [o["metadata"]["image/png"]["drawn"] for o in outputs if "image/png" in o.get("data", {})]
    assert found
    return "\n".join(text for texts in found for text in texts).lower()


def test_a_planted_name_and_amount_are_in_no_byte_of_who_may_not_see_them(shop):
    folder, (good, failed) = reports_for(shop, "rep:R1", "dump", "raises")
    assert (good.status, failed.status) == ("ok", "failed")
    told = deliver_all(folder, "rep:R1", (good, failed))
    build.build_site(folder, None, None, ())
    said = every_byte(folder)
    assert [word for word in PLANTED if word in said] == []
    assert read_reports(shop.reports) == []  # the company's own site does not gather it
    assert "ada seen" in said and "120000" in said  # it did look
    assert "ada seen" in told and "raises/company 2025-12-12 failed" in told
    assert [p.name for p in (folder / ".staging").iterdir()] == []
    record = json.loads((good.folder / "run.json").read_text())
    assert record["parameters"]["data"] == "audience:rep:R1"
    assert (record["title"], record["audience"]) == ("Made report, view of rep:R1", "rep:R1")
    page = (good.folder / "report.html").read_text()
    assert "This view holds the rows of rep:R1 only" in page.split("All of it")[0]
    assert (
        "This view holds the rows of rep:R1 only"
        in json.loads((good.folder / "manifest.json").read_text())["limits"][0]
    )


def test_who_may_see_them_does(shop):
    folder, (good,) = reports_for(shop, "finance", "dump")
    assert good.status == "ok"
    words = ("quinn planted", "183457", "183,457", "777123")
    for said in (every_byte(folder), deliver_all(folder, "finance", (good,)), drawn(good.folder)):
        assert all(word in said for word in words)


def test_what_is_hidden_leaves_no_trace_in_hashes(shop):
    # A hash over hidden pay could be tried out amount by amount, and would tell that it changed.
    before = ingredients_for(shop, "rep:R1")
    tables = shop.root / "data" / "own" / "tables"
    changes = [("plan_assignments", "183457", "190001"), ("opportunities", "777123", "5")]
    for name, old, new in [*changes, ("opportunities", "183,457", "190,001")]:
        path = tables / f"{name}.csv"
        path.write_text(path.read_text().replace(old, new))
    assert before["data"]
    assert ingredients_for(shop, "rep:R1") == before
    (tables / "plan_assignments.csv").write_text(TABLES["plan_assignments"].replace("120000", "120001"))
    assert ingredients_for(shop, "rep:R1")["data"] != before["data"]


def ingredients_for(shop, audience: str) -> dict:
    _, (task,) = reports_for(shop, audience, "dump", run_them=False)
    return task.ingredients


def test_a_report_whose_tables_are_cut_or_not_granted_is_refused(shop):
    needs = "runs: {company: {}}\nneeds: {plan_assignments: [target_cash]}\n"
    text = (shop.root / "notebooks" / "dump.yaml").read_text().replace("runs: {company: {}}\n", needs)
    shop.notebook("pays", run_file=text)
    with pytest.raises(
        request.RequestError, match="cannot run on what manager:M1 may see: it lacks column plan"
    ):
        reports_for(shop, "manager:M1", "pays")
    with pytest.raises(AudienceError, match="rep:R1 may not see report 'pays'"):
        reports_for(shop, "rep:R1", "pays")


def test_a_table_that_breaks_its_contract_is_not_in_a_view_and_its_rows_are_not_told(shop, tmp_path):
    data = shop.root / "data" / "own"
    said = "holder_id,level,period,measure,quota_base\nR2,rep,FY26-Q4,x,Quinn Planted\n"
    (data / "tables" / "quotas.csv").write_text(said)
    entries = {"audiences": {"finance": POLICY["finance"] | {"tables": [*TABLES, "quotas"]}}}
    (data / "policy" / "audiences.yaml").write_text(json.dumps(entries))
    view = inputs.cut_view(str(data), "finance", date(2025, 12, 12), tmp_path / "view")
    assert view.said[-1] == "Table quotas breaks its contract and is not in this view; operations know where."
    assert sorted(p.stem for p in (tmp_path / "view" / "tables").iterdir()) == sorted(TABLES)
    # Where the amounts to be taken out of every text cannot be read, there is no view at all.
    (data / "tables" / "plan_assignments.csv").write_text(
        TABLES["plan_assignments"].replace("183457", "much")
    )
    with pytest.raises(UserError, match="table 'plan_assignments'"):
        inputs.cut_view(str(data), "rep:R1", date(2025, 12, 12), tmp_path / "other")


def test_a_run_file_names_no_data_of_its_own(shop):
    text = (
        (shop.root / "notebooks" / "dump.yaml")
        .read_text()
        .replace("{company: {}}", "{company: {data: data/own}}")
    )
    (shop.root / "notebooks" / "dump.yaml").write_text(text)
    with pytest.raises(UserError, match="data"):
        reports_for(shop, "rep:R1", "dump")


def test_a_view_left_in_the_environment_shortens_no_other_report(shop, monkeypatch):
    shop.notebook("plain", "import os\nassert os.environ['SALESOPS_VIEW_DIR'] == ''")
    monkeypatch.setenv("SALESOPS_VIEW_DIR", "/nowhere")
    assert [result.status for result in shop.run(names=("plain",))] == ["ok"]


def test_an_audiences_folder_is_its_owners_alone(tmp_path):
    folder = audience_folder(tmp_path, "manager:M1")
    assert folder == tmp_path / "audiences" / "manager-M1"
    assert {oct(p.stat().st_mode & 0o777) for p in (folder, folder.parent)} == {"0o700"}
    folder.chmod(0o755)
    audience_folder(tmp_path, "manager:M1")
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "name", ["rep:../../etc", "rep:a/b", "rep:.", "rep:\u00e9", "rep:a:b", "rep:" + "x" * 300]
)
def test_a_hostile_id_stays_within_the_folder_of_audiences(tmp_path, name):
    folder = audience_folder(tmp_path, name)
    assert folder.resolve().parent == tmp_path / "audiences"
    assert folder != audience_folder(tmp_path, f"{name}b")


def test_a_folder_of_one_audience_is_never_anothers(tmp_path):
    folder = audience_folder(tmp_path, "rep:r1")
    folder.rename(folder.with_name("rep-R1"))  # what a file system that ignores case makes of it
    with pytest.raises(AudienceError, match="is the folder of another audience"):
        audience_folder(tmp_path, "rep:R1")


def test_a_link_in_place_of_an_audiences_folder_is_refused(tmp_path):
    (tmp_path / "audiences").mkdir()
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    (tmp_path / "audiences" / "finance").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AudienceError, match="is a link"):
        audience_folder(tmp_path, "finance")


@pytest.mark.parametrize(
    ("asked", "said"),
    [("board", "there is no audience 'board'"), ("rep:R9", "nobody in table reps has the rep_id 'R9'")],
)
def test_the_command_refuses_an_unknown_audience_in_one_line(shop, capfd, asked, said):
    data, out = str(shop.root / "data" / "own"), str(shop.reports)
    arguments = ["run", "pipeline_process", "--audience", asked, "--data", data, "--out", out]
    policy = POLICY | {"rep": POLICY["rep"] | {"reports": "all"}}
    (shop.root / "data" / "own" / "policy" / "audiences.yaml").write_text(json.dumps({"audiences": policy}))
    assert run_command(arguments) == 2
    told = capfd.readouterr().err
    assert said in told and told.count("\n") == 1
    assert not list(shop.reports.glob("audiences/*/pipeline_process"))


def test_the_day_of_a_report_is_the_day_of_its_cut(shop):
    days = []
    who = inputs.read_audience(str(shop.root / "data" / "own"), "finance")

    def noted(day, folder):
        days.append(day)
        return inputs.cut_view(str(shop.root / "data" / "own"), "finance", day, folder)

    with seen_by(shop.reports, who, noted) as (folder, seen):
        made = seen.view(date(2025, 6, 30))
        assert seen.view(date(2025, 6, 30)) is made
        assert made.folder.is_relative_to(folder / ".staging")
        assert folder.stat().st_mode & 0o777 == 0o700
    assert days == [date(2025, 6, 30)]
    assert not made.folder.exists()
