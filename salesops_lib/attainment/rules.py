"""The rules attainment is judged by: code, metric, policy value, owner, due, playbook section."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from salesops_lib.attainment import metrics
from salesops_lib.attainment.outlook.pacing import MIN_PERIODS
from salesops_lib.attainment.setting import quality
from salesops_lib.attainment.setting.rules import QUOTA_RULES
from salesops_lib.attainment.spread.distribution import SMALL_GROUP
from salesops_lib.attainment.spread.humps import MIN_REPS
from salesops_lib.core.findings import Rule
from salesops_lib.core.policy import Policy, PolicyValue

_PAGE = "how-to/analytics/review-attainment.md"

PACE = Rule(
    code="F-ATTN-PACE", metric=metrics.PROJECTED, title="Pace against quota",
    policy="pace_target", keep="above", min_n=MIN_PERIODS, counts="past periods", owner="head of sales",
    due="within 5 business days", due_days=7, playbook=_PAGE,
)  # fmt: skip
FLOOR = Rule(
    code="F-ATTN-FLOOR", metric=metrics.PROJECTED, title="Team against its floor",
    policy="team_floor", keep="above", min_n=MIN_PERIODS, counts="past periods", owner="sales manager",
    due="within 5 business days", due_days=7, playbook=_PAGE,
)  # fmt: skip
SHARE = Rule(
    code="F-ATTN-SHARE", metric=metrics.PARTICIPATION, title="Share of reps at quota",
    policy="share_at_quota", keep="above", min_n=SMALL_GROUP, counts="reps", owner="sales ops manager",
    due="before the next quota letters", due_days=21, playbook=_PAGE,
)  # fmt: skip
SKEW = Rule(
    code="F-ATTN-SKEW", metric=metrics.TOP_FIFTH, title="Dependence on the top fifth",
    policy="top_fifth_limit", keep="below", min_n=SMALL_GROUP, counts="reps", owner="sales ops manager",
    due="within 10 business days", due_days=14, playbook=_PAGE,
)  # fmt: skip
NOQUOTA = Rule(
    code="F-ATTN-NOQUOTA", metric=metrics.NO_QUOTA, title="Bookings without a quota",
    policy="noquota_limit", keep="below", min_n=1, counts="reps with credit", owner="analyst",
    due="within 3 business days", due_days=3, playbook=_PAGE,
)  # fmt: skip
UNPLACED = Rule(
    code="F-ATTN-UNPLACED", metric=metrics.UNPLACED, title="Bookings without rep or team",
    policy="unplaced_limit", keep="below", min_n=1, counts="role spells", owner="analyst",
    due="within 3 business days", due_days=3, playbook=_PAGE,
)  # fmt: skip
OVERASSIGN = Rule(
    code="F-ATTN-OVERASSIGN", metric=metrics.OVER_ASSIGNMENT, title="Rep quotas over the goal",
    policy="overassign_max", keep="below", min_n=1, counts="rep quotas", owner="sales ops manager",
    due="before the next quota letters", due_days=21, playbook=_PAGE,
)  # fmt: skip
UNDERASSIGN = Rule(
    code="F-ATTN-UNDERASSIGN", metric=metrics.OVER_ASSIGNMENT, title="Rep quotas cover the goal",
    policy="overassign_min", keep="above", min_n=1, counts="rep quotas", owner="sales ops manager",
    due="before the next quota letters", due_days=21, playbook=_PAGE,
)  # fmt: skip

HUMPS = Rule(
    code="F-ATTN-HUMPS", metric=metrics.TWO_HUMPS, title="One group of reps or two",
    policy="two_humps_limit", keep="above", min_n=MIN_REPS, counts="reps", owner="sales ops manager",
    due="before the next quota letters", due_days=21, playbook=_PAGE,
)  # fmt: skip
QUOTABIAS = Rule(
    code="F-ATTN-QUOTABIAS", metric=metrics.QUOTA_BIAS, title="Attainment against quota, potential, tenure",
    policy="quota_bias_limit", keep="below", min_n=quality.MIN_REPS, counts="reps",
    owner="sales ops manager",
    due="before the next quota letters", due_days=21, playbook=_PAGE,
)  # fmt: skip
TEAMFIT = Rule(
    code="F-ATTN-TEAMFIT", metric=metrics.TEAM_FIT, title="Quotas of a team within reach",
    policy="team_fit_floor", keep="above", min_n=2, counts="reps", owner="sales ops manager",
    due="before the next quota letters", due_days=21, playbook=_PAGE,
)  # fmt: skip

RULES = (
    PACE, FLOOR, SHARE, SKEW, NOQUOTA, UNPLACED, OVERASSIGN, UNDERASSIGN, HUMPS, QUOTABIAS, TEAMFIT,
    *QUOTA_RULES,
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
