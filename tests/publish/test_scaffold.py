"""A scaffolded notebook passes every check and runs as it is."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from salesops_lib.core.errors import UserError
from salesops_lib.publish import scaffold

ROOT = Path(scaffold.__file__).parents[2]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the workbench with one new notebook, since discovery reads the library's own folder."""
    root = tmp_path_factory.mktemp("workbench")
    skipped = shutil.ignore_patterns("__pycache__", "cases", "golden")
    for name in ("salesops_lib", "notebooks", "data", "playbooks", "tests"):
        shutil.copytree(ROOT / name, root / name, ignore=skipped)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, root / name)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    scaffold.scaffold("deal_wins", root)
    assert {path: path.read_bytes() for path in before} == before
    return root


def python(root, *arguments: str):
    return subprocess.run(
        [sys.executable, *arguments], cwd=root, capture_output=True, text=True, env=_environment(root)
    )


def _environment(root) -> dict:
    import os

    return {**os.environ, "PYTHONPATH": str(root)}


def test_the_new_notebook_runs_on_the_sample_as_it_is(tree):
    done = python(tree, "-m", "salesops_lib", "run", "deal_wins", "--json", "--as-of", "2025-12-12")
    told = json.loads(done.stdout)
    assert [run["error"] for run in told["runs"]] == [None]
    assert (told["status"], done.returncode) == ("ok", 0)
    assert (tree / "reports/deal_wins/company/current/tables/deal_wins_win_rates.csv").is_file()


def test_its_own_tests_and_the_rules_for_notebooks_pass(tree):
    done = python(
        tree,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/deal_wins"),
        *("tests/architecture/test_imports.py", "tests/architecture/test_notebooks.py"),
        *("-k", "deal_wins or every_import or touch_no_file"),  # the others are not about it
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_its_page_adds_no_fault_to_the_playbooks(tree):
    code = (
        "from pathlib import Path; from salesops_lib import handbook\n"
        "handbook.render(Path('playbooks'))\n"
        "print(*[f for f in handbook.check(Path('playbooks')) if 'deal' in str(f).lower()], sep='\\n')"
    )
    done = python(tree, "-c", code)
    assert (done.stdout.strip(), done.stderr) == ("", "")


@pytest.mark.parametrize("name", ["ab", "deal_wins", "win_back", "abcdefghij_klmnopqrst_uvwxyzab"])
def test_what_is_written_is_free_of_lint_whatever_the_name(tmp_path, name):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("core", "inputs", "publish"):  # ruff tells the library's own modules by their files
        shutil.copytree(ROOT / "salesops_lib" / package, tmp_path / "salesops_lib" / package)
    written = [str(p) for p in scaffold.scaffold(name, tmp_path) if p.suffix in {".py", ".ipynb"}]
    for arguments in (["check"], ["format", "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, *written], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "name",
    ["", "a", "Churn", "churn-rate", "churn2", "../churn", "a/b", "churn.py", "_x", "x_", "a__b", "x" * 31,
     "class", "core", "run", "utils", "x\0y", "x\n", "ärger"],
)  # fmt: skip
def test_an_ill_name_is_refused_and_nothing_is_written(tmp_path, name):
    with pytest.raises(UserError, match=r"is no notebook name|is taken by the workbench"):
        scaffold.scaffold(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "stands", ["notebooks/churn.ipynb", "data/policy/churn.yaml", "salesops_lib/churn/x.py"]
)
def test_what_stands_is_never_overwritten(tmp_path, stands):
    path = tmp_path / stands
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(UserError, match=r"churn.* stands already"):
        scaffold.scaffold("churn", tmp_path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]
    assert path.read_text() == "mine"
