"""What changed since the last run, by hand on findings of two days."""

from datetime import date

import pytest

from salesops_lib.core.changes import KINDS, difference
from salesops_lib.core.findings import Finding, Interval, Threshold
from salesops_lib.publish.rendering.differences import lines


def finding(
    value: float | None, team: str = "A", half: float | None = 0.05, period: str = "FY26-Q4"
) -> Finding:
    """A share to be kept above 0.8."""
    interval = None if half is None or value is None else Interval(value - half, value + half, 0.9, "m")
    return Finding(
        code="F-X-FLOOR",
        metric="x.y",
        title="Floor",
        scope={"period": period, "team": team},
        value=value,
        unit="ratio",
        currency=None,
        n=9,
        min_n=1,
        interval=interval,
        threshold=Threshold(0.8, "above", "s"),
        mature=True,
        statement="s",
        money_at_stake=None,
        recommendation="r",
        owner="o",
        due=date(2026, 1, 1),
        playbook="p",
    )


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (0.95, 0.60, "opened"),
        (None, 0.60, "opened"),
        (0.60, 0.95, "closed"),
        (0.80, 0.60, "worse"),
        (0.60, 0.80, "better"),
        (0.60, 0.50, "moved"),  # still acted on, and outside 0.55 to 0.65
        (0.60, 0.62, None),
        (0.95, 0.97, None),
    ],
)
def test_a_finding_is_told_by_how_it_stands_on_both_days(before, after, kind):
    found = difference([finding(before)], [finding(after, period="FY27-Q1")], "2025-11-30")
    assert [k for k in KINDS if found[k]] == ([kind] if kind else [])
    assert found["since"] == "2025-11-30"


def test_a_finding_that_is_gone_is_closed_and_a_new_one_opened():
    found = difference([finding(0.6, "A")], [finding(0.6, "B")], "2025-11-30")
    assert [e["scope"]["team"] for e in found["opened"]] == ["B"]
    assert found["closed"][0]["after"] is None
    assert lines(found, "USD") == [
        ("opened", "Floor (team B): not judged → Act 60 %"),
        ("closed", "Floor (team A): Act 60 % → not judged"),
    ]
    assert lines(None, "USD") == []


def test_a_report_of_two_periods_compares_each_with_itself():
    before = [finding(0.95, period="FY26-Q4"), finding(0.60, period="FY27-Q1")]
    after = [finding(0.60, period="FY26-Q4"), finding(0.60, period="FY27-Q1")]
    found = difference(before, after, "2025-11-30")
    assert [(k, e["scope"]["period"]) for k in KINDS for e in found[k]] == [("opened", "FY26-Q4")]


def test_when_the_quarter_turns_the_one_that_ended_is_not_compared_with_the_one_that_began():
    before = [finding(0.95, period="FY26-Q3"), finding(0.60, period="FY26-Q4")]
    after = [finding(0.60, period="FY26-Q4"), finding(0.95, period="FY27-Q1")]
    assert not any(difference(before, after, "2025-10-31")[k] for k in KINDS)
