"""``salesops comp``: check plans, pay one on a file, close a period for a company, answer disputes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from salesops_lib import inputs
from salesops_lib.core.errors import ParameterError

if TYPE_CHECKING:
    from salesops_lib.compensation.books import Books
    from salesops_lib.compensation.draft import Draft

NAME = "comp"

app = typer.Typer(no_args_is_help=True, help="Compensation plans: check them, pay them.")

Data = Annotated[str, typer.Option("--data", metavar="DIR", help="Company folder; default data/sample.")]
Month = Annotated[str, typer.Option("--period", help="Fiscal month to close, FY26-M10.")]
AsOf = Annotated[str, typer.Option("--as-of", help="Read the data as known on this day; default: all of it.")]
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

    with _told():
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

    folder = _folder(data)
    with _told():
        made, plans, _, _ = _draft(folder, period, as_of, _books(folder))
        _written(folder, lambda books: desk.drafted(made, plans))
    for row in made.payments.itertuples():
        typer.echo(f"{row.rep_id}  {_money(row.paid)} {row.currency}")
    for _name, said, _holds in made.checks:
        typer.echo(f"holds: {said}")
    paid = "; ".join(f"{_money(v)} {k}" for k, v in made.paid.items())
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

    folder = _folder(data)
    (entry,) = _written(folder, lambda books: desk.approved(books, period, role, who))
    typer.echo(f"{role} {entry['who']} signed draft {entry['draft'][:12]} of {period}")


@app.command()
def post(period: Month, data: Data = "") -> None:
    """Close a period for good: write its signed statements into the ledger, and keep what they rest on."""
    from salesops_lib.compensation import desk
    from salesops_lib.compensation.books import LEDGER
    from salesops_lib.compensation.taken import frozen, hash_of

    folder = _folder(data)
    with _told():
        books = _books(folder)
        stands = desk.draft_of(books, period)
        made, plans, _, taken = _draft(folder, period, stands["as_of"], books)
        desk.posted(books, made, plans, "")  # refused before anything is kept
        text = frozen(taken)
        inputs.write_frozen(folder, LEDGER, period, text)
        written = _written(folder, lambda now: desk.posted(now, made, plans, hash_of(text)))
    typer.echo(f"{period} is closed: {written[-1]['lines']} lines, {len(made.payments)} payments, entry "
               f"{written[-1]['entry']}")  # fmt: skip


@app.command(hidden=True)
def reopen(period: Month, data: Data = "") -> None:
    """Refuse, and say what to do instead: a closed period is never opened again."""
    books = _books(_folder(data))
    if period not in books.postings:
        raise ParameterError(f"{period} is not closed; salesops comp close --period {period} drafts it anew")
    entry = books.postings[period]["entry"]
    raise ParameterError(
        f"{period} is closed (entry {entry}) and is never opened again: mend the data, and the next close pays "
        "the difference; a rule that was unclear is a dispute with an adjustment"
    )


@app.command()
def verify(period: Month, data: Data = "") -> None:
    """Work out a closed period again from what was kept; exit 2 where it is not the same to the byte."""
    from salesops_lib.compensation import closed, desk

    folder = _folder(data)
    with _told():
        made, plans, _ = closed.again(_entries(folder), period, _kept(folder, period))
    typer.echo(desk.same_again(_books(folder), made, plans))


@app.command()
def statements(
    period: Month,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where to: a page and a workbook a payee.")],
    data: Data = "",
    as_of: AsOf = "",
) -> None:
    """Write a statement per payee, HTML and Excel: of a closed period as posted, else the draft."""
    from salesops_lib.compensation import closed

    folder = _folder(data)
    with _told():
        books = _books(folder)
        if period in books.postings:
            made = closed.as_posted(books, period)
            _, _, worked = closed.again(_entries(folder), period, _kept(folder, period))
            snapshot = inputs.open_snapshot(folder, made.as_of)
        else:
            made, _, (snapshot, worked), _ = _draft(folder, period, as_of, books)
    files, status = closed.statement_files(made, snapshot, worked, books)
    inputs.write_files(to, files)
    typer.echo(f"{len(files) // 2} statements of {period} ({status}) in {to}")


@app.command()
def dispute(
    line: Annotated[str, typer.Option(help="A posted line, FY26-M10/R017/3, as the statement shows it.")],
    expected: Annotated[str, typer.Option(help="The amount expected of the line.")],
    rule: Annotated[str, typer.Option(help="The rule of the plan that is relied on.")],
    reason: Annotated[str, typer.Option(help="What is wrong, in a sentence.")],
    data: Data = "",
) -> None:
    """Enter a payee's question about a line of a posted statement."""
    from salesops_lib.compensation import desk

    (entry,) = _written(_folder(data), lambda books: desk.disputed(books, line, expected, rule, reason))
    typer.echo(f"dispute {entry['entry']}: {line} shows {entry['shown']}, expected {entry['expected']}")


@app.command()
def answer(
    number: Annotated[int, typer.Option("--dispute", help="Number of the dispute.")],
    verdict: Annotated[str, typer.Option(help="data, rule_unclear, rule_disliked or as_shown.")],
    reason: Annotated[str, typer.Option(help="The answer, in a sentence.")],
    adjustment: Annotated[str, typer.Option(help="What the next statement adds, -12.50.")] = "0",
    data: Data = "",
) -> None:
    """Answer a dispute; an adjustment is paid with the next close."""
    from salesops_lib.compensation import desk

    (entry,) = _written(
        _folder(data), lambda books: desk.answered(books, number, verdict, adjustment, reason)
    )
    typer.echo(f"dispute {number} answered ({verdict}); the next close adds {entry['adjustment']}")


def _books(folder: Path) -> Books:
    from salesops_lib.compensation import books

    return books.read_books(inputs.read_ledger(folder, books.LEDGER).entries)


def _entries(folder: Path) -> Any:
    from salesops_lib.compensation.books import LEDGER

    return inputs.read_ledger(folder, LEDGER).entries


def _kept(folder: Path, period: str) -> str | None:
    from salesops_lib.compensation.books import LEDGER

    return inputs.read_frozen(folder, LEDGER, period)


def _draft(folder: Path, period: str, as_of: str, books: Books) -> tuple[Draft, str, tuple[Any, Any], Any]:
    """The draft, the fingerprint of the plan files, the snapshot with what it pays, and what it rests on."""
    from salesops_lib.compensation import closed, desk

    snapshot = inputs.open_snapshot(folder, as_of)
    texts = inputs.plan_files(snapshot.company.root)
    made, worked, taken = closed.drafted_from(snapshot, texts, books, period, inputs.plan_rates(snapshot))
    return made, desk.fingerprint(taken.plan_texts), (snapshot, worked), taken


def _written(folder: Path, make: Any) -> list[dict[str, Any]]:
    from salesops_lib.compensation import books

    return inputs.append(folder, books.LEDGER, lambda stands, now: make(books.read_books(stands.entries)))


def _folder(data: str) -> Path:
    from salesops_lib.inputs.company import company_folder

    if "://" in data:
        raise ParameterError("a database holds no ledger; name the company folder with --data DIR")
    return company_folder(str(Path(data).expanduser().absolute()) if data else "")


def _money(whole: int) -> str:
    from salesops_lib.core.money import to_decimal

    return f"{to_decimal(whole):,.2f}"


@contextmanager
def _told() -> Iterator[None]:
    """Faults of plans and rows, one line each, and exit code 2."""
    from salesops_lib.compensation.faults import PlanError

    try:
        yield
    except PlanError as fault:
        for line in str(fault).splitlines():
            typer.echo(line, err=True)
        raise typer.Exit(2) from None


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
