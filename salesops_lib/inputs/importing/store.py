"""The company folder, written whole or not at all: staged beside it, swapped in one step, under a lock."""

from __future__ import annotations

import contextlib
import csv
import ctypes
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from salesops_lib.core.contracts import Table
from salesops_lib.core.errors import UserError
from salesops_lib.inputs.cache import FOLDER as CACHE
from salesops_lib.inputs.importing.cells import quoted
from salesops_lib.inputs.importing.report import LINE_ORDER, REPORT
from salesops_lib.inputs.importing.versions import stored_file
from salesops_lib.inputs.writing import PARQUET_ROWS

# Ids and moments are many: a dictionary of them is made in vain, their differences are short.
PARQUET = "FORMAT parquet, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1000, ROW_GROUP_SIZE 250000"
EXCHANGE = 2  # RENAME_EXCHANGE of renameat2


class ImportBusyError(UserError):
    """Another import writes to the same folder."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Hold the folder's import lock and give a staging folder beside it, removed whatever happens.

    Raises ImportBusyError where another import holds the lock.
    """
    import fcntl

    folder.parent.mkdir(parents=True, exist_ok=True)
    held = folder.parent / f".{folder.name}.import.lock"
    with held.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            same = held.exists() and held.stat().st_ino == os.fstat(lock.fileno()).st_ino
        except BlockingIOError:
            same = False
        if not same:
            raise ImportBusyError(f"another import is writing to '{folder}'; wait for it to end")
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.import-", dir=folder.parent))
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
            held.unlink(missing_ok=True)


def stage_folder(folder: Path, work: Path) -> Path:
    """A copy of the folder to write to; files that will not change are linked, not copied."""
    staged = work / "folder"
    if folder.exists():
        shutil.copytree(
            folder, staged, symlinks=True, ignore=shutil.ignore_patterns(CACHE), copy_function=_link
        )
    (staged / "tables").mkdir(parents=True, exist_ok=True)
    staged.chmod(0o755)
    return staged


def swap(staged: Path, folder: Path) -> None:
    """Put the staged folder in the place of the old one in one step."""
    if not folder.exists():
        staged.rename(folder)
    elif not _exchanged(staged, folder):
        aside = staged.with_name("before")
        folder.rename(aside)
        staged.rename(folder)


def write_table(con, table: Table, select: str, rows: int, folder: Path) -> None:
    """Write a table: CSV, or Parquet above 200,000 rows. Optional columns that hold nothing are left out."""
    old = stored_file(folder, table.name)
    columns = _columns_written(con, table, select)
    kinds = {c: table.by_name[c].kind if c in table.by_name else "text" for c in columns}
    if rows > PARQUET_ROWS:
        path = folder / "tables" / f"{table.name}.parquet"
        shown = ", ".join(f'"{c}"' for c in columns)
        out = f"COPY (SELECT {shown} FROM ({select})) TO {quoted(str(path) + '.new')} ({PARQUET})"
    else:
        path = folder / "tables" / f"{table.name}.csv"
        shown = ", ".join(_as_text(c, kinds[c]) for c in columns)
        order = [*table.key, *(["recorded_at"] if "recorded_at" in columns else [])]
        listed = ", ".join(f'"{k}"' for k in order)
        out = (
            f"COPY (SELECT {shown} FROM (SELECT * FROM ({select}) ORDER BY {listed})) "
            f"TO {quoted(str(path) + '.new')} (FORMAT csv, HEADER)"
        )
    con.execute(out)
    if old is not None:
        old.unlink()
    Path(f"{path}.new").rename(path)


def write_report(con, folder: Path, import_at: str) -> None:
    """Add this import's lines to ``import_report.csv``."""
    path, head = folder / "import_report.csv", ["import_at", *REPORT]
    before = path.read_bytes() if path.exists() else b""
    fresh = folder / "import_report.new"
    columns, order = (", ".join(f'"{c}"' for c in names) for names in (REPORT, LINE_ORDER))
    con.execute(
        f"COPY (SELECT {quoted(import_at)} AS import_at, {columns} FROM report "
        f"ORDER BY {order}) TO "
        f"{quoted(str(fresh))} (FORMAT csv, HEADER false)"
    )
    added = fresh.read_bytes()
    fresh.unlink()
    if not before:
        before = (",".join(head) + "\n").encode()
    path.unlink(missing_ok=True)  # the old file may be a link to the folder that still stands
    path.write_bytes(before + added)


def read_report(folder: Path) -> list[list[str]]:
    """Every line of ``import_report.csv``, header first."""
    with (folder / "import_report.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def read_log(folder: Path) -> list[dict]:
    """The imports so far, oldest first; none where ``import.json`` is missing."""
    path = folder / "import.json"
    return json.loads(path.read_text(encoding="utf-8"))["imports"] if path.exists() else []


def write_log(folder: Path, entries: list[dict]) -> None:
    """Write ``import.json``."""
    path = folder / "import.json"
    path.unlink(missing_ok=True)
    text = json.dumps({"imports": entries}, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_yaml(path: Path, content: dict) -> None:
    """Write settings the company has none of; what stands is never overwritten."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _columns_written(con, table: Table, select: str) -> list[str]:
    have = [d[0] for d in con.execute(f"SELECT * FROM ({select}) LIMIT 0").description]
    have = [c for c in have if not c.startswith("_")]
    needed = {c.name for c in table.columns if c.required}
    asked = f'SELECT 1 FROM ({select}) WHERE "{{}}" IS NOT NULL LIMIT 1'  # stops at the first
    return [c for c in have if c in needed or con.execute(asked.format(c)).fetchone()]


def _as_text(column: str, kind: str) -> str:
    name = f'"{column}"'
    if kind == "datetime":
        return f"strftime({name}, '%Y-%m-%dT%H:%M:%SZ') AS {name}"
    if kind == "bool":
        return f"CASE WHEN {name} THEN 'true' WHEN NOT {name} THEN 'false' END AS {name}"
    if kind in {"money", "number", "ratio", "days"}:
        # 100.0 is written 100: shorter, and the same number.
        whole = f"{name} = floor({name}) AND abs({name}) < 1e15"
        return (
            f"CASE WHEN {whole} THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) ELSE CAST({name} AS "
            f"VARCHAR) END AS {name}"
        )
    return name


def _link(source: str, target: str) -> str:
    os.link(source, target)
    return target


def _exchanged(staged: Path, folder: Path) -> bool:
    """Swap two folders in one system call, where Linux has it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    here = -100  # AT_FDCWD
    return libc.renameat2(here, os.fsencode(staged), here, os.fsencode(folder), EXCHANGE) == 0
