"""What 52 weekly catch-up runs of one report cost against their cells alone, in one warm process.

Cost is processor time, of the command, the fork server and every kernel: it says the same on a machine that
does other work, and two reports at a time do not make it less. Allowed is 1.3 × the cells plus the start of
command and fork server, so the ratio is (command - start) ÷ cells. The two sides take turns week by week: the
speed of a shared machine changes by a half within a minute, and one side after the other would measure that.
Each has a copy of the sample of its own: what one has read of a day and kept would be read for nothing by the
other.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from unittest import mock

from run_bench import NOTEBOOKS, ROOT, bench_environment, in_a_process

REPORT = "attainment"
LAST = date(2025, 12, 12)
WEEKS = 52
BOUND = 1.3


def measure() -> dict[str, str | float]:
    """Run the report for each of 52 weeks by one ``salesops run``, its cells alone after each.

    Returns ``name``, ``ratio``, ``bound`` and the processor seconds of the command, the cells and the start.
    Raises RuntimeError where a run failed or did not come from the fork server.
    """
    with tempfile.TemporaryDirectory() as folder:
        seconds = in_a_process("catch_up_bench", "catch_up", folder)
        cells = float((Path(folder) / "cells").read_text(encoding="utf-8"))
        start = in_a_process("catch_up_bench", "start")
    return {
        "name": f"catch_up_{WEEKS}_weeks_of_{REPORT}",
        "ratio": round((seconds - start) / cells, 2),
        "bound": BOUND,
        "seconds": round(seconds, 2),
        "cells_seconds": round(cells, 2),
        "start_seconds": round(start, 2),
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


def catch_up(folder: str) -> float:
    """Processor seconds of the command that runs the report for every week, its kernels forked.

    After each week the same cells run in a warm process beside it, whose seconds are left in ``cells``.
    """
    from salesops_lib.cli import run_command
    from salesops_lib.publish.running import kernels, run
    from salesops_lib.publish.running.kernels import ForkServer

    days = [str(LAST - timedelta(weeks=back)) for back in reversed(range(WEEKS))]
    cells, attempt = _warm_process(folder), run.attempt

    def in_turn(task, *rest):
        result = attempt(task, *rest)
        _ask(cells, task.as_of.isoformat())
        return result

    _ask(cells, days[-1])  # once through before
    said = io.StringIO()
    with contextlib.redirect_stdout(said), mock.patch.object(run, "attempt", in_turn):
        span = f"{days[0]}..{days[-1]}"
        told = ["--data", fresh_copy(folder, "run"), "--out", f"{folder}/reports", "--json"]
        code = run_command(["run", REPORT, "--as-of", span, "--every", "week", *told])
    runs, forked = json.loads(said.getvalue())["runs"], ForkServer.current().forked
    if code or [r["as_of"] for r in runs] != days or forked != len(days):
        why = next((r["error"] for r in runs if r["error"]), "no run failed")
        raise RuntimeError(f"exit {code}, {len(runs)} runs, {forked} forked, of {len(days)} weeks: {why}")
    kernels.close()  # what its kernels cost is known once it has ended
    seconds = processor_seconds()  # before the other side has ended: its own are none of these
    cells.communicate()
    return seconds


def _warm_process(folder: str) -> subprocess.Popen:
    code = f"import catch_up_bench; catch_up_bench.warm_cells({folder!r})"
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code],
        env=bench_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _ask(cells: subprocess.Popen, day: str) -> None:
    cells.stdin.write(f"{day}\n")
    cells.stdin.flush()
    if cells.stdout.readline() != f"{day}\n":
        raise RuntimeError(f"the cells of {day} did not run in the warm process")


def fresh_copy(folder: str, name: str) -> str:
    """The sample in a place of its own, nothing of it read yet."""
    to = Path(folder) / name
    shutil.copytree(ROOT / "data" / "sample", to, ignore=shutil.ignore_patterns(".cache"))
    return str(to)


def warm_cells(folder: str) -> None:
    """Run the cells for each day it is told, and say so; the processor seconds of all but the first."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    from salesops_lib.publish.running.zygote import preload

    preload(NOTEBOOKS)
    shell = InteractiveShell.instance()
    os.chdir(NOTEBOOKS)
    document = json.loads((NOTEBOOKS / f"{REPORT}.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(c["source"]) for c in document["cells"] if c["cell_type"] == "code"]
    seconds, data = 0.0, fresh_copy(folder, "warming-up")
    for turn, day in enumerate(line.strip() for line in sys.stdin):
        if turn == 1:
            data = fresh_copy(folder, "cells-data")  # as the command meets it: not read yet
        bundle = Path(folder) / f"cells-{turn}"
        bundle.mkdir()
        os.environ["SALESOPS_BUNDLE_DIR"] = str(bundle)
        shell.reset(new_session=False)
        before = processor_seconds()
        with capture_output():
            for cell in [cells[0], f"as_of, data = {day!r}, {data!r}", *cells[1:]]:
                shell.run_cell(cell).raise_error()
        seconds += (processor_seconds() - before) * (turn > 0)
        print(day, flush=True)
    (Path(folder) / "cells").write_text(str(seconds), encoding="utf-8")


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
