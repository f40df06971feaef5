"""Each rule fires beyond its limit, keeps silent at it, and says UNKNOWN where the evidence is missing."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from salesops_lib.leads import findings, outputs, owner_findings, rules, score_findings, source_findings
from salesops_lib.leads.scoring import Scores
from salesops_lib.leads.speed import SpeedEffect
from salesops_lib.leads.strata import Alike
from salesops_lib.leads.work_handover import Held

DAY = date(2025, 12, 12)
NOBODY = pd.DataFrame(columns=outputs.PASSED.column_names)


@pytest.fixture
def setting(policy):
    return findings.Setting(policy, DAY, "USD")


def severities(found) -> dict[str, str]:
    return {f.code.removeprefix("F-LEAD-"): f.severity.value for f in found}


def service(share: float, never: int = 0, n: int = 400) -> pd.DataFrame:
    row = {
        "kind": "other",
        "limit_minutes": 480.0,
        "n": n,
        "within": int(share * n),
        "share": share,
        "never": never,
        "low": share - 0.03,
        "high": min(share + 0.03, 1.0),
        "median_minutes": 20.0,
        "p90_minutes": 300.0,
        "running": 0,
        "unknown": 0,
    }
    return pd.DataFrame([row], columns=outputs.SERVICE.column_names)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (service(0.80, 40), {"SLA": "ACT", "UNTOUCHED": "ACT"}),
        (service(0.95, 0), {"SLA": "OK", "UNTOUCHED": "OK"}),
        (service(0.90, 8), {"SLA": "WATCH", "UNTOUCHED": "WATCH"}),
        (service(0.90).head(0), {"SLA": "UNKNOWN", "UNTOUCHED": "UNKNOWN"}),
        (service(0.50, 9, n=20), {"SLA": "UNKNOWN", "UNTOUCHED": "UNKNOWN"}),
    ],
)
def test_answers_are_judged_by_kind_and_the_untouched_over_all(setting, table, said):
    assert severities(findings.service(setting, table)) == said


@pytest.mark.parametrize(
    ("effect", "said", "step"),
    [
        (SpeedEffect(60, 900, 400, 3.0, 2.8, 3.2, 1.5, 1.2, 1.9, ("a",)), "ACT", "Randomise"),
        (SpeedEffect(60, 900, 400, 3.0, 2.8, 3.2, 0.9, 0.8, 1.05, ("a",)), "OK", "Do not hire for speed"),
        (SpeedEffect(60, 9, 4, why="9 leads"), "UNKNOWN", "Record the first touch"),
    ],
)
def test_speed_is_an_association_and_asks_for_a_test_where_it_may_matter(setting, effect, said, step):
    (found,) = findings.speed(setting, effect, 0.2)
    assert (found.severity, found.recommendation.startswith(step)) == (said, True)
    assert said == "UNKNOWN" or "not an effect" in found.statement


def owners(*per_day: float) -> pd.DataFrame:
    rows = [(f"R{i}", int(p * 50), pd.NA, 50, p, np.nan, 9.0) for i, p in enumerate(per_day)]
    return pd.DataFrame(rows, columns=outputs.OWNERS.column_names)


@pytest.mark.parametrize(
    ("table", "said"),
    [(owners(1, 9), "ACT"), (owners(5, 5.5), "OK"), (owners(5), "UNKNOWN"), (owners(), "UNKNOWN")],
)
def test_spread_of_leads_is_judged_from_two_owners_on(setting, table, said):
    assert severities(owner_findings.routing(setting, table, pd.DataFrame(), replayed=False)) == {
        "ROUTING": said
    }


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (Held(500, 40.0, 500, 90.0), {"UNOWNED": "ACT", "REASSIGNED": "ACT"}),
        (Held(500, 1.0, 500, 9.0), {"UNOWNED": "OK", "REASSIGNED": "OK"}),
        (Held(20, 9.0, 20, 9.0), {"UNOWNED": "UNKNOWN", "REASSIGNED": "UNKNOWN"}),
        (Held(500, np.nan, 0, np.nan), {"UNOWNED": "UNKNOWN"}),
    ],
)
def test_leads_nobody_has_and_leads_passed_on_are_judged_where_the_data_tells(setting, held, said):
    assert severities(owner_findings.ownership(setting, held, NOBODY, Alike(why="no turns"))) == said


def passed(*rows: tuple) -> pd.DataFrame:
    made = [(*r, 1.6, 4.0) for r in rows]
    return pd.DataFrame(made, columns=outputs.PASSED.column_names)


def test_leads_passed_on_are_told_with_how_soon_what_it_goes_with_and_where(setting):
    held = Held(500, 1.0, 500, 90.0)
    rows = (
        ("all", 500, 90, 0.18, 0.15, 0.21),
        ("EMEA", 200, 80, 0.4, 0.35, 0.45),
        ("X", 300, 10, 0.03, 0, 0.1),
    )
    cost = Alike(0.5, 0.4, 0.6, 0.53, 0.42, 0.67, ("region",))
    found = owner_findings.ownership(setting, held, passed(*rows), cost)[1]
    assert "half of them within 1.6 days. Leads passed on in their first week" in found.statement
    assert "0.53 times the odds of those kept (0.42 to 0.67), alike in 1 column" in found.statement
    assert found.recommendation == "Repair the rules of EMEA, which passes on 40 %."
    plain = owner_findings.ownership(setting, held, passed(rows[0]), Alike(why="few"))[1]
    assert plain.statement.endswith("within 1.6 days.") and "leads_passed_on.csv" in plain.recommendation


def test_late_leads_without_an_owner_ask_for_routing_and_not_for_hurry(setting):
    late = service(0.5).assign(unowned=150.0, closed_share=0.1)
    assert findings.service(setting, late)[0].recommendation.startswith("Mend routing first: 150 of 200")
    night = service(0.5).assign(unowned=3.0, closed_share=0.45)
    assert findings.service(setting, night)[0].recommendation.startswith("Name who answers at opening: 45 %")


def test_a_test_of_speed_says_how_long_it_takes(setting):
    effect = SpeedEffect(60, 900, 400, 3.0, 2.8, 3.2, 1.5, 1.2, 1.9, ("a",))
    (many,) = findings.speed(setting, effect, 0.2, weekly=2000.0)
    (few,) = findings.speed(setting, effect, 0.2, weekly=60.0)
    # Fleiss: 20 % against 22 % takes 6,510 leads an arm.
    assert "6,510 leads an arm find two points more, 7 weeks" in many.recommendation
    assert "217 weeks of leads; 26 weeks find" in few.recommendation


def test_a_source_that_turns_around_among_leads_alike_moves_no_money(setting):
    strata = pd.DataFrame({"source": ["Web"], "column": ["segment"], "reversed": [True]})
    (found,) = source_findings.by_source(setting, pd.DataFrame([source(-0.08)]), {"Web": 1000.0}, strata)
    assert found.money_at_stake is None
    assert found.recommendation.startswith("Move no spend on Web: compare it within segment")


def source(gap: float, half: float = 0.01, **more) -> dict:
    return {
        "dimension": "source",
        "value": "Web",
        "n": 500,
        "share": 0.1,
        "gap": gap,
        "gap_low": gap - half,
        "gap_high": gap + half,
        "q": 0.01,
        "p_below": 0.99,
        "maturity": "mature",
        "why": "",
    } | more


def test_a_source_far_below_is_acted_on_with_a_fifth_of_its_spend(setting):
    table = pd.DataFrame([source(-0.08)])
    (found,) = source_findings.by_source(setting, table, {"Web": 1000.0})
    assert (found.severity, found.money_at_stake) == ("ACT", 200.0)
    assert found.recommendation.startswith("Move a fifth of the spend on Web, 200 USD,")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (source(0.03), "OK"),
        (source(-0.02), "WATCH"),
        (source(np.nan, maturity="insufficient", why="3 leads old enough, 30 needed"), "UNKNOWN"),
    ],
)
def test_a_source_at_its_limit_or_too_small_moves_no_money(setting, row, said):
    (found,) = source_findings.by_source(setting, pd.DataFrame([row]), {"Web": 1000.0})
    assert (found.severity, found.money_at_stake if said == "UNKNOWN" else None) == (said, None)


def spent(roi: float, low: float, high: float, why: str = "") -> pd.DataFrame:
    row = {
        "source": "Web",
        "leads": 90,
        "wins": 9,
        "won_base": 50.0,
        "cost_base": 100.0,
        "roi": roi,
        "roi_low": low,
        "roi_high": high,
        "immature_base": 0.0,
        "why": why,
    }
    return pd.DataFrame([row])


@pytest.mark.parametrize(
    ("table", "said", "step"),
    [
        (spent(-0.5, -0.7, -0.2), "ACT", "Stop or renegotiate"),
        (spent(2.0, 1.0, 3.0), "OK", "Raise Web by a fifth"),
        (spent(0.1, -0.2, 0.5), "WATCH", "Hold the spend"),
        (spent(np.nan, np.nan, np.nan, "2 wins, 5 needed"), "UNKNOWN", "Hold the spend"),
    ],
)
def test_return_on_spend_says_stop_raise_or_hold(setting, table, said, step):
    (found,) = source_findings.returns(setting, table)
    assert (found.severity, found.recommendation.startswith(step)) == (said, True)


def side(n: int, events: int) -> pd.DataFrame:
    return pd.DataFrame({"source": ["Web"], "n": [n], "events": [events]})


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (side(2000, 600), side(2000, 300), "ACT"),
        (side(2000, 300), side(2000, 310), "OK"),
        (side(0, 0), side(2000, 310), "UNKNOWN"),
        (side(40, 8), side(40, 2), "UNKNOWN"),
    ],
)
def test_a_fall_of_conversion_is_judged_on_enough_leads(setting, before, after, said):
    parts = pd.DataFrame({"source": ["Web"], "mix": [0.0], "rate": [-0.1]})
    assert severities(source_findings.change(setting, before, after, parts)) == {"CHANGE": said}


def test_faulty_leads_are_counted_once_each(setting):
    table = pd.DataFrame({"lead_id": ["A", "A", "B"], "column": "source", "fault": "a placeholder, no value"})
    assert severities(findings.faults(setting, table, 50)) == {"FAULTS": "ACT"}
    assert severities(findings.faults(setting, table, 500)) == {"FAULTS": "OK"}
    assert severities(findings.faults(setting, table.head(0), 0)) == {"FAULTS": "UNKNOWN"}


AUDIT = pd.DataFrame(
    {
        "column": ["tag", "fit"],
        "verdict": ["refused", "usable"],
        "auc": [0.99, 0.7],
        "late_share": [1.0, 0.0],
        "reason": ["stamped late", ""],
    }
)


def scored(auc: float, shift: float) -> Scores:
    windows = pd.DataFrame(
        [
            {"model": "logit", "window": w, "n": 400, "events": 80, "auc": auc, "skill": 0.1, "slope": 1.0}
            for w in ("1", "2", "pooled")
        ]
    )
    hit = np.arange(8000) % 5 == 0
    spread = np.linspace(-0.01, 0.01, 4000)
    p = 0.2 * shift + np.concatenate([spread, spread])
    tested = pd.DataFrame(
        {"window": np.repeat([1, 2], 4000), "probability": p, "recalibrated": p, "hit": hit}
    )
    return Scores(AUDIT, AUDIT.head(0), ("fit",), windows, tested, "logit")


def lift(first: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "part": [1, 2, 3],
            "n": 400,
            "events": [160, 120, 80],
            "rate": [0.4, 0.3, 0.2],
            "lift": [first, 1.2, 1.0],
            "captured": [0.2, 0.3, 0.4],
        }
    )


def test_the_audit_and_a_bad_score_fire(setting):
    bad = score_findings.score(setting, scored(0.50, 2.0), AUDIT, lift(1.1), pd.Series(np.full(200, 0.9)))
    assert severities(bad) == dict.fromkeys(("LEAK", "SCORE", "CALIBRATION", "DRIFT", "LIFT"), "ACT")
    steps = {f.code: f.recommendation for f in bad}
    assert steps["F-LEAD-SCORE"].startswith("Do not load scores.csv")
    assert steps["F-LEAD-LIFT"].startswith("Do not route by this score")


def test_a_good_score_keeps_silent(setting):
    found = scored(0.75, 1.0)
    recent = found.tested["probability"].tail(4000)
    good = score_findings.score(setting, found, AUDIT.tail(1), lift(2.5), recent)
    assert severities(good) == dict.fromkeys(("LEAK", "SCORE", "CALIBRATION", "DRIFT", "LIFT"), "OK")


def test_without_a_score_nothing_is_judged_but_the_audit(setting):
    nothing = Scores(AUDIT, AUDIT.head(0), why="12 matured leads")
    found = score_findings.score(
        setting, nothing, AUDIT.head(0), lift(1.0).head(0), pd.Series(dtype="float64")
    )
    assert set(severities(found).values()) == {"UNKNOWN"}
    assert {r.code for r in rules.RULES} >= {f.code for f in found}
