"""What the process report measures, word for word as the playbook shows it."""

from __future__ import annotations

from salesops_lib.core.metrics import Metric

_CASES = "Deals with a history; a step is a change of stage, equal consecutive stages are one."
_OPEN = "Open deals on the day of the report."


def _metric(name: str, title: str, meaning: str, formula: str, **more) -> Metric:
    usual = {
        "unit": "ratio",
        "grain": "company × day of the report",
        "population": _CASES,
        "clock": "The moment of each change of stage.",
        "exclusions": "Deleted deals; changes after the day.",
        "maturity": "At once.",
        "good_direction": "down",
        "owner": "analyst",
    }
    return Metric(id=f"pipeline.{name}", name=title, meaning=meaning, formula=formula, **usual | more)


STAGE = _metric(
    "stage_change",
    "Change of a stage's conversion",
    "How the share that gets beyond a stage within 90 days moved in the last quarter old enough.",
    "share of the last calendar quarter of entries − share of the four before, in rate points",
    grain="stage",
    maturity="From 20 entries in each.",
    good_direction="up",
    look_alikes="Deals in a stage ÷ deals in the one before on one day, which mixes cohorts.",
    source="salesops_lib.pipeline.progress.conversion",
)
BOTTLENECK = _metric(
    "bottleneck_share",
    "Share of a deal's time in one stage",
    "How much of the time a deal takes is spent in the slowest stage.",
    "visits per deal × median days of the stage ÷ Σ over stages",
    maturity="From 20 stays; missing where entries are stamped in bulk.",
    look_alikes="Mean days of stays that ended, which forget who still waits.",
    source="salesops_lib.pipeline.waiting.bottlenecks",
)
BACK = _metric(
    "back_share",
    "Share of deals that step back",
    "How many deals went to an earlier stage at least once.",
    "deals with a step to an earlier stage ÷ deals started in the last four quarters",
    look_alikes="Reopened deals, which come back from an end.",
    source="salesops_lib.pipeline.rework.steps_of_cases",
)
SKIP = _metric(
    "skip_share",
    "Share of deals that skip a stage",
    "How many deals jumped over at least one stage.",
    "deals with a stage jumped over ÷ deals started in the last four quarters",
    look_alikes="Deals lost early, which skip nothing.",
    source="salesops_lib.pipeline.rework.steps_of_cases",
)
VARIANTS = _metric(
    "top_variants_share",
    "Share of deals on the five commonest ways",
    "How much of the process is one process.",
    "decided deals on the five commonest ways ÷ decided deals",
    good_direction="up",
    look_alikes="Conformance, which asks for one way.",
    source="salesops_lib.pipeline.graph.variants",
)
VELOCITY = _metric(
    "velocity_change",
    "Change of sales velocity",
    "How the money a day that deals × win rate × amount ÷ cycle make moved in a year.",
    "velocity of the last 182 days ÷ that of the same days a year before − 1",
    population="Deals created or decided in the period.",
    clock="Creation and close date.",
    maturity="From 30 decided deals in each.",
    good_direction="up",
    look_alikes="Growth of bookings, which the four factors only make in the long run.",
    source="salesops_lib.pipeline.velocity.velocity",
)
OVERSTAY = _metric(
    "overstay_share",
    "Stays beyond a stage's largest age",
    "How many stays in a stage took longer than stages.yaml allows.",
    "first stays in a stage of the last four quarters over its largest age ÷ those old enough to tell",
    grain="company × day of the report, all stages; by stage in the table",
    look_alikes="The fault *stalled*, which counts open deals on the day alone.",
    source="salesops_lib.pipeline.conformance.deviation_rows",
)
EVIDENCE = _metric(
    "no_evidence_share",
    "Exits without evidence",
    "How often a deal left a stage with a field of its exit evidence empty, or an activity missing.",
    "empty evidence_fields and missing evidence_activities of stages left ÷ all of them, last four quarters",
    grain="company × day of the report, all stages; by stage and field in the table",
    clock="The fields as known on the day: one filled late counts as filled.",
    look_alikes="Completeness of a column, which asks every deal and not those that have left the stage.",
    source="salesops_lib.pipeline.conformance.deviation_rows",
)
READY = _metric(
    "readiness",
    "Process readiness",
    "How many of ten items a defined process needs hold.",
    "items of readiness that hold",
    unit="count",
    population="The company's stages and data.",
    clock="The day of the report.",
    good_direction="up",
    owner="manager",
    look_alikes="A maturity score by opinion: eight of the ten are computed.",
    source="salesops_lib.pipeline.readiness.readiness",
)
OVERDUE = _metric(
    "overdue_share",
    "Open value past its close date",
    "How much of the open pipeline should have closed already.",
    "Σ amount of open deals with a close date before the day ÷ Σ open amount",
    population=_OPEN,
    clock="The close date as known on the day.",
    exclusions="Deals without an amount, counted apart.",
    owner="manager",
    look_alikes="Slippage, which compares two days.",
    source="salesops_lib.pipeline.hygiene.shares",
)
OLD = _metric(
    "old_share",
    "Open value older than won deals were",
    "How much of the open pipeline is older than four in five won deals of its segment ever were.",
    "Σ amount of open deals older than P80 of the age at winning ÷ Σ open amount",
    population=_OPEN,
    clock="Age since creation.",
    exclusions="Deals without an amount, counted apart.",
    maturity="From 30 won deals.",
    owner="manager",
    look_alikes="Overdue value.",
    source="salesops_lib.pipeline.hygiene.shares",
)
NEXT_STEP = _metric(
    "no_next_step_share",
    "Open value without a next step",
    "How much of the open pipeline nobody plans to move.",
    "Σ amount of open deals without a next step ÷ Σ open amount",
    population=_OPEN,
    clock="The day of the report.",
    exclusions="Deals without an amount, counted apart.",
    owner="manager",
    look_alikes="Untouched value, which asks when it was touched.",
    source="salesops_lib.pipeline.hygiene.shares",
)
PILED = _metric(
    "last_day_share",
    "Open value due on the last day of a quarter",
    "How much of the open pipeline is dated by the calendar and not by the buyer.",
    "Σ amount of open deals with the last day of a quarter as close date ÷ Σ open amount",
    population=_OPEN,
    clock="The close date as known on the day.",
    exclusions="Deals without an amount, counted apart.",
    owner="manager",
    look_alikes="Deals won on the last day.",
    source="salesops_lib.pipeline.hygiene.shares",
)
COVERAGE = _metric(
    "coverage_ratio",
    "Coverage against what the win rate of decided deals needs",
    "Whether open value due this period suffices for what is left to the target, if every deal due is "
    "decided in it.",
    "(open value due ÷ left to target) × win rate by value of the last four quarters",
    population=_OPEN,
    clock="The close date as known on the day.",
    exclusions="Deals without an amount, counted apart; value overdue from before the period.",
    maturity="From 30 decided deals. Judged only where the past is not known deal by deal.",
    good_direction="up",
    owner="manager",
    look_alikes="pipeline.coverage_due_ratio, whose rate counts what is pushed out as not won, and asks for "
    "more; coverage of three times, which is a win rate of a third.",
    source="salesops_lib.pipeline.coverage.coverage_rows",
)
COVER_DUE = _metric(
    "coverage_due_ratio",
    "Coverage against what value due at this point has brought",
    "Whether open value due this period suffices for what is left to the target, if as much is won, lost and "
    "pushed out as at this point of past periods.",
    "(open value due ÷ left to target) × won value ÷ value open and due at this point of past periods",
    population=_OPEN,
    clock="The close date as known on the day; past periods as known at the same point of them.",
    exclusions="Deals without an amount, counted apart; value overdue from before the period.",
    maturity="From 90 past deals due, each counted at three points of its period; needs a history of dates.",
    good_direction="up",
    owner="manager",
    look_alikes="pipeline.coverage_ratio: won ÷ (won + lost) leaves out what was pushed to a later period, "
    "so it is larger and needs less. The forecast's *needed* is this one.",
    source="salesops_lib.pipeline.coverage.coverage_rows",
)

METRICS = (
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
