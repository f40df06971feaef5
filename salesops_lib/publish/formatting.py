"""Numbers and tables as a reader meets them: the same in a notebook, a report, the site and a CSV.

Everything here returns plain text or escaped HTML with class names; the look is in ``templates/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

import pandas as pd

from salesops_lib.core.contracts import Column, Table
from salesops_lib.core.findings import Finding, Severity
from salesops_lib.core.wording import sentence

MISSING = "–"
_RIGHT = {"money", "number", "ratio", "count", "days"}
_FORMULA = re.compile(r"^'*[=+\-@\t\r\n]")
_SUFFIX = re.compile(r"_(base|id|days)$")
SEVERITY_WORD = {
    Severity.ACT: "Act",
    Severity.WATCH: "Watch",
    Severity.UNKNOWN: "Unknown",
    Severity.OK: "OK",
}
SEVERITY_MEANING = {
    Severity.ACT: "the whole range misses its limit",
    Severity.WATCH: "the range straddles its limit",
    Severity.UNKNOWN: "could not be judged",
    Severity.OK: "meets its limit",
}


# --- single values ---------------------------------------------------------------------------------


def format_value(value, kind: str, decimals: int | None = None) -> str:
    """One cell as text by ``Column.kind`` (or a metric's unit): ``0.71`` as a ratio is ``71 %``.

    Missing is ``–`` and never 0. A ratio that is not 0 or 100 % never rounds to it. Money and counts are
    whole with thousands separators; ``decimals`` overrides.
    """
    if value is None or value is pd.NaT or (not isinstance(value, str) and pd.isna(value)):
        return MISSING
    if kind == "ratio":
        return _ratio(float(value), decimals)
    if kind == "date":
        return pd.Timestamp(value).strftime("%Y-%m-%d")
    if kind == "datetime":
        return pd.Timestamp(value).strftime("%Y-%m-%d %H:%M")
    if kind == "bool":
        return "yes" if value else "no"
    if kind in {"money", "count", "days", "number", "fte"}:
        return _number(value, decimals if decimals is not None else _decimals([value], kind))
    return str(value)


def format_unit(value, unit: str, currency: str | None = None) -> str:
    """A metric's value with its unit in words: ``71 %``, ``USD 1,234,567``, ``12 days``."""
    text = format_value(value, unit)
    if text == MISSING:
        return text
    if unit == "money":
        return f"{currency} {text}" if currency else text
    return sentence(f"{text} {unit if unit != 'fte' else 'FTE'}") if unit in {"days", "fte"} else text


def _ratio(value: float, decimals: int | None) -> str:
    share = value * 100
    digits = 0 if decimals is None else decimals
    if decimals is None and (0 < abs(share) < 0.95 or 99.5 <= abs(share) < 100):
        digits = 1
    text = _number(share, digits)
    if digits == 1 and share != 0 and text.lstrip("−") in {"0.0", "100.0"} and abs(share) != 100:
        return "<0.1 %" if abs(share) < 1 else ">99.9 %"
    return f"{text} %"


def _number(value, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    if text.lstrip("-").strip("0.,") == "":
        text = text.lstrip("-")
    return text.replace("-", "−")


def _decimals(values: Iterable, kind: str) -> int:
    """Digits after the point that suit all values of one column."""
    numbers = [abs(float(v)) for v in values if not pd.isna(v)]
    whole = all(n == int(n) for n in numbers if n < 1e15)
    if kind == "count" or whole or not numbers:
        return 0
    largest = max(numbers)
    if kind == "money":
        return 0 if largest >= 100 else 2
    return 0 if largest >= 1000 else 1 if largest >= 10 else 2


# --- tables ----------------------------------------------------------------------------------------


def heading(column: Column, currency: str = "") -> str:
    """``credited_base`` in USD → ``Credited, USD``; ``close_date`` → ``Close date``."""
    words = _SUFFIX.sub("", column.name).replace("_", " ")
    unit = currency if column.kind == "money" else "days" if column.kind == "days" else ""
    return words[:1].upper() + words[1:] + (f", {unit}" if unit and unit not in words.split() else "")


def html_table(
    frame: pd.DataFrame,
    table: Table,
    show: Sequence[str] | None = None,
    rows: int | None = 15,
    caption: str = "",
    currency: str = "",
) -> str:
    """``frame`` as an escaped HTML table: the columns ``show`` (all when empty), the first ``rows`` rows.

    Numbers stand right (class ``num``), text left, missing is ``–``. Where rows are left out a note says
    how many there are and which file has them. Raises KeyError for a column the table does not declare.
    """
    names = list(show or ()) or [c for c in table.column_names if c in frame]
    columns = [table.by_name[name] for name in names]
    part = frame[names] if rows is None else frame[names].head(rows)
    heads = _headings(columns, currency)
    head = "".join(
        f'<th scope="col"{_class(c)} title="{escape(c.meaning)}">{escape(h)}</th>'
        for c, h in zip(columns, heads, strict=True)
    )
    texts = [_column_texts(part[c.name], c) for c in columns]
    body = "".join(_row(columns, row) for row in zip(*texts, strict=True))
    if part.empty:
        body = f'<tr><td colspan="{len(columns)}" class="none">No rows.</td></tr>\n'
    title = f"<caption>{escape(caption)}</caption>\n" if caption else ""
    return (
        '<div class="table-card tex2jax_ignore"><div class="scroll" tabindex="0" role="region" '
        f'aria-label="{escape(caption or table.name)}">\n<table class="data">\n{title}'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>"
        f"{_left_out(len(part), len(frame), table.name)}</div>"
    )


def _headings(columns: Sequence[Column], currency: str) -> list[str]:
    heads = [heading(c, currency) for c in columns]
    return [c.name if heads.count(h) > 1 else h for c, h in zip(columns, heads, strict=True)]


def _row(columns: Sequence[Column], texts: Sequence[str]) -> str:
    cells = (f"<td{_class(c)}>{escape(t)}</td>" for c, t in zip(columns, texts, strict=True))
    return f"<tr>{''.join(cells)}</tr>\n"


def _class(column: Column) -> str:
    is_day = column.kind in {"date", "datetime"}
    return ' class="num"' if column.kind in _RIGHT else ' class="day"' if is_day else ""


def _column_texts(series: pd.Series, column: Column) -> list[str]:
    decimals = None if column.kind not in _RIGHT - {"ratio"} else _decimals(series, column.kind)
    return [format_value(v, column.kind, decimals) for v in series]


def _left_out(shown: int, total: int, name: str) -> str:
    if shown == total:
        return ""
    return f'<p class="note">{shown:,} of {total:,} rows; all are in tables/{escape(name)}.csv.</p>'


# --- findings --------------------------------------------------------------------------------------


def finding_slug(finding: Finding) -> str:
    """An HTML id for one finding: letters, digits and hyphens of its identity."""
    scope = "-".join(str(finding.scope[k]) for k in sorted(finding.scope))
    return re.sub(r"[^a-z0-9]+", "-", f"{finding.code}-{scope}".lower()).strip("-")


def finding_texts(finding: Finding, currency: str = "", period: str = "") -> dict[str, str]:
    """One finding as plain texts by part: what a card, a row or a page shows. Nothing is escaped yet.

    ``value`` is ``not known`` where it is missing, ``range``, ``stake`` and ``scope`` are empty where the
    finding has none. ``currency`` stands in where the finding names none; a scope's ``period`` that the page
    already names is left out.
    """
    money = finding.currency or currency
    shown = {k: format_unit(v, finding.unit, money) for k, v in _numbers(finding).items()}
    range_ = ""
    if finding.interval and finding.value is not None:
        range_ = f"{shown['low']} to {shown['high']} at {finding.interval.level * 100:g} %"
    side = "at least" if finding.threshold.keep == "above" else "at most"
    stake = finding.money_at_stake
    scope = {k: v for k, v in finding.scope.items() if not (k == "period" and v == period)}
    return {
        "severity": finding.severity.value.lower(),
        "word": SEVERITY_WORD[finding.severity],
        "meaning": _meaning(finding),
        "slug": finding_slug(finding),
        "code": finding.code,
        "title": finding.title,
        "scope": ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in scope.items()),
        "statement": finding.statement,
        "value": "not known" if finding.value is None else shown["value"],
        "range": range_,
        "limit": f"{side} {shown['limit']}",
        "source": finding.threshold.source,
        "n": _evidence(finding),
        "stake": "" if stake is None else format_unit(stake, "money", money),
        "step": finding.recommendation,
        "owner": finding.owner,
        "due": finding.due.isoformat(),
        "playbook": finding.playbook,
    }


def _meaning(finding: Finding) -> str:
    if finding.doubted and finding.severity is Severity.WATCH:
        return f"one of {finding.family} like findings, and as far off as chance alone would put one"
    return SEVERITY_MEANING[finding.severity]


def _evidence(finding: Finding) -> str:
    """``12 reps``, or ``3 of 8 past periods needed``."""
    n, needed = f"{finding.n:,}", f" of {finding.min_n:,}" if finding.n < finding.min_n else ""
    return sentence(f"{n}{needed} {finding.counts}") + (" needed" if needed else "")


def findings_html(findings: Iterable[Finding], limits: Sequence[str] = (), currency: str = "") -> str:
    """All findings in full, in the order given: evidence, limit and its source, next step, playbook.

    ``limits``: sentences on what could not be judged. Everything is escaped.
    """
    cards = "".join(_finding_card(finding_texts(f, currency)) for f in findings)
    if not cards:
        cards = '<p class="note">Nothing was judged.</p>'
    notes = "".join(f"<li>{escape(limit)}</li>" for limit in limits)
    return f'<div class="findings tex2jax_ignore">\n{cards}</div>' + (
        f'<ul class="limits tex2jax_ignore">{notes}</ul>' if notes else ""
    )


def _numbers(finding: Finding) -> dict[str, float | None]:
    interval = finding.interval
    ends = {"low": interval.low, "high": interval.high} if interval else {}
    return {"value": finding.value, "limit": finding.threshold.limit, **ends}


def _finding_card(texts: dict[str, str]) -> str:
    t = {part: escape(text) for part, text in texts.items()}
    range_ = f" ({t['range']})" if t["range"] else ""
    facts = {
        "Evidence": f"{t['value']}{range_}; from {t['n']}",
        "Limit": f"{t['limit']} ({t['source']})",
        "At stake": t["stake"],
        "Next step": t["step"],
        "Owner": f"{t['owner']}, by {t['due']}",
    }
    rows = "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in facts.items() if v)
    return (
        f'<section class="finding {t["severity"]}" id="{t["slug"]}">\n'
        f'<h3><span class="badge {t["severity"]}">{t["word"]}</span> {t["title"]} '
        f'<span class="scope">{t["scope"]}</span></h3>\n'
        f"<p>{t['statement']}</p>\n<dl>{rows}</dl>\n"
        f'<p class="note"><code>{t["code"]}</code> '
        f'<a href="../playbooks/{t["playbook"]}">Playbook</a></p>\n</section>\n'
    )


# --- files -----------------------------------------------------------------------------------------


def csv_safe(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy in which no text cell can be read as a formula: ``=cmd()`` becomes ``'=cmd()``.

    Only text is touched, numbers keep their sign. :func:`csv_plain` undoes it exactly.
    """

    def safe(cell):
        return "'" + cell if isinstance(cell, str) and _FORMULA.match(cell) else cell

    result = frame.copy()
    for position, dtype in enumerate(frame.dtypes):
        is_text = isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_object_dtype(dtype)
        if is_text or pd.api.types.is_string_dtype(dtype):
            result.isetitem(position, frame.iloc[:, position].astype(object).map(safe))
    return result


def csv_plain(text: str) -> str:
    """The inverse of :func:`csv_safe` for one cell, for reading a written table back."""
    return text[1:] if text[:1] == "'" and _FORMULA.match(text) else text
