"""False discovery among like findings: against the published example, and by simulation."""

from datetime import date

import numpy as np
import pytest

from salesops_lib.core.families import chance_at_limit, controlled, step_up
from salesops_lib.core.findings import Finding, Interval, Threshold

Z90 = 1.6448536269514722
# Benjamini and Hochberg (1995), section 4: fifteen p-values of a trial; at q = 0.05 the first four stand.
PUBLISHED = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
             0.6528, 0.7590, 1.0]  # fmt: skip


def finding(z: float, team: str = "A", code: str = "F-X-FLOOR", level: float = 0.9) -> Finding:
    """A ratio to be kept above 0.8 that lies ``z`` standard errors of 0.05 under it."""
    value, half = 0.8 - 0.05 * z, 0.05 * Z90
    return Finding(
        code=code, metric="x.y", title="t", scope={"team": team}, value=value, unit="ratio", currency=None,
        n=9, min_n=1, interval=Interval(value - half, value + half, level, "m"),
        threshold=Threshold(0.8, "above", "s"), mature=True, statement="s", money_at_stake=None,
        recommendation="r", owner="o", due=date(2026, 1, 1), playbook="p",
    )  # fmt: skip


def test_the_published_example_keeps_its_first_four():
    adjusted = step_up(PUBLISHED)
    assert [a <= 0.05 for a in adjusted] == [True] * 4 + [False] * 11
    assert adjusted[3] == pytest.approx(0.0095 * 15 / 4)


def test_adjusted_values_come_back_in_the_order_given():
    shuffled = [PUBLISHED[i] for i in (9, 0, 14, 3)]
    assert step_up(shuffled) == pytest.approx([0.324 * 4 / 3, 0.0004, 1.0, 0.019])


@pytest.mark.parametrize(
    ("z", "chance"), [(1.6448536, 0.05), (0.0, 0.5), (-1.6448536, 0.95), (2.326348, 0.01)]
)
def test_the_chance_is_the_normal_tail_towards_the_limit(z, chance):
    # By table: 5 % of a normal lies beyond 1.645 standard errors, 1 % beyond 2.326.
    assert chance_at_limit(finding(z)) == pytest.approx(chance, abs=1e-6)


def test_one_far_team_of_six_stands_and_one_just_beyond_is_doubted():
    found = controlled([finding(z, str(i)) for i, z in enumerate([3.5, 1.7, 0.2, -1.0, 0.0, -2.0])])
    assert [f.severity for f in found] == ["ACT", "WATCH", "WATCH", "WATCH", "WATCH", "OK"]
    assert {f.family for f in found} == {6} and found[1].doubted
    assert [f.severity for f in controlled([finding(1.7)])] == ["ACT"]  # alone it is not one of many


def test_unlike_findings_do_not_weigh_on_each_other():
    others = [finding(-1.0, str(i), code="F-X-OTHER") for i in range(20)]
    assert controlled([finding(1.7), *others])[0].severity == "ACT"


def test_healthy_families_cry_wolf_at_most_at_the_rate():
    # All true values at the limit: any ACT is false, so the share of reports with one is the rate itself.
    rng = np.random.default_rng(7)
    draws = rng.standard_normal((1500, 8))
    cried = [
        any(f.severity == "ACT" for f in controlled([finding(z, str(i)) for i, z in enumerate(row)]))
        for row in draws
    ]
    alone = [any(finding(z).severity == "ACT" for z in row) for row in draws]
    assert np.mean(cried) <= 0.10 + 3 * np.sqrt(0.1 * 0.9 / 1500)
    assert np.mean(alone) > 0.28  # 1 - 0.95 ** 8 is 34 % without it
