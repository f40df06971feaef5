"""Each check of the registers finds the defect planted for it; nothing is found in a sound tree."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from salesops_lib import handbook
from salesops_lib.core.errors import UserError
from salesops_lib.core.policy import Policy
from salesops_lib.handbook.emitted import check_emitted, check_parameters
from salesops_lib.handbook.pages import read_pages
from salesops_lib.handbook.prose import warnings
from salesops_lib.handbook.registers import NAMES, read_registers

HOW_TO = "how-to/review-churn.md"


def edit(folder: Path, path: str, old: str, new: str) -> None:
    text = (folder / path).read_text(encoding="utf-8")
    assert old in text
    (folder / path).write_text(text.replace(old, new), encoding="utf-8")


def codes(tree) -> set[str]:
    return {f"{fault.code} {fault.file.removeprefix('playbooks/')}" for fault in handbook.check(*tree)}


def test_a_sound_tree_with_registers_has_no_fault(registered):
    assert [str(f) for f in handbook.check(*registered)] == []


@pytest.mark.parametrize(
    ("code", "name", "old", "new"),
    [
        ("PB004", "calendar", "owner: analyst", "owner: Ann"),
        ("PB004", "calendar", "output: names, ", ""),
        ("PB004", "calendar", "id: churn-review", "idd: churn-review"),
        ("PB004", "skills", "analyst: 3", "analyst: 7"),
        ("PB004", "terms", "meaning: One who sells.", "meaning: ["),
        (
            "PB070",
            "responsibilities",
            "accountable: [sales operations]",
            "accountable: [sales operations, sales]",
        ),
        ("PB070", "responsibilities", "accountable: [sales operations]", "accountable: []"),
        ("PB071", "responsibilities", "responsible: [sales operations]", "responsible: []"),
        (
            "PB072",
            "responsibilities",
            "responsible: [sales operations]",
            "responsible: [sales operations, sales]",
        ),
        ("PB073", "responsibilities", "consulted: [sales]", "consulted: [sales, a, b, c, d]"),
        ("PB074", "responsibilities", "page: how-to/review-churn.md", "page: how-to/gone.md"),
        ("PB075", "responsibilities", "consulted: [sales]", "consulted: [sailors]"),
        ("PB076", "responsibilities", "stage: run", "stage: teach"),
        ("PB077", "roles", "reports_to: manager", "reports_to: null"),
        ("PB077", "roles", "reports_to: null", "reports_to: analyst"),
        ("PB077", "roles", "reports_to: manager", "reports_to: nobody"),
        ("PB077", "roles", "limit_base: 100,", "limit_base: 5,"),
        ("PB077", "decision_rights", "limit_base: 50", "limit_base: 500"),
        ("PB077", "decision_rights", "approver: manager", "approver: king"),
        ("PB078", "communications", "team: sales,", "team: finance,"),
        ("PB079", "responsibilities", "serves: [Proposal]", "serves: [Dream]"),
        ("PB080", "article_coverage", "how-to/review-churn.md", "how-to/gone.md"),
        ("PB080", "article_coverage", "planned: pricing audit", "planned: churn audit"),
        ("PB080", "article_coverage", "how-to/review-churn.md, ", ""),
        ("PB082", "calendar", "page: how-to/review-churn.md", "page: how-to/gone.md"),
        ("PB082", "calendar", "reports: [churn, ", "reports: [chrun, "),
        ("PB082", "calendar", "planned: pricing", "planned: churn"),
        ("PB082", "calendar", "output: names", "template: templates/gone.md, output: names"),
        ("PB083", "examples", "::test_by_hand", "::test_by_foot"),
        ("PB083", "examples", "page: how-to/review-churn.md", "page: how-to/gone.md"),
        ("PB084", "questions", "section: decide", "section: decided"),
        ("PB084", "questions", "call the owner", "call the king"),
        ("PB084", "questions", "page: how-to/review-churn.md", "page: how-to/gone.md"),
        ("PB085", "decisions", "page: how-to/review-churn.md", "page: how-to/gone.md"),
        ("PB085", "people_skills", "levels: {reading: 1}", "levels: {writing: 1}"),
        ("PB085", "enablement_plan", "person: ops-1", "person: ops-9"),
        ("PB085", "shadowing", "ops: ops-1", "ops: ops-9"),
    ],
)
def test_a_defect_planted_in_a_register_is_found(registered, code, name, old, new):
    edit(registered[0], f"registers/{name}.yml", old, new)
    assert f"{code} registers/{name}.yml" in codes(registered)


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("PB002", "minutes: 30\n", "minutes: 30\nrelated_notebooks: ['planned: churn']\n"),
        ("PB002", "minutes: 30\n", "minutes: 30\nrelated_notebooks: ['planned:pricing']\n"),
        ("PB002", "related_reports: [churn]", "related_reports: [chrun]"),
        ("PB034", "The report.", "The report, in 6 hours (grade A) [bm:sla]."),
        ("PB034", "The report.", "The report, in 6 hours [bm:sla]."),
        ("PB034", "The report.", "The report, in 6 hours (grade B) [bm:slo]."),
        ("PB034", "The report.", "The report, 9 times (grade X) [bm:bad]."),
        ("PB060", "The report.", "The report of the salesman."),
        ("PB082", "calendar_events: [churn-review]", "calendar_events: [monday]"),
    ],
)
def test_a_defect_planted_in_a_page_is_found(registered, code, old, new):
    edit(registered[0], HOW_TO, old, new)
    assert f"{code} {HOW_TO}" in codes(registered)


def test_a_planned_notebook_and_a_graded_figure_are_no_fault(registered):
    edit(registered[0], HOW_TO, "The report.", "The report, in 6 hours (grade B) [bm:sla].")
    edit(registered[0], HOW_TO, "minutes: 30\n", "minutes: 30\nrelated_notebooks: ['planned: pricing']\n")
    handbook.render(*registered)
    assert handbook.check(*registered) == []


def test_a_page_that_went_without_a_stub_is_found(registered):
    (registered[0] / HOW_TO).unlink()
    assert "PB024 registers/paths.txt" in codes(registered)


def test_a_report_that_serves_no_event_is_found(registered):
    folder, registry = registered
    more = replace(registry, run_files={**registry.run_files, "renewal": {"title": "Renewal"}})
    said = [f.message for f in handbook.check(folder, more)]
    assert "the report renewal serves no event" in said


def test_a_missing_register_and_a_file_nobody_reads_are_found(registered):
    (registered[0] / "registers" / "terms.yml").rename(registered[0] / "registers" / "words.yml")
    assert {"PB004 registers/terms.yml", "PB004 registers/words.yml"} <= codes(registered)


def test_an_id_used_twice_is_found_on_its_line(registered):
    edit(registered[0], "registers/roles.yml", "id: analyst", "id: manager")
    (fault,) = [f for f in handbook.check(*registered) if f.code == "PB004"]
    assert str(fault) == (
        "playbooks/registers/roles.yml:2: PB004 id 'manager' stands on line 1 too; rename it"
    )


def test_from_a_faulty_register_nothing_is_generated(registered):
    folder, registry = registered
    edit(folder, "registers/terms.yml", "One who sells.", "")
    before = {p: p.read_bytes() for p in folder.rglob("*.md")}
    with pytest.raises(
        UserError, match=r"playbooks/registers/terms.yml:1: PB004 .*rule is 'type' of terms.schema.json"
    ):
        handbook.render(folder, registry)
    assert {p: p.read_bytes() for p in folder.rglob("*.md")} == before


def test_from_an_activity_with_two_owners_nothing_is_generated(registered):
    folder, registry = registered
    edit(folder, "registers/responsibilities.yml", "accountable: [sales operations]", "accountable: []")
    with pytest.raises(UserError, match=r"responsibilities\.yml:1: PB070 review has 0 accountable teams"):
        handbook.render(folder, registry)


def test_a_fault_names_the_line_of_the_key_in_a_long_entry(registered):
    path = registered[0] / "registers" / "terms.yml"
    path.write_text("- id: a\n  term: a\n  meaning: m\n  instead_of: none\n", encoding="utf-8")
    (fault,) = read_registers(registered[0]).faults
    assert fault.line == 4


def notebook(root: Path, source: str) -> None:
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": [source]}
    (root / "notebooks").mkdir()
    (root / "notebooks" / "churn.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")


@pytest.mark.parametrize(
    ("source", "found"), [("ceiling = 0.06", 1), ("ceiling = 0.05", 0), ("ceilings = 9", 0)]
)
def test_a_parameter_that_differs_from_its_policy_value_is_found(tree, source, found):
    notebook(tree[0].parent, f"period = 'FY26'\n{source}  # share")
    faults = list(check_parameters(tree[1], tree[0].parent))
    assert [(f.file, f.line, f.code) for f in faults] == [("notebooks/churn.ipynb", 2, "PB033")] * found


def test_a_code_no_rule_has_is_found_in_the_library(tree, tmp_path):
    module = tmp_path / "lib" / "churn" / "findings.py"
    module.parent.mkdir(parents=True)
    module.write_text('CODE = "F-CHRN-HIGH"\nOTHER = "F-CHRN-GONE"\n', encoding="utf-8")
    (fault,) = check_emitted(tree[1], tmp_path / "lib")
    assert (fault.file, fault.line, fault.code) == ("lib/churn/findings.py", 2, "PB043")


def test_a_rule_that_nothing_emits_is_found(tmp_path):
    from salesops_lib.handbook.registry import discover

    registry = discover(Path(handbook.__file__).parents[2])
    (tmp_path / "attainment").mkdir()
    (tmp_path / "attainment" / "rules.py").write_text("RULES = (PACE,)\n", encoding="utf-8")
    silent = {f.message for f in check_emitted(registry, tmp_path)}
    assert any("never emitted" in said for said in silent)


def test_long_pages_and_steps_without_a_verb_are_warned_of(registered):
    edit(registered[0], HOW_TO, "1. Open", "1. The manager opens")
    edit(registered[0], HOW_TO, "The report.", "word " * 901)
    found = {w.code for w in warnings(read_pages(registered[0]))}
    assert found == {"PB062", "PB063"}


def test_an_outside_figure_without_its_tag_is_warned_of(registered):
    edit(registered[0], HOW_TO, "The report.", "The report. GitLab replies in 6 hours.")
    assert [w.code for w in warnings(read_pages(registered[0]))] == ["PB034"]
    edit(registered[0], HOW_TO, "6 hours.", "6 hours (grade B) [bm:sla].")
    assert list(warnings(read_pages(registered[0]))) == []


def test_every_register_of_the_repository_has_a_schema_and_no_fault():
    playbooks = Path(handbook.__file__).parents[2] / "playbooks"
    registers = read_registers(playbooks)
    assert [str(f) for f in registers.faults] == []
    assert set(registers.entries) == set(NAMES)
    assert len(registers["responsibilities"]) >= 40
    assert len(registers["article_coverage"]) == 42
    assert len(registers["questions"]) == 15
    assert len(registers["skills"]) == 14
    ours = {r["id"] for r in registers["roles"] if r.get("ours")}
    assert sum(d["approver"] in ours for d in registers["decision_rights"]) >= 6


def test_a_policy_value_may_be_added_without_touching_a_register(registered):
    folder, registry = registered
    entry = {
        "description": "Floor.",
        "unit": "ratio",
        "source": "House default.",
        "values": {date(2026, 1, 1): 0.1},
    }
    policies = {**registry.policies, "renewal": Policy("renewal", {"floor": entry})}
    handbook.render(folder, replace(registry, policies=policies))
    assert handbook.check(folder, replace(registry, policies=policies)) == []
