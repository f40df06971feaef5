import pandas as pd
import pytest

from salesops_lib.quality.imports import losses, reasons, runs

FIRST, SECOND = "2025-11-01T00:00:00Z", "2025-12-01T00:00:00Z"
LOG = [
    {"at": SECOND, "source": "csv", "rows_in": 50, "rows_out": 47, "reported": 3},
    {"at": FIRST, "source": "csv", "rows_in": 100, "rows_out": 99, "reported": 1},
]
COLUMNS = ["import_at", "table", "file", "row", "action", "reason", "money_base"]
REPORT = pd.DataFrame(
    [
        (FIRST, "opportunities", "deals.csv", "1", "dropped", "no date", "5"),
        (SECOND, "opportunities", "deals.csv", "1", "dropped", "no date", "10.5"),
        (SECOND, "opportunities", "deals.csv", "1", "dropped", "no owner", "10.5"),  # the same row, again
        (SECOND, "opportunities", "deals.csv", "2", "unplaced", "no owner", None),
        (SECOND, "opportunities", "deals.csv", "3", "repaired", "encoding", "900"),
        (SECOND, "opportunities", "deals.csv", "4", "note", "past close date", "900"),
    ],
    columns=COLUMNS,
).astype(object)
NOTHING = REPORT.iloc[:0]


def test_the_loss_is_that_of_the_last_import_each_row_once():
    # By hand: rows 1 and 2 of the second import are out; repaired and noted rows are in.
    loss = losses(LOG, REPORT)
    assert (loss.rows_in, loss.lost, loss.money_base, loss.import_at) == (50, 2, 10.5, SECOND)
    assert loss.share == pytest.approx(0.04)


def test_without_an_import_there_is_no_loss_rather_than_none_lost():
    assert losses([], NOTHING) is None


def test_an_import_that_lost_nothing_is_worth_nothing():
    loss = losses(LOG, NOTHING)
    assert (loss.lost, loss.share, loss.money_base) == (0, 0.0, 0.0)


def test_an_import_of_no_row_has_no_share():
    assert losses([{"at": FIRST, "rows_in": 0}], NOTHING).share is None


def test_money_that_no_lost_row_names_is_unknown():
    assert losses(LOG, REPORT[REPORT["row"] == "2"]).money_base is None


def test_imports_are_listed_oldest_first_with_their_counts():
    listed = runs(LOG, REPORT)
    assert listed[["import_at", "rows_in", "lost", "repaired"]].to_numpy().tolist() == [
        [FIRST, 100, 1, 0],
        [SECOND, 50, 2, 1],
    ]
    assert listed["lost_share"].tolist() == [0.01, 0.04]


def test_a_row_counts_once_per_reason_and_money_is_summed():
    found = reasons(REPORT)
    mine = found[(found["import_at"] == SECOND) & (found["reason"] == "no owner")]
    assert sorted(zip(mine["action"], mine["rows"], strict=True)) == [("dropped", 1), ("unplaced", 1)]
    assert pd.isna(mine.loc[mine["action"] == "unplaced", "money_base"].item())


def test_reasons_with_most_money_come_first_inside_an_import():
    found = reasons(REPORT[REPORT["import_at"] == SECOND])
    assert found["money_base"].dropna().is_monotonic_decreasing


def test_no_report_gives_empty_tables():
    assert len(runs([], NOTHING)) == len(reasons(NOTHING)) == 0
