"""Components of a plan: how a measure turns into money, and what stands in the way of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from salesops_lib.compensation.plans.exact import Number
from salesops_lib.compensation.plans.model import Name, Part, PeriodKind

Point = Annotated[tuple[Number, ...], Field(min_length=2, max_length=2)]
"""(measure, payout)."""


class Tier(Part):
    """From this value of the measure on, until the next tier's: half-open."""

    from_: Number = Field(alias="from")
    rate: Number


class Cap(Part):
    """The most that is paid. A part left out does not limit.

    ``per_deal``: money of one deal. ``amount``: money, ``share_of_target``: share of target incentive, both
    of one ``period`` (default: the measure's, for a plan the year). ``carry_excess``: what lies above is not
    lost but carried into the next such period.
    """

    per_deal: Number | None = None
    amount: Number | None = None
    share_of_target: Number | None = None
    period: PeriodKind | None = None
    carry_excess: bool = False


class Gate(Part):
    """What has to hold for the component to pay.

    ``measure`` with ``attainment_at_least`` or ``value_at_least``, judged in the window of that measure in
    which the event falls; or ``component``: that one must have earned something in its own window.
    """

    measure: Name | None = None
    component: Name | None = None
    attainment_at_least: Number | None = None
    value_at_least: Number | None = None


class Multiplier(Part):
    """A factor read off a measure: between ``points`` linearly, flat beyond the ends; or by ``tiers``."""

    measure: Name
    basis: Literal["attainment", "value"] | None = None
    points: tuple[Point, ...] = ()
    tiers: tuple[Tier, ...] = ()
    allow_jump: bool = False


class _Component(Part):
    id: Name
    type: Literal["commission", "bonus"]
    measure: Name
    weight: Number
    basis: Literal["attainment", "amount", "value", "score"]
    rate_unit: Literal["percent", "multiple_of_base", "share_of_target", "amount"]
    paid: Literal["as_earned", "at_period_end"] | None = None
    cap: Cap | None = None
    gate: tuple[Gate, ...] | Gate = ()
    multiplier: tuple[Multiplier, ...] | Multiplier = ()
    allow_jump: bool = False

    @property
    def gates(self) -> tuple[Gate, ...]:
        """All gates; every one must hold."""
        return (self.gate,) if isinstance(self.gate, Gate) else self.gate

    @property
    def multipliers(self) -> tuple[Multiplier, ...]:
        """All multipliers; they multiply each other."""
        return (self.multiplier,) if isinstance(self.multiplier, Multiplier) else self.multiplier

    @property
    def as_earned(self) -> bool:
        """Paid with each event (a commission unless said otherwise) or once when the window ends."""
        return self.paid == "as_earned" if self.paid else self.type == "commission"


class Marginal(_Component):
    """Each band of the measure has its own rate."""

    method: Literal["marginal"]
    tiers: tuple[Tier, ...] = Field(min_length=1)


class Retroactive(_Component):
    """The rate of the tier reached holds for everything since 0."""

    method: Literal["retroactive"]
    tiers: tuple[Tier, ...] = Field(min_length=1)


class Step(_Component):
    """Each tier pays a fixed sum: a share of target incentive, or money."""

    method: Literal["step"]
    tiers: tuple[Tier, ...] = Field(min_length=1)


class Interpolated(_Component):
    """The payout lies on the straight line between two points, flat beyond the last."""

    method: Literal["interpolated"]
    points: tuple[Point, ...] = Field(min_length=1)


class Matrix(_Component):
    """Two measures read off a table: bilinear between its lines, or the cell they fall in.

    Below the first row or column it pays nothing; beyond the last it pays as there.
    """

    method: Literal["matrix"]
    measure2: Name
    interpolate: Literal["bilinear", "none"]
    rows: tuple[Number, ...] = Field(min_length=1)
    cols: tuple[Number, ...] = Field(min_length=1)
    table: tuple[tuple[Number, ...], ...] = Field(min_length=1)


Component = Annotated[Marginal | Retroactive | Step | Interpolated | Matrix, Field(discriminator="method")]
Tiered = Marginal | Retroactive | Step
