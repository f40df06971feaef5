"""What the domains declare fits together: ids are unique, rules name what exists."""

import ast
import importlib
from collections import Counter
from pathlib import Path

import pytest

import salesops_lib
from salesops_lib.handbook.registry import Registry, discover, policy_key

ROOT = Path(salesops_lib.__file__).parents[1]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover(ROOT)


def twice(names) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def test_every_metric_id_is_unique(registry):
    assert twice(m.id for m in registry.metrics) == []


def test_every_finding_code_is_unique(registry):
    assert twice(r.code for r in registry.rules) == []


def test_a_name_that_stands_twice_is_found():
    assert twice(["F-A-B", "F-A-C", "F-A-B"]) == ["F-A-B"]


def test_every_rule_is_judged_on_a_registered_metric(registry):
    assert {r.metric.id for r in registry.rules} <= {m.id for m in registry.metrics}


def test_every_rule_is_judged_by_a_policy_value(registry):
    assert {policy_key(r) for r in registry.rules} <= set(registry.policy_values)


def test_every_policy_value_judges_or_feeds_something(registry):
    # A number nobody reads is a number nobody keeps true.
    text = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "salesops_lib").rglob("*.py"))
    text += "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "notebooks").glob("*.ipynb"))
    text = text.replace("\\", "")
    read = {key for key in registry.policy_values if f'"{key.split(".")[1]}"' in text}
    # A value for one table is named after the general one: stale_after_days, stale_after_days_invoices.
    unread = [
        k for k in registry.policy_values if k not in read and not any(k.startswith(f"{r}_") for r in read)
    ]
    assert unread == []


def test_every_metric_has_a_past(registry):
    """It is judged by a finding, or a report states it with a Reading: else its page would stay empty."""
    read = set()
    for path in (ROOT / "salesops_lib").rglob("*.py"):
        named = {
            node.args[0].id
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Reading"
        }
        if named:
            module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            read |= {getattr(module, name).id for name in named}
            name = f"from {'.'.join(path.relative_to(ROOT).with_suffix('').parts[:-1])}"
            using = [p for p in (ROOT / "notebooks").glob("*.ipynb") if name in p.read_text(encoding="utf-8")]
            assert any("report.readings(" in p.read_text(encoding="utf-8") for p in using), path
    assert [m.id for m in registry.metrics if m.id not in read | {r.metric.id for r in registry.rules}] == []


def test_every_metric_names_the_function_that_computes_it(registry):
    lost = []
    for metric in registry.metrics:
        module, _, function = metric.source.rpartition(".")
        if not hasattr(importlib.import_module(module), function):
            lost.append(f"{metric.id}: {metric.source}")
    assert lost == []


def test_every_run_file_names_pages_that_exist(registry):
    pages = {p for run in registry.run_files.values() for p in run["playbooks"]}
    assert [p for p in sorted(pages) if not (ROOT / "playbooks" / p).is_file()] == []


def test_every_run_file_needs_only_declared_tables_and_columns(registry):
    declared = {t.name: set(t.column_names) for t in registry.inputs}
    lost = [
        f"{name}: {table}.{column}"
        for name, run in registry.run_files.items()
        for table, columns in run["needs"].items()
        for column in columns
        if column not in declared.get(table, ())
    ]
    assert lost == []
