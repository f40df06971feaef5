import math
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops_lib.core.contracts import Column
from salesops_lib.publish.formatting import (
    csv_plain,
    csv_safe,
    finding_texts,
    findings_html,
    format_unit,
    format_value,
    heading,
    html_table,
)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.71, "ratio", "71 %"),
        (0.0, "ratio", "0 %"),
        (1.0, "ratio", "100 %"),
        (1.274, "ratio", "127 %"),
        (0.004, "ratio", "0.4 %"),
        (-0.05, "ratio", "−5 %"),
        (1_234_567.4, "money", "1,234,567"),
        (Decimal("12.5"), "money", "12.50"),
        (-3.0, "count", "−3"),
        (12, "days", "12"),
        (pd.Timestamp("2025-12-12"), "date", "2025-12-12"),
        (pd.Timestamp("2025-12-12 06:30", tz="UTC"), "datetime", "2025-12-12 06:30"),
        (True, "bool", "yes"),
        ("<b>", "text", "<b>"),
    ],
)
def test_a_value_is_written_by_its_kind(value, kind, text):
    assert format_value(value, kind) == text


@pytest.mark.parametrize("value", [None, math.nan, pd.NaT, pd.NA])
@pytest.mark.parametrize("kind", ["ratio", "money", "count", "days", "date", "text", "bool"])
def test_missing_is_a_dash_and_never_zero(value, kind):
    assert format_value(value, kind) == "–"


@pytest.mark.parametrize(
    ("value", "text"), [(0.9997, ">99.9 %"), (0.998, "99.8 %"), (0.0004, "<0.1 %"), (-0.0, "0 %")]
)
def test_a_share_that_is_not_all_or_nothing_never_rounds_to_it(value, text):
    assert format_value(value, "ratio") == text


def test_units_are_said_in_words():
    assert format_unit(1200, "money", "EUR") == "EUR 1,200"
    assert format_unit(12.0, "days") == "12 days"
    assert format_unit(None, "money", "EUR") == "–"


def test_a_heading_names_the_unit_once():
    assert heading(Column("quota_base", "money", "m"), "USD") == "Quota, USD"
    assert heading(Column("sales_cycle_days", "days", "m")) == "Sales cycle, days"
    assert heading(Column("holder_id", "text", "m")) == "Holder"


class Cells(HTMLParser):
    """Reads a table as a browser would: tags met and the text of every cell."""

    def __init__(self, markup: str):
        super().__init__()
        self.tags, self.cells, self.inside = set(), [], False
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.inside = tag in {"td", "th"}
        if self.inside:
            self.cells.append("")

    def handle_data(self, data):
        if self.inside:
            self.cells[-1] += data

    def handle_endtag(self, tag):
        self.inside = False


def test_hostile_names_stay_text_in_a_table(made):
    frame = made.frame()
    read = Cells(html_table(frame, made.table, caption=made.hostile[0], rows=None))
    assert read.tags == {"div", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert read.cells[6::6] == frame["holder_id"].tolist()


def test_a_cut_table_says_how_many_rows_there_are(made):
    markup = html_table(made.frame(), made.table, show=["holder_id"], rows=5)
    assert markup.count("<tr>") == 6
    assert "5 of 21 rows; all are in tables/made_attainment.csv" in markup


def test_a_whole_table_says_nothing_about_rows(made):
    assert "rows; all" not in html_table(made.frame(), made.table, rows=None)


def test_numbers_stand_right_and_text_left(made):
    markup = html_table(made.frame(["Rep 100"]), made.table, show=["holder_id", "attainment"], rows=2)
    assert '<tr><td>Rep 100</td><td class="num">–</td></tr>' in markup
    assert '<th scope="col" class="num" title="Credited over quota">Attainment</th>' in markup


def test_an_empty_table_says_so(made):
    assert "No rows." in html_table(made.frame().head(0), made.table)


def test_a_column_the_table_does_not_declare_is_refused(made):
    with pytest.raises(KeyError, match="quotta"):
        html_table(made.frame(), made.table, show=["quotta"])


def test_an_unknown_finding_is_not_known_and_never_a_number(made):
    unknown = next(f for f in made.findings(date(2025, 12, 12)) if f.value is None)
    texts = finding_texts(unknown, "USD")
    assert (texts["severity"], texts["value"], texts["range"], texts["stake"]) == (
        "unknown",
        "not known",
        "",
        "",
    )
    assert texts["n"] == "2 of 5 rows needed"


def test_a_finding_shows_value_range_limit_and_stake(made):
    texts = finding_texts(made.findings(date(2025, 12, 12))[0], period="FY26-Q4")
    assert texts["value"] == "61 %"
    assert texts["range"] == "55 % to 67 % at 90 %"
    assert texts["limit"] == "at least 80 %"
    assert texts["stake"] == "USD 1,240,000"
    assert texts["due"] == "2025-12-26"
    assert texts["scope"] == "team EMEA"


def test_findings_escape_every_text(made):
    markup = findings_html(made.findings(date(2025, 12, 12)), limits=[made.hostile[0]])
    assert "<script" not in markup and "<img" not in markup and "<svg" not in markup


def test_no_findings_at_all_is_said():
    assert "Nothing was judged." in findings_html([])


def test_texts_that_a_spreadsheet_would_run_are_quoted_and_numbers_are_not():
    frame = pd.DataFrame({"a": ["=1", "+1", "-1", "@x", "\tx", "\rx", "a=1", ""], "b": [-1.0] * 8})
    safe = csv_safe(frame)
    assert safe["a"].tolist() == ["'=1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "a=1", ""]
    assert safe["b"].tolist() == [-1.0] * 8
    assert frame["a"][0] == "=1"


def test_categories_are_guarded_too():
    assert csv_safe(pd.DataFrame({"a": pd.Categorical(["=1", "x"])}))["a"].tolist() == ["'=1", "x"]


@given(st.lists(st.one_of(st.none(), st.text(alphabet="'=+-@\t\rab1", max_size=4))))
def test_the_guard_is_undone_exactly_and_leaves_nothing_that_runs(texts):
    frame = pd.DataFrame({"a": pd.Series(texts, dtype=object)})
    safe = csv_safe(frame)
    assert [csv_plain(text) if text else text for text in safe["a"]] == texts
    assert not [t for t in safe["a"] if t and t[0] in "=+-@\t\r"]
