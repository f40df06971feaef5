"""The whole report: cells of the notebook on X Education and on strangers' exports, imported as they come."""

import json
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from salesops_lib.inputs.importing import import_export
from salesops_lib.inputs.importing.mapping import SOURCES

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "lead_conversion.ipynb"
COLUMNS = {
    "Created": "created_at",
    "Source": "source",
    "Touched": "first_touch_at",
    "Opportunity": "sql_at",
    "Closed": "disqualified_at",
    "Region": "region",
    "Employees": "employees",
    "Converted": "converted",
}
MAPPING = """\
source: csv
zone: America/New_York
currency: USD
dates: prove
company:
  name: Stranger
  reporting_currency: USD
  time_zone: America/New_York
  fiscal_calendar: {kind: months, first_month: 1, named_by: end}
tables:
  leads:
    file: leads.csv
    columns:
      lead_id: Id
"""


def report(company: Path, out: Path, monkeypatch, **parameters) -> dict:
    """What the notebook's cells leave behind, run in this process on a company's folder."""
    matplotlib.use("Agg")
    monkeypatch.chdir(NOTEBOOK.parent)
    out.mkdir()
    monkeypatch.setenv("SALESOPS_BUNDLE_DIR", str(out))
    names: dict = {}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
            if "parameters" in cell["metadata"].get("tags", []):
                names |= {"data": str(company)} | parameters
    return names | {"found": json.loads((out / "findings.json").read_text(encoding="utf-8"))}


def severities(made: dict) -> dict[str, str]:
    return {f["code"].removeprefix("F-LEAD-"): f["severity"] for f in made["found"]}


def limits(made: dict) -> str:
    return " ".join(made["report"].manifest()["limits"])


def test_x_education_is_reported_whole_and_the_audit_names_what_it_refuses(cases, tmp_path, monkeypatch):
    """salesops import csv DIR --to data/xed --map …/x_education.yaml; salesops run lead_conversion"""
    mapping = SOURCES / "examples" / "x_education.yaml"
    import_export("csv", cases / "x_education_leads", tmp_path / "xed", mapping=mapping)
    made = report(tmp_path / "xed", tmp_path / "bundle", monkeypatch)
    audit = pd.read_csv(tmp_path / "bundle" / "tables" / "score_audit.csv").set_index("column")
    # Tags and quality are filled in after the call: the source of the data says so.
    assert {"tags", "lead_quality"} <= set(audit.index[audit["verdict"] == "refused"])
    leak = next(f for f in made["found"] if f["code"] == "F-LEAD-LEAK")
    assert leak["severity"] == "ACT" and "tags" in leak["statement"]
    assert severities(made) | {"SCORE": "OK", "LIFT": "OK"} == severities(made)
    assert {severities(made)[c] for c in ("SLA", "SPEED", "CHANGE", "UNOWNED")} == {"UNKNOWN"}
    windows = pd.read_csv(tmp_path / "bundle" / "tables" / "score_windows.csv")
    assert windows["auc"].between(0.75, 0.97).all()
    card = (tmp_path / "bundle" / "attachments" / "model_card.md").read_text(encoding="utf-8")
    assert "rolling windows in order of the lead's id" in card and "tags" in card
    assert "No lead says when it came in" in limits(made)
    shown = made["report"].manifest()["headline"]
    assert shown[0]["label"].startswith("Fix this week") and shown[1]["value"] == "39 %"  # 3,561 of 9,240


def leads_csv(n: int = 360) -> pd.DataFrame:
    """Five hundred days in New York's time; a fifth become opportunities, others are closed."""
    rng = np.random.default_rng(1)
    created = pd.Timestamp("2024-01-13") + pd.to_timedelta(np.sort(rng.uniform(0, 500, n)), unit="D")
    ended = created + pd.to_timedelta(rng.exponential(15, n) + 0.5, unit="D")
    touched = created + pd.to_timedelta(rng.exponential(0.2, n), unit="D")
    hit, tried = rng.random(n) < 0.2, rng.random(n) < 0.9

    def text(stamps, there):
        return pd.Series(stamps).dt.strftime("%Y-%m-%d %H:%M:%S").where(there, "")

    return pd.DataFrame(
        {
            "Id": [f"00Q{i:06d}" for i in range(n)],
            "Created": text(created, np.ones(n, dtype=bool)),
            "Source": rng.choice(["Web", "Event", "Partner"], n),
            "Touched": text(touched, tried),
            "Opportunity": text(ended, hit),
            "Closed": text(ended, ~hit),
            "Region": rng.choice(["NA", "EMEA"], n),
            "Employees": rng.integers(1, 500, n).astype(str),
        }
    )


def stranger(export: pd.DataFrame, tmp_path: Path, monkeypatch) -> dict:
    (tmp_path / "export").mkdir()
    export.to_csv(tmp_path / "export" / "leads.csv", index=False)
    lines = [f"      {COLUMNS[c]}: {c}\n" for c in export if c != "Id"]
    (tmp_path / "map.yaml").write_text(MAPPING + "".join(lines), encoding="utf-8")
    import_export("csv", tmp_path / "export", tmp_path / "company", mapping=tmp_path / "map.yaml")
    return report(tmp_path / "company", tmp_path / "bundle", monkeypatch)


def excel_damaged(export: pd.DataFrame) -> pd.DataFrame:
    made = export.copy()
    made.loc[:19, "Source"], made.loc[20:39, "Source"], made.loc[40:44, "Source"] = (
        "#REF!",
        "Select",
        "10-Nov",
    )
    made.loc[50:51, "Touched"] = "2020-01-01 00:00:00"
    return made


def test_damaged_text_and_negative_lags_are_told_by_row_and_na_is_a_region(tmp_path, monkeypatch):
    made = stranger(excel_damaged(leads_csv()), tmp_path, monkeypatch)
    faults = made["leads"].faults["fault"].value_counts().to_dict()
    assert faults == {
        "damaged by a spreadsheet": 20,
        "a placeholder, no value": 20,
        "read as a date or number by a spreadsheet": 5,
        "before the lead was created": 2,
    }
    assert set(made["leads"].frame["region"]) == {"NA", "EMEA"}
    assert made["leads"].frame["employees"].dtype == "float64"
    assert severities(made)["FAULTS"] == "ACT"


def test_all_open_is_no_conversion_of_nought(tmp_path, monkeypatch):
    made = stranger(leads_csv().assign(Opportunity="", Closed=""), tmp_path, monkeypatch)
    assert made["leads"].hit.isna().all()
    assert {severities(made)[c] for c in ("SCORE", "CHANGE", "LEAK", "SPEED")} == {"UNKNOWN"}
    assert "No lead says whether it converted" in limits(made)
    assert [f["value"] for f in made["report"].manifest()["headline"][1:2]] == ["not known"]


def test_all_won_three_leads_and_none_never_crash(tmp_path, monkeypatch):
    export = leads_csv()
    for number, odd in enumerate((export.assign(Opportunity=export["Created"], Closed=""), export.head(3),
                                  export.head(0))):  # fmt: skip
        (tmp_path / str(number)).mkdir()
        made = stranger(odd, tmp_path / str(number), monkeypatch)
        assert severities(made)["SCORE"] == severities(made)["LIFT"] == "UNKNOWN"


def test_stamps_that_hold_days_only_tell_no_minutes(tmp_path, monkeypatch):
    export = leads_csv()
    days = {c: export[c].str[:10] for c in ("Created", "Touched", "Opportunity", "Closed")}
    made = stranger(export.assign(**days), tmp_path, monkeypatch)
    assert {severities(made)[c] for c in ("SLA", "SPEED")} == {"UNKNOWN"}
    assert made["leads"].hit.notna().any()


def test_a_lead_of_the_last_evening_in_new_york_is_not_after_the_day(tmp_path, monkeypatch):
    export = leads_csv()
    export.loc[359, ["Created", "Touched", "Opportunity", "Closed"]] = ["2025-05-30 22:30:00", "", "", ""]
    made = stranger(export, tmp_path, monkeypatch)
    assert str(made["day"]) == "2025-05-30" or made["leads"].faults.empty
    assert made["leads"].frame["created_at"].notna().all()


def test_outcomes_recorded_only_later_leave_the_leads_before_uncompared(drawn_leads):
    from salesops_lib import leads as api

    frame = drawn_leads(900, 1)
    since = pd.Timestamp("2024-06-01", tz="UTC")
    for column in ("sql_at", "disqualified_at"):
        frame[column] = frame[column].mask(frame[column] < since)
    found = api.cohorts(frame, "2025-12-12").set_index(["cohort", "age_days"])
    assert np.isnan(found.loc[("2024-03", 90), "share"])
    assert found.loc[("2024-03", 90), "why"] == "before outcomes were recorded"
    assert found.loc[("2024-09", 90), "mature"] and 0.05 < found.loc[("2024-09", 90), "share"] < 0.4


def test_reassignments_are_counted_from_turns_or_from_a_count_and_else_unknown():
    from salesops_lib import leads as api

    leads = pd.DataFrame({"lead_id": ["A", "B", "C"], "owner_id": ["x", "y", None], "region": "EMEA"})
    at = pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-03", "2025-01-01"], utc=True)
    turns = pd.DataFrame(
        {"lead_id": ["A", "A", "A", "B"], "assigned_at": at, "owner_id": ["y", "x", "x", "y"]}
    )
    assert api.reassignments(leads, turns).tolist() == [1.0, 0.0, 0.0]  # again to x is no reassignment
    # Z has an owner and no turn: its turns are not recorded, which is no 0.
    unrecorded = pd.concat([leads, pd.DataFrame({"lead_id": ["Z"], "owner_id": ["x"]})], ignore_index=True)
    assert np.isnan(api.reassignments(unrecorded, turns).iloc[3])
    assert api.reassignments(leads.drop(columns="owner_id"), turns).isna().tolist() == [False, False, True]
    assert api.reassignments(leads.assign(owner_changes=[2, 0, 0]), None).tolist() == [2.0, 0.0, 0.0]
    assert api.reassignments(leads, None).isna().all()
    balance = api.routing_balance(leads, api.reassignments(leads, turns)).set_index("owner_id")
    assert balance["reassigned"].to_dict() == {"x": 1.0, "y": 0.0}
    assert balance["unassigned"].tolist() == [1, 1]


def test_scores_in_blocks_are_those_in_one_piece():
    from salesops_lib import leads as api

    rng = np.random.default_rng(2)
    grade = rng.choice(["A", "B"], 1500)
    frame = pd.DataFrame({"lead_id": np.arange(1500).astype(str), "grade": grade, "n": rng.poisson(3, 1500)})
    fitted = api.fit_scores(frame, pd.Series(rng.random(1500) < np.where(grade == "A", 0.4, 0.1)))
    blocks = api.score_blocks(fitted, (frame.iloc[k : k + 100] for k in range(0, 1500, 100)))
    one = api.score_leads(fitted, frame).set_index("lead_id")["score"].sort_index()
    parts = pd.concat(blocks).set_index("lead_id")["score"].sort_index()
    pd.testing.assert_series_equal(one, parts)
