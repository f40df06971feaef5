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


def copy_of_settings(folder: Path) -> Path:
    """This repository's test settings in ``folder``, with no test in it yet."""
    (folder / "tests").mkdir(parents=True)
    for name in ("pyproject.toml", "tests/conftest.py", "tests/nbval-sanitize.cfg"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def run(project: Path, *, forked: bool = False) -> subprocess.CompletedProcess:
    (project / "notebooks").mkdir(exist_ok=True)
    # Plug-ins that neither tier needs cost a second per start.
    without = [
        o for name in ("fugue_test", "fugue_test_fixtures", "hypothesispytest") for o in ("-p", f"no:{name}")
    ]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-rA",
        "-p",
        "no:cacheprovider",
        *without,
        "tests",
        "notebooks",
    ]
    env = os.environ | {"PYTHONPATH": str(ROOT), "SALESOPS_FORK": str(int(forked))}
    return subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def both_tiers(tmp_path_factory) -> subprocess.CompletedProcess:
    """One run over a golden and a stored notebook of each kind: starting pytest costs more than its tests."""
    made = copy_of_settings(tmp_path_factory.mktemp("tiers"))
    golden(made / "tests" / "golden" / "same.ipynb", TABLE)
    golden(made / "tests" / "golden" / "changed.ipynb", TABLE | {"text/html": "<td>72 %</td>"})
    stored(made / "notebooks" / "good.ipynb", "1 + 1")
    stored(made / "notebooks" / "same.ipynb", CELL.format(data=TABLE, at="2026-11-23 12:34:56"))
    stored(made / "notebooks" / "changed.ipynb", "2 + 2")
    stored(made / "notebooks" / "breaks.ipynb", "1 / 0")
    loaded = "import sys\nassert 'salesops_lib.core.findings' in sys.modules"
    stored(made / "notebooks" / "forked.ipynb", loaded)
    # Notebooks that other tests use as fixtures are theirs to run.
    stored(made / "tests" / "publish" / "fixture.ipynb", "1 / 0")
    return run(made, forked=True)


@pytest.mark.parametrize("name", ["tests/golden/same.ipynb", "notebooks/good.ipynb"])
def test_notebooks_pass_that_run_and_golden_ones_that_say_the_same(both_tiers, name):
    assert f"PASSED {name}::Cell 0" in both_tiers.stdout, both_tiers.stdout


def test_a_notebook_with_the_cells_of_its_golden_runs_once_and_a_changed_one_in_both_tiers(both_tiers):
    assert "notebooks/same.ipynb" not in both_tiers.stdout and "1 deselected" in both_tiers.stdout
    assert "PASSED notebooks/changed.ipynb::Cell 0" in both_tiers.stdout


def test_a_changed_number_in_a_golden_notebook_fails(both_tiers):
    assert "FAILED tests/golden/changed.ipynb::Cell 0" in both_tiers.stdout
    assert "Cell outputs differ" in both_tiers.stdout
    assert both_tiers.returncode == 1


def test_a_stored_notebook_that_breaks_fails(both_tiers):
    assert "FAILED notebooks/breaks.ipynb::Cell 0" in both_tiers.stdout
    assert "ZeroDivisionError" in both_tiers.stdout


def test_notebooks_that_are_fixtures_are_not_run(both_tiers):
    assert "fixture.ipynb" not in both_tiers.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asserted on Linux; others may fall back")
def test_notebook_cells_run_in_forked_kernels(both_tiers):
    assert "PASSED notebooks/forked.ipynb::Cell 0" in both_tiers.stdout


@pytest.mark.parametrize(
    ("beside", "code", "said"),
    [
        (True, 1, ["real-case tests: 1 ran, 1 skipped", "none of these may be skipped"]),
        (False, 0, ["real-case tests: 0 ran, 2 skipped"]),
    ],
)
def test_a_skipped_real_case_fails_only_where_the_cases_are(tmp_path, beside, code, said):
    # Told by the fixture alone: neither test has a mark.
    inner = copy_of_settings(tmp_path / "repository")
    (inner / "tests" / "test_case.py").write_text(
        "import pytest\ndef test_a_case(cases):\n    pytest.skip('not today')\n"
        "def test_another(cases):\n    assert cases.is_dir()\n"
    )
    if beside:
        (tmp_path / "shared" / "cases").mkdir(parents=True)
    done = run(inner)
    assert done.returncode == code
    assert all(words in done.stdout for words in said), done.stdout


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
