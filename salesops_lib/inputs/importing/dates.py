"""One date order per column, proven or declared: dd/mm read as mm/dd is wrong in a third of the rows."""

from __future__ import annotations

from dataclasses import dataclass

from salesops_lib.inputs.importing.facts import Facts
from salesops_lib.inputs.importing.mapping import DATES, MappingError
from salesops_lib.inputs.importing.reading import Source
from salesops_lib.inputs.tables.columns import EARLIEST_DAY, LATEST_DAY

TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %I:%M %p", ", %H:%M")
DAYS = {"dmy": "%d/%m/%{y}", "mdy": "%m/%d/%{y}", "ymd": "%{y}/%m/%d"}
NAMED = ("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y")


@dataclass(frozen=True)
class DateColumn:
    """How one source column writes its dates."""

    iso: int  # cells that start with a four-digit year
    parted: int  # cells such as 3/4/2025
    offset: str  # of the ISO cells: none; utc, all that carry one carry Z; some, others too
    years: tuple[int, int]  # shortest and longest year among the parted
    order: str  # of the parted cells
    formats: tuple[str, ...]  # declared by the mapping, tried first


def read_order(
    source: Source, facts: Facts, text: str, declared: str, formats: list[str], where: str
) -> DateColumn:
    """Look at every cell of a column and settle its order, or refuse.

    Raises MappingError where no value over 12 proves the order and none is declared, where values contradict
    each other, or where they contradict the declared order; it names a row and what to declare.
    """
    cells, iso, utc, longest = facts.get(*(q.format(text=text, iso=_ISO.format(text=text)) for q in _FORM))
    offset = "none" if (longest or 0) < 17 else "utc" if utc == iso else "some"
    if cells == iso:
        return DateColumn(iso, 0, offset, (4, 4), "ymd", ())
    stats = _stats(source, text)
    parted, first_over, second_over, apart, low, high, row, sample = stats
    if formats:
        # Cells that a declared format reads need no order.
        left = f"CASE WHEN {_strptime(text, formats)} IS NULL THEN {text} END"
        stats = _stats(source, left)
        parted, first_over, second_over, apart, low, high, row, sample = stats
    order = _settled(declared, first_over, second_over, apart, where, (row, sample))
    return DateColumn(iso, parted, offset, (low or 4, high or 4), order, tuple(formats))


def _settled(declared: str, first_over: int, second_over: int, apart: int, where: str, example: tuple) -> str:
    told = (
        "say how the export writes its dates with --dates day_first or --dates month_first, or declare "
        "'order: dmy' or 'order: mdy' for this column in the mapping"
    )
    if first_over and second_over:
        raise MappingError(
            f"{where}: {first_over} dates have a first number over 12 and {second_over} a "
            "second number over 12, "
            f"so no one order reads them; give each form its own 'formats' or export the column in one"
        )
    declared = DATES.get(declared, declared)
    proven = "dmy" if first_over else "mdy" if second_over else None
    if declared in {"dmy", "mdy"}:
        if proven and proven != declared:
            raise MappingError(
                f"{where} is declared {declared}, but {first_over + second_over} dates can only be {proven}; "
                f"correct --dates, or the order in the mapping"
            )
        return declared
    if proven is None and apart:
        raise MappingError(
            f"{where} is ambiguous: no date has a number over 12, so row {example[0]} '{example[1]}' "
            f"could be either; {told}"
        )
    return proven or "mdy"


_ISO = "({text} LIKE '____-%' OR {text} LIKE '____/%')"
_FORM = (
    "count({text})",
    "count(*) FILTER ({iso})",
    "count(*) FILTER ({iso} AND (suffix({text}, 'Z') OR suffix({text}, '+0000')))",
    "max(length({text}))",
)

_STATS = """
WITH cells AS (SELECT {text} AS v, {number} AS n FROM "{table}"),
     split AS (
        SELECT v, n,
            coalesce(try_cast(v[1:4] AS INT) IS NOT NULL AND substr(v, 5, 1) IN ('-', '/'), FALSE) AS iso
        FROM cells WHERE v IS NOT NULL),
     parts AS (
        SELECT v, n, iso,
            CASE WHEN NOT iso THEN translate(split_part(split_part(v, ' ', 1), ',', 1), '.-', '//') END AS d
        FROM split),
     numbers AS (
        SELECT v, n, iso,
               try_cast(split_part(d, '/', 1) AS INT) AS a, try_cast(split_part(d, '/', 2) AS INT) AS b,
               length(split_part(d, '/', 3)) AS y
        FROM parts)
SELECT count(*) FILTER (a IS NOT NULL AND b IS NOT NULL),
       count(*) FILTER (a BETWEEN 13 AND 31 AND b <= 12 AND y IN (2, 4)),
       count(*) FILTER (b BETWEEN 13 AND 31 AND a <= 12 AND y IN (2, 4)),
       count(*) FILTER (a <> b AND a <= 12 AND b <= 12 AND y IN (2, 4)),
       min(y) FILTER (a IS NOT NULL AND b IS NOT NULL AND y IN (2, 4)),
       max(y) FILTER (a IS NOT NULL AND b IS NOT NULL AND y IN (2, 4)),
       min(n) FILTER (a <> b AND a <= 12 AND b <= 12),
       arg_min(v, n) FILTER (a <> b AND a <= 12 AND b <= 12)
FROM numbers
"""


def _stats(source: Source, text: str) -> tuple:
    asked = _STATS.format(text=text, number=source.number, table=source.table)
    return source.facts.con.execute(asked).fetchone()


def stamp(text: str, local: str, found: DateColumn, zone: str) -> str:
    """SQL: the cell as a UTC timestamp; a cell without an offset is in ``zone``. ``local`` as for ``day``."""
    local = f"date_trunc('second', {local})"
    utc = local if zone == "UTC" else f"timezone('UTC', timezone('{zone}', {local}))"
    if found.offset == "none" or (found.offset == "utc" and zone == "UTC"):
        return _sane(utc)
    return _sane(f"CASE WHEN {_has_offset(text)} THEN {_instant(text)} ELSE {utc} END")


def day(text: str, local: str, found: DateColumn, zones: tuple[str, str], *, as_written: bool) -> str:
    """SQL: the cell as a business day in the company's zone.

    ``local``: the cell as a timestamp, without regard to zones. ``zones``: the text's and the company's.
    A plain date is taken as it is; a time of day is moved from the one zone (or its own offset) to the other
    first, unless ``as_written``.
    """
    zone, company_zone = zones
    if as_written:
        first = f"try_cast(substr({text}, 1, 10) AS TIMESTAMP)"
        offset = f"CASE WHEN {_has_offset(text)} THEN {first} ELSE {local} END"
        return f"CAST({_sane(offset if found.offset == 'some' else local)} AS DATE)"
    moved = local
    if zone != company_zone:
        clock = _CLOCK.format(text=text)
        there = f"timezone('{company_zone}', timezone('{zone}', {local}))"
        moved = f"CASE WHEN {clock} THEN {there} ELSE {local} END"
    if found.offset == "some" or (found.offset == "utc" and {zone, company_zone} != {"UTC"}):
        here = f"timezone('{company_zone}', timezone('UTC', {_instant(text)}))"
        moved = f"CASE WHEN {_has_offset(text)} THEN {here} ELSE {moved} END"
    return f"CAST({_sane(moved)} AS DATE)"


_CLOCK = "(length({text}) > 10 AND contains({text}, ':'))"
_MIDNIGHT = "([T ]0?0:00(:00(\\.0+)?)? ?(Z|[+-]\\d\\d:?\\d\\d)?|[ ,]12:00(:00)? AM)$"


@dataclass(frozen=True)
class DayRead:
    """What a change of zone did to one column of dates: cells at midnight kept, or cells a day off."""

    column: str
    source_column: str
    midnights: int  # all of the column's times of day, where they are dates in disguise; else 0
    moved: int


def read_days(source: Source, text: str, found: DateColumn, zones: tuple[str, str]) -> tuple[int, int]:
    """Midnights that the zone would move, of a column with no other time of day; else dates it does move.

    ``zones``: that of the text and the company's.
    """
    written, read = (day(text, local(text, found), found, zones, as_written=w) for w in (True, False))
    if written == read:
        return 0, 0
    clock = _CLOCK.format(text=text)
    midnight = f"regexp_matches({text}, '{_MIDNIGHT}')"
    clocks, others, moved = source.facts.con.execute(
        f"SELECT count(*) FILTER ({clock}), bool_or({clock} AND NOT {midnight}), "
        f'count(*) FILTER ({written} <> {read}) FROM "{source.table}"'
    ).fetchone()
    return (clocks, 0) if moved and not others else (0, moved)


def zones_said(reads: list[DayRead], zone: str, source_zone: str, given: str, unused: str) -> list[str]:
    """In which zone dates and stamps were read, and what that moved.

    ``given``: who says the company's zone. ``unused``: the mapping's, where that is another.
    """
    moved = [f"{r.column} {r.moved:,}" for r in reads if r.moved]
    said = f"a date moved a day by that zone: {', '.join(moved)}" if moved else "no date moved a day"
    other = f" (the mapping's {unused} is not used)" if unused else ""
    return [
        f"dates are business days in {zone}, from {given}{other}; times without a zone were read as "
        f"{source_zone}, stamps are stored in UTC; {said}",
        *(
            f"{r.column}: all {r.midnights:,} times in '{r.source_column}' are midnight, so they are dates: "
            f"taken as written, not moved to {zone}"
            for r in reads if r.midnights
        ),
    ]  # fmt: skip


def local(text: str, found: DateColumn) -> str:
    """SQL: the cell as a timestamp, without regard to zones; missing where it is none."""
    ways = []
    if found.formats:
        ways.append(_strptime(text, found.formats))
    if found.iso:
        iso = f"try_cast({text} AS TIMESTAMP)"
        only = not (found.parted or found.formats)
        ways.append(iso if only else f"CASE WHEN substr({text}, 5, 1) IN ('-', '/') THEN {iso} END")
    if found.parted:
        ways.append(_parted(text, found))
    if not found.iso:
        ways.append(_strptime(text, [n + t for n in NAMED for t in TIMES[:3]]))
    return ways[0] if len(ways) == 1 else f"coalesce({', '.join(ways)})"


def _parted(text: str, found: DateColumn) -> str:
    slashed = (
        f"concat(translate(split_part({text}, ' ', 1), '.-', '//'), substr({text}, "
        f"length(split_part({text}, ' ', 1)) + 1))"
    )

    def formats(year: str) -> list[str]:
        return [DAYS[found.order].replace("{y}", year) + t for t in TIMES]

    short, long = found.years
    if short == long:
        return _strptime(slashed, formats("y" if short == 2 else "Y"))
    brief = f"length(split_part(split_part({slashed}, ' ', 1), '/', 3)) = 2"
    return (
        f"CASE WHEN {brief} THEN {_strptime(slashed, formats('y'))} ELSE "
        f"{_strptime(slashed, formats('Y'))} END"
    )


def _strptime(text: str, formats: list[str] | tuple[str, ...]) -> str:
    epoch = "epoch_ms" in formats
    listed = ", ".join("'" + f.replace("'", "''") + "'" for f in formats if f != "epoch_ms")
    ways = [f"try_strptime({text}, [{listed}])"] if listed else []
    if epoch:
        ways.insert(0, f"CASE WHEN length({text}) = 13 THEN epoch_ms(try_cast({text} AS BIGINT)) END")
    return ways[0] if len(ways) == 1 else f"coalesce({', '.join(ways)})"


def _has_offset(text: str) -> str:
    after = f"substr({text}, 17)"
    return (
        f"(suffix({text}, 'Z') OR length({text}) > 16 AND (contains({after}, '+') OR contains({after}, '-')))"
    )


def _instant(text: str) -> str:
    return f"timezone('UTC', try_cast({text} AS TIMESTAMPTZ))"


def _sane(stamp: str) -> str:
    return (
        f"CASE WHEN {stamp} BETWEEN TIMESTAMP '{EARLIEST_DAY}' AND TIMESTAMP '{LATEST_DAY}' THEN {stamp} END"
    )
