"""Export files to text columns in DuckDB, whatever their encoding, separator or byte-order mark."""

from __future__ import annotations

import csv
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from salesops_lib.core.errors import nearest
from salesops_lib.inputs.importing import raw, workbook
from salesops_lib.inputs.importing.facts import Facts
from salesops_lib.inputs.importing.files import FOREIGN
from salesops_lib.inputs.importing.mapping import MappingError
from salesops_lib.inputs.textfiles import UNCLOSED, even

BUFFER = 1 << 26  # a quarter of it fills a row group, so that rows kept in file order are not copied twice


@dataclass
class Source:
    """One export file staged as text: ``table`` in DuckDB, ``columns`` as its header has them."""

    path: Path
    table: str
    facts: Facts
    columns: list[str]
    rows: int
    encoding: str
    digest: Future[str]
    malformed: list[tuple[int, int, int]] = field(default_factory=list)  # data row, fields, expected
    header: list[str] = field(default_factory=list)  # every column of the file, also those nothing reads
    ascii: bool = False
    controls: bool = False  # tabs or quotes stand in it, so that cells may end in a tab or a line end
    beyond_ascii: list[str] = field(default_factory=list)  # columns with letters that an encoding can spoil
    recoded: list[int] = field(default_factory=list)  # data rows that were not UTF-8 in a UTF-8 file
    tidied: bool = False

    @property
    def file(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def sha256(self) -> str:
        """The file's hash; it is counted while the engine reads."""
        return self.digest.result()

    @property
    def number(self) -> str:
        """SQL: the data row's number in the file, 1 for the first below the header."""
        return f'CAST("{self.table}"."_row" AS BIGINT)' if self.malformed else f'"{self.table}".rowid + 1'


def stage(con: duckdb.DuckDBPyConnection, path: Path, table: str, work: Path, wanted: set[str]) -> Source:
    """Load a CSV, Excel or Parquet file into ``table``: cells as text, in file order, columns ``wanted``.

    Row ``n`` of the file (1 is the first below the header) has ``rowid = n - 1``; where lines do not fit the
    header they are left out, listed in ``malformed``, and the table carries its row numbers in ``_row``.
    Cells stand as they are in the file until ``tidy``.
    """
    if path.suffix.lower() == ".parquet":
        return _stage_parquet(con, path, table, wanted)
    if path.suffix.lower() in FOREIGN:
        raise MappingError(f"file '{path.name}' cannot be read; save it as CSV UTF-8, or as .xlsx")
    digest, text, recoded = raw.hashing(path), path, []
    if path.suffix.lower() == ".xlsx":
        text = workbook.as_csv(path, work / f"{table}-sheet.csv")
    looked = raw.look(text)
    mixed = looked.mixed
    if looked.encoding != "utf-8":
        given, text, mixed = text, work / f"{table}.csv", None
        recoded = raw.recode(given, text, looked.encoding)
    text = even(text, work / f"{table}-even.csv", mixed)
    columns, separator, twins = raw.header(text, path.name)
    read = [c for c in columns if c.lower() in wanted]
    twins = {new: old for new, old in twins.items() if old in read and new not in read}
    if not read:  # a title above the header, or another file: read on, it would empty the table
        raise MappingError(
            f"file '{path.name}', line 1: none of the columns {_some(columns)} is one the mapping reads; put "
            "the column names into the first line, in English or as API names, or name yours with --map FILE"
        )
    source = Source(
        path, table, Facts(con, table), read, 0, looked.encoding, digest,
        header=columns, ascii=looked.ascii, controls=looked.controls, recoded=recoded,
    )  # fmt: skip
    # The reader may guess nothing that loses a row: no line is a comment, none is skipped.
    typed = ", ".join(f"{_quoted(c)}: 'VARCHAR'" for c in columns)
    options = (
        f"delim={_quoted(separator)}, header=true, auto_detect=false, quote='\"', escape='\"', "
        f"columns={{{typed}}}, strict_mode=true, skip=0, comment='', buffer_size={BUFFER}"
    )
    try:
        con.execute(
            f'CREATE TABLE "{table}" AS SELECT {_listed([*read, *twins])} '
            f"FROM read_csv({_quoted(str(text))}, {options})"
        )
    except duckdb.Error:
        con.execute(f'DROP TABLE IF EXISTS "{table}"')
        _stage_line_by_line(con, source, text, separator, work)
    _refuse_unlike(con, source, twins)
    source.rows = con.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] + len(source.malformed)
    return source


def tidy(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Trim cells that have blanks at an edge, and make blank cells missing; note columns beyond ASCII.

    The scan that finds the columns concerned answers all other questions too, so that a clean file costs
    next to nothing.
    """
    if source.tidied:
        return
    source.tidied = True
    found = source.facts.get(*(test for name in source.columns for test in _edges(source, name)))
    for name, ragged, beyond in zip(source.columns, found[::2], found[1::2], strict=True):
        if ragged or beyond:
            trimmed = f"nullif(trim(\"{name}\", ' \t\r\n\u00a0'), '')"
            con.execute(
                f'UPDATE "{source.table}" SET "{name}" = {trimmed} WHERE "{name}" IS DISTINCT FROM {trimmed}'
            )
            source.facts.forget()
        if beyond:
            source.beyond_ascii.append(name)


def _edges(source: Source, name: str) -> tuple[str, str]:
    """SQL: whether a column has cells with a blank at an edge, and whether it goes beyond ASCII."""
    blank = f"\"{name}\" < '!' OR suffix(\"{name}\", ' ')"
    if source.controls:
        blank += "".join(f' OR suffix("{name}", chr({code}))' for code in (9, 10, 13))
    beyond = "FALSE" if source.ascii else f'bool_or(strlen("{name}") <> length("{name}"))'
    return f"bool_or({blank})", beyond


def column(source: Source, names: list[str], *, required: bool, where: str) -> str | None:
    """The first of ``names`` the file has, letter case aside; a required one that is missing is refused."""
    by_lower = {c.lower(): c for c in reversed(source.columns)}
    for name in names:
        if name.lower() in by_lower:
            return by_lower[name.lower()]
    if required:
        raise MappingError(
            f"{where} reads column '{names[0]}', which file '{source.file}' lacks. "
            f"{nearest(names[0], source.header)}"
        )
    return None


def _stage_parquet(con: duckdb.DuckDBPyConnection, path: Path, table: str, wanted: set[str]) -> Source:
    file, digest = f"read_parquet({_quoted(str(path))})", raw.hashing(path)
    header = [d[0] for d in con.execute(f"SELECT * FROM {file} LIMIT 0").description]
    columns = [c for c in header if c.lower() in wanted and '"' not in c] or header[:1]
    texts = ", ".join(f'CAST("{c}" AS VARCHAR) AS "{c}"' for c in columns)
    con.execute(f'CREATE TABLE "{table}" AS SELECT {texts} FROM {file}')
    rows = con.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
    facts = Facts(con, table)
    return Source(path, table, facts, columns, rows, "parquet", digest, header=header, controls=True)


def _refuse_unlike(con, source: Source, twins: dict[str, str]) -> None:
    """Two columns of one name must say the same, or nobody knows which is meant."""
    for new, old in twins.items():
        if new not in {d[0] for d in con.execute(f'SELECT * FROM "{source.table}" LIMIT 0').description}:
            continue
        first = con.execute(
            f'SELECT {source.number} AS n, "{old}", "{new}" FROM "{source.table}" '
            f'WHERE "{old}" IS DISTINCT FROM "{new}" ORDER BY n LIMIT 1'
        ).fetchone()
        if first:
            raise MappingError(
                f"file '{source.file}' has two columns '{old}' that differ, first in row {first[0]} "
                f"('{first[1]}' and '{first[2]}'); give one another name, or leave it out of the export"
            )


def _some(columns: list[str]) -> str:
    shown = ", ".join(repr(c[:40]) for c in columns[:5])
    return f"{shown} …" if len(columns) > 5 else shown


def _stage_line_by_line(con, source: Source, text: Path, separator: str, work: Path) -> None:
    """The slow way, for files with lines that do not fit the header: keep those that do, name the rest.

    Raises MappingError where a quote is not closed: what follows it is one cell, or many rows.
    """
    clean, width = work / f"{source.table}-fitting.csv", len(source.header)
    with (
        text.open(encoding="utf-8-sig", newline="") as old,
        clean.open("w", encoding="utf-8", newline="") as new,
    ):
        writer = csv.writer(new, quoting=csv.QUOTE_ALL)
        reader = csv.reader(old, delimiter=separator, strict=True)
        next(reader)
        after = reader.line_num
        try:
            for number, cells in enumerate((c for c in reader if c), start=1):
                after = reader.line_num
                if len(cells) == width:
                    writer.writerow([number, *cells])
                else:
                    source.malformed.append((number, len(cells), width))
        except csv.Error:
            raise MappingError(
                f"file '{source.file}', line {after + 1}: {UNCLOSED}; correct the line or export anew"
            ) from None
    typed = ", ".join(f"{_quoted(c)}: 'VARCHAR'" for c in ["_row", *source.header])
    con.execute(
        f'CREATE TABLE "{source.table}" AS SELECT {_listed(["_row", *source.columns])} '
        f"FROM read_csv({_quoted(str(clean))}, header=false, "
        f"auto_detect=false, delim=',', quote='\"', escape='\"', columns={{{typed}}})"
    )


def _listed(columns: list[str]) -> str:
    return ", ".join(f'"{c}"' for c in columns)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
