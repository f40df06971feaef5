"""Full disks, several at once, clocks that step and damaged bundles: nobody meets half a report or page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, date, datetime

import pytest

from salesops_lib.publish import integrity, store
from salesops_lib.publish.history import read_reports
from salesops_lib.publish.running import run
from salesops_lib.publish.site import build
from salesops_lib.publish.store import Store, next_name

KEY = "made/company"


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 400 kB; skipped where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("disk full: mounting a small tmpfs needs root on Linux")
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("disk full: this machine does not let root mount a tmpfs (a container, say)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def room(folder, left: int):
    """Fill the disk of ``folder`` but for ``left`` bytes; the file that fills it."""
    free = os.statvfs(folder)
    filler = folder / "filler"
    filler.write_bytes(b"x" * (free.f_bavail * free.f_frsize - left))
    return filler


@pytest.mark.parametrize("left", [0, 8_192, 24_576])
def test_a_full_disk_keeps_the_last_good_report_and_the_next_run_recovers(workshop, small_disk, left):
    workshop.reports = small_disk / "reports"
    workshop.notebook("made")
    (good,) = workshop.run(names=("made",))
    filler = room(small_disk, left)
    (failed,) = workshop.run(names=("made",))
    assert failed.status == "failed"
    assert "No space left" in failed.error
    assert workshop.current(KEY) == good.folder
    assert integrity.verify(good.folder) == []
    assert read_reports(workshop.reports)[0].current.folder == good.folder
    filler.unlink()
    (result,) = workshop.run(names=("made",))
    assert (result.status, workshop.current(KEY)) == ("ok", result.folder)
    assert list((workshop.reports / ".staging").iterdir()) == []


def test_a_site_that_no_longer_fits_on_the_disk_leaves_the_one_that_stands(made, small_disk, plain_generator):
    reports = small_disk / "reports"
    made.bundle(reports, date(2025, 12, 12))
    page = build.build_site(reports)
    before = page.read_text()
    room(small_disk, 4096)
    with pytest.raises(OSError, match="No space left"):
        build.build_site(reports)
    assert page.read_text() == before


def test_two_processes_that_run_one_report_at_once_make_it_once(workshop):
    workshop.notebook("made", "import time; time.sleep(1)")
    program = (
        "import sys; from pathlib import Path; from datetime import date\n"
        "from salesops_lib.publish import catalog, store\n"
        "from salesops_lib.publish.running import run\n"
        "root = Path(sys.argv[1]); stored = store.Store(root / 'reports'); stored.clean()\n"
        "pairs = [(catalog.discover(root)[0].runs()[0], date(2025, 12, 12))]\n"
        "tasks = run.plan(pairs, {}, '', root, stored, resume=True)\n"
        "assert tasks[0].reason; print('planned', flush=True); sys.stdin.readline()\n"
        "print(run.run_all(tasks, stored, resume=True)[0].status)\n"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(workshop.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        for _ in range(2)
    ]
    assert [runner.stdout.readline() for runner in both] == ["planned\n"] * 2
    said = []
    for runner in both:
        runner.stdin.write("go\n")
        runner.stdin.flush()
    said = sorted(runner.communicate()[0].strip() for runner in both)
    assert said == ["ok", "unchanged"]
    assert len(list((workshop.reports / KEY / "2025-12-12").iterdir())) == 1


def reading(check):
    """Call ``check`` in a thread until the returned function is called; its faults and turns."""
    faults, turns, stop = [], [0], threading.Event()

    def read():
        while not stop.is_set():
            try:
                check()
            except Exception as fault:
                faults.append(repr(fault))
            turns[0] += 1

    reader = threading.Thread(target=read)
    reader.start()

    def end():
        stop.set()
        reader.join()
        return faults, turns[0]

    return end


def test_a_reader_meets_only_whole_reports_while_attempts_are_published_and_pruned(tmp_path):
    stored = Store(tmp_path / "reports")

    def publish(number: int):
        with stored.lock(KEY), stored.staging() as staged:
            (staged / "report.html").write_text(f"{number}:" + f"{number % 10}" * 300_000)
            (staged / "run.json").write_text(json.dumps({"status": "ok", "as_of": "2025-12-12"}))
            return stored.publish(staged, KEY, "2025-12-12", good=True)

    def check():
        page = (tmp_path / "reports" / KEY / "current" / "report.html").read_text()
        number, _, body = page.partition(":")
        assert body == f"{int(number) % 10}" * 300_000

    publish(0)
    end = reading(check)
    folders = [publish(number) for number in range(1, 40)]
    for folder in folders[:-1]:
        stored.remove(folder)
    faults, turns = end()
    assert faults == []
    assert turns > 10


def test_a_reader_never_misses_a_page_of_the_site_while_it_is_built(made, tmp_path, plain_generator):
    reports = tmp_path / "reports"

    def check():
        for page in ("index.html", "reports/attainment/company.html"):
            assert (reports / "site" / page).read_text().endswith("<!-- end -->")

    made.bundle(reports, date(2025, 12, 1))
    build.build_site(reports)
    end = reading(check)
    for day in range(2, 8):
        made.bundle(reports, date(2025, 12, day))
        build.build_site(reports)
    faults, turns = end()
    assert faults == []
    assert turns > 3


class SteppedClock(datetime):
    """A clock that was set back to 2020."""

    @classmethod
    def now(cls, tz=None):
        return datetime(2020, 1, 1, tzinfo=UTC)


def test_a_clock_that_steps_back_does_not_hide_the_newest_report(workshop, monkeypatch):
    workshop.notebook("made")
    (first,) = workshop.run(all=True)
    monkeypatch.setattr(store, "datetime", SteppedClock)
    monkeypatch.setattr("salesops_lib.publish.running.attempt.datetime", SteppedClock)
    workshop.notebook("made", "x = 1")
    (second,) = workshop.run(all=True)
    assert second.folder.name > first.folder.name
    assert workshop.current(KEY) == second.folder
    assert workshop.run(all=True)[0].status == "unchanged"
    assert read_reports(workshop.reports)[0].current.folder == second.folder
    workshop.notebook("made", "1 / 0")
    (failed,) = workshop.run(all=True)
    assert read_reports(workshop.reports)[0].failed.folder == failed.folder


def test_names_of_attempts_sort_as_they_were_made_also_within_one_second():
    names = []
    for _ in range(30):
        names.append(next_name(names))
    assert names == sorted(names)
    assert next_name(["not-a-stamp", "site"]) > "2026"


def damaged(path, how: str) -> None:
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    elif how == "other":
        path.write_bytes(b"[1, 2]")
    else:
        path.write_bytes(b"\x00" * path.stat().st_size)


@pytest.mark.parametrize("file", ["run.json", "findings.json", "manifest.json", "report.html", "hashes.json"])
@pytest.mark.parametrize("how", ["gone", "cut", "other", "zeros"])
def test_a_damaged_bundle_is_told_passed_over_and_made_anew(made, tmp_path, file, how):
    reports = tmp_path / "reports"
    older = made.bundle(reports, date(2025, 11, 14), "20251114T060000-aaaaaa")
    newer = made.bundle(reports, date(2025, 12, 12), "20251212T060000-bbbbbb")
    for folder in (older, newer):
        integrity.write_hashes(folder)
    damaged(newer / file, how)
    (history,) = read_reports(reports)
    good = Store(reports).last_good("attainment/company")
    if (file, how) == ("hashes.json", "gone"):  # as an older release wrote it
        assert (history.current.folder, history.failed, good) == (newer, None, newer)
        return
    assert (history.current.folder, good) == (older, older)
    assert history.failed.as_of == "2025-12-12"
    assert "the stored report is damaged" in history.failed.run["error"]["message"]
    assert "salesops run attainment" in history.failed.run["error"]["message"]
    assert not (history.failed.folder / "report.html").exists()  # a page that may say anything is not shown


def test_after_damage_the_next_run_makes_the_report_anew_and_the_site_stops_telling_it(workshop):
    workshop.notebook("made")
    (good,) = workshop.run(all=True)
    damaged(good.folder / "findings.json", "zeros")
    assert read_reports(workshop.reports)[0].failed is not None
    (again,) = workshop.run(all=True)
    assert (again.status, again.task.reason) == ("ok", "no report for this day")
    assert workshop.current(KEY) == again.folder
    history = read_reports(workshop.reports)[0]
    assert (history.current.folder, history.failed) == (again.folder, None)


def test_the_site_tells_a_damaged_report_and_shows_the_one_before(made, tmp_path):
    reports = tmp_path / "reports"
    made.bundle(reports, date(2025, 11, 14))
    newer = made.bundle(reports, date(2025, 12, 12))
    integrity.write_hashes(newer)
    damaged(newer / "report.html", "cut")
    page = build.build_site(reports)
    text = (page.parent / "reports/attainment/company.html").read_text()
    assert "the stored report is damaged (report.html was changed)" in text
    assert "2025-11-14" in text


def test_what_nobody_thought_of_in_one_report_leaves_the_others_alone(workshop, monkeypatch):
    for name in ("abad", "made"):
        workshop.notebook(name)
    attempt = run.attempt

    def breaks(task, *rest):
        if task.run.notebook.name == "abad":
            raise RecursionError("too deep")
        return attempt(task, *rest)

    monkeypatch.setattr(run, "attempt", breaks)
    bad, good = workshop.run(all=True)
    assert (bad.status, bad.error, good.status) == (
        "failed",
        "could not be run, RecursionError: too deep",
        "ok",
    )
    assert list((workshop.reports / ".staging").iterdir()) == []
