"""`check` tells rows that contradict themselves, with a count and the first row, one line each."""

from __future__ import annotations

import pytest

from salesops_lib import inputs

DAY = "2025-03-21"
HEAD = "opportunity_id,created_date,close_date,recorded_at,stage,is_closed,is_won,amount_base\n"
SOUND = "A,2025-01-10,2025-02-01,2025-02-01T10:00:00Z,Closed Won,true,true,100\n"


def told(root) -> list[str]:
    result = inputs.check_company(root, DAY)
    assert result.breaches == []
    return [str(breach) for breach in result.contradictions]


def deals(make_company, *rows: str):
    return make_company({"opportunities": HEAD + SOUND + "".join(f"{row}\n" for row in rows)})


def test_sound_rows_are_not_told(make_company):
    open_deal = (
        "B,2025-02-01,2025-01-10,2025-02-01T10:00:00Z,Discovery,false,false,5"  # a date slipped, not closed
    )
    assert told(deals(make_company, open_deal, "C,,,2025-02-01T10:00:00Z,,,,")) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2025-01-10,2025-02-01,2025-02-01T10:00:00Z,,false,true,5", "it is won and not closed"),
        (
            "2025-02-10,2025-02-01,2025-02-11T10:00:00Z,Closed Lost,true,false,5",
            "it closed on 2025-02-01, before it was created on 2025-02-10",
        ),
        (
            "2025-01-10,2025-02-01,2025-02-01T10:00:00Z,Closed Lost,false,false,5",
            "its stage 'Closed Lost' is closed and not won, its is_closed False and is_won False",
        ),
        (
            "2025-01-10,2025-02-01,2025-02-01T10:00:00Z,Closed Won,true,false,5",
            "its stage 'Closed Won' is won and closed, its is_closed True and is_won False",
        ),
        (
            "2025-01-10,2025-02-01,2025-02-01T10:00:00Z,Discovery,true,true,5",
            "its stage 'Discovery' is open, its is_closed True and is_won True",
        ),
        (
            "2025-01-10,2025-06-30,2025-02-01T10:00:00Z,Closed Won,true,true,5",
            "it is closed, on 2025-06-30, after the day checked 2025-03-21",
        ),
    ],
)
def test_a_deal_at_odds_with_itself_is_told_once_with_its_count(make_company, row, said):
    (line,) = told(deals(make_company, f"B,{row}", f"C,{row}"))
    assert f"row opportunity_id=B: {said} (1 more); " in line
    assert "\n" not in line


def test_what_a_later_version_mended_is_not_told(make_company):
    wrong = "B,2025-01-10,2025-02-01,2025-02-01T10:00:00Z,,false,true,5"
    right = "B,2025-01-10,2025-02-01,2025-02-02T10:00:00Z,,true,true,5"
    assert told(deals(make_company, wrong, right)) == []
    learnt_later = right.replace("2025-02-02T", "2025-03-22T")
    assert len(told(deals(make_company, wrong, learnt_later))) == 1


def test_steps_before_their_start_are_told_in_every_table_that_has_them(make_company):
    leads = (
        "lead_id,created_at,mql_at,won_at,lost_at\n"
        "L1,2025-01-02T10:00:00Z,2025-01-01T10:00:00Z,,\n"
        "L2,2025-01-02T10:00:00Z,,2025-01-03T10:00:00Z,2025-01-04T10:00:00Z\n"
        "L3,2025-01-02T10:00:00Z,2025-01-02T10:00:00Z,,\n"
    )
    lines = told(make_company({"leads": leads}))
    assert ["lead_id=L1" in lines[0], "its mql_at" in lines[0], "is before its created_at" in lines[0]] == [
        True
    ] * 3
    assert ["lead_id=L2" in lines[1], "both won" in lines[1]] == [True] * 2
    assert len(lines) == 2


def test_contradictions_are_printed_and_do_not_stop_reports(make_company):
    result = inputs.check_company(
        deals(make_company, "B,2025-01-10,2025-03-20,2025-03-20T10:00:00Z,,false,true,5"), DAY
    )
    assert result.ok
    assert str(result).splitlines()[0].endswith("nothing to mend")
    assert "rows at odds with themselves, which reports count as they stand: 1" in str(result)
