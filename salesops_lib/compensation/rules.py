"""The rules of compensation, and what every judgement needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from salesops_lib.compensation.close.rules import CLOSE_RULES
from salesops_lib.compensation.simulation.rules import SIMULATION_RULES
from salesops_lib.core.findings import Rule
from salesops_lib.core.policy import Policy, PolicyValue

RULES = (*SIMULATION_RULES, *CLOSE_RULES)


@dataclass(frozen=True)
class Setting:
    """What every judgement needs: the policy, the day, the currency."""

    policy: Policy
    as_of: date
    currency: str

    def limit(self, rule: Rule) -> PolicyValue:
        """The rule's policy value in force on the day."""
        return self.policy.value(rule.policy, self.as_of)

    def value(self, name: str) -> float:
        """A policy number in force on the day."""
        return self.policy.value(name, self.as_of).value
