"""Which due days of a report are not answered yet: the last one, and those missed before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo

from salesops_lib.core.periods import FiscalCalendar
from salesops_lib.publish.catalog import Run
from salesops_lib.publish.running.task import Task
from salesops_lib.publish.scheduling import schedule
from salesops_lib.publish.store import Store, read_run

CATCH_UP = 8
"""Due days of a report looked back on unless the caller says otherwise."""
LEFT_OUT = "tables left out"
"""An ingredient of a run: it says that the same data was not read whole."""
TRIES = 3
"""Times a scheduled run is tried where what ended it is transient."""
_FARTHEST = 1000


@dataclass(frozen=True)
class Clock:
    """What time it is, and by which calendar; ``last_day`` is the last day the data knows."""

    now: datetime
    zone: tzinfo
    calendar: FiscalCalendar
    last_day: date


@dataclass(frozen=True)
class Due:
    """One report to make: ``moment`` is when it was due, ``due_day`` its day, ``day`` the day to read.

    ``lacking``: it stands, made without a table that failed the gate; made anew once all tables do.
    """

    run: Run
    moment: datetime
    due_day: date
    day: date
    lacking: bool = False

    @property
    def stamp(self) -> str:
        """The moment in UTC, as a run's record keeps it."""
        return f"{self.moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True)
class _Made:
    as_of: str
    answers: datetime
    due: str
    whole: bool


def missed(run: Run, clock: Clock, store: Store, catch_up: int, force: bool) -> tuple[list[Due], str]:
    """Due moments without a good report, oldest first, and a sentence on those left out (or empty).

    Looks at the last ``catch_up`` due moments, back to the day of the first report ever made; the last one
    counts even where there is none, and with ``force`` even where its report stands. A moment is answered
    by a report made for it, or made after it of its day or of the last day the data then knows. Where only
    reports that lack a table answer the last one, it is found as ``lacking``.
    """
    made = _made(run, store)
    first = min((m.as_of for m in made), default="9999")
    found: list[Due] = []
    left: list[date] = []
    count = -1
    for count, moment in enumerate(
        schedule.moments(run.notebook.run_file.cadence, clock.calendar, clock.zone, clock.now)
    ):
        day = moment.astimezone(clock.zone).date()
        if count and (day.isoformat() < first or count >= _FARTHEST):
            break
        due = Due(run, moment, day, min(day, clock.last_day))
        if _answered(due, made) and not (force and count == 0):
            if count == 0 and not _answered(due, [m for m in made if m.whole]):
                found.append(replace(due, lacking=True))
            continue
        if count < catch_up:
            found.append(due)
        else:
            left.append(day)
    if count < 0:
        raise schedule.out_of_reach(run.notebook.run_file.cadence, clock.now)
    return found[::-1], _left_out(run, left, catch_up)


def tasks(
    dues: Sequence[Due],
    to_tasks: Callable[[Iterable[tuple[Run, date]]], list[Task]],
    failing: Callable[[Mapping, Mapping, Mapping], tuple[Mapping, Mapping]],
    store: Store,
) -> list[Task]:
    """One task per report and day; the latest due day whose data failed the gate is a stale one.

    ``failing(needs, optional, days)`` says by notebook and day why the data does not do, and why which
    optional tables do not: the run does without those. Where two due days read the same day of the data,
    the later stands for both.
    """
    if not dues:
        return []
    days: dict[str, set[date]] = {}
    for due in dues:
        days.setdefault(due.run.notebook.name, set()).add(due.due_day)
    files = {due.run.notebook.name: due.run.notebook.run_file for due in dues}
    needs, optional = ({n: getattr(f, kind) for n, f in files.items()} for kind in ("needs", "optional"))
    faults, left = failing(needs, optional, {name: sorted(found) for name, found in days.items()})
    told = [(due, faults.get((due.run.notebook.name, due.due_day), "")) for due in dues]
    last_stale = {due.run.key: due for due, stale in told if stale and not due.lacking}
    wanted: dict[tuple[str, date], tuple[Due, str]] = {}
    for due, stale in told:
        if due.lacking and (stale or left.get((due.run.notebook.name, due.due_day))):
            continue  # what stands is as whole as the data allow
        if stale and last_stale[due.run.key] is not due:  # the later one says it all
            continue
        wanted[due.run.key, due.due_day if stale else due.day] = (due, stale)
    made = to_tasks([(due.run, day) for (_, day), (due, _) in wanted.items()])
    return [
        _without(
            replace(task, due=due.stamp, stale=stale, tries=TRIES),
            left.get((due.run.notebook.name, due.due_day), {}),
            store,
        )
        for task, (due, stale) in zip(made, wanted.values(), strict=True)
    ]


def _without(task: Task, left_out: Mapping[str, str], store: Store) -> Task:
    """The task without some tables: another report than one made with them."""
    from salesops_lib.publish.running.run import why

    if not left_out:
        return task
    names = ", ".join(sorted(left_out))
    task = replace(
        task, left_out=tuple(sorted(left_out.items())), ingredients=task.ingredients | {LEFT_OUT: names}
    )
    return replace(task, reason=task.reason or why(task, store))


def _made(run: Run, store: Store) -> list[_Made]:
    found = []
    for path in sorted(store.folder(run.key).glob("[0-9]*/*/run.json")):
        record = read_run(path.parent) or {}
        if record.get("status") != "ok":
            continue
        due = record.get("due") or ""
        answers = max(datetime.fromisoformat(t) for t in (due, record["started_at"]) if t)
        whole = LEFT_OUT not in (record.get("ingredients") or {})
        found.append(_Made(record["as_of"], answers, due, whole))
    return found


def _answered(due: Due, made: Iterable[_Made]) -> bool:
    days = {due.day.isoformat(), due.due_day.isoformat()}
    moment = due.moment.astimezone(UTC)
    return any(m.due == due.stamp or (m.as_of in days and m.answers >= moment) for m in made)


def _left_out(run: Run, days: Sequence[date], catch_up: int) -> str:
    if not days:
        return ""
    return (
        f"{run.key}: {len(days)} due days from {min(days)} to {max(days)} have no report and are left out; "
        f"--catch-up {catch_up + len(days)} or more goes back to them"
    )
