"""``salesops comp`` for payees and payroll: statements, the payroll file, disputes and their answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from salesops_lib import inputs
from salesops_lib.compensation.command_parts import (
    AsOf,
    Data,
    Month,
    books_of,
    company_of,
    draft_of,
    entries_of,
    kept_of,
    told,
    written_by,
)


def statements(
    period: Month,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where to: a page and a workbook a payee.")],
    data: Data = "",
    as_of: AsOf = "",
) -> None:
    """Write a statement per payee, HTML and Excel: of a closed period as posted, else the draft."""
    from salesops_lib.compensation import closed

    folder = company_of(data)
    with told():
        books = books_of(folder)
        if period in books.postings:
            made = closed.as_posted(books, period)
            _, _, worked = closed.again(entries_of(folder), period, kept_of(folder, period))
            snapshot = inputs.open_snapshot(folder, made.as_of)
        else:
            made, _, (snapshot, worked), _ = draft_of(folder, period, as_of, books)
    files, status = closed.statement_files(made, snapshot, worked, books)
    inputs.write_files(to, files)
    typer.echo(f"{len(files) // 2} statements of {period} ({status}) in {to}")


def dispute(
    line: Annotated[str, typer.Option(help="A posted line, FY26-M10/R017/3, as the statement shows it.")],
    expected: Annotated[str, typer.Option(help="The amount expected of the line.")],
    rule: Annotated[str, typer.Option(help="The rule of the plan that is relied on.")],
    reason: Annotated[str, typer.Option(help="What is wrong, in a sentence.")],
    data: Data = "",
) -> None:
    """Enter a payee's question about a line of a posted statement."""
    from salesops_lib.compensation import desk

    (entry,) = written_by(company_of(data), lambda books: desk.disputed(books, line, expected, rule, reason))
    typer.echo(f"dispute {entry['entry']}: {line} shows {entry['shown']}, expected {entry['expected']}")


def answer(
    number: Annotated[int, typer.Option("--dispute", help="Number of the dispute.")],
    verdict: Annotated[str, typer.Option(help="data, rule_unclear, rule_disliked or as_shown.")],
    reason: Annotated[str, typer.Option(help="The answer, in a sentence.")],
    adjustment: Annotated[str, typer.Option(help="What the next statement adds, -12.50.")] = "0",
    data: Data = "",
) -> None:
    """Answer a dispute; an adjustment is paid with the next close."""
    from salesops_lib.compensation import desk

    (entry,) = written_by(
        company_of(data), lambda books: desk.answered(books, number, verdict, adjustment, reason)
    )
    typer.echo(f"dispute {number} answered ({verdict}); the next close adds {entry['adjustment']}")


def payroll(
    period: Month,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where to write the file.")],
    layout: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Columns; default policy/payroll.yaml of the company.")
    ] = None,
    data: Data = "",
) -> None:
    """Write a posted period's amounts in the columns that the payroll vendor imports."""
    from salesops_lib.compensation import payroll_file, payroll_layout
    from salesops_lib.core.money import to_decimal

    folder = company_of(data)
    books = books_of(folder)
    place = layout or folder / "policy" / "payroll.yaml"
    form = payroll_layout.Layout()
    if layout is not None or place.is_file():
        form = payroll_layout.layout_from(inputs.plan_texts([place])[0].text, str(place))
    people = inputs.read_rows(place.parent / form.people) if form.people else None
    snapshot = inputs.open_snapshot(folder)
    made = payroll_file.payroll_of(books, period, snapshot, form, people)
    inputs.write_files(to, {form.file: made.content})
    sums = "; ".join(f"{to_decimal(cents):,.2f} {code}" for code, cents in made.sums.items())
    typer.echo(f"{made.rows} rows of {period} in {to / form.file}: {sums}, as posted")
