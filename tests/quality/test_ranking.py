from datetime import date

import pandas as pd
import pytest

from salesops_lib.core.contracts import checked
from salesops_lib.inputs.tables import TABLES
from salesops_lib.quality import charts, outputs, ranking, summary
from salesops_lib.quality.faults import DIMENSIONS
from salesops_lib.quality.freshness import table_ages
from salesops_lib.quality.imports import Loss
from salesops_lib.quality.measure import catalogue, measure

KEPT = [f for f in catalogue(TABLES) if f.table in {"opportunities", "accounts"} and f.kind != "out_of_range"]
PAST = {"close_date": date(2025, 12, 1)}
ROWS = [
    {"opportunity_id": "a", "name": "a", "amount_base": 10.0, "next_step": None},
    {"opportunity_id": "b", "name": "b", "amount_base": 500.0, **PAST},
    {"opportunity_id": "c", "name": "c", "amount_base": None, "account_id": None},
    {"opportunity_id": "d", "name": "d", "amount_base": 1.0, "lead_source": None},
    {"opportunity_id": "e", "name": "<script>$5_$", "amount_base": 0.5, "type": None},
]


@pytest.fixture(scope="module")
def measures(measured):
    return measured(KEPT, opportunities=ROWS)


@pytest.fixture(scope="module")
def nothing(basis):
    return measure({}, TABLES, basis)


def test_faults_are_ranked_by_money_then_rows_and_optional_fields_stay_out(measures):
    ranked = ranking.to_fix(measures)
    assert ranked["fault"].tolist()[:2] == ["opportunities.close_date.past", "opportunities.next_step.empty"]
    assert ranked["rank"].tolist() == list(range(1, len(ranked) + 1))
    assert "opportunities.account_id.empty" in ranked["fault"].tolist()
    assert "opportunities.lead_source.empty" not in ranked["fault"].tolist()


def test_no_more_than_asked_for_are_ranked(measures):
    assert len(ranking.to_fix(measures, 1)) == 1


def test_where_names_the_two_places_with_most_rows_and_counts_the_rest():
    places = pd.DataFrame(
        {
            "fault": ["f", "f", "f", "g", "f"],
            "place": ["North", "South", "West", "East", "not known"],
            "due": [10, 20, 30, 40, 9],
            "faulty": [1, 5, 2, 9, 9],
        }
    )
    assert ranking.where(places, "f") == "South 5 of 20, West 2 of 30 and 1 more"
    assert ranking.where(places, "none") == ""


def test_change_is_in_score_points_and_missing_where_one_day_could_not_be_measured(measured):
    # By hand: next steps filled in 2 of 4 then and in 3 of 4 now.
    base = [{"opportunity_id": str(i), "name": str(i)} for i in range(4)]
    empty = [b | {"next_step": None} for b in base]
    then = measured(KEPT, opportunities=[*empty[:2], *base[2:]])
    now = measured(KEPT, opportunities=[empty[0], *base[1:]], accounts=[])
    moved = ranking.change(now, then).set_index("fault")
    assert moved.loc["opportunities.next_step.empty", "change"] == pytest.approx(0.25)
    assert pd.isna(moved.loc["accounts.name.empty", "change"])
    assert moved.loc["accounts.name.empty", "due_then"] == 1


def test_fields_no_row_fills_are_listed_with_the_rows_they_are_due_in(measured):
    found = measured(KEPT, opportunities=[r | {"next_step": None} for r in ROWS])
    listed = ranking.not_measured(found).set_index("field")
    assert listed.loc["next_step", ["state", "rows"]].tolist() == ["never filled", 5]


def test_the_headline_says_what_was_counted_and_dashes_what_was_not(measures, nothing, make_company):
    ages = table_ages(make_company(), date(2025, 12, 12))
    cards = summary.headline(measures, ages, Loss(200, 3, 40.0, "2025-12-01"), limit=0.95, currency="USD")
    # By hand: a, b and c have a judged fault: 10 + 500 + unknown. Next step, account and
    # amount are each empty once in five; no deal is lost, so the loss reason is not judged.
    assert [c["value"] for c in cards] == ["USD 510", "3 of 6", "3", "2 days"]
    empty = summary.headline(nothing, table_ages({}, date(2025, 12, 12)), None, limit=0.95, currency="USD")
    assert [c["value"] for c in empty] == ["–"] * 4


def test_every_output_table_holds_its_contract_full_and_empty(measures, nothing, make_company, basis):
    tables = make_company(opportunities=ROWS)
    ages = table_ages(tables, basis.as_of)
    for found, held, at in ((measures, tables, ages), (nothing, {}, table_ages({}, basis.as_of))):
        made = {
            outputs.RECEIVED: summary.received(at, found),
            outputs.SCORES: found.scores,
            outputs.PLACES: found.places,
            outputs.WORTH: found.worth,
            outputs.TO_FIX: ranking.to_fix(found),
            outputs.TREND: ranking.change(found, found),
            outputs.NOT_MEASURED: ranking.not_measured(found),
            outputs.DUPLICATES: summary.double_accounts(held, TABLES, basis),
        }
        for table, frame in made.items():
            assert len(checked(frame, table)) == len(frame)
        for dimension in DIMENSIONS:
            checked(ranking.of_dimension(found, dimension), getattr(outputs, dimension.upper()))


def texts(chart) -> str:
    said = [t.get_text() for t in [*chart.texts, *chart.get_yticklabels()]]
    return " ".join([*said, chart.get_title(loc="left")])


def test_the_map_marks_the_fields_below_the_limit(measures):
    chart = charts.score_map(measures.scores, 0.95)
    chart.figure.canvas.draw()
    assert "80 %" in texts(chart)
    assert "opportunities.next_step" in texts(chart)


def test_a_cell_never_rounds_a_fault_away():
    assert [charts.score_text(s) for s in (1.0, 0.9999, 0.951, 0.0001, 0.0)] == [
        "100 %", ">99 %", "95 %", "<1 %", "0 %",
    ]  # fmt: skip


def test_a_score_just_under_the_limit_is_not_shown_as_the_limit():
    assert [charts.score_text(s, 0.95) for s in (0.948, 0.95, 0.94)] == ["94.8 %", "95 %", "94 %"]


def test_charts_of_nothing_say_so(nothing):
    assert "No field could be measured" in texts(charts.score_map(nothing.scores, 0.95))
    assert "Nothing to fix" in texts(charts.money_bars(ranking.to_fix(nothing), "USD"))
    trend = ranking.change(nothing, nothing)
    assert "No score has moved" in texts(charts.trend_bars(trend, "2025-11-12"))


def test_the_bars_carry_money_and_rows_and_survive_hostile_names(measures):
    ranked = ranking.to_fix(measures)
    ranked.loc[0, "title"] = "<b>$5_$</b> =1+1"
    chart = charts.money_bars(ranked, "USD")
    chart.figure.canvas.draw()
    assert "500 · 1 rows" in texts(chart)
    assert "$5_$" in texts(chart)


def test_the_trend_shows_falls_and_rises(measured, measures):
    better = measured(KEPT, opportunities=[r | {"next_step": "call"} for r in ROWS])
    assert "0 fell, 1 rose" in texts(charts.trend_bars(ranking.change(better, measures), "then"))
    assert "1 fell, 0 rose" in texts(charts.trend_bars(ranking.change(measures, better), "then"))
