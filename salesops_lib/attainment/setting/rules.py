"""The rules a quota plan is judged by: code, metric, policy value, owner, due, playbook section."""

from __future__ import annotations

from salesops_lib.attainment.setting import metrics
from salesops_lib.attainment.setting.basis import YEAR_QUARTERS
from salesops_lib.attainment.spread.distribution import SMALL_GROUP
from salesops_lib.core.findings import Rule

_PAGE = "how-to/planning/set-quotas.md"
_LETTERS = "before the quota letters"

CAPACITY = Rule(
    code="F-QUOTA-CAPACITY", metric=metrics.CAPACITY_COVER, title="Bottom-up capacity against the target",
    policy="capacity_floor", keep="above", min_n=YEAR_QUARTERS, counts="past quarters", owner="head of sales",
    due="within 5 business days", due_days=7, playbook=_PAGE,
)  # fmt: skip
CHANCE = Rule(
    code="F-QUOTA-CHANCE", metric=metrics.PLAN_CHANCE, title="Chance of the target",
    policy="plan_probability", keep="above", min_n=YEAR_QUARTERS, counts="past quarters",
    owner="sales ops manager",
    due=_LETTERS, due_days=21, playbook=_PAGE,
)  # fmt: skip
OVER = Rule(
    code="F-QUOTA-OVER", metric=metrics.PLANNED_ASSIGNMENT, title="Proposed quotas over the target",
    policy="overassign_max", keep="below", min_n=1, counts="holders", owner="sales ops manager",
    due=_LETTERS, due_days=21, playbook=_PAGE,
)  # fmt: skip
UNDER = Rule(
    code="F-QUOTA-UNDER", metric=metrics.PLANNED_ASSIGNMENT, title="Proposed quotas cover the target",
    policy="overassign_min", keep="above", min_n=1, counts="holders", owner="sales ops manager",
    due=_LETTERS, due_days=21, playbook=_PAGE,
)  # fmt: skip
MEDIAN = Rule(
    code="F-QUOTA-MEDIAN", metric=metrics.OVER_MEDIAN, title="Largest quota against the middle of its group",
    policy="quota_over_median", keep="below", min_n=4, counts="quotas", owner="sales ops manager",
    due=_LETTERS, due_days=21, playbook=_PAGE,
)  # fmt: skip
HARD = Rule(
    code="F-QUOTA-HARD", metric=metrics.SIMULATED_SHARE, title="Simulated share at quota, lower end",
    policy="plan_share_min", keep="above", min_n=SMALL_GROUP, counts="reps",
    owner="sales ops manager",
    due=_LETTERS, due_days=21, playbook=_PAGE,
)  # fmt: skip
EASY = Rule(
    code="F-QUOTA-EASY", metric=metrics.SIMULATED_SHARE, title="Simulated share at quota, upper end",
    policy="plan_share_max", keep="below", min_n=SMALL_GROUP, counts="reps",
    owner="sales ops manager",
    due=_LETTERS, due_days=21, playbook=_PAGE,
)  # fmt: skip
PASTHARD = Rule(
    code="F-QUOTA-PASTHARD", metric=metrics.BACKTEST_SHARE, title="Back-tested share at quota, lower end",
    policy="plan_share_min", keep="above", min_n=SMALL_GROUP, counts="reps", owner="analyst",
    due=_LETTERS, due_days=21, playbook=_PAGE,
)  # fmt: skip
PASTEASY = Rule(
    code="F-QUOTA-PASTEASY", metric=metrics.BACKTEST_SHARE, title="Back-tested share at quota, upper end",
    policy="plan_share_max", keep="below", min_n=SMALL_GROUP, counts="reps", owner="analyst",
    due=_LETTERS, due_days=21, playbook=_PAGE,
)  # fmt: skip
WORSE = Rule(
    code="F-QUOTA-WORSE", metric=metrics.BACKTEST_ERROR, title="Back-test: error against the quotas as given",
    policy="backtest_error_ratio", keep="below", min_n=SMALL_GROUP, counts="reps", owner="analyst",
    due=_LETTERS, due_days=21, playbook=_PAGE,
)  # fmt: skip

QUOTA_RULES = (CAPACITY, CHANCE, OVER, UNDER, MEDIAN, HARD, EASY, PASTHARD, PASTEASY, WORSE)
