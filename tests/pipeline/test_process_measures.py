"""Work list, velocity, readiness, experiments, coverage by hand; findings fire, keep silent, say UNKNOWN."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib import pipeline as api
from salesops_lib.core.periods import monthly
from salesops_lib.pipeline import (
    conformance,
    conformance_findings,
    coverage,
    deal_findings,
    findings,
    handover,
    hygiene,
    outputs,
    rules,
)
from salesops_lib.pipeline.readiness import gated, readiness
from salesops_lib.pipeline.velocity import (
    decompose_velocity,
    value_rate,
    velocity,
    velocity_change,
    win_rates,
)

DAY = date(2025, 12, 12)
CALENDAR = monthly(1, range(2023, 2028))


def deals(*rows: dict) -> pd.DataFrame:
    base = {
        "owner_id": "R1",
        "name": "n",
        "stage": "Proposal",
        "segment": "SMB",
        "account_id": "A1",
        "amount_base": 1100.0,
        "close_date": pd.Timestamp("2026-02-10"),
        "created_date": pd.Timestamp("2025-11-01"),
        "next_step": "call",
        "is_closed": False,
        "is_won": False,
        "loss_reason": None,
    }
    made = pd.DataFrame([base | {"opportunity_id": f"O{i}"} | r for i, r in enumerate(rows)])
    return made.astype(
        {"close_date": "datetime64[ns]", "created_date": "datetime64[ns]", "amount_base": "float64"}
    )


def listed(*rows: dict, **changed) -> pd.DataFrame:
    given = {
        "age_limits": {"": 100.0, "SMB": 60.0},
        "stage_days": pd.Series(dtype="float64"),
        "stage_limits": {"Proposal": 45.0},
        "quarter_ends": {date(2025, 12, 31), date(2026, 3, 31)},
        "pushes": pd.Series(dtype="int64"),
        "contacts": pd.Series({"A1": 3}),
        "early_stages": {"New"},
        "link": "https://crm/{table}/{id}",
    }
    return hygiene.work_list(deals(*rows), DAY, **given | changed)


@pytest.mark.parametrize(
    ("row", "changed", "fault"),
    [
        ({"close_date": pd.Timestamp("2025-12-11")}, {}, "overdue"),
        ({"created_date": pd.Timestamp("2025-10-12")}, {}, "old"),  # 61 days, P80 of SMB is 60
        ({}, {"stage_days": pd.Series({"O0": 46.0})}, "stalled"),
        ({"next_step": None}, {}, "no next step"),
        ({"amount_base": np.nan}, {}, "no amount"),
        ({"amount_base": 100_000.0}, {}, "round amount"),
        ({"close_date": pd.Timestamp("2026-03-31")}, {}, "last day"),
        ({}, {"pushes": pd.Series({"O0": 2})}, "pushed"),
        ({"account_id": "A2"}, {}, "one contact"),
        ({"close_date": pd.NaT}, {}, "no close date"),
        ({"amount_base": 0.0}, {}, "no amount"),
        ({"owner_id": None}, {}, "no owner"),
    ],
)
def test_each_fault_is_found_alone_with_what_to_do_and_a_clean_deal_has_none(row, changed, fault):
    found = listed(row, {"next_step": "mail"}, **changed)
    assert found[["opportunity_id", "fault"]].to_numpy().tolist() == [["O0", fault]]
    assert found["do"].iloc[0] == hygiene.FAULTS[fault][1]
    assert found["link"].iloc[0] == "https://crm/opportunities/O0"


def test_a_column_the_data_lacks_raises_no_fault():
    bare = deals({"next_step": None}).drop(columns=["next_step", "account_id", "segment", "name"])
    found = hygiene.work_list(
        bare,
        DAY,
        age_limits={},
        stage_days=pd.Series(dtype="float64"),
        stage_limits={},
        quarter_ends=set(),
        pushes=pd.Series(dtype="int64"),
        contacts=None,
        early_stages={"Proposal"},
    )
    assert found.empty


def test_the_work_list_is_by_owner_and_money_never_a_ranking_of_owners():
    bare = [{"next_step": None, "amount_base": a} for a in (9.0, 1.0, 5.0)]
    found = listed(bare[0] | {"owner_id": "R2"}, *bare[1:], {})
    assert found["opportunity_id"].tolist() == ["O2", "O1", "O0"]


def test_a_column_that_no_deal_fills_raises_no_fault():
    assert listed({"next_step": None}, {"next_step": None}).empty


def test_shares_count_deals_without_an_amount_apart_from_the_money():
    rows = [
        {"next_step": None},
        {"next_step": None, "amount_base": np.nan, "stage": "New"},
        {"amount_base": 3300.0},
    ]
    found = hygiene.shares(deals(*rows), listed(*rows)).set_index("fault").loc["no next step"]
    assert found[["deals", "value_base", "value_share", "unpriced"]].tolist() == [2, 1100.0, 0.25, 1]


def test_pushes_count_moves_to_a_later_quarter_only():
    history = pd.DataFrame(
        {
            "opportunity_id": "O1",
            "changed_at": pd.date_range("2025-01-01", periods=4, tz="UTC"),
            "close_date": pd.to_datetime(["2025-01-31", "2025-02-28", "2025-04-15", "2025-03-15"]),
        }
    )
    assert hygiene.push_counts(history, CALENDAR).to_dict() == {"O1": 1}


def closed(won: bool, amount: float, created: str, day: str) -> dict:
    return {
        "is_closed": True,
        "is_won": won,
        "amount_base": amount,
        "created_date": pd.Timestamp(created),
        "close_date": pd.Timestamp(day),
        "loss_reason": None if won else "price",
    }


def test_velocity_is_the_product_of_its_factors_and_their_logs_add_up():
    frame = deals(
        closed(True, 100.0, "2025-01-01", "2025-01-21"),
        closed(False, 1.0, "2025-01-01", "2025-01-31"),
        closed(True, 300.0, "2025-01-05", "2025-02-24"),
    )
    one, two = (
        velocity(frame, date(2025, 1, 1), date(2025, 2, 1)),
        velocity(frame, date(2025, 1, 5), date(2025, 3, 1)),
    )
    assert one["velocity"] == pytest.approx(3 * 0.5 * 100 / 20)  # by hand
    parts = decompose_velocity(one, two)
    assert parts["log_change"].sum() == pytest.approx(np.log(two["velocity"] / one["velocity"]))
    assert decompose_velocity({}, two)["share"].isna().all()


def test_three_win_rates_stand_with_their_denominators():
    frame = deals(
        closed(True, 100.0, "2025-01-01", "2025-02-01"),
        closed(False, 300.0, "2024-01-01", "2025-02-02"),
        {"created_date": pd.Timestamp("2025-01-15")},
    )
    found = win_rates(frame, date(2025, 1, 1), date(2025, 3, 1)).set_index("name")
    assert found["rate"].to_dict() == {
        "by count": 0.5,
        "by value": 0.25,
        "by created cohort": pytest.approx(np.nan, nan_ok=True),  # nobody is followed by ten others
    }
    assert found.loc["by created cohort", ["won", "of", "open"]].tolist() == [1, 2, 1]


def test_a_young_cohorts_win_rate_keeps_open_deals_where_won_of_decided_is_half_of_it():
    # Planted: 30 % are lost after 10 days, the other 70 % are won after 60 days; a deal is created each day.
    born = pd.date_range("2025-01-01", periods=100, freq="D").repeat(10)
    lost = np.tile(np.arange(10) < 3, 100)
    end = born + pd.to_timedelta(np.where(lost, 10, 60), unit="D")
    known = end < pd.Timestamp("2025-04-11")
    frame = deals(*[{"created_date": day} for day in born]).assign(
        close_date=end, is_closed=known, is_won=known & ~lost
    )
    found = win_rates(frame, date(2025, 1, 1), date(2025, 4, 11)).set_index("name")["rate"]
    assert found["by created cohort"] == pytest.approx(0.7, abs=0.01)
    assert found["by count"] < 0.6


def test_a_rate_of_money_has_the_range_of_deals_not_of_dollars():
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(300):
        amount = pd.Series(rng.lognormal(10, 1.2, 150))
        _, low, high = value_rate(amount, pd.Series(rng.random(150) < 0.4))
        inside += low <= 0.4 <= high
    assert 0.85 <= inside / 300 <= 0.94


@pytest.fixture(scope="module")
def stages():
    return inputs.open_snapshot("", "2025-12-12").stages()


def test_readiness_counts_what_is_computed_and_what_is_declared(stages):
    log = api.event_log(
        pd.DataFrame(
            {"case_id": ["1", "1"], "activity": ["Qualification", "Demo"], "at": ["2025-01-01", "2025-01-02"]}
        )
    )
    lost = deals(*[closed(False, 1.0, "2025-01-01", "2025-02-01")] * 10)
    given = {"owner": "sales ops manager", "trained": date(2025, 3, 3)}
    told = {"bulk": pd.Series({"Qualification": 0.1}), "overdue_share": 0.05, "as_of": DAY}
    found = readiness(stages, given, log, lost, **told).set_index("item")
    assert found.loc[~found["holds"]].index.tolist() == ["names", "history"]
    assert found.loc["history", "why"] == "there is no history"  # of these deals
    assert found.loc["names", "why"] == "not defined: Demo"
    nothing = readiness(
        stages, {}, None, deals({}), bulk=pd.Series(dtype="float64"), overdue_share=np.nan, as_of=DAY
    ).set_index("item")
    held = nothing[nothing["holds"]].index.tolist()
    assert held == ["entry", "evidence", "age", "names"]


@pytest.mark.parametrize(("lift", "verdict"), [(0.25, "keep"), (-0.25, "stop"), (0.0, "go on")])
def test_an_experiment_is_judged_by_the_rule_set_before(lift, verdict):
    rng = np.random.default_rng(6)
    cases = pd.DataFrame({"pilot": rng.random(2400) < 0.5, "after": rng.random(2400) < 0.5})
    cases["won"] = rng.random(2400) < 0.4 + lift * (cases["pilot"] & cases["after"])
    found = api.judge_experiment(cases, outcome="won", pilot="pilot", after="after", keep_if=0.0)
    assert found.verdict == verdict
    few = api.judge_experiment(cases.head(60), outcome="won", pilot="pilot", after="after")
    assert few.verdict == "insufficient" and np.isnan(few.effect)


def test_a_planted_harm_of_skipping_is_found_and_one_by_chance_is_not():
    rng = np.random.default_rng(9)
    skipped = pd.Series(rng.random(4000) < 0.3)
    alike = pd.DataFrame({"segment": rng.choice(["a", "b"], 4000)})
    harmed = pd.Series(rng.random(4000) < np.where(skipped, 0.3, 0.5))
    found = api.deviation_effect(skipped, harmed, alike)
    assert found.high < 1 and found.low <= (0.3 / 0.7) <= found.high
    none = api.deviation_effect(skipped, pd.Series(rng.random(4000) < 0.4), alike)
    assert none.low < 1 < none.high


# Findings


@pytest.fixture(scope="module")
def setting():
    return findings.Setting(inputs.open_snapshot("", "2025-12-12").policy("pipeline"), DAY, "USD")


def severities(found) -> list[str]:
    return [f.severity.value for f in found]


def faults(**shares) -> pd.DataFrame:
    rows = [(f, 10, 0.1, 1000.0, shares.get(f.replace(" ", "_"), 0.0), 0, "") for f in hygiene.FAULTS]
    return pd.DataFrame(rows, columns=outputs.FAULTS.column_names)


def test_hygiene_fires_beyond_its_limit_keeps_silent_at_it_and_knows_nothing_without_value(setting):
    work = listed({"next_step": None})
    assert severities(deal_findings.hygiene(setting, faults(), work, 50)) == ["OK"] * 4
    fired = deal_findings.hygiene(
        setting, faults(overdue=0.04, old=0.21, no_next_step=0.06, last_day=0.31), work, 50
    )
    assert severities(fired) == ["ACT"] * 4
    assert (
        severities(deal_findings.hygiene(setting, faults().assign(value_share=np.nan), work, 50))
        == ["UNKNOWN"] * 4
    )


@pytest.mark.parametrize(("count", "said"), [(10, "OK"), (8, "OK"), (7, "ACT")])
def test_readiness_is_judged_by_eight_of_ten_and_gates_advice(setting, count, said):
    table = pd.DataFrame(
        {"item": range(10), "asks": "x.", "holds": [k < count for k in range(10)], "why": ""}
    )
    assert severities(findings.ready(setting, table)) == [said]
    assert gated(table) == (count < 8)


def cohorts(last: int, before: int = 50) -> pd.DataFrame:
    rows = [("A", f"2024Q{q}", 100, before) for q in (1, 2, 3, 4)] + [("A", "2025Q1", 100, last)]
    return pd.DataFrame(rows, columns=["activity", "cohort", "n", "moved_on"])


@pytest.mark.parametrize(("last", "said"), [(20, "ACT"), (60, "OK"), (45, "WATCH")])
def test_a_stage_is_judged_against_its_last_four_quarters(setting, last, said):
    assert severities(findings.stages(setting, cohorts(last), gate=False)) == [said]


def test_a_stage_with_few_entries_is_unknown_and_advice_waits_for_definitions(setting):
    few = cohorts(1).assign(n=3)
    assert severities(findings.stages(setting, few, gate=False)) == ["UNKNOWN"]
    both = pd.concat([few, few.assign(activity="B")])
    assert [f.scope for f in findings.stages(setting, both, gate=False)] == [{"stage": "all"}]
    assert severities(findings.stages(setting, cohorts(1).head(0), gate=False)) == ["UNKNOWN"]
    (gated,) = findings.stages(setting, cohorts(20), gate=True)
    assert gated.recommendation.startswith("Mend the definitions first")


def test_bottleneck_variety_velocity_and_coverage_fire_keep_silent_and_say_unknown(setting):
    def narrow(share):
        rest = (1 - share) / 3
        return pd.DataFrame(
            {
                "activity": list("ABCD"), "visits": 1.0, "median_days": 9.0,
                "share": [share, rest, rest, rest], "in_progress": 3, "change": 0.1,
            }
        )  # fmt: skip

    for share, said in ((0.5, "ACT"), (0.2, "OK"), (np.nan, "UNKNOWN")):
        assert severities(findings.bottleneck(setting, narrow(share), 200, gate=False)) == [said]
    ways = pd.DataFrame({"variant": list("abcdefghij"), "cases": [10] * 10, "share": [0.1] * 10})
    assert severities(findings.variety(setting, ways, gate=False)) == ["ACT"]
    assert severities(findings.variety(setting, ways.assign(share=0.2), gate=False)) == ["OK"]
    assert severities(findings.variety(setting, ways.head(0), gate=False)) == ["UNKNOWN"]
    side = {
        "velocity": 100.0,
        "decided": 60.0,
        "deals": 10.0,
        "win_rate": 0.4,
        "amount_base": 9.0,
        "cycle_days": 30.0,
    }
    slow = side | {"velocity": 80.0, "deals": 8.0}
    parts = decompose_velocity(side, slow)
    assert severities(findings.velocity(setting, side, slow, parts, gate=False)) == ["ACT"]
    assert severities(findings.velocity(setting, slow, side, parts, gate=False)) == ["OK"]
    assert severities(findings.velocity(setting, side | {"velocity": np.nan}, slow, parts, gate=False)) == [
        "UNKNOWN"
    ]


def covered(coverage_: float, past: pd.DataFrame | None = None) -> tuple[pd.DataFrame, ...]:
    """100 left to the target; 40 % of the value of 60 decided deals won; 25 % of what was due in the past."""
    rates = pd.DataFrame(
        {
            "name": ["by count", "by value"], "rate": [0.5, 0.4], "low": [0.4, 0.35], "high": [0.6, 0.45],
            "won": [30.0, 400.0], "of": [60.0, 1000.0], "why": "",
        }
    )  # fmt: skip
    nodes = pd.DataFrame(
        {
            "level": ["team", "company"], "node_id": ["T", "Co"], "target": [100.0, 300.0],
            "closed_base": [50.0, 200.0], "left_base": [50.0, 100.0], "open_base": [60.0, 100 * coverage_],
            "coverage": [1.2, coverage_], "n_open": [3.0, 9.0],
        }
    )  # fmt: skip
    own = coverage.rate_rows(rates, pd.DataFrame() if past is None else past)
    return coverage.coverage_rows(nodes, own, "FY25-Q4"), own, rates


DUE = pd.DataFrame({"n": [40, 40, 40], "due_base": [600.0, 400.0, 1000.0], "won_base": [150.0, 100.0, 250.0]})


def test_two_own_win_rates_need_two_coverages_and_both_stand_with_their_denominators():
    rows, own, _ = covered(3.0, DUE)
    assert own.set_index("name")["needed"].to_dict() == {"of decided": 2.5, "of due": 4.0}
    assert own.set_index("name")["of_base"].to_dict() == {"of decided": 1000.0, "of due": 2000.0}
    assert rows["level"].tolist() == ["company", "team"]
    assert rows["short_base"].tolist() == [100.0, 140.0]  # 100 x 4 - 300, 50 x 4 - 60
    assert covered(3.0)[0]["short_base"].tolist() == [0.0, 65.0]  # without a past: 50 x 2.5 - 60


def test_the_range_of_what_is_due_is_that_of_periods_and_is_missing_for_two():
    rng = np.random.default_rng(11)
    inside = 0
    for _ in range(400):
        rate = np.clip(rng.normal(0.3, 0.06, 8), 0.01, 0.9)  # periods differ, whatever the number of deals
        due = rng.uniform(80, 120, 8)
        _, low, high = coverage._by_period(pd.DataFrame({"due_base": due, "won_base": rate * due}), 0.9)
        inside += low <= 0.3 <= high
    assert 0.86 <= inside / 400 <= 0.94
    own = coverage.rate_rows(covered(1.0)[2], DUE.head(2)).set_index("name")
    assert own.loc["of due", "rate"] == 0.25 and np.isnan(own.loc["of due", "low"])


@pytest.mark.parametrize(
    ("share", "past", "code", "said"),
    [
        (3.0, DUE, "F-PIPE-COVERDUE", "ACT"),  # enough if all were decided, not as it is pushed
        (4.1, DUE, "F-PIPE-COVERDUE", "OK"),
        (3.0, None, "F-PIPE-COVERAGE", "OK"),
        (2.6, None, "F-PIPE-COVERAGE", "WATCH"),
        (2.0, None, "F-PIPE-COVERAGE", "ACT"),
    ],
)
def test_coverage_is_judged_by_what_is_due_and_where_that_is_unknown_by_what_was_decided(
    setting, share, past, code, said
):
    (found,) = deal_findings.coverage(setting, coverage.company(*covered(share, past)[:2]))
    assert (found.code, found.severity.value) == (code, said)


def test_coverage_is_unknown_without_a_target_and_done_once_it_is_booked(setting):
    (none,) = deal_findings.coverage(setting, None)
    assert (none.code, none.severity.value) == ("F-PIPE-COVERAGE", "UNKNOWN")
    rows, own, _ = covered(2.0, DUE)
    booked = coverage.company(rows.assign(left_base=-1.0, coverage=np.nan, short_base=0.0), own)
    (done,) = deal_findings.coverage(setting, booked)
    assert done.statement == "The target of this period is booked." and done.value is None


def test_velocity_that_fell_is_laid_to_what_took_most_away_not_to_what_moved_most(setting):
    side = {"deals": 100.0, "win_rate": 0.4, "amount_base": 10.0, "cycle_days": 40.0, "decided": 90.0}
    after = side | {"deals": 60.0, "amount_base": 16.0, "cycle_days": 55.0}
    for one in (side, after):
        one["velocity"] = one["deals"] * one["win_rate"] * one["amount_base"] / one["cycle_days"]
        one["log_variance"] = 0.001
    (found,) = findings.velocity(setting, side, after, decompose_velocity(side, after), gate=False)
    assert found.recommendation == "Work on the deals created: it took most away."
    value, low, high = velocity_change(side, after)
    assert low < value < high and value == pytest.approx(0.6 * 1.6 * 40 / 55 - 1)


def deviating(**changed) -> pd.DataFrame:
    row = {
        "kind": "order", "deals": 30, "of": 100, "share": 0.3, "low": 0.25, "high": 0.35,
        "odds": 0.5, "odds_low": 0.4, "odds_high": 0.7, "why": "",
    }  # fmt: skip
    rows = [row | {"deviation": d} | changed for d in (conformance.BACK, conformance.SKIPS)]
    rows += [row | {"kind": "age", "deviation": "stays over 45 days in A"} | changed]
    rows += [row | {"kind": "evidence", "deviation": "left A without amount"} | changed]
    return pd.DataFrame(rows)


def test_deviations_are_judged_and_their_cost_decides_the_step(setting):
    fired = conformance_findings.deviations(setting, deviating(), "Demo", gate=False)
    assert severities(fired) == ["ACT", "ACT", "WATCH", "ACT"]  # 30 of 100 against 10, 15, 25 and 10 %
    assert {f.code for f in fired} == {f"F-PIPE-{c}" for c in ("BACK", "SKIP", "OVERSTAY", "EVIDENCE")}
    assert all(f.recommendation.startswith("Enforce") for f in fired[:2])
    calm = deviating(deals=2, share=0.02, low=0.01, high=0.04)
    assert severities(conformance_findings.deviations(setting, calm, "Demo", gate=False)) == ["OK"] * 4
    nothing = pd.DataFrame(columns=outputs.DEVIATIONS.column_names)
    assert severities(conformance_findings.deviations(setting, nothing, "", gate=False)) == ["UNKNOWN"] * 4
    assert {r.code for r in rules.RULES} >= {f.code for f in fired}


@pytest.mark.parametrize(
    ("odds", "step"),
    [
        ((1.3, 1.1, 1.6), "Merge Demo with the next: skipping it costs no wins."),
        (
            (0.9, 0.7, 1.2),
            "Leave it and look again next quarter: it is not shown to cost wins, nor to cost none.",
        ),
        ((np.nan,) * 3, "Read ten such deals before changing anything: whether it costs wins is not known."),
    ],
)
def test_a_stage_is_merged_only_where_skipping_it_is_shown_to_cost_no_wins(setting, odds, step):
    table = deviating(**dict(zip(("odds", "odds_low", "odds_high"), odds, strict=True)))
    assert conformance_findings.deviations(setting, table, "Demo", gate=False)[1].recommendation == step
    gated = conformance_findings.deviations(setting, table, "Demo", gate=True)[1].recommendation
    assert gated.startswith("Mend the definitions first")


def test_without_history_hygiene_and_win_rates_still_stand(stages):
    frame = deals({"next_step": None}, {}, closed(True, 100.0, "2025-10-01", "2025-11-01"))
    process = handover.prepared(frame, None, stages, {}, CALENDAR, DAY)
    assert process.log is None
    assert handover.transition_rows(process).empty and handover.dwell_rows(process).empty
    assert len(handover.hygiene_rows(process, None, None, "")) == 1
    assert handover.win_rate_rows(process).set_index("name").loc["by count", "rate"] == 1.0
