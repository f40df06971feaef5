"""``salesops runs``: what stands in the reports folder, whether it is whole, and what may go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from salesops_lib.core.errors import ParameterError

NAME = "runs"

app = typer.Typer(no_args_is_help=True, help="Reports that stand: list, show, verify, prune.")

Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Where reports are; default reports/.")
]


@app.command("list")
def list_(out: Out = None) -> None:
    """One line per attempt: report, day, state, findings, seconds."""
    for key, attempt, run in _attempts(_reports(out)):
        counts = run.get("findings") or {}
        told = ", ".join(f"{n} {k}" for k, n in counts.items() if n) or (run.get("error") or {}).get(
            "message", ""
        )
        seconds = run.get("duration_seconds")
        typer.echo(
            f"{key}  {run['as_of']}  {run['status']:<6}  {seconds or 0:6.1f} s  {attempt.name}  {told}"
        )


@app.command()
def show(
    report: Annotated[str, typer.Argument(help="attainment or attainment/company.")],
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="DAY", help="Default: the report that stands.")
    ] = "",
    out: Out = None,
) -> None:
    """Say what a report was made from and what it found."""
    from salesops_lib.publish.bundle import read_findings
    from salesops_lib.publish.store import Store, read_run

    reports = _reports(out)
    key = report if "/" in report else f"{report}/company"
    folder = Store(reports).last_good(key, as_of or None)
    if folder is None:
        known = ", ".join(sorted({k for k, _, _ in _attempts(reports)})) or "none"
        raise ParameterError(
            f"no good report '{key}'{f' of {as_of}' if as_of else ''} stands; there are {known}"
        )
    run = read_run(folder) or {}
    for name in (
        "title",
        "as_of",
        "period",
        "status",
        "code_version",
        "data_hash",
        "policy_hash",
        "seed",
        "started_at",
    ):
        typer.echo(f"{name}: {run.get(name)}")
    for name, value in run.get("parameters", {}).items():
        typer.echo(f"-p {name}={value!r}")
    for finding in read_findings(folder):
        typer.echo(f"{finding.severity:<7}  {finding.code}  {finding.statement}")
    typer.echo(f"open {folder / 'report.html'}")


@app.command()
def verify(out: Out = None) -> None:
    """Check every byte of every attempt against its hashes; exit 1 where one differs."""
    from salesops_lib.publish import integrity

    wrong = count = 0
    for key, attempt, _ in _attempts(_reports(out)):
        count += 1
        for said in integrity.verify(attempt):
            wrong += 1
            typer.echo(f"{key} {attempt.parent.name}/{attempt.name}: {said}", err=True)
    typer.echo(f"{count} attempts, {wrong} faults")
    if wrong:
        raise typer.Exit(1)


@app.command()
def prune(
    keep: Annotated[int, typer.Option(min=1, help="Days to keep per report, the latest.")],
    out: Out = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go.")] = False,
) -> None:
    """Remove attempts of older days and failed ones behind them; what stands is never removed."""
    from salesops_lib.publish.store import Store

    reports = _reports(out)
    store, gone = Store(reports), 0
    for key in sorted({k for k, _, _ in _attempts(reports)}):
        with store.lock(key):
            current = store.last_good(key)
            days = sorted((p for p in store.folder(key).iterdir() if _is_day(p)), reverse=True)
            for day in days[keep:]:
                if current is not None and day == current.parent:
                    continue
                gone += 1
                typer.echo(f"{'would remove' if dry_run else 'removed'} {key}/{day.name}")
                if not dry_run:
                    store.remove(day)
    typer.echo(f"{gone} days {'would go' if dry_run else 'gone'}")


def _attempts(reports: Path) -> Iterator[tuple[str, Path, dict]]:
    """Key, folder and ``run.json`` of every attempt, by report and day."""
    from salesops_lib.publish.store import read_run

    for path in sorted(reports.glob("*/*/*/*/run.json")):
        attempt = path.parent
        parts = attempt.relative_to(reports).parts
        if any(p.startswith(".") for p in parts) or parts[2] == "current" or parts[0] == "site":
            continue
        run = read_run(attempt)
        if run is not None and not attempt.parent.is_symlink():
            yield f"{parts[0]}/{parts[1]}", attempt, run


def _is_day(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not path.name.startswith(".")


def _reports(out: Path | None) -> Path:
    from salesops_lib.publish.catalog import repository_root

    reports = (out or repository_root() / "reports").resolve()
    if not reports.is_dir():
        raise ParameterError(f"there is no reports folder {reports}; run salesops run first")
    return reports
