"""What changed between two runs of a report: findings opened, closed, worse, better; values that moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from salesops_lib.core.findings import Finding, Severity

PRESSING = (Severity.ACT, Severity.WATCH)
KINDS = ("opened", "worse", "better", "closed", "moved")
_RANK = {Severity.OK: 0, Severity.UNKNOWN: 0, Severity.WATCH: 1, Severity.ACT: 2}


def identity(finding: Finding) -> tuple:
    """The same question in another run, whatever its period."""
    return finding.code, tuple(sorted((k, v) for k, v in finding.scope.items() if k != "period"))


def pairs(before: Sequence[Finding], after: Sequence[Finding]) -> list[tuple[Finding | None, Finding | None]]:
    """The findings of two runs side by side: those of ``after`` in order, then what only ``before`` has.

    The same question of the same period belongs together. Where each run asks it of one period only, the two
    do as well, so that a report that went on to the next quarter is compared with the last.
    """
    was, now = _by_identity(before), _by_identity(after)
    made: list[tuple[Finding | None, Finding | None]] = []
    taken = set()
    for finding in after:
        name = identity(finding)
        old, own = was.get(name, []), now[name]
        match = next((f for f in old if f.scope == finding.scope), None)
        if match is None and len(old) == len(own) == 1:
            match = old[0]
        taken.add(id(match))
        made.append((match, finding))
    return made + [(finding, None) for finding in before if id(finding) not in taken]


@dataclass(frozen=True)
class Streak:
    """How long a finding has pressed without a break: first day, first due day, good runs."""

    since: date
    due: date
    runs: int


def streaks(good: Sequence[tuple[date, Sequence[Finding]]]) -> list[Streak]:
    """Since when each finding of the last run has pressed, in their order; one that does not: since that run.

    Parameters
    ----------
    good
        Day and findings of each good run of one report, oldest first.

    A streak is the unbroken row of good runs, ending in the last, in which a finding pressed, whatever its
    period; it is due on the day the first of them asked for.
    """
    day, here = good[-1] if good else (date.min, ())
    found = [Streak(day, f.due, 1) for f in here]
    going = {id(f): at for at, f in enumerate(here) if f.severity in PRESSING}
    for day, was in reversed(good[:-1]):
        earlier = {
            id(then): going[id(now)]
            for then, now in pairs(was, here)
            if then is not None and then.severity in PRESSING and id(now) in going
        }
        for then in [f for f in was if id(f) in earlier]:
            at = earlier[id(then)]
            found[at] = Streak(day, then.due, found[at].runs + 1)
        going, here = earlier, was
        if not going:
            break
    return found


def _by_identity(findings: Sequence[Finding]) -> dict[tuple, list[Finding]]:
    made: dict[tuple, list[Finding]] = {}
    for finding in findings:
        made.setdefault(identity(finding), []).append(finding)
    return made


def difference(before: Sequence[Finding], after: Sequence[Finding], since: str) -> dict[str, Any]:
    """What ``diff.json`` holds.

    Parameters
    ----------
    before, after
        Findings of the last good run of an earlier day, and of this one.
    since
        That day.

    Returns
    -------
    dict
        ``since``, and for each of :data:`KINDS` a list of ``code``, ``title``, ``scope``, ``before`` and
        ``after`` (severity and value, None where it is not there). ``opened``: acted on or watched now, and
        not
        then. ``closed``: the other way round. ``worse``, ``better``: pressing on both days, and moved to the
        other severity. ``moved``: the value left the range it had, with the severity unchanged.
    """
    made: dict[str, list] = {kind: [] for kind in KINDS}
    for was, now in pairs(before, after):
        kind = _kind(was, now)
        if kind:
            made[kind].append(_entry(was, now))
    return {"since": since, **made}


def _kind(was: Finding | None, now: Finding | None) -> str | None:
    then, here = (f.severity if f else None for f in (was, now))
    if here in PRESSING and then not in PRESSING:
        return "opened"
    if then in PRESSING and here not in PRESSING:
        return "closed"
    if was is None or now is None:
        return None
    if _RANK[here] != _RANK[then]:
        return "worse" if _RANK[here] > _RANK[then] else "better"
    if was.interval and now.value is not None and not was.interval.low <= now.value <= was.interval.high:
        return "moved"
    return None


def _entry(was: Finding | None, now: Finding | None) -> dict[str, Any]:
    told = now or was
    return {
        "code": told.code, "title": told.title, "scope": dict(told.scope), "unit": told.unit,
        "currency": told.currency, "before": _state(was, told), "after": _state(now, told),
    }  # fmt: skip


def _state(finding: Finding | None, told: Finding) -> dict[str, Any] | None:
    if finding is None:
        return None
    return {
        "severity": finding.severity.value,
        "value": finding.value,
        "unit": told.unit,
        "currency": told.currency,
    }
