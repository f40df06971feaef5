"""PB001 to PB003: what each page says about itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from salesops_lib.handbook.faults import Fault
from salesops_lib.handbook.pages import Page
from salesops_lib.handbook.registry import Registry

KINDS = ("tutorial", "path", "how-to", "reference", "explanation", "charter", "template")
ROLES = ("representative", "analyst", "manager", "director")
STATUSES = ("draft", "approved", "deprecated")
_REQUIRED = ("id", "title", "kind", "owner", "reviewers", "audience", "status")
_DATED = ("last_reviewed", "review_every")  # of hand-written pages
_HOW_TO = ("related_reports", "calendar_events", "minutes")
_OPTIONAL = (
    "article_items",
    "generated_from",
    "superseded_by",
    "related_notebooks",
    "related_findings",
    "related_metrics",
    "agreed_by",
)
_PLANNED = re.compile(r"^planned: ([a-z_]+)( \S.*)?$")
_INTERVAL = re.compile(r"^\d+ (day|week|month)s?$")


def check_front_matter(pages: dict[str, Page], registry: Registry, today: date) -> Iterator[Fault]:
    """Faults of front matter, PB010 with them; ``file`` is relative to the playbooks folder."""
    seen: dict[str, str] = {}
    for page in pages.values():
        if page.front is None:
            yield Fault(
                page.path, 1, "PB001", "no front matter", f"start with --- and {', '.join(_REQUIRED)}"
            )
            continue
        for said, fix in _page_faults(page, registry):
            yield Fault(page.path, 1, "PB002", said, fix)
        reviewed = str(page.front.get("last_reviewed", ""))
        if _is_day(reviewed) and date.fromisoformat(reviewed) > today + timedelta(days=1):  # any zone's today
            yield Fault(
                page.path, 1, "PB010", f"reviewed on {reviewed}, which is to come", "write the true day"
            )
        name = str(page.front.get("id"))
        if name in seen:
            yield Fault(page.path, 1, "PB003", f"id '{name}' is taken by {seen[name]}", "rename the page")
        seen.setdefault(name, page.path)


def _page_faults(page: Page, registry: Registry) -> Iterator[tuple[str, str]]:
    front = page.front or {}
    wanted = _REQUIRED + (() if "generated_from" in front else _DATED)
    wanted += _HOW_TO if front.get("kind") == "how-to" else ()
    for field in wanted:
        if front.get(field) in (None, "", []):
            yield f"front matter lacks '{field}'", "add it"
    for field in front:
        if field not in (*_REQUIRED, *_DATED, *_HOW_TO, *_OPTIONAL):
            yield f"front matter has unknown '{field}'", "correct or remove it"
    yield from _value_faults(page, front)
    yield from _related(front, registry)


def planned(name: object) -> str | None:
    """The notebook of an entry ``planned: pricing`` (what it will bring may follow); None of any other."""
    match = _PLANNED.match(str(name))
    return match[1] if match else None


def _related(front: dict, registry: Registry) -> Iterator[tuple[str, str]]:
    """Names of notebooks, reports and metrics that do not exist; planned ones that do by now."""
    known = {
        "related_notebooks": set(registry.run_files),
        "related_reports": set(registry.run_files),
        "related_metrics": {m.id for m in registry.metrics},
        "related_findings": {r.code for r in registry.rules},
    }
    for field, names in known.items():
        if not isinstance(front.get(field) or [], list):
            yield f"{field} is no list", "write it as [a, b]"
            continue
        for name in front.get(field) or []:
            if notebook := planned(name):
                if notebook in registry.run_files:
                    yield f"{field} says '{name}', and that notebook exists", "name what it has brought"
            elif str(name).startswith("planned"):
                yield f"{field} says '{name}'", "write it as planned: <notebook>"
            elif name not in names and field != "related_findings":  # an unknown code is PB043
                yield f"{field} names '{name}', which does not exist", "correct it"


def _value_faults(page: Page, front: dict) -> Iterator[tuple[str, str]]:
    stem = page.path.rsplit("/", 1)[-1].removesuffix(".md").lower()
    if front.get("id") not in (None, stem):
        yield f"id '{front['id']}' is not the file's name", f"write id: {stem}"
    if not 4 <= len(str(front.get("title", ""))) <= 70:
        yield "title is not 4 to 70 characters long", "reword it"
    for field, allowed in (("kind", KINDS), ("owner", ROLES), ("status", STATUSES)):
        if front.get(field) not in (None, *allowed):
            yield f"{field} '{front[field]}' is not one of {', '.join(allowed)}", "correct it"
    if front.get("owner") in (front.get("reviewers") or []):
        yield "the owner reviews the page alone", "name another role under reviewers"
    if front.get("status") == "deprecated" and not front.get("superseded_by"):
        yield "deprecated without superseded_by", "name the page to read instead"
    if "last_reviewed" in front and not _is_day(front["last_reviewed"]):
        yield f"last_reviewed '{front['last_reviewed']}' is no date", "write it as 2026-11-23"
    if "review_every" in front and not _INTERVAL.match(str(front["review_every"])):
        yield f"review_every '{front['review_every']}' is no interval", "write it as 3 months"


def _is_day(value: object) -> bool:
    if isinstance(value, date):
        return True
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return True
