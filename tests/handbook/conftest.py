"""One small playbooks folder without a fault, which the tests then break one way at a time."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from salesops_lib import handbook
from salesops_lib.core.contracts import Column, Table
from salesops_lib.core.findings import Rule
from salesops_lib.core.metrics import Metric
from salesops_lib.core.policy import Policy
from salesops_lib.handbook.registry import Registry

METRIC = Metric(
    id="churn.share",
    name="Share that leaves",
    meaning="Contracts that ended over contracts that could.",
    formula="ended / due",
    unit="ratio",
    grain="quarter",
    population="Contracts due in the quarter.",
    clock="end_date",
    exclusions="None.",
    maturity="When the quarter has ended.",
    good_direction="down",
    look_alikes="Revenue churn.",
    owner="analyst",
    source="salesops_lib.churn.survival.share",
)
RULE = Rule(
    code="F-CHRN-HIGH",
    metric=METRIC,
    title="Too many leave",
    policy="ceiling",
    keep="below",
    min_n=8,
    owner="manager",
    due="in two weeks",
    due_days=14,
    playbook="how-to/review-churn.md",
)
TABLE = Table(
    name="churn",
    grain="a quarter",
    key=("period",),
    columns=(
        Column("period", "text", "Fiscal quarter", nullable=False),
        Column("share", "ratio", "Share that left", low=0, high=1, nullable=False),
    ),
)
CONTRACTS = Table(
    "contracts", "a contract term", ("contract_id",), (Column("contract_id", "text", "The CRM's own id"),)
)
FRONT = """---
id: {id}
title: {title}
kind: {kind}
owner: analyst
reviewers: [manager]
audience: [all]
status: approved
last_reviewed: "2026-11-23"
review_every: 3 months
{more}---

# {title}

"""
HOW_TO = """## When

On business day 5.

## You need

The report.

## Steps

1. Open the report.
2. Read the range.
3. Write down who acts.

## Decide

| If | Then |
| --- | --- |
| `churn.share` is above <!-- threshold:churn.ceiling -->5 %<!-- /threshold --> | call the owner |

## If you see F-CHRN-HIGH

### F-CHRN-HIGH: too many leave { #f-chrn-high }

Call the five largest.

## What goes wrong

A quarter too short.

## Escalate

To the manager in 24 hours.

## Done when

Every name has a date.
"""


def page(folder: Path, path: str, body: str, kind: str = "reference", more: str = "") -> None:
    """Write a page whose front matter is right."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    stem = file.stem
    file.write_text(
        FRONT.format(id=stem, title=stem.replace("-", " ").capitalize(), kind=kind, more=more) + body,
        encoding="utf-8",
    )


@pytest.fixture(scope="session")
def worked_example():
    """The worked example of a page (``territories/move-an-account``) on one line, ``8 %`` as ``8%``."""

    def text(name: str) -> str:
        page = Path(__file__).parents[2] / "playbooks" / "how-to" / f"{name}.md"
        begun = page.read_text(encoding="utf-8").split("Worked example", 1)[1]
        return " ".join(begun.split("\n## ", 1)[0].split()).replace(" %", "%")

    return text


@pytest.fixture
def tree(tmp_path: Path) -> tuple[Path, Registry]:
    """A playbooks folder and the registry it is generated from; ``check`` finds nothing in it."""
    entry = {
        "description": "Above this too many leave.",
        "unit": "ratio",
        "source": "playbooks/reference/decision-log.md#churn-ceiling",
        "values": {date(2026, 2, 1): 0.05},
    }
    registry = Registry(
        metrics=(METRIC,),
        rules=(RULE,),
        outputs={"churn": (TABLE,)},
        inputs=(CONTRACTS,),
        policies={"churn": Policy("churn", {"ceiling": entry})},
        run_files={
            "churn": {
                "title": "Churn",
                "question": "Who leaves?",
                "cadence": {"every": "month", "business_day": 3, "at": "06:00"},
                "playbooks": ["how-to/review-churn.md"],
                "needs": {"contracts": ["contract_id"]},
            }
        },
    )
    folder = tmp_path / "playbooks"
    generated = ("metrics", "findings", "thresholds", "report-tables", "data-dictionary", "report-catalogue")
    links = "\n".join(f"- [{name}](reference/{name}.md)" for name in generated)
    page(folder, "index.md", f"{links}\n- [log](reference/decision-log.md)\n- [do](how-to/review-churn.md)\n")
    page(folder, "reference/decision-log.md", "## Churn ceiling\n\nFive percent.\n")
    how_to = "related_reports: [churn]\ncalendar_events: [churn review]\nminutes: 30\n"
    page(folder, "how-to/review-churn.md", HOW_TO, kind="how-to", more=how_to)
    handbook.render(folder, registry)
    return folder, registry


REGISTERS = {
    "approval_matrix": "- {id: a, when: to 10 %, to_share: 0.1, approver: seller, also: [], hours: 0, source: house default}\n",
    "article_coverage": "- {id: D1, item: free sellers, artefacts: [how-to/review-churn.md, 'planned: pricing audit']}\n",
    "benchmarks": "- {id: sla, figure: 6 hours, population: one, year: undated, n: '1', source: GitLab, grade: B, "
    "opened: full, caveat: one company}\n"
    "- {id: bad, figure: nine, population: none, year: undated, n: none, source: blog, grade: X, opened: excerpt, "
    "caveat: no source}\n",
    "calendar": "- {id: churn-review, event: Churn review, when: Monday, every: month, owner: analyst, chair: manager, "
    "reports: [churn, 'planned: pricing'], page: how-to/review-churn.md, output: names, escalation: manager}\n",
    "communications": "- {id: c, team: sales, owner: analyst, cadence_days: 10, last_held: '2026-11-01', template: none, "
    "questions: [what]}\n- {id: d, team: sales operations, owner: analyst, cadence_days: 10, last_held: '2026-11-20', "
    "template: none, questions: [what]}\n",
    "decision_rights": "- {id: d, decision: buy, proposes: analyst, approver: manager, limit: to 50, limit_base: 50, "
    "escalate_to: manager, hours: 24, source: house default}\n",
    "decisions": "- {id: d, decided_on: '2026-01-01', decision: one list, by: manager, question: none, "
    "look_back: '2026-06-01', page: how-to/review-churn.md}\n",
    "enablement_plan": "- {id: e, person: ops-1, skill: reading, course: c, tool_access: t, budget: 0, due: '2026-01-01', "
    "measure: did, done: false}\n",
    "examples": "- {id: e, page: how-to/review-churn.md, test: 'tests/test_churn.py::test_by_hand'}\n",
    "friction": "- {id: f, seen_in: intake, what: w, hours_per_month: 1, sellers: 1, owner: analyst, status: open, "
    "opened: '2026-01-01', evidence: e}\n",
    "initiatives": "- {id: tool, initiative: A tool, problem: slow, sponsor: head, decision_date: '2026-01-01', "
    "status: proposed, drivers: {sellers: 38, weeks: 44, hour_value: 60}, minutes: {low: 15, high: 45}, "
    "adoption: {low: 0.5, high: 0.85}, cost_year: 20000, loses: some, pilot: six weeks, stop_rule: under 15}\n",
    "intake": "- {id: i, kind: fire, weight: tactical, sla_hours: 24, meaning: m, counts: [report]}\n",
    "people_skills": "- {id: ops-1, role: analyst, specialty: s, background: b, rated_on: '2026-01-01', "
    "levels: {reading: 1}, training: t}\n- {id: ops-2, role: manager, specialty: s, background: b, "
    "rated_on: '2026-01-01', levels: {reading: 3}, training: t}\n",
    "planning": "- {id: p, week: 2, step: s, owner: analyst, report: churn, page: how-to/review-churn.md}\n",
    "practices": "- {id: p, practice: one door, applies_to: [EMEA], page: how-to/review-churn.md, variants: "
    "[{office: EMEA, variant: two doors, reason: law, expires: '2026-12-31'}]}\n",
    "questions": "- {id: q1, question: who acts, page: how-to/review-churn.md, section: decide, says: [call the owner]}\n",
    "responsibilities": "- {id: review, activity: Review, area: analytics, journey: renewal, stage: run, "
    "accountable: [sales operations], responsible: [sales operations], consulted: [sales], informed: [], ours: analyst, "
    "page: how-to/review-churn.md, report: churn, serves: [Proposal]}\n",
    "roles": "- {id: manager, role: Manager, team: sales, reports_to: null, limit_base: 100, does: [decides]}\n"
    "- {id: analyst, role: Analyst, team: sales operations, reports_to: manager, limit_base: 10, does: [counts], "
    "page: how-to/review-churn.md, ours: true}\n",
    "scale_triggers": "- {id: s, measure: m, crosses_at: 1, unit: u, source: s, then: t}\n",
    "shadowing": "- {id: s, day: '2026-01-01', ops: ops-1, seller: R1, kind: sit in, minutes: 90, friction: []}\n",
    "skills": "- {id: reading, skill: Read, kind: technical, critical: true, weight: 2, levels: {'1': a, '2': b, '3': c, "
    "'4': d}, expected: {representative: 1, analyst: 3, manager: 3, director: 1}}\n",
    "tech_stack": "- {id: T01, purpose: p, technical_owner: it, data_held: d, replaces: none}\n",
    "terms": "- {id: seller, term: seller, meaning: One who sells., instead_of: [salesman]}\n",
}
STAGES = "stages:\n- {stage: Proposal, position: 1, outcome: open, entry: asked, exit_evidence: terms, max_age_days: 30}\n"


@pytest.fixture
def registered(tree) -> tuple[Path, Registry]:
    """The tree with every register, a stage list and a test of the example; ``check`` finds nothing in it."""
    folder, registry = tree
    root, here = folder.parent, Path(__file__).parents[2] / "playbooks" / "schemas"
    for name, text in REGISTERS.items():
        (folder / "registers").mkdir(exist_ok=True)
        (folder / "registers" / f"{name}.yml").write_text(text, encoding="utf-8")
    (folder / "schemas").mkdir()
    for schema in here.glob("*.json"):
        (folder / "schemas" / schema.name).write_text(schema.read_text(encoding="utf-8"), encoding="utf-8")
    (root / "data" / "policy").mkdir(parents=True)
    (root / "data" / "policy" / "stages.yaml").write_text(STAGES, encoding="utf-8")
    (root / "tests").mkdir()
    (root / "tests" / "test_churn.py").write_text("def test_by_hand():\n    assert 1\n", encoding="utf-8")
    how_to = folder / "how-to" / "review-churn.md"
    how_to.write_text(
        how_to.read_text(encoding="utf-8").replace("[churn review]", "[churn-review]"), encoding="utf-8"
    )
    handbook.render(folder, registry)
    made = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.md"))
    index = folder / "index.md"
    links = "".join(f"- [{p}]({p})\n" for p in made if p not in index.read_text(encoding="utf-8"))
    index.write_text(index.read_text(encoding="utf-8") + links, encoding="utf-8")
    handbook.render(folder, registry)
    return folder, registry
