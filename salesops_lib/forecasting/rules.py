"""The rules a forecast is judged by: code, metric, policy value, owner, due, playbook section."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from salesops_lib.core.findings import Rule
from salesops_lib.core.policy import Policy, PolicyValue
from salesops_lib.forecasting import metrics
from salesops_lib.forecasting.pace import MIN_PERIODS

_PAGE = "how-to/analytics/run-weekly-forecast-call.md"
FEW = 4  # past periods before a record is judged

TARGET = Rule(
    code="F-FCST-TARGET", metric=metrics.PROJECTED, title="Forecast against target",
    policy="target_share", keep="above", min_n=MIN_PERIODS, counts="past periods", owner="head of sales",
    due="before the next forecast call", due_days=7, playbook=_PAGE,
)  # fmt: skip
MOVED = Rule(
    code="F-FCST-MOVED", metric=metrics.MOVED, title="Move of the forecast in a week",
    policy="moved_limit", keep="above", min_n=1, counts="forecast a week ago", owner="sales manager",
    due="in this week's call", due_days=3, playbook=_PAGE,
)  # fmt: skip
COVERED = Rule(
    code="F-FCST-COVERAGE", metric=metrics.COVERED, title="Coverage of the printed range",
    policy="coverage_floor", keep="above", min_n=FEW, counts="past periods", owner="analyst",
    due="within 10 business days", due_days=14, playbook=_PAGE,
)  # fmt: skip
BIAS = Rule(
    code="F-FCST-BIAS", metric=metrics.BIAS, title="Bias of past forecasts",
    policy="bias_limit", keep="below", min_n=FEW, counts="past periods", owner="analyst",
    due="within 10 business days", due_days=14, playbook=_PAGE,
)  # fmt: skip
SKILL = Rule(
    code="F-FCST-SKILL", metric=metrics.SKILL, title="Error against the best benchmark",
    policy="error_ratio_limit", keep="below", min_n=FEW, counts="past periods", owner="analyst",
    due="within 10 business days", due_days=14, playbook=_PAGE,
)  # fmt: skip
PARTS = Rule(
    code="F-FCST-PARTS", metric=metrics.PARTS, title="The forecast against its own parts",
    policy="parts_limit", keep="below", min_n=FEW, counts="past periods", owner="analyst",
    due="within 10 business days", due_days=14, playbook=_PAGE,
)  # fmt: skip
CALLS = Rule(
    code="F-FCST-CALLS", metric=metrics.CALL_BIAS, title="Bias of the calls at this week",
    policy="call_bias_limit", keep="below", min_n=FEW, counts="past periods", owner="sales manager",
    due="in the next one-to-ones", due_days=7, playbook=_PAGE,
)  # fmt: skip
SILENT = Rule(
    code="F-FCST-SILENT", metric=metrics.CALLED, title="Submitters who have called",
    policy="called_floor", keep="above", min_n=1, counts="submitters", owner="sales manager",
    due="before this week's call", due_days=3, playbook=_PAGE,
)  # fmt: skip
HOLE = Rule(
    code="F-FCST-HOLE", metric=metrics.HOLES, title="Finished periods that hold bookings",
    policy="holes_limit", keep="below", min_n=1, counts="finished periods", owner="analyst",
    due="within 2 business days", due_days=2, playbook=_PAGE,
)  # fmt: skip
SLIPPAGE = Rule(
    code="F-FCST-SLIPPAGE", metric=metrics.SLIPPAGE, title="Value that slipped out of the period",
    policy="slippage_limit", keep="below", min_n=10, counts="deals", owner="sales manager",
    due="in this week's call", due_days=3, playbook=_PAGE,
)  # fmt: skip
PUSHED = Rule(
    code="F-FCST-PUSHED", metric=metrics.PUSHED, title="Value pushed twice or more",
    policy="pushed_limit", keep="below", min_n=10, counts="open deals", owner="sales manager",
    due="in this week's call", due_days=3, playbook=_PAGE,
)  # fmt: skip
LARGEST = Rule(
    code="F-FCST-LARGEST", metric=metrics.CONCENTRATION, title="Dependence on one deal",
    policy="largest_deal_limit", keep="below", min_n=5, counts="open deals", owner="sales manager",
    due="in this week's call", due_days=3, playbook=_PAGE,
)  # fmt: skip

RULES = (
    TARGET, MOVED, COVERED, BIAS, SKILL, PARTS, CALLS, SILENT, HOLE, SLIPPAGE, PUSHED, LARGEST,
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """What every judgement needs: the policy, the day, the currency."""

    policy: Policy
    as_of: date
    currency: str

    def limit(self, rule: Rule) -> PolicyValue:
        """The rule's policy value in force on the day."""
        return self.policy.value(rule.policy, self.as_of)
