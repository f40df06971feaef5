"""How long all reports take against the least they could: the same cells in one warm process.

Allowed is 1.6 × the cells plus the start of the fork server, so the ratio is (command - start) ÷ cells.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
JOBS = 2
BOUND = 1.6


def measure() -> dict[str, str | float]:
    """Run every notebook on the sample by ``salesops run --all --jobs 2``; all times from this one run.

    Returns ``name``, ``ratio``, ``bound`` and the seconds of the command, the cells and the fork server.
    """
    with tempfile.TemporaryDirectory() as folder:
        start = in_a_process("run_bench", "fork_server")
        cells = in_a_process("run_bench", "warm_cells", folder)
        command = [sys.executable, "-m", "salesops_lib", "run", "--all", "--jobs", str(JOBS)]
        before = time.perf_counter()
        subprocess.run(  # noqa: S603
            [*command, "--out", f"{folder}/reports", "--json"],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - before
    return {
        "name": f"all_reports_{JOBS}_jobs",
        "ratio": round((seconds - start) / cells, 2),
        "bound": BOUND,
        "seconds": round(seconds, 2),
        "cells_seconds": round(cells, 2),
        "fork_server_seconds": round(start, 2),
    }


def fork_server() -> float:
    """Seconds from nothing to a fork server with everything loaded."""
    from salesops_lib.publish.running.kernels import ForkServer

    before = time.perf_counter()
    server = ForkServer(NOTEBOOKS)
    server.ready()
    seconds = time.perf_counter() - before
    server.close()
    return seconds


def warm_cells(folder: str) -> float:
    """Seconds for the code cells of all notebooks in this process, libraries loaded, second time through."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    from salesops_lib.publish.running.zygote import preload

    preload(NOTEBOOKS)
    shell = InteractiveShell.instance()
    os.chdir(NOTEBOOKS)
    seconds = 0.0
    for turn in range(2):
        seconds = 0.0
        for path in sorted(NOTEBOOKS.glob("*.ipynb")):
            bundle = Path(folder) / f"{path.stem}-{turn}"
            bundle.mkdir()
            os.environ["SALESOPS_BUNDLE_DIR"] = str(bundle)
            document = json.loads(path.read_text(encoding="utf-8"))
            shell.reset(new_session=False)
            before = time.perf_counter()
            with capture_output():
                for cell in document["cells"]:
                    if cell["cell_type"] == "code":
                        shell.run_cell("".join(cell["source"])).raise_error()
            seconds += time.perf_counter() - before
    return seconds


def in_a_process(module: str, function: str, *arguments) -> float:
    """The seconds that a function of a bench returns, called in a process of its own."""
    code = f"import {module}; print('SECONDS', {module}.{function}(*{list(arguments)!r}))"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=bench_environment(),
    )
    return float(done.stdout.rsplit("SECONDS", 1)[1])


def bench_environment() -> dict[str, str]:
    """This one's, with the library and the benches importable."""
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    return {**os.environ, "PYTHONPATH": path}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
