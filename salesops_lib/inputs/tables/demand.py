"""Leads, who had them, logged touches, what campaigns cost."""

from __future__ import annotations

from salesops_lib.core.contracts import Table
from salesops_lib.inputs.tables.columns import key, money, optional, recorded_at, stamp, text

LEADS = Table(
    "leads",
    "a lead",
    ("lead_id",),
    (
        key("lead_id", "The lead."),
        optional("created_at", "datetime", "When it came in; empty where the CRM does not say."),
        text("source", "Source, in the company's words."),
        text("campaign_id", "The campaign that brought it."),
        text("landing_page", "The page it came in by."),
        text("segment", "Segment, in the company's words."),
        text("region", "Region."),
        text("owner_id", "Who works it.", known_at="assigned_at"),
        stamp("assigned_at", "When it was given to its owner."),
        stamp("first_touch_at", "First human attempt to reach it."),
        stamp("first_contact_at", "First two-way contact."),
        stamp("mql_at", "When marketing qualified it."),
        stamp("sal_at", "When sales accepted it."),
        stamp("sql_at", "When sales qualified it."),
        text(
            "opportunity_id",
            "The opportunity it became.",
            refers_to="opportunities.opportunity_id",
            known_at="sql_at",
        ),
        stamp("won_at", "When its opportunity was won."),
        stamp("lost_at", "When its opportunity was lost."),
        stamp("disqualified_at", "When it was disqualified."),
        text("reason", "Why it was disqualified.", known_at="disqualified_at"),
        recorded_at(),
    ),
    exists_from="created_at",
    versioned=True,
    extra=True,
)

LEAD_OWNERS = Table(
    "lead_owners",
    "an owner's turn at a lead",
    ("lead_id", "assigned_at"),
    (
        key("lead_id", "The lead.", refers_to="leads.lead_id"),
        key("assigned_at", "When it was given to this owner.", "datetime"),
        text("owner_id", "Who had it from then on; empty: nobody."),
    ),
    exists_from="assigned_at",
)

ACTIVITIES = Table(
    "activities",
    "a logged touch",
    ("activity_id",),
    (
        key("activity_id", "The touch."),
        optional("at", "datetime", "When it took place."),
        text("kind", "Call, email, meeting: the company's words."),
        text("direction", "Who reached out.", values=("inbound", "outbound")),
        optional("automated", "bool", "Sent by a tool, not by a person."),
        text("rep_id", "The rep.", refers_to="reps.rep_id"),
        text("lead_id", "The lead.", refers_to="leads.lead_id"),
        text("opportunity_id", "The opportunity.", refers_to="opportunities.opportunity_id"),
        text("account_id", "The account.", refers_to="accounts.account_id"),
    ),
    exists_from="at",
)

CAMPAIGN_COSTS = Table(
    "campaign_costs",
    "cost of a campaign in a period",
    ("campaign_id", "period"),
    (
        key("campaign_id", "The campaign."),
        key("period", "Fiscal period, FY26-M05."),
        text("source", "The lead source it pays for."),
        money("cost_base", "Cost in the period, reporting currency.", low=0),
        recorded_at(),
    ),
    versioned=True,
)

DECLARED = (LEADS, LEAD_OWNERS, ACTIVITIES, CAMPAIGN_COSTS)
