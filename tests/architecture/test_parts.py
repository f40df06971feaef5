"""Which part of a package may use which: each only those before it."""

import ast
from pathlib import Path

import pytest

import salesops_lib

LIBRARY = Path(salesops_lib.__file__).parent
MAY_USE = {
    "attainment": {
        "crediting": set(),
        "outlook": {"crediting"},
        "spread": set(),
        "setting": {"crediting", "outlook", "spread"},
    },
    "compensation": {
        "plans": set(),
        "engine": {"plans"},
        "close": {"plans", "engine"},
        "simulation": {"plans", "engine"},
    },
    "forecasting": {"series": set(), "deals": set(), "flow": {"deals"}, "record": set()},
    "inputs": {
        "tables": set(),
        "importing": {"tables"},
        "sample": {"tables"},
        "checking": {"tables"},
        "cutting": {"tables"},
    },
    "publish": {
        "rendering": set(),
        "running": {"rendering"},
        "scheduling": {"running"},
        "delivery": {"running"},
        "site": {"rendering", "scheduling"},
    },
}
PARTS = [(package, part) for package, parts in MAY_USE.items() for part in parts]


def parts_used(module: Path, package: str) -> set[str]:
    """Parts of ``package`` that a module imports from."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"salesops_lib.{package}"):
            rest = node.module.split(".")[2:]
            used |= {rest[0]} if rest else {alias.name for alias in node.names}
    return used & set(MAY_USE[package])


@pytest.mark.parametrize("package", MAY_USE)
def test_every_part_of_a_package_is_named_here(package):
    assert {path.parent.name for path in (LIBRARY / package).glob("*/__init__.py")} == set(MAY_USE[package])


@pytest.mark.parametrize(("package", "part"), PARTS, ids=lambda word: word)
def test_a_part_uses_only_those_before_it(package, part):
    modules = sorted((LIBRARY / package / part).rglob("*.py"))
    assert len(modules) > 3
    wrong = {m.name: parts_used(m, package) - MAY_USE[package][part] - {part} for m in modules}
    assert {name: used for name, used in wrong.items() if used} == {}


def test_an_import_of_a_later_part_is_seen(tmp_path):
    module = tmp_path / "engine.py"
    module.write_text("from salesops_lib.compensation import close\n", encoding="utf-8")
    assert parts_used(module, "compensation") == {"close"}
