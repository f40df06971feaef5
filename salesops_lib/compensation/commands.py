"""``salesops comp``: check plans, pay one on a file, close a period for a company, answer disputes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from salesops_lib import inputs
from salesops_lib.compensation import payee_commands
from salesops_lib.compensation.command_parts import (
    AsOf,
    Data,
    Month,
    books_of,
    company_of,
    draft_of,
    entries_of,
    kept_of,
    money_words,
    told,
    written_by,
)
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

    with told():
        paid = paying_files.paid_from(
            inputs.plan_texts(plans),
            {"events": (str(events), inputs.read_rows(events)),
             "holders": (str(holders), inputs.read_rows(holders)) if holders else None,
             "fx": (str(fx), inputs.read_rows(fx)) if fx else None},
            paying_files.Options(tuple(quota or ()), through, first_month, fx_base or None),
        )  # fmt: skip
    typer.echo(printed.as_json(paid) if as_json else printed.as_text(paid))


@app.command()
def close(period: Month, data: Data = "", as_of: AsOf = "") -> None:
    """Work out a period's statements as a draft to be signed; says what each payee gets."""
    from salesops_lib.compensation import desk

    folder = company_of(data)
    with told():
        made, plans, _, _ = draft_of(folder, period, as_of, books_of(folder))
        written_by(folder, lambda books: desk.drafted(made, plans))
    for row in made.payments.itertuples():
        typer.echo(f"{row.rep_id}  {money_words(row.paid)} {row.currency}")
    for _name, said, _holds in made.checks:
        typer.echo(f"holds: {said}")
    paid = "; ".join(f"{money_words(v)} {k}" for k, v in made.paid.items())
    typer.echo(f"draft {made.hash[:12]} of {period}: {len(made.payments)} payees, {paid}; to be signed")


@app.command()
def approve(
    period: Month,
    role: Annotated[str, typer.Option(help="manager or finance.")],
    who: Annotated[str, typer.Option(help="Who signs; two people sign a close.")],
    data: Data = "",
) -> None:
    """Sign the last draft of a period."""
    from salesops_lib.compensation import desk

    folder = company_of(data)
    (entry,) = written_by(folder, lambda books: desk.approved(books, period, role, who))
    typer.echo(f"{role} {entry['who']} signed draft {entry['draft'][:12]} of {period}")


@app.command()
def post(period: Month, data: Data = "") -> None:
    """Close a period for good: write its signed statements into the ledger, and keep what they rest on."""
    from salesops_lib.compensation import desk
    from salesops_lib.compensation.books import LEDGER
    from salesops_lib.compensation.taken import frozen, hash_of

    folder = company_of(data)
    with told():
        books = books_of(folder)
        stands = desk.draft_of(books, period)
        made, plans, _, taken = draft_of(folder, period, stands["as_of"], books)
        desk.posted(books, made, plans, "")  # refused before anything is kept
        text = frozen(taken)
        inputs.write_frozen(folder, LEDGER, period, text)
        written = written_by(folder, lambda now: desk.posted(now, made, plans, hash_of(text)))
    typer.echo(f"{period} is closed: {written[-1]['lines']} lines, {len(made.payments)} payments, entry "
               f"{written[-1]['entry']}")  # fmt: skip


@app.command(hidden=True)
def reopen(period: Month, data: Data = "") -> None:
    """Refuse, and say what to do instead: a closed period is never opened again."""
    books = books_of(company_of(data))
    if period not in books.postings:
        raise ParameterError(f"{period} is not closed; salesops comp close --period {period} drafts it anew")
    entry = books.postings[period]["entry"]
    raise ParameterError(
        f"{period} is closed (entry {entry}) and is never opened again: mend the data, and the next close "
        "pays the difference; a rule that was unclear is a dispute with an adjustment"
    )


@app.command()
def verify(period: Month, data: Data = "") -> None:
    """Work out a closed period again from what was kept; exit 2 where it is not the same to the byte."""
    from salesops_lib.compensation import closed, desk

    folder = company_of(data)
    with told():
        made, plans, _ = closed.again(entries_of(folder), period, kept_of(folder, period))
    typer.echo(desk.same_again(books_of(folder), made, plans))


for _command in (
    payee_commands.statements,
    payee_commands.payroll,
    payee_commands.dispute,
    payee_commands.answer,
):
    app.command()(_command)


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
