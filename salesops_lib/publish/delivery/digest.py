"""What a run has to tell: its findings, ACT first, and what failed or went stale; as mail and payload.

Names come from a CRM: they are plain text everywhere, on one line, without a live link or a mention.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from pathlib import Path
from typing import Any

from salesops_lib.core.findings import Severity, ordered
from salesops_lib.publish.running.task import Result
from salesops_lib.publish.store import read_run

MOST = 20
"""Findings told in full; the report holds all."""
_LONGEST = 600
_SLACK_TEXT = 2900  # of 3,000 a section may hold


@dataclass(frozen=True)
class Digest:
    """``items``: texts of each finding told; ``left``: how many more there are; ``counts`` by severity.

    ``runs``: the attempts it tells of, by which the same message is known again. ``made_at``: when, in UTC.
    """

    subject: str
    reports: tuple[str, ...]
    items: tuple[dict[str, str], ...]
    left: int
    counts: dict[str, int]
    troubles: tuple[str, ...]
    runs: tuple[str, ...] = ()
    made_at: str = "1970-01-01T00:00:00Z"

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Digest:
        """Read back what ``vars`` gives."""
        many = ("reports", "items", "troubles", "runs")
        return cls(**stored | {name: tuple(stored[name]) for name in many})


def digest(results: Sequence[Result]) -> Digest | None:
    """What is new in these results; None where nothing is.

    A report that stood already is no news, nor a failure or a stale report told before for the same day and
    reason.
    """
    made = [r for r in results if r.status == "ok" and r.folder]
    troubles = [_trouble(r) for r in results if _is_news(r)]
    if not made and not troubles:
        return None
    pairs = [(finding, r) for r in made for finding in _findings(r.folder)]
    by_id = {id(finding): r for finding, r in pairs}
    found = ordered(finding for finding, _ in pairs)
    wanted = [f for f in found if f.severity in {Severity.ACT, Severity.WATCH}]
    counts = {s.value: sum(f.severity is s for f in found) for s in Severity}
    return Digest(
        subject=_subject(counts, results, troubles),
        reports=tuple(_made(r) for r in made),
        items=tuple(_item(f, by_id[id(f)]) for f in wanted[:MOST]),
        left=len(wanted) - len(wanted[:MOST]),
        counts=counts,
        troubles=tuple(troubles),
        runs=tuple(_told_run(r) for r in results if r in made or _is_news(r)),
        made_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    )


def mail(told: Digest, sender: str = "", recipients: Sequence[str] = ()) -> EmailMessage:
    """The digest as a message of two parts, text and HTML. Nothing in it is loaded from anywhere."""
    message = EmailMessage()
    message["Subject"] = told.subject
    if sender:
        message["From"] = sender
    if recipients:
        message["To"] = ", ".join(recipients)
    message["Date"] = format_datetime(datetime.fromisoformat(told.made_at))
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join(_text_lines(told)) + "\n")
    message.add_alternative(_html(told), subtype="html")
    return message


def webhook(told: Digest) -> dict[str, Any]:
    """The digest as Slack's incoming webhooks take it: a fallback text and one section per finding."""
    sections = [f"*{_slack(told.subject)}*"]
    sections += [f"*Not made:* {_slack(trouble)}" for trouble in told.troubles[:MOST]]
    sections += [
        f"*{item['word']}*  {_slack(item['statement'])}\n{_slack(_facts(item))}\nDo: {_slack(item['step'])}"
        for item in told.items
    ]
    sections.append(_slack(_last_line(told)))
    return {
        "text": _slack(told.subject),
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": text[:_SLACK_TEXT], "verbatim": True}}
            for text in sections
        ],
    }


def plain(text: Any) -> str:
    """A text on one line: no control or direction marks, no address a reader's program would make a link."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    for live, dead in (("://", ": //"), ("www.", "www ."), ("mailto:", "mailto :")):
        line = line.replace(live, dead)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _made(result: Result) -> str:
    without = ", ".join(name for name, _ in result.task.left_out)
    said = f", made without {without}: failed the gate" if without else ""
    return plain(f"{result.task.run.notebook.run_file.title} ({result.task.title}{said})")


def _told_run(result: Result) -> str:
    """The attempt; of one that could not be stored its report, day and reason."""
    where = f"{result.folder.name}" if result.folder else result.error
    return f"{result.task.title} {result.status} {where}"


def _findings(folder: Path) -> list:
    from salesops_lib.publish.bundle import read_findings

    return read_findings(folder)


def _item(finding, result: Result) -> dict[str, str]:
    from salesops_lib.publish.formatting import finding_texts

    texts = finding_texts(finding, _currency(result.folder))
    return {k: plain(v) for k, v in texts.items()} | {
        "word": finding.severity.value,
        "report": plain(result.task.title),
    }


def _currency(folder: Path) -> str:
    try:
        return str(json.loads((folder / "manifest.json").read_text(encoding="utf-8")).get("currency", ""))
    except (OSError, ValueError):
        return ""


def _subject(counts: dict[str, int], results: Sequence[Result], troubles: Sequence[str]) -> str:
    stale = sum(r.status == "stale" and _is_news(r) for r in results)
    failed = len(troubles) - stale
    parts = [f"{counts[s.value]} {s.value}" for s in (Severity.ACT, Severity.WATCH)]
    parts += [f"{n} {word}" for n, word in ((failed, "failed"), (stale, "stale")) if n]
    return f"Sales operations: {', '.join(parts)}"


def _is_news(result: Result) -> bool:
    if result.status == "stale":
        return result.news
    return result.status == "failed" and not _failed_before(result)


def _failed_before(result: Result) -> bool:
    """Whether the attempt before this one, of the same day, failed for the same reason."""
    if result.folder is None:
        return False
    earlier = [p for p in result.folder.parent.iterdir() if p.is_dir() and p.name < result.folder.name]
    before = read_run(max(earlier, key=lambda p: p.name)) if earlier else None
    now = read_run(result.folder)
    return bool(before and now) and (before["status"], before["error"]) == (now["status"], now["error"])


def _trouble(result: Result) -> str:
    from salesops_lib.publish.running.progress import last_good

    after = f"; {last_good(result)}" if result.status == "stale" else "; the last good report stands"
    return plain(f"{result.task.title} {result.status}: {result.error}{after}")


def _facts(item: dict[str, str]) -> str:
    parts = [
        item["title"] + (f" ({item['scope']})" if item["scope"] else ""),
        f"{item['value']}" + (f", {item['range']}" if item["range"] else ""),
        f"limit {item['limit']}",
        f"at stake {item['stake']}" if item["stake"] else "",
        f"{item['owner']} by {item['due']}",
        f"{item['code']}, {item['playbook']}",
        item["report"],
    ]
    return " · ".join(filter(None, parts))


def _last_line(told: Digest) -> str:
    more = f"{told.left} more need a decision. " if told.left else ""
    nothing = "" if told.items else "No finding needs a decision. "
    judged = ", ".join(f"{n} {s}" for s, n in told.counts.items())
    made = "; ".join(told.reports) or "none"
    return f"{nothing}{more}Judged: {judged}. Reports made: {made}."


def _text_lines(told: Digest) -> list[str]:
    lines = [told.subject, ""]
    for trouble in told.troubles:
        lines += [f"NOT MADE  {trouble}", ""]
    for item in told.items:
        lines += [f"{item['word']}  {item['statement']}", f"  {_facts(item)}", f"  Do: {item['step']}", ""]
    return [*lines, _last_line(told)]


def _html(told: Digest) -> str:
    troubles = "".join(f"<p><strong>Not made:</strong> {escape(t)}</p>" for t in told.troubles)
    items = "".join(
        f"<li><p><strong>{escape(i['word'])}</strong> {escape(i['statement'])}<br>"
        f"<small>{escape(_facts(i))}</small><br>Do: {escape(i['step'])}</p></li>"
        for i in told.items
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(told.subject)}</title></head><body><h1>{escape(told.subject)}</h1>"
        f"{troubles}{f'<ol>{items}</ol>' if items else ''}<p>{escape(_last_line(told))}</p></body></html>"
    )


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
