"""Runs begun for a channel and not told yet: what a killed call published, the next one tells.

Before the first report is made, a call leaves a note in the outbox of each channel it was asked to tell by:
its reports and the newest attempt of each. It holds a lock while it lives and takes the note away once it has
told.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from salesops_lib.publish import catalog
from salesops_lib.publish.catalog import Run
from salesops_lib.publish.delivery.outbox import Outbox
from salesops_lib.publish.delivery.sending import Channel, write_private
from salesops_lib.publish.running.attempt import told
from salesops_lib.publish.running.task import Result, Task
from salesops_lib.publish.scheduling.dues import LEFT_OUT
from salesops_lib.publish.store import Store, read_run

_BEGUN = ".begun"


@contextlib.contextmanager
def begun(channels: Sequence[Channel], tasks: Sequence[Task], store: Store) -> Iterator[None]:
    """Note for each channel what is about to be made; the notes stay where the body does not end.

    A note that cannot be written holds nothing up: then only a call killed in between stays untold.
    """
    runs = [
        [task.run.notebook.name, task.run.name, task.as_of.isoformat(), _newest(store, task)]
        for task in tasks
        if not task.lacks
    ]
    with contextlib.ExitStack() as held:
        notes = []
        for channel in channels if runs else ():
            box = Outbox(store.reports, channel)
            note = box.folder / f"{box.prefix}{uuid.uuid4().hex}{_BEGUN}"
            with contextlib.suppress(OSError):
                box.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                held.enter_context(store.try_lock(_lock(note)))
                write_private(note, json.dumps(runs).encode())
                notes.append(note)
        yield
        for note in notes:
            note.unlink(missing_ok=True)
            store.drop_lock(_lock(note))


def untold(box: Outbox, store: Store, root: Path) -> Iterator[list[Result]]:
    """Each note of this channel whose call is gone, and how the reports it began have ended.

    A note is taken away once the caller asks for the next; one that cannot be read is left alone.
    """
    for note in sorted(box.folder.glob(f"{box.prefix}*{_BEGUN}")):
        with store.try_lock(_lock(note)) as gone:
            if not gone:
                continue
            try:
                runs = json.loads(note.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            notebooks = {notebook.name: notebook for notebook in catalog.discover(root)}
            ended = (_ended(store, notebooks.get(name), *rest) for name, *rest in runs)
            yield [result for result in ended if result is not None]
            note.unlink(missing_ok=True)
            store.drop_lock(_lock(note))


def _ended(store: Store, notebook, run_name: str, day: str, before: str) -> Result | None:
    """How the last attempt after ``before`` ended; None where there is none, or its notebook is gone."""
    if notebook is None:
        return None
    run = Run(notebook, run_name, {})
    later = [name for name in _names(store, run.key, day) if name > before]
    folder = store.folder(run.key) / day / later[-1] if later else None
    record = read_run(folder) if folder else None
    if record is None:
        return None
    ingredients = record.get("ingredients") or {}
    left_out = (ingredients.get(LEFT_OUT) or "").split(", ")
    task = Task(
        run,
        date.fromisoformat(day),
        record.get("parameters") or {},
        ingredients,
        "",
        due=record.get("due") or "",
        left_out=tuple((name, "") for name in left_out if name),
    )
    return Result(
        task,
        record["status"],
        findings=record.get("findings"),
        folder=folder,
        error=told(record.get("error")),
        last_good=record.get("last_good") or "",
        news=True,
    )


def _newest(store: Store, task: Task) -> str:
    return max(_names(store, task.run.key, task.as_of.isoformat()), default="")


def _names(store: Store, key: str, day: str) -> list[str]:
    folder = store.folder(key) / day
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _lock(note: Path) -> str:
    return f"outbox-{note.stem}"
