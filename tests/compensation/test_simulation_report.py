"""From the sample's tables to the report: events by hand, replay to the cent, a contract for every output."""

import re
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.compensation.engine.company_events import company_events
from salesops_lib.compensation.plans.checks import checked_plans
from salesops_lib.compensation.simulation import beside, change_parts, cost, handover, outputs, plan_outputs
from salesops_lib.compensation.simulation import charts as simulation_charts
from salesops_lib.compensation.simulation.exchange import RateRange, drawn_rates, with_rates
from salesops_lib.compensation.simulation.headline import cards
from salesops_lib.compensation.simulation.limits import simulation_limits
from salesops_lib.compensation.simulation.real_year import real_year
from salesops_lib.compensation.simulation.records import (
    TABLES,
    asked_for,
    filled_quotas,
    reactions,
    records_of,
)
from salesops_lib.compensation.simulation.setup import set_up, shifted
from salesops_lib.compensation.simulation.standing import standing
from salesops_lib.compensation.simulation.years import simulate
from salesops_lib.core.contracts import checked
from salesops_lib.core.errors import ParameterError, TableError
from salesops_lib.inputs.sample.truth import TRUTH

DAY = date(2025, 12, 12)


@pytest.fixture(scope="module")
def run():
    """The sample company simulated with few scenarios."""
    snapshot = inputs.open_snapshot(as_of=DAY.isoformat())
    policy, company = snapshot.policy("compensation"), snapshot.company
    tables = {name: snapshot.frame(name) for name in TABLES if snapshot.has(name)}
    plans = checked_plans(inputs.plan_files(company.root))
    proposed = checked_plans(inputs.proposed_plan_files(company.root))
    records, said = records_of(tables, plans, company, DAY, policy)
    asked = asked_for(policy, DAY, plans, scenarios=500, seed=7, rho=-1.0, family="")
    setup = set_up(records, plans, proposed, tables["reps"], asked)
    outcome = simulate(setup.world)
    return SimpleNamespace(
        setup=setup, outcome=outcome, year=real_year(setup), policy=policy, plans=plans, tables=tables,
        said=said,
        company=company, leaving=asked.leaving,
    )  # fmt: skip


@pytest.fixture(scope="module")
def seats(run):
    """Its seats under both plans."""
    return handover.seat_rows(run.setup, run.outcome, run.year, {})


def test_fed_the_last_years_results_the_formulas_pay_what_the_engine_pays_to_the_cent(run):
    assert run.year.period == "FY25"
    assert run.year.checked["cents_apart"].tolist() == [0] * len(run.year.checked)
    assert run.year.checked["compared"].sum() > 500
    assert set(run.year.checked["plan_id"]) == set(run.setup.plans["old"])


def test_the_kernel_of_the_draws_pays_the_last_year_within_float32(run, seats):
    # Plans without a SPIFF and without a gate by month: the drawn formulas alone, against exact cents.
    from salesops_lib.compensation.simulation.comparison import needed

    paid = needed(run.setup, run.year).merge(seats[["rep_id", "real_new"]], on="rep_id")
    commercial = paid[(paid["plan_id"] == "ae-commercial") & paid["real_new"].notna()]
    assert len(commercial) > 10
    assert (commercial["pay_new"] - commercial["real_new"]).abs().max() < 0.05


def test_needed_attainment_earns_last_years_pay_under_the_new_plan(seats):
    # A plan without a gate by month, a cap per deal or a SPIFF: there the formulas are the engine's.
    rows = seats[seats["plan_id"] == "ae-commercial"]
    known = rows[rows["needed"].notna() & rows["real_new"].notna()]
    # Where the new plan paid more for the same year, less attainment is needed, and the other way round.
    better = known[known["real_new"] > known["real_old"] * 1.01]
    worse = known[known["real_new"] < known["real_old"] * 0.99]
    assert (better["needed"] <= better["real_attained"] + 1e-6).all()
    assert (worse["needed"] >= worse["real_attained"] - 1e-6).all()
    assert min(len(better), len(worse)) > 2


def first_invoices(tables) -> float:
    """What the first of yearly invoices is of the money that enterprise sellers won in FY25."""
    deals, assigned = tables["opportunities"], tables["plan_assignments"]
    sellers = assigned.loc[assigned["plan_id"] == "ae-enterprise", "rep_id"]
    won = deals[deals["is_won"].fillna(False).astype(bool) & deals["owner_id"].isin(sellers)]
    won = won[won["close_date"].between("2024-02-01", "2025-01-31")]
    years = (won["term_months"] // 12).clip(lower=1)
    return float((won["amount_base"] / years).sum() / won["amount_base"].sum())


def test_every_output_keeps_its_contract(run, seats):
    setup, outcome = run.setup, run.outcome
    stand = handover.tidy(standing(setup, outcome), outputs.STANDING)
    made = {
        outputs.COST: handover.cost_rows(cost.costs(outcome, 5e6)),
        outputs.LATER: beside.later_rows(outcome),
        outputs.AFTER: beside.after_rows(setup),
        outputs.WINNERS: beside.winner_rows(seats),
        outputs.MARGINAL: beside.marginal_rows(cost.lifted(outcome, 250), 0.01),
        outputs.SEATS: seats,
        outputs.DECILES: handover.decile_rows(outcome),
        outputs.STANDING: stand,
        outputs.BACKTEST: handover.backtest_rows(setup, run.year, stand),
        outputs.ACCRUAL: handover.accrual_rows(outcome),
        outputs.EQUITY: handover.equity_rows(setup, seats),
        plan_outputs.CURVES: handover.curve_table(setup),
        plan_outputs.TERMS: handover.term_rows(setup, outcome),
        plan_outputs.GAMING: handover.gaming_rows(setup, 0.1),
        plan_outputs.SHAPES: handover.shape_rows(setup),
        plan_outputs.FAMILIES: handover.family_rows(setup),
        plan_outputs.REAL: handover.real_rows(run.year),
        plan_outputs.REPLAYED: handover.replay_rows(run.year),
    }
    for table, frame in made.items():
        assert len(checked(frame, table)) > 0, table.name
    points = handover.curve_points(setup)
    assert set(points["plan_id"]) == set(setup.plans["old"])
    # The SDR plan in force pays nothing under its threshold of 60 % of the meetings and jumps there.
    jump = points[(points["plan_id"] == "sdr-outbound") & (points["variant"] == "old")]
    near = jump[np.isclose(jump["attained"], 0.6)]
    assert len(near) == 2 and near["pay"].diff().iloc[-1] > 0.1
    knots = made[plan_outputs.CURVES]
    first = knots[knots["plan_id"] == knots["plan_id"].iloc[0]]
    assert first["jump"].abs().max() == knots["jump"].abs().max() > 0
    everybody = made[outputs.WINNERS].set_index("plan_id")
    assert everybody.loc["all", "change"] == pytest.approx(seats["change"].sum(), abs=0.1)
    assert everybody.drop("all")["seats"].sum() == everybody.loc["all", "seats"] == len(seats)
    # By hand: half of what the year's deals earn is held until the customer pays, six weeks later: at the
    # year's end that is the last month and half of the one before, by their shares of a quarter's deals. But
    # of a deal over several years only the first year's invoice is paid by then.
    later = made[outputs.LATER].set_index("variant").loc["old"]
    earned = outcome.parts["old"]["ae-enterprise", "bookings_commission"]
    _, second, third = setup.world.pattern
    first = first_invoices(run.tables)
    still = 1 - first + first * (third + second / 2) / 4
    assert 0.6 < first < 0.8
    assert later["held"] == pytest.approx(earned / 2 * still, rel=0.2)
    # 1.5 % of invoices are never paid (planted). 90 days after they were due, some 125 of 365 days after the
    # sale, the part of the first invoice comes back by the days left; of an enterprise deal only the half
    # that was not held. A renewal, within 180 days, comes back whole.
    parts, left = outcome.parts["old"], (365 - 125) / 365
    sold = parts["ae-commercial", "bookings_commission"] * 0.9 + earned / 2 * first
    back = TRUTH.unpaid_share * (sold * left + parts["am-renewal", "renewal_commission"])
    assert later["returned"] == pytest.approx(back, rel=0.35)
    months = made[outputs.ACCRUAL]
    assert months["to_date_new"].iloc[-1] == pytest.approx(outcome.pay["new"].mean(), rel=1e-6)


def test_the_change_splits_into_base_and_mechanics_that_add_up(run):
    rows = change_parts.split(run.setup, reactions(run.policy, DAY), 250)
    checked(handover.change_rows(rows), outputs.CHANGE)
    parts = rows.set_index("part")["pay"]
    assert parts["old"] + parts["base"] + parts["mechanics"] == pytest.approx(parts["new"], rel=1e-6)
    # The enterprise proposal raises target incentive by 4 %: base is above zero.
    assert parts["base"] > 0
    assert (rows["kind"] == "scenario").sum() == 4


def test_the_tornado_is_ordered_and_its_middle_is_the_plan_as_assumed(run):
    euro = RateRange("EUR", frozenset({"am-renewal"}), 0.9, 1.1, 24)
    rows = change_parts.tornado(run.setup, 250, run.leaving, [euro])
    checked(handover.tidy(rows, outputs.TORNADO), outputs.TORNADO)
    assert rows["swing"].is_monotonic_decreasing
    level = rows.set_index("assumption").loc["sales level"]
    assert level["p90_low"] < level["p90"] < level["p90_high"]
    # A tenth more a euro moves the cost by about a tenth of what the plan in euro pays.
    rate = rows.set_index("assumption").loc["EUR ÷ plan rate"]
    rows_of = next(g.rows for g in run.setup.world.groups if g.plan_id == "am-renewal")
    paid = run.outcome.seat_pay["new"][rows_of].sum()
    assert rate["p50_high"] - rate["p50"] == pytest.approx(0.1 * paid, rel=0.25)


def test_a_drawn_rate_multiplies_the_pay_of_its_plan_and_nothing_else(run):
    # By hand: every seat's pay in every year drawn is what it was × the year's rate; others' is what it was.
    euro = RateRange("EUR", frozenset({"am-renewal"}), 0.8, 1.25, 24)
    made = simulate(with_rates(run.setup, [euro]).world)
    mine = np.concatenate([g.rows for g in run.setup.world.groups if g.plan_id == "am-renewal"])
    design = run.setup.world.design
    rates = np.concatenate([drawn_rates(euro, design.seed, b, design.size(b)) for b in range(design.blocks)])
    before, after = run.outcome.detail.pay["new"], made.detail.pay["new"]
    n = len(after)
    others = np.setdiff1d(np.arange(before.shape[1]), mine)
    assert len(mine) and before[:, mine].sum() > 0
    np.testing.assert_allclose(after[:, mine], before[:, mine] * rates[:n], rtol=1e-5)
    np.testing.assert_array_equal(after[:, others], before[:, others])
    added = before[:, mine].sum(axis=1, dtype="float64") * (rates[:n, 0] - 1)
    np.testing.assert_allclose(made.pay["new"][:n] - run.outcome.pay["new"][:n], added, atol=1.0)
    parts = sum(money for (plan, _), money in made.parts["new"].items() if plan == "am-renewal")
    assert parts == pytest.approx(made.seat_pay["new"][mine].sum(), rel=1e-5)
    np.testing.assert_array_equal(made.sales, run.outcome.sales)


def test_charts_and_first_screen_say_the_finding(run, seats):
    outcome = run.outcome
    rows = handover.cost_rows(cost.costs(outcome, 5e6))
    levels = cost.at_company_attainment(outcome, 6e6, 250)
    shown = cards(rows, seats, levels, cost.lifted(outcome, 250), "USD")
    assert [card[0] for card in shown][:3] == [
        "Incentive pay of the new plans", "Chance of overspend", "Seats that win · lose",
    ]  # fmt: skip
    titles = [
        simulation_charts.cost_distribution(outcome.pay, rows, "USD"),
        simulation_charts.winners(seats),
        simulation_charts.deciles(handover.decile_rows(outcome)),
        simulation_charts.at_levels(levels, 5e6),
        simulation_charts.payout_curves(handover.curve_points(run.setup)),
        simulation_charts.accrual(handover.accrual_rows(outcome)),
        simulation_charts.probability_plot(*handover.pit_values(run.setup)),
    ]
    assert all(any(c.isdigit() for c in chart.get_title(loc="left")) for chart in titles)


def test_limits_name_the_thin_roles_the_stand_ins_and_what_is_not_drawn(run):
    said = " ".join([*run.said, *simulation_limits(run.setup, run.year, 3)])
    for words in ("Under 30 rep-years", "R002: no quota in FY25-Q4"):
        assert words in said
    assert "no event of non_payment" not in said  # the invoices tell


def test_without_invoices_limits_say_what_nobody_can_draw(run):
    tables = {name: frame for name, frame in run.tables.items() if name != "invoices"}
    records, _ = records_of(tables, run.plans, run.company, DAY, run.policy)
    asked = asked_for(run.policy, DAY, run.plans, scenarios=100, seed=7, rho=-1.0, family="")
    setup = set_up(records, run.plans, [], tables["reps"], asked)
    said = " ".join(simulation_limits(setup, real_year(setup), 0))
    assert re.search(r"no event of non_payment: what it would take back is not drawn \(FY25: 2\.\d+M", said)
    assert "No plan is proposed" in " ".join(simulation_limits(run.setup, run.year, 0))


def test_a_plan_moved_to_another_year_takes_its_spiffs_along(run):
    plan = run.setup.plans["old"]["ae-enterprise"]
    moved = shifted(plan, date(2024, 2, 1), date(2025, 2, 1))
    days = (plan.start - date(2024, 2, 1)).days
    assert (plan.spiffs[0].from_ - moved.spiffs[0].from_).days == days


def test_events_by_hand_split_overlay_term_and_days_in_the_companys_zone():
    deals = pd.DataFrame(
        {
            "opportunity_id": ["D1", "D2", "D3"], "owner_id": ["R1", "R2", "R2"],
            "type": ["New", "Renewal", "New"],
            "segment": "SMB", "is_won": pd.array([True, True, False], dtype="boolean"),
            "close_date": pd.to_datetime(["2025-03-01", "2025-03-02", "2025-03-03"]),
            "amount_base": [36_000.0, 100.0, 5.0], "term_months": [36.0, 12.0, 12.0],
        }
    )  # fmt: skip
    credits = pd.DataFrame(
        {
            "opportunity_id": ["D1", "D1", "D1"], "rep_id": ["R1", "R2", "E1"],
            "credit_type": ["direct", "direct", "overlay"], "share": [0.6, 0.4, 1.0],
        }
    )  # fmt: skip
    scores = pd.DataFrame(
        {
            "event_id": ["M1"], "holder_id": ["R1"], "measure": ["mbo_score"], "value": [0.9],
            "at": pd.to_datetime(["2025-05-01T02:00:00Z"]),
        }
    )  # fmt: skip
    tables = {"opportunities": deals, "credits": credits, "measure_events": scores}
    rows = company_events(tables, "America/New_York", date(2025, 12, 31), lambda due: 90)
    booked = rows[rows["event"] == "booked"].set_index(["deal_id", "rep_id"])
    assert booked["split_pct"].to_dict() == {("D1", "R1"): "0.6", ("D1", "R2"): "0.4", ("D2", "R2"): None}
    assert booked.loc[("D1", "R1"), "overlay_id"] == "E1"
    # 36,000 over three years is 12,000 a year; a deal that was lost is no event.
    assert booked.loc[("D1", "R1"), "acv"] == "12000.00"
    assert booked.loc[("D2", "R2"), "deal_type"] == "renewal"
    assert rows[rows["event"] == "scored"]["date"].item() == date(2025, 4, 30)


def test_a_gap_between_known_quotas_is_filled_and_said():
    holders = pd.DataFrame(
        {
            "rep_id": "R1", "plan_id": "ae", "quota": ["100.00", None, "300.00"],
            "start_date": [date(2025, 2, 1), date(2025, 5, 1), date(2025, 8, 1)],
        }
    )  # fmt: skip
    calendar = inputs.open_snapshot(as_of=DAY.isoformat()).company.calendar
    filled, said = filled_quotas(holders, calendar)
    assert filled["quota"].tolist() == ["100.00", "100.00", "300.00"]
    assert said == ["R1: no quota in FY26-Q2; that of the quarter before stands in."]


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"family": "gama"}, "no family 'gama'. Did you mean 'gamma'"),
        ({"rho": 1.0}, "rho is 1.0; give a share from 0 to 0.95"),
        ({"scenarios": 0}, "scenarios is 0; give 1 to"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(run, asked, match):
    given = {"scenarios": 10, "seed": 1, "rho": -1.0, "family": ""} | asked
    with pytest.raises(ParameterError, match=match):
        asked_for(run.policy, DAY, run.plans, **given)


def test_a_company_without_plans_or_without_anybody_on_one_is_refused(run):
    with pytest.raises(TableError, match="there is no plan file"):
        records_of(run.tables, [], run.company, DAY, run.policy)
    nobody = run.tables | {"plan_assignments": run.tables["plan_assignments"].assign(plan_id="other")}
    with pytest.raises(TableError, match="nobody in plan_assignments is on a plan with a file"):
        records_of(nobody, run.plans, run.company, DAY, run.policy)


@pytest.mark.parametrize("family", ["lognormal", "bootstrap", "deals"])
def test_every_way_of_drawing_gives_a_cost_near_the_others(run, family):
    asked = asked_for(run.policy, DAY, run.plans, scenarios=250, seed=7, rho=0.1, family=family)
    proposed = []
    setup = set_up(run.setup.records, run.plans, proposed, run.tables["reps"], asked)
    pay = simulate(setup.world).pay["old"].mean()
    assert pay == pytest.approx(run.outcome.pay["old"].mean(), rel=0.15)
    assert np.isfinite(pay)
