"""Stored bundles as the site reads them: the last good report, a failure after it, and the runs before."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from salesops_lib.core.changes import identity
from salesops_lib.core.errors import UserError
from salesops_lib.core.findings import Finding
from salesops_lib.publish.bundle import read_findings
from salesops_lib.publish.checked import Checked
from salesops_lib.publish.store import read_run, stamp


@dataclass(frozen=True)
class Bundle:
    """One attempt: its folder, ``run.json``, and (of a good one) manifest and findings."""

    folder: Path
    run: dict
    manifest: dict
    findings: tuple[Finding, ...]

    @property
    def as_of(self) -> str:
        """The ISO day the data was read as of."""
        return self.run["as_of"]


@dataclass(frozen=True)
class ReportHistory:
    """All runs of one report (``attainment/company``).

    ``good``: the last good attempt of every day, oldest first. ``failed``: the newest attempt if it failed
    after the last good one, else None.
    """

    key: str
    good: tuple[Bundle, ...]
    failed: Bundle | None

    @property
    def current(self) -> Bundle | None:
        """The report that stands: the last good one of the latest day."""
        return self.good[-1] if self.good else None

    @property
    def newest(self) -> Bundle:
        """The standing report, or the failure where nothing good is there yet."""
        return self.current or self.failed

    @property
    def held(self) -> bool:
        """Whether the newest run was held back, its data having failed the gate, rather than failed."""
        return self.failed is not None and self.failed.run.get("status") == "stale"

    def trend(self, finding: Finding) -> list[tuple[str, float | None]]:
        """``(as_of, value)`` of the same finding over past runs, oldest first, whatever its period."""
        wanted = identity(finding)
        return [
            (bundle.as_of, same[0].value if same else None)
            for bundle in self.good
            for same in [[f for f in bundle.findings if identity(f) == wanted]]
        ]


def read_reports(reports: Path, checked: Checked | None = None) -> list[ReportHistory]:
    """The history of every report under ``reports``, by key.

    An attempt that cannot be read, and a newest one whose bytes are not those that were written, count as
    failed: the good one before it stands. Other folders without a readable run.json are no runs. ``checked``
    knows which attempts need not be hashed again.
    """
    histories, checked = [], checked or Checked(reports)
    for folder in sorted(run for notebook in _folders(reports) for run in _folders(notebook)):
        attempts = [a for day in _folders(folder) if not day.is_symlink() for a in _folders(day)]
        read = sorted((_read(path, reports) for path in attempts if _is_attempt(path)), key=_order)
        if read:
            histories.append(_history(folder.relative_to(reports).as_posix(), read, reports, checked))
    return histories


def _history(key: str, attempts: list[Bundle], reports: Path, checked: Checked) -> ReportHistory:
    attempts = _newest_whole(attempts, reports, checked)
    by_day = {bundle.as_of: bundle for bundle in attempts if bundle.run["status"] == "ok"}
    good = tuple(by_day[day] for day in sorted(by_day))
    failures = [b for b in attempts if b.run["status"] != "ok"]
    last = max(failures, key=_written, default=None)
    if last and good:
        standing = good[-1]
        is_news = last.as_of >= standing.as_of and _written(last) > _written(standing)
        last = last if is_news else None
    return ReportHistory(key, good, last)


def _newest_whole(attempts: list[Bundle], reports: Path, checked: Checked) -> list[Bundle]:
    """The attempts, the good ones from the newest back to the first whole one checked byte by byte."""
    found = list(attempts)
    for at in reversed(range(len(attempts))):
        if attempts[at].run["status"] != "ok":
            continue
        said = checked.damage(attempts[at].folder)
        if not said:
            break
        found[at] = _damaged(attempts[at].folder, reports, said)
    return found


def _order(bundle: Bundle) -> tuple[str, str, str]:
    return bundle.as_of, _written(bundle), bundle.folder.name


def _written(bundle: Bundle) -> str:
    """When, by its folder's name, which never goes back; by its record where it has another name."""
    return stamp(bundle.folder.name) or re.sub("[-:Z]", "", str(bundle.run.get("started_at", "")))


def _read(folder: Path, reports: Path) -> Bundle:
    run = read_run(folder)
    manifest = folder / "manifest.json"
    try:
        good = run["status"] == "ok"
        return Bundle(
            folder,
            run | {"as_of": str(run["as_of"])},
            json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {},
            tuple(read_findings(folder)) if good else (),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, UserError) as fault:
        return _damaged(folder, reports, f"{type(fault).__name__}: {fault}")


def _damaged(folder: Path, reports: Path, said: str) -> Bundle:
    """An attempt nobody should read on, as a failed run; its page is not shown, for it may say anything."""
    notebook, run, day, _ = folder.relative_to(reports).parts
    record = {
        "notebook": notebook,
        "run": run,
        "title": notebook,
        "started_at": "",
        **(read_run(folder) or {}),
    }
    message = f"the stored report is damaged ({said}); salesops run {notebook} makes it anew"
    told = {"status": "failed", "as_of": day, "findings": None, "error": {"cell": None, "message": message}}
    return Bundle(folder / "damaged" / folder.name, record | told, {}, ())


def _is_attempt(attempt: Path) -> bool:
    return bool(stamp(attempt.name)) or read_run(attempt) is not None


def _folders(folder: Path) -> list[Path]:
    """The folders in one, but hidden ones."""
    return [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != "."]
