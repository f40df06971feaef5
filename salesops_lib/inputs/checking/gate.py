"""Whether the data may feed a report on a day: contracts, freshness, counts and totals of what it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from salesops_lib.inputs.checking.check import CheckResult, Freshness, check_company
from salesops_lib.inputs.load import open_to_check

Failing = dict[tuple[str, date], str]
LeftOut = dict[tuple[str, date], dict[str, str]]


def failing_gate(
    data: str | Path,
    needs: Mapping[str, Mapping[str, Sequence[str]]],
    optional: Mapping[str, Sequence[str]],
    days: Mapping[str, Iterable[date]],
) -> tuple[Failing, LeftOut]:
    """Why a notebook must not run for a day, and which tables it must do without; by notebook and day.

    Nothing stands for one that may run on all it reads. A table it needs stops it. One that is optional
    (``optional``, by notebook) is left out, with the reason: a report worth having without the table is worth
    having without a bad one. Tables are judged by the checks of :func:`check_company`, made once for the
    latest day. A table is stale where its last event lies more days before the day than
    ``data/policy/inputs.yaml`` allowed on that day. Raises CompanyError where there is no company to check.
    """
    wanted = [(name, day) for name, found in days.items() for day in found]
    if not wanted:
        return {}, {}
    result = check_company(data, max(day for _, day in wanted))
    policy = open_to_check(data, result.as_of).policy("inputs")
    failing: Failing = {}
    left: LeftOut = {}
    for name, day in wanted:
        needed = set(needs.get(name, ()))
        if faults := _faults(result, needed, day, policy):
            failing[name, day] = _said(faults)
            continue
        found = {table: _faults(result, {table}, day, policy) for table in optional.get(name, ())}
        without = {table: _said(faults) for table, faults in found.items() if faults and table not in needed}
        if without:
            left[name, day] = without
    return failing, left


def _said(faults: Sequence[str]) -> str:
    more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"its data failed the gate: {faults[0]}{more}"


def _faults(result: CheckResult, tables: set[str], day: date, policy) -> list[str]:
    return [
        *[str(breach) for breach in result.breaches if breach.table in tables],
        *[str(fresh) for f in result.freshness if f.table in tables and (fresh := _on(f, day, policy)).stale],
        *[str(control) for control in result.controls if control.table in tables and not control.ok],
    ]


def _on(found: Freshness, day: date, policy) -> Freshness:
    """The same table's age and limit on another day."""
    key = f"stale_after_days_{found.table}"
    limit = policy.value(key if key in policy.entries else "stale_after_days", day)
    return Freshness(found.table, found.last_day, (day - found.last_day).days, limit.value, limit.cited)
