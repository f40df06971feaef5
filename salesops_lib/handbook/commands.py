"""``salesops playbooks``: generate and check the pages, judge them, and use the registers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

import salesops_lib
from salesops_lib import handbook
from salesops_lib.core.errors import UserError
from salesops_lib.handbook import business_case as case
from salesops_lib.handbook import pairing
from salesops_lib.handbook.pages import read_pages
from salesops_lib.handbook.prose import warnings
from salesops_lib.handbook.registers import Registers, read_registers, refuse_faulty
from salesops_lib.handbook.rubric import accepted, rubric
from salesops_lib.handbook.staleness import stale
from salesops_lib.handbook.team_pages import skill_gaps

NAME = "playbooks"
_MOST = 10  # offenders named under a point of the rubric

app = typer.Typer(no_args_is_help=True, help="Generate, check and judge the playbook pages.")


@app.command()
def render(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where a page differs.")
    ] = False,
) -> None:
    """Write the generated pages anew."""
    if check:
        drifted = [f for f in handbook.check(_playbooks()) if f.code in {"PB081", "PB004"}]
        for fault in drifted:
            typer.echo(str(fault), err=True)
        raise typer.Exit(1 if drifted else 0)
    for path in (changed := handbook.render(_playbooks())):
        typer.echo(f"generated {path.relative_to(_playbooks().parent)}")
    typer.echo(f"{len(changed)} files changed")


@app.command("check")
def check_pages() -> None:
    """Check pages, registers, links, limits, findings; exit 1 where one is wrong. Age never fails it."""
    faults = handbook.check(_playbooks())
    for fault in faults:
        typer.echo(str(fault), err=True)
    for warning in warnings(read_pages(_playbooks())):
        typer.echo(f"warning: playbooks/{warning}")
    if faults:
        raise typer.Exit(1)


@app.command("rubric")
def judge(
    as_of: Annotated[
        str, typer.Option(metavar="DAY", help="Day of point 10; default: the newest review.")
    ] = "",
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A text no sentence may come from.")
    ] = None,
) -> None:
    """Print the twelve points, each with its measure; exit 1 where one that a command can judge fails."""
    source = against.read_text(encoding="utf-8") if against else ""
    points = rubric(_playbooks(), _day(as_of) if as_of else None, source)
    for point in points:
        typer.echo(str(point))
        for offender in point.offenders[:_MOST]:
            typer.echo(f"         {offender}")
        if len(point.offenders) > _MOST:
            typer.echo(f"         and {len(point.offenders) - _MOST} more")
    if not accepted(points):
        raise typer.Exit(1)


@app.command("stale")
def stale_pages(as_of: Annotated[str, typer.Option(metavar="DAY", help="Default: today.")] = "") -> None:
    """List what has grown old by a day. Always exit code 0."""
    day = _day(as_of) if as_of else datetime.now(UTC).date()
    found = stale(read_pages(_playbooks()), read_registers(_playbooks()), day)
    for fault in found:
        typer.echo(f"playbooks/{fault}")
    typer.echo(f"{len(found)} overdue on {day}")


@app.command()
def skills() -> None:
    """Print the team's skill gaps, largest first: expected less actual, times the weight."""
    for gap in skill_gaps(_registers()):
        typer.echo(
            f"{gap['gap']:3}  {gap['person']}  {gap['role']:14}  {gap['skill']}: "
            f"{gap['actual']} of {gap['expected']}"
        )


@app.command("shadow-pair")
def shadow_pair(
    quarter: Annotated[str, typer.Option(help="The quarter to pair, FY27-Q1.")],
    data: Annotated[Path, typer.Option(metavar="DIR", help="Company folder.")] = Path("data/sample"),
    as_of: Annotated[
        str, typer.Option(metavar="DAY", help="Sellers in a seat on this day; default: today.")
    ] = "",
) -> None:
    """Pair each member of ops with a seller: no pair twice, spread over teams, regions and tenure."""
    day = _day(as_of) if as_of else datetime.now(UTC).date()
    for pair in pairing.pairs(_registers(), pairing.sellers_of(data, day.isoformat()), quarter):
        typer.echo(f"{pair['ops']}  {pair['rep_id']}  {pair['team']}, {pair['region']}, {pair['tenure']}")
    typer.echo("not in the last 2 weeks of the quarter; ask the seller first; notes never go to an appraisal")


@app.command("business-case")
def business_case(
    scenario: Annotated[str, typer.Option(metavar="ID", help="An initiative of registers/initiatives.yml.")],
) -> None:
    """Print a business case: gain with P10, P50, P90, cost, who loses, pilot, stop rule."""
    typer.echo(case.as_text(case.business_case(_registers(), scenario)))


def _playbooks() -> Path:
    return Path(salesops_lib.__file__).resolve().parents[1] / "playbooks"


def _registers() -> Registers:
    registers = read_registers(_playbooks())
    refuse_faulty(registers)
    return registers


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError(f"'{text}' is no day; write it as 2026-11-26") from None
