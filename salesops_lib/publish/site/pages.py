"""The pages of the reports, and what a page of the site is: markup made from escaped values, for one gap.

No name in the data is ever read as Markdown, because the generator meets none of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape

from salesops_lib.core.findings import Finding, ordered
from salesops_lib.publish.formatting import MISSING, finding_texts, format_unit
from salesops_lib.publish.history import Bundle, ReportHistory
from salesops_lib.publish.rendering.render import BODY_END, BODY_START, templates
from salesops_lib.publish.site.files import report_html
from salesops_lib.publish.site.shell import SiteError
from salesops_lib.publish.site.sparkline import sparkline

_DAYS = 5  # past runs shown as columns
_WORDS = 1500  # letters of a section that search knows
_SECTION = re.compile(r'[^>]* id="([^"]+)"[^>]*>(.*?)</h2>(.*)', re.DOTALL)
_TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Page:
    """One page of ours: where it stands (``reports/attainment/company.html``), its markup, what search finds.

    ``found``: anchor, title and text of each entry; the text is HTML without tags, the title plain.
    """

    path: str
    title: str
    markup: str
    found: tuple[tuple[str, str, str], ...] = ()


def report_page(history: ReportHistory, files: Sequence[tuple[str, str]]) -> Page:
    """One report's page; where the newest run failed it says so above the last good report.

    ``files``: name and address of what :func:`salesops_lib.publish.site.files.copy_files` put beside it.
    """
    failed = history.failed
    has_page = failed is not None and (failed.folder / "report.html").is_file()  # none where a secret was met
    fragment = _fragment(history.newest) if history.current or has_page else ""
    name = history.key.split("/")[1]
    page = {
        "title": report_title(history),
        "files": files,
        "fragment": fragment,
        "failed": _failure(failed, f"{name}/failed.html" if has_page else "") if failed else None,
        "standing": history.current.as_of if history.current else "",
        "days": _days(history),
        "headlines": _headline_trends(history),
        "trends": _finding_trends(history),
    }
    markup = templates().get_template("site_report.html").render(page)
    return Page(report_address(history), report_title(history), markup, _found(history, fragment))


def report_title(history: ReportHistory) -> str:
    """``Attainment``, or ``Attainment, by region emea`` where a notebook has several runs."""
    run = history.newest.run
    return run["title"] if run["run"] == "company" else f"{run['title']}, {run['run'].replace('_', ' ')}"


def report_address(history: ReportHistory) -> str:
    """Where a report's page stands, seen from the first page."""
    return f"reports/{history.key}.html"


def metric_address(metric: str) -> str:
    """Where a metric's page stands: ``attainment.team_fit`` → ``metrics/attainment-team_fit.html``."""
    return f"metrics/{re.sub(r'[^a-z0-9_]+', '-', metric)}.html"


def _found(history: ReportHistory, fragment: str) -> tuple[tuple[str, str, str], ...]:
    """What search finds in a report: itself, each finding, each section with its first words."""
    run, current = history.newest.run, history.current
    figures = current.manifest["headline"] if current else []
    about = [run.get("question", ""), *(f"{f['label']} {f['value']} {f['range']}" for f in figures)]
    entries = [("", report_title(history), escape(" ".join(about)))]
    for finding in ordered(current.findings) if current else []:
        texts = finding_texts(finding, period=finding.scope.get("period", ""))
        scope = f" ({texts['scope']})" if texts["scope"] else ""
        said = f"{texts['word']}. {texts['statement']} {texts['step']} {finding.code}"
        entries.append((texts["slug"], texts["title"] + scope, escape(said)))
    for found in filter(None, map(_SECTION.match, fragment.split("<h2")[1:] if current else ())):
        words = " ".join(_TAG.sub(" ", found[3]).split())
        entries.append(
            (found[1], unescape(_TAG.sub("", found[2])).strip(), words[:_WORDS].rpartition(" ")[0])
        )
    return tuple(entries)


# --- trends ----------------------------------------------------------------------------------------


def _headline_trends(history: ReportHistory) -> list[dict]:
    """Headline figures as written in each run."""
    rows = []
    for figure in history.current.manifest["headline"] if len(history.good) > 1 else ():
        cells = [_figure(bundle, figure["label"]) for bundle in history.good[-_DAYS:]]
        if sum(cell != MISSING for cell in cells) > 1:
            rows.append({"label": figure["label"], "cells": cells})
    return rows


def _finding_trends(history: ReportHistory) -> list[dict]:
    if len(history.good) < 2:
        return []
    rows = []
    for finding in ordered(history.current.findings):
        past = history.trend(finding)
        spark = sparkline([value for _, value in past], finding.threshold.limit)
        texts = finding_texts(finding, period=finding.scope.get("period", ""))
        cells = [(day, _shown(value, finding)) for day, value in past]
        if spark:
            rows.append(
                {
                    "label": texts["title"] + (f" ({texts['scope']})" if texts["scope"] else ""),
                    "cells": [cell for _, cell in cells[-_DAYS:]],
                    "href": f"../../{metric_address(finding.metric)}",
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


def _fragment(bundle: Bundle) -> str:
    html = report_html(bundle, "../../playbooks/")
    if html.count(BODY_START) != 1 or html.count(BODY_END) != 1:
        raise SiteError(
            f"{bundle.folder}/report.html is of another version; run the report again with --force"
        )
    return html.split(BODY_START)[1].split(BODY_END)[0]


def _failure(bundle: Bundle, href: str) -> dict:
    stale = bundle.run.get("status") == "stale"
    return {"as_of": bundle.as_of, "error": bundle.run.get("error"), "href": href, "stale": stale}
