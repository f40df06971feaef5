"""Whether this machine has what the workbench needs: facts, each with what to do where it is a fault."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from salesops_lib.core.errors import UserError
from salesops_lib.inputs.company import repository_root

Fact = tuple[str, bool, str]
"""Name, whether it is well, what was found and what to do."""

MIN_FREE_BYTES = 1_000_000_000


def doctor(root: Path | None = None) -> list[Fact]:
    """The facts, in the order to mend them. A missing browser or fork is said, not counted as a fault."""
    root = root or repository_root()
    return [
        _python(root),
        _packages(root),
        _fork(),
        _chromium(),
        _sample(root),
        _disk(root),
        _reports(root),
    ]


def _python(root: Path) -> Fact:
    from packaging.specifiers import SpecifierSet

    wanted = _project(root)["requires-python"]
    found = ".".join(map(str, sys.version_info[:3]))
    ok = found in SpecifierSet(wanted)
    return "python", ok, f"{found}" if ok else f"{found}; install one that is {wanted}"


def _packages(root: Path) -> Fact:
    from packaging.requirements import Requirement

    faults, count = [], 0
    for line in _project(root)["dependencies"]:
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate():
            continue
        count += 1
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            faults.append(f"{wanted.name} is missing")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            faults.append(f"{wanted.name} is {found}, not {wanted.specifier}")
    text = f"{count} as pyproject.toml asks"
    return "packages", not faults, f"{'; '.join(faults)}; run: make" if faults else text


def _fork() -> Fact:
    if hasattr(os, "fork"):
        return "fork", True, "there: kernels start from a fork server"
    return "fork", True, "missing: ordinary kernels, a second slower each"


def _chromium() -> Fact:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    return "chromium", True, path or "missing: browser tests are skipped (Debian: apt-get install chromium)"


def _sample(root: Path) -> Fact:
    from salesops_lib.inputs.load import open_snapshot

    try:
        snapshot = open_snapshot(root / "data" / "sample")
        rows = len(snapshot.frame("opportunities"))
    except UserError as fault:
        return "data/sample", False, str(fault)
    return "data/sample", True, f"{rows:,} opportunities as of {snapshot.as_of}"


def _disk(root: Path) -> Fact:
    free = shutil.disk_usage(root).free
    text = f"{free / 1e9:,.1f} GB free"
    return "disk", free >= MIN_FREE_BYTES, text if free >= MIN_FREE_BYTES else f"{text}; free 1 GB"


def _reports(root: Path) -> Fact:
    folder = root / "reports"
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return "reports", True, f"{folder} can be written"
    except OSError as fault:
        return "reports", False, f"{folder} cannot be written ({fault.strerror}); mend its permissions"


def _project(root: Path) -> dict:
    import tomllib

    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
