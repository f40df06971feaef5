"""Linters are tests like any other: code, notebooks and pages, each proven to find a planted fault."""

import subprocess
import sys
from pathlib import Path

import pytest

import salesops_lib

ROOT = Path(salesops_lib.__file__).parents[1]
BIN = Path(sys.executable).parent
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data", "playbooks", "reports/README.md"]


def lint(tool: str, *arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess:
    command = [str(BIN / tool), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_code_and_notebooks_are_free_of_lint():
    done = lint("ruff", "check", "--output-format=concise", ".")
    assert done.returncode == 0, done.stdout


def test_code_and_notebooks_are_formatted():
    done = lint("ruff", "format", "--check", ".")
    assert done.returncode == 0, done.stdout


def test_pages_are_free_of_lint():
    done = lint("rumdl", "check", *PAGES)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("tool", "arguments", "name", "text"),
    [
        ("ruff", ["check"], "a.py", "import os\n"),
        ("ruff", ["format", "--check"], "a.py", "x=1\n"),
        ("rumdl", ["check"], "a.md", "# A\n\nSee [b](b.md).\n"),
    ],
)
def test_a_planted_fault_is_found_under_our_settings(tmp_path, tool, arguments, name, text):
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (tmp_path / name).write_text(text)
    done = lint(tool, *arguments, name, folder=tmp_path)
    assert done.returncode == 1
    assert name in done.stdout + done.stderr
