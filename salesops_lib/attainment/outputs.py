"""The tables the attainment report hands over: a contract, checked on writing."""

from __future__ import annotations

from salesops_lib.attainment.fairness_outputs import FAIRNESS_OUTPUTS
from salesops_lib.attainment.setting.outputs import QUOTA_OUTPUTS
from salesops_lib.core.contracts import Column, Table

_LEVELS = ("rep", "team", "region", "company")


def _holder(extra: str = "") -> tuple[Column, ...]:
    return (
        Column("level", "text", "What the holder is.", nullable=False, values=_LEVELS),
        Column("holder_id", "text", f"Rep id, or name of team, region or company.{extra}", nullable=False),
        Column("period", "text", "Fiscal period, FY26-Q2.", nullable=False),
    )


ATTAINMENT = Table(
    "attainment",
    "a holder in the period for one measure",
    ("level", "holder_id", "period", "measure"),
    (
        *_holder(),
        Column("measure", "text", "What counts, as the quotas name it.", nullable=False),
        Column("quota_base", "money", "Quota as it counts: ramped and by days held. Missing is not zero."),
        Column("credited_base", "money", "Credited bookings to date; at reps with overlay.", nullable=False),
        Column("attainment", "ratio", "credited_base ÷ quota_base; missing where quota is missing or zero."),
        Column("name", "text", "Name of the holder."),
        Column("team", "text", "Team held last in the period."),
        Column("region", "text", "Region held last in the period."),
        Column("role", "text", "Role held last in the period."),
        Column(
            "status", "text", "Why attainment is defined or not.", nullable=False,
            values=("ok", "quota_zero", "quota_missing", "not_held"),
        ),
        Column(
            "quota_source", "text", "Own quota, or what stands in for it.", nullable=False,
            values=("own", "sum_of_members", "sum_of_teams", "missing"),
        ),
        Column("assigned_base", "money", "Quota as assigned for the whole period, before ramp and days."),
        Column("ramp_share", "ratio", "Share of a full quota asked of a new rep.", low=0, high=1),
        Column("days_held_share", "ratio", "Share of the period's days with a role spell.", low=0, high=1),
        Column("overlay_base", "money", "Overlay credit inside a rep's credited_base; in no total."),
        Column("unassigned_base", "money", "Company: won bookings no rep holds, beside credited_base."),
        Column("members_base", "money", "Sum of the prorated quotas of those below."),
        Column("in_totals", "bool", "False for pure overlay holders, who enter no total.", nullable=False),
        Column("finished", "bool", "The period has ended.", nullable=False),
        Column("tenure_days", "days", "Rep: days from the first role spell to the period's end."),
    ),
)  # fmt: skip

BY_SPELL = Table(
    "attainment_by_spell",
    "a rep's stay in one team in the period: the pieces every total is the sum of",
    ("rep_id", "period", "team", "region"),
    (
        Column("rep_id", "text", "The rep.", nullable=False),
        Column("period", "text", "Fiscal period.", nullable=False),
        Column("team", "text", "Team on the close date; missing: in no team on that day."),
        Column("region", "text", "Region on the close date."),
        Column("credited_base", "money", "Direct credit.", nullable=False),
        Column("overlay_base", "money", "Overlay credit, in no total.", nullable=False),
        Column("quota_base", "money", "The part of the rep's quota by days in this team."),
        Column("in_totals", "bool", "False for pure overlay holders.", nullable=False),
    ),
)

PACING = Table(
    "pacing",
    "a holder's projected finish of the period",
    ("level", "holder_id", "period"),
    (
        *_holder(),
        Column("name", "text", "Name of the holder."),
        Column("team", "text", "Team."),
        Column("region", "text", "Region."),
        Column("quota_base", "money", "Quota as it counts."),
        Column("to_date_base", "money", "Credited to date.", nullable=False),
        Column("elapsed_share", "ratio", "Share of the period's business days gone.", low=0, high=1),
        Column("expected_share", "ratio", "Median share of the final that past periods had by now."),
        Column("finish_low_base", "money", "Low end of the projected finish."),
        Column("finish_mid_base", "money", "Middle of the projected finish."),
        Column("finish_high_base", "money", "High end of the projected finish."),
        Column("projected_low", "ratio", "finish_low_base ÷ quota_base."),
        Column("projected_attainment", "ratio", "finish_mid_base ÷ quota_base."),
        Column("projected_high", "ratio", "finish_high_base ÷ quota_base."),
        Column("p_quota", "ratio", "Chance to finish at or above quota.", low=0, high=1),
        Column("attained", "ratio", "to_date_base ÷ quota_base; missing where quota is missing or zero."),
        Column("to_book_base", "money", "quota_base − to_date_base."),
        Column("adds_low_base", "money", "finish_low_base − to_date_base: what the low end still adds."),
        Column("adds_high_base", "money", "finish_high_base − to_date_base."),
        Column("gap_base", "money", "quota_base − finish_mid_base; above 0 is short."),
        Column("interval_level", "ratio", "Probability between low and high.", low=0, high=1),
        Column("past_periods", "count", "Finished periods the range rests on."),
        Column("past_values", "count", "Values of those periods the range rests on."),
        Column(
            "method", "text", "How it was projected.", nullable=False,
            values=("share", "remaining", "combined", "finished", "insufficient"),
        ),
    ),
)  # fmt: skip

COVERAGE = Table(
    "pacing_coverage",
    "a level: how often the pacing range held the outcome in past periods",
    ("level",),
    (
        Column("level", "text", "What the holder is.", nullable=False, values=_LEVELS),
        Column("interval_level", "ratio", "What the range promises.", nullable=False),
        Column("periods", "count", "Past periods tested, each from the ones before it.", nullable=False),
        Column("n", "count", "Projections tested.", nullable=False),
        Column("inside", "count", "Outcomes inside their range.", nullable=False),
        Column("share", "ratio", "inside ÷ n."),
        Column("low", "ratio", "Low end of the Wilson 90 % range of share."),
        Column("high", "ratio", "High end of the Wilson 90 % range of share."),
    ),
)

STANDING = Table(
    "rep_standing",
    "a rep in the period, largest projected gap first",
    ("holder_id", "period"),
    (
        Column("holder_id", "text", "Rep id.", nullable=False),
        Column("period", "text", "Fiscal period.", nullable=False),
        Column("name", "text", "Name."),
        Column("team", "text", "Team held last in the period."),
        Column("region", "text", "Region held last in the period."),
        Column("role", "text", "Role held last in the period."),
        Column("quota_base", "money", "Quota as it counts."),
        Column("credited_base", "money", "Credited to date, with overlay.", nullable=False),
        Column("attainment", "ratio", "credited_base ÷ quota_base."),
        Column("projected_attainment", "ratio", "Middle of the projected finish ÷ quota."),
        Column("projected_low", "ratio", "Low end of the range."),
        Column("projected_high", "ratio", "High end of the range."),
        Column("p_quota", "ratio", "Chance to finish at or above quota.", low=0, high=1),
        Column("gap_base", "money", "Quota − middle of the projected finish."),
        Column("status", "text", "Why attainment is defined or not.", nullable=False),
    ),
)

PARTICIPATION = Table(
    "participation",
    "a group of reps and a threshold in a finished period",
    ("period", "grouping", "group", "threshold"),
    (
        Column("period", "text", "Fiscal period.", nullable=False),
        Column("grouping", "text", "all, or the column grouped by.", nullable=False),
        Column("group", "text", "The group.", nullable=False),
        Column("threshold", "ratio", "Attainment to reach.", nullable=False),
        Column("reps", "count", "Reps with a quota above zero.", nullable=False),
        Column("reached", "count", "Reps at or above the threshold.", nullable=False),
        Column("share", "ratio", "reached ÷ reps; missing under eight reps."),
        Column("low", "ratio", "Low end of the Wilson range."),
        Column("high", "ratio", "High end of the Wilson range."),
    ),
)

CONCENTRATION = Table(
    "concentration",
    "a statistic of how unequally reps carry the bookings of a finished period",
    ("period", "statistic"),
    (
        Column("period", "text", "Fiscal period.", nullable=False),
        Column("statistic", "text", "top_fifth_share or gini.", nullable=False),
        Column("value", "ratio", "The statistic; missing where undefined or under eight reps."),
        Column("low", "ratio", "Low end of the bootstrap range."),
        Column("high", "ratio", "High end of the bootstrap range."),
        Column("reps", "count", "Reps with a quota above zero.", nullable=False),
    ),
)

CASCADE = Table(
    "cascade",
    "a level of the goal cascade",
    ("period", "level"),
    (
        Column("period", "text", "Fiscal period.", nullable=False),
        Column("level", "text", "Level.", nullable=False, values=_LEVELS),
        Column("holders", "count", "Holders of the level.", nullable=False),
        Column("with_quota", "count", "Holders with a quota of their own.", nullable=False),
        Column("quota_base", "money", "Sum of own quotas; missing where none."),
        Column("over_company", "ratio", "quota_base ÷ company goal."),
        Column("gap_base", "money", "quota_base − company goal."),
    ),
)

TEAM_STEPS = Table(
    "cascade_teams",
    "a team with a goal of its own",
    ("period", "team"),
    (
        Column("period", "text", "Fiscal period.", nullable=False),
        Column("team", "text", "The team.", nullable=False),
        Column("region", "text", "Its region."),
        Column("quota_base", "money", "The team's goal.", nullable=False),
        Column("members_base", "money", "Sum of its members' prorated quotas."),
        Column("over_team", "ratio", "members_base ÷ quota_base."),
    ),
)

EXCEPTIONS = Table(
    "attainment_exceptions",
    "a row that could not be used as it stands",
    ("fault", "source_table", "row_key", "period"),
    (
        Column("fault", "text", "What is wrong.", nullable=False),
        Column("source_table", "text", "Input table of the row.", nullable=False),
        Column("row_key", "text", "Key of the row.", nullable=False),
        Column("holder_id", "text", "Who is concerned."),
        Column("period", "text", "Fiscal period where known."),
        Column("money_base", "money", "Money the row carries."),
        Column("reason", "text", "What is wrong and what to do.", nullable=False),
    ),
)

CALIBRATION = Table(
    "pacing_calibration",
    "a level and a band of stated chances to reach quota, over the back-tested projections",
    ("level", "p_from"),
    (
        Column("level", "text", "What the holder is.", nullable=False, values=_LEVELS),
        Column("p_from", "ratio", "Low end of the band.", nullable=False, low=0, high=1),
        Column("p_to", "ratio", "High end of the band.", nullable=False, low=0, high=1),
        Column("n", "count", "Projections in the band; holders already at quota left out.", nullable=False),
        Column("p_mean", "ratio", "Mean chance stated.", low=0, high=1),
        Column("reached", "count", "Of them, finished at or above quota.", nullable=False),
        Column("share", "ratio", "reached ÷ n."),
        Column("low", "ratio", "Low end of the Wilson 90 % range of share."),
        Column("high", "ratio", "High end of the Wilson 90 % range of share."),
    ),
)

HEADLINE = Table(
    "first_screen",
    "a number in the figures at the top of the report, and the cell it comes from",
    ("number",),
    (
        Column("number", "count", "In the order they were written.", nullable=False),
        Column("card", "text", "The figure it stands in.", nullable=False),
        Column("shown", "text", "As it stands there, rounded.", nullable=False),
        Column("value", "number", "Unrounded.", nullable=False),
        Column("table", "text", "The table (CSV of the same name) it comes from.", nullable=False),
        Column("row", "text", "Its row: the key, or the rows taken together.", nullable=False),
        Column("column", "text", "Its column.", nullable=False),
        Column(
            "how", "text", "The cell itself, or over rows.", nullable=False, values=("cell", "sum", "count")
        ),
    ),
)

CURRENCIES = Table(
    "plan_rate_bridge",
    "a currency of the period's bookings, at the day's rate and at the plan's",
    ("period", "currency"),
    (
        Column("period", "text", "Fiscal period.", nullable=False),
        Column("currency", "text", "Currency of the deals; missing: not known."),
        Column("deals", "count", "Bookings.", nullable=False),
        Column("day_base", "money", "Their money at the rate of the close date; missing where unknown."),
        Column("plan_base", "money", "Their money as it counts here, at the plan's rate.", nullable=False),
        Column("effect_base", "money", "day_base − plan_base: what exchange rates added."),
    ),
)

OUTPUTS = (
    ATTAINMENT, BY_SPELL, PACING, COVERAGE, CALIBRATION, STANDING, PARTICIPATION, CONCENTRATION, CASCADE,
    TEAM_STEPS, EXCEPTIONS, CURRENCIES, HEADLINE, *FAIRNESS_OUTPUTS, *QUOTA_OUTPUTS,
)  # fmt: skip
