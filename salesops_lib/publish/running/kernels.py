"""Kernels forked from a process that has the libraries loaded: several times faster, fully isolated.

:func:`use_fork_server` makes them the default of this process, for papermill, nbclient and nbval alike.
Where fork is missing, or a kernel is not this Python's own, an ordinary kernel starts instead.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

# Its 35 parsers cost 0.85 s in every process that loads nbformat; only format checks we do not use need it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

from jupyter_client.manager import AsyncKernelManager  # noqa: E402
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner  # noqa: E402

from salesops_lib.core.errors import UserError  # noqa: E402
from salesops_lib.publish.running.forked import ForkedKernel  # noqa: E402
from salesops_lib.publish.running.zygote import LENGTH, read_exactly  # noqa: E402

PROVISIONER = "salesops-fork"
_SOCKET_PATH_MAX = 80  # of 104 on macOS, with room for our file names
_ANSWER_SECONDS = 120  # loading takes 2 to 5; one that never answers must not hold the schedule
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_START = (
    "import json, socket, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from salesops_lib.publish.running.zygote import serve; "
    "serve(socket.socket(fileno=int(sys.argv[2])), sys.argv[3])"
)


class ForkServer:
    """One process with everything loaded, shared by all kernels this process starts."""

    _current: ForkServer | None = None
    _starting = threading.Lock()

    def __init__(self, notebooks: Path) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._control.settimeout(_ANSWER_SECONDS)
        self._lock = threading.Lock()
        self._hello: dict | None = None
        self.forked = 0
        self.owner = os.getpid()
        path = json.dumps([p or str(Path.cwd()) for p in sys.path])
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", _START, path, str(theirs.fileno()), str(notebooks)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={k: v for k, v in one_thread(os.environ).items() if k != "MPLBACKEND"},
            )

    @classmethod
    def current(cls, notebooks: Path | None = None) -> ForkServer:
        """The running one, started on first use; a dead one, or one of a parent process, is replaced."""
        with cls._starting:
            server = cls._current
            if server is None or server.owner != os.getpid() or server._process.poll() is not None:
                server = cls._current = cls(notebooks or Path("notebooks").resolve())
                atexit.register(server.close)
            return server

    @property
    def pid(self) -> int:
        """Of the fork server itself."""
        return self._process.pid

    def ready(self) -> dict:
        """Wait until everything is loaded; what failed to load, and the number of threads there."""
        with self._lock:
            return self._ready()

    def fork(
        self, arguments: list[str], env: dict[str, str], cwd: str, memory_bytes: int = 0
    ) -> ForkedKernel:
        """A new kernel process. Raises OSError where the fork server is gone."""
        request = json.dumps(
            {"arguments": arguments, "env": env, "cwd": cwd, "memory_bytes": memory_bytes}
        ).encode()
        status_read, status_write = os.pipe()
        try:
            with self._lock:
                self._ready()
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [status_write]))]
                self._control.sendmsg([LENGTH.pack(len(request))], rights)
                self._control.sendall(request)
                pid = self._answer()["pid"]
                self.forked += 1
        except OSError:
            os.close(status_read)
            raise
        finally:
            os.close(status_write)
        return ForkedKernel(pid, status_read)

    def close(self) -> None:
        """End it and every kernel it still has."""
        if self.owner != os.getpid():
            return
        self._control.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ready(self) -> dict:
        if self._hello is None:
            self._hello = self._answer()
        return self._hello

    def _answer(self) -> dict:
        try:
            head = read_exactly(self._control, LENGTH.size)
            body = head and read_exactly(self._control, LENGTH.unpack(head)[0])
        except TimeoutError:
            self._process.kill()
            raise OSError(f"the fork server did not answer within {_ANSWER_SECONDS} s") from None
        if not body:
            raise OSError("the fork server ended unexpectedly")
        return json.loads(body)


class ForkProvisioner(LocalProvisioner):
    """Starts kernels from the fork server over private sockets; falls back to an ordinary start."""

    _sockets: str | None = None

    async def pre_launch(self, **kwargs):
        """Move the kernel's channels from TCP to sockets in a folder only this user can open."""
        manager = self.parent
        if can_fork() and manager is not None and manager.transport == "tcp" and not self._sockets:
            self._sockets = _private_folder()
            manager.transport = "ipc"
            manager.cache_ports = False
            manager.ip = f"{self._sockets}/k"
            manager.connection_file = f"{self._sockets}/connection.json"
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd, **kwargs):
        """Fork where this Python's own IPython kernel is asked for; otherwise as ordinary kernels start."""
        kwargs["env"] = one_thread(kwargs.get("env") or os.environ)
        if not (can_fork() and _is_own_kernel(cmd)):
            return await super().launch_kernel(cmd, **kwargs)
        env = kwargs["env"]
        cwd = str(kwargs.get("cwd") or Path.cwd())
        memory = _memory_bytes(env)
        try:
            self.process = ForkServer.current().fork(cmd[3:], env, cwd, memory)
        except OSError as fault:
            self.log.warning("%s; this kernel starts as an ordinary one", fault)
            return await super().launch_kernel(cmd, **kwargs)
        self.pid = self.pgid = self.process.pid
        self.cwd = cwd
        return self.connection_info

    async def send_signal(self, signum: int) -> None:
        """Never to a process that ended: its number may by now be another's.

        Nor an interrupt to one that is asked to end: it would only meet it between two messages, where the
        kernel prints that it caught it.
        """
        if signum == signal.SIGINT and getattr(self.parent, "shutting_down", False):
            return
        if self.process is None or self.process.poll() is None:
            await super().send_signal(signum)

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the sockets' folder with the kernel."""
        await super().cleanup(restart)
        if self._sockets and not restart:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None


class RunKernelManager(AsyncKernelManager):
    """A kernel for one run: its own environment and folder beside what every kernel gets."""

    def __init__(self, *, run_env: dict[str, str], run_cwd: str, **kwargs) -> None:
        super().__init__(**kwargs)
        self.run_env = run_env
        self.run_cwd = run_cwd
        self._clients: list = []
        self._killed = False

    def client(self, **kwargs):
        """As its base, remembered, so that :meth:`finish` closes its channels."""
        self._clients.append(super().client(**kwargs))
        return self._clients[-1]

    async def start_kernel(self, **kwargs) -> None:
        """As its base, in the run's folder, with the run's environment."""
        env = {k: v for k, v in {**os.environ, **self.run_env}.items() if k != "MPLBACKEND"}
        await super().start_kernel(**{"cwd": self.run_cwd, **kwargs, "env": env})

    @property
    def process(self):
        """The kernel's process, for a watchdog; None before it starts."""
        return getattr(self.provisioner, "process", None)

    async def finish(self) -> None:
        """Let the kernel end by itself, kill it where it does not, and remove its sockets."""
        for client in self._clients:
            client.stop_channels()
        alive = self.has_kernel and await self.is_alive()
        await self.shutdown_kernel(now=not alive or self._killed)

    def kill_now(self) -> None:
        """End the kernel and what it started, from any thread."""
        process = self.process
        self._killed = True
        if process is not None and process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)


def can_fork() -> bool:
    """Whether this system can fork kernels; else they start as ordinary ones."""
    return hasattr(os, "fork") and hasattr(socket, "AF_UNIX") and os.environ.get("SALESOPS_FORK") != "0"


def use_fork_server(notebooks: Path | None = None, *, start: bool = True) -> None:
    """Make forked kernels this process's default and, where ``start``, begin loading at once."""
    from importlib.metadata import EntryPoint

    factory = KernelProvisionerFactory.instance()
    value = f"{__name__}:{ForkProvisioner.__name__}"
    factory.provisioners[PROVISIONER] = EntryPoint(PROVISIONER, value, KernelProvisionerFactory.GROUP_NAME)
    factory.default_provisioner_name = PROVISIONER
    if start and can_fork():
        ForkServer.current(notebooks)


def close() -> None:
    """End the fork server and every kernel of this process, where there are any."""
    server = ForkServer._current
    if server is not None:
        server.close()


def one_thread(env: Mapping[str, str]) -> dict[str, str]:
    """An environment in which linear algebra and OpenMP use one thread, unless it says otherwise.

    Runs are spread over processes already: threads of two kernels that wait for each other in a loop took
    five times the processor time. And sums do not change with the number of cores of a machine.
    """
    return _ONE_THREAD | dict(env)


def _memory_bytes(env: dict[str, str]) -> int:
    said = env.get("SALESOPS_MEMORY_BYTES") or "0"
    if not said.isdecimal():
        raise UserError(f"$SALESOPS_MEMORY_BYTES is {said[:40]!r}; write a whole number of bytes, 8000000000")
    return int(said)


def _is_own_kernel(cmd: list[str]) -> bool:
    return len(cmd) > 3 and cmd[1:3] == ["-m", "ipykernel_launcher"] and _same(cmd[0], sys.executable)


def _same(one: str, other: str) -> bool:
    found = shutil.which(one)
    return bool(found) and Path(found).parent == Path(other).parent and Path(found).samefile(other)


def _private_folder() -> str:
    base = tempfile.gettempdir()
    return tempfile.mkdtemp(prefix="so-", dir=base if len(base) < _SOCKET_PATH_MAX else "/tmp")  # noqa: S108
