"""PB011 and PB012: what has grown old by a day. Told on request; it never fails a check."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date, timedelta

from salesops_lib.handbook.faults import Fault
from salesops_lib.handbook.pages import Page
from salesops_lib.handbook.prose import hand_written
from salesops_lib.handbook.registers import Registers

LATE_CADENCE = 1.5  # a talk is late after this many of its cadences


def after(day: date, interval: str, times: int = 1) -> date:
    """``day`` and ``times`` intervals (``3 months``, ``2 weeks``, ``10 days``); a month's end stays in it."""
    number, unit = re.match(r"^(\d+) (day|week|month)", interval).groups()
    count = int(number) * times
    if unit != "month":
        return day + timedelta(days=count * (7 if unit == "week" else 1))
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def stale(pages: dict[str, Page], registers: Registers, as_of: date) -> list[Fault]:
    """Overdue pages (PB011 by up to one interval, PB012 by more), talks, variants, look-backs on a day."""
    return sorted([*_pages(pages, as_of), *_registers(registers, as_of)])


def _pages(pages: dict[str, Page], as_of: date) -> Iterator[Fault]:
    for page in hand_written(pages):
        front = page.front or {}
        try:
            day, interval = date.fromisoformat(str(front["last_reviewed"])), str(front["review_every"])
            due, last = after(day, interval), after(day, interval, 2)
        except (KeyError, ValueError, AttributeError):
            continue  # PB002 says what is wrong with it
        if as_of > due:
            code = "PB012" if as_of > last else "PB011"
            yield Fault(
                page.path, 1, code, f"its review was due on {due}", f"the {front.get('owner')} reads it anew"
            )


def _registers(registers: Registers, as_of: date) -> Iterator[Fault]:
    for talk in registers["communications"]:
        if (as_of - date.fromisoformat(talk["last_held"])).days > LATE_CADENCE * talk["cadence_days"]:
            yield Fault("registers/communications.yml", talk.line, "PB011",
                        f"{talk['id']} was last held on {talk['last_held']}",
                        f"the {talk['owner']} calls it")  # fmt: skip
    for practice in registers["practices"]:
        for variant in practice["variants"]:
            if variant["expires"] < as_of.isoformat():
                yield Fault("registers/practices.yml", variant.line, "PB012",
                            f"{practice['id']}, {variant['office']}: variant ended on {variant['expires']}",
                            "end it or give it a new day with a reason")  # fmt: skip
    for row in registers["decisions"]:
        if row["look_back"] < as_of.isoformat():
            yield Fault("registers/decisions.yml", row.line, "PB011", f"{row['id']} was to be looked at on "
                        f"{row['look_back']}", "say what came of it and set the next day")  # fmt: skip
