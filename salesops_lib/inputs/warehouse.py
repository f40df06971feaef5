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
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from salesops_lib.core.contracts import Table
from salesops_lib.core.errors import TableError, nearest
from salesops_lib.inputs.breaches import Breach, cell_breaches, column_breaches, duplicate_breach
from salesops_lib.inputs.casting import TYPES, cast
from salesops_lib.inputs.company import CompanyError, Settings, repository_root, settings
from salesops_lib.inputs.tables import TABLES
from salesops_lib.inputs.textfiles import even, header, readable
from salesops_lib.inputs.writing import PARQUET_ROWS, write_table

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends import BaseBackend

__all__ = ["PARQUET_ROWS", "Warehouse", "connect", "contract_of", "is_url", "open_warehouse", "write_table"]


class Warehouse:
    """The tables of one company and the engine that reads them. Each table is read and checked once."""

    def __init__(self, connection: BaseBackend, folder: Path | None, copies: Path | None = None) -> None:
        self.connection = connection
        self.folder = folder  # tables/ of a company folder; None for a database
        self._copies = copies  # of CSV files with mixed line ends; gone with the warehouse
        if copies is not None:
            weakref.finalize(self, shutil.rmtree, copies, ignore_errors=True)
        self._checked: dict[str, ir.Table] = {}
        self._loose: dict[str, ir.Table] = {}

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
            self._loose[name] = typed(self.raw(name), contract_of(name))
        return self._loose[name]

    def table(self, name: str) -> ir.Table:
        """A table in the contract's types with all its columns, every version of every row.

        Raises TableError with the first breach of the contract.
        """
        if name not in self._checked:
            contract = contract_of(name)
            with self.readable(name):
                raw = self.raw(name)
                for breach in cell_breaches(raw, contract):
                    raise breach.error()
                found = typed(raw, contract)
                if self.folder is not None and table_file(self.folder, name).suffix == ".csv":
                    found = self.connection.create_table(f"read_{name}", found)
                double = duplicate_breach(found, contract)
            if double:
                raise double.error()
            self._checked[name] = found
        return self._checked[name]

    def kept(self, name: str, expression: ir.Table) -> ir.Table:
        """An expression computed once and kept in memory where DuckDB reads a folder; as it is elsewhere."""
        return expression if self.folder is None else self.connection.create_table(name, expression)

    def holds(self, name: str, column: str) -> bool:
        """Whether a column of a table has any value."""
        table = self.table(name)
        return bool(table[column].count().to_pyarrow().as_py())

    def readable(self, name: str) -> AbstractContextManager[None]:
        """Within it an engine's complaint about a table is a TableError that names table and line."""
        return readable(name, table_file(self.folder, name) if self.folder is not None else None)

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
        return Warehouse(_database(str(data)), None)
    folder = Path(data) / "tables"
    if not folder.is_dir() or folder.resolve().parent != Path(data).resolve():
        raise CompanyError(f"{data} has no folder tables of its own; make one with: salesops init DIR")
    copies = Path(tempfile.gettempdir()) / f"salesops-csv-{uuid.uuid4().hex}"
    return Warehouse(connect(folder, copies), folder, copies)


def connect(*folders: Path) -> BaseBackend:
    """DuckDB in memory, locked down: it reads files in ``folders`` and nothing else."""
    import ibis

    connection = ibis.duckdb.connect()
    spill = Path(tempfile.gettempdir()) / f"salesops-duckdb-{uuid.uuid4().hex}"
    _set(connection, "temp_directory", _text(str(spill)))
    _set(connection, "allowed_directories", f"[{', '.join(_text(f'{folder}/') for folder in folders)}]")
    _lock(connection)
    return connection


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


def _database(url: str) -> BaseBackend:
    import ibis

    parts = urlsplit(url)
    if parts.scheme == "duckdb":
        return _duckdb_file(parts.path or parts.netloc, url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise CompanyError(f"'{parts.scheme}://' is no database this reads; write duckdb:// or postgres://")
    try:
        return ibis.connect(url)
    except Exception as fault:  # drivers raise their own types; the password must not be shown
        host = parts.hostname or "localhost"
        raise CompanyError(
            f"no database at {parts.scheme}://{host}{parts.path}: {_one_line(fault)}"
        ) from None


def _duckdb_file(text: str, url: str) -> BaseBackend:
    import duckdb
    import ibis

    places = [Path(text), repository_root() / text.lstrip("/")]
    path = next((p for p in places if p.is_absolute() and p.is_file()), None)
    if path is None:
        raise CompanyError(f"'{url}' names no file; write duckdb:///path/file.duckdb")
    try:
        connection = ibis.duckdb.connect(path, read_only=True)
    except duckdb.Error as fault:
        raise CompanyError(f"'{url}' does not open: {_one_line(fault)}") from None
    _lock(connection)
    return connection


def _lock(connection: BaseBackend) -> None:
    _set(connection, "TimeZone", "'UTC'")
    _set(connection, "autoinstall_known_extensions", "false")
    _set(connection, "autoload_known_extensions", "false")
    _set(connection, "enable_external_access", "false")
    _set(connection, "lock_configuration", "true")


def _set(connection: BaseBackend, option: str, value: str) -> None:
    connection.raw_sql(f"SET {option}={value}")


def _text(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def _one_line(fault: Any) -> str:
    return next((line.strip() for line in str(fault).splitlines() if line.strip()), type(fault).__name__)
