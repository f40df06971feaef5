"""``salesops comp``: check plans, print their schema, pay a plan on a file of events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from salesops_lib import inputs
from salesops_lib.core.errors import ParameterError

NAME = "comp"

app = typer.Typer(no_args_is_help=True, help="Compensation plans: check them, pay them.")

Plans = Annotated[list[Path] | None, typer.Argument(metavar="[PLAN.yaml|DIR]…", help="Default data/plans.")]


@app.command()
def check(
    plans: Plans = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Company whose currency holds.")
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Past attainments: plan_id, measure, attainment, for W307."),
    ] = None,
) -> None:
    """Say every fault of every plan, with file and line; exit 2 where a plan has an error."""
    from salesops_lib.compensation.checks import check_texts
    from salesops_lib.compensation.faults import errors
    from salesops_lib.compensation.history_file import history_from

    asked = plans or [Path("data/plans")]
    texts = inputs.plan_texts(asked)
    found = check_texts(texts, _currency(asked, data), _history(history, history_from))
    wrong = errors(found)
    for fault in found:
        typer.echo(str(fault), err=fault.severity == "error")
    warned = sum(f.severity == "warning" for f in found)
    typer.echo(f"{_count(len(texts), 'plan')}, {_count(len(wrong), 'error')}, {_count(warned, 'warning')}")
    if wrong:
        raise typer.Exit(2)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the plan language, for editors."""
    import json

    from salesops_lib.compensation.plan import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command()
def pay(
    plans: Annotated[list[Path], typer.Argument(metavar="PLAN.yaml…", help="A plan; several: its versions.")],
    events: Annotated[Path, typer.Option(metavar="FILE", help="What happened, a CSV; see data/plans.")],
    holders: Annotated[Path | None, typer.Option(metavar="FILE", help="Who is paid, a CSV.")] = None,
    fx: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Rates: currency, date, base_per_unit.")
    ] = None,
    fx_base: Annotated[str, typer.Option(metavar="CODE", help="Currency that the rates are in.")] = "",
    quota: Annotated[
        list[str] | None, typer.Option(metavar="MEASURE=FIGURE", help="A quota for all who have none.")
    ] = None,
    through: Annotated[str, typer.Option(metavar="DAY", help="Pay as known on this day.")] = "",
    first_month: Annotated[
        int | None, typer.Option(min=1, max=12, help="First month of the fiscal year; default: the plan's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Pay a plan on a file of events: statement lines with their arithmetic, and totals."""
    from salesops_lib.compensation import paying_files, printed
    from salesops_lib.compensation.faults import PlanError

    try:
        paid = paying_files.paid_from(
            inputs.plan_texts(plans),
            {"events": (str(events), inputs.read_rows(events)),
             "holders": (str(holders), inputs.read_rows(holders)) if holders else None,
             "fx": (str(fx), inputs.read_rows(fx)) if fx else None},
            paying_files.Options(tuple(quota or ()), through, first_month, fx_base or None),
        )  # fmt: skip
    except PlanError as fault:
        for line in str(fault).splitlines():
            typer.echo(line, err=True)
        raise typer.Exit(2) from None
    typer.echo(printed.as_json(paid) if as_json else printed.as_text(paid))


def _currency(plans: list[Path], data: Path | None) -> str | None:
    """The reporting currency of the company named, of the one the plans are in, else of the sample."""
    from salesops_lib.inputs.company import company_folder, read_company

    root = company_folder(data.expanduser().absolute()) if data else inputs.company_above(plans)
    return read_company(root or company_folder()).currency


def _history(path: Path | None, read) -> dict:
    if path is None:
        return {}
    try:
        return read(inputs.read_rows(path), str(path))
    except ValueError as fault:
        raise ParameterError(str(fault)) from None


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
