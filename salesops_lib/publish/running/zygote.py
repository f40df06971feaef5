"""The process kernels are forked from: it loads the libraries once, then only forks.

It is started by :mod:`salesops_lib.publish.running.kernels` and speaks with it over one socket: a request
carries a kernel's arguments, environment, folder and limit, and the write end of a pipe on which its exit
status is told. It opens no connection and starts no thread, and ends with its parent, killing what it forked.
"""

from __future__ import annotations

import array
import ast
import atexit
import contextlib
import gc
import importlib
import importlib.util
import json
import os
import random
import selectors
import signal
import socket
import struct
import sys
import threading
import warnings
from pathlib import Path

from salesops_lib.core.charts import draw_once

LENGTH = struct.Struct("!I")
STATUS = struct.Struct("!i")
_ALWAYS = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",  # a kernel loads it, whether or not anybody debugs
    "ipykernel.zmqshell",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.magics",
    "IPython.core.oinspect",
    "IPython.core.pylabtools",
    "IPython.extensions.storemagic",
    "comm",
    "psutil",
    "tornado.platform.asyncio",
)
# What a library loads only at its first use: each kernel would do it anew.
_WITH = {
    "ibis": ("ibis.backends.duckdb", "ibis.backends.duckdb.converter", "ibis.expr.types.groupby"),
    "matplotlib.figure": ("matplotlib.backends.backend_agg", "matplotlib_inline.backend_inline"),
    "pandas": ("pandas.io.formats.format", "pandas.io.formats.csvs", "pandas.core.reshape.reshape"),
    "pandera.pandas": (
        "pandera.backends.pandas.builtin_checks",
        "pandera.backends.pandas.register",
        "pandera.accessors.pandas_accessor",
    ),
}
# What runs notebooks, not what notebooks use.
_NEVER = {"papermill", "nbconvert", "nbclient", "nbformat", "jupyter_client", "zensical", "typer", "rich"}
_LIBRARY = Path(__file__).resolve().parents[2]
_NOT_PRELOADED = {"publish", "handbook", "cli.py", "__main__.py", "sample", "sources", "commands.py"}


def serve(control: socket.socket, notebooks: str) -> None:
    """Preload, say so, then fork a kernel per request until the parent is gone."""
    failed = preload(Path(notebooks))
    gc.collect()
    gc.freeze()
    threads = threading.active_count()
    if threads != 1:
        failed.append(f"{threads} threads run in the fork server")
    try:
        _send(control, {"failed": failed, "threads": threads})
    except BrokenPipeError:  # the runner was killed while this loaded
        return
    _Zygote(control).run()


def preload(notebooks: Path) -> list[str]:
    """Import what the library and the notebooks import and draw once; what failed is returned, not raised.

    A module that does not import here does not import in the notebook either, and says so there.
    """
    failed = []
    for name in [*_ALWAYS, *imported_names(_LIBRARY, notebooks), *_library_modules()]:
        try:
            with warnings.catch_warnings():  # of libraries about each other; nobody here can act on them
                warnings.simplefilter("ignore")
                for part in (name, *_WITH.get(name, ())):
                    importlib.import_module(part)
        except Exception as fault:
            failed.append(f"{name}: {type(fault).__name__}")
    try:
        importlib.import_module("matplotlib.backends.registry").backend_registry.list_all()
        draw_once()
    except Exception as fault:
        failed.append(f"a picture: {type(fault).__name__}")
    return failed


def imported_names(library: Path, notebooks: Path) -> list[str]:
    """Installed third-party modules that the library's domain side or any notebook imports, lazily or not."""
    trees = []
    for path in [*_library_files(library), *sorted(notebooks.glob("*.ipynb"))]:
        with contextlib.suppress(ValueError, SyntaxError, KeyError):  # whoever uses it meets what is wrong
            text = path.read_text(encoding="utf-8")
            trees += [ast.parse(text)] if path.suffix == ".py" else _cell_trees(json.loads(text))
    names = {name for tree in trees for node in ast.walk(tree) for name in _imports(node)}
    roots = {name.partition(".")[0] for name in names}
    wanted = {
        r
        for r in roots - set(sys.stdlib_module_names) - _NEVER - {"salesops_lib"}
        if importlib.util.find_spec(r)
    }
    return sorted(name for name in names if name.partition(".")[0] in wanted)


def _library_files(library: Path) -> list[Path]:
    return [
        p for p in sorted(library.rglob("*.py")) if not _NOT_PRELOADED & set(p.relative_to(library).parts)
    ]


def _library_modules() -> list[str]:
    modules = ["salesops_lib.publish.bundle", "salesops_lib.publish.formatting"]
    for path in _library_files(_LIBRARY):
        parts = path.relative_to(_LIBRARY.parent).with_suffix("").parts
        modules.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return modules


def _cell_trees(notebook: dict) -> list[ast.Module]:
    sources = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    return [ast.parse(s) for s in sources if not s.lstrip().startswith(("%", "!"))]


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []


class _Zygote:
    """Waits for requests and for children; one thread, one loop."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.status_pipes: dict[int, int] = {}  # pid → write end
        self.wakeup_read, self.wakeup_write = os.pipe()
        os.set_blocking(self.wakeup_read, False)
        os.set_blocking(self.wakeup_write, False)

    def run(self) -> None:
        """Serve requests and report ended children until the runner hangs up."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wakeup_write)
        with selectors.DefaultSelector() as selector:
            selector.register(self.control, selectors.EVENT_READ)
            selector.register(self.wakeup_read, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self.control:
                        request = _receive(self.control)
                        if request is None:
                            return self._end()
                        self._fork(*request, selector)
                    else:
                        with contextlib.suppress(BlockingIOError):
                            os.read(self.wakeup_read, 4096)
                        self._reap()

    def _fork(self, request: dict, status_pipe: int, selector) -> None:
        pid = os.fork()
        if pid == 0:
            selector.close()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for fd in (self.wakeup_read, self.wakeup_write, status_pipe, *self.status_pipes.values()):
                os.close(fd)
            self.control.close()
            _run_and_exit(request)
        with contextlib.suppress(OSError):  # the child does the same; whoever is first
            os.setpgid(pid, pid)
        self.status_pipes[pid] = status_pipe
        _send(self.control, {"pid": pid})

    def _reap(self) -> None:
        while self.status_pipes:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            pipe = self.status_pipes.pop(pid, None)
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    os.write(pipe, STATUS.pack(os.waitstatus_to_exitcode(status)))
                os.close(pipe)

    def _end(self) -> None:
        for pid in self.status_pipes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        self._reap()


def _run_and_exit(request: dict) -> None:
    """In the child: become a kernel; never return to the fork server's loop."""
    code = 1
    try:
        _become(request)
        _run_kernel(request["arguments"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        atexit._run_exitfuncs()
        os._exit(code)


def _become(request: dict) -> None:
    os.setpgid(0, 0)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.close(nothing)
    if request.get("memory_bytes"):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (request["memory_bytes"],) * 2)
    # Every fork would otherwise draw the same numbers.
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


def _run_kernel(arguments: list[str]) -> None:
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["ipykernel_launcher.py", *arguments]
    app = IPKernelApp.instance(
        parent_handle=os.getppid(), outstream_class="salesops_lib.publish.running.stream.Stream"
    )
    app.config.HistoryManager.enabled = False
    app.initialize(arguments)
    # A process that ends needs no collection of garbage. What objects close when nobody holds them, they
    # close, but those that hold each other.
    atexit.unregister(app.shell.atexit_operations)
    atexit.register(app.shell.user_ns.clear)
    backend = os.environ.get("MPLBACKEND", "")
    if "matplotlib" in sys.modules and backend.endswith("backend_inline") and app.shell:
        # pyplot was loaded without a shell: without this, charts vanish silently.
        app.shell.run_line_magic("matplotlib", "inline")
    app.start()


def _send(control: socket.socket, message: dict) -> None:
    body = json.dumps(message).encode()
    control.sendall(LENGTH.pack(len(body)) + body)


def _receive(control: socket.socket) -> tuple[dict, int] | None:
    """The next request and the pipe sent with it; None where the parent is gone."""
    fds = array.array("i")
    head, ancillary, _, _ = control.recvmsg(LENGTH.size, socket.CMSG_SPACE(fds.itemsize))
    if not head:
        return None
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    body = read_exactly(control, LENGTH.unpack(head)[0])
    return (json.loads(body), fds[0]) if body is not None else None


def read_exactly(control: socket.socket, size: int) -> bytes | None:
    """``size`` bytes, or None where the other side is gone."""
    parts = []
    while size:
        part = control.recv(size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
