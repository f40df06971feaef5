"""``salesops site --serve``: the site over http on this machine, and nothing else of it."""

from __future__ import annotations

import functools
import http.server
import os
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

from salesops_lib.core.errors import UserError

LOOPBACK = "127.0.0.1"
PORT = 8750
_HEADERS = {
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class ServeError(UserError):
    """The site cannot be served: the port is taken or the folder is not there."""


def site_server(site: Path, host: str = LOOPBACK, port: int = PORT) -> http.server.ThreadingHTTPServer:
    """A server of the files in ``site`` and of nothing beside it; ``port`` 0 takes any free one.

    ``site`` may be a link: each request reads where it points then, so a new site shows at once. Listening
    on loopback it answers only to this machine's own names. Raises ServeError.
    """
    if not (site / "index.html").is_file():
        raise ServeError(f"there is no site {site}; build it with: salesops site")
    names = {"localhost", LOOPBACK, "[::1]"} if host in {"localhost", LOOPBACK} else None
    handler = functools.partial(_Handler, site=site, names=names)
    try:
        return _Server((host, port), handler)
    except OSError as fault:
        raise ServeError(f"{host}:{port} cannot be listened on: {fault.strerror}; try --port 0") from None
    except OverflowError:
        raise ServeError(f"{port} is no port; give one from 0 to 65535") from None


def show(site: Path, port: int, say: Callable[[str], None]) -> None:
    """Serve ``site`` to this machine and say where, until Ctrl-C."""
    server = site_server(site, port=port)
    say(f"http://{LOOPBACK}:{server.server_port}/ (Ctrl-C ends it)")
    serve(server)


def serve(server: http.server.ThreadingHTTPServer) -> None:
    """Answer until Ctrl-C, then close the port."""
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return
    finally:
        server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """A reader who left in the middle is no news."""


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files of one folder, no listing, no hidden file, nothing a link leads out to."""

    server_version, sys_version = "salesops", ""

    def __init__(self, *args, site: Path, names: set[str] | None, **more) -> None:
        self.site, self.names = site, names
        super().__init__(*args, directory=str(site), **more)

    def send_head(self):
        """Answer 404 for what is not a file of the site, 421 for a name that is not this machine's."""
        if self.names is not None and self.headers.get("Host", "").rsplit(":", 1)[0] not in self.names:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "Not this machine's name")
            return None
        if self._file() is None:
            self.send_error(HTTPStatus.NOT_FOUND, "No such page")
            return None
        return super().send_head()

    def translate_path(self, path: str) -> str:
        """The file asked for; a folder's is its index.html."""
        return str(self._file() or self.site / "404.html")

    def _file(self) -> Path | None:
        root = self.site.resolve()
        asked = unquote(urlsplit(self.path).path)
        if "\0" in asked or any(part.startswith(".") for part in asked.split("/")):
            return None
        file = Path(os.path.normpath(f"{root}/{asked}"))
        file = (file / "index.html" if file.is_dir() else file).resolve()
        return file if file.is_file() and file.is_relative_to(root) else None

    def end_headers(self) -> None:
        """Every answer carries the headers that keep a page to itself."""
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args) -> None:
        """Say nothing: what somebody reads is theirs."""
