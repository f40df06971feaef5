"""The engines tables are read by: DuckDB in memory, locked to a company folder, or a database by its URL."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from salesops_lib.inputs.company import CompanyError, repository_root

if TYPE_CHECKING:
    from ibis.backends import BaseBackend


def connect(*folders: Path) -> BaseBackend:
    """DuckDB in memory, locked down: it reads files in ``folders`` and nothing else."""
    connection = _ibis().duckdb.connect()
    spill = Path(tempfile.gettempdir()) / f"salesops-duckdb-{uuid.uuid4().hex}"
    _set(connection, "temp_directory", quoted(str(spill)))
    _set(connection, "allowed_directories", f"[{', '.join(quoted(f'{folder}/') for folder in folders)}]")
    _lock(connection)
    return connection


def database(url: str) -> BaseBackend:
    """The database behind a URL, read only where it is a file. Raises CompanyError without its password."""
    ibis = _ibis()
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

    places = [Path(text), repository_root() / text.lstrip("/")]
    path = next((p for p in places if p.is_absolute() and p.is_file()), None)
    if path is None:
        raise CompanyError(f"'{url}' names no file; write duckdb:///path/file.duckdb")
    try:
        connection = _ibis().duckdb.connect(path, read_only=True)
    except duckdb.Error as fault:
        raise CompanyError(f"'{url}' does not open: {_one_line(fault)}") from None
    _lock(connection)
    return connection


def _ibis() -> Any:
    """Ibis, told to leave the merging of nested selects to the engine: writing a query takes longer than
    running it on a company's tables, and a fifth of that went into merging them."""
    import ibis

    ibis.options.sql.fuse_selects = False
    return ibis


def _lock(connection: BaseBackend) -> None:
    _set(connection, "TimeZone", "'UTC'")
    _set(connection, "autoinstall_known_extensions", "false")
    _set(connection, "autoload_known_extensions", "false")
    _set(connection, "enable_external_access", "false")
    _set(connection, "lock_configuration", "true")


def _set(connection: BaseBackend, option: str, value: str) -> None:
    connection.raw_sql(f"SET {option}={value}")


def quoted(value: str) -> str:
    """A text as SQL writes it."""
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def _one_line(fault: Any) -> str:
    return next((line.strip() for line in str(fault).splitlines() if line.strip()), type(fault).__name__)
