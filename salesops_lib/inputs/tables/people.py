"""Reps, what they are asked for, what they are credited with, what they hold."""

from __future__ import annotations

from salesops_lib.core.contracts import Table
from salesops_lib.inputs.tables.columns import day, ended, key, money, optional, recorded_at, text

LEVELS = ("rep", "team", "region", "company")

REPS = Table(
    "reps",
    "a rep's role spell",
    ("rep_id", "start_date"),
    (
        key("rep_id", "The rep."),
        key("start_date", "First day in the role.", "date"),
        ended("Day after the last in the role; empty means still."),
        text("name", "Name."),
        text("role", "Role, in the company's words."),
        text("team", "Team."),
        text("region", "Region."),
        text("manager_id", "The manager's rep_id."),
        day("hire_date", "Day of hire."),
        optional("latitude", "number", "Degrees north.", low=-90, high=90),
        optional("longitude", "number", "Degrees east.", low=-180, high=180),
        optional("work_hours", "number", "Hours worked in a week.", low=0, high=168),
        recorded_at(),
    ),
    exists_from="start_date",
    versioned=True,
)

QUOTAS = Table(
    "quotas",
    "a version of a quota; read as of a day, a quota",
    ("holder_id", "level", "period", "measure"),
    (
        key("holder_id", "Who holds it: a rep_id, or the name of a team, region or company."),
        key("level", "What the holder is.", values=LEVELS),
        key("period", "Fiscal period, FY26-Q2."),
        key("measure", "What counts, bookings if nothing else."),
        recorded_at(required=True),
        text("parent_id", "The holder whose quota contains this one."),
        money("quota_base", "Target for the whole period, reporting currency at the plan's rate.", low=0),
        text("currency", "ISO code of the currency it was set in."),
        optional("ramp_share", "ratio", "Share of a full quota asked of a new rep.", low=0, high=1),
    ),
    versioned=True,
)

CREDITS = Table(
    "credits",
    "a version of a credited share; read as of a day, a credited share",
    ("opportunity_id", "rep_id", "credit_type"),
    (
        key("opportunity_id", "The opportunity.", refers_to="opportunities.opportunity_id"),
        key("rep_id", "The rep credited.", refers_to="reps.rep_id"),
        key("credit_type", "Owner, split, overlay: the company's words."),
        recorded_at(required=True),
        optional("share", "ratio", "Share of the opportunity credited.", low=0),
    ),
    versioned=True,
)

MEASURE_EVENTS = Table(
    "measure_events",
    "a value that counts for pay and is no opportunity",
    ("event_id",),
    (
        key("event_id", "The event."),
        text("holder_id", "Who it counts for."),
        text("measure", "What it counts as: an MBO score, opening or closing ARR, churn."),
        optional("at", "datetime", "When it counts."),
        optional("value", "number", "The value, in the measure's unit."),
        recorded_at(required=True),
    ),
    versioned=True,
)

PLAN_ASSIGNMENTS = Table(
    "plan_assignments",
    "a rep on a plan",
    ("rep_id", "start_date"),
    (
        key("rep_id", "The rep.", refers_to="reps.rep_id"),
        key("start_date", "First day on the plan.", "date"),
        ended("Day after the last on the plan; empty means still."),
        text("plan_id", "The compensation plan under plans/."),
        money("target_cash", "All pay a year at target, salary included, the row's currency.", low=0),
        money("base_salary", "Salary a year, the row's currency.", low=0),
        text("currency", "ISO code of the pay's currency."),
        recorded_at(),
    ),
    exists_from="start_date",
    versioned=True,
)

TERRITORY_ASSIGNMENTS = Table(
    "territory_assignments",
    "an account held by a rep",
    ("account_id", "start_date"),
    (
        key("account_id", "The account.", refers_to="accounts.account_id"),
        key("start_date", "First day held.", "date"),
        ended("Day after the last held; empty means still."),
        text("rep_id", "The rep who holds it.", refers_to="reps.rep_id"),
        text("territory", "The territory, in the company's words."),
        recorded_at(),
    ),
    exists_from="start_date",
    versioned=True,
)

FORECAST_SUBMISSIONS = Table(
    "forecast_submissions",
    "a submitted forecast",
    ("submitted_at", "rep_id", "period", "category"),
    (
        key("submitted_at", "When it was submitted.", "datetime"),
        key("rep_id", "Who submitted it.", refers_to="reps.rep_id"),
        key("period", "Fiscal period it is about, FY26-Q2."),
        key("category", "Forecast category, in the company's words."),
        money("amount_base", "The amount called, reporting currency."),
        text("note", "Why: what the submitter wrote."),
        text("level", "What the call is about; empty: what the submitter heads or sells.", values=LEVELS),
        text("node_id", "The rep, team, region or company it is about."),
        recorded_at(),
        optional("entry", "count", "Number of the entry in the ledger; empty where it came by import."),
        optional("corrects", "count", "The entry of the ledger that this one replaces."),
    ),
    exists_from="submitted_at",
)

DECLARED = (
    REPS, QUOTAS, CREDITS, MEASURE_EVENTS, PLAN_ASSIGNMENTS, TERRITORY_ASSIGNMENTS, FORECAST_SUBMISSIONS,
)  # fmt: skip
