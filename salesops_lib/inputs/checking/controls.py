"""Row counts and money of a folder against the log of the imports that filled it (``import.json``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from salesops_lib.inputs.asof import nth_version
from salesops_lib.inputs.load import Snapshot
from salesops_lib.inputs.tables import TABLES

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class Control:
    """One number of a table against what the log says. ``ok`` is None where they cannot be compared."""

    table: str
    what: str  # rows | extract | total
    expected: float
    found: float
    passed: bool | None
    note: str

    @property
    def ok(self) -> bool:
        """Nothing to mend; a number that cannot be compared is none."""
        return self.passed is not False

    def __str__(self) -> str:
        return f"table '{self.table}': {self.note}"


def controls(snapshot: Snapshot, names: list[str]) -> list[Control]:
    """Stored rows against rows imported, the last extract against the one before, money against its total."""
    imports = snapshot.imports()
    if not imports:
        return []
    policy = snapshot.policy("inputs")
    band = policy.value("row_count_band", snapshot.as_of).value
    tolerance = policy.value("control_total_tolerance", snapshot.as_of).value
    found: list[Control] = []
    for name in names:
        entries = [e["per_table"][name] for e in imports if name in e.get("per_table", {})]
        if not entries:
            continue
        table = snapshot.warehouse.table(name)
        rows = int(table.count().to_pyarrow().as_py())
        found += _rows(name, entries, rows)
        found += _extract(name, entries, band)
        found += _total(name, entries[-1], table, rows, tolerance)
    return found


def _rows(name: str, entries: list[dict[str, Any]], rows: int) -> Iterator[Control]:
    """Every row stored was added by an import."""
    if not all("added" in entry for entry in entries):
        return
    expected = sum(entry["added"] for entry in entries)
    note = f"it holds {rows:,} rows, its imports wrote {expected:,}; import anew, keep edits out of tables/"
    yield Control(name, "rows", expected, rows, rows == expected, note)


def _extract(name: str, entries: list[dict[str, Any]], band: float) -> Iterator[Control]:
    """The last extract has about as many rows as the one before."""
    if len(entries) < 2 or not entries[-2]["rows_in"]:
        return
    before, now = entries[-2]["rows_in"], entries[-1]["rows_in"]
    change = now / before - 1
    note = (
        f"the last extract has {now:,} rows, the one before {before:,} ({change:+.0%}, allowed ±{band:.0%}); "
        f"look for a hole or a changed filter in the export"
    )
    yield Control(name, "extract", before, now, abs(now - before) <= band * before + 1e-6, note)


def _total(
    name: str, entry: dict[str, Any], table: ir.Table, rows: int, tolerance: float
) -> Iterator[Control]:
    """The money stored is the money of the last extract, where the table holds that extract and no more."""
    expected, column = entry.get("control_total"), entry.get("control_column")
    if expected is None or column not in table.columns:
        return
    if rows != entry["rows_out"]:
        table, rows = _latest(name, table)
    if rows != entry["rows_out"]:
        note = f"{column} is not compared: the table holds rows that the last extract does not"
        yield Control(name, "total", expected, float("nan"), None, note)
        return
    found = float(table[column].sum().to_pyarrow().as_py() or 0.0)
    off = abs(found - expected)
    note = (
        f"{column} sums to {found:,.2f}, the import wrote {expected:,.2f}; import it anew, or keep edits out "
        f"of tables/"
    )
    yield Control(name, "total", expected, found, off <= tolerance * max(abs(expected), 1.0) + 0.005, note)


def _latest(name: str, table: ir.Table) -> tuple[ir.Table, int]:
    if not TABLES[name].versioned:
        return table, -1
    last = nth_version(table, TABLES[name].key, "recorded_at", last=True)
    return last, int(last.count().to_pyarrow().as_py())
