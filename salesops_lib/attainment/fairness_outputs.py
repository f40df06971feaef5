"""The tables of the report's fairness part: distribution, humps, quota quality, teams; contracts, checked."""

from __future__ import annotations

from salesops_lib.core.contracts import Column, Table

_GROUP = (
    Column("period", "text", "Fiscal period.", nullable=False),
    Column("grouping", "text", "all, or the column grouped by.", nullable=False),
    Column("group", "text", "The group.", nullable=False),
)

HISTOGRAM = Table(
    "attainment_histogram",
    "a step of attainment in a group of reps of a finished period",
    ("period", "grouping", "group", "attained_from"),
    (
        *_GROUP,
        Column("attained_from", "ratio", "From here on; missing: below 0."),
        Column("attained_to", "ratio", "To here, not included; missing: no end."),
        Column("reps", "count", "Reps in the step.", nullable=False),
    ),
)

ECDF = Table(
    "attainment_ecdf",
    "a rep's place in the distribution of a group, lowest first",
    ("period", "grouping", "group", "position"),
    (
        *_GROUP,
        Column("position", "count", "1 is the lowest.", nullable=False),
        Column("reps", "count", "Reps in the group.", nullable=False),
        Column("attainment", "ratio", "Attainment of the rep in this place.", nullable=False),
        Column("share_at_or_below", "ratio", "position ÷ reps; missing under eight reps.", low=0, high=1),
    ),
)

HUMP_GROUPS = Table(
    "two_humps_groups",
    "the reps on one side of the lowest point between two humps",
    ("period", "hump"),
    (
        Column("period", "text", "Fiscal period.", nullable=False),
        Column("hump", "text", "lower or upper.", nullable=False, values=("lower", "upper")),
        Column("reps", "count", "Reps in it.", nullable=False),
        Column("attainment_low", "ratio", "Lowest attainment."),
        Column("attainment_median", "ratio", "Middle rep's attainment."),
        Column("attainment_high", "ratio", "Highest attainment."),
        Column("tenure_days_median", "days", "Middle rep's days since the first role spell."),
        Column("new_reps", "count", "Reps under a year."),
        Column("quota_median_base", "money", "Middle assigned quota."),
    ),
)

TEAM_FIT = Table(
    "team_fit",
    "a team over several finished periods together",
    ("team",),
    (
        Column("team", "text", "Team held on the close date.", nullable=False),
        Column("periods", "text", "First and last finished period taken together.", nullable=False),
        Column("reps", "count", "Reps with a quota above zero.", nullable=False),
        Column("quota_base", "money", "Sum of the reps' quotas as they counted.", nullable=False),
        Column("credited_base", "money", "Direct credit.", nullable=False),
        Column("attainment", "ratio", "credited_base ÷ quota_base."),
        Column("relative", "ratio", "attainment ÷ that of all other teams."),
        Column("low", "ratio", "Low end of the 90 % range of relative."),
        Column("high", "ratio", "High end of the 90 % range of relative."),
    ),
)

QUOTA_QUALITY = Table(
    "quota_quality",
    "what attainment over several finished periods moves with",
    ("driver",),
    (
        Column("driver", "text", "Quota, potential, tenure; or bookings explained by quota.", nullable=False),
        Column("periods", "text", "First and last finished period taken together.", nullable=False),
        Column("reps", "count", "Reps with the driver known.", nullable=False),
        Column("value", "ratio", "Rank correlation with attainment; or the share explained."),
        Column("low", "ratio", "Low end of its 90 % range."),
        Column("high", "ratio", "High end of its 90 % range."),
    ),
)

HUMPS = Table(
    "two_humps",
    "the two-hump check of a finished period",
    ("period",),
    (
        Column("period", "text", "Fiscal period.", nullable=False),
        Column("reps", "count", "Reps with a quota above zero.", nullable=False),
        Column("dip", "ratio", "Hartigan's dip; missing under four reps."),
        Column("p_value", "ratio", "Against the nearest single hump.", low=0, high=1),
        Column("p_flat", "ratio", "Against a flat one, the worst case.", low=0, high=1),
        Column("cut", "ratio", "Attainment between the humps, if there are two."),
        Column("draws", "count", "Simulated samples.", nullable=False),
    ),
)

FAIRNESS_OUTPUTS = (HISTOGRAM, ECDF, HUMPS, HUMP_GROUPS, QUOTA_QUALITY, TEAM_FIT)
