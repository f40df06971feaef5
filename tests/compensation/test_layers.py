"""Which part of the domain may use which: plans, then pay, then the close and the simulation beside it."""

import ast
from pathlib import Path

import pytest

import salesops_lib.compensation

DOMAIN = Path(salesops_lib.compensation.__file__).parent
MAY_USE = {
    "plans": {"plans"},
    "engine": {"plans", "engine"},
    "close": {"plans", "engine", "close"},
    "simulation": {"plans", "engine", "simulation"},
}


def parts_used(module: Path) -> set[str]:
    """First word after ``salesops_lib.compensation.`` of every import in a module."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("salesops_lib.compensation"):
            rest = node.module.split(".")[2:]
            used |= {rest[0]} if rest else {alias.name for alias in node.names}
    return used & set(MAY_USE)


@pytest.mark.parametrize("part", MAY_USE)
def test_a_part_uses_only_those_before_it(part):
    modules = sorted((DOMAIN / part).glob("*.py"))
    assert len(modules) > 5
    wrong = {m.name: parts_used(m) - MAY_USE[part] for m in modules}
    assert {name: used for name, used in wrong.items() if used} == {}


def test_an_import_of_a_later_part_is_seen(tmp_path):
    module = tmp_path / "engine.py"
    module.write_text("from salesops_lib.compensation import close\n", encoding="utf-8")
    assert parts_used(module) - MAY_USE["engine"] == {"close"}
