"""``salesops schedule``: files that make cron, systemd, GitHub Actions or Airflow call the due reports."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

NAME = "schedule"

app = typer.Typer()


@app.command()
def schedule(
    kind: Annotated[str, typer.Argument(metavar="cron|systemd|github|airflow")],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Write there; default: print.")
    ] = None,
    data: Annotated[str, typer.Option("--data", metavar="DIR|URL", help="Company folder or database.")] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where reports go.")] = None,
    notify: Annotated[
        list[str] | None, typer.Option("--notify", metavar="mail|webhook|DIR", help="As of run.")
    ] = None,
    audience: Annotated[
        str, typer.Option("--audience", metavar="NAME", help="As of run; one scheduler holds several.")
    ] = "",
) -> None:
    """Write what makes a scheduler call `salesops run --due now`; it installs nothing."""
    from salesops_lib.publish import catalog
    from salesops_lib.publish.scheduling import timetable

    folder = data if not data or "://" in data else str(Path(data).expanduser().absolute())
    place = timetable.Place(catalog.repository_root(), folder, out, tuple(notify or ()), audience)
    files = timetable.files(kind, place)
    if to is None:
        typer.echo("\n".join(files.values()), nl=False)
        return
    for path in timetable.write(files, to.expanduser().absolute()):
        typer.echo(f"wrote {os.path.relpath(path)}")
