"""The whole report on strangers' exports and real cases: a figure it can stand by, or an honest unknown."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import yaml

from salesops_lib import inputs
from salesops_lib.forecasting.deals.known import deal_log
from salesops_lib.forecasting.deals.pipeline import prepare
from salesops_lib.forecasting.flow.measures import due_by_period, stage_probabilities
from salesops_lib.inputs.importing import import_export
from salesops_lib.publish.bundle import Report
from salesops_lib.publish.rendering.workbook import write_xlsx

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "pipeline_process.ipynb"
EXAMPLES = Path(__file__).parents[2] / "salesops_lib" / "inputs" / "sources" / "examples"
MAPPING = """\
source: csv
zone: UTC
currency: USD
dates: ymd
company:
  reporting_currency: USD
  time_zone: UTC
  crm_link: "https://crm.example.org/{table}/{id}"
  fiscal_calendar: {kind: months, first_month: 1, named_by: end}
%(stages)s
tables:
  opportunities:
    file: deals.csv
    columns: {opportunity_id: Id, %(owner)s created_date: Created, close_date: Close, stage: Stage,
      amount: Amount,
      is_closed: {from: Status, values: {Open: false, Won: true, Lost: true}},
      is_won: {from: Status, values: {Open: false, Won: true, Lost: false}}}
"""
HISTORY = """\
  opportunity_history:
    file: history.csv
    columns: {opportunity_id: Id, sequence: Seq, changed_at: At, stage: Stage}
"""
STAGES = """\
stages:
  - {stage: Open, position: 1, outcome: open}
  - {stage: Demo, position: 2, outcome: open}
  - {stage: Won, position: 3, outcome: won}
  - {stage: Lost, position: 4, outcome: lost}
"""
LAST = pd.Timestamp("2025-06-30")


def export(n, *, ways=("Open", "Demo"), open_share=0.2, wins=0.4, ends=("Won", "Lost"), seed=1):
    """Deals of 500 days and their changes: each waits about 20 days in a stage, and 1 to all of `ways`."""
    rng, rows, steps = np.random.default_rng(seed), [], []
    for i in range(n):
        born = LAST - pd.Timedelta(days=int(rng.integers(1, 500)))
        at, stage = born + pd.Timedelta(seconds=int(rng.integers(30_000, 60_000))), ways[0]
        for k, name in enumerate(ways[: int(rng.integers(1, len(ways) + 1))]):
            if at > LAST:
                break
            stage, at = name, at + pd.Timedelta(seconds=int(rng.exponential(20 * 86_400)))
            steps.append((f"D{i}", k + 1, at if k else born + pd.Timedelta(hours=9, seconds=i), name))
        status = (
            "Open" if at > LAST or rng.random() < open_share else "Won" if rng.random() < wins else "Lost"
        )
        close = LAST + pd.Timedelta(days=int(rng.integers(-20, 90)))
        if status != "Open":
            stage, close = ends[status == "Lost"], at
            steps.append((f"D{i}", 9, at, stage))
        rows.append((f"D{i}", f"U{i % 7}", born, close, stage, round(float(rng.lognormal(9, 1)), 2), status))
    deals = pd.DataFrame(rows, columns=["Id", "Owner", "Created", "Close", "Stage", "Amount", "Status"])
    for name in ("Created", "Close"):
        deals[name] = deals[name].dt.strftime("%Y-%m-%d")
    history = pd.DataFrame(steps, columns=["Id", "Seq", "At", "Stage"])
    return deals, history.assign(At=history["At"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))


def stranger(folder, deals, history=None, stages=STAGES):
    """A company folder as `salesops import csv` makes it from these two files."""
    (folder / "export").mkdir(parents=True)
    deals.to_csv(folder / "export" / "deals.csv", index=False)
    owner = "owner_id: Owner," if "Owner" in deals else ""
    text = MAPPING % {"stages": stages, "owner": owner}
    if history is not None:
        history.to_csv(folder / "export" / "history.csv", index=False)
        text += HISTORY
    (folder / "map.yaml").write_text(text)
    import_export("csv", folder / "export", folder / "company", mapping=folder / "map.yaml")
    return folder / "company"


class Told:
    """A report by the notebook's own cells, in this process: findings by code, tables, limits."""

    def __init__(self, company, out, monkeypatch, *, draw=False, **parameters):
        out.mkdir(parents=True)
        if not draw:
            monkeypatch.setattr(Report, "chart", lambda self, axes, *, alt: None)
        monkeypatch.setenv("SALESOPS_BUNDLE_DIR", str(out))
        scope, self.folder = {}, out
        with contextlib.redirect_stdout(io.StringIO()) as said:
            for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
                if cell["cell_type"] == "code":
                    exec("".join(cell["source"]), scope)
                    if "parameters" in cell["metadata"].get("tags", ()):
                        scope.update({"data": str(company), **parameters})
        self.said = said.getvalue()
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        self.limits = " ".join(manifest["limits"])
        self.cards = {card["label"].split(":")[0].split(",")[0]: card for card in manifest["headline"]}
        self.findings = {}
        for record in json.loads((out / "findings.json").read_text(encoding="utf-8")):
            self.findings.setdefault(record["code"].removeprefix("F-PIPE-"), record)

    def table(self, name):
        return pd.read_csv(self.folder / "tables" / f"{name}.csv")

    def severity(self, *codes):
        return [self.findings[code]["severity"] for code in codes]


@pytest.fixture
def told(tmp_path, monkeypatch):
    def tell(deals, history=None, stages=STAGES, **more):
        return Told(stranger(tmp_path, deals, history, stages), tmp_path / "out", monkeypatch, **more)

    return tell


def unknown_is_never_green(report):
    """What holds of any report: no value is no OK, a fault that cannot be told is no 0."""
    for record in report.findings.values():
        assert record["value"] is not None or record["severity"] == "UNKNOWN", record["code"]
        assert record["recommendation"] and "nan" not in record["statement"], record["statement"]
    faults = report.table("hygiene_faults")
    assert (faults["why"].notna() == faults["deals"].isna()).all()
    return report


def test_a_company_with_history_gets_its_process_and_its_work_list_in_excel_with_links(told):
    report = unknown_is_never_green(told(*export(300), draw=True))
    assert report.severity("READY", "NEXTSTEP", "COVERAGE") == ["ACT", "UNKNOWN", "UNKNOWN"]
    assert report.findings["BOTTLENECK"]["severity"] == "UNKNOWN"  # of two stages one takes over a third
    book = openpyxl.load_workbook(write_xlsx(report.folder))
    sheet = book["work_list"]
    head = [cell.value for cell in sheet[1]]
    assert sheet.auto_filter.ref == f"A1:M{sheet.max_row}" and sheet.max_row > 20
    link = sheet.cell(2, head.index("link") + 1)
    deal = sheet.cell(2, head.index("opportunity_id") + 1).value
    assert link.hyperlink.target == f"https://crm.example.org/opportunities/{deal}"
    amounts = report.table("work_list")["amount_base"]
    assert amounts.is_monotonic_decreasing


@pytest.mark.parametrize("kind", ["one lost deal", "all open"])
def test_little_or_one_sided_data_is_judged_unknown_and_not_zero(told, kind):
    deals, history = {
        "one lost deal": lambda: export(1, open_share=0, wins=0, seed=2),
        "all open": lambda: export(60, open_share=1),
    }[kind]()
    report = unknown_is_never_green(told(deals, history))
    assert report.severity("VELOCITY", "COVERAGE", "OLD") == ["UNKNOWN"] * 3
    rates = report.table("win_rates").set_index("name")["rate"]
    assert np.isnan(rates["by count"]) if kind == "all open" else rates["by count"] == 0


def test_half_a_history_is_said_and_is_no_whole_one(told):
    deals, history = export(300)
    report = unknown_is_never_green(told(deals, history[history["Id"].isin(deals["Id"][::2])]))
    assert "50% of deals have a history of stages" in report.limits
    ready = report.table("readiness").set_index("item")
    assert not ready.loc["history", "holds"]
    assert report.table("win_rates").set_index("name").loc["by count", "of"] > 150  # of all deals


def test_another_companys_stages_get_waits_and_ways_but_no_order(told, tmp_path):
    own = ("Prospecting", "Needs Analysis", "Value Proposition")
    deals, history = export(300, ways=own, ends=("Closed - Won", "Closed - Lost"))
    report = unknown_is_never_green(told(deals, history, stages=""))
    assert report.severity("BACK", "SKIP", "OVERSTAY", "STAGE") == ["UNKNOWN"] * 4
    assert "stages.yaml does not define Needs Analysis, Prospecting, Value Proposition" in report.limits
    guessed = yaml.safe_load((tmp_path / "company" / "policy" / "stages.yaml").read_text())["stages"]
    assert all(stage["guessed"] for stage in guessed)  # the import says that nobody put them in order
    assert set(report.table("dwell")["activity"]) == set(own)
    assert report.table("variants")["variant"].str.contains("Closed - Lost").any()
    assert set(report.table("deal_incidence")["cause"]) == {"won", "lost"}


def test_stages_renamed_mid_way_are_one_and_an_old_name_of_an_end_still_ends_a_deal(tmp_path, monkeypatch):
    deals, history = export(300)
    old = history["At"] < "2025-01-01"
    for name, was in (("Demo", "Show"), ("Won", "Signed")):
        history.loc[old & (history["Stage"] == name), "Stage"] = was
    folder = stranger(tmp_path, deals, history)
    renamed = [{"from": a, "to": b, "until": "2024-12-31"} for a, b in (("Show", "Demo"), ("Signed", "Won"))]
    content = {"stages": yaml.safe_load(STAGES)["stages"], "renamed": renamed}
    (folder / "policy" / "stages.yaml").write_text(yaml.safe_dump(content))
    report = unknown_is_never_green(Told(folder, tmp_path / "out", monkeypatch))
    assert set(report.table("transitions")["from_activity"]) == {"(start)", "Open", "Demo", "Won", "Lost"}
    assert "does not define" not in report.limits
    won = (deals["Status"] == "Won").sum()
    ends = report.table("transitions").query("to_activity == '(end)'").set_index("from_activity")["count"]
    assert ends["Won"] == won
    early = Told(folder, tmp_path / "early", monkeypatch, as_of="2024-12-15")
    assert early.table("win_rates").set_index("name").loc["by count", "won"] > 20


def test_no_owners_no_amounts_and_days_for_stamps_are_borne(told):
    deals, history = export(300)
    report = unknown_is_never_green(
        told(deals.drop(columns="Owner").assign(Amount=""), history.assign(At=history["At"].str[:10]))
    )
    assert report.severity("OVERDUE", "OLD", "COVERAGE") == ["UNKNOWN"] * 3
    assert "(no owner): no open deal names an owner" in report.limits
    assert report.table("dwell")["withheld"].isna().all()  # days are no bulk update
    assert report.cards["Past their close date"]["value"].endswith("deals")


def test_dates_of_the_future_reach_no_figure(told):
    deals, history = export(300)
    deals.loc[:40, "Close"] = "2031-01-01"
    report = unknown_is_never_green(told(deals, history, as_of="2025-06-30"))
    assert report.table("deal_incidence")["age_days"].max() < 500
    assert report.table("dwell")["p75_days"].max() < 200


def test_what_was_due_in_past_periods_is_the_forecasts_own_figure(sample):
    snapshot = inputs.open_snapshot(str(sample), "2025-12-12")
    calendar, day = snapshot.company.calendar, snapshot.as_of
    log = deal_log(
        snapshot.frame("opportunities"), snapshot.frame("opportunity_history"), snapshot.stages(),
        as_of=day, zone=snapshot.company.zone, calendar=calendar,
    )  # fmt: skip
    past = prepare(log, snapshot.frame("reps"), "company")
    every = stage_probabilities(past, day).set_index("stage").loc["(all)"]
    periods = due_by_period(past, day)
    assert periods["won_base"].sum() / periods["due_base"].sum() == pytest.approx(every["value_rate"])
    assert periods["n"].sum() == every["n"] and periods["period_start"].is_unique


# Real cases


def test_maven_without_history_or_amounts_of_lost_deals_says_what_it_can(cases, tmp_path, monkeypatch):
    import_export("csv", cases / "maven_crm", tmp_path / "c", mapping=EXAMPLES / "maven_crm.yaml")
    report = unknown_is_never_green(Told(tmp_path / "c", tmp_path / "out", monkeypatch))
    rates = report.table("win_rates").set_index("name")
    assert rates.loc["by count", "rate"] == pytest.approx(4238 / 6711)  # counted in the export
    assert np.isnan(rates.loc["by value", "rate"])  # else it would be 100 %
    assert report.severity("BACK", "VARIANTS", "STAGE", "OVERDUE") == ["UNKNOWN"] * 4
    assert "There is no history of stages" in report.limits


def test_dynamics_without_history_is_held_to_its_goals_at_the_win_rate_of_decided_deals(
    cases, tmp_path, monkeypatch
):
    import_export("dynamics365", cases / "d365_contoso_coffee", tmp_path / "c")
    report = unknown_is_never_green(Told(tmp_path / "c", tmp_path / "out", monkeypatch))
    rates = report.table("coverage_rates").set_index("name")
    assert np.isnan(rates.loc["of due", "rate"]) and rates.loc["of decided", "low"] > 0
    assert report.findings["COVERAGE"]["value"] is not None and "COVERDUE" not in report.findings
    assert report.severity("OVERDUE") == ["ACT"]


def test_the_small_salesforce_case_has_a_history_and_too_little_of_it(cases, tmp_path, monkeypatch):
    import_export("salesforce", cases / "salesforce_devorg", tmp_path / "c")
    report = unknown_is_never_green(Told(tmp_path / "c", tmp_path / "out", monkeypatch))
    steps = report.table("transitions")
    assert steps.loc[steps["from_activity"] == "(start)", "count"].sum() == 36  # deals of the case
    assert "were stamped in bulk" in report.limits
    assert report.severity("BACK", "SKIP", "BOTTLENECK", "VARIANTS") == ["UNKNOWN"] * 4
