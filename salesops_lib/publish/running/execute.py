"""One run: the notebook through papermill into a staging folder, checked, rendered, ready to publish.

A run is good when nothing raised, every code cell has run, and the notebook closed its report.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salesops_lib.publish.running import kernels  # before papermill: it makes its import cheap

# isort: split
import nbformat
import papermill
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from salesops_lib.publish import bundle, standing
from salesops_lib.publish.catalog import Run
from salesops_lib.publish.running.task import Failure

KERNEL = "python3"
VIEW_DIR = "SALESOPS_VIEW_DIR"  # as salesops_lib.inputs.view reads it
LEFT_OUT = "SALESOPS_LEFT_OUT"  # as salesops_lib.inputs.left_out reads it
CELL_SECONDS = 600
_ENGINE = "salesops"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Executed:
    """What came out: the notebook as far as it got, how long its cells took, and the failure if any."""

    notebook: nbformat.NotebookNode
    failure: Failure | None


class _Engine(NBClientEngine):
    """Keeps the notebook as far as it got, whatever ends the run."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, *, seen, **kwargs):
        seen.append(nb_man.nb)
        return super().execute_managed_notebook(nb_man, kernel_name, **kwargs)


papermill_engines.register(_ENGINE, _Engine)
# nbclient and papermill log what we tell in our own line.
for _name in ("papermill", "traitlets"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False
logging.getLogger("papermill").setLevel(logging.CRITICAL)


def execute(
    run: Run,
    parameters: dict[str, Any],
    staged: Path,
    *,
    on_cell: Callable[[], None] = lambda: None,
    cell_seconds: int = CELL_SECONDS,
    run_seconds: int = 900,
    reports: Path | None = None,
    view: Path | None = None,
    left_out: Mapping[str, str] | None = None,
) -> Executed:
    """Run a notebook in its own kernel; what it hands over lands in ``staged``.

    ``notebook.ipynb`` is written there as far as it got. Raises nothing for a notebook's fault: that is the
    failure. ``reports`` is the folder it may gather reports from, ``view`` the cut of the data it is held
    to, ``left_out`` the tables it does without, and why.
    """
    gathers = {standing.REPORTS_DIR: str(reports.resolve())} if reports else {}
    manager = kernels.RunKernelManager(
        run_env={
            bundle.BUNDLE_DIR: str(staged),
            VIEW_DIR: str(view or ""),
            LEFT_OUT: json.dumps(left_out) if left_out else "",
            **gathers,
        },
        run_cwd=str(run.notebook.path.parent),
        kernel_name=KERNEL,
    )
    seen: list[nbformat.NotebookNode] = []
    failure = None
    with _watchdog(manager, run_seconds) as late, _shut_down(manager):
        try:
            papermill.execute_notebook(
                nbformat.from_dict(run.notebook.document),
                None,
                parameters=dict(parameters),
                engine_name=_ENGINE,
                kernel_name=KERNEL,
                progress_bar=False,
                autosave_cell_every=0,
                request_save_on_cell_execute=False,
                execution_timeout=cell_seconds,
                km=manager,
                seen=seen,
                on_cell_executed=lambda **_: on_cell(),
            )
        except PapermillExecutionError as fault:
            failure = Failure(fault.cell_index, _said(fault.ename, fault.evalue))
        except (CellTimeoutError, DeadKernelError, CellExecutionError, RuntimeError, OSError) as fault:
            manager.kill_now()
            failure = _stopped(fault, seen, late, cell_seconds, run_seconds)
    notebook = seen[0] if seen else nbformat.from_dict(run.notebook.document)
    failure = failure or _unfinished(notebook, staged)
    text = nbformat.writes(notebook)
    (staged / "notebook.ipynb").write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    return Executed(notebook, failure)


def _stopped(fault: Exception, seen, late: threading.Event, cell_seconds: int, run_seconds: int) -> Failure:
    cell = _last_started(seen[0]) if seen else None
    if late.is_set():
        return Failure(cell, f"the run took longer than {run_seconds} s and was stopped")
    if isinstance(fault, CellTimeoutError):
        return Failure(cell, f"the cell took longer than {cell_seconds} s and was stopped")
    if isinstance(fault, DeadKernelError):
        return Failure(cell, "the kernel died (killed, out of memory, or os._exit)", transient=True)
    # Not raised in a cell: the kernel did not start or could not be reached.
    transient = isinstance(fault, (RuntimeError, OSError))
    return Failure(cell, _said(type(fault).__name__, str(fault)), transient)


def _said(name: str, text: str) -> str:
    """An error in one line; a kernel without memory for its own message ends with an empty one."""
    if not text.strip() and name == CellExecutionError.__name__:
        text = "the kernel could not say why, as when it is out of memory"
    return f"{name}: {_one_line(text)}"


def _unfinished(notebook, staged: Path) -> Failure | None:
    """Papermill marks cells completed that never ran; the execution count does not lie."""
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
            return Failure(index, "this cell never ran; one before it ended the notebook")
    if not (staged / "manifest.json").is_file():
        return Failure(None, "the notebook did not end with report.close()")
    return None


def _last_started(notebook) -> int | None:
    started = [
        index
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and cell.metadata.get("papermill", {}).get("start_time")
    ]
    return started[-1] if started else None


@contextlib.contextmanager
def _watchdog(manager: kernels.RunKernelManager, seconds: int):
    """Kill the kernel when the whole run takes too long; the event says that it was this."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        manager.kill_now()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


@contextlib.contextmanager
def _shut_down(manager: kernels.RunKernelManager):
    try:
        yield
    finally:
        run_sync(manager.finish)()


def _one_line(text: str) -> str:
    return " ".join(_ANSI.sub("", text).split())[:500]
