"""The twelve points of good playbooks: what is measured, what it came to, and whether it passes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

from salesops_lib.handbook.checks import check
from salesops_lib.handbook.faults import Fault
from salesops_lib.handbook.front_matter import planned
from salesops_lib.handbook.pages import Page, read_pages
from salesops_lib.handbook.prose import (
    CAPS,
    EASY,
    hand_written,
    length,
    overlap,
    prose,
    reading_ease,
    shared_runs,
    warnings,
)
from salesops_lib.handbook.registers import Registers, read_registers
from salesops_lib.handbook.registry import Registry, discover
from salesops_lib.handbook.staleness import stale

EXAMPLE_ROOMS = ("compensation", "pricing", "territories", "leads")
EXAMPLE_PAGES = ("how-to/analytics/run-weekly-forecast-call.md",)
MUSTS = (1, 2, 3, 4)
SHARED_MOST, SOURCE_MOST, MEDIAN_EASE = 0.10, 0.01, 60.0


_FIGURE = re.compile(r"\d|\b(one|once|two|twice|three|four|five|half|none)\b", re.I)


@dataclass(frozen=True)
class Point:
    """One point: ``passed`` is None where only a person can judge; ``offenders`` are the first to mend."""

    number: int
    name: str
    measure: str
    passed: bool | None
    offenders: tuple[str, ...] = ()

    def __str__(self) -> str:
        """``[pass]  4 must  Links and anchors: 0 faults``."""
        word = {True: "pass", False: "FAIL", None: "person"}[self.passed]
        return (
            f"[{word}] {self.number:2} {'must ' if self.number in MUSTS else ''}{self.name}: {self.measure}"
        )


def rubric(
    playbooks: str | Path, as_of: date | None = None, source: str = "", registry: Registry | None = None
) -> list[Point]:
    """The twelve points. ``as_of``: day of point 10, else the newest review; ``source``: text of point 12."""
    playbooks = Path(playbooks)
    registry = registry or discover(playbooks.resolve().parent)
    pages, registers = read_pages(playbooks), read_registers(playbooks)
    faults = check(playbooks, registry)
    how_tos = [p for p in hand_written(pages) if (p.front or {}).get("kind") == "how-to"]
    return [
        _covered(registers, faults),
        _none(2, "Numbers agree", faults, ("PB030", "PB032", "PB033", "PB081", "PB004")),
        _landing(registry, faults),
        _none(4, "Links and anchors", faults, ("PB020", "PB021", "PB022", "PB023", "PB024")),
        _acting(how_tos),
        _examples(how_tos, registers, faults),
        _none(7, "Honest figures", [*faults, *warnings(pages)], ("PB034",)),
        _readable(pages, how_tos),
        _none(9, "Clear ownership", faults, ("PB002", *(f"PB07{n}" for n in range(10)), "PB085")),
        _fresh(pages, as_of),
        _new_hire(registers, faults),
        _one_voice(pages, faults, source),
    ]


def accepted(points: Iterable[Point]) -> bool:
    """Whether all musts and every other point a command can judge are passed."""
    return all(p.passed is not False for p in points)


def _of(faults: list[Fault], codes: Iterable[str]) -> list[Fault]:
    return [f for f in faults if f.code in set(codes)]


def _none(number: int, name: str, faults: list[Fault], codes: Iterable[str]) -> Point:
    found = _of(faults, codes)
    return Point(number, name, f"{len(found)} faults", not found, tuple(map(str, found)))


def _covered(registers: Registers, faults: list[Fault]) -> Point:
    rows, found = registers["article_coverage"], _of(faults, ("PB080",))
    waiting = {r["id"] for r in rows if any(planned(a) for a in r["artefacts"])}
    wrong = {f.line for f in found}
    good = sum(r.at("artefacts") not in wrong for r in rows)
    said = f"{good} of {len(rows)} items stand; {len(waiting)} of them wait for more from planned notebooks"
    return Point(1, "Article covered", said, bool(rows) and good == len(rows), tuple(map(str, found)))


def _landing(registry: Registry, faults: list[Fault]) -> Point:
    found = _of(faults, ("PB040", "PB041", "PB042", "PB043"))
    said = f"{len(registry.rules)} codes, {len(found)} faults"
    return Point(3, "Findings land", said, not found, tuple(map(str, found)))


def _acting(how_tos: list[Page]) -> Point:
    weak = [(p.path, lack) for p in how_tos if (lack := _lacks(p))]
    share = 1 - len(weak) / len(how_tos) if how_tos else 0
    said = f"{share:.0%} of {len(how_tos)} how-tos have verbs, clock, figures, escalation (95 % wanted)"
    return Point(5, "Every how-to acts", said, share >= 0.95, tuple(f"{path}: {lack}" for path, lack in weak))


def _lacks(page: Page) -> str:
    def text(title: str) -> str:
        return " ".join(t for _, t in page.section(title) or [])

    steps = [t for _, t in page.section("Steps") or [] if re.match(r"^\d+\.\s+\S", t)]
    rows = [t for _, t in page.section("Decide") or [] if t.startswith("|")][2:]
    clock = re.compile(
        r"\d|\b(Mon|Tues|Wednes|Thurs|Fri)day|\b(daily|weekly|monthly|quarter|half-year|hour|day|week)", re.I
    )
    role = re.compile(r"manager|director|head|CFO|CRO|analyst|finance|legal|chief|representative", re.I)
    verbless = [w for w in warnings({page.path: page}) if w.code == "PB063"]
    checks = {
        "fewer than 3 steps, or a step without a verb": len(steps) >= 3 and not verbless,
        "no clock in When": bool(clock.search(text("When"))),
        "fewer than 3 If/Then rows with figures": len(rows) >= 3
        and sum(bool(_FIGURE.search(r)) for r in rows) >= 3,
        "no role and hours in Escalate": bool(role.search(text("Escalate")))
        and bool(re.search(r"hour|day|\d+ h\b|same week|at once", text("Escalate"))),
    }
    return "; ".join(name for name, fine in checks.items() if not fine)


def _examples(how_tos: list[Page], registers: Registers, faults: list[Fault]) -> Point:
    wanted = {p.path for p in how_tos if p.path.split("/")[1] in EXAMPLE_ROOMS or p.path in EXAMPLE_PAGES}
    bad = _of(faults, ("PB083",))
    lines = {f.line for f in bad}
    held = {r["page"] for r in registers["examples"] if not {r.at("page"), r.at("test")} & lines}
    share = len(wanted & held) / len(wanted) if wanted else 0
    said = f"{share:.0%} of {len(wanted)} pages have an example that a test computes again (80 % wanted)"
    return Point(
        6, "Worked example", said, share >= 0.80 and not bad, (*sorted(wanted - held), *map(str, bad))
    )


def _readable(pages: dict[str, Page], how_tos: list[Page]) -> Point:
    eases = {p.path: ease for p in hand_written(pages) if (ease := reading_ease(prose(p))) is not None}
    hard = {path: ease for path, ease in eases.items() if ease < EASY}
    long = [p.path for p in how_tos if length(p) > CAPS["how-to"]]
    share = 1 - len(hard) / len(eases) if eases else 0
    middle = median(eases.values()) if eases else 0
    said = (
        f"{share:.0%} of {len(eases)} pages at {EASY:g} or more (95 % wanted), median {middle:.0f} "
        f"({MEDIAN_EASE:g} wanted), {len(long)} how-tos over {CAPS['how-to']} words"
    )
    offenders = [f"{path}: ease {ease:.0f}" for path, ease in sorted(hard.items(), key=lambda x: x[1])]
    fine = share >= 0.95 and middle >= MEDIAN_EASE and not long
    return Point(8, "Readable", said, fine, (*offenders, *(f"{path}: too long" for path in long)))


def _fresh(pages: dict[str, Page], as_of: date | None) -> Point:
    own = list(hand_written(pages))
    days = [str(p.front["last_reviewed"]) for p in own if p.front and p.front.get("last_reviewed")]
    day = as_of or date.fromisoformat(max(days, default="1970-01-01"))
    old = [f for f in stale(pages, Registers(), day) if f.file in pages]
    share = 1 - len(old) / len(own) if own else 0
    fine = share >= 0.95 and not any(f.code == "PB012" for f in old)
    return Point(
        10,
        "Fresh",
        f"{share:.0%} of {len(own)} pages inside their interval on {day}",
        fine,
        tuple(map(str, old)),
    )


def _new_hire(registers: Registers, faults: list[Fault]) -> Point:
    wrong = _of(faults, ("PB084",))
    rows = registers["questions"]
    good = len(rows) - len({f.line for f in wrong})
    said = (
        f"{good} of {len(rows)} questions find their answer on the page; the two hours are a person's to try"
    )
    return Point(11, "New hire test", said, None, tuple(map(str, wrong)))


def _one_voice(pages: dict[str, Page], faults: list[Fault], source: str) -> Point:
    words_, titles = _of(faults, ("PB060", "PB050")), []
    for page in hand_written(pages):
        front = page.front or {}
        if front.get("kind") == "how-to" and str(front.get("title", "")).split(" ")[0].endswith(
            ("ing", "ion")
        ):
            titles.append(f"{page.path}: the title does not start with a verb")
    shared = {path: share for path, share in shared_runs(pages).items() if share > SHARED_MOST}
    copied = overlap(pages, source) if source else 0.0
    told = f"{copied:.2%} of 8-word runs are the source's" if source else "no source given to compare with"
    said = (
        f"{len(words_)} word faults, {len(shared)} pages share over {SHARED_MOST:.0%} of their runs, {told}"
    )
    offenders = (*map(str, words_), *titles, *(f"{p}: shares {s:.0%}" for p, s in sorted(shared.items())))
    return Point(
        12, "One voice", said, not words_ and not titles and not shared and copied <= SOURCE_MOST, offenders
    )
