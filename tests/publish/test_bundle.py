"""What a notebook hands over is checked on the way, written under the runner and only shown by hand."""

import json
from datetime import date

import pandas as pd
import pytest

from salesops_lib.core.contracts import Column, Table
from salesops_lib.core.errors import TableError, UserError
from salesops_lib.core.metrics import Reading
from salesops_lib.publish import bundle

HOLDERS = Table(
    "holders",
    "one row per holder",
    ("holder_id",),
    (
        Column("holder_id", "text", "Who."),
        Column("quota_base", "money", "Quota."),
        Column("day", "date", "Since."),
    ),
)


@pytest.fixture
def shown(monkeypatch) -> list:
    """What would be displayed, in order."""
    seen = []
    monkeypatch.setattr("IPython.display.display", seen.append)
    return seen


@pytest.fixture
def report(tmp_path, monkeypatch, shown):
    monkeypatch.setenv(bundle.BUNDLE_DIR, str(tmp_path))
    return opened()


def opened():
    return bundle.open_report(
        "made", company="Made", currency="USD", as_of=date(2025, 12, 12), period="FY26-Q4"
    )


def frame(*names: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"holder_id": names, "quota_base": 100.5, "day": pd.to_datetime(["2025-02-01"] * len(names))}
    )


def finding(made, team: str = "EMEA"):
    return next(f for f in made.findings(date(2025, 12, 12)) if f.scope["team"] == team)


def test_under_the_runner_everything_is_written(report, tmp_path, made):
    report.headline([bundle.Figure("Attainment", "71 %", range="64–78 % at 90 %")])
    report.table(HOLDERS, frame("R1", "R2"), caption="Holders", show=["holder_id"], rows=1)
    report.findings([finding(made)], limits=["No history before 2024."])
    report.close()
    # Every row and column is written, whatever is shown; a date as ISO text.
    assert (tmp_path / "tables/holders.csv").read_text() == (
        "holder_id,quota_base,day\nR1,100.5,2025-02-01\nR2,100.5,2025-02-01\n"
    )
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["headline"][0]["range"] == "64–78 % at 90 %"
    assert manifest["tables"]["holders"]["rows"] == 2
    assert [c["name"] for c in manifest["tables"]["holders"]["columns"]] == ["holder_id", "quota_base", "day"]
    assert manifest["limits"] == ["No history before 2024."]
    assert (manifest["as_of"], manifest["period"], manifest["currency"]) == ("2025-12-12", "FY26-Q4", "USD")
    assert bundle.read_findings(tmp_path) == [finding(made)]


def test_by_hand_nothing_is_written_and_everything_is_shown(tmp_path, monkeypatch, shown, made):
    monkeypatch.delenv(bundle.BUNDLE_DIR, raising=False)
    monkeypatch.chdir(tmp_path)
    report = opened()
    report.headline([bundle.Figure("Attainment", "71 %")])
    report.table(HOLDERS, frame("R1"))
    report.findings([finding(made)])
    report.close()
    assert len(shown) == 3
    assert list(tmp_path.iterdir()) == []


def test_findings_are_stored_in_reading_order_without_nan(report, tmp_path, made):
    found = made.findings(date(2025, 12, 12))
    report.findings(reversed(found))
    text = (tmp_path / "findings.json").read_text()
    assert "NaN" not in text
    severities = [record["severity"] for record in json.loads(text)]
    order = ["ACT", "WATCH", "UNKNOWN", "OK"]
    assert severities == sorted(severities, key=order.index)


def test_a_table_in_breach_of_its_contract_is_refused(report):
    with pytest.raises(TableError, match=r"table 'holders'.*holder_id"):
        report.table(HOLDERS, frame("R1").drop(columns="holder_id"))


def test_a_text_that_reads_as_a_formula_is_written_harmless(report, tmp_path):
    report.table(HOLDERS, frame("=cmd()|calc"))
    assert "'=cmd()|calc" in (tmp_path / "tables/holders.csv").read_text()


def test_names_are_escaped_where_they_are_shown(report, shown):
    report.headline([bundle.Figure("<script>x</script>", "<b>1</b>", note="<i>")])
    report.table(HOLDERS, frame("<img src=x onerror=y>"), caption="<script>")
    markup = " ".join(output.data for output in shown)
    assert [part for part in ("<script", "<img", "<b>1", "<i>") if part in markup] == []


def test_a_chart_is_shown_once_as_an_image_with_its_text(report, shown):
    from salesops_lib.core import charts

    chart = charts.axes()
    report.chart(chart, alt="Bookings per week")
    (image,) = shown
    assert image.data.startswith(b"\x89PNG")
    assert image._repr_png_()[1]["alt"] == "Bookings per week"


def test_a_dollar_in_a_name_is_drawn_whoever_placed_the_label(report, shown):
    # Ticks set outside the theme once parsed "$5_$" as a formula, and the report failed.
    from salesops_lib.core import charts

    chart = charts.axes()
    chart.set_yticks([0, 1], ["$5_$ off", "B"])
    chart.text(0, 0, "$x_$")
    chart.set_xscale("log")
    report.chart(chart, alt="Names")
    (image,) = shown
    drawn = image._repr_png_()[1]["drawn"]
    assert {"$5_$ off", "$x_$"} <= set(drawn)
    assert not chart.yaxis.get_ticklabels()[0].get_parse_math()
    assert chart.xaxis.get_ticklabels()[0].get_parse_math()  # powers of ten stay powers


@pytest.mark.parametrize(
    ("misuse", "said"),
    [
        (lambda r: (r.table(HOLDERS, frame("R1")), r.table(HOLDERS, frame("R2"))), "'holders' twice"),
        (lambda r: (r.headline([bundle.Figure("a", "1")]), r.headline([])), "headline twice"),
        (lambda r: (r.findings([]), r.findings([])), "findings twice"),
        (lambda r: r.close(), "closes without findings"),
        (lambda r: (r.findings([]), r.close(), r.close()), "after report.close()"),
        (lambda r: (r.findings([]), r.close(), r.table(HOLDERS, frame("R1"))), "after report.close()"),
        (lambda r: r.chart(None, alt=" "), "without alt text"),
    ],
)
def test_what_a_report_cannot_hold_is_refused(report, misuse, said):
    with pytest.raises(UserError) as fault:
        misuse(report)
    assert said in str(fault.value)


def test_one_metric_and_scope_stand_once(report, made):
    with pytest.raises(UserError, match=r"finds .* twice"):
        report.findings([finding(made), finding(made)])


def test_an_attempt_without_findings_reads_as_none(tmp_path):
    assert bundle.read_findings(tmp_path) == []


def test_an_attachment_is_written_beside_the_tables_and_listed(report, tmp_path, made):
    report.attachment("letter_R1.html", "<p>Ä</p>\n")
    report.findings([])
    report.close()
    assert (tmp_path / "attachments" / "letter_R1.html").read_bytes() == "<p>Ä</p>\n".encode()
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["attachments"] == [{"name": "letter_R1.html", "bytes": 10, "pdf": False}]


def test_identities_stand_in_the_manifest_and_only_where_a_report_has_some(report):
    assert "identities" not in report.manifest()
    report.identities([("lines_are_paid", "Σ lines 5.00 = Σ paid 5.00", True)])
    assert report.manifest()["identities"] == [
        {"check": "lines_are_paid", "says": "Σ lines 5.00 = Σ paid 5.00", "holds": True}
    ]


def test_readings_stand_in_the_manifest_once_a_scope(report, made):
    metric = made.rule("F-ATTN-TEAM", "x").metric
    assert "readings" not in report.manifest()
    report.readings([Reading(metric, 0.5, {"team": "A"}), Reading(metric, None, {"team": "B"})])
    assert [(r["metric"], r["scope"], r["value"], r["unit"]) for r in report.manifest()["readings"]] == [
        (metric.id, {"team": "A"}, 0.5, metric.unit),
        (metric.id, {"team": "B"}, None, metric.unit),
    ]
    with pytest.raises(bundle.BundleError, match=f"reads {metric.id} twice"):
        report.readings([Reading(metric, 0.6, {"team": "A"})])


def test_only_a_page_can_be_asked_to_print(report):
    with pytest.raises(bundle.BundleError, match=r"asks to print 'load.csv'; only a .html page prints"):
        report.attachment("load.csv", "a", pdf=True)


@pytest.mark.parametrize("name", ["../a.html", "a/b.html", "a.exe", ".html", "a.html\n", "a b.html"])
def test_an_attachment_with_an_unsafe_name_is_refused(report, name):
    with pytest.raises(bundle.BundleError, match="use letters, digits"):
        report.attachment(name, "")


def test_an_attachment_given_twice_is_refused_whatever_its_case(report):
    report.attachment("a.html", "")
    with pytest.raises(bundle.BundleError, match="twice"):
        report.attachment("A.html", "")
