"""A report appears whole or not at all, and a failed run leaves the last good one."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from salesops_lib.core.errors import ParameterError, UserError
from salesops_lib.publish.store import Store

TABLE = """\
import pandas as pd
from salesops_lib.core.contracts import Column, Table
MADE = Table("made", "one row per holder", ("holder_id",), (Column("holder_id", "text", "Who"),))
report.table(MADE, pd.DataFrame({"holder_id": ["R1", "=cmd()"]}))
"""


def run_json(result) -> dict:
    return json.loads((result.folder / "run.json").read_text())


def test_a_good_run_stands_whole_under_its_day(workshop):
    workshop.notebook("good", TABLE)
    (result,) = workshop.run(names=("good",))
    assert (result.status, result.error) == ("ok", "")
    assert result.folder.parent == workshop.reports / "good/company/2025-12-12"
    assert workshop.current("good/company") == result.folder
    names = {p.relative_to(result.folder).as_posix() for p in result.folder.rglob("*") if p.is_file()}
    assert names == {
        "report.html",
        "notebook.ipynb",
        "findings.json",
        "manifest.json",
        "tables/made.csv",
        "report.xlsx",
        "run.json",
        "hashes.json",
    }
    record = run_json(result)
    assert (record["status"], record["as_of"], record["seed"], record["error"]) == (
        "ok",
        "2025-12-12",
        7,
        None,
    )
    assert record["findings"] == {"ACT": 0, "WATCH": 0, "UNKNOWN": 0, "OK": 0}
    assert record["parameters"] == {"as_of": "2025-12-12", "data": "", "period": "", "seed": 7}
    assert list((workshop.reports / ".staging").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "cell", "index", "said"),
    [
        ("raises", "1 / 0", 4, "ZeroDivisionError: division by zero"),
        ("leaves", "import os; os._exit(0)", 4, "the kernel died"),
        ("killed", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 4, "the kernel died"),
        ("exits", "import sys; sys.exit(0)", 5, "this cell never ran"),
        ("lies", "report.notebook = 'other'", None, "the report says notebook other"),
        ("backdated", "report.as_of = date(2020, 1, 1)", None, "the report says as_of 2020-01-01"),
    ],
)
def test_a_failed_run_names_its_cell_and_the_others_go_on(workshop, name, cell, index, said):
    workshop.notebook(name, cell)
    workshop.notebook("zgood")
    failed, good = workshop.run(all=True)
    assert (failed.status, good.status) == ("failed", "ok")
    assert said in failed.error
    record = run_json(failed)
    assert record["error"]["cell"] == index
    assert said in record["error"]["message"]
    assert sorted(p.name for p in failed.folder.iterdir()) == [
        "hashes.json",
        "notebook.ipynb",
        "report.html",
        "run.json",
    ]
    assert not (workshop.reports / name / "company/current").exists()


def test_a_notebook_that_does_not_close_its_report_fails(workshop):
    workshop.bare("open", "x = 1")
    (result,) = workshop.run(names=("open",))
    assert "did not end with report.close()" in result.error


def test_the_last_good_report_stays_when_a_later_run_fails(workshop):
    workshop.notebook("turns")
    (good,) = workshop.run(names=("turns",))
    before = {p: p.read_bytes() for p in good.folder.rglob("*") if p.is_file()}
    workshop.notebook("turns", "raise ValueError('no quota')")
    (failed,) = workshop.run(names=("turns",))
    assert failed.error == "cell 4: ValueError: no quota"  # title, parameters, those injected, opening, this
    assert workshop.current("turns/company") == good.folder
    assert {p: p.read_bytes() for p in good.folder.rglob("*") if p.is_file()} == before
    assert good.folder.name in (failed.folder / "report.html").read_text()


def test_no_attempt_is_ever_rewritten(workshop):
    workshop.notebook("twice")
    folders = {workshop.run(names=("twice",))[0].folder for _ in range(2)}
    assert len(folders) == 2
    assert workshop.current("twice/company") in folders


def test_a_cell_and_a_run_that_take_too_long_are_stopped(workshop, monkeypatch):
    from salesops_lib.publish.running import execute

    notebook = workshop.bare("slow", "import time; time.sleep(60)")  # no import before it takes its time
    task = notebook.runs()[0]
    given = {"as_of": "2025-12-12"}
    for folder in ("a", "b"):
        (workshop.root / folder).mkdir()
    cell = execute.execute(task, given, workshop.root / "a", cell_seconds=2).failure
    run = execute.execute(task, given, workshop.root / "b", run_seconds=5).failure
    assert cell == execute.Failure(3, "the cell took longer than 2 s and was stopped")
    assert run == execute.Failure(3, "the run took longer than 5 s and was stopped")
    assert (workshop.root / "b" / "notebook.ipynb").is_file()


def test_all_leaves_what_stands_and_runs_what_changed(workshop):
    workshop.notebook("one")
    workshop.notebook("two")
    assert [r.status for r in workshop.run(all=True)] == ["ok", "ok"]
    again = workshop.run(all=True)
    assert [r.status for r in again] == ["unchanged", "unchanged"]
    assert again[0].folder == workshop.current("one/company")
    workshop.notebook("two", "x = 1")
    changed = workshop.run(all=True)
    assert [(r.status, r.task.reason) for r in changed] == [("unchanged", ""), ("ok", "notebook changed")]
    (workshop.root / "data/sample/tables/quotas.csv").write_text("holder_id\nR2\n")
    assert [r.task.reason for r in workshop.run(all=True)] == ["data changed", "data changed"]
    (workshop.root / "data/policy/made.yaml").write_text("floor: 1\n")
    assert [r.task.reason for r in workshop.run(all=True)] == ["policy changed", "policy changed"]
    assert [r.status for r in workshop.run(all=True, force=True)] == ["ok", "ok"]


def test_a_failed_run_is_tried_again(workshop):
    workshop.notebook("bad", "1 / 0")
    workshop.run(all=True)
    assert workshop.run(all=True)[0].task.reason == "no report for this day"


def test_a_run_with_parameters_of_its_own_never_takes_the_scheduled_ones_place(workshop):
    workshop.notebook("own", "assert period in {'', 'FY26-Q3'}")
    (plain,) = workshop.run(names=("own",))
    (own,) = workshop.run(names=("own",), parameters=("period=FY26-Q3",))
    assert own.status == "ok"
    assert own.task.run.name.startswith("company-fy26-q3")
    assert run_json(own)["parameters"]["period"] == "FY26-Q3"
    assert workshop.current("own/company") == plain.folder


def test_current_points_to_the_latest_day_even_after_a_backfill(workshop):
    workshop.notebook("trend")
    (latest,) = workshop.run(names=("trend",))
    past = workshop.run(names=("trend",), as_of="2025-08-01..2025-11-01", every="month")
    assert [r.task.as_of.isoformat() for r in past] == [
        "2025-08-31",
        "2025-09-30",
        "2025-10-31",
        "2025-11-01",
    ]
    assert workshop.current("trend/company") == latest.folder


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"names": ("god",)}, "there is no notebook 'god'. Did you mean 'good'"),
        ({"names": ("../good",)}, "there is no notebook"),
        ({"names": ("good",), "parameters": ("perod=x",)}, "Did you mean 'period'"),
        ({"names": ("good",), "parameters": ("seed=x",)}, "'x' is not int"),
        ({"names": ("good",), "parameters": ("seed",)}, "write -p name=value"),
        ({"names": ("good",), "parameters": ("seed=1", "seed=2")}, "given twice"),
        ({"names": ("good",), "parameters": ("as_of=2025-01-01",)}, "given by --as-of"),
        ({"names": ("good",), "parameters": ("x=1\nimport os=1",)}, "has no parameter 'x'"),
        ({"names": ("good",), "parameters": ("x;y=1",)}, "is no parameter name"),
        ({"names": ("good",), "as_of": "12/12/2025"}, "write it as 2025-12-12"),
        ({"names": ("good",), "as_of": "2025-01-01..2025-02-01"}, "say --every"),
        ({"names": ("good",), "as_of": "2025-02-01..2025-01-01", "every": "week"}, "runs backwards"),
        ({"names": ("good",), "every": "fortnight"}, "is none of week, month, quarter"),
        ({"names": ("good",), "all": True}, "say what to run"),
        ({}, "say what to run"),
        ({"names": ("good",), "data": "no/such"}, "is no company folder"),
        ({"names": ("good",), "data": "postgresql://me:hunter2@db/x"}, "holds a password"),
    ],
)
def test_a_request_that_cannot_run_is_refused_before_a_kernel_starts(workshop, monkeypatch, options, said):
    from salesops_lib.publish.running import kernels

    def refuse(*_, **__):
        raise AssertionError("a kernel was started")

    monkeypatch.setattr(kernels.ForkServer, "fork", refuse)
    workshop.notebook("good")
    with pytest.raises(UserError) as fault:
        workshop.run(**options)
    assert said in str(fault.value)
    assert "hunter2" not in str(fault.value)


def test_a_run_file_with_a_parameter_of_the_wrong_type_is_refused(workshop):
    from salesops_lib.publish import catalog

    wrong = catalog.read_run_file(_run_file(workshop, "runs: {company: {seed: '7'}}"))
    notebook = workshop.notebook("typed")
    with pytest.raises(ParameterError, match="parameter 'seed'"):
        catalog.Notebook("typed", notebook.path, wrong).runs()


def _run_file(workshop, runs: str):
    text = (
        (workshop.notebook("source").path.with_suffix(".yaml"))
        .read_text()
        .replace("runs: {company: {}}", runs)
    )
    path = workshop.root / "made.yaml"
    path.write_text(text)
    return path


def test_a_secret_in_the_output_is_not_published(workshop, monkeypatch):
    monkeypatch.setenv("CRM_API_TOKEN", "canary-<4711>-value")
    workshop.notebook("leaks", "import os; print(os.environ['CRM_API_TOKEN'])")
    (result,) = workshop.run(names=("leaks",))
    assert result.status == "failed"
    assert "holds the value of $CRM_API_TOKEN" in run_json(result)["error"]["message"]
    assert sorted(p.name for p in result.folder.iterdir()) == ["hashes.json", "run.json"]
    for path in workshop.reports.rglob("*"):
        assert path.is_dir() or b"canary-" not in path.read_bytes()


def test_an_error_that_quotes_a_secret_is_not_published(workshop, monkeypatch):
    monkeypatch.setenv("DB_PASSWORD", "canary-4711-value")
    workshop.notebook("leaks", "import os; raise ValueError(os.environ['DB_PASSWORD'])")
    (result,) = workshop.run(names=("leaks",))
    assert result.status == "failed"
    for path in workshop.reports.rglob("*"):
        assert path.is_dir() or b"canary-" not in path.read_bytes()


def test_two_runs_of_one_report_wait_for_each_other(workshop):
    workshop.notebook("shared", "import time; time.sleep(0.3)")
    outcomes = []
    threads = [
        threading.Thread(target=lambda: outcomes.extend(workshop.run(all=True, jobs=1))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Both found nothing standing; the second one in sees the first one's report and leaves it.
    assert sorted(r.status for r in outcomes) == ["ok", "unchanged"]


def test_a_reader_never_meets_half_a_report(workshop):
    workshop.notebook("read", TABLE)
    workshop.run(names=("read",))
    torn, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            folder = workshop.reports / "read/company/current"
            target = folder.resolve()
            if not {"run.json", "report.html", "report.xlsx"} <= {p.name for p in target.iterdir()}:
                torn.append(target)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(3):
        workshop.run(names=("read",))
    stop.set()
    reader.join()
    assert torn == []


def test_a_runner_killed_midway_leaves_nothing_torn_and_the_next_run_cleans_up(workshop):
    workshop.notebook("slow", "import time; time.sleep(60)")
    program = (
        "import sys; from pathlib import Path; from datetime import date\n"
        "from salesops_lib.publish import catalog, store\n"
        "from salesops_lib.publish.running import kernels, run, execute\n"
        "root = Path(sys.argv[1]); kernels.use_fork_server(root / 'notebooks')\n"
        "tasks = run.plan([(catalog.discover(root)[0].runs()[0], date(2025, 12, 12))], {}, '', root,\n"
        "                 store.Store(root / 'reports'), resume=False)\n"
        "run.run_all(tasks, store.Store(root / 'reports'), on_cell=lambda t: print('cell', flush=True))\n"
    )
    runner = subprocess.Popen(
        [sys.executable, "-c", program, str(workshop.root)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    runner.stdout.readline()
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    staging = workshop.reports / ".staging"
    assert len(list(staging.iterdir())) == 1
    assert not (workshop.reports / "slow").exists() or not list((workshop.reports / "slow").rglob("run.json"))
    assert Store(workshop.reports).clean() == 1
    assert list(staging.iterdir()) == []


def test_cleaning_leaves_the_staging_of_a_run_that_lives(workshop):
    store = Store(workshop.reports)
    with store.staging() as staged:
        assert Store(workshop.reports).clean() == 0
        assert staged.is_dir()


def test_a_full_disk_fails_the_run_and_keeps_the_last_good_report(workshop, monkeypatch):
    workshop.notebook("full")
    (good,) = workshop.run(names=("full",))

    def no_space(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("salesops_lib.publish.store._sync", no_space)
    (failed,) = workshop.run(names=("full",))
    assert (failed.status, failed.error) == ("failed", "could not be stored: No space left on device")
    assert workshop.current("full/company") == good.folder


def test_runs_in_parallel_overlap(workshop):
    # Each waits for the other's file, so neither finishes unless both run at once.
    for mine, other in (("ping", "pong"), ("pong", "ping")):
        wait = (
            f"import pathlib, time\npathlib.Path('{workshop.root}/{mine}').touch()\n"
            f"for _ in range(200):\n    if pathlib.Path('{workshop.root}/{other}').exists(): break\n"
            "    time.sleep(0.1)\nelse:\n    raise TimeoutError('alone')"
        )
        workshop.notebook(mine, wait)
    assert [r.status for r in workshop.run(all=True, jobs=2)] == ["ok", "ok"]


@pytest.mark.parametrize("key", ["../out", "a/../b", ".staging/x", "a/b/c", "a", "a/b\0", "/etc/x"])
def test_a_report_key_that_leaves_the_folder_is_refused(workshop, key):
    with pytest.raises(UserError, match="is no report"):
        Store(workshop.reports).folder(key)


GATHERS = """\
from salesops_lib.core.periods import monthly
told = bundle.standing_reports(day, data=data, calendar=monthly(2, range(2024, 2028)))
report._limits = [f"{s.report} {s.as_of}" for s in told]
"""


def test_what_gathers_reports_goes_last_and_again_when_one_of_them_changed(workshop):
    run_file = workshop.root / "notebooks/a_brief.yaml"
    workshop.notebook("a_brief", GATHERS)
    run_file.write_text(run_file.read_text() + "reads_reports: true\n")
    workshop.notebook("the_report")
    brief, _ = workshop.run(all=True)
    said = json.loads((brief.folder / "manifest.json").read_text())["limits"]
    assert said[0] == "the_report/company 2025-12-12"  # made by the same command, a moment before
    assert [r.status for r in workshop.run(all=True)] == ["unchanged", "unchanged"]
    workshop.notebook("the_report", "x = 1")
    again = {r.task.run.key: r for r in workshop.run(all=True)}
    assert again["a_brief/company"].task.reason == "reports changed"


def test_a_file_the_notebook_did_not_hand_over_is_refused(workshop):
    workshop.notebook(
        "made", "import os, pathlib\npathlib.Path(os.environ['SALESOPS_BUNDLE_DIR'], 'x.pdf').touch()"
    )
    (result,) = workshop.run(names=("made",))
    assert result.status == "failed" and "the notebook put 'x.pdf' into its bundle" in result.error
    assert not (result.folder / "x.pdf").exists()
