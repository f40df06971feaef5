"""What a person asked ``salesops run`` for, turned into tasks, run, and told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from salesops_lib.core.errors import UserError
from salesops_lib.publish import catalog, kernels, provenance, schedule
from salesops_lib.publish.audience import Seen
from salesops_lib.publish.catalog import Run
from salesops_lib.publish.store import Store, read_run

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

    def __post_init__(self) -> None:
        if sum([bool(self.names), self.all, bool(self.due)]) != 1:
            raise RequestError(
                "say what to run: notebook names, or --all, or --due DAY (salesops list names them)"
            )
        if self.every and self.every not in EVERY:
            raise RequestError(f"--every {self.every[:20]!r} is none of {', '.join(EVERY)}")
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
    """

    root: Path
    reports: Path
    open_snapshot: Callable[[str, Any], Any]
    lacking: Callable[[str, str, Mapping[str, Mapping]], Mapping[str, str]]
    seen: Seen | None = None  # the audience the reports are for; None: everybody who may read ``reports``


def tasks_for(asked: Asked, bench: Workbench, store: Store, *, start_kernels: bool = True) -> list:
    """The tasks, each with the reason it runs. Raises UserError before a kernel starts."""
    notebooks = catalog.discover(bench.root)
    wanted = [catalog.find(notebooks, name) for name in dict.fromkeys(asked.names)] or notebooks
    if bench.seen:
        wanted = bench.seen.allowed(wanted, asked.names)
    for run in [run for notebook in wanted for run in notebook.runs()]:
        run.notebook.parameters.from_text(asked.given)
    data = data_path(asked.data, bench.root)
    kernels.use_fork_server(bench.root / "notebooks", start=start_kernels)  # loads while we read the data
    from salesops_lib.publish.run import plan

    runs = [run for notebook in wanted for run in notebook.runs()]
    resume = not asked.force and not asked.names
    if asked.due:
        pairs = _due(runs, asked.due, data, bench, store, asked.force)
    else:
        days = _days(asked, data, bench)
        pairs = [(run, day) for day in days for run in runs]
    tasks = plan(pairs, asked.given, data, bench.root, store, resume=resume, seen=bench.seen)
    return _without_data(tasks, data, bench, asked)


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
    runs: Sequence[Run], due: str, data: str, bench: Workbench, store: Store, force: bool
) -> list[tuple[Run, date]]:
    """Each run not made since its report was last due, on that day or the data's last, whichever is first."""
    snapshot = bench.open_snapshot(data, "")
    zone = snapshot.company.zone
    now = datetime.now(zone).replace(tzinfo=None) if due == "now" else _end_of(schedule.read_day(due))
    pairs = []
    for run in runs:
        moment = schedule.last_due(run.notebook.run_file.cadence, snapshot.company.calendar, now)
        day = min(moment.date(), snapshot.as_of)
        if force or not _made_since(run, moment, day, store, zone):
            pairs.append((run, day))
    return pairs


def _made_since(run: Run, moment: datetime, day: date, store: Store, zone) -> bool:
    attempt = store.last_good(run.key, day.isoformat())
    record = read_run(attempt) if attempt else None
    if not record:
        return False
    if day == moment.date():
        return True
    started = datetime.fromisoformat(record["started_at"].replace("Z", "+00:00"))
    return started.astimezone(zone).replace(tzinfo=None) >= moment


def _without_data(tasks: list, data: str, bench: Workbench, asked: Asked) -> list:
    """Mark what the data cannot feed; a notebook asked for by name is refused instead."""
    needs = {task.run.notebook.name: task.run.notebook.run_file.needs for task in tasks}
    if not tasks:
        return tasks
    last = max(task.as_of for task in tasks)
    source = str(bench.seen.view(last).folder) if bench.seen else data
    lacking = bench.lacking(source, last.isoformat(), needs)
    for name in asked.names:
        if lacking.get(name):
            whose = f"what {bench.seen.name} may see" if bench.seen else "this data"
            raise RequestError(f"notebook '{name}' cannot run on {whose}: it lacks {lacking[name]}")
    return [replace(task, lacks=lacking.get(task.run.notebook.name, "")) for task in tasks]


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


def run_reports(
    asked: Asked, bench: Workbench, *, jobs: int = 1, as_json: bool = False, dry_run: bool = False
) -> int:
    """Run what was asked and say it; 1 where a run failed or the data feeds none, else 0."""
    from rich.console import Console

    from salesops_lib.publish import progress, run

    store = Store(bench.reports)
    tasks = tasks_for(asked, bench, store, start_kernels=not dry_run)
    console = Console(highlight=False, emoji=False, quiet=as_json)
    if dry_run:
        print("\n".join(progress.plan_lines(tasks)) or "nothing is due")
        return 0
    store.clean()
    with progress.RunProgress(tasks, console) as shown:
        results = run.run_all(
            tasks,
            store,
            jobs=jobs,
            resume=not asked.force and not asked.names,
            on_cell=shown.cell,
            on_done=shown.done,
        )
    if as_json:
        print(progress.as_json(results, bench.reports))
    else:
        _tell_end(console, results, bench)
    bad = [r.status in {"failed", "lacking"} for r in results]
    return int(any(r.status == "failed" for r in results) or (bool(bad) and all(bad)))


def _tell_end(console, results: Sequence, bench: Workbench) -> None:
    from salesops_lib.publish import progress

    if not results:
        console.print("nothing is due")
    failed = sum(result.status == "failed" for result in results)
    if failed:
        console.print(f"[red]{failed} of {len(results)} failed[/]; the last good reports stand")
    for page in progress.to_open(results, bench.reports):
        console.print(f"open {page}", soft_wrap=True, markup=False)


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59))
