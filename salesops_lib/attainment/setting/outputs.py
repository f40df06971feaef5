"""The tables the quota report hands over: a contract each, checked on writing."""

from __future__ import annotations

from salesops_lib.core.contracts import Column, Table

_YEAR = Column("year", "text", "What is planned: a fiscal year, FY27.", nullable=False)

QUOTA_PROPOSAL = Table(
    "quota_proposal",
    "a rep's proposed quota of the year",
    ("year", "rep_id"),
    (
        _YEAR,
        Column("rep_id", "text", "The rep.", nullable=False),
        Column("name", "text", "Name."),
        Column("role", "text", "Role on the day of the report."),
        Column("team", "text", "Team on the day of the report."),
        Column("region", "text", "Region on the day of the report."),
        Column("group", "text", "Role and segment: who the rep is compared with."),
        Column("quota_base", "money", "Proposed quota of the year.", nullable=False, low=0),
        Column("reason", "text", "Why it is what it is.", nullable=False),
        Column("p_quota", "ratio", "Chance to reach it, by simulation.", low=0, high=1),
        Column("attainment_low", "ratio", "Tenth percentile of simulated attainment."),
        Column("attainment_high", "ratio", "Ninetieth percentile of simulated attainment."),
        Column(
            "over_median", "ratio", "Quota at full strength ÷ median of the group; missing under four reps."
        ),
        Column("capped", "bool", "Cut to the policy's multiple of the median.", nullable=False),
        Column("cut_base", "money", "What the cap took off; spread over all."),
        Column("effective_share", "ratio", "Share of a full quota that counts, by ramp.", low=0, high=1),
        Column("full_quota_base", "money", "The quota at full strength; missing where no day counts."),
        Column("expected_base", "money", "Expected year at full strength, from the weighed parts."),
        Column("potential_base", "money", "Expected by territory potential; missing: no account with one."),
        Column("history_base", "money", "Expected by own bookings, shrunk towards the group."),
        Column("pipeline_base", "money", "Expected by open pipeline; missing: no open deal has a value."),
        Column("potential_weight", "ratio", "Weight used.", low=0, high=1),
        Column("history_weight", "ratio", "Weight used.", low=0, high=1),
        Column("pipeline_weight", "ratio", "Weight used.", low=0, high=1),
        Column("mover", "text", "The weight that moves the rep furthest from the group's mean."),
        Column("held_base", "money", "Potential of the accounts held, as it stands."),
        Column("open_base", "money", "Value of open deals, as it stands."),
        Column("last_quota_base", "money", "Quota of the last four whole quarters, as it counted."),
        Column("last_booked_base", "money", "Direct credit in them."),
        Column("hired", "date", "First role spell."),
    ),
)

QUOTA_LEVELS = Table(
    "quota_levels",
    "the company, a region or a team in the plan",
    ("year", "level", "holder_id", "parent_id"),
    (
        _YEAR,
        Column("level", "text", "What it is.", nullable=False, values=("company", "region", "team")),
        Column("holder_id", "text", "Name.", nullable=False),
        Column("parent_id", "text", "The level above."),
        Column("seats", "count", "Reps with a quota.", nullable=False),
        Column("target_base", "money", "Its part of the top-down target.", nullable=False),
        Column("quotas_base", "money", "Sum of the reps' quotas.", nullable=False),
        Column("over_assignment", "ratio", "quotas_base ÷ target_base."),
        Column("p_target", "ratio", "Chance to reach the target, by simulation.", low=0, high=1),
        Column("attainment_low", "ratio", "Tenth percentile of simulated bookings ÷ target."),
        Column("attainment_mid", "ratio", "Median of simulated bookings ÷ target."),
        Column("attainment_high", "ratio", "Ninetieth percentile of simulated bookings ÷ target."),
        Column("booked_low", "money", "Tenth percentile of simulated bookings."),
        Column("booked_mid", "money", "Median of simulated bookings."),
        Column("booked_high", "money", "Ninetieth percentile of simulated bookings."),
    ),
)

PLAN_QUARTERS = Table(
    "plan_quarters",
    "a quarter of the plan",
    ("period",),
    (
        Column("period", "text", "Fiscal quarter.", nullable=False),
        Column("start_date", "date", "First day.", nullable=False),
        Column("end_date", "date", "Day after the last.", nullable=False),
        Column("season_share", "ratio", "Share of a year by season, shrunk.", low=0, high=1),
        Column("target_base", "money", "The company's target; adds up to the year's.", nullable=False),
    ),
)

CAPACITY_BRIDGE = Table(
    "capacity_bridge",
    "a step from last year's bookings to the capacity of the year and its target",
    ("position",),
    (
        Column("position", "count", "Order of the steps.", nullable=False),
        Column("step", "text", "What changes, or what it adds up to.", nullable=False),
        Column("kind", "text", "A sum so far, or a change.", nullable=False, values=("total", "change")),
        Column("amount_base", "money", "Money of the year.", nullable=False),
        Column("note", "text", "From what."),
    ),
)

QUOTA_SIMULATION = Table(
    "quota_simulation",
    "a figure of the simulated year",
    ("measure",),
    (
        Column("measure", "text", "What was drawn.", nullable=False),
        Column("low", "ratio", "Tenth percentile."),
        Column("mid", "ratio", "Median, or the estimate itself."),
        Column("high", "ratio", "Ninetieth percentile."),
        Column("draws", "count", "Draws of the year; missing for an estimate from the past."),
        Column("method", "text", "Where it comes from."),
    ),
)

QUOTA_BACKTEST = Table(
    "quota_backtest",
    "a set of quotas against the last four finished quarters",
    ("quota_set",),
    (
        Column("quota_set", "text", "Quotas as given, proposed, or by one weight alone.", nullable=False),
        Column("reps", "count", "Reps compared.", nullable=False),
        Column("quota_base", "money", "Sum of quotas.", nullable=False),
        Column("booked_base", "money", "Direct credit of the same reps and quarters.", nullable=False),
        Column("error", "ratio", "Σ|booked − quota| ÷ Σ booked."),
        Column("at_quota", "count", "Reps who reached the quota.", nullable=False),
        Column("share_at_quota", "ratio", "at_quota ÷ reps."),
        Column("low", "ratio", "Lower end of the share, 90 % (Wilson)."),
        Column("high", "ratio", "Upper end of the share."),
        Column("correlation", "ratio", "Of quota and bookings over reps.", low=-1, high=1),
    ),
)

QUOTA_BACKTEST_RANGE = Table(
    "quota_backtest_range",
    "a range simulated before the back-tested year, and what came",
    ("measure",),
    (
        Column("measure", "text", "What was drawn.", nullable=False),
        Column("low", "ratio", "Tenth percentile."),
        Column("mid", "ratio", "Median."),
        Column("high", "ratio", "Ninetieth percentile."),
        Column("realised", "ratio", "What came."),
        Column("inside", "bool", "Whether it came inside the range.", nullable=False),
    ),
)

QUOTA_LOAD = Table(
    "quota_load",
    "a quota to load, in the columns of the input table quotas",
    ("holder_id", "level", "period", "measure"),
    (
        Column("holder_id", "text", "A rep_id, or the name of a team, region or company.", nullable=False),
        Column(
            "level",
            "text",
            "What the holder is.",
            nullable=False,
            values=("rep", "team", "region", "company"),
        ),
        Column("period", "text", "Fiscal quarter.", nullable=False),
        Column("measure", "text", "What counts.", nullable=False),
        Column("recorded_at", "datetime", "The end of the day the proposal was made as of.", nullable=False),
        Column("parent_id", "text", "The holder whose quota contains this one."),
        Column("quota_base", "money", "Quota before ramp; ramp_share is applied on reading.", nullable=False),
        Column("currency", "text", "Currency of quota_base.", nullable=False),
        Column("ramp_share", "ratio", "Share of a full quota asked of a new rep.", low=0, high=1),
    ),
)

QUOTA_OUTPUTS = (
    QUOTA_PROPOSAL, QUOTA_LEVELS, PLAN_QUARTERS, CAPACITY_BRIDGE, QUOTA_SIMULATION, QUOTA_BACKTEST,
    QUOTA_BACKTEST_RANGE, QUOTA_LOAD,
)  # fmt: skip
