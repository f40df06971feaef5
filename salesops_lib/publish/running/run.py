"""Runs reports: says what would run and why, then runs it on several kernels at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from salesops_lib.core.errors import UserError
from salesops_lib.publish import catalog, provenance, standing
from salesops_lib.publish.catalog import Run, run_name
from salesops_lib.publish.running import kernels, order
from salesops_lib.publish.running.attempt import attempt, hold
from salesops_lib.publish.running.audience import Seen
from salesops_lib.publish.running.task import Result, Task
from salesops_lib.publish.store import Store, read_run


def plan(
    pairs: Iterable[tuple[Run, date]],
    given: Mapping[str, str],
    data: str,
    root: Path,
    store: Store,
    *,
    resume: bool,
    seen: Seen | None = None,
) -> list[Task]:
    """One task per run and day, in the order given.

    ``given`` are texts from the command line; a run with any gets a name of its own, so that it never takes
    the place of the scheduled one. With ``resume`` a run that stands for the same ingredients is left.
    ``seen``: the audience, whose cut of each day takes the place of the data, its hash too. Raises
    ParameterError before anything starts.
    """
    hashes: dict[str, dict[str, str | None]] = {}
    tasks = []
    for plain, day in pairs:
        run = _with_given(plain, given)
        parameters = _parameters(run, day, seen.data if seen else data)
        view = seen.view(day) if seen else None
        source = str(view.folder) if view else data
        if source not in hashes:
            made = {
                "data": provenance.data_hash(source, root),
                "policy": provenance.policy_hash(source, root),
            }
            hashes[source] = made
        parts = provenance.ingredients(run, parameters, hashes[source])
        task = _gathering(Task(run, day, parameters, parts, "", view=view), store)
        tasks.append(replace(task, reason=why(task, store) if resume else "asked for"))
    return tasks


def _gathering(task: Task, store: Store) -> Task:
    """A task that reads reports is also made from those; they change while the others run."""
    if not task.run.notebook.run_file.reads_reports:
        return task
    root, data = task.run.notebook.path.parents[1], str(task.parameters.get("data", ""))
    folder = provenance.data_folder(data, root)
    ledger = folder / "ledger" / "finding_states.jsonl" if folder else None
    found = standing.standing_hash(store, task.run, task.as_of, ledger)
    return replace(task, ingredients=task.ingredients | {"reports": found})


def why(task: Task, store: Store) -> str:
    """Why a task has to run; empty where a good attempt of its day has the same ingredients."""
    attempt = store.last_good(task.run.key, task.as_of.isoformat())
    before = (read_run(attempt) or {}).get("ingredients") if attempt else None
    if not before:
        return "no report for this day"
    if task.ingredients["data"] is None:
        return "a database may have changed"
    changed = [n for n in {**task.ingredients, **before} if before.get(n) != task.ingredients.get(n)]
    return f"{' and '.join(changed)} changed" if changed else ""


def run_all(
    tasks: Sequence[Task],
    store: Store,
    *,
    jobs: int = 1,
    resume: bool = False,
    on_cell: Callable[[Task], None] = lambda task: None,
    on_done: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Run every task that has a reason, ``jobs`` at a time; one that fails leaves the others alone.

    Each runs after those its run file names in ``after``, and is held back where one of them is not good;
    those that read reports run after all others, by what then stands. Results in the order of ``tasks``.
    """
    told = {"jobs": jobs, "resume": resume, "on_cell": on_cell, "on_done": on_done}
    notebooks = {task.run.notebook.name: task.run.notebook for task in tasks}
    before = order.needed(catalog.discover(tasks[0].run.notebook.path.parents[1])) if tasks else {}
    results: dict[str, Result] = {}
    for names in order.waves({name: before[name] for name in notebooks}):
        wave = [_ready(t, store, results, resume) for t in tasks if t.run.notebook.name in names]
        results |= _wave(wave, store, **told)
    return [results[task.title] for task in tasks]


def _ready(task: Task, store: Store, results: Mapping[str, Result], resume: bool) -> Task:
    """A task as it stands once those before it have ended."""
    if task.run.notebook.run_file.reads_reports:
        task = _gathering(task, store)
        task = replace(task, reason=why(task, store)) if resume else task
    return replace(task, stale=task.stale or order.unmet(task, results.values()))


def _wave(tasks: Sequence[Task], store: Store, *, jobs: int, resume: bool, on_cell, on_done) -> dict:
    results: dict[str, Result] = {}
    waiting = []
    for task in tasks:
        if task.reason and not task.lacks and not task.stale:
            waiting.append(task)
            continue
        results[task.title] = _not_run(task, store)
        on_done(results[task.title])
    stopped = threading.Event()
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        running = [pool.submit(_run_one, task, store, resume, on_cell, stopped) for task in waiting]
        try:
            for future in as_completed(running):
                result = future.result()
                results[result.task.title] = result
                on_done(result)
        except KeyboardInterrupt:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            kernels.close()
            raise
    return results


def _not_run(task: Task, store: Store) -> Result:
    if task.stale:
        try:
            return hold(task, store)
        except (OSError, UserError) as fault:  # one that cannot be kept must not stop the others
            return Result(task, "failed", error=f"stale, and that could not be stored: {fault}")
    return Result(task, "lacking") if task.lacks else _standing(task, store)


def _standing(task: Task, store: Store) -> Result:
    store.settle(task.run.key)
    folder = store.last_good(task.run.key, task.as_of.isoformat())
    findings = (read_run(folder) or {}).get("findings") if folder else None
    return Result(task, "unchanged", findings=findings, folder=folder)


def _with_given(run: Run, given: Mapping[str, str]) -> Run:
    reserved = {"data": "--data", "as_of": "--as-of"}
    for name in given:
        if name in reserved:
            raise UserError(f"-p {name}=… is given by {reserved[name]}; use that")
    values = run.notebook.parameters.from_text(given)
    if not values:
        return run
    return Run(run.notebook, run_name(run.name, values), run.parameters | values)


def _parameters(run: Run, day: date, data: str) -> dict[str, Any]:
    declared = run.notebook.parameters.names
    own = {"data": data, "as_of": day.isoformat()}
    for name in own.keys() & run.parameters.keys():
        raise UserError(f"run '{run.key}' sets {name} in its run file; take it out, the command gives it")
    return {**{k: v for k, v in own.items() if k in declared}, **run.parameters}


def _run_one(task: Task, store: Store, resume: bool, on_cell, stopped: threading.Event) -> Result:
    start = time.monotonic()
    try:
        with store.lock(task.run.key), store.staging() as staged:
            if resume and not why(task, store):  # another process was faster
                return _standing(task, store)
            return attempt(task, store, staged, on_cell, stopped)
    except OSError as fault:
        error = f"could not be stored: {fault.strerror or fault}"
    except Exception as fault:  # what nobody thought of in one report must not stop the others
        error = f"could not be run, {type(fault).__name__}: {fault}"
    return Result(task, "failed", time.monotonic() - start, error=provenance.redacted(error))
