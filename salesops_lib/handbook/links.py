"""PB020 to PB023: links that lead nowhere, links into private places, pages nobody can reach."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from salesops_lib.handbook.faults import Fault
from salesops_lib.handbook.pages import Page
from salesops_lib.handbook.registry import Registry

_PRIVATE = re.compile(
    r"(^|\.)((docs|drive)\.google\.com|slack\.com|notion\.so|atlassian\.net|sharepoint\.com|my\.salesforce\.com"
    r"|lightning\.force\.com|dynamics\.com|app\.hubspot\.com)$"
    r"|\.(internal|local|lan|corp)$|^localhost$|^(10|127|192\.168|172\.(1[6-9]|2\d|3[01]))\."
)
_POLICY_PAGE = re.compile(r"playbooks/([\w/-]+\.md)(?:#([\w-]+))?")


def check_links(pages: dict[str, Page], registry: Registry) -> Iterator[Fault]:
    """Faults of links; ``file`` is relative to the playbooks folder."""
    for page in pages.values():
        missing = set()
        for line, target in page.links:
            path, _ = _resolved(page.path, target)
            if path not in missing:  # one missing page is one fault of a page, however often it is linked
                yield from _link_faults(pages, page, line, target)
            if path not in pages:
                missing.add(path)
    yield from _policy_sources(pages, registry)
    reached = _reached_from_index(pages)
    for path in pages:
        if path not in reached:
            yield Fault(
                path, 1, "PB023", "no page leads here from index.md", "link it where a reader needs it"
            )


def _link_faults(pages: dict[str, Page], page: Page, line: int, target: str) -> Iterator[Fault]:
    host = urlsplit(target).hostname
    if host or ":" in target.split("/")[0]:
        if host and _PRIVATE.search(host):
            yield Fault(
                page.path, line, "PB022", f"link to the private host {host}", "put the substance on the page"
            )
        return
    path, anchor = _resolved(page.path, target)
    if path not in pages:
        yield Fault(page.path, line, "PB020", f"link to '{target}' finds no page", "correct the path")
    elif anchor and anchor not in pages[path].anchors:
        yield Fault(
            page.path, line, "PB021", f"link to '{target}' finds no such section", "correct the anchor"
        )
    elif page.path == "index.md" and (pages[path].front or {}).get("status") == "draft":
        yield Fault(
            page.path, line, "PB002", f"links the draft '{target}'", "approve the page before it is linked"
        )


def _policy_sources(pages: dict[str, Page], registry: Registry) -> Iterator[Fault]:
    """A policy value's source that names a page must find it: the reader of a threshold lands there."""
    for key, value in registry.policy_values.items():
        for path, anchor in _POLICY_PAGE.findall(value.source):
            if path not in pages:
                yield Fault(path, 1, "PB020", f"policy '{key}' cites this page, which is missing", "write it")
            elif anchor and anchor not in pages[path].anchors:
                yield Fault(
                    path, 1, "PB021", f"policy '{key}' cites the missing section '{anchor}'", "write it"
                )


def _reached_from_index(pages: dict[str, Page]) -> set[str]:
    reached, waiting = set(), ["index.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or path not in pages:
            continue
        reached.add(path)
        waiting += [_resolved(path, t)[0] for _, t in pages[path].links if not urlsplit(t).hostname]
    return reached


def _resolved(path: str, target: str) -> tuple[str, str]:
    """The page a relative link leads to and its anchor: ``#x`` is the page itself, ``dir/`` its index."""
    file, _, anchor = unquote(target).partition("#")
    if not file:
        return path, anchor
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), file))
    return (f"{joined}/index.md" if file.endswith("/") else joined), anchor
