"""The figures of the worked examples in how-to/leads and how-to/process, computed again."""

import math

import pandas as pd
import pytest

from salesops_lib.core.stats import proportion_interval
from salesops_lib.leads.sources import decompose_change
from salesops_lib.pipeline.experiments import judge_experiment


def test_a_lead_never_called_stays_in_the_share_answered():
    found = proportion_interval(88, 100)
    assert (round(found.low, 2), round(found.high, 2)) == (0.82, 0.92)
    assert round(88 / 97, 2) == 0.91


def test_a_fall_of_conversion_can_be_all_mix():
    before = pd.DataFrame({"source": ["A", "B"], "n": [100, 100], "events": [10, 30]})
    after = pd.DataFrame({"source": ["A", "B"], "n": [150, 50], "events": [15, 15]})
    found = decompose_change(before, after, "source")
    assert found["mix"].sum() == pytest.approx(-0.05)
    assert found["rate"].abs().sum() == pytest.approx(0)


def test_twelve_of_forty_rejections_are_thirty_percent_with_a_wide_range():
    found = proportion_interval(12, 40)
    assert (round(found.low, 2), round(found.high, 2)) == (0.20, 0.43)


def test_a_credit_of_35_leads_lasts_eleven_days_at_one_and_a_half():
    share = 1.5 / 6.5 * 42  # of 42 a day, five others at weight 1
    more = share - 42 / 6.5
    assert round(more, 1) == 3.2 and math.ceil(35 / more) == 11


def test_coverage_needed_is_one_over_the_win_rate():
    assert 1 / 0.40 == 2.5 and 9.0 * 2.5 == 22.5 and 22.5 - 18 == 4.5 and 18 / 9 == 2.0


def test_the_pilot_of_the_page_straddles_its_rule():
    cells = [(True, False, 100, 30), (True, True, 100, 45), (False, False, 200, 60), (False, True, 200, 64)]
    rows = [{"pilot": p, "after": a, "won": k < won} for p, a, n, won in cells for k in range(n)]
    found = judge_experiment(pd.DataFrame(rows), outcome="won", pilot="pilot", after="after", keep_if=0.0)
    assert round(100 * found.effect) == 13
    assert (round(100 * found.low), round(100 * found.high)) == (0, 26)
    assert found.verdict == "go on"
