"""CSV files that a command is given by path: cells as text, with the line each row stands on."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from salesops_lib.core.errors import TableError
from salesops_lib.inputs.textfiles import UNCLOSED


def read_rows(path: Path) -> pd.DataFrame:
    """Rows of a CSV file as text, blank cells as None, and ``row``: the line where each starts.

    Raises TableError: no file, not UTF-8, no header, a name twice, a line of another width, an open quote.
    """
    if not path.is_file():
        raise TableError(f"there is no file {path}; name one that is there")
    rows, names = [], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            names = [name.strip() for name in next(reader, [])]
            _refuse_header(path, names)
            line = reader.line_num
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    if len(cells) != len(names):
                        said = f"it has {len(cells)} cells, the header has {len(names)}"
                        raise TableError(f"{path}, line {line + 1}: {said}; correct the line")
                    rows.append([line + 1, *(cell.strip() or None for cell in cells)])
                line = reader.line_num
    except UnicodeDecodeError:
        raise TableError(f"{path} is not UTF-8; save it as UTF-8") from None
    except csv.Error:
        raise TableError(f"{path}, line {reader.line_num}: {UNCLOSED}; correct the line") from None
    return pd.DataFrame(rows, columns=["row", *names], dtype="object")


def _refuse_header(path: Path, names: list[str]) -> None:
    if not any(names):
        raise TableError(f"{path} is empty; it needs at least a header")
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        raise TableError(f"{path}, line 1: the column '{doubled[0]}' stands twice; keep one")
    if "row" in names:
        raise TableError(f"{path}, line 1: 'row' is a name of ours; call the column otherwise")
