"""A year drawn and paid: the same for any number of workers, right against theory and the exact engine."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from salesops_lib.compensation.engine.history import Records
from salesops_lib.compensation.plans.checks import checked_plans
from salesops_lib.compensation.simulation import payout
from salesops_lib.compensation.simulation.behaviour import Behaviour
from salesops_lib.compensation.simulation.blocks import expected_slopes
from salesops_lib.compensation.simulation.cost import at_company_attainment, costs, lifted
from salesops_lib.compensation.simulation.deals import DealStream
from salesops_lib.compensation.simulation.draws import Bootstrap, Design, Stream, block_size
from salesops_lib.compensation.simulation.families import Family
from salesops_lib.compensation.simulation.lanes import lanes_of
from salesops_lib.compensation.simulation.performance import Structure
from salesops_lib.compensation.simulation.world import Group, Leaving, ShareAtQuota, Team, World
from salesops_lib.compensation.simulation.years import simulate

QUOTA, TARGET = 100_000.0, 40_000.0
TIERS = [{"from": "0", "rate": "1"}, {"from": "1", "rate": "2"}]


def plan(components=None, measures=None, **more):
    """A plan of a calendar year on bookings by quarter, 1 × to quota and 2 × above unless told otherwise."""
    part = {
        "id": "commission", "type": "commission", "measure": "bookings", "weight": "1", "basis": "attainment",
        "rate_unit": "multiple_of_base", "method": "marginal", "tiers": TIERS,
    }  # fmt: skip
    bookings = {"aggregate": "sum", "field": "amount", "event": "booked", "period": "quarter",
                "quota": {"source": "individual"}}  # fmt: skip
    content = {
        "schema": "salesops.plan/1", "id": "case", "version": 1,
        "effective": {"from": date(2026, 1, 1), "to": date(2027, 1, 1)}, "currency": "USD",
        "roles": ["Seller"],
        "rounding": {"unit": "0.01", "mode": "half_even"},
        "pay": {"target_total_cash": "80000", "base_salary": "40000"},
        "measures": {"bookings": bookings} | (measures or {}),
        "components": [_without_tiers(part | change) for change in (components or [{}])],
    } | more  # fmt: skip
    return checked_plans([("case.yaml", yaml.safe_dump(content))])[0]


def _without_tiers(part):
    return {k: v for k, v in part.items() if k != "tiers" or "points" not in part}


def stream(reps, rho=0.0, cv=0.4, name="bookings", steps=4):
    parts = Structure(1.0, 0.0, rho, 0.0, rho, rho, 12)
    none = np.zeros(reps)
    return Stream(name, Family.lognormal(1.0, cv), parts, none, none, none.astype(int), steps)


def group(plans, reps, sources=None, quotas=None, **more):
    quotas = quotas or {"bookings": np.full((4, reps), QUOTA)}
    target = np.full(reps, TARGET)
    fixed = {
        "name": "case", "plan_id": "case", "rows": np.arange(reps), "primary": "bookings",
        "means": frozenset(),
        "whole": frozenset(), "parts": {}, "tenure": np.full(reps, 99),
    }  # fmt: skip
    lanes = {name: lanes_of(p, target, quotas, 4) for name, p in plans.items()}
    return Group(
        **{
            **fixed,
            "sources": sources or {"bookings": stream(reps)},
            "quotas": quotas,
            "lanes": lanes,
            **more,
        }
    )


def world(*groups, scenarios=500, seed=5, **more):
    seats = sum(len(g.rows) for g in groups)
    design = Design(
        seed, scenarios, steps=4, block=block_size(seats), persistence=more.pop("persistence", 0.5)
    )
    return World(design, groups, seats, tuple(groups[0].lanes), **more)


def outcome_of(plans, reps=40, **more):
    named = plans if isinstance(plans, dict) else {"old": plans}
    return simulate(world(group(named, reps), **more))


def assert_same(one, two):
    assert all(np.array_equal(one.pay[v], two.pay[v]) for v in one.pay)
    assert all(np.array_equal(one.seat_pay[v], two.seat_pay[v]) for v in one.pay)
    assert np.array_equal(one.sales, two.sales)
    assert one.parts == two.parts


@pytest.fixture(scope="module")
def many():
    return world(group({"old": plan(), "new": plan([{"cap": {"share_of_target": "2"}}])}, 90), scenarios=1500)


@pytest.fixture(scope="module")
def alone(many):
    return simulate(many)


def test_several_threads_give_the_bits_of_one_worker(many, alone):
    from joblib import parallel_config

    with parallel_config(backend="threading"):
        assert_same(alone, simulate(many, workers=2))
        assert_same(alone, simulate(many, workers=3))


def test_a_local_dask_cluster_gives_the_bits_of_one_worker(many, alone):
    distributed = pytest.importorskip("distributed")
    from joblib import parallel_config

    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with cluster, distributed.Client(cluster), parallel_config(backend="dask"):
        assert_same(alone, simulate(many, workers=2))


def test_the_first_scenarios_of_more_are_those_of_fewer(many, alone):
    fewer = simulate(replace(many, design=replace(many.design, scenarios=500)))
    assert np.array_equal(fewer.pay["new"], alone.pay["new"][:500])


def test_expected_pay_is_that_of_the_known_answer():
    # A quarter's attainment is lognormal with mean 1 and CV 40 %: 15.3 % above target (COMPENSATION.md).
    made = outcome_of(plan(), reps=200, scenarios=2000)
    assert made.pay["old"].mean() / (200 * TARGET) == pytest.approx(1.153, abs=0.003)


def test_an_annual_window_pays_less_for_the_same_quarters():
    # Four independent quarters average out: CV 20 % over the year, 7.9 % above target instead of 15.3 %.
    quota = {"source": "individual", "per": "quarter"}
    year = {"aggregate": "sum", "field": "amount", "event": "booked", "period": "year", "quota": quota}
    yearly = plan(measures={"bookings": year})
    made = outcome_of({"old": plan(), "new": yearly}, reps=200, scenarios=2000, persistence=0.0)
    assert made.pay["new"].mean() / (200 * TARGET) == pytest.approx(1.079, abs=0.003)


def test_the_same_plan_twice_changes_nothing_on_the_same_draws():
    made = outcome_of({"old": plan(), "new": plan()})
    assert np.array_equal(made.pay["old"], made.pay["new"])
    assert made.better["new"].sum() == 0


def test_parts_and_seats_add_up_to_the_pay_of_every_scenario():
    made = outcome_of(plan([{"weight": "0.6"}, {"id": "second", "weight": "0.4"}]))
    total = made.pay["old"].mean()
    assert sum(made.parts["old"].values()) == pytest.approx(total, rel=1e-6)
    assert made.seat_pay["old"].sum() == pytest.approx(total, rel=1e-6)
    assert made.detail.pay["old"].sum(axis=1) == pytest.approx(made.pay["old"], rel=1e-6)


def test_accrued_months_add_up_to_pay_and_follow_the_pattern():
    made = simulate(world(group({"old": plan()}, 20), pattern=(0.2, 0.3, 0.5)))
    months = made.detail.accrued["old"] / len(made.detail.pay["old"])
    assert months.sum() == pytest.approx(made.pay["old"].mean(), rel=1e-5)
    assert months.reshape(4, 3).sum(axis=0) / months.sum() == pytest.approx([0.2, 0.3, 0.5], abs=1e-4)


def test_a_cap_holds_in_every_window_and_what_it_withholds_is_the_difference():
    free, capped = plan(), plan([{"cap": {"share_of_target": "1.2"}}])
    made = outcome_of({"old": free, "new": capped}, reps=10)
    assert (made.detail.pay["new"] <= 1.2 * TARGET + 0.01).all()
    lost = made.detail.pay["old"] - made.detail.pay["new"]
    assert made.detail.withheld["new"] == pytest.approx(lost, abs=0.5)
    assert (
        0 < made.detail.hit["new"]["case", "commission"][0] < made.detail.hit["new"]["case", "commission"][1]
    )


def test_a_gate_by_component_and_a_multiplier_do_what_they_say():
    # By hand, all at 100 %: a multiplier of 0.5 halves; a gate on a component that pays nothing closes.
    flat = {"bookings": replace(stream(3), shape=Family("empirical", values=(1.0,)))}
    score = {"aggregate": "last", "field": "score", "event": "scored", "period": "quarter", "target_at": "1"}
    points = [["0", "0.5"], ["1", "1"]]
    multiplier = {"measure": "score", "basis": "value", "points": points}
    halved = plan([{"multiplier": multiplier}], measures={"score": score})
    sources = flat | {"score": replace(stream(3, name="score"), shape=Family("empirical", values=(0.0,)))}
    made = simulate(world(group({"old": halved}, 3, sources, means=frozenset({"score"})), scenarios=20))
    assert made.seat_pay["old"] == pytest.approx(np.full(3, TARGET / 2), rel=1e-5)


def test_quotas_of_a_proposal_move_attainment_not_sales():
    # By hand: at a quota a quarter higher, 100 % becomes 80 %: pay 0.8 × target.
    flat = {"bookings": replace(stream(4), shape=Family("empirical", values=(1.0,)))}
    old = group({"old": plan()}, 4, flat)
    more = lanes_of(plan(), np.full(4, TARGET), {"bookings": np.full((4, 4), 1.25 * QUOTA)}, 4)
    made = simulate(world(replace(old, lanes={**old.lanes, "new": more}), scenarios=20))
    assert made.seat_pay["new"] == pytest.approx(np.full(4, 0.8 * TARGET), rel=1e-5)
    assert made.sales == pytest.approx(np.full(20, 16 * QUOTA), rel=1e-5)


def test_a_team_is_paid_on_what_its_reports_sell():
    reports = group({"old": plan()}, 6)
    quotas = {"bookings": np.full((4, 1), 6 * QUOTA)}
    boss = group(
        {"old": plan()},
        1,
        {"bookings": Team((np.arange(6),))},
        quotas,
        name="boss",
        rows=np.array([6]),
        primary="",
    )
    made = simulate(world(boss, reports))
    team = made.detail.attained[:, :6].mean(axis=1)
    # The year's team attainment orders the boss's pay, and only the reports' sales are sales.
    assert np.corrcoef(team, made.detail.pay["old"][:, 6])[0, 1] > 0.95
    assert made.sales == pytest.approx(made.detail.attained[:, :6].sum(axis=1) * 4 * QUOTA, rel=1e-4)


def test_the_share_of_reports_at_quota_is_counted_window_by_window():
    step = {
        "id": "participation",
        "measure": "share",
        "basis": "value",
        "rate_unit": "share_of_target",
        "method": "step",
        "type": "bonus",
        "tiers": [{"from": "0", "rate": "0"}, {"from": "0.5", "rate": "1"}],
    }
    shared = {"aggregate": "share", "of": "team_members_at_quota", "event": "booked", "period": "quarter",
              "target_at": "0.5"}  # fmt: skip
    rolled = {"aggregate": "sum", "field": "amount", "event": "booked", "period": "quarter",
              "quota": {"source": "rollup"}}  # fmt: skip
    boss_plan = plan([step], measures={"bookings": rolled, "share": shared})
    reports = group({"old": plan()}, 2)
    boss = group({"old": boss_plan}, 1, {"share": ShareAtQuota((np.arange(2),))}, {}, name="boss",
                 rows=np.array([2]), primary="", means=frozenset({"share"}))  # fmt: skip
    made = simulate(world(boss, reports, scenarios=2000))
    # P(at least one of two at quota) where each is with p = P(lognormal ≥ 1): 1 − (1 − p)².
    from scipy.special import ndtr

    p = 1 - ndtr(np.sqrt(np.log(1.16)) / 2)
    assert made.seat_pay["old"][2] / TARGET == pytest.approx(1 - (1 - p) ** 2, abs=0.02)


def deals(reps=30, size=20_000.0, **more):
    expected = np.full((4, reps), QUOTA / size)
    fixed = {"spread": np.zeros(reps), "common": 0.0, "segment_share": 0.0, "extra": 0.0,
             "sizes": np.full(10, size), "segment": np.zeros(reps, int)}  # fmt: skip
    return DealStream("deals", expected, **{**fixed, **more})


def test_deals_have_the_mean_and_variance_of_a_compound_poisson_sum():
    made = simulate(world(group({"old": plan()}, 30, {"bookings": deals()}), scenarios=2000))
    quarters = made.detail.attained
    assert made.sales.mean() == pytest.approx(30 * 4 * QUOTA, rel=0.005)
    # Year attainment: 20 deals of a twentieth expected, so a variance of 1 ÷ 20.
    assert quarters.var() == pytest.approx(1 / 20, rel=0.05)


def test_a_cap_per_deal_pays_each_deal_no_more():
    # By hand: deals of a fifth of quota earn 0.2 or 0.4 × 10,000; a cap of 3,000 bites above quota only.
    capped = plan([{"cap": {"per_deal": "3000"}}])
    made = simulate(world(group({"old": plan(), "new": capped}, 30, {"bookings": deals()}), scenarios=500))
    attained = made.detail.attained
    assert made.pay["new"].mean() < made.pay["old"].mean()
    # A deal that ends at or below quota earns 2,000; one above earns 4,000, or 3,000 with the cap.
    lost = made.detail.pay["old"] - made.detail.pay["new"]
    assert (np.abs(lost / 1000 - np.rint(lost / 1000)) < 1e-2).all()
    assert np.corrcoef(lost.ravel(), attained.ravel())[0, 1] > 0.7


def test_a_spiff_pays_per_deal_in_its_span_and_stops_at_its_budget():
    spiffs = [{"id": "launch", "pays": "100", "per": "deal", "event": "booked", "where": {"product": ["A"]},
               "from": date(2026, 1, 1), "to": date(2026, 4, 2), "max_total": "2000"}]  # fmt: skip
    worths = {"launch": (np.array([1.0, 0.0] * 5), False)}
    made = simulate(
        world(
            group({"old": plan(), "new": plan(spiffs=spiffs)}, 30, {"bookings": deals(worths=worths)}),
            scenarios=500,
        )
    )
    extra = made.pay["new"] - made.pay["old"]
    # 30 reps × 5 deals × half of them = 75 deals a quarter: 7,500 asked for, 2,000 there.
    assert extra == pytest.approx(np.full(500, 2000.0), rel=1e-3)


def test_whole_quarters_keep_what_reps_share():
    past = np.array([[[0.5, 0.5, np.nan]], [[1.5, 1.5, 1.5]]])
    made = simulate(world(group({"old": plan()}, 3, {"bookings": Bootstrap("past", past)}), scenarios=400))
    assert set(np.round(made.detail.attained[:, 0], 4)) <= {0.5, 0.75, 1.0, 1.25, 1.5}
    assert np.array_equal(made.detail.attained[:, 0], made.detail.attained[:, 1])
    assert np.array_equal(made.detail.attained[:, 0], made.detail.attained[:, 2])


def test_leavers_cost_and_sell_less_by_the_time_their_seat_is_empty():
    # By hand: all leave at a uniform time, three months empty: 2.625 months on average within the year.
    made = simulate(world(group({"old": plan()}, 60), scenarios=1000, leaving=Leaving(1.0, 3)))
    stay = simulate(world(group({"old": plan()}, 60), scenarios=1000))
    assert made.sales.mean() / stay.sales.mean() == pytest.approx(1 - 2.625 / 12, abs=0.01)
    assert made.pay["old"].mean() / stay.pay["old"].mean() == pytest.approx(1 - 2.625 / 12, abs=0.02)


def test_a_level_puts_the_company_exactly_where_it_is_asked_for():
    made = outcome_of(plan(), reps=40, scenarios=500)
    rows = at_company_attainment(made, base_salary=40 * 40_000, scenarios=500).set_index("attained")
    assert rows["sales"].to_dict() == pytest.approx(
        {a: a * 160 * QUOTA for a in (0.8, 0.9, 1.0, 1.1, 1.2)}, rel=1e-5
    )
    assert rows["pay"].is_monotonic_increasing
    # CCOS by its definition, at 100 %: (base + pay) ÷ sales.
    assert rows.loc[1.0, "ccos"] == pytest.approx((1.6e6 + rows.loc[1.0, "pay"]) / (160 * QUOTA))


def test_the_slope_of_a_straight_plan_is_its_rate():
    # 1 × everywhere: 40,000 on 400,000 is ten cents a dollar, the next one too.
    straight = plan([{"tiers": [{"from": "0", "rate": "1"}]}])
    slopes = lifted(outcome_of(straight), 500).iloc[0]
    assert slopes["per_sale"] == pytest.approx(0.10, rel=1e-3)


def test_costs_against_a_budget_by_definition():
    made = outcome_of(plan())
    rows = costs(made, 1.7e6).set_index("measure")["value"]
    pay = made.pay["old"]
    assert rows["over_chance"] == pytest.approx((pay > 1.7e6).mean())
    assert rows["over_mean"] == pytest.approx(np.maximum(pay - 1.7e6, 0).mean())
    assert rows["reserve"] == pytest.approx(np.quantile(pay, 0.9) - np.quantile(pay, 0.5))
    assert rows["target"] == pytest.approx(40 * TARGET)


def reacting(behaviour, **more):
    made = world(group({"old": plan(**more), "new": plan(**more)}, 40), scenarios=250)
    return simulate(replace(made, behaviour={"new": behaviour}))


def test_no_behaviour_is_the_default_and_zeros_change_nothing():
    made = reacting(Behaviour("none"))
    assert np.array_equal(made.pay["old"], made.pay["new"])
    assert made.moved["new"].sum() == 0


def test_timing_moves_sales_to_where_they_pay_more_and_loses_none_but_the_discount():
    moved = reacting(Behaviour("timing", shift=0.1))
    assert moved.pay["new"].mean() > moved.pay["old"].mean()
    assert abs(moved.moved["new"]).max() < 1e-6 * moved.sales.mean()
    dear = reacting(Behaviour("discount", shift=0.1, discount=0.1))
    assert dear.moved["new"].mean() < 0
    assert dear.pay["new"].mean() < moved.pay["new"].mean()


def test_effort_follows_the_ratio_of_slopes_by_its_elasticity():
    base = world(group({"old": plan()}, 40), scenarios=250)
    slope = expected_slopes(base, "old")["case"]
    made = reacting(Behaviour("effort", effort=0.5, reference=(("case", slope / 1.21),)))
    # By hand: the next sale pays 21 % more than the reference, at an elasticity of a half: sales × 1.1.
    assert made.moved["new"].mean() / made.sales.mean() == pytest.approx(0.1, abs=0.002)


def test_sandbagging_holds_back_only_beyond_the_top():
    top = [{"from": "0", "rate": "1"}, {"from": "1.2", "rate": "0"}]
    made = reacting(Behaviour("sandbag", sandbag=1.0), components=[{"tiers": top}])
    assert made.moved["new"].mean() < 0
    assert made.pay["new"] == pytest.approx(made.pay["old"], rel=1e-5)


def test_gaming_gains_by_hand():
    # Window target 10,000. Pull-in at 100 %: a tenth moves from 1 × (next window at quota) to 2 ×: 1,000.
    lanes = group({"old": plan()}, 1).lanes["old"]
    rows = payout.gaming(lanes, "bookings", "new", 0.10).set_index("action")
    assert rows.loc["pull-in", "gain"] == pytest.approx(1_000)
    assert rows.loc["pull-in", "gain_share"] == pytest.approx(0.10)
    # At a discount of a tenth a tenth brings 0.09: 1,800 − 1,000.
    assert rows.loc["pull-in at a discount", "gain"] == pytest.approx(800)
    assert rows.loc["push-out", "gain"] == pytest.approx(1_000)


def test_threshold_and_curve_rows_by_hand():
    points = [["0", "0"], ["0.6", "0"], ["0.6", "0.4"], ["1", "1"], ["1.5", "2"]]
    shape = {"method": "interpolated", "type": "bonus", "rate_unit": "share_of_target", "points": points}
    jump = plan([shape | {"allow_jump": True}])
    assert payout.threshold(jump) == 0.6
    rows = payout.curve_rows(jump, "new").set_index("x")
    assert rows.loc[0.6, "jump"] == pytest.approx(0.4 * 40_000)
    assert rows.loc[1.0, "slope"] == pytest.approx(2.0)
    assert rows.loc[1.5, "pay"] == pytest.approx(80_000)


def test_bounded_blocks_stream_a_large_roster():
    large = world(group({"old": plan()}, 700), scenarios=60)
    made = simulate(large)
    assert isinstance(made.sales, np.ndarray)
    assert made.sales.shape == (60,)
    assert pd.Series(made.seat_pay["old"]).between(0.7 * TARGET, 2 * TARGET).all()


def test_a_pool_of_a_fixed_sum_is_paid_in_every_year_and_shared_evenly():
    # 5,000 a quarter × 80 % = 16,000 a year over 4 seats: 4,000 each.
    pool = [{"id": "pot", "funding": {"amount": "5000", "period": "quarter", "share": "0.8"},
             "distribute": {"by": "equal", "method": "largest_remainder"}}]  # fmt: skip
    made = simulate(world(group({"old": plan(), "new": plan(pool=pool)}, 4), scenarios=300))
    assert made.pay["new"] - made.pay["old"] == pytest.approx(np.full(300, 16_000.0))
    assert (made.detail.pay["new"] - made.detail.pay["old"]) == pytest.approx(4_000.0, rel=1e-4)


def test_a_budget_of_a_spiff_is_one_over_all_units_of_reps():
    # 300 reps are several units; the budget of 2,000 is asked for many times over.
    spiffs = [{"id": "launch", "pays": "100", "per": "deal", "event": "booked",
               "from": date(2026, 1, 1), "to": date(2026, 4, 2), "max_total": "2000"}]  # fmt: skip
    worths = {"launch": (np.ones(10), False)}
    made = simulate(
        world(group({"old": plan(), "new": plan(spiffs=spiffs)}, 300,
                    {"bookings": deals(worths=worths, reps=300)}), scenarios=50)
    )  # fmt: skip
    assert made.pay["new"] - made.pay["old"] == pytest.approx(np.full(50, 2000.0), rel=1e-2)


def test_who_left_before_the_year_and_owns_a_deal_of_it_stays_known():
    # By hand: A left and owns a deal that closes in the year, B left and owns none, C is there.
    path = Path(__file__).parents[2] / "data" / "plans" / "ae.yaml"
    (plan,) = checked_plans([("ae.yaml", path.read_text(encoding="utf-8"))])
    holders = pd.DataFrame(
        {"rep_id": ["A", "A", "B", "C"], "start_date": [date(2024, 1, 1), date(2024, 7, 1)] * 2,
         "end_date": [date(2024, 7, 1), date(2025, 6, 20), date(2025, 5, 1), None]}
    )  # fmt: skip
    events = pd.DataFrame(
        {"event": "booked", "date": [date(2025, 8, 1), date(2025, 3, 1)], "rep_id": ["A", "B"]}
    )
    made = Records(events, holders, None, date(2026, 1, 1), {}).inputs([plan], date(2025, 7, 1))
    assert made.holders["rep_id"].tolist() == ["A", "C"]
    assert made.holders["start_date"].tolist() == [date(2024, 7, 1)] * 2
