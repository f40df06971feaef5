"""A Markdown page as the checks see it: front matter, headings with their anchors, links with their lines."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import yaml

_FENCE = re.compile(r"^\s*(```|~~~)")
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)(?:\s*\{:?\s*#([\w-]+)[^}]*\})?\s*#*\s*$")
_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_HTML_ID = re.compile(r"<\w+[^>]*\s(?:id|name)=\"([^\"]+)\"")
_CODE_SPAN = re.compile(r"`[^`]*`")


@dataclass(frozen=True)
class Heading:
    """A heading; ``anchor`` is its own id or the slug Python-Markdown gives it."""

    level: int
    text: str
    anchor: str
    line: int


@dataclass(frozen=True)
class Page:
    """A parsed page. ``path`` is relative to the playbooks folder; ``front`` is None where there is none.

    ``body`` holds the lines with their numbers, without front matter and without fenced code.
    """

    path: str
    front: dict | None
    body: tuple[tuple[int, str], ...]
    headings: tuple[Heading, ...]
    links: tuple[tuple[int, str], ...]
    anchors: frozenset[str]

    def section(self, title: str) -> list[tuple[int, str]] | None:
        """The lines under the second-level heading that starts with ``title``; None where it is missing."""
        starts = [h for h in self.headings if h.level == 2 and h.text.lower().startswith(title.lower())]
        if not starts:
            return None
        after = [h.line for h in self.headings if h.level <= 2 and h.line > starts[0].line]
        end = min(after, default=float("inf"))
        return [(n, text) for n, text in self.body if starts[0].line < n < end]


def read_pages(folder: Path) -> dict[str, Page]:
    """Every page under a playbooks folder by its relative path."""
    return {
        (path := file.relative_to(folder).as_posix()): parse(path, file.read_text(encoding="utf-8"))
        for file in sorted(folder.rglob("*.md"))
    }


def parse(path: str, text: str) -> Page:
    """Parse one page; front matter that is no YAML mapping counts as none."""
    lines = text.split("\n")
    front, first = _front_matter(lines)
    body, fenced = [], False
    for number, line in enumerate(lines[first:], first + 1):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            body.append((number, line))
    headings = _headings(body)
    return Page(
        path=path,
        front=front,
        body=tuple(body),
        headings=headings,
        links=tuple((n, target) for n, line in body for target in _LINK.findall(_CODE_SPAN.sub("", line))),
        anchors=frozenset(h.anchor for h in headings)
        | {anchor for _, line in body for anchor in _HTML_ID.findall(line)},
    )


def slug(text: str) -> str:
    """The anchor Python-Markdown's ``toc`` gives a heading."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def _front_matter(lines: list[str]) -> tuple[dict | None, int]:
    if lines[0] != "---" or "---" not in lines[1:]:
        return None, 0
    end = lines.index("---", 1)
    try:
        front = yaml.safe_load("\n".join(lines[1:end]))
    except yaml.YAMLError:
        front = None
    return (front if isinstance(front, dict) else None), end + 1


def _headings(body: list[tuple[int, str]]) -> tuple[Heading, ...]:
    found: list[Heading] = []
    for number, line in body:
        match = _HEADING.match(line)
        if not match:
            continue
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[2]).replace("`", "").replace("*", "")
        anchor = match[3] or slug(text)
        taken = {h.anchor for h in found}
        base, count = anchor, 0
        while anchor in taken:
            count += 1
            anchor = f"{base}_{count}"
        found.append(Heading(len(match[1]), text, anchor, number))
    return tuple(found)
