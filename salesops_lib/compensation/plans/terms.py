"""Terms around the components: credits, spiffs, holds, draws, clawback, pools, currency, rounding."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from salesops_lib.compensation.plans.exact import Number
from salesops_lib.compensation.plans.model import Kind, Name, Part, PeriodKind, Where

Mode = Literal["half_even", "half_up", "half_down", "up", "down", "ceiling", "floor"]


class Effective(Part):
    """Days on which this version holds, half-open; without ``to`` it holds until further notice."""

    from_: date = Field(alias="from")
    to: date | None = None


class Rounding(Part):
    """How pay lines are rounded: to ``unit`` of money, cumulatively, so that lines add up to their total."""

    unit: Number = Decimal("0.01")
    mode: Mode
    method: Literal["cumulative"] = "cumulative"


class Pay(Part):
    """Yearly cash at target, and the fixed part of it; the difference is the target incentive."""

    target_total_cash: Number
    base_salary: Number

    @property
    def target_incentive(self) -> Decimal:
        """Yearly incentive at target."""
        return self.target_total_cash - self.base_salary


class Proration(Part):
    """By the days a holder is on the plan in a window: whether quota and target incentive follow them."""

    basis: Literal["actual_days"]
    quota: bool
    target_incentive: bool


class Fx(Part):
    """Amounts in another currency are converted into the plan's at the rate of a day.

    ``event_date``: that day's, or the last of the seven days before. ``booking_month_average``: mean of the
    rates of the event's calendar month. ``month_end``: the last rate of that month. ``fixed``: ``rates``,
    units of the plan's currency for one of the other.
    """

    to: str = Field(pattern=r"^[A-Z]{3}$")
    rate_date: Literal["event_date", "booking_month_average", "month_end", "fixed"]
    rates: dict[str, Number] = Field(default_factory=dict)


class OwnerCredit(Part):
    """The deal's own payee (``rep_id``), where it is not split."""

    rule: Literal["owner"]
    share: Number = Decimal(1)
    overlay: bool = False


class SplitCredit(Part):
    """Several rows of a deal's event, each with a payee and a share in ``field``; they add to a sum."""

    rule: Literal["split"]
    field: str
    must_sum_to: Number = Decimal(1)
    tolerance: Number = Decimal(0)
    overlay: bool = False


class OverlayCredit(Part):
    """Holders of a role named in ``field`` of the event, on top of the deal's own credit."""

    rule: Literal["overlay"]
    role: str
    share: Number = Decimal(1)
    field: str = "overlay_id"
    overlay: bool = False


class RollupCredit(Part):
    """The managers above whoever is credited, by the reporting line of the event's date."""

    rule: Literal["rollup"]
    hierarchy: Literal["manager"]
    as_of: Literal["event_date"]
    share: Number = Decimal(1)
    levels: int | None = Field(default=None, ge=1)
    overlay: bool = False


Credit = Annotated[OwnerCredit | SplitCredit | OverlayCredit | RollupCredit, Field(discriminator="rule")]


class Spiff(Part):
    """Money for each deal, or a percentage of a field, in a span of days; ``max_total`` over all payees."""

    id: Name
    pays: Number
    per: Literal["deal", "unit", "percent"]
    field: str | None = None
    where: Where = Field(default_factory=dict)
    event: Kind = "booked"
    from_: date = Field(alias="from")
    to: date
    max_total: Number | None = None
    max_per_payee: Number | None = None


class Hold(Part):
    """A share of each line of a component is kept back until the deal is invoiced or paid."""

    component: Name
    share: Number
    release_on: Literal["invoiced", "invoice_paid", "paid"]


class Recovery(Part):
    """How a recoverable draw comes back: from when, which share of pay above the floor, down to where."""

    starts: Literal["immediate", "after_draw_ends"]
    rate: Number
    floor: Literal["draw", "none"] | Number
    forgive_at_end: bool


class Draw(Part):
    """Pay of a pay period is topped up to ``amount`` in these months of tenure."""

    kind: Literal["recoverable", "non_recoverable"]
    amount: Number
    period: PeriodKind
    from_tenure_month: int = 1
    to_tenure_month: int | None = None
    recovery: Recovery | None = None


class ClawbackStep(Part):
    """Until this day after the event, exclusive, this share comes back."""

    to_day: int
    share: Number


class Clawback(Part):
    """What comes back when a deal's customer leaves or does not pay within the window.

    ``full``: all. ``linear``: the share of the window that is left. ``steps``: by ``steps``.
    """

    trigger: tuple[Kind, ...] = Field(min_length=1)
    window_days: int | None = None
    schedule: Literal["full", "linear", "steps"]
    steps: tuple[ClawbackStep, ...] = ()
    reduces_attainment: bool
    only_paid: bool


class Overpayment(Part):
    """Pay that turned out too high comes back from later pay: at most this share of a period's pay."""

    rate: Number = Decimal(1)


class Funding(Part):
    """What goes into a pool: ``amount``, or ``rate_percent`` of a measure over all; times ``share``."""

    measure: Name | None = None
    rate_percent: Number | None = None
    amount: Number | None = None
    period: PeriodKind | None = None
    share: Number = Decimal(1)


class Distribution(Part):
    """Who gets how much of a pool: the same, by days on the plan, by ``pool_share``, by credited measure."""

    by: Literal["equal", "days_active", "pool_share", "credit"]
    method: Literal["largest_remainder"]


class Pool(Part):
    """A sum shared out to the cent among the holders of ``roles`` (default: all on the plan)."""

    id: Name
    funding: Funding
    distribute: Distribution
    roles: tuple[str, ...] = ()
