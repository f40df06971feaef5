"""The pages of the site as Markdown files: what needs a decision, and one page per report.

Each page is front matter and one block of HTML made from escaped values, so that no name in the data is
ever read as Markdown.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

from salesops_lib.core.errors import UserError
from salesops_lib.core.findings import Finding, Severity, ordered
from salesops_lib.core.followup import SETTLED, Followed, followed
from salesops_lib.publish.formatting import MISSING, finding_texts, format_unit
from salesops_lib.publish.history import Bundle, ReportHistory
from salesops_lib.publish.render import BODY_END, BODY_START, PLAYBOOKS, finding_view, tally, templates
from salesops_lib.publish.sparkline import sparkline

_CARDS = 10  # findings shown in full on the first page
_DAYS = 5  # past runs shown as columns
_TRENDS = 6  # findings with a trend on the first page, per report
_LAST_GOOD = re.compile(r'(<a class="last-good" href=")[^"]*')


class SiteError(UserError):
    """The site cannot be built from what the reports folder holds."""


def write_report(history: ReportHistory, docs: Path) -> None:
    """One report's page ``docs/reports/<key>.md``, and in ``<key>/`` what readers take away.

    Where the newest run failed, the page says so above the last good report.
    """
    folder = docs / "reports" / history.key
    folder.mkdir(parents=True)
    failed = history.failed
    has_page = failed is not None and (failed.folder / "report.html").is_file()  # none where a secret was met
    if has_page:
        _copy_html(failed, folder / "failed.html")
    page = {
        "title": report_title(history),
        "files": _copy_files(history.current, folder) if history.current else [],
        "fragment": _fragment(history.newest) if history.current or has_page else "",
        "failed": _failure(failed, f"{folder.name}/failed.html" if has_page else "") if failed else None,
        "standing": history.current.as_of if history.current else "",
        "days": _days(history),
        "trends": _finding_trends(history),
    }
    markup = templates().get_template("site_report.html").render(page)
    write_page(folder.with_name(f"{folder.name}.md"), report_title(history), markup)


def write_now(
    histories: Sequence[ReportHistory],
    playbooks: Sequence[tuple[str, str]],
    docs: Path,
    decisions: Sequence[Mapping[str, Any]] = (),
) -> None:
    """The first page: decisions by money at stake, the reports and their state, trends, playbooks.

    ``playbooks``: title and path of every page; those that a standing finding names are listed.
    ``decisions``: what people decided about findings; what is accepted or closed is listed apart.
    """
    current = [h.current for h in histories if h.current]
    newest = max((b.as_of for b in current), default="")
    rows = [_row(history, newest) for history in histories]
    page = _decisions(histories, decisions, newest) | {
        "company": next((b.manifest["company"] for b in current), ""),
        "as_of": newest or MISSING,
        "rows": rows,
        "failed": sum("failed" in row["state_keys"] for row in rows),
        "stale": sum("stale" in row["state_keys"] for row in rows),
        "headlines": [t for t in map(_report_trends, histories) if t["rows"]],
        "playbooks": [(t, path.removesuffix(".md") + ".html") for t, path in _named(histories, playbooks)],
    }
    write_page(docs / "index.md", "What needs a decision", templates().get_template("now.html").render(page))


def write_page(path: Path, title: str, markup: str) -> None:
    """A Markdown file that holds one HTML block. The generator writes titles unescaped, so they are here."""
    front = f"---\ntitle: {json.dumps(escape(title, quote=False))}\nhide:\n  - toc\n---\n\n"
    path.write_text(front + markup, encoding="utf-8")


def _decisions(
    histories: Sequence[ReportHistory], decisions: Sequence[Mapping[str, Any]], newest: str
) -> dict:
    standing = [(h.key, h.current.as_of, f) for h in histories if h.current for f in h.current.findings]
    by_key = {h.key: h for h in histories}
    on = date.fromisoformat(newest) if newest else date.min
    items = followed(standing, decisions, on)
    open_ = [(i, _decision_view(i, by_key[i.report])) for i in items if i.state not in SETTLED]
    pressing = [v for i, v in open_ if i.finding.severity is not Severity.UNKNOWN]
    unknown = [v for i, v in open_ if i.finding.severity is Severity.UNKNOWN]
    return tally([f for _, _, f in standing]) | {
        "cards": pressing[:_CARDS],
        "lines": pressing[_CARDS:] + unknown,
        "settled": [
            (i.state, i.why, _decision_view(i, by_key[i.report])) for i in items if i.state in SETTLED
        ],
    }


def _decision_view(item: Followed, history: ReportHistory) -> dict:
    view = finding_view(item.finding, history.current.manifest["currency"], "", "playbooks/")
    told = {"report": f"{_page(history)}#{view['slug']}", "report_title": history.current.run["title"]}
    return view | told


def _named(histories: Sequence[ReportHistory], playbooks: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The index and the pages that findings of standing reports lead to."""
    findings = [f for h in histories if h.current for f in h.current.findings]
    wanted = {"playbooks/index.md"} | {f"playbooks/{f.playbook.split('#')[0]}" for f in findings}
    return [(title, path) for title, path in playbooks if path in wanted]


def _row(history: ReportHistory, newest: str) -> dict:
    bundle = history.newest
    states = []
    if history.failed:
        states.append(("failed", "Failed", f"the run as of {history.failed.as_of} failed"))
    if history.current and history.current.as_of < newest:
        states.append(("stale", "Stale", f"other reports are as of {newest}"))
    if not states:
        states.append(("ok", "OK", "the newest run is good"))
    seconds = bundle.run.get("duration_seconds")
    return {
        "title": report_title(history),
        "question": bundle.run.get("question", ""),
        "page": _page(history),
        "states": states,
        "state_keys": {key for key, _, _ in states},
        "as_of": bundle.as_of if history.current else f"never ({bundle.as_of} failed)",
        "counts": tally(bundle.findings)["counts"],
        "owner": bundle.run.get("owner", ""),
        "seconds": MISSING if seconds is None else f"{seconds:.1f}",
        "files": [(name, f"reports/{history.key}/{file}") for name, file in _files(history.current)],
    }


def report_title(history: ReportHistory) -> str:
    """``Attainment``, or ``Attainment, by region emea`` where a notebook has several runs."""
    run = history.newest.run
    return run["title"] if run["run"] == "company" else f"{run['title']}, {run['run'].replace('_', ' ')}"


def _page(history: ReportHistory) -> str:
    return f"reports/{history.key}.html"


# --- trends ----------------------------------------------------------------------------------------


def _report_trends(history: ReportHistory) -> dict:
    """Headline figures as written in each run, then the findings that press, with their line."""
    rows = []
    if len(history.good) > 1:
        for figure in history.current.manifest["headline"]:
            cells = [_figure(bundle, figure["label"]) for bundle in history.good[-_DAYS:]]
            if sum(cell != MISSING for cell in cells) > 1:
                rows.append({"label": figure["label"], "cells": cells, "spark": "", "alt": ""})
        rows += _finding_trends(history, _TRENDS)
    return {
        "title": report_title(history),
        "page": _page(history),
        "days": _days(history),
        "rows": rows,
    }


def _finding_trends(history: ReportHistory, most: int | None = None) -> list[dict]:
    if len(history.good) < 2:
        return []
    rows = []
    for finding in ordered(history.current.findings)[:most]:
        past = history.trend(finding)
        spark = sparkline([value for _, value in past], finding.threshold.limit)
        texts = finding_texts(finding, period=finding.scope.get("period", ""))
        cells = [(day, _shown(value, finding)) for day, value in past]
        if spark:
            rows.append(
                {
                    "label": texts["title"] + (f" ({texts['scope']})" if texts["scope"] else ""),
                    "cells": [cell for _, cell in cells[-_DAYS:]],
                    "spark": spark,
                    "alt": "; ".join(f"{day}: {cell}" for day, cell in cells),
                }
            )
    return rows


def _days(history: ReportHistory) -> list[str]:
    return [bundle.as_of for bundle in history.good[-_DAYS:]]


def _figure(bundle: Bundle, label: str) -> str:
    return next((f["value"] for f in bundle.manifest["headline"] if f["label"] == label), MISSING)


def _shown(value: float | None, finding: Finding) -> str:
    return format_unit(value, finding.unit, finding.currency)


# --- files -----------------------------------------------------------------------------------------


def _files(bundle: Bundle | None) -> list[tuple[str, str]]:
    if bundle is None:
        return []
    books = [("Excel", "report.xlsx")] if (bundle.folder / "report.xlsx").is_file() else []
    return [("HTML", "report.html"), *books]


def _copy_files(bundle: Bundle, folder: Path) -> list[tuple[str, str]]:
    """Copy what readers take away; returns a name and an address seen from the report's page for each."""
    _copy_html(bundle, folder / "report.html")
    if (bundle.folder / "report.xlsx").is_file():
        shutil.copyfile(bundle.folder / "report.xlsx", folder / "report.xlsx")
    (folder / "tables").mkdir()
    files = _files(bundle)
    for table in sorted((bundle.folder / "tables").glob("*.csv")):
        shutil.copyfile(table, folder / "tables" / table.name)
        files.append((table.name, f"tables/{table.name}"))
    files += _copy_attachments(bundle, folder)
    return [(name, f"{folder.name}/{file}") for name, file in files]


def _copy_attachments(bundle: Bundle, folder: Path) -> list[tuple[str, str]]:
    """Copy all that the notebook attached; listed are the pages made to be printed, and their PDF."""
    attached = bundle.manifest.get("attachments", [])
    if not attached:
        return []
    shutil.copytree(bundle.folder / "attachments", folder / "attachments")
    pages = [Path(entry["name"]) for entry in attached if entry["pdf"]]
    names = [name for page in pages for name in (page.name, page.with_suffix(".pdf").name)]
    return [(n, f"attachments/{n}") for n in names if (folder / "attachments" / n).is_file()]


def _copy_html(bundle: Bundle, path: Path) -> None:
    path.write_text(_html(bundle, "../../../playbooks/"), encoding="utf-8")


def _html(bundle: Bundle, playbooks: str) -> str:
    """The bundle's report with its links to playbooks as seen from another place."""
    source = bundle.folder / "report.html"
    if not source.is_file():
        raise SiteError(f"{bundle.folder} has no report.html; run the report again with --force")
    html = source.read_text(encoding="utf-8").replace(f'href="{PLAYBOOKS}', f'href="{playbooks}')
    return _LAST_GOOD.sub(r"\g<1>report.html", html)


def _fragment(bundle: Bundle) -> str:
    html = _html(bundle, "../../playbooks/")
    if html.count(BODY_START) != 1 or html.count(BODY_END) != 1:
        raise SiteError(
            f"{bundle.folder}/report.html is of another version; run the report again with --force"
        )
    return html.split(BODY_START)[1].split(BODY_END)[0]


def _failure(bundle: Bundle, href: str) -> dict:
    return {"as_of": bundle.as_of, "error": bundle.run.get("error"), "href": href}
