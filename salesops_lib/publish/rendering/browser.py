"""One headless Chromium, driven through two pipes: a start costs more than the pages that it prints.

It speaks the DevTools protocol, a JSON object and a zero byte a message, on file descriptors 3 (commands) and
4 (answers and events). Source: https://chromedevtools.github.io/devtools-protocol/.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Timer
from typing import Any, Self

PAGE_SECONDS = 120
END_SECONDS = 10
_QUIET = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip
_BECOME = (
    "import fcntl, os, sys\n"
    "ours = [int(n) for n in sys.argv[1:3]]\n"
    "kept = [fcntl.fcntl(n, fcntl.F_DUPFD_CLOEXEC, 10) for n in ours]\n"
    "for n in ours: os.close(n)\n"
    "for n, number in zip(kept, (3, 4)): os.dup2(n, number)\n"
    "os.execv(sys.argv[3], sys.argv[3:])"
)
"""Moves two pipes to the numbers that Chromium reads and writes, then becomes Chromium."""


class BrowserError(Exception):
    """Chromium ended, or took too long; says which."""


class Browser:
    """A window without a screen, for the time of a ``with``: see :meth:`printed`."""

    def __init__(self, program: str) -> None:
        self.program = program

    def __enter__(self) -> Self:
        self._late, self._number, self._rest = False, 0, b""
        with ExitStack() as stack:
            profile = stack.enter_context(_folder())
            theirs_in, ours_out = os.pipe()
            ours_in, theirs_out = os.pipe()
            self._out = stack.enter_context(os.fdopen(ours_out, "wb", buffering=0))
            self._in = stack.enter_context(os.fdopen(ours_in, "rb"))
            try:
                self._process = _started(self.program, profile, theirs_in, theirs_out)
            finally:
                os.close(theirs_in)
                os.close(theirs_out)
            stack.callback(self._ended)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_fault: object) -> None:
        self._stack.close()

    def printed(self, page: Path) -> bytes:
        """A page as PDF, on the paper that its style asks for.

        Raises BrowserError where Chromium ends, cannot open the page, or takes over `PAGE_SECONDS`.
        """
        timer = Timer(PAGE_SECONDS, self._too_late)
        timer.start()
        try:
            if not self._number:
                self._open()
            went = self._call("Page.navigate", url=page.resolve().as_uri())
            if went.get("errorText"):
                raise BrowserError(went["errorText"])
            self._wait(lambda told: _loaded(told, went["loaderId"]))
            made = self._call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
            return base64.b64decode(made["data"])
        finally:
            timer.cancel()

    def _open(self) -> None:
        self._session = None
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Page.enable")
        self._call("Page.setLifecycleEventsEnabled", enabled=True)

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        number, session = self._number, {"sessionId": self._session} if self._session else {}
        said = json.dumps({"id": number, "method": method, "params": parameters} | session)
        try:
            self._out.write(said.encode() + b"\0")
        except OSError:
            raise BrowserError(self._why()) from None
        answer = self._wait(lambda told: told.get("id") == number)
        if "error" in answer:
            raise BrowserError(answer["error"].get("message", "it refuses"))
        return answer["result"]

    def _wait(self, meant: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message that is meant; what comes before it is left."""
        while True:
            while b"\0" not in self._rest:
                more = self._in.read1(1 << 20)
                if not more:
                    raise BrowserError(self._why())
                self._rest += more
            message, _, self._rest = self._rest.partition(b"\0")
            told = json.loads(message)
            if meant(told):
                return told

    def _why(self) -> str:
        code = self._process.wait()
        return f"over {PAGE_SECONDS} seconds" if self._late else f"exit {code}"

    def _too_late(self) -> None:
        self._late = True
        self._kill()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _ended(self) -> None:
        self._out.close()  # Chromium ends with its pipe
        try:
            self._process.wait(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.wait()


def _started(program: str, profile: str, commands: int, answers: int) -> subprocess.Popen[bytes]:
    pipes = [str(commands), str(answers)]
    return subprocess.Popen(  # noqa: S603 (our own pages, no shell)
        [sys.executable, "-I", "-S", "-c", _BECOME, *pipes, program, *_QUIET, *_sandbox(),
         f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(commands, answers), start_new_session=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="salesops-print-", ignore_cleanup_errors=True)


def _loaded(told: dict[str, Any], loader: str) -> bool:
    said = told.get("params", {})
    at = (told.get("method"), said.get("name"), said.get("loaderId"))
    return at == ("Page.lifecycleEvent", "load", loader)


def _sandbox() -> list[str]:
    # Chromium refuses to start as root inside its sandbox; the page is ours, escaped and without script.
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
