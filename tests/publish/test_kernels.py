"""Forked kernels behave as ordinary ones do, and the fork server really is what makes them."""

import os
import stat
import sys
from pathlib import Path

import nbformat
import nbformat.v4 as nbf
import pytest
from jupyter_core.utils import run_sync

from salesops_lib.publish.running import kernels, zygote

KERNELSPEC = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forked kernels are tested on Linux")


def made(*cells: str):
    return nbf.new_notebook(cells=[nbf.new_code_cell(cell) for cell in cells], metadata=KERNELSPEC)


@pytest.fixture(scope="module")
def server():
    before = kernels.KernelProvisionerFactory.instance().default_provisioner_name
    kernels.use_fork_server()
    yield kernels.ForkServer.current()
    kernels.KernelProvisionerFactory.instance().default_provisioner_name = before


def executed(tmp_path, *cells: str, env=None):
    """Run cells in one forked kernel with nbclient; the notebook."""
    from nbclient import NotebookClient

    manager = kernels.RunKernelManager(run_env=env or {}, run_cwd=str(tmp_path), kernel_name="python3")
    notebook = made(*cells)
    try:
        NotebookClient(notebook, km=manager, timeout=60).execute()
    finally:
        run_sync(manager.finish)()
    return notebook


def texts(notebook) -> list[str]:
    return [
        "".join(o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.outputs)
        for cell in notebook.cells
    ]


@linux
def test_nbclient_takes_its_kernels_from_the_fork_server(server, tmp_path):
    before = server.forked
    (parent,) = texts(executed(tmp_path, "import os; os.getppid()"))
    assert (int(parent), server.forked) == (server.pid, before + 1)


@linux
def test_a_kernel_that_ends_is_not_interrupted_on_the_way(server, tmp_path, monkeypatch):
    from salesops_lib.publish.running.forked import ForkedKernel

    sent = []
    monkeypatch.setattr(ForkedKernel, "send_signal", lambda self, signum: sent.append(signum))
    monkeypatch.setattr("os.killpg", lambda pid, signum: sent.append(signum))
    executed(tmp_path, "1")
    assert sent == []  # an interrupt is caught in the kernel, which prints that it was


@linux
def test_plain_papermill_takes_its_kernels_from_the_fork_server(server, tmp_path):
    import papermill

    done = papermill.execute_notebook(
        made("import os; os.getppid()"), None, kernel_name="python3", progress_bar=False
    )
    assert int(texts(done)[0]) == server.pid


@linux
def test_nbval_takes_its_kernels_from_the_fork_server(server, tmp_path):
    from nbval.kernel import RunningKernel

    before = server.forked
    kernel = RunningKernel("python3", cwd=str(tmp_path))
    try:
        assert kernel.is_alive()
        assert server.forked == before + 1
    finally:
        kernel.stop()


@linux
def test_the_fork_server_has_the_libraries_and_one_thread(server):
    ready = server.ready()
    assert ready["failed"] == []
    assert ready["threads"] == 1


@linux
def test_libraries_are_there_before_the_notebook_imports_them(server, tmp_path):
    (loaded,) = texts(
        executed(tmp_path, "import sys; {'pandas', 'salesops_lib.publish.bundle'} <= set(sys.modules)")
    )
    assert loaded == "True"


@linux
def test_two_kernels_draw_different_random_numbers(server, tmp_path):
    draw = "import numpy as np, random; print(np.random.rand(), random.random())"
    first, second = (texts(executed(tmp_path, draw))[0].split() for _ in range(2))
    assert first[0] != second[0]
    assert first[1] != second[1]


@linux
def test_charts_appear_as_images(server, tmp_path):
    done = executed(tmp_path, "import matplotlib.pyplot as plt; plt.plot([1, 2]);")
    assert [set(o.data) for o in done.cells[0].outputs] == [{"image/png", "text/plain"}]


PRINTING = """
import os, subprocess, sys, threading
print("one"); print("two", file=sys.stderr); print("three", end="")
sys.stdout.flush()
os.write(1, b"four\\n")
thread = threading.Thread(target=print, args=("five",)); thread.start(); thread.join()
subprocess.run([sys.executable, "-c", "print('six')"], check=True)
"""


@linux
def test_whatever_prints_is_in_the_notebook(server, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # where it is set, kernels do not watch descriptors 1 and 2
    notebook = executed(tmp_path, PRINTING, "import time; time.sleep(0.5)", "print('seven')")
    texts = [o.text for cell in notebook.cells for o in cell.outputs if o.output_type == "stream"]
    said = "".join(texts)
    for word in ("one", "two", "three", "four", "five", "six", "seven"):
        assert said.count(word) == 1, said
    assert said.index("one") < said.index("three") < said.index("seven")


@linux
def test_a_file_left_open_is_written_out_when_the_kernel_ends(server, tmp_path):
    executed(tmp_path, "left = open('left.txt', 'w'); left.write('all of it')")
    assert (tmp_path / "left.txt").read_text() == "all of it"


@linux
@pytest.mark.parametrize(
    "pool",
    [
        "multiprocessing.Pool(2)",
        "multiprocessing.get_context('spawn').Pool(2)",
        "multiprocessing.get_context('forkserver').Pool(2)",
        "concurrent.futures.ProcessPoolExecutor(2)",
        "concurrent.futures.ThreadPoolExecutor(2)",
    ],
)
def test_a_notebook_may_start_pools(server, tmp_path, pool):
    work = "print(list(pool.map(abs, [-1, -2])))"
    cell = f"import multiprocessing, concurrent.futures\nwith {pool} as pool: {work}"
    assert texts(executed(tmp_path, cell)) == ["[1, 2]\n"]


@linux
def test_a_notebook_may_query_duckdb_on_several_threads(server, tmp_path):
    query = "import duckdb; duckdb.connect().sql('select sum(i) from range(1000000) t(i)').fetchone()[0]"
    assert texts(executed(tmp_path, query)) == ["499999500000"]


@linux
@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os._exit(0)", "os.abort()"])
def test_a_kernel_that_dies_is_a_dead_kernel(server, tmp_path, end):
    from nbclient.exceptions import DeadKernelError

    with pytest.raises(DeadKernelError, match="died"):
        executed(tmp_path, f"import os; {end}")


@linux
def test_a_kernel_has_its_own_environment_folder_and_memory(server, tmp_path):
    limit = "resource.getrlimit(resource.RLIMIT_AS)[0]"
    done = executed(
        tmp_path,
        f"import os, resource; print(os.environ['SALESOPS_X'], os.getcwd(), {limit})",
        "mark = 1",
        env={"SALESOPS_X": "one", "SALESOPS_MEMORY_BYTES": str(64 << 30)},
    )
    assert texts(done)[0].split() == ["one", str(tmp_path), str(64 << 30)]
    again = executed(tmp_path, "import os; print('SALESOPS_X' in os.environ, 'mark' in globals())")
    assert texts(again) == ["False False\n"]


@linux
def test_memory_beyond_the_limit_is_an_error_of_the_notebook(server, tmp_path):
    from nbclient.exceptions import CellExecutionError

    limit = {"SALESOPS_MEMORY_BYTES": str(8 << 30)}
    with pytest.raises(CellExecutionError, match="MemoryError"):
        executed(tmp_path, "x = bytearray(9 << 30)", env=limit)


@linux
def test_channels_are_sockets_only_this_user_can_open(server, tmp_path):
    manager = kernels.RunKernelManager(run_env={}, run_cwd=str(tmp_path), kernel_name="python3")
    run_sync(manager.start_kernel)()
    try:
        folder = Path(manager.ip).parent
        assert manager.transport == "ipc"
        assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
        assert Path(manager.connection_file).parent == folder
    finally:
        run_sync(manager.finish)()
    assert not folder.exists()


@linux
def test_kernels_end_with_the_fork_server(tmp_path):
    server = kernels.ForkServer(tmp_path)
    server.ready()
    connection = tmp_path / "k.json"
    kernel = server.fork(["-f", str(connection)], dict(os.environ), str(tmp_path))
    assert kernel.poll() is None
    server.close()
    assert kernel.wait(timeout=10) == -9


@linux
def test_a_fork_server_that_died_is_replaced(server):
    dead = kernels.ForkServer.current()
    dead._process.kill()
    dead._process.wait()
    fresh = kernels.ForkServer.current()
    assert fresh.pid != dead.pid
    fresh.ready()


def test_where_fork_is_missing_an_ordinary_kernel_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("SALESOPS_FORK", "0")
    kernels.use_fork_server()
    (parent,) = texts(executed(tmp_path, "import os; os.getppid()"))
    assert int(parent) == os.getpid()


@linux
def test_where_the_fork_server_cannot_start_an_ordinary_kernel_does(server, tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "_START", "raise SystemExit(3)")
    monkeypatch.setattr(kernels.ForkServer, "_current", None)
    (parent,) = texts(executed(tmp_path, "import os; os.getppid()"))
    assert int(parent) == os.getpid()


def test_another_pythons_kernel_is_not_forked():
    own = [sys.executable, "-m", "ipykernel_launcher", "-f", "x"]
    assert kernels._is_own_kernel(own)
    assert not kernels._is_own_kernel(["/usr/bin/env", *own[1:]])
    assert not kernels._is_own_kernel([sys.executable, "-m", "another_kernel", "-f", "x"])


def test_what_is_preloaded_is_what_the_notebooks_side_imports(tmp_path):
    library = tmp_path / "lib"
    for path, code in {
        "churn/model.py": "import pandas as pd\ndef f():\n    import duckdb\n    import no_such_package\n",
        "publish/rendering/render.py": "import nbconvert\n",
        "cli.py": "import typer\n",
        "churn/half_written.py": "import numpy\ndef f(:\n",
    }.items():
        (library / path).parent.mkdir(parents=True, exist_ok=True)
        (library / path).write_text(code)
    (tmp_path / "a.ipynb").write_text(nbformat.writes(made("import pyarrow")))
    assert zygote.imported_names(library, tmp_path) == ["duckdb", "pandas", "pyarrow"]


@linux
@pytest.mark.parametrize(("said", "given"), [({}, "1"), ({"OMP_NUM_THREADS": "3"}, "3")])
def test_a_kernel_has_one_thread_for_its_sums_unless_its_environment_says_more(
    server, tmp_path, monkeypatch, said, given
):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    (text,) = texts(executed(tmp_path, "import os; os.environ['OMP_NUM_THREADS']", env=said))
    assert text == repr(given)
