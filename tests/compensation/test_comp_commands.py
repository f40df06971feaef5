"""`salesops comp`: what it prints, its exit codes, and that every mistake names file, line or row."""

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from salesops_lib import cli

ROOT = Path(__file__).parents[2]
PLANS = ROOT / "data" / "plans"
AE, SDR = PLANS / "ae.yaml", PLANS / "sdr.yaml"
SIMPLE = """\
schema: salesops.plan/1
id: simple
version: 1
effective: {from: 2026-01-01, to: 2027-01-01}
currency: USD
roles: [Seller]
rounding: {unit: "0.01", mode: half_even}
measures: {sales: {aggregate: sum, field: amount, event: booked, period: year}}
credits: [{rule: owner}, {rule: split, field: split_pct, must_sum_to: 1}]
components:
  - {id: c, type: commission, measure: sales, weight: 0, basis: amount, rate_unit: percent,
     method: marginal, tiers: [{from: 0, rate: 10}]}
"""


@pytest.fixture
def comp(capfd, tmp_path, monkeypatch):
    """Run `salesops comp`; files named by text are written first. Answers (code, out, err)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "simple.yaml").write_text(SIMPLE)

    def run(*arguments: str, **files: str) -> tuple[int, str, str]:
        for name, text in files.items():
            (tmp_path / f"{name}.csv").write_text(text)
        code = cli.run_command(["comp", *map(str, arguments)])
        return code, *capfd.readouterr()

    return run


EVENTS = """\
event_id,deal_id,rep_id,event,date,acv,deal_type,term_months
E1,D1,R1,booked,2026-03-10,480000,new,12
E2,D2,R1,booked,2026-04-10,720000,new,24
"""


def test_the_shipped_plans_pass_with_their_warnings(comp):
    code, out, err = comp("check", PLANS)
    assert (code, err) == (0, "")
    assert "ae.yaml:45 N401 multi_year_kicker: outside the sum of target incentive: weight 0" in out
    assert "sdr.yaml:21 W301 meetings: at 0.6 pay jumps by 595 USD (40 % of target incentive)" in out
    assert out.endswith("4 plans, 0 errors, 4 warnings\n")


def test_every_fault_of_every_file_is_told_and_the_exit_code_is_2(comp, tmp_path):
    folder = tmp_path / "plans"
    shutil.copytree(PLANS, folder)
    ae = AE.read_text().replace("weight: 0.15", "weight: 0.1").replace("rate: 3}", "rate: -3}")
    (folder / "ae.yaml").write_text(ae)
    (folder / "sdr.yaml").write_text(SDR.read_text().replace("value: 15,", "value: 0,"))
    code, out, err = comp("check", "plans")
    assert code == 2
    assert [line.split()[:2] for line in err.splitlines()] == [
        ["plans/ae.yaml:28", "E204"], ["plans/ae.yaml:40", "E105"], ["plans/sdr.yaml:11", "E030"],
    ]  # fmt: skip
    assert out.endswith("4 plans, 3 errors, 3 warnings\n")


def test_the_currency_of_the_company_decides_whether_rates_are_needed(comp, tmp_path):
    text = (PLANS / "am.yaml").read_text().replace("fx: {to: EUR, rate_date: booking_month_average}\n", "")
    company = tmp_path / "acme"
    assert cli.run_command(["init", str(company)]) == 0
    (company / "plans" / "am.yaml").write_text(text)
    assert (
        "am.yaml:5 E209 currency: the plan pays EUR, the company's amounts are in USD"
        in comp("check", company / "plans")[2]
    )
    settings = company / "company.yaml"
    settings.write_text(settings.read_text().replace("reporting_currency: USD", "reporting_currency: EUR"))
    assert comp("check", company / "plans")[0] == 0
    assert comp("check", company / "plans", "--data", ROOT / "data" / "sample")[0] == 2


def test_a_threshold_is_judged_by_a_file_of_history(comp):
    rows = "".join(f"sdr-outbound,qualified_meetings,{0.5 if n < 3 else 1}\n" for n in range(20))
    code, out, _ = comp(
        "check", SDR, "--history", "history.csv", history=f"plan_id,measure,attainment\n{rows}"
    )
    assert code == 0
    assert "W307 meetings: pay starts at 0.6, above the 10th percentile of history (0.5); 3 of 20" in out


def test_the_schema_is_json_with_every_required_key(comp):
    code, out, _ = comp("schema")
    schema = json.loads(out)
    assert code == 0
    assert {"schema", "id", "version", "effective", "currency", "roles", "rounding", "measures"} <= set(
        schema["required"]
    )


def test_a_plan_is_paid_on_a_file_of_events_with_no_other_set_up(comp):
    code, out, err = comp("pay", AE, "--events", "events.csv", "--quota", "new_acv=1200000", events=EVENTS)
    assert (code, err) == (0, "")
    said = [" ".join(line.split()) for line in out.splitlines()]
    assert "2026-03-10 commission acv_commission D1 [owner] 30,600.00 480,000 × 8.5 % × 0.75" in said
    assert "acv_commission 102,000.00" in said
    assert "multi_year_kicker 7,200.00" in said
    assert "note: no column product: no event passes the filter of launch_q2" in said


def test_json_is_one_object_whose_lines_add_up(comp):
    code, out, _ = comp(
        "pay", AE, "--events", "events.csv", "--quota", "new_acv=1200000", "--json", events=EVENTS
    )
    told = json.loads(out)
    assert (code, told["plan"], told["versions"], told["currency"]) == (0, "ae-enterprise", [3], "USD")
    assert told["totals"]["earned"] == {"acv_commission": "102000.00", "multi_year_kicker": "7200.00"}
    paid = sum(Decimal(line["amount"]) for line in told["lines"])
    assert paid == Decimal(told["totals"]["paid_total"]) == sum(Decimal(p["paid"]) for p in told["payments"])
    (measure,) = [m for m in told["measures"] if m["measure"] == "new_acv"]
    assert (measure["value"], measure["quota"], measure["attainment"]) == ("1,200,000", "1,200,000", "1")


def test_versions_of_a_plan_are_paid_together_and_two_plans_are_not(comp, tmp_path):
    later = (
        AE.read_text()
        .replace("version: 3", "version: 4")
        .replace("from: 2026-02-01, to: 2027-02-01}  ", "from: 2026-04-01, to: 2027-02-01}  ")
    )
    (tmp_path / "v3.yaml").write_text(
        AE.read_text().replace("to: 2027-02-01}      #", "to: 2026-04-01}      #")
    )
    (tmp_path / "v4.yaml").write_text(later)
    quota = ("--quota", "new_acv=1200000")
    code, out, err = comp(
        "pay", "v3.yaml", "v4.yaml", "--events", "events.csv", *quota, "--json", events=EVENTS
    )
    assert (code, err) == (0, "")
    versions = {line["deal_id"]: line["plan_version"] for line in json.loads(out)["lines"] if line["deal_id"]}
    assert versions == {"D1": 3, "D2": 4}
    code, _, err = comp("pay", AE, SDR, "--events", "events.csv", *quota)
    assert (code, "these are 2 plans (ae-enterprise, sdr-outbound)" in err) == (2, True)


def test_pay_as_known_on_a_day_leaves_later_events_and_open_windows_out(comp):
    more = (
        EVENTS.replace(",term_months", ",term_months,mbo_score")
        .replace(",12\n", ",12,\n")
        .replace(",24\n", ",24,\n")
    )
    more += "E3,,R1,scored,2026-03-31,,,,1\n"
    quota = ("--quota", "new_acv=1200000", "--json")
    early = json.loads(
        comp("pay", AE, "--events", "events.csv", *quota, "--through", "2026-04-09", events=more)[1]
    )
    whole = json.loads(
        comp("pay", AE, "--events", "events.csv", *quota, "--through", "2026-04-30", events=more)[1]
    )
    assert early["totals"]["earned"] == {"acv_commission": "30600.00"}
    assert whole["totals"]["earned"]["quarterly_mbo"] == "4500.00"


HEAD = "event_id,deal_id,rep_id,event,date,amount\n"
GOOD = HEAD + "E1,D1,R1,booked,2026-03-01,100\n"
ROWS = ROOT / "tests" / "cases" / "compensation" / "invalid" / "rows.yaml"
MISTAKES = yaml.safe_load(ROWS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", MISTAKES, ids=[m["says"][:50] for m in MISTAKES])
def test_a_mistake_in_events_or_holders_names_its_row_and_pays_nobody(comp, case):
    files = {"events": case.get("events", GOOD)} | ({"holders": case["holders"]} if "holders" in case else {})
    more = ("--holders", "holders.csv") if "holders" in case else ()
    code, out, err = comp("pay", "simple.yaml", "--events", "events.csv", *more, **files)
    assert (code, out) == (2, "")
    assert case["says"] in err
    assert "Traceback" not in err


def test_every_faulty_row_is_told_in_one_run_and_many_are_counted(comp):
    rows = "".join(f"E{n},D{n},R1,booked,2026-03-01,x{n}\n" for n in range(30))
    code, _, err = comp("pay", "simple.yaml", "--events", "events.csv", events=HEAD + rows)
    assert code == 2
    assert len(err.splitlines()) == 21
    assert err.endswith("events.csv: 10 more faults\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pay", "none.yaml", "--events", "events.csv"), "there is no plan none.yaml"),
        (("pay", "simple.yaml", "--events", "none.csv"), "there is no file none.csv"),
        (("pay", "simple.yaml"), "--events"),
        (("pay", "simple.yaml", "--events", "events.csv", "--through", "May"), "--through May is no day"),
        (("pay", AE, "--events", "events.csv", "--quota", "acv=1"), "no measure 'acv' with a quota"),
        (("pay", AE, "--events", "events.csv", "--quota", "new_acv=0"), "write a figure above 0"),
        (("pay", AE, "--events", "deals.csv"), "E203 R1: no quota of new_acv (it is individual)"),
        (("check", "empty"), "there is no plan empty"),
    ],
)
def test_a_mistake_in_what_was_typed_is_told(comp, arguments, said):
    code, out, err = comp(*arguments, events=GOOD, deals=EVENTS)
    assert (code, out) == (2, "")
    assert said in err


def test_a_rate_that_is_missing_names_the_event(comp, tmp_path):
    (tmp_path / "fx.yaml").write_text(
        SIMPLE.replace("roles:", "fx: {to: USD, rate_date: event_date}\nroles:")
    )
    events = (
        HEAD.strip() + ",currency\nE1,D1,R1,booked,2026-03-20,100,EUR\nE2,D2,R1,booked,2026-03-20,100,JPY\n"
    )
    rates = "currency,date,base_per_unit\nEUR,2026-03-12,1.1\n"
    files = {"events": events, "rates": rates}
    code, _, err = comp("pay", "fx.yaml", "--events", "events.csv", "--fx", "rates.csv", **files)
    assert code == 2
    assert "events.csv:2 E209 D1: no rate of EUR on 2026-03-20 or the 7 days before" in err
    assert "events.csv:3 E209 D2: no rate of JPY" in err
    assert (
        "E209 D1: an amount in EUR and no rates; give them with --fx"
        in comp("pay", "fx.yaml", "--events", "events.csv")[2]
    )


def test_a_plan_with_an_error_is_not_paid(comp, tmp_path):
    (tmp_path / "bad.yaml").write_text(SIMPLE.replace("rate: 10", "rate: -10"))
    code, out, err = comp("pay", "bad.yaml", "--events", "events.csv", events=GOOD)
    assert (code, out) == (2, "")
    assert err.startswith("bad.yaml:12 E105 c: the rate -10 is negative")
