"""Measures of a plan: what is counted, of which events, over which window, against which quota."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from salesops_lib.compensation.plans.exact import Number
from salesops_lib.compensation.plans.model import Kind, Part, PeriodKind, Where


class Quota(Part):
    """Where the quota of a measure comes from.

    ``individual``: from the holder. ``role``: ``value``, the same for all. ``rollup``: the sum over the
    holder's reports divided by ``over_assignment``. The figure is for the measure's period, or for ``per``.
    ``ramp``: share of the monthly quota in months 1, 2, … of tenure; 1 afterwards.
    """

    source: Literal["individual", "role", "rollup"]
    value: Number | None = None
    per: PeriodKind | None = None
    ramp: tuple[Number, ...] = ()
    over_assignment: Number | None = None


class _Measure(Part):
    where: Where = Field(default_factory=dict)
    event: Kind
    period: PeriodKind
    quota: Quota | None = None
    target_at: Number | None = None

    @property
    def adds_up(self) -> bool:
        """Whether the measure is a sum of what each event brings, so that a deal can have a line."""
        return False


class Sum(_Measure):
    """Sum of a field over the credited events; each counts at its credit share.

    ``money: false`` says that the field is no amount of a currency, so that it is not converted.
    """

    aggregate: Literal["sum"]
    field: str
    money: bool = True

    @property
    def adds_up(self) -> bool:
        """A sum does."""
        return True


class Count(_Measure):
    """Number of credited events; each counts at its credit share."""

    aggregate: Literal["count"]

    @property
    def adds_up(self) -> bool:
        """A count does."""
        return True


class Ratio(_Measure):
    """Sum of one field over the sum of another; undefined where the second is 0."""

    aggregate: Literal["ratio"]
    numerator: str
    denominator: str
    money: bool = True


class Share(_Measure):
    """Share of the credited events for which a field is true.

    ``of: team_members_at_quota`` is worked out from the reports of the holder, where the events do not carry
    a field of that name: share of them whose own attainment is 1 or more.
    """

    aggregate: Literal["share"]
    of: str


class Mean(_Measure):
    """Mean of a field over the credited events, each with its credit share."""

    aggregate: Literal["mean"]
    field: str


class Last(_Measure):
    """The field's value in the last credited event of the window."""

    aggregate: Literal["last"]
    field: str


Measure = Annotated[Sum | Count | Ratio | Share | Mean | Last, Field(discriminator="aggregate")]

MBO_SCORE = Last(aggregate="last", field="mbo_score", event="scored", period="quarter", target_at=Decimal(1))
"""The measure that a plan may use without declaring it: the last score of a quarter, 1 is target."""

BUILT_IN: dict[str, Measure] = {"mbo_score": MBO_SCORE}
