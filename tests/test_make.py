"""What a newcomer types: the list of targets, and one clear line where Python does not fit."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TARGETS = ["report", "test", "lab", "site", "check", "bench", "golden", "lock"]


def make(*arguments: str) -> str:
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_bare_make_lists_its_targets():
    assert re.findall(r"^  make (\w+) ", make(), re.MULTILINE) == TARGETS


def test_make_test_ends_with_the_suite():
    # Its last line is what people and machines read: pytest's count.
    commands = [line for line in make("-n", "test").split("\n") if line]
    assert commands[-1].endswith("pytest -n 2 --dist loadscope")


def test_bytecode_is_written_even_where_the_environment_says_not_to():
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    probe = 'include Makefile\nprobe:\n\t@echo "[$$PYTHONDONTWRITEBYTECODE]"\n'
    command = ["make", "--no-print-directory", "-f", "-", "probe"]
    done = subprocess.run(command, cwd=ROOT, env=env, input=probe, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def fake_python(folder: Path, name: str, fits: bool, says: str) -> None:
    path = folder / name
    path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "{says}" && exit 0\nexit {0 if fits else 1}\n')
    path.chmod(0o755)


def find_python(folder: Path, **env: str) -> subprocess.CompletedProcess:
    for name in ("bash", "env"):
        (folder / name).symlink_to(f"/usr/bin/{name}")
    command = ["/usr/bin/env", "bash", str(ROOT / "tools" / "python")]
    return subprocess.run(
        command, env={"PATH": str(folder)} | env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("names", [["python3"], ["python3.12"], ["python3.11", "python3.13"]])
def test_a_python_that_fits_is_found(tmp_path, names):
    for name in names:
        fake_python(tmp_path, name, fits=True, says="Python 3.12.4")
    assert find_python(tmp_path).stdout.strip() in names


def test_a_python_too_old_is_refused_in_one_line(tmp_path):
    fake_python(tmp_path, "python3", fits=False, says="Python 3.9.2")
    done = find_python(tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Python 3.11, 3.12 or 3.13 with venv is needed and python3 is 'Python 3.9.2'" in done.stderr


def test_a_named_python_comes_first(tmp_path):
    fake_python(tmp_path, "python3", fits=True, says="Python 3.11.2")
    fake_python(tmp_path, "mine", fits=True, says="Python 3.13.0")
    assert find_python(tmp_path, PYTHON="mine").stdout.strip() == "mine"
