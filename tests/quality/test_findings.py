from datetime import date, datetime

import pandas as pd
import pytest

from salesops_lib.core.policy import Policy
from salesops_lib.inputs.tables import TABLES
from salesops_lib.quality.findings import MOST_ACTS, RULES, Evidence, findings
from salesops_lib.quality.freshness import table_ages
from salesops_lib.quality.imports import Loss
from salesops_lib.quality.measure import catalogue, measure

AS_OF = date(2025, 12, 12)
WON = {"is_closed": True, "is_won": True, "stage": "Closed Won", "close_date": date(2025, 11, 3)}
CLEAN_LOSS = Loss(1000, 5, 10.0, "2025-12-01T00:00:00Z")
# What the rules read; the generic ones on other tables are shown to fire in test_measure.
WATCHED = [
    f for f in catalogue(TABLES) if f.table in {"opportunities", "accounts"} and f.kind != "out_of_range"
]


def deals(*groups: tuple[int, dict]) -> list[dict]:
    """``(count, changes)`` groups of deals with their own id and name."""
    rows = [dict(changes) for count, changes in groups for _ in range(count)]
    return [{"opportunity_id": f"o{i}", "name": f"deal {i}"} | r for i, r in enumerate(rows)]


@pytest.fixture
def judged(make_company, basis, policy):
    """The findings of a company by code; ``loss`` and ``policy`` may be replaced."""

    def of(loss: Loss | None = CLEAN_LOSS, rules: Policy = policy, **changed):
        tables = make_company(**changed)
        evidence = Evidence(measure(tables, TABLES, basis, WATCHED), table_ages(tables, AS_OF), loss)
        return findings(evidence, rules, as_of=AS_OF, currency="USD")

    return of


def by_code(judged) -> dict:
    return {f.code: f for f in [*judged.findings, *judged.held_back]}


def closings(late: int) -> dict:
    """20 deals won on 3 November, ``late`` of them recorded 17 days later, the others the day after."""
    days = [20 if i < late else 4 for i in range(20)]
    changes = [
        {"opportunity_id": f"o{i}", "stage": "Closed Won", "changed_at": datetime(2025, 11, d)}
        for i, d in enumerate(days)
    ]
    return {"opportunities": deals((20, WON)), "opportunity_history": changes}


# Per rule: tables on which it fires, and tables at the limit on which it is silent. 100 deals of 100 each.
CASES = {
    "F-DATA-COMPLETE": (
        {"opportunities": deals((94, {}), (6, {"next_step": None}))},
        {"opportunities": deals((95, {}), (5, {"next_step": None}))},
        0.94,
    ),
    "F-DATA-DUP": (
        {"accounts": [{"account_id": f"a{i}", "name": f"name {max(i, 3)}"} for i in range(100)]},
        {"accounts": [{"account_id": f"a{i}", "name": f"name {max(i, 2)}"} for i in range(100)]},
        0.03,
    ),
    "F-DATA-PASTDUE": (
        {"opportunities": deals((96, {}), (4, {"close_date": date(2025, 12, 1)}))},
        {"opportunities": deals((97, {}), (3, {"close_date": date(2025, 12, 1)}))},
        0.04,
    ),
    "F-DATA-UNTOUCHED": (
        {
            "opportunities": deals((89, {}), (11, {"recorded_at": datetime(2025, 6, 1)})),
            "activities": None,
            "opportunity_history": None,
        },
        {
            "opportunities": deals((90, {}), (10, {"recorded_at": datetime(2025, 6, 1)})),
            "activities": None,
            "opportunity_history": None,
        },
        0.11,
    ),
    "F-DATA-LATE": (closings(2), closings(1), 0.10),
    "F-DATA-STALE": (
        {"leads": [{"created_at": datetime(2025, 12, 4), "recorded_at": None}]},
        {"leads": [{"created_at": datetime(2025, 12, 5), "recorded_at": None}]},
        8.0,
    ),
    "F-DATA-ORPHAN": (
        {"opportunities": deals((98, {}), (2, {"owner_id": "nobody"}))},
        {"opportunities": deals((99, {}), (1, {"owner_id": "nobody"}))},
        0.02,
    ),
    "F-DATA-INVALID": (
        {"opportunities": deals((98, {}), (2, {"created_date": date(2026, 2, 1)}))},
        {"opportunities": deals((99, {}), (1, {"created_date": date(2026, 2, 1)}))},
        0.02,
    ),
    "F-DATA-IMPORT": (Loss(100, 2, 7.0, "2025-12-01"), Loss(100, 1, 7.0, "2025-12-01"), 0.02),
}  # fmt: skip


def given(case) -> dict:
    return {"loss": case} if isinstance(case, Loss) else case


@pytest.mark.parametrize("code", CASES)
def test_a_rule_fires_beyond_its_limit_with_value_rows_and_a_step(judged, code):
    fires, _, value = CASES[code]
    found = by_code(judged(**given(fires)))[code]
    assert found.severity == "ACT"
    assert found.value == pytest.approx(value)
    assert found.n >= found.min_n
    assert found.recommendation[0].isupper() and found.recommendation.split()[0].isalpha()
    assert found.playbook.endswith(f"fix-data-quality.md#{code.lower()}")


@pytest.mark.parametrize("code", CASES)
def test_a_rule_is_silent_at_its_limit(judged, code):
    _, silent, _ = CASES[code]
    assert by_code(judged(**given(silent)))[code].severity == "OK"


def test_every_rule_is_shown_to_fire_and_to_be_silent():
    assert {r.code for r in RULES} == set(CASES)


def test_an_empty_company_is_unknown_in_every_rule_and_never_fine(judged):
    found = judged(loss=None, **{name: [] for name in TABLES})
    assert {f.code: str(f.severity) for f in found.findings} == dict.fromkeys(CASES, "UNKNOWN")
    assert all(f.value is None and f.money_at_stake is None for f in found.findings)


def test_a_company_without_tables_is_unknown_in_every_rule(judged):
    found = judged(loss=None, **dict.fromkeys(TABLES))
    assert {str(f.severity) for f in found.findings} == {"UNKNOWN"}


def test_an_import_that_read_no_row_is_unknown(judged):
    assert by_code(judged(loss=Loss(0, 0, None, "2025-12-01")))["F-DATA-IMPORT"].severity == "UNKNOWN"


def test_fewer_than_ten_rows_are_not_judged(judged):
    nine = by_code(judged(opportunities=deals((8, {}), (1, {"next_step": None}))))["F-DATA-COMPLETE"]
    ten = by_code(judged(opportunities=deals((9, {}), (1, {"next_step": None}))))["F-DATA-COMPLETE"]
    assert (nine.severity, ten.severity) == ("UNKNOWN", "ACT")


def test_the_field_with_most_money_at_stake_speaks_for_completeness(judged):
    cheap = {"next_step": None, "amount_base": 1.0}
    rows = deals((80, {}), (12, cheap), (8, {"account_id": None, "amount_base": 50.0}))
    found = by_code(judged(opportunities=rows))["F-DATA-COMPLETE"]
    assert found.scope == {"table": "opportunities", "field": "account_id"}
    assert (found.value, found.money_at_stake) == (pytest.approx(0.92), 400.0)
    assert "2 required fields are under 95 %" in found.statement


def test_a_field_nobody_fills_is_not_reported_as_empty(judged):
    found = by_code(judged(opportunities=deals((100, {"next_step": None}))))["F-DATA-COMPLETE"]
    assert found.severity == "OK"
    assert found.scope["field"] != "next_step"


def test_past_due_is_judged_by_value_not_by_deals(judged):
    rows = deals((90, {"amount_base": 1.0}), (1, {"amount_base": 1000.0, "close_date": date(2025, 1, 2)}))
    found = by_code(judged(opportunities=rows))["F-DATA-PASTDUE"]
    assert found.value == pytest.approx(1000 / 1090)
    assert (found.n, found.money_at_stake) == (91, 1000.0)
    assert "USD 1k of USD 1k in 1 of 91 deals" in found.statement


def test_the_policy_of_the_company_moves_the_limit(judged, policy):
    strict = policy.entries | {"duplicates": policy.entries["duplicates"] | {"values": {AS_OF: 0.0}}}
    rows = {"accounts": [{"account_id": f"a{i}", "name": f"name {max(i, 1)}"} for i in range(100)]}
    assert by_code(judged(**rows))["F-DATA-DUP"].severity == "OK"
    assert by_code(judged(rules=Policy("quality", strict), **rows))["F-DATA-DUP"].severity == "ACT"


def test_at_most_five_are_to_act_on_and_the_rest_are_named(judged):
    bad = {
        "next_step": None, "close_date": date(2025, 1, 1), "owner_id": "nobody", "account_id": None,
        "recorded_at": datetime(2024, 1, 1), "created_date": date(2025, 6, 1),
    }  # fmt: skip
    found = judged(
        loss=Loss(100, 50, 1.0, "2025-12-01"),
        opportunities=deals((20, bad), (20, {})),
        accounts=CASES["F-DATA-DUP"][0]["accounts"],
        activities=None,
        opportunity_history=None,
        leads=[{"created_at": datetime(2025, 1, 1), "recorded_at": None}],
    )
    acts = [f for f in found.findings if f.severity == "ACT"]
    assert len(acts) == MOST_ACTS
    assert len(found.held_back) == 3
    least = min(f.money_at_stake or 0 for f in acts)
    assert all((f.money_at_stake or 0) <= least for f in found.held_back)
    assert found.limits[0].startswith("3 more to act on next (F-DATA-")


def test_nothing_held_back_says_nothing(judged):
    assert judged().limits == []


def test_findings_are_exact_so_they_have_no_interval(judged):
    assert all(f.interval is None for f in judged().findings)


def test_statements_end_as_sentences_and_hide_no_fault_by_rounding(judged):
    found = by_code(judged(opportunities=deals((999, {}), (1, {"next_step": None}))))["F-DATA-COMPLETE"]
    assert "99.9 %" in found.statement
    assert all(f.statement.endswith(".") for f in judged().findings)
    assert not any("nan" in f.statement.lower() or "none" in f.statement for f in judged().findings)
    assert isinstance(pd.Timestamp(found.due), pd.Timestamp)
