"""Stored bundles as the site reads them: the last good report, a failure after it, and the runs before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from salesops_lib.core.changes import identity
from salesops_lib.core.findings import Finding
from salesops_lib.publish.bundle import read_findings
from salesops_lib.publish.store import read_run


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

    def trend(self, finding: Finding) -> list[tuple[str, float | None]]:
        """``(as_of, value)`` of the same finding over past runs, oldest first, whatever its period."""
        wanted = identity(finding)
        return [
            (bundle.as_of, same[0].value if same else None)
            for bundle in self.good
            for same in [[f for f in bundle.findings if identity(f) == wanted]]
        ]


def read_reports(reports: Path) -> list[ReportHistory]:
    """The history of every report under ``reports``, by key.

    A folder without a readable run.json is no run.
    """
    histories = []
    for folder in sorted(p for p in reports.glob("*/*") if p.is_dir() and not _hidden(p, reports)):
        attempts = sorted(
            (_read(path) for path in folder.glob("*/*/run.json") if _is_attempt(path.parent, folder)),
            key=lambda bundle: (bundle.as_of, bundle.run["started_at"], bundle.folder.name),
        )
        if attempts:
            histories.append(_history(folder.relative_to(reports).as_posix(), attempts))
    return histories


def _history(key: str, attempts: list[Bundle]) -> ReportHistory:
    by_day = {bundle.as_of: bundle for bundle in attempts if bundle.run["status"] == "ok"}
    good = tuple(by_day[day] for day in sorted(by_day))
    failures = [b for b in attempts if b.run["status"] != "ok"]
    last = max(failures, key=lambda b: b.run["started_at"], default=None)
    if last and good:
        standing = good[-1]
        is_news = last.as_of >= standing.as_of and last.run["started_at"] > standing.run["started_at"]
        last = last if is_news else None
    return ReportHistory(key, good, last)


def _read(path: Path) -> Bundle:
    folder = path.parent
    run = read_run(folder)
    manifest = folder / "manifest.json"
    good = run["status"] == "ok"
    return Bundle(
        folder,
        run,
        json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {},
        tuple(read_findings(folder)) if good else (),
    )


def _is_attempt(attempt: Path, folder: Path) -> bool:
    day = attempt.parent
    return not _hidden(attempt, folder) and not day.is_symlink() and read_run(attempt) is not None


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)
