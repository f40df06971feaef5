"""The command ``salesops``. Each command is thin: it reads what was typed and calls the library.

A user's mistake is one line on stderr and exit code 2; a failed run is exit code 1. A domain adds commands
with a module ``commands.py`` that holds ``app: typer.Typer``; it is found by file and loaded when used.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from salesops_lib import __version__
from salesops_lib.core.errors import UserError

DEBUG = "SALESOPS_DEBUG"
STOPPED = "stopped; nothing is half written, run it again to go on"
_LIBRARY = Path(__file__).parent


class _Commands(typer.core.TyperGroup):
    """The commands below, and every domain's own under the domain's name."""

    def list_commands(self, ctx) -> list[str]:
        return super().list_commands(ctx) + list(domains_with_commands())

    def get_command(self, ctx, cmd_name: str):
        domain = domains_with_commands().get(cmd_name)
        if domain is None:
            return super().get_command(ctx, cmd_name)
        command = typer.main.get_command(importlib.import_module(f"salesops_lib.{domain}").app)
        command.name = cmd_name
        # A domain's command may not import publish; where it prints pages, it is handed the printer.
        ctx.obj = lambda: importlib.import_module("salesops_lib.publish.rendering.printing")
        return command


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Notebooks, library and playbooks a sales operations team runs its company with.",
)  # fmt: skip

Data = Annotated[str, typer.Option("--data", metavar="DIR|URL", help="Company folder or database.")]
AsOf = Annotated[str, typer.Option("--as-of", metavar="DAY", help="Read the data as known on this day.")]
Audience = Annotated[
    str, typer.Option("--audience", metavar="NAME", help="finance, manager:REP_ID: only what it may see.")
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where reports go; default reports/.")]


def domains_with_commands() -> dict[str, str]:
    """Groups of commands found by file, ``commands.py`` or ``…_commands.py`` of a domain: what to type
    (``NAME`` in the file, else the domain) → its module."""
    found = {}
    for path in sorted(_LIBRARY.glob("*/*commands.py")):
        named = re.search(r'^NAME = "([a-z-]+)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
        found[named[1] if named else path.parent.name] = f"{path.parent.name}.{path.stem}"
    return found


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Say the version.")] = False) -> None:
    if version:
        typer.echo(f"salesops {__version__}")
        raise typer.Exit


@app.command()
def init(
    folder: Annotated[str, typer.Argument(metavar="DIR")],
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Bring an older folder up to this release.")
    ] = False,
) -> None:
    """Make an empty company folder to import into."""
    from salesops_lib import inputs

    path = _typed(folder)
    if migrate:
        passed = inputs.migrate_company(path)
        typer.echo(f"{folder}: from version {passed[0]}" if passed else f"{folder} is of this release")
        return
    made = inputs.init_company(path) / "company.yaml"
    typer.echo(f"made {folder}; edit {made}, then: salesops import SOURCE PATH --to {folder}")


@app.command("import")
def import_(
    source: Annotated[str, typer.Argument(help="salesforce, dynamics365, hubspot or csv.")],
    path: Annotated[Path, typer.Argument(help="The export: a folder, a file or a zip.")],
    to: Annotated[str, typer.Option("--to", metavar="DIR", help="Company folder.")],
    mapping: Annotated[Path | None, typer.Option("--map", metavar="FILE", help="Your own mapping.")] = None,
    at: Annotated[str, typer.Option(help="When this import counts as made; default now.")] = "",
    exported_at: Annotated[str, typer.Option(help="When the export was taken, 2025-12-12.")] = "",
    dates: Annotated[str, typer.Option(help="How 03/02/2025 reads: day_first or month_first.")] = "",
) -> None:
    """Fill a company folder from a CRM export; every row is accounted for."""
    from salesops_lib.inputs import importing

    result = importing.import_export(source, path, _typed(to), mapping, at, exported_at, dates=dates)
    typer.echo("\n".join(result.sentences))


@app.command()
def check(
    folder: Annotated[str, typer.Argument(metavar="DIR|URL", help="Default data/sample.")] = "",
    as_of: AsOf = "",
) -> None:
    """Check every table of a company folder, and say which notebooks it can feed."""
    from salesops_lib import inputs

    result = inputs.check_company(_typed(folder), as_of or None)
    typer.echo(str(result))
    for notebook, can_run, lacks in inputs.feeds(_typed(folder), as_of=result.as_of).itertuples(index=False):
        typer.echo(f"{notebook}: can run" if can_run else f"{notebook}: lacks {lacks}")
    if not result.ok:
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Say whether this machine has what the workbench needs."""
    from salesops_lib import inputs

    faults = 0
    for name, ok, text in inputs.doctor():
        typer.echo(f"{'ok   ' if ok else 'FAULT'}  {name}: {text}")
        faults += not ok
    if faults:
        raise typer.Exit(1)


@app.command("list")
def list_() -> None:
    """List the notebooks: question, cadence, runs and parameters."""
    from salesops_lib.publish import catalog

    for notebook in catalog.discover(catalog.repository_root()):
        file = notebook.run_file
        typer.echo(f"{notebook.name}: {file.question}")
        runs = ", ".join(run.name for run in notebook.runs())
        typer.echo(f"  for the {file.reader}, {file.cadence}; runs {runs}")
        for parameter in notebook.parameters.declared:
            typer.echo(f"  -p {parameter.name}={parameter.default!r}  {parameter.kind}: {parameter.help}")


@app.command()
def run(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]…", help="Notebooks.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every notebook; resumes where one stopped.")] = False,
    due: Annotated[
        str,
        typer.Option(metavar="NOW", help="Those due by now (or a day, 2025-12-12T07:00) and not yet run."),
    ] = "",
    catch_up: Annotated[
        int, typer.Option("--catch-up", metavar="N", min=1, max=1000, help="With --due: due days to go back.")
    ] = 8,
    notify: Annotated[
        list[str] | None,
        typer.Option("--notify", metavar="mail|webhook|DIR", help="Deliver what is new; nothing unasked."),
    ] = None,
    data: Data = "",
    as_of: AsOf = "",
    every: Annotated[str, typer.Option(help="With --as-of D1..D2: week, month or quarter.")] = "",
    parameters: Annotated[list[str] | None, typer.Option("-p", metavar="K=V", help="A parameter.")] = None,
    out: Out = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Reports at a time.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run and why.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Run also what stands unchanged.")] = False,
    audience: Audience = "",
) -> None:
    """Run notebooks into reports; the last good report stays where a run fails.

    Ends with 0 done, 1 a run failed, 2 wrong input, 3 a report is stale, 4 not delivered, 5 another runs.
    """
    from salesops_lib import inputs
    from salesops_lib.publish.catalog import repository_root
    from salesops_lib.publish.conduct import run_reports
    from salesops_lib.publish.delivery.notify import read_channels
    from salesops_lib.publish.request import Asked, Workbench
    from salesops_lib.publish.running.audience import held_to

    given = tuple(parameters or ())
    asked = Asked(tuple(names or ()), all_, due, _typed(data), as_of, every, given, force, catch_up)
    channels = read_channels(notify or (), audience=audience)
    root = repository_root()
    bench = Workbench(
        root=root,
        reports=(out or root / "reports").resolve(),
        open_snapshot=lambda *asked: inputs.open_snapshot(*asked),  # loaded when called, beside the kernels
        lacking=lambda *asked: inputs.lacking(*asked),
        failing=lambda *asked: inputs.failing_gate(*asked),
    )
    told = {"jobs": jobs, "as_json": as_json, "dry_run": dry_run, "channels": channels}
    with held_to(bench, audience, asked.data, inputs.read_audience, inputs.cut_view) as held:
        raise typer.Exit(int(run_reports(asked, held, **told)))


@app.command()
def site(
    out: Out = None,
    data: Data = "",
    audience: Audience = "",
    serve: Annotated[bool, typer.Option(help="Also show it on this machine until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option(help="Where --serve listens; 0 takes a free one.")] = 8750,
) -> None:
    """Build the browsable site from the reports that stand and what was decided about their findings."""
    from salesops_lib import inputs
    from salesops_lib.handbook.registry import discover
    from salesops_lib.inputs.commands import calendar, decisions
    from salesops_lib.publish import catalog
    from salesops_lib.publish.running.audience import audience_folder
    from salesops_lib.publish.site import build
    from salesops_lib.publish.site import serve as serving

    root, data = catalog.repository_root(), _typed(data)
    reports, ledger = out or root / "reports", (lambda _: decisions(data)) if data else decisions
    if audience:  # its own reports only; decisions name people and are everybody's
        reports, ledger = audience_folder(reports, inputs.read_audience(data, audience).name), lambda _: ()
    sources = build.Sources.declared(discover(root), catalog.discover(root), ledger, calendar(data))
    page = build.build_site(reports, None, root / "playbooks", sources=sources)
    typer.echo(f"open {os.path.relpath(page)}")
    if serve:
        serving.show(page.parent, port, typer.echo)


@app.command()
def new(name: Annotated[str, typer.Argument(help="One lower-case word: notebook and package.")]) -> None:
    """Write a new notebook with run file, package, policy, test and playbook page; edits nothing."""
    from salesops_lib import handbook
    from salesops_lib.publish import catalog, scaffold

    root = catalog.repository_root()
    for path in scaffold.scaffold(name, root):
        typer.echo(f"wrote {path.relative_to(root)}")
    for path in handbook.render(root / "playbooks"):
        typer.echo(f"generated {path.relative_to(root)}")
    typer.echo(f"next: salesops run {name}")


def _typed(path: str) -> str:
    """A folder as typed, from where the user stands; an address of a database or nothing as it is."""
    return path if not path or "://" in path else str(Path(path).expanduser().absolute())


def main() -> None:
    """Run the command line; the process exits with its code."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run with ``arguments``; the exit code. Errors are one line on stderr, never a traceback."""
    if arguments == ["--version"]:  # at once: everything below loads the command line's own libraries
        typer.echo(f"salesops {__version__}")
        return 0
    try:
        code = app(args=arguments, prog_name="salesops", standalone_mode=False) or 0
        return _say(STOPPED, code) if code == 130 else code
    except UserError as fault:
        return _say(str(fault), 2)
    except (KeyboardInterrupt, typer.Abort):
        return _say(STOPPED, 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader of our output left
        return 0
    except Exception as fault:
        if hasattr(fault, "format_message"):  # typer's own: an unknown option, a missing argument
            return _usage(fault)
        if os.environ.get(DEBUG):
            raise
        return _say(f"unexpected {type(fault).__name__}: {fault}; the log is {_logged()}", 1)


def _usage(fault: Any) -> int:
    if type(fault).__name__ == "NoArgsIsHelpError":
        typer.echo(fault.ctx.get_help())
        return 2
    command = getattr(getattr(fault, "ctx", None), "command_path", "salesops")
    message = fault.format_message()
    return _say(f"{message}{'' if message.endswith(('.', '?')) else '.'} See {command} --help", 2)


def _say(text: str, code: int) -> int:
    typer.echo(f"error: {' '.join(text.split())}", err=True)
    return code


def _logged() -> str:
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="salesops-", suffix=".log", delete=False) as log:
        log.write(traceback.format_exc())
    return log.name
