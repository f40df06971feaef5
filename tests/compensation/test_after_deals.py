"""SPIFFs, pools, holds and clawbacks of simulated years, each against a calculation by hand."""

import importlib.util
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from salesops_lib.compensation.engine.history import Records
from salesops_lib.compensation.engine.pay import pay
from salesops_lib.compensation.plans.windows import calendar_from
from salesops_lib.compensation.simulation.after import After, Past, after_of
from salesops_lib.compensation.simulation.deal_past import past_deals
from salesops_lib.compensation.simulation.families import Family
from salesops_lib.compensation.simulation.real_year import real_year
from salesops_lib.compensation.simulation.years import simulate


def _worlds():
    """`test_simulation`'s makers of plans, groups and worlds."""
    name = "tests_compensation_simulated_worlds"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("test_simulation.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


w = _worlds()
SPAN = {"from": date(2026, 1, 1), "to": date(2027, 1, 1)}


def at_quota(reps):
    return {"bookings": replace(w.stream(reps), shape=Family("empirical", values=(1.0,)))}


@pytest.mark.parametrize(
    ("terms", "worth", "expected"),
    [
        # 20 deals a rep and year: 5 a quarter. Half a deal's credit each: 20 × 0.5 × 100.
        ({"pays": "100", "per": "deal"}, (np.full(10, 0.5), False), 1_000),
        # 3 units a deal at 40.
        ({"pays": "40", "per": "unit", "field": "seats"}, (np.full(10, 3.0), True), 2_400),
        # 2 % of what a deal brings, 20,000 each.
        ({"pays": "2", "per": "percent", "field": "amount"}, (np.full(10, 20_000.0), True), 8_000),
    ],
)
def test_a_spiff_pays_per_share_of_a_deal_per_unit_and_in_percent(terms, worth, expected):
    paying = w.plan(spiffs=[{"id": "push", "event": "booked", **SPAN, **terms}])
    sources = {"bookings": w.deals(worths={"push": worth})}
    made = simulate(w.world(w.group({"old": w.plan(), "new": paying}, 30, sources), scenarios=600))
    extra = (made.pay["new"] - made.pay["old"]).mean() / 30
    # The span ends on a day of 365.25: a fraction of a percent less.
    assert extra == pytest.approx(expected, rel=0.01)


def test_a_spiff_in_percent_grows_with_sales_and_one_per_deal_does_not():
    sized = w.plan(spiffs=[{"id": "push", "event": "booked", "pays": "2", "per": "percent",
                            "field": "amount", **SPAN}])  # fmt: skip
    for grows, ratio in ((True, 1.2), (False, 1.0)):
        sources = {"bookings": w.deals(worths={"push": (np.full(10, 20_000.0), grows)})}
        worlds = [w.world(w.group({"old": sized}, 30, sources), scenarios=250, level=x) for x in (1.0, 1.2)]
        low, high = (simulate(one).parts["old"]["case", "push"] for one in worlds)
        assert high / low == pytest.approx(ratio, rel=1e-5)


def pool_plan(by, **more):
    pool = {"id": "pot", "funding": {"measure": "bookings", "rate_percent": "1"},
            "distribute": {"by": by, "method": "largest_remainder"}, **more}  # fmt: skip
    return w.plan(pool=[pool])


def test_a_pool_by_credit_follows_what_each_sold():
    # By hand: 1 % of what all sell, shared by it, is 1 % of what each sells.
    made = simulate(w.world(w.group({"old": w.plan(), "new": pool_plan("credit")}, 5), scenarios=100))
    extra = made.detail.pay["new"] - made.detail.pay["old"]
    assert extra == pytest.approx(0.01 * made.detail.attained * 4 * w.QUOTA, rel=1e-3)


def test_a_pool_of_several_roles_is_paid_once_and_shared_by_all_seats():
    # Two groups of one plan, 3 and 1 seats at quota: 1 % of 4 × 400,000 = 16,000, a quarter each.
    plans = {"old": w.plan(), "new": pool_plan("equal")}
    groups = [w.group(plans, 3, at_quota(3), name="case · A"),
              w.group(plans, 1, at_quota(1), name="case · B", rows=np.array([3]))]  # fmt: skip
    made = simulate(w.world(*groups, scenarios=20))
    assert made.pay["new"] - made.pay["old"] == pytest.approx(np.full(20, 16_000.0), rel=1e-4)
    assert made.seat_pay["new"] - made.seat_pay["old"] == pytest.approx(np.full(4, 4_000.0), rel=1e-3)
    # Only role B shares: all of it is one seat's.
    only = [replace(g, lanes={"old": g.lanes["old"], "new": w.group(
        {"new": pool_plan("equal", roles=["B"])}, len(g.rows)).lanes["new"]}) for g in groups]  # fmt: skip
    made = simulate(w.world(*only, scenarios=20))
    extra = made.seat_pay["new"] - made.seat_pay["old"]
    assert extra == pytest.approx([0, 0, 0, 16_000.0], rel=1e-3)


def test_a_pool_by_days_pays_a_seat_that_stood_empty_less():
    made = simulate(
        w.world(w.group({"old": w.plan(), "new": pool_plan("days_active")}, 6), scenarios=250,
                leaving=w.Leaving(0.5, 6))
    )  # fmt: skip
    paid = made.detail.pay["new"] - made.detail.pay["old"]
    # All of it is paid, and not in equal parts.
    assert paid.sum(axis=1) == pytest.approx(0.01 * made.sales, rel=1e-3)
    assert (paid.max(axis=1) > 1.2 * paid.min(axis=1)).mean() > 0.5


def test_what_comes_back_is_drawn_from_past_deals_and_not_taken_off_pay():
    # A fifth of the value came back, all of it from every fifth deal; all at quota: pay is 40,000 a seat.
    after = After(True, np.full(10, 5.0), np.array([1.0, 0, 0, 0, 0] * 2), per_year=40)
    clawing = w.group({"old": w.plan()}, 10, at_quota(10), after={"old": after})
    made = simulate(w.world(clawing, scenarios=1000))
    assert made.pay["old"] == pytest.approx(np.full(1000, 10 * w.TARGET), rel=1e-5)
    share = made.returned["old"] / made.pay["old"]
    assert share.mean() == pytest.approx(0.2, abs=0.01)
    # 40 deals, each back with p = 1/5: a standard deviation of √(.2 × .8 ÷ 40).
    assert share.std() == pytest.approx(np.sqrt(0.16 / 40), rel=0.1)


def test_without_a_deal_old_enough_what_comes_back_is_unknown_not_zero():
    blind = w.group({"old": w.plan()}, 3, after={"old": After(claws_back=True)})
    assert np.isnan(simulate(w.world(blind, scenarios=20)).returned["old"]).all()
    assert (simulate(w.world(w.group({"old": w.plan()}, 3), scenarios=20)).returned["old"] == 0).all()
    # Beside a role that can tell, the one that cannot is left out of the sum.
    telling = w.group({"old": w.plan()}, 2, at_quota(2), name="seen", rows=np.array([3, 4]),
                      after={"old": After(True, np.ones(4), np.ones(4), 10)})  # fmt: skip
    made = simulate(w.world(blind, telling, scenarios=20))
    assert made.returned["old"] == pytest.approx(np.full(20, 2 * w.TARGET), rel=1e-5)


def test_pay_of_each_month_is_held_as_long_as_past_deals_were():
    # By hand: 10 seats earn 40,000 a year, a twelfth a month; half is held; only December's is not released.
    left = np.array([0.0] * 11 + [1.0])
    after = After(held={"commission": (0.5, left)})
    held = w.group({"old": w.plan()}, 10, at_quota(10), after={"old": after})
    made = simulate(w.world(held, scenarios=20))
    assert made.detail.held["old"] == pytest.approx(np.full(20, 10 * w.TARGET / 12 * 0.5), rel=1e-4)


def records(rows, through):
    columns = ["deal_id", "event", "date", "rep_id", "amount", "product"]
    events = pd.DataFrame(rows, columns=columns).astype("object")
    events.insert(0, "event_id", [f"E{n}" for n in range(len(events))])
    holders = pd.DataFrame(
        {"rep_id": ["R"], "plan_id": "case", "role": "Seller", "start_date": date(2025, 1, 1),
         "end_date": None, "manager_id": None, "hire_date": date(2024, 1, 1), "target_cash": None,
         "base_salary": None, "quota": "100000"}
    ).astype("object")  # fmt: skip
    return Records(events, holders, calendar_from(date(2025, 1, 1)), through, {})


def past_plan(**more):
    return w.plan(effective={"from": date(2025, 1, 1), "to": date(2027, 1, 1)}, **more)


CLAWING = {"trigger": ["churn"], "window_days": 100, "schedule": "linear", "reduces_attainment": True,
           "only_paid": True}  # fmt: skip


def test_the_share_that_came_back_is_that_of_deals_that_have_seen_their_window():
    rows = [
        ("D1", "booked", date(2025, 2, 1), "R", "300", "A"),
        ("D1", "churn", date(2025, 3, 13), None, None, None),  # day 40 of 100: 60 % comes back
        ("D2", "booked", date(2025, 2, 1), "R", "100", "A"),
        ("D2", "churn", date(2025, 9, 1), None, None, None),  # after the window
        ("D3", "booked", date(2025, 12, 1), "R", "900", "A"),  # not old enough
        ("D3", "churn", date(2025, 12, 11), None, None, None),
    ]
    version, known = past_plan(clawback=CLAWING), records(rows, date(2025, 12, 31))
    made = after_of(Past(known, [version], {"R"}), version, (4, 2))
    assert made.back == pytest.approx([0.6, 0.0])
    assert made.rate == pytest.approx(0.6 * 300 / 400)
    # 3 deals in 4 rep-quarters, 2 seats: 6 a year.
    assert made.per_year == pytest.approx(6)
    assert made.interval().low < made.rate < made.interval().high
    full = past_plan(clawback=CLAWING | {"schedule": "full", "trigger": ["churn", "non_payment"]})
    proposed = after_of(Past(known, [version], {"R"}), full, (4, 2))
    assert proposed.back == pytest.approx([1.0, 0.0])
    assert proposed.unseen == ("non_payment",)


def test_the_real_year_is_what_was_earned_before_anything_came_back_and_replays_to_the_cent():
    # By hand: 1,300 booked under quota at 40,000 ÷ 400,000 a dollar is 130.00, whatever customers did later.
    rows = [
        ("D1", "booked", date(2025, 2, 1), "R", "300", "A"),
        ("D1", "churn", date(2025, 2, 10), None, None, None),
        ("D2", "booked", date(2025, 2, 20), "R", "100", "A"),
        ("D3", "booked", date(2025, 12, 1), "R", "900", "A"),
    ]
    version = past_plan(clawback=CLAWING)
    known = records(rows, date(2025, 12, 31))
    year = real_year(SimpleNamespace(records=known, plans={v: {"case": version} for v in ("old", "new")}))
    assert year.earned.groupby("variant")["cents"].sum().tolist() == [13_000, 13_000]
    assert year.checked["compared"].tolist() == [2, 2]  # quarters with deals
    assert year.checked["cents_apart"].tolist() == [0, 0]


def test_what_no_event_of_the_data_can_tell_is_unknown_not_zero():
    rows = [("D1", "booked", date(2025, 2, 1), "R", "300", "A")]
    held = [{"component": "commission", "share": "0.5", "release_on": "invoice_paid"}]
    version = past_plan(clawback=CLAWING, holds=held)
    made = after_of(Past(records(rows, date(2026, 12, 31)), [version], {"R"}), version, (4, 1))
    assert made.unseen == ("churn",)
    assert np.isnan(made.rate) and made.interval() is None
    assert np.isnan(made.held["commission"][1]).all()
    blind = w.group({"old": w.plan()}, 3, at_quota(3), after={"old": made})
    drawn = simulate(w.world(blind, scenarios=20))
    assert np.isnan(drawn.returned["old"]).all() and np.isnan(drawn.detail.held["old"]).all()


def test_held_pay_is_released_as_long_after_the_deal_as_in_the_past():
    rows = [
        ("D1", "booked", date(2025, 1, 2), "R", "300", "A"),
        ("D1", "invoice_paid", date(2025, 2, 1), "R", None, "A"),
        ("D2", "booked", date(2025, 1, 2), "R", "100", "A"),
    ]
    version = past_plan(holds=[{"component": "commission", "share": "0.5", "release_on": "invoice_paid"}])
    made = after_of(Past(records(rows, date(2026, 12, 31)), [version], {"R"}), version, (4, 1))
    share, left = made.held["commission"]
    # D1, three quarters of the value, is released on day 30; D2 never. From mid-December 15 days are left.
    assert share == 0.5
    assert left == pytest.approx([0.25] * 11 + [1.0])
    assert made.within_90["commission"] == pytest.approx(0.75)


def test_a_proposed_spiff_is_worth_what_past_deals_say_though_it_never_ran():
    rows = [
        ("D1", "booked", date(2025, 2, 1), "R", "300", "A"),
        ("D2", "booked", date(2025, 2, 1), "R", "100", "B"),
    ]
    spiffs = [{"id": "a", "event": "booked", "pays": "5", "per": "percent", "field": "amount",
               "where": {"product": ["A"]}, **SPAN},
              {"id": "b", "event": "booked", "pays": "5", "per": "deal", "where": {"product": ["B"]},
               **SPAN},
              {"id": "c", "event": "booked", "pays": "5", "per": "unit", "field": "seats", **SPAN},
              {"id": "d", "event": "accepted", "pays": "5", "per": "deal", **SPAN}]  # fmt: skip
    made = past_deals(records(rows, date(2025, 12, 31)), [past_plan()], [w.plan(spiffs=spiffs)], "bookings")
    assert made["spiff_size_a"].tolist() == [300, 0]
    assert made["spiff_deal_b"].tolist() == [0, 1]
    # The engine pays the same: 5 % of 300, and 5 for one deal.
    version = past_plan(spiffs=[{**s, "from": date(2025, 1, 1)} for s in spiffs[:2]])
    paid = pay([version], records(rows, date(2025, 12, 31)).inputs([version]))
    cents = {part: sum(x.cents for x in paid.lines if x.kind == "spiff" and x.part == part) for part in "ab"}
    assert cents == {"a": 5 * made["spiff_size_a"].sum(), "b": 500 * made["spiff_deal_b"].sum()}
    # No field `seats`, and no deal of another event: nobody can tell, and the limits say so.
    assert not {"spiff_size_c", "spiff_deal_d"} & set(made)
