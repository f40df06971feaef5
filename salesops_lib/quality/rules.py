"""The rules of data quality: what each is judged on, by which limit, and whose it is."""

from __future__ import annotations

from typing import Literal

from salesops_lib.core.findings import Rule
from salesops_lib.core.metrics import Metric
from salesops_lib.quality import metrics

PAGE = "how-to/analytics/fix-data-quality.md"
ENOUGH = 10  # rows due before a share is judged


def _rule(
    code: str,
    metric: Metric,
    title: str,
    policy: str,
    *,
    keep: Literal["above", "below"] = "below",
    min_n: int = ENOUGH,
    owner: str = "representative",
    due_days: int = 7,
    counts: str = "rows",
) -> Rule:
    due = {7: "within a week", 2: "within 2 days"}[due_days]
    return Rule(code, metric, title, policy, keep, min_n, owner, due, due_days, PAGE, counts)


COMPLETE = _rule(
    "F-DATA-COMPLETE", metrics.FIELD_COMPLETE, "A required field is empty too often", "required_complete",
    keep="above",
)  # fmt: skip
DUP = _rule("F-DATA-DUP", metrics.DUPLICATE_SHARE, "Records stand twice", "duplicates")
PASTDUE = _rule(
    "F-DATA-PASTDUE", metrics.PAST_DUE_VALUE, "Open deals should have closed already", "past_due_value",
    owner="manager", counts="deals",
)  # fmt: skip
UNTOUCHED = _rule(
    "F-DATA-UNTOUCHED",
    metrics.UNTOUCHED_VALUE,
    "Open deals lie untouched",
    "untouched_value",
    owner="manager",
    counts="deals",
)
LATE = _rule(
    "F-DATA-LATE",
    metrics.RECORDED_LATE,
    "Closings are recorded late",
    "recorded_late",
    owner="manager",
    counts="deals",
)
STALE = _rule(
    "F-DATA-STALE", metrics.TABLE_AGE, "A table has stopped growing", "stale_days", min_n=1, owner="analyst",
    due_days=2,
)  # fmt: skip
ORPHAN = _rule("F-DATA-ORPHAN", metrics.ORPHAN_SHARE, "References point nowhere", "orphans")
INVALID = _rule("F-DATA-INVALID", metrics.INVALID_SHARE, "Values cannot be true", "invalid")
IMPORT = _rule(
    "F-DATA-IMPORT", metrics.IMPORT_LOSS, "The import lost rows", "import_loss", owner="analyst", due_days=2
)

RULES: tuple[Rule, ...] = (COMPLETE, DUP, PASTDUE, UNTOUCHED, LATE, STALE, ORPHAN, INVALID, IMPORT)

NOTHING = {
    "F-DATA-COMPLETE": "No required field is due in any row, or none is ever filled.",
    "F-DATA-DUP": "No table has rows that could stand twice.",
    "F-DATA-PASTDUE": "No open deal has both a close date and an amount.",
    "F-DATA-UNTOUCHED": "No table says when an open deal with an amount was last touched.",
    "F-DATA-LATE": "No closing of the last year stands in the history.",
    "F-DATA-STALE": "No living table has a dated row.",
    "F-DATA-ORPHAN": "No row refers to a table that is there.",
    "F-DATA-INVALID": "No cell can be judged by a rule.",
    "F-DATA-IMPORT": "The tables do not come from an import, or it read no row.",
}
"""What an UNKNOWN says: why the rule could not be judged."""
