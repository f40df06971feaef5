"""What a fault is: table, field, condition, the rows it can happen in, and how to end it at the source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

import pandas as pd

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from salesops_lib.core.policy import Policy

Dimension = Literal["completeness", "validity", "uniqueness", "timeliness", "consistency"]
DIMENSIONS: tuple[str, ...] = ("completeness", "validity", "uniqueness", "timeliness", "consistency")


@dataclass(frozen=True)
class Basis:
    """What the conditions are judged on: the day, how far back, how old is too old, and the stages."""

    as_of: date
    closed_days: int  # closed deals count for so many days after their close date
    untouched_days: int
    late_days: int
    amount_stage: int  # an amount is due from this stage position on
    positions: dict[str, int]  # stage → position
    closed_stages: tuple[str, ...]

    def before(self, days: int) -> date:
        """The day ``days`` before ``as_of``."""
        return self.as_of - timedelta(days=days)


def basis(policy: Policy, stages: pd.DataFrame, as_of: date) -> Basis:
    """The basis of a day: lengths from the policy ``quality``, stages as ``stage, position, outcome``."""

    def number(name: str) -> int:
        return int(policy.value(name, as_of).value)

    return Basis(
        as_of=as_of,
        closed_days=number("closed_days"),
        untouched_days=number("untouched_days"),
        late_days=number("late_days"),
        amount_stage=number("amount_stage"),
        positions={str(s): int(p) for s, p in zip(stages["stage"], stages["position"], strict=True)},
        closed_stages=tuple(stages.loc[stages["outcome"] != "open", "stage"]),
    )


Condition = Callable[["ir.Table", Basis], "ir.BooleanValue"]


def every(table: ir.Table, basis: Basis) -> ir.BooleanValue:
    """Every row is due."""
    import ibis

    return ibis.literal(True)


@dataclass(frozen=True)
class Fault:
    """One way in which one field goes wrong.

    ``due`` says in which rows it can happen, ``faulty`` in which of those it did; a null condition is
    false. ``needs`` names the columns both read, prepared ones (``known_…``, ``last_touch``) included:
    where one is missing the fault is not measured, never counted as none. ``required`` fields are held to
    the policy by F-DATA-COMPLETE. ``owner`` is a role; ``mend`` ends the fault at its source.
    """

    table: str
    field: str
    kind: str  # with table and field the fault's stable name
    dimension: Dimension
    title: str
    counted: str  # the denominator in words
    needs: tuple[str, ...]
    due: Condition
    faulty: Condition
    owner: str
    mend: str
    required: bool = False

    @property
    def name(self) -> str:
        """``opportunities.close_date.past``."""
        return f"{self.table}.{self.field}.{self.kind}"

    @property
    def judged(self) -> bool:
        """Whether it counts in totals and in what to fix: an optional field left empty does not."""
        return self.required or self.dimension != "completeness"


def blank(table: ir.Table, field: str) -> ir.BooleanValue:
    """Whether a cell is empty: missing, or text of nothing but space."""
    column = table[field]
    return (column.isnull() | (column.strip() == "")) if column.type().is_string() else column.isnull()


def day(column: ir.Value) -> ir.DateValue:
    """A date or UTC stamp as its date."""
    return column if column.type().is_date() else column.cast("date")


def empty(
    table: str,
    field: str,
    *,
    mend: str,
    owner: str = "representative",
    due: Condition = every,
    counted: str = "all rows",
    needs: tuple[str, ...] = (),
    required: bool = False,
) -> Fault:
    """A field left empty where it is due."""
    return Fault(
        table=table,
        field=field,
        kind="empty",
        dimension="completeness",
        title=f"{words(field)} is empty",
        counted=counted,
        needs=(field, *needs),
        due=due,
        faulty=lambda t, b: blank(t, field),
        owner=owner,
        mend=mend,
        required=required,
    )


def out_of_order(table: str, earlier: str, later: str, *, mend: str, owner: str = "analyst") -> Fault:
    """A stamp or date before the one it must follow; the later field is at fault."""
    return Fault(
        table=table,
        field=later,
        kind=f"before_{earlier}",
        dimension="validity",
        title=f"{words(later)} is before {words(earlier).lower()}",
        counted=f"rows with both {earlier} and {later}",
        needs=(earlier, later),
        due=lambda t, b: t[earlier].notnull() & t[later].notnull(),
        faulty=lambda t, b: _comparable(t[later]) < _comparable(t[earlier]),
        owner=owner,
        mend=mend,
    )


def _comparable(column: ir.Value) -> ir.Value:
    return column.cast("timestamp") if column.type().is_timestamp() else column


def words(field: str) -> str:
    """``loss_reason`` as ``Loss reason``; units and ``_id`` are left to the reader."""
    for ending in ("_base", "_id", "_at"):
        field = field.removesuffix(ending)
    return field.replace("_", " ").capitalize()
