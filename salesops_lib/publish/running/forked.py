"""A forked kernel as its runner sees it: its number, its end, and signals to it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading

from salesops_lib.publish.running.zygote import STATUS


class ForkedKernel:
    """What subprocess.Popen is to an ordinary kernel; its status comes over a pipe from the fork server."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, status_pipe: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._pipe: int | None = status_pipe
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """The exit code, or None while it runs; -9 where the fork server itself was killed."""
        return self._wait(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it ended. Raises subprocess.TimeoutExpired."""
        if self._wait(timeout) is None:
            raise subprocess.TimeoutExpired("kernel", timeout or 0)
        return self.returncode  # type: ignore[return-value]

    def send_signal(self, signum: int) -> None:
        """To the kernel and what it started; nothing once it ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signum)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _wait(self, timeout: float | None) -> int | None:
        with self._lock:
            if self._pipe is not None and select.select([self._pipe], [], [], timeout)[0]:
                status = os.read(self._pipe, STATUS.size)
                self.returncode = STATUS.unpack(status)[0] if len(status) == STATUS.size else -signal.SIGKILL
                os.close(self._pipe)
                self._pipe = None
            return self.returncode
