"""YAML as text with line marks: numbers become Decimal from their text, doubled keys and floats are found.

Only plain YAML is read: mappings, lists and scalars. Anchors work; merge keys and tags are refused. A word is
a word: ``on``, ``no`` and ``NO`` stay text, only ``true`` and ``false`` are truth values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

from salesops_lib.compensation.plans.exact import FLOAT_DIGITS, shown

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_WHOLE = re.compile(r"[-+]?\d+")
_DECIMAL = re.compile(r"[-+]?(\d+\.\d*|\.\d+)")
_FLOAT = re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)[eE][-+]?\d+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_ODD = re.compile(r"[-+]?\d[\d_]*_[\d_]*(\.\d*)?|[-+]?\d+(:[0-5]?\d)+(\.\d*)?|0[xob][0-9a-fA-F]+")
_FLOAT_TAG = "tag:yaml.org,2002:float"
_TAGGED = re.compile(r"(&\S+\s+)?!")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
MAX_NODES = 100_000

Path = tuple[Any, ...]


@dataclass
class Marked:
    """A document: its ``content`` and for every path in it the line where it stands.

    ``faults`` are (code, path, line, sentence) found while reading.
    """

    content: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[tuple[str, Path, int, str]] = field(default_factory=list)
    text: str = field(default="", repr=False)
    nodes: int = 0

    def line(self, path: Path) -> int:
        """The line of a path, or of the nearest part above it that is in the file.

        Parts that the file does not have (the name of a variant) are passed over.
        """
        found: Path = ()
        for part in path:
            if (*found, part) in self.lines:
                found = (*found, part)
        return self.lines.get(found, 1)


def read_marked(text: str) -> Marked:
    """Parse one YAML document. What cannot be parsed is a fault E001 with its line, and no content."""
    document = Marked(text=text)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None) or getattr(fault, "context_mark", None)
        problem = getattr(fault, "problem", None) or str(fault).splitlines()[0]
        line = mark.line + 1 if mark else 1
        document.faults.append(("E001", (), line, f"{problem}; correct the YAML"))
        return document
    except RecursionError:
        document.faults.append(("E001", (), 1, "nested too deep; that is no plan"))
        return document
    if node is not None:
        document.content = _value(node, (), document, frozenset())
    return document


def _value(node: yaml.Node, path: Path, document: Marked, above: frozenset[int]) -> Any:
    document.nodes += 1
    line = node.start_mark.line + 1
    document.lines.setdefault(path, line)
    if document.nodes > MAX_NODES or id(node) in above:
        if not any(f[0] == "E001" for f in document.faults):
            document.faults.append(("E001", path, line, "an anchor repeats without end; write it out"))
        return None
    above = above | {id(node)}
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document, above)
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*path, i), document, above) for i, child in enumerate(node.value)]
    return _scalar(node, path, document)


def _mapping(node: yaml.MappingNode, path: Path, document: Marked, above: frozenset[int]) -> dict:
    content: dict = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            document.faults.append(("E001", path, line, "a key is a list or mapping; write a word"))
            continue
        key = key_node.value
        if key in content:
            document.faults.append(
                (
                    "E002",
                    (*path, key),
                    line,
                    f"'{key}' stands twice, first on line {document.lines[(*path, key)]}",
                )
            )
            continue
        document.lines[(*path, key)] = line
        content[key] = _value(value_node, (*path, key), document, above)
    return content


def _scalar(node: yaml.ScalarNode, path: Path, document: Marked) -> Any:
    text, line = node.value, node.start_mark.line + 1
    if _TAGGED.match(document.text, node.start_mark.index):
        code, said = ("E003", "makes a binary float") if node.tag == _FLOAT_TAG else ("E001", "is refused")
        document.faults.append((code, path, line, f"a tag {said}; write the value plainly"))
        return _number(text)
    if node.style is not None or text in _WORDS:
        return text if node.style is not None else _WORDS[text]
    if _WHOLE.fullmatch(text):
        return text if re.match(r"[-+]?0\d", text) else int(text)
    if _DECIMAL.fullmatch(text):
        if len(re.sub(r"\D", "", text).strip("0")) >= FLOAT_DIGITS:
            said = f"{shown(text)} is the print of a binary float; write the decimal that is meant"
            document.faults.append(("E003", path, line, said))
        return Decimal(text)
    if _FLOAT.fullmatch(text) or _ODD.fullmatch(text):
        said = f"{shown(text)} is read as a binary float or otherwise; write it plainly, such as 0.05"
        document.faults.append(("E003", path, line, said))
        return _number(text)
    return _day(text, path, line, document) if _DAY.fullmatch(text) else text


def _number(text: str) -> Any:
    """What was meant, so that the other checks can go on; the text itself where that is no number."""
    try:
        meant = Decimal(text.replace("_", ""))
    except InvalidOperation:
        return Decimal(0) if "nan" in text.lower() or "inf" in text.lower() else text
    return meant if meant.is_finite() else Decimal(0)


def _day(text: str, path: Path, line: int, document: Marked) -> Any:
    try:
        return date.fromisoformat(text)
    except ValueError:
        document.faults.append(("E006", path, line, f"there is no day {text}; write one of the calendar"))
        return None
