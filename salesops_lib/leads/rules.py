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
    code: str, metric, title: str, limit: tuple[str, str], n: tuple[int, str], page: str, due, owner: str
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
    ("sla_share_min", "above"),
    (30, "leads"),
    _ROUTE,
    _WEEK,
    "SDR manager",
)
UNTOUCHED = _rule(
    "UNTOUCHED",
    metrics.UNTOUCHED,
    "Leads never touched",
    ("never_touched_max", "below"),
    (30, "leads"),
    _ROUTE,
    ("within 2 days", 2),
    "SDR manager",
)
SPEED = _rule(
    "SPEED",
    metrics.SPEED,
    "What a fast answer goes with",
    ("speed_odds_max", "below"),
    (200, "leads"),
    _ROUTE,
    _MONTH,
    "sales ops manager",
)
ROUTING = _rule(
    "ROUTING",
    metrics.ROUTING,
    "Leads spread evenly",
    ("routing_spread_max", "below"),
    (2, "owners"),
    _ROUTE,
    _WEEK,
    "representative",
)
LEAK = _rule(
    "LEAK",
    metrics.LEAKS,
    "Columns that give the outcome away",
    ("leaking_columns_max", "below"),
    (1, "columns"),
    _ROUTE,
    _WEEK,
    "analyst",
)
SCORE = _rule(
    "SCORE",
    metrics.AUC,
    "The score ranks leads",
    ("score_auc_min", "above"),
    (300, "leads"),
    _ROUTE,
    _MONTH,
    "analyst",
)
CALIBRATION = _rule(
    "CALIBRATION",
    metrics.BIAS,
    "The score's level is right",
    ("score_bias_max", "below"),
    (300, "leads"),
    _ROUTE,
    _MONTH,
    "analyst",
)
DRIFT = _rule(
    "DRIFT",
    metrics.DRIFT,
    "Recent leads are like those learnt from",
    ("score_drift_max", "below"),
    (30, "recent leads"),
    _ROUTE,
    _MONTH,
    "analyst",
)
LIFT = _rule(
    "LIFT",
    metrics.LIFT,
    "The best tenth converts more",
    ("score_lift_min", "above"),
    (300, "leads"),
    _ROUTE,
    _MONTH,
    "analyst",
)
SOURCE = _rule(
    "SOURCE",
    metrics.SOURCE_GAP,
    "A source against the others",
    ("source_gap_min", "above"),
    (30, "leads"),
    _SOURCES,
    _MONTH,
    "marketing",
)
RETURN = _rule(
    "RETURN",
    metrics.ROI,
    "Return on a source's spend",
    ("roi_min", "above"),
    (1, "leads"),
    _SOURCES,
    _MONTH,
    "marketing",
)
CHANGE = _rule(
    "CHANGE",
    metrics.CHANGE,
    "Conversion in half a year",
    ("change_min", "above"),
    (60, "leads"),
    _SOURCES,
    _MONTH,
    "marketing",
)
FAULTS = _rule(
    "FAULTS",
    metrics.FAULTY,
    "Leads with a faulty cell",
    ("faulty_leads_max", "below"),
    (1, "leads"),
    _SOURCES,
    _WEEK,
    "representative",
)

RULES = (
    SLA,
    UNTOUCHED,
    SPEED,
    ROUTING,
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
