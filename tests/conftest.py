"""Fixtures every test may ask for, the two tiers of notebook tests, and the count of real-case tests."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CASES = ROOT.parent / "shared" / "cases"
GOLDEN = ROOT / "tests" / "golden"
# As in the kernels of runs: threads of two workers that wait for each other cost five times the time.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
_RAN = ("passed", "failed", "xfailed", "xpassed")


def pytest_configure(config: pytest.Config) -> None:
    """Laws meet the same examples in every run, so that a commit passes or fails for good.

    ``--hypothesis-profile=default`` looks for new ones.
    """
    # Notebooks that gather reports find none: what stands under reports/ differs from machine to machine.
    os.environ["SALESOPS_REPORTS_DIR"] = str(GOLDEN / "no-reports")
    if config.pluginmanager.hasplugin("hypothesispytest"):
        from hypothesis import settings

        settings.register_profile("house", derandomize=True, deadline=None)
        if not config.getoption("--hypothesis-profile"):
            settings.load_profile("house")


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of third-party data; the test is skipped where it is not beside the repository."""
    if not CASES.is_dir():
        pytest.skip("real cases: ../shared/cases is not beside the repository")
    return CASES


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the Chromium binary that browser tests drive."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    return found


@pytest.fixture(scope="session")
def sample() -> Path:
    """The committed sample company; tests read it and never write to it."""
    return ROOT / "data" / "sample"


def _code(notebook: Path) -> list[str]:
    """The code cells of a notebook but the parameters that papermill put in; none where it is not there."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"] if notebook.is_file() else []
    return [
        "".join(c["source"])
        for c in cells
        if c["cell_type"] == "code" and "injected-parameters" not in c["metadata"].get("tags", [])
    ]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark by fixture, so that no test on real cases or in a browser escapes the count.

    A notebook whose golden copy has the same cells runs once: there, where it has to say the same as well.
    """
    golden = {item.path.name for item in items if item.path.parent == GOLDEN}
    same = {name for name in golden if _code(ROOT / "notebooks" / name) == _code(GOLDEN / name)}
    twice = [i for i in items if i.path.parent == ROOT / "notebooks" and i.path.name in same]
    if twice:
        items[:] = [item for item in items if item not in twice]
        config.hook.pytest_deselected(items=twice)
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "cases" in names:
            item.add_marker("case")
        if "chromium" in names:
            item.add_marker("browser")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector):
    """Under tests/ only golden notebooks are run by nbval, and their outputs are compared.

    Notebooks under notebooks/ are stored without outputs and run in nbval's lax tier; the notebooks that
    other tests use as fixtures are theirs to run.
    """
    collected = yield
    if file_path.suffix != ".ipynb":
        return collected
    if file_path.parent != GOLDEN:
        return []
    for notebook in collected:
        notebook.compare_outputs = True
    return collected


def pytest_collection_finish(session: pytest.Session) -> None:
    """Notebook cells run in forked kernels, as `salesops run` runs them: several times faster."""
    if any(item.path.suffix == ".ipynb" for item in session.items):
        from salesops_lib.publish.running import kernels

        kernels.use_fork_server(ROOT / "notebooks", start=False)


def _case_reports(config: pytest.Config, outcomes: tuple[str, ...]) -> set[str]:
    stats = config.pluginmanager.getplugin("terminalreporter").stats
    return {
        report.nodeid
        for outcome in outcomes
        for report in stats.get(outcome, ())
        if "case" in getattr(report, "keywords", ())
    }


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped real case fails the run where the cases are there."""
    if hasattr(session.config, "workerinput") or not CASES.is_dir():
        return
    if _case_reports(session.config, ("skipped",)) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """Say how many tests ran on real cases, and which did not."""
    skipped = _case_reports(config, ("skipped",))
    ran = _case_reports(config, _RAN)
    if not ran and not skipped:
        return
    terminalreporter.write_line(f"real-case tests: {len(ran)} ran, {len(skipped)} skipped")
    if skipped and CASES.is_dir():
        terminalreporter.write_line("../shared/cases is there, so none of these may be skipped:", red=True)
        for nodeid in sorted(skipped):
            terminalreporter.write_line(f"  {nodeid}", red=True)
