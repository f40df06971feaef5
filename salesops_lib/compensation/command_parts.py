"""What the commands of a domain say and take: options, faults as lines, a draft in words. Reads nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from salesops_lib.compensation.close.draft import Draft

Data = Annotated[str, typer.Option("--data", metavar="DIR", help="Company folder; default data/sample.")]
Month = Annotated[str, typer.Option("--period", help="Fiscal month to close, FY26-M10.")]
AsOf = Annotated[str, typer.Option("--as-of", help="Read the data as known on this day; default: all of it.")]
Plans = Annotated[list[Path] | None, typer.Argument(metavar="[PLAN.yaml|DIR]…", help="Default data/plans.")]
Versions = Annotated[list[Path], typer.Argument(metavar="PLAN.yaml…", help="A plan; several: its versions.")]
Company = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Company whose currency holds.")]
History = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Past plan_id, measure, attainment, for W307."),
]
Events = Annotated[Path, typer.Option(metavar="FILE", help="What happened, a CSV; see data/plans.")]
Holders = Annotated[Path | None, typer.Option(metavar="FILE", help="Who is paid, a CSV.")]
Fx = Annotated[Path | None, typer.Option(metavar="FILE", help="Rates: currency, date, base_per_unit.")]
FxBase = Annotated[str, typer.Option(metavar="CODE", help="Currency that the rates are in.")]
Quota = Annotated[
    list[str] | None, typer.Option(metavar="MEASURE=FIGURE", help="A quota for all who have none.")
]
Through = Annotated[str, typer.Option(metavar="DAY", help="Pay as known on this day.")]
FirstMonth = Annotated[
    int | None, typer.Option(min=1, max=12, help="First month of the fiscal year; default: the plan's.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Role = Annotated[str, typer.Option(help="manager or finance.")]
Who = Annotated[str, typer.Option(help="Who signs; two people sign a close.")]
Folder = Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder to write into.")]
NoPdf = Annotated[bool, typer.Option("--no-pdf", help="Leave the PDF out.")]
Layout = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Columns; default policy/payroll.yaml of the company.")
]
LineId = Annotated[str, typer.Option(help="A posted line, FY26-M10/R031/1, as the statement names it.")]
Expected = Annotated[str, typer.Option(help="The amount expected of the line.")]
RuleText = Annotated[str, typer.Option(help="The rule of the plan that is relied on.")]
Wrong = Annotated[str, typer.Option(help="What is wrong, in a sentence.")]
Number = Annotated[int, typer.Option("--dispute", help="Number of the dispute.")]
Verdict = Annotated[str, typer.Option(help="data, rule_unclear, rule_disliked or as_shown.")]
Reply = Annotated[str, typer.Option(help="The answer, in a sentence.")]
Decides = Annotated[str, typer.Option("--who", help="Who decides; an adjustment needs a name.")]
Adjustment = Annotated[str, typer.Option(help="What the next statement adds, -12.50.")]


def draft_words(made: Draft) -> list[str]:
    """A draft for who signs it: what each payee gets, which identities hold, its sum."""
    lines = [f"{row.rep_id}  {money_words(row.paid)} {row.currency}" for row in made.payments.itertuples()]
    lines += [f"holds: {said}" for _name, said, _holds in made.checks]
    paid = "; ".join(f"{money_words(v)} {k}" for k, v in made.paid.items())
    return [
        *lines,
        f"draft {made.hash[:12]} of {made.period}: {len(made.payments)} payees, {paid}; to be signed",
    ]


def money_words(whole: int) -> str:
    """Whole cents as 1,234.50."""
    from salesops_lib.core.money import to_decimal

    return f"{to_decimal(whole):,.2f}"


def counted(number: int, word: str) -> str:
    """``1 plan``, ``2 plans``."""
    return f"{number} {word}{'' if number == 1 else 's'}"


@contextmanager
def told() -> Iterator[None]:
    """Faults of plans and rows, one line each, and exit code 2."""
    from salesops_lib.compensation.plans.faults import PlanError

    try:
        yield
    except PlanError as fault:
        for line in str(fault).splitlines():
            typer.echo(line, err=True)
        raise typer.Exit(2) from None
