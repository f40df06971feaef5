"""Runs what was asked, tells it on the console or as JSON, delivers it where asked; the exit code."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from enum import IntEnum

from salesops_lib.publish.delivery import notify
from salesops_lib.publish.request import Asked, Workbench, tasks_for
from salesops_lib.publish.store import Store

LOCK_TRIES = 3
LOCK_SECONDS = 10.0  # between them


class Exit(IntEnum):
    """What the process ends with; where several are true, the first of FAILED, STALE, UNDELIVERED.

    A mistake of the user is 2, as everywhere.
    """

    DONE = 0
    FAILED = 1
    STALE = 3
    UNDELIVERED = 4
    BUSY = 5


def run_reports(
    asked: Asked,
    bench: Workbench,
    *,
    jobs: int = 1,
    as_json: bool = False,
    dry_run: bool = False,
    channels: Sequence[notify.Channel] = (),
) -> int:
    """Run what was asked and say it; the exit code (:class:`Exit`).

    One ``--due`` at a time: another waits a while, then leaves with BUSY.
    """
    from rich.console import Console

    store = Store(bench.reports)
    console = Console(highlight=False, emoji=False, quiet=as_json)
    with _alone(asked, store) as mine:
        if not mine:
            print(
                "error: another scheduled run is at work, this one did nothing; call it again later",
                file=sys.stderr,
            )
            return Exit.BUSY
        left: list[str] = []
        tasks = tasks_for(asked, bench, store, start_kernels=not dry_run, tell=left.append)
        for sentence in left:
            console.print(sentence, soft_wrap=True, markup=False)
        if dry_run:
            return _told_plan(tasks)
        results = _run(tasks, store, jobs, asked, console)
    delivered = notify.deliver(channels, results, bench.reports)
    if as_json:
        _print_json(results, bench, left, delivered)
    else:
        _tell_end(console, results, bench, delivered)
    return _code(asked, results, delivered)


def _run(tasks: Sequence, store: Store, jobs: int, asked: Asked, console) -> list:
    from salesops_lib.publish.running import progress, run

    store.clean()
    with progress.RunProgress(tasks, console) as shown:
        return run.run_all(
            tasks,
            store,
            jobs=jobs,
            resume=not asked.force and (bool(asked.due) or not asked.names),
            on_cell=shown.cell,
            on_done=shown.done,
        )


@contextlib.contextmanager
def _alone(asked: Asked, store: Store) -> Iterator[bool]:
    """Hold the lock of scheduled runs (of these notebooks, where named); False where it stays taken."""
    if not asked.due:
        yield True
        return
    name = "+".join(["schedule", *sorted(set(asked.names))])
    for count in range(1, LOCK_TRIES + 1):
        with store.try_lock(name) as held:
            if held or count == LOCK_TRIES:
                yield held
                return
        time.sleep(LOCK_SECONDS)


def _code(asked: Asked, results: Sequence, delivered: Sequence[notify.Delivery]) -> int:
    statuses = [r.status for r in results]
    # A scheduled report that this data never fed is no fault; asked for, it is one where nothing else ran.
    none_ran = bool(statuses) and not asked.due and set(statuses) <= {"failed", "lacking"}
    if "failed" in statuses or none_ran:
        return Exit.FAILED
    if "stale" in statuses:
        return Exit.STALE
    return Exit.UNDELIVERED if any(d.error for d in delivered) else Exit.DONE


def _told_plan(tasks: Sequence) -> int:
    from salesops_lib.publish.running import progress

    print("\n".join(progress.plan_lines(tasks)) or "nothing is due")
    return Exit.STALE if any(task.stale for task in tasks) else Exit.DONE


def _print_json(results: Sequence, bench: Workbench, left: list[str], delivered) -> None:
    from salesops_lib.publish.running import progress

    more = {"left_out": left, "delivery": [vars(d) for d in delivered]}
    print(progress.as_json(results, bench.reports, **more))


def _tell_end(console, results: Sequence, bench: Workbench, delivered: Sequence[notify.Delivery]) -> None:
    from salesops_lib.publish.running import progress

    if not results:
        console.print("nothing is due")
    counts = {status: sum(r.status == status for r in results) for status in ("failed", "stale")}
    if counts["failed"]:
        console.print(f"[red]{counts['failed']} of {len(results)} failed[/]; the last good reports stand")
    if counts["stale"]:
        console.print(f"[yellow]{counts['stale']} of {len(results)} stale[/]; mend the data, then run again")
    for page in progress.to_open(results, bench.reports):
        console.print(f"open {page}", soft_wrap=True, markup=False)
    for delivery in delivered:
        if delivery.error:
            print(f"error: {delivery.channel}: {delivery.error}", file=sys.stderr)
        else:
            console.print(f"{delivery.channel}: {delivery.done}", soft_wrap=True, markup=False)
