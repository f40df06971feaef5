"""The first page: what needs a decision now, then the reports by the rhythm they are made in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from salesops_lib.core.errors import UserError
from salesops_lib.core.findings import Severity
from salesops_lib.core.followup import ASSIGNED, NEW, RETURNED, SETTLED, Followed, followed
from salesops_lib.publish.catalog import Cadence
from salesops_lib.publish.formatting import MISSING
from salesops_lib.publish.history import ReportHistory
from salesops_lib.publish.rendering.render import finding_view, tally, templates
from salesops_lib.publish.scheduling.schedule import last_due
from salesops_lib.publish.site.files import files_of
from salesops_lib.publish.site.pages import Page, metric_address, report_address, report_title
from salesops_lib.publish.site.shell import YAML
from salesops_lib.publish.site.sources import Companies, Sources, data_of

TITLE = "What needs a decision"
_CARDS = 10  # findings shown in full
_LINES = 20  # and in one line each, those that press and those unknown
_FIGURES = 4  # headline figures of the first screen, where no brief gathers them
_RHYTHM = {"day": "Every day", "week": "Every week", "month": "Every month", "quarter": "Every quarter"}
_DAYS = {"Mon": "Monday", "Tue": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Fri": "Friday",
         "Sat": "Saturday", "Sun": "Sunday"}  # fmt: skip
_RANK = list(Severity)
_RANGE = re.compile(r"at \d+ %")  # a range of an estimate says its level


def now_page(
    histories: Sequence[ReportHistory], sources: Sources, found: Companies, playbooks: Path | None = None
) -> Page:
    """What needs a decision, most pressing first; the reports by calendar event; where to read on.

    ``found``: decisions by company. ``playbooks``: the folder whose operating calendar says which meeting
    uses which report.
    """
    current = [h.current for h in histories if h.current]
    newest = max((b.as_of for b in current), default="")
    events = _events(playbooks)
    rows = [_row(history, newest, sources, events) for history in histories]
    page = _decisions(histories, found, newest) | {
        "company": next((b.manifest["company"] for b in current), ""),
        "as_of": newest or MISSING,
        "notes": found.notes,
        "briefs": [_brief(h) for h in histories if h.current and h.key.split("/")[0] in sources.gathering],
        "figures": _figures(histories),
        "groups": _grouped(rows),
        "reports": len(rows),
        "failed": sum("failed" in row["state_keys"] for row in rows),
        "stale": sum("stale" in row["state_keys"] for row in rows),
        "metrics": len(sources.metrics),
        "books": bool(playbooks and (playbooks / "index.md").is_file()),
        "calendar": bool(events),
    }
    markup = templates().get_template("now.html").render(page)
    return Page("index.html", TITLE, markup, (("", TITLE, ""),))


def _decisions(histories: Sequence[ReportHistory], found: Companies, newest: str) -> dict:
    standing = [
        (h, [(h.key, h.current.as_of, f) for f in h.current.findings]) for h in histories if h.current
    ]
    by_key = {h.key: h for h in histories}
    on = date.fromisoformat(newest) if newest else date.min
    items: list[Followed] = []
    for data, decisions in found.decisions.items():
        items += followed([row for h, rows in standing if data_of(h) == data for row in rows], decisions, on)
    items.sort(key=_urgency)
    open_ = [i for i in items if i.state not in SETTLED]
    pressing = [i for i in open_ if i.finding.severity is not Severity.UNKNOWN]
    unknown = [i for i in open_ if i.finding.severity is Severity.UNKNOWN]
    lines = [*pressing[_CARDS:][:_LINES], *unknown[:_LINES]]
    shown = [_decision_view(i, by_key[i.report]) for i in [*pressing[:_CARDS], *lines]]
    return tally([f for _, rows in standing for _, _, f in rows]) | {
        "cards": shown[: len(pressing[:_CARDS])],
        "lines": shown[len(pressing[:_CARDS]) :],
        "left": len(open_) - len(shown),
        "overdue": sum(i.overdue for i in open_),
        "settled": [(v["state"], i.why, v) for i, v in _settled(items, by_key)],
    }


def _settled(items: Sequence[Followed], by_key: Mapping[str, ReportHistory]) -> list[tuple[Followed, dict]]:
    return [(i, _decision_view(i, by_key[i.report])) for i in items if i.state in SETTLED]


def _urgency(item: Followed) -> tuple:
    """ACT first; in it what is overdue, then by money at stake."""
    finding = item.finding
    return _RANK.index(finding.severity), not item.overdue, -abs(finding.money_at_stake or 0.0), finding.id


def _decision_view(item: Followed, history: ReportHistory) -> dict:
    view = finding_view(item.finding, history.current.manifest["currency"], "", "playbooks/")
    return view | {
        "report": f"{report_address(history)}#{view['slug']}",
        "report_title": report_title(history),
        "metric": metric_address(item.finding.metric),
        "owner": item.owner,
        "due": item.due.isoformat(),
        "state": _state(item),
        "overdue": item.overdue,
    }


def _state(item: Followed) -> str:
    """Where a finding stands, in words: ``Assigned to sales manager``, ``New``, ``Back after a decision``."""
    words = {
        NEW: "New",
        ASSIGNED: f"Assigned to {item.owner}",
        RETURNED: "Returned after it was settled",
    }
    return words.get(item.state, item.state.capitalize())


def _brief(history: ReportHistory) -> dict:
    return {
        "title": report_title(history),
        "question": history.current.run.get("question", ""),
        "page": report_address(history),
        "as_of": history.current.as_of,
        "headline": history.current.manifest["headline"],
    }


def _figures(histories: Sequence[ReportHistory]) -> list[dict]:
    """Of each report the first headline figure that has a range, for a first look."""
    found = []
    for history in [h for h in histories if h.current]:
        ranged = [f for f in history.current.manifest["headline"] if _RANGE.search(f["range"])]
        found += [f | {"note": f"{report_title(history)}, as of {history.current.as_of}"} for f in ranged[:1]]
    return found[:_FIGURES]


# --- reports by calendar event ---------------------------------------------------------------------


def _events(playbooks: Path | None) -> dict[str, list[dict]]:
    """Events of the operating calendar by the notebook they use; none where there is no such register."""
    path = playbooks / "registers" / "calendar.yml" if playbooks else None
    if path is None or not path.is_file():
        return {}
    events: dict[str, list[dict]] = {}
    for event in yaml.load(path.read_text(encoding="utf-8"), Loader=YAML) or ():  # noqa: S506  (a safe one)
        for report in event.get("reports") or ():
            link = f"playbooks/reference/operating-calendar.html#{event['id']}"
            told = {"event": event["event"], "when": str(event["when"]), "href": link}
            events.setdefault(str(report).split("/")[0], []).append(told)
    return events


def _grouped(rows: Sequence[dict]) -> list[tuple[str, list[dict]]]:
    """Rows by rhythm, the most frequent first; reports without a cadence last."""
    names = [*_RHYTHM.values(), "On request"]
    groups = [(name, [row for row in rows if row["rhythm"] == name]) for name in names]
    return [(name, sorted(rows, key=lambda r: r["order"])) for name, rows in groups if rows]


def _row(
    history: ReportHistory, newest: str, sources: Sources, events: Mapping[str, list[dict]]
) -> dict[str, Any]:
    bundle = history.newest
    states = _states(history, newest, sources)
    seconds = bundle.run.get("duration_seconds")
    cadence = bundle.run.get("cadence") or {}
    ended = "held back" if history.held else "failed"
    return {
        "title": report_title(history),
        "question": bundle.run.get("question", ""),
        "page": report_address(history),
        "rhythm": _RHYTHM.get(cadence.get("every", ""), "On request"),
        "order": (list(_DAYS).index(cadence["on"]) if cadence.get("on") in _DAYS else 0,
                  cadence.get("business_day") or 0, cadence.get("at", ""), history.key),
        "when": _when(cadence),
        "events": events.get(history.key.split("/")[0], []),
        "states": states,
        "state_keys": {key for key, _, _ in states},
        "as_of": bundle.as_of if history.current else f"never ({bundle.as_of} {ended})",
        "counts": tally(bundle.findings)["counts"],
        "owner": bundle.run.get("owner", ""),
        "seconds": MISSING if seconds is None else f"{seconds:.1f}",
        "files": [(name, f"reports/{history.key}/{file}") for name, file in files_of(history.current)],
    }  # fmt: skip


def _when(cadence: Mapping[str, Any]) -> str:
    """``Monday 05:00`` or ``business day 3, 06:00``."""
    day = _DAYS.get(cadence.get("on", ""), "")
    if cadence.get("business_day"):
        day = f"business day {cadence['business_day']},"
    return f"{day} {cadence.get('at', '')}".strip()


def _states(history: ReportHistory, newest: str, sources: Sources) -> list[tuple[str, str, str]]:
    states = []
    if history.held:
        told = (history.failed.run.get("error") or {}).get("message", "")
        return [("stale", "Stale", f"not run as of {history.failed.as_of}: {told}")]
    if history.failed:
        states.append(("failed", "Failed", f"the run as of {history.failed.as_of} failed"))
    if left := history.newest.run.get("left_out"):
        states.append(("stale", "In part", " ".join(left)))
    late = _late(history, newest, sources)
    if late:
        states.append(("stale", "Stale", late))
    return states or [("ok", "OK", "the newest run is good")]


def _late(history: ReportHistory, newest: str, sources: Sources) -> str:
    """Why a report is behind: its cadence asked for a later day, or nobody knows and others are newer."""
    if not history.current or history.current.as_of >= newest:
        return ""
    try:
        cadence = Cadence.model_validate(history.current.run.get("cadence") or {})
        if sources.calendar is None:
            raise ValueError("no calendar")
        now = datetime.combine(date.fromisoformat(newest), time(23, 59, 59))
        due = last_due(cadence, sources.calendar, now).date().isoformat()
    except (ValidationError, ValueError, UserError):
        return f"other reports are as of {newest}"
    return f"a run was due on {due}" if history.current.as_of < due else ""
