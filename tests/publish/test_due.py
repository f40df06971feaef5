"""Scheduled runs: what is due and missed, what must not run, in which order, how often it is tried."""

import json
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from salesops_lib.core.errors import UserError
from salesops_lib.core.periods import explicit, monthly
from salesops_lib.publish import catalog, conduct
from salesops_lib.publish.catalog import Cadence
from salesops_lib.publish.running import attempt, execute, order
from salesops_lib.publish.scheduling import schedule
from salesops_lib.publish.site import build
from salesops_lib.publish.store import Store

CALENDAR = monthly(2, range(2025, 2028), holidays=(date(2025, 12, 1), date(2025, 12, 25)))
NEW_YORK = ZoneInfo("America/New_York")
WEEKLY = 'cadence: {every: week, on: Mon, at: "06:00"}'
MONTHLY = 'cadence: {every: month, business_day: 3, at: "06:00"}'


def moments(cadence: dict, now: str, count: int, calendar=CALENDAR) -> list[str]:
    """The newest ``count`` due moments, in UTC, by the clock of New York."""
    found = schedule.moments(
        Cadence(**{"at": "06:00"} | cadence), calendar, NEW_YORK, datetime.fromisoformat(now)
    )
    return [f"{m.astimezone(UTC):%Y-%m-%dT%H:%M}" for m, _ in zip(found, range(count), strict=False)]


def weekly(workshop, name: str, *cells: str, extra: str = ""):
    return workshop.notebook(name, *cells, run_file=_run_file().replace(MONTHLY, WEEKLY) + extra)


def _run_file() -> str:
    return f"""\
title: Made report
question: Does it run?
domain: attainment
owner: analyst
reader: head of sales
{MONTHLY}
audience: leadership
playbooks: []
needs: {{quotas: [holder_id]}}
runs: {{company: {{}}}}
"""


def conducted(workshop, capsys, failing=None, lacking=None, last_day=date(2025, 12, 12), **options):
    """Exit code and the printed JSON of one scheduled run."""
    bench = workshop.bench(last_day, lacking or (lambda data, day, needs: {}))
    if failing:
        bench = type(bench)(bench.root, bench.reports, bench.open_snapshot, bench.lacking, failing)
    code = conduct.run_reports(workshop.asked(**options), bench, as_json=True)
    return int(code), json.loads(capsys.readouterr().out)


def days(told: dict) -> list[tuple[str, str, str]]:
    return [(run["notebook"], run["as_of"], run["status"]) for run in told["runs"]]


def always_stale(data, needs, optional, days):
    said = "its data failed the gate: quotas"
    return {(name, day): said for name, found in days.items() for day in found}, {}


def test_a_weekly_clock_keeps_its_hour_over_both_clock_changes():
    # By the tz database New York is UTC-4 until 2025-11-02 and UTC-5 after it.
    assert moments({"every": "week", "on": "Mon"}, "2025-11-10T12:00+00:00", 3) == [
        "2025-11-10T11:00",
        "2025-11-03T11:00",
        "2025-10-27T10:00",
    ]


def test_an_hour_the_clock_leaps_over_is_due_once_right_after():
    # 2026-03-08: 02:00 becomes 03:00; 02:30 by the clock before is 07:30 UTC, 03:30 by the clock after.
    assert moments({"every": "day", "at": "02:30"}, "2026-03-08T07:29+00:00", 1) == ["2026-03-07T07:30"]
    assert moments({"every": "day", "at": "02:30"}, "2026-03-08T07:30+00:00", 1) == ["2026-03-08T07:30"]


def test_an_hour_that_comes_twice_is_due_the_first_time():
    # 2025-11-02: 01:30 is 05:30 UTC, and again 06:30 UTC.
    assert moments({"every": "day", "at": "01:30"}, "2025-11-02T05:30+00:00", 1) == ["2025-11-02T05:30"]
    assert moments({"every": "day", "at": "01:30"}, "2025-11-02T06:45+00:00", 1) == ["2025-11-02T05:30"]


def test_a_cadence_may_have_a_zone_of_its_own():
    # Monday 06:00 in Tokyo is Sunday 21:00 UTC.
    tokyo = {"every": "week", "on": "Mon", "time_zone": "Asia/Tokyo"}
    assert moments(tokyo, "2025-12-07T20:59+00:00", 1) == ["2025-11-30T21:00"]
    assert moments(tokyo, "2025-12-07T21:00+00:00", 1) == ["2025-12-07T21:00"]
    assert str(Cadence(at="06:00", **tokyo)) == "every Mon, 06:00 Asia/Tokyo"
    with pytest.raises(ValueError, match="'Mars/Base' is unknown"):
        Cadence(every="day", at="06:00", time_zone="Mars/Base")


def test_business_days_count_from_the_fiscal_start_without_holidays():
    # December begins on a holiday Monday: working days 2, 3, 4. FY26-Q4 begins on Saturday 1 November:
    # its twelfth working day is Tuesday 18; that of FY26-Q3 (from Friday 1 August) is Monday 18 August.
    noon = "2025-12-12T17:00+00:00"
    assert moments({"every": "month", "business_day": 3}, noon, 2) == ["2025-12-04T11:00", "2025-11-05T11:00"]
    quarter = {"every": "quarter", "business_day": 12}
    assert moments(quarter, noon, 2) == ["2025-11-18T11:00", "2025-08-18T10:00"]


def test_moments_end_where_the_calendar_begins():
    short = explicit([date(2025, 8, 1), date(2025, 11, 1)], date(2026, 2, 1), first="FY26-Q3")
    assert len(moments({"every": "quarter", "business_day": 12}, "2025-12-12T17:00+00:00", 9, short)) == 2


@pytest.mark.parametrize(
    ("text", "utc"),
    [("2025-12-12", "2025-12-13T04:59"), ("2025-12-12T07:00", "2025-12-12T12:00"),
     ("2025-12-12T07:00+01:00", "2025-12-12T06:00")],
)  # fmt: skip
def test_a_time_is_read_by_the_companys_clock(text, utc):
    assert f"{schedule.read_now(text, NEW_YORK).astimezone(UTC):%Y-%m-%dT%H:%M}" == utc


@pytest.mark.parametrize("text", ["tomorrow", "2025-12-12T25:00", "12T", ""])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UserError, match=r"is no (day|time); write"):
        schedule.read_now(text, NEW_YORK)


def test_missed_due_days_are_caught_up_and_then_nothing_is_due(workshop, capsys):
    weekly(workshop, "week")
    # Mondays: 17 and 24 November, 1 and 8 December. The first call makes only the last due day.
    code, first = conducted(workshop, capsys, due="2025-11-18T12:00")
    assert (code, days(first)) == (0, [("week", "2025-11-17", "ok")])
    assert first["runs"][0]["due"] == "2025-11-17T11:00:00Z"
    code, caught = conducted(workshop, capsys, due="2025-12-09")
    assert [day for _, day, _ in days(caught)] == ["2025-11-24", "2025-12-01", "2025-12-08"]
    assert conducted(workshop, capsys, due="2025-12-09")[1]["runs"] == []
    # Half an hour before the next Monday's due moment nothing is; right at it one is.
    assert conducted(workshop, capsys, due="2025-12-15T05:30")[1]["runs"] == []
    assert (
        len(conducted(workshop, capsys, due="2025-12-15T06:00", last_day=date(2025, 12, 15))[1]["runs"]) == 1
    )


def test_catching_up_is_bounded_and_says_what_it_leaves(workshop, capsys):
    weekly(workshop, "week")
    conducted(workshop, capsys, due="2025-11-18")
    _, told = conducted(workshop, capsys, due="2025-12-09", catch_up=1)
    assert [day for _, day, _ in days(told)] == ["2025-12-08"]
    assert told["left_out"] == [
        "week/company: 2 due days from 2025-11-24 to 2025-12-01 have no report and are left out; "
        "--catch-up 3 or more goes back to them"
    ]
    _, told = conducted(workshop, capsys, due="2025-12-09", catch_up=9)
    assert len(told["runs"]) == 2


def test_a_report_whose_data_failed_the_gate_is_stale_and_the_last_good_one_stands(workshop, capsys):
    weekly(workshop, "week")
    conducted(workshop, capsys, due="2025-12-02")
    code, told = conducted(workshop, capsys, failing=always_stale, due="2025-12-09")
    (run,) = told["runs"]
    assert (code, told["status"], run["status"], run["last_good"]) == (3, "stale", "stale", "2025-12-01")
    record = json.loads(
        (workshop.reports / "week/company/2025-12-08").glob("*/run.json").__next__().read_text()
    )
    assert (record["status"], record["last_good"]) == ("stale", "2025-12-01")
    assert record["error"]["message"] == "its data failed the gate: quotas"
    assert workshop.current("week/company").parent.name == "2025-12-01"
    # Again: the same is told, and no second record is kept; with mended data it runs.
    code, told = conducted(workshop, capsys, failing=always_stale, due="2025-12-09")
    assert (code, len(list((workshop.reports / "week/company/2025-12-08").iterdir()))) == (3, 1)
    code, told = conducted(workshop, capsys, due="2025-12-09")
    assert (code, days(told)) == (0, [("week", "2025-12-08", "ok")])


def test_an_optional_table_that_failed_the_gate_is_left_out_and_the_report_says_so(workshop, capsys):
    told_kernel = "import os\nreport.company = os.environ['SALESOPS_LEFT_OUT']"
    weekly(workshop, "week", told_kernel, extra="optional: [reps]\n")
    seen = []

    def reps_failed(data, needs, optional, days):
        seen.append(optional)
        why = {"reps": "its data failed the gate: <b>late"}
        return {}, {(name, day): why for name, found in days.items() for day in found}

    code, told = conducted(workshop, capsys, failing=reps_failed, due="2025-12-09")
    assert (code, seen) == (0, [{"week": ["reps"]}])
    (run,) = told["runs"]
    assert (run["status"], run["left_out"]) == ("ok", {"reps": "its data failed the gate: <b>late"})
    folder = workshop.current("week/company")
    assert "reps" in json.loads((folder / "manifest.json").read_text())["company"]
    page = (folder / "report.html").read_text().split("What to decide")[0]
    assert "Made without table reps: its data failed the gate: &lt;b&gt;late." in page
    (row,) = [r for r in build.build_site(workshop.reports).read_text().split("<tr>") if "In part" in r]
    assert "Made without table reps" in row
    # Of the same day and data, but read whole, it is another report.
    (again,) = workshop.run(all=True, as_of="2025-12-08")
    assert (again.status, again.task.reason) == ("ok", "tables left out changed")
    assert "Made without" not in (again.folder / "report.html").read_text()


def test_a_report_made_without_a_table_is_made_anew_once_the_table_is_mended(workshop, capsys):
    weekly(workshop, "week", extra="optional: [reps]\n")

    def reps_failed(data, needs, optional, days):
        return {}, {(name, day): {"reps": "late"} for name, found in days.items() for day in found}

    conducted(workshop, capsys, failing=reps_failed, due="2025-12-09")
    # Nothing is gained while the table still fails, nor while needed data fail beside it.
    for gate in (reps_failed, always_stale):
        code, told = conducted(workshop, capsys, failing=gate, due="2025-12-10")
        assert (code, told["runs"]) == (0, [])
    code, told = conducted(workshop, capsys, due="2025-12-10")
    assert (code, days(told)) == (0, [("week", "2025-12-08", "ok")])
    assert told["runs"][0]["left_out"] is None
    assert conducted(workshop, capsys, due="2025-12-10")[1]["runs"] == []


def test_the_console_and_the_page_of_a_stale_report_name_the_last_good_day(workshop, capsys):
    weekly(workshop, "week")
    conducted(workshop, capsys, due="2025-12-02")
    bench = workshop.bench()
    bench = type(bench)(bench.root, bench.reports, bench.open_snapshot, bench.lacking, always_stale)
    assert conduct.run_reports(workshop.asked(due="2025-12-09"), bench) == 3
    shown = capsys.readouterr().out
    assert "! week/company 2025-12-08  stale" in shown
    assert "quotas; the last good report is of 2025-12-01" in shown
    page = next((workshop.reports / "week/company/2025-12-08").glob("*/report.html")).read_text()
    assert "Stale: this report was not run" in page
    assert "as of 2025-12-01" in page


def test_data_a_scheduled_report_had_and_lost_makes_it_stale_and_never_had_is_no_fault(workshop, capsys):
    weekly(workshop, "week")
    lost = {"week": "table quotas"}
    code, told = conducted(workshop, capsys, lacking=lambda *_: lost, due="2025-12-02")
    assert (code, days(told)) == (0, [("week", "2025-12-01", "lacking")])
    conducted(workshop, capsys, due="2025-12-02")
    code, told = conducted(workshop, capsys, lacking=lambda *_: lost, due="2025-12-09")
    assert (code, told["runs"][0]["error"]) == (3, "its data lacks table quotas")


def test_a_report_waits_for_those_it_needs_and_is_held_back_where_one_is_not_good(workshop, capsys):
    weekly(workshop, "a_last", extra="after: [b_first]\n")
    weekly(workshop, "b_first", "1 / 0")
    code, told = conducted(workshop, capsys, due="2025-12-09")
    assert (code, days(told)) == (
        1,
        [("b_first", "2025-12-08", "failed"), ("a_last", "2025-12-08", "stale")],
    )
    assert told["runs"][1]["error"].startswith("it needs b_first/company 2025-12-08, which is failed")
    weekly(workshop, "b_first")
    # Asked for alone, it brings what it needs, first.
    code, told = conducted(workshop, capsys, due="2025-12-09", names=("a_last",))
    assert (code, {status for *_, status in days(told)}) == (0, {"ok"})
    started = {
        name: json.loads(next((workshop.reports / name / "company/current").glob("run.json")).read_text())
        for name in ("a_last", "b_first")
    }
    assert started["b_first"]["started_at"] <= started["a_last"]["started_at"]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("[bee]", r"a\.yaml, after: no notebook 'bee'"),
        ("[b]", "wait for each other"),
        ("[a]", "wait for each other"),
    ],
)
def test_needs_that_cannot_be_met_are_refused(workshop, after, said):
    weekly(workshop, "a", extra=f"after: {after}\n")
    weekly(workshop, "b", extra="after: [a]\n")
    with pytest.raises(UserError, match=said):
        order.needed(catalog.discover(workshop.root))


def test_a_dead_kernel_is_tried_three_times_and_a_notebooks_own_error_once(workshop, capsys, monkeypatch):
    monkeypatch.setattr(attempt, "RETRY_SECONDS", 0.0)
    count = workshop.root / "count"
    said = f"with open({str(count)!r}, 'a') as file:\n    file.write('x')\n"
    weekly(workshop, "dies", said + "import os; os._exit(1)")
    code, told = conducted(workshop, capsys, due="2025-12-09")
    assert (code, count.read_text()) == (1, "xxx")
    assert told["runs"][0]["error"].endswith("the kernel died (killed, out of memory, or os._exit) (3 tries)")
    count.unlink()
    weekly(workshop, "dies", said + "if len(open(file.name).read()) < 2: import os; os._exit(1)")
    code, told = conducted(workshop, capsys, due="2025-12-09")
    record = json.loads((workshop.current("dies/company") / "run.json").read_text())
    assert (code, count.read_text(), record["tries"]) == (0, "xx", 2)
    count.unlink()
    weekly(workshop, "dies", said + "raise ValueError('own')")
    assert (conducted(workshop, capsys, due="2025-12-09", force=True)[0], count.read_text()) == (1, "x")


def test_a_kernel_that_does_not_start_is_transient_and_a_cell_that_hangs_is_not():
    import threading

    late = threading.Event()
    assert execute._stopped(RuntimeError("no kernel"), [], late, 1, 1).transient
    late.set()
    assert not execute._stopped(RuntimeError("killed"), [], late, 1, 1).transient


def test_a_second_scheduled_run_leaves_while_the_first_is_at_work(workshop, capsys, monkeypatch):
    monkeypatch.setattr(conduct, "LOCK_SECONDS", 0.0)
    weekly(workshop, "week")
    with Store(workshop.reports).try_lock("schedule") as held:
        assert held
        assert conduct.run_reports(workshop.asked(due="2025-12-09"), workshop.bench()) == 5
        assert "another scheduled run is at work" in capsys.readouterr().err
        assert list((workshop.reports).glob("week*")) == []
    assert conducted(workshop, capsys, due="2025-12-09")[0] == 0


def test_of_several_due_days_without_data_the_latest_is_told_and_all_run_when_it_is_back(workshop, capsys):
    weekly(workshop, "week")
    conducted(workshop, capsys, due="2025-11-25")
    code, told = conducted(workshop, capsys, failing=always_stale, due="2025-12-09")
    assert (code, days(told)) == (3, [("week", "2025-12-08", "stale")])
    code, told = conducted(workshop, capsys, due="2025-12-09")
    assert [day for _, day, _ in days(told)] == ["2025-12-01", "2025-12-08"]


def test_a_stale_report_that_cannot_be_stored_fails_and_the_others_go_on(workshop, capsys, monkeypatch):
    from salesops_lib.publish.running import run

    def full(task, store):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, "hold", full)
    weekly(workshop, "a_last", extra="after: [b_first]\n")
    weekly(workshop, "b_first")
    code, told = conducted(workshop, capsys, failing=always_stale, due="2025-12-09")
    assert (code, {status for *_, status in days(told)}) == (1, {"failed"})
    assert "No space left" in told["runs"][0]["error"]
