"""Files for schedulers: each parsed by its own grammar, on paths with blanks, percent signs and quotes."""

import ast
import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from salesops_lib import cli
from salesops_lib.core.errors import UserError
from salesops_lib.publish import catalog
from salesops_lib.publish.scheduling import timetable

ROOT = Path(catalog.repository_root(Path(__file__)))
AWKWARD = "/srv/a b/50%$x'\"é"


def place(root: Path = ROOT, **more) -> timetable.Place:
    return timetable.Place(root, **more)


def unit(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str
    parser.read_string(text)
    return parser


def test_the_crontab_has_one_line_of_five_fields_and_a_command_the_shell_reads_back():
    (text,) = timetable.files("cron", place(data=AWKWARD, notify=("mail",))).values()
    (line,) = [x for x in text.splitlines() if x and not x.startswith("#") and not re.match(r"\w+=", x)]
    *fields, command = line.split(None, 5)
    assert fields == ["*/15", "*", "*", "*", "*"]
    assert re.search(r"(?<!\\)%", command) is None  # an unescaped % would end the command
    words = shlex.split(command.replace("\\%", "%"))
    assert words[words.index("--due") + 1] == "now"
    assert words[words.index("--data") + 1] == AWKWARD
    assert words[words.index("--notify") + 1] == "mail"
    assert words[-2:] == [str(ROOT / "reports" / "schedule.log"), "2>&1"]
    assert words[words.index("site") + 1 : words.index("}")] == ["--data", AWKWARD, ";"]
    checked = subprocess.run(["/bin/sh", "-n", "-c", command.replace("\\%", "%")], check=False)
    assert checked.returncode == 0


def test_the_systemd_timer_catches_up_after_the_machine_was_off():
    files = timetable.files("systemd", place())
    timer, service = unit(files["salesops.timer"]), unit(files["salesops.service"])
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Timer"]["Unit"] == "salesops.service"
    assert timer["Install"]["WantedBy"] == "timers.target"
    assert service["Service"]["Type"] == "oneshot"
    assert service["Service"]["ExecStart"].endswith("run --due now")
    assert service["Service"]["SuccessExitStatus"] == "5"
    assert service["Service"]["ExecStopPost"].startswith(
        "-/"
    )  # also after a failed run, and never in its way
    assert service["Service"]["ExecStopPost"].endswith("salesops site")
    odd = unit(timetable.files("systemd", place(data=AWKWARD))["salesops.service"])
    # systemd reads % as a specifier, $ as a variable, " and \ as quoting.
    assert odd["Service"]["ExecStart"].endswith('--data "/srv/a b/50%%$$x\'\\"é"')


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_itself_finds_no_fault_in_the_units(tmp_path):
    made = timetable.write(timetable.files("systemd", place()), tmp_path)
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, made)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert [x for x in found.stderr.splitlines() if str(tmp_path) in x or "salesops" in x] == []


def test_the_github_workflow_restores_reports_runs_what_is_due_and_keeps_them_whatever_happens():
    (text,) = timetable.files("github", place(notify=("webhook",))).values()
    workflow = yaml.safe_load(text)
    (job,) = workflow["jobs"].values()
    triggers = workflow[True]  # YAML 1.1 reads the key on as true
    assert re.fullmatch(r"[\d,]+ \* \* \* \*", triggers["schedule"][0]["cron"])
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is False
    names = [step.get("uses", step.get("name")) for step in job["steps"]]
    runs = [step for step in job["steps"] if "--due" in step.get("run", "")]
    assert [shlex.split(step["run"]) for step in runs] == [
        ["salesops", "run", "--due", "now", "--notify", "webhook"]
    ]
    assert all(value == "${{ secrets." + name + " }}" for name, value in runs[0]["env"].items())
    assert (
        names.index("actions/cache/restore@v4")
        < job["steps"].index(runs[0])
        < names.index("actions/cache/save@v4")
    )
    (site,) = [s for s in job["steps"] if s.get("run") == "salesops site"]
    assert site["if"] == "always()"
    assert job["steps"].index(runs[0]) < job["steps"].index(site) < names.index("actions/cache/save@v4")
    assert [s["if"] for s in job["steps"] if s.get("uses") == "actions/cache/save@v4"] == ["always()"]
    assert {s["with"]["path"] for s in job["steps"] if "cache/" in s.get("uses", "")} == {"reports"}


def test_the_github_workflow_refuses_data_a_runner_does_not_have():
    with pytest.raises(UserError, match="a runner has only the repository"):
        timetable.files("github", place(data="/srv/data"))


def test_the_airflow_dag_calls_the_same_command_per_report_in_the_order_of_the_run_files(workshop):
    workshop.notebook("a_last", run_file=_after("b_first"))
    workshop.notebook("b_first")
    workshop.notebook("c_brief", run_file=_after() + "reads_reports: true\n")
    (text,) = timetable.files("airflow", place(workshop.root)).values()
    tree = ast.parse(text)
    constants = {
        node.targets[0].id: ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)
    }
    assert set(constants["COMMANDS"]) == {"a_last", "b_first", "c_brief"}
    for name, command in constants["COMMANDS"].items():
        assert shlex.split(command)[-4:] == ["run", name, "--due", "now"]
    assert constants["AFTER"] == {"a_last": ["b_first"], "c_brief": ["a_last", "b_first"]}
    assert constants["ROOT"] == str(workshop.root)
    assert shlex.split(constants["SITE"])[-1:] == ["site"]
    assert "list(tasks.values()) >> site" in text
    (calls,) = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "DAG"]
    options = {k.arg: ast.unparse(k.value) for k in calls.keywords}
    assert (options["catchup"], options["schedule"]) == ("False", "'*/15 * * * *'")


def _after(*names: str) -> str:
    return (
        "title: Made\nquestion: Why?\ndomain: attainment\nowner: analyst\nreader: head\n"
        'cadence: {every: day, at: "06:00"}\naudience: leadership\nplaybooks: []\n'
        f"runs: {{company: {{}}}}\nafter: [{', '.join(names)}]\n"
    )


def test_the_command_of_every_scheduler_is_one_the_command_line_takes(monkeypatch):
    taken = []
    monkeypatch.setattr(
        "salesops_lib.publish.conduct.run_reports", lambda asked, *_, **__: taken.append(asked) or 0
    )
    command = place(data=str(ROOT / "data" / "sample"), out=ROOT / "reports").command("forecasting")
    assert cli.run_command(command[command.index("run") :]) == 0
    assert (taken[0].names, taken[0].due) == (("forecasting",), "now")
    built = []
    monkeypatch.setattr("salesops_lib.publish.site.build.build_site", lambda *a, **_: built.append(a) or ROOT)
    made = place(data=str(ROOT / "data" / "sample"), out=ROOT / "reports").site()
    assert cli.run_command(made[made.index("site") :]) == 0
    assert built[0][0] == ROOT / "reports"


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("cron", ["salesops-manager-R049.crontab"]),
        ("systemd", ["salesops-manager-R049.service", "salesops-manager-R049.timer"]),
        ("airflow", ["salesops_reports-manager-R049.py"]),
    ],
)
def test_an_audience_has_files_of_its_own_whose_every_call_is_held_to_it(kind, names):
    held = place(audience="manager:R049")
    for words in (held.command("forecasting"), held.site()):
        assert words[words.index("--audience") + 1] == "manager:R049"
    made = timetable.files(kind, held)
    assert sorted(made) == names
    text = "\n".join(made.values())
    notebooks = len(catalog.discover(ROOT)) if kind == "airflow" else 1
    assert text.count("manager:R049") == notebooks + 1  # and the site
    assert "salesops.timer" not in text and 'dag_id="salesops_reports"' not in text
    plain = "\n".join(timetable.files(kind, place()).values())
    assert "audience" not in plain and "@" not in re.sub(r"\S+@v\d|@daily", "", plain)


def test_files_are_written_once_and_never_over_others(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert cli.run_command(["schedule", "systemd", "--to", str(tmp_path / "units")]) == 0
    assert cli.run_command(["schedule", "systemd", "--to", str(tmp_path / "units")]) == 0
    (tmp_path / "units" / "salesops.timer").write_text("mine")
    capsys.readouterr()
    assert cli.run_command(["schedule", "systemd", "--to", str(tmp_path / "units")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "salesops.timer stands with other content" in said
    assert (tmp_path / "units" / "salesops.timer").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["anacron"], "there is no scheduler 'anacron'; name one of cron, systemd, github, airflow"),
        (["cron", "--data", "a\nb"], "holds a line break"),
        (["airflow", "--data", "{{x}}"], "reads as a template"),
        (["cron", "--audience", "a\nb"], "holds a line break"),
        (["github", "--audience", "finance"], "schedule an audience with cron, systemd or airflow"),
    ],
)
def test_what_no_scheduler_takes_is_refused_in_one_line(arguments, said, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert cli.run_command(["schedule", *arguments]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert (told.err.count("\n"), told.out) == (1, "")


def test_the_program_is_named_by_its_full_path():
    assert Path(place().command()[0]).is_absolute()
    assert Path(place().command()[0]).parent == Path(sys.executable).parent
