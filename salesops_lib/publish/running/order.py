"""Which reports run before which: what ``after`` and ``reads_reports`` in the run files say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from salesops_lib.core.errors import nearest
from salesops_lib.publish.catalog import CatalogError, Notebook
from salesops_lib.publish.running.task import Result, Task

NOT_GOOD = {"failed", "stale", "lacking"}


def needed(notebooks: Sequence[Notebook]) -> dict[str, set[str]]:
    """By notebook, those that run before it. Raises CatalogError for an unknown name or a circle.

    One that gathers reports runs after every notebook that does not.
    """
    names = {n.name for n in notebooks}
    plain = {n.name for n in notebooks if not n.run_file.reads_reports}
    before: dict[str, set[str]] = {}
    for notebook in notebooks:
        for name in notebook.run_file.after:
            if name not in names:
                hint = nearest(name, names).replace("It takes:", "There are:")
                raise CatalogError(
                    f"notebooks/{notebook.name}.yaml, after: no notebook {name[:60]!r}. {hint}"
                )
        before[notebook.name] = set(notebook.run_file.after) | (
            plain if notebook.run_file.reads_reports else set()
        )
    waves(before)
    return before


def waves(before: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Names in rounds, each after all it needs; names no key stands for are left out."""
    sorter = TopologicalSorter({name: set(needs) & set(before) for name, needs in before.items()})
    try:
        sorter.prepare()
    except CycleError as fault:
        circle = " → ".join(fault.args[1])
        raise CatalogError(
            f"notebooks, after: {circle} wait for each other; take one out of its run file"
        ) from None
    rounds = []
    while sorter.is_active():
        ready = sorter.get_ready()
        rounds.append(sorted(ready))
        sorter.done(*ready)
    return rounds


def with_needed(notebooks: Sequence[Notebook], wanted: Sequence[Notebook]) -> list[Notebook]:
    """``wanted`` and, before them, what their ``after`` names, and theirs."""
    by_name = {n.name: n for n in notebooks}
    found: dict[str, Notebook] = {}

    def add(notebook: Notebook) -> None:
        for name in notebook.run_file.after:
            if name not in found:
                add(by_name[name])
        found.setdefault(notebook.name, notebook)

    needed(notebooks)  # no circle, no unknown name
    for notebook in wanted:
        add(notebook)
    return list(found.values())


def unmet(task: Task, results: Iterable[Result]) -> str:
    """Why a task must wait: a report its run file names in ``after`` ended badly for its latest day."""
    for name in task.run.notebook.run_file.after:
        latest: dict[str, Result] = {}
        for result in results:
            other = result.task
            if other.run.notebook.name != name or other.as_of > task.as_of:
                continue
            if other.run.key not in latest or latest[other.run.key].task.as_of <= other.as_of:
                latest[other.run.key] = result
        for result in latest.values():
            if result.status in NOT_GOOD:
                return f"it needs {result.task.title}, which is {result.status}; it runs once that is good"
    return ""
