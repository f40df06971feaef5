"""What a submitted forecast must say to enter the ledger.

Rows are refused one by one with their reason; who writes the ledger takes all rows of a batch or none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

import pandas as pd

from salesops_lib.core.errors import PeriodError, UserError, nearest
from salesops_lib.core.money import cents, to_decimal
from salesops_lib.core.periods import FiscalCalendar, Period
from salesops_lib.forecasting.calls import LEVELS, headed

COLUMNS = {
    "who": ("who", "rep_id"),
    "level": ("level",),
    "node": ("node", "node_id"),
    "period": ("period",),
    "category": ("category",),
    "amount": ("amount", "amount_base"),
    "currency": ("currency",),
    "when": ("when", "submitted_at"),
    "reason": ("reason", "note"),
    "corrects": ("corrects",),
}
"""What a row says, and the headers it may stand under."""

MOST_CHARACTERS = 500
_AMOUNT = re.compile(r"\d{1,13}(\.\d{1,2})?")


class RowError(UserError):
    """One row cannot enter the ledger."""


@dataclass(frozen=True)
class Scene:
    """What a row is checked against, as known when it is submitted.

    ``reps``: role spells, or None where the company keeps none: then any submitter is taken. ``categories``:
    the words in use. ``entries``: the ledger as it stands. ``now``: UTC without a zone.
    """

    company: str
    calendar: FiscalCalendar
    zone: tzinfo
    currency: str
    categories: tuple[str, ...]
    entries: Sequence[Mapping[str, Any]]
    now: datetime
    reps: pd.DataFrame | None = None


def check_rows(rows: Sequence[Mapping[str, Any]], scene: Scene) -> tuple[list[dict], list[str]]:
    """Rows as the ledger holds them, and one sentence for each row that cannot enter it.

    Parameters
    ----------
    rows
        Cells by header (:data:`COLUMNS`), blank ones None; ``row`` is the row's number where there are many.
    scene
        What they are checked against.

    Returns
    -------
    (list of dict, list of str)
        ``submitted_at`` (UTC text), ``rep_id``, ``level``, ``node_id``, ``period``, ``category``, ``amount``
        and ``currency`` (as typed), ``note``, ``corrects``; then ``row 3: …`` sentences. A row that repeats a
        standing call of the same moment is refused unless it corrects it.
    """
    standing = {_key(e): e for e in scene.entries if e["entry"] not in _void(scene.entries)}
    made, faults = [], []
    for row in rows:
        where = f"row {row['row']}: " if row.get("row") else ""
        try:
            entry = _entry(row, scene)
            _refuse_double(entry, standing)
            standing[_key(entry)] = entry
            made.append(entry)
        except UserError as fault:
            faults.append(f"{where}{fault}")
    return made, faults


def _entry(row: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
    """One row as the ledger holds it; raises UserError with what is wrong and what to write."""
    unknown = [k for k in row if k != "row" and not any(k in names for names in COLUMNS.values())]
    if unknown:
        raise RowError(f"'{unknown[0]}' is no column. {nearest(unknown[0], COLUMNS)}")
    cells = {name: next((row[h] for h in heads if row.get(h) is not None), None) for name, heads in
             COLUMNS.items()}  # fmt: skip
    for name in ("who", "period", "category", "amount"):
        if cells[name] is None:
            raise RowError(f"{name} is missing; give who, period, category and amount")
    old = _corrected(cells["corrects"], scene)
    same = old and cells["when"] is None  # a correction is of the call as it was made, then
    at = datetime.fromisoformat(old["submitted_at"][:-1]) if same else _moment(cells["when"], scene)
    day = _local(at, scene).date()
    who = _submitter(str(cells["who"]), scene)
    level, node = _node(cells["level"], cells["node"], who, day, scene)
    entry = {
        "submitted_at": at.isoformat(timespec="seconds") + "Z",
        "rep_id": who,
        "level": level,
        "node_id": node,
        "period": _period(str(cells["period"]), day, scene),
        "category": _category(str(cells["category"]), scene),
        "amount": _amount(cells["amount"]),
        "currency": str(cells["currency"] or scene.currency).upper(),
        "note": _note(cells["reason"]),
    }
    _refuse_unlike(entry, old)
    return entry | {"corrects": old and int(old["entry"])}


def _moment(value: Any, scene: Scene) -> datetime:
    """When the call was made, UTC without a zone; a day alone is its noon, today is now."""
    if value is None:
        return scene.now
    text = str(value).strip().replace(" ", "T").removesuffix("T00:00:00")
    try:
        stated = datetime.fromisoformat(text)
    except ValueError:
        raise RowError(f"when is '{value}'; write 2025-12-12 or 2025-12-12T16:00") from None
    if len(text) == 10:
        if stated.date() == _local(scene.now, scene).date():
            return scene.now
        stated = datetime.combine(stated.date(), time(12))
    zoned = stated if stated.tzinfo else stated.replace(tzinfo=scene.zone)
    at = zoned.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    if at > scene.now:
        raise RowError(f"when is '{value}', which is still to come; give the day on which it was called")
    return at


def _submitter(who: str, scene: Scene) -> str:
    if scene.reps is not None and who not in set(scene.reps["rep_id"]):
        raise RowError(f"there is no rep '{who}'. {_near(who, scene.reps['rep_id'])}")
    return who


def _node(level: Any, node: Any, who: str, day: date, scene: Scene) -> tuple[str, str]:
    if level is None and node is None:
        return headed(who, day, scene.reps, scene.company)
    level = str(level).strip().lower() if level is not None else None
    if level is None or level not in LEVELS:
        raise RowError(f"level is {level!r}; a node needs one of {', '.join(LEVELS)}")
    if level == "company":
        return level, scene.company
    if node is None:
        raise RowError(f"level is {level} and no node is named; name the {level}")
    if scene.reps is not None:
        known = set(scene.reps["rep_id" if level == "rep" else level].dropna())
        if str(node) not in known:
            raise RowError(f"there is no {level} '{node}'. {_near(str(node), known)}")
    return level, str(node)


def _period(text: str, day: date, scene: Scene) -> str:
    try:
        period = Period.parse(text)
        end = scene.calendar.bounds(period)[1]
    except PeriodError as fault:
        raise RowError(str(fault)) from None
    if end <= day:
        raise RowError(f"period {period} ended before {day}; a call made after the end is no forecast")
    return str(period)


def _category(text: str, scene: Scene) -> str:
    known = {c.casefold(): c for c in scene.categories}
    if text.strip().casefold() not in known:
        raise RowError(f"'{text}' is no category. {nearest(text, scene.categories)}")
    return known[text.strip().casefold()]


def _amount(value: Any) -> str:
    """An amount as text with two decimals."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise RowError(f"amount is {value!r}; write a number such as 120000.50")
    if isinstance(value, str):
        if not _AMOUNT.fullmatch(value):
            raise RowError(f"amount is '{value}'; write digits and a point, such as 120000.50")
    elif not math.isfinite(value) or not 0 <= value < 1e13:
        raise RowError(f"amount is {value}; write 0 or more")
    return str(to_decimal(cents(value)))


def _note(value: Any) -> str | None:
    text = " ".join(str(value).split()) if value is not None else ""
    if len(text) > MOST_CHARACTERS or not text.isprintable():
        raise RowError(f"reason has {len(text)} characters; write at most {MOST_CHARACTERS} on one line")
    return text or None


def _corrected(value: Any, scene: Scene) -> Mapping[str, Any] | None:
    """The entry of the ledger that a row corrects; None where it corrects none."""
    if value is None:
        return None
    number = str(value).removesuffix(".0")
    old = {str(e["entry"]): e for e in scene.entries}.get(number)
    if old is None:
        raise RowError(f"corrects is {value}; the ledger has entries 1 to {len(scene.entries)}")
    if old["entry"] in _void(scene.entries):
        raise RowError(f"entry {number} is corrected already; correct the entry that replaced it")
    return old


def _refuse_unlike(entry: Mapping[str, Any], old: Mapping[str, Any] | None) -> None:
    """A correction is about the same call and says why."""
    if old is None:
        return
    for name in ("rep_id", "level", "node_id", "period", "category"):
        if old[name] != entry[name]:
            raise RowError(
                f"entry {old['entry']} has {name} {old[name]}, this row {entry[name]}; correct its like"
            )
    if not entry["note"]:
        raise RowError(f"give a reason for correcting entry {old['entry']}")


def _refuse_double(entry: Mapping[str, Any], standing: Mapping[tuple, Mapping]) -> None:
    old = standing.get(_key(entry))
    if old is None or (entry["corrects"] and entry["corrects"] == old.get("entry")):
        if entry["corrects"] and any(entry["corrects"] == e.get("corrects") for e in standing.values()):
            raise RowError(f"entry {entry['corrects']} is corrected twice in this batch; give one correction")
        return
    what = f"stands as entry {old['entry']}; correct that one" if "entry" in old else "stands in this batch"
    raise RowError(
        f"{entry['rep_id']}, {entry['level']} {entry['node_id']}, {entry['period']}, {entry['category']} of "
        f"{entry['submitted_at']} {what}"
    )


def _key(entry: Mapping[str, Any]) -> tuple:
    return tuple(entry[n] for n in ("submitted_at", "rep_id", "level", "node_id", "period", "category"))


def _void(entries: Sequence[Mapping[str, Any]]) -> set[int]:
    return {e["corrects"] for e in entries if e.get("corrects")}


def _local(at: datetime, scene: Scene) -> datetime:
    return at.replace(tzinfo=UTC).astimezone(scene.zone)


def _near(word: str, options) -> str:
    """The closest of many names, not all of them."""
    said = nearest(word, set(map(str, options)))
    return said.split(" It takes:")[0] if "Did you mean" in said else "Look it up in the table reps."
