"""The search index: the generator's for the playbooks, ours for the pages it knows only as gaps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from salesops_lib.publish.site.pages import Page
from salesops_lib.publish.site.shell import LATEST, SiteError

_OFFLINE = "var __index = "  # how the same index reads where pages are opened without a server


def write_search(
    frame: Path, folder: Path, pages: Sequence[Page], before: Path | None, kept: Sequence[str]
) -> None:
    """Write ``search.json`` and ``search.js`` of the site in ``folder``.

    ``pages`` were made now. ``kept``: addresses of pages that stand as in the site ``before``, whose entries
    are taken from there.
    """
    index = _read(frame)
    ours = {page.path for page in pages} | set(kept)
    items = [item for item in index["items"] if _page(item) not in ours]
    for page in pages:
        items += [_entry(page, *found) for found in page.found]
    if before is not None and kept:
        wanted = set(kept)
        items += [item for item in _read(before)["items"] if _page(item) in wanted]
    items.sort(key=_page)  # the same whatever was kept; entries of a page stay in their order
    text = json.dumps(index | {"items": items}, ensure_ascii=False, separators=(",", ":"))
    for name, written in (("search.json", text), ("search.js", f"{_OFFLINE}{text};")):
        (folder / name).unlink(missing_ok=True)  # a link to the frame's own, which stays as it is
        (folder / name).write_text(written, encoding="utf-8")


def _entry(page: Page, anchor: str, title: str, text: str) -> dict:
    trail = [] if page.path == "index.html" else [page.path.split("/")[0].capitalize()]
    return {
        "location": f"{page.path}#{anchor}" if anchor else page.path,
        "level": 2 if anchor else 1,
        "title": escape(title, quote=False),
        "text": text,
        "path": [*trail, *([escape(page.title, quote=False)] if anchor else [])],
        "tags": [],
    }


def _page(item: dict) -> str:
    return item["location"].split("#")[0]


def _read(site: Path) -> dict:
    try:
        return json.loads(LATEST.sub("", (site / "search.json").read_text(encoding="utf-8")))
    except (OSError, ValueError) as fault:
        raise SiteError(f"the search index of {site} cannot be read: {fault}; remove {site.parent}") from None
