"""An executed notebook becomes one HTML file: the decisions first, then the argument, then where it is from.

The file needs nothing else: CSS is inside, charts are inline, no script, no request to any network.
"""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cache
from importlib import resources

from salesops_lib.core.findings import Finding, Severity, ordered
from salesops_lib.core.wording import sentence
from salesops_lib.publish.formatting import SEVERITY_WORD, finding_texts
from salesops_lib.publish.rendering.sanitize import playbook_link, sanitized

PLAYBOOKS = "../../../../site/playbooks/"  # from reports/<notebook>/<run>/<as_of>/<attempt>/report.html
BODY_START, BODY_END = "<!-- report -->", "<!-- /report -->"
_RUN = {
    "question": "",
    "period": "",
    "status": "ok",
    "error": None,
    "parameters": {},
    "view": [],
    "left_out": [],
} | dict.fromkeys(["data_hash", "policy_hash"], "")
_MANIFEST = {"company": "", "currency": "", "headline": [], "limits": [], "changes": None}
_FORMS = {"text/html", "text/markdown", "text/plain", "image/png", "image/jpeg"}
_CODE = re.compile(r"`([^`\n]+)`")
_WHOLE = re.compile(r"\b\d{4}-\d\d-\d\d\b|\bFY\d\d-[QM]\d{1,2}\b|[\d.,]*\d %")
_CARDS = 5  # findings shown in full at the top, one of a code, as many as people act on; the rest are lines
_OF_THREAD = threading.local()


def render_report(
    notebook,
    run: Mapping,
    findings: Sequence[Finding],
    manifest: Mapping | None = None,
    *,
    last_good: Mapping | None = None,
    playbooks: str = PLAYBOOKS,
) -> str:
    """The self-contained ``report.html`` of one run.

    Parameters
    ----------
    notebook
        The executed notebook (nbformat 4 node).
    run, manifest
        ``run.json`` and ``manifest.json`` as plain values; ``manifest`` may lack where a run failed early.
    findings
        In any order; shown ACT first.
    last_good
        Of a failed run: ``{"href": …, "as_of": …}`` of the last good report, or None.
    playbooks
        Where the site's playbook pages are, seen from this file; ends with a slash.
    """
    run, manifest = _RUN | dict(run), _MANIFEST | dict(manifest or {})
    page = {
        "run": run,
        "manifest": manifest,
        "body": "" if run["status"] in {"failed", "stale"} else notebook_body(notebook, run, playbooks),
        "last_good": last_good,
        "warnings": _stderr_lines(notebook) if notebook is not None else 0,
        **_findings_part(findings, run, manifest, playbooks),
    }
    css = stylesheet("page.css") + stylesheet("parts.css")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return templates().get_template("report.html").render(page, css=css, css_hash=digest)


def finding_view(finding: Finding, currency: str, period: str, playbooks: str) -> dict:
    """One finding's texts with ``href``, the way to its playbook section from a page."""
    href = playbook_link(finding.playbook, playbooks)
    return finding_texts(finding, currency, period) | {"href": href, "more": []}


def tally(findings: Sequence[Finding]) -> dict:
    """How many were ``judged`` and ``counts`` of (class, word, number) by severity."""
    found = Counter(f.severity for f in findings)
    counts = {s: found[s] for s in Severity}
    return {
        "judged": len(findings) - counts[Severity.UNKNOWN],
        "counts": [(s.value.lower(), SEVERITY_WORD[s], n) for s, n in counts.items()],
    }


def _findings_part(findings: Sequence[Finding], run: Mapping, manifest: Mapping, playbooks: str) -> dict:
    order = ordered(findings)
    views = [finding_view(f, manifest["currency"], run["period"], playbooks) for f in order]
    pressing = [v for v, f in zip(views, order, strict=True) if f.severity in {Severity.ACT, Severity.WATCH}]
    cards = gathered(pressing)[:_CARDS]
    shown = {card["slug"] for card in cards}
    return tally(order) | {"cards": cards, "lines": [v for v in views if v["slug"] not in shown]}


def gathered(views: Sequence[dict]) -> list[dict]:
    """Of pressing findings of one code the most pressing; ``more`` names the scopes of the others."""
    first: dict[str, dict] = {}
    for view in views:
        if view["code"] in first:
            first[view["code"]]["more"].append(view["scope"] or view["title"])
        else:
            first[view["code"]] = view | {"more": []}
    return list(first.values())


def notebook_body(notebook, run: Mapping, playbooks: str) -> str:
    """The notebook's text and outputs without code, prompts, warnings and its own title; sanitised."""
    body, _ = _exporter().from_notebook_node(_for_readers(notebook, run))
    return sanitized(body, playbooks)


def _exporter():
    """One a thread, for it writes into itself; its templates are compiled once."""
    made = getattr(_OF_THREAD, "exporter", None)
    if made is None:
        made = _OF_THREAD.exporter = _body_exporter()(
            default_preprocessors=["nbconvert.preprocessors.CoalesceStreamsPreprocessor"],
            template_name="basic",
            exclude_input=True,
            exclude_input_prompt=True,
            exclude_output_prompt=True,
            exclude_anchor_links=True,
        )
    return made


@cache
def _body_exporter() -> type:
    """nbconvert's exporter for a notebook just run. Left out is what took half of the rendering: its second
    pass, which parses the page anew for alt texts and the tab order of JupyterLab's cells; further copies;
    and the check of what nbclient made a second ago. Code is not shown, so none is highlighted."""
    from nbconvert import HTMLExporter
    from nbconvert.exporters.templateexporter import TemplateExporter

    class BodyExporter(HTMLExporter):
        def from_notebook_node(self, nb, resources=None, **kw):
            self.register_filter("highlight_code", lambda source, **_: source)
            return TemplateExporter.from_notebook_node(self, nb, self._init_resources(resources), **kw)

        def _preprocess(self, nb, resources):
            for preprocessor in self._preprocessors:
                nb, resources = preprocessor(nb, resources)
            return nb, resources

    return BodyExporter


@cache
def templates():
    """The Jinja environment of ``publish/templates``; every value is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("salesops_lib.publish"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["code"] = _with_code
    made.filters["whole"] = _whole
    return made


def _with_code(text: str):
    """A text with what stands between backticks as code, as in the playbooks; everything escaped."""
    from markupsafe import Markup, escape

    return _whole(Markup(_CODE.sub(r"<code>\1</code>", str(escape(text)))))  # noqa: S704  (escaped above)


def _whole(text: str):
    """A text whose days, periods and percentages no line end breaks; everything escaped."""
    from markupsafe import Markup, escape

    return Markup(_WHOLE.sub(r'<span class="nowrap">\g<0></span>', str(escape(text))))  # noqa: S704


def stylesheet(name: str) -> str:
    """The text of a style sheet in ``publish/templates``."""
    return resources.files("salesops_lib.publish").joinpath("templates", name).read_text(encoding="utf-8")


def _for_readers(notebook, run: Mapping):
    """One without what the page says elsewhere: title, question, headline cards, stderr, tracebacks.

    Cells are new, what stands in them is the notebook's own.
    """
    cells = [copy(cell) for cell in notebook.cells]
    first = next((c for c in cells if c.cell_type == "markdown"), None)
    if first is not None:
        first.source = _without_title(first.source, str(run.get("question", "")))
    for cell in cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(_shown, cell.outputs) if output]
    shown = copy(notebook)
    shown.cells = [c for c in cells if (c.source if c.cell_type != "code" else c.outputs)]
    return shown


def _without_title(source: str, question: str) -> str:
    lines = source.splitlines()
    while lines and (not lines[0].strip() or lines[0].startswith("# ")):
        lines.pop(0)
    asked = _plain(question)
    return "\n".join(line for line in lines if not asked or _plain(line) != asked)


def _plain(text: str) -> str:
    return re.sub(r"[^\w ]+", "", text.removeprefix("Question:")).strip().casefold()


def _shown(output):
    """An output in the forms a report shows, or None where it has none; the one given stays as it is."""
    output = copy(output)
    if output["output_type"] == "stream":
        if output["name"] != "stdout":
            return None
        output["text"] = sentence(output["text"])
        return output
    if output["output_type"] == "error":
        return None
    output["data"] = {kind: data for kind, data in output["data"].items() if kind in _FORMS}
    is_headline = "".join(output["data"].get("text/html", "")).lstrip().startswith('<div class="headline')
    return output if output["data"] and not is_headline else None


def _stderr_lines(notebook) -> int:
    texts = [
        "".join(output["text"])
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    return sum(len(text.splitlines()) for text in texts)
