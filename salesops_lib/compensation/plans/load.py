"""A plan from its text: every fault with its line, and the plan as far as it can be read.

A part that cannot be read is reported and left out, so that one run finds the faults of the other parts too.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from salesops_lib.compensation.plans.exact import shown
from salesops_lib.compensation.plans.faults import Fault, PlanError, errors
from salesops_lib.compensation.plans.plan import SCHEMA, Plan
from salesops_lib.compensation.plans.yaml_lines import Marked, Path, read_marked
from salesops_lib.core.errors import nearest

MAX_REPAIRS = 200
_OUT = object()
_LISTS = ("components", "credits", "spiffs", "holds", "pool", "measures")
_PLACEHOLDERS: dict[str, Any] = {
    "schema": SCHEMA,
    "id": "unnamed",
    "version": 1,
    "effective": {"from": date(1970, 1, 1)},
    "currency": "XXX",
    "roles": ["unnamed"],
    "rounding": {"mode": "half_even"},
    "measures": {},
}
"""What stands in for a required part that cannot be read, so that the rest can be checked."""


@dataclass(frozen=True)
class Loaded:
    """A plan's file as read. ``plan`` is None where too little of it can be read.

    ``faults`` are those of its form; ``whole`` says that nothing had to be left out.
    """

    file: str
    plan: Plan | None
    document: Marked
    faults: tuple[Fault, ...] = ()
    whole: bool = True
    left_out: frozenset[Path] = field(default_factory=frozenset)

    def fault(self, code: str, at: Path, message: str) -> Fault:
        """A fault at a path of this file, with its line and the id of the part it is in."""
        return Fault(self.file, self.document.line(at), code, subject(self.document.content, at), message, at)

    def parts(self, name: str) -> list[tuple[Path, Any]]:
        """The entries of a list of the plan (components, spiffs …) with their paths in the file."""
        raw = self.document.content.get(name)
        count = len(raw) if isinstance(raw, list) else 0
        places = [i for i in range(count) if (name, i) not in self.left_out]
        return [((name, i), part) for i, part in zip(places, getattr(self.plan, name), strict=False)]

    def subparts(self, at: Path, name: str, parts: tuple) -> list[tuple[Path, Any]]:
        """Gates or multipliers of a component with their paths: one, or a list of them."""
        raw = self.document.content
        for step in (*at, name):
            raw = raw.get(step) if isinstance(raw, dict) else raw[step]
        if isinstance(raw, list):
            return [((*at, name, i), part) for i, part in enumerate(parts)]
        return [((*at, name), part) for part in parts]


@lru_cache(maxsize=256)
def load_plan(text: str, file: str) -> Loaded:
    """Read one plan. ``file`` is how messages name it. Nothing is raised; the faults are in the answer.

    A close reads the same texts several times: the answer is kept, and nobody changes it.
    """
    document = read_marked(text)
    found = [
        Fault(file, line, code, subject(document.content, at), said, at)
        for code, at, line, said in document.faults
    ]
    if not isinstance(document.content, dict):
        if not found:
            found = [Fault(file, 1, "E001", "plan", "the file is empty or no mapping; see data/plans", ())]
        return Loaded(file, None, document, tuple(found), whole=False)
    plan, more, left_out = _validated(document, file)
    known = {(f.line, f.code) for f in found}
    found += [f for f in more if (f.line, f.code) not in known]
    return Loaded(file, plan, document, tuple(found), not left_out, frozenset(left_out))


def the_plan(text: str, file: str) -> Plan:
    """A plan without faults of form. Raises PlanError with a line for each fault."""
    loaded = load_plan(text, file)
    if found := errors(loaded.faults):
        raise PlanError("\n".join(str(f) for f in found))
    return loaded.plan


def subject(content: Any, at: Path) -> str:
    """What a path is about: the id of the innermost part that has one, else its first word."""
    named, part = "", content
    for step in at:
        try:
            part = part[step]
        except (KeyError, IndexError, TypeError):
            continue
        if isinstance(part, dict) and isinstance(part.get("id"), str):
            named = part["id"]
    if not named and len(at) > 1 and at[0] == "measures":
        named = str(at[1])
    return named or (str(at[0]) if at else "plan")


def _validated(document: Marked, file: str) -> tuple[Plan | None, list[Fault], set[Path]]:
    """Validate; report the first complaint, take the part out, again until nothing is wrong."""
    content, found, left_out = copy.deepcopy(document.content), [], set()
    for _ in range(MAX_REPAIRS):
        try:
            return Plan.model_validate(_kept(content)), found, left_out
        except ValidationError as fault:
            complaints = fault.errors(include_url=False)
        wrong = [(_path_in(content, c["loc"]), c) for c in complaints]
        for at, complaint in wrong:
            code, said = _sentence(complaint, at)
            found.append(Fault(file, document.line(at), code, subject(document.content, at), said, at))
            removed = at if code == "E004" else at[:2] if at[0] in _LISTS else at[:1]
            left_out |= {removed} if code != "E004" else set()
            _take_out(content, removed)
    return None, found, left_out | {()}


def _kept(part: Any) -> Any:
    """Content without what was taken out."""
    if isinstance(part, dict):
        return {key: _kept(value) for key, value in part.items() if value is not _OUT}
    if isinstance(part, list):
        return [_kept(value) for value in part if value is not _OUT]
    return part


def _take_out(content: dict, at: Path) -> None:
    part = content
    for step in at[:-1]:
        part = part[step]
        if part is _OUT:
            return
    if len(at) == 1 and at[0] in _PLACEHOLDERS:
        part[at[0]] = copy.deepcopy(_PLACEHOLDERS[at[0]])
    else:
        part[at[-1]] = _OUT


def _path_in(content: Any, loc: tuple) -> Path:
    """The path in the file of pydantic's place, which counts only what was kept and names variants."""
    path: list[Any] = []
    part = content
    for number, step in enumerate(loc):
        if isinstance(part, list) and isinstance(step, int):
            places = [i for i, value in enumerate(part) if value is not _OUT]
            step = places[step] if step < len(places) else step
        if isinstance(part, dict | list):
            try:
                part = part[step]
            except (KeyError, IndexError, TypeError):
                if number < len(loc) - 1 or isinstance(part, list):
                    continue
        else:
            continue
        path.append(step)
    return tuple(path)


def _sentence(error: dict, at: Path) -> tuple[str, str]:
    """Code and sentence of one complaint of pydantic's."""
    kind, key = error["type"], str(at[-1]) if at else "plan"
    context = error.get("ctx") or {}
    if kind.startswith("E") and kind[1:].isdigit():
        return kind, f"{key}: {error['msg']}"
    if kind == "extra_forbidden":
        return "E004", f"'{key}' is no key here. {nearest(key, _keys_at(error['loc']))}"
    if kind == "missing":
        return "E005", f"'{key}' is missing"
    if kind == "union_tag_not_found":
        tag = str(context.get("discriminator", "")).strip("'")
        return "E005", f"'{tag}' is missing; there is no default"
    if kind == "union_tag_invalid":
        tag = str(context.get("discriminator", "")).strip("'")
        said = error["input"].get(tag) if isinstance(error["input"], dict) else error["input"]
        return "E006", f"{tag} is {shown(said)}; write one of {context.get('expected_tags')}"
    if kind == "string_pattern_mismatch" and key == "currency":
        return "E006", f"currency is {shown(error['input'])}; write three capitals, such as USD"
    if kind == "too_short":
        return "E005", f"'{key}' is empty"
    return "E006", f"{key} is {shown(error['input'])}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _keys_at(loc: tuple) -> set[str]:
    """The keys that the mapping at pydantic's place takes."""
    models: list[type[BaseModel]] = [Plan]
    for step in loc[:-1]:
        fields = [f for m in models for n, f in m.model_fields.items() if step in {n, f.alias}]
        if fields:
            models = [m for f in fields for m in _models(f.annotation)] or models
        elif isinstance(step, str):
            models = [m for m in models if _is_variant(m, step)] or models
    return {f.alias or name for m in models for name, f in m.model_fields.items()}


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _is_variant(model: type[BaseModel], tag: str) -> bool:
    return any(get_args(f.annotation) == (tag,) for f in model.model_fields.values())
