"""A page per metric: what it means, its past against the policy, and who uses it; and one that lists all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from salesops_lib.core.changes import identity
from salesops_lib.core.findings import Finding, Rule, ordered
from salesops_lib.core.metrics import Metric
from salesops_lib.publish.formatting import finding_texts, format_unit
from salesops_lib.publish.history import ReportHistory
from salesops_lib.publish.rendering.render import templates
from salesops_lib.publish.rendering.sanitize import playbook_link
from salesops_lib.publish.site.history_chart import Point, history_chart
from salesops_lib.publish.site.pages import Page, metric_address, report_address, report_title
from salesops_lib.publish.site.sources import Sources
from salesops_lib.publish.site.sparkline import sparkline

TITLE = "Metrics and trends"
_ROWS = 20  # places on a metric's page, the most pressing
_BETTER = {"up": "higher", "down": "lower", "neither": "neither: it describes"}
_FACTS = (
    ("Formula", "formula"), ("Unit", "unit"), ("One value is of", "grain"), ("Counts", "population"),
    ("Clock", "clock"), ("Leaves out", "exclusions"), ("Can be judged", "maturity"),
    ("Not to be confused with", "look_alikes"), ("Owner", "owner"), ("Computed by", "source"),
)  # fmt: skip


@dataclass(frozen=True)
class Series:
    """One metric in one place (a team, the company) over the good runs of one report, oldest first.

    What the report that stands says of it is a ``finding``, or a ``reading`` where no finding judges it.
    """

    history: ReportHistory
    points: tuple[Point, ...]
    finding: Finding | None
    reading: Mapping | None = None

    @property
    def metric(self) -> str:
        """The metric's id."""
        return self.finding.metric if self.finding else self.reading["metric"]

    def shown(self, value: float | None) -> str:
        """A value as a reader meets it."""
        unit = self.finding.unit if self.finding else self.reading["unit"]
        return format_unit(value, unit, (self.finding and self.finding.currency) or self.currency)

    @property
    def currency(self) -> str:
        """The report's."""
        return self.history.current.manifest["currency"]


def metric_pages(histories: Sequence[ReportHistory], sources: Sources) -> list[Page]:
    """The list of all metrics and a page for each: those declared, and those that only findings name."""
    by_metric: dict[str, list[Series]] = {metric.id: [] for metric in sources.metrics}
    for history in histories:
        for series in _series(history):
            by_metric.setdefault(series.metric, []).append(series)
    if not by_metric:
        return []
    judged = ordered(s.finding for many in by_metric.values() for s in many if s.finding)
    order = {id(f): n for n, f in enumerate(judged)}
    for many in by_metric.values():
        many.sort(key=lambda s: order.get(id(s.finding), len(order)))
    declared = {metric.id: metric for metric in sources.metrics}
    domains = _by_domain(histories)
    pages = [_page(id_, declared.get(id_), many, domains, sources) for id_, many in by_metric.items()]
    return [_index(by_metric, declared), *pages]


def _series(history: ReportHistory) -> list[Series]:
    """Every finding and reading that stands, with its value, range and limit in each good run."""
    if not history.current:
        return []
    return [*_judged(history), *_read(history)]


def _judged(history: ReportHistory) -> list[Series]:
    runs = []
    for bundle in history.good:
        known: dict[tuple, Finding] = {}
        for finding in bundle.findings:
            known.setdefault(identity(finding), finding)
        runs.append((date.fromisoformat(bundle.as_of), known))
    made = []
    for key, finding in runs[-1][1].items():
        past = [_point(day, known[key]) if key in known else None for day, known in runs]
        points = tuple(
            point or Point(day, None, None, None, finding.threshold.limit)
            for (day, _), point in zip(runs, past, strict=True)
        )
        first = next(n for n, point in enumerate(past) if point)
        made.append(Series(history, points[first:], finding))
    return made


def _read(history: ReportHistory) -> list[Series]:
    runs = []
    for bundle in history.good:
        said = bundle.manifest.get("readings", [])
        runs.append((date.fromisoformat(bundle.as_of), {_place(reading): reading for reading in said}))
    made = []
    for place, reading in runs[-1][1].items():
        past = [(day, known.get(place)) for day, known in runs]
        first = next(n for n, (_, then) in enumerate(past) if then)
        parts = [(day, then or {}) for day, then in past[first:]]
        points = [
            Point(
                day, t.get("value"), t.get("low"), t.get("high"), None, t.get("scope", {}).get("period", "")
            )
            for day, t in parts
        ]
        made.append(Series(history, tuple(points), None, reading))
    return made


def _place(reading: Mapping) -> tuple:
    """The same reading in another run, whatever its period."""
    return reading["metric"], tuple(sorted((k, v) for k, v in reading["scope"].items() if k != "period"))


def _point(day: date, finding: Finding) -> Point:
    span = finding.interval if finding.value is not None else None
    low, high = (span.low, span.high) if span else (None, None)
    return Point(day, finding.value, low, high, finding.threshold.limit)


def _page(
    id_: str,
    metric: Metric | None,
    many: Sequence[Series],
    domains: Mapping[str, list[ReportHistory]],
    sources: Sources,
) -> Page:
    name = metric.name if metric else id_
    rules = [rule for rule in sources.rules if rule.metric.id == id_]
    leading = many[0] if many else None
    page = {
        "id": id_,
        "name": name,
        "meaning": metric.meaning if metric else "",
        "facts": _facts(metric) if metric else [],
        "chart": history_chart(leading.points, _label(leading), leading.shown) if leading else "",
        "leading": _row(leading, "../") if leading else None,
        "leading_label": _label(leading) if leading else "",
        "rows": [_row(series, "../") for series in many[:_ROWS]],
        "places": len(many),
        "limits": _limits(many, rules, sources),
        "reports": _reports(id_, many, domains),
        "rules": [(r.code, r.title, playbook_link(r.anchor, "../playbooks/")) for r in rules],
    }
    markup = templates().get_template("metric.html").render(page)
    about = " ".join([metric.meaning, metric.formula]) if metric else ""
    return Page(metric_address(id_), name, markup, (("", name, escape(f"{id_}. {about}")),))


def _index(by_metric: dict[str, list[Series]], declared: dict[str, Metric]) -> Page:
    domains: dict[str, list[dict]] = {}
    for id_, many in by_metric.items():
        metric = declared.get(id_)
        row = {
            "name": metric.name if metric else id_,
            "href": metric_address(id_).removeprefix("metrics/"),
            "meaning": metric.meaning if metric else "",
            "places": len(many),
            "latest": _row(many[0], "../") if many else None,
        }
        domains.setdefault(id_.split(".")[0], []).append(row)
    groups = [(name.capitalize(), rows) for name, rows in sorted(domains.items())]
    markup = templates().get_template("metrics.html").render({"groups": groups, "title": TITLE})
    return Page("metrics/index.html", TITLE, markup, (("", TITLE, ""),))


def _row(series: Series, up: str) -> dict:
    """One series as a row; ``up`` leads from the page to the top of the site."""
    finding = series.finding
    texts = finding_texts(finding, series.currency) if finding else _reading_texts(series)
    values = _with_gaps(series.points)
    limits = [point.limit for point in series.points]
    return texts | {
        "label": _label(series),
        "spark": sparkline(values, limits[-1]) if len(values) > 1 else "",
        "alt": "; ".join(f"{p.day.isoformat()}: {series.shown(p.value)}" for p in series.points),
        "report": f"{up}{report_address(series.history)}{'#' if finding else ''}{texts['slug']}",
        "report_title": report_title(series.history),
        "as_of": series.history.current.as_of,
        "book": playbook_link(finding.playbook, f"{up}playbooks/") if finding else "",
    }


def _with_gaps(points: Sequence[Point]) -> list[float | None]:
    """The values, with a gap where the next one is of another period."""
    values: list[float | None] = []
    for before, point in zip((None, *points), points, strict=False):
        values += [None] if before and before.period != point.period else []
        values.append(point.value)
    return values


def _reading_texts(series: Series) -> dict[str, str]:
    """What :func:`finding_texts` says of a finding, of a reading: it has no state, no limit and no step."""
    reading, low, high = series.reading, series.reading["low"], series.reading["high"]
    range_ = f"{series.shown(low)} to {series.shown(high)}" if low is not None else ""
    value = "not known" if reading["value"] is None else series.shown(reading["value"])
    at = f" at {reading['level'] * 100:g} %" if range_ and reading["level"] else ""
    none = dict.fromkeys(["severity", "word", "slug", "limit", "step"], "")
    return none | {"value": value, "range": range_ + at, "n": reading["rests_on"]}


def _label(series: Series) -> str:
    scope = (series.finding.scope if series.finding else series.reading["scope"]).items()
    where = [f"{k.replace('_', ' ')} {v}" if series.finding or k != "period" else v for k, v in scope]
    title = [finding_texts(series.finding)["title"]] if series.finding else []
    return ", ".join([*title, *where]) or "All that the report covers"


def _facts(metric: Metric) -> list[tuple[str, str]]:
    return [(label, str(getattr(metric, name))) for label, name in _FACTS] + [
        ("Better", _BETTER[metric.good_direction])
    ]


def _limits(many: Iterable[Series], rules: Iterable[Rule], sources: Sources) -> list[dict]:
    """Limits as findings met them; of rules that judged nothing here, the policy's newest value."""
    found = {
        (s.finding.threshold.source, s.finding.threshold.keep, s.shown(s.finding.threshold.limit))
        for s in many
        if s.finding
    }
    cited = {source.split(" since ")[0] for source, _, _ in found}
    rows = [(source, keep, limit, "in force when the standing reports ran") for source, keep, limit in found]
    for rule in rules:
        value = sources.policies.get(f"{rule.metric.id.split('.')[0]}.{rule.policy}")
        if value and value.key not in cited:
            cited.add(value.key)
            limit = format_unit(value.value, value.unit, "")
            rows.append((value.cited, rule.keep, limit, "stands in the policy; no report judged by it yet"))
    return [
        {"limit": f"at {'least' if keep == 'above' else 'most'} {limit}", "source": source, "how": how,
         **_policy(source, sources)}
        for source, keep, limit, how in sorted(rows)
    ]  # fmt: skip


def _policy(cited: str, sources: Sources) -> dict[str, str]:
    value = sources.policies.get(cited.split(" since ")[0])
    return {"about": value.description if value else "", "decided": value.source if value else ""}


def _by_domain(histories: Sequence[ReportHistory]) -> dict[str, list[ReportHistory]]:
    found: dict[str, list[ReportHistory]] = {}
    for history in histories:
        if history.current:
            found.setdefault(str(history.current.run.get("domain")), []).append(history)
    return found


def _reports(
    id_: str, many: Sequence[Series], domains: Mapping[str, list[ReportHistory]]
) -> list[tuple[str, str, str]]:
    """Title, address and day of the reports that state the metric, else of those of its domain."""
    judging = {s.history.key: s.history for s in many}
    chosen = [judging[key] for key in sorted(judging)] or domains.get(id_.split(".")[0], [])
    return [(report_title(h), f"../{report_address(h)}", h.newest.as_of) for h in chosen[:_ROWS]]
