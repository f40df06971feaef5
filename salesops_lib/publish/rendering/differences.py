"""What changed since the last run, as ``diff.json`` and as sentences for the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from salesops_lib.core.changes import KINDS, difference
from salesops_lib.core.findings import Finding, Severity
from salesops_lib.publish.bundle import read_findings
from salesops_lib.publish.formatting import SEVERITY_WORD, format_unit


def since_last(folder: Path | None, after: Sequence[Finding], since: str | None) -> dict[str, Any] | None:
    """:func:`difference` to a stored bundle; None where there is none before."""
    return None if folder is None or since is None else difference(read_findings(folder), after, since)


def lines(found: dict[str, Any] | None, currency: str) -> list[tuple[str, str]]:
    """``(kind, sentence)`` of each change, for the page."""
    if found is None:
        return []
    told = []
    for kind in KINDS:
        for entry in found[kind]:
            scope = ", ".join(
                f"{k.replace('_', ' ')} {v}" for k, v in entry["scope"].items() if k != "period"
            )
            name = f"{entry['title']}{f' ({scope})' if scope else ''}"
            told.append(
                (kind, f"{name}: {_said(entry['before'], currency)} → {_said(entry['after'], currency)}")
            )
    return told


def _said(state: dict[str, Any] | None, currency: str) -> str:
    if state is None:
        return "not judged"
    word = SEVERITY_WORD[Severity(state["severity"])]
    return f"{word} {format_unit(state['value'], state['unit'], state['currency'] or currency)}"
