"""From a playbook back to the reports: which reports a page is about, and what they say today."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from salesops_lib.publish.history import ReportHistory
from salesops_lib.publish.rendering.render import tally
from salesops_lib.publish.site.pages import report_address, report_title
from salesops_lib.publish.site.shell import LATEST

_SHOWN = 20  # reports named on one page


def named(history: ReportHistory) -> set[str]:
    """Playbook pages (``how-to/a.md``) a report names in its run file, or that its findings lead to."""
    findings = history.current.findings if history.current else ()
    return {f.playbook.split("#")[0] for f in findings} | set(history.newest.run.get("playbooks", ()))


def latest(histories: Sequence[ReportHistory], frame: Path) -> dict[str, str]:
    """For every playbook page of the frame (``playbooks/….html``): what stands where its gap is.

    A page is about a report that names it, and about every notebook whose name or run it spells out.
    """
    pages = {}
    names = [(history, named(history)) for history in histories]
    for source in sorted((frame / "playbooks").rglob("*.html")):
        gap = LATEST.search(source.read_text(encoding="utf-8"))
        if gap is None:
            continue
        path = source.relative_to(frame).as_posix()
        page = path.removeprefix("playbooks/").removesuffix(".html") + ".md"
        spelled = gap[1].split()
        about = [h for h, books in names if page in books or h.key.split("/")[0] in spelled]
        pages[path] = _box(about, path)
    return pages


def fill_latest(source: Path, box: str) -> str:
    """A playbook page of the frame with ``box`` in its gap."""
    return LATEST.sub(lambda _: box, source.read_text(encoding="utf-8"))


def _box(about: Sequence[ReportHistory], path: str) -> str:
    if not about:
        return ""
    up = "../" * path.count("/")
    lines = []
    for history in about[:_SHOWN]:
        link = f'<a href="{up}{escape(report_address(history))}">{escape(report_title(history))}</a>'
        if not history.current:
            lines.append(f"{link}: no good run yet")
            continue
        counts = [f"{n} {word}" for _, word, n in tally(history.current.findings)["counts"] if n]
        told = f"as of {history.current.as_of}" + (f": {', '.join(counts)}" if counts else "")
        ended = "was held back" if history.held else "failed"
        late = f"; the run as of {escape(history.failed.as_of)} {ended}" if history.failed else ""
        lines.append(f"{link}, {escape(told)}{late}")
    return f"<strong>Latest report</strong> {' · '.join(lines)}"
