"""A company folder cut for one audience: a copy that holds what it may see and nothing else.

Made by the runner before a kernel starts; the kernel is held to it (``view.py``). What cannot be cut, such as
a ledger whose lines are chained by hashes or an import's log, is left out for all but those who see all.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from salesops_lib.core.errors import TableError
from salesops_lib.inputs import submissions
from salesops_lib.inputs.company import MAX_YAML_BYTES, read_yaml, repository_root
from salesops_lib.inputs.cutting import rows as cut_rows
from salesops_lib.inputs.cutting.audiences import Audience, find_audience
from salesops_lib.inputs.cutting.fields import PAY, Censor, emptied, mean_pay
from salesops_lib.inputs.load import Snapshot, open_snapshot
from salesops_lib.inputs.tables import TABLES
from salesops_lib.inputs.view import View, ViewError, write_view
from salesops_lib.inputs.writing import write_table

if TYPE_CHECKING:
    import pyarrow as pa

_EVERYBODY = ("all", "shown")
_VERSIONS = ("opportunities", "opportunity_history", "accounts", "contacts", "leads")


@dataclass(frozen=True)
class _Scope:
    """Whose rows stand in a view; ``people`` None: everybody's."""

    people: tuple[str, ...] | None
    teams: set[str]
    kept: dict[str, set[str]]


def read_audience(data: str, asked: str) -> Audience:
    """The audience as the policy of a company (a folder or database, as ``open_snapshot`` takes it) has it
    on its last day.

    Raises ViewError and PolicyError as :func:`salesops_lib.inputs.cutting.audiences.find_audience`.
    """
    snapshot = open_snapshot(data)
    return find_audience(asked, snapshot.company.root, snapshot.as_of)


def cut_view(data: str, asked: str, day: date, into: Path) -> View:
    """Write the part of a company that an audience may see on a day into the empty folder ``into``.

    ``data`` and ``asked`` as :func:`read_audience`. Returns what the view says of itself. Raises UserError
    before a table is written where the audience, the person or a table is not as it must be.
    """
    snapshot = open_snapshot(data, day)
    audience = find_audience(asked, snapshot.company.root, day)
    scope = _scope(snapshot, audience)
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    (into / "tables").mkdir(mode=0o700)
    censor = _censor(snapshot, audience, scope)
    groups = 0
    given: list[str] = []
    broken: list[str] = []
    for name in [name for name in snapshot.names() if name in audience.tables]:
        try:
            rows, gone = _table(snapshot, name, audience, scope, censor)
        except TableError:  # its breach names rows; what needs the table is told that it is not here
            broken.append(name)
            continue
        groups += gone
        given.append(name)
        write_table(into, name, rows)
    label = f"view of {audience.name}"
    _settings(snapshot, label, into)
    _files(snapshot.company.root, audience, censor, into)
    said = [*_said(snapshot, audience, scope, [*given, *broken], groups), *map(_broken, broken)]
    view = View(audience.name, label, day.isoformat(), tuple(said))
    write_view(into, view)
    return view


def _scope(snapshot: Snapshot, audience: Audience) -> _Scope:
    if audience.rows == "all":
        return _Scope(None, set(), {})
    people = cut_rows.people_of(snapshot, audience.rows, audience.person)
    teams = cut_rows.whole_teams(snapshot, people) if audience.rows == "team" else set()
    return _Scope(people, teams, cut_rows.kept_keys(snapshot, people))


def _table(
    snapshot: Snapshot, name: str, audience: Audience, scope: _Scope, censor: Censor | None
) -> tuple[pa.Table, int]:
    """The rows and cells of a table that the audience may see, and how many groups of pay were withheld."""
    contract, groups = TABLES[name], 0
    rows = _stored(snapshot, name, scope)
    if name == "plan_assignments" and audience.pay == "mean":
        rows, groups = _with_mean_pay(snapshot, rows, audience)
    elif name == "plan_assignments" and audience.pay == "hidden":
        rows = emptied(rows, contract, PAY)
    if scope.people is not None:
        rows = cut_rows.rows_of(rows, contract, scope.kept, scope.teams)
    if name == "reps" and audience.names == "hidden":
        rows = emptied(rows, contract, ["name"])
    if censor is not None:
        rows = censor.table(rows, contract, keep=("name",) if name == "reps" else ())
    return emptied(rows, contract, [c for table, c in audience.hide if table == name]), groups


def _stored(snapshot: Snapshot, name: str, scope: _Scope) -> pa.Table:
    """A table's rows: every version known by the day; where rows have owners the last, which says whose."""
    last = scope.people is not None and name not in _VERSIONS and name not in cut_rows.COMMON
    if last or name == submissions.TABLE:
        return snapshot.table(name).to_pyarrow()
    table, contract = snapshot.warehouse.table(name), TABLES[name]
    for stamp in {contract.exists_from, "recorded_at"} & set(contract.by_name):
        table = table.filter(table[stamp].isnull() | snapshot.day.reached(table[stamp]))
    return table.to_pyarrow()


def _with_mean_pay(snapshot: Snapshot, rows: pa.Table, audience: Audience) -> tuple[pa.Table, int]:
    """Plans in force on the day with the mean pay of their group; earlier and later ones without pay."""
    import pyarrow as pa

    spells = snapshot.frame("reps") if snapshot.has("reps") else None
    roles = {} if spells is None else dict(zip(spells["rep_id"], spells["role"].fillna(""), strict=True))
    known = snapshot.table("plan_assignments").to_pyarrow()
    frame = known.to_pandas(date_as_object=True)
    runs = frame["end_date"].isna() | (frame["end_date"] > snapshot.as_of)
    now, groups = mean_pay(frame[runs], roles, audience.smallest)
    for column in PAY:
        means = now[column].reindex(frame.index)
        place = known.column_names.index(column)
        amounts = pa.array(means.astype("float64"), from_pandas=True).cast(known.column(column).type)
        known = known.set_column(place, column, amounts)
    return known, groups


def _censor(snapshot: Snapshot, audience: Audience, scope: _Scope) -> Censor | None:
    """What goes through the texts; None for those who see everybody's name and pay."""
    spells = _columns(snapshot, "reps", "rep_id", "name")
    ours = set(scope.people) if scope.people is not None else {rep for rep, _ in spells}
    hidden = {name for rep, name in spells if name and (audience.names == "hidden" or rep not in ours)}
    strangers = {rep for rep, _ in spells if rep not in ours}
    pays = _columns(snapshot, "plan_assignments", "rep_id", *PAY)
    amounts = {
        pay for rep, *two in pays for pay in two if pay and (audience.pay != "shown" or rep not in ours)
    }
    return Censor(hidden, strangers, amounts) if hidden or strangers or amounts else None


def _columns(snapshot: Snapshot, name: str, *columns: str) -> list[tuple]:
    """Every version of some columns, also what was recorded after the day: a text may know it."""
    if name not in snapshot.warehouse.names():
        return []
    table = snapshot.warehouse.table(name).select(*columns).distinct().to_pyarrow()
    return list(zip(*[table.column(c).to_pylist() for c in columns], strict=True))


def _settings(snapshot: Snapshot, label: str, into: Path) -> None:
    """``company.yaml`` of the view: its name says whose view it is, wherever a report names the company."""
    told = snapshot.company.settings.model_dump(mode="json") | {"logo": ""}
    told["name"] = f"{told['name'][: 190 - len(label)]}, {label}"
    for key in ("holidays",):
        told[key] = [date.fromisoformat(day) for day in told[key]]
    calendar = told["fiscal_calendar"]
    if "starts" in calendar:
        calendar["starts"] = [date.fromisoformat(day) for day in calendar["starts"]]
        calendar["end"] = date.fromisoformat(calendar["end"])
    text = yaml.safe_dump(told, sort_keys=False, allow_unicode=True)
    (into / "company.yaml").write_text(text, encoding="utf-8")


def _files(root: Path | None, audience: Audience, censor: Censor | None, into: Path) -> None:
    """Policy, and for those who see everything plans and ledgers. A link is not followed."""
    if root is None:
        return
    shipped = {path.stem for path in (repository_root() / "data" / "policy").glob("*.yaml")} - {"audiences"}
    allowed = (
        shipped | {"plan_rates"} | ({"routing"} if (audience.rows, audience.names) == _EVERYBODY else set())
    )
    for path in _own_files(root, "policy", "*.yaml"):
        if audience.sees_all or path.stem in allowed:
            (into / "policy").mkdir(exist_ok=True)
            told = _without(read_yaml(path), censor)
            text = yaml.safe_dump(told, sort_keys=False, allow_unicode=True)
            (into / "policy" / path.name).write_text(text, encoding="utf-8")
    if audience.sees_all:
        for folder, kind in (("plans", "**/*.yaml"), ("ledger", "*.jsonl"), (".", "import*")):
            for path in _own_files(root, folder, kind):
                target = into / path.relative_to(root)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


def _own_files(root: Path, folder: str, pattern: str) -> Iterable[Path]:
    """Files that stand in a folder of the company themselves."""
    place = root / folder
    for path in sorted(place.glob(pattern)) if place.is_dir() else []:
        inside = path.resolve() == root.resolve() / path.relative_to(root)
        if path.is_file() and inside and (folder == "ledger" or path.stat().st_size <= MAX_YAML_BYTES):
            yield path


def _without(told: Any, censor: Censor | None) -> Any:
    if isinstance(told, dict):
        return {_without(k, censor): _without(v, censor) for k, v in told.items()}
    if isinstance(told, list):
        return [_without(item, censor) for item in told]
    return censor.text(told, free=False) if censor and isinstance(told, str) else told


def _said(
    snapshot: Snapshot, audience: Audience, scope: _Scope, given: list[str], groups: int
) -> Iterable[str]:
    """What the view does not hold, one sentence each; none for those who see all."""
    if scope.people is not None:
        who = f"{len(scope.people)} people" if len(scope.people) > 1 else "one person"
        teams = f" (whole teams: {', '.join(sorted(scope.teams))})" if scope.teams else ""
        left = "; who left the team before that day is not in it" if audience.rows == "team" else ""
        yield (
            f"This view holds the rows of {audience.name} only, as of {snapshot.as_of}: {who}{teams}. What "
            f"is called company, region or total here is the sum of these rows, not of the company{left}."
        )
    lost = sorted(set(snapshot.names()) - set(given))
    if lost:
        yield f"This view has no table {', '.join(lost)}: {audience.name} may not see it."
    if "plan_assignments" in given and audience.pay == "mean":
        yield (
            f"Pay is the mean of role and currency in groups of at least {audience.smallest}; {groups} group "
            f"figures are withheld, so sums of pay are short of the company's."
        )
    if "plan_assignments" in given and audience.pay == "hidden":
        yield "Pay is withheld in this view, so nothing here adds it up."
    if audience.names == "hidden":
        yield "Names of reps are withheld in this view."
    hidden = [f"{table}.{column}" for table, column in audience.hide if table in given]
    if hidden:
        yield f"These columns are withheld in this view: {', '.join(hidden)}."
    if not audience.sees_all:
        yield "Ledgers, compensation plans and the log of imports are not in this view."


def _broken(name: str) -> str:
    return f"Table {name} breaks its contract and is not in this view; operations know where."


__all__ = ["ViewError", "cut_view", "read_audience"]
