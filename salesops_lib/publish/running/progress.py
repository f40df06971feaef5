"""What ``salesops run`` shows: a bar over all cells, a line per report, and what to open at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from salesops_lib.core.findings import Severity
from salesops_lib.publish.running.task import Result, Task

_MARK = {
    "ok": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "unchanged": "[dim]=[/]",
    "lacking": "[yellow]–[/]",
    "stale": "[yellow]![/]",
}
_COLOUR = {"ACT": "red", "WATCH": "yellow", "UNKNOWN": "dim", "OK": "green"}
_MOST_LINKS = 6


class RunProgress:
    """A bar where the terminal shows one, and a line per finished report in any case."""

    def __init__(self, tasks: Sequence[Task], console: Console) -> None:
        self.console = console
        self._width = max((len(task.title) for task in tasks), default=0)
        self._left = {t.title: t.code_cells for t in tasks if t.reason and not t.lacks and not t.stale}
        self._bar = Progress(
            TextColumn("{task.completed:.0f}/{task.total:.0f} cells"),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._all = self._bar.add_task("", total=sum(self._left.values()))

    def __enter__(self) -> RunProgress:
        self._bar.start()
        return self

    def __exit__(self, *_) -> None:
        self._bar.stop()

    def cell(self, task: Task) -> None:
        """One more cell of a task has run."""
        if self._left.get(task.title, 0) > 0:
            self._left[task.title] -= 1
            self._bar.advance(self._all)

    def done(self, result: Result) -> None:
        """A task has ended: its line, and the cells it did not run."""
        self._bar.advance(self._all, self._left.pop(result.task.title, 0))
        self.console.print(line(result, self._width), soft_wrap=True, highlight=False)


def line(result: Result, width: int = 0) -> str:
    """Name, status, seconds, findings by severity; the failure and where its notebook is."""
    title = escape(result.task.title.ljust(width))
    start = f"{_MARK[result.status]} {title}  {result.status:<9}"
    if result.status == "lacking":
        return f"{start}  lacks {escape(result.task.lacks)}"
    if result.status == "stale":
        return f"{start}  {escape(result.error)}; {last_good(result)}"
    seconds = f"{result.seconds:5.1f} s" if result.status != "unchanged" else "       "
    if result.status == "failed":
        where = f"\n    see {escape(shown(result.folder / 'notebook.ipynb'))}" if result.folder else ""
        return f"{start} {seconds}  [red]{escape(result.error)}[/]{where}"
    without = ", ".join(name for name, _ in result.task.left_out)
    told = f"  [yellow]without {escape(without)}[/]" if without else ""
    return f"{start} {seconds}  {findings_line(result.findings)}{told}"


def last_good(result: Result) -> str:
    """Which report stands in place of a stale one."""
    return f"the last good report is of {result.last_good}" if result.last_good else "no good report stands"


def findings_line(findings: dict[str, int] | None) -> str:
    """``2 ACT  1 WATCH  0 UNKNOWN  9 OK``."""
    counts = {s.value: (findings or {}).get(s.value, 0) for s in Severity}
    return "  ".join(
        f"[{_COLOUR[name] if count else 'dim'}]{count} {name}[/]" for name, count in counts.items()
    )


def to_open(results: Sequence[Result], reports: Path) -> list[str]:
    """The pages to open, newest of each report; the folder where they are many."""
    keys = list(dict.fromkeys(r.task.run.key for r in results if r.status in {"ok", "unchanged"}))
    # The attempt itself, not the link to it: a report's relative links count its folders.
    pages = [(reports / key / "current").resolve() / "report.html" for key in keys]
    if not pages or len(pages) > _MOST_LINKS:
        return [shown(reports)] if pages else []
    return [shown(page) for page in pages]


def plan_lines(tasks: Sequence[Task]) -> list[str]:
    """What a dry run says: each task and why it would run, or that it stands."""
    width = max((len(task.title) for task in tasks), default=0)
    return [
        f"{task.title.ljust(width)}  "
        + (
            f"lacks {task.lacks}"
            if task.lacks
            else f"stale: {task.stale}"
            if task.stale
            else f"would run: {task.reason}"
            if task.reason
            else "stands"
        )
        for task in tasks
    ]


def as_json(results: Sequence[Result], reports: Path, **more) -> str:
    """One object: status, counts and every run, and what else is given."""
    statuses = [r.status for r in results]
    return json.dumps(
        {
            "status": next((s for s in ("failed", "stale") if s in statuses), "ok"),
            "counts": {s: statuses.count(s) for s in sorted(set(statuses))},
            "reports": str(reports),
            "runs": [r.to_dict() for r in results],
            **more,
        },
        indent=1,
        ensure_ascii=False,
    )


def shown(path: Path) -> str:
    """A path as a person would type it: relative where that is shorter."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)
