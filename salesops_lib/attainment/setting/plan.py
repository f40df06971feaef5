"""From facts to quotas in one step, by one set of rules: used for the plan and for its back-test."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

import pandas as pd

from salesops_lib.attainment.crediting.ramp import Ramp
from salesops_lib.attainment.setting import capacity, potential, reasons, simulation
from salesops_lib.attainment.setting import target as plan_target
from salesops_lib.attainment.setting.basis import Basis
from salesops_lib.attainment.setting.productivity import Productivity, productivity
from salesops_lib.attainment.setting.proposal import Proposal, propose
from salesops_lib.core.charts import percent
from salesops_lib.core.errors import ParameterError
from salesops_lib.core.policy import Policy


@dataclass(frozen=True)
class PlanRules:
    """What people decide about quotas: parameters of the run, and policy values in force on its day.

    ``weights``: of potential, history and pipeline. ``cap``: quota at full strength ÷ median of its group.
    ``shock_prior``, ``trend_prior``: log points; ``refill_months``: to hire. The rest as the notebook says.
    """

    ramp: Ramp
    cap: float
    refill_months: float
    shock_prior: float
    trend_prior: float
    target: float = 0.0
    growth: float = 0.0
    year: str = ""
    weights: dict[str, float] = field(default_factory=lambda: dict.fromkeys(potential.PARTS, 1.0))
    over_assignment: float = 1.0
    seed: int = 7
    draws: int = 4000

    @property
    def lag_months(self) -> float:
        """Months of full output a leaver costs: to hire, and to ramp."""
        return self.refill_months + self.ramp.lost_months

    def without_target(self) -> PlanRules:
        """The same rules for another year: its target from its own last year, by the same growth."""
        return replace(self, target=0.0, year="")


def plan_rules(policy: Policy, on: date, **asked) -> PlanRules:
    """Rules from policy and the run's parameters (``target``, ``growth``, ``year``, ``weights``, …).

    Raises ParameterError where over-assignment is above the cap, or draws are too few to give a range.
    """
    most = policy.value("overassign_cap", on)
    if not 0 < asked.get("over_assignment", 1.0) <= most.value:
        raise ParameterError(
            f"over_assignment is {asked['over_assignment']:g}; rep quotas may add up to at most "
            f"{percent(most.value)} of the plan ({most.cited})"
        )
    if asked.get("draws", 4000) < 100:
        raise ParameterError(f"draws is {asked['draws']}; give 100 or more")
    ramp = Ramp(policy.value("ramp_zero_months", on).value, policy.value("ramp_full_month", on).value)
    names = {
        "cap": "quota_over_median",
        "refill_months": "refill_months",
        "shock_prior": "shock_prior",
        "trend_prior": "trend_prior",
    }
    return PlanRules(ramp, **{k: policy.value(v, on).value for k, v in names.items()}, **asked)


@dataclass(frozen=True)
class QuotaPlan:
    """Quotas of a year and what they were made from; all but ``basis`` and ``rules`` may be missing together.

    ``bridge``: :func:`capacity.bridge`; ``proposed.reps`` carries the reasons.
    """

    basis: Basis
    rules: PlanRules
    plan: plan_target.Plan | None = None
    made: Productivity | None = None
    left: capacity.Attrition | None = None
    seen: pd.DataFrame | None = None
    bridge: pd.DataFrame | None = None
    proposed: Proposal | None = None

    @property
    def ready(self) -> bool:
        """Whether there was history enough for quotas."""
        return self.proposed is not None

    def simulate(self) -> simulation.Simulation | None:
        """The year drawn by the rules' seed; ``None`` without quotas."""
        if not self.ready:
            return None
        return simulation.simulate(
            self.proposed, self.plan, self.made, leave_rate=self.left.rate,
            lag_months=self.rules.lag_months, seed=self.rules.seed, draws=self.rules.draws,
        )  # fmt: skip


def reweighted(quotas: QuotaPlan, weights: dict[str, float]) -> Proposal:
    """The same plan with other weights, without reasons. ``quotas`` must be ready."""
    rules = quotas.rules
    expected = potential.expected(quotas.basis, quotas.made, weights)
    return propose(expected, quotas.plan, quotas.seen, over_assignment=rules.over_assignment, cap=rules.cap)


def set_quotas(basis: Basis, rules: PlanRules, quarters: list[str] | None = None) -> QuotaPlan:
    """Quotas of the year asked for (or of four given quarters) from what ``basis`` knows.

    Without a year of whole quarters, or without a seat, no number is made: the parts are missing.
    Raises ParameterError and PeriodError as :func:`plan_target.plan` and :func:`potential.expected` do.
    """
    made = productivity(basis, shock_prior=rules.shock_prior, trend_prior=rules.trend_prior)
    plan = plan_target.plan(
        basis, made, target=rules.target, growth=rules.growth, quarters=quarters, year=rules.year
    )
    if made is None or plan is None:
        return QuotaPlan(basis, rules, plan)
    left = capacity.attrition(basis)
    seen = capacity.exposure(basis, plan, rules.ramp)
    expected = potential.expected(basis, made, rules.weights)
    proposed = propose(expected, plan, seen, over_assignment=rules.over_assignment, cap=rules.cap)
    reps = reasons.with_reasons(proposed.reps, basis, plan, rules.weights)
    empty = capacity.vacancy(left.rate, rules.lag_months)
    bridge = capacity.bridge(basis, plan, made, seen, empty)
    return QuotaPlan(basis, rules, plan, made, left, seen, bridge, replace(proposed, reps=reps))
