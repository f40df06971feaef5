"""The fast path pays what fractions pay, line by line, also at ties, at knots and where it may not go."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from salesops_lib.compensation.engine import fast_lines
from salesops_lib.compensation.engine.deal_lines import deal_lines
from salesops_lib.compensation.plans.curves import marginal, retroactive, step

REPS, DEALS = 10, 20
MODES = ["half_even", "half_up", "half_down", "up", "down", "ceiling", "floor"]
TIERS = [
    {"from": "0", "rate": "1.15"},
    {"from": "20000", "rate": "1.35"},
    {"from": "50000.01", "rate": "2.5"},
]


def events(seed: int, amounts=None) -> list[dict[str, str]]:
    """Deals of some reps over a year, cents at random, a tenth of them taken back."""
    rng = np.random.default_rng(seed)
    rows = []
    for rep in range(REPS):
        for deal in range(DEALS):
            cents = int(rng.integers(-200_000, 1_000_000)) if amounts is None else int(rng.choice(amounts))
            day = np.datetime64("2026-01-01") + int(rng.integers(0, 365))
            amount = str(Decimal(cents).scaleb(-2))
            rows.append(
                {
                    "rep_id": f"R{rep:02d}", "deal_id": f"D{rep}-{deal}", "event_id": f"E{rep}-{deal}",
                    "event": "booked", "date": str(day), "amount": amount,
                }
            )  # fmt: skip
    return rows


def plan(mode: str, **component) -> dict:
    made = {
        "id": "c", "type": "commission", "measure": "sales", "weight": "0", "basis": "amount",
        "rate_unit": "percent", "method": "marginal", "tiers": TIERS,
    }  # fmt: skip
    sales = {
        "aggregate": "sum",
        "field": "amount",
        "event": "booked",
        "period": component.pop("period", "year"),
    }
    quota = component.pop("quota", None)
    return {
        "rounding": {"unit": component.pop("unit", "0.01"), "mode": mode},
        "measures": {"sales": sales | ({"quota": quota} if quota else {})},
        "pay": {"target_total_cash": "90000", "base_salary": "60000"} if "pay" in component else None,
        "components": [made | {k: v for k, v in component.items() if k != "pay"}],
    }


def both(paid, written: dict, rows: list[dict]):
    written = {key: value for key, value in written.items() if value is not None}
    fast, exact = paid(written, rows), paid(written, rows, exactly=True)
    assert not exact.earned.blocks
    return fast, exact


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["marginal", "retroactive"])
def test_every_line_is_that_of_fractions(paid, mode, method):
    fast, exact = both(paid, plan(mode, method=method, period="quarter"), events(1))
    assert sum(len(block) for block in fast.earned.blocks) == REPS * DEALS
    assert fast.lines == exact.lines
    assert fast.payments == exact.payments


@pytest.mark.parametrize("mode", MODES)
def test_ties_and_knots_are_left_to_fractions(paid, mode):
    # 1 % of 0.50 is half a cent: every second running total is a tie. 20,000 and 50,000 are knots.
    rates = [{"from": "0", "rate": "1"}, {"from": "20000", "rate": "3"}, {"from": "50000", "rate": "5"}]
    rows = events(2, [50, 150, 50_000, 1_000_000, 2_000_000, -50])
    fast, exact = both(paid, plan(mode, tiers=rates), rows)
    assert sum(block.exact for block in fast.earned.blocks) > REPS
    assert fast.lines == exact.lines


def test_attainment_caps_and_units_agree_too(paid):
    tiers = [{"from": "0", "rate": "0.75"}, {"from": "0.5", "rate": "1.25"}, {"from": "1", "rate": "2"}]
    quota = {"source": "role", "value": "77777.77"}
    written = plan(
        "half_even", basis="attainment", rate_unit="multiple_of_base", tiers=tiers, weight="1", quota=quota,
        pay=True, cap={"share_of_target": "1.05"}, unit="0.05",
    )  # fmt: skip
    fast, exact = both(paid, written, events(3))
    assert any(block.capped.any() for block in fast.earned.blocks)
    assert fast.lines == exact.lines


def test_only_the_holders_whose_deals_reach_their_cap_are_paid_line_by_line(paid):
    rows = events(4)
    big = {**rows[0], "event_id": "big", "deal_id": "big", "amount": "90000"}
    fast, exact = both(paid, plan("half_even", cap={"per_deal": "900"}), [*rows, big])
    in_blocks = {line.rep for lines in fast.earned.block_lines().values() for line in lines}
    assert len(in_blocks) == REPS - 1
    assert fast.lines == exact.lines


def test_a_churned_deal_leaves_the_other_holders_in_columns(paid):
    rows = [*events(5), {"deal_id": "D0-3", "event_id": "x", "event": "churn", "date": "2026-12-30"}]
    written = plan("half_even") | {
        "clawback": {
            "trigger": ["churn"], "window_days": "400", "schedule": "linear", "reduces_attainment": "true",
            "only_paid": "true",
        }
    }  # fmt: skip
    fast, exact = both(paid, written, rows)
    assert len(fast.earned.block_lines()) == REPS - 1
    assert fast.lines == exact.lines
    assert fast.payments == exact.payments


def test_versions_are_paid_in_blocks_of_their_own(paid):
    first = plan("half_even", period="quarter") | {"effective": {"from": "2026-01-01", "to": "2026-07-01"}}
    second = plan("half_up", period="quarter", tiers=[{"from": "0", "rate": "2"}]) | {
        "version": "2", "effective": {"from": "2026-07-01", "to": "2027-01-01"},
    }  # fmt: skip
    versions = [{k: v for k, v in p.items() if v is not None} for p in (first, second)]
    fast, exact = paid(versions, events(6)), paid(versions, events(6), exactly=True)
    assert [block.version for block in fast.earned.blocks] == [1, 2]
    assert fast.lines == exact.lines


def test_what_the_fast_path_refuses_is_counted_in_full(paid):
    # Multipliers, gates, splits and ends of windows have no block, and the sums are the same.
    base = plan("half_even")
    for more in ({"paid": "at_period_end"}, {"gate": {"measure": "sales", "value_at_least": "1000"}}):
        written = base | {"components": [base["components"][0] | more]}
        fast, exact = both(paid, written, events(7))
        assert not fast.earned.blocks
        assert fast.lines == exact.lines


@pytest.mark.parametrize("make", [marginal, retroactive, step])
def test_the_bound_holds_for_any_magnitude(make):
    # Against exact fractions: totals from a cent to 10^13, divisors that do not end in binary.
    rng = np.random.default_rng(8)
    tiers = [(Fraction(0), Fraction(3, 4)), (Fraction(1, 3), Fraction(5, 4)), (Fraction(10, 7), Fraction(2))]
    curve = make(tiers)
    units = rng.integers(1, 2**44, 2000) >> rng.integers(0, 40, 2000)
    scales = [
        fast_lines.Scale(Fraction(int(d), 7), Fraction(int(s), 3))
        for d, s in rng.integers(1, 10**9, (2000, 2))
    ]
    groups = fast_lines._Groups(
        np.arange(2000), np.arange(2001), scales, np.full(2000, fast_lines.NO_CAP),
        np.array([float(s.divisor) for s in scales]), np.array([float(s.scale) for s in scales]),
    )  # fmt: skip
    total, bound, near = fast_lines._totals(curve, groups, units, 2)
    assert not near.all()
    for k in np.flatnonzero(~near):
        true = scales[k].scale * curve.at(Fraction(int(units[k]), 100) / scales[k].divisor) * 100
        assert abs(Fraction(float(total[k])) - true) <= Fraction(float(bound[k])) / 2


def test_a_block_makes_the_records_that_the_slow_way_makes(paid):
    fast = paid({k: v for k, v in plan("half_even").items() if v is not None}, events(9))
    (block,) = fast.earned.blocks
    slow = [
        line for rep, window in block.columns.spans() for line in deal_lines(fast.paying, rep, "c", window)
    ]
    assert block.lines() == slow
    assert fast.count() == len(fast.lines)
    assert sum(line.kind == "commission" for line in fast.lines) == REPS * DEALS
