"""``salesops findings``: what the reports that stand ask for, and what was decided about it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from salesops_lib.core.changes import streaks
from salesops_lib.core.errors import ParameterError, UserError
from salesops_lib.core.findings import Finding
from salesops_lib.core.followup import ACCEPTED, ASSIGNED, CLOSED, Followed, decision, followed
from salesops_lib.core.periods import FiscalCalendar
from salesops_lib.core.policy import PolicyValue

NAME = "findings"
LEDGER = "finding_states"
SHOWN = 5

app = typer.Typer(no_args_is_help=True, help="Findings: list them, assign, accept, close with a reason.")

Code = Annotated[str, typer.Argument(metavar="FINDING", help="F-ATTN-SKEW, or F-ATTN-SKEW:team=EMEA.")]
Data = Annotated[
    str, typer.Option("--data", metavar="DIR", help="Company whose ledger holds it; default data/sample.")
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Where reports are; default reports/.")
]
Report = Annotated[str, typer.Option("--report", metavar="NAME/RUN", help="Where several reports find it.")]
Why = Annotated[str, typer.Option("--why", help="The reason, kept with the decision.")]


@app.command("list")
def list_(
    data: Data = "",
    out: Out = None,
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="Overdue by; default: latest report.")] = "",
    all_: Annotated[bool, typer.Option("--all", help="Also what is accepted or closed.")] = False,
) -> None:  # fmt: skip
    """One line per finding: what is open and overdue first, then by severity and money."""
    rows, first_due = _standing(out)
    found = followed(rows, decisions(data), _day(on, "on") if on else _latest(rows), first_due)
    settled = sum(f.state in (ACCEPTED, CLOSED) for f in found)
    for item in found:
        if all_ or item.state not in (ACCEPTED, CLOSED):
            typer.echo(_line(item))
    typer.echo(
        f"{len(found) - settled} open, {sum(f.overdue for f in found)} overdue, {settled} accepted or closed"
    )


@app.command()
def assign(
    finding: Code,
    to: Annotated[str, typer.Option("--to", help="The role or person who does the next step.")],
    due: Annotated[str, typer.Option(metavar="DAY", help="By when; default: the finding's own day.")] = "",
    data: Data = "",
    out: Out = None,
    report: Report = "",
) -> None:
    """Give a finding to someone, by a day."""
    _nonempty(to, "--to")
    day = _day(due, "due").isoformat() if due else None
    _decide(finding, report, data, out, ASSIGNED, owner=to.strip(), due=day)


@app.command()
def accept(finding: Code, why: Why, data: Data = "", out: Out = None, report: Report = "") -> None:
    """Live with a finding: it is not shown as new until it worsens."""
    _nonempty(why, "--why")
    _decide(finding, report, data, out, ACCEPTED, why=why.strip())


@app.command()
def close(finding: Code, why: Why, data: Data = "", out: Out = None, report: Report = "") -> None:
    """Say a finding is dealt with: it returns if a later report still finds it."""
    _nonempty(why, "--why")
    _decide(finding, report, data, out, CLOSED, why=why.strip())


def decisions(data: str) -> tuple[dict, ...]:
    """What was decided about findings, oldest first; nothing for a database, which holds no ledger.

    ``data`` is a company folder as typed, or empty for the sample. Raises LedgerError where it was changed.
    """
    from salesops_lib.inputs.ledger import read_ledger

    return () if "://" in data else read_ledger(_folder(data), LEDGER).entries


def calendar(data: str) -> FiscalCalendar | None:
    """The fiscal calendar of a company folder (empty: the sample); None for a database or where none is."""
    from salesops_lib.inputs.company import read_company

    try:
        return None if "://" in data else read_company(_folder(data)).calendar
    except UserError:
        return None


def policies(data: str) -> dict[str, PolicyValue]:
    """The newest policy values a company folder has of its own, by ``domain.name``; none where unreadable."""
    from salesops_lib.inputs.company import read_yaml
    from salesops_lib.inputs.policies import read_policy

    found: dict[str, PolicyValue] = {}
    try:
        root = None if "://" in data else _folder(data)
    except UserError:
        return found
    for path in sorted((root / "policy").glob("*.yaml")) if root else ():
        with contextlib.suppress(UserError):
            policy = read_policy(path.stem, root)
            for name in read_yaml(path) or ():
                entry = policy.entries[name]
                found[f"{path.stem}.{name}"] = policy.value(name, max(entry["values"]))
    return found


def told_of(data: str, audience: str = "") -> tuple[Callable[[str], tuple], Callable[[str], tuple]]:
    """What the site tells of a company a run names: its decisions; its calendar and own policy values.

    ``data``: the one company, whatever a run names. Of an audience neither decisions nor the words of a
    policy: they name people, and are everybody's.
    """
    if audience:
        return lambda _: (), lambda _: (calendar(data), {})
    return (
        lambda named: decisions(data or named),
        lambda named: (calendar(data or named), policies(data or named)),
    )


def _decide(name: str, report: str, data: str, out: Path | None, state: str, **told: str | None) -> None:
    from salesops_lib.inputs import ledger

    (rows, _), folder = _standing(out), _folder(data)

    def made(stands: ledger.Ledger, now) -> list[dict]:
        one = _chosen(name, report, followed(rows, stands.entries, _latest(rows)))
        if state == ASSIGNED and told.get("due") is None:
            told["due"] = one.finding.due.isoformat()
        return [decision(one.report, one.as_of, one.finding, state, **told)]

    for entry in ledger.append(folder, LEDGER, made):
        typer.echo(f"entry {entry['entry']}: {entry['finding']} of {entry['report']} is {state}")


def _chosen(name: str, report: str, found: list[Followed]) -> Followed:
    """The one finding meant: by its whole name, else by its code where that is the only one."""
    # One per name: of several periods the first, which is the most pressing.
    named = {(f.report, f.key): f for f in reversed(found)}
    asked = [f for f in reversed(named.values()) if not report or f.report == report]
    exact = [f for f in asked if f.key == name]
    fits = exact or [f for f in asked if f.finding.code == name]
    if len(fits) == 1:
        return fits[0]
    where = f" in report '{report}'" if report else ""
    if not fits:
        raise ParameterError(f"no standing finding '{name}'{where}; salesops findings list --all names them")
    told = "; ".join(f"{f.key} --report {f.report}" for f in fits[:SHOWN])
    raise ParameterError(f"'{name}' names {len(fits)} findings{where}; name one: {told}")


def _standing(out: Path | None) -> tuple[list[tuple[str, str, Finding]], Callable[[Finding], date]]:
    """Report, its day, and finding, of every last good report; and when each was first due."""
    from salesops_lib.inputs.company import repository_root

    out = out or repository_root() / "reports"
    if not out.is_dir():
        raise ParameterError(
            f"there is no reports folder {out}; run salesops run first, or name it with --out"
        )
    rows, due = [], {}
    for folder in sorted(out.glob("*/*/current")):
        day, made = _read(folder)
        rows += [(folder.parent.relative_to(out).as_posix(), day.isoformat(), f) for f in made]
        pressed = streaks([*_earlier(folder.parent, day), (day, made)])
        due |= {id(f): streak.due for f, streak in zip(made, pressed, strict=True)}
    return rows, lambda finding: due[id(finding)]


def _read(folder: Path) -> tuple[date, list[Finding]]:
    """Day and findings of a good attempt."""
    try:
        told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        made = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
        return date.fromisoformat(told["as_of"]), [Finding.from_dict(row) for row in made]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise UserError(
            f"{folder} cannot be read ({type(fault).__name__}: {fault}); run its report again with --force"
        ) from None


def _earlier(report: Path, day: date) -> list[tuple[date, list[Finding]]]:
    """The last good attempt of every earlier day, oldest first; one that cannot be read is no run."""
    found = {}
    for path in sorted(report.glob("[0-9]*/*/findings.json")):
        if path.parent.parent.name < day.isoformat():
            with contextlib.suppress(UserError):
                one, made = _read(path.parent)
                found[one] = made
    return sorted(found.items())


def _latest(rows: list[tuple[str, str, Finding]]) -> date:
    return date.fromisoformat(max((day for _, day, _ in rows), default="0001-01-01"))


def _line(item: Followed) -> str:
    late = " OVERDUE" if item.overdue else ""
    why = f" ({item.why})" if item.why and item.state in (ACCEPTED, CLOSED) else ""
    return (
        f"{item.finding.severity:<7}  {item.state}{late}  {item.key}  {item.report}"
        f"  {item.owner} by {item.due}  {item.finding.statement}{why}"
    )


def _day(text: str, what: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ParameterError(f"--{what} '{text}' is no day; write it as 2025-12-12") from None


def _nonempty(text: str, what: str) -> None:
    if not text.strip():
        raise ParameterError(f"{what} is empty; say it in a few words")


def _folder(data: str) -> Path:
    from salesops_lib.inputs.company import company_folder

    if "://" in data:
        raise ParameterError("a database holds no ledger; name the company folder with --data DIR")
    return company_folder(str(Path(data).expanduser().absolute()) if data else "")
