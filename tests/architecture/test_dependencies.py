"""The lock is complete and names no index, the conda file follows pyproject.toml, licences are fine."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml

import salesops_lib

ROOT = Path(salesops_lib.__file__).parents[1]
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)
_ADDRESS = re.compile(r"https?://|file://|--(extra-)?index-url|--find-links|^-[if] ", re.MULTILINE)
_COPYLEFT = re.compile(
    r"\b(A?GPL)(v|-|\b)|\bAffero\b|(?<!Lesser )(?<!Library )General Public Licen[cs]e", re.I
)
_LESSER = re.compile(r"LGPL|Lesser|Library or Lesser", re.I)


def pins_without_hash(lock: str) -> list[str]:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", lock.strip())
    return [block.split("\n")[0] for block in blocks if "--hash=sha256:" not in block]


def requirements(pyproject: dict) -> set[str]:
    return {*pyproject["project"]["dependencies"], *pyproject["dependency-groups"]["dev"]}


def conda_requirements(environment: dict) -> set[str]:
    (pip,) = (d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    return set(pip) - {"-e ."}


def copyleft(said: list[str]) -> bool:
    """Whether a package can only be had under GPL or AGPL; LGPL is fine, and so is a choice of licences."""
    options = [part for text in said for part in re.split(r"\bOR\b", text)]
    return bool(options) and all(_COPYLEFT.search(o) and not _LESSER.search(o) for o in options)


def licences(distribution: metadata.Distribution) -> list[str]:
    about = distribution.metadata
    if expression := about.get("License-Expression"):
        return [expression]
    classified = [c for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    return classified or [(about.get("License") or "unknown").split("\n")[0]]


@pytest.fixture(scope="module")
def lock() -> str:
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_every_pin_of_the_lock_has_a_hash(lock):
    assert len(_PIN.findall(lock)) > 100
    assert pins_without_hash(lock) == []


def test_a_pin_without_a_hash_is_found():
    lock = "a==1 \\\n    --hash=sha256:00\nb==2\n    # via a\nc==3 \\\n    --hash=sha256:11\n"
    assert pins_without_hash(lock) == ["b==2"]


def test_the_lock_names_no_package_index(lock):
    assert _ADDRESS.findall(lock) == []


@pytest.mark.parametrize(
    "line", ["--index-url https://example.org/simple", "-f wheels", "a @ file:///tmp/a.whl"]
)
def test_an_index_in_the_lock_is_found(line):
    assert _ADDRESS.search(f"a==1\n{line}\n")


def test_every_direct_dependency_is_locked(lock):
    locked = {name.lower().replace("_", "-") for name, _ in _PIN.findall(lock)}
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = {re.match(r"[A-Za-z0-9._-]+", r)[0].lower() for r in requirements(pyproject)}
    assert named - locked == set()


def test_the_conda_environment_follows_pyproject():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert conda_requirements(environment) == requirements(pyproject)
    assert f"python {pyproject['project']['requires-python']}" in environment["dependencies"]


def test_a_conda_environment_left_behind_is_found():
    pyproject = {"project": {"dependencies": ["pandas>=2"]}, "dependency-groups": {"dev": ["pytest>=9"]}}
    environment = {"dependencies": ["python >=3.11", {"pip": ["pandas>=2", "pytest>=8", "-e ."]}]}
    assert conda_requirements(environment) != requirements(pyproject)


def test_no_installed_dependency_is_gpl_or_agpl(lock):
    found = []
    for name, _ in _PIN.findall(lock):
        try:
            said = licences(metadata.distribution(name))
        except metadata.PackageNotFoundError:
            continue  # locked for another platform or Python
        if copyleft(said):
            found.append(f"{name}: {said}")
    assert found == []


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        (["License :: OSI Approved :: GNU General Public License v3 (GPLv3)"], True),
        (["License :: OSI Approved :: GNU Affero General Public License v3"], True),
        (["AGPL-3.0-only"], True),
        (["GPL-2.0-or-later"], True),
        (["License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)"], False),
        (["LGPL-2.1-or-later"], False),
        (["MIT OR GPL-2.0-only"], False),
        (["BSD-3-Clause"], False),
    ],
)
def test_a_copyleft_licence_is_told_from_the_rest(said, refused):
    assert copyleft(said) is refused
