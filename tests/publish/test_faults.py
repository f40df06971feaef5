"""Faults injected into a run: the last good report stays, the fault is told, the next run recovers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from salesops_lib.publish import integrity
from salesops_lib.publish.history import read_reports
from salesops_lib.publish.running import execute
from salesops_lib.publish.store import Store

KEY = "made/company"
posix = pytest.mark.skipif(os.name != "posix", reason="kill -9 and fork are of POSIX")
linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="limits and tmpfs are tested on Linux"
)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def killed_before(step: int, folder, work) -> bool:
    """Do ``work`` in a child that kills itself before its ``step``-th change under ``folder``.

    Every change of a file or folder is a step: the interpreter announces it (PEP 578). False where the work
    ended before that many.
    """
    pid = os.fork()
    if pid == 0:
        left = step

        def audit(event, arguments):
            nonlocal left
            changes = event in {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink"} or (
                event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
            )
            if changes and str(folder) in f"{arguments[0]} {arguments[1]}":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(audit)
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def assert_readable(reports, key: str = KEY) -> None:
    """``current`` leads to a whole good attempt, and the site's reader finds one."""
    current = reports / key / "current"
    assert json.loads((current / "run.json").read_text())["status"] == "ok"
    assert integrity.verify(current.resolve()) == []
    (history,) = [h for h in read_reports(reports) if h.key == key]
    assert integrity.verify(history.current.folder) == []


def litter(reports) -> list[str]:
    """What a killed run left behind."""
    staged = list((reports / ".staging").iterdir()) + list((reports / ".locks").glob("staging-*"))
    return [p.name for p in [*staged, *reports.glob("*/*/.current-*"), *reports.glob(".site-*")]]


@pytest.fixture
def canned(workshop, monkeypatch):
    """A report that stands; later runs of it hand over what the first handed over, without a kernel."""
    workshop.notebook("made")
    (good,) = workshop.run(names=("made",))
    handed = workshop.root / "handed"
    shutil.copytree(good.folder, handed)
    for name in ("report.html", "run.json", "hashes.json", "report.xlsx"):
        (handed / name).unlink(missing_ok=True)
    notebook = nbformat.read(handed / "notebook.ipynb", as_version=4)

    def hand_over(run, parameters, staged, **_):
        shutil.copytree(handed, staged, dirs_exist_ok=True)
        return execute.Executed(notebook, None)

    monkeypatch.setattr(execute, "execute", hand_over)
    monkeypatch.setattr("salesops_lib.publish.running.kernels.use_fork_server", lambda *_, **__: None)
    return good


def change_data(workshop, value: str) -> None:
    """Make every report due again."""
    (workshop.root / "data/sample/tables/quotas.csv").write_text(f"holder_id\n{value}\n")


@posix
def test_a_runner_killed_before_any_of_its_writes_leaves_a_whole_report_and_the_next_run_recovers(
    workshop, canned
):
    step, ends = 0, set()
    killed = True
    while killed:
        step += 1
        change_data(workshop, f"K{step}")
        killed = killed_before(step, workshop.reports, lambda: workshop.run(all=True))
        assert_readable(workshop.reports)
        (result,) = workshop.run(all=True)
        ends.add(result.status)
        assert workshop.current(KEY) == result.folder
        assert_readable(workshop.reports)
        assert litter(workshop.reports) == []
    assert step > 25
    assert ends == {"ok", "unchanged"}  # killed before, and after, its report was in place


@posix
def test_a_pruning_killed_before_any_of_its_steps_leaves_no_half_attempt(workshop, canned, tmp_path):
    from salesops_lib.publish.commands import prune

    workshop.run(names=("made",), as_of="2025-10-01..2025-12-11", every="month")
    kept = tmp_path / "kept"
    shutil.copytree(workshop.reports, kept, symlinks=True)
    for step in range(1, 12):
        shutil.rmtree(workshop.reports)
        shutil.copytree(kept, workshop.reports, symlinks=True)
        assert killed_before(step, workshop.reports, lambda: prune(keep=1, out=workshop.reports))
        for history in read_reports(workshop.reports):
            assert [integrity.verify(b.folder) for b in history.good] == [[]] * len(history.good)
            assert history.failed is None
        Store(workshop.reports).clean()
        assert litter(workshop.reports) == []


@posix
def test_a_site_build_killed_before_any_step_leaves_a_whole_site(made, tmp_path, plain_generator):
    from datetime import date

    from salesops_lib.publish.site import build

    reports = tmp_path / "reports"
    made.bundle(reports, date(2025, 12, 12))
    build.build_site(reports)
    made.bundle(reports, date(2025, 12, 13))
    switched = []
    for step in range(1, 200, 4):
        before = (reports / "site").resolve()
        killed = killed_before(step, reports, lambda: build.build_site(reports))
        switched.append((reports / "site").resolve() != before)
        for page in ("index.html", "reports/attainment/company.html"):
            assert (reports / "site" / page).read_text().endswith("<!-- end -->")
        if not killed:
            break
    assert not killed
    assert switched[-1]
    assert not switched[0]
    Store(reports).clean()
    build.build_site(reports)
    assert litter(reports) == []
    assert len([p for p in (reports / ".site").iterdir() if not p.name.startswith(".")]) == 2


@posix
def test_a_runner_killed_between_cells_takes_its_kernel_along_and_the_next_run_recovers(workshop):
    pidfile = workshop.root / "kernel.pid"
    workshop.notebook("made")
    workshop.run(names=("made",))
    workshop.notebook("made", f"import os, pathlib; pathlib.Path('{pidfile}').write_text(str(os.getpid()))")
    program = (
        "import os, sys; from pathlib import Path; from datetime import date\n"
        "from salesops_lib.publish import catalog, store\n"
        "from salesops_lib.publish.running import kernels, run\n"
        "root, left = Path(sys.argv[1]), int(sys.argv[2]); kernels.use_fork_server(root / 'notebooks')\n"
        "def on_cell(task):\n"
        "    global left\n"
        "    left -= 1\n"
        "    left or os.kill(os.getpid(), 9)\n"
        "stored = store.Store(root / 'reports')\n"
        "pairs = [(catalog.discover(root)[0].runs()[0], date(2025, 12, 12))]\n"
        "run.run_all(run.plan(pairs, {}, '', root, stored, resume=False), stored, on_cell=on_cell)\n"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", program, str(workshop.root), "4"],  # once the notebook's own cell has run
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert_readable(workshop.reports)
    assert _gone(int(pidfile.read_text()))
    (result,) = workshop.run(all=True)
    assert (result.status, workshop.current(KEY), litter(workshop.reports)) == ("ok", result.folder, [])


def _gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@linux
@pytest.mark.parametrize(
    "cell",
    [
        "x = bytearray(16 << 30)",
        "held = []\nwhile True: held.append(bytearray(1 << 20))",
        "held = []\nwhile True: held.append(str(len(held)) * 9)",
    ],
    ids=["at once", "by and by", "in small pieces"],
)
def test_a_kernel_out_of_memory_fails_the_run_and_the_next_one_recovers(workshop, monkeypatch, cell):
    workshop.notebook("made")
    (good,) = workshop.run(names=("made",))
    # Above what forked libraries take of address space, which differs between machines.
    monkeypatch.setenv("SALESOPS_MEMORY_BYTES", str(_address_space() + (768 << 20)))
    limited = (workshop.root / "notebooks" / "made.yaml").read_text() + "timeout_seconds: 25\n"
    workshop.notebook("made", cell, run_file=limited)
    (failed,) = workshop.run(names=("made",))
    assert failed.status == "failed"
    # How a kernel ends depends on what it was doing when the last byte went.
    ends = ("MemoryError", "the kernel died", "out of memory", "took longer than 25 s")
    assert any(end in failed.error for end in ends), failed.error
    assert failed.error.startswith("cell 4: ")
    assert workshop.current(KEY) == good.folder
    assert read_reports(workshop.reports)[0].failed.folder == failed.folder
    monkeypatch.delenv("SALESOPS_MEMORY_BYTES")
    workshop.notebook("made")
    assert workshop.run(names=("made",))[0].status == "ok"


def _address_space() -> int:
    from salesops_lib.publish.running import kernels

    server = kernels.ForkServer.current()
    server.ready()
    pages = Path(f"/proc/{server.pid}/statm").read_text().split()[0]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_a_memory_limit_that_is_no_number_fails_the_run_in_one_line(workshop, monkeypatch):
    workshop.notebook("made")
    monkeypatch.setenv("SALESOPS_MEMORY_BYTES", "8GB")
    (failed,) = workshop.run(names=("made",))
    assert failed.status == "failed"
    assert "$SALESOPS_MEMORY_BYTES is '8GB'; write a whole number of bytes" in failed.error


@linux
def test_a_fork_server_that_never_answers_does_not_hold_the_run(workshop, monkeypatch):
    from salesops_lib.publish.running import kernels

    monkeypatch.setattr(kernels, "_START", "import time; time.sleep(600)")
    monkeypatch.setattr(kernels, "_ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(kernels.ForkServer, "_current", None)
    workshop.notebook("made")
    (result,) = workshop.run(names=("made",))
    assert (result.status, result.error) == ("ok", "")


@posix
def test_a_cell_that_hangs_and_ignores_every_polite_signal_is_stopped_with_what_it_started(workshop):
    pidfile = workshop.root / "child.pid"
    hang = (
        "import pathlib, signal, subprocess, time\n"
        "for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, signal.SIG_IGN)\n"
        f"pathlib.Path('{pidfile}').write_text(str(subprocess.Popen(['sleep', '600']).pid))\n"
        "while True: time.sleep(600)"
    )
    workshop.notebook("made")
    (good,) = workshop.run(names=("made",))
    limited = (workshop.root / "notebooks" / "made.yaml").read_text() + "timeout_seconds: 2\n"
    workshop.notebook("made", hang, run_file=limited)
    (failed,) = workshop.run(names=("made",))
    assert failed.error == "cell 4: the run took longer than 2 s and was stopped"
    assert workshop.current(KEY) == good.folder
    assert _gone(int(pidfile.read_text()))
    workshop.notebook("made")
    assert workshop.run(names=("made",))[0].status == "ok"
