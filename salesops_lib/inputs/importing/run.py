"""One import from the export's files to a company folder that stands whole."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesops_lib.core.errors import UserError
from salesops_lib.inputs.importing import build, renew, settle, store
from salesops_lib.inputs.importing.mapping import Mapping, load_mapping
from salesops_lib.inputs.importing.report import LINE_ORDER

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class ImportResult:
    """What one import did.

    ``tables``: per table rows_in, rows_out, reported, added, unchanged, absent, control_total.
    ``lines``: the report as the engine gives it. ``sentences``: what to print.
    """

    folder: Path
    at: str
    tables: dict[str, dict[str, Any]]
    lines: pa.Table = field(repr=False)
    sentences: list[str] = field(default_factory=list)

    @cached_property
    def report(self) -> pd.DataFrame:
        """One line per repaired, dropped, unplaced, unmatched, ambiguous, absent, error or noted row."""
        return self.lines.to_pandas().sort_values(list(LINE_ORDER), kind="stable", ignore_index=True)

    @property
    def rows_in(self) -> int:
        """Data rows read, over all tables."""
        return sum(t["rows_in"] for t in self.tables.values())

    @property
    def rows_out(self) -> int:
        """Rows placed."""
        return sum(t["rows_out"] for t in self.tables.values())


def import_export(
    source: str,
    path: str | Path,
    to: str | Path,
    mapping: str | Path | None = None,
    at: str | datetime | None = None,
    exported_at: str | date | None = None,
    *,
    dates: str | None = None,
) -> ImportResult:
    """Fill or renew the company folder ``to`` from a CRM export.

    Parameters
    ----------
    source
        ``salesforce``, ``dynamics365``, ``hubspot`` or ``csv``.
    path
        The folder of the export's files (CSV or Parquet), or one file.
    to
        The company folder; made where it does not exist.
    mapping
        The user's own YAML, laid over the shipped one; ``csv`` needs it.
    at
        Time of this import, default now: the ``recorded_at`` of what changed since the last one.
    exported_at
        When the export was made: the ``recorded_at`` of a first import where the CRM gives no modified stamp.
    dates
        ``day_first`` or ``month_first``: how the export writes dates that could be read either way.

    Returns
    -------
    ImportResult
        Counts, report, sentences. For each table rows in = rows out + rows reported as dropped or unplaced.

    Raises
    ------
    UserError
        Unknown source, missing file, mapping at fault, ambiguous dates, another import at work. Nothing of
        the folder changes then.
    """
    asked = load_mapping(source, mapping, dates)
    export, folder = Path(path).expanduser(), Path(to).expanduser().resolve()
    if not export.exists():
        raise UserError(f"export '{path}' does not exist; give the folder with the CSV files")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"'{to}' is a file; give the folder of a company")
    stamp = _stamp(at) or datetime.now(UTC)
    with store.locked(folder) as work:
        return _import(asked, export, folder, work, (stamp, _stamp(exported_at, end_of_day=True)))


def _import(
    asked: Mapping, export: Path, folder: Path, work: Path, times: tuple[datetime, datetime | None]
) -> ImportResult:
    at, exported_at = times
    with tempfile.TemporaryDirectory(dir=work) as scratch, build.connection(Path(scratch)) as con:
        extract = build.read(con, asked, export, folder, Path(scratch))
        sentences = build.convert_all(con, extract)
        sentences += settle.settle(con, extract, exported_at)
        staged = store.stage_folder(folder, work)
        result = renew.write(con, extract, staged, at)
        store.swap(staged, folder)
        lines = con.execute("SELECT * FROM report").to_arrow_table()
    return ImportResult(folder, result.at, result.tables, lines, [*sentences, *result.sentences])


def _stamp(value: str | date | datetime | None, *, end_of_day: bool = False) -> datetime | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise UserError(f"'{value}' is no time; write 2025-12-12 or 2025-12-12T18:00:00+00:00") from None
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if end_of_day and (value.hour, value.minute, value.second) == (0, 0, 0):
        value = value.replace(hour=23, minute=59, second=59)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
