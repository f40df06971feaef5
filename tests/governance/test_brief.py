"""What the brief gathers, on reports made by hand: whose decision, since when, and where reports disagree."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from salesops_lib.core.contracts import checked
from salesops_lib.core.findings import Finding, Interval, Severity, Threshold
from salesops_lib.core.followup import decision
from salesops_lib.core.policy import Policy, PolicyValue
from salesops_lib.core.standing import Standing
from salesops_lib.governance import agreement, findings, headline, outputs, page
from salesops_lib.governance import decisions as deciding
from salesops_lib.governance import reports as gathered

NOV, DEC = date(2025, 11, 30), date(2025, 12, 12)


def made(code, value, *, on=DEC, days=7, money=None, ends=None, scope=None, n=50, keep="above", limit=1.0):
    from datetime import timedelta

    return Finding(
        code=code, metric="made.metric", title=f"Title of {code}", scope=scope or {}, value=value,
        unit="ratio", currency=None, n=n, min_n=10, interval=Interval(*ends, 0.9, "made") if ends else None,
        threshold=Threshold(limit, keep, "made"), mature=True, statement=f"{code} says {value}.",
        money_at_stake=money, recommendation="Do it.", owner="sales manager",
        due=on + timedelta(days=days), playbook="how-to/x.md#y",
    )  # fmt: skip


def report(key, *runs, last_due=None, failed_on=None, tables=None):
    good = tuple((day, tuple(found)) for day, found in runs)
    return Standing(key, key.title(), "Why?", good, last_due, failed_on, (), tables or {})


@pytest.fixture
def pressing():
    """Two reports; the first finding presses since November, the second is new and dearer."""
    old = [
        made("F-A-ONE", 0.5, on=d, money=10.0, scope={"team": "West", "period": p})
        for d, p in ((NOV, "Q3"), (DEC, "Q4"))
    ]
    new = made("F-B-TWO", 0.2, money=99.0, scope={"team": "West"})
    return [report("a/company", (NOV, [old[0]]), (DEC, [old[1]])), report("b/company", (DEC, [new]))]


def test_a_finding_is_due_when_its_first_run_said_so_however_often_later_runs_moved_it(pressing):
    rows = deciding.decisions(pressing, [], DEC)
    assert rows["code"].tolist() == ["F-B-TWO", "F-A-ONE"]  # both ACT: money decides
    old = rows.iloc[1]
    assert (old["open_since"], old["open_days"], old["runs"]) == (NOV, 12, 2)
    assert (old["first_due"], bool(old["overdue"])) == (date(2025, 12, 7), True)
    assert not rows["overdue"].iloc[0]
    checked(rows, outputs.DECISIONS)


def test_a_finding_of_two_periods_is_two_decisions_each_with_its_own_past():
    def quarters(day, first, second):
        scope = [{"company": "Co", "period": p} for p in ("FY26-Q4", "FY27-Q1")]
        return [
            made("F-FCST-TARGET", v, on=day, scope=s) for v, s in zip((first, second), scope, strict=True)
        ]

    told = [report("forecasting/company", (NOV, quarters(NOV, 1.5, 0.5)), (DEC, quarters(DEC, 0.5, 0.5)))]
    rows = checked(deciding.decisions(told, [], DEC), outputs.DECISIONS).set_index("period")
    assert rows["runs"].to_dict() == {"FY26-Q4": 1, "FY27-Q1": 2}
    opened = checked(gathered.changes(told), outputs.CHANGES)
    assert opened[["kind", "period"]].to_numpy().tolist() == [["opened", "FY26-Q4"]]
    told.append(report("attainment/company", (DEC, [made("F-ATTN-PACE", 1.5, scope={"company": "Co"})])))
    answers = checked(agreement.verdicts(told), outputs.VERDICTS)
    assert answers["report"].tolist() == ["forecasting/company", "attainment/company"]


def test_a_break_in_the_row_of_runs_starts_the_clock_anew():
    quiet = made("F-A-ONE", 1.5)
    runs = [
        (date(2025, 10, 31), [made("F-A-ONE", 0.5, on=date(2025, 10, 31))]),
        (NOV, [quiet]),
        (DEC, [made("F-A-ONE", 0.5)]),
    ]
    row = deciding.decisions([report("a/company", *runs)], [], DEC).iloc[0]
    assert (row["open_since"], row["runs"], bool(row["overdue"])) == (DEC, 1, False)


def test_what_was_accepted_is_left_out_and_what_was_assigned_has_its_new_day(pressing):
    one, two = pressing[0].findings[0], pressing[1].findings[0]
    entries = [
        decision("a/company", "2025-12-12", one, "assigned", owner="analyst", due="2025-12-20"),
        decision("b/company", "2025-12-12", two, "accepted", why="Known."),
    ]
    open_, settled = (deciding.decisions(pressing, entries, DEC, settled=s) for s in (False, True))
    assert open_[["code", "owner", "state", "first_due"]].to_numpy().tolist() == [
        ["F-A-ONE", "analyst", "assigned", date(2025, 12, 20)]
    ]
    assert settled["code"].tolist() == ["F-B-TWO"]


def test_a_place_counts_when_two_reports_name_it_and_stakes_are_not_added(pressing):
    rows = deciding.places(deciding.decisions(pressing, [], DEC))
    assert rows[["place", "reports", "act", "largest_base"]].to_numpy().tolist() == [
        ["team West", 2, 2, 99.0]
    ]
    assert deciding.places(deciding.decisions(pressing[:1], [], DEC)).empty


def _outlook(mid, low, high, node="Co", level="company"):
    return pd.DataFrame({
        "level": [level], "node_id": [node], "period": ["FY26-Q4"], "low_base": [low], "mid_base": [mid],
        "high_base": [high], "booked_base": [1.0], "target_base": [100.0],
    })  # fmt: skip


def _pacing(mid, low, high, node="Co", level="company"):
    return pd.DataFrame({
        "level": [level], "holder_id": [node], "period": ["FY26-Q4"], "finish_low_base": [low],
        "finish_mid_base": [mid], "finish_high_base": [high], "to_date_base": [2.0], "quota_base": [100.0],
    })  # fmt: skip


def both(forecast, pace):
    return [
        report("forecasting/company", (DEC, []), tables={"outlook": _outlook(*forecast)}),
        report("attainment/company", (DEC, []), tables={"pacing": _pacing(*pace)}),
    ]


def test_the_gap_of_two_forecasts_is_their_distance_over_their_mean():
    row = agreement.forecasts(both((110, 100, 120), (90, 80, 95))).iloc[0]
    assert row["gap"] == pytest.approx(0.2)
    assert (row["gap_base"], row["ranges_overlap"]) == (20, False)
    assert (row["forecast_met"], row["pace_met"]) == (True, False)
    assert agreement.forecasts(both((110, 100, 120), (90, 80, 100))).iloc[0]["ranges_overlap"]  # ends touch
    assert agreement.forecasts(both((110, 100, 120), (90, 80, 95))[:1]).empty


def test_a_period_or_node_only_one_report_gives_is_not_compared():
    told = both((110, 100, 120), (90, 80, 95))
    told[1] = report("attainment/company", (DEC, []), tables={"pacing": _pacing(90, 80, 95, node="Other")})
    assert agreement.forecasts(told).empty


def test_one_act_and_one_ok_about_one_question_and_place_is_a_contradiction():
    told = [
        report("forecasting/company", (DEC, [made("F-FCST-TARGET", 0.5, scope={"region": "EMEA"})])),
        report("attainment/company", (DEC, [
            made("F-ATTN-PACE", 1.5, scope={"region": "EMEA", "period": "Q4"}),
            made("F-ATTN-PACE", 1.5, scope={"region": "APAC", "period": "Q4"}),
        ])),
    ]  # fmt: skip
    rows = agreement.verdicts(told)
    assert rows["place"].tolist() == ["region EMEA", "region EMEA"]  # of APAC only one report speaks
    assert set(rows["answers"]) == {"opposite"}
    checked(rows, outputs.VERDICTS)


def test_watch_beside_ok_differs_and_contradicts_nothing():
    told = [
        report(
            "forecasting/company",
            (DEC, [made("F-FCST-TARGET", 1.1, ends=(0.9, 1.2), scope={"company": "Co"})]),
        ),
        report("attainment/company", (DEC, [made("F-ATTN-PACE", 1.5, scope={"company": "Co"})])),
    ]
    assert set(agreement.verdicts(told)["answers"]) == {"differ"}


def test_the_codes_the_questions_name_are_rules_that_exist():
    from importlib import import_module

    rules = [
        import_module(f"salesops_lib.{d}.findings").RULES
        for d in ("forecasting", "attainment", "pipeline", "quality")
    ]
    codes = {rule.code for group in rules for rule in group}
    assert {code for q in agreement.QUESTIONS for code in (*q.answers, *q.asks, *q.whole)} <= codes


def test_a_report_the_company_has_no_data_for_is_not_late(setting):
    # Running it again would not help; one that ran before, or that has its data, stays late.
    reports = [
        report("commission_close/company"), report("attainment/company"),
        report("quota_setting/company", (NOV, []), last_due=DEC),
    ]  # fmt: skip
    lacks = {
        "commission_close": "table plan_assignments", "attainment": "", "quota_setting": "table quotas",
    }  # fmt: skip
    rows = gathered.state(reports, DEC, lacks)
    assert dict(zip(rows["report"], rows["state"], strict=True)) == {
        "quota_setting/company": "stale", "attainment/company": "never ran",
        "commission_close/company": "no data for it",
    }  # fmt: skip
    found = findings.stale(setting, rows)
    assert found.value == 2
    assert found.n == 2
    checked(rows, outputs.REPORTS)


def test_a_report_is_failed_stale_never_run_or_current():
    ran = (NOV, [made("F-A-ONE", 0.5), made("F-A-TWO", 1.5), made("F-A-THREE", None)])
    rows = gathered.state(
        [
            report("current/company", ran, last_due=NOV),
            report("unscheduled/company", ran),
            report("stale/company", ran, last_due=DEC),
            report("failed/company", ran, last_due=NOV, failed_on=DEC),
            report("never/company"),
        ],
        DEC,
    ).set_index("report")
    assert rows["state"].to_dict() == {
        "current/company": "current", "unscheduled/company": "cadence not known", "stale/company": "stale",
        "failed/company": "failed", "never/company": "never ran",
    }  # fmt: skip
    assert rows.loc["stale/company", ["act", "watch", "unknown", "ok"]].tolist() == [1, 0, 1, 1]
    assert rows.index[0] == "failed/company"
    checked(rows.reset_index(), outputs.REPORTS)


def test_changes_and_unknowns_are_told_for_each_report(pressing):
    told = [*pressing, report("c/company", (NOV, [made("F-C-ONE", 1.5)]), (DEC, [made("F-C-ONE", 0.5, n=3)]))]
    assert gathered.changes(told).empty  # one pressed all along, one ran once, one can no longer be judged
    lacking = gathered.unknown(told)
    assert lacking[["code", "has", "needs"]].to_numpy().tolist() == [["F-C-ONE", 3, 10]]
    told[2] = report("c/company", (NOV, [made("F-C-ONE", 1.5)]), (DEC, [made("F-C-ONE", 0.5)]))
    opened = gathered.changes(told)
    assert opened[["kind", "report", "before", "now", "now_value"]].to_numpy().tolist() == [
        ["opened", "c/company", "OK", "ACT", 0.5]
    ]
    checked(opened, outputs.CHANGES)


@pytest.fixture
def setting():
    limits = {
        "overdue_max": 0.2,
        "stale_max": 0,
        "apart_max": 0.05,
        "contradictions_max": 0,
        "unknown_max": 0.2,
    }

    class Fixed(Policy):
        def __init__(self):
            pass

        def value(self, name, on):
            unit = "count" if name in {"stale_max", "contradictions_max"} else "ratio"
            return PolicyValue(f"governance.{name}", limits[name], unit, date(2000, 1, 1), "made", name)

    return findings.Setting(Fixed(), DEC, "Co", "USD")


def _decisions(late, total):
    told = [
        report(f"r{k}/company", (DEC, [made("F-A-ONE", 0.5, days=-1 if k < late else 7, money=5.0)]))
        for k in range(total)
    ]
    return deciding.decisions(told, [], DEC)


@pytest.mark.parametrize(
    ("late", "total", "severity"), [(3, 10, "ACT"), (2, 10, "OK"), (1, 4, "UNKNOWN"), (0, 0, "UNKNOWN")]
)
def test_overdue_fires_over_a_fifth_and_needs_five(setting, late, total, severity):
    assert findings.overdue(setting, _decisions(late, total)).severity == severity


@pytest.mark.parametrize(("due", "severity"), [(DEC, "ACT"), (NOV, "OK")])
def test_one_report_behind_is_to_act_on(setting, due, severity):
    found = findings.stale(setting, gathered.state([report("a/company", (NOV, []), last_due=due)], DEC))
    assert found.severity == severity
    assert findings.stale(setting, gathered.state([], DEC)).severity is Severity.UNKNOWN
    undated = gathered.state([report("a/company", (NOV, []))], DEC)
    assert findings.stale(setting, undated).severity is Severity.UNKNOWN


@pytest.mark.parametrize(("pace", "severity"), [((90, 80, 95), "ACT"), ((106, 80, 120), "OK")])
def test_forecast_and_pace_more_than_a_twentieth_apart_is_to_act_on(setting, pace, severity):
    (found,) = findings.apart(setting, agreement.forecasts(both((110, 100, 120), pace)))
    assert found.severity == severity
    assert "Plan spending by the pace" in found.recommendation or severity == "OK"
    (none,) = findings.apart(setting, agreement.forecasts([]))
    assert none.severity is Severity.UNKNOWN


@pytest.mark.parametrize(("pace", "severity"), [(1.5, "ACT"), (0.5, "OK")])
def test_a_contradiction_is_to_act_on_and_none_is_unknown_without_a_shared_question(setting, pace, severity):
    told = [
        report("forecasting/company", (DEC, [made("F-FCST-TARGET", 0.5, scope={"company": "Co"})])),
        report("attainment/company", (DEC, [made("F-ATTN-PACE", pace, scope={"company": "Co"})])),
    ]
    assert findings.contradictions(setting, agreement.verdicts(told)).severity == severity
    assert findings.contradictions(setting, agreement.verdicts(told[:1])).severity is Severity.UNKNOWN


@pytest.mark.parametrize(("blind", "total", "severity"), [(3, 10, "ACT"), (2, 10, "OK"), (2, 4, "UNKNOWN")])
def test_too_many_findings_without_evidence_is_to_act_on(setting, blind, total, severity):
    found = [made("F-A-ONE", None if k < blind else 1.5, scope={"k": str(k)}) for k in range(total)]
    state = gathered.state([report("a/company", (DEC, found))], DEC)
    assert findings.unknown(setting, state).severity == severity


def test_the_page_names_step_owner_day_and_code_and_the_cards_say_what_is_not_known(pressing, setting):
    rows, state = deciding.decisions(pressing, [], DEC), gathered.state(pressing, DEC)
    changes, none = gathered.changes(pressing), agreement.forecasts(pressing)
    text = page.page(
        "Co",
        DEC,
        "USD",
        decisions=rows,
        changes=changes,
        findings=[findings.apart(setting, none)[0]],
        state=state,
    )
    first = "1. 99 USD at stake. F-B-TWO says 0.2. Next: Do it. (sales manager, first due 2025-12-19; "
    assert first + "b/company, F-B-TWO)" in text
    assert "UNKNOWN: Forecast and pace of one period do not both stand." in text
    cards = {c[0]: c[1:] for c in headline.cards(rows, state, changes, none, agreement.verdicts(pressing))}
    assert cards["To decide now"] == (
        "2", "0 more to watch", "of 2 judged; 1 of 2 past the day first due",
    )  # fmt: skip
    assert cards["Largest stake"] == ("99", "Title of F-B-TWO", "sales manager by 2025-12-19")
    assert cards["This quarter"][0] == "not known"


def test_a_brief_of_no_reports_knows_nothing_and_says_so(setting):
    rows, state = deciding.decisions([], [], DEC), gathered.state([], DEC)
    frames = {
        outputs.DECISIONS: rows,
        outputs.PLACES: deciding.places(rows),
        outputs.REPORTS: state,
        outputs.CHANGES: gathered.changes([]),
        outputs.FORECASTS: agreement.forecasts([]),
        outputs.VERDICTS: agreement.verdicts([]),
        outputs.UNKNOWNS: gathered.unknown([]),
    }
    for table, frame in frames.items():
        assert checked(frame, table).empty
    assert findings.unknown(setting, state).severity is Severity.UNKNOWN
    assert findings.overdue(setting, rows).severity is Severity.UNKNOWN
