"""The metrics of data quality."""

from __future__ import annotations

from salesops_lib.core.metrics import Direction, Metric, Unit

_ALL = {
    "maturity": "at once: every row known on the day is counted, nothing is estimated",
    "owner": "representative",
}


def _metric(
    name: str,
    title: str,
    meaning: str,
    formula: str,
    *,
    unit: Unit = "ratio",
    good: Direction = "down",
    **texts,
) -> Metric:
    entry = {
        "grain": "table × field",
        "population": "rows known on the day in which the fault can happen",
        "clock": "the day the data is read as known on",
        "exclusions": "rows where the fault cannot happen; fields no row fills",
        "source": "salesops_lib.quality.measure.measure",
        **_ALL,
        **texts,
    }
    return Metric(
        id=f"quality.{name}",
        name=title,
        meaning=meaning,
        formula=formula,
        unit=unit,
        good_direction=good,
        **entry,
    )


FIELD_COMPLETE = _metric(
    "field_complete",
    "Field completeness",
    "Share of the rows where a field is due that fill it.",
    "rows filled / rows due",
    good="up",
    look_alikes="share of all rows filled: a loss reason is not due on an open deal",
)
DUPLICATE_SHARE = _metric(
    "duplicate_share",
    "Duplicate share",
    "Share of rows that stand twice: one key, or one account name and country spelt alike.",
    "surplus rows / rows that could be doubled",
    look_alikes="rows in a group of doubles: of two equal rows one is surplus",
)
PAST_DUE_VALUE = _metric(
    "past_due_value",
    "Past-due share of open value",
    "Share of open value whose close date has passed.",
    "sum(amount_base, open, close_date < day) / sum(amount_base, open, with close_date)",
    grain="company",
    population="open deals with a close date and an amount",
    look_alikes="slipped deals: their date was moved, these were not even moved",
)
UNTOUCHED_VALUE = _metric(
    "untouched_value",
    "Untouched share of open value",
    "Share of open value that nobody has changed, edited or logged an activity on for the policy's days.",
    "sum(amount_base, open, last touch < day - untouched_days) / sum(amount_base, open)",
    grain="company",
    population="open deals whose last touch is known",
    look_alikes="stage age: a deal may be touched daily and stand still",
)
RECORDED_LATE = _metric(
    "recorded_late_share",
    "Late-recorded share",
    "Share of closings that entered the system more than the policy's days after their close date.",
    "closings recorded late / closings in the history",
    grain="company",
    population="deals closed in the last closed_days whose closing is in the history",
    clock="close date",
    look_alikes="sales cycle: that is creation to close, this is close to record",
)
TABLE_AGE = _metric(
    "table_age",
    "Age of the newest row",
    "Days from the newest event in a table to the day the data is read as known on.",
    "day - max(event date)",
    unit="days",
    grain="table",
    population="tables that grow every week: deals, their history, leads, activities",
    exclusions="empty tables, and tables that change seldom",
    source="salesops_lib.quality.freshness.table_ages",
    look_alikes="age of the file: an export of today may hold last month's data",
)
ORPHAN_SHARE = _metric(
    "orphan_share",
    "Orphan share",
    "Share of references that point to a row that is not there, or to an owner who holds no role any more.",
    "rows pointing nowhere / rows with the reference",
    look_alikes="empty references: those are a matter of completeness",
)
INVALID_SHARE = _metric(
    "invalid_share",
    "Invalid share",
    "Share of filled cells that are out of range, out of order or contradict another field.",
    "cells breaking the rule / cells the rule can judge",
    look_alikes="wrong but possible values: no rule can see those",
)
IMPORT_LOSS = _metric(
    "import_loss_share",
    "Import loss",
    "Share of an import's rows that were dropped or could not be placed.",
    "(rows dropped + rows unplaced) / rows in",
    grain="import",
    population="rows of the source files of the last import",
    clock="time of the import",
    exclusions="rows repaired, which are in",
    source="salesops_lib.quality.imports.losses",
    look_alikes="rows reported: repaired rows are reported and kept",
)
FAULTY_VALUE = _metric(
    "faulty_value",
    "Open value with a fault",
    "Share of open value on deals with at least one fault that is judged, each deal counted once.",
    "sum(amount_base of open deals with a fault) / sum(amount_base of open deals)",
    grain="company",
    population="open deals with an amount",
    exclusions="optional fields left empty",
    look_alikes="the sum over faults, which counts a deal once per fault",
)

METRICS: tuple[Metric, ...] = (
    FIELD_COMPLETE,
    DUPLICATE_SHARE,
    PAST_DUE_VALUE,
    UNTOUCHED_VALUE,
    RECORDED_LATE,
    TABLE_AGE,
    ORPHAN_SHARE,
    INVALID_SHARE,
    IMPORT_LOSS,
    FAULTY_VALUE,
)
