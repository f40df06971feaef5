"""What a person asked ``salesops run`` for, turned into tasks, run, and told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from salesops_lib.core.errors import TableError, UserError
from salesops_lib.publish import catalog, provenance
from salesops_lib.publish.catalog import Run
from salesops_lib.publish.running import kernels, order
from salesops_lib.publish.running.audience import Seen
from salesops_lib.publish.scheduling import dues, schedule
from salesops_lib.publish.store import Store

EVERY = ("week", "month", "quarter")


class RequestError(UserError):
    """The options of ``run`` do not go together."""


@dataclass(frozen=True)
class Asked:
    """The options as typed."""

    names: tuple[str, ...] = ()
    all: bool = False
    due: str = ""
    data: str = ""
    as_of: str = ""
    every: str = ""
    parameters: tuple[str, ...] = ()
    force: bool = False
    catch_up: int = dues.CATCH_UP

    def __post_init__(self) -> None:
        if not (self.names or self.all or self.due) or (self.all and (self.names or self.due)):
            raise RequestError(
                "say what to run: notebook names, or --all, or --due now (salesops list names them)"
            )
        if self.every and self.every not in EVERY:
            raise RequestError(f"--every {self.every[:20]!r} is none of {', '.join(EVERY)}")
        if self.catch_up < 1:
            raise RequestError("--catch-up counts due days; give 1 or more")
        if self.due and (self.as_of or self.every or self.parameters):
            raise RequestError("--due takes its days from the cadence; leave out --as-of, --every and -p")

    @property
    def given(self) -> dict[str, str]:
        """The ``-p`` options by name."""
        pairs = [text.partition("=") for text in self.parameters]
        for text, (name, equals, _) in zip(self.parameters, pairs, strict=True):
            if not equals or not name:
                raise RequestError(f"-p {text[:60]!r} is no parameter; write -p name=value")
        names = [name for name, _, _ in pairs]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise RequestError(f"-p {doubles[0]} is given twice; give it once")
        return {name: value for name, _, value in pairs}


@dataclass(frozen=True)
class Workbench:
    """Where things are, and the one way to the data: ``open_snapshot(data, day)`` of the inputs package.

    ``lacking(data, day, needs)`` gives, by notebook, what its data lacks; an empty text where it can run.
    ``failing(data, needs, optional, days)`` gives, by notebook and day, why its data failed the gate, and why
    which optional tables did.
    """

    root: Path
    reports: Path
    open_snapshot: Callable[[str, Any], Any]
    lacking: Callable[[str, str, Mapping[str, Mapping]], Mapping[str, str]]
    failing: Callable[..., tuple[Mapping, Mapping]] = lambda *asked: ({}, {})
    seen: Seen | None = None  # the audience the reports are for; None: everybody who may read ``reports``


def tasks_for(
    asked: Asked,
    bench: Workbench,
    store: Store,
    *,
    start_kernels: bool = True,
    tell: Callable[[str], None] = lambda text: None,
) -> list:
    """The tasks, each with the reason it runs. Raises UserError before a kernel starts.

    ``tell`` is given a sentence for each report with due days that are left out.
    """
    notebooks = catalog.discover(bench.root)
    wanted = [catalog.find(notebooks, name) for name in dict.fromkeys(asked.names)] or notebooks
    if bench.seen:
        wanted = bench.seen.allowed(wanted, asked.names)
    for run in [run for notebook in wanted for run in notebook.runs()]:
        run.notebook.parameters.from_text(asked.given)
    data = data_path(asked.data, bench.root)
    kernels.use_fork_server(bench.root / "notebooks", start=start_kernels)  # loads while we read the data
    from salesops_lib.publish.running.run import plan

    resume = not asked.force and (bool(asked.due) or not asked.names)

    def planned(pairs) -> list:
        return plan(pairs, asked.given, data, bench.root, store, resume=resume, seen=bench.seen)

    if asked.due:
        wanted = order.with_needed(notebooks, wanted)
        wanted = bench.seen.allowed(wanted, asked.names) if bench.seen else wanted
        runs = [run for notebook in wanted for run in notebook.runs()]
        tasks = _due(runs, asked, data, bench, store, planned=planned, tell=tell)
    else:
        runs = [run for notebook in wanted for run in notebook.runs()]
        tasks = planned([(run, day) for day in _days(asked, data, bench) for run in runs])
    return _without_data(tasks, data, bench, asked, store)


def _days(asked: Asked, data: str, bench: Workbench) -> list[date]:
    if not asked.as_of:
        if asked.every:
            raise RequestError(f"--every {asked.every} needs a range, --as-of 2025-08-29..2025-12-12")
        return [bench.open_snapshot(data, "").as_of]
    if not asked.every and ".." not in asked.as_of:
        return [schedule.read_day(asked.as_of)]
    calendar = bench.open_snapshot(data, "").company.calendar
    return schedule.read_days(asked.as_of, asked.every or None, calendar)


def _due(
    runs: Sequence[Run], asked: Asked, data: str, bench: Workbench, store: Store, *, planned, tell
) -> list:
    """The tasks of each due moment not answered; those whose data failed the gate are marked stale."""
    try:
        snapshot = bench.open_snapshot(data, "")
    except TableError:  # a table that cannot be read hides the last day; the gate names it
        snapshot = bench.open_snapshot(data, date.today().isoformat())  # noqa: DTZ011
    zone = snapshot.company.zone
    clock = dues.Clock(schedule.read_now(asked.due, zone), zone, snapshot.company.calendar, snapshot.as_of)
    found = []
    for run in runs:
        missing, left = dues.missed(run, clock, store, asked.catch_up, asked.force)
        found += missing
        if left:
            tell(left)
    return dues.tasks(found, planned, lambda *asked: bench.failing(data, *asked), store)


def _without_data(tasks: list, data: str, bench: Workbench, asked: Asked, store: Store) -> list:
    """Mark what the data cannot feed; a notebook asked for by name is refused instead.

    What a scheduled report had before and now lacks makes it stale.
    """
    needs = {task.run.notebook.name: task.run.notebook.run_file.needs for task in tasks}
    if not tasks:
        return tasks
    last = max(task.as_of for task in tasks)
    source = str(bench.seen.view(last).folder) if bench.seen else data
    lacking = bench.lacking(source, last.isoformat(), needs)
    for name in asked.names if not asked.due else ():
        if lacking.get(name):
            whose = f"what {bench.seen.name} may see" if bench.seen else "this data"
            raise RequestError(f"notebook '{name}' cannot run on {whose}: it lacks {lacking[name]}")
    found = [replace(task, lacks=lacking.get(task.run.notebook.name, "")) for task in tasks]
    return [_stale_without(task, store) for task in found] if asked.due else found


def _stale_without(task, store: Store):
    if not task.lacks or task.stale or store.last_good(task.run.key) is None:
        return task
    return replace(task, stale=f"its data lacks {task.lacks}")


def data_path(data: str, root: Path) -> str:
    """What is passed to a notebook: a folder by its full path, a database as it is, empty for the sample."""
    folder = provenance.data_folder(data, root)
    if not data or folder is None:
        return data
    if "\0" in data or not (folder / "company.yaml").is_file():
        raise RequestError(
            f"--data {data[:80]!r} is no company folder (company.yaml); salesops init makes one"
        )
    return str(folder.resolve())
