"""Pages that are printed load nothing: another file would stand in a PDF, which nothing can search."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from salesops_lib.core.errors import UserError

_ADDRESSES = {"src", "srcset", "poster", "data", "background", "srcdoc", "action", "formaction"}
_FRAMES = {"iframe", "frame", "object", "embed", "link", "base", "script", "portal"}
_STYLED = {"style", "fill", "stroke", "filter", "mask", "clip-path", "cursor", "marker-start", "marker-mid",
           "marker-end"}  # fmt: skip
_INSIDE = ("data:", "#")
_STYLE = re.compile(r"url\s*\((?!\s*[\"']?(?:data:|#))|@import|image-set|[\\<]", re.IGNORECASE)
"""A backslash may spell any of them; a ``<`` may end the style sheet for the browser and not for us."""


def refuse_loading(page: Path) -> None:
    """Raise UserError where a page makes a browser read more than the page itself."""
    reader = _Loads()
    reader.feed(page.read_text(encoding="utf-8"))
    reader.close()
    if reader.found:
        raise UserError(
            f"'{page.name}' is to be printed and loads more than itself ({reader.found}); put that into it"
        )


class _Loads(HTMLParser):
    """``found``: the first thing in a page that makes a browser read something else, or read it otherwise."""

    found = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        for name, value in attrs:
            text = value or ""
            address = name in _ADDRESSES or (name.endswith("href") and tag not in {"a", "area"})
            styled = name in _STYLED and _STYLE.search(text)
            if (address and not text.startswith(_INSIDE)) or styled or name.startswith("on"):
                self._note(f"<{tag} {name}>")
        if tag in _FRAMES or (tag == "meta" and "refresh" in str(attrs).lower()):
            self._note(f"<{tag}>")

    def handle_data(self, data: str) -> None:
        """A style sheet is text to the parser; so is what a reader sees, where it does no harm."""
        if self.lasttag == "style" and self.cdata_elem and _STYLE.search(data):
            self._note("<style>")

    def handle_comment(self, data: str) -> None:
        """Where a comment ends is read in more than one way."""
        self._note("<!-- -->")

    unknown_decl = handle_pi = handle_comment

    def _note(self, said: str) -> None:
        self.found = self.found or said
