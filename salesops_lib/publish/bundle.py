"""What a notebook hands over: headline figures, tables, charts, findings, limits, and an end marker.

Under ``salesops run`` the environment names a folder and everything is also written there. By hand, in
JupyterLab, plain papermill or nbval, nothing is written and everything is displayed.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from html import escape
from io import BytesIO
from pathlib import Path

import pandas as pd

from salesops_lib.core import charts
from salesops_lib.core.contracts import Table, checked
from salesops_lib.core.errors import UserError
from salesops_lib.core.families import controlled
from salesops_lib.core.findings import Finding, ordered
from salesops_lib.core.metrics import Reading
from salesops_lib.core.periods import FiscalCalendar
from salesops_lib.core.standing import Standing
from salesops_lib.core.wording import sentence

BUNDLE_DIR = "SALESOPS_BUNDLE_DIR"
CHART_DPI = 144
ATTACHED = (".html", ".csv", ".txt", ".md", ".json")
_SAFE_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,99}}({'|'.join(re.escape(e) for e in ATTACHED)})")


class BundleError(UserError):
    """A notebook hands over something a report cannot hold, or does so twice."""


@dataclass(frozen=True)
class Figure:
    """One headline number as a reader meets it, already rounded: ``71 %``, ``64–78 % at 90 %``."""

    label: str
    value: str
    range: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "note", sentence(self.note))


@dataclass
class Report:
    """One run's report, filled by a notebook from top to bottom. Made by :func:`open_report`."""

    notebook: str
    company: str
    currency: str
    as_of: date
    period: str
    folder: Path | None
    _headline: list[Figure] = field(default_factory=list)
    _tables: dict[str, dict] = field(default_factory=dict)
    _findings: list[Finding] | None = None
    _limits: list[str] = field(default_factory=list)
    _attachments: list[dict] = field(default_factory=list)
    _identities: list[dict] = field(default_factory=list)
    _readings: list[Reading] = field(default_factory=list)
    _closed: bool = False

    def headline(self, figures: Iterable[Figure]) -> None:
        """Show the figures of the first screen as cards; called once."""
        self._refuse_if_closed("headline")
        if self._headline:
            raise BundleError(f"notebook '{self.notebook}' gives its headline twice; call it once")
        self._headline = list(figures)
        _show_html(_cards(self._headline))

    def table(
        self,
        table: Table,
        frame: pd.DataFrame,
        *,
        caption: str = "",
        show: list[str] | None = None,
        rows: int = 15,
    ) -> None:
        """Check ``frame`` against its contract, write all of it as CSV, show its first ``rows``.

        Raises TableError on a breach, BundleError where a table is written twice.
        """
        self._refuse_if_closed(f"table '{table.name}'")
        if table.name in self._tables:
            raise BundleError(
                f"notebook '{self.notebook}' writes table '{table.name}' twice; gather its rows first"
            )
        frame, caption = checked(frame, table), sentence(caption)
        self._tables[table.name] = {
            "grain": table.grain,
            "rows": len(frame),
            "caption": caption,
            "columns": [
                {"name": c.name, "kind": c.kind, "meaning": c.meaning}
                for c in table.columns
                if c.name in frame
            ],
        }
        formatting = _formatting()
        if self.folder:
            path = self.folder / "tables" / f"{table.name}.csv"
            path.parent.mkdir(exist_ok=True)
            formatting.csv_safe(frame).to_csv(path, index=False, lineterminator="\n")
        _show_html(
            formatting.html_table(frame, table, show=show, rows=rows, caption=caption, currency=self.currency)
        )

    def chart(self, axes, *, alt: str) -> None:
        """Show the figure that ``axes`` (one, or an array of them) stand on; ``alt`` says what it shows.

        Every text in the picture stands beside it in the executed notebook, where it can be searched.
        """
        from IPython.display import Image, display

        self._refuse_if_closed("chart")
        if not alt.strip():
            raise BundleError(f"notebook '{self.notebook}' shows a chart without alt text; say what it shows")
        figure = _figure(axes)
        charts.literal(figure)
        image = BytesIO()
        figure.savefig(image, format="png", dpi=CHART_DPI, bbox_inches="tight", metadata={"Software": None})
        _close(figure)
        display(Image(data=image.getvalue(), format="png", alt=alt, metadata={"drawn": _drawn(figure)}))

    def attachment(self, name: str, text: str, *, pdf: bool = False, listed: bool = True) -> None:
        """Write a text file into the bundle's ``attachments/`` and list it in the manifest.

        ``name`` is letters, digits, ``-``, ``_`` with an ending of :data:`ATTACHED`, and no folder; ``pdf``
        asks the runner to print an HTML page as well, where it can; ``listed`` names a printed page on the
        site. Raises BundleError for any other name, where one is given twice, and for a PDF of what is no
        page.
        """
        self._refuse_if_closed(f"attachment '{name}'")
        if not _SAFE_NAME.fullmatch(name):
            raise BundleError(
                f"notebook '{self.notebook}' attaches '{name}'; use letters, digits, - and _, and one of "
                f"{', '.join(ATTACHED)} at the end"
            )
        if name.casefold() in {known["name"].casefold() for known in self._attachments}:
            raise BundleError(f"notebook '{self.notebook}' attaches '{name}' twice; give each file its name")
        if pdf and not name.endswith(".html"):
            raise BundleError(f"notebook '{self.notebook}' asks to print '{name}'; only a .html page prints")
        written = text.encode("utf-8")
        entry = {"name": name, "bytes": len(written), "pdf": pdf}
        self._attachments.append(entry if listed else entry | {"listed": False})
        if self.folder:
            path = self.folder / "attachments" / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(written)

    def identities(self, checks: Iterable[tuple[str, str, bool]]) -> None:
        """What must hold in this report, for ``run.json``: name, both sides in words, whether it holds."""
        self._refuse_if_closed("identities")
        self._identities += [
            {"check": str(name), "says": str(said), "holds": bool(holds)} for name, said, holds in checks
        ]

    def readings(self, readings: Iterable[Reading]) -> None:
        """Values of metrics that no finding judges: shown nowhere here, kept for their past on the site."""
        self._refuse_if_closed("readings")
        self._readings += readings
        if doubles := _doubles([(r.metric.id, dict(r.scope)) for r in self._readings]):
            raise BundleError(f"notebook '{self.notebook}' reads {doubles[0][0]} twice; one value a scope")

    def findings(self, findings: Iterable[Finding], *, limits: Iterable[str] = ()) -> None:
        """Show the findings in reading order and write ``findings.json``; ``limits`` join the manifest."""
        self._refuse_if_closed("findings")
        if self._findings is not None:
            raise BundleError(f"notebook '{self.notebook}' gives its findings twice; gather them in one list")
        self._findings = ordered(controlled(findings))
        if doubles := _doubles([f.id for f in self._findings]):
            raise BundleError(f"notebook '{self.notebook}' finds {doubles[0]} twice; one finding a scope")
        self._limits += [str(limit) for limit in limits]
        if self.folder:
            records = [dict(sorted(f.to_dict().items())) for f in self._findings]
            _write_json(self.folder / "findings.json", records)
        _show_html(_formatting().findings_html(self._findings, self._limits, self.currency))

    def close(self) -> None:
        """Mark the end: the runner takes a report only if this was reached."""
        self._refuse_if_closed("close")
        if self._findings is None:
            raise BundleError(f"notebook '{self.notebook}' closes without findings; call report.findings(…)")
        self._closed = True
        if self.folder:
            _write_json(self.folder / "manifest.json", self.manifest())

    def manifest(self) -> dict:
        """What the report holds, as plain values: headline, tables, attachments, limits, readings."""
        optional = {"identities": self._identities, "readings": [r.to_dict() for r in self._readings]}
        return {
            "notebook": self.notebook,
            "company": self.company,
            "currency": self.currency,
            "as_of": self.as_of.isoformat(),
            "period": self.period,
            "headline": [asdict(figure) for figure in self._headline],
            "tables": self._tables,
            "attachments": self._attachments,
            "limits": self._limits,
        } | {name: entries for name, entries in optional.items() if entries}

    def _refuse_if_closed(self, what: str) -> None:
        if self._closed:
            raise BundleError(f"notebook '{self.notebook}' gives {what} after report.close(); close last")


def open_report(
    notebook: str, *, company: str, currency: str, as_of: date, period: str | object = ""
) -> Report:
    """The report of this run; ``period`` is the fiscal period it is about, as text or Period."""
    folder = os.environ.get(BUNDLE_DIR, "")
    return Report(notebook, company, currency, as_of, str(period), Path(folder) if folder else None)


def read_findings(folder: Path | str) -> list[Finding]:
    """The findings of a stored bundle, severity derived anew; none where the run failed before them."""
    path = Path(folder) / "findings.json"
    if not path.is_file():
        return []
    return [Finding.from_dict(record) for record in json.loads(path.read_text(encoding="utf-8"))]


def standing_reports(
    as_of: date,
    *,
    data: str = "",
    calendar: FiscalCalendar,
    tables: Mapping[str, Iterable[str]] | None = None,
) -> list[Standing]:
    """The reports that stood on a day, for a notebook whose run file says ``reads_reports: true``.

    Under ``salesops run`` those of its reports folder, by hand those in ``reports/``. Parameters as in
    :func:`salesops_lib.publish.standing.read_standing`.
    """
    from salesops_lib.publish import catalog, standing

    root = catalog.repository_root()
    folder = os.environ.get(standing.REPORTS_DIR) or root / "reports"
    return standing.read_standing(Path(folder), root, as_of, data=data, calendar=calendar, tables=tables)


def _cards(figures: list[Figure]) -> str:
    cards = "".join(
        f'<div class="figure"><p class="label">{escape(f.label)}</p><p class="value">{escape(f.value)}</p>'
        f'<p class="note">{escape(" · ".join(filter(None, [f.range, f.note])))}</p></div>'
        for f in figures
    )
    return f'<div class="headline tex2jax_ignore">{cards}</div>'


def _formatting():
    from salesops_lib.publish import formatting

    return formatting


def _show_html(markup: str) -> None:
    from IPython.display import HTML, display

    display(HTML(markup))


def _figure(axes):
    first = getattr(axes, "flat", [axes])[0]
    return first.get_figure() if hasattr(first, "get_figure") else first


def _drawn(figure) -> list[str]:
    """The texts of a drawn figure, each once: titles, labels, ticks, legends, notes."""
    texts = (artist.get_text() for artist in figure.findobj(lambda artist: hasattr(artist, "get_text")))
    return [text for text in dict.fromkeys(texts) if text.strip()]


def _close(figure) -> None:
    # Left open, the inline backend would show it a second time at the end of the cell.
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close(figure)


def _doubles(names: list) -> list:
    return [name for i, name in enumerate(names) if name in names[:i]]


def _write_json(path: Path, value) -> None:
    text = json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
