"""The rules the process is judged by: code, metric, policy value, owner, due, playbook section."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from salesops_lib.core.findings import Rule
from salesops_lib.core.policy import Policy, PolicyValue
from salesops_lib.pipeline import metrics

_DEFINE = "how-to/process/define-stages.md"
_CLEAN = "how-to/process/keep-the-pipeline-clean.md"
_IMPROVE = "how-to/process/improve-a-process.md"
_FRIDAY, _MONTH = ("by Friday", 4), ("within a month", 30)


def _rule(
    code: str, metric, title: str, *, limit: tuple[str, str], n: tuple[int, str], page: str, due
) -> Rule:
    policy, keep = limit
    owner = "sales manager" if page == _CLEAN else "sales ops manager"
    return Rule(
        code=f"F-PIPE-{code}",
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


STAGE = _rule(
    "STAGE",
    metrics.STAGE,
    "A stage lets fewer through",
    limit=("stage_change_min", "above"),
    n=(20, "deals"),
    page=_IMPROVE,
    due=_MONTH,
)
BOTTLENECK = _rule(
    "BOTTLENECK",
    metrics.BOTTLENECK,
    "One stage holds deals up",
    limit=("bottleneck_max", "below"),
    n=(100, "stays"),
    page=_IMPROVE,
    due=_MONTH,
)
BACK = _rule(
    "BACK",
    metrics.BACK,
    "Deals step back",
    limit=("back_max", "below"),
    n=(50, "deals"),
    page=_DEFINE,
    due=_MONTH,
)
SKIP = _rule(
    "SKIP",
    metrics.SKIP,
    "Deals skip stages",
    limit=("skip_max", "below"),
    n=(50, "deals"),
    page=_DEFINE,
    due=_MONTH,
)
VARIANTS = _rule(
    "VARIANTS",
    metrics.VARIANTS,
    "One process or many",
    limit=("variants_min", "above"),
    n=(50, "decided deals"),
    page=_DEFINE,
    due=_MONTH,
)
VELOCITY = _rule(
    "VELOCITY",
    metrics.VELOCITY,
    "Velocity against a year ago",
    limit=("velocity_min", "above"),
    n=(30, "decided deals"),
    page=_IMPROVE,
    due=_MONTH,
)
OVERSTAY = _rule(
    "OVERSTAY",
    metrics.OVERSTAY,
    "Deals stay longer than a stage allows",
    limit=("overstay_max", "below"),
    n=(50, "stays"),
    page=_DEFINE,
    due=_MONTH,
)
EVIDENCE = _rule(
    "EVIDENCE",
    metrics.EVIDENCE,
    "Deals move on without evidence",
    limit=("evidence_max", "below"),
    n=(50, "exits"),
    page=_DEFINE,
    due=_MONTH,
)
READY = _rule(
    "READY",
    metrics.READY,
    "Process readiness",
    limit=("readiness_min", "above"),
    n=(10, "items"),
    page=_DEFINE,
    due=_MONTH,
)
OVERDUE = _rule(
    "OVERDUE",
    metrics.OVERDUE,
    "Open deals past their date",
    limit=("overdue_max", "below"),
    n=(10, "open deals"),
    page=_CLEAN,
    due=_FRIDAY,
)
OLD = _rule(
    "OLD",
    metrics.OLD,
    "Open deals too old to be won",
    limit=("old_max", "below"),
    n=(10, "open deals"),
    page=_CLEAN,
    due=_FRIDAY,
)
NEXT_STEP = _rule(
    "NEXTSTEP",
    metrics.NEXT_STEP,
    "Open deals without a next step",
    limit=("next_step_max", "below"),
    n=(10, "open deals"),
    page=_CLEAN,
    due=_FRIDAY,
)
PILED = _rule(
    "PILED",
    metrics.PILED,
    "Dates piled on the last day",
    limit=("piled_max", "below"),
    n=(10, "open deals"),
    page=_CLEAN,
    due=_FRIDAY,
)
COVERAGE = _rule(
    "COVERAGE",
    metrics.COVERAGE,
    "Pipeline enough for the target",
    limit=("coverage_min", "above"),
    n=(30, "decided deals"),
    page=_CLEAN,
    due=_FRIDAY,
)
COVER_DUE = _rule(
    "COVERDUE",
    metrics.COVER_DUE,
    "Pipeline enough for the target",
    limit=("coverage_due_min", "above"),
    n=(90, "past deals due, at three points of their period"),
    page=_CLEAN,
    due=_FRIDAY,
)

RULES = (
    STAGE,
    BOTTLENECK,
    BACK,
    SKIP,
    VARIANTS,
    VELOCITY,
    OVERSTAY,
    EVIDENCE,
    READY,
    OVERDUE,
    OLD,
    NEXT_STEP,
    PILED,
    COVERAGE,
    COVER_DUE,
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

    def number(self, key: str) -> float:
        """A policy value that no rule is judged by, in force on the day."""
        return self.policy.value(key, self.as_of).value
