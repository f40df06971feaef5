"""``salesops forecast``: submit forecasts to the company's ledger, and verify it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from salesops_lib.core.errors import ParameterError

if TYPE_CHECKING:
    from datetime import datetime

    from salesops_lib.forecasting.submissions import Scene
    from salesops_lib.inputs import Snapshot

NAME = "forecast"
SHOWN_ROWS = 20

app = typer.Typer(no_args_is_help=True, help="Submit forecasts to the ledger; verify the ledger.")

Data = Annotated[str, typer.Option("--data", metavar="DIR", help="Company folder; default data/sample.")]


@app.command()
def submit(
    file: Annotated[Path | None, typer.Option("--file", help="Many: a .csv or .xlsx sheet.")] = None,
    who: Annotated[str, typer.Option(help="The submitter, a rep_id.")] = "",
    period: Annotated[str, typer.Option(help="Fiscal period, FY26-Q4.")] = "",
    category: Annotated[str, typer.Option(help="Commit, Best Case, Pipeline or Closed.")] = "",
    amount: Annotated[str, typer.Option(help="Bookings of the whole period, 120000.50.")] = "",
    level: Annotated[str, typer.Option(help="rep, team, region or company; default: what WHO heads.")] = "",
    node: Annotated[str, typer.Option(help="Which rep, team or region.")] = "",
    currency: Annotated[str, typer.Option(help="ISO code; default the reporting currency.")] = "",
    when: Annotated[str, typer.Option(help="Day or moment of the call, 2025-12-12T16:00; default now.")] = "",
    reason: Annotated[str, typer.Option(help="Why this amount; needed for a correction.")] = "",
    corrects: Annotated[str, typer.Option(help="Number of the entry that this one replaces.")] = "",
    data: Data = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the rows, write nothing.")] = False,
) -> None:
    """Add one call, or a spreadsheet of calls, to the ledger: all rows or none."""
    from salesops_lib.inputs import ledger, submissions

    typed = {
        "who": who, "level": level, "node": node, "period": period, "category": category, "amount": amount,
        "currency": currency, "when": when, "reason": reason, "corrects": corrects,
    }  # fmt: skip
    typed = {name: value for name, value in typed.items() if value}
    if bool(typed) == (file is not None):
        raise ParameterError("give one call by its options, or many with --file")
    rows = submissions.read_spreadsheet(file) if file else [typed]
    folder = _folder(data)
    if dry_run:
        stands = ledger.read_ledger(folder, submissions.TABLE)
        made = _checked(rows, folder, stands, ledger.moment())
        typer.echo(f"{len(made)} calls would enter the ledger after entry {len(stands.entries)}")
        return
    written = ledger.append(
        folder, submissions.TABLE, lambda stands, now: _checked(rows, folder, stands, now)
    )
    for entry in written[:SHOWN_ROWS]:
        typer.echo(
            f"entry {entry['entry']}: {entry['rep_id']} calls {entry['category']} {entry['amount']} "
            f"{entry['currency']} for {entry['level']} {entry['node_id']} in {entry['period']}"
        )
    typer.echo(f"{len(written)} entries written; head {written[-1]['hash'][: ledger.SHOWN]}")


@app.command("ledger")
def show_ledger(
    data: Data = "",
    head: Annotated[str, typer.Option(help="A head that a report printed: is it still in there?")] = "",
) -> None:
    """Verify the ledger, line by line, and say its length and head."""
    from salesops_lib.inputs import ledger, submissions

    stands = ledger.read_ledger(_folder(data), submissions.TABLE)
    last = f"; last of {stands.entries[-1]['recorded_at']}, head {stands.head}" if stands.entries else ""
    if head and not stands.holds(head):
        raise ledger.LedgerError(
            f"no entry of the ledger has the head {head}: entries that the report knew were cut off, or it "
            f"is another company's; restore the ledger from a backup"
        )
    typer.echo(f"{len(stands.entries)} entries, the chain is whole{last}")
    if head:
        typer.echo(f"the first {stands.holds(head)} of them are those the report knew")


def _checked(rows: list[dict], folder: Path, stands: Any, now: datetime) -> list[dict[str, Any]]:
    """The rows as the ledger holds them. Raises ParameterError after telling each row that cannot."""
    from salesops_lib.forecasting.submissions import check_rows

    snapshot = _snapshot(folder, now)
    made, faults = check_rows(rows, _scene(snapshot, stands, now))
    if not faults:
        return _with_base(made, snapshot)
    if len(rows) == 1:
        raise ParameterError(faults[0])
    for fault in faults[:SHOWN_ROWS]:
        typer.echo(fault, err=True)
    raise ParameterError(
        f"{len(faults)} of {len(rows)} rows refused, nothing written; mend them and submit anew"
    )


def _snapshot(folder: Path, now: datetime) -> Snapshot:
    """The company as known at the moment of submitting."""
    import pandas as pd

    from salesops_lib import inputs
    from salesops_lib.inputs.company import read_company

    today = pd.Timestamp(now, tz="UTC").tz_convert(read_company(folder).zone).date()
    return inputs.open_snapshot(folder, today)


def _scene(snapshot: Snapshot, stands: Any, now: datetime) -> Scene:
    from salesops_lib.forecasting.submissions import Scene
    from salesops_lib.inputs import submissions, tables

    used = set(tables.selling.CATEGORIES) - {"Omitted"}
    if snapshot.has(submissions.TABLE):
        used |= set(snapshot.frame(submissions.TABLE)["category"])
    return Scene(
        company=snapshot.company.name, calendar=snapshot.company.calendar, zone=snapshot.company.zone,
        currency=snapshot.company.currency, categories=tuple(sorted(used)), entries=stands.entries, now=now,
        reps=snapshot.frame("reps") if snapshot.has("reps") else None,
    )  # fmt: skip


def _with_base(entries: list[dict], snapshot: Snapshot) -> list[dict[str, Any]]:
    """Each entry with its amount in the reporting currency, at the rate of the day it was called."""
    import pandas as pd

    from salesops_lib import inputs
    from salesops_lib.core.money import cents, to_decimal

    rows = pd.DataFrame(entries)
    rates = snapshot.frame("fx_rates") if snapshot.has("fx_rates") else None
    if rates is None:
        rates = pd.DataFrame({"currency": [], "date": [], "base_per_unit": []})
    local = pd.to_datetime(rows["submitted_at"], utc=True).dt.tz_convert(snapshot.company.zone)
    asked = rows.assign(
        amount=rows["amount"].astype("float64"), date=local.dt.tz_localize(None).dt.normalize()
    )
    base = inputs.to_base(asked, rates, snapshot.company.currency)
    return [e | {"amount_base": str(to_decimal(cents(b)))} for e, b in zip(entries, base, strict=True)]


def _folder(data: str) -> Path:
    from salesops_lib.inputs.company import company_folder

    if "://" in data:
        raise ParameterError("a database holds no ledger; name the company folder with --data DIR")
    return company_folder(str(Path(data).expanduser().absolute()) if data else "")
