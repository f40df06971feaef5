"""The tables the lead report hands over: a contract each, checked on writing."""

from __future__ import annotations

from salesops_lib.core.contracts import Column, Table


def _c(name: str, kind: str, meaning: str, *, nullable: bool = True) -> Column:
    return Column(name, kind, meaning, nullable=nullable)


_RATE = (
    _c("n", "count", "Leads old enough to judge.", nullable=False),
    _c("events", "count", "Of them converted."),
    _c("share", "ratio", "events ÷ n; missing where insufficient."),
    _c("low", "ratio", "Wilson, lower end."),
    _c("high", "ratio", "Wilson, upper end."),
    _c("immature", "count", "Leads too young, left out."),
    _c("maturity", "text", "mature, provisional, insufficient or not comparable."),
    _c("why", "text", "The reason."),
)

FUNNEL = Table(
    "funnel",
    "a step of the funnel, of leads old enough",
    ("step",),
    (
        _c("step", "text", "Step, in order.", nullable=False),
        _c("n", "count", "Leads old enough.", nullable=False),
        _c("reached", "count", "Reached it within the horizon."),
        _c("share", "ratio", "reached ÷ n."),
        _c("low", "ratio", "Wilson, lower end."),
        _c("high", "ratio", "Wilson, upper end."),
        _c("from_previous", "ratio", "Of those that reached the step before."),
        _c("immature", "count", "Leads too young, left out."),
        _c("maturity", "text", "Whether it can be judged."),
        _c("why", "text", "The reason."),
    ),
)
PERIODS = Table(
    "funnel_by_period",
    "what was stamped in a fiscal month, whatever the lead's cohort",
    ("period", "step"),
    (
        _c("period", "text", "Fiscal month.", nullable=False),
        _c("step", "text", "Step.", nullable=False),
        _c("count", "count", "Stamped in the month: no rate can be made of it.", nullable=False),
    ),
)
COHORTS = Table(
    "cohorts",
    "a month's leads at an age",
    ("cohort", "age_days"),
    (
        _c("cohort", "text", "Month of creation.", nullable=False),
        _c("age_days", "days", "Age.", nullable=False),
        _c("leads", "count", "Leads of the month."),
        _c("converted", "count", "Converted by that age, so far."),
        _c("share", "ratio", "converted ÷ leads; a lower bound where immature."),
        _c("mature", "bool", "Every lead of the month has reached the age.", nullable=False),
        _c("why", "text", "Why not, or why there is no share."),
    ),
)
INCIDENCE = Table(
    "incidence",
    "a source's leads by an age, by how they ended",
    ("group", "cause", "age_days"),
    (
        _c("group", "text", "Source, or all.", nullable=False),
        _c("cause", "text", "converted or ended.", nullable=False),
        _c("age_days", "days", "Age, whole days.", nullable=False),
        _c("at_risk", "count", "Leads still open then."),
        _c("share", "ratio", "Cumulative incidence."),
        _c("low", "ratio", "Lower end."),
        _c("high", "ratio", "Upper end."),
    ),
)
SOURCES = Table(
    "sources",
    "a group of leads against all others",
    ("dimension", "value"),
    (
        _c("dimension", "text", "source, campaign_id, landing_page or owner_id.", nullable=False),
        _c("value", "text", "The group.", nullable=False),
        *_RATE,
        _c("rest_share", "ratio", "Conversion of all other leads."),
        _c("gap", "ratio", "share − rest_share, points."),
        _c("gap_low", "ratio", "Newcombe, lower end."),
        _c("gap_high", "ratio", "Newcombe, upper end."),
        _c("q", "ratio", "Benjamini–Hochberg over the dimension."),
        _c("shrunk", "ratio", "Empirical-Bayes rate: small groups drawn to the overall one."),
        _c("shrunk_low", "ratio", "Lower end."),
        _c("shrunk_high", "ratio", "Upper end."),
        _c("p_below", "ratio", "Chance to be truly below the overall rate."),
    ),
)
CHANGE = Table(
    "conversion_change",
    "a source's part in the change of conversion",
    ("source",),
    (
        _c("source", "text", "Source.", nullable=False),
        _c("mix", "ratio", "By its share of leads, points."),
        _c("rate", "ratio", "By how it converts, points."),
        _c("share_before", "ratio", "Of leads, half a year before."),
        _c("share_after", "ratio", "Of leads, now."),
        _c("rate_before", "ratio", "Conversion before."),
        _c("rate_after", "ratio", "Conversion now."),
    ),
)
SPEND = Table(
    "return_on_spend",
    "a source with a cost",
    ("source",),
    (
        _c("source", "text", "Source.", nullable=False),
        _c("leads", "count", "Of months old enough."),
        _c("wins", "count", "Deals won within the horizon, with an amount."),
        _c("won_base", "money", "Their amount."),
        _c("cost_base", "money", "Cost of the same months."),
        _c("cost_per_lead", "money", "cost ÷ leads."),
        _c("roi", "ratio", "won ÷ cost − 1."),
        _c("roi_low", "ratio", "Bootstrap, lower end."),
        _c("roi_high", "ratio", "Bootstrap, upper end."),
        _c("immature_base", "money", "Cost of months too young."),
        _c("won_deals", "count", "Deals won within the horizon, with or without an amount."),
        _c("won_per_deal", "money", "won ÷ wins."),
        _c("cost_per_deal", "money", "cost ÷ won deals."),
        _c("cost_per_deal_low", "money", "Exact Poisson range, lower end."),
        _c("cost_per_deal_high", "money", "Exact Poisson range, upper end; missing without a deal."),
        _c("why", "text", "Why roi is missing."),
    ),
)
SERVICE = Table(
    "service_levels",
    "a kind of lead",
    ("kind",),
    (
        _c("kind", "text", "hand raiser, qualified, other.", nullable=False),
        _c("limit_minutes", "number", "Open minutes within which it should be touched."),
        _c("n", "count", "Touched or past the limit."),
        _c("within", "count", "Touched within it."),
        _c("share", "ratio", "within ÷ n."),
        _c("low", "ratio", "Wilson, lower end."),
        _c("high", "ratio", "Upper end."),
        _c("never", "count", "Past the limit and never touched."),
        _c("unowned", "count", "Late, and without an owner within the limit; missing where nobody says."),
        _c("closed_share", "ratio", "Came in while the region was closed; missing without a calendar."),
        _c("median_minutes", "number", "Open minutes to the first touch, of the touched."),
        _c("p90_minutes", "number", "Nine in ten were touched within these."),
        _c("running", "count", "Still inside the limit."),
        _c("unknown", "count", "No time can be told."),
    ),
)
OWNERS = Table(
    "routing",
    "an owner of leads in half a year",
    ("owner_id",),
    (
        _c("owner_id", "text", "Who works them.", nullable=False),
        _c("leads_before", "count", "Leads given."),
        _c("leads_after", "count", "Leads the routing rules would give; missing without rules."),
        _c("days", "count", "Days with a lead."),
        _c("per_day_before", "number", "Leads a day."),
        _c("per_day_after", "number", "Leads a day under the rules."),
        _c("median_minutes", "number", "Their open minutes to the first touch."),
    ),
)
BALANCE = Table(
    "routing_balance",
    "an owner's leads of a region in half a year",
    ("region", "owner_id"),
    (
        _c("region", "text", "Region of the leads.", nullable=False),
        _c("owner_id", "text", "Who has them.", nullable=False),
        _c("leads", "count", "Leads given."),
        _c("share", "ratio", "Of the region's leads with an owner."),
        _c("fair_share", "ratio", "Equal share of the owners who took any."),
        _c("q", "ratio", "Chance that equal shares look as uneven, corrected for the regions."),
        _c("unassigned", "count", "The region's leads without an owner."),
        _c("reassigned", "count", "Of the owner's leads, had another owner before; missing where unknown."),
    ),
)
PASSED = Table(
    "leads_passed_on",
    "a region, and all, in half a year",
    ("region",),
    (
        _c("region", "text", "Region of the leads, or all.", nullable=False),
        _c("leads", "count", "Leads of which it is known."),
        _c("passed", "count", "Had another owner after the first."),
        _c("share", "ratio", "passed ÷ leads."),
        _c("low", "ratio", "Wilson, lower end."),
        _c("high", "ratio", "Wilson, upper end."),
        _c("median_days", "days", "From the first owner to the next, half of those passed on."),
        _c("p90_days", "days", "The same, nine in ten."),
    ),
)
STRATA = Table(
    "source_strata",
    "a source against all others, alike in a column",
    ("source", "column"),
    (
        _c("source", "text", "The source.", nullable=False),
        _c("column", "text", "Compared within its values.", nullable=False),
        _c("crude", "number", "Odds ratio over all leads."),
        _c("adjusted", "number", "Odds ratio within the values (Mantel–Haenszel)."),
        _c("low", "number", "Lower end."),
        _c("high", "number", "Upper end."),
        _c("reversed", "bool", "It turns around beyond its range.", nullable=False),
    ),
)
UNROUTED = Table(
    "routing_errors",
    "a past lead that no routing rule takes",
    ("lead_id",),
    (
        _c("lead_id", "text", "The lead.", nullable=False),
        _c("row", "count", "Row of the leads replayed."),
        _c("reason", "text", "Why."),
    ),
)
AUDIT = Table(
    "score_audit",
    "a column of leads",
    ("column",),
    (
        _c("column", "text", "The column.", nullable=False),
        _c("verdict", "text", "refused, usable, constant, id, collinear."),
        _c("auc", "ratio", "Of that column alone, on later leads."),
        _c("late_share", "ratio", "Cells stamped after the score is made."),
        _c("reason", "text", "Why."),
    ),
)
EVALUATION = Table(
    "score_windows",
    "a model in a window of later leads",
    ("model", "window"),
    (
        _c("model", "text", "logit or boosting.", nullable=False),
        _c("window", "text", "Window, or pooled.", nullable=False),
        _c("n", "count", "Leads."),
        _c("events", "count", "Converted."),
        _c("base_rate", "ratio", "events ÷ n."),
        _c("auc", "ratio", "Ranking."),
        _c("log_loss", "number", "Log loss."),
        _c("brier", "number", "Brier score."),
        _c("skill", "ratio", "1 − Brier ÷ that of the base rate."),
        _c("slope", "number", "Calibration slope; 1 is right."),
        _c("predicted_over_actual", "ratio", "Mean predicted ÷ mean actual."),
    ),
)
LIFT = Table(
    "score_lift",
    "a tenth of leads by score",
    ("part",),
    (
        _c("part", "count", "1 is the best.", nullable=False),
        _c("n", "count", "Leads."),
        _c("events", "count", "Converted."),
        _c("rate", "ratio", "events ÷ n."),
        _c("lift", "ratio", "rate ÷ overall."),
        _c("captured", "ratio", "Of all conversions, so far."),
        _c("captured_low", "ratio", "Wilson 90 %, lower end."),
        _c("captured_high", "ratio", "Wilson 90 %, upper end."),
    ),
)
SCORES = Table(
    "scores",
    "an open lead with its score, to be loaded into the CRM",
    ("lead_id",),
    (
        _c("lead_id", "text", "The lead.", nullable=False),
        _c("score", "ratio", "Probability to convert, recalibrated."),
        _c("decile", "count", "1 is the best of the open leads."),
        _c("work_first", "bool", "Within what the team can work in a week.", nullable=False),
        _c("reasons", "text", "What moves it most."),
    ),
)
FAULTS = Table(
    "lead_faults",
    "a cell of leads that had to be emptied",
    ("lead_id", "row", "column"),
    (
        _c("lead_id", "text", "The lead.", nullable=False),
        _c("row", "count", "Row of the table.", nullable=False),
        _c("column", "text", "Column.", nullable=False),
        _c("value", "text", "What stood there."),
        _c("fault", "text", "What is wrong."),
        _c("done", "text", "What became of it."),
    ),
)

OUTPUTS = (
    FUNNEL, PERIODS, COHORTS, INCIDENCE, SOURCES, STRATA, CHANGE, SPEND, SERVICE, OWNERS, BALANCE, PASSED,
    UNROUTED, AUDIT, EVALUATION, LIFT, SCORES, FAULTS,
)  # fmt: skip
