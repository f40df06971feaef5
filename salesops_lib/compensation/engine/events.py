"""Events that count for pay: what happened, when, for whom, with which amounts.

One row is one event, or one payee's share of a split one. ``date`` with ``event`` names one happening; a
column ``<kind>_date`` (``paid_date``) names another of the same row.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from salesops_lib.compensation.engine.rows import Complaints, blank, moment_of, share_of, text_of
from salesops_lib.compensation.plans.measures import BUILT_IN
from salesops_lib.compensation.plans.plan import Plan

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
_OWN = {"row", "event_id", "deal_id", "rep_id", "event", "currency"}


@dataclass
class Events:
    """Events by place, in the order of (time, deal, event). All lists are of one length.

    ``row``: how messages name it; ``kind`` None: of every kind that a measure counts; ``day``: ordinal.
    ``cells``: column → what stands there. ``complaints`` names the file. ``lost``: the columns given, where
    none of them is for a payee.
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
    lost: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.row)

    @cached_property
    def days(self) -> np.ndarray:
        """``day`` as int64."""
        return np.array(self.day, dtype="int64")

    @cached_property
    def kinds(self) -> set[str | None]:
        """The kinds that occur; None where a row is of any."""
        return set(self.kind)

    def column(self, name: str) -> list[Any] | None:
        """A column by name, ids and kind too; None where the events have no such column."""
        own = {"rep_id": self.rep_id, "deal_id": self.deal_id, "event_id": self.event_id, "event": self.kind}
        return self.cells[name] if name in self.cells else own.get(name)

    def is_of(self, kind: str) -> np.ndarray:
        """For each event whether it is of a kind, or of any."""
        return np.fromiter((k is None or k == kind for k in self.kind), dtype=bool, count=len(self))


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
    table = _columns(frame, plans)
    dated = _dated(table, plans, said)
    said.stop()
    rows = table.get("row") or list(range(1, len(frame) + 1))
    happened = [_happened(table, column, kind, len(dated) == 1, rows, said) for column, kind in dated.items()]
    said.stop()
    places = np.concatenate([h[0] for h in happened])
    days = np.concatenate([h[1] for h in happened])
    times, kinds = [t for h in happened for t in h[2]], [k for h in happened for k in h[3]]
    order = _order(table, rows, places, days, times, kinds)
    if through is not None:
        order = order[days[order] <= through.toordinal()]
    events = _gathered(table, rows, said, places[order].tolist(), days[order].tolist(), (times, kinds, order))
    _note_idle(events, plans)
    _refuse_twice(events, table)
    said.stop()
    return events


def _columns(frame: pd.DataFrame, plans: list[Plan]) -> dict[str, list[Any]]:
    """Columns under the names meant; one that a plan reads by its own name keeps it."""
    read, table = _read_by(plans), {}
    for name in frame.columns:
        known = str(name) if str(name) in read else ALIASES.get(str(name), str(name))
        if known not in frame.columns or known == name:
            table[known] = frame[name].tolist()
    return table


def _read_by(plans: list[Plan]) -> set[str]:
    """Fields that the plans' measures, filters and SPIFFs name."""
    parts = [part for plan in plans for part in (*plan.measures.values(), *plan.spiffs)]
    named = {getattr(p, key, None) for p in parts for key in ("field", "numerator", "denominator", "of")}
    return {str(f) for f in named if f is not None} | {f for p in parts for f in p.where}


def _dated(table: dict, plans: list[Plan], said: Complaints) -> dict[str, str | None]:
    """Date column → the kind it dates; None: the kind stands in ``event``, or is any."""
    counted, other = kinds_of(plans)
    found: dict[str, str | None] = {"date": None} if "date" in table else {}
    found |= {f"{kind}_date": kind for kind in sorted(counted | other) if f"{kind}_date" in table}
    if not found:
        wanted = ", ".join(sorted(f"{k}_date" for k in counted))
        names = [name for name in table if name != "row"]
        hint = "; the file is not separated by commas" if len(names) == 1 and ";" in names[0] else ""
        said.add(
            1, "E308", "columns", f"no column date, nor one of {wanted}. It has: {', '.join(names)}{hint}"
        )
    return found


def _happened(
    table: dict, column: str, named: str | None, alone: bool, rows: list, said: Complaints
) -> tuple:
    """(places, days, times, kinds) of a column's dates that are filled in; each date is read once."""
    codes, dates = pd.factorize(np.array(table[column], dtype=object))
    moments: list[tuple[int, str] | None] = []
    for code, value in enumerate(dates):
        moment = None
        if not blank(value):
            try:
                moment = moment_of(value)
            except ValueError as fault:
                for place in np.flatnonzero(codes == code):
                    said.add(rows[place], "E302", column, str(fault))
        moments.append(moment)
    known = np.array([m is not None for m in moments] + [False], dtype=bool)
    places = np.flatnonzero(known[codes])
    if column == "date" and alone:
        for place in np.flatnonzero(~known[codes]):
            if blank(table[column][place]):
                said.add(rows[place], "E302", "date", "an event without a date; fill it in")
    days = np.array([m[0] if m else 0 for m in moments] + [0], dtype="int64")[codes[places]]
    times = [moments[c][1] for c in codes[places]]
    kinds: list[str | None] = [named] * len(places)
    if named is None and "event" in table:
        codes, named_kinds = pd.factorize(np.array(table["event"], dtype=object))
        told = [text_of(kind) for kind in named_kinds] + [None]
        kinds = [told[c] for c in codes[places]]
        for place, kind in zip(places, kinds, strict=True) if None in kinds else ():
            if kind is None:
                said.add(rows[place], "E308", "event", "no kind of event; write booked, paid, …")
    return places, days, times, kinds


def _order(table: dict, rows: list, places, days, times: list, kinds: list) -> np.ndarray:
    """By time, deal, event; where nothing tells two events apart, by all that stands in them."""

    def texts(values) -> np.ndarray:
        return np.array(["" if v is None else str(v) for v in values], dtype=np.str_)

    deals, ids = table.get("deal_id"), table.get("event_id")
    if ids is None:
        others = [table[name] for name in sorted(table) if name != "row"]
        told = texts("\x1f".join(str(column[p]) for column in others) for p in places)
    else:
        told = texts(ids[p] for p in places)
    by_deal = texts(deals[p] for p in places) if deals else np.zeros(len(places))
    row = np.array([rows[p] for p in places], dtype="int64")
    return np.lexsort((row, texts(kinds), told, by_deal, texts(times), days))


def _gathered(table: dict, rows: list, said: Complaints, places: list[int], days: list[int], told) -> Events:
    times, kinds, order = told

    def taken(name: str) -> list[str | None]:
        column = table.get(name)
        if column is None:
            return [None] * len(places)
        drawn = [column[p] for p in places]
        return [(v.strip() or None) if type(v) is str else text_of(v) for v in drawn]

    row = [int(rows[p]) for p in places]
    ids = [i if i is not None else f"row {r}" for i, r in zip(taken("event_id"), row, strict=True)]
    deals = [d if d is not None else i for d, i in zip(taken("deal_id"), ids, strict=True)]
    cells = {n: [c[p] for p in places] for n, c in table.items() if n not in _OWN}
    return Events(
        said, row, ids, deals, taken("rep_id"), [kinds[k] for k in order], days,
        [times[k] for k in order], taken("currency"), cells,
        lost=() if "rep_id" in table else tuple(name for name in table if name != "row"),
    )  # fmt: skip


def _note_idle(events: Events, plans: list[Plan]) -> None:
    counted, other = kinds_of(plans)
    idle = Counter(k for k in events.kind if k is not None and k not in counted | other)
    for kind, n in idle.items():
        count = "1 event of kind {} counts" if n == 1 else f"{n} events of kind {{}} count"
        events.notes.append(f"{count.format(kind)} for nothing in this plan")


def _refuse_twice(events: Events, table: dict) -> None:
    if table.get("event_id") is None or len(set(events.event_id)) == len(events):
        return
    seen: dict[tuple, int] = {}
    for place, key in enumerate(zip(events.event_id, events.kind, events.rep_id, strict=True)):
        if key in seen and not key[0].startswith("row "):
            said = f"the same event as row {events.row[seen[key]]}; an event counts once"
            events.complaints.add(events.row[place], "E306", key[0], said)
        seen.setdefault(key, place)


def shares_in(events: Events, place: int, field: str, cell: str) -> list[tuple[str, Fraction]]:
    """``R1:0.6; R2:0.4`` in a cell as payees and shares; what is none is a complaint."""
    found = []
    for part in [p for p in re.split(r"[;,]", cell) if p.strip()]:
        rep, _, share = part.partition(":")
        found.append((rep.strip(), share_in(events, place, field, share.strip())))
    return found


def share_in(events: Events, place: int, field: str, cell: str) -> Fraction:
    """A payee's share in a cell; what is none, or under 0, is a complaint."""
    try:
        share = share_of(cell)
    except ValueError as fault:
        events.complaints.add(events.row[place], "E303", field, f"{events.deal_id[place]}: {fault}")
        return Fraction(1)
    if share < 0:
        events.complaints.add(
            events.row[place], "E107", field, f"{events.deal_id[place]}: a share is not under 0"
        )
    return max(share, Fraction(0))
