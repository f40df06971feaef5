from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from salesops_lib.core.contracts import Column, Table, checked
from salesops_lib.core.errors import TableError

TABLE = Table(
    "t",
    "one row per person and period",
    ("who", "part"),
    (
        Column("who", "text", "m"),
        Column("part", "count", "m"),
        Column("paid", "money", "m", low=0),
        Column("share", "ratio", "m", high=1.0),
        Column("day", "date", "m"),
        Column("at", "datetime", "m"),
        Column("open", "bool", "m"),
        Column("level", "text", "m", values=("rep", "team"), nullable=False),
        Column("note", "text", "m", required=False),
    ),
)


def frame(**changes) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "who": ["a", "b"],
            "part": [1, 2],
            "paid": [1.0, None],
            "share": [0.5, None],
            "day": pd.to_datetime(["2024-02-29", None]),
            "at": pd.to_datetime(["2024-02-29 12:00", None], utc=True),
            "open": [True, None],
            "level": ["rep", "team"],
        }
        | changes
    )


def test_a_frame_comes_back_in_the_declared_order_and_types():
    turned = frame()[["level", "open", "at", "day", "share", "paid", "part", "who"]]
    out = checked(turned, TABLE)
    assert list(out) == TABLE.column_names[:-1]
    assert [str(t) for t in out.dtypes] == [
        "object", "Int64", "float64", "float64", "datetime64[ns]", "datetime64[ns, UTC]", "boolean", "object",
    ]  # fmt: skip


def test_an_empty_frame_keeps_the_types():
    out = checked(frame().iloc[:0], TABLE)
    assert (len(out), str(out["part"].dtype), str(out["day"].dtype)) == (0, "Int64", "datetime64[ns]")


def test_missing_cells_stay_missing_and_text_becomes_none():
    out = checked(frame(who=["a", np.nan]), TABLE)
    assert out["who"].tolist() == ["a", None]
    assert out[["paid", "share", "day", "at", "open"]].iloc[1].isna().all()


def test_the_frame_given_is_not_changed():
    given = frame(part=[1.0, 2.0])
    checked(given, TABLE)
    pd.testing.assert_frame_equal(given, frame(part=[1.0, 2.0]))


def test_decimal_money_stays_decimal():
    out = checked(frame(paid=[Decimal("1.10"), None]), TABLE)
    assert out["paid"][0] == Decimal("1.10")
    assert isinstance(out["paid"][0], Decimal)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"paid": [-1, 2]}, r"column 'paid', row who=a, part=1: -1 breaks greater_than_or_equal_to\(0\)"),
        ({"share": [0.5, 1.5]}, r"column 'share', row who=b, part=2: 1.5 breaks less_than_or_equal_to"),
        ({"level": ["rep", "rap"]}, r"column 'level', row who=b, part=2: 'rap' breaks isin"),
        ({"level": ["rep", None]}, r"column 'level', row who=b, part=2: None breaks not_nullable"),
        ({"who": ["a", "a"], "part": [1, 1]}, r"row who=a, part=1: the key stands more than once"),
        ({"who": [None, None], "part": [1, 1]}, r"the key stands more than once"),
        ({"who": [1, 2]}, r"column 'who': not all text \(1 is of type int\)"),
        ({"part": [1.5, 2]}, r"column 'part': not all count"),
        ({"paid": ["1", 2]}, r"column 'paid': not all money \('1' is of type str\)"),
        ({"paid": [True, 2]}, r"column 'paid': not all money \(True is of type bool\)"),
        ({"share": [np.inf, 0]}, r"column 'share': not all ratio \(infinity"),
        ({"day": [20240229, 1]}, r"column 'day': not all date \(20240229 is of type int\)"),
        ({"day": pd.to_datetime(["2024-02-29 09:00", None])}, r"not all date \(a time of day"),
        ({"day": ["30 Feb 2024", None]}, r"column 'day': not all date"),
        ({"open": ["yes", None]}, r"column 'open': not all bool"),
    ],
)
def test_a_breach_is_refused_with_table_column_row_and_value(changes, said):
    with pytest.raises(
        TableError, match=f"^table 't', .*{said}" if "row who=a, part=1: the" not in said else said
    ):
        checked(frame(**changes), TABLE)


def test_more_than_one_breach_shows_the_first_and_counts_the_rest():
    with pytest.raises(TableError, match=r"-1 breaks .* \(1 more\); mend"):
        checked(frame(paid=[-1, -2]), TABLE)


def test_a_missing_column_is_refused_but_an_optional_one_may_lack():
    with pytest.raises(TableError, match="table 't' lacks level; its columns are declared once: who, part"):
        checked(frame().drop(columns="level"), TABLE)
    assert "note" not in checked(frame(), TABLE)


def test_an_undeclared_column_is_refused_unless_the_table_may_carry_more():
    with pytest.raises(TableError, match="has undeclared extra"):
        checked(frame(extra=[1, 2]), TABLE)
    wide = Table("t", "g", ("who",), (Column("who", "text", "m"),), extra=True)
    assert list(checked(pd.DataFrame({"extra": [1], "who": ["a"]}), wide)) == ["who", "extra"]


def test_a_column_that_stands_twice_is_refused():
    doubled = frame().set_axis(["who", "part", "paid", "share", "day", "at", "level", "level"], axis=1)
    with pytest.raises(TableError, match="lacks open and has level twice"):
        checked(doubled, TABLE)


def test_a_table_with_an_unknown_key_or_a_double_column_cannot_be_declared():
    with pytest.raises(ValueError, match=r"key \['id'\] is no column"):
        Table("t", "g", ("id",), (Column("who", "text", "m"),))
    with pytest.raises(ValueError, match="a column stands twice"):
        Table("t", "g", ("who",), (Column("who", "text", "m"), Column("who", "text", "m")))


def test_a_key_of_a_missing_optional_column_does_not_hide_the_breach():
    table = Table("t", "g", (), (Column("who", "text", "m", nullable=False),))
    with pytest.raises(TableError, match=r"column 'who'.*not_nullable"):
        checked(pd.DataFrame({"who": [None]}), table)
