"""What the commands of a close share: the company's folder, its books, a draft, faults as lines."""

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

Data = Annotated[str, typer.Option("--data", metavar="DIR", help="Company folder; default data/sample.")]
Month = Annotated[str, typer.Option("--period", help="Fiscal month to close, FY26-M10.")]
AsOf = Annotated[str, typer.Option("--as-of", help="Read the data as known on this day; default: all of it.")]


def books_of(folder: Path) -> Books:
    """The books as the ledger has them."""
    from salesops_lib.compensation import books

    return books.read_books(inputs.read_ledger(folder, books.LEDGER).entries)


def entries_of(folder: Path) -> Any:
    """The ledger's entries."""
    from salesops_lib.compensation.books import LEDGER

    return inputs.read_ledger(folder, LEDGER).entries


def kept_of(folder: Path, period: str) -> str | None:
    """What a posting kept of its inputs; None where nothing was."""
    from salesops_lib.compensation.books import LEDGER

    return inputs.read_frozen(folder, LEDGER, period)


def draft_of(folder: Path, period: str, as_of: str, books: Books) -> tuple[Draft, str, tuple[Any, Any], Any]:
    """The draft, the fingerprint of the plan files, the snapshot with what it pays, and what it rests on."""
    from salesops_lib.compensation import closed, desk

    snapshot = inputs.open_snapshot(folder, as_of)
    texts = inputs.plan_files(snapshot.company.root)
    made, worked, taken = closed.drafted_from(snapshot, texts, books, period, inputs.plan_rates(snapshot))
    return made, desk.fingerprint(taken.plan_texts), (snapshot, worked), taken


def written_by(folder: Path, make: Any) -> list[dict[str, Any]]:
    """Append what ``make`` makes of the books; all of it or nothing."""
    from salesops_lib.compensation import books

    return inputs.append(folder, books.LEDGER, lambda stands, now: make(books.read_books(stands.entries)))


def company_of(data: str) -> Path:
    """The company folder of ``--data``. Raises ParameterError for a database, which holds no ledger."""
    from salesops_lib.inputs.company import company_folder

    if "://" in data:
        raise ParameterError("a database holds no ledger; name the company folder with --data DIR")
    return company_folder(str(Path(data).expanduser().absolute()) if data else "")


def money_words(whole: int) -> str:
    """Whole cents as 1,234.50."""
    from salesops_lib.core.money import to_decimal

    return f"{to_decimal(whole):,.2f}"


@contextmanager
def told() -> Iterator[None]:
    """Faults of plans and rows, one line each, and exit code 2."""
    from salesops_lib.compensation.faults import PlanError

    try:
        yield
    except PlanError as fault:
        for line in str(fault).splitlines():
            typer.echo(line, err=True)
        raise typer.Exit(2) from None
