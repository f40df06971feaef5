"""The registers: YAML lists in ``playbooks/registers``, each held to its schema in ``playbooks/schemas``.

An entry knows its line, so that a fault names it. Nothing is generated while a register has a fault.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema
import yaml

from salesops_lib.core.errors import UserError
from salesops_lib.handbook.faults import Fault

NAMES = (
    "approval_matrix", "article_coverage", "benchmarks", "calendar", "communications", "decision_rights",
    "decisions", "enablement_plan", "examples", "friction", "initiatives", "intake", "people_skills",
    "planning", "practices", "questions", "responsibilities", "roles", "scale_triggers", "shadowing",
    "skills", "tech_stack", "terms",
)  # fmt: skip
FOLDER, SCHEMAS = "registers", "schemas"


class Entry(dict):
    """A mapping read from YAML; ``line`` is where it starts, ``lines`` where each key stands."""

    line: int = 1
    lines: dict[str, int]

    def at(self, key: str) -> int:
        """The line of a key; of the entry where it lacks the key."""
        return self.lines.get(key, self.line)


@dataclass(frozen=True)
class Registers:
    """Every register by name, and what is wrong with their form; ``present`` where the folder exists."""

    entries: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    present: bool = False

    def __getitem__(self, name: str) -> tuple[Entry, ...]:
        """The entries of a register; none where it is missing or broken."""
        return self.entries.get(name, ())

    def by_id(self, name: str) -> dict[str, Entry]:
        """Entries by their id."""
        return {entry["id"]: entry for entry in self[name]}


def read_registers(playbooks: Path) -> Registers:
    """Read every register; faults (PB004) name ``registers/<file>`` and its line. No folder, no registers."""
    folder = playbooks / FOLDER
    if not folder.is_dir():
        return Registers()
    entries, faults = {}, []
    for name in NAMES:
        path = folder / f"{name}.yml"
        if not path.exists():
            faults.append(_fault(name, 1, "the register is missing", "write it as its schema says"))
            continue
        try:
            rows = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 a SafeLoader
        except yaml.YAMLError as broken:
            line = broken.problem_mark.line + 1 if getattr(broken, "problem_mark", None) else 1
            faults.append(_fault(name, line, f"is no YAML: {broken.problem or 'unreadable'}", "mend it"))
            continue
        wrong = list(_breaches(name, rows, playbooks / SCHEMAS / f"{name}.schema.json"))
        faults += wrong
        if not wrong:
            entries[name] = tuple(rows)
    known = {f"{name}.yml" for name in NAMES} | {"paths.txt"}
    faults += [
        Fault(f"{FOLDER}/{p.name}", 1, "PB004", "no check reads this file", "name it in registers.NAMES")
        for p in sorted(folder.iterdir())
        if p.name not in known
    ]
    return Registers(entries, tuple(faults), present=True)


def refuse_faulty(
    registers: Registers, more: Callable[[Registers], list[Fault]] = lambda registers: []
) -> None:
    """Raise UserError with the first fault, of form or found by ``more``: nothing is made of it."""
    faults = registers.faults or more(registers)
    if faults:
        others = len(faults) - 1
        raise UserError(f"playbooks/{faults[0]}" + (f" (and {others} more faults)" if others else ""))


def _breaches(name: str, rows: object, schema: Path) -> Iterator[Fault]:
    if not schema.exists():
        yield _fault(name, 1, f"has no schema {SCHEMAS}/{schema.name}", "write the schema")
        return
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    for error in sorted(validator.iter_errors(rows), key=lambda e: [str(p) for p in e.absolute_path]):
        where = _said(rows, list(error.absolute_path))
        said = error.message if len(error.message) < 120 else f"breaks '{error.validator}'"
        yield _fault(name, _line(rows, error.absolute_path), f"{where or 'the file'}: {said}",
                     f"correct it; the rule is '{error.validator}' of {schema.name}")  # fmt: skip
    seen: dict[str, int] = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Entry) and "id" in row:
            if row["id"] in seen:
                yield _fault(
                    name, row.line, f"id '{row['id']}' stands on line {seen[row['id']]} too", "rename it"
                )
            seen.setdefault(row["id"], row.line)


def _said(rows: object, path: list) -> str:
    """``coverage-inverse, figure``: the entry's id in place of its number, and the way to the field."""
    named = [str(p) for p in path]
    if path and isinstance(rows[path[0]], Entry) and "id" in rows[path[0]]:
        named[0] = str(rows[path[0]]["id"])
    elif path:
        named[0] = f"entry {path[0] + 1}"
    return ", ".join(named)


def _line(rows: object, path) -> int:
    """The line of the deepest mapping or key on the path."""
    line, here = 1, rows
    for step in path:
        if isinstance(here, Entry):
            line = here.at(step)
        here = here[step]
        if isinstance(here, Entry):
            line = here.line
    return line


def _fault(name: str, line: int, said: str, fix: str) -> Fault:
    return Fault(f"{FOLDER}/{name}.yml", line, "PB004", said, fix)


class _Loader(yaml.SafeLoader):
    """Mappings become entries with lines; dates stay text, so that a schema can judge them."""


_Loader.yaml_implicit_resolvers = {
    key: [(tag, regexp) for tag, regexp in found if tag != "tag:yaml.org,2002:timestamp"]
    for key, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _entry(loader: _Loader, node: yaml.MappingNode) -> Iterator[Entry]:
    entry = Entry()
    entry.line, entry.lines = node.start_mark.line + 1, {}
    yield entry
    for key, _ in node.value:
        entry.lines[key.value] = key.start_mark.line + 1
    entry.update(loader.construct_mapping(node, deep=True))


_Loader.add_constructor("tag:yaml.org,2002:map", _entry)
