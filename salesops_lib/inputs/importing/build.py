"""The export's files read, and every table of the mapping converted, in the order that lookups need."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from salesops_lib.core.contracts import Table
from salesops_lib.core.errors import nearest
from salesops_lib.inputs.company import SCHEMA_VERSION, Company, read_company, settings
from salesops_lib.inputs.importing import dates, files, reading, versions
from salesops_lib.inputs.importing.convert import Setting, convert
from salesops_lib.inputs.importing.mapping import ColumnMap, Mapping, MappingError, TableMap
from salesops_lib.inputs.importing.reading import Source
from salesops_lib.inputs.importing.report import open_report
from salesops_lib.inputs.tables import TABLES

DEFAULTS: dict[str, Any] = {
    "reporting_currency": "USD",
    "time_zone": "UTC",
    "working_days": ["Mon", "Tue", "Wed", "Thu", "Fri"],
    "fiscal_calendar": {"kind": "months", "first_month": 1, "named_by": "end"},
}


@dataclass
class Extract:
    """An export as far as it is read. ``files``: found, by table; ``parts``: those staged so far, by table.

    ``sources``: staged files by name. ``old``: tables of the folder.
    """

    mapping: Mapping
    folder: Path
    company: Company
    entries: dict[str, Any]  # what company.yaml says or will say
    files: dict[str, list[tuple[TableMap, Path]]]
    old: dict[str, Path]
    scratch: Path
    wanted: dict[str, set[str]]  # as ``_wanted`` gives it
    parts: dict[str, list[tuple[TableMap, Source]]] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    lookups: dict[str, str] = field(default_factory=dict)
    first_days: dict[str, list[str]] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, Table]:
        """Contracts of the tables this extract fills."""
        return {name: TABLES[name] for name in self.files}

    @property
    def row_currency(self) -> str:
        """The currency of amounts beside which the export names none."""
        return self.mapping.currency or self.company.currency


@contextlib.contextmanager
def connection(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory that spills to ``scratch``."""
    con = duckdb.connect()
    try:
        con.execute(f"SET temp_directory = '{str(scratch).replace(chr(39), chr(39) * 2)}'")
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET enable_progress_bar = false")
        con.execute("SET autoinstall_known_extensions = false")
        open_report(con)
        yield con
    finally:
        con.close()


def read(con, mapping: Mapping, export: Path, folder: Path, scratch: Path) -> Extract:
    """Find the files the mapping names, stage those looked up in, and read the company's settings.

    Of a zip only the files that the mapping names are unpacked, into ``scratch``.

    Raises MappingError where a file the user named is missing, a table is unknown, or nothing is found.
    """
    unknown = [t for t in mapping.tables if t not in TABLES]
    if unknown:
        raise MappingError(f"mapping: there is no table '{unknown[0]}'. {nearest(unknown[0], TABLES)}")
    given = export
    if export.is_file() and export.suffix.lower() == ".zip":
        export = files.unpacked(export, _patterns(mapping), scratch / "export")
    found: dict[str, list[tuple[TableMap, Path]]] = {}
    for name, maps in mapping.tables.items():
        for part in maps:
            path = files.find(export, part.file)
            if path is None and part.required:
                raise MappingError(
                    f"mapping, key 'tables.{name}.file': {given} holds no '{part.file[0]}'. {_held(export)}"
                )
            if path is not None:
                found.setdefault(name, []).append((part, path))
    if not found:
        named = ", ".join(m.file[0] for maps in mapping.tables.values() for m in maps)
        raise MappingError(
            f"{given} holds none of the files of source '{mapping.source}' ({named}); name the file for what "
            f"it holds, as here, or give its name with --map FILE. {_held(export)}"
        )
    company, entries = _company(mapping, folder)
    old = {n: p for n in TABLES if (p := versions.stored_file(folder, n)) is not None}
    extract = Extract(mapping, folder, company, entries, found, old, scratch, _wanted(mapping, export))
    for file in _looked_up_files(mapping):
        path = files.find(export, [file])
        if path is not None:
            source = _staged(con, extract, path)
            reading.tidy(con, source)
            extract.lookups[file] = source.table
    return extract


def convert_all(con, extract: Extract) -> list[str]:
    """Make ``new_<table>`` for every table, those that are looked up first. Returns sentences.

    A file is staged when its first table is made and dropped after its last, so that not all are in memory.
    """
    _fiscal(con, extract)
    for name, path in extract.old.items():
        versions.load_old(con, TABLES[name], path, extract.scratch)
        if name not in extract.parts:
            extract.lookups[name] = f"old_{name}"
    sentences, waiting, days = [], dict(extract.files), []
    zone, lookups, currency = extract.company.time_zone, extract.lookups, extract.row_currency
    while waiting:
        ready = [n for n, parts in waiting.items() if not _needs(parts) & (set(waiting) - {n})]
        for name in ready or list(waiting)[:1]:
            extract.parts[name] = [(part, _staged(con, extract, path)) for part, path in waiting.pop(name)]
            setting = Setting(con, extract.mapping, zone, lookups, currency, days)
            absent = convert(setting, TABLES[name], extract.parts[name])
            lookups[name] = f"new_{name}"
            extract.first_days[name] = _first_day_columns(extract.parts[name])
            _release(con, extract, waiting)
            if absent:
                sentences.append(f"{name}: not in this export: {', '.join(dict.fromkeys(absent))}")
    return [*sentences, *_zones(extract, days)]


def _zones(extract: Extract, days: list[dates.DayRead]) -> list[str]:
    zone, asked = extract.company.time_zone, extract.mapping.company.get("time_zone")
    given = "the mapping" if asked else "no one, so this is the default"
    if not extract.entries:
        given = "company.yaml"
    unused = asked if asked and asked != zone else ""
    return dates.zones_said(days, zone, extract.mapping.zone, given, unused)


def _company(mapping: Mapping, folder: Path) -> tuple[Company, dict[str, Any]]:
    if (folder / "company.yaml").is_file():
        return read_company(folder), {}
    name = folder.name.replace("_", " ").replace("-", " ").title()
    entries = {"schema_version": SCHEMA_VERSION, "name": name, **DEFAULTS, **mapping.company}
    return Company(settings(entries, f"mapping '{mapping.source}', key 'company'"), folder), entries


def _fiscal(con, extract: Extract) -> None:
    calendar = extract.company.calendar
    con.execute('CREATE TABLE fiscal (name VARCHAR, "start" DATE, "end" DATE)')
    rows = [(str(p), *calendar.bounds(p)) for p in calendar.periods("quarter")]
    con.executemany("INSERT INTO fiscal VALUES (?, ?, ?)", rows)


def _staged(con, extract: Extract, path: Path) -> Source:
    """The file as staged, now or before."""
    sources, wanted = extract.sources, extract.wanted
    if path.name not in sources:
        con.execute("SET preserve_insertion_order = true")  # a row's place in the table is its number
        table = f"raw_{len(sources)}"
        sources[path.name] = reading.stage(con, path, table, extract.scratch, wanted[path.name] | wanted[""])
        con.execute("SET preserve_insertion_order = false")  # converted rows carry their number
    return sources[path.name]


def _release(con, extract: Extract, waiting: dict[str, list[tuple[TableMap, Path]]]) -> None:
    """Drop staged files that no table waits for and nothing is looked up in."""
    needed = {path.name for parts in waiting.values() for _, path in parts}
    for source in extract.sources.values():
        if source.file not in needed and source.table not in extract.lookups.values():
            con.execute(f'DROP TABLE IF EXISTS "{source.table}"')


def _wanted(mapping: Mapping, export: Path) -> dict[str, set[str]]:
    """Lower-case column names to read, by file; under '' those looked up, which any file may be asked for."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for part in (p for maps in mapping.tables.values() for p in maps):
        for spec in (s for s in _specs(part) if s.lookup):
            wanted[""] |= (
                {n.lower() for n in (*spec.lookup.match, *spec.lookup.take)} if spec.lookup.file else set()
            )
        wanted[""] |= {(c.absent_from or "").partition(":")[2].lower() for c in part.keep}
        path = files.find(export, part.file)
        if path is not None:
            wanted[path.name] |= {n.lower() for n in _names(part)}
    return wanted


def _names(part: TableMap) -> Iterator[str]:
    """Every column name that a part of the mapping reads or tests."""
    for test in part.keep:
        yield from test.column
    for spec in _specs(part):
        yield from (*(spec.from_ or []), *(spec.compose or []), *spec.tie, *(spec.join or []))
        for case in spec.when or []:
            yield from case.column
        for names in (spec.period or {}).values():
            yield from names


def _patterns(mapping: Mapping) -> list[str]:
    """Every file name that the mapping asks for."""
    named = [pattern for maps in mapping.tables.values() for part in maps for pattern in part.file]
    return list(dict.fromkeys([*named, *_looked_up_files(mapping)]))


def _looked_up_files(mapping: Mapping) -> list[str]:
    files = []
    for part in (p for maps in mapping.tables.values() for p in maps):
        files += [c.absent_from.partition(":")[0] for c in part.keep if c.absent_from]
        files += [s.lookup.file for s in _specs(part) if s.lookup and s.lookup.file]
    return list(dict.fromkeys(files))


def _needs(parts: list[tuple[TableMap, Path]]) -> set[str]:
    return {s.lookup.table for part, _ in parts for s in _specs(part) if s.lookup and s.lookup.table}


def _first_day_columns(parts: list[tuple[TableMap, Source]]) -> list[str]:
    return list(
        dict.fromkeys(c for part, _ in parts for c, spec in part.columns.items() if _asks_first_day(spec))
    )


def _asks_first_day(spec: ColumnMap) -> bool:
    return spec.first_day or any(_asks_first_day(s) for s in spec.first or [])


def _specs(part: TableMap) -> Iterator[ColumnMap]:
    waiting = list(part.columns.values())
    while waiting:
        spec = waiting.pop()
        yield spec
        nested = [*(spec.first or []), *(c.then for c in spec.when or []), spec.otherwise, spec.period_of]
        waiting += [s for s in nested if s is not None]


def _held(export: Path) -> str:
    return files.held(p.name for p in ([export] if export.is_file() else export.iterdir()))
