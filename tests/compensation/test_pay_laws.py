"""Laws of pay, a thousand cases each: several drawn at once, or every payee of a drawn plan.

The laws of a whole company stand below :func:`companies`, one function each. They are checked on the same
twenty-five drawn companies of forty payees, so that what a law compares with is worked out once.
"""

import random
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from salesops_lib.compensation.engine.holders import Holder, Spell
from salesops_lib.compensation.engine.proration import Prorated, Versions
from salesops_lib.compensation.engine.rounding import Rounder, running, share_out
from salesops_lib.compensation.plans.curves import Curve, interpolated, marginal, retroactive, step
from salesops_lib.compensation.plans.load import the_plan
from salesops_lib.compensation.plans.windows import Windows, calendar_from

COMPANIES, PAYEES, DEALS = 25, 40, 4
alone = settings(max_examples=40, deadline=None, derandomize=True)  # × 25 cases: 1,000
together = settings(
    max_examples=COMPANIES, deadline=None, derandomize=True, phases=[Phase.generate]
)  # × 40 payees: 1,000
MODES = ["half_even", "half_up", "half_down", "up", "down", "ceiling", "floor"]
rates = st.integers(0, 400).map(lambda n: Fraction(n, 100))
values = st.integers(0, 3_000).map(lambda n: Fraction(n, 1000))
parts_of_money = st.tuples(st.integers(-(10**6), 10**6), st.integers(1, 999)).map(lambda p: Fraction(*p))


@st.composite
def tiers(draw, rising: bool = False) -> list[tuple[Fraction, Fraction]]:
    knots = sorted(draw(st.sets(st.integers(1, 2_000), max_size=4)))
    drawn = draw(st.lists(rates, min_size=len(knots) + 1, max_size=len(knots) + 1))
    return list(
        zip([Fraction(k, 1000) for k in (0, *knots)], sorted(drawn) if rising else drawn, strict=True)
    )


@st.composite
def curves(draw) -> Curve:
    method = draw(st.sampled_from([marginal, retroactive, step, interpolated]))
    made = draw(tiers(rising=True))
    return method([(Fraction(0), Fraction(0)), *made[1:]] if method is interpolated else made)


def many(strategy):
    return st.lists(strategy, min_size=25, max_size=25)


@alone
@given(curves(), many(values))
def test_more_of_the_measure_never_pays_less(curve, drawn):
    paid = [curve.at(value) for value in sorted(drawn)]
    assert paid == sorted(paid)


@alone
@given(many(tiers()), st.integers(1, 10**6))
def test_a_marginal_curve_is_continuous_at_every_knot(several, fine):
    for drawn in several:
        curve = marginal(drawn)
        assert curve.jumps == []
        for knot, _ in drawn:
            near = curve.at(knot) - curve.at(knot - Fraction(1, fine))
            assert 0 <= near <= max(rate for _, rate in drawn) * Fraction(1, fine)


@alone
@given(many(tiers(rising=True)))
def test_a_retroactive_jump_is_the_boundary_times_the_change_of_rate(several):
    for drawn in several:
        pairs = pairwise(drawn)
        by_hand = {k: k * (r - before) for (_, before), (k, r) in pairs if r != before}
        assert {x: right - left for x, left, right in retroactive(drawn).jumps} == by_hand


@alone
@given(many(parts_of_money), st.sampled_from(MODES), st.integers(1, 7))
def test_lines_add_up_to_the_rounded_total_wherever_they_are_cut(parts, mode, unit):
    rounder = Rounder(unit, mode)
    lines = running(parts, rounder.cents)
    assert sum(lines) == rounder.cents(sum(parts, Fraction(0)))
    for cut in range(len(parts)):
        assert running(parts[:cut], rounder.cents) == lines[:cut]


@alone
@given(many(parts_of_money), st.sampled_from(MODES), st.integers(1, 7))
def test_rounding_is_off_by_less_than_a_unit_and_by_half_where_it_says_so(parts, mode, unit):
    for amount in parts:
        cents = Rounder(unit, mode).cents(amount)
        assert cents % unit == 0
        assert abs(cents - amount * 100) < unit
        assert not mode.startswith("half") or abs(cents - amount * 100) <= Fraction(unit, 2)


@alone
@given(many(st.integers(-(10**7), 10**7)), st.lists(st.integers(0, 9), min_size=1, max_size=9).filter(any))
def test_a_pool_is_shared_to_the_last_cent_whatever_the_order(pools, weights):
    ids = [f"R{n}" for n in range(len(weights))]
    for whole in pools:
        parts = dict(zip(ids, share_out(whole, weights, ids), strict=True))
        assert sum(parts.values()) == whole
        exact = {i: Fraction(whole * w, sum(weights)) for i, w in zip(ids, weights, strict=True)}
        assert all(abs(parts[i] - exact[i]) < 1 for i in ids)
        assert dict(zip(ids[::-1], share_out(whole, weights[::-1], ids[::-1]), strict=True)) == parts


@pytest.fixture(scope="module")
def year(text_of_plan):
    """A plan by days with a yearly quota, and the windows of its year."""
    sales = {"aggregate": "sum", "field": "amount", "event": "booked", "period": "year"}
    plan = the_plan(
        text_of_plan(
            {
                "pay": {"target_total_cash": "90000", "base_salary": "60000"},
                "proration": {"basis": "actual_days", "quota": "true", "target_incentive": "true"},
                "measures": {
                    "sales": sales | {"quota": {"source": "individual", "ramp": ["0.2", "0.6", "1"]}}
                },
            }
        ),
        "year.yaml",
    )
    return plan, Windows(calendar_from(plan.start))


@alone
@given(many(st.integers(1, 364)), st.integers(-100, 364), st.booleans())
def test_quota_and_target_add_up_over_spells_however_they_are_cut(year, days, hired, ramps):
    # A year in one piece has the quota and target of the same year in pieces, ramp or not.
    plan, windows = year
    first = plan.start.toordinal()
    window = windows.at("year", first)

    def prorated(bounds: list[int]) -> tuple[Fraction, Fraction]:
        spells = [
            Spell("R1", low, high, quotas={"sales": Fraction(120_000)}) for low, high in pairwise(bounds)
        ]
        holder = Holder("R1", plan.start + timedelta(days=hired) if ramps else None, tuple(spells))
        work = Prorated(Versions((plan,)), windows, {"R1": holder})
        return work.quota("R1", "sales", plan, window), work.target("R1", plan, window)

    whole = prorated([first, first + 365])
    assert all(prorated([first, first + day, first + 365]) == whole for day in days)
    assert prorated([first, *(first + day for day in sorted(set(days))), first + 365]) == whole
    if not ramps:
        assert whole == (120_000, 30_000)


@st.composite
def companies(draw) -> tuple[dict, list[dict[str, str]]]:
    """A plan with any tiers, caps and rounding, and deals of forty payees."""
    written = [{"from": str(int(k * 10_000)), "rate": str(float(r))} for k, r in draw(tiers(rising=True))]
    component = {
        "id": "c", "type": "commission", "measure": "sales", "weight": "0", "basis": "amount",
        "rate_unit": "percent", "tiers": written,
        "method": draw(st.sampled_from(["marginal", "retroactive"])),
    }  # fmt: skip
    cap = draw(st.sampled_from([None, {"amount": "333.33"}, {"per_deal": "77.77"}]))
    component |= {"cap": cap} if cap else {}
    sales = {"aggregate": "sum", "field": "amount", "event": "booked"}
    plan = {
        "rounding": {"unit": "0.01", "mode": draw(st.sampled_from(MODES))},
        "measures": {"sales": sales | {"period": draw(st.sampled_from(["month", "quarter", "year"]))}},
        "components": [component],
    }
    chance = random.Random(draw(st.integers(0, 2**32)))
    rows = [
        {
            "rep_id": f"R{rep:02d}", "deal_id": f"D{rep}-{deal}", "event_id": f"E{rep}-{deal}",
            "event": "booked", "date": str(date(2026, 1, 1) + timedelta(days=chance.randrange(90))),
            "amount": f"{chance.randrange(1, 30_000_00) / 100:.2f}",
        }
        for rep in range(PAYEES) for deal in range(DEALS)
    ]  # fmt: skip
    return plan, rows


def by_payee(result, kinds=("commission", "adjustment")) -> dict[str, list[int]]:
    found = defaultdict(list)
    for line in result.lines:
        if line.kind in kinds:
            found[line.rep].append(line.cents)
    return found


def pay_does_not_depend_on_the_order_of_rows(paid, once, plan, rows, drawn):
    again = paid(plan, drawn.sample(rows, len(rows)))
    assert [line[:9] for line in once.lines] == [line[:9] for line in again.lines]
    assert once.payments == again.payments


def a_batch_can_be_cut_on_any_day(paid, once, plan, rows, drawn):
    # What was paid by a day stays what it was when the rest of the events arrives.
    cut = date(2026, 1, 1) + timedelta(days=drawn.randrange(1, 90))
    whole = [line[:9] for line in once.lines if line.day <= cut.toordinal()]
    assert [line[:9] for line in paid(plan, rows, through=cut).lines] == whole


def taking_every_deal_back_in_its_window_leaves_nothing(paid, once, plan, rows, drawn):
    plan = {**plan, "measures": {"sales": plan["measures"]["sales"] | {"period": "year"}}}
    back = [
        {**row, "event_id": f"{row['event_id']}-back", "date": "2026-06-30", "amount": f"-{row['amount']}"}
        for row in rows
    ]
    for cents in by_payee(paid(plan, rows + back)).values():
        assert sum(cents) == 0


def taking_the_last_deal_back_returns_to_the_cent_before_it(paid, once, plan, rows, drawn):
    plan = {**plan, "measures": {"sales": plan["measures"]["sales"] | {"period": "year"}}}
    more = [
        {
            **rows[0], "rep_id": f"R{rep:02d}", "deal_id": f"X{rep}", "event_id": f"X{rep}{sign}",
            "date": day, "amount": f"{sign}123.45",
        }
        for rep in range(PAYEES) for sign, day in (("", "2026-05-01"), ("-", "2026-05-02"))
    ]  # fmt: skip
    before, after = by_payee(paid(plan, rows)), by_payee(paid(plan, rows + more))
    assert {rep: sum(cents) for rep, cents in before.items()} == {
        rep: sum(cents) for rep, cents in after.items()
    }


def no_cap_is_ever_exceeded(paid, once, plan, rows, drawn):
    for cap, of in (({"amount": "333.33"}, 33333), ({"per_deal": "77.77"}, 7777)):
        capped = {**plan, "components": [plan["components"][0] | {"cap": cap}]}
        lines = [line for line in paid(capped, rows).lines if line.kind == "commission"]
        sums = defaultdict(int)
        for line in lines:
            sums[(line.rep, line.window) if "amount" in cap else line.deal] += line.cents
        # A line is a difference of rounded totals: it may show a deal's cap one cent off, never a window's.
        assert max(sums.values()) <= of + ("per_deal" in cap)


def a_draw_loses_nothing_and_every_line_is_in_a_payment(paid, once, plan, rows, drawn):
    amount, recoverable = drawn.randint(0, 400), drawn.random() < 0.5
    recovery = {"starts": "immediate", "rate": "0.5", "floor": "draw", "forgive_at_end": "true"}
    kind = {"kind": "recoverable", "recovery": recovery} if recoverable else {"kind": "non_recoverable"}
    draw = kind | {"amount": str(amount + 1), "period": "month", "to_tenure_month": "2"}
    result = paid({**plan, "draw": draw}, rows)
    by_rep = defaultdict(list)
    for payment in result.payments:
        by_rep[payment.rep].append(payment)
        parts = payment.earned + payment.held + payment.clawed_back + payment.overpayment
        assert payment.paid == parts + payment.draw + payment.draw_recovery >= 0
    for mine in by_rep.values():
        advanced, back = sum(p.draw for p in mine), -sum(p.draw_recovery for p in mine)
        if recoverable:
            assert advanced == back + sum(p.forgiven for p in mine) + mine[-1].draw_balance
        else:
            assert back == 0
    assert sum(line.cents for line in result.lines) == sum(p.paid for p in result.payments)


def what_is_held_is_released_or_cancelled_or_still_held(paid, once, plan, rows, drawn):
    share, part = drawn.randint(1, 99), drawn.randint(0, 100)
    more = {
        "holds": [{"component": "c", "share": f"0.{share:02d}", "release_on": "invoice_paid"}],
        "clawback": {
            "trigger": ["churn"], "window_days": "200", "schedule": "linear", "reduces_attainment": "false",
            "only_paid": "true",
        },
    }  # fmt: skip
    later = [
        {
            "deal_id": row["deal_id"],
            "event_id": f"{row['event_id']}-{kind}",
            "event": kind,
            "date": "2026-04-15",
        }
        | ({"amount": f"{float(row['amount']) * part / 100:.2f}"} if kind == "paid" else {})
        for row, kind in zip(rows, ["paid", "churn", "paid"] * len(rows), strict=False)
    ]
    result = paid({**plan, **more}, rows + later)
    held = defaultdict(int)
    for line in result.lines:
        held[line.rep] += line.cents if line.kind in {"hold", "release"} else 0
    last = {p.rep: p.held_balance for p in result.payments}
    assert {rep: -cents for rep, cents in held.items()} == last
    assert min(last.values()) >= 0


def more_of_a_deal_never_pays_less(paid, once, plan, rows, drawn):
    # Rates rise, so a payee's sum does. A cap per deal is left out: it bites where a tier is crossed.
    (part,) = plan["components"]
    if "per_deal" in part.get("cap", ()):
        plan = {**plan, "components": [{k: v for k, v in part.items() if k != "cap"}]}
        once = paid(plan, rows)
    larger = [{**row, "amount": f"{float(row['amount']) * drawn.choice((1, 1.5)):.2f}"} for row in rows]
    more = by_payee(paid(plan, larger))
    assert {r: c for r, c in by_payee(once).items() if sum(more[r]) < sum(c)} == {}


LAWS = (
    pay_does_not_depend_on_the_order_of_rows, a_batch_can_be_cut_on_any_day,
    taking_every_deal_back_in_its_window_leaves_nothing,
    taking_the_last_deal_back_returns_to_the_cent_before_it, no_cap_is_ever_exceeded,
    a_draw_loses_nothing_and_every_line_is_in_a_payment,
    what_is_held_is_released_or_cancelled_or_still_held, more_of_a_deal_never_pays_less,
)  # fmt: skip


@together
@given(companies(), st.integers(0, 2**32))
def test_every_law_of_pay_holds_in_a_drawn_company(paid, company, seed):
    plan, rows = company
    once = paid(plan, rows)
    assert len(once.lines) >= PAYEES  # where nothing is paid nothing is proved
    for law in LAWS:
        law(paid, once, plan, rows, random.Random(seed))


def test_every_law_is_checked_a_thousand_times():
    assert COMPANIES * PAYEES >= 1_000
    assert together.max_examples == COMPANIES
    assert alone.max_examples * 25 >= 1_000
