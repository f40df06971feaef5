"""States of findings. Expected is the rule in words: accepted until worse, closed until seen again."""

from dataclasses import replace
from datetime import date

import pytest

from salesops_lib.core.findings import Finding, Interval, Severity, Threshold
from salesops_lib.core.followup import decision, followed, key, worsened

DAY = "2026-02-27"
REPORT = "attainment/company"


def finding(value=0.60, low=0.55, high=0.65, **changes) -> Finding:
    made = Finding(
        code="F-ATTN-TEAM", metric="attainment.team", title="Team under its floor",
        scope={"period": "FY26-Q2", "team": "EMEA"}, value=value, unit="ratio", currency=None, n=10, min_n=5,
        interval=Interval(low, high, 0.9, "wilson"), threshold=Threshold(0.80, "above", "log"), mature=True,
        statement="Said.", money_at_stake=None, recommendation="Do it.", owner="manager",
        due=date(2026, 3, 6), playbook="how-to/analytics/review-attainment.md#f-attn-team",
    )  # fmt: skip
    return replace(made, **changes)


def state(
    decided: Finding, state_: str, now: Finding, as_of: str = DAY, on: date = date(2026, 2, 28), **told
):
    entry = decision(REPORT, DAY, decided, state_, **told)
    return followed([(REPORT, as_of, now)], [entry], on)[0]


def test_a_finding_keeps_its_name_in_the_next_period():
    later = finding(scope={"period": "FY26-Q3", "team": "EMEA"})
    assert key(finding()) == key(later) == "F-ATTN-TEAM:team=EMEA"


def test_a_finding_nobody_decided_on_is_new_and_one_that_is_ok_is_not_listed():
    fine = finding(0.9, 0.85, 0.95)
    assert fine.severity is Severity.OK
    found = followed([(REPORT, DAY, finding()), ("a/b", DAY, fine)], [], date(2026, 2, 28))
    assert [(f.state, f.owner) for f in found] == [("new", "manager")]


def test_a_finding_nobody_gave_a_day_to_is_overdue_by_the_day_its_first_run_asked_for():
    now = finding(due=date(2026, 3, 20))  # the newest run moved it on
    first = {"first_due": lambda _: date(2026, 3, 6)}
    told = followed([(REPORT, DAY, now)], [], date(2026, 3, 10), **first)[0]
    assert (told.state, told.due, told.overdue) == ("new", date(2026, 3, 6), True)
    given = decision(REPORT, DAY, now, "assigned", owner="Ada", due="2026-03-15")
    told = followed([(REPORT, DAY, now)], [given], date(2026, 3, 10), **first)[0]
    assert (told.due, told.overdue) == (date(2026, 3, 15), False)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (finding(), "accepted"),
        (finding(0.58, 0.53, 0.63), "accepted"),  # 0.60 of then is inside the range of now
        (finding(0.70, 0.65, 0.75), "accepted"),  # better
        (finding(0.50, 0.45, 0.55), "returned"),  # the whole range is under 0.60
        (finding(None, n=0), "accepted"),  # unknown is not worse
    ],
)
def test_an_accepted_finding_returns_only_when_it_worsens(now, expected):
    assert state(finding(), "accepted", now, as_of="2026-05-29", why="ramping").state == expected


def test_the_last_bit_of_a_number_without_a_range_is_no_worsening():
    exact = {"interval": None, "threshold": Threshold(0.30, "below", "log")}
    was, summed, worse = (replace(finding(v), **exact) for v in (0.6, 0.1 + 0.2 + 0.3, 0.6001))
    assert summed.value > was.value  # by the last bit: 0.6000000000000001
    entry = decision(REPORT, DAY, was, "accepted", why="known")
    assert [worsened(entry, f) for f in (was, summed, worse)] == [False, False, True]


def test_an_accepted_watch_returns_when_it_becomes_act():
    watch = finding(0.78, 0.70, 0.86)
    assert watch.severity is Severity.WATCH
    assert state(watch, "accepted", finding(0.77, 0.75, 0.79), why="noise").state == "returned"


def test_a_limit_to_stay_below_worsens_upwards():
    below = Threshold(0.10, "below", "log")
    entry = decision(REPORT, DAY, finding(0.3, 0.25, 0.35, threshold=below), "accepted")
    assert worsened(entry, finding(0.5, 0.45, 0.55, threshold=below))
    assert not worsened(entry, finding(0.2, 0.15, 0.25, threshold=below))


def test_a_closed_finding_stays_closed_on_its_day_and_returns_in_a_later_report():
    assert state(finding(), "closed", finding(), why="done").state == "closed"
    assert state(finding(), "closed", finding(), as_of="2026-03-27", why="done").state == "returned"


def test_an_assigned_finding_keeps_its_owner_and_day_though_later_reports_set_a_later_one():
    now = finding(due=date(2026, 4, 3))
    item = state(finding(), "assigned", now, "2026-03-27", date(2026, 3, 28), owner="Ada", due="2026-03-06")
    assert (item.owner, item.due, item.overdue) == ("Ada", date(2026, 3, 6), True)


def test_overdue_rises_above_graver_findings_and_what_is_settled_sinks():
    late = finding(0.78, 0.70, 0.86, code="F-ATTN-LATE", due=date(2026, 2, 1))
    settled = finding(code="F-ATTN-SETTLED", due=date(2026, 2, 1))
    rows = [(REPORT, DAY, f) for f in (finding(), settled, late)]
    found = followed(rows, [decision(REPORT, DAY, settled, "accepted", why="known")], date(2026, 2, 28))
    assert [f.finding.code for f in found] == ["F-ATTN-LATE", "F-ATTN-TEAM", "F-ATTN-SETTLED"]
    assert [f.overdue for f in found] == [True, False, False]
