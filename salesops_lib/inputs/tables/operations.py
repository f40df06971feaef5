"""Rates, calendar, tools, training, and the team's own work."""

from __future__ import annotations

from salesops_lib.core.contracts import Column, Table
from salesops_lib.inputs.tables.columns import day, key, money, optional, recorded_at, stamp, text

FX_RATES = Table(
    "fx_rates",
    "a rate",
    ("currency", "date"),
    (
        key("currency", "ISO code."),
        key("date", "The day the rate holds.", "date"),
        Column("base_per_unit", "number", "Reporting currency for one unit.", nullable=False, low=1e-12),
    ),
    exists_from="date",
)

CALENDAR = Table(
    "calendar",
    "a business day",
    ("region", "date"),
    (
        key("region", "Region."),
        key("date", "The business day.", "date"),
        optional("opens_at", "datetime", "When the region's day opens."),
        optional("closes_at", "datetime", "When it closes."),
    ),
)

TOOLS = Table(
    "tools",
    "a sales tool",
    ("tool_id",),
    (
        key("tool_id", "The tool."),
        text("name", "Name."),
        text("category", "What it is for, in the company's words."),
        text("owner", "Role that owns it."),
        money("annual_cost", "Cost a year, reporting currency.", low=0),
        day("renewal_date", "Day the contract renews."),
        optional("notice_days", "days", "Days of notice before renewal.", low=0),
        recorded_at(),
    ),
    versioned=True,
)

TOOL_CAPABILITIES = Table(
    "tool_capabilities",
    "a thing a tool can do",
    ("tool_id", "capability"),
    (
        key("tool_id", "The tool.", refers_to="tools.tool_id"),
        key("capability", "What it can do, in the company's words."),
    ),
)

TOOL_SEATS = Table(
    "tool_seats",
    "a seat of a tool given to a rep",
    ("tool_id", "rep_id", "provisioned_at"),
    (
        key("tool_id", "The tool.", refers_to="tools.tool_id"),
        key("rep_id", "The rep.", refers_to="reps.rep_id"),
        key("provisioned_at", "When the seat was given.", "datetime"),
        stamp("revoked_at", "When it was taken back; empty means still."),
    ),
    exists_from="provisioned_at",
)

TOOL_USAGE = Table(
    "tool_usage",
    "a rep's use of a tool in a period",
    ("tool_id", "rep_id", "period"),
    (
        key("tool_id", "The tool.", refers_to="tools.tool_id"),
        key("rep_id", "The rep.", refers_to="reps.rep_id"),
        key("period", "Fiscal period, FY26-M05."),
        optional("active_days", "count", "Days with at least one use.", low=0, high=371),
        optional("key_actions", "count", "Uses that count.", low=0),
        recorded_at(),
    ),
    versioned=True,
)

ROLLOUTS = Table(
    "rollouts",
    "a rep given a tool or a training program",
    ("treatment_id", "rep_id"),
    (
        key("treatment_id", "A tool_id or a program_id."),
        key("rep_id", "The rep.", refers_to="reps.rep_id"),
        text("team", "The rep's team then."),
        day("treated_from", "First day of use."),
        text("assignment_rule", "How the rep was chosen, in words."),
    ),
    exists_from="treated_from",
)

TRAINING_PROGRAMS = Table(
    "training_programs",
    "a training program",
    ("program_id",),
    (
        key("program_id", "The program."),
        money("cost", "Cost of the whole program, reporting currency.", low=0),
        optional("hours", "number", "Hours one rep spends on it.", low=0),
        text("objective_metric", "Id of the metric it is to move."),
    ),
)

TRAINING_RECORDS = Table(
    "training_records",
    "a rep's training",
    ("program_id", "rep_id"),
    (
        key("program_id", "The program.", refers_to="training_programs.program_id"),
        key("rep_id", "The rep.", refers_to="reps.rep_id"),
        stamp("completed_at", "When it was completed."),
        optional("reaction", "number", "Reaction score.", known_at="completed_at"),
        optional("pre_test", "number", "Test score before."),
        optional("post_test", "number", "Test score after.", known_at="completed_at"),
        optional("behaviour_score", "number", "Score of behaviour on the job.", known_at="completed_at"),
        recorded_at(),
    ),
    versioned=True,
)

WORK_ITEMS = Table(
    "work_items",
    "a unit of sales-operations work",
    ("item_id",),
    (
        key("item_id", "The item."),
        optional("opened_at", "datetime", "When it was asked for."),
        stamp("closed_at", "When it was done; empty means open."),
        text("kind", "Request, project, run: the company's words."),
        text("type", "What it is about, in the company's words."),
        text("requester_team", "Team that asked."),
        text("role", "Role that works it."),
        optional("hours", "number", "Hours spent.", low=0, known_at="closed_at"),
        optional("sla_hours", "number", "Hours agreed to do it in.", low=0),
        recorded_at(),
    ),
    exists_from="opened_at",
    versioned=True,
)

DECLARED = (
    FX_RATES, CALENDAR, TOOLS, TOOL_CAPABILITIES, TOOL_SEATS, TOOL_USAGE, ROLLOUTS, TRAINING_PROGRAMS,
    TRAINING_RECORDS, WORK_ITEMS,
)  # fmt: skip
