"""Each check finds the defect planted for it, names the file and line, and finds nothing in a sound tree."""

from dataclasses import replace
from pathlib import Path

import pytest

import salesops_lib
from salesops_lib import handbook

ROOT = Path(salesops_lib.__file__).parents[1]
HOW_TO, INDEX = "how-to/review-churn.md", "index.md"


def edit(folder: Path, path: str, old: str, new: str) -> None:
    text = (folder / path).read_text(encoding="utf-8")
    assert old in text
    (folder / path).write_text(text.replace(old, new), encoding="utf-8")


def codes(tree) -> list[str]:
    return [f"{fault.code} {fault.file}" for fault in handbook.check(*tree)]


def test_the_playbooks_of_this_repository_have_no_fault():
    assert [str(f) for f in handbook.check(ROOT / "playbooks")] == []


def test_a_sound_tree_has_no_fault(tree):
    assert handbook.check(*tree) == []


@pytest.mark.parametrize(
    ("code", "path", "old", "new"),
    [
        ("PB001", HOW_TO, "---\nid", "--\nid"),
        ("PB002", INDEX, "owner: analyst\n", ""),
        ("PB002", INDEX, "owner: analyst", "owner: Ann"),
        ("PB002", INDEX, "kind: reference", "kind: blog"),
        ("PB002", INDEX, "status: approved", "status: deprecated"),
        ("PB002", INDEX, "reviewers: [manager]", "reviewers: [analyst]"),
        ("PB002", INDEX, '"2026-11-23"', '"23/11/2026"'),
        ("PB002", INDEX, "3 months", "often"),
        ("PB002", INDEX, "review_every", "reviewed_every"),
        ("PB002", INDEX, "id: index", "id: start"),
        ("PB002", HOW_TO, "minutes: 30\n", ""),
        ("PB002", HOW_TO, "minutes: 30\n", "minutes: 30\nrelated_notebooks: [chrun]\n"),
        ("PB002", HOW_TO, "minutes: 30\n", "minutes: 30\nrelated_metrics: [churn.rate]\n"),
        ("PB010", INDEX, '"2026-11-23"', '"2999-01-01"'),
        ("PB031", HOW_TO, "related_metrics: [churn.share]\n", ""),
        ("PB020", INDEX, "(reference/decision-log.md)", "(reference/decisions.md)"),
        ("PB020", INDEX, "- [log]", "- [out](../Makefile)\n- [log]"),
        ("PB021", INDEX, "decision-log.md)", "decision-log.md#gone)"),
        ("PB021", "reference/decision-log.md", "## Churn ceiling", "## Churn roof"),
        ("PB022", INDEX, "- [log]", "- [deck](https://docs.google.com/presentation/x)\n- [log]"),
        ("PB022", INDEX, "- [log]", "- [deal](https://acme.lightning.force.com/006)\n- [log]"),
        ("PB022", INDEX, "- [log]", "- [wiki](http://wiki.internal/page)\n- [log]"),
        ("PB030", HOW_TO, "`churn.share`", "`churn.rate`"),
        ("PB032", HOW_TO, "-->5 %<!--", "-->6 %<!--"),
        ("PB032", HOW_TO, "threshold:churn.ceiling", "threshold:churn.roof"),
        ("PB040", HOW_TO, "{ #f-chrn-high }", "{ #high }"),
        ("PB041", HOW_TO, "## Escalate", "### F-CHRN-LOW: few { #f-chrn-low }\n\n## Escalate"),
        ("PB043", HOW_TO, "minutes: 30\n", "minutes: 30\nrelated_findings: [F-CHRN-LOW]\n"),
        ("PB050", HOW_TO, "## Escalate", "## Ask"),
        ("PB051", HOW_TO, "3. Write", "Write"),
        ("PB052", HOW_TO, "| If | Then |", "| Sign | Act |"),
        ("PB053", HOW_TO, "Call the five largest.", "TBD"),
        ("PB081", "reference/metrics.md", "ended / due", "ended / all"),
    ],
)
def test_a_planted_defect_is_found(tree, code, path, old, new):
    edit(tree[0], path, old, new)
    assert f"{code} playbooks/{path}" in codes(tree)


def test_a_metric_declared_and_never_linked_is_found(tree):
    folder, registry = tree
    other = replace(registry.metrics[0], id="churn.count", name="Count that leaves")
    edit(folder, HOW_TO, "related_metrics: [churn.share]", "related_metrics: [churn.share, churn.count]")
    faults = handbook.check(folder, replace(registry, metrics=(*registry.metrics, other)))
    assert "'churn.count' is declared and not linked" in {f.message for f in faults}


def test_two_pages_of_one_name_are_found(tree):
    text = (tree[0] / HOW_TO).read_text(encoding="utf-8")
    (tree[0] / "review-churn.md").write_text(text, encoding="utf-8")
    assert "PB003 playbooks/review-churn.md" in codes(tree)


def test_a_draft_linked_from_the_start_page_is_found(tree):
    edit(tree[0], HOW_TO, "status: approved", "status: draft")
    assert codes(tree) == ["PB002 playbooks/index.md"]


def test_a_page_nobody_can_reach_is_found(tree):
    text = (tree[0] / "reference/decision-log.md").read_text(encoding="utf-8")
    (tree[0] / "lost.md").write_text(text.replace("decision-log", "lost"), encoding="utf-8")
    assert codes(tree) == ["PB023 playbooks/lost.md"]


def test_a_section_on_another_page_than_its_rule_names_is_found(tree):
    edit(tree[0], HOW_TO, "### F-CHRN-HIGH: too many leave { #f-chrn-high }\n", "")
    edit(tree[0], INDEX, "- [log]", "### F-CHRN-HIGH { #f-chrn-high }\n\n- [log]")
    assert {"PB040 playbooks/how-to/review-churn.md", "PB042 playbooks/index.md"} <= set(codes(tree))


def test_a_rule_judged_by_no_policy_value_is_found(tree):
    folder, registry = tree
    faults = handbook.check(folder, replace(registry, policies={}))
    assert "F-CHRN-HIGH is judged by 'churn.ceiling', which data/policy lacks" in {f.message for f in faults}


def test_a_readme_table_left_behind_is_found(tree):
    readme = tree[0].parent / "README.md"
    readme.write_text("# A\n\n<!-- notebooks -->\nold\n<!-- /notebooks -->\n", encoding="utf-8")
    assert codes(tree) == ["PB081 README.md"]


def test_a_fault_says_file_line_check_and_what_to_do(tree):
    edit(tree[0], INDEX, "decision-log.md)", "decision-log.md#gone)")
    (fault,) = handbook.check(*tree)
    assert str(fault) == (
        "playbooks/index.md:21: PB021 link to 'reference/decision-log.md#gone' finds no such section; "
        "correct the anchor"
    )


@pytest.mark.parametrize("said", ["5 %", "5%", "0.05", "5.0 %"])
def test_a_threshold_may_be_written_as_percent_or_number(tree, said):
    edit(tree[0], HOW_TO, "-->5 %<!--", f"-->{said}<!--")
    assert handbook.check(*tree) == []
