"""Discovery finds by file name, and refuses a file it cannot read."""

import pytest

from salesops_lib.core.errors import PolicyError, UserError
from salesops_lib.handbook.registry import discover


def test_a_folder_without_policy_or_notebooks_gives_none(tmp_path):
    registry = discover(tmp_path)
    assert registry.policies == {}
    assert registry.run_files == {}


def test_policy_and_run_files_are_found_by_name(tmp_path):
    (tmp_path / "data" / "policy").mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data" / "policy" / "churn.yaml").write_text(
        "ceiling:\n  description: x\n  unit: ratio\n  source: y\n"
        "  values: {2025-02-01: 0.04, 2026-02-01: 0.05}\n"
    )
    (tmp_path / "data" / "policy" / "stages.yaml").write_text("stages: []\n")
    (tmp_path / "notebooks" / "churn.yaml").write_text("title: Churn\n")
    registry = discover(tmp_path)
    assert registry.policy_values["churn.ceiling"].value == 0.05
    assert set(registry.policies) == {"churn"}
    assert registry.run_files == {"churn": {"title": "Churn"}}


def test_a_policy_file_out_of_form_is_refused(tmp_path):
    (tmp_path / "data" / "policy").mkdir(parents=True)
    (tmp_path / "data" / "policy" / "churn.yaml").write_text("ceiling: {unit: ratio}\n")
    with pytest.raises(PolicyError, match=r"policy 'churn\.ceiling' lacks description"):
        discover(tmp_path)


@pytest.mark.parametrize(("text", "said"), [("a: [", "is not YAML"), ("- a\n", "holds no mapping")])
def test_a_run_file_that_is_no_mapping_is_refused(tmp_path, text, said):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "churn.yaml").write_text(text)
    with pytest.raises(UserError, match=said):
        discover(tmp_path)
