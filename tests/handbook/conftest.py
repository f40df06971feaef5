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
    how_to = "related_reports: [churn]\nrelated_metrics: [churn.share]\n"
    how_to += "calendar_events: [churn review]\nminutes: 30\n"
    page(folder, "how-to/review-churn.md", HOW_TO, kind="how-to", more=how_to)
    handbook.render(folder, registry)
    return folder, registry


REGISTERS = Path(__file__).parent / "registers"  # the smallest of each, one entry a line


@pytest.fixture
def registered(tree) -> tuple[Path, Registry]:
    """The tree with every register, a stage list and a test of the example; ``check`` finds nothing in it."""
    folder, registry = tree
    root, here = folder.parent, Path(__file__).parents[2] / "playbooks" / "schemas"
    (folder / "registers").mkdir()
    for register in REGISTERS.glob("*.yml"):
        (folder / "registers" / register.name).write_bytes(register.read_bytes())
    (folder / "schemas").mkdir()
    for schema in here.glob("*.json"):
        (folder / "schemas" / schema.name).write_text(schema.read_text(encoding="utf-8"), encoding="utf-8")
    (root / "data" / "policy").mkdir(parents=True)
    (root / "data" / "policy" / "stages.yaml").write_bytes((REGISTERS / "stages.yaml").read_bytes())
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
