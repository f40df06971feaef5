"""One attempt at a report: run, render, refuse secrets, publish whole; a failed one says so on its page."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from salesops_lib.core.errors import UserError
from salesops_lib.core.findings import Severity
from salesops_lib.publish import integrity, provenance
from salesops_lib.publish.running.task import Failure, Result, Task
from salesops_lib.publish.store import Store, read_run

RETRY_SECONDS = 2.0  # before the second try, twice that before the third


def attempt(
    task: Task, store: Store, staged: Path, on_cell: Callable[[Task], None], stopped: threading.Event
) -> Result:
    """Run ``task`` in the staging folder ``staged`` and move it into place, good or failed.

    Once ``stopped`` is set nothing is moved.
    """
    start = time.monotonic()
    record = _record(task)
    done, record["tries"] = _executed(task, store, staged, on_cell, stopped)
    record["duration_seconds"] = round(time.monotonic() - start, 3)
    if stopped.is_set():  # by the user: an attempt that says nothing is not kept
        return Result(task, "failed", error="stopped")
    failure = done.failure or _complete(record, staged, done.notebook, _earlier(store, task))
    if failure is not None:
        _complete_failed(record, failure, staged, done.notebook, store, task)
    folder = store.publish(staged, task.run.key, task.as_of.isoformat(), good=failure is None)
    seconds = time.monotonic() - start
    return Result(task, record["status"], seconds, record["findings"], folder, _told(record["error"]))


def _executed(task: Task, store: Store, staged: Path, on_cell, stopped: threading.Event):
    """What came out, and in how many tries: more than one only where what ended the run is transient."""
    from salesops_lib.publish.running.execute import execute

    for count in range(1, task.tries + 1):
        done = execute(
            task.run,
            task.parameters,
            staged,
            on_cell=lambda: on_cell(task),
            run_seconds=task.run.notebook.run_file.timeout_seconds,
            reports=store.reports if task.run.notebook.run_file.reads_reports else None,
            view=task.view.folder if task.view else None,
            left_out=dict(task.left_out),
        )
        again = done.failure is not None and done.failure.transient and count < task.tries
        if not again or stopped.wait(RETRY_SECONDS * count):
            break
        for path in staged.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if count > 1 and done.failure is not None:
        told = f"{done.failure.message} ({count} tries)"
        done = replace(done, failure=replace(done.failure, message=told))
    return done, count


def hold(task: Task, store: Store) -> Result:
    """Keep that a report was not run, and why: an attempt of status ``stale``, once for the same reason.

    The last good report stays where it is, under its own day.
    """
    from salesops_lib.publish.rendering.render import render_report

    good = store.last_good(task.run.key)
    day = good.parent.name if good else ""
    held = {"task": task, "status": "stale", "error": task.stale, "last_good": day}
    newest = _newest(store.folder(task.run.key) / task.as_of.isoformat())
    before = read_run(newest) if newest else None
    if before and before.get("status") == "stale" and (before["error"] or {}).get("message") == task.stale:
        return Result(**held, folder=newest)
    record = _record(task) | {
        "status": "stale",
        "error": {"cell": None, "message": task.stale},
        "last_good": day or None,
        "duration_seconds": 0.0,
    }
    with store.lock(task.run.key), store.staging() as staged:
        page = render_report(None, record, [], None, last_good=_last_good(store, task))
        (staged / "report.html").write_text(page, encoding="utf-8")
        _write_record(record, staged)
        provenance.refuse_secrets(staged, provenance.secrets())
        integrity.write_hashes(staged)
        folder = store.publish(staged, task.run.key, task.as_of.isoformat(), good=False)
    return Result(**held, folder=folder, news=True)


def _newest(day: Path) -> Path | None:
    attempts = [p for p in day.iterdir() if p.is_dir()] if day.is_dir() else []
    return max(attempts, key=lambda p: p.name, default=None)


def _told(error: dict | None) -> str:
    """What is stored, and nothing beside it: a secret was taken out there."""
    if error is None:
        return ""
    return error["message"] if error["cell"] is None else f"cell {error['cell']}: {error['message']}"


def _record(task: Task) -> dict[str, Any]:
    """``run.json`` as known before the run."""
    file = task.run.notebook.run_file
    return {
        "notebook": task.run.notebook.name,
        "run": task.run.name,
        "title": f"{file.title}, {task.view.label}" if task.view else file.title,
        "question": file.question,
        "as_of": task.as_of.isoformat(),
        "period": task.parameters.get("period", ""),
        "parameters": {**task.run.notebook.parameters.defaults, **task.parameters},
        "data_hash": task.ingredients["data"],
        "policy_hash": task.ingredients["policy"],
        "code_version": provenance.code_version(),
        "packages": provenance.packages(),
        "seed": task.parameters.get("seed", task.run.notebook.parameters.defaults.get("seed")),
        "due": task.due or None,
        "started_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "duration_seconds": None,
        "status": "failed",
        "error": None,
        "findings": None,
        "ingredients": task.ingredients,
        "fingerprint": provenance.fingerprint(task.ingredients),
        "owner": file.owner,
        "reader": file.reader,
        "domain": file.domain,
        "playbooks": file.playbooks,
        "audience": task.view.audience if task.view else file.audience,
        "view": list(task.view.said) if task.view else [],
        "left_out": [f"Made without table {name}: {why}." for name, why in task.left_out],
        "cadence": file.cadence.model_dump(exclude_none=True),
    }


def _earlier(store: Store, task: Task) -> Path | None:
    """The last good attempt of an earlier day: what a report is compared with."""
    folder = store.folder(task.run.key)
    days = sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
    for day in reversed([d for d in days if d[:1].isdigit() and d < task.as_of.isoformat()]):
        good = store.last_good(task.run.key, day)
        if good is not None:
            return good
    return None


def _complete(record: dict, staged: Path, notebook, earlier: Path | None) -> Failure | None:
    """Render what the notebook handed over; the failure where that cannot be published."""
    try:
        _render(record, staged, notebook, earlier)
        provenance.refuse_secrets(staged, provenance.secrets())
        integrity.write_hashes(staged)
    except UserError as fault:
        return Failure(None, str(fault))
    except Exception as fault:  # one report that cannot be rendered must not stop the others
        (staged / "log.txt").write_text(traceback.format_exc(), encoding="utf-8")
        return Failure(None, f"rendering failed, {type(fault).__name__}: {fault} (see log.txt)")
    return None


def _render(record: dict, staged: Path, notebook, earlier: Path | None) -> None:
    from salesops_lib.publish.bundle import read_findings
    from salesops_lib.publish.rendering import differences, printing, render, workbook

    manifest = json.loads((staged / "manifest.json").read_text(encoding="utf-8"))
    for key in ("notebook", "as_of"):
        if manifest[key] != record[key]:
            raise UserError(
                f"the report says {key} {manifest[key]}, the run is {record[key]}; "
                f"pass the notebook's own name and snapshot.as_of to open_report"
            )
    _refuse_unlisted(staged, manifest)
    found = read_findings(staged)
    counts = [f.severity for f in found]
    record["findings"] = {s.value: counts.count(s) for s in Severity}
    record["period"] = manifest["period"]
    record |= {key: manifest[key] for key in ("identities",) if key in manifest}
    record["status"] = "ok"
    diff = differences.since_last(earlier, found, earlier.parent.name if earlier else None)
    if diff is not None:
        _write(staged / "diff.json", diff)
    changes = differences.lines(diff, manifest["currency"])
    since = {"since": diff["since"], "lines": changes} if diff is not None else None
    page = render.render_report(notebook, record, found, manifest | {"changes": since})
    (staged / "report.html").write_text(page, encoding="utf-8")
    workbook.write_xlsx(staged)
    printing.print_pages(staged, manifest)
    _write_record(record, staged)


def _refuse_unlisted(staged: Path, manifest: dict) -> None:
    """What a notebook wrote past its report is in no list, and may be of a kind that nothing can search."""
    listed = {"notebook.ipynb", "findings.json", "manifest.json"}
    listed |= {f"tables/{name}.csv" for name in manifest["tables"]}
    listed |= {f"attachments/{entry['name']}" for entry in manifest.get("attachments", [])}
    for path in sorted(staged.rglob("*")):
        name = path.relative_to(staged).as_posix()
        if path.is_symlink() or (path.is_file() and name not in listed):
            raise UserError(
                f"the notebook put '{name}' into its bundle; use report.table or report.attachment"
            )


def _complete_failed(record: dict, failure, staged: Path, notebook, store: Store, task: Task) -> None:
    """Leave the executed notebook, ``run.json`` and a page that says so; nothing that looks like a result."""
    from salesops_lib.publish.rendering.render import render_report

    keep = {"notebook.ipynb", "log.txt"}
    for path in staged.iterdir():
        if path.name not in keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    record |= {
        "status": "failed",
        "findings": None,
        "error": {"cell": failure.cell, "message": failure.message},
    }
    try:
        page = render_report(notebook, record, [], None, last_good=_last_good(store, task))
        (staged / "report.html").write_text(page, encoding="utf-8")
    except Exception:  # the record below still says what happened
        (staged / "log.txt").write_text(traceback.format_exc(), encoding="utf-8")
    _write_record(record, staged)
    try:
        provenance.refuse_secrets(staged, provenance.secrets())
    except provenance.SecretError as fault:
        for path in staged.iterdir():
            path.unlink()
        record["error"] = {"cell": None, "message": str(fault)}
        _write_record(record, staged)
    integrity.write_hashes(staged)


def _last_good(store: Store, task: Task) -> dict | None:
    good = store.last_good(task.run.key)
    if good is None:
        return None
    here = store.folder(task.run.key) / task.as_of.isoformat() / "attempt"
    return {"href": Path(os.path.relpath(good / "report.html", here)).as_posix(), "as_of": good.parent.name}


def _write_record(record: dict, staged: Path) -> None:
    _write(staged / "run.json", record)


def _write(path: Path, content: dict) -> None:
    path.write_text(
        json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8"
    )
