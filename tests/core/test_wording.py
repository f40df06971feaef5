"""Sentences with their numbers: the singular of one, the sign of nothing. By hand."""

import pytest

from salesops_lib.core.charts import percent, short_money
from salesops_lib.core.wording import sentence, signed_percent


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("The newest row is 1 days old.", "The newest row is 1 day old."),
        ("1 open deals worth 35k EUR (4 %)", "1 open deal worth 35k EUR (4 %)"),
        ("over 1 periods.", "over 1 period."),
        ("1 whole periods lie before FY26; 3 are needed", "1 whole period lies before FY26; 3 are needed"),
        ("1 opportunities have no owner", "1 opportunity has no owner"),
        ("1 more are never filled", "1 more is never filled"),
        ("1 decided deals deviated and 11 did not", "1 decided deal deviated and 11 did not"),
        ("from 0 of 1 reps with credit needed", "from 0 of 1 rep with credit needed"),
    ],
)
def test_a_count_of_one_takes_the_singular(said, meant):
    assert sentence(said) == meant


@pytest.mark.parametrize(
    "said",
    ["1 of 9 reps reached quota.", "21 deals are open", "0.1 days", "3,001 rows", "FY26-M1 days", "1 deal",
     "11 reps", "1 in ten deals", "P1 leads", "level 1: deals"],
)  # fmt: skip
def test_what_counts_more_than_one_or_no_thing_at_all_stays(said):
    assert sentence(said) == said


def test_what_rounds_to_nothing_has_no_sign_and_what_falls_a_minus():
    assert sentence("its skill is -0 %") == "its skill is 0 %"
    assert sentence("(+0.0 points to -1.2 points)") == "(0.0 points to −1.2 points)"
    assert sentence("moved by -7% in a year") == "moved by −7% in a year"
    assert sentence("O-12 due 2025-10-31 at -1+1") == "O-12 due 2025-10-31 at -1+1"
    assert [signed_percent(x) for x in (0.042, -0.042, -0.001)] == ["+4 %", "−4 %", "0 %"]
    assert signed_percent(-0.0123, 1) == "−1.2 %"


def test_money_and_shares_beyond_the_usual_are_told_in_words_that_can_be_read():
    assert [short_money(x) for x in (1e12, 1.5e15, 999.6e6, -0.0, -0.4)] == ["1T", "1,500T", "1B", "0", "0"]
    assert [percent(x) for x in (34.2, 1e9, -1e9)] == ["3,420 %", ">99,999 %", "<−99,999 %"]
