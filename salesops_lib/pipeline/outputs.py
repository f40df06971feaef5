"""The tables the process report hands over: a contract each, checked on writing."""

from __future__ import annotations

from salesops_lib.core.contracts import Column, Table


def _c(name: str, kind: str, meaning: str, *, nullable: bool = True) -> Column:
    return Column(name, kind, meaning, nullable=nullable)


TRANSITIONS = Table(
    "transitions",
    "a step from one stage straight to another",
    ("from_activity", "to_activity"),
    (
        _c("from_activity", "text", "Stage left; (start): the case begins.", nullable=False),
        _c("to_activity", "text", "Stage entered; (end): the case's last.", nullable=False),
        _c("count", "count", "Steps.", nullable=False),
        _c("cases", "count", "Deals with at least one."),
        _c("share", "ratio", "Of all steps out of from_activity."),
        _c("median_days", "days", "Between the two."),
    ),
)
DWELL = Table(
    "dwell",
    "a stage, and how long deals stay in it",
    ("activity",),
    (
        _c("activity", "text", "Stage.", nullable=False),
        _c("stays", "count", "Stays, open ones too."),
        _c("completed", "count", "Stays that ended."),
        _c("open", "count", "Deals in it now."),
        _c("median_days", "days", "Kaplan–Meier, open stays kept."),
        _c("low", "days", "Lower end."),
        _c("high", "days", "Upper end; missing where not reached."),
        _c("p75_days", "days", "Three in four have left by."),
        _c("mean_days", "days", "Kaplan–Meier; missing where over a twentieth outlast all that ended."),
        _c("mean_completed_days", "days", "Naive: of stays that ended alone."),
        _c("bulk_share", "ratio", "Entries stamped in one stroke."),
        _c("withheld", "text", "Why days are missing."),
    ),
)
BOTTLENECKS = Table(
    "bottlenecks",
    "a stage's part of a deal's time",
    ("activity",),
    (
        _c("activity", "text", "Stage.", nullable=False),
        _c("visits", "number", "Per deal."),
        _c("median_days", "days", "Of a stay."),
        _c("days", "days", "visits × median."),
        _c("share", "ratio", "Of Σ days."),
        _c("share_low", "ratio", "Its median at the lower end."),
        _c("share_high", "ratio", "Its median at the upper end; missing where not reached."),
        _c("in_progress", "count", "Deals in it now."),
        _c("in_progress_before", "count", "90 days before."),
        _c("change", "ratio", "Now ÷ before − 1."),
        _c("arrivals_a_day", "number", "Over 90 days."),
        _c("littles_days", "days", "In progress ÷ arrivals: the mean stay of a steady process."),
        _c("mean_days", "days", "Of a stay, open ones kept."),
        _c("piling", "ratio", "littles ÷ mean − 1: above 0 deals pile up."),
    ),
)
VARIANTS = Table(
    "variants",
    "a way that whole deals took",
    ("variant",),
    (
        _c("variant", "text", "Stages in order.", nullable=False),
        _c("cases", "count", "Deals.", nullable=False),
        _c("share", "ratio", "Of all."),
        _c("coverage", "ratio", "Cumulative."),
        _c("steps", "count", "Stages visited."),
        _c("median_days", "days", "First step to last."),
    ),
)
CONVERSION = Table(
    "stage_conversion",
    "a stage's entries of a quarter",
    ("activity", "cohort"),
    (
        _c("activity", "text", "Stage.", nullable=False),
        _c("cohort", "text", "Calendar quarter of entry.", nullable=False),
        _c("n", "count", "Entries old enough."),
        _c("moved_on", "count", "Got beyond it within the horizon."),
        _c("share", "ratio", "moved_on ÷ n; missing under 20."),
        _c("low", "ratio", "Wilson, lower end."),
        _c("high", "ratio", "Upper end."),
        _c("immature", "count", "Entries too young."),
    ),
)
INCIDENCE = Table(
    "deal_incidence",
    "deals by an age, by how they ended",
    ("cause", "age_days"),
    (
        _c("cause", "text", "won or lost.", nullable=False),
        _c("age_days", "days", "Whole days.", nullable=False),
        _c("at_risk", "count", "Still open then."),
        _c("share", "ratio", "Cumulative incidence."),
        _c("low", "ratio", "Lower end."),
        _c("high", "ratio", "Upper end."),
    ),
)
DEVIATIONS = Table(
    "deviations",
    "a way deals leave the process",
    ("deviation",),
    (
        _c("kind", "text", "Part of the definition: order, age, evidence.", nullable=False),
        _c("deviation", "text", "Which.", nullable=False),
        _c("deals", "count", "Deals of four quarters that did."),
        _c("of", "count", "Deals that could have."),
        _c("share", "ratio", "deals ÷ of."),
        _c("low", "ratio", "Wilson, lower end."),
        _c("high", "ratio", "Upper end."),
        _c("win_rate", "ratio", "Of decided deals that did; who is compared is in the section's text."),
        _c("others_win_rate", "ratio", "Of the others."),
        _c("odds", "number", "Odds of winning against others alike in segment, type, source, amount."),
        _c("odds_low", "number", "Lower end."),
        _c("odds_high", "number", "Upper end."),
        _c("why", "text", "Why odds are missing."),
    ),
)
WORK_LIST = Table(
    "work_list",
    "an open deal that needs a hand",
    ("opportunity_id",),
    (
        _c("team", "text", "Team of its owner."),
        _c("owner", "text", "Whose deal."),
        _c("owner_id", "text", "The owner's id."),
        _c("opportunity_id", "text", "The deal.", nullable=False),
        _c("name", "text", "Its name."),
        _c("stage", "text", "Stage."),
        _c("amount_base", "money", "Amount."),
        _c("close_date", "date", "Close date."),
        _c("age_days", "days", "Since creation."),
        _c("faults", "count", "How many things are wrong."),
        _c("what", "text", "Which; one line each is in table hygiene."),
        _c("do", "text", "What to do first."),
        _c("link", "text", "The deal in the CRM."),
    ),
)
HYGIENE = Table(
    "hygiene",
    "a fault of an open deal, with what to do",
    ("opportunity_id", "fault"),
    (
        _c("team", "text", "Team of its owner."),
        _c("owner", "text", "Whose deal."),
        _c("owner_id", "text", "The owner's id."),
        _c("opportunity_id", "text", "The deal.", nullable=False),
        _c("name", "text", "Its name."),
        _c("stage", "text", "Stage."),
        _c("amount_base", "money", "Amount."),
        _c("close_date", "date", "Close date."),
        _c("age_days", "days", "Since creation."),
        _c("fault", "text", "What is wrong.", nullable=False),
        _c("says", "text", "In words."),
        _c("do", "text", "What to do."),
        _c("link", "text", "The deal in the CRM."),
    ),
)
FAULTS = Table(
    "hygiene_faults",
    "a fault's part of the open pipeline",
    ("fault",),
    (
        _c("fault", "text", "Which.", nullable=False),
        _c("deals", "count", "Open deals with it; missing where the data cannot tell."),
        _c("share", "ratio", "Of open deals."),
        _c("value_base", "money", "Their amount."),
        _c("value_share", "ratio", "Of open value."),
        _c("unpriced", "count", "Its deals without an amount."),
        _c("why", "text", "Why it cannot be told."),
    ),
)
WIN_RATES = Table(
    "win_rates",
    "a win rate, and what it is a share of",
    ("name",),
    (
        _c("name", "text", "By count, by value, by created cohort.", nullable=False),
        _c("rate", "ratio", "won ÷ of; of a cohort by its horizon, open deals censored."),
        _c("low", "ratio", "Lower end."),
        _c("high", "ratio", "Upper end."),
        _c("won", "number", "Numerator; of a cohort won so far."),
        _c("of", "number", "Denominator; of a cohort all created."),
        _c("unit", "text", "deals or money."),
        _c("open", "count", "Of the cohort still open."),
        _c("horizon_days", "days", "Age the cohort's rate is read at: the oldest that ten are followed to."),
        _c("provisional", "bool", "Over a fifth of the cohort is open and younger than that."),
        _c("why", "text", "Why the rate is missing."),
    ),
)
VELOCITY = Table(
    "velocity",
    "a factor of velocity",
    ("factor",),
    (
        _c("factor", "text", "deals, win_rate, amount_base, cycle_days.", nullable=False),
        _c("before", "number", "A year before."),
        _c("after", "number", "Last half year."),
        _c("log_change", "number", "Its part; parts add up to the log of the change."),
        _c("share", "ratio", "Of the whole change."),
    ),
)
COVERAGE = Table(
    "coverage",
    "a node's open value due against what is left to its target, by two own win rates",
    ("level", "node_id"),
    (
        _c("level", "text", "company, region, team or rep.", nullable=False),
        _c("node_id", "text", "Which.", nullable=False),
        _c("period", "text", "The running fiscal period.", nullable=False),
        _c("target_base", "money", "Target."),
        _c("closed_base", "money", "Booked to date; not in coverage."),
        _c("left_base", "money", "Target − booked."),
        _c("open_base", "money", "Open value due in the period."),
        _c("n_open", "count", "Open deals due."),
        _c("coverage", "number", "open_base ÷ left_base; missing once nothing is left."),
        _c(
            "needed_decided",
            "number",
            "1 ÷ win rate by value of decided deals: if all that is due is decided.",
        ),
        _c(
            "needed_due",
            "number",
            "1 ÷ share of value due at this point of past periods that was won in them.",
        ),
        _c("short_base", "money", "left × needed_due (else needed_decided) − open; 0 where it suffices."),
    ),
)
RATES = Table(
    "coverage_rates",
    "an own win rate by value that coverage is held against",
    ("name",),
    (
        _c("name", "text", "of decided, of due.", nullable=False),
        _c("rate", "ratio", "won_base ÷ of_base."),
        _c("low", "ratio", "Lower end: deals as units; of due periods, from three on."),
        _c("high", "ratio", "Upper end."),
        _c("needed", "number", "1 ÷ rate."),
        _c("won_base", "money", "Won value."),
        _c("of_base", "money", "What it is a share of."),
        _c("n", "count", "Deals it rests on; of due: at each point looked at."),
        _c("of", "text", "Whose value, in words."),
        _c("why", "text", "Why it is missing."),
    ),
)
EXPERIMENT = Table(
    "experiment",
    "a cell of the running experiment",
    ("team", "time"),
    (
        _c("team", "text", "pilot or comparison.", nullable=False),
        _c("time", "text", "baseline or after.", nullable=False),
        _c("decided", "count", "Decided deals.", nullable=False),
        _c("won", "count", "Of them won.", nullable=False),
        _c("share", "ratio", "won ÷ decided."),
    ),
)
READINESS = Table(
    "readiness",
    "an item of process readiness",
    ("item",),
    (
        _c("item", "text", "Which.", nullable=False),
        _c("asks", "text", "What has to hold."),
        _c("holds", "bool", "Whether it does.", nullable=False),
        _c("why", "text", "What was found."),
    ),
)

OUTPUTS = (
    TRANSITIONS,
    DWELL,
    BOTTLENECKS,
    VARIANTS,
    CONVERSION,
    INCIDENCE,
    DEVIATIONS,
    WORK_LIST,
    HYGIENE,
    FAULTS,
    COVERAGE,
    RATES,
    WIN_RATES,
    VELOCITY,
    EXPERIMENT,
    READINESS,
)
