"""The rules leads are judged by: code, metric, policy value, owner, due, playbook section."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from salesops_lib.core.findings import Rule
from salesops_lib.core.policy import Policy, PolicyValue
from salesops_lib.leads import metrics

_ROUTE = "how-to/leads/route-and-respond.md"
_SOURCES = "how-to/leads/review-lead-sources.md"
_WEEK, _MONTH = ("within a week", 7), ("within a month", 30)


def _rule(
    code: str, metric, title: str, *, limit: tuple[str, str], n: tuple[int, str], page: str, due, owner: str
) -> Rule:
    policy, keep = limit
    return Rule(
        code=f"F-LEAD-{code}",
        metric=metric,
        title=title,
        policy=policy,
        keep=keep,
        min_n=n[0],
        counts=n[1],
        owner=owner,
        due=due[0],
        due_days=due[1],
        playbook=page,
    )


SLA = _rule(
    "SLA",
    metrics.SLA,
    "Leads answered in time",
    limit=("sla_share_min", "above"),
    n=(30, "leads"),
    page=_ROUTE,
    due=_WEEK,
    owner="SDR manager",
)
UNTOUCHED = _rule(
    "UNTOUCHED",
    metrics.UNTOUCHED,
    "Leads never touched",
    limit=("never_touched_max", "below"),
    n=(30, "leads"),
    page=_ROUTE,
    due=("within 2 days", 2),
    owner="SDR manager",
)
SPEED = _rule(
    "SPEED",
    metrics.SPEED,
    "What a fast answer goes with",
    limit=("speed_odds_max", "below"),
    n=(200, "leads"),
    page=_ROUTE,
    due=_MONTH,
    owner="sales ops manager",
)
ROUTING = _rule(
    "ROUTING",
    metrics.ROUTING,
    "Leads spread evenly",
    limit=("routing_spread_max", "below"),
    n=(2, "owners"),
    page=_ROUTE,
    due=_WEEK,
    owner="representative",
)
UNOWNED = _rule(
    "UNOWNED",
    metrics.UNOWNED,
    "Leads without an owner",
    limit=("unowned_max", "below"),
    n=(30, "leads"),
    page=_ROUTE,
    due=("within 2 days", 2),
    owner="representative",
)
REASSIGNED = _rule(
    "REASSIGNED",
    metrics.REASSIGNED,
    "Leads passed to another owner",
    limit=("reassigned_max", "below"),
    n=(30, "leads"),
    page=_ROUTE,
    due=_WEEK,
    owner="representative",
)
LEAK = _rule(
    "LEAK",
    metrics.LEAKS,
    "Columns that give the outcome away",
    limit=("leaking_columns_max", "below"),
    n=(1, "columns"),
    page=_ROUTE,
    due=_WEEK,
    owner="analyst",
)
SCORE = _rule(
    "SCORE",
    metrics.AUC,
    "The score ranks leads",
    limit=("score_auc_min", "above"),
    n=(300, "leads"),
    page=_ROUTE,
    due=_MONTH,
    owner="analyst",
)
CALIBRATION = _rule(
    "CALIBRATION",
    metrics.BIAS,
    "The score's level is right",
    limit=("score_bias_max", "below"),
    n=(300, "leads"),
    page=_ROUTE,
    due=_MONTH,
    owner="analyst",
)
DRIFT = _rule(
    "DRIFT",
    metrics.DRIFT,
    "Recent leads are like those learnt from",
    limit=("score_drift_max", "below"),
    n=(30, "recent leads"),
    page=_ROUTE,
    due=_MONTH,
    owner="analyst",
)
LIFT = _rule(
    "LIFT",
    metrics.LIFT,
    "The best tenth converts more",
    limit=("score_lift_min", "above"),
    n=(300, "leads"),
    page=_ROUTE,
    due=_MONTH,
    owner="analyst",
)
SOURCE = _rule(
    "SOURCE",
    metrics.SOURCE_GAP,
    "A source against the others",
    limit=("source_gap_min", "above"),
    n=(30, "leads"),
    page=_SOURCES,
    due=_MONTH,
    owner="marketing",
)
RETURN = _rule(
    "RETURN",
    metrics.ROI,
    "Return on a source's spend",
    limit=("roi_min", "above"),
    n=(1, "leads"),
    page=_SOURCES,
    due=_MONTH,
    owner="marketing",
)
CHANGE = _rule(
    "CHANGE",
    metrics.CHANGE,
    "Conversion in half a year",
    limit=("change_min", "above"),
    n=(60, "leads"),
    page=_SOURCES,
    due=_MONTH,
    owner="marketing",
)
FAULTS = _rule(
    "FAULTS",
    metrics.FAULTY,
    "Leads with a faulty cell",
    limit=("faulty_leads_max", "below"),
    n=(1, "leads"),
    page=_SOURCES,
    due=_WEEK,
    owner="representative",
)

RULES = (
    SLA,
    UNTOUCHED,
    SPEED,
    ROUTING,
    UNOWNED,
    REASSIGNED,
    LEAK,
    SCORE,
    CALIBRATION,
    DRIFT,
    LIFT,
    SOURCE,
    RETURN,
    CHANGE,
    FAULTS,
)


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
