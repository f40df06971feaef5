"""Generated pages say what the library declares, and nothing is rendered by hand."""

import pytest

from salesops_lib import handbook
from salesops_lib.handbook.generated import cadence, figure, rendered


def test_every_declared_thing_stands_on_its_generated_page(tree):
    playbooks, registry = tree
    text = {path.name: text for path, text in rendered(playbooks, registry).items()}
    assert "### Share that leaves { #churn-share }" in text["metrics.md"]
    assert "[F-CHRN-HIGH](../how-to/review-churn.md#f-chrn-high)" in text["findings.md"]
    assert "below [5 %](thresholds.md#churn-ceiling)" in text["findings.md"]
    assert "| 2026-02-01 | 5 % |" in text["thresholds.md"]
    assert "[churn-ceiling](../reference/decision-log.md#churn-ceiling)" in text["thresholds.md"]
    assert "| `share` | ratio | Share that left | ≥ 0; ≤ 1; never empty |" in text["report-tables.md"]
    assert "## contracts { #contracts }" in text["data-dictionary.md"]
    assert "every month, business day 3, 06:00" in text["report-catalogue.md"]


def test_the_readme_lists_the_notebooks_between_its_markers(tree):
    playbooks, registry = tree
    readme = playbooks.parent / "README.md"
    readme.write_text("# A\n\n<!-- notebooks -->\nold\n<!-- /notebooks -->\n\nAfter.\n", encoding="utf-8")
    handbook.render(playbooks, registry)
    text = readme.read_text(encoding="utf-8")
    assert "| [churn](notebooks/churn.ipynb) | Who leaves? |" in text
    assert "old" not in text
    assert text.endswith("After.\n")


def test_rendering_again_changes_nothing(tree):
    playbooks, registry = tree
    assert handbook.render(playbooks, registry) == []


def test_a_bar_in_a_text_does_not_break_the_table(tree):
    playbooks, registry = tree
    registry.run_files["churn"]["question"] = "Who | what?"
    catalogue = rendered(playbooks, registry)[playbooks / "reference" / "report-catalogue.md"]
    assert "| Question | Who \\| what? |" in catalogue


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.85, "ratio", "85 %"),
        (0.075, "ratio", "7.5 %"),
        (25_000, "money", "25,000"),
        (30, "days", "30 days"),
    ],
)
def test_a_policy_value_is_written_in_its_unit(value, unit, said):
    assert figure(value, unit) == said


@pytest.mark.parametrize(
    ("every", "said"),
    [
        ({"every": "week", "on": "Mon", "at": "06:00"}, "every Monday, 06:00"),
        ({"every": "week", True: "Mon"}, "every Monday"),
        ({"every": "month", "business_day": 3, "at": "06:00"}, "every month, business day 3, 06:00"),
        ({"every": "day", "at": "05:00"}, "every day, 05:00"),
        ({}, "on request"),
    ],
)
def test_a_cadence_is_said_in_words(every, said):
    assert cadence(every) == said
