"""Every check of a company folder is shown to fail, and to pass."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.inputs.checking.readiness import lacking
from salesops_lib.inputs.company import CompanyError
from salesops_lib.inputs.tables import TABLES

CLEAN = "2025-03-21"


def check(root, as_of=CLEAN):
    return inputs.check_company(root, as_of)


def entry(rows, total=275.0, added=None):
    """What an import logs of the table opportunities; by hand 100 + 120 + 55 = 275."""
    table = {"rows_in": rows, "rows_out": rows, "reported": 0, "added": rows if added is None else added}
    return {"per_table": {"opportunities": table | {"control_total": total, "control_column": "amount_base"}}}


def test_a_sound_folder_has_nothing_to_mend(make_company):
    result = check(make_company(imports=[entry(3)]))
    assert result.ok
    assert str(result) == "Tiny on 2025-03-21: 1 tables, 3 rows; nothing to mend"
    assert [c.what for c in result.controls] == ["rows", "total"]


BREACHES = [
    ("fx_rates", "currency,date,base_per_unit\nEUR,2025-01-01,x\n", "type", 1),
    ("fx_rates", "currency,date,base_per_unit\nEUR,2025-01-01,\n,2025-01-02,\n", "empty", 3),
    ("fx_rates", "currency,date,base_per_unit\nEUR,2025-01-01,0\n", "range", 1),
    ("fx_rates", "currency,date,base_per_unit\nEUR,2025-01-01,1\nEUR,2025-01-01,1\n", "duplicate", 1),
    ("activities", "activity_id,direction\nV1,sideways\n", "value", 1),
    ("activities", "activity_id,opportunity_id\nV1,A\nV2,nowhere\nV3,nowhere\n", "reference", 2),
    ("campaign_costs", "campaign_id,period,cost_base\nC,FY26-M13,1\n", "period", 1),
    ("activities", "activity_id,kindd\nV1,call\n", "unreadable", 1),
    ("activities", "activity_id,kind\nV1\n", "unreadable", 1),
]


@pytest.mark.parametrize(("name", "text", "rule", "rows"), BREACHES)
def test_each_rule_is_counted_with_its_first_offender(make_company, name, text, rule, rows):
    result = check(make_company({name: text}))
    assert not result.ok
    found = result.breach_table()
    assert set(found["rule"]) == {rule}
    assert set(found["table"]) == {name}
    assert found["rows"].sum() == rows


def test_all_breaches_are_found_not_only_the_first(make_company):
    text = "currency,date,base_per_unit\nEUR,x,1\nEUR,2025-01-02,y\nEUR,2025-01-03,-1\n"
    found = check(make_company({"fx_rates": text, "activities": "activity_id\n"})).breach_table()
    assert [*zip(found["table"], found["column"], found["rule"], strict=True)] == [
        ("fx_rates", "date", "type"),
        ("fx_rates", "base_per_unit", "type"),
        ("fx_rates", "base_per_unit", "range"),
    ]


def test_a_stage_that_is_not_declared_is_a_breach(make_company):
    text = "opportunity_id,recorded_at,stage\nA,2025-03-20T15:00:00Z,Legal\n"
    (breach,) = check(make_company({"opportunities": text})).breaches
    assert "'Legal' is no stage of policy/stages.yaml" in str(breach)


def test_versions_of_one_key_recorded_at_one_time_are_a_breach(make_company):
    text = "opportunity_id,recorded_at\nA,2025-03-20T15:00:00Z\nA,2025-03-20T15:00:00Z\n"
    (breach,) = check(make_company({"opportunities": text})).breaches
    assert breach.rule == "duplicate"


def test_a_folder_without_opportunities_is_told(make_company):
    root = make_company({"activities": "activity_id,at\nV1,2025-03-20T15:00:00Z\n"})
    (root / "tables" / "opportunities.csv").unlink()
    assert "table 'opportunities': it is missing" in str(check(root))


def test_a_table_is_stale_beyond_the_policys_days(make_company):
    # The last day is 2025-03-20; inputs.stale_after_days allows 7.
    root = make_company()
    assert check(root, "2025-03-27").ok
    result = check(root, "2025-03-28")
    assert result.freshness_table()[["table", "age_days", "stale"]].values.tolist() == [
        ["opportunities", 8, True]
    ]
    assert "8 days before the day checked" in str(result)


def test_rows_added_or_removed_by_hand_are_told(make_company):
    result = check(make_company(imports=[entry(4)]))
    assert "it holds 3 rows, its imports wrote 4" in str(result)


def test_money_that_is_not_the_imports_is_told(make_company):
    result = check(make_company(imports=[entry(3, total=276.0)]))
    assert "amount_base sums to 275.00, the import wrote 276.00" in str(result)


@pytest.mark.parametrize(("rows", "ok"), [(133, True), (134, False), (67, True), (66, False)])
def test_an_extract_far_from_the_one_before_is_told(make_company, rows, ok):
    # inputs.row_count_band allows a third: 100 rows before, 67 to 133 now.
    imports = [entry(100, added=3), entry(rows, added=0, total=None)]
    result = check(make_company(imports=imports))
    assert [c.ok for c in result.controls if c.what == "extract"] == [ok]


def test_a_log_that_is_broken_is_refused(make_company):
    root = make_company()
    (root / "import.json").write_text("{")
    with pytest.raises(CompanyError, match="is not what salesops import writes"):
        check(root)


def test_feeds_name_the_table_or_column_that_is_lacking(make_company):
    needs = {
        "runs": {"opportunities": ["amount_base"]},
        "no_table": {"quotas": ["quota_base"]},
        "no_column": {"opportunities": ["loss_reason"]},
        "broken": {"fx_rates": []},
    }
    root = make_company({"fx_rates": "currency,date,base_per_unit\nEUR,2025-01-01,x\n"})
    found = inputs.feeds(root, needs).set_index("notebook")
    assert found["can_run"].to_dict() == {
        "runs": True,
        "no_table": False,
        "no_column": False,
        "broken": False,
    }
    assert found.loc["no_table", "lacks"] == "table quotas"
    assert found.loc["no_column", "lacks"] == "column opportunities.loss_reason"
    assert "'x' is no number" in found.loc["broken", "lacks"]


def test_a_table_unknown_on_a_day_is_told_from_a_missing_one(make_company):
    root = make_company({"reps": "rep_id,start_date\n"})
    needs = {"n": {"opportunities": ["amount"], "reps": [], "leads": []}}
    told = (
        "table opportunities: no row known by 2019-01-01; the first is of 2025-01-02; table reps: it "
        "holds no row; table leads"
    )
    assert lacking(root, "2019-01-01", needs) == {"n": told}
    assert inputs.feeds(root, needs, "2019-01-01")["lacks"].tolist() == [told]
    assert lacking(root, "2025-03-20", {"n": {"opportunities": ["amount"]}}) == {"n": ""}


def test_feeds_read_the_run_files(sample):
    assert {"attainment", "data_quality"} <= set(inputs.feeds(sample)["notebook"])


def test_no_module_hides_a_name_of_the_door():
    # Importing a submodule sets it on the package: a function of the same name would then be lost.
    package = Path(inputs.__file__).parent
    modules = {path.stem for path in package.iterdir()}
    assert {"feeds", "doctor", "check_company", "open_snapshot"} <= set(dir(inputs))
    assert [name for name in dir(inputs) if name in modules and callable(getattr(inputs, name))] == []


def test_references_lead_to_columns_that_are_declared():
    for table in TABLES.values():
        for column in table.columns:
            if column.refers_to:
                name, _, target = column.refers_to.partition(".")
                assert target in TABLES[name].by_name


def test_the_doctor_finds_what_is_missing(tmp_path):
    facts = {name: (ok, text) for name, ok, text in inputs.doctor()}
    assert facts["packages"][0], facts["packages"]
    assert facts["data/sample"][0], facts["data/sample"]
    project = '[project]\nrequires-python = ">=4"\ndependencies = ["pandas<1", "no-such-package"]\n'
    (tmp_path / "pyproject.toml").write_text(project)
    (tmp_path / "reports").write_text("a file, not a folder")
    sick = {name: (ok, text) for name, ok, text in inputs.doctor(tmp_path)}
    assert not sick["python"][0]
    assert "pandas is" in sick["packages"][1]
    assert "no-such-package is missing" in sick["packages"][1]
    assert not sick["data/sample"][0]
    assert not sick["reports"][0]


def test_money_is_converted_at_the_rate_of_its_day():
    # By hand: 10 EUR at 1.1 is 11 on Thursday; Saturday takes Friday's 1.2; USD stays.
    rates = pd.DataFrame(
        {"currency": ["EUR", "EUR"], "date": ["2025-01-02", "2025-01-03"], "base_per_unit": [1.1, 1.2]}
    )
    rows = pd.DataFrame(
        {
            "amount": [10.0, 10.0, 10.0, None],
            "currency": ["EUR", "EUR", "USD", "XXX"],
            "date": ["2025-01-02", "2025-01-04", "2025-01-02", None],
        }
    )
    found = inputs.to_base(rows, rates, "USD")
    assert found.tolist()[:3] == pytest.approx([11.0, 12.0, 10.0])
    assert pd.isna(found[3])


@pytest.mark.parametrize(
    ("currency", "day", "refusal"),
    [
        ("GBP", "2025-01-02", "amount in GBP on 2025-01-02 .* has no rate to USD"),
        ("EUR", "2025-01-01", "has no rate to USD"),
        ("EUR", "2025-01-12", "has no rate to USD"),
        ("EUR", None, "has no date"),
        (None, "2025-01-02", "has no currency"),
    ],
)
def test_a_missing_rate_is_an_error_and_not_one(currency, day, refusal):
    rates = pd.DataFrame({"currency": ["EUR"], "date": ["2025-01-02"], "base_per_unit": [1.1]})
    rows = pd.DataFrame({"amount": [10.0], "currency": [currency], "date": [day]})
    with pytest.raises(inputs.RateError, match=refusal):
        inputs.to_base(rows, rates, "USD")
