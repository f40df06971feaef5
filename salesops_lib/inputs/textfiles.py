"""CSV files as text: mixed line ends made even, and what cannot be read said by line, in plain words."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from salesops_lib.core.errors import TableError

BLOCK = 1 << 22
UNCLOSED = "a quote is not closed, or stands alone within a quoted cell"


@dataclass
class LineEnds:
    """Whether some lines of a file end as Windows writes them and others do not, block by block."""

    plain: bool = False
    windows: bool = False
    _last: bytes = b""

    @property
    def mixed(self) -> bool:
        """Whether both kinds were seen."""
        return self.plain and self.windows

    def see(self, block: bytes) -> None:
        """Take the file's next block; most are only scanned."""
        if self.mixed:
            return
        if self._last or b"\r" in block:
            pairs = (self._last + block).count(b"\r\n")
            self.windows = self.windows or pairs > 0
            self.plain = self.plain or block.count(b"\n") > pairs
        else:
            self.plain = self.plain or b"\n" in block
        self._last = b"\r" if block.endswith(b"\r") else b""


def even(path: Path, copy: Path, mixed: bool | None = None) -> Path:
    """The file itself, or where its lines end in LF here and CRLF there a ``copy`` that ends them in LF.

    Line ends within quotes stay as they are. The copy's folder is made where it is missing. ``mixed``: what
    is known of the file; None looks.
    """
    if not (_mixed(path) if mixed is None else mixed):
        return path
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("rb") as old, copy.open("wb") as new:
        quoted, left = False, b""
        while block := old.read(BLOCK):
            block = left + block
            left = b"\r" if block.endswith(b"\r") else b""
            parts = block[: len(block) - len(left)].split(b'"')
            outside = slice(int(quoted), None, 2)
            parts[outside] = [part.replace(b"\r\n", b"\n") for part in parts[outside]]
            quoted ^= len(parts) % 2 == 0
            new.write(b'"'.join(parts))
        new.write(left)
    return copy


def header(path: Path, name: str) -> list[str]:
    """The column names of a table's CSV file. Raises TableError where it is empty or not UTF-8."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file))
    except StopIteration:
        raise TableError(f"table '{name}' is an empty file ({path}); it needs at least a header") from None
    except UnicodeDecodeError:
        raise TableError(f"table '{name}' is not UTF-8 ({path}); save it as UTF-8") from None
    except csv.Error:
        raise TableError(f"table '{name}', line 1: {UNCLOSED}; correct the file's header") from None


@contextmanager
def readable(name: str, path: Path | None = None) -> Iterator[None]:
    """Turn the engine's complaint about a stored table into a TableError that names the table and the line.

    ``path`` is the table's file, None in a database.
    """
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException:
        raise TableError(
            f"table '{name}': memory ran out; give this machine more, or a larger TMPDIR"
        ) from None
    except duckdb.Error as fault:
        if path is None:
            first = next((part for part in str(fault).splitlines() if part.strip()), "unreadable")
            raise TableError(f"table '{name}': the database says: {first}; mend it there") from None
        if path.suffix == ".parquet":
            raise TableError(f"table '{name}': {path.name} is no Parquet file; write it again") from None
        line, what = _complaint(str(fault), path)
        where = f", line {line}" if line else ""
        raise TableError(
            f"table '{name}'{where}: {what}; correct the file, UTF-8 and comma-separated"
        ) from None


def _complaint(text: str, path: Path) -> tuple[int | None, str]:
    """The line at fault, where one is, and what is wrong with it."""
    found = re.search(r"Line: (\d+)", text)
    line = int(found[1]) if found else None
    cells = re.search(r"^Expected Number of Columns: (\d+) Found: (\d+)", text, re.M)
    if cells:
        return line, f"it has {cells[2]} cells, the header has {cells[1]}"
    if "unterminated quote" in text:
        return line, UNCLOSED
    if "unicode" in text.lower() or "utf-8" in text.lower():
        return line, "it is not UTF-8"
    if "Maximum line size" in text:
        return line, "it is longer than 2,000,000 bytes; a quote may not be closed"
    return _first_odd_line(path)


def _first_odd_line(path: Path) -> tuple[int | None, str]:
    """The first line that a strict reader refuses or that does not fit the header."""
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            reader = csv.reader(file, strict=True)
            width = len(next(reader))
            for cells in reader:
                if cells and len(cells) != width:
                    return reader.line_num, f"it has {len(cells)} cells, the header has {width}"
    except csv.Error as fault:
        alone = "new-line character" in str(fault)
        return reader.line_num, "a carriage return stands alone in it" if alone else UNCLOSED
    except UnicodeDecodeError:
        return None, "it is not UTF-8"
    return None, "it is no CSV that can be read; save it again as CSV"


def _mixed(path: Path) -> bool:
    ends = LineEnds()
    with path.open("rb") as file:
        while not ends.mixed and (block := file.read(BLOCK)):
            ends.see(block)
    return ends.mixed
