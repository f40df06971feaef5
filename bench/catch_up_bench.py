"""What 52 weekly catch-up runs of one report take against their cells alone, in one warm process.

Allowed is 1.3 × the cells plus the start of the fork server, so the ratio is (command - start) ÷ cells. The
command runs two reports at a time, as ``salesops run`` does unless told otherwise.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from run_bench import NOTEBOOKS, in_a_process

REPORT = "attainment"
LAST = date(2025, 12, 12)
WEEKS = 52
BOUND = 1.3


def measure() -> dict[str, str | float]:
    """Run the report for each of 52 weeks by one ``salesops run``; all times from this one run.

    Returns ``name``, ``ratio``, ``bound`` and the seconds of the command, the cells and the fork server.
    Raises RuntimeError where a run failed or did not come from the fork server.
    """
    days = [str(LAST - timedelta(weeks=back)) for back in reversed(range(WEEKS))]
    with tempfile.TemporaryDirectory() as folder:
        start = in_a_process("run_bench", "fork_server")
        seconds = in_a_process("catch_up_bench", "catch_up", folder, days)
        cells = in_a_process("catch_up_bench", "warm_cells", folder, days)
    return {
        "name": f"catch_up_{WEEKS}_weeks_of_{REPORT}",
        "ratio": round((seconds - start) / cells, 2),
        "bound": BOUND,
        "seconds": round(seconds, 2),
        "cells_seconds": round(cells, 2),
        "fork_server_seconds": round(start, 2),
    }


def catch_up(folder: str, days: list[str]) -> float:
    """Seconds of the command that runs the report for every week, its kernels forked in this process."""
    before = time.perf_counter()
    from salesops_lib.cli import run_command

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        span = f"{days[0]}..{days[-1]}"
        code = run_command(
            ["run", REPORT, "--as-of", span, "--every", "week", "--out", f"{folder}/reports", "--json"]
        )
    seconds = time.perf_counter() - before
    from salesops_lib.publish.kernels import ForkServer

    runs, forked = json.loads(said.getvalue())["runs"], ForkServer.current().forked
    if code or [run["as_of"] for run in runs] != days or forked != len(days):
        why = next((run["error"] for run in runs if run["error"]), "no run failed")
        raise RuntimeError(f"exit {code}, {len(runs)} runs, {forked} forked, of {len(days)} weeks: {why}")
    return seconds


def warm_cells(folder: str, days: list[str]) -> float:
    """Seconds for the cells of the same runs in this process, libraries loaded, one run through before."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    from salesops_lib.publish.zygote import preload

    preload(NOTEBOOKS)
    shell = InteractiveShell.instance()
    os.chdir(NOTEBOOKS)
    document = json.loads((NOTEBOOKS / f"{REPORT}.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(c["source"]) for c in document["cells"] if c["cell_type"] == "code"]
    seconds = 0.0
    for turn, day in enumerate([days[-1], *days]):
        bundle = Path(folder) / f"cells-{turn}"
        bundle.mkdir()
        os.environ["SALESOPS_BUNDLE_DIR"] = str(bundle)
        shell.reset(new_session=False)
        before = time.perf_counter()
        with capture_output():
            for cell in [cells[0], f"as_of = {day!r}", *cells[1:]]:
                shell.run_cell(cell).raise_error()
        seconds += (time.perf_counter() - before) * (turn > 0)
    return seconds


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
