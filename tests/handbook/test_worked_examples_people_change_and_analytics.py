"""The figures of the people, change and analytics pages come out again."""

from __future__ import annotations

import math
import re
from datetime import date, timedelta

import numpy as np
import pytest

from salesops_lib.attainment.crediting.ramp import Ramp
from salesops_lib.core.stats import proportion_interval

RAMP = Ramp(zero_months=2, full_month=6)


def a_range(hits: int, n: int) -> str:
    found = proportion_interval(hits, n)
    return f"{100 * found.low:.0f} to {100 * found.high:.0f}%"


def test_the_hiring_page_counts_what_a_hire_brings_by_start_month(worked_example):
    text = worked_example("people/plan-hiring")
    hires = []
    for start in (1, 4, 7):
        months = RAMP.share(np.arange(1, 14 - start)).sum()
        assert f"{months:g}" in text and f"{600_000 * months / 12:,.0f}" in text
        hires.append(math.ceil(949_323 / (600_000 * months / 12)))
    assert "It takes {} hires on day 1, {} in month 4, or {} in month 7".format(*hires) in text


def test_the_hiring_page_works_back_to_the_requisition(worked_example):
    text = worked_example("people/plan-hiring")
    full = next(month for month in range(1, 13) if RAMP.share(np.array([month]))[0] == 1)
    assert full == 6
    needed = np.datetime64("2027-08")
    start = needed - (full - 1)
    assert f"starts by {start}-01" in text and f"opens by {start - 3}-01" in text


def test_a_hire_of_month_10_brings_no_month_of_full_output():
    # The rule of both pages: from month 10 on a start counts for next year only.
    assert RAMP.share(np.arange(1, 4)).sum() == 0.25


def test_the_ramp_page_sets_its_gates_from_the_curve(worked_example):
    text = worked_example("people/ramp-a-seller")
    quotas = 50_000 * RAMP.share(np.arange(1, 7))
    assert "0, 0, 12,500, 25,000, 37,500 and 50,000" in text
    assert quotas.tolist() == [0, 0, 12_500, 25_000, 37_500, 50_000]
    assert f"{quotas.sum():,.0f} in all" in text
    assert f"asks for {quotas[:3].sum():,.0f}, the second for {quotas[3:].sum():,.0f}" in text
    assert f"{1.5 * quotas[3:].sum():,.0f} of open pipeline" in text
    assert f"{0.5 * quotas.sum():,.0f} booked" in text
    assert f"{RAMP.lost_months:g} months" in text and f"{50_000 * RAMP.lost_months:,.0f}" in text


def test_the_onboarding_page_computes_the_coverage_needed(worked_example):
    text = worked_example("people/onboard-an-ops-hire")
    left = 500_000 - 200_000
    needed = 1 / 0.25
    assert f"= {900_000 / left:.1f}" in text and f"= {needed:.1f}" in text
    assert f"{needed * left:,.0f}" in text and f"{needed * left - 900_000:,.0f} short" in text


def test_the_shadow_page_sizes_friction_from_four_sellers(worked_example):
    text = worked_example("people/shadow-a-seller")
    one = 4 * 14
    mean = (one + 20 + 40 + 60) / 4
    assert f"{one} minutes" in text and f"= {38 * one * 21 / 60:.0f} hours" in text
    assert f"mean of the four is {mean:.0f} and the sum {38 * mean * 21 / 60:.0f} hours" in text


def test_the_skills_page_weighs_gaps_and_counts_who_can(worked_example):
    text = worked_example("people/close-a-skill-gap")
    for skill, levels, weight in (
        ("SQL", (3, 1, 2), 3),
        ("Pay rules", (4, 3, 0), 3),
        ("Charts", (1, 2, 2), 1),
    ):
        gaps = [max(3 - level, 0) for level in levels]
        able = sum(level >= 3 for level in levels)
        cells = (skill, ", ".join(map(str, levels)), ", ".join(map(str, gaps)), weight * sum(gaps), able)
        assert "| {} | {} | {} | {} | {} |".format(*cells) in text


def test_the_question_page_says_likely_and_not_shown(worked_example):
    text = worked_example("analytics/answer-an-ad-hoc-question")
    ours, theirs = proportion_interval(18, 40), proportion_interval(70, 210)
    gap = 18 / 40 - 70 / 210
    low = gap - math.hypot(18 / 40 - ours.low, theirs.high - 70 / 210)
    high = gap + math.hypot(ours.high - 18 / 40, 70 / 210 - theirs.low)
    assert f"{18 / 40:.0%}, 90% range {a_range(18, 40)}" in text
    assert f"{70 / 210:.0%}, range {a_range(70, 210)}" in text
    assert f"{100 * gap:.1f} points, range −{-100 * low:.1f} to {100 * high:.1f}" in text
    assert low < 0 < 0.10 < high


@pytest.mark.parametrize(("hits", "n", "word"), [(12, 40, "Act"), (12, 28, "Watch")])
def test_the_finding_page_reads_its_word_off_the_range(worked_example, hits, n, word):
    text = worked_example("analytics/write-a-finding")
    found = proportion_interval(hits, n)
    assert f"| {hits} of {n} | {hits / n:.0%} | {a_range(hits, n)} | {word}" in text
    assert (found.high < 0.5) == (word == "Act")


def test_the_buy_in_page_draws_its_range(worked_example):
    text = worked_example("change/get-buy-in")
    even = (np.arange(2000) + 0.5) / 2000
    minutes, adoption = 15 + 30 * even, 0.5 + 0.35 * even
    gain = 38 * minutes[:, None] / 60 * 44 * adoption[None, :] * 60
    p10, p50, p90 = np.quantile(gain, [0.1, 0.5, 0.9]).round(-2)
    assert f"P10 {p10:,.0f}, P50 {p50:,.0f}, P90 {p90:,.0f}" in text
    assert f"P10 minus the cost is −{20_000 - p10:,.0f}" in text
    lows, highs = 38 * 15 * 44 * 0.5, 38 * 45 * 44 * 0.85
    assert f"give {lows:,.0f} and all highs {highs:,.0f}" in text


def test_the_notice_page_counts_back_from_the_day_of_effect(worked_example):
    text = worked_example("change/announce-a-change")
    assert "so 12: tier 2" in text and 3 * 2 * 2 == 12
    effect = date(2027, 2, 8)
    sent = effect - timedelta(weeks=4)
    assert f"{effect:%A}, {effect}" in text and f"back is {sent}" in text
    managers = sent - timedelta(days=3)
    assert f"{managers:%A}, {managers}" in text and f"down on {sent + timedelta(weeks=2)}" in text
    quiet = np.busday_offset("2027-02-01", [-10, -1], roll="forward").astype(object)
    assert f"from {quiet[0]} to {quiet[1]:%m-%d}" in text and sent < quiet[0]
    first_tier = effect - timedelta(weeks=6)
    assert f"by {first_tier}" in text
    moved = date(2027, 1, 4)
    assert f"{moved} and its effect to {moved + timedelta(weeks=6)}" in text


def test_the_notice_pages_tiers_hold_every_score_there_is(worked_example):
    text = worked_example("change/announce-a-change")
    scores = {a * b * c for a in (1, 2, 3) for b in (1, 2, 3) for c in (1, 2, 3)}
    page = (18, 27, 12, 8, 9, 4, 6, 2, 3, 1)
    assert scores == set(page) and text


def test_the_intake_page_orders_by_value_reach_and_hours(worked_example):
    text = worked_example("change/take-in-and-order-work")
    items = {"A": (3, 12, 4), "B": (5, 40, 40), "C": (2, 2, 1)}
    score = {name: value * reach / hours for name, (value, reach, hours) in items.items()}
    for name, (value, reach, hours) in items.items():
        assert re.search(rf"{name}: value {value}, {reach} sellers, {hours} hours?: {score[name]:.1f}", text)
    assert sorted(score, key=score.get, reverse=True) == ["A", "B", "C"]
    assert f"{57 / 150:.0%}" in text and "22 points under" in text
    assert f"{30 / 120:.0%}" in text


def test_the_talks_page_costs_what_it_says(worked_example):
    text = worked_example("change/talk-to-other-teams")
    assert "1.5 × 14 = 21 days, so it is late by 4" in text and 25 - 1.5 * 14 == 4
    first = 52 * 0.5 + 26 * 0.5 + 26 * 0.5 + 12 * 0.75 + 12 * 0.5
    quarterly = 3 * 4 * 0.5
    assert f"= {first:.0f} hours" in text and f"= {quarterly:.0f} more: {first + quarterly:.0f}" in text


def test_the_miss_page_splits_into_parts_that_add_up(worked_example):
    text = worked_example("change/review-a-miss")
    parts = {"pushed out": -300_000, "lost": -250_000, "cut in price": -40_000, "new and won": 90_000}
    assert sum(parts.values()) == 3_500_000 - 4_000_000
    for name, amount in parts.items():
        assert f"{name} {'−' if amount < 0 else ''}{abs(amount):,}" in text
    assert f"−{500_000 / 4_000_000:.1%}" in text
    assert f"is {10_800 / 10_000 - 1:.0%}" in text
