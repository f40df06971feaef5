"""The two tiers of notebook tests: a stored notebook only has to run, a golden one has to say the same."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
TABLE = {"text/plain": "share\n0.71", "text/html": "<table><tr><td>71 %</td></tr></table>"}
CELL = "from IPython.display import display\ndisplay({data!r}, raw=True)\nprint('run at {at}')"


def golden(path: Path, shown: dict[str, str], *, stored_at: str = "2026-11-23 11:00:00") -> None:
    """A notebook whose stored output is `shown` and whose code shows TABLE."""
    cell = nbformat.v4.new_code_cell(CELL.format(data=TABLE, at="2026-11-23 12:34:56"), execution_count=1)
    cell.outputs = [
        nbformat.v4.new_output("display_data", data=shown | {"image/png": "never compared"}),
        nbformat.v4.new_output("stream", name="stdout", text=f"run at {stored_at}\n"),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)


def stored(path: Path, code: str) -> None:
    """A notebook without outputs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), path)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of this repository's test settings, with no test in it yet."""
    (tmp_path / "tests").mkdir()
    for name in ("pyproject.toml", "tests/conftest.py", "tests/nbval-sanitize.cfg"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(project: Path, *, forked: bool = False) -> subprocess.CompletedProcess:
    (project / "notebooks").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests", "notebooks"]
    env = os.environ | {"PYTHONPATH": str(ROOT), "SALESOPS_FORK": str(int(forked))}
    return subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)


def test_notebooks_pass_that_run_and_golden_ones_that_say_the_same(project):
    golden(project / "tests" / "golden" / "a.ipynb", TABLE)
    stored(project / "notebooks" / "good.ipynb", "1 + 1")
    # Notebooks that other tests use as fixtures are theirs to run.
    stored(project / "tests" / "publish" / "bad.ipynb", "1 / 0")
    done = run(project)
    assert "2 passed" in done.stdout, done.stdout
    assert done.returncode == 0


def test_a_changed_number_in_a_golden_notebook_fails(project):
    golden(project / "tests" / "golden" / "a.ipynb", TABLE | {"text/html": "<td>72 %</td>"})
    done = run(project)
    assert "Cell outputs differ" in done.stdout
    assert "1 failed" in done.stdout
    assert done.returncode == 1


def test_a_stored_notebook_that_breaks_fails(project):
    stored(project / "notebooks" / "bad.ipynb", "1 / 0")
    done = run(project)
    assert "ZeroDivisionError" in done.stdout
    assert "1 failed" in done.stdout
    assert done.returncode == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asserted on Linux; others may fall back")
def test_notebook_cells_run_in_forked_kernels(project):
    stored(
        project / "notebooks" / "a.ipynb", "import sys\nassert 'salesops_lib.core.findings' in sys.modules"
    )
    done = run(project, forked=True)
    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("beside", "code", "said"),
    [(True, 1, "none of these may be skipped"), (False, 0, "real-case tests: 0 ran, 1 skipped")],
)
def test_a_skipped_real_case_fails_only_where_the_cases_are(project, beside, code, said):
    (project / "tests" / "test_case.py").write_text(
        "import pytest\ndef test_a_case(cases):\n    pytest.skip('not today')\n"
    )
    inner = project / "repository"
    inner.mkdir()
    for name in ("pyproject.toml", "tests"):
        shutil.move(project / name, inner / name)
    if beside:
        (project / "shared" / "cases").mkdir(parents=True)
    done = run(inner)
    assert done.returncode == code
    assert said in done.stdout


def test_a_test_on_real_cases_is_counted_without_a_mark(project):
    (project / "tests" / "test_case.py").write_text("def test_a_case(cases):\n    assert cases.is_dir()\n")
    inner = project / "repository"
    inner.mkdir()
    for name in ("pyproject.toml", "tests"):
        shutil.move(project / name, inner / name)
    (project / "shared" / "cases").mkdir(parents=True)
    assert "real-case tests: 1 ran, 0 skipped" in run(inner).stdout


def test_every_committed_notebook_has_its_golden():
    # A new one passes until it is committed; from then on `make golden` keeps its outputs.
    listed = subprocess.run(
        ["git", "ls-files", "notebooks"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    committed = {Path(name).name for name in listed.stdout.split() if name.endswith(".ipynb")}
    assert committed == {path.name for path in (ROOT / "tests" / "golden").glob("*.ipynb")}


def test_the_golden_notebooks_are_executed_to_the_end():
    for path in sorted((ROOT / "tests" / "golden").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        counts = [c["execution_count"] for c in cells if c["cell_type"] == "code"]
        assert counts == list(range(1, len(counts) + 1)), path.name


def test_a_notebook_run_twice_gives_the_same_golden():
    # What regenerate.py keeps must not depend on the moment, the path or the machine.
    reviewable = runpy.run_path(str(ROOT / "tests" / "golden" / "regenerate.py"))["reviewable"]

    def executed(at: str) -> nbformat.NotebookNode:
        cell = nbformat.v4.new_code_cell("show()", execution_count=1)
        cell.metadata = {"tags": ["injected-parameters"], "papermill": {"start_time": at}}
        data = {"text/plain": "71 %", "image/png": f"picture {at}"}
        cell.outputs = [nbformat.v4.new_output("display_data", data=data, metadata={"width": 3})]
        return nbformat.v4.new_notebook(cells=[cell], metadata={"papermill": {"end_time": at}})

    kept = reviewable(executed("2026-11-23T11:00"))
    assert kept == reviewable(executed("2026-11-24T12:00"))
    assert kept.cells[0].outputs[0].data == {"text/plain": "71 %"}
    assert kept.cells[0].metadata.tags == ["injected-parameters"]
