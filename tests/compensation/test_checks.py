"""Every invalid plan is refused with its code and line; one run finds every fault; warnings let it pass."""

import ast
from fractions import Fraction
from pathlib import Path

import pytest
import yaml

import salesops_lib.compensation
from salesops_lib.compensation.plans.checks import check_texts, checked_plans, plans_in_use
from salesops_lib.compensation.plans.faults import CODES, PlanError
from salesops_lib.compensation.plans.load import load_plan

ROOT = Path(__file__).parents[2]
PLANS = ROOT / "data" / "plans"
SHIPPED = {path.stem: path.read_text(encoding="utf-8") for path in sorted(PLANS.glob("*.yaml"))}
INVALID = ROOT / "tests" / "cases" / "compensation" / "invalid" / "planted.yaml"
PLANTED = yaml.load(INVALID.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
each_planted = pytest.mark.parametrize("case", PLANTED, ids=[f"{p['code']} {p['by'][:30]}" for p in PLANTED])


SPECIFIED = {
    *("E002", "E003", "E010", "E021", "E030", "E031", "E102", "E103", "E104", "E105", "E106", "E107", "E108"),
    *("E110", "E111", "E112", "E113", "E120", "E121", "E122", "E130", "E131", "E201", "E202", "E203", "E204"),
    *("E205", "E206", "E207", "E208", "E209", "E210", "E211", "E212"),
    *("W301", "W302", "W303", "W304", "W305", "W306", "W307"),
}
"""The codes of the specification's list."""


def planted(case: dict) -> tuple[str, str]:
    text = SHIPPED[case["plan"]]
    for old, new in ((case["replace"], case["by"]), *([case["also"]] if "also" in case else [])):
        assert old in text
        text = text.replace(old, new, 1)
    return f"{case['plan']}.yaml", text


def told(case: dict) -> list:
    """All that is said of the planted file, alone or beside another."""
    files = [planted(case)]
    if "beside" in case:
        files.insert(0, ("beside.yaml", SHIPPED[case["beside"]]))
    past = {m: [Fraction(a) for a in known] for m, known in case.get("history", {}).items()}
    plan_id = load_plan(SHIPPED[case["plan"]], "x.yaml").plan.id
    found = check_texts(files, "USD", {plan_id: past} if past else None)
    return [f for f in found if f.file == files[-1][0]]


@each_planted
def test_a_planted_fault_is_found_with_code_and_line(case):
    file, text = planted(case)
    found = [f for f in told(case) if f.code == case["code"]]
    lines = [n for n, line in enumerate(text.splitlines(), 1) if case["on"] in line]
    assert found, f"{case['code']} was not found"
    assert any(f.line in lines and case["says"] in f.message for f in found), [str(f) for f in found]
    assert str(found[0]).startswith(f"{file}:{found[0].line} {case['code']} {found[0].subject}: ")


def test_every_code_of_the_specification_is_planted_and_explained():
    assert SPECIFIED - {p["code"] for p in PLANTED} == set()
    assert SPECIFIED - set(CODES) == set()


@each_planted
def test_a_planted_fault_brings_no_other_error_with_it(case):
    # What follows from the fault itself: weights that change, a payout at target that cannot be right.
    follows = {
        "E107": {"E204", "E206"}, "E103": {"E207"}, "E110": {"E207", "E113"}, "E111": {"E207"},
        "E005": {"E201"}, "E201": {"E204"}, "E105": {"E207"}, "E102": {"E207"}, "E203": {"E213"},
        "E213": {"E207", "E204", "E209"}, "E104": {"E207"}, "E003": {"E207"},
    }  # fmt: skip
    found = {f.code for f in told(case) if f.severity == "error"}
    assert found - {case["code"]} <= follows.get(case["code"], set())


def test_every_code_is_planted_or_tested_below():
    assert set(CODES) - {p["code"] for p in PLANTED} == {"N401", "N402"}


def test_every_code_that_the_library_names_is_explained():
    folder = Path(salesops_lib.compensation.__file__).parent
    named = {
        node.value
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if len(node.value) == 4 and node.value[0] in "EWN" and node.value[1:].isdigit()
    }
    rows = {f"E30{n}" for n in range(1, 9)}
    assert named - rows - set(CODES) == set()


def test_the_shipped_plans_have_no_error():
    found = check_texts([(f"{name}.yaml", text) for name, text in SHIPPED.items()], "USD")
    assert [str(f) for f in found if f.severity == "error"] == []
    assert {f.code for f in found} == {"W301", "N401", "N402"}


def test_one_run_finds_every_fault_of_every_file():
    ae = SHIPPED["ae"]
    for old, new in [
        ("currency: USD\n", "currency: USD\ncurrency: EUR\n"),
        ("version: 3", "version: three"),
        ("base_salary: 120000", "base_salary: 1200000"),
        ("{from: 1.5,  rate: 3}", "{from: 1, rate: 3}"),
        ("weight: 0.15", "wieght: 0.15"),
        ("window_days: 365, ", ""),
    ]:
        assert old in ae
        ae = ae.replace(old, new, 1)
    sdr = SHIPPED["sdr"].replace("value: 15,", "value: -15,").replace("share: ", "share: ")
    codes = [(f.file, f.code) for f in check_texts([("ae.yaml", ae), ("sdr.yaml", sdr)], "USD")]
    wanted = ["E002", "E006", "E021", "E103", "E004", "E005", "E211"]
    assert [("ae.yaml", code) in codes for code in wanted] == [True] * len(wanted)
    assert ("sdr.yaml", "E030") in codes


def test_a_part_that_cannot_be_read_does_not_accuse_the_others():
    # Without acv_commission the weights are 0.15 and the hold has no component: neither is the plan's fault.
    text = SHIPPED["ae"].replace("rate_unit: multiple_of_base", "rate_unit: multiple_of_bass", 1)
    assert [f.code for f in check_texts([("ae.yaml", text)], "USD") if f.severity == "error"] == ["E006"]


def test_two_versions_on_one_day_are_told_with_the_day():
    later = (
        SHIPPED["ae"]
        .replace("version: 3", "version: 4")
        .replace("from: 2026-02-01, to", "from: 2027-01-31, to")
    )
    later = later.replace("to: 2027-02-01", "to: 2028-02-01")
    found = check_texts([("v3.yaml", SHIPPED["ae"]), ("v4.yaml", later)], "USD")
    assert [(f.file, f.line, f.code) for f in found if f.severity == "error"] == [("v4.yaml", 4, "E208")]
    assert "version 3 (v3.yaml) also holds on 2027-01-31" in str(found)
    apart = later.replace("2027-01-31", "2027-02-01")
    assert not [
        f for f in check_texts([("v3.yaml", SHIPPED["ae"]), ("v4.yaml", apart)], "USD") if f.code == "E208"
    ]


def test_one_version_in_two_files_is_refused():
    found = check_texts([("a.yaml", SHIPPED["sdr"]), ("b.yaml", SHIPPED["sdr"])], "USD")
    assert [(f.file, f.code, f.line) for f in found if f.code == "E208"] == [("b.yaml", "E208", 3)]


def test_two_plans_of_one_role_on_one_day_are_refused():
    other = SHIPPED["sdr"].replace("roles: [SDR]", "roles: [BDR, AE]")
    found = check_texts([("ae.yaml", SHIPPED["ae"]), ("sdr.yaml", other)], "USD")
    (fault,) = [f for f in found if f.severity == "error"]
    assert (fault.file, fault.code, fault.line) == ("sdr.yaml", "E212", 6)
    assert "role AE is also on ae-enterprise (ae.yaml) on 2026-02-01" in fault.message


def test_a_plan_in_another_currency_than_the_company_needs_rates():
    text = SHIPPED["am"].replace("fx: {to: EUR, rate_date: booking_month_average}\n", "")
    found = check_texts([("am.yaml", text)], "USD")
    assert [(f.code, f.line) for f in found if f.severity == "error"] == [("E209", 5)]
    assert not [f for f in check_texts([("am.yaml", text)], "EUR") if f.severity == "error"]


def component(name: str, waits_for: str) -> dict:
    return {
        "id": name, "type": "commission", "measure": "sales", "weight": "0", "basis": "amount",
        "rate_unit": "percent", "method": "marginal", "tiers": [{"from": "0", "rate": "1"}],
        "gate": {"component": waits_for},
    }  # fmt: skip


def test_gates_that_wait_for_each_other_are_a_circle(text_of_plan):
    text = text_of_plan({"components": [component("a", "b"), component("b", "c"), component("c", "a")]})
    (fault,) = check_texts([("p.yaml", text)])[:1]
    assert (fault.code, fault.message) == ("E210", "gates form a circle: a → b → c → a")
    alone = text_of_plan({"components": [component("a", "a")]})
    assert "E210" in {f.code for f in check_texts([("p.yaml", alone)])}


def test_a_quota_far_from_target_cash_is_warned_of(text_of_plan):
    def warned(quota: str) -> list[str]:
        sales = {"aggregate": "sum", "field": "amount", "event": "booked", "period": "quarter"}
        plan = {
            "pay": {"target_total_cash": "100000", "base_salary": "50000"},
            "measures": {"sales": sales | {"quota": {"source": "role", "value": quota}}},
            "components": [
                component("c", "c") | {"weight": "1", "basis": "attainment", "rate_unit": "multiple_of_base"}
            ],
        }
        del plan["components"][0]["gate"]
        return [f.message for f in check_texts([("p.yaml", text_of_plan(plan))]) if f.code == "W303"]

    # 100,000 × 4 = 400,000 a year: 4 quarters of 100,000 to 200,000 are inside, both ends too.
    assert warned("100000") == warned("200000") == []
    assert "3.999996 times target cash" in warned("99999.9")[0]
    assert len(warned("200000.1")) == 1


def test_more_than_three_measures_and_a_high_threshold_are_warned_of(text_of_plan):
    measures = {
        f"m{n}": {"aggregate": "sum", "field": "amount", "event": "booked", "period": "year"}
        for n in range(4)
    }
    parts = [component(f"c{n}", "x") | {"measure": f"m{n}"} for n in range(4)]
    for part in parts:
        del part["gate"]
    found = check_texts([("p.yaml", text_of_plan({"measures": measures, "components": parts}))])
    assert [f.message for f in found if f.code == "W305"] == ["4 measures pay: m0, m1, m2, m3"]


def test_a_weight_too_small_to_be_felt_is_warned_of():
    text = SHIPPED["am"].replace("weight: 0.6", "weight: 0.95").replace("weight: 0.4", "weight: 0.05")
    (fault,) = [f for f in check_texts([("am.yaml", text)], "EUR") if f.code == "W306"]
    assert (fault.line, fault.message) == (35, "a weight of 5 %, under 10 %")


def test_a_threshold_above_the_tenth_percentile_of_history_is_warned_of():
    # 20 reps: two at .5 and .55, the rest at 1. The tenth percentile (second of twenty) is .55, under .6.
    past = [Fraction(1, 2), Fraction(11, 20)] + [Fraction(1)] * 18
    history = {"sdr-outbound": {"qualified_meetings": past}}
    found = check_texts([("sdr.yaml", SHIPPED["sdr"])], "USD", history)
    (fault,) = [f for f in found if f.code == "W307"]
    assert (
        "pay starts at 0.6, above the 10th percentile of history (0.55); 2 of 20 stayed under it"
        in fault.message
    )
    calm = {"sdr-outbound": {"qualified_meetings": [Fraction(3, 5)] * 20}}
    assert not [f for f in check_texts([("sdr.yaml", SHIPPED["sdr"])], "USD", calm) if f.code == "W307"]


def test_what_stands_outside_the_sum_of_target_incentive_is_said():
    found = [str(f) for f in check_texts([("ae.yaml", SHIPPED["ae"]), ("sdr.yaml", SHIPPED["sdr"])], "USD")]
    assert any("N401 multi_year_kicker" in f and "weight 0" in f for f in found)
    assert any("N401 sourced_pipeline" in f and "which has no quota" in f for f in found)


def test_errors_are_raised_together_with_a_line_each():
    text = SHIPPED["ae"].replace("weight: 0.15", "weight: 0.1").replace("window_days: 365, ", "")
    with pytest.raises(PlanError, match=r"E204 components.*\n.*E211 clawback"):
        checked_plans([("ae.yaml", text)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "a",
        "- x",
        "&a [*a]",
        "a: &a {b: *a}",
        "\0",
        "{" * 2000,
        "a: <<",
        "<<: {a: 1}",
        "? [x]\n: 1",
        "a: !x 1",
    ],
)
def test_what_is_no_plan_at_all_is_a_fault_and_no_traceback(text):
    loaded = load_plan(text, "x.yaml")
    assert loaded.faults
    assert {f.code for f in loaded.faults} <= {"E001", "E004", "E005", "E006"}


def test_numbers_come_from_their_text_and_words_stay_words():
    text = SHIPPED["ae"].replace("roles: [AE]", "roles: [NO, on, 007]").replace("rate: 0.75", "rate: 0.750")
    plan = load_plan(text, "ae.yaml").plan
    assert plan.roles == ("NO", "on", "007")
    assert str(plan.components[0].tiers[0].rate) == "0.750"


def test_a_component_that_cannot_be_read_does_not_hide_a_hold_on_one_that_is_not_there():
    # `method: tiered` is no method; the hold names a component that the file has nowhere.
    text = SHIPPED["ae"].replace("method: marginal", "method: tiered", 1)
    found = check_texts([("ae.yaml", text.replace("component: acv_commission", "component: acv", 1))])
    assert {f.code for f in found} >= {"E006", "E205"}
    lower = check_texts([("ae.yaml", SHIPPED["ae"].replace("currency: USD", "currency: usd"))])
    assert "write three capitals, such as USD" in str(lower[0])


def test_a_shipped_plan_nobody_is_on_counts_for_no_company():
    # A company with one plan of its own must not be refused for the columns of the shipped ones.
    broken = ("own.yaml", "id: [")
    texts = [(f"{name}.yaml", text) for name, text in SHIPPED.items()] + [broken]
    kept, ids = plans_in_use(texts, {"am-renewal", "gone"})
    assert kept == [("am.yaml", SHIPPED["am"]), broken]  # what cannot be read is told, not passed over
    assert {"am-renewal", "ae-enterprise"} <= ids
