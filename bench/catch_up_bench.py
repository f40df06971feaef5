"""What 52 weekly catch-up runs of one report cost against their cells alone, in one warm process.

Cost is processor time, of the command, the fork server and every kernel: it says the same on a machine that
does other work, and two reports at a time do not make it less. Allowed is 1.3 × the cells plus the start of
command and fork server, so the ratio is (command - start) ÷ cells. Each side has a copy of the sample of its
own: what one has read of a day and kept would be read for nothing by the other.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import shutil
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from run_bench import NOTEBOOKS, ROOT, in_a_process

REPORT = "attainment"
LAST = date(2025, 12, 12)
WEEKS = 52
BOUND = 1.3


def measure() -> dict[str, str | float]:
    """Run the report for each of 52 weeks by one ``salesops run``; all from this one run.

    Returns ``name``, ``ratio``, ``bound`` and the processor seconds of the command, the cells and the start,
    and how long the command took. Raises RuntimeError where a run failed or did not come from the fork
    server.
    """
    days = [str(LAST - timedelta(weeks=back)) for back in reversed(range(WEEKS))]
    with tempfile.TemporaryDirectory() as folder:
        start = in_a_process("catch_up_bench", "start")
        before = time.perf_counter()
        seconds = in_a_process("catch_up_bench", "catch_up", folder, days)
        took = time.perf_counter() - before
        cells = in_a_process("catch_up_bench", "warm_cells", folder, days)
    return {
        "name": f"catch_up_{WEEKS}_weeks_of_{REPORT}",
        "ratio": round((seconds - start) / cells, 2),
        "bound": BOUND,
        "seconds": round(seconds, 2),
        "cells_seconds": round(cells, 2),
        "start_seconds": round(start, 2),
        "clock_seconds": round(took, 2),
    }


def processor_seconds() -> float:
    """Of this process and all that ended below it, so far."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def start() -> float:
    """Processor seconds of the command's own libraries and a fork server that forks nothing."""
    from salesops_lib.cli import run_command  # noqa: F401  (as the command loads it)
    from salesops_lib.publish.running import kernels, run  # noqa: F401

    kernels.use_fork_server(NOTEBOOKS)
    kernels.ForkServer.current().ready()
    kernels.close()
    return processor_seconds()


def catch_up(folder: str, days: list[str]) -> float:
    """Processor seconds of the command that runs the report for every week, its kernels forked."""
    from salesops_lib.cli import run_command

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        span = f"{days[0]}..{days[-1]}"
        code = run_command(
            [
                "run",
                REPORT,
                "--data",
                fresh_copy(folder, "run"),
                "--as-of",
                span,
                "--every",
                "week",
                "--out",
                f"{folder}/reports",
                "--json",
            ]
        )
    from salesops_lib.publish.running import kernels
    from salesops_lib.publish.running.kernels import ForkServer

    runs, forked = json.loads(said.getvalue())["runs"], ForkServer.current().forked
    if code or [run["as_of"] for run in runs] != days or forked != len(days):
        why = next((run["error"] for run in runs if run["error"]), "no run failed")
        raise RuntimeError(f"exit {code}, {len(runs)} runs, {forked} forked, of {len(days)} weeks: {why}")
    kernels.close()  # what its kernels cost is known once it has ended
    return processor_seconds()


def fresh_copy(folder: str, name: str) -> str:
    """The sample in a place of its own, nothing of it read yet."""
    to = Path(folder) / name
    shutil.copytree(ROOT / "data" / "sample", to, ignore=shutil.ignore_patterns(".cache"))
    return str(to)


def warm_cells(folder: str, days: list[str]) -> float:
    """Processor seconds for the cells of the same runs in this warm process, one run through before."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    from salesops_lib.publish.running.zygote import preload

    preload(NOTEBOOKS)
    shell = InteractiveShell.instance()
    os.chdir(NOTEBOOKS)
    document = json.loads((NOTEBOOKS / f"{REPORT}.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(c["source"]) for c in document["cells"] if c["cell_type"] == "code"]
    seconds, data = 0.0, fresh_copy(folder, "cells")
    for turn, day in enumerate([days[-1], *days]):
        bundle = Path(folder) / f"cells-{turn}"
        bundle.mkdir()
        os.environ["SALESOPS_BUNDLE_DIR"] = str(bundle)
        shell.reset(new_session=False)
        before = processor_seconds()
        with capture_output():
            for cell in [cells[0], f"as_of, data = {day!r}, {data!r}", *cells[1:]]:
                shell.run_cell(cell).raise_error()
        seconds += (processor_seconds() - before) * (turn > 0)
    return seconds


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
