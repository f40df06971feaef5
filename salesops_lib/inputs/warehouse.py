"""Where tables are: a folder of CSV and parquet files read by a locked-down DuckDB, or a database.

``tables/<name>.csv`` up to 200,000 rows, ``tables/<name>.parquet`` above. DuckDB may read the folder's
``tables/`` and nothing else, and its settings cannot be changed back.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesops_lib.core.contracts import Table
from salesops_lib.core.errors import TableError, nearest
from salesops_lib.inputs import engines
from salesops_lib.inputs.breaches import Breach, cell_breaches, column_breaches, duplicate_breach
from salesops_lib.inputs.cache import Cache
from salesops_lib.inputs.casting import TYPES, cast
from salesops_lib.inputs.company import CompanyError, Settings, settings
from salesops_lib.inputs.tables import TABLES
from salesops_lib.inputs.textfiles import even, header, readable
from salesops_lib.inputs.writing import PARQUET_ROWS, write_table

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends import BaseBackend

__all__ = ["PARQUET_ROWS", "Warehouse", "contract_of", "is_url", "open_warehouse", "write_table"]


class Warehouse:
    """The tables of one company and the engine that reads them. Each table is read and checked once."""

    def __init__(
        self,
        connection: BaseBackend,
        folder: Path | None,
        copies: Path | None = None,
        cache: Cache | None = None,
    ) -> None:
        self.connection = connection
        self.folder = folder  # tables/ of a company folder; None for a database
        self._cache = cache  # what earlier reports read and checked
        self._copies = copies  # of CSV files with mixed line ends; gone with the warehouse
        if copies is not None:
            weakref.finalize(self, shutil.rmtree, copies, ignore_errors=True)
        self._checked: dict[str, ir.Table] = {}
        self._loose: dict[str, ir.Table] = {}
        self.extents: dict[str, Any] = {}  # how far each table of events goes (extent.py)

    def names(self) -> list[str]:
        """Declared tables that stand here, in the contract's order."""
        if self.folder is None:
            held = set(self.connection.list_tables())
        else:
            held = {path.stem for path in self.folder.glob("*") if path.suffix in {".csv", ".parquet"}}
        return [name for name in TABLES if name in held]

    def raw(self, name: str) -> ir.Table:
        """A table as it is stored: text where the file is CSV. Raises TableError where it is unreadable."""
        contract = contract_of(name)
        if name not in self.names():
            raise TableError(f"there is no table '{name}' here; import it, or read one of {self.names()}")
        if self.folder is None:
            found = self.connection.table(name)
            names = list(found.columns)
        else:
            path = table_file(self.folder, name)
            names = header(path, name) if path.suffix == ".csv" else None
            found = self._view(path, name, names)
            names = names or list(found.columns)
        for breach in column_breaches(names, contract):
            raise breach.error()
        return found

    def breaches(self, name: str) -> list[Breach]:
        """Every breach of a table by itself; references need the other tables (``check``)."""
        contract = contract_of(name)
        try:
            with self.readable(name):
                raw = self.raw(name)
                found = cell_breaches(raw, contract)
                double = duplicate_breach(typed(raw, contract), contract)
        except TableError as fault:
            text = re.sub(rf"^table '{name}'[:,]? ?", "", str(fault))
            what, _, remedy = text.rpartition("; ")
            return [Breach(name, "", "unreadable", 1, "", what or text, remedy or "correct the file")]
        return [*found, *([double] if double else [])]

    def loose(self, name: str) -> ir.Table:
        """A table in the contract's types, unchecked: what does not cast is empty. For ``check`` only."""
        if name not in self._loose:
            known = self._checked.get(name)
            self._loose[name] = typed(self.raw(name), contract_of(name)) if known is None else known
        return self._loose[name]

    def table(self, name: str) -> ir.Table:
        """A table in the contract's types with all its columns, every version of every row.

        Raises TableError with the first breach of the contract.
        """
        if name not in self._checked:
            found = self._recalled(f"read_{name}", [name]) if self._is_text(name) else None
            self._checked[name] = self._sound(name) if found is None else found
        return self._checked[name]

    def kept(self, name: str, make: Callable[[], ir.Table], tables: Iterable[str], *more: object) -> ir.Table:
        """What ``make`` gives, computed once: in memory, and in the cache for later reports.

        ``tables`` and ``more`` are all it is made from. In a database it stays an expression.
        """
        if self.folder is None:
            return make()
        found = self._recalled(name, tables, *more)
        if found is None:
            found = self.connection.create_table(name, make())
            self._remember(name, tables, *more)
        return found

    def holds(self, name: str, column: str) -> bool:
        """Whether a column of a table has any value."""
        table = self.table(name)
        return bool(table[column].count().to_pyarrow().as_py())

    def readable(self, name: str) -> AbstractContextManager[None]:
        """Within it an engine's complaint about a table is a TableError that names table and line."""
        return readable(name, table_file(self.folder, name) if self.folder is not None else None)

    def _sound(self, name: str) -> ir.Table:
        """A table read anew, its contract checked."""
        contract = contract_of(name)
        with self.readable(name):
            raw = self.raw(name)
            for breach in cell_breaches(raw, contract):
                raise breach.error()
            found = typed(raw, contract)
            if self._is_text(name):
                found = self.connection.create_table(f"read_{name}", found)
            double = duplicate_breach(found, contract)
        if double:
            raise double.error()
        if self._is_text(name):
            self._remember(f"read_{name}", [name])
        return found

    def _is_text(self, name: str) -> bool:
        return self.folder is not None and table_file(self.folder, name).suffix == ".csv"

    def _recalled(self, name: str, tables: Iterable[str], *more: object) -> ir.Table | None:
        """What an earlier report kept of the same, read into memory."""
        if self._cache is None or not self._cache.recall(self.connection, name, self._files(tables), *more):
            return None
        return self.connection.table(name)

    def _remember(self, name: str, tables: Iterable[str], *more: object) -> None:
        if self._cache is not None:
            self._cache.remember(self.connection, name, self._files(tables), *more)

    def _files(self, tables: Iterable[str]) -> list[Path]:
        held = self.names()
        return [table_file(self.folder, name) for name in tables if name in held]

    def _view(self, path: Path, name: str, columns: list[str] | None) -> ir.Table:
        if path.suffix == ".parquet":
            return self.connection.read_parquet(str(path), table_name=f"stored_{name}")
        return self.connection.read_csv(
            str(even(path, self._copies / path.name)),
            table_name=f"stored_{name}",
            columns=dict.fromkeys(columns, "VARCHAR"),
            auto_detect=False,
            header=True,
            delim=",",
            quote='"',
            escape='"',
            nullstr="",
            strict_mode=True,
        )


def open_warehouse(data: str | Path) -> Warehouse:
    """The warehouse of a company folder (an absolute path) or of a database URL."""
    if is_url(data):
        return Warehouse(engines.database(str(data)), None)
    folder = Path(data) / "tables"
    if not folder.is_dir() or folder.resolve().parent != Path(data).resolve():
        raise CompanyError(f"{data} has no folder tables of its own; make one with: salesops init DIR")
    copies = Path(tempfile.gettempdir()) / f"salesops-csv-{uuid.uuid4().hex}"
    cache = Cache(Path(data))
    return Warehouse(engines.connect(folder, copies, cache.folder), folder, copies, cache)


def settings_of(warehouse: Warehouse) -> Settings:
    """The settings in a database's table ``company``. Raises CompanyError where they are wrong."""
    import yaml

    if "company" not in warehouse.connection.list_tables():
        raise CompanyError("the database has no table 'company' of key and value; see data/README.md")
    table = warehouse.connection.table("company")
    if {"key", "value"} - set(table.columns):
        raise CompanyError("table 'company' needs the columns key and value; see data/README.md")
    rows = table.select("key", "value").to_pyarrow().to_pylist()
    try:
        entries = {row["key"]: yaml.safe_load(str(row["value"])) for row in rows}
    except yaml.YAMLError:
        raise CompanyError("table 'company' has a value that is no YAML; see data/README.md") from None
    return settings(entries, "table 'company'")


def is_url(data: str | Path) -> bool:
    """Whether ``data`` names a database rather than a folder."""
    return re.match(r"^[a-z][a-z0-9+]*://", str(data)) is not None


def contract_of(name: str) -> Table:
    """The contract of a table. Raises TableError for a name that is not declared."""
    if name not in TABLES:
        raise TableError(f"there is no table '{name}'. {nearest(str(name), TABLES)}")
    return TABLES[name]


def table_file(folder: Path, name: str) -> Path:
    """The file that holds a table. Raises TableError for two of them, or one that leads elsewhere."""
    found = [path for suffix in (".csv", ".parquet") if (path := folder / f"{name}{suffix}").exists()]
    if len(found) > 1:
        raise TableError(f"table '{name}' stands twice, {found[0].name} and {found[1].name}; delete one")
    if not found or found[0].resolve().parent != folder.resolve():
        raise TableError(f"table '{name}' is no file of {folder}; put the file itself there, not a link")
    return found[0]


def typed(raw: ir.Table, contract: Table) -> ir.Table:
    """All declared columns in the contract's types, missing ones empty, then the undeclared ones."""
    import ibis

    declared = [
        (cast(raw[c.name], c) if c.name in raw.columns else ibis.null(TYPES[c.kind])).name(c.name)
        for c in contract.columns
    ]
    return raw.select(*declared, *[n for n in raw.columns if n not in contract.by_name])
