"""Accounts, opportunities and what hangs on them: history, credits, line items, contracts, invoices."""

from __future__ import annotations

from salesops_lib.core.contracts import Table
from salesops_lib.inputs.tables.columns import day, key, money, optional, recorded_at, text

CATEGORIES = ("Pipeline", "Best Case", "Commit", "Closed", "Omitted")

ACCOUNTS = Table(
    "accounts",
    "an account",
    ("account_id",),
    (
        key("account_id", "The account."),
        text("name", "Name of the account."),
        text("parent_id", "The account it belongs to.", refers_to="accounts.account_id"),
        text("segment", "Segment, in the company's words."),
        text("industry", "Industry, in the company's words."),
        text("country", "Country."),
        text("state", "State or province."),
        text("city", "City."),
        optional("latitude", "number", "Degrees north.", low=-90, high=90),
        optional("longitude", "number", "Degrees east.", low=-180, high=180),
        optional("employees", "count", "Employees.", low=0),
        money("annual_revenue_base", "The account's own yearly revenue, reporting currency."),
        day("created_date", "Day the account was created."),
        money("potential_base", "What it could buy in a year, reporting currency.", low=0),
        optional("workload_hours", "number", "Hours a year it takes to serve.", low=0),
        recorded_at(),
    ),
    exists_from="created_date",
    versioned=True,
)

OPPORTUNITIES = Table(
    "opportunities",
    "a version of an opportunity; read as of a day, an opportunity",
    ("opportunity_id",),
    (
        key("opportunity_id", "The opportunity."),
        text("account_id", "Its account.", refers_to="accounts.account_id"),
        text("owner_id", "The rep who owns it.", refers_to="reps.rep_id"),
        text("name", "Name of the opportunity."),
        text("type", "New business, expansion, renewal: the company's words."),
        text("segment", "Segment, in the company's words."),
        text("lead_source", "Where it came from, in the company's words."),
        day("created_date", "Day it was created."),
        day("close_date", "Day it closed or is expected to close."),
        recorded_at(required=True),
        text("stage", "Stage, as policy/stages.yaml names it."),
        optional("is_closed", "bool", "Won or lost."),
        optional("is_won", "bool", "Won."),
        money("amount", "Value in the row's currency."),
        text("currency", "ISO code of amount's currency."),
        money("amount_base", "Value in the reporting currency, at the rate of the row's own date."),
        text("forecast_category", "What the owner calls it.", values=CATEGORIES),
        optional("probability", "ratio", "The CRM's own probability of winning.", low=0, high=1),
        text("next_step", "The agreed next step."),
        optional("term_months", "number", "Contract length in months.", low=0),
        text("loss_reason", "Why it was lost, in the company's words."),
    ),
    exists_from="created_date",
    versioned=True,
)

OPPORTUNITY_HISTORY = Table(
    "opportunity_history",
    "a change of an opportunity",
    ("opportunity_id", "sequence"),
    (
        key("opportunity_id", "The opportunity that changed.", refers_to="opportunities.opportunity_id"),
        key("sequence", "Order of the opportunity's changes.", "count"),
        key("changed_at", "When it changed.", "datetime"),
        text("stage", "Stage after the change."),
        money("amount_base", "Value after the change, reporting currency."),
        day("close_date", "Close date after the change."),
        text("forecast_category", "Forecast category after the change.", values=CATEGORIES),
        optional("probability", "ratio", "The CRM's probability after the change.", low=0, high=1),
        text("owner_id", "Owner after the change.", refers_to="reps.rep_id"),
        text("actor_id", "Who made the change."),
    ),
    exists_from="changed_at",
)

LINE_ITEMS = Table(
    "line_items",
    "a quoted or sold product",
    ("opportunity_id", "line"),
    (
        key("opportunity_id", "The opportunity.", refers_to="opportunities.opportunity_id"),
        key("line", "Line number within the opportunity.", "count"),
        text("product", "Product."),
        optional("quantity", "number", "Units."),
        money("list_price", "List price of one unit, the opportunity's currency.", low=0),
        money("net_price", "Price of one unit after discount, the opportunity's currency."),
        money("unit_cost", "Cost of one unit, the opportunity's currency.", low=0),
        text("approved_by", "Who approved the discount."),
        text("reason", "Why the discount was given."),
        recorded_at(),
    ),
    versioned=True,
)

CONTRACTS = Table(
    "contracts",
    "a contract term",
    ("contract_id",),
    (
        key("contract_id", "The contract term."),
        text("account_id", "The account.", refers_to="accounts.account_id"),
        text("opportunity_id", "The opportunity that won it.", refers_to="opportunities.opportunity_id"),
        day("start_date", "First day of the term."),
        day("end_date", "Day after the last; agreed in advance, so known from the start."),
        money("arr_base", "Yearly recurring revenue, reporting currency.", low=0),
        optional("notice_days", "days", "Days of notice before the end.", low=0),
        optional("auto_renew", "bool", "Renews unless cancelled."),
        optional("uplift_share", "ratio", "Agreed price rise at renewal.", low=-1),
        text("status", "Active, renewed, churned: the company's words."),
        recorded_at(),
    ),
    exists_from="start_date",
    versioned=True,
)

INVOICES = Table(
    "invoices",
    "an invoice or payment event",
    ("invoice_id",),
    (
        key("invoice_id", "The invoice."),
        text("opportunity_id", "The opportunity it bills.", refers_to="opportunities.opportunity_id"),
        day("invoiced_date", "Day it was issued."),
        day("due_date", "Day it is due."),
        day("paid_date", "Day it was paid.", known_at="paid_date"),
        money("amount_base", "Amount, reporting currency; negative for a credit note."),
        recorded_at(),
    ),
    exists_from="invoiced_date",
    versioned=True,
)

CONTACTS = Table(
    "contacts",
    "a person at an account",
    ("contact_id",),
    (
        key("contact_id", "The person."),
        text("account_id", "The account.", refers_to="accounts.account_id"),
        text("title", "Job title."),
        recorded_at(),
    ),
    versioned=True,
    extra=True,
)

RELATIONSHIPS = Table(
    "relationships",
    "a tie between two people",
    ("from_id", "to_id", "kind"),
    (
        key("from_id", "A rep or contact."),
        key("to_id", "A rep or contact."),
        key("kind", "What ties them, in the company's words."),
        optional("strength", "number", "Strength of the tie.", low=0),
        day("last_touch_date", "Day they last spoke.", known_at="last_touch_date"),
        text("declared_by", "Who declared the tie."),
        optional("consent", "bool", "The person agreed that it is recorded."),
        recorded_at(),
    ),
    versioned=True,
)

DECLARED = (
    ACCOUNTS, OPPORTUNITIES, OPPORTUNITY_HISTORY, LINE_ITEMS, CONTRACTS, INVOICES, CONTACTS, RELATIONSHIPS,
)  # fmt: skip
