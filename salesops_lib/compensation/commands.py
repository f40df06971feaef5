"""``salesops comp``: check plans, pay one on a file, close a period for a company, answer disputes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from salesops_lib import inputs
from salesops_lib.compensation.command_parts import (
    Adjustment,
    AsJson,
    AsOf,
    Company,
    Data,
    Decides,
    Events,
    Expected,
    FirstMonth,
    Folder,
    Fx,
    FxBase,
    History,
    Holders,
    Layout,
    LineId,
    Month,
    NoPdf,
    Number,
    Plans,
    Quota,
    Reply,
    Role,
    RuleText,
    Through,
    Verdict,
    Versions,
    Who,
    Wrong,
    counted,
    draft_words,
    money_words,
    told,
)  # fmt: skip
from salesops_lib.core.errors import ParameterError

if TYPE_CHECKING:
    from salesops_lib.compensation.close.books import Books
    from salesops_lib.compensation.close.draft import Draft

NAME = "comp"

app = typer.Typer(no_args_is_help=True, help="Compensation plans: check them, pay them.")


@app.command()
def check(plans: Plans = None, data: Company = None, history: History = None) -> None:
    """Say every fault of every plan, with file and line; exit 2 where a plan has an error."""
    from salesops_lib.compensation.engine.history_file import history_from
    from salesops_lib.compensation.plans.checks import check_texts
    from salesops_lib.compensation.plans.faults import errors

    asked = plans or [Path("data/plans")]
    texts = inputs.plan_texts(asked)
    found = check_texts(texts, _currency(asked, data), _history(history, history_from))
    wrong = errors(found)
    for fault in found:
        typer.echo(str(fault), err=fault.severity == "error")
    warned = sum(f.severity == "warning" for f in found)
    typer.echo(f"{counted(len(texts), 'plan')}, {counted(len(wrong), 'error')}, {counted(warned, 'warning')}")
    if wrong:
        raise typer.Exit(2)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the plan language, for editors."""
    import json

    from salesops_lib.compensation.plans.plan import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command()
def pay(
    plans: Versions, events: Events, holders: Holders = None, fx: Fx = None, fx_base: FxBase = "",
    quota: Quota = None, through: Through = "", first_month: FirstMonth = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Pay a plan on a file of events: statement lines with their arithmetic, and totals."""
    from salesops_lib.compensation.engine import paying_files, printed

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
    from salesops_lib.compensation.close import desk

    folder = _folder(data)
    with told():
        made, plans, _, _ = _draft(folder, period, as_of, _books(folder))
        _written(folder, lambda books: desk.drafted(made, plans))
    typer.echo("\n".join(draft_words(made)))


@app.command()
def approve(period: Month, role: Role, who: Who, data: Data = "") -> None:
    """Sign the last draft of a period."""
    from salesops_lib.compensation.close import desk

    folder = _folder(data)
    (entry,) = _written(folder, lambda books: desk.approved(books, period, role, who))
    typer.echo(f"{role} {entry['who']} signed draft {entry['draft'][:12]} of {period}")


@app.command()
def post(period: Month, data: Data = "") -> None:
    """Close a period for good: write its signed statements into the ledger, and keep what they rest on."""
    from salesops_lib.compensation.close import desk
    from salesops_lib.compensation.close.books import LEDGER
    from salesops_lib.compensation.close.taken import frozen, hash_of

    folder = _folder(data)
    with told():
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
        f"{period} is closed (entry {entry}) and is never opened again: mend the data, and the next close "
        "pays the difference; a rule that was unclear is a dispute with an adjustment"
    )


@app.command()
def verify(period: Month, data: Data = "") -> None:
    """Work out a closed period again from what was kept; exit 2 where it is not the same to the byte."""
    from salesops_lib.compensation.close import closed, desk

    folder = _folder(data)
    with told():
        made, plans, _ = closed.again(_entries(folder), period, _kept(folder, period))
    typer.echo(desk.same_again(_books(folder), made, plans))


@app.command()
def statements(
    ctx: typer.Context, period: Month, to: Folder, data: Data = "", as_of: AsOf = "", no_pdf: NoPdf = False
) -> None:
    """Write a statement per payee, HTML, Excel and PDF: of a closed period as posted, else the draft."""
    from salesops_lib.compensation.close import closed

    folder = _folder(data)
    with told():
        books = _books(folder)
        if period in books.postings:
            made = closed.as_posted(books, period)
            _, _, worked = closed.again(_entries(folder), period, _kept(folder, period))
            snapshot = inputs.open_snapshot(folder, made.as_of)
        else:
            made, _, (snapshot, worked), _ = _draft(folder, period, as_of, books)
    files, status = closed.statement_files(made, snapshot, worked, books)
    pages = [path for path in inputs.write_files(to, files) if path.suffix == ".html"]
    typer.echo(f"{len(pages)} statements of {period} ({status}) in {to}")
    if not no_pdf:
        printer = ctx.obj()  # of publish, handed over by the command line
        typer.echo(f"{len(pages)} of them as PDF" if printer.print_files(pages) else printer.NO_BROWSER)


@app.command()
def payroll(period: Month, to: Folder, layout: Layout = None, data: Data = "") -> None:
    """Write a posted period's amounts in the columns that the payroll vendor imports."""
    from salesops_lib.compensation.close import payroll_file, payroll_layout

    folder = _folder(data)
    books = _books(folder)
    place = layout or folder / "policy" / "payroll.yaml"
    form = payroll_layout.Layout()
    if layout is not None or place.is_file():
        form = payroll_layout.layout_from(inputs.plan_texts([place])[0].text, str(place))
    people = inputs.read_rows(place.parent / form.people) if form.people else None
    snapshot = inputs.open_snapshot(folder)
    made = payroll_file.payroll_of(books, period, snapshot, form, people)
    inputs.write_files(to, {form.file: made.content})
    sums = "; ".join(f"{money_words(cents)} {code}" for code, cents in made.sums.items())
    typer.echo(f"{made.rows} rows of {period} in {to / form.file}: {sums}, as posted")


@app.command()
def dispute(line: LineId, expected: Expected, rule: RuleText, reason: Wrong, data: Data = "") -> None:
    """Enter a payee's question about a line of a posted statement."""
    from salesops_lib.compensation.close import desk

    (entry,) = _written(_folder(data), lambda books: desk.disputed(books, line, expected, rule, reason))
    typer.echo(f"dispute {entry['entry']}: {line} shows {entry['shown']}, expected {entry['expected']}")


@app.command()
def answer(
    number: Number, verdict: Verdict, reason: Reply, adjustment: Adjustment = "0", who: Decides = "",
    data: Data = "",
) -> None:  # fmt: skip
    """Answer a dispute; an adjustment is paid with the next close."""
    from salesops_lib.compensation.close import desk

    (entry,) = _written(
        _folder(data), lambda books: desk.answered(books, number, verdict, adjustment, reason, who)
    )
    typer.echo(f"dispute {number} answered ({verdict}); the next close adds {entry['adjustment']}")


def _books(folder: Path) -> Books:
    """The books as the ledger has them."""
    from salesops_lib.compensation.close import books

    return books.read_books(inputs.read_ledger(folder, books.LEDGER).entries)


def _entries(folder: Path) -> Any:
    """The ledger's entries."""
    from salesops_lib.compensation.close.books import LEDGER

    return inputs.read_ledger(folder, LEDGER).entries


def _kept(folder: Path, period: str) -> str | None:
    """What a posting kept of its inputs; None where nothing was."""
    from salesops_lib.compensation.close.books import LEDGER

    return inputs.read_frozen(folder, LEDGER, period)


def _draft(folder: Path, period: str, as_of: str, books: Books) -> tuple[Draft, str, tuple[Any, Any], Any]:
    """The draft, the fingerprint of the plan files, the snapshot with what it pays, and what it rests on."""
    from salesops_lib.compensation.close import closed, desk

    snapshot = inputs.open_snapshot(folder, as_of)
    texts = inputs.plan_files(snapshot.company.root)
    made, worked, taken = closed.drafted_from(snapshot, texts, books, period, inputs.plan_rates(snapshot))
    return made, desk.fingerprint(taken.plan_texts), (snapshot, worked), taken


def _written(folder: Path, make: Any) -> list[dict[str, Any]]:
    """Append what ``make`` makes of the books; all of it or nothing."""
    from salesops_lib.compensation.close import books

    return inputs.append(folder, books.LEDGER, lambda stands, now: make(books.read_books(stands.entries)))


def _folder(data: str) -> Path:
    """The company folder of ``--data``. Raises ParameterError for a database, which holds no ledger."""
    from salesops_lib.inputs.company import company_folder

    if "://" in data:
        raise ParameterError("a database holds no ledger; name the company folder with --data DIR")
    return company_folder(str(Path(data).expanduser().absolute()) if data else "")


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
