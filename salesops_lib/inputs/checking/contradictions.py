"""Rows that contradict themselves: won and not closed, closed before created, an end before its start.

They load, for every cell alone is sound, and each report says how it counts them; so they are told apart
from breaches of a contract, which stop a report. How much of a table they are is judged by ``data_quality``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from salesops_lib.inputs.breaches import Breach, row_named
from salesops_lib.inputs.tables import TABLES

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from salesops_lib.inputs.load import Snapshot

RULE = "contradiction"
# Earlier and later field of one row: the later may not come before. Any table that has both is checked.
ORDERED = (
    ("start_date", "end_date"),
    *(("created_at", f"{step}_at") for step in ("assigned", "first_touch", "first_contact", "mql", "sal")),
    *(("created_at", f"{step}_at") for step in ("sql", "won", "lost", "disqualified")),
)
_DEALS = "opportunities"


def contradictions(snapshot: Snapshot, names: list[str]) -> list[Breach]:
    """One entry per contradiction met in the tables ``names`` as they stood on the snapshot's day.

    Each has the number of rows and the first by key. Of a table that keeps versions only the last counts:
    what was mended is no contradiction.
    """
    return [b for name in names for b in _of_table(snapshot, name)]


def _of_table(snapshot: Snapshot, name: str) -> Iterator[Breach]:
    import ibis

    table = _latest(snapshot, name)
    rules = [r for r in _rules(snapshot, name) if set(r[0]) <= set(table.columns)]
    if not rules:
        return
    tests = [test(table) for _, test, _, _ in rules]
    broken = [ibis.ifelse(test, 1, 0).sum().name(f"r{i}") for i, test in enumerate(tests)]
    counts = table.aggregate(broken).to_pyarrow().to_pylist()[0]
    key = [k for k in TABLES[name].key if k in table.columns]
    for i, (columns, _, found, remedy) in enumerate(rules):
        if counts[f"r{i}"]:
            wanted = table.filter(tests[i]).select(list(dict.fromkeys([*key, *columns])))
            first = wanted.order_by(key).limit(1).to_pyarrow().to_pylist()[0]
            said = found.format(**{column: first[column] for column in columns})
            yield Breach(name, columns[-1], RULE, int(counts[f"r{i}"]), row_named(first, key), said, remedy)


def _rules(snapshot: Snapshot, name: str) -> Iterator[tuple[tuple[str, ...], Any, str, str]]:
    """Columns it needs, the test, what is found in the first row, what to do."""
    for early, late in ORDERED:
        found = f"its {late} {{{late}}} is before its {early} {{{early}}}"
        yield (early, late), _before(early, late), found, "correct one of the two in the CRM"
    if name == _DEALS:
        yield from _deal_rules(snapshot)
    if name == "leads":
        both = ("lost_at", "won_at")
        test = lambda t: t.won_at.notnull() & t.lost_at.notnull()  # noqa: E731
        yield both, test, "it is both won ({won_at}) and lost ({lost_at})", "keep the outcome that holds"


def _deal_rules(snapshot: Snapshot) -> Iterator[tuple[tuple[str, ...], Any, str, str]]:
    import ibis

    flags = "derive won and closed from the stage alone"
    yield ("is_closed", "is_won"), lambda t: t.is_won & ~t.is_closed, "it is won and not closed", flags
    stages = snapshot.stages()
    for outcome in ("open", "won", "lost"):
        of = stages.loc[stages["outcome"] == outcome, "stage"].tolist()
        wanted = {"open": "open", "won": "won and closed", "lost": "closed and not won"}[outcome]
        yield (
            ("is_closed", "is_won", "stage"),
            _against(of, outcome),
            f"its stage {{stage!r}} is {wanted}, its is_closed {{is_closed}} and is_won {{is_won}}",
            flags,
        )
    closed = lambda t: t.is_closed & (t.close_date < t.created_date)  # noqa: E731
    found = "it closed on {close_date}, before it was created on {created_date}"
    yield ("is_closed", "created_date", "close_date"), closed, found, "correct one of the two in the CRM"
    day = snapshot.as_of
    yield (
        ("is_closed", "close_date"),
        lambda t: t.is_closed & (t.close_date > ibis.literal(day)),
        f"it is closed, on {{close_date}}, after the day checked {day}",
        "set the close date to the day of closing",
    )


def _before(early: str, late: str) -> Any:
    return lambda t: t[late] < t[early]


def _against(stages: list[str], outcome: str) -> Any:
    closed, won = outcome != "open", outcome == "won"
    return lambda t: t.stage.isin(stages) & ((t.is_closed != closed) | (t.is_won != won))


def _latest(snapshot: Snapshot, name: str) -> ir.Table:
    """The rows of a table on the snapshot's day: the last version of each key known by then."""
    import ibis

    table, contract = snapshot.warehouse.loose(name), TABLES[name]
    if not contract.versioned or "recorded_at" not in table.columns:
        return table
    key = [k for k in contract.key if k in table.columns and k != "recorded_at"]
    known = table.filter(table.recorded_at.isnull() | (table.recorded_at.date() <= snapshot.as_of))
    newest = ibis.row_number().over(group_by=key, order_by=ibis.desc("recorded_at"))
    return known.mutate(version=newest).filter(ibis._.version == 0).drop("version")
