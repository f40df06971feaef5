"""PB033 and the second half of PB043: what notebooks and library say against policy and rules."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from salesops_lib.handbook.faults import Fault
from salesops_lib.handbook.registry import Registry

_CODE = re.compile(r"^F(-[A-Z0-9]+){2,}$")


def check_parameters(registry: Registry, root: Path) -> Iterator[Fault]:
    """PB033: a notebook's parameter named as a policy value of its domain has another default.

    ``file`` is relative to ``root``; the line is that of the parameters cell, from 1.
    """
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        domain = (registry.run_files.get(path.stem) or {}).get("domain", path.stem)
        for line, name, value in _parameters(path):
            held = registry.policy_values.get(f"{domain}.{name}")
            if held is not None and isinstance(value, int | float) and value != held.value:
                said = f"the parameter {name} is {value:g}, the policy {domain}.{name} is {held.value:g}"
                file = path.relative_to(root).as_posix()
                yield Fault(
                    file, line, "PB033", said, "read the policy in place of a parameter, or make them agree"
                )


def _parameters(path: Path) -> Iterator[tuple[int, str, object]]:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if "parameters" not in cell.get("metadata", {}).get("tags", []):
            continue
        for node in ast.parse("".join(cell["source"])).body:
            target = node.target if isinstance(node, ast.AnnAssign) else None
            if isinstance(node, ast.Assign):
                target = node.targets[0]
            if isinstance(target, ast.Name) and isinstance(node.value, ast.Constant):
                yield node.lineno, target.id, node.value.value


def check_emitted(registry: Registry, library: Path) -> Iterator[Fault]:
    """PB043: a code written in the library that is no rule's, and a rule no function of its package uses.

    A rule counts as used where the name it is bound to is read outside the lists that collect rules.
    ``file`` is relative to the library's parent.
    """
    codes = {rule.code for rule in registry.rules}
    used: dict[str, set[str]] = {}
    for module in sorted(library.glob("*/**/*.py")):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        used.setdefault(module.relative_to(library).parts[0], set()).update(_read_names(tree))
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and _CODE.match(text) and text not in codes:
                file = module.relative_to(library.parent).as_posix()
                yield Fault(
                    file,
                    node.lineno,
                    "PB043",
                    f"'{text}' is no rule's code",
                    "declare the rule or correct it",
                )
    for rule in registry.rules:
        places = list(_bound(rule))
        if places and not any(name in used.get(package, set()) for package, name in places):
            package, name = places[0]
            said = f"{rule.code} ({name}) is never emitted"
            yield Fault(f"{library.name}/{package}", 1, "PB043", said, "emit it or remove the rule")


def _read_names(tree: ast.Module) -> set[str]:
    found = set()
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(t, ast.Name) and t.id.endswith("RULES") for t in targets):
            continue
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
                found.add(part.id)
            elif isinstance(part, ast.Attribute):
                found.add(part.attr)
    return found


def _bound(rule) -> Iterator[tuple[str, str]]:
    """Packages and names of the library's modules that hold the rule."""
    for name, module in list(sys.modules.items()):
        parts = name.split(".")
        if parts[0] == "salesops_lib" and len(parts) > 2 and parts[1] != "handbook":
            for variable, value in vars(module).items():
                if value is rule:
                    yield parts[1], variable
