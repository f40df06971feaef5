"""The figures of the pricing and technology pages come out again, and their snippets run on the sample."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from salesops_lib.core.stats import proportion_interval

ROOT = Path(__file__).parents[2]


def a_range(hits: int, n: int, digits: int = 0) -> str:
    found = proportion_interval(hits, n)
    return f"{100 * found.low:.{digits}f} to {100 * found.high:.{digits}f}%"


def test_the_deal_page_computes_discount_margin_and_two_counters(worked_example):
    text = worked_example("pricing/review-a-deal")
    listed, asked, cost = 120_000, 98_400, 30_000
    assert f"The discount is {1 - asked / listed:.0%}, the margin {(asked - cost) / asked:.1%}" in text
    assert f"a net of {listed * 0.75:,.0f}" in text
    for told, points in (("two years for 21%", 18 + 3), ("one year prepaid for 20.5%", 18 + 2.5)):
        assert f"{told}, {listed * (1 - points / 100):,.0f}" in text


def test_the_desk_page_reads_its_service_level_with_a_range(worked_example):
    text = worked_example("pricing/run-the-deal-desk")
    assert f"{46 / 52:.1%}, 90% range {a_range(46, 52)}" in text
    assert proportion_interval(46, 52).high > 0.90
    assert "2.5 × 1.2 = 3 open" in text and round(2.5 * 1.2, 9) == 3  # Little's law
    assert f"the 52 took {52 * 45 / 60:.0f} hours" in text


def test_the_audit_page_finds_more_deals_under_a_limit_than_an_even_spread_would_hold(worked_example):
    text = worked_example("pricing/audit-discounts")
    assert f"up {16.6 - 14.2:.1f} points" in text and f"{5e6 * 0.024:,.0f}" in text
    assert f"{22 / 80:.1%}, 90% range {a_range(22, 80, 1)}" in text
    even = np.linspace(0, 30, 300_001)
    under = ((even >= 9.5) & (even <= 10)) | ((even >= 19) & (even <= 20)) | ((even >= 28.5) & (even <= 30))
    assert under.mean() == pytest.approx(0.10, abs=1e-4) and "would hold 10%" in text


def test_the_tool_page_tests_its_weights(worked_example):
    text = worked_example("technology/evaluate-a-tool")
    weights, a, b = np.array([0.40, 0.35, 0.25]), np.array([4, 3, 5]), np.array([5, 3, 3])
    assert f"Tool A scores 4, 3, 5: {weights @ a:.2f}" in text
    assert f"Tool B scores 5, 3, 3: {weights @ b:.2f}" in text
    drawn = weights * np.random.default_rng(7).uniform(0.8, 1.2, (200_000, 3))
    assert (drawn @ a > drawn @ b).mean() == pytest.approx(0.90, abs=0.005)
    assert "A ahead in 90% of draws" in text
    per_user = 84_000 / 35
    assert f"{84_000 / 60:,.0f} a seat" in text and f"{per_user:,.0f} a user" in text
    assert f"save {per_user / 60:.0f} hours a year: {per_user / 60 / 44 * 60:.0f} minutes" in text


def test_the_rollout_of_a_tool_is_priced_by_wave_and_ends_by_its_notice_date(worked_example):
    text = worked_example("technology/add-a-tool")
    assert f"{24 * 3} seller hours" in text
    assert f"{8 * 2_100:,}, not {24 * 2_100:,}" in text
    assert f"{6 / 8:.0%}" in text and a_range(6, 8) in text
    renewal = date(2027, 7, 1)
    assert f"cancel by {renewal - timedelta(30)}, decide from {renewal - timedelta(120)} on" in text


def test_the_retire_page_lets_the_notice_date_decide(worked_example):
    text = worked_example("technology/retire-a-tool")
    assert f"{14 / 40:.0%}, 90% range {a_range(14, 40)}" in text
    assert f"84,000 ÷ 14 = {84_000 / 14:,.0f}" in text and 40 * 2_100 == 84_000
    assert f"idle seats hold {26 * 2_100:,}" in text
    renewal = date(2027, 2, 5)
    notice = renewal - timedelta(90)
    early = min(renewal - timedelta(60), notice - timedelta(14))
    assert f"by {notice}" in text and f"{renewal - timedelta(60)}: a month too late" in text
    assert f"says {early}" in text


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("technology/retire-a-tool", "share"),
        ("territories/design-territories", "spread"),
        ("pricing/audit-discounts", "discount"),
    ],
)
def test_a_pages_snippet_runs_on_the_sample(page, name, monkeypatch):
    monkeypatch.chdir(ROOT)  # the snippets say data/sample
    text = (ROOT / f"playbooks/how-to/{page}.md").read_text(encoding="utf-8")
    made: dict = {}
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], made)
    values = pd.Series(made[name])
    assert len(values) and values.notna().all()
    if name == "spread":
        assert (values >= 1).all()
    else:
        assert values.between(0, 1).all()


def test_the_methodology_page_takes_the_return_to_the_mean_off_the_gain(worked_example):
    text = worked_example("technology/evaluate-a-methodology")
    expected = 90 + 0.4 * (60 - 90)
    assert f"= {expected:.0f}%" in text and f"{expected - 60:.0f} came by themselves" in text
    assert f"a gain of {82 - 60} points" in text and f"{82 - expected:.0f} are left" in text
    hours = 24 * 16 * 60
    assert f"= {hours:,}, together {48_000 + hours:,}" in text
    pays_from = (48_000 + hours) / 0.75
    assert f"{pays_from:,.0f} of extra bookings, {pays_from / 24:,.0f} a seller" in text
