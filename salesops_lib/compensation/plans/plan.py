"""The plan language: one version of one compensation plan, as its YAML file says it (`salesops.plan/1`).

Built by `load.load_plan`. Numbers are Decimal, days are dates, everything is frozen and unknown keys are
refused. What the keys mean is told in data/plans/README.md; what a plan may not say, in `checks`.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from salesops_lib.compensation.plans.components import Cap, Component
from salesops_lib.compensation.plans.measures import BUILT_IN, Measure
from salesops_lib.compensation.plans.model import Name, Part, PeriodKind
from salesops_lib.compensation.plans.terms import (
    Clawback,
    Credit,
    Draw,
    Effective,
    Fx,
    Hold,
    Overpayment,
    OwnerCredit,
    Pay,
    Pool,
    Proration,
    Rounding,
    Spiff,
)

SCHEMA = "salesops.plan/1"
FAR = date(9999, 1, 1)
ANNUAL = {"year": 1, "quarter": 4, "month": 12}
"""How many windows of a kind a year has."""


class Plan(Part):
    """One version of a plan."""

    schema_: Literal["salesops.plan/1"] = Field(alias="schema")
    id: Name
    version: int = Field(ge=1)
    effective: Effective
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    fx: Fx | None = None
    roles: tuple[str, ...] = Field(min_length=1)
    rounding: Rounding
    pay: Pay | None = None
    pay_period: PeriodKind = "month"
    proration: Proration | None = None
    measures: dict[Name, Measure]
    credits: tuple[Credit, ...] = ()
    components: tuple[Component, ...] = ()
    spiffs: tuple[Spiff, ...] = ()
    holds: tuple[Hold, ...] = ()
    draw: Draw | None = None
    clawback: Clawback | None = None
    overpayment: Overpayment = Overpayment()
    cap: Cap | None = None
    pool: tuple[Pool, ...] = ()

    @property
    def start(self) -> date:
        """First day in force."""
        return self.effective.from_

    @property
    def end(self) -> date:
        """The day after the last in force; a far day where none is said."""
        return self.effective.to or FAR

    @property
    def key(self) -> str:
        """``ae-enterprise v3``."""
        return f"{self.id} v{self.version}"

    @property
    def target_incentive(self) -> Decimal:
        """Yearly incentive at target, of the plan (a holder may have his own)."""
        return self.pay.target_incentive if self.pay else Decimal(0)

    @property
    def credit_rules(self) -> tuple[Any, ...]:
        """The rules as declared; none declared is: the owner, at 1."""
        return self.credits or (OwnerCredit(rule="owner"),)

    def measure(self, name: str) -> Any:
        """A measure by name, declared here or built in. Raises KeyError (the checks refuse it before)."""
        return self.measures[name] if name in self.measures else BUILT_IN[name]

    def component(self, component_id: str) -> Any:
        """A component by id. Raises KeyError."""
        return {c.id: c for c in self.components}[component_id]

    def in_force_on(self, day: int) -> bool:
        """Whether this version holds on a day (an ordinal)."""
        return self.start.toordinal() <= day < self.end.toordinal()

    @property
    def last_day(self) -> date:
        """The last day in force."""
        return self.end - timedelta(days=1)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the language, for editors: keys as they are written in YAML."""
    schema = Plan.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA} | schema
