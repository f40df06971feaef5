"""The parameters a notebook takes, read from its ``parameters`` cell, and the values a run gives it.

Everything is refused before a kernel starts: an unknown name, a wrong type, a name that could carry code.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from salesops_lib.core.errors import ParameterError, PeriodError, nearest
from salesops_lib.core.periods import Period

NAME = re.compile(r"[a-z_]\w*", re.ASCII)
_TEXT_MAX = 2000
_TYPES = "str, int, float, bool, list[str], Literal[…], or one of these | None"
_SCALARS = {"str": str, "int": int, "float": float, "bool": bool}
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True)
class Parameter:
    """One annotated line of the cell: ``period: str = ""  # fiscal period, FY26-Q4``."""

    name: str
    annotation: Any
    default: Any
    help: str

    @property
    def kind(self) -> str:
        """The type as written: ``str``, ``list[str]``, ``int | None``."""
        return _spelled(self.annotation)


@dataclass(frozen=True)
class Parameters:
    """All parameters of one notebook, in the order of its cell."""

    notebook: str
    declared: tuple[Parameter, ...]

    @property
    def names(self) -> list[str]:
        """The declared names."""
        return [p.name for p in self.declared]

    @property
    def defaults(self) -> dict[str, Any]:
        """What the notebook runs with by hand."""
        return {p.name: p.default for p in self.declared}

    def from_text(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """Values typed on the command line, read by declared type; ``007`` stays text for a str.

        Raises ParameterError for an unknown or hostile name or a text that is not of the type.
        """
        values = {}
        for name, text in texts.items():
            parameter = self._declared(name)
            values[name] = _read_text(text, parameter, self.notebook)
        return self.checked(values)

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Typed values, as a run file gives them, checked strictly; returned as given, none added."""
        from pydantic import ValidationError

        for name in values:
            self._declared(name)
        try:
            model = self._model(**values)
        except ValidationError as fault:
            first = fault.errors()[0]
            name = str(first["loc"][0])
            raise ParameterError(self._wrong(self._declared(name), values[name])) from None
        for name in values:
            for text in _texts(getattr(model, name)):
                _refuse_hostile_text(text, name, self.notebook)
                if name == "period" and text:
                    _refuse_no_period(text, self.notebook)
        return {name: getattr(model, name) for name in values}

    def _declared(self, name: str) -> Parameter:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ParameterError(
                f"notebook '{self.notebook}': {str(name)[:60]!r} is no parameter name; "
                f"a name is lower-case letters, digits and _. {nearest('', self.names)}"
            )
        for parameter in self.declared:
            if parameter.name == name:
                return parameter
        raise ParameterError(
            f"notebook '{self.notebook}' has no parameter '{name}'. {_nearest_in_order(name, self.names)}"
        )

    def _wrong(self, parameter: Parameter, value: Any) -> str:
        hint = "; put it in quotes" if parameter.annotation is str and not isinstance(value, str) else ""
        return (
            f"notebook '{self.notebook}', parameter '{parameter.name}': {str(value)[:60]!r} is not "
            f"{_spelled(parameter.annotation)}{hint} ({parameter.help or 'see its parameters cell'})"
        )

    @cached_property
    def _model(self):
        from pydantic import ConfigDict, create_model

        fields: dict[str, Any] = {p.name: (p.annotation, p.default) for p in self.declared}
        config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())
        return create_model("NotebookParameters", __config__=config, **fields)


def read_parameters(notebook: Mapping, name: str) -> Parameters:
    """The parameters of a notebook (nbformat 4, as parsed JSON) from its one cell tagged ``parameters``.

    Raises ParameterError naming the notebook and the line where the cell holds anything but annotated
    literals.
    """
    cells = [
        cell
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and "parameters" in cell.get("metadata", {}).get("tags", [])
    ]
    if len(cells) != 1:
        raise ParameterError(
            f"notebook '{name}' has {len(cells)} cells tagged 'parameters'; tag exactly one code cell"
        )
    source = cells[0]["source"]
    source = source if isinstance(source, str) else "".join(source)
    return Parameters(name, tuple(_read_cell(source, name)))


def _read_cell(source: str, notebook: str) -> list[Parameter]:
    try:
        body = ast.parse(source).body
    except SyntaxError as fault:
        raise ParameterError(
            f"notebook '{notebook}', parameters cell, line {fault.lineno}: not Python ({fault.msg})"
        ) from None
    comments = _comments(source)
    parameters = [_read_line(node, comments, notebook) for node in body]
    names = [p.name for p in parameters]
    doubles = {n for n in names if names.count(n) > 1}
    if doubles:
        raise ParameterError(
            f"notebook '{notebook}', parameters cell: '{min(doubles)}' stands twice; keep one"
        )
    return parameters


def _read_line(node: ast.stmt, comments: dict[int, str], notebook: str) -> Parameter:
    where = f"notebook '{notebook}', parameters cell, line {node.lineno}"
    if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.value is None:
        raise ParameterError(f'{where}: write an annotated literal with a comment, period: str = ""  # …')
    name = node.target.id
    if not NAME.fullmatch(name):
        raise ParameterError(f"{where}: '{name}' is no parameter name; use lower-case letters, digits and _")
    annotation = _annotation(node.annotation)
    if annotation is None:
        raise ParameterError(f"{where}: '{ast.unparse(node.annotation)}' is no parameter type; use {_TYPES}")
    try:
        default = ast.literal_eval(node.value)
    except ValueError:
        raise ParameterError(f"{where}: the default of '{name}' is no literal; write the value out") from None
    parameter = Parameter(name, annotation, default, comments.get(node.end_lineno or node.lineno, ""))
    Parameters(notebook, (parameter,)).checked({name: default})
    return parameter


def _annotation(node: ast.expr) -> Any:
    """The type an annotation stands for, or None where it is none of ours."""
    if isinstance(node, ast.Name):
        return _SCALARS.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        is_none = isinstance(node.right, ast.Constant) and node.right.value is None
        inner = _annotation(node.left)
        return inner | None if inner is not None and is_none else None
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        if node.value.id == "list" and isinstance(node.slice, ast.Name) and node.slice.id == "str":
            return list[str]
        if node.value.id == "Literal":
            items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            if items and all(isinstance(i, ast.Constant) and isinstance(i.value, str | int) for i in items):
                return Literal[tuple(i.value for i in items)]
    return None


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT}


def _read_text(text: str, parameter: Parameter, notebook: str) -> Any:
    annotation = parameter.annotation
    if typing.get_origin(annotation) in {types.UnionType, typing.Union}:
        if text == "null":
            return None
        annotation = next(a for a in typing.get_args(annotation) if a is not type(None))
    try:
        return _converted(text, annotation)
    except ValueError:
        wrong = Parameters(notebook, (parameter,))._wrong(parameter, text)
        raise ParameterError(wrong) from None


def _converted(text: str, annotation: Any) -> Any:
    if annotation is str:
        return text
    if annotation is bool:
        if text.lower() not in _TRUTH:
            raise ValueError(text)
        return _TRUTH[text.lower()]
    if annotation in {int, float}:
        if "_" in text:  # Python would read 1_000
            raise ValueError(text)
        return annotation(text)
    if annotation == list[str]:
        return [part.strip() for part in text.split(",")] if text else []
    for allowed in typing.get_args(annotation):
        if text == str(allowed):
            return allowed
    raise ValueError(text)


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value) if isinstance(value, list) else []


def _refuse_hostile_text(text: str, name: str, notebook: str) -> None:
    if len(text) > _TEXT_MAX or any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise ParameterError(
            f"notebook '{notebook}', parameter '{name}': {text[:40]!r} holds control characters or is "
            f"longer than {_TEXT_MAX:,}; give plain text on one line"
        )


def _refuse_no_period(text: str, notebook: str) -> None:
    """A parameter of this name is a fiscal period in every notebook, so it is read here already."""
    try:
        Period.parse(text)
    except PeriodError as fault:
        raise ParameterError(f"notebook '{notebook}', parameter 'period': {fault}") from None


def _nearest_in_order(word: str, names: list[str]) -> str:
    meant = nearest(word, names).split("It takes:")[0]
    return f"{meant}It takes: {', '.join(names) or 'nothing'}."


def _spelled(annotation: Any) -> str:
    if annotation in _SCALARS.values():
        return annotation.__name__
    if typing.get_origin(annotation) in {types.UnionType, typing.Union}:
        return " | ".join("None" if a is type(None) else _spelled(a) for a in typing.get_args(annotation))
    if typing.get_origin(annotation) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(annotation)))
    return "list[str]" if annotation == list[str] else str(annotation)
