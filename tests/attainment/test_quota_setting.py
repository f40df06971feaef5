"""Quotas in made worlds whose truth is known: what adds up, what is fair, what cannot be said."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import yaml

from salesops_lib.attainment.crediting.ramp import Ramp, ramped_share
from salesops_lib.attainment.crediting.table import attainment
from salesops_lib.attainment.rules import Setting
from salesops_lib.attainment.setting import capacity, charts, findings, handover, letters, outputs, simulation
from salesops_lib.attainment.setting.backtest import (
    ACTUAL,
    PROPOSED,
    SAME_TOTAL,
    backtest,
    day_before,
    ranges,
)
from salesops_lib.attainment.setting.basis import Facts, basis
from salesops_lib.attainment.setting.headline import chance_text, quota_screen
from salesops_lib.attainment.setting.limits import quota_limits
from salesops_lib.attainment.setting.plan import PlanRules, plan_rules, set_quotas
from salesops_lib.attainment.setting.productivity import Productivity
from salesops_lib.attainment.setting.proposal import propose
from salesops_lib.attainment.setting.rules import QUOTA_RULES
from salesops_lib.attainment.setting.target import Plan, bounds, plan
from salesops_lib.core import periods
from salesops_lib.core.contracts import checked
from salesops_lib.core.errors import ParameterError, PeriodError
from salesops_lib.core.findings import Severity
from salesops_lib.core.policy import Policy

RAMP = Ramp(2, 6)
HISTORY = {"potential": 0.0, "history": 1.0, "pipeline": 0.0}
POTENTIAL = {"potential": 1.0, "history": 0.0, "pipeline": 0.0}
CALENDAR = periods.monthly(1, range(2018, 2030))


def rules(**asked) -> PlanRules:
    fixed = {"cap": 1.5, "refill_months": 3, "shock_prior": 0.08, "trend_prior": 0.15, "weights": HISTORY}
    return PlanRules(RAMP, **{**fixed, "draws": 400, **asked})


def world(make_records, *, reps=8, quarters=8, booked=None, hired=None, teams=2, deals=(), quota=100_000):
    """Reps R0… in teams in turn, who book ``booked[rep, quarter]`` in mid quarter from FY22-Q1 on."""
    booked = np.full((reps, quarters), 100_000.0) if booked is None else booked
    names = [str(p) for p in CALENDAR.periods("quarter", date(2022, 1, 1))[:quarters]]
    days = [CALENDAR.bounds(n)[0].replace(day=15).isoformat() for n in names]
    won = [
        {
            "opportunity_id": f"O{r}-{q}",
            "owner_id": f"R{r}",
            "close_date": days[q],
            "amount_base": booked[r, q],
        }
        for r in range(reps)
        for q in range(quarters)
        if booked[r, q] > 0
    ]
    quotas = [
        {"holder_id": f"R{r}", "level": "rep", "period": n, "quota_base": quota, "recorded_at": "2021-12-01"}
        for r in range(reps)
        for n in names
    ]
    spells = [
        {"rep_id": f"R{r}", "start_date": (hired or {}).get(r, "2015-01-01"), "name": f"Rep {r}",
         "role": "AE",
         "team": f"T{r % teams}", "region": "EMEA"}
        for r in range(reps)
    ]  # fmt: skip
    return make_records(opportunities=[*won, *deals], quotas=quotas, reps=spells), names


def known(records, names, *, potential=None, as_of=None, base_rules=RAMP):
    accounts = territories = None
    if potential is not None:
        ids = [f"A{r}" for r in range(len(potential))]
        accounts = pd.DataFrame({"account_id": ids, "segment": None, "potential_base": potential})
        territories = pd.DataFrame(
            {
                "account_id": ids,
                "rep_id": [f"R{r}" for r in range(len(potential))],
                "start_date": pd.Timestamp("2015-01-01"),
                "end_date": pd.NaT,
            }
        )
    day = as_of or CALENDAR.bounds(names[-1])[1] - pd.Timedelta(days=1).to_pytimedelta()
    return basis(Facts(records, accounts, territories), CALENDAR, day, base_rules)


@pytest.fixture(scope="module")
def even(make_records):
    return known(*world(make_records))


def test_equal_records_give_equal_quotas_of_the_grown_target_by_hand(even):
    # By hand: 8 reps × 4 × 100,000 = 3.2m; +10 % = 3.52m; × 1.05 ÷ 8 = 462,000.00 each.
    quotas = set_quotas(even, rules(growth=0.1, over_assignment=1.05))
    assert quotas.plan.target == Decimal("3520000.00")
    assert list(quotas.proposed.reps["quota_base"]) == [Decimal("462000.00")] * 8


def test_equal_potential_gives_equal_quotas_whatever_the_record(make_records):
    booked = np.random.default_rng(1).gamma(2, 50_000, (8, 8))
    records, names = world(make_records, booked=booked)
    quotas = set_quotas(
        known(records, names, potential=[500_000.0] * 8), rules(weights=POTENTIAL, target=8e6)
    )
    assert list(quotas.proposed.reps["quota_base"]) == [Decimal("1000000.00")] * 8


def test_quotas_follow_potential_where_it_alone_is_weighed(make_records):
    # By hand: potentials 3:3:3:3:2:2:2:2 of 2m give 300,000 and 200,000; no one above 1.5 × the median.
    records, names = world(make_records)
    held = [300_000.0] * 4 + [200_000.0] * 4
    quotas = set_quotas(known(records, names, potential=held), rules(weights=POTENTIAL, target=2e6))
    assert list(quotas.proposed.reps["quota_base"]) == [Decimal("300000.00")] * 4 + [Decimal("200000.00")] * 4


def test_doubling_the_target_doubles_every_quota(make_records):
    booked = np.random.default_rng(2).gamma(2, 50_000, (8, 8))
    facts = known(*world(make_records, booked=booked))
    one, two = (
        set_quotas(facts, rules(target=t)).proposed.reps["quota_base"].astype(float) for t in (4e6, 8e6)
    )
    np.testing.assert_allclose(two, 2 * one, atol=0.02)


@pytest.mark.parametrize("target", [1_000_000.01, 3_333_333.33, 7.77])
def test_rep_quotas_add_up_to_team_region_company_and_quarters_to_the_cent(make_records, target):
    booked = np.random.default_rng(3).gamma(2, 50_000, (7, 8))
    facts = known(*world(make_records, reps=7, booked=booked, teams=3))
    proposed = set_quotas(facts, rules(target=target, over_assignment=1.07)).proposed
    levels = proposed.levels.set_index("holder_id")
    assert sum(proposed.reps["quota_base"]) == levels["quotas_base"]["company"]
    by_team = proposed.reps.groupby("team")["quota_base"].sum()
    assert by_team.to_dict() == levels.loc[levels["level"] == "team", "quotas_base"].to_dict()
    by_rep = proposed.quarters.groupby("rep_id")["quota_base"].sum()
    assert by_rep.to_dict() == proposed.reps.set_index("rep_id")["quota_base"].to_dict()
    assert levels["target_base"]["company"] == Decimal(str(target))
    assert levels.loc[levels["level"] == "team", "target_base"].sum() == Decimal(str(target))


def test_a_quota_is_cut_to_the_cap_and_the_sum_stays(make_records):
    # By hand: 6 reps weigh 1, one weighs 4; cap 1.5 × the median 1 leaves 1.5 of 7.5.
    records, names = world(make_records, reps=7, teams=1)
    facts = known(records, names, potential=[100_000.0] * 6 + [400_000.0])
    quotas = set_quotas(facts, rules(weights=POTENTIAL, target=750_000))
    reps = quotas.proposed.reps
    assert list(reps["quota_base"].astype(float)) == pytest.approx([100_000] * 6 + [150_000], abs=0.02)
    assert list(reps["capped"]) == [False] * 6 + [True]
    assert reps["over_median"].max() == pytest.approx(1.5)
    assert "cut by" in reps["reason"].iloc[6]


def test_the_ramp_curve_is_0_0_25_50_75_100_by_month():
    np.testing.assert_allclose(RAMP.share(np.arange(1, 8)), [0, 0, 0.25, 0.5, 0.75, 1, 1])
    assert RAMP.lost_months == pytest.approx(3.5)


def test_a_hire_on_the_first_day_of_a_quarter_counts_by_the_curve():
    # By hand: months of 0, 0, 25 % make a twelfth of the quarter; then 50, 75, 100 % make three quarters.
    days = pd.Series([(date(2024, 1, 1), date(2024, 4, 1)), (date(2024, 4, 1), date(2024, 7, 1))])
    share = ramped_share(pd.Series(pd.to_datetime(["2024-01-01"] * 2)), days, RAMP)
    assert list(share) == pytest.approx([1 / 12, 3 / 4], abs=0.02)


def test_a_ramping_rep_gets_less_quota_and_reads_back_to_the_cent(make_records):
    records, names = world(make_records, hired={7: "2023-12-01"})
    quotas = set_quotas(known(records, names), rules(growth=0.1))
    reps = quotas.proposed.reps.set_index("rep_id")
    assert 0.5 < reps["effective_share"]["R7"] < 0.95
    assert reps["quota_base"]["R7"] < reps["quota_base"]["R0"]
    assert "ramping" in reps["reason"].loc["R7"].lower()
    load = handover.load_rows(quotas, company="Co", currency="USD", measure="bookings")
    as_input = records.quotas.iloc[:0].copy()
    as_input = pd.concat([as_input, load.assign(quota_base=load["quota_base"].astype(float))])
    read = attainment(
        type(records)(records.opportunities, as_input, records.reps), CALENDAR, date(2024, 12, 31)
    )
    rows = read.table[(read.table["level"] == "rep") & read.table["quota_base"].notna()]
    back = rows.groupby("holder_id")["quota_base"].sum()
    assert back.to_dict() == reps["quota_base"].to_dict()


def test_load_rows_stand_in_the_columns_of_the_input_table(even):
    quotas = set_quotas(even, rules(target=1e6))
    load = checked(
        handover.load_rows(quotas, company="Co", currency="USD", measure="bookings"),
        outputs.QUOTA_LOAD,
    )
    assert list(load.columns) == [
        "holder_id", "level", "period", "measure", "recorded_at", "parent_id", "quota_base",
        "currency", "ramp_share",
    ]  # fmt: skip
    sums = load.groupby("level")["quota_base"].sum()
    assert sums["company"] == sums["region"] == sums["team"] == Decimal(1_000_000)


def test_season_is_found_where_it_was_planted(make_records):
    # Planted: the fourth quarter is twice the others, so 40 % of a year.
    booked = np.tile([100_000.0, 100_000, 100_000, 200_000], (8, 3))
    quotas = set_quotas(known(*world(make_records, quarters=12, booked=booked)), rules())
    assert quotas.plan.quarters["season_share"].iloc[3] == pytest.approx(0.4, abs=0.02)
    assert sum(quotas.plan.quarters["target_base"]) == quotas.plan.target


def test_a_planted_trend_is_found_and_a_short_history_believes_it_less(make_records):
    # Planted: 20 % a year.
    growing = 100_000 * 1.2 ** (np.arange(16) / 4)
    long = set_quotas(known(*world(make_records, quarters=16, booked=np.tile(growing, (8, 1)))), rules())
    short = set_quotas(known(*world(make_records, quarters=5, booked=np.tile(growing[:5], (8, 1)))), rules())
    assert long.made.trend == pytest.approx(np.log(1.2), abs=0.04)
    assert short.made.trend < long.made.trend
    assert short.made.trend_sd > long.made.trend_sd


def test_spread_and_noise_are_found_where_they_were_planted(make_records):
    # Planted: reps differ by 30 %, a rep's quarter by 50 %; 60 reps, 12 quarters.
    random = np.random.default_rng(5)
    own = random.gamma(1 / 0.09, 0.09, 60)
    booked = 100_000 * own[:, None] * random.gamma(4, 0.25, (60, 12))
    made = set_quotas(known(*world(make_records, reps=60, quarters=12, booked=booked)), rules()).made
    assert made.between_sd == pytest.approx(0.3, abs=0.08)
    assert made.noise_sd == pytest.approx(0.5, abs=0.05)
    # Shrinkage: the estimate is nearer to the truth than the rep's own mean is.
    raw = booked.mean(axis=1) / booked.mean()
    shrunk = made.reps.loc[[f"R{i}" for i in range(60)], "factor"].to_numpy()
    assert np.abs(shrunk - own).mean() < np.abs(raw - own).mean()


def resold(first, sold):
    """The basis of a world that differs in its bookings only, without reading it anew."""
    rep = {f"R{r}": r for r in range(len(sold))}
    quarter = {name: q for q, name in enumerate(first.whole)}

    def amounts(rows):
        return sold[rows["rep_id"].map(rep).to_numpy(), rows["period"].map(quarter).to_numpy()].round(2)

    lines, panel = first.result.lines, first.panel
    lines = lines.assign(cents=(100 * amounts(lines)).round().astype("int64"))
    result = replace(first.result, lines=lines)
    return replace(first, result=result, panel=panel.assign(booked=amounts(panel)))


def test_a_resold_basis_plans_as_one_read_anew(make_records):
    sold = 100_000 * np.random.default_rng(2).gamma(4, 0.25, (2, 24, 8))
    first, second = (known(*world(make_records, reps=24, booked=each)) for each in sold)
    plans = [set_quotas(made, rules(growth=0.0)) for made in (resold(first, sold[1]), second)]
    pd.testing.assert_frame_equal(
        *(p.proposed.reps[["rep_id", "quota_base", "expected_base"]] for p in plans), check_dtype=False
    )
    pd.testing.assert_frame_equal(plans[0].made.reps, plans[1].made.reps)


def test_simulated_share_and_bookings_cover_what_then_comes(make_records):
    """Many worlds: the year after is drawn from the truth, not from the estimate; 80 % ranges hold 80 %."""
    first = known(*world(make_records, reps=24))
    inside, company = [], []
    for seed in range(30):
        random = np.random.default_rng(100 + seed)
        own = random.gamma(1 / 0.0625, 0.0625, 24)
        sold = 100_000 * own[:, None] * np.exp(random.normal(0, 0.05, 12)) * random.gamma(4, 0.25, (24, 12))
        quotas = set_quotas(resold(first, sold[:, :8]), rules(growth=0.0, seed=seed))
        drawn = simulation.simulate(
            quotas.proposed, quotas.plan, quotas.made, leave_rate=0.0, lag_months=0, seed=seed, draws=400
        )
        came = pd.Series(sold[:, 8:].sum(axis=1), index=[f"R{r}" for r in range(24)])
        asked = quotas.proposed.reps.set_index("rep_id")["quota_base"].astype(float)
        came = came.reindex(asked.index)
        low, _, high = drawn.share_range()
        inside.append(low <= (came >= asked).mean() <= high)
        row = drawn.levels.iloc[0]
        company.append(row["booked_low"] <= came.sum() <= row["booked_high"])
    assert 0.65 <= np.mean(inside) <= 0.98  # 30 worlds: 80 % ± 2 standard errors and the ends counted in
    assert 0.65 <= np.mean(company) <= 0.98


def test_the_same_seed_draws_the_same_and_another_does_not(even):
    one, again, other = (
        set_quotas(even, rules(seed=s)).simulate().levels["booked_mid"][0] for s in (1, 1, 2)
    )
    assert one == again
    assert one != other


def test_vacancy_is_the_mean_of_what_leavers_leave_empty():
    # By hand: leavers spread over the year, each empty for half a year or to its end: mean 3/8 of a year.
    assert capacity.vacancy(0.2, 6) == pytest.approx(0.2 * 3 / 8)
    assert capacity.vacancy(0.0, 6) == 0
    assert capacity.vacancy(0.1, 24) == pytest.approx(0.05)


def test_the_bridge_adds_up_from_last_year_to_the_target(even):
    rows = set_quotas(even, rules(growth=0.1)).bridge.set_index("step")
    amount = rows["amount_base"]
    changes = amount[["Seats gained or lost since", "New hires still ramping", "Vacancies expected",
                      "Productivity trend"]].sum()  # fmt: skip
    assert amount["Bookings of the last four whole quarters"] + changes == pytest.approx(
        amount["Bottom-up capacity"], abs=0.05
    )
    assert amount["Bottom-up capacity"] - amount["Gap to the target"] == pytest.approx(
        amount["Top-down target"], abs=0.05
    )


def test_a_missing_part_gives_its_weight_to_the_others_and_says_so(even):
    asked = {"potential": 0.5, "history": 0.3, "pipeline": 0.2}
    quotas = set_quotas(even, rules(weights=asked))
    assert set(quotas.proposed.reps["history_weight"]) == {1.0}
    said = " ".join(quota_limits(quotas, quotas))
    assert "potential" in said
    assert "went to the others" in said


def test_the_back_test_knows_nothing_of_the_year_it_tests(make_records):
    # Planted: in the tested year the first half of the reps doubles; a proposal from before cannot follow.
    booked = np.full((8, 12), 100_000.0)
    booked[:4, 8:] = 200_000
    records, names = world(make_records, quarters=12, booked=booked)
    now = known(records, names)
    before = day_before(now)
    assert before == date(2023, 12, 31)
    earlier = records.opportunities[records.opportunities["close_date"] <= pd.Timestamp(before)]
    then = set_quotas(
        known(type(records)(earlier, records.quotas, records.reps), names, as_of=before),
        rules(),
        list(now.base),
    )
    scores = backtest(then, now).set_index("quota_set")
    # By hand: quotas of 400,000 each against 800,000 and 400,000: error 1.6m ÷ 4.8m, all at quota.
    assert scores["error"][PROPOSED] == pytest.approx(1 / 3, abs=0.01)
    assert scores["error"][ACTUAL] == pytest.approx(1 / 3)
    assert scores["reps"][SAME_TOTAL] == 8
    assert list(ranges(then, now, backtest(then, now))["measure"]) == [
        "company attainment", "share of reps at quota",
    ]  # fmt: skip


def shown(quotas, drawn, scores):
    """The output tables the first screen is made from."""
    return {
        "quota_proposal": handover.proposal_rows(quotas, drawn),
        "quota_levels": handover.level_rows(quotas, drawn),
        "capacity_bridge": handover.bridge_rows(quotas),
        "quota_simulation": handover.simulation_rows(quotas, drawn),
        "quota_backtest": scores,
    }


@pytest.mark.parametrize("reps", [3, 8])
def test_every_number_of_the_first_screen_stands_in_a_cell_of_a_csv(make_records, tmp_path, reps):
    now = known(*world(make_records, reps=reps, quarters=12))
    before = day_before(now)
    old = now.facts.records.opportunities
    old = old[old["close_date"] <= pd.Timestamp(before)]
    records = type(now.facts.records)(old, now.facts.records.quotas, now.facts.records.reps)
    then = set_quotas(basis(Facts(records), CALENDAR, before, RAMP), rules(), list(now.base))
    quotas = set_quotas(now, rules(growth=0.1))
    tables = shown(quotas, quotas.simulate(), backtest(then, now))
    for name, frame in tables.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    screen = quota_screen(quotas, tables, currency="USD")
    for source in screen.sources.to_dict("records"):
        rows = pd.read_csv(tmp_path / f"{source['table']}.csv")
        if source["how"] == "cell":
            words, key = [source["row"]], [rows.columns[0]]
            if source["table"] == "quota_levels":
                words, key = source["row"].split(", ", 2), ["level", "holder_id", "parent_id"]
            for column, word in zip([c.replace("position", "step") for c in key], words, strict=False):
                rows = rows[rows[column] == word]
            assert len(rows) == 1, source
        column = rows[source["column"]]
        found = {"cell": column.iloc[0], "sum": column.sum(), "count": column.notna().sum()}[source["how"]]
        assert found == pytest.approx(source["value"], abs=0.006), source
    for card in screen.cards:  # and no number is shown that has no source
        text = re.sub(r"at 80 %|lowest: T\d", "", " ".join(card[1:]))
        said = screen.sources.loc[screen.sources["card"] == card[0], "shown"]
        for number in sorted(said, key=len, reverse=True):
            assert number in " ".join(card[1:])
            text = text.replace(number, "")
        assert not re.search(r"\d", text), (card, text)
    assert ("%" in screen.cards[3][1]) == (reps == 8)  # small groups have no percentage


def test_seats_are_known_from_quotas_that_stand_for_a_year(make_records):
    # 8 reps, a quota of 400,000 a year each: the same plan as with 100,000 a quarter.
    records, names = world(make_records, quota=0)
    yearly = records.quotas.drop_duplicates("holder_id").assign(period="FY23", quota_base=400_000.0)
    now = known(type(records)(records.opportunities, yearly, records.reps), names)
    quotas = set_quotas(now, rules(growth=0.1, over_assignment=1.05))
    assert list(quotas.proposed.reps["quota_base"]) == [Decimal("462000.00")] * 8
    assert "No back-test: no quota stands for single quarters" in " ".join(quota_limits(quotas, quotas))


def test_few_seats_leave_the_simulated_share_unknown(make_records, setting):
    quotas = set_quotas(known(*world(make_records, reps=7)), rules())
    found = findings.share(setting, quotas, quotas.simulate())
    assert {f.severity for f in found} == {Severity.UNKNOWN}
    assert not any("%" in f.statement for f in found)


def test_under_a_year_of_history_nothing_is_made_up(make_records, setting):
    short = set_quotas(known(*world(make_records, quarters=3)), rules(target=1e6))
    assert not short.ready
    assert short.simulate() is None
    scores = backtest(short, short.basis)
    found = every_finding(setting, short, None, scores)
    assert {f.code for f in found} == {r.code for r in QUOTA_RULES}
    assert {f.severity for f in found} == {Severity.UNKNOWN}
    assert {f.value for f in found} == {None}
    screen = quota_screen(short, shown(short, None, scores), currency="USD")
    assert screen.cards[0][1] == "–"
    assert screen.sources.empty
    for contract, rows in [
        (outputs.QUOTA_PROPOSAL, handover.proposal_rows(short, None)),
        (outputs.QUOTA_LEVELS, handover.level_rows(short, None)),
        (outputs.CAPACITY_BRIDGE, handover.bridge_rows(short)),
        (outputs.QUOTA_SIMULATION, handover.simulation_rows(short, None)),
        (outputs.QUOTA_LOAD, handover.load_rows(short, company="C", currency="USD", measure="b")),
    ]:
        assert len(checked(rows, contract)) == 0


def test_what_cannot_be_planned_is_refused_with_what_to_do(even):
    with pytest.raises(ParameterError, match="0 or more"):
        set_quotas(even, rules(target=-1.0))
    with pytest.raises(ParameterError, match="one above 0"):
        set_quotas(even, rules(weights=dict.fromkeys(HISTORY, 0.0)))
    with pytest.raises(PeriodError, match="write a fiscal year"):
        set_quotas(even, rules(year="FY24-Q1"))


def test_over_assignment_above_the_cap_is_refused(policy):
    with pytest.raises(ParameterError, match="at most 125 %"):
        plan_rules(policy, date(2025, 1, 1), over_assignment=1.26)
    with pytest.raises(ParameterError, match="100 or more"):
        plan_rules(policy, date(2025, 1, 1), draws=10)
    assert plan_rules(policy, date(2025, 1, 1)).ramp == RAMP


def test_a_year_past_the_calendar_takes_the_days_of_its_last_year():
    short = periods.explicit([date(2013, 5, 30), date(2013, 8, 30), date(2013, 11, 30), date(2014, 3, 1)],
                             date(2014, 5, 30), first="FY14-Q1")  # fmt: skip
    assert bounds(short, "FY15-Q1") == (date(2014, 5, 30), date(2014, 8, 30))
    with pytest.raises(PeriodError, match="extend it"):
        bounds(short, "FY25-Q1")


@pytest.fixture(scope="module")
def policy(sample) -> Policy:
    path = sample.parent / "policy" / "attainment.yaml"
    return Policy("attainment", yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def setting(policy) -> Setting:
    return Setting(policy, date(2025, 12, 12), "USD")


def every_finding(setting, quotas, drawn, scores):
    return [
        *findings.capacity(setting, quotas, drawn),
        *findings.chance(setting, quotas, drawn),
        *findings.assignment(setting, quotas),
        *findings.over_median(setting, quotas),
        *findings.share(setting, quotas, drawn),
        *findings.backtest(setting, quotas, scores),
    ]


def severities(found) -> dict[str, set[str]]:
    made: dict[str, set[str]] = {}
    for f in found:
        made.setdefault(f.code, set()).add(f.severity.value)
    return made


@pytest.mark.parametrize(
    ("asked", "code", "wanted"),
    [
        ({"target": 6.4e6}, "F-QUOTA-CAPACITY", "ACT"),  # twice what the seats sell
        ({"target": 1.6e6}, "F-QUOTA-CAPACITY", "OK"),
        ({"target": 6.4e6}, "F-QUOTA-CHANCE", "ACT"),
        ({"target": 1.6e6}, "F-QUOTA-CHANCE", "OK"),
        ({"over_assignment": 1.2}, "F-QUOTA-OVER", "ACT"),
        ({"over_assignment": 1.15}, "F-QUOTA-OVER", "OK"),
        ({"over_assignment": 0.9}, "F-QUOTA-UNDER", "ACT"),
        ({"over_assignment": 1.0}, "F-QUOTA-UNDER", "OK"),
        ({"target": 6.4e6}, "F-QUOTA-HARD", "ACT"),
        ({"target": 1.6e6}, "F-QUOTA-HARD", "OK"),
        ({"target": 1.6e6}, "F-QUOTA-EASY", "ACT"),
        ({"target": 6.4e6}, "F-QUOTA-EASY", "OK"),
        ({"cap": 1.5}, "F-QUOTA-MEDIAN", "OK"),
    ],
)
def test_each_rule_fires_and_is_silent_where_it_should(even, setting, asked, code, wanted):
    quotas = set_quotas(even, rules(**asked))
    found = every_finding(setting, quotas, quotas.simulate(), pd.DataFrame())
    assert severities(found)[code] == {wanted}


def test_a_quota_above_the_cap_fires_where_a_company_allows_more(make_records, setting):
    records, names = world(make_records, reps=7, teams=1)
    facts = known(records, names, potential=[100_000.0] * 6 + [400_000.0])
    quotas = set_quotas(facts, rules(weights=POTENTIAL, cap=9.0))
    (found,) = findings.over_median(setting, quotas)
    assert (found.severity, found.value) == (Severity.ACT, 4.0)


def test_a_median_of_small_groups_is_unknown(make_records, setting):
    quotas = set_quotas(known(*world(make_records, reps=3)), rules())
    (found,) = findings.over_median(setting, quotas)
    assert found.severity is Severity.UNKNOWN


def scored(share, error, n=40):
    at = round(share * n)
    row = {"reps": n, "quota_base": 1e6, "booked_base": 1e6, "at_quota": at, "share_at_quota": share,
           "low": share - 0.05, "high": share + 0.05, "correlation": 0.5}  # fmt: skip
    rows = [
        row | {"quota_set": s, "error": e} for s, e in ((ACTUAL, 0.3), (PROPOSED, error), (SAME_TOTAL, error))
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("share", "error", "wanted"),
    [
        (0.3, 0.2, ("ACT", "OK", "OK")),
        (0.6, 0.2, ("OK", "OK", "OK")),
        (0.9, 0.2, ("OK", "ACT", "OK")),
        (0.6, 0.4, ("OK", "OK", "ACT")),
    ],
)
def test_the_back_test_s_rules_fire_on_both_sides(even, setting, share, error, wanted):
    found = findings.backtest(setting, set_quotas(even, rules()), scored(share, error))
    assert tuple(f.severity.value for f in found) == wanted


def test_a_back_test_of_seven_reps_is_unknown(even, setting):
    found = findings.backtest(setting, set_quotas(even, rules()), scored(0.3, 0.4, n=7))
    assert {f.severity for f in found} == {Severity.UNKNOWN}


def test_a_letter_holds_its_rep_s_figures_and_nobody_else_s(make_records):
    booked = np.arange(70_000, 130_000, 10_000)[:, None] * np.random.default_rng(4).gamma(50, 0.02, (6, 8))
    quotas = set_quotas(known(*world(make_records, reps=6, booked=booked)), rules(growth=0.1))
    files = letters.letters(quotas, letters.Letterhead("Co <x>", "USD", "2023-12-31"))
    reps = quotas.proposed.reps.set_index("rep_id")
    assert len(files) == 7
    assert files["quota_letters.html"].count('<section class="letter">') == 6
    assert "break-after: page" in files["quota_letters.html"]
    for rep in reps.index:
        page = files[f"quota_letter_{rep}.html"]
        assert f"{reps['quota_base'][rep]:,.2f}" in page
        assert "Co &lt;x&gt;" in page
        for other in reps.index.drop(rep):
            assert f"Rep {other[1:]}" not in page
            assert f"{reps['quota_base'][other]:,.2f}" not in page
            assert f"{reps['last_booked_base'][other]:,.0f}" not in page


def test_two_ids_never_share_a_letter_s_file():
    names = {letters.letter_file(i) for i in ("a/b", "a b", "a-b", "../a-b", "Ä")}
    assert len(names) == 5
    assert all("/" not in n and ".." not in n for n in names)


def test_charts_say_what_they_show(even):
    quotas = set_quotas(even, rules(growth=0.1))
    drawn = quotas.simulate()
    rows = handover.proposal_rows(quotas, drawn)
    assert "0 of 8 quotas are cut" in charts.quotas_by_group(rows, 1.5).get_title("left").replace("\n", " ")
    assert "The seats can carry" in charts.bridge_steps(quotas.bridge).get_title("left")
    assert "reach quota" in charts.share_histogram(drawn, 0.5, 0.7).get_title("left")
    assert "teams" in charts.target_ranges(handover.level_rows(quotas, drawn)).get_title("left")


def test_a_chance_is_never_shown_as_certain():
    assert [chance_text(c) for c in (0.9999, 0.5, 0.0001)] == ["over 99 %", "50 %", "under 1 %"]


def test_every_quota_table_keeps_its_contract(even):
    quotas = set_quotas(even, rules(growth=0.1))
    drawn = quotas.simulate()
    named = {
        outputs.QUOTA_PROPOSAL: handover.proposal_rows(quotas, drawn),
        outputs.QUOTA_LEVELS: handover.level_rows(quotas, drawn),
        outputs.PLAN_QUARTERS: handover.quarter_rows(quotas),
        outputs.CAPACITY_BRIDGE: handover.bridge_rows(quotas),
        outputs.QUOTA_SIMULATION: handover.simulation_rows(quotas, drawn),
    }
    for contract, frame in named.items():
        assert len(checked(frame, contract)) == len(frame) > 0
    assert isinstance(quotas.plan, Plan)
    assert isinstance(quotas.made, Productivity)
    assert plan(even, quotas.made, target=5.0).target == Decimal("5.00")
    again = propose(quotas.proposed.reps, quotas.plan, quotas.seen, over_assignment=1.0, cap=1.5)
    assert len(again.reps) == 8
