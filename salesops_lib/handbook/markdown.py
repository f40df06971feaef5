"""Pieces of a generated page: front matter, tables, links."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable


def page(name: str, title: str, lead: str, body: str, kind: str = "reference") -> str:
    """A generated page with its front matter; ``title`` is its heading too."""
    front = (
        f"---\nid: {name}\ntitle: {title}\nkind: {kind}\nowner: analyst\nreviewers: [manager]\n"
        f"audience: [all]\nstatus: approved\ngenerated_from: salesops playbooks render\n---\n\n"
    )
    return f"{front}# {title}\n\n{lead}\n\n{body.strip()}".rstrip() + "\n"


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; bars and line ends in cells are kept from breaking it."""
    lines = [_row(header), _row("---" for _ in header), *(_row(cells) for cells in rows)]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(str(c).replace("|", "\\|").replace("\n", " ") for c in cells) + " |"


def linked(path: str, here: str, text: str = "") -> str:
    """A link from the page ``here`` to ``path``, both relative to the playbooks folder."""
    to = posixpath.relpath(path, posixpath.dirname(here) or ".")
    return f"[{text or posixpath.basename(path).removesuffix('.md').replace('-', ' ')}]({to})"
