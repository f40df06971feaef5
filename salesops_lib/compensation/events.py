"""Events that count for pay: what happened, when, for whom, with which amounts.

One row is one event, or one payee's share of a split one. ``date`` with ``event`` names one happening; a
column ``<kind>_date`` (``paid_date``) names another of the same row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from salesops_lib.compensation.plan import Plan
from salesops_lib.compensation.plan_measures import BUILT_IN
from salesops_lib.compensation.rows import Complaints, blank, moment_of, text_of

ALIASES = {
    "payee_id": "rep_id", "holder_id": "rep_id", "owner_id": "rep_id", "opportunity_id": "deal_id",
    "at": "date", "kind": "event",
}  # fmt: skip
"""Names of the company's tables that mean the same."""
RELEASES = {
    "invoiced": ("invoiced",),
    "invoice_paid": ("invoice_paid", "paid"),
    "paid": ("paid", "invoice_paid"),
}
"""What releases a hold, by ``release_on``."""


@dataclass
class Events:
    """Events by place, in the order of (time, deal, event). All lists are of one length.

    ``row``: how messages name it; ``kind`` None: of every kind that a measure counts; ``day``: ordinal.
    ``cells``: column → what stands there. ``complaints`` names the file.
    """

    complaints: Complaints
    row: list[int]
    event_id: list[str]
    deal_id: list[str]
    rep_id: list[str | None]
    kind: list[str | None]
    day: list[int]
    time: list[str]
    currency: list[str | None]
    cells: dict[str, list[Any]]
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.row)

    def column(self, name: str) -> list[Any] | None:
        """A column by name, ids and kind too; None where the events have no such column."""
        own = {"rep_id": self.rep_id, "deal_id": self.deal_id, "event_id": self.event_id, "event": self.kind}
        return self.cells[name] if name in self.cells else own.get(name)

    def has_kind(self, kind: str) -> bool:
        """Whether an event of this kind is there."""
        return kind in set(self.kind) or None in set(self.kind)


def kinds_of(plans: list[Plan]) -> tuple[set[str], set[str]]:
    """(kinds that measures and spiffs count, kinds that release a hold or trigger a clawback)."""
    counted, other = {m.event for m in BUILT_IN.values()}, set()
    for plan in plans:
        counted |= {m.event for m in plan.measures.values()} | {s.event for s in plan.spiffs}
        other |= {kind for hold in plan.holds for kind in RELEASES[hold.release_on]}
        other |= set(plan.clawback.trigger) if plan.clawback else set()
    return counted, other


def events_from(
    frame: pd.DataFrame, plans: list[Plan], file: str = "events", through: date | None = None
) -> Events:
    """Events from rows.

    Parameters
    ----------
    frame
        Columns: ``date`` (and ``event``: its kind), or ``<kind>_date``; ``rep_id``; optional ``deal_id``,
        ``event_id``, ``currency``, ``manager_id``, and every field that the plan's measures and filters
        name. Numbers are text, Decimal or whole; a float is refused. ``row`` is how messages name a row
        (default: the index plus 1).
    through
        Events after this day are left out.

    Raises PlanError: no date column, a date that is none, an event twice.
    """
    said = Complaints(file)
    table = _columns(frame)
    dated = _dated(table, plans, said)
    if said.found:
        said.stop()
    rows = table.get("row") or list(range(1, len(frame) + 1))
    picked = _happenings(table, dated, rows, through, said)
    said.stop()
    ordered = _ordered(picked, table, rows)
    events = _gathered(ordered, table, rows, said, plans)
    _refuse_twice(events, table)
    said.stop()
    return events


def _columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = {}
    for name in frame.columns:
        known = ALIASES.get(str(name), str(name))
        if known not in frame.columns or known == name:
            table[known] = frame[name].tolist()
    return table


def _dated(table: dict, plans: list[Plan], said: Complaints) -> dict[str, str | None]:
    """Date column → the kind it dates; None: the kind stands in ``event``, or is any."""
    counted, other = kinds_of(plans)
    found: dict[str, str | None] = {"date": None} if "date" in table else {}
    found |= {f"{kind}_date": kind for kind in sorted(counted | other) if f"{kind}_date" in table}
    if not found:
        wanted = ", ".join(sorted(f"{k}_date" for k in counted))
        said.add(1, "E308", "columns", f"no column date, nor one of {wanted}. It has: {', '.join(table)}")
    return found


def _happenings(table: dict, dated: dict, rows: list, through: date | None, said: Complaints) -> list[tuple]:
    """(day, time, kind, place) of every date that is filled in."""
    last = through.toordinal() if through else None
    kinds = table.get("event")
    memo: dict[Any, tuple[int, str]] = {}
    found = []
    for column, named in dated.items():
        for place, value in enumerate(table[column]):
            moment = memo.get(value)
            if moment is None:
                if blank(value):
                    if column == "date" and len(dated) == 1:
                        said.add(rows[place], "E302", "date", "an event without a date; fill it in")
                    continue
                try:
                    moment = memo[value] = moment_of(value)
                except ValueError as fault:
                    said.add(rows[place], "E302", column, str(fault))
                    continue
            kind = named
            if named is None and kinds is not None:
                kind = text_of(kinds[place])
                if kind is None:
                    said.add(rows[place], "E308", "event", "no kind of event; write booked, paid, …")
            if last is None or moment[0] <= last:
                found.append((*moment, kind, place))
    return found


def _ordered(picked: list[tuple], table: dict, rows: list) -> list[tuple]:
    """By time, deal, event; where nothing tells two events apart, by all that stands in them."""
    deals, ids = table.get("deal_id"), table.get("event_id")
    others = [table[name] for name in sorted(table) if name != "row"] if ids is None else []

    def key(item: tuple) -> tuple:
        day, time, kind, place = item
        deal = str(deals[place]) if deals else ""
        told = str(ids[place]) if ids else "\x1f".join(str(column[place]) for column in others)
        return day, time, deal, told, kind or "", rows[place]

    return sorted(picked, key=key)


def _gathered(ordered: list[tuple], table: dict, rows: list, said: Complaints, plans: list[Plan]) -> Events:
    places = [item[3] for item in ordered]

    def taken(name: str) -> list[str | None]:
        column = table.get(name)
        if column is None:
            return [None] * len(places)
        memo = {value: text_of(value) for value in set(column)}
        return [memo[column[p]] for p in places]

    row = [int(rows[p]) for p in places]
    ids = [i if i is not None else f"row {r}" for i, r in zip(taken("event_id"), row, strict=True)]
    deals = [d if d is not None else i for d, i in zip(taken("deal_id"), ids, strict=True)]
    kept = {"row", "event_id", "deal_id", "rep_id", "event", "currency"}
    cells = {n: [c[p] for p in places] for n, c in table.items() if n not in kept}
    events = Events(
        said, row, ids, deals, taken("rep_id"), [i[2] for i in ordered], [i[0] for i in ordered],
        [i[1] for i in ordered], taken("currency"), cells,
    )  # fmt: skip
    counted, other = kinds_of(plans)
    idle = Counter(k for k in events.kind if k is not None and k not in counted | other)
    events.notes += [f"{n} events of kind {kind} count for nothing in this plan" for kind, n in idle.items()]
    return events


def _refuse_twice(events: Events, table: dict) -> None:
    if table.get("event_id") is None:
        return
    seen: dict[tuple, int] = {}
    for place, key in enumerate(zip(events.event_id, events.kind, events.rep_id, strict=True)):
        if key in seen and not key[0].startswith("row "):
            said = f"the same event as row {events.row[seen[key]]}; an event counts once"
            events.complaints.add(events.row[place], "E306", key[0], said)
        seen.setdefault(key, place)
