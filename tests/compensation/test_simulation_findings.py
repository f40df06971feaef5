"""Every rule of the simulation: firing, silent, and UNKNOWN where the evidence is too thin."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from salesops_lib import inputs
from salesops_lib.compensation.rules import Setting
from salesops_lib.compensation.simulation import findings as simulation_findings
from salesops_lib.compensation.simulation import role_findings as simulation_role_findings
from salesops_lib.compensation.simulation.rules import SIMULATION_RULES
from salesops_lib.core.findings import Severity

NAN = float("nan")


@pytest.fixture(scope="module")
def setting():
    snapshot = inputs.open_snapshot(as_of="2025-12-12")
    return Setting(snapshot.policy("compensation"), date(2025, 12, 12), "USD")


def judged(findings, code):
    return [f for f in findings if f.code == f"F-COMPSIM-{code}"]


def severity(findings, code):
    (found,) = judged(findings, code)
    return found.severity


def cost(p90=1.2e6, chance=0.6, error=0.001):
    row = {"variant": "new", "p10": 0.9e6, "p50": 1.0e6, "p90": p90, "mean": 1.02e6, "budget": 1.0e6,
           "over_chance": chance, "over_chance_error": error, "over_mean": 5e4, "over_p90": p90 / 1e6 - 1,
           "over_p90_error": error, "reserve": p90 - 1e6}  # fmt: skip
    return pd.DataFrame([row | {"variant": "old"}, row])


def test_overspend_fires_is_silent_and_is_unknown_under_four_quarters(setting):
    dear = simulation_findings.overspend(setting, cost(), 8)
    assert (severity(dear, "OVERSPEND"), severity(dear, "CHANCE")) == (Severity.ACT, Severity.ACT)
    # By hand: 1.2m less 105 % of the budget of 1m.
    assert judged(dear, "OVERSPEND")[0].money_at_stake == pytest.approx(150_000)
    fine = simulation_findings.overspend(setting, cost(p90=1.03e6, chance=0.1), 8)
    assert (severity(fine, "OVERSPEND"), severity(fine, "CHANCE")) == (Severity.OK, Severity.OK)
    thin = simulation_findings.overspend(setting, cost(), 3)
    assert (severity(thin, "OVERSPEND"), severity(thin, "CHANCE")) == (Severity.UNKNOWN, Severity.UNKNOWN)


def test_a_monte_carlo_range_across_the_limit_is_a_watch(setting):
    made = simulation_findings.overspend(setting, cost(p90=1.05e6, error=0.02), 8)
    assert severity(made, "OVERSPEND") is Severity.WATCH


def of_sales(setting, pay, per_sale, periods=8):
    level = {"attained": 1.0, "pay": pay, "error": 1.0, "sales": 10e6, "ccos": (1e6 + pay) / 10e6}
    levels = pd.DataFrame([level | {"variant": v} for v in ("old", "new")])
    slope = {"pay": pay, "sales": 10e6, "per_sale": per_sale, "error": 1e-4}
    slopes = pd.DataFrame([slope | {"variant": v} for v in ("old", "new")])
    return simulation_findings.cost_of_sales(setting, levels, slopes, NAN, periods)


@pytest.mark.parametrize(
    ("pay", "per_sale", "periods", "said"),
    [
        (2e6, 0.30, 8, Severity.ACT),
        (0.5e6, 0.10, 8, Severity.OK),
        (2e6, 0.30, 2, Severity.UNKNOWN),
    ],
)
def test_cost_of_sales_fires_is_silent_and_unknown(setting, pay, per_sale, periods, said):
    made = of_sales(setting, pay, per_sale, periods)
    assert (severity(made, "CCOS"), severity(made, "MARGINAL")) == (said, said)


def seats(changes):
    old = np.full(len(changes), 100_000.0)
    share = np.array(changes)
    outcome = np.select([share > 0.005, share < -0.005], ["wins", "loses"], "same")
    return pd.DataFrame(
        {"plan_id": "ae", "pay_old": old, "change": old * share, "change_share": share, "outcome": outcome}
    )


def test_losers_fire_only_beyond_a_tenth_and_are_unknown_for_few_seats(setting):
    fired = simulation_findings.losers(setting, seats([-0.2, -0.2, *[0.01] * 18]))
    assert severity(fired, "LOSERS") is Severity.ACT
    assert fired[0].money_at_stake == pytest.approx(40_000)
    assert severity(simulation_findings.losers(setting, seats([-0.09] * 20)), "LOSERS") is Severity.OK
    assert severity(simulation_findings.losers(setting, seats([-0.2] * 5)), "LOSERS") is Severity.UNKNOWN


def roles(**changed):
    row = {"variant": "new", "plan_id": "ae", "role": "ae", "seats": 20, "at_threshold": 0.97,
           "at_quota": 0.6,
           "at_excellence": 0.1, "excellence": 1.4, "median_attained": 1.05, "differentiation": 3.0,
           "correlation": 0.97, "cap_share": 0.01, "withheld": 1000.0}  # fmt: skip
    return pd.DataFrame([row | changed])


CODES = ("QUOTA", "EASY", "THRESHOLD", "CORRELATION", "CAP")


def test_a_healthy_role_is_silent_on_every_rule(setting):
    made = simulation_role_findings.reach(setting, roles(), 8)
    assert {c: severity(made, c) for c in CODES} == dict.fromkeys(CODES, Severity.OK)


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("QUOTA", {"at_quota": 0.3}),
        ("EASY", {"at_quota": 0.9}),
        ("THRESHOLD", {"at_threshold": 0.7}),
        ("CORRELATION", {"correlation": 0.5}),
        ("CAP", {"cap_share": 0.3}),
    ],
)
def test_a_role_out_of_bounds_fires_the_rule_and_no_other(setting, code, changed):
    made = simulation_role_findings.reach(setting, roles(**changed), 8)
    assert {f.code for f in made if f.severity is Severity.ACT} == {f"F-COMPSIM-{code}"}


def test_a_small_role_and_a_short_past_are_unknown(setting):
    small = simulation_role_findings.reach(setting, roles(seats=7, at_quota=0.3), 8)
    assert {f.severity for f in small} == {Severity.UNKNOWN}
    short = simulation_role_findings.reach(setting, roles(), 3)
    assert {f.severity for f in short} == {Severity.UNKNOWN}


def actions(gain):
    row = {"plan_id": "ae", "action": "pull-in", "attained": 1.0, "gain": 1000.0, "sales_change": 0.0,
           "guard": "acceptance date"}  # fmt: skip
    return pd.DataFrame(
        [row | {"variant": "old", "gain_share": 0.02}, row | {"variant": "new", "gain_share": gain}]
    )


def test_gaming_fires_is_silent_and_is_unknown_without_a_plan_by_attainment(setting):
    assert severity(simulation_role_findings.gaming(setting, actions(0.3)), "GAME") is Severity.ACT
    assert severity(simulation_role_findings.gaming(setting, actions(0.05)), "GAME") is Severity.OK
    none = simulation_role_findings.gaming(setting, actions(0.3).head(0))
    assert severity(none, "GAME") is Severity.UNKNOWN


def gap(adjusted, half=0.02):
    return pd.DataFrame(
        [{"grouping": "region", "group": "APAC", "n": 20, "rest": 40, "raw": adjusted, "adjusted": adjusted,
          "adjusted_low": adjusted - half, "adjusted_high": adjusted + half}]
    )  # fmt: skip


def test_equity_fires_on_either_side_is_silent_and_is_unknown_for_small_groups(setting):
    assert severity(simulation_role_findings.equity(setting, gap(0.2)), "EQUITY") is Severity.ACT
    assert severity(simulation_role_findings.equity(setting, gap(-0.2)), "EQUITY") is Severity.ACT
    assert severity(simulation_role_findings.equity(setting, gap(0.0)), "EQUITY") is Severity.OK
    assert severity(simulation_role_findings.equity(setting, gap(0.04, 0.2)), "EQUITY") is Severity.WATCH
    assert severity(simulation_role_findings.equity(setting, gap(NAN)), "EQUITY") is Severity.UNKNOWN


def replayed(apart):
    return pd.DataFrame(
        [{"variant": "new", "plan_id": "ae", "compared": 90, "cents_apart": apart, "exact": 1}]
    )


def test_a_replay_off_by_one_cent_fires_and_no_finished_year_is_unknown(setting):
    assert severity(simulation_role_findings.replay(setting, replayed(1)), "REPLAY") is Severity.ACT
    assert severity(simulation_role_findings.replay(setting, replayed(0)), "REPLAY") is Severity.OK
    assert (
        severity(simulation_role_findings.replay(setting, replayed(0).head(0)), "REPLAY") is Severity.UNKNOWN
    )


def test_no_rule_goes_untested():
    text = Path(__file__).read_text(encoding="utf-8")
    assert [r.code for r in SIMULATION_RULES if f'"{r.code.removeprefix("F-COMPSIM-")}"' not in text] == []
